"""A speed-accuracy experiment on the line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from fpsolve.cases.recipes import METHODS, check_numerics, head_of, interval_of, part, tables_of
from fpsolve.densities import Density
from fpsolve.estimates import TOLERANCE
from fpsolve.processes import Process, forward_process
from fpsolve.schedules import OptimalTransport, Recording, Schedule
from fpsolve.settings import InputError, Recipe, number, whole


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """One experiment: data, schedule, start and numerical choices.

    Parameters
    ----------
    data : Density
        q, the density at t = 0.
    schedule : Schedule or OptimalTransport
        The forward process; its ``tau`` is the case's.
    start : Density, optional
        P~ at t = tau; not needed for a forward process alone.
    cells, lower, upper
        Grid of the stored fields (and of the grid routes); the ends are chosen from the tails if absent. Given ends
        also restrict every integral, unless ``window`` does.
    steps, snapshots : int
        Stored intervals, and how many of the stored instants keep their fields (all if absent).
    estimated : str
        One of ``METHODS``.
    window : (lower, upper), optional
        Restricts every integral; nothing is renormalised.
    tolerance : float
        Error bar, relative to the larger side, above which a relation is undecided.

    Raises
    ------
    InputError
        A value that is not allowed, with the key of the case file.
    """

    data: Density
    schedule: Schedule | OptimalTransport | Recording
    start: Density | None = None
    cells: int = 500
    lower: float | None = None
    upper: float | None = None
    steps: int = 100
    snapshots: int | None = None
    estimated: str = "exact"
    window: tuple[float, float] | None = None
    tolerance: float = TOLERANCE

    def __post_init__(self) -> None:
        whole("[grid] cells", self.cells, 8, 10**6)
        if self.snapshots is not None:
            whole("[time] snapshots", self.snapshots, 2, self.steps + 1)
        for name in ("lower", "upper"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, number(f"[grid] {name}", getattr(self, name)))
        if self.lower is not None and self.upper is not None:
            interval_of("[grid] upper", (self.lower, self.upper))
        if self.window is not None:
            object.__setattr__(self, "window", interval_of("[numerics] window", self.window))
        check_numerics(self)
        if isinstance(self.schedule, Recording) and self.estimated == "exact":
            routes = ", ".join(METHODS[1:])
            raise InputError(
                "[numerics] estimated", f"a recorded process has no exact composition; choose one of {routes}"
            )

    @property
    def tau(self) -> float:
        """Duration, s."""
        return self.schedule.tau

    @property
    def process(self) -> Process:
        """The forward process."""
        return forward_process(self.data, self.schedule)

    @property
    def restriction(self) -> tuple[float, float] | None:
        """Interval that every integral is restricted to: the window, else a grid whose ends were given."""
        if self.window is None and self.lower is not None and self.upper is not None:
            return self.lower, self.upper
        return self.window

    @property
    def ends(self) -> tuple[float, float] | None:
        """Ends of the grid where they were given, directly or as the window."""
        if self.lower is not None and self.upper is not None:
            return self.lower, self.upper
        return self.window

    def recipe(self) -> Recipe:
        """The case as a mapping with the keys of a case file."""
        schedule = self.schedule.recipe()
        schedule.pop("tau", None)
        return {"dimension": 1} | tables_of(self, schedule)

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any], *, needs_start: bool = True) -> Case:
        """Build a case from the mapping that a case file or a result holds; see :func:`case_from_recipe`."""
        tau, options = head_of(recipe, needs_start)
        if recipe["dimension"] != 1 or isinstance(recipe["dimension"], bool):
            raise InputError("dimension", f"given {recipe['dimension']!r}; a case on the line has 1")
        start = recipe.get("start")
        return cls(
            data=part("data", "density", recipe["data"]),
            schedule=part("schedule", "schedule", recipe["schedule"], {"tau": tau}),
            start=None if start is None else part("start", "density", start),
            **options,
        )
