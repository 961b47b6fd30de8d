"""The metric on noise schedules (m, sigma) that given data define: what a schedule costs is its energy (theory 5.8).

With x = m y + sigma e, a = E[y|x] and b = E[e|x], a schedule moves the density at v₂² = E|m' a + sigma' b|². Let
R² = E|x|² = M m² + sigma², M = E|y|². Scaling x scales a curve, E[x·nu] = R R', and what is left depends on the angle
chi = atan2(sigma, sqrt(M) m) alone, so that

    v₂² = R'² + R² theta'²,    dtheta/dchi = g(chi) = v₂ / R on the circle R = const.

The metric is therefore that of the plane in polar coordinates (R, theta), whatever the data: one function of one
variable, g, holds all there is to know, 0 <= g <= 1 (0 for centred Gaussian data, 1 for data that are one point).
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from fpsolve.densities import Density
from fpsolve.densities.base import LABEL_TAIL
from fpsolve.densities.panels import DEGREE, GAUSS_NODES, Panels, legendre_coefficients
from fpsolve.estimates import ROUNDING
from fpsolve.mesh import marched
from fpsolve.processes import Diffusion
from fpsolve.processes.base import distinct
from fpsolve.quadrature import TAIL_FACTOR, Array, panel_nodes
from fpsolve.schedules import Curve, Schedule
from fpsolve.settings import InputError

#: error of the whole turn at which panels in the angle are no longer halved, and how often they are halved at most
TOLERANCE, DEEPEST = 1e-9, 40
#: least turning rate: where the data are a centred Gaussian any schedule with the same R is as good, and one is chosen
FLOOR = 1e-12
_FIRST_PANELS = 4
#: standard deviations of the noise beyond the outermost data up to which x is integrated
_BEYOND = 12.0


@dataclasses.dataclass(frozen=True)
class Circle(Schedule):
    """All ratios sigma/m once, at constant E[x²] = ``scale``²: time is the angle chi in [0, pi/2]."""

    scale: float
    tau: float = 0.5 * math.pi

    def curve(self, t: Array) -> Curve:
        sine, cosine = np.sin(t), np.cos(t)
        return Curve(cosine, -sine, (self.scale * sine) ** 2, self.scale**2 * sine * cosine)


@dataclasses.dataclass(frozen=True, eq=False)
class ScheduleMetric:
    """Metric on the half-plane of schedules for data on the line.

    Parameters
    ----------
    second_moment : float
        M = E[y²] of the data, unit of x squared.
    turning : Panels
        g(chi) = dtheta/dchi as a piecewise polynomial over the angles that are needed.
    bars : (panels,) array
        Error bar of g on each of its panels.
    """

    second_moment: float
    turning: Panels
    bars: Array

    @property
    def scale(self) -> float:
        """Square root of E[y²], unit of x."""
        return math.sqrt(self.second_moment)

    def polar(self, m: Array, sigma: Array) -> tuple[Array, Array]:
        """R = sqrt(E[x²]) (unit of x) and the angle chi (radian) of signal and noise levels."""
        signal, sigma = self.scale * np.asarray(m, float), np.asarray(sigma, float)
        return np.hypot(signal, sigma), np.arctan2(sigma, signal)

    def levels(self, radius: Array, chi: Array) -> tuple[Array, Array]:
        """Signal and noise levels m, sigma at a radius R and an angle chi."""
        quarter = 0.5 * math.pi
        # the signal vanishes exactly at the end
        return radius * np.sin(quarter - np.asarray(chi)) / self.scale, radius * np.sin(chi)

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
        """E[a²], E[a b] and E[b²] at levels m, sigma, the coefficients of m'², 2 m' sigma' and sigma'².

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
        unknown = np.cos(chi) ** 2 * (1.0 - self.rate(chi)[0] ** 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            seen = np.where(np.asarray(m) > 0.0, np.asarray(sigma) / m * unknown, 0.0)
            squared = np.where(np.asarray(m) > 0.0, self.second_moment - np.asarray(sigma) / m * seen, np.nan)
        return squared, seen, 1.0 - unknown


def schedule_metric(data: Density, lower: float = 0.0, upper: float = math.inf) -> ScheduleMetric:
    """The metric on schedules that data on the line define (theory 5.8).

    Parameters
    ----------
    data : Density
        q, with a finite second moment.
    lower, upper : float
        Range of sigma/m that is needed, unit of x.

    Returns
    -------
    ScheduleMetric

    Raises
    ------
    InputError
        Data without a second moment, or with nothing but zeros; an empty range.
    """
    moment = float(data.moment(2))
    if not math.isfinite(moment):
        raise InputError("data", "no second moment: its tails are too heavy, and every schedule costs infinitely much")
    if moment <= 0.0:
        raise InputError("data", "its second moment vanishes: there is nothing to move")
    if not 0.0 <= lower < upper:
        raise InputError("sigma", f"sigma/m from {lower:g} to {upper:g}; it must grow from the start to the end")
    scale = math.sqrt(moment)
    process = Diffusion(data, Circle(scale))
    ends = math.atan2(lower, scale), math.atan2(upper, scale) if math.isfinite(upper) else 0.5 * math.pi
    edges, coefficients, bars = _fitted(process, scale, *ends)
    return ScheduleMetric(moment, Panels(edges, coefficients), bars)


def _fitted(process: Diffusion, scale: float, start: float, end: float) -> tuple[Array, Array, Array]:
    """Panels of g, halved until the last coefficients no longer change its integral, and their error bars."""
    edges = np.linspace(start, end, _FIRST_PANELS + 1)
    lower, upper = edges[:-1], edges[1:]
    support = process.data.interval(LABEL_TAIL)
    kept: list[tuple[Array, ...]] = []
    total = 0.0
    for depth in range(DEEPEST + 1):
        half, centre = 0.5 * (upper - lower)[:, None], 0.5 * (upper + lower)[:, None]
        found = [_turning(process, support, scale, float(chi)) for chi in (centre + half * GAUSS_NODES).ravel()]
        values, bars = (np.array(column).reshape(lower.size, DEGREE + 1) for column in zip(*found, strict=True))
        coefficients = legendre_coefficients(values)
        total = max(total, float(np.sum(coefficients[:, 0] * (upper - lower))))
        rest = np.sum(np.abs(coefficients[:, -3:]), axis=1)
        noise = np.max(bars, axis=1)
        # halving cannot help below the error of the samples
        good = (rest * (upper - lower) <= TOLERANCE * (total + FLOOR)) | (rest <= noise) | (depth == DEEPEST)
        kept.append((lower[good], upper[good], coefficients[good], (rest + noise)[good]))
        lower, upper = lower[~good], upper[~good]
        middle = 0.5 * (lower + upper)
        lower, upper = np.concatenate([lower, middle]), np.concatenate([middle, upper])
        if not lower.size:
            break
    left, right, table, error = (np.concatenate(column) for column in zip(*kept, strict=True))
    order = np.argsort(left)
    return np.append(left[order], right[order][-1]), table[order], error[order]


def _turning(process: Diffusion, ends: tuple[float, float], scale: float, chi: float) -> tuple[float, float]:
    """Turning rate g at one angle, and its error bar: v₂ on the circle, over its radius."""
    density = process.density(chi)
    signal, _, variance, _ = process.schedule.curve(np.array([chi]))[0]
    low, high = signal * np.array(ends) + _BEYOND * math.sqrt(variance) * np.array([-1.0, 1.0])
    inside = np.concatenate([density.breaks(), density.kinks()])
    hard = distinct(np.sort(np.concatenate([[low, high], inside[(inside > low) & (inside < high)]])))
    x, kronrod, gauss = panel_nodes(marched(hard, *density.features()))
    state = process.state(chi, x)
    flow = state.pdf * state.velocity**2
    value = float(kronrod @ flow)
    outer = float(kronrod[:15] @ flow[:15] + kronrod[-15:] @ flow[-15:])
    bar = abs(value - float(gauss @ flow)) + TAIL_FACTOR * outer
    bar += (process.precision + density.unresolved()) * value
    rate = math.sqrt(max(value, 0.0)) / scale
    # rounding of the velocity itself, which may cancel down to nothing
    return math.hypot(rate, FLOOR), min(bar / (2.0 * scale**2 * max(rate, FLOOR)), math.sqrt(bar) / scale) + FLOOR
