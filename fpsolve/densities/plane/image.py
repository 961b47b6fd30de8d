"""Grey levels of an image as a density in the plane."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpsolve.densities.plane.base import check_corners
from fpsolve.densities.plane.tabulated import PlaneTabulated
from fpsolve.quadrature import Array
from fpsolve.settings import InputError

#: most pixels along a side
LARGEST_SIDE = 4096


def from_image(array: Any, lower: Any, upper: Any) -> PlaneTabulated:
    """A density that is constant on the pixels of an image and proportional to their grey levels: bright is mass.

    Parameters
    ----------
    array : (rows, columns) array
        Grey levels, zero or more, in any unit; row 0 is the top of the image (largest y), column 0 its left (least x).
    lower, upper : (x, y)
        Opposite corners of the image, units of x and y.

    Returns
    -------
    PlaneTabulated
        Of mass one, on ``columns`` cells along x and ``rows`` along y.

    Raises
    ------
    InputError
        Not two dimensions, no pixels or more than 4096 along a side, values that are not numbers, NaN, negative, or
        all zero; corners that are not two pairs of numbers or not below each other.
    """
    low, high = check_corners(lower, upper)
    levels = _checked(array)
    rows, columns = levels.shape
    edges_x, edges_y = (np.linspace(a, b, n + 1) for a, b, n in zip(low, high, (columns, rows), strict=True))
    return PlaneTabulated.normalised(edges_x, edges_y, levels[::-1].T)


def _checked(array: Any) -> Array:
    """Grey levels as floats, or an InputError that names the first bad one by row and column."""
    try:
        pixels = np.asarray(array)
    except ValueError as error:
        raise InputError("array", "its rows differ in length; expected (rows, columns)") from error
    check_shape("array", pixels.shape)
    if pixels.dtype.kind not in "buif":
        raise InputError("array", f"given values of type {pixels.dtype}; expected numbers")
    levels = np.asarray(pixels, float)
    for bad, allowed in ((~np.isfinite(levels), "a finite number"), (levels < 0.0, "zero or more")):
        if bad.any():
            row, column = (int(k) for k in np.argwhere(bad)[0])
            given = f"given {levels[row, column]:g} in row {row}, column {column}"
            raise InputError("array", f"{given}; expected {allowed}")
    if not levels.any():
        raise InputError("array", "it is black all over: bright pixels are mass; invert it if dark ones are meant")
    return levels


def check_shape(key: str, shape: tuple[int, ...]) -> None:
    """Two dimensions, neither empty nor too long, or an InputError."""
    if len(shape) != 2:
        raise InputError(key, f"given shape {shape}; expected (rows, columns), one grey level per pixel")
    if not 1 <= min(shape) <= max(shape) <= LARGEST_SIDE:
        raise InputError(key, f"given {shape[0]} x {shape[1]} pixels; expected 1 to {LARGEST_SIDE} along each side")
