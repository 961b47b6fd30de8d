"""Two processes in the plane compared: windows, divergences, labels, distances in time."""
