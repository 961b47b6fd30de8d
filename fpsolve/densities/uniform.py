"""The uniform density."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.densities.base import Density
from fpsolve.densities.panels import Panels
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, number


@dataclasses.dataclass(frozen=True)
class Uniform(Density):
    """Constant density on [lower, upper], zero elsewhere.

    Parameters
    ----------
    lower, upper : float
        Ends of the support, unit of x.
    """

    kind: ClassVar[str] = "uniform"
    lower: float
    upper: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "lower", number("lower", self.lower))
        object.__setattr__(self, "upper", number("upper", self.upper))
        if not self.lower < self.upper:
            raise InputError("upper", f"given {self.upper:g} with lower = {self.lower:g}; it must be larger")

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        x = np.asarray(x, float)
        width = self.upper - self.lower
        cdf = np.clip((x - self.lower) / width, 0.0, 1.0)
        sf = np.clip((self.upper - x) / width, 0.0, 1.0)
        return np.where((x >= self.lower) & (x <= self.upper), 1.0 / width, 0.0), cdf, sf

    def quantile(self, cdf: Array, sf: Array | None = None) -> Array:
        cdf = np.asarray(cdf, float)
        sf = 1.0 - cdf if sf is None else np.asarray(sf, float)
        width = self.upper - self.lower
        return np.where(cdf < sf, self.lower + width * cdf, self.upper - width * sf)

    def features(self) -> tuple[Array, Array]:
        return np.array([0.5 * (self.lower + self.upper)]), np.array([0.5 * (self.upper - self.lower)])

    def breaks(self) -> Array:
        return np.array([self.lower, self.upper])

    @property
    def support(self) -> tuple[float, float]:
        return self.lower, self.upper

    def panels(self) -> Panels:
        return Panels(self.breaks(), np.array([[1.0 / (self.upper - self.lower)]]))
