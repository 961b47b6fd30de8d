"""``solve``: from a problem and a start to a Dataset."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import xarray as xr

from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import Flux, ScharfetterGummel
from fpsolve.grids import Array, Grid
from fpsolve.integration import Control, March, NotConverged
from fpsolve.settings import InputError, Recipe, number, whole
from fpsolve.solution import choices
from fpsolve.solution.checks import (
    check_memory,
    check_ring,
    check_schemes,
    check_times,
    kept_indices,
    memory_needed,
    told_memory,
)
from fpsolve.solution.errors import beyond
from fpsolve.solution.fields import Recorder
from fpsolve.solution.gauges import Gauge, Observables
from fpsolve.solution.held import held
from fpsolve.solution.levels import bar_of, march_of, measured
from fpsolve.solution.plans import Plan
from fpsolve.solution.shown import Shown
from fpsolve.solution.start import Stationary, as_start, jumps, start_masses
from fpsolve.steppers import GridStepper

#: L1 error that is aimed at where the grid is chosen
ACCURACY = 5e-5


class Store(Protocol):
    """Where a long run leaves what it has, so that it can go on after an interruption."""

    def begin(self, recipe: Recipe) -> Sequence[Mapping[str, Any]]:
        """Open for a run with this recipe; the entries of an interrupted one, in order."""

    def append(self, entry: Mapping[str, Any]) -> None:
        """Keep the arrays of one stored time, complete on their own."""

    def finish(self, dataset: xr.Dataset) -> None:
        """Write the result and remove what was kept."""

    def abandon(self, error: BaseException) -> None:
        """Let go of the file where the run ends early; what is in it stays if it can be of use."""


def solve(
    problem: FokkerPlanck,
    start: Any,
    times: Sequence[float] | Array,
    *,
    grid: Grid | None = None,
    flux: Flux | None = None,
    stepper: GridStepper | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    steps: int | None = None,
    substep: bool = False,
    bars: bool = True,
    accuracy: float = ACCURACY,
    snapshots: int | Sequence[float] | None = None,
    observables: Observables | None = None,
    store: Store | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """Solve a Fokker-Planck equation: dP/dt = -div J, J = mobility (F P - T grad P) (1).

    Parameters
    ----------
    problem : FokkerPlanck
        Force, temperature, mobility, domain.
    start : Density, PlaneDensity, Equilibrium, Stationary, or array
        P at the first time; an array holds cell averages on ``grid``.
    times : sequence of float
        Increasing; what is stored, the first time being that of the start, s.
    grid : Grid, optional
        If absent: the problem's domain, or a window that holds the density, in as many equal cells as ``accuracy``
        asks for.
    flux : Flux, optional
        One of ``fpsolve.fluxes``; if absent the fourth-order one, or WENO where the drift is steep.
    stepper : GridStepper, optional
        One of ``fpsolve.steppers``; if absent SDIRK4 on a line, Runge-Kutta-Legendre in the plane, SSP-RK3 for WENO.
    rtol, atol : float
        The estimated L1 error of a pair of time steps stays below ``atol + rtol`` times the mass.
    steps : int, optional
        Equal steps between neighbouring times, in place of the error control.
    substep : bool
        Whether equal steps that an explicit stepper cannot take are divided; they are refused otherwise.
    bars : bool
        Whether coarser grids with longer steps run along, for the error bar ``density_error``.
    accuracy : float
        L1 error that the chosen grid aims at.
    snapshots : int or sequence of float, optional
        How many of the times, evenly spread, or which of them keep their fields (all if absent); scalars are kept at
        all times.
    observables : mapping, optional
        Name -> function of x (in the plane of x and y): its average at every time becomes a variable.
    store : Store, optional
        ``fpsolve.Store("R.nc")`` streams to a file, from which an interrupted run goes on.
    progress : bool, optional
        Say on standard error what memory is needed, and show a bar on a terminal; if absent on terminals only.

    Returns
    -------
    xarray.Dataset
        ``density``, ``current`` and ``velocity`` (in the plane ``current_x`` ...), ``mass``, ``outflow``, moments and
        ``density_error``: the L1 error bar of the density. ``mass + outflow`` is constant. Every number has its own
        bar: ``mean_error`` and so on; on a ring ``mean_current`` is the current averaged around it.

    Raises
    ------
    InputError
        Anything that cannot be meant; steps that an explicit stepper cannot take, with the largest that it can.
    NotConverged
        The error control asks for steps that are too small to go on.
    """
    if not isinstance(problem, FokkerPlanck):
        raise InputError("problem", f"given {type(problem).__name__}; expected FokkerPlanck(force, temperature)")
    stored, begun = check_times(times), as_start(start, problem)
    number("accuracy", accuracy, above=0.0)
    check_schemes(grid, flux, stepper, problem)
    control = Control(
        number("rtol", rtol, above=0.0), number("atol", atol, least=0.0),
        None if steps is None else whole("steps", steps), bool(substep),
    )  # fmt: skip
    if bars and steps is not None and steps % 2:
        raise InputError(
            "steps", f"given {steps}; the coarser companions take pairs: give an even number, or bars=False"
        )
    given: dict[str, Any] = {"control": control, "times": stored, "kept": kept_indices(snapshots, stored)}
    given |= {"bars": bool(bars), "observables": dict(observables or {})}
    shown = Shown(progress, float(stored[0]), float(stored[-1]))
    try:
        if grid is None:
            plan, dataset = _refined(problem, begun, flux, stepper, given, accuracy, shown)
            if store is None and plan.bars == given["bars"]:
                return held(dataset, problem)
            plan = dataclasses.replace(plan, **given)
        else:
            plan = plan_of(problem, begun, grid, flux, stepper, given)
        return held(_run(plan, begun, store, shown), problem)
    finally:
        shown.close()


def plan_of(
    problem: FokkerPlanck,
    start: Any,
    grid: Grid,
    flux: Flux | None,
    stepper: GridStepper | None,
    given: Mapping[str, Any],
) -> Plan:
    """Fill in the schemes."""
    begin = float(given["times"][0])
    check_memory(grid, given["kept"].size)
    check_ring(problem, grid, begin)
    if flux is None:
        masses = start_masses(start, problem, grid, ScharfetterGummel(), begin)
        flux = choices.choose_flux(problem, grid, masses, given["times"])
    if stepper is None:
        stepper = choices.choose_stepper(problem, grid, flux)
    check_schemes(grid, flux, stepper, problem)
    masses = start_masses(start, problem, grid, flux, begin)
    return Plan(
        problem, grid, flux, stepper, start=masses, rough=jumps(start), resting=isinstance(start, Stationary), **given
    )


def _refined(
    problem: FokkerPlanck,
    start: Any,
    flux: Flux | None,
    stepper: GridStepper | None,
    given: Mapping[str, Any],
    accuracy: float,
    shown: Shown,
) -> tuple[Plan, xr.Dataset]:
    """The first of a few ever finer grids on which the error bars meet the accuracy, and the run on it."""
    domain = problem.domain or choices.choose_window(problem, start, given["times"])
    trial = dict(given) | {"bars": True}
    if trial["control"].steps is not None and trial["control"].steps % 2:
        trial["control"] = dataclasses.replace(trial["control"], steps=2 * trial["control"].steps)
    best, found = math.inf, None
    cells: int | None = choices.first_cells(problem)
    failure = NotConverged("the error bar is infinite on every grid tried; give a grid")
    while cells is not None:
        shown.tell(f"{cells} cells")
        plan = plan_of(problem, start, domain.grid(cells), flux, stepper, trial)
        march = march_of(plan, shown)
        march.check(plan.times)
        try:
            dataset = _recorded(plan, plan.recipe(start), march, (), None, shown)
            bar = float(dataset["density_error"].max())
        except NotConverged as error:  # unstable on a grid that is too coarse, perhaps
            bar, failure = math.inf, error
        if bar < best:
            best, found = bar, (plan, dataset)
        cells = choices.next_cells(problem, cells, bar / accuracy)
    if found is None:
        raise failure
    if best > accuracy:
        warnings.warn(
            f"the error bar is {best:.2g} on the finest grid tried, above accuracy = {accuracy:g}; give a grid",
            stacklevel=4,
        )
    return found


def _run(plan: Plan, start: Any, store: Store | None, shown: Shown) -> xr.Dataset:
    """The run itself."""
    march, recipe = march_of(plan, shown), plan.recipe(start)
    march.check(plan.times)
    if store is None:
        return _recorded(plan, recipe, march, (), None, shown)
    try:
        dataset = _recorded(plan, recipe, march, store.begin(recipe), store, shown)
        store.finish(dataset)
    except BaseException as error:
        store.abandon(error)
        raise
    return dataset


def _recorded(
    plan: Plan, recipe: Recipe, march: March, entries: Sequence[Mapping[str, Any]], store: Store | None, shown: Shown
) -> xr.Dataset:
    """Everything at all times: at first what the entries of an interrupted run tell."""
    recorder = Recorder(plan.grid, plan.times, plan.kept)
    gauges = [Gauge(level.system.grid, plan.observables) for level in march.levels]
    if shown.larger(memory_needed(plan.grid, plan.kept.size)):
        shown.say(told_memory(plan.grid, plan.times.size, plan.kept.size))
    cut, lost = max(1.0 - float(np.sum(plan.start)), 0.0), 0.0
    for index, t in enumerate(plan.times.tolist()):
        if index < len(entries):
            march.restore(entries[index])
        elif index > 0:
            march.advance(float(plan.times[index - 1]), t)
        fine = march.levels[0]
        if plan.problem.domain is None and index:
            lost = max(lost, 3.0 * beyond(fine.masses, plan.grid))
        numbers: dict[str, Any] = {"density_error": (bar_of(plan, march) if index else 0.0) + cut + lost}
        numbers |= measured(plan, march, gauges, t, cut + lost) | {"outflow_end": fine.outflow}
        recorder.record(index, fine.masses, fine.system.at(t), numbers)
        if store is not None and index >= len(entries):
            store.append(march.state() | {"time": np.array(t)})
    attributes = {"steps_taken": march.taken, "steps_rejected": march.rejected, "flux": plan.flux.kind}
    return recorder.dataset(recipe, attributes | {"stepper": plan.stepper.kind, "cells": list(plan.grid.shape)})
