"""The forward process on a grid, as a Dataset."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.cases import AnyCase, Case, PlaneCase, case_from_recipe, unpack
from fpsolve.densities import PlaneDensity, as_plane_density
from fpsolve.dynamics.line import (
    FORMAT_VERSION,
    GRID_TAIL,
    assemble,
    diffuse_line,
    fits,
    forward_fields,
    grid_edges,
    record,
    span_of,
    stored_times,
)
from fpsolve.dynamics.plane import fits_plane, plane_fields
from fpsolve.schedules import LinearForceSchedule, OptimalTransport, Schedule, Stirring
from fpsolve.settings import InputError

__all__ = [
    "FORMAT_VERSION",
    "GRID_TAIL",
    "assemble",
    "case_of",
    "diffuse",
    "forward_fields",
    "grid_edges",
    "plane_fields",
    "record",
    "span_of",
    "stored_times",
]


def diffuse(
    data: Any,
    schedule: Schedule | LinearForceSchedule | Stirring | OptimalTransport,
    *,
    cells: int | tuple[int, int] | None = None,
    lower: Any = None,
    upper: Any = None,
    steps: int = 100,
) -> xr.Dataset:
    """Turn data into noise: the forward process of a schedule, on a grid.

    Parameters
    ----------
    data : Density, PlaneDensity, frozen scipy.stats distribution or xarray.DataArray
        q, the density at t = 0, on the line or in the plane.
    schedule : Schedule or OptimalTransport
        How noise is added (1), (22), (23), or the geodesic to a target (91); in the plane also a LinearForceSchedule,
        or a Stirring.
    cells : int, or (int, int) in the plane
        Grid cells; 500 on the line, 256 along each axis in the plane if absent.
    lower, upper : float, or (float, float) in the plane, optional
        Ends of the grid, unit of x; chosen from the tails of P_t if absent.
    steps : int
        Stored intervals between 0 and tau.

    Returns
    -------
    xarray.Dataset
        On the line ``density`` (time, x), ``velocity`` and ``current`` (time, x_face); in the plane ``density``,
        ``velocity_x``, ``velocity_y``, ``current_x`` and ``current_y`` (snapshot, x, y) at four instants. All exact;
        the attribute ``recipe`` rebuilds the process.

    Raises
    ------
    InputError
        Anything that is not a density, a schedule, or a sensible grid.
    """
    kinds = Schedule, OptimalTransport, LinearForceSchedule, Stirring
    if not isinstance(schedule, kinds):
        raise InputError("schedule", f"given {type(schedule).__name__}; expected a schedule such as Cosine(tau=1.0)")
    if len(getattr(data, "dims", ())) == 2:
        data = as_plane_density(data)
    if not isinstance(data, PlaneDensity):
        if not isinstance(schedule, (Schedule, OptimalTransport)):
            raise InputError("schedule", f"{schedule.kind!r} is for densities in the plane; the data is on the line")
        return diffuse_line(
            data, schedule, cells=500 if cells is None else cells, lower=lower, upper=upper, steps=steps
        )
    pair: Any = PlaneCase.cells if cells is None else (cells, cells) if np.ndim(cells) == 0 else cells
    return plane_fields(PlaneCase(data, schedule, cells=pair, lower=lower, upper=upper, steps=steps))


def case_of(dataset: xr.Dataset) -> AnyCase:
    """The case whose recipe a Dataset carries.

    Raises
    ------
    InputError
        No recipe, or one that cannot be read.
    """
    if "recipe" not in getattr(dataset, "attrs", {}):
        raise InputError("dataset", "it carries no recipe; pass what diffuse or generate returned")
    names = [str(name) for name in dataset.data_vars if str(name).startswith("recipe_")]
    recipe = unpack(dataset.attrs["recipe"], {name: np.asarray(dataset[name].values) for name in names})
    if recipe.get("solution"):
        raise InputError("dataset", "it is what solve returned; pass what diffuse or generate returned")
    case = case_from_recipe(recipe, needs_start=False)
    if isinstance(case, PlaneCase):
        if not fits_plane(case, dataset):
            raise InputError("dataset", "the recipe no longer fits the fields; pass what diffuse or generate returned")
        return case
    if fits(case, dataset):
        return case
    warnings.warn("the recipe no longer fits the fields: the stored fields are used, with wider bars", stacklevel=3)
    recorded = case_of(record(dataset["density"], dataset["velocity"]))
    assert isinstance(recorded, Case)
    return dataclasses.replace(recorded, start=case.start, window=case.window, tolerance=case.tolerance)
