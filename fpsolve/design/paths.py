"""Other ways from one density to another: the same states at another pace, and other states."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from fpsolve.densities import Density
from fpsolve.densities.panels import Panels
from fpsolve.processes import Process, State
from fpsolve.quadrature import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Retimed(Process):
    """A process run at another pace: at time t it is where the given one is at tau s(t / tau).

    Parameters
    ----------
    process : Process
    clock, pace : callable
        s, increasing from 0 to 1 on [0, 1], and its derivative.
    """

    process: Process
    clock: Callable[[float], float]
    pace: Callable[[float], float]

    @property
    def tau(self) -> float:  # type: ignore[override]
        return self.process.tau

    def _then(self, t: float) -> float:
        return self.tau * min(max(self.clock(t / self.tau), 0.0), 1.0)

    def density(self, t: float) -> Density:
        return self.process.density(self._then(t))

    def structure(self, t: float) -> Density:
        return self.process.structure(self._then(t))

    def state(self, t: float, x: Array) -> State:
        there = self.process.state(self._then(t), x)
        return dataclasses.replace(there, velocity=self.pace(t / self.tau) * there.velocity)

    def log_flow(self, t: float, x: Array) -> tuple[Array, Array]:
        log_density, velocity = self.process.log_flow(self._then(t), x)
        return log_density, self.pace(t / self.tau) * velocity

    def temperature(self, t: Array) -> Array | None:
        return self.process.temperature(t)


@dataclasses.dataclass(frozen=True, eq=False)
class Detour(Process):
    """A process seen from a frame that moves out and back: shifted by ``height`` times 4 u (1 - u), u = t / tau.

    Parameters
    ----------
    process : Process
    height : float
        Largest displacement, L.
    """

    process: Process
    height: float

    @property
    def tau(self) -> float:  # type: ignore[override]
        return self.process.tau

    def _shift(self, t: float) -> tuple[float, float]:
        """Displacement and its rate."""
        u = min(max(t / self.tau, 0.0), 1.0)
        return 4.0 * self.height * u * (1.0 - u), 4.0 * self.height * (1.0 - 2.0 * u) / self.tau

    def density(self, t: float) -> Density:
        shift, _ = self._shift(t)
        return Shifted(self.process.density(t), shift) if shift else self.process.density(t)

    def structure(self, t: float) -> Density:
        return Shifted(self.process.structure(t), self._shift(t)[0])

    def state(self, t: float, x: Array) -> State:
        shift, rate = self._shift(t)
        there = self.process.state(t, np.asarray(x, float) - shift)
        return dataclasses.replace(there, velocity=there.velocity + rate)

    def log_flow(self, t: float, x: Array) -> tuple[Array, Array]:
        shift, rate = self._shift(t)
        log_density, velocity = self.process.log_flow(t, np.asarray(x, float) - shift)
        return log_density, velocity + rate

    def temperature(self, t: Array) -> Array | None:
        return self.process.temperature(t)


@dataclasses.dataclass(frozen=True, eq=False)
class Shifted(Density):
    """A density somewhere else."""

    density: Density
    shift: float

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        return self.density.tails(np.asarray(x, float) - self.shift)

    def logpdf(self, x: Array) -> Array:
        return self.density.logpdf(np.asarray(x, float) - self.shift)

    def quantile(self, cdf: Array, sf: Array | None = None) -> Array:
        return self.density.quantile(cdf, sf) + self.shift

    def features(self) -> tuple[Array, Array]:
        centres, scales = self.density.features()
        return centres + self.shift, scales

    def breaks(self) -> Array:
        return self.density.breaks() + self.shift

    def kinks(self) -> Array:
        return self.density.kinks() + self.shift

    def panels(self) -> Panels:
        panels = self.density.panels()
        return Panels(panels.edges + self.shift, panels.coefficients)
