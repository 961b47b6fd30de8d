"""The Wasserstein-2 distance between two densities of a solution."""

from __future__ import annotations

import math

import numpy as np

from fpsolve.estimates import Estimate
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError
from fpsolve.transport.line import wasserstein_cells
from fpsolve.transport.plane import quadratic_transport


def distance(start: Array, end: Array, grid: Grid) -> Estimate:
    """W2 between two arrays of masses in the cells of a grid, L; negative rounding is left out.

    Parameters
    ----------
    start, end : arrays of the grid's shape
        Masses.
    grid : Grid
        A line of any cells, or a plane of equal ones.

    Returns
    -------
    Estimate
        Undefined on a ring, where mass may go either way round.
    """
    if any(axis.periodic for axis in grid.axes):
        return Estimate.undefined("on a ring mass may go either way round; W2 is computed on lines and in planes", "L")
    first, second = (np.maximum(masses, 0.0) for masses in (start, end))
    first, second = first / np.sum(first), second / np.sum(second)
    cut = float(np.sum(np.maximum(-start, 0.0)) + np.sum(np.maximum(-end, 0.0)))
    reach = math.hypot(*(axis.length for axis in grid.axes))
    if grid.dimension == 1:
        value, error = wasserstein_cells(grid.axis.edges, first, grid.axis.edges, second, 2.0)
    else:
        try:
            plane = quadratic_transport(grid, first, second).distance
        except InputError as refused:
            return Estimate.undefined(f"W2 in the plane: {refused.message}", "L")
        value, error = plane.value, plane.error
    # what is left out moves W2² by no more than its mass times the square of the largest distance
    moved = cut * reach**2
    return Estimate(value, error + min(np.sqrt(moved), moved / value if value > 0.0 else np.inf), "L")
