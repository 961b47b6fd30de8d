"""Densities in the plane that a file names: tables and samples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fpsolve.densities import PlaneDensity, PlaneTabulated, as_plane_density
from fpsolve.densities.panelled import edges_around
from fpsolve.densities.plane.samples import plane_samples
from fpsolve.io.case_files import SAMPLES, TABULATED, check_entries, named_file
from fpsolve.io.datasets import read_netcdf
from fpsolve.io.tables import columns, numeric
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, Recipe, Settings, suggestion

_HISTOGRAM = 64


def plane_recipe(entries: Recipe, folder: Path, grid: Mapping[str, Any]) -> Recipe:
    """The recipe of a density in the plane, with arrays in place of files."""
    kind = entries.get("kind")
    kinds = {name for family, name in Settings.registry if family == "plane-density"} | {"samples"}
    if isinstance(kind, str) and kind not in kinds:
        raise InputError("kind", f"given {kind!r}; {suggestion(kind, kinds)}")
    if kind == "samples":
        check_entries(entries, SAMPLES, "samples")
        return _from_samples(named_file(entries, folder), entries, grid).recipe()
    if kind == "tabulated" and not entries.keys() & {"edges_x", "edges_y", "averages"}:
        check_entries(entries, TABULATED, "tabulated")
        return _tabulated(named_file(entries, folder), entries.get("variable")).recipe()
    return entries


def _from_samples(path: Path, entries: Recipe, grid: Mapping[str, Any]) -> PlaneDensity:
    found, variable = columns(path), entries.get("variable")
    if variable is not None and variable not in found:
        raise InputError("variable", f"given {variable!r}; {str(path)!r} holds: {suggestion(str(variable), found)}")
    pairs = [array for array in found.values() if array.ndim == 2 and array.shape[1] == 2]
    flat = [array for array in found.values() if array.ndim == 1]
    if variable is not None:
        samples = found[variable]
    elif len(pairs) == 1:
        samples = pairs[0]
    elif len(found) == len(flat) == 2 and flat[0].size == flat[1].size:
        samples = np.column_stack(flat)
    else:
        raise InputError("variable", f"missing; expected one array (n, 2), {str(path)!r} holds: {', '.join(found)}")
    box = tuple(zip(grid["lower"], grid["upper"], strict=True)) if {"lower", "upper"} <= grid.keys() else None
    try:
        return plane_samples(samples, entries.get("bandwidth"), grid.get("cells", _HISTOGRAM), box)  # type: ignore[arg-type]
    except InputError as error:
        key = f"file {str(path)!r}: samples" if error.key == "samples" else error.key
        raise InputError(key, error.message) from error


def _tabulated(path: Path, variable: Any) -> PlaneDensity:
    try:
        if path.suffix.lower() == ".nc":
            dataset = read_netcdf(path)
            name = _chosen(path, variable, [str(name) for name in dataset.data_vars])
            numeric(name, dataset[name].values)
            return as_plane_density(dataset[name])
        found = columns(path)
        first, second = (_edges(path, found, axis) for axis in "xy")
        name = _chosen(path, variable, [name for name, array in found.items() if array.ndim == 2])
        return PlaneTabulated(first, second, found[name])
    except InputError as error:
        if error.key in ("file", "variable"):
            raise
        raise InputError(f"file {str(path)!r}: {error.key}", error.message) from error


def _chosen(path: Path, variable: Any, names: list[str]) -> str:
    if variable is None and len(names) != 1:
        raise InputError("variable", f"missing; {str(path)!r} holds: {', '.join(names) or 'no table (x, y)'}")
    name = names[0] if variable is None else variable
    if name not in names:
        raise InputError("variable", f"given {name!r}; {str(path)!r} holds: {suggestion(str(name), names)}")
    return str(name)


def _edges(path: Path, found: Mapping[str, Array], axis: str) -> Array:
    if f"edges_{axis}" in found:
        return found[f"edges_{axis}"]
    if axis not in found:
        raise InputError("file", f"{str(path)!r} has neither {axis!r} (cell centres) nor 'edges_{axis}'")
    centres = found[axis]
    if centres.ndim != 1 or centres.size < 2 or not np.all(np.diff(centres) > 0.0):
        raise InputError(axis, "the cell centres must increase; sort them and remove repeated ones")
    return edges_around(centres)
