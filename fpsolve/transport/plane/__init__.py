"""Optimal transport between densities in the plane, on rectangles of equal cells."""
