"""The cosine schedule (32)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.schedules.base import Curve, Schedule, positive_tau


@dataclasses.dataclass(frozen=True)
class Cosine(Schedule):
    """m = cos(pi t / 2 tau), sigma = sin(pi t / 2 tau): the quarter circle at constant speed (32).

    Parameters
    ----------
    tau : float
        Duration, s.
    """

    kind: ClassVar[str] = "cosine"
    tau: float = 1.0

    def __post_init__(self) -> None:
        positive_tau(self)

    def curve(self, t: Array) -> Curve:
        rate = 0.5 * np.pi / self.tau
        sine = np.sin(rate * np.asarray(t, float))
        cosine = np.sin(rate * (self.tau - np.asarray(t, float)))  # exactly zero at tau
        return Curve(cosine, -rate * sine, sine**2, rate * sine * cosine)
