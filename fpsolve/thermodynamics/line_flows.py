"""The flow of an instant on a line or a ring: entropy production, its parts, speeds.

With nu = M (F - T grad ln P) the mean velocity and nu_st that of the instantaneous steady state,

    nu = (nu - nu_st) + (nu_st - g) + g',    T S' = int nu . M^-1 nu P dx,

nu - nu_st = -T M grad ln(P / P_st) is a gradient orthogonal to nu_st, and the projection of nu on gradients is the
velocity that moves the density with least energy. Three orthogonal parts follow: excess (Hatano-Sasa), |nu - nu_st|²;
coupling, the part of nu_st that is a gradient; housekeeping (Maes-Netocny), the rest of nu_st. Excess and coupling
together are the excess of Maes and Netocny, coupling and housekeeping together the housekeeping of Hatano and Sasa.
"""

from __future__ import annotations

import math

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.grids import Array, Axis, Grid
from fpsolve.solution.gauges import face_values
from fpsolve.thermodynamics.flow import Flow
from fpsolve.thermodynamics.steady_states import ring_velocity

#: density, relative to its maximum, below which rounding is all there is
_FAINT = 1e-14
#: secant steps to where a current turns round
_ROUNDS = 6


class LineFlows:
    """The flow of a solution on a line or a ring at any instant.

    Parameters
    ----------
    problem : FokkerPlanck
    grid : Grid
    """

    def __init__(self, problem: FokkerPlanck, grid: Grid) -> None:
        self.problem, self.grid = problem, grid
        self.turning = grid.axis.periodic and problem.force.split()[1] is not None
        self._held: tuple[float, Array] | None = None

    def __call__(self, system: Discretisation, masses: Array, t: float) -> Flow:
        """Rates of entropy and speeds at time t.

        Parameters
        ----------
        system : Discretisation
            What gives the currents through the faces.
        masses : (n,) array
            Of a numerical solution: rounding below zero is no matter.
        t : float
            Time, s.
        """
        problem, axis = self.problem, self.grid.axis
        (current,) = system.at(t).currents(masses)
        density, width = values_between(masses / self.grid.widths, self.grid), distances(axis)
        mobility, square = float(problem.mobility_matrix[0, 0]), current * current / density
        action = float(np.sum(square * width))
        if not problem.uniform_temperature:
            local = np.broadcast_to(problem.temperature_at(t, (axis.edges,)), current.shape)
            produced = float(np.sum(square * width / local)) / mobility
            nan, why = math.nan, "the temperature depends on the place"
            return Flow(produced, nan, nan, nan, nan, math.sqrt(action), nan, why)
        temperature = problem.temperature_at(t)
        field = problem.force.field((axis.edges,), t)[0]
        slope = (field * density - current / mobility) / temperature
        fisher = float(np.sum(slope * slope / density * width))
        scale = 1.0 / (mobility * temperature)
        total = action * scale
        if not self.turning:
            return Flow(total, action / mobility, total, 0.0, 0.0, math.sqrt(action), fisher)
        still = self._still(t) * mobility
        around = float(np.sum(width / density))
        common, steady = (float(np.sum(v * width)) / around for v in (current / density, still))
        parts = (
            np.square(current / density - still) * density,
            np.square(still - steady / density) * density,
            common**2 / density,
        )
        excess, coupling, housekeeping = (scale * float(np.sum(part * width)) for part in parts)
        speed = math.sqrt(float(np.sum(np.square(current - common) / density * width)))
        return Flow(total, action / mobility, excess, coupling, housekeeping, speed, fisher)

    def _still(self, t: float) -> Array:
        """Velocity of the instantaneous steady state of a ring at the faces, with mobility one."""
        if self._held is None or not (self.problem.steady or self._held[0] == t):
            self._held = t, ring_velocity(self.problem, self.grid.axis, t)
        return self._held[1]

    def mean_speed(self, system: Discretisation, masses: Array, t: float) -> float:
        """v₁, the speed in W₁, L/s: int |nu| P dx; on a ring without the constant current that makes it least."""
        from scipy.interpolate import CubicSpline

        (current,) = system.at(t).currents(masses)
        edges = self.grid.axis.edges
        if self.grid.axis.periodic:
            current = current - np.median(current[1:])
        spline = CubicSpline(edges, current)
        # cut where the current turns round: a sum over the faces would see the kinks of its modulus
        turns = np.flatnonzero(current[:-1] * current[1:] < 0.0)
        cuts = np.concatenate([edges[:1], _roots(spline, edges[turns], edges[turns + 1]), edges[-1:]])
        return float(np.sum(np.abs(np.diff(spline.antiderivative()(cuts)))))


def _roots(function: object, low: Array, high: Array) -> Array:
    """A root in each bracket."""
    assert callable(function)
    first, last = function(low), function(high)
    for _ in range(_ROUNDS):
        middle = low - first * (high - low) / (last - first)
        value = function(middle)
        before = value * first > 0.0
        low, first = np.where(before, middle, low), np.where(before, value, first)
        high, last = np.where(before, high, middle), np.where(before, last, value)
    return np.where(np.abs(first) < np.abs(last), low, high)


def distances(axis: Axis) -> Array:
    """Weights of the faces in sums that stand for integrals over an axis: the distances of the centres beside them."""
    width = np.asarray(sum(axis.gaps))
    if axis.periodic:  # the last face is the first
        width = np.concatenate([width[:-1], [0.0]])
    return width


def values_between(averages: Array, grid: Grid) -> Array:
    """Positive values of the density at the faces of a line.

    Where it falls by orders of magnitude from cell to cell the interpolating cubic may go through zero: there it falls
    like an exponential.
    """
    values = face_values(averages, grid, 0)
    positive = np.maximum(averages, 0.0)
    ends = (positive[-1:], positive[:1]) if grid.axis.periodic else (positive[:1], positive[-1:])
    left, right = np.concatenate([ends[0], positive]), np.concatenate([positive, ends[1]])
    mean = np.sqrt(left * right)
    return np.maximum(np.where(values < 0.5 * mean, mean, values), _FAINT * float(np.max(positive)))
