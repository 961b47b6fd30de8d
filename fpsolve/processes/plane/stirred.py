"""A process with a current around it that moves points but no mass."""

from __future__ import annotations

import dataclasses

import numpy as np

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.processes.plane.base import Flow, FlowingProcess, Nodes
from fpsolve.quadrature import Array
from fpsolve.schedules.stirring import Stream


@dataclasses.dataclass(frozen=True, eq=False)
class Stirred(FlowingProcess):
    """nu + g u with u = (1/P) grad^perp (s P) = grad^perp s + s grad^perp ln P, so that div(u P) = 0.

    Parameters
    ----------
    base : FlowingProcess
        What is stirred; it must know its score.
    stream : Stream
        s at any time.
    strength : float
        g.
    """

    base: FlowingProcess
    stream: Stream
    strength: float

    @property
    def tau(self) -> float:  # type: ignore[override]
        return self.base.tau

    def density(self, t: float) -> PlaneDensity:
        return self.base.density(t)

    def resolved(self, t: float) -> PlaneDensity:
        return self.base.resolved(t)

    def flow(self, t: float, x: Array, y: Array) -> Flow:
        flow = self.base.flow(t, x, y)
        return dataclasses.replace(flow, velocity=flow.velocity + self._current(t, x, y, flow.score))

    def _current(self, t: float, x: Array, y: Array, score: Array | None) -> Array:
        assert score is not None
        s, along_x, along_y = self.stream.derivatives(t, x, y)
        return self.strength * np.stack([-along_y - s * score[1], along_x + s * score[0]])

    def temperature(self, t: Array) -> Array | None:
        return self.base.temperature(t)

    def moving(self, t: float, nodes: Nodes) -> Array:
        return nodes.velocity - self._current(t, nodes.x, nodes.y, nodes.score)

    def swirl(self, t: float, x: Array, y: Array) -> Array | None:
        return self.base.swirl(t, x, y)

    @property
    def conservative(self) -> bool:
        return self.strength == 0.0 and self.base.conservative
