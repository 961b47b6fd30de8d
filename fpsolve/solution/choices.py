"""What is chosen where the user chose nothing: the window, the flux, the stepper."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.fluxes import WENO5, Flux, FourthOrder, ScharfetterGummel
from fpsolve.grids import Array, Grid
from fpsolve.integration import Control, Level, March
from fpsolve.settings import InputError
from fpsolve.solution.start import Equilibrium, Masses, Stationary, start_masses
from fpsolve.solution.windows import resting_interval
from fpsolve.steppers import (
    SDIRK4,
    SSPRK3,
    TRBDF2,
    GridStepper,
    PatankarRungeKutta,
    RungeKuttaLegendre,
    StrangSplitting,
)

#: mass of the start beyond either side of the first window
_TAIL = 1e-11
#: a window is wide enough when its outermost cells never hold more than this
_EDGE = 1e-8
_OUTERMOST = 0.04
_STRETCH = 0.15
_PILOT_CELLS = {1: 200, 2: 48}
_MOST_EXTENSIONS = 60
#: cells wider than this many T / |f| are carried by WENO instead of a central flux
_STEEP = 20.0
_SAMPLED = (1e-6, 0.25, 0.5, 0.75)
#: where an explicit stepper would need more steps, a positive flux with an implicit one is taken
_MOST_STEPS = {1: 20_000, 2: 5_000}
#: the fewest and the most cells along each axis that are chosen
_CELLS = {1: (128, 4096), 2: (64, 320)}


def choose_window(problem: FokkerPlanck, start: Any, times: Array) -> Domain:
    """A box that holds the density at all times, found by coarse trial runs.

    Raises
    ------
    InputError
        A density that runs away, or a start that does not say where it is.
    """
    resting = isinstance(start, (Equilibrium, Stationary))
    interval = resting_interval(problem, float(times[0])) if resting else None
    if interval is None and (resting or isinstance(start, (Masses, np.ndarray))):
        kind = getattr(start, "kind", "array")
        raise InputError("grid", f"missing; a start of kind {kind!r} does not tell here where it lies")
    ends = np.array(interval or start.interval(_TAIL), float).reshape(problem.dimension, 2)
    cells = [_PILOT_CELLS[problem.dimension]] * problem.dimension
    for _ in range(_MOST_EXTENSIONS):
        lower, upper = ends[:, 0], ends[:, 1]
        domain = Domain(*(v if problem.dimension == 2 else float(v[0]) for v in (lower, upper)))
        heavy = _heavy_sides(problem, start, domain.grid(cells if problem.dimension == 2 else cells[0]), times)
        if not np.any(heavy):
            return domain
        stretch = _STRETCH * (upper - lower)[:, None] * heavy
        ends = ends + stretch * np.array([-1.0, 1.0])
    raise InputError(
        "grid", f"the density has not come to rest inside [{ends[0, 0]:.3g}, {ends[0, 1]:.3g}]; give a grid, or check "
        "the sign of the force"
    )  # fmt: skip


def _heavy_sides(problem: FokkerPlanck, start: Any, grid: Grid, times: Array) -> Array:
    """Which sides of a window, (dimension, 2), the density comes too near to."""
    flux = ScharfetterGummel() if _diagonal(problem) else FourthOrder()
    system = Discretisation(problem, grid, flux)
    masses = start_masses(start, problem, grid, flux, float(times[0]))
    stepper: GridStepper = TRBDF2() if grid.dimension == 1 else StrangSplitting(TRBDF2())
    if not _diagonal(problem):
        stepper = RungeKuttaLegendre()
    level = Level(system, masses, np.zeros(2 * grid.dimension))
    march = March(stepper, [level], Control(rtol=3e-3), float(times[0]), float(times[-1]))
    heavy = np.zeros((grid.dimension, 2), bool)
    # between the stored times, too: a density may go out and come back
    stops = np.unique(np.concatenate([times, np.linspace(times[0], times[-1], 13)]))
    for begin, end in itertools.pairwise(stops):
        march.advance(float(begin), float(end))
        for axis in range(grid.dimension):
            other = tuple(k for k in range(grid.dimension) if k != axis)
            profile = np.abs(np.sum(level.masses, axis=other))
            outer = max(2, round(_OUTERMOST * profile.size))
            heavy[axis] |= [np.sum(profile[:outer]) > _EDGE, np.sum(profile[-outer:]) > _EDGE]
        if np.any(heavy):
            break
    return heavy


def choose_flux(problem: FokkerPlanck, grid: Grid, masses: Array, times: Array) -> Flux:
    """The most accurate flux that the problem allows: central where diffusion smooths over a cell, WENO elsewhere.

    ``masses`` are those of the start; it is the drift there, at all of some times, that decides.
    """
    plane = grid.dimension == 2
    if plane and not problem.uniform_temperature:
        return ScharfetterGummel()
    if not _diagonal(problem):
        return FourthOrder()
    begin, duration = float(times[0]), float(times[-1] - times[0])
    instants = [begin + part * duration for part in _SAMPLED]
    if not all(_steepest(problem, grid, masses, t) > _STEEP for t in instants):
        return FourthOrder()
    absorbing = any("absorbing" in axis.ends for axis in grid.axes)
    if not all(axis.uniform for axis in grid.axes) or (plane and absorbing):
        return ScharfetterGummel()
    carried = Discretisation(problem, grid, WENO5())
    longest = min(SSPRK3().largest_step(carried, t) for t in instants)
    return WENO5() if duration <= _MOST_STEPS[grid.dimension] * longest else ScharfetterGummel()


def _steepest(problem: FokkerPlanck, grid: Grid, masses: Array, t: float) -> float:
    """Largest |f| h / T where there is mass."""
    worst = 0.0
    there = masses > 1e-8 * np.max(masses)
    points: tuple[Array, ...] = tuple(axis.centres for axis in grid.axes)
    if grid.dimension == 2:
        points = points[0][:, None], points[1][None, :]
    temperature = np.broadcast_to(problem.temperature_at(t, points), grid.shape)
    for axis, component in enumerate(problem.force.field(points, t)):
        widths = grid.axes[axis].widths.reshape(-1, *[1] * (grid.dimension - 1 - axis))
        pull = np.broadcast_to(np.abs(component) * widths, grid.shape)[there]
        with np.errstate(divide="ignore", invalid="ignore"):
            worst = max(worst, float(np.max(np.where(pull > 0.0, pull / temperature[there], 0.0))))
    return worst


def choose_stepper(problem: FokkerPlanck, grid: Grid, flux: Flux) -> GridStepper:
    """Positive for a positive flux; otherwise implicit and of fourth order on a line, stabilised in the plane."""
    if not flux.linear:
        return SSPRK3()
    if flux.positive:
        return PatankarRungeKutta() if grid.dimension == 1 else StrangSplitting()
    return SDIRK4() if grid.dimension == 1 else RungeKuttaLegendre()


def first_cells(problem: FokkerPlanck) -> int:
    """Number of cells (along each axis) to begin with."""
    return _CELLS[problem.dimension][0]


def next_cells(problem: FokkerPlanck, cells: int, excess: float) -> int | None:
    """Number of cells to try next, where the bar was ``excess`` times what is wanted; None to stop.

    From the fourth order, and within a factor of two; a multiple of eight, so that coarser companions have all edges.
    """
    most = _CELLS[problem.dimension][1]
    if excess <= 1.0 or cells >= most:
        return None
    factor = min(max(1.1 * excess**0.25, 1.25), 2.0)
    return min(8 * math.ceil(cells * factor / 8.0), most)


def _diagonal(problem: FokkerPlanck) -> bool:
    matrix = problem.mobility_matrix
    return bool(np.all(matrix == np.diag(np.diag(matrix))))
