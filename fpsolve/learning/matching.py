"""Score matching and flow matching by quadrature on grids: "training" is one symmetric solve."""

from __future__ import annotations

import dataclasses
from typing import Any, cast, overload

import numpy as np

from fpsolve.learning.bases import Basis
from fpsolve.learning.learned_plane import LearnedPlaneScore, LearnedPlaneVelocity
from fpsolve.learning.losses import LossGrid, MatchingGrid, Samples, Weight
from fpsolve.learning.plane_grid import PlaneMatchingGrid
from fpsolve.learning.radial import RadialBasis
from fpsolve.processes import Diffusion, Process
from fpsolve.processes.plane.base import FlowingProcess, PlaneProcess
from fpsolve.processes.plane.kernel import KernelProcess
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


def direct_loss(
    learned: Learned, grid: MatchingGrid, *, target: str, conditional: bool = False, weight: Weight | None = None
) -> float:
    """The loss of a learned field as the sum of its squares."""
    samples = Samples.taken(learned.process, learned.basis, grid, target, conditional, weight)
    return samples.squares(learned.coefficients)


@overload
def flow_matching(
    process: Process, basis: Basis, *, conditional: bool = False, grid: MatchingGrid | None = None
) -> LearnedVelocity: ...


@overload
def flow_matching(
    process: FlowingProcess, basis: RadialBasis, *, conditional: bool = False, grid: PlaneMatchingGrid | None = None
) -> LearnedPlaneVelocity: ...


def flow_matching(
    process: Process | FlowingProcess, basis: Basis | RadialBasis, *, conditional: bool = False, grid: Any = None
) -> LearnedVelocity | LearnedPlaneVelocity:
    """Flow matching (12), (13), or its conditional form (19), (21), on a grid.

    Parameters
    ----------
    process : Process or FlowingProcess
        The forward process, on the line or in the plane; for the conditional form one of a noise schedule.
    basis : Basis or RadialBasis
        See :func:`fpsolve.learning.bases.spline_basis`, and :func:`fpsolve.learning.radial.radial_basis` in the plane.
    conditional : bool
        Whether the target is the velocity given the data point: the same gradient (App. A), a larger loss.
    grid : MatchingGrid or PlaneMatchingGrid, optional
        The nodes; by default as many as resolve P_t and the functions.

    Raises
    ------
    InputError
        A basis too large for the grid, with the rank; a conditional form of a process without schedule; a process in
        the plane with a basis for the line, or the reverse.
    """
    kind = LearnedPlaneVelocity if isinstance(basis, RadialBasis) else LearnedVelocity
    fitted: LearnedVelocity | LearnedPlaneVelocity = _fit(kind, process, basis, grid, "velocity", conditional, None)
    return fitted


@overload
def score_matching(
    process: Process,
    basis: Basis,
    *,
    weight: Weight | None = None,
    conditional: bool = False,
    grid: MatchingGrid | None = None,
) -> LearnedScore: ...


@overload
def score_matching(
    process: FlowingProcess,
    basis: RadialBasis,
    *,
    weight: Weight | None = None,
    conditional: bool = False,
    grid: PlaneMatchingGrid | None = None,
) -> LearnedPlaneScore: ...


def score_matching(
    process: Process | FlowingProcess,
    basis: Basis | RadialBasis,
    *,
    weight: Weight | None = None,
    conditional: bool = False,
    grid: Any = None,
) -> LearnedScore | LearnedPlaneScore:
    """Score matching (5), (6), or denoising score matching (18), (20), on a grid.

    Parameters
    ----------
    weight : callable, optional
        ``t -> w(t)``; by default the variance of the noise where there is a schedule, one of other processes. With
        w = T² it is flow matching.
    process, basis, conditional, grid
        As in :func:`flow_matching`.
    """
    kind = LearnedPlaneScore if isinstance(basis, RadialBasis) else LearnedScore
    wanted = noise_weight(process) if weight is None else weight
    fitted: LearnedScore | LearnedPlaneScore = _fit(kind, process, basis, grid, "score", conditional, wanted)
    return fitted


def noise_weight(process: Process | PlaneProcess) -> Weight | None:
    """Variance of the noise at each time, where there is a schedule."""
    if isinstance(process, Diffusion):
        schedule = process.schedule
        return lambda t: float(schedule.curve(np.array([t])).variance[0])
    if isinstance(process, KernelProcess):
        return lambda t: 0.5 * float(np.trace(process.kernel(t).covariance))
    return None


def _fit(
    kind: Any,
    process: Process | FlowingProcess,
    basis: Basis | RadialBasis,
    grid: LossGrid | None,
    target: str,
    conditional: bool,
    weight: Weight | None,
) -> Any:
    plane = _in_plane(process, basis)
    if grid is not None and isinstance(grid, PlaneMatchingGrid) != plane:
        raise InputError("grid", f"given a {type(grid).__name__}; it has another dimension than the process")
    nodes = _fitted(process, basis) if grid is None else grid
    samples = Samples.taken(process, basis, nodes, target, conditional, weight)
    loss = samples.loss()
    theta, condition = loss.solve()
    size = float(np.linalg.norm(2.0 * loss.right))
    slope = float(np.linalg.norm(loss.gradient(theta))) / max(size, 1e-300)
    shaped = theta.reshape(*theta.shape[:-1], basis.space.size, basis.time.size)
    return kind(process, basis, shaped, samples.squares(shaped), slope, loss.rank, condition)


def _in_plane(process: Process | FlowingProcess, basis: Basis | RadialBasis) -> bool:
    """Whether process and basis are of the plane; both must be of one dimension."""
    plane = isinstance(process, FlowingProcess) and isinstance(basis, RadialBasis)
    if not plane and (isinstance(process, PlaneProcess) or isinstance(basis, RadialBasis)):
        raise InputError(
            "basis", f"given a {type(process).__name__} with a {type(basis).__name__}; in the plane take radial_basis "
            "and a process that knows its velocity at every point, on the line spline_basis or polynomial_basis"
        )  # fmt: skip
    return plane


def _fitted(process: Process | FlowingProcess, basis: Basis | RadialBasis) -> LossGrid:
    """Nodes that resolve the process and the basis."""
    if isinstance(process, FlowingProcess) and isinstance(basis, RadialBasis):
        return PlaneMatchingGrid.fitted(process, basis)
    return MatchingGrid.fitted(cast(Process, process), cast(Basis, basis))
