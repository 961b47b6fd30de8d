"""Second- and fourth-order finite volumes by hand, as a user of NumPy writes them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from validation.benchmarks.rivals.problems import Problem

Array = np.ndarray
#: rates across a face to the right and to the left, in units of T/h^2, from f h/T left of it, on it and right of it
Rates = Callable[[Array, Array, Array], tuple[Array, Array]]


def bernoulli(z: Array) -> Array:
    """Bernoulli's function z / (exp(z) - 1)."""
    near = np.abs(z) < 1e-5
    safe = np.where(near, 1.0, z)
    return np.where(near, 1.0 - z / 2.0 + z * z / 12.0, safe / np.expm1(safe))


def scharfetter_gummel(left: Array, face: Array, right: Array) -> tuple[Array, Array]:
    return bernoulli(-face), bernoulli(face)


def central(left: Array, face: Array, right: Array) -> tuple[Array, Array]:
    """The mean of f P of the two cells, as finite differences have it."""
    return 1.0 + 0.5 * left, 1.0 - 0.5 * right


def square_root(left: Array, face: Array, right: Array) -> tuple[Array, Array]:
    """Rates exp(-dU/2T), as in Langevin Monte Carlo and in fplanck."""
    return np.exp(0.5 * face), np.exp(-0.5 * face)


def bands(drift: Array, h: float, rates: Rates) -> tuple[Array, Array, Array]:
    """Lower, main and upper diagonal of -d/dx(f P) + P'' without flux through the ends.

    ``drift`` alternates between cells and faces on its last axis: cell, face, cell, ..., cell.
    """
    z = drift * h
    right, left = (rate / h**2 for rate in rates(z[..., :-1:2], z[..., 1::2], z[..., 2::2]))
    main = np.zeros((*right.shape[:-1], right.shape[-1] + 1))
    main[..., :-1] -= right
    main[..., 1:] -= left
    return right, main, left


def points(problem: Problem, cells: int) -> Array:
    """Centres and inner faces, in turn."""
    return np.linspace(-problem.half, problem.half, 2 * cells + 1)[1:-1]


def line_bands(problem: Problem, cells: int, rates: Rates) -> tuple[Array, Array, Array]:
    """The bands for the drift -x."""
    return bands(-points(problem, cells), problem.width(cells), rates)


def fourth_order_bands(drift: Array, h: float) -> Array:
    """Rows 2, 1, 0, -1, -2 of the pentadiagonal fourth-order operator, as ``solve_banded`` wants them; faces last.

    On a face P = (7 (p0 + p1) - (p-1 + p2)) / 12 and P' = (15 (p1 - p0) - (p2 - p-1)) / 12h; the first and the last
    inner face, where there is nothing, are left without their outer cells.
    """
    cells = drift.shape[-1] + 1
    flux = np.zeros((4, *drift.shape))  # weight of the cells -1, 0, 1, 2 in the flux through face i, between 0 and 1
    for k, (value, slope) in enumerate(((-1.0, 1.0), (7.0, -15.0), (7.0, 15.0), (-1.0, -1.0))):
        flux[k] = (drift * value - slope / h) / 12.0
    flux[0, ..., 0] = flux[3, ..., -1] = 0.0
    rows = np.zeros((5, *drift.shape[:-1], cells))
    for k in range(4):
        # face i lies right of cell i; weight k belongs to cell i + k - 1, whose column it is
        columns = np.arange(cells - 1) + k - 1
        kept = (columns >= 0) & (columns < cells)
        rows[3 - k][..., columns[kept]] -= flux[k][..., kept] / h
        rows[4 - k][..., columns[kept]] += flux[k][..., kept] / h
    return rows
