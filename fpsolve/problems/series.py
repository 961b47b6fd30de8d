"""Series of plane waves in a box or on a ring: averages over cells, and diffusion of each wave."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from fpsolve.grids import Array

Complex = NDArray[np.complex128]


@dataclasses.dataclass(frozen=True, eq=False)
class Waves:
    """p(x) = Re sum_k c_k exp(i q_k (x - origin)).

    Parameters
    ----------
    wave : (k,) array
        q, not negative, 1/L.
    coefficient : (k,) complex array
        c, 1/L.
    origin : float
        Where the phases are counted from, L.
    """

    wave: Array
    coefficient: Complex
    origin: float = 0.0

    def values(self, x: Array) -> Array:
        """At points."""
        phases = np.exp(1j * np.multiply.outer(np.asarray(x, float) - self.origin, self.wave))
        return np.asarray((phases @ self.coefficient).real)

    def averages(self, edges: Array) -> Array:
        """Over the cells between edges, without cancellation in small ones."""
        half = 0.5 * np.multiply.outer(np.diff(edges), self.wave)
        centres = 0.5 * (edges[1:] + edges[:-1]) - self.origin
        phases = np.exp(1j * np.multiply.outer(centres, self.wave)) * np.sinc(half / np.pi)
        return np.asarray((phases @ self.coefficient).real)

    def diffused(self, t: float, temperature: float, drift: float = 0.0) -> Waves:
        """The same after a time of free diffusion, carried along at ``drift``."""
        decay = np.exp(-self.wave * (temperature * self.wave + 1j * drift) * t)
        return dataclasses.replace(self, coefficient=self.coefficient * decay)

    def lost(self, place: float, t: float, temperature: float) -> float:
        """Integral over the time of T dp/dx at a place while it diffuses freely."""
        moving = self.wave > 0.0
        q, c = self.wave[moving], self.coefficient[moving]
        slopes = (1j * c * np.exp(1j * q * (place - self.origin))).real
        return float(np.sum(slopes * -np.expm1(-temperature * q * q * t) / q))


def ring_series(averages: Array, origin: float, length: float) -> Waves:
    """The trigonometric polynomial through values at equal distances around a ring."""
    transformed = np.fft.rfft(averages) / averages.size
    transformed[1:] *= 2.0
    if averages.size % 2 == 0:
        transformed[-1] *= 0.5
    wave = 2.0 * np.pi / length * np.arange(float(transformed.size))
    return Waves(wave, transformed, origin)
