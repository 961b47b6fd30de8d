"""The fluctuation theorems: equalities for averages over all paths (47)-(50)."""

from __future__ import annotations

import numpy as np
import xarray as xr

from fpsolve.estimates import Relation

#: rounding of a sum over all paths: the theorem is an identity on every grid, at any step
_ROUNDING = 2e-12


def fluctuation_theorem(statistics: xr.Dataset) -> Relation:
    """Compare <exp(-s_tot)> with 1 - lambda, lambda the backward probability of what the start has nothing of (50).

    Parameters
    ----------
    statistics : xarray.Dataset
        What :func:`fpsolve.entropy_statistics` returned.
    """
    left, right = float(statistics["fluctuation_theorem"]), 1.0 - float(statistics["irreversible"])
    error = _ROUNDING * max(1.0, abs(left))
    return Relation("fluctuation-theorem", "50", left, right, error, equality=True)


def jarzynski(statistics: xr.Dataset) -> Relation:
    """Compare <exp(-W/T)> with exp(-Delta F/T), for a start in equilibrium.

    Parameters
    ----------
    statistics : xarray.Dataset
        What :func:`fpsolve.work_statistics` returned.
    """
    name, equation = "jarzynski", "47-50"
    if not bool(statistics["equilibrium_start"]):
        return Relation.undefined(name, equation, "the start is not the equilibrium of the force at the first time")
    left, right = (statistics[key] for key in ("jarzynski", "exponential_of_free_energy"))
    if not np.isfinite(right):
        return Relation.undefined(name, equation, str(statistics.attrs.get("why_no_free_energy", "no free energy")))
    error = sum(float(statistics[f"{key}_error"]) for key in ("jarzynski", "exponential_of_free_energy"))
    return Relation(name, equation, float(left), float(right), error, equality=True)
