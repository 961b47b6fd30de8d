"""The variance exploding schedule (26), (27)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.schedules.base import Curve, Schedule, positive_tau
from fpsolve.settings import InputError, number, suggestion


@dataclasses.dataclass(frozen=True)
class VarianceExploding(Schedule):
    """m = 1 and sigma growing to ``sigma_max``: free diffusion with T = sigma dsigma/dt (26), (27).

    Parameters
    ----------
    sigma_max : float
        Noise at t = tau, unit of x.
    growth : {"linear", "geometric"}
        sigma = sigma_max t / tau, or sigma = sigma_min (sigma_max / sigma_min)^(t / tau).
    sigma_min : float, optional
        Noise at t = 0 of the geometric growth: the process then starts from the data blurred by it.
    tau : float
        Duration, s.
    """

    kind: ClassVar[str] = "ve"
    sigma_max: float
    growth: str = "linear"
    sigma_min: float | None = None
    tau: float = 1.0

    def __post_init__(self) -> None:
        positive_tau(self)
        object.__setattr__(self, "sigma_max", number("sigma_max", self.sigma_max, above=0.0))
        if self.growth not in ("linear", "geometric"):
            raise InputError(
                "growth", f"given {self.growth!r}; {suggestion(str(self.growth), ['linear', 'geometric'])}"
            )
        if self.growth == "linear" and self.sigma_min is not None:
            raise InputError("sigma_min", "linear growth starts from zero; remove it or use growth = 'geometric'")
        if self.growth == "geometric":
            if self.sigma_min is None:
                raise InputError("sigma_min", "missing; geometric growth needs the noise it starts from")
            least = number("sigma_min", self.sigma_min, above=0.0, below=self.sigma_max)
            object.__setattr__(self, "sigma_min", least)

    def curve(self, t: Array) -> Curve:
        t = np.asarray(t, float)
        ones, zeros = np.ones_like(t), np.zeros_like(t)
        if self.sigma_min is None:
            rate = self.sigma_max / self.tau
            return Curve(ones, zeros, (rate * t) ** 2, rate**2 * t)
        rate = np.log(self.sigma_max / self.sigma_min) / self.tau
        variance = (self.sigma_min * np.exp(rate * t)) ** 2
        return Curve(ones, zeros, variance, rate * variance)
