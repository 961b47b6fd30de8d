"""Score matching and flow matching by quadrature on grids: "training" is one symmetric solve."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import numpy as np

from fpsolve.learning.bases import Basis
from fpsolve.learning.losses import MatchingGrid, Weight, measure, quadratic_loss
from fpsolve.processes import Diffusion, Process
from fpsolve.quadrature import Array
from fpsolve.settings import InputError


@dataclasses.dataclass(frozen=True, eq=False)
class Learned:
    """A field that minimises its loss in a basis.

    Parameters
    ----------
    process : Process
        The forward process.
    basis : Basis
    coefficients : (space.size, time.size) array
        theta.
    loss : float
        Least loss: of the velocity (1/tau) int dt E_P |u_theta - nu|² (12), L²/s²; of the score with its weight (5).
        The conditional losses (18)-(21) include the variance of their targets.
    gradient_norm : float
        Norm of the gradient at the minimiser, relative to that at theta = 0.
    rank : int
        Rank of the Gram matrix: the number of parameters.
    condition : float
        Condition number of the Gram matrix of normalised functions.
    """

    process: Process
    basis: Basis
    coefficients: Array
    loss: float
    gradient_norm: float
    rank: int
    condition: float

    def field(self, t: float, x: Array, derivative: int = 0) -> Array:
        """The learned field, or its derivative by x, at points."""
        return self.basis.evaluated(self.coefficients, t, x, derivative)


class LearnedVelocity(Learned):
    """The velocity u_theta that flow matching finds."""

    def velocity(self, t: float, x: Array) -> Array:
        """u_theta at points, L/s."""
        return self.field(t, x)

    def slope(self, t: float, x: Array) -> Array:
        """Its derivative by x, 1/s."""
        return self.field(t, x, 1)


class LearnedScore(Learned):
    """The score s_theta that score matching finds."""

    def score(self, t: float, x: Array) -> Array:
        """s_theta at points, 1/L."""
        return self.field(t, x)

    def velocity(self, t: float, x: Array) -> Array:
        """Force minus T s_theta (11), L/s; not finite where these are not (cosine at tau)."""
        temperature, force = self._laws(t, x)
        with np.errstate(invalid="ignore"):
            return force - temperature * self.field(t, x)

    def slope(self, t: float, x: Array) -> Array:
        """Derivative of the velocity by x, 1/s: that of a linear force, and of the learned score."""
        temperature, force = self._laws(t, np.array([0.0, 1.0]))
        return force[1] - force[0] - temperature * self.field(t, x, 1)

    def _laws(self, t: float, x: Array) -> tuple[float, Array]:
        """Temperature, and the force at points."""
        if not isinstance(self.process, Diffusion):
            raise InputError("process", "its force is not that of a noise schedule; learn the velocity: flow_matching")
        curve = self.process.schedule.curve(np.array([t]))
        return float(curve.temperature[0]), curve.force_rate[0] * np.asarray(x, float)


Kind = TypeVar("Kind", bound=Learned)


def direct_loss(
    learned: Learned, grid: MatchingGrid, *, target: str, conditional: bool = False, weight: Weight | None = None
) -> float:
    """The loss as the sum of its squares: no cancellation, however small it is."""
    dt = grid.time_weights / np.sum(grid.time_weights)
    total = 0.0
    for t, part in zip(grid.times, dt, strict=True):
        x, dx = grid.points(learned.basis, float(t))
        joint = measure(learned.process, float(t), x, target, conditional)
        gap = learned.field(float(t), x)[:, None] - joint.target
        factor = 1.0 if weight is None else weight(float(t))
        total += float(part * factor * np.sum(dx[:, None] * joint.weights * gap**2))
    return total


def flow_matching(
    process: Process, basis: Basis, *, conditional: bool = False, grid: MatchingGrid | None = None
) -> LearnedVelocity:
    """Flow matching (12), (13), or its conditional form (19), (21), on a grid.

    Parameters
    ----------
    process : Process
        The forward process; for the conditional form one of a noise schedule.
    basis : Basis
        See :func:`fpsolve.learning.bases.spline_basis`.
    conditional : bool
        Whether the target is the velocity given the data point: the same gradient (App. A), a larger loss.
    grid : MatchingGrid, optional
        The nodes; panels that resolve P_t and the functions by default.

    Raises
    ------
    InputError
        A basis too large for the grid, with the rank; a conditional form of a process without schedule.
    """
    return _fit(LearnedVelocity, process, basis, grid, "velocity", conditional, None)


def score_matching(
    process: Process,
    basis: Basis,
    *,
    weight: Weight | None = None,
    conditional: bool = False,
    grid: MatchingGrid | None = None,
) -> LearnedScore:
    """Score matching (5), (6), or denoising score matching (18), (20), on a grid.

    Parameters
    ----------
    weight : callable, optional
        ``t -> w(t)``; by default sigma² of a noise schedule, one of other processes. With w = T² it is flow matching.
    process, basis, conditional, grid
        As in :func:`flow_matching`.
    """
    if weight is None and isinstance(process, Diffusion):
        schedule = process.schedule
        weight = lambda t: float(schedule.curve(np.array([t])).variance[0])  # noqa: E731
    return _fit(LearnedScore, process, basis, grid, "score", conditional, weight)


def _fit(
    kind: type[Kind],
    process: Process,
    basis: Basis,
    grid: MatchingGrid | None,
    target: str,
    conditional: bool,
    weight: Weight | None,
) -> Kind:
    nodes = MatchingGrid.fitted(process, basis) if grid is None else grid
    loss = quadratic_loss(process, basis, nodes, target=target, conditional=conditional, weight=weight)
    theta, condition = loss.solve()
    size = float(np.linalg.norm(2.0 * loss.right))
    slope = float(np.linalg.norm(loss.gradient(theta))) / max(size, 1e-300)
    shaped = theta.reshape(basis.space.size, basis.time.size)
    found = kind(process, basis, shaped, 0.0, slope, loss.rank, condition)
    least = direct_loss(found, nodes, target=target, conditional=conditional, weight=weight)
    return dataclasses.replace(found, loss=least)
