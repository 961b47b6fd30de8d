"""Tables of a case or problem file that name another file."""

from __future__ import annotations

from pathlib import Path

from fpsolve.settings import InputError, Recipe, suggestion

TABULATED = ("kind", "file", "variable")
SAMPLES = ("kind", "file", "variable", "bandwidth")


def named_file(entries: Recipe, folder: Path) -> Path:
    """The file that entries name."""
    name = entries["file"]
    if not isinstance(name, str) or not name or "\0" in name:
        raise InputError("file", f"given {name!r}; expected the name of a file, relative to the file that names it")
    return folder / name


def check_entries(entries: Recipe, allowed: tuple[str, ...], kind: str) -> None:
    """Refuse unknown keys beside a file, and a missing file."""
    for key in entries:
        if key not in allowed:
            raise InputError(key, f"unknown key of kind {kind!r} with a file; {suggestion(key, allowed)}")
    if "file" not in entries:
        raise InputError("file", f"missing; kind {kind!r} needs a file")
