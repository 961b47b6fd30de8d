"""Losses of score and flow matching on grids: quadratic forms whose entries are quadratures."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.lapack import dpocon, dpstrf

from fpsolve.learning.bases import Basis
from fpsolve.learning.joint import Joint, joint_measure
from fpsolve.mesh import marched
from fpsolve.processes import Diffusion, Process
from fpsolve.quadrature import Array, panel_nodes
from fpsolve.settings import InputError, whole

#: probability beyond the outermost quadrature nodes, and the instants at which the reach and the features are read
_TAIL, _INSTANTS = 1e-20, np.linspace(0.02, 0.98, 9)
_EPS = float(np.finfo(float).eps)

Weight = Callable[[float], float]


@dataclasses.dataclass(frozen=True, eq=False)
class MatchingGrid:
    """Quadrature nodes of a loss: xi = (x - a_t) / b_t in space, and times.

    Parameters
    ----------
    xi, weights : (nx,) arrays
        Nodes and weights in the frame of the basis.
    times, time_weights : (nt,) arrays
        Times in (0, tau), s, and weights that add up to tau.
    """

    xi: Array
    weights: Array
    times: Array
    time_weights: Array

    @classmethod
    def fitted(cls, process: Process, basis: Basis) -> MatchingGrid:
        """Gauss-Kronrod panels between the knots, fine wherever P_t has structure."""
        ends, centres, scales = [], [], []
        for t in process.tau * _INSTANTS:
            middle, size = basis.frame(t)
            density = process.density(t)
            ends.append((np.array(density.interval(_TAIL)) - middle) / size)
            places, widths = density.features()
            centres.append((places - middle) / size)
            scales.append(widths / size)
        reach = np.array(ends)
        hard = np.concatenate([basis.space.knots(), [reach[:, 0].min(), reach[:, 1].max()]])
        xi, weights, _ = panel_nodes(marched(np.unique(hard), np.concatenate(centres), np.concatenate(scales)))
        cuts = np.linspace(0.0, process.tau, 5)
        times, time_weights, _ = panel_nodes(np.unique(np.concatenate([basis.time.knots(), process.kinks(), cuts])))
        return cls(xi, weights, times, time_weights)

    @classmethod
    def uniform(cls, process: Process, basis: Basis, points: int, times: int) -> MatchingGrid:
        """Midpoints of equal cells over the window and over [0, tau]."""
        points, times = whole("points", points), whole("times", times)
        low, high = basis.space.lower, basis.space.upper
        x, t = (np.arange(points) + 0.5) / points, (np.arange(times) + 0.5) / times
        step, duration = (high - low) / points, process.tau / times
        return cls(low + (high - low) * x, np.full(points, step), process.tau * t, np.full(times, duration))

    def points(self, basis: Basis, t: float) -> tuple[Array, Array]:
        """Nodes and weights in x at one time."""
        centre, scale = basis.frame(t)
        return centre + scale * self.xi, scale * self.weights


@dataclasses.dataclass(frozen=True, eq=False)
class QuadraticLoss:
    """(1/tau) int dt w(t) E |u_theta - target|² as theta G theta - 2 b theta + c.

    Parameters
    ----------
    gram : (n, n) array
        G.
    right : (n,) array
        b.
    constant : float
        c, the loss of theta = 0.
    """

    gram: Array
    right: Array
    constant: float

    def value(self, theta: Array) -> float:
        """The loss; for a loss far below ``constant`` rounding of that size remains."""
        theta = np.ravel(theta)
        return float(theta @ self.gram @ theta - 2.0 * self.right @ theta + self.constant)

    def gradient(self, theta: Array) -> Array:
        """Derivative by the parameters, (n,)."""
        return 2.0 * (self.gram @ np.ravel(theta) - self.right)

    @functools.cached_property
    def _scale(self) -> Array:
        diagonal = np.diag(self.gram)
        return 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))

    @functools.cached_property
    def _scaled(self) -> Array:
        return self.gram * self._scale[:, None] * self._scale

    @functools.cached_property
    def rank(self) -> int:
        """Directions of parameter space that the grid tells apart."""
        return int(dpstrf(self._scaled, tol=4.0 * _EPS * self.right.size)[2])

    def solve(self) -> tuple[Array, float]:
        """The minimiser and the condition number of the scaled Gram matrix.

        Raises
        ------
        InputError
            A basis too large for the grid: the Gram matrix does not have full rank.
        """
        if self.rank < self.right.size:
            raise InputError(
                "basis",
                f"given {self.right.size} functions, but the grid tells only {self.rank} of them apart (the rank of "
                f"the Gram matrix); take at most about {self.rank} functions, a narrower window or a finer grid",
            )
        matrix = self._scaled
        factor = cho_factor(matrix, lower=True)
        solution = cho_solve(factor, self._scale * self.right)
        solution += cho_solve(factor, self._scale * self.right - matrix @ solution)
        reciprocal, _ = dpocon(factor[0], float(np.linalg.norm(matrix, 1)), uplo="L")
        return self._scale * solution, float(1.0 / reciprocal) if reciprocal > 0.0 else np.inf


def quadratic_loss(
    process: Process,
    basis: Basis,
    grid: MatchingGrid,
    *,
    target: str = "velocity",
    conditional: bool = False,
    weight: Weight | None = None,
) -> QuadraticLoss:
    """Gram matrix, right-hand side and constant of a loss.

    Parameters
    ----------
    process, basis, grid
        The forward process, the functions, and the nodes.
    target : {"velocity", "score"}
        Flow matching (12) or score matching (5).
    conditional : bool
        Whether the target is that given the data point: m' y + sigma' e (19), (21) or -e / sigma (18), (20).
    weight : callable, optional
        ``t -> w(t)``; one by default.
    """
    phi, psi = basis.space.table(grid.xi), basis.time.table(grid.times)
    rows = np.empty((grid.times.size, phi.shape[1] ** 2))
    sides = np.empty((grid.times.size, phi.shape[1]))
    constants = np.empty(grid.times.size)
    for j, t in enumerate(grid.times):
        x, dx = grid.points(basis, float(t))
        joint = measure(process, float(t), x, target, conditional)
        mass = dx[:, None] * joint.weights
        rows[j] = (phi.T @ (np.sum(mass, axis=1)[:, None] * phi)).ravel()
        sides[j] = np.sum(phi.T @ (mass * joint.target), axis=1)
        constants[j] = np.sum(mass * joint.target**2)
    dt = grid.time_weights / np.sum(grid.time_weights)
    if weight is not None:
        dt = dt * np.array([weight(float(t)) for t in grid.times])
    k, size = phi.shape[1], psi.shape[1]
    pairs = (psi[:, :, None] * psi[:, None, :]).reshape(-1, size**2)
    gram = (rows.T @ (dt[:, None] * pairs)).reshape(k, k, size, size).transpose(0, 2, 1, 3).reshape(k * size, -1)
    right = (sides.T @ (dt[:, None] * psi)).ravel()
    return QuadraticLoss(0.5 * (gram + gram.T), right, float(dt @ constants))


def measure(process: Process, t: float, x: Array, target: str, conditional: bool) -> Joint:
    """Density and target at the nodes, given the data point or on average."""
    if conditional:
        if not isinstance(process, Diffusion):
            raise InputError("process", "conditional matching needs a noise schedule; use conditional=False")
        return joint_measure(process, t, x, target)
    state = process.state(t, x)
    wanted = state.velocity if target == "velocity" else state.score
    if wanted is None:
        raise InputError("process", "it knows no score in closed form; use flow_matching")
    sound = (state.pdf > 0.0) & np.isfinite(wanted)
    return Joint(np.where(sound, state.pdf, 0.0)[:, None], np.where(sound, wanted, 0.0)[:, None])
