"""Generation with learned velocities, with noise on the way back, and in N steps, on random data.

For random mixtures: the gradients of conditional and unconditional losses are one (App. A); the learned velocity
converges at the order of its spline; (100) and the sharper bound hold at every size of the basis, and the sharper one
is never the larger; with noise D falls at 2 lambda^2 T int P |h'|^2, and from ever earlier beginnings the generated
density goes to the data; samplers of N steps converge at their orders in W1, and twice as fast in KL.

    python -m validation.theorems.generation [--level quick|full] [--out DIR]
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

import fpsolve as fp
from fpsolve.learning.losses import MatchingGrid, quadratic_loss
from fpsolve.processes import Diffusion
from fpsolve.schedules import Schedule
from validation.command import Findings, run

COUNTS = {"quick": 1, "full": 4}
#: relative difference of the gradients; of the rate of D; how far an observed order may lie off
GRADIENT, RATE, ORDER = 1e-12, 1e-4, 0.35
#: root of the loss below which the spline in time and the tails beyond the window rule
FLOOR = 1e-6
BASES = {"quick": ((12, 6), (4, 3)), "full": ((24, 12), (16, 8), (12, 6), (8, 4), (6, 4), (4, 3))}
NOISE = {"quick": (0.5,), "full": (0.2, 0.5, 1.0, 1.5)}
#: method -> its order in W1
METHODS = {"euler": 1, "heun": 2, "ddim": 1}
STEPS = {"quick": (64, 128), "full": (128, 256)}
BEGINNINGS = {"quick": (1e-2, 1e-3), "full": (1e-1, 1e-2, 1e-3, 1e-4)}
SEED = 20261127


def check(level: str = "quick") -> Findings:
    """Learned velocities, noise, and few steps, each beside what it must be."""
    found = Findings(("data", "what", "found", "must be"))
    rng = np.random.default_rng(SEED)
    for index in range(COUNTS[level]):
        name, data, tau = f"mixture {index + 1}", mixture(rng), float(rng.uniform(0.5, 2.0))
        start = fp.Gaussian(float(rng.uniform(-0.8, 0.8)), float(rng.uniform(0.75, 0.98)))
        for schedule in (fp.Cosine(tau), fp.ConditionalOptimalTransport(tau)):
            _gradients(found, name, data, schedule, rng)
            _samplers(found, name, data, schedule, start, level)
            _late_beginnings(found, name, data, schedule, start, level)
        _orders(found, name, data, fp.Cosine(tau))
        _incomplete(found, name, data, fp.Cosine(tau), start, level)
        _noise(found, name, data, tau, start, level)
    return found


def mixture(rng: np.random.Generator) -> fp.GaussianMixture:
    """A random mixture of two or three components that are not too narrow for splines."""
    count = int(rng.integers(2, 4))
    weights = tuple(rng.dirichlet(np.full(count, 4.0)))
    return fp.GaussianMixture(tuple(rng.normal(0.0, 0.7, count)), tuple(rng.uniform(0.25, 0.6, count)), weights)


def _name(schedule: Schedule) -> str:
    return str(schedule.kind)


def _add(found: Findings, name: str, what: str, value: str, due: str, right: bool) -> None:
    found.add(name, what, value, due, complaint="" if right else f"{name}: {what}: {value}, must be {due}")


def _gradients(found: Findings, name: str, data: Any, schedule: Schedule, rng: np.random.Generator) -> None:
    """At random parameters, relative to the largest term of the gradient."""
    process = Diffusion(data, schedule)
    basis = fp.spline_basis(process, cells=(10, 5), degree=3)
    grid, theta = MatchingGrid.fitted(process, basis), rng.standard_normal(basis.size)
    for target in ("velocity", "score"):

        def weight(t: float, target: str = target) -> float:
            return 1.0 if target == "velocity" else float(schedule.curve(np.array([t])).variance[0])

        losses = [quadratic_loss(process, basis, grid, target=target, conditional=c, weight=weight) for c in (0, 1)]
        plain, conditional = (loss.gradient(theta) for loss in losses)
        size = max(float(np.max(np.abs(plain))), 2.0 * float(np.max(np.abs(losses[0].right))))
        gap = float(np.max(np.abs(plain - conditional))) / size
        what = f"gradient of the {target}, {_name(schedule)}"
        _add(found, name, what, f"{gap:.1e}", f"below {GRADIENT:.0e}", gap < GRADIENT)


def _orders(found: Findings, name: str, data: Any, schedule: Schedule) -> None:
    """Root of the loss against the width of the cells: wide cells show more, the floor nothing."""
    process = Diffusion(data, schedule)
    for degree in (1, 2, 3):
        bases = [fp.spline_basis(process, (cells, 12), (degree, 9), window=(-7.0, 7.0)) for cells in (24, 48)]
        coarse, fine = (math.sqrt(fp.flow_matching(process, basis).loss) for basis in bases)
        order = math.log2(coarse / fine)
        what, words = f"order of splines of degree {degree}", f"{order:.2f} down to {fine:.1e}"
        _add(found, name, what, words, f"at least {degree + 1}", order > degree + 1.0 - ORDER or fine < FLOOR)


def _incomplete(found: Findings, name: str, data: Any, schedule: Schedule, start: fp.Density, level: str) -> None:
    process, rows = Diffusion(data, schedule), []
    for cells in BASES[level]:
        learned = fp.flow_matching(process, fp.spline_basis(process, cells))
        estimate = fp.incomplete_estimation(process, start, learned)
        paper, sharp = (each for each in estimate.relations if not each.name.endswith("local"))
        known = math.isfinite(paper.rhs)
        right = not known or (
            "violated" not in (paper.verdict, sharp.verdict)
            and sharp.rhs - paper.rhs <= paper.error + sharp.error
            and abs(paper.lhs - sharp.lhs) < 1e-12
        )
        words = f"{sharp.lhs:.4f} <= {sharp.rhs:.4f} <= {paper.rhs:.4f}" if known else f"no bound: {paper.why}"
        _add(found, name, f"{learned.basis.size} functions", words, "in order", right)
        rows.append(estimate.row())
    found.numbers[name] = rows


def _noise(found: Findings, name: str, data: Any, tau: float, start: fp.Density, level: str) -> None:
    """D lost between two times beside the integral of its rate, by Gauss's rule on the stored instants."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    times = tau * (0.02 + 0.96 * 0.5 * (1.0 + nodes))
    wide = fp.Gaussian(start.mean, 2.0)
    ways = {"vp-linear": (fp.VariancePreserving(0.3 / tau, 9.0 / tau, tau), start)}
    ways["ve"] = (fp.VarianceExploding(2.0, tau=tau), wide)
    ways["ve, geometric"] = (fp.VarianceExploding(2.0, "geometric", 0.2, tau), wide)
    for (kind, (schedule, law)), noise in itertools.product(ways.items(), NOISE[level]):
        stored = np.concatenate([[0.02 * tau], times, [0.98 * tau]])
        result = fp.reverse_sde(data, schedule, law, noise, times=stored, cells=400)
        chi2, rates = (result[key].sel(time=stored, method="nearest").values for key in ("chi2", "chi2_rate"))
        lost, due = float(chi2[-1] - chi2[0]), 0.48 * tau * float(weights @ rates[1:-1])
        gap = abs(lost - due) / due
        _add(found, name, f"D lost, {kind}, lambda = {noise:g}", f"{gap:.1e}", f"below {RATE:.0e}", gap < RATE)


def _late_beginnings(found: Findings, name: str, data: Any, schedule: Schedule, start: fp.Density, level: str) -> None:
    """From ever earlier beginnings of the way back, where the temperature diverges, less is left of the start."""
    ends = [
        float(fp.reverse_sde(data, schedule, start, 1.0, begin=b * schedule.tau, times=[0.5 * schedule.tau],
                             cells=200)["W1_final"])
        for b in BEGINNINGS[level]
    ]  # fmt: skip
    falling = all(after < 0.5 * before for before, after in itertools.pairwise(ends))
    words = ", ".join(f"{distance:.1e}" for distance in ends)
    _add(found, name, f"W1 for earlier beginnings, {_name(schedule)}", words, "falling to zero", falling)


def _samplers(found: Findings, name: str, data: Any, schedule: Schedule, start: fp.Density, level: str) -> None:
    process = Diffusion(data, schedule)
    for method, order in METHODS.items():
        rows = [fp.sample(process, start, method, steps) for steps in STEPS[level]]
        for key, due in (("W1_exact", order), ("KL_exact", 2 * order)):
            coarse, fine = (float(row[key]) for row in rows)
            seen = math.log2(coarse / fine)
            what = f"order of {method} in {key.removesuffix('_exact')}, {_name(schedule)}"
            _add(found, name, what, f"{seen:.2f}", str(due), abs(seen - due) < ORDER)


def draw(found: Findings, axes: Any) -> None:
    """|Delta W1| and both its bounds against the size of the basis."""
    for index, (name, rows) in enumerate(found.numbers.items()):
        sizes = [row["parameters"] for row in rows]
        looks = {"delta_W1": ("o-", "|ΔW₁|"), "sharp_bound": ("s--", "sharper bound"), "bound": ("^:", "(100)")}
        for key, (look, label) in looks.items():
            values = [abs(row[key]) for row in rows]
            axes.loglog(sizes, values, look, color=f"C{index}", label=f"{name}: {label}", ms=4)
    axes.set_xlabel("functions in the basis")
    axes.set_ylabel("L")
    axes.legend(fontsize=7, ncols=2)


def main(arguments: list[str] | None = None) -> int:
    return run(check, draw, "generation", arguments)


if __name__ == "__main__":
    raise SystemExit(main())
