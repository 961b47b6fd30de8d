"""What ``solve`` refuses, and why."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpsolve.densities.base import check_points
from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import Flux, TwoPointFlux
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError, whole
from fpsolve.steppers import GridStepper

#: arrays of the size of the grid that a run works with, beside what it stores
_WORKING = 40
_STORED_FIELDS = 5


def check_times(times: Any) -> Array:
    """Increasing times, at least two."""
    try:
        array = np.asarray(times, float)
    except (TypeError, ValueError) as error:
        raise InputError("times", f"given {times!r}; expected increasing numbers") from error
    if array.ndim == 1 and array.size > 1 and np.all(np.diff(array) < 0.0):
        raise InputError(
            "times", f"given {array[0]:g} down to {array[-1]:g}; a Fokker-Planck equation runs forward only"
        )
    array = check_points("times", array, increasing=True)
    if array.size < 2:
        raise InputError("times", "given one time; expected the time of the start and at least one more")
    return array


def kept_indices(snapshots: int | Sequence[float] | None, times: Array) -> NDArray[np.intp]:
    """Indices of the times that keep their fields."""
    if snapshots is None:
        return np.arange(times.size)
    if isinstance(snapshots, (int, np.integer)) and not isinstance(snapshots, bool):
        count = whole("snapshots", snapshots, 0, times.size)
        return np.unique(np.round(np.linspace(0, times.size - 1, count)).astype(int))
    try:
        asked = np.atleast_1d(np.asarray(snapshots, float))
    except (TypeError, ValueError) as error:
        raise InputError("snapshots", f"given {snapshots!r}; expected how many, or some of the times") from error
    nearest = np.array([int(np.argmin(np.abs(times - t))) for t in asked], int)
    wrong = np.abs(times[nearest] - asked) > 1e-9 * (times[-1] - times[0])
    if np.any(wrong):
        raise InputError("snapshots", f"given {asked[wrong][0]:g}, which is none of the times; add it to times")
    return np.unique(nearest)


def check_schemes(grid: Grid | None, flux: Flux | None, stepper: GridStepper | None, problem: FokkerPlanck) -> None:
    """Whether grid, flux and stepper go together."""
    for name, given, base, example in (
        ("grid", grid, Grid, "Grid.line(-8, 8, 500)"),
        ("flux", flux, Flux, "fluxes.FourthOrder()"),
        ("stepper", stepper, GridStepper, "steppers.SDIRK4()"),
    ):
        if given is not None and not isinstance(given, base):
            raise InputError(
                name, f"given {getattr(given, '__name__', type(given).__name__)}; expected one such as {example}"
            )
    if grid is not None and grid.dimension != problem.dimension:
        example = "Grid.line" if problem.dimension == 1 else "Grid.plane"
        raise InputError("grid", f"it has {grid.dimension} axes and the force {problem.dimension}; see {example}")
    if stepper is None:
        return
    if problem.dimension not in stepper.dimensions:
        where = "on a line" if problem.dimension == 2 else "in the plane"
        raise InputError(
            "stepper", f"{stepper.kind} works {where} only; the problem has {problem.dimension} dimensions"
        )
    if flux is None:
        return
    fits = {"linear": flux.linear, "positive": flux.positive, "two-point": isinstance(flux, TwoPointFlux)}
    if not fits.get(stepper.takes, True):
        raise InputError(
            "stepper", f"{stepper.kind} takes a {stepper.takes} flux, not {flux.kind}; see 'fpsolve schemes'"
        )


def check_ring(problem: FokkerPlanck, grid: Grid, t: float) -> None:
    """Refuse a potential that does not close around a periodic axis, whatever the flux would make of it."""
    if any(axis.periodic for axis in grid.axes):
        problem.force.links(grid, t)


def memory_needed(grid: Grid, snapshots: int) -> int:
    """Bytes that a run takes."""
    return 8 * grid.cells * (_WORKING + _STORED_FIELDS * max(snapshots, 1))


def told_memory(grid: Grid, times: int, snapshots: int) -> str:
    """What a run needs, in words."""
    needed = memory_needed(grid, snapshots)
    size = f"{needed / 1e9:.2g} GB" if needed > 1e9 else f"{max(needed / 1e6, 1.0):.0f} MB"
    cells = " x ".join(map(str, grid.shape))
    return f"{cells} cells, {times} stored times, fields at {snapshots}: about {size} of memory"


def check_memory(grid: Grid, snapshots: int) -> None:
    """Refuse a run that cannot fit into the machine, before it begins."""
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return
    needed = memory_needed(grid, snapshots)
    if needed > there:
        raise InputError(
            "grid", f"{grid.cells} cells at {snapshots} stored times need about {needed / 1e9:.3g} GB, the machine has "
            f"{there / 1e9:.3g}; store fewer snapshots, or take fewer cells"
        )  # fmt: skip
