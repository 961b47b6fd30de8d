"""Velocities learned in bases too small for them: what that costs, against the bounds (100)."""

from __future__ import annotations

import dataclasses
import time

import xarray as xr

from fpsolve.densities import Density, Gaussian, GaussianMixture
from fpsolve.experiments.paper_1d import DATA, STARTS
from fpsolve.learning import IncompleteEstimation, flow_matching, incomplete_estimation, spline_basis
from fpsolve.processes import Diffusion
from fpsolve.results import Incomplete
from fpsolve.schedules import ConditionalOptimalTransport, Cosine, Schedule
from fpsolve.settings import Recipe

#: quantities that tables show, in this order
SHOWN = ("loss", "W1_start", "W1_data", "delta_W1", "D_start", "D_max", "dissipation", "sharp_bound", "bound")
#: relations of the contract
RELATIONS = ("incomplete-estimation", "incomplete-estimation-sharp")
#: series -> what it is
_LONG = {
    "W1": ("1-Wasserstein distance between forward and estimated density", "L"),
    "W1_rate": ("rate of that distance in forward time", "L/s"),
    "chi2": ("chi-squared divergence of the estimated density", "1"),
    "chi2_rate": ("its rate in forward time", "1/s"),
    "dissipation": ("dissipation rate T S'", "L²/s²"),
    "square_error": ("mean square error of the velocity over the forward density", "L²/s²"),
    "error": ("mean error of the velocity over the estimated density", "L/s"),
    "sharp": ("bound of the modulus of the rate of W1", "L/s"),
}


@dataclasses.dataclass(frozen=True, eq=False)
class LearnedCase:
    """An experiment with a learned velocity.

    Parameters
    ----------
    data, start : Density
        q, and P~ at t = tau.
    schedule : Schedule
    cells : (int, int)
        Intervals of the quadratic spline basis in x and in t.
    """

    data: Density
    schedule: Schedule
    start: Density
    cells: tuple[int, int]

    def recipe(self) -> Recipe:
        """What it is made of."""
        parts = {"data": self.data, "schedule": self.schedule, "start": self.start}
        recipes = {name: part.recipe() for name, part in parts.items()}
        return (
            {"dimension": 1, "tau": self.schedule.tau} | recipes | {"basis": {"kind": "splines", "cells": self.cells}}
        )

    def assess(self) -> Incomplete:
        """Learn the velocity, run it, compare with the bounds."""
        began = time.perf_counter()
        process = Diffusion(self.data, self.schedule)
        learned = flow_matching(process, spline_basis(process, self.cells))
        found = incomplete_estimation(process, self.start, learned)
        estimates = {name: found.quantities[name] for name in SHOWN}
        relations = tuple(relation for relation in found.relations if relation.name in RELATIONS)
        diagnostics = {"parameters": found.parameters, "rank": learned.rank, "condition": learned.condition}
        diagnostics |= {"seconds": time.perf_counter() - began}
        return Incomplete(self.recipe(), estimates, relations, series_of(found), diagnostics)


def series_of(found: IncompleteEstimation) -> xr.Dataset:
    """Every rate in time with its bar."""
    variables = {}
    for name, (text, unit) in _LONG.items():
        attributes = {"long_name": text, "units": "1", "dimension": unit}
        variables[name] = ("time", found.series[name], attributes)
        variables[f"{name}_error"] = ("time", found.errors[name], {"long_name": f"error bar of {name}", "units": "1"})
    clock = ("time", found.times, {"long_name": "forward time", "units": "1"})
    return xr.Dataset(variables, {"time": clock}, {"title": "incomplete estimation", "parameters": found.parameters})


def learned_cases(level: str = "quick") -> dict[str, LearnedCase]:
    """The built-in experiments with a learned velocity."""
    mean = STARTS["mean"]
    few = {
        "learned-splines": LearnedCase(DATA, Cosine(), mean, (16, 8)),
        "learned-coarse": LearnedCase(DATA, Cosine(), mean, (6, 4)),
    }
    if level == "quick":
        return few
    three = GaussianMixture(means=(-1.2, 0.1, 0.9), stds=(0.2, 0.5, 0.25), weights=(0.2, 0.5, 0.3))
    return few | {
        "learned-straight": LearnedCase(DATA, ConditionalOptimalTransport(), Gaussian(0.3, 0.9), (12, 8)),
        "learned-three": LearnedCase(three, Cosine(tau=0.5), Gaussian(-0.2, 0.9), (16, 6)),
    }
