"""What path averages share: checks, the grids that they live on, a Dataset of estimates."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.densities import Density, PlaneDensity
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.estimates import Estimate
from fpsolve.fluxes import ScharfetterGummel
from fpsolve.grids import Array, Grid
from fpsolve.integration import coarsened
from fpsolve.settings import InputError, whole
from fpsolve.solution.checks import check_times
from fpsolve.solution.choices import choose_window
from fpsolve.solution.start import Masses, as_start, start_masses
from fpsolve.solution.windows import resting_interval

#: default cells along each axis and steps, by dimension
CELLS, STEPS = {1: 256, 2: 64}, {1: 96, 2: 24}
#: grids: the finest and how often it is coarsened by two
LEVELS = 4
#: instants at which the equilibrium must fit into the window
_LOOKS = 9


@dataclasses.dataclass(frozen=True, eq=False)
class Stage:
    """A checked problem with its start and times, and a grid.

    Parameters
    ----------
    problem : FokkerPlanck
    start : object
        What :func:`fpsolve.solve` takes as one.
    times : (n,) array
        The first and the last one count.
    grid : Grid
    steps : int
    """

    problem: FokkerPlanck
    start: Any
    times: Array
    grid: Grid
    steps: int

    def instants(self, level: int) -> Array:
        """Ends of the steps at a level of coarsening."""
        return np.linspace(self.times[0], self.times[-1], max(self.steps // 2**level, 2) + 1)

    def masses(self, grid: Grid, level: int) -> Array:
        """Masses of the start in the cells of a grid, of sum one; an array is known on the finest alone."""
        flux, begin = ScharfetterGummel(), float(self.times[0])
        if isinstance(self.start, (Masses, np.ndarray)):
            masses = start_masses(self.start, self.problem, self.grid, flux, begin)
            for _ in range(level):
                masses = coarsened(masses)
        else:
            masses = start_masses(self.start, self.problem, grid, flux, begin)
        return np.asarray(masses / np.sum(masses))

    def grids(self) -> list[Grid]:
        """The grid and its coarser copies."""
        found = [self.grid]
        while len(found) < LEVELS and min(found[-1].shape) >= 16:
            found.append(found[-1].coarser())
        return found


def staged(
    problem: Any, start: Any, times: Any, cells: Any, steps: Any, equilibria: bool, grid: Grid | None = None
) -> Stage:
    """Check the arguments of a path average, and choose a window.

    Parameters
    ----------
    problem, start, times
        As for :func:`fpsolve.solve`.
    cells, steps : int, optional
        Cells along each axis and time steps, both multiples of 8.
    equilibria : bool
        Whether the window must hold the equilibrium of every instant beside the density.
    grid : Grid, optional
        In place of window and cells.

    Raises
    ------
    InputError
        Absorbing ends, T = 0, a temperature that depends on the place, whatever ``solve`` refuses.
    """
    if not isinstance(problem, FokkerPlanck):
        raise InputError("problem", f"given {type(problem).__name__}; expected FokkerPlanck(force, temperature)")
    when, begun = check_times(times), as_start(start, problem)
    if problem.domain is not None and any("absorbing" in np.atleast_1d(b) for b in problem.domain.boundaries):
        raise InputError("problem", "it has absorbing ends: paths that leave have no reverse; make them reflecting")
    if not problem.uniform_temperature:
        raise InputError("problem", "its temperature depends on the place: no single bath gives the entropy of a path")
    for t in when[[0, -1]].tolist():
        if problem.temperature_at(t) <= 0.0:
            raise InputError("problem", "its temperature is zero: no path has a reverse at T = 0")
    count = whole("steps", STEPS[problem.dimension] if steps is None else steps, 8, 10**6)
    if grid is None:
        number = whole("cells", CELLS[problem.dimension] if cells is None else cells, 16, 10**5)
        domain = problem.domain or _window(problem, begun, when, equilibria)
        grid = domain.grid(8 * -(-number // 8))
    return Stage(problem, begun, when, grid, 8 * -(-count // 8))


def _window(problem: FokkerPlanck, start: Any, times: Array, equilibria: bool) -> Domain:
    """A window that holds the density and, if asked for, the equilibrium at all times."""
    found = choose_window(problem, start, times)
    if not equilibria or problem.dimension == 2:
        return found
    lower, upper = float(np.squeeze(found.lower)), float(np.squeeze(found.upper))
    for t in np.linspace(times[0], times[-1], _LOOKS).tolist():
        interval = resting_interval(problem, t)
        if interval is not None:
            lower, upper = min(lower, interval[0]), max(upper, interval[1])
    return Domain(lower, upper)


def log_masses(start: Any, masses: Array, grid: Grid) -> Array:
    """Ln of the masses of a start, minus infinity in empty cells: those that merely underflow are not empty."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(masses, 0.0))
    if isinstance(start, (Density, PlaneDensity)) and hasattr(start, "logpdf") and np.any(np.isneginf(logs)):
        points = np.meshgrid(*(axis.centres for axis in grid.axes), indexing="ij")
        with np.errstate(divide="ignore", invalid="ignore"):
            known = np.asarray(start.logpdf(*points), float) + np.log(np.broadcast_to(grid.volumes, grid.shape))
        logs = np.where(np.isneginf(logs) & ~np.isnan(known), known, logs)
    return logs


def as_dataset(
    estimates: Mapping[str, Estimate],
    meanings: Mapping[str, tuple[str, str]],
    curve: tuple[Array, list[Estimate]] | None,
) -> xr.Dataset:
    """Estimates, each with its bar, and a generating function where one was asked for."""
    variables: dict[str, Any] = {}
    for name, estimate in estimates.items():
        text, equation = meanings[name]
        entries = {"units": "1", "long_name": text, "equation": equation}
        variables[name] = xr.Variable((), estimate.value, entries | ({"why": estimate.why} if estimate.why else {}))
        variables[f"{name}_error"] = xr.Variable((), estimate.error, {"units": "1", "long_name": "error bar: " + text})
    if curve is None:
        return xr.Dataset(variables)
    theta, values = curve
    text, equation = meanings["generating_function"]
    entries = {"units": "1", "long_name": text, "equation": equation}
    variables["generating_function"] = xr.Variable("theta", [e.value for e in values], entries)
    bars = {"units": "1", "long_name": "error bar: " + text}
    variables["generating_function_error"] = xr.Variable("theta", [e.error for e in values], bars)
    return xr.Dataset(variables, {"theta": ("theta", theta, {"units": "1", "long_name": "counting parameter"})})


def counting(theta: Any) -> Array:
    """Counting parameters as a finite one-dimensional array; empty for None.

    Raises
    ------
    InputError
        Anything else.
    """
    try:
        array = np.atleast_1d(np.asarray([] if theta is None else theta, float))
    except (TypeError, ValueError) as error:
        raise InputError("theta", f"given {theta!r}; expected numbers") from error
    if array.ndim != 1 or not np.all(np.isfinite(array)):
        raise InputError("theta", f"given {theta!r}; expected finite numbers in one dimension")
    return array
