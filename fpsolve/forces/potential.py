"""A force that is minus the gradient of a potential."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from fpsolve.forces.base import FunctionForce, Points, evaluated, takes_time
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError, whole

#: step of the differences that make a force of a potential, in units of the smallest distance between the points, and
#: the weights of the sixth-order central difference
_STEP = 0.25
_WEIGHTS = {1: 3.0 / 4.0, 2: -3.0 / 20.0, 3: 1.0 / 60.0}


@dataclasses.dataclass(frozen=True, eq=False)
class PotentialForce(FunctionForce):
    """F = -grad U with U given by a Python function, or by its values at the centres of a grid.

    Parameters
    ----------
    potential_energy : callable or array
        ``(x, t)`` or ``(x)`` -> U on a line; ``(x, y, t)`` or ``(x, y)`` -> U in the plane, vectorised over numpy
        arrays; an array holds U at the centres of ``grid``. Without t among its arguments U is evaluated once only.
    dimension : int
        1 or 2, for a function.
    grid : Grid, optional
        Where an array is given: splines pass through its values.

    Raises
    ------
    InputError
        Another number of arguments; values that are not finite or have the wrong shape.
    """

    potential_energy: Any
    dimension: int = 1
    grid: Grid | None = None

    def __post_init__(self) -> None:
        if self.grid is not None:
            function: Callable[..., Any] = _spline(np.asarray(self.potential_energy, float), self.grid)
            object.__setattr__(self, "dimension", self.grid.dimension)
        else:
            function = self.potential_energy
            if isinstance(function, np.ndarray):
                raise InputError("potential", "given an array; name the grid it lives on: PotentialForce(U, grid=grid)")
        whole("dimension", self.dimension, 1, 2)
        object.__setattr__(self, "_function", function)
        object.__setattr__(self, "_timed", takes_time(function, self.dimension, "potential"))

    def potential(self, points: Points, t: float) -> Array:
        function = self._function  # type: ignore[attr-defined]
        return evaluated(function(*points) if self.steady else function(*points, t), points, "potential")

    def field(self, points: Points, t: float) -> Points:
        """By central differences of sixth order, on a fraction of the distance between the points."""
        return tuple(self._component(points, axis, t) for axis in range(self.dimension))

    def _component(self, points: Points, axis: int, t: float) -> Array:
        x = np.asarray(points[axis], float)
        step = _STEP * _resolution(x)
        total: Array | float = 0.0
        for k, weight in _WEIGHTS.items():
            ahead, behind = ([*points[:axis], x + sign * k * step, *points[axis + 1 :]] for sign in (1.0, -1.0))
            total = total + weight * (self.potential(tuple(ahead), t) - self.potential(tuple(behind), t))
        return np.asarray(-total / step)


def _resolution(x: Array) -> float:
    """Smallest distance between neighbouring points, or their size where there is one only."""
    gaps = np.diff(np.unique(x))
    return float(np.min(gaps)) if gaps.size else 1e-3 * max(1.0, float(np.max(np.abs(x))))


def _spline(values: Array, grid: Grid) -> Callable[..., Any]:
    """U between the centres of a grid."""
    if values.shape != grid.shape:
        raise InputError("potential", f"given shape {values.shape}; expected that of the grid, {grid.shape}")
    if not np.all(np.isfinite(values)):
        raise InputError("potential", "it is not finite everywhere; give numbers at all centres")
    from scipy.interpolate import RectBivariateSpline, make_interp_spline

    if grid.dimension == 1:
        axis = grid.axis
        x, u = axis.centres, values
        if axis.periodic:  # copies on both sides: a ring has no ends
            x = np.concatenate([x - axis.length, x, x + axis.length])
            u = np.tile(u, 3)
        spline = make_interp_spline(x, u, k=min(5, x.size - 1))
        return lambda x: spline(x)
    centres = [axis.centres for axis in grid.axes]
    surface = RectBivariateSpline(*centres, values, kx=min(5, centres[0].size - 1), ky=min(5, centres[1].size - 1))
    return functools.partial(_on_surface, surface)


def _on_surface(surface: Any, x: Array, y: Array) -> Array:
    return np.asarray(surface.ev(*np.broadcast_arrays(x, y)))
