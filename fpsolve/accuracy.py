"""The speed-accuracy experiment: measure one forward process and one start, then check every relation."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable

import numpy as np
import xarray as xr

from fpsolve.backward import check_method
from fpsolve.cases import AnyCase, Case, PlaneCase, pack
from fpsolve.densities import PlaneDensity
from fpsolve.dynamics import case_of
from fpsolve.estimated import Estimated, GridEstimate, Window
from fpsolve.estimates import Estimate
from fpsolve.grids import Grid
from fpsolve.measuring import Numerics, PlaneNumerics, check_relations, measure, measure_plane
from fpsolve.planar.advection import ROUTES
from fpsolve.planar.eulerian import EulerianComparison
from fpsolve.planar.processes import plane_process
from fpsolve.processes import Process
from fpsolve.processes.plane.base import FlowingProcess, PlaneProcess
from fpsolve.quadrature import Array
from fpsolve.results import SpeedAccuracy
from fpsolve.schedules import Schedule, Stirring
from fpsolve.settings import InputError
from fpsolve.thermodynamics import Measurement
from fpsolve.thermodynamics.conditional_energy import conditional_energy

#: series of a result -> (name, long name, equation); all without units, as the case names none
RATES = {
    "dissipation": ("dissipation_rate", "dissipation rate T S'", "36"),
    "v2": ("v2", "speed in the 2-Wasserstein distance", "66"),
    "v1": ("v1", "speed in the 1-Wasserstein distance", "slides"),
    "v_loss": ("v_loss", "speed of the loss", "80"),
    "W1": ("W1", "1-Wasserstein distance between the two processes", "58"),
    "W1_rate": ("W1_rate", "rate of that distance in forward time", "85"),
    "chi2": ("chi2", "chi-squared divergence between the two processes", "78"),
    "mean": ("mean", "mean of the forward process", "73"),
    "second_moment": ("second_moment", "E[x^2] of the forward process", "73"),
    "entropy_production": ("entropy_production_rate", "entropy production rate", "36"),
}


def speed_accuracy(forward: xr.Dataset, generated: xr.Dataset) -> SpeedAccuracy:
    """Verify the speed-accuracy relations for a forward process and an estimated one.

    Parameters
    ----------
    forward : xarray.Dataset
        What :func:`fpsolve.diffuse` returned.
    generated : xarray.Dataset
        What :func:`fpsolve.generate` returned for it.

    Returns
    -------
    SpeedAccuracy
        η ≤ c₁ ≤ c₂ and every other relation, each side with an error bar (77)-(82).

    Raises
    ------
    InputError
        The two do not belong together, or a window cuts more than 1% of a mass.
    """
    case, origin = case_of(generated), case_of(forward)
    if not same_process(origin, case):
        raise InputError(
            "generated", "it was generated from another forward process; pass the pair that belongs together"
        )
    return assess(case, generated)


def same_process(one: AnyCase, other: AnyCase) -> bool:
    """Whether two cases have the same data and schedule."""
    (text, arrays), (other_text, others) = (
        pack({"data": case.data.recipe(), "schedule": case.schedule.recipe()}) for case in (one, other)
    )
    return text == other_text and all(np.array_equal(array, others[name]) for name, array in arrays.items())


def assess(case: AnyCase, fields: xr.Dataset, progress: Callable[[str, int, int], None] | None = None) -> SpeedAccuracy:
    """Measure a case and check every relation; the fields are those that ``generate`` stored for it."""
    began = time.perf_counter()
    if case.start is None:
        raise InputError("start", "missing; an estimated process begins somewhere")
    if isinstance(case, PlaneCase):
        measured, stored, truncated = measure_plane(*plane_experiment(case, fields, progress))
    else:
        process = case.process
        numerics = Numerics(case.steps, case.restriction, case.tolerance)
        measured, stored, truncated = measure(process, case.start, numerics, _route(case, process))
    data = fields.assign({name: array for name, array in rates_of(stored).items()})
    energy = _energy(case)
    measured = measured.with_quantity("conditional_energy", energy)
    chi2, start = measured.series["chi2"], measured.quantities["D0"]
    diagnostics = {
        "mass_error": float(np.max(np.abs(1.0 - _mass(data)))),
        "minimum_density": float(data["density_estimated"].min()),
        "chi2_drift": float(np.nanmax(np.abs(chi2 - start.value))) if start.finite else None,
        "truncated": {key: value if math.isfinite(value) else "inf" for key, value in truncated.items()},
        "seconds": time.perf_counter() - began,
    }
    # where the schedule has no energy its relation says why
    shown = {name: each for name, each in measured.quantities.items() if each is not energy or energy.finite}
    return SpeedAccuracy(case.recipe(), shown, tuple(check_relations(measured)), data, diagnostics)


def _energy(case: AnyCase) -> Estimate:
    """The conditional kinetic energy of the case's schedule, if it has one."""
    schedule = case.schedule
    if isinstance(schedule, Stirring):  # it moves no mass
        schedule = schedule.schedule
    if not isinstance(schedule, Schedule):
        return Estimate.undefined(f"the schedule {schedule.kind!r} has no levels m and sigma")
    return conditional_energy(case.data, schedule).scaled(1.0, "1")


def plane_experiment(
    case: PlaneCase, fields: xr.Dataset, progress: Callable[[str, int, int], None] | None = None
) -> tuple[PlaneProcess, PlaneDensity, PlaneNumerics]:
    """Process, start and numerical choices of a case in the plane, on the grid of its fields."""
    assert case.start is not None
    grid = Grid.product(*(Grid.from_edges(fields[f"{name}_face"].values) for name in "xy"))
    process, compare = plane_process(case.data, case.schedule, grid), None
    if case.estimated in ROUTES and isinstance(process, FlowingProcess):
        compare = EulerianComparison(process, case.start, grid, case.estimated, case.window, progress).at
    return process, case.start, PlaneNumerics(grid, case.steps, case.window, case.tolerance, compare, progress)


def _route(case: Case, process: Process) -> Callable[[Window], Estimated] | None:
    """How the estimated process of a case is computed; None for the exact composition."""
    if case.estimated == "exact" or case.start is None:
        return None
    return functools.partial(GridEstimate, process, case.start, check_method(case.estimated), case.cells, case.steps)


def rates_of(stored: Measurement) -> dict[str, xr.Variable]:
    """The measured series at the stored times as variables with attributes."""
    series = dict(stored.series)
    if "v_loss_squared" in series:
        series["v_loss"] = np.sqrt(series["v_loss_squared"])
    if stored.temperature is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            series["entropy_production"] = series["dissipation"] / stored.temperature
    return {
        name: xr.Variable("time", series[key], {"long_name": text, "units": "1", "equation": equation})
        for key, (name, text, equation) in RATES.items()
        if key in series
    }


def _mass(data: xr.Dataset) -> Array:
    volumes = np.diff(data["x_face"].values)
    if "y" in data.dims:
        volumes = np.multiply.outer(volumes, np.diff(data["y_face"].values))
    density = data["density_estimated"].values
    return np.asarray(np.sum((density * volumes).reshape(density.shape[0], -1), axis=1))
