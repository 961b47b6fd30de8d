"""Losses of score and flow matching on grids: quadratic forms whose entries are quadratures."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.lapack import dpocon, dpstrf

from fpsolve.learning.bases import Basis
from fpsolve.learning.joint import Moments, averaged, joint_measure
from fpsolve.mesh import marched
from fpsolve.processes import Diffusion, Process
from fpsolve.quadrature import Array, panel_nodes
from fpsolve.settings import InputError, whole

#: probability beyond the outermost quadrature nodes, and the instants at which the reach and the features are read
_TAIL, _INSTANTS = 1e-20, np.linspace(0.02, 0.98, 9)
_EPS = float(np.finfo(float).eps)

Weight = Callable[[float], float]


@dataclasses.dataclass(frozen=True)
class Instant:
    """What a loss needs to know of one time: the nodes that count, and what is to be learned there.

    Parameters
    ----------
    mass : (n,) array
        Probability of each node.
    target : (d, n) array
        Mean of the target given the node.
    variance : (n,) array
        Its variance given the node, summed over the components.
    held : slice or array of int
        Which nodes of the grid these are.
    """

    mass: Array
    target: Array
    variance: Array
    held: slice | NDArray[np.int64]


class LossGrid(Protocol):
    """Quadrature nodes of a loss, in space and in time."""

    @property
    def times(self) -> Array:
        """Times in (0, tau), s."""

    @property
    def time_weights(self) -> Array:
        """Their weights, which add up to tau."""

    def table(self, basis: Any) -> Array:
        """Functions of space at the nodes, (nodes, functions)."""

    def instant(self, process: Any, basis: Any, t: float, target: str, conditional: bool) -> Instant:
        """Masses and targets at one time."""


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

    def table(self, basis: Basis) -> Array:
        """Functions of space at the nodes, (nx, functions)."""
        return basis.space.table(self.xi)

    def instant(self, process: Process, basis: Basis, t: float, target: str, conditional: bool) -> Instant:
        """Masses and targets at one time."""
        x, dx = self.points(basis, t)
        law = measure(process, t, x, target, conditional)
        return Instant(dx * law.density, law.target, law.variance, slice(None))


@dataclasses.dataclass(frozen=True, eq=False)
class QuadraticLoss:
    """(1/tau) int dt w(t) E |u_theta - target|² as theta G theta - 2 b theta + c, for each component of u.

    Parameters
    ----------
    gram : (n, n) array
        G, the same for all components.
    right : (n,) or (d, n) array
        b.
    constant : float
        c, the loss of theta = 0.
    """

    gram: Array
    right: Array
    constant: float

    def value(self, theta: Array) -> float:
        """The loss; for a loss far below ``constant`` rounding of that size remains."""
        theta = np.reshape(theta, self.right.shape)
        return float(np.sum(theta * (theta @ self.gram)) - 2.0 * np.sum(self.right * theta) + self.constant)

    def gradient(self, theta: Array) -> Array:
        """Derivative by the parameters, shaped like ``right``."""
        return np.asarray(2.0 * (np.reshape(theta, self.right.shape) @ self.gram - self.right))

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
        return int(dpstrf(self._scaled, tol=4.0 * _EPS * self.gram.shape[0])[2])

    def solve(self) -> tuple[Array, float]:
        """The minimiser and the condition number of the scaled Gram matrix.

        Raises
        ------
        InputError
            A basis too large for the grid: the Gram matrix does not have full rank.
        """
        size = self.gram.shape[0]
        if self.rank < size:
            raise InputError(
                "basis",
                f"given {size} functions, but the grid tells only {self.rank} of them apart (the rank of "
                f"the Gram matrix); take at most about {self.rank} functions, a narrower window or a finer grid",
            )
        matrix, right = self._scaled, (self._scale * self.right).T
        factor = cho_factor(matrix, lower=True)
        solution = cho_solve(factor, right)
        solution += cho_solve(factor, right - matrix @ solution)
        reciprocal, _ = dpocon(factor[0], float(np.linalg.norm(matrix, 1)), uplo="L")
        return self._scale * solution.T, float(1.0 / reciprocal) if reciprocal > 0.0 else np.inf


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
    """Everything a loss is made of: functions at the nodes, and what is to be learned at each time.

    Parameters
    ----------
    space : (nodes, k) array
    time : (times, l) array
        Functions of space and of time.
    instants : list of Instant
        One for each time.
    dt : (times,) array
        Weights of the times with that of the loss; one in all if that is one.
    """

    space: Array
    time: Array
    instants: list[Instant]
    dt: Array

    @classmethod
    def taken(
        cls, process: Any, basis: Any, grid: LossGrid, target: str, conditional: bool, weight: Weight | None
    ) -> Samples:
        """Those of a process on a grid."""
        dt = grid.time_weights / np.sum(grid.time_weights)
        if weight is not None:
            dt = dt * np.array([weight(float(t)) for t in grid.times])
        instants = [grid.instant(process, basis, float(t), target, conditional) for t in grid.times]
        return cls(grid.table(basis), basis.time.table(grid.times), instants, dt)

    def loss(self) -> QuadraticLoss:
        """Gram matrix, right-hand side and constant."""
        k, size, many = self.space.shape[1], self.time.shape[1], self.instants[0].target.shape[0]
        rows, sides, constants = np.empty((self.dt.size, k * k)), np.empty((self.dt.size, many * k)), []
        for j, now in enumerate(self.instants):
            phi = self.space[now.held]
            root = np.sqrt(now.mass)[:, None] * phi
            rows[j] = (root.T @ root).ravel()
            sides[j] = ((now.mass * now.target) @ phi).ravel()
            constants.append(now.mass @ (np.sum(now.target**2, axis=0) + now.variance))
        pairs = (self.time[:, :, None] * self.time[:, None, :]).reshape(-1, size**2)
        blocks = (rows.T @ (self.dt[:, None] * pairs)).reshape(k, k, size, size)
        gram = blocks.transpose(0, 2, 1, 3).reshape(k * size, -1)
        right = (sides.T @ (self.dt[:, None] * self.time)).reshape(many, -1)
        return QuadraticLoss(0.5 * (gram + gram.T), right[0] if many == 1 else right, float(self.dt @ constants))

    def squares(self, coefficients: Array) -> float:
        """The loss of coefficients (..., k, l) as the sum of its squares: no cancellation, however small it is."""
        total = 0.0
        for j, now in enumerate(self.instants):
            field = np.atleast_2d(coefficients @ self.time[j]) @ self.space[now.held].T
            total += float(self.dt[j] * (now.mass @ (np.sum((field - now.target) ** 2, axis=0) + now.variance)))
        return total


def quadratic_loss(
    process: Any,
    basis: Any,
    grid: LossGrid,
    *,
    target: str = "velocity",
    conditional: bool = False,
    weight: Weight | None = None,
) -> QuadraticLoss:
    """Gram matrix, right-hand side and constant of a loss, on the line or in the plane.

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
    return Samples.taken(process, basis, grid, target, conditional, weight).loss()


def measure(process: Process, t: float, x: Array, target: str, conditional: bool) -> Moments:
    """Density and target at the nodes, given the data point or on average."""
    if conditional:
        if not isinstance(process, Diffusion):
            raise InputError("process", "conditional matching needs a noise schedule; use conditional=False")
        return averaged(joint_measure(process, t, x, target))
    state = process.state(t, x)
    wanted = state.velocity if target == "velocity" else state.score
    if wanted is None:
        raise InputError("process", "it knows no score in closed form; use flow_matching")
    sound = (state.pdf > 0.0) & np.isfinite(wanted)
    return Moments(np.where(sound, state.pdf, 0.0), np.where(sound, wanted, 0.0)[None], np.zeros(x.size))
