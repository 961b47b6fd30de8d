"""Statistics of work along paths, without paths: Jarzynski's equality and the whole generating function (47)-(50)."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.estimates import Estimate
from fpsolve.fluxes import Flux, LinearFlux, ScharfetterGummel
from fpsolve.grids import Array, Grid
from fpsolve.integration import coarsened
from fpsolve.settings import InputError
from fpsolve.solution.choices import choose_flux
from fpsolve.solution.start import Equilibrium, Masses, equilibrium_masses, start_masses
from fpsolve.steppers import SDIRK4, GridStepper, RungeKuttaLegendre
from fpsolve.thermodynamics.equilibria import log_partition
from fpsolve.thermodynamics.path_averages.boxes import box, cells_and_steps, checked, rough, thetas
from fpsolve.thermodynamics.path_averages.steps import Remembered, halved, limit, step_groups
from fpsolve.thermodynamics.path_averages.switching import Protocol, WorkRun, exact_split
from fpsolve.thermodynamics.path_averages.tables import table

#: L1 distance from the equilibrium below which a start counts as it
_SAME = 1e-8
#: instants between which the way of U is measured
_INSTANTS = 9
#: relative bar of a generating function beyond which a positive flux is tried as well
_LOOSE = 1e-4
#: times the change of the value extrapolated in time between the steps and twice as long ones
_CAUTION = 1.0
#: part of the extrapolation in time that a bar never falls below, and rounding relative to the number
_LEAST, _ROUNDING = 0.02, 1e-10


def work_statistics(
    problem: FokkerPlanck,
    start: Any,
    times: Sequence[float] | Array,
    *,
    theta: Sequence[float] | float | None = None,
    cells: int | Sequence[int] | None = None,
    steps: int | None = None,
    flux: Flux | None = None,
) -> xr.Dataset:
    """Mean, variance and generating function of the work W = integral of dU/dt(X_t, t) dt, drawing no paths.

    What carries exp(-theta W/T) obeys dg/dt = L g - theta (dU/dt) g / T. U is switched and the density relaxes in
    turns; values are extrapolated to vanishing steps. From equilibrium <exp(-W/T)> = exp(-dF/T) (Jarzynski): there the
    relaxation leaves the Boltzmann weights of the grid fixed, so that the equality holds at any step.

    Parameters
    ----------
    problem : FokkerPlanck
        A force with a potential, T the same at all times and places, reflecting or periodic ends.
    start : Density, PlaneDensity, Equilibrium, Stationary, or array
        As for :func:`fpsolve.solve`; an array holds averages over the cells of the problem's domain.
    times : sequence of float
        Increasing; the work is that between the first and the last. Every one ends a step: give those at which the
        protocol has a kink.
    theta : sequence of float, optional
        Arguments of the generating function <exp(-theta W/T)>.
    cells : int or pair, optional
        Cells along each axis of the domain, or of a window that holds the density and the equilibria; 256 on a line,
        64 x 64 in the plane.
    steps : int, optional
        Steps in all, about; 200 on a line, 40 in the plane.
    flux : LinearFlux, optional
        Of the relaxation; fourth-order if absent, Scharfetter-Gummel where that is steep.

    Returns
    -------
    xarray.Dataset
        ``work_mean``, ``work_variance`` (units of T and T²), ``jarzynski`` (<exp(-W/T)>), ``free_energy_change`` and
        ``exponential_of_free_energy`` (by quadrature, apart from the grid), ``generating_function(theta)``, each with
        ``..._error``; ``equilibrium_start`` says whether Jarzynski's equality applies.

    Raises
    ------
    InputError
        A force without a potential, T that depends on x or t, T = 0, absorbing ends, times that do not increase.
    """
    problem, begun, at = checked(problem, start, times)
    arguments = thetas(theta)
    _check(problem, flux)
    shape, count = cells_and_steps(problem, begun, cells, steps)
    domain = box(problem, begun, at, resting=True)
    grid = domain.grid(shape if problem.dimension == 2 else shape[0])
    grids, protocol = [grid, grid.coarser(), grid.coarser(4)], Protocol(problem)
    watched = tuple(np.meshgrid(*(axis.centres[::9] for axis in grids[2].axes), indexing="ij"))
    groups = step_groups(lambda t: protocol.energy(watched, t), at, count)
    chosen = flux is None
    flux = _flux(problem, grid, begun, at) if flux is None else flux
    masses = _starts(begun, problem, grids, flux, float(at[0]))
    balanced = isinstance(begun, Equilibrium) or _is_equilibrium(problem, grid, masses[0], float(at[0]))
    exact = balanced and _diagonal(problem)
    wanted = arguments if exact else (*arguments, 1.0)
    runs = [
        WorkRun(Remembered(problem, g, flux), _stepper(problem), protocol, m / np.sum(m))
        for g, m in zip(grids, masses, strict=True)
    ]
    told = _Told(problem.domain is None, rough(begun, domain), max(1.0 - float(np.sum(masses[0])), 0.0))
    numbers = _extrapolated(runs, groups, wanted, told)
    if (
        chosen
        and _diagonal(problem)
        and any(_loose(pair) for name, pair in numbers.items() if name.startswith("theta"))
    ):
        # far out in the tails, which exp(-theta W/T) magnifies, a positive flux keeps digits that others lose
        positive = [
            dataclasses.replace(r, system=Remembered(problem, r.system.grid, ScharfetterGummel())) for r in runs
        ]
        second = _extrapolated(positive, groups, wanted, told)
        numbers |= {k: min(numbers[k], second[k], key=lambda pair: pair[1]) for k in numbers if k.startswith("theta")}
    if exact:
        numbers["jarzynski"] = _from_equilibrium(problem, grids, groups)
    else:
        numbers["jarzynski"] = numbers.pop(f"theta {len(arguments)}")
    free, why = _free_energy(problem, at, domain)
    numbers |= free
    if arguments:
        rows = np.array([numbers.pop(f"theta {k}") for k in range(len(arguments))])
        numbers["generating_function"] = rows[:, 0], rows[:, 1]
    flags = {"equilibrium_start": balanced, "why_no_free_energy": why, "temperature": protocol.temperature}
    return table(numbers, arguments, flags, "fpsolve work statistics")


def _loose(pair: tuple[float, float]) -> bool:
    """Whether a bar leaves few digits."""
    return not pair[1] < _LOOSE * abs(pair[0])


def _check(problem: FokkerPlanck, flux: Flux | None) -> None:
    if problem.force.split()[1] is not None or not problem.force.has_potential:
        raise InputError(
            "force", "Jarzynski's work needs a potential; this force has none (or a part without one): give a "
            "PotentialForce, or ask entropy_statistics"
        )  # fmt: skip
    if callable(problem.temperature):
        raise InputError("temperature", "given a function; exp(-W/T) needs one T for all times and places, a number")
    if problem.temperature <= 0.0:
        raise InputError("temperature", "given T = 0; exp(-W/T) needs T > 0")
    if flux is not None and not isinstance(flux, LinearFlux):
        given = getattr(flux, "kind", type(flux).__name__)
        raise InputError("flux", f"given {given}; the moments of the work need a linear one such as fourth-order")


@dataclasses.dataclass(frozen=True)
class _Told:
    """What the bars must know: whether a window was chosen, whether the start jumps, and what the window cuts of it."""

    windowed: bool
    rough: bool
    cut: float


def _extrapolated(runs: list[WorkRun], groups: list[Array], wanted: tuple[float, ...], told: _Told) -> dict[str, Any]:
    """Limits of vanishing steps and cells, and bars: N, N/2 and N/4 steps, and three grids at the longer ones."""
    half, quarter = halved(groups), halved(halved(groups))
    fine = runs[0].numbers(groups, wanted)
    pairs = [(run.numbers(half, wanted), run.numbers(quarter, wanted)) for run in runs]
    protocol, spread = runs[0].protocol, _travelled(runs[0], groups)
    found: dict[str, Any] = {}
    for name in (key for key in fine if not key.startswith("lost")):
        once, before = pairs[0][0][name], pairs[0][1][name]
        # the splitting is symmetric: its error is even in the step
        correction, earlier = (fine[name] - once) / 3.0, (once - before) / 3.0
        floor = _ROUNDING * max(abs(fine[name]), 1e-3 * protocol.temperature)
        even = abs(correction - earlier / 4.0)
        value = fine[name] + correction
        bar = _CAUTION * 4.0 * even + _LEAST * abs(correction)
        if even > 0.5 * abs(correction):  # not of second order: a kink, or a start that is not smooth
            value, bar = fine[name], 4.0 * max(abs(fine[name] - once), abs(once - before))
        space, space_bar = limit(
            [a[name] + (a[name] - b[name]) / 3.0 for a, b in pairs], runs[0].system.flux.order, floor, told.rough
        )
        shift = space - (once + (once - before) / 3.0)
        lost = fine["lost"] if not name.startswith("theta") else fine["lost " + name.split()[1]]
        edge = (told.cut + 3.0 * lost * told.windowed) * _weight(name, spread, value)
        found[name] = value + shift, bar + space_bar + edge
    return found


def _travelled(run: WorkRun, groups: list[Array]) -> float:
    """How far U moves in all at the rim of the window, there and back."""
    rim = tuple(np.meshgrid(*(axis.edges[[0, -1]] for axis in run.system.grid.axes), indexing="ij"))
    instants = np.linspace(float(groups[0][0]), float(groups[-1][-1]), _INSTANTS)
    return sum(float(np.max(np.abs(run.protocol.change(rim, t, s)))) for t, s in itertools.pairwise(instants.tolist()))


def _weight(name: str, spread: float, value: float) -> float:
    """What mass beyond a window counts for."""
    if name == "work_mean":
        return spread
    return spread**2 + 2.0 * spread * math.sqrt(abs(value)) if name == "work_variance" else max(1.0, abs(value))


def _from_equilibrium(problem: FokkerPlanck, grids: list[Grid], groups: list[Array]) -> tuple[float, float]:
    """<exp(-W/T)> with what half the cells and half the steps make of it."""
    fine, coarse = exact_split(problem, grids[0], groups), exact_split(problem, grids[1], halved(groups))
    return fine, abs(fine - coarse) + 1e-12 * abs(fine) * math.sqrt(sum(g.size for g in groups))


def _free_energy(problem: FokkerPlanck, times: Array, domain: Domain) -> tuple[dict[str, Any], str]:
    """Change of -T ln Z, and exp(-dF/T)."""
    ends = np.array([np.atleast_1d(domain.lower), np.atleast_1d(domain.upper)], float).T
    first, last = (log_partition(problem, float(t), ends) for t in (times[0], times[-1]))
    ratio: Estimate = last - first
    temperature = float(problem.temperature)
    value = math.exp(ratio.value) if ratio.finite else math.nan
    free = {"free_energy_change": (-temperature * ratio.value, temperature * ratio.error)}
    return free | {"exponential_of_free_energy": (value, value * math.expm1(ratio.error))}, ratio.why


def _flux(problem: FokkerPlanck, grid: Grid, begun: Any, times: Array) -> Flux:
    chosen = choose_flux(problem, grid, start_masses(begun, problem, grid, ScharfetterGummel(), float(times[0])), times)
    return chosen if isinstance(chosen, LinearFlux) else ScharfetterGummel()


def _stepper(problem: FokkerPlanck) -> GridStepper:
    return SDIRK4() if problem.dimension == 1 else RungeKuttaLegendre()


def _starts(begun: Any, problem: FokkerPlanck, grids: list[Grid], flux: Flux, t: float) -> list[Array]:
    if isinstance(begun, (np.ndarray, Masses)):
        finest = start_masses(begun, problem, grids[0], flux, t)
        return [finest, coarsened(finest), coarsened(coarsened(finest))]
    return [start_masses(begun, problem, grid, flux, t) for grid in grids]


def _is_equilibrium(problem: FokkerPlanck, grid: Grid, masses: Array, t: float) -> bool:
    return float(np.sum(np.abs(masses - equilibrium_masses(problem, grid, t)))) < _SAME


def _diagonal(problem: FokkerPlanck) -> bool:
    matrix = problem.mobility_matrix
    return bool(np.all(matrix == np.diag(np.diag(matrix))))
