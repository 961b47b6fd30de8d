"""The law of ``scale y + width e``: a density scaled and blurred by Gaussian noise."""

from __future__ import annotations

import dataclasses
import functools
from typing import ClassVar

import numpy as np

from fpsolve.densities.base import Density
from fpsolve.densities.gaussian import Components, EvolvedMixture, MixtureDensity
from fpsolve.densities.panels import DEGREE, GAUSS_NODES, GAUSS_WEIGHTS, PANEL_PRECISION, Panels, fit_panels
from fpsolve.densities.rootfinding import invert_tails
from fpsolve.kernels.convolution import blurred, blurred_log_density
from fpsolve.mesh import coarsely_marched
from fpsolve.quadrature import Array

#: mass seen by a point, in units of the data's, below which it looks farther out
BULK = 1e-6

#: kinks of the data up to which panels resolve every one of them
MOST_KINKS = 64

Blocks = tuple[Array, Array, Array, Array, Array]

#: a block of the data at most this many kernel widths wide is integrated by one Gauss rule
WIDEST_BLOCK = 1.0


def blocks(held: Panels, widest: float) -> Blocks:
    """Panels merged into blocks up to ``widest`` wide; panels that are wider stay as they are.

    A merged block holds the masses that integrate the density against every polynomial of degree 15 exactly, so a
    kernel that is smooth on the block sees no difference.

    Returns
    -------
    edges, coefficients, masses, left, right
        ``masses`` is NaN where a block is a panel of its own.
    """
    keep = [0]
    for i in range(1, held.edges.size):
        if i == held.edges.size - 1 or held.edges[i + 1] - held.edges[keep[-1]] > widest:
            keep.append(i)
    first = np.array(keep)
    edges = held.edges[first]
    wide = np.diff(edges) > widest
    values = np.polynomial.legendre.legval(GAUSS_NODES, held.coefficients.T)
    half = 0.5 * np.diff(held.edges)[:, None]
    nodes = 0.5 * (held.edges[1:] + held.edges[:-1])[:, None] + half * GAUSS_NODES
    owner = np.repeat(np.arange(edges.size - 1), np.diff(first))
    unit = (2.0 * nodes - (edges[1:] + edges[:-1])[owner, None]) / np.diff(edges)[owner, None]
    legendre = np.polynomial.legendre.legvander(unit, DEGREE)
    moments = np.einsum("in,ink->ik", values * half * GAUSS_WEIGHTS, legendre)
    moments = np.add.reduceat(moments, first[:-1], axis=0)
    masses = (moments * (np.arange(DEGREE + 1) + 0.5)) @ np.polynomial.legendre.legvander(GAUSS_NODES, DEGREE).T
    masses = masses * GAUSS_WEIGHTS
    masses[wide] = np.nan
    return edges, held.coefficients[first[:-1]], masses, held.left[first], held.right[first]


@dataclasses.dataclass(frozen=True, eq=False)
class Blurred(Density):
    """Law of ``scale y + width e`` with y from a piecewise polynomial and e standard normal; ``scale, width > 0``."""

    precision: ClassVar[float] = PANEL_PRECISION
    data: Density
    scale: float
    width: float

    @functools.cached_property
    def _blocks(self) -> Blocks:
        """Edges, coefficients, node masses and outer masses of the blocks that the kernel reads."""
        return blocks(self.data.panels(), WIDEST_BLOCK * self.width / self.scale)

    @functools.cached_property
    def _panels(self) -> Blocks:
        """The data's own panels, unmerged: for points so far out that the kernel is steep."""
        return blocks(self.data.panels(), 0.0)

    def state(self, x: Array) -> tuple[Array, ...]:
        """Density, both tails, E[y|x] and score at points of any shape."""
        flat = np.ascontiguousarray(x, float).ravel()
        out = np.empty((5, flat.size))
        rule = (self.scale, self.width, GAUSS_NODES, GAUSS_WEIGHTS)
        blurred(flat, *self._blocks, *rule, True, *out)
        far = np.flatnonzero(out[0] * self.width < BULK)
        if far.size:
            again = np.empty((5, far.size))
            blurred(flat[far], *self._panels, *rule, False, *again)
            out[:, far] = again
        out[:3] = np.maximum(out[:3], 0.0)  # where the data vanish their polynomials may dip below zero by rounding
        return tuple(row.reshape(np.shape(x)) for row in out)

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        pdf, cdf, sf, _, _ = self.state(x)
        return pdf, cdf, sf

    def logpdf(self, x: Array) -> Array:
        flat, out = np.ascontiguousarray(x, float).ravel(), np.empty(np.size(x))
        rule = (self.scale, self.width, GAUSS_NODES, GAUSS_WEIGHTS)
        blurred_log_density(flat, *self._panels[:3], *rule, out)
        return out.reshape(np.shape(x))

    @functools.cached_property
    def _ladder(self) -> tuple[Array, Array, Array]:
        """Points with their tails, from far left to far right: brackets for the quantile."""
        edges = self.data.panels().edges
        reach = self.width * np.array([38.0, 26.0, 18.0, 12.0, 8.0, 5.0, 3.0, 2.0, 1.0, 0.0])
        inner = self.scale * edges[:: max(edges.size // 48, 1)]
        points = [self.scale * edges[0] - reach, inner, self.scale * edges[-1] + reach]
        for end in self.data.breaks() * self.scale:
            points.append(end + np.concatenate([-reach[4:], reach[4:]]))
        ladder = np.unique(np.concatenate(points))
        _, cdf, sf = self.tails(ladder)
        return ladder, np.maximum.accumulate(cdf), np.minimum.accumulate(sf)

    def quantile(self, cdf: Array, sf: Array | None = None) -> Array:
        cdf = np.asarray(cdf, float)
        sf = 1.0 - cdf if sf is None else np.asarray(sf, float)
        ladder, below, above = self._ladder
        from_left = np.searchsorted(below, cdf, side="right") - 1
        from_right = ladder.size - 1 - np.searchsorted(above[::-1], sf, side="right")
        index = np.clip(np.where(cdf < sf, from_left, from_right), 0, ladder.size - 2)
        return invert_tails(self.tails, cdf, sf, ladder[index], ladder[index + 1])

    def features(self) -> tuple[Array, Array]:
        centres, scales = self.data.features()
        breaks = self.data.breaks()
        if self.data.kinks().size <= MOST_KINKS:
            breaks = np.union1d(breaks, self.data.kinks())
        centres = self.scale * np.concatenate([centres, breaks])
        scales = np.concatenate([self.scale * scales, np.zeros(breaks.size)])
        return centres, np.hypot(scales, self.width)

    def panels(self) -> Panels:
        return fit_panels(self.pdf, coarsely_marched(np.array(self.interval()), *self.features()))

    def unresolved(self) -> float:
        """Blurred kinks, where there are too many to resolve: each is off by its jump in slope times width squared."""
        points = self.data.kinks()
        if points.size <= MOST_KINKS:
            return 0.0
        step = 1e-9 * np.diff(points).min()
        slope = self.data.panels().derivative
        jumps = np.abs(slope(points[1:-1] + step) - slope(points[1:-1] - step))
        width = np.minimum(self.width / self.scale, 0.5 * (points[2:] - points[:-2]))
        return float(0.4 * np.sum(jumps * width**2))

    def kinks(self) -> Array:
        """Those of the data while the noise does not smooth them."""
        points = self.scale * self.data.kinks()
        return points if points.size > 1 and self.width < 2.0 * float(np.median(np.diff(points))) else np.empty(0)

    def moment(self, power: int) -> float:
        first, second = (self.data.moment(n) for n in (1, 2))
        if power == 1:
            return self.scale * first
        return self.scale**2 * second + self.width**2 if power == 2 else super().moment(power)


@dataclasses.dataclass(frozen=True, eq=False)
class Scaled(Density):
    """Law of ``scale y``, scale > 0."""

    data: Density
    scale: float

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        pdf, cdf, sf = self.data.tails(np.asarray(x, float) / self.scale)
        return pdf / self.scale, cdf, sf

    def quantile(self, cdf: Array, sf: Array | None = None) -> Array:
        return self.scale * self.data.quantile(cdf, sf)

    def features(self) -> tuple[Array, Array]:
        centres, scales = self.data.features()
        return self.scale * centres, self.scale * scales

    def breaks(self) -> Array:
        return self.scale * self.data.breaks()

    @property
    def support(self) -> tuple[float, float]:
        low, high = self.data.support
        return self.scale * low, self.scale * high

    def panels(self) -> Panels:
        held = self.data.panels()
        return Panels(held.edges * self.scale, held.coefficients / self.scale)

    def moment(self, power: int) -> float:
        return self.scale**power * self.data.moment(power)


def blur(data: Density, scale: float, variance: float) -> Density:
    """Law of ``scale y + sqrt(variance) e``: the transition kernel of every noise schedule (17).

    Parameters
    ----------
    data : Density
        Law of y.
    scale : float
        Signal level m >= 0.
    variance : float
        Noise variance sigma² >= 0; not both zero.
    """
    if isinstance(data, MixtureDensity):
        parts = data.components
        std = np.sqrt((scale * parts.std) ** 2 + variance)
        return EvolvedMixture(Components(parts.weight, scale * parts.mean, std))
    if scale == 0.0:
        return EvolvedMixture(Components(np.ones(1), np.zeros(1), np.array([np.sqrt(variance)])))
    if variance == 0.0:
        return data if scale == 1.0 else Scaled(data, scale)
    return Blurred(data, scale, float(np.sqrt(variance)))
