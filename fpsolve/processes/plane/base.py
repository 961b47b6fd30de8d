"""What every forward process in the plane can do."""

from __future__ import annotations

import abc
import dataclasses

import numpy as np
from numpy.typing import NDArray

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.estimates import Estimate
from fpsolve.grids import Grid
from fpsolve.processes.plane.characteristics import carried
from fpsolve.processes.plane.lattice import lattice
from fpsolve.quadrature import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Flow:
    """A process at one instant and given points.

    Parameters
    ----------
    log_density : (n,) array
        Logarithm of P_t, finite however far out.
    velocity : (2, n) array
        Mean velocity nu_t (1), L/s.
    score : (2, n) array or None
        Gradient of the log density, 1/L, where the process knows it in closed form.
    """

    log_density: Array
    velocity: Array
    score: Array | None


@dataclasses.dataclass(frozen=True, eq=False)
class Nodes:
    """Points that stand for P_t: the mean of a function is the sum of its values times the weights.

    Parameters
    ----------
    x, y : (n,) arrays
        Positions, L.
    weight : (n,) array
        Probability that each point stands for.
    velocity : (2, n) array
        Mean velocity, L/s.
    score : (2, n) array or None
        Gradient of the log density, 1/L.
    density : (n,) array, optional
        What the accuracy of the paths goes by where the weights are not proportional to the density.
    even : (n,) boolean array, optional
        Half of the points, which with twice the weights stand for P_t too.
    """

    x: Array
    y: Array
    weight: Array
    velocity: Array
    score: Array | None = None
    density: Array | None = None
    even: NDArray[np.bool_] | None = None

    def unresolved(self, values: Array) -> float:
        """How far the sum of values depends on which half of the points it is taken over."""
        if self.even is None:
            return 0.0
        return 2.0 * abs(float(np.sum(values[self.even])) - float(np.sum(values[~self.even])))

    @property
    def importance(self) -> Array:
        """The density at the nodes, up to a factor."""
        return self.weight if self.density is None else self.density

    def mean(self, values: Array) -> float:
        """E[values]."""
        return float(np.sum(self.weight * values))


class PlaneProcess(abc.ABC):
    """A forward process on [0, tau]: densities P_t and mean velocities nu_t in the plane."""

    tau: float

    @abc.abstractmethod
    def density(self, t: float) -> PlaneDensity:
        """P_t, with exact cell masses."""

    @abc.abstractmethod
    def nodes(self, t: float, grid: Grid, finer: int = 1) -> Nodes:
        """Points inside the grid's rectangle that stand for P_t; ``finer`` times as many along each axis, if it can."""

    @abc.abstractmethod
    def labels(self, t: float, nodes: Nodes) -> Array:
        """Where the flow carries the nodes of time t to at t = tau, a (2, n) array."""

    @abc.abstractmethod
    def temperature(self, t: Array) -> Array | None:
        """Temperature T_t, L²/s (infinite where a schedule's is), or None where the process has none."""

    def force_over_temperature(self, t: float, x: Array, y: Array) -> Array | None:
        """F / T at points, a (2, n) array, 1/L; None where the process has no closed form for it."""
        return None

    def moving(self, t: float, nodes: Nodes) -> Array:
        """The velocity less what is known to move no mass, a (2, n) array."""
        return nodes.velocity

    def swirl(self, t: float, x: Array, y: Array) -> Array | None:
        """The part of :meth:`moving` that is not known to be a gradient, a (2, n) array; None where there is none."""
        return None

    @property
    def action(self) -> Estimate | None:
        """∫ v₂² dt where the process knows it better than any quadrature would, L²/s."""
        return None

    def eulerian(self, t: float) -> tuple[Array, Array, Array]:
        """Cell masses and both components of the velocity at the centres of the process' own grid.

        For processes that know no velocity at every point.
        """
        raise NotImplementedError

    @property
    def conservative(self) -> bool:
        """Whether the velocity is a gradient: everything dissipated moves mass."""
        return True

    @property
    def initial(self) -> PlaneDensity:
        """P_0, the data q."""
        return self.density(0.0)

    @property
    def final(self) -> PlaneDensity:
        """P_tau, the noise."""
        return self.density(self.tau)


class FlowingProcess(PlaneProcess):
    """A process that knows density and velocity at any point."""

    @abc.abstractmethod
    def flow(self, t: float, x: Array, y: Array) -> Flow:
        """Log density, velocity and score at points."""

    @abc.abstractmethod
    def resolved(self, t: float) -> PlaneDensity:
        """P_t with its ``finest`` scale, for the choice of the nodes."""

    def nodes(self, t: float, grid: Grid, finer: int = 1) -> Nodes:
        x, y, area, even = lattice(self.resolved(t), grid, finer)
        flow = self.flow(t, x, y)
        return Nodes(x, y, np.exp(flow.log_density) * area, flow.velocity, flow.score, even=even)

    def labels(self, t: float, nodes: Nodes) -> Array:
        points = np.stack([nodes.x, nodes.y])
        return carried(lambda s, x, y: self.flow(s, x, y).velocity, t, self.tau, points, nodes.importance)
