"""Schedules given as numbers: (t, m, sigma) arrays, and the curve through such points."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, ClassVar

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.schedules.base import Curve, Schedule
from fpsolve.settings import InputError, numbers

#: where m vanishes its rate is read from just inside by this part of tau: it may fall like a square root
_INSIDE = 1e-9


class Interpolant:
    """Curve through points with its derivative: the twice differentiable cubic spline where it stays monotone.

    Where the points are monotone and the spline is not, one that is flat at one end takes its place (a squared level
    often is), or at both, or else the monotone cubic (PCHIP). Both ends come last of the splines: an end that is flat
    where the curve is not costs more accuracy than any other choice.
    """

    def __init__(self, x: Array, y: Array) -> None:
        # imported here: only schedules from arrays need it
        from scipy.interpolate import CubicSpline, PchipInterpolator

        self.x = x
        self._last = float(y[-1])
        free, flat = "not-a-knot", (1, 0.0)
        ends = [(free, free), (flat, free), (free, flat), (flat, flat)]
        splines = [CubicSpline(x, y, bc_type=pair) for pair in ends] if x.size >= 4 else []
        rises = np.diff(y)
        if np.all(rises >= 0.0) or np.all(rises <= 0.0):
            direction = np.sign(y[-1] - y[0])
            splines = [s for s in splines if np.all(_least_slope(s, direction) >= 0.0)]
        self._curve = splines[0] if splines else PchipInterpolator(x, y)
        self._slope = self._curve.derivative()

    @property
    def kinks(self) -> Array:
        """Inner points where the second derivative jumps."""
        return self.x[1:-1] if type(self._curve).__name__ == "PchipInterpolator" else np.empty(0)

    def __call__(self, at: Array) -> tuple[Array, Array]:
        """Value and derivative; the value at the last point is the given one, without the rounding of its piece."""
        return np.where(at == self.x[-1], self._last, self._curve(at)), self._slope(at)


def _least_slope(spline: Any, direction: float) -> Array:
    """Least slope of a cubic spline in each of its pieces, times a sign."""
    cubic, square, line, _ = spline.c * direction
    width = np.diff(spline.x)
    with np.errstate(divide="ignore", invalid="ignore"):
        vertex = np.clip(np.nan_to_num(-square / (3.0 * cubic)), 0.0, width)
    return np.min([line + u * (2.0 * square + 3.0 * cubic * u) for u in (0.0 * width, vertex, width)], axis=0)


@dataclasses.dataclass(frozen=True)
class ArraySchedule(Schedule):
    """A schedule from arrays; m² and sigma² are interpolated by splines that keep monotone data monotone.

    Parameters
    ----------
    t : sequence of float
        Increasing times that begin at 0, s; the last one is tau.
    m, sigma : sequence of float
        Signal and noise levels, not negative; sigma/m must not decrease (24), and m may vanish only at the end.

    Raises
    ------
    InputError
        Unequal lengths, times that do not increase from 0, or sigma/m decreasing.
    """

    kind: ClassVar[str] = "arrays"
    t: tuple[float, ...]
    m: tuple[float, ...]
    sigma: tuple[float, ...]
    tau: float = dataclasses.field(default=0.0, metadata={"recipe": False})

    def __post_init__(self) -> None:
        t, m, sigma = numbers("t", self.t), numbers("m", self.m, least=0.0), numbers("sigma", self.sigma, least=0.0)
        for name, values in (("m", m), ("sigma", sigma)):
            if len(values) != len(t):
                raise InputError(name, f"given {len(values)} values for {len(t)} times; give one each")
            object.__setattr__(self, name, values)
        object.__setattr__(self, "t", t)
        if len(t) < 2 or t[0] != 0.0 or np.any(np.diff(t) <= 0.0):
            raise InputError("t", f"given {brief(t)}; times must start at 0 and increase (at least two)")
        if self.tau not in (0.0, t[-1]):
            raise InputError("t", f"it ends at {t[-1]:g}, but tau = {self.tau:g}; the two must be equal")
        object.__setattr__(self, "tau", t[-1])
        _check_levels(np.array(m), np.array(sigma))

    @functools.cached_property
    def _squares(self) -> tuple[Interpolant, Interpolant]:
        """m² and sigma² as functions of time: smooth even where m and sigma end like square roots."""
        times = np.array(self.t)
        return Interpolant(times, np.array(self.m) ** 2), Interpolant(times, np.array(self.sigma) ** 2)

    def curve(self, t: Array) -> Curve:
        t = np.asarray(t, float)
        signal_squared, noise_squared = self._squares
        level, rate = signal_squared(t)
        variance, variance_rate = noise_squared(t)
        signal = np.sqrt(np.maximum(level, 0.0))
        near, near_rate = signal_squared(np.minimum(t, self.tau * (1.0 - _INSIDE)))
        beside = 0.5 * near_rate / np.sqrt(np.maximum(near, 1e-300))
        signal_rate = np.divide(0.5 * rate, signal, out=beside, where=signal > 0.0)
        return Curve(signal, signal_rate, np.maximum(variance, 0.0), 0.5 * variance_rate, 0.5 * rate)

    def kinks(self) -> Array:
        return np.union1d(*(square.kinks for square in self._squares))

    def knots(self) -> Array:
        return np.array(self.t[1:-1])


def _check_levels(m: Array, sigma: Array) -> None:
    """Signal positive before the end, noise over signal not decreasing, some noise at the end."""
    if np.any(m[:-1] <= 0.0):
        raise InputError("m", f"given {m[:-1].min():g} before the end; the signal may vanish only at t = tau")
    ratio = sigma[:-1] / m[:-1]
    ratio = np.append(ratio, sigma[-1] / m[-1] if m[-1] > 0.0 else np.inf)
    if np.any(np.diff(ratio) < -1e-12 * ratio[:-1]):
        where = int(np.flatnonzero(np.diff(ratio) < -1e-12 * ratio[:-1])[0])
        raise InputError("sigma", f"sigma/m decreases after index {where}; noise cannot be removed by diffusion (24)")
    if sigma[-1] <= 0.0:
        raise InputError("sigma", "given 0 at the end; a schedule must add noise")
    if np.all(m == m[0]) and np.all(sigma == sigma[0]):
        raise InputError("sigma", "m and sigma never change; a schedule must add noise")


def brief(values: tuple[float, ...]) -> str:
    """The first few of many numbers, for a message."""
    shown = ", ".join(f"{v:g}" for v in values[:4])
    return f"[{shown}{', ...' if len(values) > 4 else ''}]"
