"""``ledger``: the thermodynamics of a solution, with an error bar for every number."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fpsolve.equation import FokkerPlanck
from fpsolve.grids import Array
from fpsolve.integration import Level
from fpsolve.settings import InputError
from fpsolve.solution import Setup, is_solution, recipe_of
from fpsolve.solution.gauges import Observables
from fpsolve.solution.held import problem_of
from fpsolve.solution.levels import march_of
from fpsolve.solution.plans import Plan
from fpsolve.solution.shown import Shown
from fpsolve.thermodynamics.books import Book
from fpsolve.thermodynamics.distances import distance
from fpsolve.thermodynamics.entries import Entries
from fpsolve.thermodynamics.equilibria import log_partition
from fpsolve.thermodynamics.jump_form import JumpAccount, has_jump_form

#: tolerances of the repeated run in units of those of the solution: integrals over time ask for more than densities
_TIGHTER = {1: 1e-2, 2: 1e-1}
#: stored times at which a flow is looked at where that is dear
_FLOWS, _GRADED = 21, 1.5
#: L1 distance between the stored density and that of the repeated run, beyond what the tolerances allow
_SAME = 1e-9


def ledger(
    solution: xr.Dataset,
    *,
    problem: FokkerPlanck | None = None,
    reference: Any = None,
    observables: Observables | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """Energy, work, heat, entropies, speeds and their decompositions along a solution.

    The run is repeated from its recipe, with tighter tolerances in time, and tells every step, so that integrals over
    time see all of them; the coarser companions of the run give every number its error bar.

    Parameters
    ----------
    solution : xarray.Dataset
        What :func:`fpsolve.solve` returned, in memory or from a file.
    problem : FokkerPlanck, optional
        Where the solution was loaded from a file and made from Python functions, which no file holds.
    reference : Density or PlaneDensity, optional
        Relative entropy to it is added, ``divergence_from_reference``.
    observables : mapping, optional
        Name -> function of x (in the plane of x and y): its speed |d/dt E[r]| / sqrt(E[|grad r|²]) (73) becomes
        ``speed_<name>``; no observable is faster than ``v2`` (74).
    progress : bool, optional
        Show a bar on a terminal; if absent on terminals only.

    Returns
    -------
    xarray.Dataset
        On ``time``, each with ``<name>_error``: ``energy``, ``work``, ``heat`` and ``bath_entropy`` since the start
        (slides 004), ``system_entropy`` (37), ``entropy_production`` since the start and its rate (36)-(40), its parts
        ``excess``, ``coupling``, ``housekeeping`` and their rates, ``free_energy`` (of the density),
        ``equilibrium_free_energy`` and ``divergence`` D(P_t || equilibrium), ``v1``, ``v2`` and ``path_length`` (66),
        ``fisher_information``, moments and their rates. With a two-point flux in local detailed balance also the
        balances of the jump process, ``grid_...``, which close to rounding.

    Raises
    ------
    InputError
        No solution; absorbing ends; T = 0; fields that are not those of the recipe.
    """
    plan = setup_of(solution, problem).plan()
    _check(plan)
    control = plan.control
    if control.steps is None:
        tighter = _TIGHTER[plan.grid.dimension]
        control = dataclasses.replace(control, rtol=tighter * control.rtol, atol=tighter * control.atol)
    plan = dataclasses.replace(plan, control=control)
    shown = Shown(progress, float(plan.times[0]), float(plan.times[-1]))
    shown.tell("ledger")
    try:
        return _kept(plan, solution, reference, dict(observables or {}), shown)
    finally:
        shown.close()


def setup_of(solution: Any, problem: FokkerPlanck | None = None) -> Setup:
    """What a solution is a solution of.

    Raises
    ------
    InputError
        No solution, or one of Python functions that came from a file.
    """
    if not is_solution(solution):
        raise InputError("solution", f"given {type(solution).__name__}; expected what fpsolve.solve returned")
    problem = problem_of(solution) if problem is None else problem
    recipe = recipe_of(solution)
    if problem is None and "python" in recipe:
        raise InputError(
            "problem", "the solution was made from Python functions, which no file holds: give "
            "problem=FokkerPlanck(...) with them again"
        )  # fmt: skip
    return Setup.from_recipe(recipe, problem)


def _check(plan: Plan) -> None:
    """Refuse what has no ledger."""
    if any("absorbing" in axis.ends for axis in plan.grid.axes):
        raise InputError(
            "solution", "it has absorbing ends: what leaves carries energy and entropy away, so that no balance of the "
            "density closes; make them reflecting or periodic"
        )  # fmt: skip
    if plan.problem.uniform_temperature and plan.problem.temperature_at(float(plan.times[0])) <= 0.0:
        raise InputError("solution", "its temperature is zero: entropies of a bath at T = 0 do not exist")


def _kept(plan: Plan, solution: xr.Dataset, reference: Any, observables: Observables, shown: Shown) -> xr.Dataset:
    """Repeat the run and keep its books, one for each level."""
    times = plan.times.tolist()
    march = march_of(plan, shown)
    every: list[Level] = [*march.levels, *march.clocks]
    books = [Book(plan.problem, level.system, reference, (times[0], times[-1]), observables) for level in every]
    for level, book in zip(every, books, strict=True):
        level.account = book.open(level.masses, times[0])
    jumps = None
    fine = march.levels[0]
    if not has_jump_form(fine.system):
        jumps = JumpAccount(books[0].energies, fine.system, fine.masses, times[0])
        fine.account = _both(fine.account, jumps)
    flows = _looked_at(len(times), books[0].dear)
    entries = Entries(plan, len(march.levels), flows)
    look = np.array([[axis.edges[0], axis.edges[-1]] for axis in plan.grid.axes])
    begun = fine.masses
    for index, t in enumerate(times):
        if index:
            march.advance(times[index - 1], t)
        if not index or not plan.problem.steady:
            equilibrium = log_partition(plan.problem, t, look)
        flowing = index in flows
        numbers = [book.read(level.masses, t, flowing) for book, level in zip(books, every, strict=True)]
        entries.take(numbers, equilibrium, fine.masses, books[0].energies.levels(t)[0], t)
        if jumps is not None:
            entries.take_jumps(jumps)
    _compare(solution, fine, plan)
    return entries.dataset(distance(begun, fine.masses, plan.grid), has_jump_form(fine.system), books[0].why)


def _looked_at(count: int, dear: bool) -> NDArray[np.intp]:
    """Indices of the stored times at which the flow is asked for; between them there are splines."""
    if not dear or count <= _FLOWS:
        return np.arange(count)
    # closer together near the start, where what relaxes changes fastest
    return np.unique(np.round((count - 1) * np.linspace(0.0, 1.0, _FLOWS) ** _GRADED).astype(int))


def _both(one: Callable[[float, Array], None] | None, other: JumpAccount) -> Callable[[float, Array], None]:
    def told(t: float, masses: Array) -> None:
        if one is not None:
            one(t, masses)
        other(t, masses)

    return told


def _compare(solution: xr.Dataset, level: Level, plan: Plan) -> None:
    """The repeated run must end with the stored density."""
    if plan.times.size - 1 not in plan.kept:
        return
    stored = np.asarray(solution["density"].values[-1], float)
    control = plan.control
    allowed = _SAME + (0.0 if control.steps else 1e3 * (control.atol + control.rtol) / _TIGHTER[plan.grid.dimension])
    if stored.shape != level.masses.shape or np.sum(np.abs(stored * plan.grid.volumes - level.masses)) > allowed:
        raise InputError("solution", "its density is not that of its recipe; pass what solve returned, unchanged")
