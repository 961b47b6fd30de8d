"""A speed-accuracy experiment as data: the content of a CASE.toml, and of the recipe that every result carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fpsolve.cases.line import Case
from fpsolve.cases.plane import PlaneCase
from fpsolve.cases.recipes import METHODS, check_keys, check_tables, pack, part, unpack
from fpsolve.settings import InputError

__all__ = [
    "METHODS",
    "AnyCase",
    "Case",
    "PlaneCase",
    "case_from_recipe",
    "check_keys",
    "check_tables",
    "pack",
    "part",
    "unpack",
]

AnyCase = Case | PlaneCase


def case_from_recipe(recipe: Mapping[str, Any], *, needs_start: bool = True) -> AnyCase:
    """The case that the mapping of a case file or a result describes, of either dimension.

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
    dimension = recipe.get("dimension")
    if "dimension" in recipe and (isinstance(dimension, bool) or dimension not in (1, 2)):
        raise InputError("dimension", f"given {dimension!r}; allowed: 1, 2")
    kind: type[AnyCase] = PlaneCase if dimension == 2 else Case
    return kind.from_recipe(recipe, needs_start=needs_start)
