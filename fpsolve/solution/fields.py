"""What is recorded of a run: fields, moments, mass, and the Dataset that holds them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.discretisation import Operator
from fpsolve.dynamics import FORMAT_VERSION
from fpsolve.fluxes.fourth_order import point_weights
from fpsolve.grids import Array, Axis, Grid
from fpsolve.kernels.plane import at_faces
from fpsolve.settings import InputError

Observables = Mapping[str, Callable[..., Any]]

_AXES = ("x", "y")
#: a rate beyond which a current, a difference of products with it, has no digits left
_FASTEST = 1e9
_LONG = {
    "density": ("cell average of the density", "1"),
    "current": ("probability current", "1"),
    "velocity": ("mean velocity, current over density", "1"),
    "mass": ("total mass in the box", ""),
    "outflow": ("mass that has left through the ends", ""),
    "outflow_end": ("mass that has left through each end", ""),
    "minimum_density": ("least cell average of the density", ""),
    "density_error": ("L1 error bar of the density", ""),
    "mean": ("mean of the position", ""),
    "variance": ("variance of the position", ""),
    "covariance": ("covariance of x and y", ""),
}


def face_values(averages: Array, grid: Grid, axis: int) -> Array:
    """The density at the faces crossed along an axis, from four cells each."""
    own = grid.axes[axis]
    if own.cells < 4:
        edge = np.concatenate([averages.take([0], axis), averages, averages.take([-1], axis)], axis)
        return 0.5 * (edge.take(range(1, own.cells + 2), axis) + edge.take(range(own.cells + 1), axis))
    rows = np.ascontiguousarray(np.moveaxis(averages, axis, -1)).reshape(-1, own.cells)
    out = np.empty((rows.shape[0], own.cells + 1))
    weights = point_weights(own)
    for row, values in zip(rows, out, strict=True):
        at_faces(row, weights, own.periodic, values)
    shape = [size for k, size in enumerate(averages.shape) if k != axis]
    return np.moveaxis(out.reshape(*shape, own.cells + 1), -1, axis)


def moments(masses: Array, grid: Grid) -> dict[str, float]:
    """Mean and variance (in the plane of x and y, and the covariance) of the density with these cell masses.

    Inside the cells the density is linear, with the slope of its values at the faces.
    """
    total = float(np.sum(masses))
    parts = [_axis_moments(masses, grid, axis) for axis in range(grid.dimension)]
    means = [first / total for first, _ in parts]
    variances = [second / total - mean**2 for (_, second), mean in zip(parts, means, strict=True)]
    if grid.dimension == 1:
        return {"mean": means[0], "variance": variances[0]}
    x, y = (axis.centres for axis in grid.axes)
    cross = float((x - means[0]) @ masses @ (y - means[1])) / total
    named = {f"mean_{a}": mean for a, mean in zip(_AXES, means, strict=True)}
    return named | {f"variance_{a}": v for a, v in zip(_AXES, variances, strict=True)} | {"covariance": cross}


def _axis_moments(masses: Array, grid: Grid, axis: int) -> tuple[float, float]:
    own = Grid((grid.axes[axis],))
    profile = np.sum(masses, axis=tuple(k for k in range(grid.dimension) if k != axis))
    centres, widths = own.centres, own.widths
    lean = np.diff(face_values(profile / widths, own, 0)) * widths**2 / 12.0
    first = float(np.sum(profile * centres + lean))
    second = float(np.sum(profile * (centres**2 + widths**2 / 12.0) + 2.0 * centres * lean))
    return first, second


class Recorder:
    """Arrays for all stored times, filled one by one.

    Parameters
    ----------
    grid : Grid
    times : (n,) array
    kept : (k,) array of int
        Which of the times keep their fields.
    observables : mapping
        Name -> function of the coordinates, averaged at every time.
    """

    def __init__(self, grid: Grid, times: Array, kept: Array, observables: Observables) -> None:
        self.grid, self.times, self.kept = grid, times, kept
        self.places = {int(index): place for place, index in enumerate(kept)}
        self.scalars: dict[str, Array] = {}
        self.fields: dict[str, Array] = {}
        self._weights = {name: _weighed(name, function, grid) for name, function in observables.items()}

    def record(self, index: int, masses: Array, outflow: Array, operator: Operator, bar: float) -> None:
        """Take what is asked for at one time."""
        averages = masses / self.grid.volumes
        numbers = {"mass": float(np.sum(masses)), "outflow": float(np.sum(outflow))}
        numbers |= {"minimum_density": float(np.min(averages)), "density_error": bar}
        numbers |= moments(masses, self.grid)
        numbers |= {name: float(np.sum(weight * masses)) for name, weight in self._weights.items()}
        self._put(self.scalars, index, self.times.size, numbers | {"outflow_end": outflow})
        if index in self.places:
            self._put(self.fields, self.places[index], self.kept.size, self._fields(masses, averages, operator))

    @staticmethod
    def _put(store: dict[str, Array], place: int, size: int, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if name not in store:
                store[name] = np.full((size, *np.shape(value)), np.nan)
            store[name][place] = value

    def _fields(self, masses: Array, averages: Array, operator: Operator) -> dict[str, Array]:
        found = {"density": averages}
        exact = operator.reach.real < _FASTEST / float(np.finfo(float).eps) * 1e-16 * 1e6
        for axis, current in enumerate(operator.currents(masses)):
            end = f"_{_AXES[axis]}" if self.grid.dimension == 2 else ""
            if self.grid.dimension == 2:  # per length of the face
                current = current / np.expand_dims(self.grid.axes[1 - axis].widths, axis)
            current = current if exact else np.full_like(current, np.nan)
            there = face_values(averages, self.grid, axis)
            found[f"current{end}"] = current
            found[f"velocity{end}"] = np.divide(current, there, out=np.full_like(current, np.nan), where=there > 1e-290)
        return found

    def dataset(self, recipe: Mapping[str, Any], attributes: Mapping[str, Any]) -> xr.Dataset:
        """Everything recorded, with coordinates, long names and the recipe."""
        whole = self.kept.size == self.times.size
        when = "time" if whole else "snapshot"
        dimension = self.grid.dimension
        variables = {
            name: xr.Variable((when, *_dims(name, dimension)), values, _described(name))
            for name, values in self.fields.items()
        }
        for name, values in self.scalars.items():
            variables[name] = xr.Variable(("time", "end") if values.ndim == 2 else ("time",), values, _described(name))
        coordinates = {"time": xr.Variable(("time",), self.times, _TIME)}
        if not whole:
            coordinates["snapshot"] = xr.Variable(("snapshot",), self.times[self.kept], _SNAPSHOT)
        for name, axis in zip(_AXES, self.grid.axes, strict=False):
            coordinates[name] = xr.Variable((name,), axis.centres, _COORDINATES[name])
            coordinates[f"{name}_face"] = xr.Variable((f"{name}_face",), axis.edges, _COORDINATES[f"{name}_face"])
        ends = [f"{name}_{side}" for name in _AXES[: self.grid.dimension] for side in ("lower", "upper")]
        coordinates["end"] = xr.Variable(("end",), ends)
        fixed = {"Conventions": "CF-1.10", "format_version": FORMAT_VERSION, "title": "fpsolve solution"}
        return xr.Dataset(variables, coordinates, fixed | dict(attributes) | {"recipe": json.dumps(recipe)})


_TIME = {"units": "1", "long_name": "time", "standard_name": "time"}
_SNAPSHOT = {"units": "1", "long_name": "time of the stored fields"}
_COORDINATES = {
    name + end: {"units": "1", "long_name": f"cell {what} along {name}", "axis": name.upper()}
    for name in _AXES
    for end, what in (("", "centre"), ("_face", "face"))
}


def _dims(name: str, dimension: int) -> tuple[str, ...]:
    if dimension == 1:
        return ("x",) if name == "density" else ("x_face",)
    return {"_x": ("x_face", "y"), "_y": ("x", "y_face")}.get(name[-2:], ("x", "y"))


def _described(name: str) -> dict[str, str]:
    base, _, axis = name.rpartition("_") if name[-2:] in ("_x", "_y") else (name, "", "")
    long_name, equation = _LONG.get(base, (f"mean of the observable {name}", ""))
    entries = {"units": "1", "long_name": f"{long_name} along {axis}" if axis else long_name}
    return entries | ({"equation": equation} if equation else {})


def _weighed(name: str, function: Callable[..., Any], grid: Grid) -> Array:
    """Averages of an observable over the cells, by Gauss quadrature in each."""
    if not callable(function):
        raise InputError("observables", f"{name!r} is {type(function).__name__}; expected a function of the position")
    nodes, weights = np.polynomial.legendre.leggauss(3)
    total: Any = 0.0
    for x_node, x_weight in zip(nodes, weights, strict=True):
        x = _inside(grid.axes[0], x_node)
        if grid.dimension == 1:
            total = total + 0.5 * x_weight * np.asarray(function(x), float)
            continue
        for y_node, y_weight in zip(nodes, weights, strict=True):
            y = _inside(grid.axes[1], y_node)
            total = total + 0.25 * x_weight * y_weight * np.asarray(function(x[:, None], y[None, :]), float)
    values = np.broadcast_to(total, grid.shape)
    if not np.all(np.isfinite(values)):
        raise InputError("observables", f"{name!r} is not finite everywhere on the grid")
    return values


def _inside(axis: Axis, node: float) -> Array:
    return axis.centres + 0.5 * node * axis.widths
