"""What a solution says at its end: quantities with error bars, relations, diagnostics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.estimates import Estimate, Relation
from fpsolve.settings import Settings
from fpsolve.solution.gauges import AXES
from fpsolve.solution.setups import recipe_of

#: name of the quantity -> variable of the Dataset
_VARIABLES = {"mean": "mean", "variance": "variance"}
_VARIABLES |= {f"{name}_{axis}": f"{name}_{axis}" for name in ("mean", "variance") for axis in AXES}
_VARIABLES |= {"covariance": "covariance", "mass": "mass", "outflow": "outflow", "current": "mean_current"}
#: rounding of the mass per step, relative, of up to so many cells; it adds up like a random walk
_ROUNDING, _FEW = 1e-13, 256


def quantities(solution: xr.Dataset) -> dict[str, Estimate]:
    """Moments, mass, outflow and, on a ring, the current at the last time, each with its error bar."""
    found = {}
    for name, variable in _VARIABLES.items():
        if variable not in solution:
            continue
        value = float(solution[variable].values[-1])
        bars = solution.get(f"{variable}_error")  # none from a run without error bars
        error = math.nan if bars is None else float(bars.values[-1])
        if math.isfinite(value):
            found[name] = Estimate(value, error, "1/s" if name == "current" else "1")
        else:
            why = (
                "the rates are too large for a difference of their products" if name == "current" else "no mass is left"
            )
            found[name] = Estimate.undefined(why, "1/s" if name == "current" else "1")
    return found


def relations(solution: xr.Dataset) -> tuple[Relation, ...]:
    """That mass and outflow together are what they were at the start."""
    total = solution["mass"].values + solution["outflow"].values
    numerics = recipe_of(solution)["numerics"]
    schemes = [Settings.registry[family, numerics[family]["kind"]] for family in ("flux", "stepper")]
    if not all(getattr(scheme, "conservative", False) for scheme in schemes):
        why = "the schemes do not claim to conserve the mass"
        return (Relation.undefined("mass-conservation", "1", why),)
    cells = float(np.prod(solution.attrs["cells"]))
    error = _ROUNDING * math.sqrt((1.0 + float(solution.attrs["steps_taken"])) * max(1.0, cells / _FEW))
    return (Relation("mass-conservation", "1", float(total[-1]), float(total[0]), error, equality=True),)


def diagnostics(solution: xr.Dataset) -> dict[str, Any]:
    """How well the numbers were kept, and what was chosen."""
    total = solution["mass"].values + solution["outflow"].values
    cut = 1.0 - float(total[0])
    return {
        "mass_error": float(np.max(np.abs(total - total[0]))),
        "minimum_density": float(np.min(solution["minimum_density"].values)),
        "density_error": float(solution["density_error"].values[-1]),
        "truncated": {"start": cut} if cut > 1e-12 else {},
        "cells": np.atleast_1d(solution.attrs["cells"]).tolist(),
        **{name: solution.attrs[name] for name in ("flux", "stepper", "steps_taken", "steps_rejected")},
    }
