"""What made a result, kept in it: as JSON text, and long arrays as variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from fpsolve.cases import pack
from fpsolve.dynamics import FORMAT_VERSION
from fpsolve.settings import Settings


def with_recipe(dataset: xr.Dataset, parts: Mapping[str, Any]) -> xr.Dataset:
    """The Dataset with an attribute ``recipe``.

    Parameters
    ----------
    dataset : xarray.Dataset
    parts : mapping
        Settings (a density, a schedule), of which the recipe is kept, numbers, and tables of them.
    """
    recipe = {key: part.recipe() if isinstance(part, Settings) else part for key, part in parts.items()}
    text, arrays = pack({"dimension": 1} | recipe)
    for name, array in arrays.items():
        dims = tuple(f"{name}_{axis}" for axis in range(array.ndim))
        dataset[name] = (dims, array, {"long_name": "array of the recipe", "units": "1"})
    return dataset.assign_attrs({"Conventions": "CF-1.10", "recipe": text, "format_version": FORMAT_VERSION})
