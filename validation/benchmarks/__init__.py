"""Time and error against the packages that people use today, on the same work in the same process."""
