"""What ``verify`` runs: the paper's cases, and others chosen so that every relation is put to the test."""

from __future__ import annotations

import functools

import numpy as np

from fpsolve.cases import AnyCase, Case, PlaneCase
from fpsolve.densities import Gaussian, GaussianMixture, PlaneGaussian, PlaneMixture, SwissRoll, Uniform
from fpsolve.design import schedule_costs
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.experiments.paper_1d import DATA, SCHEDULES, STARTS, paper_cases
from fpsolve.forces import DoubleWell, HarmonicTrap, LinearForce, Quartic, TiltedRing
from fpsolve.schedules import (
    ArraySchedule,
    ConditionalOptimalTransport,
    Cosine,
    LinearForceSchedule,
    OptimalTransport,
    Stirring,
    VarianceExploding,
    VariancePreserving,
    Vortices,
)
from fpsolve.settings import InputError, suggestion
from fpsolve.solution import Equilibrium, Setup

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
    "best-schedule": "The best linear-Gaussian schedule for the paper's data: the same response, the least cost.",
    "retimed-cosine": "The cosine schedule at constant v₂: the same response, L²/τ.",
    "learned-splines": "A velocity learned in a basis of 180 splines, nearly exact: what is left of its error.",
    "learned-coarse": "The same with 48 splines: the bounds allow for what the velocity lacks.",
    "learned-straight": "Conditional optimal transport, another start.",
    "learned-three": "Unequal peaks, a short duration.",
    "plane-gaussian": "A Gaussian turned while it contracts, from a translate of its end: all is known exactly.",
    "plane-mixture": "Three components with covariances of their own; a start of another width.",
    "plane-roll/cosine": "The Swiss roll under the cosine schedule, from a start beside the noise.",
    "plane-roll/cond-ot": "The same ends, another schedule: the same response.",
    "plane-roll/optimal-transport": "The same ends by the Brenier map: the least cost.",
    "plane-turned": "The roll under a force that turns: what moves no mass costs besides.",
    "plane-stirred": "Vortices across the arms of the roll: no density changes, the response does.",
    "dragged-trap": "A trap moved through the fluid: work, heat, and Jarzynski's equality with no free energy gained.",
    "double-well": "Relaxation from one well into both: no work, no driving, all entropy production is excess.",
    "tilted-ring": "A constant force around a ring: a current that never rests, and what it costs.",
    "stiffened-trap": "A trap moved and stiffened at once: Jarzynski's equality tells the free energy.",
    "quartic": "Relaxation over a low barrier in steep walls.",
    "turning-plane": "A linear force that turns, in the plane: excess, coupling and housekeeping all are positive.",
    "plane-infinite": "The later version's parameters: the start is too wide, D₀ diverges in the plane.",
}


def verify_cases(level: str = "quick") -> dict[str, AnyCase]:
    """The built-in cases of a level.

    Parameters
    ----------
    level : {"quick", "full"}
        ``full`` adds the routes on the grid, the paper's cases on a finer grid, and cases in the plane.

    Returns
    -------
    dict of Case and PlaneCase

    Raises
    ------
    InputError
        Another level.
    """
    _check(level)
    cases: dict[str, AnyCase] = {**paper_cases(), **_others()}
    return {**cases, **_routes(), **_finer(), **plane_cases()} if level == "full" else cases


def verify_problems(level: str = "quick") -> dict[str, Setup]:
    """The built-in Fokker-Planck problems of a level, whose thermodynamics is put to the relations.

    Parameters
    ----------
    level : {"quick", "full"}
        ``full`` adds another trap and another well, and a problem in the plane.

    Returns
    -------
    dict of Setup

    Raises
    ------
    InputError
        Another level.
    """
    _check(level)
    return {**_problems(), **_more_problems()} if level == "full" else _problems()


def _check(level: str) -> None:
    if level not in LEVELS:
        raise InputError("level", f"given {level!r}; {suggestion(str(level), LEVELS)}")


def _problems() -> dict[str, Setup]:
    around = Domain(0.0, 2.0 * np.pi, "periodic")
    return {
        "dragged-trap": Setup(
            FokkerPlanck(HarmonicTrap(1.0, speed=2.0), 0.5), Equilibrium(), np.linspace(0.0, 3.0, 31)
        ),
        "double-well": Setup(
            FokkerPlanck(DoubleWell(1.0, 2.0, tilt=0.2), 0.4), Gaussian(-0.8, 0.3), np.linspace(0.0, 3.0, 61), cells=480
        ),
        "tilted-ring": Setup(
            FokkerPlanck(TiltedRing(0.6, 1.0, 2.0 * np.pi), 0.3, domain=around), Gaussian(np.pi, 0.35),
            np.linspace(0.0, 6.0, 31), cells=768,
        ),
    }  # fmt: skip


def _more_problems() -> dict[str, Setup]:
    stiffening = HarmonicTrap(1.0, speed=1.0, stiffness_end=3.0, duration=2.0)
    turning = LinearForce(((-1.0, -1.4), (1.4, -1.5)), (0.3, -0.2))
    aside = PlaneGaussian((0.6, -0.4), covariance=((0.3, 0.1), (0.1, 0.2)))
    return {
        "stiffened-trap": Setup(FokkerPlanck(stiffening, 0.5), Equilibrium(), np.linspace(0.0, 2.0, 21)),
        "quartic": Setup(
            FokkerPlanck(Quartic(1.0, 1.0), 0.5), Gaussian(0.5, 0.5), np.linspace(0.0, 2.0, 21), cells=400
        ),
        "turning-plane": Setup(FokkerPlanck(turning, 0.5), aside, np.linspace(0.0, 1.0, 21), cells=(160, 160)),
    }


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
    } | {name: Case(DATA, schedule, mean) for name, schedule in _designed().items()}


@functools.cache
def _designed() -> dict[str, ArraySchedule]:
    """Schedules made for the paper's data, from arrays."""
    costs = schedule_costs(DATA, SCHEDULES["cosine"])
    return {"best-schedule": costs.best, "retimed-cosine": costs.retimed}


def _routes() -> dict[str, Case]:
    """A smooth start and one with jumps, back in time on the grid."""
    return {
        f"{start}/cosine/{route}": Case(DATA, SCHEDULES["cosine"], STARTS[start], estimated=route)
        for start in ("mean", "uniform")
        for route in ROUTES
    }


def _finer() -> dict[str, Case]:
    return {f"{name}/fine": case for name, case in paper_cases(cells=2000, steps=200).items()}


def plane_cases(cells: tuple[int, int] = (128, 128)) -> dict[str, PlaneCase]:
    """Cases in the plane, one of each kind."""
    roll, beside, narrow = SwissRoll(blur=0.2), PlaneGaussian((1.0, 0.0), std=1.0), PlaneGaussian(std=0.9)
    turning = LinearForceSchedule(1.1, 3.0, 0.5, tau=2.0)
    gaussian = PlaneGaussian((0.3, -0.2), covariance=((0.5, 0.2), (0.2, 0.3)))
    covariances = ((0.1, 0.05), (0.05, 0.2)), ((0.3, 0.0), (0.0, 0.1)), ((0.2, -0.05), (-0.05, 0.1))
    mixture = PlaneMixture(((-1.0, 0.0), (0.8, 0.7), (0.5, -0.9)), covariances=covariances, weights=(0.5, 0.3, 0.2))
    noise = PlaneGaussian(std=1.0)
    return {
        "plane-gaussian": PlaneCase(gaussian, turning, _translate(gaussian, turning, (0.4, 0.3)), cells=cells),
        "plane-mixture": PlaneCase(mixture, Cosine(tau=2.0), PlaneGaussian((0.3, -0.4), std=0.9), cells=cells),
        "plane-roll/cosine": PlaneCase(roll, Cosine(), beside, cells=cells),
        "plane-roll/cond-ot": PlaneCase(roll, ConditionalOptimalTransport(), beside, cells=cells),
        "plane-roll/optimal-transport": PlaneCase(roll, OptimalTransport(target=noise), beside, cells=cells),
        "plane-turned": PlaneCase(roll, LinearForceSchedule(1.1, 3.0, 0.5, tau=3.0), narrow, cells=cells),
        "plane-stirred": PlaneCase(roll, Stirring(Cosine(), Vortices(2.9), 2.0), beside, cells=cells),
        "plane-infinite": PlaneCase(roll, LinearForceSchedule(1.1, 3.0, 0.5, tau=1.0), narrow, cells=cells),
    }


def _translate(data: PlaneGaussian, schedule: LinearForceSchedule, shift: tuple[float, float]) -> PlaneGaussian:
    """The end of a Gaussian under a linear force, moved."""
    kernel = schedule.plane_kernel(schedule.tau)
    covariance = kernel.carry @ data.covariance @ kernel.carry.T + kernel.covariance
    return PlaneGaussian(kernel.carry @ data.mean + shift, covariance=0.5 * (covariance + covariance.T))
