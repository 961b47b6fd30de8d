"""Case files: TOML in, a Case out, with every file they name."""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fpsolve.cases import AnyCase, Case, case_from_recipe, check_keys
from fpsolve.densities import Density, Tabulated, from_samples
from fpsolve.densities.panelled import edges_around, from_array
from fpsolve.dynamics import case_of
from fpsolve.io.datasets import load, read_netcdf
from fpsolve.io.named_files import SAMPLES, TABULATED, check_entries, named_file
from fpsolve.io.plane_files import plane_recipe
from fpsolve.io.tables import Columns, column, columns, numeric
from fpsolve.settings import InputError, Recipe, Settings, suggestion
from fpsolve.solution import is_solution

_ARRAYS = ("kind", "file", "which")
_FLOW = ("kind", "file")
_DDPM = ("kind", "file", "variable")
_BETAS = ("betas", "alphas_cumprod")
#: tables that hold a density, as the path of their keys
_DENSITIES = (("data",), ("start",), ("schedule", "target"))


def read(path: str | Path, *, needs_start: bool = True) -> AnyCase:
    """The case in a case file, or in a result (a name that ends in ``.nc``)."""
    path = Path(path)
    if path.suffix.lower() != ".nc":
        return read_case(path, needs_start=needs_start)
    with blame(path):
        found = load(path)
        if is_solution(found):
            raise InputError("", "it holds a solution of a Fokker-Planck equation; 'fpsolve solve' repeats it")
        case = case_of(found)
        if needs_start and case.start is None:
            raise InputError("[start]", "missing; the file holds a forward process only")
    return case


def read_case(path: str | Path, *, needs_start: bool = True) -> AnyCase:
    """Read a case file; the files it names are relative to it.

    Parameters
    ----------
    path : path
        A TOML file.
    needs_start : bool
        Whether a missing ``[start]`` is an error.

    Returns
    -------
    Case or PlaneCase
        All files read: arrays stand in their place.

    Raises
    ------
    InputError
        Whatever is wrong, with the names of the file and of the key.
    """
    path = Path(path)
    with blame(path):
        recipe = parsed(path)
        check_keys(recipe)
        return case_from_recipe(_resolved(recipe, path.parent), needs_start=needs_start)


@contextlib.contextmanager
def blame(path: str | Path) -> Iterator[None]:
    """Put the name of a file before the key of an InputError raised inside."""
    try:
        yield
    except InputError as error:
        if error.key.startswith(str(path)):
            raise
        raise InputError(f"{path}: {error.key}" if error.key else str(path), error.message) from error


def parsed(path: Path, template: str = "case") -> dict[str, Any]:
    """The content of a TOML file.

    Raises
    ------
    InputError
        A file that cannot be read, or is not TOML; ``template`` is named where it is missing.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError("", f"there is no such file; 'fpsolve new {template}' prints a template") from error
    except OSError as error:
        raise InputError("", f"it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            "", f"it is not text in UTF-8 (byte {error.start}); expected a {template} file in TOML"
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError("", f"it is not valid TOML: {error}") from error


def _resolved(recipe: dict[str, Any], folder: Path) -> Recipe:
    """The recipe with arrays in place of files."""
    recipe = dict(recipe)
    resolve = plane_recipe if recipe.get("dimension") == 2 else density_recipe
    if isinstance(recipe.get("schedule"), Mapping):
        with place("[schedule]"):
            recipe["schedule"] = _schedule(dict(recipe["schedule"]), folder)
    for keys in _DENSITIES:
        table: Any = recipe
        for key in keys[:-1]:
            table = table.get(key, {})
        if isinstance(table, dict) and isinstance(table.get(keys[-1]), Mapping):
            with place(f"[{'.'.join(keys)}]"):
                table[keys[-1]] = resolve(dict(table[keys[-1]]), folder, recipe.get("grid", {}))
    return recipe


@contextlib.contextmanager
def place(table: str) -> Iterator[None]:
    """Put the name of a table before the key of an InputError raised inside, unless it names another one."""
    try:
        yield
    except InputError as error:
        if error.key.startswith("["):
            raise
        raise error.within(table) from error


def density_recipe(entries: Recipe, folder: Path, grid: Mapping[str, Any]) -> Recipe:
    """The recipe of a density on the line, with arrays in place of files."""
    kind = entries.get("kind")
    kinds = {name for family, name in Settings.registry if family == "density"} | {"samples"}
    if isinstance(kind, str) and kind not in kinds:
        raise InputError("kind", f"given {kind!r}; {suggestion(kind, kinds)}")
    if kind == "samples":
        return _samples(entries, folder, grid).recipe()
    if kind == "tabulated" and not entries.keys() & {"edges", "averages"}:
        check_entries(entries, TABULATED, "tabulated")
        return _tabulated(named_file(entries, folder), entries.get("variable")).recipe()
    return entries


def _samples(entries: Recipe, folder: Path, grid: Mapping[str, Any]) -> Density:
    check_entries(entries, SAMPLES, "samples")
    path = named_file(entries, folder)
    values = column(path, entries.get("variable"), "x")
    interval = (grid["lower"], grid["upper"]) if {"lower", "upper"} <= grid.keys() else None
    try:
        return from_samples(values, entries.get("bandwidth"), cells=grid.get("cells", Case.cells), interval=interval)
    except InputError as error:
        key = f"file {str(path)!r}: samples" if error.key == "samples" else error.key
        raise InputError(key, error.message) from error


def _tabulated(path: Path, variable: Any) -> Tabulated:
    try:
        if path.suffix.lower() == ".nc":
            return _from_netcdf(path, variable)
        found = columns(path)
        where = next((name for name in ("edges", "x") if name in found), next(iter(found)))
        others = [name for name in found if name != where]
        if variable is None and len(others) != 1:
            held = ", ".join(others) or "nothing"
            raise InputError("variable", f"missing; {str(path)!r} holds besides {where!r}: {held}")
        name = others[0] if variable is None else variable
        if name not in others:
            raise InputError("variable", f"given {name!r}; {str(path)!r} holds: {suggestion(str(name), others)}")
        return Tabulated(found[where] if where == "edges" else _edges(found[where]), found[name])
    except InputError as error:
        if error.key in ("file", "variable"):
            raise
        raise InputError(f"file {str(path)!r}: {error.key}", error.message) from error


def _from_netcdf(path: Path, variable: Any) -> Tabulated:
    dataset = read_netcdf(path)
    names = [str(name) for name in dataset.data_vars]
    if variable is None and len(names) != 1:
        raise InputError("variable", f"missing; {str(path)!r} holds: {', '.join(names) or 'nothing'}")
    name = names[0] if variable is None else variable
    if name not in names:
        raise InputError("variable", f"given {name!r}; {str(path)!r} holds: {suggestion(str(name), names)}")
    array = dataset[name]
    numeric(name, array.values)
    return from_array(array)


def _edges(centres: Any) -> Any:
    if centres.ndim != 1 or centres.size < 2 or not np.all(np.diff(centres) > 0.0):
        raise InputError("x", "the cell centres must increase; sort them and remove repeated ones")
    return edges_around(centres)


def _schedule(entries: Recipe, folder: Path) -> Recipe:
    kind = entries.get("kind")
    if "file" not in entries:
        return entries
    if kind == "arrays":
        check_entries(entries, _ARRAYS, "arrays")
        path = named_file(entries, folder)
        return {"kind": kind} | _named(path, _designed(path, entries.get("which")), ("t", "m", "sigma"))
    if kind == "flow-matching":
        check_entries(entries, _FLOW, kind)
        path = named_file(entries, folder)
        return {"kind": kind} | _named(path, columns(path), ("t", "alpha", "beta"))
    if kind == "ddpm":
        check_entries(entries, _DDPM, "ddpm")
        variable = entries.get("variable", "betas")
        if variable not in _BETAS:
            raise InputError("variable", f"given {variable!r}; {suggestion(str(variable), _BETAS)}")
        path = named_file(entries, folder)
        found = columns(path)
        return {"kind": kind, variable: found[variable] if variable in found else column(path)}
    return entries


def _named(path: Path, found: Columns, names: tuple[str, ...]) -> Columns:
    """The named arrays of a file."""
    for name in names:
        if name not in found:
            raise InputError("file", f"{str(path)!r} has no {name!r}; it must hold {', '.join(names)}")
    return {name: found[name] for name in names}


def _designed(path: Path, which: Any) -> Columns:
    """Arrays t, m and sigma; in the output of ``schedule --json`` those of the best or of the retimed schedule."""
    if which not in (None, "best", "retimed"):
        raise InputError("which", f"given {which!r}; {suggestion(str(which), ('best', 'retimed'))}")
    if path.suffix.lower() != ".json":
        if which is not None:
            raise InputError("which", "only a .json file from 'fpsolve schedule --json' holds more than one schedule")
        return columns(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        chosen = content["schedule"][which or "best"] if "schedule" in content else content
        return {name: numeric(name, values) for name, values in chosen.items() if isinstance(values, list)}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        text = "expected t, m and sigma, or the output of 'fpsolve schedule --json'"
        raise InputError("file", f"{str(path)!r} cannot be read ({type(error).__name__}: {error}); {text}") from error
