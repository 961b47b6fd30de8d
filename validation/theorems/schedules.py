"""What schedules cost, and which is best for given data, beside plain formulas.

On random mixtures, with the usual schedules: c2 and path length against composite Gauss rules that know nothing of
fpsolve; the exported best and retimed schedules cost what they promise by the same rules; no bump on the best one makes
it cheaper; W2^2/tau <= best <= retimed <= given <= conditional energy; eta of the three is one number; and in the plane
and in n dimensions the costs of independent components add up. A last table follows the share c2 / E_c of the
conditional energy (92) from one data point to many, on a line, in the plane and in n dimensions.

    python -m validation.theorems.schedules [--level quick|full] [--out DIR]
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np

import fpsolve as fp
from fpsolve.cases import Case
from fpsolve.design import IndependentComponents
from fpsolve.schedules import Schedule
from validation.command import Findings, experiment, run
from validation.theorems import independent
from validation.theorems.independent import Array, Levels, Mixture, composite

COUNTS = {"quick": 1, "full": 6}
POINTS = {"quick": (1, 2, 8), "full": (1, 2, 3, 4, 6, 8, 12, 16, 24)}
DIMENSIONS = (1, 2, 8, 64, 512)
#: relative agreement with the plain formulas, of exported arrays with their promise, and of eta
CLOSE, EXPORTED, SAME = 1e-8, 1e-4, 1e-7
#: width of a data point, and height of the bumps on the best schedule
_NARROW, _BUMP = 0.03, 0.03
SEED = 20261126


def check(level: str = "quick") -> Findings:
    """Costs of schedules by plain formulas, the best one put to the test, and the conditional energy."""
    found = Findings(("data", "schedule", "c2", "c2_retimed", "c2_best", "c2_geodesic", "worst error", "eta"))
    rng = np.random.default_rng(SEED)
    for index in range(COUNTS[level]):
        data, tau = mixture(rng), float(rng.uniform(0.4, 2.5))
        ways: dict[str, tuple[Schedule, Levels]] = {
            "cosine": (fp.Cosine(tau), independent.cosine(tau)),
            "cond-ot": (fp.ConditionalOptimalTransport(tau), independent.straight(tau)),
        }
        if level == "full":
            ways["vp-linear"] = (fp.VariancePreserving(0.3, 12.0, tau), independent.preserving(0.3, 12.0, tau))
            ways["ve"] = (fp.VarianceExploding(2.0, tau=tau), independent.exploding(2.0, tau))
        for kind, (schedule, levels) in ways.items():
            _one(found, f"mixture {index + 1}", kind, data, schedule, levels)
    _sums(found, rng)
    _shares(found, level)
    return found


def mixture(rng: np.random.Generator) -> fp.GaussianMixture:
    """A random mixture of two to four components."""
    count = int(rng.integers(2, 5))
    weights = rng.dirichlet(np.full(count, 3.0))
    return fp.GaussianMixture(tuple(rng.normal(0.0, 0.9, count)), tuple(rng.uniform(0.1, 0.6, count)), tuple(weights))


def _one(found: Findings, name: str, kind: str, data: fp.GaussianMixture, schedule: Schedule, levels: Levels) -> None:
    costs, tau = fp.schedule_costs(data, schedule), schedule.tau
    energy, length = plain(data, levels, tau)
    complaints, errors = [], []
    for quantity, exact in (("c2", energy), ("path_length", length)):
        estimate = getattr(costs, quantity)
        errors.append(abs(estimate.value - exact) / exact)
        if errors[-1] > CLOSE:
            complaints.append(f"{quantity} is off by {errors[-1]:.1e} of itself")
    for label, arrays, promised in (("best", costs.best, costs.c2_best), ("retimed", costs.retimed, costs.c2_retimed)):
        paid = plain(data, levels_of(arrays), tau)[0]
        if abs(paid - promised.value) > EXPORTED * promised.value:
            complaints.append(f"the exported {label} schedule costs {paid:.6g}, not {promised.value:.6g}")
    complaints += _bumps(data, costs)
    energy_bound = fp.conditional_energy(data, schedule)
    chain = [costs.c2_geodesic, costs.c2_best, costs.c2_retimed, costs.c2]
    chain += [energy_bound] if energy_bound.finite else []
    if any(low.value - low.error > high.value + high.error for low, high in itertools.pairwise(chain)):
        complaints.append("the costs are not in order")
    start = fp.Gaussian(0.4, 0.8 * float(levels(tau)[2]) ** 0.5)
    etas = [
        experiment(Case(data, way, start, cells=60, steps=8))["eta"] for way in (schedule, costs.best, costs.retimed)
    ]
    spread = max(abs(eta.value - etas[0].value) for eta in etas) / etas[0].value
    if not spread <= SAME:
        complaints.append(f"eta of the designed schedules is off by {spread:.1e} of itself")
    shown = (str(getattr(costs, key)) for key in ("c2", "c2_retimed", "c2_best", "c2_geodesic"))
    text = "; ".join(f"{name}, {kind}: {each}" for each in complaints)
    found.add(name, kind, *shown, f"{max(errors):.1e}", f"{etas[0].value:.8g}, differs by {spread:.0e}", complaint=text)


def levels_of(schedule: Schedule) -> Levels:
    """A schedule as the plain formulas take it; rates at the very end are those just inside."""

    def levels(t: float) -> tuple[float, float, float, float]:
        return schedule.curve(np.array([min(t, schedule.tau * (1.0 - 1e-12))]))[0]

    return levels


def plain(data: fp.GaussianMixture, levels: Levels, tau: float, panels: int = 60) -> tuple[float, float]:
    """The integrals of v2^2 and of v2 over time, by Gauss rules that crowd both ends."""
    law = Mixture(data.means, data.stds, data.weights)
    u, weights = composite(np.array([0.0, 1.0]), panels, 12)
    t, pace = tau * u**3 * (10.0 - 15.0 * u + 6.0 * u**2), tau * 30.0 * (u * (1.0 - u)) ** 2
    squared = np.array([_squared_speed(law, levels(float(each))) for each in t])
    return float(np.sum(weights * pace * squared)), float(np.sum(weights * pace * np.sqrt(squared)))


def _squared_speed(law: Mixture, at: tuple[float, float, float, float]) -> float:
    now = law.diffused(at[0], at[2])
    low, high = now.reach(9.0)
    # a panel for every third standard deviation of the narrowest component
    count = min(max(24, math.ceil((high - low) / (3.0 * float(np.min(now.std))))), 400)
    x, weights = composite(np.array([low, high]), count, 10)
    return float(np.sum(weights * now.tails(x)[0] * law.velocity(x, at) ** 2))


@dataclasses.dataclass(frozen=True)
class _Bumped:
    """A schedule with a bump on its signal level, half way in the angle of its ratio."""

    schedule: Schedule
    height: float

    def __call__(self, t: float) -> tuple[float, float, float, float]:
        m, m_rate, variance, half_rate = levels_of(self.schedule)(t)
        # relative bumps of the levels, smooth in time, which vanish at both ends with their rates
        u = t / self.schedule.tau
        shape, slope = (u * (1.0 - u)) ** 2 * 16.0, 32.0 * u * (1.0 - u) * (1.0 - 2.0 * u) / self.schedule.tau
        factor, rate = 1.0 + self.height * shape, self.height * slope
        return m * factor, m_rate * factor + m * rate, variance, half_rate


def _bumps(data: fp.GaussianMixture, costs: fp.ScheduleCosts) -> list[str]:
    """Either bump on the best schedule must cost more, and both alike to first order: it is a stationary point."""
    least = plain(data, levels_of(costs.best), costs.best.tau)[0]
    up, down = (plain(data, _Bumped(costs.best, sign * _BUMP), costs.best.tau)[0] - least for sign in (1.0, -1.0))
    if min(up, down) <= 0.0 or abs(up - down) > 0.2 * (up + down):
        return [f"bumps of the best schedule change its cost by {up:.2e} and {down:.2e}"]
    return []


def _sums(found: Findings, rng: np.random.Generator) -> None:
    """Independent components: in the plane as a mixture of products, in n dimensions by name."""
    parts = [fp.GaussianMixture(tuple(rng.normal(size=2)), tuple(rng.uniform(0.15, 0.5, 2))) for _ in range(2)]
    product = fp.PlaneMixture(
        tuple((a, b) for a in parts[0].means for b in parts[1].means),
        covariances=tuple(((a**2, 0.0), (0.0, b**2)) for a in parts[0].stds for b in parts[1].stds),
    )
    total = sum(fp.schedule_costs(each, fp.Cosine()).c2.value for each in parts)
    rows = {"plane": product, "components": IndependentComponents(parts)}
    best = [fp.schedule_costs(data, fp.Cosine()) for data in rows.values()]
    for name, costs in zip(rows, best, strict=True):
        error = abs(costs.c2.value - total)
        late = abs(costs.c2_best.value - best[-1].c2_best.value) - costs.c2_best.error - best[-1].c2_best.error
        wrong = error > costs.c2.error + 1e-9 or late > 0.0
        shown = (str(getattr(costs, key)) for key in ("c2", "c2_retimed", "c2_best", "c2_geodesic"))
        text = f"{name}: the costs of two components do not add up" if wrong else ""
        found.add(f"product, {name}", "cosine", *shown, f"{error / total:.1e}", "", complaint=text)


def points(count: int, dimension: int) -> fp.GaussianMixture | fp.PlaneMixture:
    """Narrow data points, always the same ones, with E|y|² about n."""
    rng = np.random.default_rng(SEED + dimension)
    places = rng.normal(size=(max(POINTS["full"]), dimension))[:count]
    places *= math.sqrt(dimension / np.mean(np.sum(places**2, axis=1)))
    if dimension == 1:
        return fp.GaussianMixture(tuple(places[:, 0]), (_NARROW,) * count)
    return fp.PlaneMixture(tuple(map(tuple, places)), stds=(_NARROW,) * count)


def _shares(found: Findings, level: str) -> None:
    """c2 over the conditional energy: near one for one point, less for many; two points in n dimensions."""
    for dimension in (1, 2):
        shares = {count: share(points(count, dimension)) for count in POINTS[level]}
        found.numbers[f"{dimension} dimensions"] = shares
        values = list(shares.values())
        wrong = not (0.95 < values[0] < 1.0 and max(values) == values[0])
        text = f"shares of the conditional energy in {dimension} dimensions are {values}" if wrong else ""
        found.add(f"points, n = {dimension}", "cosine", *[""] * 4, "", _list(shares), complaint=text)
    two = fp.GaussianMixture((-1.0, 1.0), (_NARROW, _NARROW))
    shares = {n: share(IndependentComponents([two], [0.0] * (n - 1), [0.0] * (n - 1))) for n in DIMENSIONS}
    # all that x does not tell lies in one direction, whatever n: what is lacking is one number over the whole energy
    lacking = [(1.0 - part) * (two.variance + n) for n, part in shares.items()]
    found.numbers["two points"] = shares
    wrong = not max(lacking) - min(lacking) <= CLOSE * max(lacking)
    text = f"two points in n dimensions lack {lacking} of the conditional energy" if wrong else ""
    found.add("two points in n", "cosine", *[""] * 4, "", _list(shares), complaint=text)


def share(data: Any) -> float:
    """c2 of the cosine schedule over its conditional energy (92)."""
    schedule = fp.Cosine()
    if isinstance(data, IndependentComponents):
        energy = (data.second_moment + data.dimension) * math.pi**2 / 8.0
    else:
        energy = fp.conditional_energy(data, schedule).value
    return fp.schedule_costs(data, schedule).c2.value / energy


def _list(shares: dict[int, float]) -> str:
    return ", ".join(f"{count}: {part:.3f}" for count, part in shares.items())


def draw(found: Findings, axes: Any) -> None:
    """The share of the conditional energy against the number of points, and of dimensions."""
    for name, shares in found.numbers.items():
        label = f"N points, n = {name[0]}" if name != "two points" else "2 points in n dimensions, against n"
        x: Array = np.array(list(shares), float)
        axes.semilogx(x, list(shares.values()), "o-", label=label)
    axes.axhline(1.0, color="grey", ls=":")
    axes.set_xlabel("number of points N, or of dimensions n")
    axes.set_ylabel("$c_2$ / conditional kinetic energy (92), cosine schedule")
    axes.legend()


def main(arguments: list[str] | None = None) -> int:
    return run(check, draw, "schedules", arguments)


if __name__ == "__main__":
    raise SystemExit(main())
