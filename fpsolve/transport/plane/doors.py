"""Distances between two densities in the plane: the rectangle is chosen, masses are checked, then the solvers run."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fpsolve.densities import PlaneDensity, as_plane_density
from fpsolve.densities.plane.base import check_pair
from fpsolve.grids import Grid
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, whole
from fpsolve.transport.plane.beckmann import Beckmann, beckmann
from fpsolve.transport.plane.quadratic import QuadraticTransport, quadratic_transport

#: mass left outside a rectangle that is chosen, on each side, and the most that a given one may cut
_TAIL, _MOST_CUT = 1e-9, 1e-2
#: cells per smallest width below which a grid is too coarse to be trusted
_COARSE = 1.0


def transport_w2(
    first: Any,
    second: Any,
    *,
    cells: int | tuple[int, int] = 256,
    lower: tuple[float, float] | None = None,
    upper: tuple[float, float] | None = None,
) -> QuadraticTransport:
    """Optimal transport for the squared distance between two densities in the plane (53), (61).

    Parameters
    ----------
    first, second : PlaneDensity or xarray.DataArray
        The densities.
    cells : int or (int, int)
        Equal cells along each axis.
    lower, upper : (float, float), optional
        Corners of the rectangle, units of x and y; it holds both densities if absent.

    Returns
    -------
    QuadraticTransport
        ``distance`` with its error bar, a lower bound, the Brenier map and its inverse, both potentials, and the
        displacement interpolation at any instant.

    Raises
    ------
    InputError
        Something that is no density in the plane, or a rectangle that cuts more than 1% of a mass.
    """
    grid, masses = _on_grid(first, second, cells, lower, upper)
    return quadratic_transport(grid, *masses)


def transport_w1(
    first: Any,
    second: Any,
    *,
    cells: int | tuple[int, int] = 256,
    lower: tuple[float, float] | None = None,
    upper: tuple[float, float] | None = None,
    tolerance: float = 1e-3,
) -> Beckmann:
    """Optimal transport for the distance itself between two densities in the plane (53), (58).

    Parameters
    ----------
    first, second, cells, lower, upper
        As for :func:`transport_w2`.
    tolerance : float
        Relative gap between primal and dual at which the solver stops.

    Returns
    -------
    Beckmann
        ``distance`` with its error bar, primal and dual values, the potential of slope at most one, the flux.

    Raises
    ------
    InputError
        As for :func:`transport_w2`.
    """
    grid, masses = _on_grid(first, second, cells, lower, upper)
    return beckmann(grid, masses[0] - masses[1], tolerance=tolerance)


def _on_grid(first: Any, second: Any, cells: Any, lower: Any, upper: Any) -> tuple[Grid, tuple[Array, Array]]:
    pair = [as_plane_density(density) for density in (first, second)]
    counts = tuple(whole("cells", n, 8, 8192) for n in ((cells, cells) if np.ndim(cells) == 0 else cells))
    if (lower is None) != (upper is None):
        raise InputError("lower", "give both lower and upper, or neither")
    if lower is None:
        boxes = np.array([density.interval(_TAIL) for density in pair])
        lower, upper = boxes[:, :, 0].min(axis=0), boxes[:, :, 1].max(axis=0)
    else:
        lower, upper = check_pair("lower", lower), check_pair("upper", upper)
    grid = Grid.plane(lower, upper, counts)
    masses = [density.cell_masses(*(axis.edges for axis in grid.axes)) for density in pair]
    for name, density, held in zip(("first", "second"), pair, masses, strict=True):
        _check(name, density, float(held.sum()), grid)
    return grid, (masses[0] / masses[0].sum(), masses[1] / masses[1].sum())


def _check(name: str, density: PlaneDensity, mass: float, grid: Grid) -> None:
    if mass < 1.0 - _MOST_CUT:
        raise InputError(
            name,
            f"the rectangle cuts {1.0 - mass:.2%} of its mass; at most 1% is allowed (widen it, or leave lower and "
            "upper out)",
        )
    cells = (density.finest or np.inf) / max(float(axis.widths[0]) for axis in grid.axes)
    if cells < _COARSE:
        warnings.warn(f"{name}: {cells:.2g} cells per its smallest width; expect wide bars (refine)", stacklevel=4)
