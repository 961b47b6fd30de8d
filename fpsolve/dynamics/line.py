"""The forward process on the line on a grid, as a Dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from fpsolve.cases import Case, pack
from fpsolve.densities import Tabulated, as_density
from fpsolve.densities.base import mass_between
from fpsolve.dynamics.snapshots import averages_of_points, check_mass, read_snapshots
from fpsolve.processes import Process, State
from fpsolve.quadrature import Array
from fpsolve.schedules import OptimalTransport, Recording, Schedule
from fpsolve.schedules.recording import FEWEST
from fpsolve.settings import InputError
from fpsolve.transport.least_energy import LineFlow

#: probability left outside the grid at either end, where the ends are chosen from the tails
GRID_TAIL = 1e-16
FORMAT_VERSION = 1

#: variable -> (dimensions, long name, equation); all without units, as a case names none
FIELDS = {
    "density": (("time", "x"), "cell average of the forward density P_t", "1"),
    "velocity": (("time", "x_face"), "mean velocity of the forward process", "1"),
    "current": (("time", "x_face"), "probability current of the forward process", "1"),
    "density_estimated": (("time", "x"), "cell average of the estimated density", "4"),
}


def diffuse_line(
    data: Any,
    schedule: Schedule | OptimalTransport,
    *,
    cells: Any = 500,
    lower: float | None = None,
    upper: float | None = None,
    steps: int = 100,
) -> xr.Dataset:
    """The forward process on the line; see :func:`fpsolve.diffuse`."""
    case = Case(as_density(data), schedule, cells=cells, lower=lower, upper=upper, steps=steps)
    process, times = case.process, stored_times(case)
    edges = grid_edges(case, span_of(process, times))
    return assemble(case, times, edges, forward_fields([process.state(t, edges) for t in times], edges))


def stored_times(case: Case) -> Array:
    """Ends of the stored intervals."""
    return np.linspace(0.0, case.tau, case.steps + 1)


def span_of(process: Process, times: Array) -> tuple[float, float]:
    """Interval that holds all but 1e-16 of the forward density on either side, at every time."""
    ends = np.array([process.density(t).interval(GRID_TAIL) for t in times])
    return float(ends[:, 0].min()), float(ends[:, 1].max())


def grid_edges(case: Case, span: tuple[float, float]) -> Array:
    """Uniform cell edges over the given ends, or over the span."""
    lower, upper = case.ends or span
    return np.linspace(lower, upper, case.cells + 1)


def forward_fields(states: list[State], edges: Array) -> dict[str, Array]:
    """Density, velocity and current from the states at the cell faces."""
    masses = mass_between(np.array([s.cdf for s in states]), np.array([s.sf for s in states]))
    pdf, velocity = np.array([s.pdf for s in states]), np.array([s.velocity for s in states])
    current = np.multiply(pdf, velocity, out=np.zeros_like(pdf), where=pdf > 0.0)
    return {"density": masses / np.diff(edges), "velocity": velocity, "current": current}


def assemble(case: Case, times: Array, edges: Array, fields: dict[str, Array]) -> xr.Dataset:
    """A Dataset with coordinates, units, long names and the recipe of the case."""
    text, arrays = pack(case.recipe())
    coordinates = {
        "time": ("time", times, {"units": "1", "long_name": "forward time", "standard_name": "time"}),
        "reverse_time": ("time", case.tau - times, {"units": "1", "long_name": "reverse time tau - t"}),
        "x": ("x", 0.5 * (edges[1:] + edges[:-1]), {"units": "1", "long_name": "cell centre", "axis": "X"}),
        "x_face": ("x_face", edges, {"units": "1", "long_name": "cell face", "axis": "X"}),
    }
    variables: dict[str, Any] = {name: described(name, values) for name, values in fields.items()}
    for name, array in arrays.items():
        dims = tuple(f"{name}_{axis}" for axis in range(array.ndim))
        variables[name] = (dims, array, {"long_name": "array of the recipe", "units": "1"})
    attributes = {"Conventions": "CF-1.10", "recipe": text, "format_version": FORMAT_VERSION, "title": "fpsolve result"}
    return xr.Dataset(variables, coordinates, attributes)


def described(name: str, values: Array) -> tuple[tuple[str, ...], Array, dict[str, str]]:
    """A field with its dimensions and attributes."""
    dims, long_name, equation = FIELDS[name]
    return dims, values, {"units": "1", "long_name": long_name, "equation": equation}


def record(
    density: Any,
    velocity: Any = None,
    *,
    time: str | None = None,
    x: str | None = None,
    values: str = "averages",
    edges: Any = None,
) -> xr.Dataset:
    """Turn somebody's densities, and velocities where there are any, into a forward process.

    Parameters
    ----------
    density : xarray.DataArray
        Densities in time on a line; at least 8 times and cells. Every row is normalised.
    velocity : xarray.DataArray, optional
        Mean velocity (time, x_face) at the cell edges, at the same times; its coordinates give times and edges. If
        absent, the only one on the line that realises the densities, nu = -(dF/dt) / P with F the CDF.
    time, x : str, optional
        Names of the density's dimensions, in any order. If absent, a dimension named ``time``, ``t`` or ``snapshot``,
        or marked as time, is time; with a velocity the first one is.
    values : {"averages", "points"}
        Whether the values are averages over cells or those at the coordinates. Points are turned into averages by
        integrating a quintic spline through them, an error of sixth order in their spacing.
    edges : (cells + 1,) array, optional
        Cell edges; if absent, the coordinates are the middles of the cells. A velocity brings its own.

    Returns
    -------
    xarray.Dataset
        As :func:`diffuse` returns it, times counted from the first one. Between the stored points there are splines;
        the estimated process takes the route of the characteristics, and every bar holds what a coarser recording
        would change.

    Raises
    ------
    InputError
        Wrong dimensions or shapes, NaN, negative densities, a mass that changes by more than 1%, a dimension of time
        that is not clear, missing coordinates.

    Notes
    -----
    The velocity is found from the images of each edge under the monotone maps between the densities, by a polynomial
    through five times: it divides by no density. Beyond the edges where noise, or less than 1e-13 of the mass, is all
    there is, it keeps its last value.
    """
    if velocity is not None:
        return _recorded(*_given(density, velocity, time, x, values, edges))
    if len(getattr(density, "dims", ())) == 3:
        raise InputError("density", "given three dimensions; densities in the plane are for fpsolve.infer")
    held = read_snapshots(density, time, x, values, edges, least=FEWEST)
    flow = LineFlow(held.times, held.edges[0], held.masses, held.clipped)
    return _recorded(held.times, held.edges[0], held.averages, flow.filled(flow.velocity()), True)


def _given(
    density: Any, velocity: Any, time: str | None, x: str | None, values: str, edges: Any
) -> tuple[Array, Array, Array, Array]:
    """Times, edges, averages and velocities of a density with its velocity."""
    for name, array in (("density", density), ("velocity", velocity)):
        if len(getattr(array, "dims", ())) != 2:
            raise InputError(name, f"given dimensions {getattr(array, 'dims', None)}; expected (time, x)")
    if edges is not None:
        raise InputError("edges", "a velocity brings its own, its second coordinate; leave edges out")
    if values not in ("averages", "points"):
        raise InputError("values", f"given {values!r}; allowed are 'averages' (over cells) and 'points'")
    first = time or next((name for name in density.dims if x is not None and name != x), density.dims[0])
    if first not in density.dims:
        raise InputError("time", f"given {first!r}; the density has the dimensions {tuple(density.dims)}")
    averages = np.asarray(density.transpose(first, ...).values, float)
    turned = velocity.transpose(first, ...) if first in velocity.dims else velocity
    for name in turned.dims:
        if name not in turned.coords:
            raise InputError(
                "velocity", f"its dimension {name!r} has no coordinate; assign_coords({name}=...) gives one"
            )
    times, faces = (np.asarray(turned[name].values, float) for name in turned.dims)
    if averages.shape == (times.size, faces.size - 1):
        if values == "points":
            place = next(name for name in density.dims if name != first)
            centres = density[place].values if place in density.coords else 0.5 * (faces[1:] + faces[:-1])
            averages = averages_of_points(averages, [np.asarray(centres, float)], [faces])
        mass = np.sum(averages * np.diff(faces), axis=1, keepdims=True)
        if np.all(mass > 0.0):
            check_mass(times, mass[:, 0])
        averages = np.divide(averages, mass, out=averages.copy(), where=mass > 0.0)
    return times, faces, averages, np.asarray(turned.values, float)


def _recorded(times: Array, edges: Array, averages: Array, velocities: Array, derived: bool = False) -> xr.Dataset:
    """The Dataset of a recording."""
    recording = Recording(times - times[0], edges, averages, velocities, derived)
    data = Tabulated(edges, recording.averages[0])
    case = Case(data, recording, cells=edges.size - 1, steps=times.size - 1, estimated="characteristics")
    centres = 0.5 * (edges[1:] + edges[:-1])
    at_edges = np.array([np.interp(edges, centres, row) for row in recording.averages])
    fields = {
        "density": recording.averages,
        "velocity": recording.velocities,
        "current": at_edges * recording.velocities,
    }
    return assemble(case, recording.times, edges, fields)


def fits(case: Case, dataset: xr.Dataset) -> bool:
    """Whether the stored densities, at three of the stored times, are those of the recipe."""
    if "density" not in dataset or dataset["density"].dims != ("time", "x") or isinstance(case.schedule, Recording):
        return True
    times, edges = (np.asarray(dataset[name].values, float) for name in ("time", "x_face"))
    expected, density = stored_times(case), dataset["density"].values
    if times.size != expected.size or not np.allclose(times, expected) or density.shape[1] != edges.size - 1:
        return False
    rows = [0, times.size // 2, times.size - 1]
    exact = np.array([case.process.density(float(times[i])).cell_averages(edges) for i in rows])
    return bool(np.all(np.abs(exact - density[rows]) <= 1e-9 * np.max(exact)))
