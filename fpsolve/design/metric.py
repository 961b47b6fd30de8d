"""The metric on noise schedules (m, sigma) that given data define: what a schedule costs is its energy (theory 5.8).

With x = m y + sigma e, a = E[y|x] and b = E[e|x], a schedule moves the density at v₂² = E|m' a + sigma' b|². Let
R² = E|x|² = M m² + n sigma², M = E|y|², n the dimension. Scaling x scales a curve, E[x·nu] = R R', and what is left
depends on the angle chi = atan2(sqrt(n) sigma, sqrt(M) m) alone, so that

    v₂² = R'² + R² theta'²,    dtheta/dchi = g(chi) = v₂ / R on the circle R = const.

The metric is therefore that of the plane in polar coordinates (R, theta), whatever the data: one function of one
variable, g, holds all there is to know, 0 <= g <= 1 (0 for centred Gaussian data, 1 for data that are one point).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from fpsolve.densities.panels import DEGREE, GAUSS_NODES, Panels, legendre_coefficients
from fpsolve.estimates import ROUNDING
from fpsolve.quadrature import Array
from fpsolve.schedules import Curve, Schedule
from fpsolve.settings import InputError

#: error of the whole turn at which panels in the angle are no longer halved, and how often they are halved at most
TOLERANCE, DEEPEST = 1e-9, 40
#: least turning rate: where the data are a centred Gaussian any schedule with the same R is as good, and one is chosen
FLOOR = 1e-12
_FIRST_PANELS = 4
#: how uneven bars on a panel may be, how much of a turn they may be instead, and how often panels are halved for it
_UNEVEN, _WIDE, _LOCALISED = 4.0, 3e-5, 3


@dataclasses.dataclass(frozen=True)
class Circle(Schedule):
    """All ratios sigma/m once, at constant E|x|² = ``scale``²: time is the angle chi in [0, pi/2]."""

    scale: float
    dimension: int = 1
    tau: float = 0.5 * math.pi

    def curve(self, t: Array) -> Curve:
        sine, cosine = np.sin(t), np.cos(t)
        variance, half_rate = (self.scale * sine) ** 2, self.scale**2 * sine * cosine
        return Curve(cosine, -sine, variance / self.dimension, half_rate / self.dimension)


@dataclasses.dataclass(frozen=True, eq=False)
class ScheduleMetric:
    """Metric on the half-plane of schedules that data in any dimension define.

    Parameters
    ----------
    second_moment : float
        M = E|y|² of the data, unit of x squared.
    turning : Panels
        g(chi) = dtheta/dchi as a piecewise polynomial over the angles that are needed.
    bars : (panels,) array
        Error bar of g on each of its panels.
    dimension : int
        n, the components of x.
    """

    second_moment: float
    turning: Panels
    bars: Array
    dimension: int = 1

    @property
    def scale(self) -> float:
        """Square root of E|y|², unit of x."""
        return math.sqrt(self.second_moment)

    @property
    def spread(self) -> float:
        """Length sqrt(E|e|²) = sqrt(n) of the noise at sigma = 1."""
        return math.sqrt(self.dimension)

    def polar(self, m: Array, sigma: Array) -> tuple[Array, Array]:
        """R = sqrt(E|x|²) (unit of x) and the angle chi (radian) of signal and noise levels."""
        signal, noise = self.scale * np.asarray(m, float), self.spread * np.asarray(sigma, float)
        return np.hypot(signal, noise), np.arctan2(noise, signal)

    def levels(self, radius: Array, chi: Array) -> tuple[Array, Array]:
        """Signal and noise levels m, sigma at a radius R and an angle chi."""
        quarter = 0.5 * math.pi
        # the signal vanishes exactly at the end
        return radius * np.sin(quarter - np.asarray(chi)) / self.scale, radius * np.sin(chi) / self.spread

    def rate(self, chi: Array) -> tuple[Array, Array]:
        """g(chi) and its error bar."""
        panel = np.clip(np.searchsorted(self.turning.edges, chi, side="right") - 1, 0, self.bars.size - 1)
        return self.turning.tails(chi)[0], self.bars[panel]

    def turn(self, chi: Array) -> tuple[Array, Array]:
        """Turn theta from the first angle to chi, and from chi to the last; each is relatively accurate."""
        _, before, after = self.turning.tails(chi)
        return before, after

    @property
    def whole_turn(self) -> tuple[float, float]:
        """Turn theta over all angles, and its error bar."""
        return self.turning.mass, float(np.sum(self.bars * np.diff(self.turning.edges))) + ROUNDING * self.turning.mass

    def tensor(self, m: Array, sigma: Array) -> tuple[Array, Array, Array]:
        """E|a|², E[a·b] and E|b|² at levels m, sigma, the coefficients of m'², 2 m' sigma' and sigma'².

        Parameters
        ----------
        m, sigma : arrays of one shape
            With sigma/m in the range for which the metric was made, sigma > 0.

        Returns
        -------
        three arrays
            Units of x squared, x and 1.
        """
        chi = self.polar(m, sigma)[1]
        # the mean square error of e from x is that of the linear estimate times 1 - g²
        unknown = self.dimension * np.cos(chi) ** 2 * (1.0 - self.rate(chi)[0] ** 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            seen = np.where(np.asarray(m) > 0.0, np.asarray(sigma) / m * unknown, 0.0)
            squared = np.where(np.asarray(m) > 0.0, self.second_moment - np.asarray(sigma) / m * seen, np.nan)
        return squared, seen, self.dimension - unknown


def check_metric(moment: float, lower: float, upper: float) -> None:
    """Refuse data without a second moment, or with nothing but zeros, and an empty range of sigma/m."""
    if not math.isfinite(moment):
        raise InputError("data", "no second moment: its tails are too heavy, and every schedule costs infinitely much")
    if moment <= 0.0:
        raise InputError("data", "its second moment vanishes: there is nothing to move")
    if not 0.0 <= lower < upper:
        raise InputError("sigma", f"sigma/m from {lower:g} to {upper:g}; it must grow from the start to the end")


def angles(lower: float, upper: float, scale: float, dimension: int = 1) -> tuple[float, float]:
    """Angles chi between which sigma/m grows from ``lower`` to ``upper``, which may be infinite."""
    first, last = math.sqrt(dimension) * lower, math.sqrt(dimension) * upper
    return math.atan2(first, scale), math.atan2(last, scale) if math.isfinite(upper) else 0.5 * math.pi


def fitted(
    turning: Callable[[float], tuple[float, float]],
    start: float,
    end: float,
    tolerance: float = TOLERANCE,
    panels: int = _FIRST_PANELS,
    uneven: bool = False,
) -> tuple[Panels, Array]:
    """Panels of g, halved until the last coefficients no longer change its integral, and their error bars.

    Parameters
    ----------
    turning : callable
        g at an angle, and its error bar.
    start, end : float
        Angles, radian.
    tolerance : float
        Change of the integral that matters, relative to it.
    panels : int
        How many there are at first.
    uneven : bool
        Whether panels are halved for the bars as well, so that the wide ones stay where they are.
    """
    edges = np.linspace(start, end, panels + 1)
    lower, upper = edges[:-1], edges[1:]
    kept: list[tuple[Array, ...]] = []
    total = 0.0
    for depth in range(DEEPEST + 1):
        half, centre = 0.5 * (upper - lower)[:, None], 0.5 * (upper + lower)[:, None]
        found = [turning(float(chi)) for chi in (centre + half * GAUSS_NODES).ravel()]
        values, bars = (np.array(column).reshape(lower.size, DEGREE + 1) for column in zip(*found, strict=True))
        coefficients = legendre_coefficients(values)
        total = max(total, float(np.sum(coefficients[:, 0] * (upper - lower))))
        rest = np.sum(np.abs(coefficients[:, -3:]), axis=1)
        noise = np.max(bars, axis=1)
        # halving cannot help below the error of the samples
        good = (rest * (upper - lower) <= tolerance * (total + FLOOR)) | (rest <= noise) | (depth == DEEPEST)
        if uneven and depth < _LOCALISED:
            good &= (noise <= _UNEVEN * np.min(bars, axis=1)) | (noise * (upper - lower) <= _WIDE)
        kept.append((lower[good], upper[good], coefficients[good], (rest + noise)[good]))
        lower, upper = lower[~good], upper[~good]
        middle = 0.5 * (lower + upper)
        lower, upper = np.concatenate([lower, middle]), np.concatenate([middle, upper])
        if not lower.size:
            break
    left, right, table, error = (np.concatenate(column) for column in zip(*kept, strict=True))
    order = np.argsort(left)
    return Panels(np.append(left[order], right[order][-1]), table[order]), error[order]
