"""The conditional optimal transport schedule (28)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.schedules.base import Curve, Schedule, positive_tau


@dataclasses.dataclass(frozen=True)
class ConditionalOptimalTransport(Schedule):
    """m = 1 - t / tau, sigma = t / tau: straight lines from each data point to noise (28).

    Parameters
    ----------
    tau : float
        Duration, s.
    """

    kind: ClassVar[str] = "cond-ot"
    tau: float = 1.0

    def __post_init__(self) -> None:
        positive_tau(self)

    def curve(self, t: Array) -> Curve:
        t = np.asarray(t, float)
        noise = t / self.tau
        return Curve((self.tau - t) / self.tau, np.full_like(t, -1.0 / self.tau), noise**2, noise / self.tau)
