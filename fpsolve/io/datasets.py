"""Results as NetCDF files that open in xarray alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.dynamics import FORMAT_VERSION
from fpsolve.io.outputs import check_file, staged
from fpsolve.results import SpeedAccuracy
from fpsolve.settings import InputError

#: variables with more numbers than this are compressed (without loss)
_LARGE = 10_000


def save(result: xr.Dataset | SpeedAccuracy, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a result to a NetCDF file; the file is complete or absent.

    Parameters
    ----------
    result : xarray.Dataset or SpeedAccuracy
        What ``diffuse``, ``generate`` or ``speed_accuracy`` returned.
    path : path
        A name that ends in ``.nc``.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        Another suffix, a missing folder, an existing file.
    """
    place = check_file(path, (".nc",), overwrite)
    with staged([place]) as (temporary,):
        write(result.data if isinstance(result, SpeedAccuracy) else result, temporary)


def write(dataset: xr.Dataset, path: Path) -> None:
    """Write a Dataset as NetCDF-4, fields at the snapshots only where the case asks for it, and where it came from."""
    stored = on_snapshots(dataset)
    stored = stored.assign_attrs(provenance())
    encoding: dict[Any, dict[str, Any]] = {}
    for name, variable in stored.variables.items():
        missing = np.nan if variable.dtype.kind == "f" and bool(variable.isnull().any()) else None
        encoding[name] = {"_FillValue": missing}
        if variable.size > _LARGE:
            encoding[name] |= {"zlib": True, "complevel": 2, "shuffle": True}
    stored.to_netcdf(path, format="NETCDF4", engine="netcdf4", encoding=encoding)


def load(path: str | Path) -> xr.Dataset:
    """Read a result; it is loaded into memory and the file closed.

    Parameters
    ----------
    path : path
        A file that :func:`save` wrote.

    Raises
    ------
    InputError
        A missing, truncated or foreign file.
    """
    dataset = read_netcdf(Path(path))
    if not isinstance(dataset.attrs.get("recipe"), str):
        raise InputError(str(path), "it carries no recipe; give a file that fpsolve wrote")
    version = dataset.attrs.get("format_version")
    if not isinstance(version, (int, np.integer)) or not 1 <= version <= FORMAT_VERSION:
        raise InputError(str(path), f"given format_version {version!r}; this fpsolve reads up to {FORMAT_VERSION}")
    return dataset


def read_netcdf(path: Path) -> xr.Dataset:
    """Any NetCDF file, in memory, times as plain numbers; an InputError where it cannot be read."""
    if not path.is_file():
        raise InputError(str(path), "there is no such file")
    try:
        with xr.open_dataset(path, engine="netcdf4", decode_times=False) as opened:
            return opened.load().drop_encoding()
    except (OSError, RuntimeError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise InputError(str(path), f"it cannot be read as NetCDF ({type(error).__name__}: {error})") from error


def on_snapshots(dataset: xr.Dataset) -> xr.Dataset:
    """Fields on a dimension ``snapshot``: at as many of the stored times as the case asks for, evenly spread."""
    try:
        count = json.loads(dataset.attrs.get("recipe", "{}")).get("time", {}).get("snapshots")
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError("dataset", "its recipe cannot be read; pass a result as fpsolve returned it") from error
    if count is None or "time" not in dataset.dims or "snapshot" in dataset.dims:
        return dataset
    kept = np.unique(np.round(np.linspace(0, dataset.sizes["time"] - 1, count)).astype(int))
    fields = [name for name, variable in dataset.data_vars.items() if variable.dims[0] == "time" and variable.ndim > 1]
    thin = dataset[fields].isel(time=kept).drop_vars("reverse_time").rename(time="snapshot")
    thin["snapshot"].attrs["long_name"] = "forward time of the stored fields"
    return dataset.drop_vars(fields).assign(thin.data_vars)


def provenance() -> dict[str, str]:
    """The version that writes, and the state of its checkout where it runs from one."""
    from fpsolve import __version__  # not known yet while the package is being imported

    root = Path(__file__).resolve().parents[2]
    found = {"source": f"fpsolve {__version__}"}
    if not (root / ".git").exists():
        return found
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        described = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return found
    return found | {"git": described} if described else found
