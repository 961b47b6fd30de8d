"""What every forward process in the plane can do."""

from __future__ import annotations

import abc
import dataclasses
import math

import numpy as np

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.estimates import Estimate
from fpsolve.forces.base import Force
from fpsolve.grids import Grid
from fpsolve.processes.plane.characteristics import ACCURACY, carried
from fpsolve.processes.plane.lattice import lattice
from fpsolve.quadrature import Array
from fpsolve.settings import InputError

#: frequency of the wave that tells how well a lattice resolves what it sums, in units of the lattice's own, and the
#: power of its part that the error of the sum was found to stay below
_NEARLY, _DECAY = 0.45, 1.2


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
    spacing : (float, float), optional
        Distances of the points along x and y where they are a lattice.
    """

    x: Array
    y: Array
    weight: Array
    velocity: Array
    score: Array | None = None
    density: Array | None = None
    spacing: tuple[float, float] | None = None

    def unresolved(self, values: Array) -> float:
        """Bar of the sum of values over a lattice: how much of them oscillates nearly as fast as the points do.

        The rule on a lattice sees waves of its own spacing as constants; what there is of those is guessed, cautiously,
        from waves of about twice that length.
        """
        total = float(np.sum(np.abs(values)))
        if self.spacing is None or total == 0.0:
            return 0.0
        waves = sum(
            abs(complex(np.sum(values * np.exp(2j * np.pi * _NEARLY * place / step))))
            for place, step in zip((self.x, self.y), self.spacing, strict=True)
        )
        return float(total * (waves / total) ** _DECAY)

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
    def labels(self, t: float, nodes: Nodes, tighter: float = 1.0) -> Array:
        """Where the flow carries the nodes of time t to at t = tau, a (2, n) array, so many times more accurately."""

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

    def force(self, temperature: float, mobility: float = 1.0) -> Force:
        """The force nu_t / mobility + T grad ln P_t, with which a Fokker-Planck equation follows the process.

        Raises
        ------
        InputError
            A process that does not know velocity and score at every point.
        """
        raise InputError(
            "process", f"{type(self).__name__} does not know velocity and score at every point; forces are made of "
            "processes on the line and of kernel mixtures"
        )  # fmt: skip

    @property
    def action(self) -> Estimate | None:
        """∫ v₂² dt where the process knows it better than any quadrature would, L²/s."""
        return None

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

    def force(self, temperature: float, mobility: float = 1.0) -> Force:
        from fpsolve.processes.driving import PlaneDrivingForce

        return PlaneDrivingForce(self, temperature, mobility)

    def nodes(self, t: float, grid: Grid, finer: int = 1) -> Nodes:
        x, y, spacing = lattice(self.resolved(t), grid, finer)
        flow = self.flow(t, x, y)
        weight = np.exp(flow.log_density) * (spacing[0] * spacing[1])
        return Nodes(x, y, weight, flow.velocity, flow.score, spacing=spacing)

    @property
    def accuracy(self) -> float:
        """Accuracy asked of the paths of the heaviest points, L."""
        return ACCURACY * math.sqrt(float(np.trace(self.final.covariance)))

    def labels(self, t: float, nodes: Nodes, tighter: float = 1.0) -> Array:
        points, accuracy = np.stack([nodes.x, nodes.y]), self.accuracy / tighter
        return carried(lambda s, x, y: self.flow(s, x, y).velocity, t, self.tau, points, nodes.importance, accuracy)
