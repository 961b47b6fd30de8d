"""A speed-accuracy experiment in the plane."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from fpsolve.cases.recipes import check_numerics, head_of, interval_of, part, tables_of
from fpsolve.densities import PlaneDensity, PlaneGaussian
from fpsolve.densities.plane.base import Box, check_pair
from fpsolve.grids import Grid
from fpsolve.planar.processes import check_blurred, plane_process
from fpsolve.planar.window import grid_over, window_of, window_of_ends
from fpsolve.processes.plane.base import FlowingProcess, PlaneProcess
from fpsolve.schedules import LinearForceSchedule, OptimalTransport, Schedule, Stirring, StreamFunction
from fpsolve.settings import InputError, Recipe, whole

#: bar, relative to the larger side, above which a relation in the plane is undecided
PLANE_TOLERANCE = 1e-2
_CELLS = (256, 256)


@dataclasses.dataclass(frozen=True, eq=False)
class PlaneCase:
    """One experiment in the plane: data, schedule, start and numerical choices.

    Parameters
    ----------
    data : PlaneDensity
        q, the density at t = 0.
    schedule : Schedule, LinearForceSchedule, Stirring or OptimalTransport
        The forward process; its ``tau`` is the case's.
    start : PlaneDensity, optional
        P~ at t = tau; not needed for a forward process alone.
    cells : (int, int)
        Cells along x and y.
    lower, upper : (float, float), optional
        Corners of the grid; chosen from the tails of P, P~ and P~² / P if absent.
    steps : int
        Stored intervals.
    snapshots : int
        How many instants keep their fields, evenly spaced, both ends included.
    estimated : str
        One of ``METHODS``; in the plane "exact" is the route of the characteristics.
    window : ((lower, upper), (lower, upper)), optional
        Restricts every integral; nothing is renormalised.
    tolerance : float
        Error bar, relative to the larger side, above which a relation is undecided.

    Raises
    ------
    InputError
        A value that is not allowed, with the key of the case file.
    """

    data: PlaneDensity
    schedule: Schedule | LinearForceSchedule | Stirring | OptimalTransport
    start: PlaneDensity | None = None
    cells: tuple[int, int] = _CELLS
    lower: tuple[float, float] | None = None
    upper: tuple[float, float] | None = None
    steps: int = 100
    snapshots: int = 4
    estimated: str = "characteristics"
    window: Box | None = None
    tolerance: float = PLANE_TOLERANCE

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", check_cells(self.cells))
        whole("[time] snapshots", self.snapshots, 2, 1000)
        if self.lower is not None and self.upper is not None:
            low, high = check_pair("[grid] lower", self.lower), check_pair("[grid] upper", self.upper)
            for axis in (0, 1):
                interval_of("[grid] upper", (low[axis], high[axis]))
            object.__setattr__(self, "lower", low)
            object.__setattr__(self, "upper", high)
        if self.window is not None:
            object.__setattr__(self, "window", _window(self.window))
        check_numerics(self)
        if isinstance(self.schedule, OptimalTransport) and self.estimated in ("weno5", "upwind"):
            raise InputError("[numerics] estimated", "the geodesic is known by its map; it takes characteristics alone")
        if self.start is not None:
            check_blurred("[start] blur", self.start)
        self.process  # noqa: B018  # complains about data or a schedule that the plane does not take

    @property
    def tau(self) -> float:
        """Duration, s."""
        return self.schedule.tau

    @property
    def process(self) -> PlaneProcess:
        """The forward process; of a geodesic on the grid of :attr:`grid`."""
        if isinstance(self.schedule, OptimalTransport):
            return plane_process(self.data, self.schedule, self.grid)
        return plane_process(self.data, self.schedule)

    @property
    def grid(self) -> Grid:
        """Equal cells that hold both processes at all times."""
        return grid_over(self._box(), self.cells)

    def _box(self) -> Box:
        if self.lower is not None and self.upper is not None:
            return (self.lower[0], self.upper[0]), (self.lower[1], self.upper[1])
        if isinstance(self.schedule, OptimalTransport):
            target = _target(self.schedule)
            return window_of_ends(self.data, target, self.start or target)
        process = plane_process(self.data, self.schedule)
        assert isinstance(process, FlowingProcess)
        return window_of(process, self.start or process.final)

    def recipe(self) -> Recipe:
        """The case as a mapping with the keys of a case file."""
        schedule = self.schedule.recipe()
        schedule.pop("tau", None)
        if isinstance(self.schedule, Stirring):
            schedule["schedule"].pop("tau", None)
        return {"dimension": 2} | tables_of(self, schedule)

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any], *, needs_start: bool = True) -> PlaneCase:
        """Build a case from the mapping that a case file or a result holds; see :func:`case_from_recipe`."""
        tau, options = head_of(recipe, needs_start)
        schedule = dict(recipe["schedule"])
        if schedule.get("kind") == "stirring":
            _check_stirring(schedule)
        if schedule.get("kind") == "optimal-transport":
            target = schedule.get("target")
            schedule["target"] = (
                PlaneGaussian(std=1.0) if target is None else part("schedule.target", "plane-density", target)
            )
        start = recipe.get("start")
        return cls(
            data=part("data", "plane-density", recipe["data"]),
            schedule=part("schedule", "schedule", schedule, {"tau": tau}),
            start=None if start is None else part("start", "plane-density", start),
            **options,
        )


def _check_stirring(entries: Recipe) -> None:
    """Refuse what a case file cannot say of a schedule that is stirred."""
    inner, stream = entries.get("schedule"), entries.get("stream")
    if isinstance(inner, Mapping) and "tau" in inner:
        raise InputError("[schedule] schedule tau", "unknown key here; tau stands at the top of the case")
    if not isinstance(stream, Mapping) or stream.get("kind") != StreamFunction.kind:
        return
    if not StreamFunction.lives(stream.get("function")):
        raise InputError("[schedule] stream kind", "given 'function', which is for Python; allowed: levels, vortices")


def _target(schedule: OptimalTransport) -> PlaneDensity:
    if not isinstance(schedule.target, PlaneDensity):
        raise InputError("[schedule] target", f"given {schedule.target.kind!r} on the line; expected one in the plane")
    return schedule.target


def check_cells(value: Any) -> tuple[int, int]:
    """Cells along x and y, or an InputError."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        first, second = (whole("[grid] cells", int(n) if hasattr(n, "item") else n, 8, 8192) for n in value)
        return first, second
    raise InputError("[grid] cells", f"given {value!r}; expected a pair [nx, ny]")


def _window(value: Any) -> Box:
    """Two intervals; one serves both axes."""
    try:
        flat = all(not hasattr(side, "__len__") for side in value)
        sides = (value, value) if flat else tuple(value)
    except TypeError:
        sides = ()
    if len(sides) != 2:
        raise InputError("[numerics] window", f"given {value!r}; expected [[lower, upper], [lower, upper]]")
    first, second = (interval_of("[numerics] window", tuple(side)) for side in sides)
    return first, second
