"""The public surface: explicit, documented, typed, and no name that hides a module."""

from __future__ import annotations

import inspect
import types
from pathlib import Path

import pytest

import fpsolve

NAMES: list[str] = list(getattr(fpsolve, "__all__", ()))


def functions_of(name: str) -> list[types.FunctionType]:
    """A public function, or the public methods that a public class defines itself."""
    thing = getattr(fpsolve, name)
    if inspect.isfunction(thing):
        return [thing]
    if inspect.isclass(thing) and thing.__module__.startswith("fpsolve"):
        return [value for key, value in vars(thing).items() if inspect.isfunction(value) and not key.startswith("_")]
    return []


def test_the_public_names_are_listed_once():
    assert NAMES, "fpsolve.__all__ is missing or empty"
    assert sorted(NAMES) == sorted(set(NAMES))


def test_nothing_else_is_public(package):
    modules = {path.stem for path in package.iterdir()}
    visible = {name for name in vars(fpsolve) if not name.startswith("_")}
    assert sorted(visible - set(NAMES) - modules - {"annotations"}) == []


def test_no_public_name_hides_a_module(package):
    modules = {path.stem for path in package.iterdir() if path.suffix == ".py" or path.is_dir()}
    hidden = [name for name in NAMES if name in modules and not inspect.ismodule(getattr(fpsolve, name))]
    assert hidden == []


def test_dir_shows_every_public_name():
    assert sorted(set(NAMES) - set(dir(fpsolve))) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_documented(name):
    thing = getattr(fpsolve, name)
    if name == "__version__":
        return
    text = inspect.getdoc(thing) or ""
    assert text.strip(), f"{name} has no docstring"
    assert not text.startswith(f"{name}("), f"{name} has only the docstring that dataclass wrote"


@pytest.mark.parametrize("name", NAMES)
def test_a_public_function_is_typed(name):
    untyped = []
    for function in functions_of(name):
        signature = inspect.signature(function)
        arguments = [argument for name, argument in signature.parameters.items() if name not in {"self", "cls"}]
        parts = [argument.name for argument in arguments if argument.annotation is argument.empty]
        if signature.return_annotation is signature.empty:
            parts.append("return")
        untyped += [f"{function.__qualname__}: {part}" for part in parts]
    assert untyped == []


def test_the_package_carries_its_types(package: Path):
    assert (package / "py.typed").is_file()
