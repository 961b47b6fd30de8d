"""Thermodynamics of solutions at random parameters beside moment equations, and every relation on them.

Linear forces act on Gaussians on a line and in the plane, where everything is known from ordinary differential
equations; wells, quartics and rings have no closed forms, but balances and relations. Every number must lie within its
bar and within 1e-5 (in the plane 1e-4) of the exact one, the parts must add up and none be negative, no relation be
violated.

    python -m validation.theorems.thermodynamics [--level quick|full] [--out DIR]
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

import fpsolve as fp
from fpsolve.results import TradeOffs
from validation.command import Findings, run
from validation.theorems.linear_thermodynamics import LinearOracle

#: how many problems of each kind, by level
COUNTS = {
    "quick": {"line": 1, "trap": 1, "well": 1, "ring": 1, "plane": 0},
    "full": {"line": 8, "trap": 8, "well": 8, "ring": 8, "plane": 4},
}
#: how near to the exact value, relative to the larger of it and one
CLOSE = {1: 1e-5, 2: 1e-4}
PARTS = ("excess", "coupling", "housekeeping")
SEED = 20261125


@dataclasses.dataclass(frozen=True)
class Trial:
    """A problem, its start, how long it runs, and what is known of it."""

    problem: fp.FokkerPlanck
    start: Any
    end: float
    oracle: LinearOracle | None = None
    offset: float = 0.0  # of the exact energies: a trap that moves has a constant that depends on time


def trials(level: str) -> Iterator[tuple[str, Trial]]:
    """Problems of all kinds with random parameters, always the same."""
    rng = np.random.default_rng(SEED)
    make = {"line": line, "trap": trap, "well": well, "ring": ring, "plane": plane}
    for kind, count in COUNTS[level].items():
        for index in range(count):
            yield f"{kind} {index + 1}", make[kind](rng)


def line(rng: np.random.Generator) -> Trial:
    """F = a(t) x + b from a Gaussian."""
    first, last, shift = -rng.uniform(0.3, 3.0), -rng.uniform(0.3, 3.0), rng.uniform(-1.0, 1.0)
    temperature, end = rng.uniform(0.2, 1.5), float(rng.uniform(0.3, 2.0))
    start = fp.Gaussian(rng.uniform(-1.0, 1.0), rng.uniform(0.2, 1.0))
    oracle = LinearOracle(
        lambda t: np.array([[first + (last - first) * t / end]]), lambda t: np.array([shift]), temperature,
        np.array([start.mean]), np.array([[start.std**2]]), end,
    )  # fmt: skip
    return Trial(fp.FokkerPlanck(fp.LinearForce(first, shift, last, end), temperature), start, end, oracle)


def trap(rng: np.random.Generator) -> Trial:
    """A trap that moves and stiffens, from its equilibrium."""
    first, last, centre, speed = *rng.uniform(0.5, 4.0, 2), *rng.uniform(-1.5, 1.5, 2)
    temperature, end = rng.uniform(0.2, 1.5), float(rng.uniform(0.3, 2.0))

    def stiffness(t: float) -> float:
        return float(first + (last - first) * t / end)

    oracle = LinearOracle(
        lambda t: np.array([[-stiffness(t)]]), lambda t: np.array([stiffness(t) * (centre + speed * t)]), temperature,
        np.array([centre]), np.array([[temperature / first]]), end,
    )  # fmt: skip
    offset = 0.5 * (stiffness(end) * (centre + speed * end) ** 2 - first * centre**2)
    force = fp.HarmonicTrap(first, centre, speed, last, end)
    return Trial(fp.FokkerPlanck(force, temperature), fp.Equilibrium(), end, oracle, offset)


def well(rng: np.random.Generator) -> Trial:
    """Relaxation in a tilted double well."""
    force = fp.DoubleWell(rng.uniform(0.3, 3.0), rng.uniform(1.0, 3.0), rng.uniform(-0.5, 0.5))
    start = fp.Gaussian(rng.uniform(-1.0, 1.0), rng.uniform(0.15, 0.5))
    return Trial(fp.FokkerPlanck(force, rng.uniform(0.2, 1.5)), start, float(rng.uniform(0.3, 2.0)))


def ring(rng: np.random.Generator) -> Trial:
    """A tilted ring that has not come to rest."""
    period = float(rng.uniform(0.5, 3.0))
    force = fp.TiltedRing(rng.uniform(-2.0, 2.0), rng.uniform(0.2, 1.5), period)
    problem = fp.FokkerPlanck(force, rng.uniform(0.2, 1.5), domain=fp.Domain(0.0, period, "periodic"))
    start = fp.FunctionDensity(lambda x: (1.0 + 0.6 * np.cos(2.0 * np.pi * x / period)) / period, 0.0, period)
    return Trial(problem, start, float(rng.uniform(0.3, 2.0)))


def plane(rng: np.random.Generator) -> Trial:
    """A turning force in the plane whose stiffness changes, from a Gaussian off its centre."""
    turn, end, temperature = rng.uniform(-2.0, 2.0), float(rng.uniform(0.2, 0.8)), rng.uniform(0.2, 1.2)
    first = np.array([[-rng.uniform(0.5, 2.0), -turn + rng.uniform(-0.3, 0.3)], [turn, -rng.uniform(0.5, 2.0)]])
    last = first - np.diag(rng.uniform(0.0, 1.0, 2))
    shift, mean, root = rng.uniform(-0.5, 0.5, 2), rng.uniform(-0.7, 0.7, 2), 0.3 * rng.normal(size=(2, 2))
    spread = root @ root.T + 0.1 * np.eye(2)
    oracle = LinearOracle(
        lambda t: first + (last - first) * t / end, lambda t: shift, temperature, mean, spread, end
    )  # fmt: skip
    problem = fp.FokkerPlanck(fp.LinearForce(first, shift, last, end), temperature)
    return Trial(problem, fp.PlaneGaussian(mean, covariance=spread), end, oracle)


def check(level: str = "quick") -> Findings:
    """Totals of solutions beside moment equations, balances, relations."""
    found = Findings(("problem", "cells", "worst error", "its bar", "balance", "relations"))
    for name, trial in trials(level):
        dimension = trial.problem.dimension
        options = {"accuracy": 1e-6} if dimension == 1 else {"snapshots": 2}
        solution = fp.solve(trial.problem, trial.start, np.linspace(0.0, trial.end, 101), **options)
        measured = fp.trade_offs(solution)
        worst, complaints = compare(trial, measured, CLOSE[dimension])
        gap, own = balance(measured)
        verdicts = measured.verdicts
        complaints += [*own, *(f"{r.name} is violated" for r in measured.relations if r.verdict == "violated")]
        found.numbers[name] = worst
        known = ("", "") if worst is None else (f"{worst[0]:.1e}", f"{worst[1]:.1e}")
        held = f"{verdicts['holds']} hold, {verdicts['violated']} violated, {verdicts['undecided']} undecided"
        cells = "x".join(str(n) for n in np.atleast_1d(solution.attrs["cells"]))
        found.add(
            name, cells, *known, f"{gap:.1e}", held, complaint="; ".join(f"{name}: {text}" for text in complaints)
        )
    return found


def compare(trial: Trial, measured: TradeOffs, close: float) -> tuple[tuple[float, float] | None, list[str]]:
    """The largest error and its bar, and what is too far from the exact value or outside its bar."""
    if trial.oracle is None:
        return None, []
    exact = trial.oracle.totals()
    for name in ("work", "energy_change"):
        exact[name] += trial.offset
    del exact["action"]
    pairs, complaints = [], []
    for name, value in exact.items():
        estimate = measured[name]
        error = abs(estimate.value - value)
        if abs(value) < 1e-12 and error < 1e-12:  # parts that a line does not have
            continue
        pairs.append((error, estimate.error))
        if error > close * max(abs(value), 1.0):
            complaints.append(f"{name} is off by {error:.1e}")
        if error > estimate.error:
            complaints.append(f"{name} is off by {error:.1e}, its bar is {estimate.error:.1e}")
    return max(pairs), complaints


def balance(measured: TradeOffs) -> tuple[float, list[str]]:
    """How far parts and energies are from adding up, and what is wrong with that."""
    total, parts = measured["entropy_production"], [measured[name] for name in PARTS]
    gap = abs(sum(part.value for part in parts) - total.value)
    complaints = [f"{name} is negative" for name in PARTS if measured[name].value < -measured[name].error]
    if gap > total.error + sum(part.error for part in parts):
        complaints.append(f"the parts miss the entropy production by {gap:.1e}")
    first = abs(measured["work"].value + measured["heat"].value - measured["energy_change"].value)
    if first > 1e-10:
        complaints.append(f"work and heat miss the energy by {first:.1e}")
    return max(gap, first), complaints


def draw(found: Findings, axes: Any) -> None:
    """Worst errors and their bars."""
    known = {name: pair for name, pair in found.numbers.items() if pair is not None}
    places = range(len(known))
    axes.semilogy(places, [max(error, 1e-16) for error, _ in known.values()], "o", label="worst error of a total")
    axes.semilogy(places, [bar for _, bar in known.values()], "_", ms=14, label="its bar")
    axes.set_xticks(places, list(known), rotation=60)
    axes.set(ylabel="nats, or unit of T")
    axes.legend(fontsize=8)


def main(arguments: list[str] | None = None) -> int:
    return run(check, draw, "thermodynamics", arguments)


if __name__ == "__main__":
    raise SystemExit(main())
