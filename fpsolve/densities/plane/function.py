"""Densities in the plane given by a Python function, or by anything that looks like a density."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpsolve.densities.base import check_points
from fpsolve.densities.panelled import edges_around
from fpsolve.densities.plane.base import Box, Pair, PlaneDensity, check_corners, check_edges
from fpsolve.densities.plane.normal import subdivided
from fpsolve.densities.plane.panels import NODES, TO_COEFFICIENTS, PlanePanels, check_mass, gauss_rule, moments
from fpsolve.densities.plane.tabulated import PlaneTabulated
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, Recipe

#: panels along each axis of the box: what a cell is compared with
PANELS = 64
#: points at which a function is evaluated at a time
_MANY = 2**20


@dataclasses.dataclass(frozen=True, eq=False)
class PlaneFunction(PlaneDensity):
    """Density given by a vectorised Python function on a box, zero beyond.

    Averages come from 6 x 6 Gauss-Legendre points in each cell; a cell that is wider than 1/64 of the box is divided
    until its parts are not.

    Parameters
    ----------
    function : callable
        Density at points: two arrays of one shape, x and y, to an array of that shape.
    lower, upper : (x, y)
        Opposite corners of the box that holds the mass, units of x and y.

    Raises
    ------
    InputError
        Negative or non-finite values, or a mass on the box that differs from one by more than 1e-6.

    Notes
    -----
    A function has no place in a file: the recipe holds :class:`PlanePanels`, the polynomials of degree 5 through the
    Gauss points of 64 x 64 panels, 1e-7 of the largest average off where the density is an 18th of the box wide.
    """

    function: Callable[[Array, Array], Array]
    lower: Pair
    upper: Pair

    def __post_init__(self) -> None:
        lower, upper = check_corners(self.lower, self.upper)
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)
        if not callable(self.function):
            raise InputError("function", f"given {type(self.function).__name__}; expected a function of x and y")
        object.__setattr__(self, "_mass", 1.0)
        mass = self._moments[0]
        check_mass("function", mass, self.support)
        object.__setattr__(self, "_mass", mass)

    @property
    def _edges(self) -> tuple[Array, Array]:
        """Edges of the panels along both axes."""
        first, second = (np.linspace(*side, PANELS + 1) for side in self.support)
        return first, second

    @functools.cached_property
    def _moments(self) -> tuple[float, Array, Array]:
        return moments(self._inside, *map(gauss_rule, self._edges))

    def _inside(self, x: Array, y: Array) -> Array:
        """Values of the function at points in the box, checked and divided by the mass."""
        values = np.asarray(self.function(x, y), float)
        if values.shape != x.shape:
            raise InputError("function", f"returned shape {values.shape} for {x.shape}; it must be vectorised")
        bad = ~(np.isfinite(values) & (values >= 0.0))
        if bad.any():
            place = f"({x[bad].flat[0]:g}, {y[bad].flat[0]:g})"
            raise InputError("function", f"negative or not finite at (x, y) = {place}; a density is neither")
        return values / self._mass  # type: ignore[attr-defined]

    def pdf(self, x: Any, y: Any) -> Array:
        x, y = (np.array(values, float) for values in np.broadcast_arrays(x, y))
        inside = np.all([(a <= v) & (v <= b) for v, (a, b) in zip((x, y), self.support, strict=True)], axis=0)
        out = np.zeros(x.shape)
        if inside.any():
            out[inside] = self._inside(x[inside], y[inside])
        return out

    def cell_masses(self, edges_x: Array, edges_y: Array) -> Array:
        axes = [
            _cell_rule(check_edges(name, edges), side)
            for name, edges, side in zip(("edges_x", "edges_y"), (edges_x, edges_y), self.support, strict=True)
        ]
        (x, weights_x, first), (y, weights_y, second) = axes
        out = np.zeros((np.size(edges_x) - 1, np.size(edges_y) - 1))
        rows = max(_MANY // max(y.size, 1), 1)
        for i in range(0, x.size if y.size else 0, rows):
            part = slice(i, i + rows)
            values = self._inside(*np.meshgrid(x[part], y, indexing="ij")) * weights_y
            starts = np.flatnonzero(np.diff(second, prepend=-1))
            held = np.add.reduceat(values, starts, axis=1)
            np.add.at(out, (first[part, None], second[starts]), held * weights_x[part, None])
        return out

    def _interval(self, tail: float) -> Box:
        return self.support

    @property
    def mean(self) -> Array:
        return self._moments[1].copy()

    @property
    def covariance(self) -> Array:
        return self._moments[2].copy()

    @property
    def support(self) -> Box:
        return (self.lower[0], self.upper[0]), (self.lower[1], self.upper[1])

    def recipe(self) -> Recipe:
        x, y = (gauss_rule(edges)[0] for edges in self._edges)
        values = self._inside(*np.meshgrid(x, y, indexing="ij")).reshape(PANELS, NODES, PANELS, NODES)
        coefficients = np.einsum("pa,manb,qb->mnpq", TO_COEFFICIENTS, values, TO_COEFFICIENTS)
        return PlanePanels(self._edges[0], self._edges[1], coefficients).recipe()


def _cell_rule(edges: Array, side: Pair) -> tuple[Array, Array, NDArray[np.intp]]:
    """Nodes, weights and cells of the rule on the parts of the cells that lie within a side of the box."""
    inside = np.unique(np.clip(edges, *side))
    if inside.size < 2:
        return np.empty(0), np.empty(0), np.empty(0, np.intp)
    panels = subdivided(inside, np.full(inside.size - 1, (side[1] - side[0]) / PANELS * (1.0 + 1e-9)))
    nodes, weights = gauss_rule(panels)
    cells = np.searchsorted(edges, 0.5 * (panels[1:] + panels[:-1]), side="right") - 1
    return nodes, weights, np.repeat(cells, NODES)


def as_plane_density(source: Any, lower: Any = None, upper: Any = None) -> PlaneDensity:
    """A density in the plane from whatever looks like one.

    Parameters
    ----------
    source : PlaneDensity, xarray.DataArray, or callable
        A DataArray needs two dimensions with increasing coordinates: its values are taken as averages over the cells
        around them, as :class:`PlaneTabulated`; dimensions ``y`` and ``x`` may stand in either order. A callable is
        a density (x, y) -> values, as :class:`PlaneFunction`.
    lower, upper : (x, y), optional
        Corners of the box of a callable, units of x and y.

    Raises
    ------
    InputError
        Anything else, a callable without a box, a box for anything but a callable, and what the class refuses.
    """
    boxed = lower is not None or upper is not None
    if callable(source) and not isinstance(source, PlaneDensity) and not hasattr(source, "dims"):
        if lower is None or upper is None:
            missing = "lower" if lower is None else "upper"
            raise InputError(missing, "missing; a function needs the box that holds its mass: lower and upper, [x, y]")
        return PlaneFunction(source, lower, upper)
    if boxed:
        raise InputError("lower", f"given with a {type(source).__name__}; only a function takes a box: leave it out")
    if isinstance(source, PlaneDensity):
        return source
    if hasattr(source, "dims") and hasattr(source, "coords") and hasattr(source, "values"):
        return _from_array(source)
    given = f"given {type(source).__name__}"
    raise InputError(
        "density", f"{given}; expected a PlaneDensity, an xarray.DataArray of two dimensions, or a function of x and y"
    )


def _from_array(array: Any) -> PlaneTabulated:
    """Cell averages from a two-dimensional xarray.DataArray whose coordinates give the cell centres."""
    dims = list(array.dims)
    if len(dims) != 2:
        raise InputError("density", f"given dimensions {tuple(dims)}; expected exactly two")
    values = np.asarray(array.values, float)
    if dims == ["y", "x"]:
        dims, values = ["x", "y"], values.T
    edges = []
    for name in dims:
        if name not in array.coords:
            raise InputError("density", f"dimension {name!r} has no coordinate; assign cell centres to it")
        centres = check_points(str(name), np.asarray(array.coords[name].values), increasing=True)
        if centres.size < 2:
            raise InputError("density", f"given {centres.size} cell along {name}; at least 2 are needed")
        edges.append(edges_around(centres))
    return PlaneTabulated(edges[0], edges[1], values)
