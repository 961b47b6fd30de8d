"""The variance preserving schedule with linearly growing rate (29)-(31)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.schedules.base import Curve, Schedule, positive_tau
from fpsolve.settings import number


@dataclasses.dataclass(frozen=True)
class VariancePreserving(Schedule):
    """m² + sigma² = 1 with d(ln m)/dt = -T, T = beta / 2 and beta linear in time (29)-(31).

    Parameters
    ----------
    beta_min, beta_max : float
        beta at t = 0 and t = tau, 1/s.
    tau : float
        Duration, s.
    """

    kind: ClassVar[str] = "vp-linear"
    beta_min: float
    beta_max: float
    tau: float = 1.0

    def __post_init__(self) -> None:
        positive_tau(self)
        object.__setattr__(self, "beta_min", number("beta_min", self.beta_min, least=0.0))
        object.__setattr__(self, "beta_max", number("beta_max", self.beta_max, above=0.0))

    def curve(self, t: Array) -> Curve:
        t = np.asarray(t, float)
        growth = (self.beta_max - self.beta_min) / self.tau
        half_rate = 0.5 * (self.beta_min + growth * t)
        exponent = self.beta_min * t + 0.5 * growth * t**2
        signal = np.exp(-0.5 * exponent)
        return Curve(signal, -half_rate * signal, -np.expm1(-exponent), half_rate * signal**2)
