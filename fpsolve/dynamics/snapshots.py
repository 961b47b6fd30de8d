"""Somebody's densities at a few times, read from an xarray object and checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from fpsolve.densities.base import check_points
from fpsolve.densities.panelled import edges_around
from fpsolve.quadrature import Array
from fpsolve.settings import InputError

#: names by which a dimension is known to be time, or a place
_TIME = ("time", "t", "times", "snapshot", "snapshots")
_PLACE = ("x", "y", "position", "space", "cell")
#: negative values, relative to the largest one, that count as rounding of whoever computed the density
_ROUNDING = 1e-6
#: change of the mass in time, relative to it, that is taken for an error of the data
_DRIFT = 1e-2
#: fewest cells along an axis
_FEWEST = 8
#: values at the centres of equal cells from their averages, of sixth order in the width
_CENTRE = np.array([9.0, -116.0, 2134.0, -116.0, 9.0]) / 1920.0


@dataclasses.dataclass(frozen=True, eq=False)
class Snapshots:
    """Densities at some times on a line or a rectangle.

    Parameters
    ----------
    times : (n,) array
        Increasing, s.
    edges : tuple of arrays
        Increasing cell edges along each axis, L.
    averages : (n, cells) or (n, nx, ny) array
        Cell averages, none negative, each row of mass one.
    clipped : (n,) array
        Negative mass that was set to zero, as a part of the whole.
    """

    times: Array
    edges: tuple[Array, ...]
    averages: Array
    clipped: Array

    @property
    def masses(self) -> Array:
        """Masses of the cells, of the shape of the averages."""
        return self.averages * volumes(self.edges)


def volumes(edges: Sequence[Array]) -> Array:
    """Lengths or areas of the cells."""
    widths = [np.diff(edge) for edge in edges]
    return widths[0] if len(widths) == 1 else np.multiply.outer(widths[0], widths[1])


def read_snapshots(
    density: Any,
    time: str | None = None,
    x: str | None = None,
    values: str = "averages",
    edges: Any = None,
    least: int = 3,
) -> Snapshots:
    """Check densities in time and turn them into cell averages of mass one.

    Parameters
    ----------
    density : xarray.DataArray, or a Dataset with a variable ``density``
        Of two dimensions (time and a line) or three (time and a plane), in any order.
    time, x : str, optional
        Names of the dimensions of time and, on a line or first in a plane, of place.
    values : {"averages", "points"}
        Whether the values are averages over cells or those at the coordinates.
    edges : array, or a pair of arrays in the plane, optional
        Cell edges; if absent they lie such that the coordinates are the middles of the cells.
    least : int
        Fewest snapshots.

    Raises
    ------
    InputError
        Anything that cannot be meant; the message says what to pass.
    """
    if values not in ("averages", "points"):
        raise InputError("values", f"given {values!r}; allowed are 'averages' (over cells) and 'points'")
    array, edges = _array_of(density, edges)
    when, *places = _ordered(array, time, x)
    times = _times(array, when, least)
    centres = [check_points(place, _coordinate(array, place), increasing=True) for place in places]
    field = np.asarray(array.transpose(when, *places).values, float)
    for place, points in zip(places, centres, strict=True):
        if points.size < _FEWEST:
            raise InputError(place, f"given {points.size} cells; at least {_FEWEST} are needed")
    _check_values(field, times)
    found = _edges(edges, places, centres, values)
    field = field if values == "averages" else averages_of_points(field, centres, found)
    clipped = np.maximum(field, 0.0)
    sizes = volumes(found)
    summed = tuple(range(1, field.ndim))
    mass, lost = np.sum(clipped * sizes, axis=summed), np.sum(np.maximum(-field, 0.0) * sizes, axis=summed)
    if not np.all(mass > 0.0):
        raise InputError("density", f"the snapshot at {times[int(np.argmin(mass))]:g} has no mass")
    check_mass(times, mass)
    shape = (-1,) + (1,) * (field.ndim - 1)
    return Snapshots(times, found, clipped / mass.reshape(shape), lost / mass)


def check_mass(times: Array, mass: Array) -> None:
    """Refuse densities that gain or lose mass in time."""
    drift = np.abs(mass / mass[0] - 1.0)
    if np.max(drift) > _DRIFT:
        worst = int(np.argmax(drift))
        raise InputError(
            "density", f"its mass changes from {mass[0]:.6g} to {mass[worst]:.6g} (at time {times[worst]:g}); at most "
            f"{_DRIFT:.0%} is allowed, for what enters or leaves cannot be told from what moves: widen the window, or "
            "divide every snapshot by its own mass if that is what is meant"
        )  # fmt: skip


def _array_of(density: Any, edges: Any) -> tuple[Any, Any]:
    """The DataArray, and the edges that a Dataset brings along."""
    if hasattr(density, "data_vars"):
        if "density" not in density.data_vars:
            raise InputError("density", f"the Dataset holds {sorted(map(str, density.data_vars))}; none is 'density'")
        array = density["density"]
        faces = [f"{name}_face" for name in ("x", "y") if name in array.dims]
        if edges is None and faces and all(name in density.coords for name in faces):
            held = [np.asarray(density[name].values, float) for name in faces]
            edges = held[0] if len(held) == 1 else held
        return array, edges
    if not (hasattr(density, "dims") and hasattr(density, "coords") and hasattr(density, "transpose")):
        raise InputError(
            "density", f"given {type(density).__name__}; expected an xarray.DataArray with a dimension of time, as "
            "xr.DataArray(values, dims=('time', 'x'), coords={'time': times, 'x': centres})"
        )  # fmt: skip
    return density, edges


def _ordered(array: Any, time: str | None, x: str | None) -> list[str]:
    """Names of the dimensions, time first."""
    dims = list(map(str, array.dims))
    if len(dims) not in (2, 3):
        raise InputError("density", f"given dimensions {tuple(dims)}; expected time and one or two of place")
    for key, name in (("time", time), ("x", x)):
        if name is not None and name not in dims:
            raise InputError(key, f"given {name!r}; the density has the dimensions {tuple(dims)}")
    if time is not None and time == x:
        raise InputError("x", f"given {x!r}, which is also the dimension of time")
    when = time or _time_among(array, dims, x)
    places = [name for name in dims if name != when]
    if x is not None and places[0] != x:
        places = [x, *(name for name in places if name != x)]
    return [when, *places]


def _time_among(array: Any, dims: list[str], x: str | None) -> str:
    """The dimension that must be time."""
    rest = [name for name in dims if name != x]
    known = [name for name in rest if name.lower() in _TIME or _says_time(array, name)]
    if not known and (x is None or len(dims) == 3):
        known = [name for name in rest if name.lower() not in _PLACE]
        if len(known) == len(rest) > 1:
            known = []
    elif not known and len(rest) == 1:
        known = rest
    if len(known) != 1:
        raise InputError(
            "time", f"which of the dimensions {tuple(dims)} is time is not clear; pass time='...' with its name, for "
            f"example time={dims[0]!r}"
        )  # fmt: skip
    return known[0]


def _says_time(array: Any, name: str) -> bool:
    """Whether a coordinate is marked as time, or holds dates."""
    if name not in array.coords:
        return False
    coordinate = array.coords[name]
    marked = coordinate.attrs.get("standard_name") == "time" or coordinate.attrs.get("axis") == "T"
    return bool(marked or np.issubdtype(coordinate.dtype, np.datetime64) or coordinate.dtype.kind == "m")


def _coordinate(array: Any, name: str) -> Array:
    if name not in array.coords:
        raise InputError(name, f"no coordinate for {name!r}; assign_coords({name}=...) gives it one")
    values = np.asarray(array.coords[name].values)
    if values.dtype.kind == "M":
        values = values - values[0]
    if values.dtype.kind == "m":
        return np.asarray(values / np.timedelta64(1, "s"), float)
    return np.asarray(values, float)


def _times(array: Any, when: str, least: int) -> Array:
    times = check_points(when, _coordinate(array, when), increasing=True)
    if times.size < least:
        raise InputError(when, f"given {times.size} snapshots; at least {least} are needed")
    return times


def _check_values(field: Array, times: Array) -> None:
    bad = ~np.isfinite(field)
    if np.any(bad):
        row = int(np.argwhere(bad)[0][0])
        raise InputError("density", f"not finite in the snapshot at {times[row]:g}; fill the gaps or leave it out")
    least, largest = float(field.min()), float(field.max())
    if least < -_ROUNDING * abs(largest):
        row = int(np.argwhere(field == least)[0][0])
        raise InputError(
            "density", f"given {least:g} in the snapshot at {times[row]:g}; it must be at least 0 (rounding down to "
            f"{_ROUNDING:g} of the largest value is set to 0)"
        )  # fmt: skip


def _edges(given: Any, places: list[str], centres: list[Array], values: str) -> tuple[Array, ...]:
    if given is None:
        return tuple(edges_between(points) if values == "averages" else edges_around(points) for points in centres)
    several = [given] if len(centres) == 1 else list(given)
    if len(several) != len(centres):
        raise InputError("edges", f"given {len(several)} arrays; expected one for each of {tuple(places)}")
    found = []
    for points, edge in zip(centres, several, strict=True):
        checked = check_points("edges", np.asarray(edge, float), increasing=True)
        if checked.size != points.size + 1 or not np.all((checked[:-1] <= points) & (points <= checked[1:])):
            raise InputError(
                "edges", f"given {checked.size} for {points.size} cells; expected one more than cells, each coordinate "
                "lying in its cell"
            )  # fmt: skip
        found.append(checked)
    return tuple(found)


def edges_between(centres: Array) -> Array:
    """Edges of which the coordinates are the middles, as smooth as may be; halfway between them if there are none."""
    halfway = edges_around(centres)
    signs = (-1.0) ** np.arange(centres.size + 1)
    # edges with these middles form a line e + s (-1)^k; the smoothest ones have the smoothest widths
    edges = np.zeros(centres.size + 1)
    for k, centre in enumerate(centres):
        edges[k + 1] = 2.0 * centre - edges[k]
    bend, jag = np.diff(edges, 3), np.diff(signs, 3)
    edges = edges - float(bend @ jag / (jag @ jag)) * signs
    between = np.all((edges[:-1] < centres) & (centres < edges[1:]))
    close = np.max(np.abs(edges - halfway)) < 0.2 * np.min(np.diff(halfway)) if between else False
    return edges if close else halfway


def averages_of_points(field: Array, centres: Sequence[Array], edges: Sequence[Array]) -> Array:
    """Cell averages from values at points: the integral of a quintic spline, kept within the neighbouring values."""
    from scipy.interpolate import make_interp_spline
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    for k, (points, edge) in enumerate(zip(centres, edges, strict=True)):
        axis = k + 1
        primitive = make_interp_spline(points, np.moveaxis(field, axis, 0), k=5).antiderivative()(edge)
        widths = np.diff(edge).reshape((-1,) + (1,) * (field.ndim - 1))
        means = np.moveaxis(np.diff(primitive, axis=0) / widths, 0, axis)
        low, high = (find(field, 3, axis=axis, mode="nearest") for find in (minimum_filter1d, maximum_filter1d))
        inner = np.clip(means, low, high)
        # at an end the average may lie beyond both values there
        ends = [slice(None)] * field.ndim
        for end in (slice(0, 1), slice(-1, None)):
            ends[axis] = end
            inner[tuple(ends)] = np.clip(means[tuple(ends)], 0.0, 2.0 * high[tuple(ends)])
        field = inner
    return np.asarray(field)


def values_at_centres(averages: Array) -> Array:
    """Values at the centres of equal cells (n, nx, ny) from their averages; zero where they would be negative."""
    from scipy.ndimage import correlate1d

    values = averages
    for axis in (1, 2):
        values = correlate1d(values, _CENTRE, axis=axis, mode="nearest")
    return np.asarray(np.maximum(values, 0.0))
