"""Potentials between two equilibria: what is switched, or turned, without regard to the states on the way."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.densities import Density
from fpsolve.forces.base import FunctionForce, Points
from fpsolve.processes import Process, State
from fpsolve.processes.driving import DrivingForce
from fpsolve.quadrature import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Resting(Process):
    """A density that does not move; the force that keeps it has the potential -T ln P."""

    held: Density
    tau: float = 1.0

    def density(self, t: float) -> Density:
        return self.held

    def state(self, t: float, x: Array) -> State:
        return State(*self.held.tails(x), np.zeros(np.shape(x)), None)

    def temperature(self, t: Array) -> Array | None:
        return None


@dataclasses.dataclass(frozen=True, eq=False)
class Turned(FunctionForce):
    """U_t = -T [(1 - s) ln P_0 + s ln P_tau], s = t / tau, from the equilibrium at P_0 to that at P_tau.

    Parameters
    ----------
    start, end : Density
    tau : float
        Duration, s; zero switches at once.
    temperature : float
    """

    start: Density
    end: Density
    tau: float
    temperature: float
    _timed: ClassVar[bool] = True  # type: ignore[misc]

    def __post_init__(self) -> None:
        ends = [DrivingForce(Resting(density), self.temperature) for density in (self.start, self.end)]
        object.__setattr__(self, "_ends", ends)

    @property
    def dimension(self) -> int:
        return 1

    @property
    def steady(self) -> bool:
        return self.tau == 0.0

    def _mixed(self, values: list[Array], t: float) -> Array:
        share = min(max(t / self.tau, 0.0), 1.0) if self.tau > 0.0 else 1.0
        return np.asarray((1.0 - share) * values[0] + share * values[1])

    def field(self, points: Points, t: float) -> Points:
        return (self._mixed([end.field(points, 0.0)[0] for end in self._ends], t),)  # type: ignore[attr-defined]

    def potential(self, points: Points, t: float) -> Array:
        return self._mixed([end.potential(points, 0.0) for end in self._ends], t)  # type: ignore[attr-defined]
