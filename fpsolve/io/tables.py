"""Named columns of numbers from .csv, .json, .npy, .npz and .nc files."""

from __future__ import annotations

import csv
import json
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fpsolve.io.datasets import read_netcdf
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, suggestion

Columns = dict[str, Array]

#: what numpy, zipfile and csv raise at damaged files; numpy reads headers with Python's own parser
UNREADABLE = (
    *(OSError, ValueError, EOFError, OverflowError, SyntaxError, RecursionError, NotImplementedError, RuntimeError),
    *(tokenize.TokenError, zipfile.BadZipFile, csv.Error, struct.error, zlib.error),
)


def columns(path: Path) -> Columns:
    """Arrays of a file by name, in its order.

    A .csv without a header and a .npy file have numbered columns ``"0"``, ``"1"``, ...

    Raises
    ------
    InputError
        A missing or unreadable file, another suffix, something that is not a number.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError("file", f"given {path.name!r}; allowed: files ending in {', '.join(_READERS)}")
    if not path.is_file():
        raise InputError("file", f"given {str(path)!r}; there is no such file")
    try:
        found = reader(path)
    except UNREADABLE as error:
        message = error.message if isinstance(error, InputError) else str(error)
        raise InputError("file", f"{str(path)!r} cannot be read: {message}") from error
    if not found:
        raise InputError("file", f"{str(path)!r} holds no numbers")
    return found


def column(path: Path, variable: Any = None, default: str | None = None) -> Array:
    """One column of a file: the named one, the default one, or the only one."""
    found = columns(path)
    if variable is not None:
        if variable not in found:
            raise InputError("variable", f"given {variable!r}; {str(path)!r} holds: {suggestion(str(variable), found)}")
        return found[variable]
    if default in found:
        return found[default]
    if len(found) > 1:
        raise InputError("variable", f"missing; {str(path)!r} holds several: {', '.join(found)}")
    return next(iter(found.values()))


def numeric(name: str, values: Any) -> Array:
    """An array of floats from integers or floats, nothing else."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise InputError(name, f"given values of type {array.dtype}; expected numbers")
    return np.asarray(array, float)


def _from_csv(path: Path) -> Columns:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [(line, row) for line, row in enumerate(csv.reader(file), 1) if any(cell.strip() for cell in row)]
    if not rows:
        return {}
    first = [cell.strip(" #") for cell in rows[0][1]]
    header = not all(_is_number(cell) for cell in first)
    names = first if header else [str(i) for i in range(len(first))]
    values = [_numbers_of(line, row, len(names)) for line, row in rows[header:]]
    if len(set(names)) != len(names):
        raise ValueError(f"its columns need different names, given {', '.join(names)}")
    return {name: np.array([row[i] for row in values]) for i, name in enumerate(names)} if values else {}


def _numbers_of(line: int, row: list[str], count: int) -> list[float]:
    if len(row) != count:
        raise ValueError(f"line {line} has {len(row)} columns; expected {count}")
    for cell in row:
        if not _is_number(cell):
            raise ValueError(f"line {line} holds {cell.strip()!r}; expected a number")
    return [float(cell) for cell in row]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _from_npy(path: Path) -> Columns:
    array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise ValueError("it is an archive; name it .npz")
    array = numeric("array", array)
    if array.ndim not in (1, 2):
        raise ValueError(f"it holds shape {array.shape}; expected one or two dimensions")
    return {str(i): part for i, part in enumerate(np.atleast_2d(array) if array.ndim == 1 else array.T)}


def _from_npz(path: Path) -> Columns:
    with np.load(path, allow_pickle=False) as archive:
        if isinstance(archive, np.ndarray):
            raise ValueError("it is a single array; name it .npy")
        return {name: numeric(name, archive[name]) for name in archive.files}


def _from_netcdf(path: Path) -> Columns:
    dataset = read_netcdf(path)
    held = {str(name): variable.values for name, variable in dataset.variables.items()}
    return {name: np.asarray(values, float) for name, values in held.items() if values.dtype.kind in "iuf"}


def _from_json(path: Path) -> Columns:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError("expected an object with named arrays")
    return {name: numeric(name, values) for name, values in content.items() if isinstance(values, list)}


_READERS: dict[str, Callable[[Path], Columns]] = {
    ".csv": _from_csv,
    ".json": _from_json,
    ".nc": _from_netcdf,
    ".npy": _from_npy,
    ".npz": _from_npz,
}
