"""One-dimensional diffusion experiments by plain formulas: bisection, composite Gauss rules, scipy's normal CDF.

Nothing of fpsolve is used here, so that its numbers can be compared with these. The data are Gaussian mixtures, which
every (m, sigma) schedule keeps; the map between two times is found by bisection on the smaller tail, point by point.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]
#: t -> m, dm/dt, sigma², sigma dsigma/dt
Levels = Callable[[float], tuple[float, float, float, float]]


class Law(Protocol):
    """A density as far as it is needed here."""

    jumps: tuple[float, ...]

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        """Density, CDF and survival function."""

    def reach(self) -> tuple[float, float]:
        """An interval that holds all of it."""


class Mixture:
    """A mixture of Gaussians."""

    jumps: tuple[float, ...] = ()

    def __init__(self, means: Any, stds: Any, weights: Any = None) -> None:
        self.mean, self.std = np.atleast_1d(np.asarray(means, float)), np.atleast_1d(np.asarray(stds, float))
        count = self.mean.size
        self.weight = np.full(count, 1.0 / count) if weights is None else np.asarray(weights, float)

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        z = (np.asarray(x, float)[..., None] - self.mean) / self.std
        pdf = np.exp(-0.5 * z * z) / (self.std * math.sqrt(2.0 * math.pi))
        total, below, above = (np.asarray(np.sum(self.weight * p, axis=-1), float) for p in (pdf, ndtr(z), ndtr(-z)))
        return total, below, above

    def reach(self, widths: float = 12.0) -> tuple[float, float]:
        return float(np.min(self.mean - widths * self.std)), float(np.max(self.mean + widths * self.std))

    def diffused(self, m: float, variance: float) -> Mixture:
        """The law of m y + sigma e."""
        return Mixture(m * self.mean, np.sqrt((m * self.std) ** 2 + variance), self.weight)

    def velocity(self, x: Array, levels: tuple[float, float, float, float]) -> Array:
        """E[m' y + sigma' e | x] for the diffused mixture: posterior mean over the components."""
        m, m_rate, variance, half_rate = levels
        d = x[..., None] - m * self.mean
        spread = (m * self.std) ** 2 + variance
        logs = np.log(self.weight / np.sqrt(spread)) - 0.5 * d * d / spread
        share = np.exp(logs - logs.max(axis=-1, keepdims=True))
        flow = m_rate * self.mean + (m * m_rate * self.std**2 + half_rate) / spread * d
        return np.asarray(np.sum(share * flow, axis=-1) / np.sum(share, axis=-1), float)


class Box:
    """The uniform density."""

    def __init__(self, lower: float, upper: float) -> None:
        self.jumps: tuple[float, ...] = (lower, upper)

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        low, high = self.jumps
        width = high - low
        inside = (x >= low) & (x <= high)
        cdf, sf = np.clip((x - low) / width, 0.0, 1.0), np.clip((high - x) / width, 0.0, 1.0)
        return np.where(inside, 1.0 / width, 0.0), cdf, sf

    def reach(self) -> tuple[float, float]:
        return self.jumps[0], self.jumps[1]


def point_of(law: Law, cdf: Array, sf: Array, low: float, high: float) -> Array:
    """Where a law has the given tails, by bisection on the smaller one."""
    by_cdf = cdf < sf
    a, b = np.full(np.shape(cdf), low), np.full(np.shape(cdf), high)
    for _ in range(70):
        middle = 0.5 * (a + b)
        _, below, above = law.tails(middle)
        too_far = np.where(by_cdf, below > cdf, above < sf)
        a, b = np.where(too_far, a, middle), np.where(too_far, middle, b)
    return np.asarray(0.5 * (a + b), float)


def composite(cuts: Array, panels: int, nodes: int) -> tuple[Array, Array]:
    """Nodes and weights of Gauss's rule on equal panels between the cuts, as many as their distance asks for."""
    unit, weight = np.polynomial.legendre.leggauss(nodes)
    total = cuts[-1] - cuts[0]
    counts = [max(1, math.ceil(panels * (b - a) / total)) for a, b in itertools.pairwise(cuts)]
    pieces = [np.linspace(*pair, n + 1) for pair, n in zip(itertools.pairwise(cuts), counts, strict=True)]
    edges = np.unique(np.concatenate(pieces))
    half = 0.5 * np.diff(edges)[:, None]
    return (0.5 * (edges[1:] + edges[:-1])[:, None] + half * unit).ravel(), (half * weight).ravel()


def lead(law: Law, final: Law, z: Array) -> Array:
    """Difference of the two CDFs, from the smaller tail."""
    _, below, above = final.tails(z)
    _, start_below, start_above = law.tails(z)
    return np.where(below < above, start_below - below, above - start_above)


def turning_points(law: Law, final: Law, low: float, high: float, samples: int = 20_001) -> Array:
    """Where the two CDFs cross."""
    z = np.linspace(low, high, samples)
    value = lead(law, final, z)
    z, sign = z[np.abs(value) > 1e-15], np.sign(value[np.abs(value) > 1e-15])
    turn = np.flatnonzero(sign[1:] != sign[:-1])
    a, b, left = z[turn], z[turn + 1], sign[turn]
    for _ in range(60):
        middle = 0.5 * (a + b)
        same = np.sign(lead(law, final, middle)) == left
        a, b = np.where(same, middle, a), np.where(same, b, middle)
    return 0.5 * (a + b)


def chi_squared(final: Law, start: Law, reach: tuple[float, float], panels: int = 400) -> float:
    """D (78) on an interval that must hold all of start²/final too."""
    cuts = np.unique(np.concatenate([reach, [j for j in (*start.jumps, *final.jumps) if reach[0] < j < reach[1]]]))
    x, w = composite(cuts, panels, 20)
    p, q = final.tails(x)[0], start.tails(x)[0]
    return float(np.sum(w * (q - p) ** 2 / p))


def distance(first: Law, second: Law) -> float:
    """W_1 = ∫ |F - G| dx, cut where the two CDFs cross."""
    ends = [*first.reach(), *second.reach()]
    low, high = min(ends), max(ends)
    inner = [j for j in (*first.jumps, *second.jumps) if low < j < high]
    cuts = np.unique(np.concatenate([[low, high], inner, turning_points(second, first, low, high)]))
    x, w = composite(cuts, 120, 20)
    return float(np.sum(w * np.abs(lead(second, first, x))))


def transport_cost(first: Law, second: Law, order: float = 2.0, panels: int = 120) -> float:
    """∫ |x - M(x)|^p dF(x), M by bisection: W_p to the power p."""
    low, high = first.reach()
    x, w = composite(np.unique([low, high, *first.jumps]), panels, 16)
    pdf, cdf, sf = first.tails(x)
    return float(np.sum(w * pdf * np.abs(x - point_of(second, cdf, sf, *second.reach())) ** order))


@dataclasses.dataclass(frozen=True)
class Experiment:
    """Everything of the speed-accuracy relation that a mixture, a schedule and a start determine."""

    D0: float
    W1_initial: float
    W1_final: float
    eta: float
    c1: float
    c2: float
    path_length: float
    W2: float


def experiment(
    data: Mixture, levels: Levels, tau: float, start: Law, *, panels: int = 60, intervals: int = 8
) -> Experiment:
    """Compute an experiment; double ``panels`` and ``intervals`` to see how far the numbers can be trusted."""
    m, _, variance, _ = levels(tau)
    final = data.diffused(m, variance)
    ends = [*final.reach(), *start.reach()]
    low, high = min(ends), max(ends)
    # start²/final reaches beyond both, as far as the final density can be told from zero
    widest = final.reach(36.0)
    divergence = chi_squared(final, start, widest if not start.jumps else start.reach())
    if start.jumps:  # beyond the start's support the integrand is the final density
        _, cdf, sf = final.tails(np.array(start.reach()))
        divergence += float(cdf[0] + sf[1])
    # labels that both laws can tell from their tails
    low, high = max(low, final.reach(36.0)[0]), min(high, final.reach(36.0)[1])
    jumps = [jump for jump in start.jumps if low < jump < high]
    labels = np.unique(np.concatenate([[low, high], jumps, turning_points(start, final, low, high)]))
    _, label_cdf, label_sf = final.tails(labels)

    def slice_at(t: float) -> tuple[float, float, float]:
        """v₂², ∂ₜW₁ and W₁."""
        here = levels(t)
        law = data.diffused(here[0], here[2])
        cuts = point_of(law, label_cdf, label_sf, *law.reach(38.0))
        x, w = composite(np.unique(cuts), panels, 16)
        pdf, cdf, sf = law.tails(x)
        z = point_of(final, cdf, sf, *final.reach(38.0))
        velocity = data.velocity(x, here)
        gap = lead(start, final, z)
        ratio = start.tails(z)[0] / final.tails(z)[0]
        action = float(np.sum(w * pdf * velocity**2))
        rate = float(np.sum(w * np.sign(gap) * velocity * pdf * (1.0 - ratio)))
        return action, rate, float(np.sum(w * np.abs(gap)))

    # panels in time are finer near 0, where narrow data change fastest
    s, weight = composite(np.array([0.0, 1.0]), intervals, 10)
    rows = np.array([slice_at(tau * si**2) for si in s])
    weight = weight * 2.0 * tau * s
    initial, final_distance = slice_at(tau)[2], slice_at(0.0)[2]
    first = data.diffused(levels(0.0)[0], levels(0.0)[2])
    return Experiment(
        D0=divergence,
        W1_initial=initial,
        W1_final=final_distance,
        eta=(final_distance - initial) ** 2 / (tau * divergence),
        c1=float(np.sum(weight * rows[:, 1] ** 2)) / divergence,
        c2=float(np.sum(weight * rows[:, 0])),
        path_length=float(np.sum(weight * np.sqrt(rows[:, 0]))),
        W2=math.sqrt(transport_cost(first, final, panels=2 * panels)),
    )


def cosine(tau: float) -> Levels:
    a = 0.5 * math.pi / tau

    def levels(t: float) -> tuple[float, float, float, float]:
        c, s = math.sin(a * (tau - t)), math.sin(a * t)
        return c, -a * s, s * s, a * s * c

    return levels


def straight(tau: float) -> Levels:
    """The conditional optimal transport schedule."""
    return lambda t: (1.0 - t / tau, -1.0 / tau, (t / tau) ** 2, t / tau**2)


def exploding(sigma: float, tau: float) -> Levels:
    return lambda t: (1.0, 0.0, (sigma * t / tau) ** 2, sigma**2 * t / tau**2)


def geometric(least: float, most: float, tau: float) -> Levels:
    growth = math.log(most / least) / tau

    def levels(t: float) -> tuple[float, float, float, float]:
        variance = (least * math.exp(growth * t)) ** 2
        return 1.0, 0.0, variance, growth * variance

    return levels


def preserving(least: float, most: float, tau: float) -> Levels:
    def levels(t: float) -> tuple[float, float, float, float]:
        exponent = least * t + 0.5 * (most - least) / tau * t * t
        m, half = math.exp(-0.5 * exponent), 0.5 * (least + (most - least) * t / tau)
        return m, -half * m, -math.expm1(-exponent), half * m * m

    return levels
