"""What every one-dimensional probability density can do."""

from __future__ import annotations

import abc
from typing import ClassVar, final

import numpy as np

from fpsolve.densities.panels import Panels
from fpsolve.estimates import ROUNDING
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, Settings

#: mass left out beyond either end when a density is cut into panels: far, since a ratio of densities sees the tails
TAIL = 1e-40
#: probability left beyond the outermost labels on either side: little enough for second moments of heavy tails
LABEL_TAIL = 1e-30
#: the smallest tail probability that labels a point of the flow
FAINTEST = 1e-290


class Density(Settings, abc.ABC):
    """A probability density on the line, with both tails kept accurate.

    Subclasses give :meth:`tails`, :meth:`quantile`, :meth:`features` and, where there are discontinuities,
    :meth:`breaks`; the rest follows. Lengths carry the unit of x, densities its inverse.
    """

    family: ClassVar[str] = "density"
    #: relative accuracy of the density and its tails
    precision: ClassVar[float] = ROUNDING

    @abc.abstractmethod
    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        """Density, P(X <= x) and P(X > x) at points ``x`` of any shape; each tail is relatively accurate."""

    @abc.abstractmethod
    def quantile(self, cdf: Array, sf: Array | None = None) -> Array:
        """Point with tail probabilities ``cdf`` and ``sf`` (default ``1 - cdf``); the smaller one decides."""

    @abc.abstractmethod
    def features(self) -> tuple[Array, Array]:
        """Where the density has structure and on what scale: centres and widths, two arrays of one shape."""

    def breaks(self) -> Array:
        """Points where the density jumps."""
        return np.empty(0)

    def kinks(self) -> Array:
        """Points where a low derivative of the density jumps."""
        return np.empty(0)

    def unresolved(self) -> float:
        """Relative error of integrals over panels that do not resolve every kink of this density."""
        return 0.0

    def pdf(self, x: Array) -> Array:
        """Density at points."""
        return self.tails(np.asarray(x, float))[0]

    def cdf(self, x: Array) -> Array:
        """Probability of lying at or below each point."""
        return self.tails(np.asarray(x, float))[1]

    def sf(self, x: Array) -> Array:
        """Probability of lying above each point (survival function)."""
        return self.tails(np.asarray(x, float))[2]

    def logpdf(self, x: Array) -> Array:
        """Logarithm of the density; ``-inf`` where it vanishes or underflows."""
        with np.errstate(divide="ignore"):
            return np.log(self.pdf(x))

    def conditioning(self, spread: float = 0.0) -> float:
        """How many times rounding of positions, of size ``spread`` beside the centres, is magnified by features."""
        centres, scales = self.features()
        return float(np.max((np.abs(centres) + spread) / scales))

    @property
    def support(self) -> tuple[float, float]:
        """Ends of the support (infinite by default)."""
        return -np.inf, np.inf

    def interval(self, tail: float = TAIL) -> tuple[float, float]:
        """Interval that leaves ``tail`` of the mass beyond either end."""
        small, large = np.array([tail, 1.0]), np.array([1.0, tail])
        lower, upper = self.quantile(small, large)
        return float(lower), float(upper)

    @abc.abstractmethod
    def panels(self) -> Panels:
        """The density as a piecewise polynomial, accurate to about 1e-13 of its local size."""

    def moment(self, power: int) -> float:
        """E[x^power] (over the panels: beyond them lies less than 1e-40 of the mass on either side)."""
        return self.panels().moment(power)

    @property
    def mean(self) -> float:
        """E[x], a length."""
        return self.moment(1)

    @property
    def variance(self) -> float:
        """E[x²] - E[x]², a length squared."""
        return self.moment(2) - self.moment(1) ** 2

    @final
    def cell_masses(self, edges: Array) -> Array:
        """Exact probabilities of the cells between increasing ``edges`` (n + 1), without cancellation in the tails."""
        _, cdf, sf = self.tails(np.asarray(edges, float))
        return mass_between(cdf, sf)

    @final
    def cell_averages(self, edges: Array) -> Array:
        """Exact averages of the density over the cells between increasing ``edges``."""
        edges = np.asarray(edges, float)
        return self.cell_masses(edges) / np.diff(edges)


def mass_between(cdf: Array, sf: Array) -> Array:
    """Differences along the last axis of a CDF given by both tails: each from the tail that is smaller there."""
    below = np.diff(cdf, axis=-1)
    above = -np.diff(sf, axis=-1)
    return np.maximum(np.where(cdf[..., 1:] + cdf[..., :-1] < sf[..., 1:] + sf[..., :-1], below, above), 0.0)


def check_points(name: str, values: Array, *, increasing: bool = False, least: float | None = None) -> Array:
    """A one-dimensional array of finite numbers, or an InputError that names the first bad entry."""
    array = np.asarray(values, float)
    if array.ndim != 1 or array.size == 0:
        raise InputError(name, f"given shape {array.shape}; expected a non-empty one-dimensional array")
    if not np.all(np.isfinite(array)):
        where = int(np.flatnonzero(~np.isfinite(array))[0])
        raise InputError(name, f"given {array[where]} at index {where}; expected finite numbers")
    if increasing and not np.all(np.diff(array) > 0):
        where = int(np.flatnonzero(np.diff(array) <= 0)[0])
        raise InputError(name, f"not increasing at index {where + 1}; sort it and remove repeated points")
    if least is not None and array.min() < least:
        where = int(array.argmin())
        raise InputError(name, f"given {array[where]:g} at index {where}; it must be at least {least:g}")
    return array
