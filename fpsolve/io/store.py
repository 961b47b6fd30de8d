"""Long runs that stream to a file, from which they go on after an interruption."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from fpsolve.cases import pack, unpack
from fpsolve.integration import NotConverged
from fpsolve.io.datasets import write
from fpsolve.io.outputs import check_file, staged
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, Recipe

#: netCDF-3: unlike HDF5 it can be read after its writer was killed
_FORMAT: Literal["NETCDF3_64BIT_DATA"] = "NETCDF3_64BIT_DATA"
_Mode = Literal["r", "r+", "w"]
#: attribute that says whose file it is, and the version of its layout
_MARK, _VERSION = "fpsolve_part", 1
#: entries of a recipe that may change when a run goes on: they say what is kept, not what is computed
_FREE = ("observables", "time.kept")


class Store:
    """A file that a long run streams to: ``fpsolve.solve(..., store=Store("R.nc"))``.

    While the run goes on its states are kept in ``R.nc.part``, each stored time complete before the next one begins.
    At the end the result is written to ``R.nc`` and the part is removed. A run that was interrupted, even killed, goes
    on from the part when it is called again with the same arguments (Python functions given again), and ends with the
    same numbers, bit for bit.

    Parameters
    ----------
    path : path
        The result, a name that ends in ``.nc``.
    overwrite : bool
        Whether an existing result may be replaced.
    resume : bool
        Whether a part that is there is gone on from; if not it is refused, or with ``overwrite`` begun anew.

    Raises
    ------
    InputError
        Another suffix, a missing folder, an existing file, a part that is damaged or belongs to another run.
    """

    def __init__(self, path: str | Path, overwrite: bool = False, resume: bool = True) -> None:
        self.path = check_file(path, (".nc",), overwrite)
        self.part = self.path.with_name(f"{self.path.name}.part")
        self._overwrite, self._anew = overwrite, False
        self._file: Any = None
        self._writing = False
        self._fresh, self._count = False, 0
        self._arrays: dict[str, Array] = {}
        self._text = ""
        if self.part.exists() and not resume:
            if not overwrite:
                raise InputError(
                    str(self.part), "it exists, from a run that was interrupted; go on from it (--resume, in Python "
                    "resume=True), begin anew (--overwrite, overwrite=True) or choose another name"
                )  # fmt: skip
            self._anew = True
        elif self.part.exists():
            self._opened().close()

    def __repr__(self) -> str:
        """The call that makes it."""
        return f"Store({str(self.path)!r})"

    def begin(self, recipe: Recipe) -> Sequence[Mapping[str, Any]]:
        """Open for a run with this recipe; the entries of an interrupted one, in order.

        Raises
        ------
        InputError
            A part that is damaged or belongs to another run.
        """
        self._text, self._arrays = pack(recipe)
        check_file(self.path, (".nc",), self._overwrite)
        self._count, self._fresh = 0, self._anew or not self.part.exists()
        if self._fresh:
            return ()
        self._file = self._opened()
        self._compare(self._file)
        self._count = self._complete(self._file)
        return _Entries(self._file, self._count, self._entry)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Keep the arrays of one stored time."""
        arrays = {name: np.asarray(value, float) for name, value in entry.items() if name != "time"}
        state = np.concatenate([array.ravel() for array in arrays.values()])
        if not self._writing:
            self._close()
            if self._fresh:
                self._create(arrays)
            self._file, self._writing = _dataset(self.part, "r+"), True
            self._file.set_auto_maskandscale(False)
        variables, index = self._file.variables, self._count
        variables["state"][index] = np.append(state, _checksum(state))
        self._file.sync()
        # what has a time is complete
        variables["time"][index] = float(entry["time"])
        self._file.sync()
        self._count += 1

    def finish(self, dataset: xr.Dataset) -> None:
        """Write the result, then remove the part."""
        self._close()
        with staged([self.path]) as (temporary,):
            write(dataset, temporary)
        self.part.unlink(missing_ok=True)
        self._anew = False

    def abandon(self, error: BaseException) -> None:
        """Let go of the part; it stays for later, unless the same run would always end like this."""
        begun = self._writing
        self._close()
        if begun and self._fresh and isinstance(error, (InputError, NotConverged)):
            self.part.unlink(missing_ok=True)
        elif self._count and not isinstance(error, InputError):
            error.add_note(f"{self.part} holds the first {self._count} stored times; the same call goes on from there")

    @property
    def kept(self) -> int:
        """Number of stored times in the part."""
        return self._count

    def _create(self, arrays: Mapping[str, Array]) -> None:
        """A part without entries, whole or absent."""
        with staged([self.part]) as (temporary,):
            file = _dataset(temporary, "w")
            try:
                shapes = {name: array.shape for name, array in arrays.items()}
                file.setncatts({_MARK: np.int32(_VERSION), "recipe": self._text, "shapes": json.dumps(shapes)})
                file.createDimension("time", None)
                file.createDimension("numbers", sum(array.size for array in arrays.values()) + 1)
                file.createVariable("time", "f8", ("time",), fill_value=np.nan)
                file.createVariable("state", "f8", ("time", "numbers"))
                for name, array in self._arrays.items():
                    own = [f"{name}_{axis}" for axis in range(array.ndim)]
                    for dimension, size in zip(own, array.shape, strict=True):
                        file.createDimension(dimension, size)
                    file.createVariable(name, "f8", own)
                for name, array in self._arrays.items():
                    file.variables[name][...] = array
            finally:
                file.close()

    def _opened(self) -> Any:
        """The part, checked to be one, for reading."""
        try:
            file = _dataset(self.part, "r")
        except OSError as error:
            raise self._foreign(f"it cannot be read ({error.strerror or error})") from error
        file.set_auto_maskandscale(False)
        layout = file.getncattr(_MARK) if _MARK in file.ncattrs() else None
        if layout == _VERSION and {"time", "state"} <= file.variables.keys():
            return file
        file.close()
        raise self._foreign("it is not the part of a solution" if layout is None else f"it has layout {layout}")

    def _complete(self, file: Any) -> int:
        """How many entries are complete; every one is checked."""
        there = ~np.isnan(np.asarray(file.variables["time"][:], float))
        count = int(there.size if there.all() else np.argmin(there))
        for index in range(count):
            self._entry(file, index)
        return count

    def _entry(self, file: Any, index: int) -> dict[str, Array]:
        try:
            shapes = json.loads(file.getncattr("shapes"))
            state = np.array(file.variables["state"][index], float)
        except (OSError, RuntimeError, LookupError, AttributeError, ValueError) as error:
            raise self._foreign(f"entry {index} cannot be read") from error
        if state[-1] != _checksum(state[:-1]):
            raise self._foreign(f"it is damaged at entry {index}")
        ends = np.cumsum([math.prod(shape) for shape in shapes.values()])[:-1]
        parts = np.split(state[:-1], ends)
        return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}

    def _compare(self, file: Any) -> None:
        """Refuse the part of another run, naming what differs."""
        arrays = {
            name: np.asarray(file.variables[name][:], float) for name in file.variables if name.startswith("recipe_")
        }
        try:
            theirs = unpack(str(file.getncattr("recipe")), arrays)
        except (InputError, AttributeError) as error:
            raise self._foreign("its recipe cannot be read") from error
        found = _difference(theirs, unpack(self._text, self._arrays))
        if found is not None:
            raise self._foreign(f"it belongs to another run: {found}")

    def _foreign(self, what: str) -> InputError:
        return InputError(str(self.part), f"{what}; delete it or choose another name")

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file, self._writing = None, False


class _Entries(Sequence[Mapping[str, Any]]):
    """The complete entries of a part, read when they are asked for, which is before the next one is appended."""

    def __init__(self, file: Any, count: int, read: Callable[[Any, int], Mapping[str, Any]]) -> None:
        self._file, self._count, self._read = file, count, read

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        return self._read(self._file, range(self._count)[index])


def _dataset(path: Path, mode: _Mode) -> Any:
    from netCDF4 import Dataset  # slow to load

    return Dataset(path, mode, format=_FORMAT)


def _checksum(state: Array) -> float:
    """A checksum of numbers; never zero, which a hole in a file would read as."""
    return float(zlib.crc32(state.tobytes()) + 1)


def _difference(theirs: Any, ours: Any, place: str = "") -> str | None:
    """Where two recipes differ, and how; None where they are equal."""
    if place in _FREE:
        return None
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in [*theirs, *(key for key in ours if key not in theirs)]:
            found = _difference(theirs.get(key), ours.get(key), f"{place}.{key}".lstrip("."))
            if found:
                return found
        return None
    if isinstance(theirs, np.ndarray) or isinstance(ours, np.ndarray):
        same = theirs is not None and ours is not None and np.array_equal(theirs, ours)
        return None if same else f"{place} differs"
    if theirs == ours:
        return None
    if place == "python":
        return "the Python functions give other values"
    return f"{place} was {json.dumps(theirs)}, now {json.dumps(ours)}"
