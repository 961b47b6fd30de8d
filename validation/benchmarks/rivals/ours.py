"""Our own solver, measured twice: the whole call of ``solve`` (problem, moments, dataset) and the run alone.

Of the peers the run alone is timed, with all matrices and factors kept; ``kept`` rows do the same with ours. Problem b
may be solved in its clock, the integral of T: the peers' rows that do so are faster, and so is ours.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import fpsolve as fp
from validation.benchmarks.rivals.problems import STD, Problem
from validation.benchmarks.rivals.variants import Variant

Array = np.ndarray
PACKAGES = ("fpsolve", "numba", "xarray")


def equation(problem: Problem) -> fp.FokkerPlanck:
    if problem.dimension == 2:
        force = fp.LinearForce([[-1.0, -problem.spin], [problem.spin, -1.0]])
        return fp.FokkerPlanck(force=force, temperature=1.0)
    if problem.steady:
        return fp.FokkerPlanck(force=fp.LinearForce(-1.0), temperature=1.0)
    return fp.FokkerPlanck(force=fp.LinearForce(lambda t: -problem.rate(t)), temperature=problem.rate)


def start(problem: Problem) -> Any:
    if problem.dimension == 2:
        return fp.PlaneGaussian(mean=problem.means[0], std=STD)
    if len(problem.means) == 1:
        return fp.Gaussian(problem.means[0][0], STD)
    return fp.GaussianMixture(means=tuple(mean[0] for mean in problem.means), stds=(STD,) * len(problem.means))


@functools.cache
def window(problem: Problem, cells: int) -> fp.Grid:
    half = problem.half
    if problem.dimension == 1:
        return fp.Grid.line(-half, half, cells)
    return fp.Grid.plane((-half, -half), (half, half), (cells, cells))


def ours(problem: Problem, cells: int, steps: int, flux: Any, stepper: Any, bars: bool = False) -> Callable[[], Array]:
    """The whole call of ``fpsolve.solve``, from the problem to the dataset."""

    def run() -> Array:
        times = [0.0, problem.end]
        options = {"grid": window(problem, cells), "flux": flux, "stepper": stepper, "steps": int(steps), "bars": bars}
        return fp.solve(equation(problem), start(problem), times, **options)["density"].values[-1]

    return run


def kept(problem: Problem, cells: int, steps: int, flux: Any, stepper: Any) -> Callable[[], Array]:
    """The run alone: the discretisation, the start and what was factored are kept, as for the peers."""
    grid, steady, end = window(problem, cells), equation(problem), problem.end
    if not problem.steady:  # L(t) = T(t) L: in the clock of T it is steady
        steady, end = fp.FokkerPlanck(force=fp.LinearForce(-1.0), temperature=1.0), problem.clock(end)
    system = fp.Discretisation(steady, grid, flux)
    masses = start(problem).cell_masses(*(axis.edges for axis in grid.axes))

    def run() -> Array:
        return stepper.march(system, masses, 0.0, end / int(steps), int(steps)).masses / grid.volumes

    return run


def default(problem: Problem, cells: int, setting: float) -> Callable[[], tuple[Array, list[Array]]]:
    """No option given: the window, the cells, the steps and the error bars are its own."""

    def run() -> tuple[Array, list[Array]]:
        solution = fp.solve(equation(problem), start(problem), [0.0, problem.end])
        return solution["density"].values[-1], [solution[f"{axis}_face"].values for axis in "xy"[: problem.dimension]]

    return run


def variant(title: str, flux: Any, stepper: Any, bars: bool = False) -> Variant:
    build = functools.partial(ours, flux=flux, stepper=stepper, bars=bars)
    return Variant(f"fpsolve {title}", build)


def alone(title: str, flux: Any, stepper: Any) -> Variant:
    return Variant(f"fpsolve, the run alone, {title}", functools.partial(kept, flux=flux, stepper=stepper))


WIDE, NARROW = fp.fluxes.FourthOrder(), fp.fluxes.ScharfetterGummel()
SDIRK, LEGENDRE = fp.steppers.SDIRK4(), fp.steppers.RungeKuttaLegendre()
VARIANTS = {
    "fourth": variant("fourth order, SDIRK4", WIDE, SDIRK),
    "fourth-bars": variant("the same with error bars", WIDE, SDIRK, bars=True),
    "fourth-kept": alone("fourth order, SDIRK4", WIDE, SDIRK),
    "legendre-kept": alone("fourth order, RKL2", WIDE, LEGENDRE),
    "second": variant("Scharfetter-Gummel, CN", NARROW, fp.steppers.CrankNicolson()),
    "legendre": variant("fourth order, RKL2", WIDE, LEGENDRE),
    "legendre-bars": variant("the same with error bars", WIDE, LEGENDRE, bars=True),
    "strang": variant("Scharfetter-Gummel, Strang", NARROW, fp.steppers.StrangSplitting()),
    "default": Variant("fpsolve, no option given", default, "none"),
}
