"""The variance exploding schedule (26), (27), and the noise levels of EDM."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.schedules.base import Curve, Schedule, positive_tau
from fpsolve.settings import InputError, number, suggestion

_GROWTHS = ("linear", "geometric", "power")
#: exponent of EDM's noise levels
_RHO = 7.0


@dataclasses.dataclass(frozen=True)
class VarianceExploding(Schedule):
    """m = 1 and sigma growing to ``sigma_max``: free diffusion with T = sigma dsigma/dt (26), (27).

    Parameters
    ----------
    sigma_max : float
        Noise at t = tau, unit of x.
    growth : {"linear", "geometric", "power"}
        sigma = sigma_max t / tau, or sigma = sigma_min (sigma_max / sigma_min)^(t / tau), or, with s = t / tau,
        sigma = (sigma_min^(1/rho) + s (sigma_max^(1/rho) - sigma_min^(1/rho)))^rho: the noise levels of EDM, which are
        spaced evenly in s.
    sigma_min : float, optional
        Noise at t = 0 of the other two: the process then starts from the data blurred by it. Zero for "power" alone.
    rho : float, optional
        Exponent of "power", at least 1; 7 if absent.
    tau : float
        Duration, s.

    Raises
    ------
    InputError
        An unknown growth, a missing sigma_min or one that is not below sigma_max, a key that the growth does not have.
    """

    kind: ClassVar[str] = "ve"
    sigma_max: float
    growth: str = "linear"
    sigma_min: float | None = None
    tau: float = 1.0
    rho: float | None = None

    def __post_init__(self) -> None:
        positive_tau(self)
        object.__setattr__(self, "sigma_max", number("sigma_max", self.sigma_max, above=0.0))
        if self.growth not in _GROWTHS:
            raise InputError("growth", f"given {self.growth!r}; {suggestion(str(self.growth), _GROWTHS)}")
        if self.growth != "power" and self.rho is not None:
            raise InputError("rho", f"{self.growth} growth has no exponent; remove it or use growth = 'power'")
        if self.growth == "linear":
            if self.sigma_min is not None:
                raise InputError("sigma_min", "linear growth starts from zero; remove it or use growth = 'geometric'")
            return
        if self.sigma_min is None:
            raise InputError("sigma_min", f"missing; {self.growth} growth needs the noise it starts from")
        if self.growth == "power":
            least = number("sigma_min", self.sigma_min, least=0.0, below=self.sigma_max)
            object.__setattr__(self, "rho", number("rho", _RHO if self.rho is None else self.rho, least=1.0))
        else:
            least = number("sigma_min", self.sigma_min, above=0.0, below=self.sigma_max)
        object.__setattr__(self, "sigma_min", least)

    def curve(self, t: Array) -> Curve:
        t = np.asarray(t, float)
        variance, half_rate = self._variance(t)
        return Curve(np.ones_like(t), np.zeros_like(t), variance, half_rate)

    def _variance(self, t: Array) -> tuple[Array, Array]:
        """sigma² and half its rate."""
        if self.sigma_min is None:
            rate = self.sigma_max / self.tau
            return (rate * t) ** 2, rate**2 * t
        if self.rho is None:
            growth = np.log(self.sigma_max / self.sigma_min) / self.tau
            variance = (self.sigma_min * np.exp(growth * t)) ** 2
            return variance, growth * variance
        first, last = self.sigma_min ** (1.0 / self.rho), self.sigma_max ** (1.0 / self.rho)
        root, slope = first + t / self.tau * (last - first), (last - first) / self.tau
        return root ** (2.0 * self.rho), self.rho * slope * root ** (2.0 * self.rho - 1.0)
