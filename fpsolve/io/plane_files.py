"""Densities in the plane that a file names: tables, samples and images."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fpsolve.cases.plane import check_cells
from fpsolve.densities import PlaneDensity, PlaneTabulated, as_plane_density, from_image
from fpsolve.densities.panelled import edges_around
from fpsolve.densities.plane.base import Box, check_corners
from fpsolve.densities.plane.image import check_shape
from fpsolve.densities.plane.samples import plane_samples
from fpsolve.io.datasets import read_netcdf
from fpsolve.io.named_files import SAMPLES, TABULATED, check_entries, named_file
from fpsolve.io.tables import UNREADABLE, columns, numeric
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, Recipe, Settings, suggestion

_IMAGE = ("kind", "file", "lower", "upper")
_HISTOGRAM = 64
#: shares of red, green and blue in the luminance of a colour (ITU-R BT.601)
_LUMINANCE = (0.299, 0.587, 0.114)


def plane_recipe(entries: Recipe, folder: Path, grid: Mapping[str, Any]) -> Recipe:
    """The recipe of a density in the plane, with arrays in place of files."""
    kind = entries.get("kind")
    kinds = {name for family, name in Settings.registry if family == "plane-density"} | {"samples", "image"}
    if isinstance(kind, str) and kind not in kinds:
        raise InputError("kind", f"given {kind!r}; {suggestion(kind, kinds)}")
    if kind == "samples":
        check_entries(entries, SAMPLES, "samples")
        return _from_samples(named_file(entries, folder), entries, grid).recipe()
    if kind == "image":
        check_entries(entries, _IMAGE, "image")
        return _from_image(named_file(entries, folder), entries).recipe()
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
    try:
        return plane_samples(samples, entries.get("bandwidth"), _cells(grid), _box(grid))
    except InputError as error:
        key = f"file {str(path)!r}: samples" if error.key == "samples" else error.key
        raise InputError(key, error.message) from error


def _cells(grid: Mapping[str, Any]) -> Any:
    cells = grid.get("cells", _HISTOGRAM)
    # a problem file may give one number for both axes
    return check_cells((cells, cells) if isinstance(cells, int) else cells)


def _box(grid: Mapping[str, Any]) -> Box | None:
    """Both sides of the window, where one is given."""
    if not {"lower", "upper"} <= grid.keys():
        return None
    try:
        lower, upper = check_corners(grid["lower"], grid["upper"])
    except InputError as error:
        raise error.within("[grid]") from error
    return (lower[0], upper[0]), (lower[1], upper[1])


def _from_image(path: Path, entries: Recipe) -> PlaneTabulated:
    for key in ("lower", "upper"):
        if key not in entries:
            raise InputError(key, "missing; an image needs its corners, lower = [x, y] and upper = [x, y]")
    reader = {".npy": _levels_in_array, ".png": _levels_in_picture}.get(path.suffix.lower())
    if reader is None:
        raise InputError("file", f"given {path.name!r}; an image ends in .npy or .png")
    if not path.is_file():
        raise InputError("file", f"given {str(path)!r}; there is no such file")
    try:
        levels = reader(path)
    except InputError:
        raise
    except UNREADABLE as error:
        raise InputError("file", f"{str(path)!r} cannot be read: {error}") from error
    try:
        return from_image(levels, entries["lower"], entries["upper"])
    except InputError as error:
        raise InputError(f"file {str(path)!r}" if error.key == "array" else error.key, error.message) from error


def _levels_in_array(path: Path) -> Any:
    """The array of a .npy file; its shape is checked before it is read."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise ValueError("it is an archive; expected a single array (rows, columns)")
    check_shape(f"file {str(path)!r}", array.shape)
    return np.array(array)


def _levels_in_picture(path: Path) -> Array:
    """Grey levels of a .png file: the luminance of colours, on black where it is transparent."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # huge pictures are refused below, by their size
        try:
            with Image.open(path, formats=("PNG",)) as image:
                check_shape(f"file {str(path)!r}", (image.height, image.width))
                return _luminance(image)
        except Image.DecompressionBombError as error:
            raise ValueError(str(error)) from error


def _luminance(image: Any) -> Array:
    if image.mode[0] in "IF":  # 16 bits and more
        return np.asarray(image, float)
    if "A" in image.mode or "transparency" in image.info:
        channels = np.asarray(image.convert("RGBA"), float)
        return channels[..., :3] @ _LUMINANCE * (channels[..., 3] / 255.0)
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"), float)
    return np.asarray(image.convert("RGB"), float) @ _LUMINANCE


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
