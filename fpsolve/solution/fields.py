"""What is recorded of a run: fields and numbers in time, and the Dataset that holds them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fpsolve.cases import pack
from fpsolve.discretisation import Operator
from fpsolve.dynamics import FORMAT_VERSION
from fpsolve.grids import Array, Grid
from fpsolve.solution.gauges import AXES, face_values, resolved

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
    "mean_current": ("current averaged over the ring", "1"),
}


class Recorder:
    """Arrays for all stored times, filled one by one.

    Parameters
    ----------
    grid : Grid
    times : (n,) array
    kept : (k,) array of int
        Which of the times keep their fields.
    """

    def __init__(self, grid: Grid, times: Array, kept: NDArray[np.intp]) -> None:
        self.grid, self.times, self.kept = grid, times, kept
        self.places = {int(index): place for place, index in enumerate(kept)}
        self.scalars: dict[str, Array] = {}
        self.fields: dict[str, Array] = {}

    def record(self, index: int, masses: Array, operator: Operator, numbers: Mapping[str, Any]) -> None:
        """Take the numbers of one time, and the fields where they are kept."""
        averages = masses / self.grid.volumes
        self._put(self.scalars, index, self.times.size, {"minimum_density": float(np.min(averages)), **numbers})
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
        for axis, current in enumerate(operator.currents(masses)):
            end = f"_{AXES[axis]}" if self.grid.dimension == 2 else ""
            if self.grid.dimension == 2:  # per length of the face
                current = current / np.expand_dims(self.grid.axes[1 - axis].widths, axis)
            current = current if resolved(operator) else np.full_like(current, np.nan)
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
        coordinates = _coordinates(self.grid, tuple(self.times.tolist()), None if whole else tuple(self.kept.tolist()))
        text, arrays = pack(dict(recipe))
        for name, array in arrays.items():
            own = tuple(f"{name}_{axis}" for axis in range(array.ndim))
            variables[name] = xr.Variable(own, array, {"units": "1", "long_name": "array of the recipe"})
        fixed = {"Conventions": "CF-1.10", "format_version": FORMAT_VERSION, "title": "fpsolve solution"}
        return xr.Dataset(variables, coordinates, fixed | dict(attributes) | {"recipe": text})


@functools.lru_cache(maxsize=16)
def _coordinates(grid: Grid, times: tuple[float, ...], kept: tuple[int, ...] | None) -> Any:
    """Times, snapshots, centres and faces; kept, for making their indexes costs as much as a small run."""
    coordinates = {"time": xr.Variable(("time",), np.array(times), _TIME)}
    if kept is not None:
        snapshots = np.array(times)[np.array(kept, int)]
        coordinates["snapshot"] = xr.Variable(("snapshot",), snapshots, _SNAPSHOT)
    for name, axis in zip(AXES, grid.axes, strict=False):
        coordinates[name] = xr.Variable((name,), axis.centres, _COORDINATES[name])
        coordinates[f"{name}_face"] = xr.Variable((f"{name}_face",), axis.edges, _COORDINATES[f"{name}_face"])
    ends = [f"{name}_{side}" for name in AXES[: grid.dimension] for side in ("lower", "upper")]
    coordinates["end"] = xr.Variable(("end",), ends)
    return xr.Dataset(coords=coordinates).coords


_TIME = {"units": "1", "long_name": "time", "standard_name": "time"}
_SNAPSHOT = {"units": "1", "long_name": "time of the stored fields"}
_COORDINATES = {
    name + end: {"units": "1", "long_name": f"cell {what} along {name}", "axis": name.upper()}
    for name in AXES
    for end, what in (("", "centre"), ("_face", "face"))
}


def _dims(name: str, dimension: int) -> tuple[str, ...]:
    if dimension == 1:
        return ("x",) if name == "density" else ("x_face",)
    return {"_x": ("x_face", "y"), "_y": ("x", "y_face")}.get(name[-2:], ("x", "y"))


@functools.lru_cache(maxsize=64)
def _described(name: str) -> dict[str, str]:
    if name.endswith("_error") and name != "density_error":
        return {"units": "1", "long_name": "error bar: " + _described(name.removesuffix("_error"))["long_name"]}
    base, _, axis = name.rpartition("_") if name[-2:] in ("_x", "_y") else (name, "", "")
    long_name, equation = _LONG.get(base, (f"mean of the observable {name}", ""))
    entries = {"units": "1", "long_name": f"{long_name} along {axis}" if axis else long_name}
    return entries | ({"equation": equation} if equation else {})
