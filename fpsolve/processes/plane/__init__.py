"""Forward processes in the plane."""
