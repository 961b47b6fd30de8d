"""A speed-accuracy experiment as data: the content of a CASE.toml, and of the recipe that every result carries."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from fpsolve.densities import Density
from fpsolve.estimates import TOLERANCE
from fpsolve.processes import Process, forward_process
from fpsolve.quadrature import Array
from fpsolve.schedules import OptimalTransport, Recording, Schedule
from fpsolve.settings import InputError, Recipe, from_recipe, number, suggestion, whole

#: how the estimated process is computed: the exact composition, or one of the routes on a grid
METHODS = ("exact", "characteristics", "weno5", "upwind")
#: sequences longer than this leave the JSON text of a recipe and become variables
_INLINE = 64

_KEYS = {
    "": ("dimension", "tau", "data", "schedule", "start", "grid", "time", "numerics"),
    "grid": ("cells", "lower", "upper"),
    "time": ("steps", "snapshots"),
    "numerics": ("estimated", "window", "tolerance"),
}


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
        whole("[time] steps", self.steps, 2, 10**6)
        if self.snapshots is not None:
            whole("[time] snapshots", self.snapshots, 2, self.steps + 1)
        for name in ("lower", "upper"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, number(f"[grid] {name}", getattr(self, name)))
        if (self.lower is None) != (self.upper is None):
            raise InputError("[grid] lower", "give both lower and upper, or neither")
        if self.lower is not None and self.upper is not None:
            _interval("[grid] upper", (self.lower, self.upper))
        if self.window is not None:
            object.__setattr__(self, "window", _interval("[numerics] window", self.window))
        if self.estimated not in METHODS:
            given = f"given {self.estimated!r}; {suggestion(str(self.estimated), METHODS)}"
            raise InputError("[numerics] estimated", given)
        number("[numerics] tolerance", self.tolerance, above=0.0)
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
        recipe: Recipe = {"dimension": 1, "tau": self.tau, "data": self.data.recipe(), "schedule": schedule}
        if self.start is not None:
            recipe["start"] = self.start.recipe()
        recipe["grid"] = _given(cells=self.cells, lower=self.lower, upper=self.upper)
        recipe["time"] = _given(steps=self.steps, snapshots=self.snapshots)
        recipe["numerics"] = _given(estimated=self.estimated, window=self.window, tolerance=self.tolerance)
        return recipe

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any], *, needs_start: bool = True) -> Case:
        """Build a case from the mapping that a case file or a result holds.

        Parameters
        ----------
        recipe : mapping
            Keys as in a case file; arrays in place of files.
        needs_start : bool
            Whether a missing ``start`` is an error.

        Raises
        ------
        InputError
            Unknown or missing keys, and whatever a part refuses; the key says which table.
        """
        check_keys(recipe)
        for key in ("dimension", "tau", "data", "schedule", *(["start"] if needs_start else [])):
            if key not in recipe:
                raise InputError(key, "missing; a case needs dimension, tau, [data], [schedule] and [start]")
        if recipe["dimension"] != 1 or isinstance(recipe["dimension"], bool):
            raise InputError("dimension", f"given {recipe['dimension']!r}; only 1 is available")
        tau = number("tau", recipe["tau"], above=0.0)
        if "tau" in recipe["schedule"]:
            raise InputError("[schedule] tau", "unknown key here; tau stands at the top of the case")
        start = recipe.get("start")
        options: dict[str, Any] = {}
        for table in ("grid", "time", "numerics"):
            options |= recipe.get(table, {})
        return cls(
            data=part("data", "density", recipe["data"]),
            schedule=part("schedule", "schedule", recipe["schedule"], {"tau": tau}),
            start=None if start is None else part("start", "density", start),
            **options,
        )


def check_tables(recipe: Mapping[str, Any], keys: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse keys that a table ("" for the top) does not know, and tables that are none."""
    for table, allowed in keys.items():
        entries = recipe if table == "" else recipe.get(table, {})
        place = f"[{table}] " if table else ""
        if not isinstance(entries, Mapping):
            raise InputError(f"[{table}]", f"given {entries!r}; expected a table")
        for key in entries:
            if key not in allowed:
                raise InputError(f"{place}{key}", f"unknown key; {suggestion(str(key), allowed)}")


def check_keys(recipe: Mapping[str, Any]) -> None:
    """Refuse unknown keys and tables of the wrong type."""
    check_tables(recipe, _KEYS)
    for table in ("data", "schedule", "start"):
        if table in recipe and not isinstance(recipe[table], Mapping):
            raise InputError(f"[{table}]", f"given {recipe[table]!r}; expected a table with a 'kind'")


def part(table: str, family: str, recipe: Any, extra: Mapping[str, Any] | None = None) -> Any:
    """One table of a case as an object; complaints name the table."""
    try:
        return from_recipe(family, recipe, extra)
    except InputError as error:
        raise error.within(f"[{table}]") from error


def pack(recipe: Recipe) -> tuple[str, dict[str, Array]]:
    """A recipe as JSON text, its long sequences taken out into named arrays."""
    arrays: dict[str, Array] = {}

    def walk(value: Any, name: str) -> Any:
        if isinstance(value, Mapping):
            return {key: walk(item, f"{name}_{key}") for key, item in value.items()}
        if isinstance(value, np.ndarray) or (isinstance(value, (tuple, list)) and len(value) > _INLINE):
            arrays[name] = np.asarray(value, float)
            return {"array": name}
        return list(value) if isinstance(value, tuple) else value

    return json.dumps(walk(recipe, "recipe")), arrays


def unpack(text: str, arrays: Mapping[str, Array]) -> Recipe:
    """The inverse of :func:`pack`."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"array"}:
                if value["array"] not in arrays:
                    raise InputError("recipe", f"the variable {value['array']!r} it refers to is missing")
                return np.asarray(arrays[value["array"]], float)
            return {key: walk(item) for key, item in value.items()}
        return value

    try:
        recipe = walk(json.loads(text))
    except json.JSONDecodeError as error:
        raise InputError("recipe", f"not JSON: {error}") from error
    if not isinstance(recipe, dict):
        raise InputError("recipe", "not a mapping")
    return recipe


def _interval(key: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise InputError(key, f"given {value!r}; expected [lower, upper]")
    lower, upper = number(key, value[0]), number(key, value[1])
    if not lower < upper:
        raise InputError(key, f"given [{lower:g}, {upper:g}]; lower must be below upper")
    return lower, upper


def _given(**entries: Any) -> Recipe:
    return {key: value for key, value in entries.items() if value is not None}
