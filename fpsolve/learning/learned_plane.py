"""Velocities and scores in the plane that minimise their losses in a basis."""

from __future__ import annotations

import dataclasses

import numpy as np

from fpsolve.learning.radial import RadialBasis
from fpsolve.processes.plane.base import FlowingProcess
from fpsolve.processes.plane.kernel import KernelProcess
from fpsolve.quadrature import Array
from fpsolve.settings import InputError


@dataclasses.dataclass(frozen=True, eq=False)
class LearnedPlane:
    """A field in the plane that minimises its loss in a basis.

    Parameters
    ----------
    process : FlowingProcess
        The forward process.
    basis : RadialBasis
    coefficients : (2, space.size, time.size) array
        theta of both components.
    loss, gradient_norm, rank, condition
        As for :class:`fpsolve.learning.matching.Learned`; rank and condition are those of one component.
    """

    process: FlowingProcess
    basis: RadialBasis
    coefficients: Array
    loss: float
    gradient_norm: float
    rank: int
    condition: float

    def field(self, t: float, x: Array, y: Array) -> Array:
        """The learned field at points, (2, n)."""
        return self.basis.evaluated(self.coefficients, t, x, y)

    def divergence(self, t: float, x: Array, y: Array) -> Array:
        """Divergence of the learned field, (n,)."""
        return self.basis.divergence(self.coefficients, t, x, y)


class LearnedPlaneVelocity(LearnedPlane):
    """The velocity u_theta that flow matching finds."""

    def velocity(self, t: float, x: Array, y: Array) -> Array:
        """u_theta at points (n,), L/s, shape (2, n)."""
        return self.field(t, x, y)

    def slope(self, t: float, x: Array, y: Array) -> Array:
        """Its divergence, 1/s, shape (n,)."""
        return self.divergence(t, x, y)


class LearnedPlaneScore(LearnedPlane):
    """The score s_theta that score matching finds."""

    def score(self, t: float, x: Array, y: Array) -> Array:
        """s_theta at points (n,), 1/L, shape (2, n)."""
        return self.field(t, x, y)

    def velocity(self, t: float, x: Array, y: Array) -> Array:
        """Force minus T s_theta (11), L/s, shape (2, n); not finite where these are not (cosine at tau)."""
        temperature, matrix = self._laws(t)
        with np.errstate(invalid="ignore"):
            return matrix @ np.stack([x, y]) - temperature * self.field(t, x, y)

    def slope(self, t: float, x: Array, y: Array) -> Array:
        """Divergence of the velocity, 1/s, shape (n,)."""
        temperature, matrix = self._laws(t)
        with np.errstate(invalid="ignore"):
            return np.trace(matrix) - temperature * self.divergence(t, x, y)

    def _laws(self, t: float) -> tuple[float, Array]:
        """Temperature, and the matrix of the linear force."""
        if not isinstance(self.process, KernelProcess):
            raise InputError("process", "its force is not that of a noise schedule; learn the velocity: flow_matching")
        kernel = self.process.kernel(t)
        with np.errstate(all="ignore"):
            determinant = float(np.linalg.det(kernel.carry))
            matrix = kernel.carry_rate @ np.linalg.inv(kernel.carry) if determinant > 0.0 else np.full((2, 2), np.nan)
        return kernel.temperature, matrix
