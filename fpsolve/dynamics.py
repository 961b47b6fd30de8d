"""The forward process on a grid, as a Dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from fpsolve.cases import Case, pack, unpack
from fpsolve.densities import as_density
from fpsolve.densities.base import mass_between
from fpsolve.processes import Process, State
from fpsolve.quadrature import Array
from fpsolve.schedules import OptimalTransport, Schedule
from fpsolve.settings import InputError

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


def diffuse(
    data: Any,
    schedule: Schedule | OptimalTransport,
    *,
    cells: int = 500,
    lower: float | None = None,
    upper: float | None = None,
    steps: int = 100,
) -> xr.Dataset:
    """Turn data into noise: the forward process of a schedule, on a grid.

    Parameters
    ----------
    data : Density, frozen scipy.stats distribution or xarray.DataArray
        q, the density at t = 0.
    schedule : Schedule or OptimalTransport
        How noise is added (1), (22), (23), or the geodesic to a target (91).
    cells : int
        Grid cells.
    lower, upper : float, optional
        Ends of the grid, unit of x; chosen from the tails of P_t if absent.
    steps : int
        Stored intervals between 0 and tau.

    Returns
    -------
    xarray.Dataset
        ``density`` (time, x), ``velocity`` and ``current`` (time, x_face), exact on the whole line; the attribute
        ``recipe`` rebuilds the process.

    Raises
    ------
    InputError
        Anything that is not a density, a schedule, or a sensible grid.
    """
    if not isinstance(schedule, (Schedule, OptimalTransport)):
        raise InputError("schedule", f"given {type(schedule).__name__}; expected a schedule such as Cosine(tau=1.0)")
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


def case_of(dataset: xr.Dataset) -> Case:
    """The case whose recipe a Dataset carries.

    Raises
    ------
    InputError
        No recipe, or one that cannot be read.
    """
    if "recipe" not in getattr(dataset, "attrs", {}):
        raise InputError("dataset", "it carries no recipe; pass what diffuse or generate returned")
    arrays = {
        str(name): np.asarray(dataset[name].values) for name in dataset.data_vars if str(name).startswith("recipe_")
    }
    return Case.from_recipe(unpack(dataset.attrs["recipe"], arrays), needs_start=False)
