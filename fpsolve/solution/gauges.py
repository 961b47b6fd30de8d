"""Numbers that a density gives: mass, moments, averages, the current around a ring."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fpsolve.discretisation import Operator
from fpsolve.fluxes.base import cells_of_faces
from fpsolve.fluxes.fourth_order import point_weights
from fpsolve.grids import Array, Axis, Grid
from fpsolve.integration import Level
from fpsolve.kernels.plane import at_faces
from fpsolve.settings import InputError

Observables = Mapping[str, Callable[..., Any]]

AXES = ("x", "y")
#: rates beyond this leave a current, a difference of products with them, no digits
_FASTEST = 4.5e14
#: rounding of a number, relative to the largest that it could be on the grid
_ROUNDING = 1e-12


class Gauge:
    """What is measured of a density on one grid.

    Parameters
    ----------
    grid : Grid
    observables : mapping
        Name -> function of the position.
    """

    def __init__(self, grid: Grid, observables: Observables) -> None:
        self.grid = grid
        self.weights = {name: observed(name, function, grid) for name, function in observables.items()}
        self.ring = grid.dimension == 1 and grid.axes[0].periodic

    def __call__(self, level: Level, t: float) -> dict[str, float]:
        """All numbers at time t by name."""
        numbers = {"mass": float(np.sum(level.masses)), "outflow": float(np.sum(level.outflow))}
        numbers |= moments(level.masses, self.grid)
        if self.ring:
            numbers["mean_current"] = mean_current(level.system.at(t), level.masses, self.grid)
        if not self.weights:
            return numbers
        sloped = leans(level.masses, self.grid)
        for name, (whole, *sides) in self.weights.items():
            numbers[name] = float(
                np.sum(whole * level.masses) + sum(np.sum(s * lean) for s, lean in zip(sides, sloped, strict=True))
            )
        return numbers

    @property
    def scales(self) -> dict[str, float]:
        """The largest that each number could be: a power of the length of the window, or of an observable."""
        lengths = [axis.length for axis in self.grid.axes]
        scales = {"mass": 1.0, "outflow": 1.0, "mean": lengths[0], "variance": lengths[0] ** 2, "mean_current": 0.0}
        for name, length in zip(AXES, lengths, strict=False):
            scales |= {f"mean_{name}": length, f"variance_{name}": length**2}
        scales["covariance"] = lengths[0] * lengths[-1]
        return scales | {name: float(np.max(np.abs(weights[0]))) for name, weights in self.weights.items()}

    def rounding(self, level: Level, t: float) -> dict[str, float]:
        """What rounding may change of each number."""
        floors = {name: _ROUNDING * scale for name, scale in self.scales.items()}
        if self.ring:
            largest = float(np.max(np.abs(level.masses)))
            floors["mean_current"] = 4.0 * float(np.finfo(float).eps) * level.system.at(t).reach.real * largest
        return floors


def leans(masses: Array, grid: Grid) -> list[Array]:
    """How far the density rises across each cell, along each axis, times the volume of the cell."""
    averages, found = masses / grid.volumes, []
    for axis in range(grid.dimension):
        found.append(np.diff(face_values(averages, grid, axis), axis=axis) * grid.volumes)
    return found


def face_values(averages: Array, grid: Grid, axis: int) -> Array:
    """The density at the faces crossed along an axis, from four cells each."""
    own = grid.axes[axis]
    if own.cells < 4:
        edge = np.concatenate([averages.take([0], axis), averages, averages.take([-1], axis)], axis)
        return 0.5 * (edge.take(range(1, own.cells + 2), axis) + edge.take(range(own.cells + 1), axis))
    weights = point_weights(own)
    if averages.ndim == 1:
        out = np.empty(own.cells + 1)
        at_faces(np.ascontiguousarray(averages), weights, own.uniform, own.periodic, out)
        return out
    shape = [-1 if k == axis else 1 for k in range(averages.ndim)]
    cells = cells_of_faces(own.cells, own.periodic)
    parts = (w.reshape(shape) * averages.take(own_cells, axis) for w, own_cells in zip(weights, cells, strict=True))
    return np.asarray(sum(parts))


def moments(masses: Array, grid: Grid) -> dict[str, float]:
    """Mean and variance (in the plane of x and y, and the covariance) of the density with these cell masses.

    Inside the cells the density is linear, with the slope of its values at the faces; where mass has flowed out they
    are those of what is left.
    """
    total = float(np.sum(masses))
    middles = [0.5 * float(axis.edges[0] + axis.edges[-1]) for axis in grid.axes]
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.divide(_axis_moments(masses, grid, axis, m), total) for axis, m in enumerate(middles)]
    means = [middle + float(first) for middle, (first, _) in zip(middles, parts, strict=True)]
    variances = [float(second - first**2) for first, second in parts]
    if grid.dimension == 1:
        return {"mean": means[0], "variance": variances[0]}
    x, y = (axis.centres for axis in grid.axes)
    cross = float((x - means[0]) @ masses @ (y - means[1])) / total
    named = {f"mean_{a}": mean for a, mean in zip(AXES, means, strict=True)}
    return named | {f"variance_{a}": v for a, v in zip(AXES, variances, strict=True)} | {"covariance": cross}


def _axis_moments(masses: Array, grid: Grid, axis: int, middle: float) -> tuple[float, float]:
    """First and second moment along an axis, about the middle of the window."""
    own = Grid((grid.axes[axis],))
    profile = np.sum(masses, axis=tuple(k for k in range(grid.dimension) if k != axis))
    centres, widths = own.centres - middle, own.widths
    lean = np.diff(face_values(profile / widths, own, 0)) * widths**2 / 12.0
    first = float(np.sum(profile * centres + lean))
    second = float(np.sum(profile * (centres**2 + widths**2 / 12.0) + 2.0 * centres * lean))
    return first, second


def resolved(operator: Operator) -> bool:
    """Whether currents, differences of products with the rates, have digits."""
    return operator.reach.real < _FASTEST


def mean_current(operator: Operator, masses: Array, grid: Grid) -> float:
    """The current averaged over a ring, 1/s; where the state is stationary it is the same everywhere."""
    if not resolved(operator):
        return float("nan")
    (current,) = operator.currents(masses)
    axis = grid.axes[0]
    return float(np.sum(0.5 * (current[1:] + current[:-1]) * axis.widths)) / axis.length


def observed(name: str, function: Callable[..., Any], grid: Grid) -> list[Array]:
    """Averages over the cells of an observable given by a user, as :func:`cell_averages`."""
    if not callable(function):
        raise InputError("observables", f"{name!r} is {type(function).__name__}; expected a function of the position")
    totals = cell_averages(functools.partial(_observed, name, function), grid)
    try:
        found = [np.broadcast_to(total, grid.shape) for total in totals]
    except ValueError as error:
        shape = np.shape(totals[0])
        raise InputError("observables", f"{name!r} returned shape {shape}; write it for numpy arrays") from error
    if not np.all(np.isfinite(found[0])):
        raise InputError("observables", f"{name!r} is not finite everywhere on the grid")
    return found


def cell_averages(function: Callable[..., Any], grid: Grid) -> list[Any]:
    """Averages over the cells of a function, and of it times the place in the cell along each axis (-1/2 to 1/2).

    Together with mass and rise of the density they give its mean to fourth order in the width of the cells.
    """
    totals: list[Any] = [0.0] * (grid.dimension + 1)
    for nodes in itertools.product(zip(*np.polynomial.legendre.leggauss(3), strict=True), repeat=grid.dimension):
        points = np.ix_(*(_inside(axis, node) for axis, (node, _) in zip(grid.axes, nodes, strict=True)))
        values = math.prod(0.5 * weight for _, weight in nodes) * function(*points)
        totals[0] = totals[0] + values
        for axis, (node, _) in enumerate(nodes):
            totals[axis + 1] = totals[axis + 1] + 0.5 * node * values
    return totals


def _observed(name: str, function: Callable[..., Any], *points: Array) -> Array:
    try:
        return np.asarray(function(*points), float)
    except (TypeError, ValueError) as error:
        place = "x" if len(points) == 1 else "x and y"
        raise InputError("observables", f"{name!r} fails ({error}); expected a function of arrays {place}") from error


def _inside(axis: Axis, node: float) -> Array:
    return axis.centres + 0.5 * node * axis.widths
