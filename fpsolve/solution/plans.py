"""A run with every choice made."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import Flux
from fpsolve.forces.base import Points
from fpsolve.grids import Array, Grid
from fpsolve.integration import Control
from fpsolve.settings import Recipe, Settings
from fpsolve.solution.gauges import AXES, Observables
from fpsolve.steppers import GridStepper


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """A run, every choice made.

    Parameters
    ----------
    problem, grid, flux, stepper, control
        What is solved, and how.
    start : (cells...) array
        Masses at the first time.
    times : (n,) array
        Stored times, s; the first is where the start lives.
    kept : (k,) array of int
        Which of them keep their fields.
    bars : bool
        Whether two coarser companions run along, for error bars.
    observables : mapping
        Name -> function of the position.
    rough : bool
        Whether the start jumps.
    resting : bool
        Whether the start is the stationary state of the scheme: every companion then begins with its own.
    """

    problem: FokkerPlanck
    grid: Grid
    flux: Flux
    stepper: GridStepper
    control: Control
    start: Array
    times: Array
    kept: NDArray[np.intp]
    bars: bool
    observables: Observables
    rough: bool = False
    resting: bool = False

    @property
    def order(self) -> int:
        """The highest order that the errors may fall with as grids and steps are refined together.

        A jump of the start lies at another fraction of its cell on every level: what that leaves falls irregularly,
        but never by less than the first order from level to level. Nor are errors taken to fall more than twice as
        fast as those of the stepper: beside a part that falls faster, its own would be missed on coarse grids.
        """
        return 1 if self.rough else min(max(self.flux.order, self.flux.advective_order), 2 * self.stepper.order)

    def recipe(self, start: Any) -> Recipe:
        """The run as data: what a file can hold of it, enough to repeat it unless Python functions are involved."""
        numerics = {"flux": self.flux.recipe(), "stepper": self.stepper.recipe(), "bars": self.bars}
        entry: Recipe = {"solution": True, "dimension": self.problem.dimension} | self.problem.recipe()
        if self.problem.force.python or callable(self.problem.temperature):
            entry["python"] = self._fingerprint()
        entry |= {"start": self._start_recipe(start), "grid": grid_recipe(self.grid)}
        entry["time"] = times_recipe(self.times)
        if self.kept.size < self.times.size:
            entry["time"]["kept"] = self.kept.tolist()
        entry["numerics"] = numerics | dataclasses.asdict(self.control)
        return entry | ({"observables": sorted(self.observables)} if self.observables else {})

    def _start_recipe(self, start: Any) -> Recipe:
        """That of the start, or its masses where only they are the same once more, bit for bit."""
        named = start.recipe() if isinstance(start, Settings) else {"kind": "array"}
        return {"kind": "masses", "masses": self.start} if named["kind"] in ("array", "panels") else named

    def _fingerprint(self) -> str:
        """What Python functions give on the grid at three of the times, as a hash: other functions show."""
        digest = hashlib.sha256()
        for index in (0, self.times.size // 2, self.times.size - 1):
            t = float(self.times[index])
            for values in (*self.problem.force.links(self.grid, t), self.problem.temperature_at(t, centres(self.grid))):
                digest.update(np.ascontiguousarray(values, float).tobytes())
        return digest.hexdigest()[:16]


def centres(grid: Grid) -> Points:
    """Coordinates of the centres that broadcast to the grid's shape."""
    points = tuple(axis.centres for axis in grid.axes)
    return points if grid.dimension == 1 else (points[0][:, None], points[1][None, :])


def times_recipe(times: Array) -> Recipe:
    """Begin, end and number of the intervals, or all times where those do not tell them."""
    entry = {"begin": float(times[0]), "end": float(times[-1]), "steps": times.size - 1}
    return entry if np.array_equal(times, rebuilt_times(entry)) else {"times": times.tolist()}


def rebuilt_times(recipe: Mapping[str, Any]) -> Array:
    """Times from their recipe."""
    if "times" in recipe:
        return np.asarray(recipe["times"], float)
    return np.linspace(recipe["begin"], recipe["end"], recipe["steps"] + 1)


def grid_recipe(grid: Grid) -> Recipe:
    """Cells, ends and boundary of every axis; the edges too where the cells are not those of equal steps."""
    entry: Recipe = {"cells": list(grid.shape)}
    entry |= {
        "lower": [float(axis.edges[0]) for axis in grid.axes],
        "upper": [float(axis.edges[-1]) for axis in grid.axes],
    }
    entry["boundary"] = [axis.boundary if isinstance(axis.boundary, str) else list(axis.boundary) for axis in grid.axes]
    for name, axis in zip(AXES, grid.axes, strict=False):
        if not np.array_equal(axis.edges, np.linspace(axis.edges[0], axis.edges[-1], axis.cells + 1)):
            entry[f"edges_{name}"] = np.array(axis.edges)
    return entry
