"""Problem files: TOML in, a Setup out, with every file they name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fpsolve.cases import check_tables
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.fluxes import Flux
from fpsolve.forces import Force
from fpsolve.grids import check_boundary
from fpsolve.io.case_files import blame, density_recipe, parsed, place
from fpsolve.io.datasets import load
from fpsolve.io.plane_files import plane_recipe
from fpsolve.settings import InputError, Settings, from_recipe, number, numbers, suggestion, whole
from fpsolve.solution import Setup, is_solution, rebuilt_force, rebuilt_start, recipe_of
from fpsolve.steppers import GridStepper

_KEYS = {
    "": ("dimension", "temperature", "force", "start", "grid", "time", "numerics"),
    "grid": ("cells", "lower", "upper", "boundary"),
    "time": ("end", "steps", "snapshots"),
    "numerics": ("flux", "stepper", "rtol", "atol", "fixed"),
}
_REQUIRED = ("dimension", "temperature", "force", "start", "time")
FORCES = ("double-well", "harmonic-trap", "linear", "quartic", "tilted-ring")
STARTS = ("equilibrium", "stationary")
#: stored intervals, and how many of the stored times keep their fields in the plane
STEPS, SNAPSHOTS = 100, 4
#: L1 error that a chosen grid aims at, by dimension: thermodynamics asks for more than a picture of the density
ACCURACY = {1: 1e-6, 2: 5e-5}
#: arguments of ``solve`` -> keys of a problem file
_NAMES = {
    "grid": "[grid]", "domain": "[grid]", "cells": "[grid] cells", "boundary": "[grid] boundary", "start": "[start]",
    "force": "[force]", "flux": "[numerics] flux", "stepper": "[numerics] stepper", "rtol": "[numerics] rtol",
    "atol": "[numerics] atol", "steps": "[numerics] fixed", "snapshots": "[time] snapshots", "times": "[time] end",
}  # fmt: skip


def read_problem(path: str | Path) -> Setup:
    """What a problem file asks to be solved, or what a solution (a name that ends in ``.nc``) was made of.

    Raises
    ------
    InputError
        Whatever is wrong, with the names of the file and of the key.
    """
    path = Path(path)
    with blame(path):
        if path.suffix.lower() == ".nc":
            found = load(path)
            if not is_solution(found):
                raise InputError("", "it holds a speed-accuracy experiment; 'fpsolve run' repeats it")
            return Setup.from_recipe(recipe_of(found))
        recipe = parsed(path, "problem")
        _check_keys(recipe)
        return _setup(recipe, path.parent)


@contextlib.contextmanager
def blame_problem(path: str | Path) -> Iterator[None]:
    """Put the name of a problem file, and its own key, before an InputError of ``solve``; those about files stay."""
    try:
        yield
    except InputError as error:
        if error.key.endswith((".part", ".nc")):
            raise
        message = error.message.replace(", set substep=True", "")
        raise InputError(f"{path}: {_NAMES.get(error.key, error.key)}", message) from error


def _setup(recipe: Mapping[str, Any], folder: Path) -> Setup:
    dimension, times = recipe["dimension"], recipe["time"]
    end = number("[time] end", times.get("end"), above=0.0)
    steps = whole("[time] steps", times.get("steps", STEPS), 1, 10**6)
    snapshots = times.get("snapshots", min(SNAPSHOTS, steps + 1) if dimension == 2 else None)
    if snapshots is not None:
        snapshots = whole("[time] snapshots", snapshots, 2, steps + 1)
    with place("[force]"):
        force = _force(recipe["force"], dimension, end)
    grid = dict(recipe.get("grid", {}))
    domain, cells = _domain(grid, dimension, recipe["force"]), _cells(grid, dimension)
    with place("[start]"):
        start = _start(dict(recipe["start"]), dimension, folder, grid)
    problem = FokkerPlanck(force, number("temperature", recipe["temperature"], least=0.0), domain=domain)
    return Setup(
        problem, start, np.linspace(0.0, end, steps + 1), cells=cells, snapshots=snapshots,
        accuracy=ACCURACY[dimension],
        **_numerics(recipe.get("numerics", {})),
    )  # fmt: skip


def _check_keys(recipe: Mapping[str, Any]) -> None:
    """Refuse unknown and missing keys, tables of the wrong type, and a wrong dimension."""
    check_tables(recipe, _KEYS)
    for key in _REQUIRED:
        if key not in recipe:
            needed = "a problem needs dimension, temperature, [force], [start] and [time] end"
            raise InputError(key, f"missing; {needed}")
    for table in ("force", "start"):
        if not isinstance(recipe[table], Mapping):
            raise InputError(f"[{table}]", f"given {recipe[table]!r}; expected a table with a 'kind'")
    if "end" not in recipe["time"]:
        raise InputError("[time] end", "missing; expected the duration in seconds")
    dimension = recipe["dimension"]
    if isinstance(dimension, bool) or dimension not in (1, 2) or not isinstance(dimension, int):
        raise InputError("dimension", f"given {dimension!r}; expected 1 or 2")


def _force(entries: Mapping[str, Any], dimension: int, end: float) -> Force:
    kind = entries.get("kind")
    if kind is None:
        raise InputError("kind", f"missing; allowed: {', '.join(FORCES)}")
    if kind not in FORCES:
        raise InputError("kind", f"given {kind!r}; {suggestion(str(kind), FORCES)}")
    if "duration" in entries:
        raise InputError("duration", "unknown key here; [time] end is the duration")
    for key, value in entries.items():
        if kind == "linear" and key != "kind":
            _check_leaves(key, value)
    force = rebuilt_force(entries, end)
    if force.dimension != dimension:
        key = "matrix" if kind == "linear" else "kind"
        raise InputError(
            key, f"given {entries[key]!r}, which has {force.dimension} dimension(s); the problem has {dimension}"
        )
    return force


def _check_leaves(key: str, value: Any) -> None:
    """Numbers, or lists of them."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            _check_leaves(f"{key}[{i}]", item)
    else:
        number(key, value)


def _domain(grid: Mapping[str, Any], dimension: int, force: Mapping[str, Any]) -> Domain | None:
    """The box, where its ends are given or are those of a ring."""
    ring = force["kind"] == "tilted-ring"
    if ("lower" in grid) != ("upper" in grid):
        raise InputError(
            f"[grid] {'upper' if 'lower' in grid else 'lower'}", "missing; give both lower and upper, or neither"
        )
    if "lower" not in grid and not ring:
        if "boundary" in grid:
            raise InputError("[grid] boundary", "it needs the ends at which it holds; give lower and upper")
        return None
    lower, upper = (
        (_ends(grid, name, dimension) for name in ("lower", "upper")) if "lower" in grid else (0.0, force["period"])
    )
    if not np.all(np.less(lower, upper)):
        raise InputError("[grid] upper", f"given {upper!r} with lower = {lower!r}; it must be larger")
    boundary = grid.get("boundary", "periodic" if ring else "reflecting")
    with place("[grid]"):
        if dimension == 1:
            check_boundary(boundary)
        domain = Domain(lower, upper, boundary if isinstance(boundary, str) else _tuples(boundary))
    if ring and "periodic" in domain.boundaries:
        turns = (float(upper) - float(lower)) / force["period"]
        if abs(turns - round(turns)) > 1e-9 * turns:
            raise InputError(
                "[grid] upper", f"the ring is {turns:.6g} periods of the force long; expected a whole number"
            )
    return domain


def _tuples(boundary: Any) -> Any:
    return tuple(_tuples(part) for part in boundary) if isinstance(boundary, list) else boundary


def _ends(grid: Mapping[str, Any], name: str, dimension: int) -> Any:
    if dimension == 1:
        return number(f"[grid] {name}", grid[name])
    pair = numbers(f"[grid] {name}", grid[name])
    if len(pair) != 2:
        raise InputError(f"[grid] {name}", f"given {len(pair)} numbers; expected two, one for x and one for y")
    return pair


def _cells(grid: Mapping[str, Any], dimension: int) -> Any:
    cells = grid.get("cells")
    if cells is None:
        return None
    if dimension == 1:
        return whole("[grid] cells", cells, 8, 10**6)
    if isinstance(cells, list):
        if len(cells) != 2:
            raise InputError("[grid] cells", f"given {cells!r}; expected a number, or a pair")
        return tuple(whole(f"[grid] cells[{i}]", n, 8, 10**5) for i, n in enumerate(cells))
    return (whole("[grid] cells", cells, 8, 10**5),) * 2


def _start(entries: dict[str, Any], dimension: int, folder: Path, grid: Mapping[str, Any]) -> Any:
    kind = entries.get("kind")
    if kind in STARTS:
        return from_recipe("start", entries)
    try:
        return rebuilt_start((density_recipe if dimension == 1 else plane_recipe)(entries, folder, grid), dimension)
    except InputError as error:
        if error.key == "kind":
            raise InputError("kind", f"{error.message}, {', '.join(STARTS)}") from error
        raise


def _numerics(entries: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for family, base in (("flux", Flux), ("stepper", GridStepper)):
        if family in entries:
            options[family] = _scheme(family, base, entries[family])
    if "rtol" in entries:
        options["rtol"] = number("[numerics] rtol", entries["rtol"], above=0.0)
    if "atol" in entries:
        options["atol"] = number("[numerics] atol", entries["atol"], least=0.0)
    if "fixed" in entries:
        fixed = whole("[numerics] fixed", entries["fixed"])
        if fixed % 2:
            raise InputError(
                "[numerics] fixed", f"given {fixed}; expected an even number: the error bars take pairs of steps"
            )
        options["steps"] = fixed
    return options


def _scheme(family: str, base: type[Any], word: Any) -> Any:
    kinds = [kind for (own, kind), cls in Settings.registry.items() if own == family and issubclass(cls, base)]
    if not isinstance(word, str) or word not in kinds:
        raise InputError(f"[numerics] {family}", f"given {word!r}; {suggestion(str(word), kinds)}")
    return from_recipe(family, {"kind": word})
