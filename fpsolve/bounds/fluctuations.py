"""The fluctuation theorems: equalities for averages over all paths (47)-(50)."""

from __future__ import annotations

import numpy as np
import xarray as xr

from fpsolve.estimates import Relation


def fluctuation_theorem(statistics: xr.Dataset) -> Relation:
    """Compare <exp(-s_tot)> with 1 - lambda, lambda the backward probability of what the start has nothing of (50).

    Parameters
    ----------
    statistics : xarray.Dataset
        What :func:`fpsolve.entropy_statistics` returned.
    """
    left, right = float(statistics["fluctuation_theorem"]), 1.0 - float(statistics["irreversible"])
    error = float(statistics["fluctuation_theorem_error"]) + float(statistics["irreversible_error"])
    return Relation("fluctuation-theorem", "50", left, right, error, equality=True)


def jarzynski(statistics: xr.Dataset) -> Relation:
    """Compare <exp(-W/T)> with exp(-Delta F/T), for a start in equilibrium.

    Parameters
    ----------
    statistics : xarray.Dataset
        What :func:`fpsolve.work_statistics` returned.
    """
    name, equation = "jarzynski", "47-50"
    if not statistics.attrs["equilibrium_start"]:
        return Relation.undefined(name, equation, "the start is not the equilibrium of the force at the first time")
    change = statistics["exponential_of_free_energy"]
    if not np.isfinite(change):
        return Relation.undefined(name, equation, change.attrs["why"])
    error = float(statistics["jarzynski_error"]) + float(statistics["exponential_of_free_energy_error"])
    return Relation(name, equation, float(statistics["jarzynski"]), float(change), error, equality=True)
