"""Recipes of experiments: tables and their keys, and JSON text with long arrays taken out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.settings import InputError, Recipe, from_recipe, number, suggestion, whole

#: sequences longer than this leave the JSON text of a recipe and become variables
_INLINE = 64
#: tables of a case file, beside those of a density or a schedule, and their keys
KEYS = {
    "": ("dimension", "tau", "data", "schedule", "start", "grid", "time", "numerics"),
    "grid": ("cells", "lower", "upper"),
    "time": ("steps", "snapshots"),
    "numerics": ("estimated", "window", "tolerance"),
}
#: schedules of one dimension alone
SCHEDULES_OF = {1: ("recorded",), 2: ("linear-force", "stirring")}
#: how the estimated process is computed: the exact composition, or one of the routes on a grid
METHODS = ("exact", "characteristics", "weno5", "upwind")


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
    """Refuse unknown keys, tables of the wrong type, and a schedule of the other dimension."""
    check_tables(recipe, KEYS)
    for table in ("data", "schedule", "start"):
        if table in recipe and not isinstance(recipe[table], Mapping):
            raise InputError(f"[{table}]", f"given {recipe[table]!r}; expected a table with a 'kind'")
    kind, dimension = recipe.get("schedule", {}).get("kind"), recipe.get("dimension")
    for needed, kinds in SCHEDULES_OF.items():
        if kind in kinds and dimension in SCHEDULES_OF and dimension != needed:
            where = {1: "on the line", 2: "in the plane"}
            own = f"the case is {where[dimension]}: dimension = {dimension}"
            raise InputError("[schedule] kind", f"given {kind!r}, a schedule {where[needed]}; {own}")


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


def interval_of(key: str, value: Any) -> tuple[float, float]:
    """Two increasing numbers, or an InputError."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise InputError(key, f"given {value!r}; expected [lower, upper]")
    lower, upper = number(key, value[0]), number(key, value[1])
    if not lower < upper:
        raise InputError(key, f"given [{lower:g}, {upper:g}]; lower must be below upper")
    return lower, upper


def given(**entries: Any) -> Recipe:
    """The entries that are not None."""
    return {key: value for key, value in entries.items() if value is not None}


def check_numerics(case: Any) -> None:
    """Refuse numerical choices that no case takes, of either dimension."""
    whole("[time] steps", case.steps, 2, 10**6)
    if (case.lower is None) != (case.upper is None):
        raise InputError("[grid] lower", "give both lower and upper, or neither")
    if case.estimated not in METHODS:
        raise InputError(
            "[numerics] estimated", f"given {case.estimated!r}; {suggestion(str(case.estimated), METHODS)}"
        )
    number("[numerics] tolerance", case.tolerance, above=0.0)


def tables_of(case: Any, schedule: Recipe) -> Recipe:
    """The tables of a case file that stand for a case, of either dimension."""
    start = None if case.start is None else case.start.recipe()
    recipe: Recipe = {"tau": case.tau, "data": case.data.recipe(), "schedule": schedule} | given(start=start)
    recipe["grid"] = given(cells=case.cells, lower=case.lower, upper=case.upper)
    recipe["time"] = given(steps=case.steps, snapshots=case.snapshots)
    recipe["numerics"] = given(estimated=case.estimated, window=case.window, tolerance=case.tolerance)
    return recipe


def head_of(recipe: Mapping[str, Any], needs_start: bool) -> tuple[float, dict[str, Any]]:
    """The duration and the numerical choices of a recipe whose keys and tables are as they must be."""
    check_keys(recipe)
    for key in ("dimension", "tau", "data", "schedule", *(["start"] if needs_start else [])):
        if key not in recipe:
            raise InputError(key, "missing; a case needs dimension, tau, [data], [schedule] and [start]")
    tau = number("tau", recipe["tau"], above=0.0)
    if "tau" in recipe["schedule"]:
        raise InputError("[schedule] tau", "unknown key here; tau stands at the top of the case")
    return tau, {key: value for table in ("grid", "time", "numerics") for key, value in recipe.get(table, {}).items()}
