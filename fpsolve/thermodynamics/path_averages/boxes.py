"""Windows that hold a density and the equilibrium of its force at all times, and what is refused before."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpsolve.densities import Density
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.forces.base import mesh
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError, numbers, whole
from fpsolve.solution.checks import check_times
from fpsolve.solution.choices import choose_window
from fpsolve.solution.start import Equilibrium, Stationary, as_start, jumps
from fpsolve.solution.windows import resting_interval

#: default cells along an axis and steps in time, by dimension
CELLS, STEPS = {1: 256, 2: 64}, {1: 200, 2: 40}
#: the fewest cells along an axis: the coarsest companion has a quarter of them
_LEAST_CELLS = 32
#: instants between the ends at which the equilibrium is looked for
_INSTANTS = 10
#: weight at the rim of a window in the plane that counts as none, and the first box tried
_FAINT, _REACH, _ROUNDS, _SCAN = 1e-15, 1.0, 60, 64
#: neighbours of an empty cell that show it to be one by underflow alone
_UNDERFLOW = 1e-200
#: distance of a jump from an edge that is rounding, in units of the window
_ALIGNED = 1e-12


def checked(problem: Any, start: Any, times: Any) -> tuple[FokkerPlanck, Any, Array]:
    """Problem, start and times of both kinds of statistics.

    Raises
    ------
    InputError
        No problem, absorbing ends, times that do not increase.
    """
    if not isinstance(problem, FokkerPlanck):
        raise InputError("problem", f"given {type(problem).__name__}; expected FokkerPlanck(force, temperature)")
    domain = problem.domain
    if domain is not None and any("absorbing" in (b if isinstance(b, tuple) else (b,)) for b in domain.boundaries):
        raise InputError(
            "boundary", "given an absorbing end; paths that leave have no work and no entropy production, choose "
            "reflecting or periodic ends"
        )  # fmt: skip
    return problem, as_start(start, problem), check_times(times)


def thetas(given: Any) -> tuple[float, ...]:
    """Arguments of a generating function."""
    if given is None:
        return ()
    return numbers("theta", [given] if np.ndim(given) == 0 and not isinstance(given, str) else given)


def cells_and_steps(problem: FokkerPlanck, start: Any, cells: Any, steps: Any) -> tuple[tuple[int, ...], int]:
    """Cells along each axis and steps in time, chosen where none are given."""
    dimension = problem.dimension
    if cells is None:
        shape = start.shape if isinstance(start, np.ndarray) else (CELLS[dimension],) * dimension
    else:
        shape = tuple(np.atleast_1d(cells).tolist()) if np.ndim(cells) else (cells,) * dimension
    if len(shape) != dimension:
        raise InputError("cells", f"given {cells!r}; expected a whole number, or one for each of {dimension} axes")
    chosen = tuple(whole("cells", each, _LEAST_CELLS) for each in shape)
    return chosen, whole("steps", STEPS[dimension] if steps is None else steps, 4)


def box(problem: FokkerPlanck, start: Any, times: Array, resting: bool) -> Domain:
    """The domain, or a window that holds the density, and where wanted the equilibria of all times too."""
    if problem.domain is not None:
        return problem.domain
    instants = np.linspace(times[0], times[-1], _INSTANTS)
    if problem.dimension == 2 and isinstance(start, (Equilibrium, Stationary)):
        ends = _at_rest(problem, instants)
        if ends is None:
            raise InputError("domain", "the force does not confine, so that no window is found; give Domain(...)")
        return Domain(ends[:, 0], ends[:, 1])
    found = choose_window(problem, start, times)
    ends = np.array([np.atleast_1d(found.lower), np.atleast_1d(found.upper)], float).T
    if resting and problem.dimension == 1:
        every = [ends, *(np.array([r]) for t in instants if (r := resting_interval(problem, float(t))) is not None)]
    elif resting:
        rest = _at_rest(problem, instants)
        every = [ends] if rest is None else [ends, rest]
    else:
        every = [ends]
    lower, upper = np.min([e[:, 0] for e in every], axis=0), np.max([e[:, 1] for e in every], axis=0)
    return Domain(float(lower[0]), float(upper[0])) if problem.dimension == 1 else Domain(lower, upper)


def _at_rest(problem: FokkerPlanck, instants: Array) -> Array | None:
    """Ends (2, 2) of a box in the plane outside of which exp(-U/T) is negligible at all instants."""
    if not (problem.force.has_potential and problem.uniform_temperature):
        return None
    ends = np.array([[-_REACH, _REACH]] * 2)
    for _ in range(_ROUNDS):
        grid = Grid.plane(ends[:, 0].tolist(), ends[:, 1].tolist(), (_SCAN, _SCAN))
        weights = np.max([_weights(problem, grid, float(t)) for t in instants], axis=0)
        profiles = [np.max(weights, axis=1 - axis) for axis in range(2)]
        heavy = np.array([[profile[0] > _FAINT, profile[-1] > _FAINT] for profile in profiles])
        if np.any(heavy):
            ends = ends + 0.5 * (ends[:, 1] - ends[:, 0])[:, None] * heavy * np.array([-1.0, 1.0])
            continue
        new = []
        for axis, profile in zip(grid.axes, profiles, strict=True):
            inside = np.flatnonzero(profile > _FAINT)
            new.append([axis.edges[max(inside[0] - 1, 0)], axis.edges[min(inside[-1] + 2, _SCAN)]])
        shrunk = np.array(new)
        if np.all(shrunk[:, 1] - shrunk[:, 0] > 0.8 * (ends[:, 1] - ends[:, 0])):
            return shrunk
        ends = shrunk
    return None


def _weights(problem: FokkerPlanck, grid: Grid, t: float) -> Array:
    energy = problem.force.potential(mesh(grid, 0, grid.axes[0].centres), t)
    assert energy is not None
    weights: Array = np.exp(-(energy - np.min(energy)) / problem.temperature_at(t))
    return np.broadcast_to(weights, grid.shape)


def support(start: Any, masses: Array) -> NDArray[np.bool_]:
    """Which cells the start reaches: all of them where only underflow leaves some empty."""
    bounded = isinstance(start, np.ndarray) or hasattr(start, "masses") or jumps(start)
    held = masses > 0.0
    if not bounded or np.all(held):
        return np.ones(masses.shape, bool)
    rim = ~held & (beside(masses) > 0.0)
    real = bool(np.any(beside(masses)[rim] > _UNDERFLOW))
    return held if real else np.ones(masses.shape, bool)


def beside(masses: Array) -> Array:
    """The larger mass of the neighbours of every cell."""
    found = np.zeros(masses.shape)
    for axis in range(masses.ndim):
        for shift in (1, -1):
            found = np.maximum(found, np.roll(masses, shift, axis))
    return found


def rim_of(start: Any, grid: Grid, reached: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cells that a start with jumps may reach in part only: beside empty ones, unless it jumps at edges of cells."""
    rim = np.zeros(reached.shape, bool)
    if not jumps(start) or np.all(reached):
        return rim
    if isinstance(start, Density):
        edges = grid.axis.edges
        near = np.min(np.abs(start.breaks()[:, None] - edges[None, :]), axis=1, initial=np.inf)
        if np.all(near < _ALIGNED * grid.axis.length):
            return rim
    return reached & (beside(np.where(reached, 0.0, 1.0)) > 0.0)


def rough(start: Any, domain: Domain) -> bool:
    """Whether a start jumps, or has a kink, inside the domain."""
    if not isinstance(start, Density):
        return jumps(start)
    places = np.concatenate([start.breaks(), start.kinks()])
    return bool(np.any((places > float(np.squeeze(domain.lower))) & (places < float(np.squeeze(domain.upper)))))
