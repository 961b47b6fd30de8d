"""The estimated process beside the forward one, at an instant: D, W₁ and its rate."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.grids import Grid
from fpsolve.planar.divergence import chi_squared
from fpsolve.planar.logarithms import LogDensity, log_density
from fpsolve.planar.window import TAIL, box_of, grid_over
from fpsolve.processes.plane.base import FlowingProcess, Nodes, PlaneProcess
from fpsolve.processes.plane.characteristics import path_error
from fpsolve.processes.plane.geodesic import PlaneGeodesic
from fpsolve.processes.plane.lattice import FAINT
from fpsolve.quadrature import Array
from fpsolve.transport.plane.beckmann import Beckmann, beckmann
from fpsolve.transport.plane.levels import gathered

#: relative width of the bracket of translates below which it tells more than transport would
_NARROW = 3e-4
#: relative gap between primal and dual at which the transport of the difference stops
GAP = 3e-4
#: part of the largest possible effect of the map's error on W₁ that is granted: several times what was seen
_MAP = 0.2
#: bar of what the nodes do not resolve, relative to D, up to which it is trusted
_SEEN = 1e-3
#: how many times the guess of what the nodes do not resolve is granted
_UNSEEN = 5.0
#: error of the carried mass that paths gone astray make, and weights, relative to the largest, below which to drop them
_ASTRAY, _STRAYED = 1e-3, (0.0, 1e-22, 1e-18, 1e-15, 1e-12)
#: nodes that are at most so many times heavier than the faintest kept
_OUTER = 1e4
#: cells along an axis from which a potential is worth beginning the next one with
_WARM = 48
#: how many times as many nodes along each axis are tried where the ratio is finer than they are, and the most of them
_FINER, _MOST_NODES = (2, 4), 300_000
#: nodes whose paths are followed again, how much more accurately, the least weight of one relative to the largest, and
#: how many times the worst error among them bounds the others'
_SAMPLE, _TIGHTER, _LIGHT, _PATH = 48, 1e3, 1e-6, 3.0


class Compared(NamedTuple):
    """Both processes at an instant.

    ``cheap`` where the bracket of translates told the distance, ``coarse`` where the nodes do not resolve the ratio.
    """

    distance: Estimate
    rate: Estimate
    divergence: Estimate
    cheap: bool = False
    coarse: bool = False


def _sound(nodes: Nodes, ratio: Array) -> Nodes:
    """The nodes without the faintest, where their paths strayed so far that they would carry mass that is not there."""
    for least in _STRAYED:
        heavy = nodes.importance >= least * np.max(nodes.importance)
        weight = np.where(heavy, nodes.weight, 0.0)
        with np.errstate(invalid="ignore"):
            if abs(float(np.sum(np.where(heavy, weight * ratio, 0.0))) - 1.0) < _ASTRAY:
                break
    return dataclasses.replace(nodes, weight=weight) if least > 0.0 else nodes


@dataclasses.dataclass(eq=False)
class Comparison:
    """The estimated process by characteristics: P~ = h P with h carried along the flow from t = tau.

    Parameters
    ----------
    process : PlaneProcess
        The forward process.
    start : PlaneDensity
        P~ at t = tau.
    grid : Grid
        Equal cells that hold both processes at all times.
    inside : callable, optional
        ``(x, y) -> boolean array``: points that integrals are restricted to.
    """

    process: PlaneProcess
    start: PlaneDensity
    grid: Grid
    inside: Callable[[Array, Array], NDArray[np.bool_]] | None = None

    def __post_init__(self) -> None:
        self._logs: tuple[LogDensity, LogDensity] = log_density(self.process.final), log_density(self.start)
        first, second = ((axis.cells + 1) // 2 for axis in self.grid.axes)
        self._coarse = grid_over(box_of(self.grid), (first, second))
        parts = [chi_squared(self.process.final, self.start, box).value for box in (None, box_of(self.grid))]
        self._finite = math.isfinite(parts[0])
        self._cut = 3.0 * max(parts[0] - parts[1], 0.0) if self._finite else 0.0
        self._guess: tuple[Beckmann | None, Beckmann | None] = None, None

    @functools.cached_property
    def _carried(self) -> tuple[Array, float]:
        """Masses of the start that the nodes of a geodesic carry, and what their cells blur of D."""
        assert isinstance(self.process, PlaneGeodesic)
        return self.process.carried_masses(self.start)

    def _map_error(self, chi2: float) -> float:
        """What an error of the map may change of W₁ at t = 0, L: E[|h - 1| |error|] at most, and mostly less."""
        if not isinstance(self.process, PlaneGeodesic):
            return 0.0
        return _MAP * math.sqrt(chi2) * self.process.plan.residual

    @property
    def _sampling(self) -> float:
        return self._carried[1] if isinstance(self.process, PlaneGeodesic) else 0.0

    def ratio(self, t: float, nodes: Nodes) -> tuple[Array, Array]:
        """P~ / P at the nodes, which is that of their labels, and what the error of the paths may change of it."""
        if isinstance(self.process, PlaneGeodesic):
            return self._carried[0] / nodes.weight, np.zeros(nodes.x.size)
        labels = self.process.labels(t, nodes)
        ratio = self._ratio_at(labels)
        if t == self.process.tau:
            return ratio, np.zeros_like(ratio)
        error = self._path_error(t, nodes, labels)
        step = 1e-6 * float(np.max(np.ptp(labels, axis=1)))
        near = [self._ratio_at(labels + step * direction[:, None]) for direction in np.eye(2)]
        with np.errstate(invalid="ignore", over="ignore"):
            slope = np.hypot(*(each - ratio for each in near)) / step
        return ratio, np.where(np.isfinite(slope), slope, 0.0) * error

    def _path_error(self, t: float, nodes: Nodes, labels: Array) -> Array:
        """Bars of the labels: what the paths of a few nodes are off by, relative to what was asked of them."""
        assert isinstance(self.process, FlowingProcess)
        allowed = path_error(nodes.importance, self.process.accuracy)
        heavy = np.argsort(nodes.importance)[::-1]
        heavy = heavy[nodes.importance[heavy] > _LIGHT * nodes.importance[heavy[0]]]
        some = heavy[:: max(heavy.size // _SAMPLE, 1)]  # the heaviest is the first of them
        rows = nodes.velocity[:, some], None, nodes.importance[some]
        few = Nodes(nodes.x[some], nodes.y[some], nodes.weight[some], *rows)
        gap = np.hypot(*(self.process.labels(t, few, _TIGHTER) - labels[:, some]))
        return np.asarray(_PATH * float(np.max(gap / allowed[some])) * allowed)

    def _ratio_at(self, labels: Array) -> Array:
        log_p, log_q = (log(labels[0], labels[1]) for log in self._logs)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.where(np.isneginf(log_q), 0.0, np.exp(log_q - log_p))

    def at(self, t: float, nodes: Nodes) -> Compared:
        """Everything at one instant, on more nodes where the ratio is finer than the density."""
        found = [self._at(nodes, t)]
        for finer in _FINER:
            # a divergence without end is never resolved
            if nodes.spacing is None or not found[-1].coarse or not self._finite:
                break
            if nodes.x.size * finer**2 > _MOST_NODES:
                break
            found.append(self._at(self.process.nodes(t, self.grid, finer), t))
        return min(found, key=lambda each: each.divergence.error)

    def _at(self, nodes: Nodes, t: float) -> Compared:
        ratio, slack = self.ratio(t, nodes)
        nodes = _sound(nodes, ratio)
        ratio = np.where(nodes.weight > 0.0, ratio, 1.0)
        excess, apart = ratio - 1.0, np.hypot(*self._from_mean(nodes, ratio))
        kept = np.ones(nodes.x.size, bool) if self.inside is None else self.inside(nodes.x, nodes.y)
        weight = np.where(kept, nodes.weight, 0.0)
        excess, slack = (np.where(weight > 0.0, part, 0.0) for part in (excess, slack))
        chi2, unresolved = float(np.sum(weight * excess**2)), nodes.unresolved(weight * excess**2)
        coarse = unresolved > _SEEN * chi2
        lost = abs(float(np.sum(nodes.weight)) - 1.0)
        # mass that the nodes lose, of either process, and what the paths change
        noise = ROUNDING + 3.0 * TAIL + 10.0 * lost + 10.0 * abs(nodes.mean(ratio) - 1.0)
        drift = 2.0 * float(np.sum(weight * np.abs(excess) * slack)) + self._sampling * (1.0 + chi2)
        missed = _UNSEEN * unresolved
        if coarse:  # where the nodes hardly see the ratio's filaments, what they show is no measure of what they miss
            missed = max(missed, 3.0 * float(np.sqrt(np.sum((weight * excess**2) ** 2))))
        drift += missed
        # beyond the faintest nodes there is no more than among them
        outer = weight < _OUTER * FAINT * np.max(weight)
        drift += float(np.sum((weight * excess**2)[outer])) + self._cut
        divergence = Estimate(chi2, noise * float(np.sum(weight * ratio**2)) + drift)
        distance, rate, cheap = self._transport(t, nodes, weight * excess, ratio)
        drawn = self._map_error(chi2)
        moved = float(np.sum(weight * slack * apart)) + drawn * (1.0 - t / self.process.tau)
        moved += nodes.unresolved(weight * ratio) * math.sqrt(nodes.mean(apart**2))
        turned = float(np.sum(weight * slack * np.hypot(*nodes.velocity))) + drawn / self.process.tau
        distance = dataclasses.replace(distance, error=distance.error + moved)
        rate = dataclasses.replace(rate, error=rate.error + turned)
        return Compared(distance, rate, divergence, cheap, coarse)

    @staticmethod
    def _from_mean(nodes: Nodes, ratio: Array) -> Array:
        """Positions relative to the mean of P~."""
        place = np.stack([nodes.x, nodes.y])
        return np.asarray(place - (place @ (nodes.weight * ratio))[:, None])

    def _transport(self, t: float, nodes: Nodes, surplus: Array, ratio: Array) -> tuple[Estimate, Estimate, bool]:
        """W₁ and its rate; ``surplus`` is P~ - P of each node."""
        place = np.stack([nodes.x, nodes.y])
        shift = place @ surplus
        size, width = float(np.hypot(*shift)), self._translate_width(t, nodes, shift, ratio)
        if width <= _NARROW * size:
            e = shift / size
            rate = float(np.sum(surplus * (e @ nodes.velocity)))
            speed = float(np.sqrt(nodes.mean(np.sum(nodes.velocity**2, axis=0))))
            distance = Estimate(size + 0.5 * width, 0.5 * width + ROUNDING * size)
            return distance, Estimate(rate, 10.0 * width / size * speed), True
        return *self._by_transport(nodes, surplus, size, width), False

    def _translate_width(self, t: float, nodes: Nodes, shift: Array, ratio: Array) -> float:
        """W₁ from P moved by ``shift`` to P~ is at most this: |shift| <= W₁(P, P~) <= |shift| + width."""
        if not np.any(shift) or self.inside is not None:
            return math.inf
        if isinstance(self.process, FlowingProcess):
            moved = self.process.flow(t, nodes.x - shift[0], nodes.y - shift[1]).log_density
            here = self.process.flow(t, nodes.x, nodes.y).log_density
        elif t == self.process.tau:
            moved, here = self._logs[0](nodes.x - shift[0], nodes.y - shift[1]), self._logs[0](nodes.x, nodes.y)
        else:
            return math.inf
        with np.errstate(invalid="ignore", over="ignore"):
            carried = np.where(np.isneginf(moved), 0.0, np.exp(moved - here))
        gap = nodes.weight * (carried - ratio)
        apart = np.hypot(*self._from_mean(nodes, ratio))
        reach = float(np.max(apart))
        missing = abs(1.0 - nodes.mean(ratio)) + abs(float(np.sum(gap)))
        return float(np.sum(np.abs(gap) * apart)) + missing * reach

    def _by_transport(self, nodes: Nodes, surplus: Array, size: float, width: float) -> tuple[Estimate, Estimate]:
        fine = -self.deposited(nodes, surplus)
        imbalance, amount = float(np.sum(fine)), float(np.sum(np.abs(fine)))
        if amount > 0.0:
            fine -= imbalance * np.abs(fine) / amount
        found = (
            beckmann(self.grid, fine, tolerance=GAP, guess=self._guess[0]),
            beckmann(self._coarse, gathered(fine, self.grid, self._coarse), tolerance=GAP, guess=self._guess[1]),
        )
        if min(self.grid.shape) >= _WARM:
            self._guess = found
        rates = []
        for each in found:
            slope = each.slope(nodes.x, nodes.y)
            rates.append(-float(np.sum(surplus * (slope[0] * nodes.velocity[0] + slope[1] * nodes.velocity[1]))))
        extent = float(np.hypot(*(axis.edges[-1] - axis.edges[0] for axis in self.grid.axes)))
        distance = found[0].distance
        bar = distance.error + abs(imbalance) * extent
        low, high = max(distance.value - bar, size), min(distance.value + bar, size + width)
        value = min(max(distance.value, low), high)
        bar = max(high - value, value - low)
        # a rate that vanishes by symmetry does so on both grids: the potential's own error stays
        moved = float(np.sum(np.abs(surplus) * np.hypot(*nodes.velocity)))
        rate_bar = 2.0 * abs(rates[0] - rates[1]) + 2.0 * bar / max(distance.value, 1e-300) * moved
        return Estimate(value, bar), Estimate(rates[0], rate_bar)

    def deposited(self, nodes: Nodes, surplus: Array) -> Array:
        """Amounts of the nodes shared among the four nearest cells, by their distances."""
        lower = np.array([axis.edges[0] for axis in self.grid.axes])
        widths = np.array([axis.widths[0] for axis in self.grid.axes])
        out = np.zeros(self.grid.shape)
        place = [
            np.clip((x - low) / width - 0.5, 0.0, n - 1.0)
            for x, low, width, n in zip((nodes.x, nodes.y), lower, widths, self.grid.shape, strict=True)
        ]
        i, j = (np.minimum(p.astype(int), n - 2) for p, n in zip(place, self.grid.shape, strict=True))
        a, b = place[0] - i, place[1] - j
        for di, wi in ((0, 1.0 - a), (1, a)):
            for dj, wj in ((0, 1.0 - b), (1, b)):
                np.add.at(out, (i + di, j + dj), surplus * wi * wj)
        return out
