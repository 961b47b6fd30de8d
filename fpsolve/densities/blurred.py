"""The law of ``scale y + width e``: a density scaled and blurred by Gaussian noise."""

from __future__ import annotations

import dataclasses

import numpy as np

from fpsolve.densities.base import Density
from fpsolve.densities.gaussian import Components, EvolvedMixture, MixtureDensity
from fpsolve.densities.panels import GAUSS_NODES, GAUSS_WEIGHTS, Panels, fit_panels
from fpsolve.densities.rootfinding import invert_tails
from fpsolve.kernels.convolution import blurred
from fpsolve.mesh import marched
from fpsolve.quadrature import Array

#: Gaussian widths beyond the data that labels of the flow can lie (tails down to 1e-300)
FAR = 38.0


@dataclasses.dataclass(frozen=True, eq=False)
class Blurred(Density):
    """Law of ``scale y + width e`` with y from a piecewise polynomial and e standard normal; ``scale, width > 0``."""

    data: Density
    scale: float
    width: float

    def state(self, x: Array) -> tuple[Array, ...]:
        """Density, both tails, E[y|x] and score at points of any shape."""
        held = self.data.panels()
        flat = np.ascontiguousarray(x, float).ravel()
        out = np.empty((5, flat.size))
        held_arrays = (held.edges, held.coefficients, held.left, held.right)
        blurred(flat, *held_arrays, self.scale, self.width, GAUSS_NODES, GAUSS_WEIGHTS, *out)
        return tuple(row.reshape(np.shape(x)) for row in out)

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        pdf, cdf, sf, _, _ = self.state(x)
        return pdf, cdf, sf

    def quantile(self, cdf: Array, sf: Array | None = None) -> Array:
        cdf = np.asarray(cdf, float)
        sf = 1.0 - cdf if sf is None else np.asarray(sf, float)
        edges = self.data.panels().edges
        low, high = self.scale * edges[0] - FAR * self.width, self.scale * edges[-1] + FAR * self.width
        return invert_tails(self.tails, cdf, sf, np.full(cdf.shape, low), np.full(cdf.shape, high))

    def features(self) -> tuple[Array, Array]:
        centres, scales = self.data.features()
        breaks = self.data.breaks()
        centres = self.scale * np.concatenate([centres, breaks])
        scales = np.concatenate([self.scale * scales, np.zeros(breaks.size)])
        return centres, np.hypot(scales, self.width)

    def panels(self) -> Panels:
        return fit_panels(self.pdf, marched(np.array(self.interval()), *self.features()))

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
