"""Figures as files, whole or absent."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import xarray as xr
from matplotlib import rc_context
from matplotlib.figure import Figure

from fpsolve.plots.figures import plot
from fpsolve.plots.panels import STYLE
from fpsolve.results import SpeedAccuracy, TradeOffs
from fpsolve.settings import InputError

DPI = 110
SUFFIXES = (".png", ".pdf")


def figure_of(result: SpeedAccuracy | TradeOffs | xr.Dataset, path: Path) -> None:
    """Draw a result into a file, .png or .pdf; the file appears whole or not at all."""
    kind_of(path)
    save_figure(plot(result), path)  # type: ignore[arg-type]


def save_figure(figure: Figure, path: Path, dpi: int = DPI) -> None:
    """Write a figure under a temporary name beside the path, then put it in its place."""
    path = Path(path)
    kind = kind_of(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    # neither the version of matplotlib nor the date: equal results make equal files
    metadata = {"Software": None} if kind == "png" else {"CreationDate": None, "Producer": None}
    try:
        with rc_context(STYLE):
            figure.savefig(temporary, format=kind, dpi=dpi, metadata=metadata)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def kind_of(path: Path) -> str:
    """``png`` or ``pdf``, from the name of a file.

    Raises
    ------
    InputError
        Another ending.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError("figure", f"given {Path(path).name!r}; the name must end in {' or '.join(SUFFIXES)}")
    return suffix[1:]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
