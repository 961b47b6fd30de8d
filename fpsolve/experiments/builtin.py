"""The cases that ``verify`` runs: the paper's, and others chosen so that every relation is put to the test."""

from __future__ import annotations

from fpsolve.cases import Case
from fpsolve.densities import Gaussian, GaussianMixture, Uniform
from fpsolve.experiments.paper_1d import DATA, SCHEDULES, STARTS, paper_cases
from fpsolve.schedules import (
    ArraySchedule,
    ConditionalOptimalTransport,
    Cosine,
    OptimalTransport,
    VarianceExploding,
    VariancePreserving,
)
from fpsolve.settings import InputError, suggestion

LEVELS = ("quick", "full")
#: routes on the grid, run at the full level
ROUTES = ("characteristics", "weno5", "upwind")

#: why each case beside the paper's is here
PURPOSES = {
    "window": "The paper's own interval [-4.5, 4.5]: every integral restricted to it, and what that cuts off.",
    "infinite": "A start wider than the noise: D₀ diverges, so η and c₁ have no value, and that is said.",
    "variance-exploding": "Noise is added and the signal stays, growing by a constant factor per unit of time.",
    "vp-linear": "The usual diffusion model, generated from N(0, 1): the start is nearly right, D₀ is tiny.",
    "three-components": "Unequal, narrow peaks and a short duration; the start lies off centre.",
    "uniform-data": "Data with jumps, a long duration, and no closed form for the densities on the way.",
    "constant-temperature": "Free diffusion at one temperature: the bound on minimum dissipation applies.",
    "warm-geodesic": "Optimal transport at one temperature: minimum dissipation is attained.",
}


def verify_cases(level: str = "quick") -> dict[str, Case]:
    """The built-in cases of a level.

    Parameters
    ----------
    level : {"quick", "full"}
        ``full`` adds the routes on the grid, and the paper's cases on a finer grid.

    Returns
    -------
    dict of Case

    Raises
    ------
    InputError
        Another level.
    """
    if level not in LEVELS:
        raise InputError("level", f"given {level!r}; {suggestion(str(level), LEVELS)}")
    cases = paper_cases() | _others()
    return cases | _routes() | _finer() if level == "full" else cases


def _others() -> dict[str, Case]:
    mean = STARTS["mean"]
    three = GaussianMixture(means=(-1.2, 0.1, 0.9), stds=(0.1, 0.5, 0.25), weights=(0.2, 0.5, 0.3))
    free = ArraySchedule(t=(0.0, 1.0), m=(1.0, 1.0), sigma=(0.0, 1.0))
    return {
        "window": Case(DATA, SCHEDULES["cosine"], mean, window=(-4.5, 4.5)),
        "infinite": Case(DATA, SCHEDULES["cosine"], Gaussian(0.0, 1.5)),
        "variance-exploding": Case(
            DATA, VarianceExploding(sigma_max=2.0, growth="geometric", sigma_min=0.05), Gaussian(0.5, 2.0)
        ),
        "vp-linear": Case(DATA, VariancePreserving(beta_min=0.1, beta_max=20.0), Gaussian(0.0, 1.0)),
        "three-components": Case(three, ConditionalOptimalTransport(tau=0.5), Uniform(-1.0, 1.8)),
        "uniform-data": Case(Uniform(-1.0, 1.0), Cosine(tau=2.0), Gaussian(0.2, 0.9)),
        "constant-temperature": Case(DATA, free, Gaussian(0.3, 1.1)),
        "warm-geodesic": Case(DATA, OptimalTransport(temperature=0.5), mean),
    }


def _routes() -> dict[str, Case]:
    """A smooth start and one with jumps, back in time on the grid."""
    return {
        f"{start}/cosine/{route}": Case(DATA, SCHEDULES["cosine"], STARTS[start], estimated=route)
        for start in ("mean", "uniform")
        for route in ROUTES
    }


def _finer() -> dict[str, Case]:
    return {f"{name}/fine": case for name, case in paper_cases(cells=2000, steps=200).items()}
