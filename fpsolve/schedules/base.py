"""Noise schedules: curves (m, sigma) with their exact rates."""

from __future__ import annotations

import abc
import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.settings import Settings, number


@dataclasses.dataclass(frozen=True)
class Curve:
    """A schedule at given times.

    Parameters
    ----------
    signal : array
        m, the level of the data.
    signal_rate : array
        dm/dt, 1/s.
    variance : array
        sigma², the variance of the noise, unit of x squared.
    half_variance_rate : array
        sigma dsigma/dt, half the rate of the variance: finite where dsigma/dt is not.
    signal_power : array, optional
        m dm/dt, half the rate of m², where it does not vanish with m: a signal that ends like a root of the time.
    """

    signal: Array
    signal_rate: Array
    variance: Array
    half_variance_rate: Array
    signal_power: Array | None = None

    @property
    def half_square_rate(self) -> Array:
        """Half the rate of m², m dm/dt: finite where dm/dt is not."""
        return self.signal * self.signal_rate if self.signal_power is None else self.signal_power

    def __getitem__(self, index: int) -> tuple[float, float, float, float]:
        """The four numbers at one of the times."""
        rows = (self.signal, self.signal_rate, self.variance, self.half_variance_rate)
        return tuple(float(row[index]) for row in rows)  # type: ignore[return-value]

    @property
    def noise(self) -> Array:
        """sigma, unit of x."""
        return np.sqrt(self.variance)

    @property
    def temperature(self) -> Array:
        """T = m sigma d(sigma/m)/dt (22): a diffusion coefficient, infinite where m = 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.signal_rate / self.signal
            return np.where(self.signal > 0.0, self.half_variance_rate - self.variance * ratio, np.inf)

    @property
    def force_rate(self) -> Array:
        """A = d(ln m)/dt, so that f = A x (23), 1/s: minus infinity where m = 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.signal > 0.0, self.signal_rate / self.signal, -np.inf)


class Schedule(Settings, abc.ABC):
    """A curve (m, sigma) on [0, tau] with sigma/m not decreasing (24); the kernel is N(m y, sigma²)."""

    family: ClassVar[str] = "schedule"
    tau: float

    @abc.abstractmethod
    def curve(self, t: Array) -> Curve:
        """The schedule at times in [0, tau]."""

    def kinks(self) -> Array:
        """Times inside (0, tau) where the curve is not smooth."""
        return np.empty(0)

    def knots(self) -> Array:
        """Times inside (0, tau) where any derivative jumps: differences in time must not reach across one."""
        return self.kinks()


def positive_tau(schedule: object) -> None:
    """Replace ``tau`` of a frozen schedule by a checked float."""
    object.__setattr__(schedule, "tau", number("tau", getattr(schedule, "tau"), above=0.0))  # noqa: B009
