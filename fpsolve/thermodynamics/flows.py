"""Rates of an instant of a numerical solution, and their parts: lines and rings here, the plane beside it."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes.base import check_cells
from fpsolve.grids import Array, Axis, Grid
from fpsolve.solution.gauges import face_values
from fpsolve.thermodynamics.flow_parts import FaceDensity, Flow, face_slopes, floor_of, flow_of
from fpsolve.thermodynamics.flows_plane import PlaneFlows
from fpsolve.thermodynamics.steady import steady_velocity

__all__ = ["Flow", "Flows"]

#: currents that change sign below this part of the largest are rounding
_FAINT = 1e-12
#: faces of the interpolating polynomials
_POINTS = 6


class _Faces(NamedTuple):
    """What is known at the faces of a line."""

    weights: Array  # of an integral
    density: Array  # nowhere below its floor
    heavy: NDArray[np.bool_]  # where it is above
    velocity: Array  # zero where it is not


class Flows:
    """Rates of an instant, of any solution on one grid.

    Parameters
    ----------
    problem : FokkerPlanck
    grid : Grid
        A line or ring, or a plane, without absorbing ends. What depends on the grid and, for a steady problem, on the
        force alone is kept.
    """

    def __init__(self, problem: FokkerPlanck, grid: Grid) -> None:
        self.problem, self.grid = problem, grid
        self._plane = PlaneFlows(problem, grid) if grid.dimension == 2 else None
        self._still: Array | None = None

    def __call__(self, system: Discretisation, masses: Array, t: float) -> Flow:
        """The rates of a density.

        Parameters
        ----------
        system : Discretisation
            Whose currents move it.
        masses : array
            Masses of the cells, of the grid's shape; small negative values, as rounding leaves them, count as none.
        t : float
            When, s.
        """
        if self._plane is not None:
            return self._plane(system, masses, t)
        return self._on_a_line(system, masses, t)

    def _on_a_line(self, system: Discretisation, masses: Array, t: float) -> Flow:
        axis = self.grid.axis
        averages, mobility = masses / axis.widths, float(self.problem.mobility_matrix[0, 0])
        (current,) = system.at(t).currents(masses)
        found = self._at_faces(averages)
        density, heavy = found.values, found.heavy
        velocity = found.velocity(current, self.problem, self.grid, 0, slice(None), t)
        weights = face_quadrature(axis)
        square = float(np.sum(weights * velocity**2 * density))
        total = square / mobility
        if not self.problem.uniform_temperature:
            local = np.asarray(self.problem.temperature_at(t, (axis.edges,)), float)
            total = float(np.sum(weights * velocity**2 * density / local)) / mobility
        slope = found.slope(face_slopes(averages, axis), self.grid, 0, slice(None))
        fisher = float(np.sum(weights * slope**2 / density))
        # around a ring W1 pays for the current but a constant: for what is left by the one that makes it least
        mean_speed = _modulus(current - np.median(current[1:]) if axis.periodic else current, axis)
        if not axis.periodic:
            # without a way around, what moves a density is a gradient
            return flow_of(self.problem, t, total, (total, 0.0, 0.0), (float(np.sqrt(square)), mean_speed), fisher)
        return self._on_a_ring(t, _Faces(weights, density, heavy, velocity), total, mean_speed, fisher)

    def _on_a_ring(self, t: float, faces: _Faces, total: float, speed: float, fisher: float) -> Flow:
        mobility = float(self.problem.mobility_matrix[0, 0])
        weights, density, velocity = faces.weights, faces.density, faces.velocity
        # c / P is the part of a velocity that moves nothing, orthogonal to all gradients
        thinness = float(np.sum(weights / density))
        circulating = float(np.sum(weights * velocity)) / thinness
        moving = float(np.sum(weights * (velocity - circulating / density) ** 2 * density))
        speeds = (float(np.sqrt(moving)), speed)
        still, why = self._steady(t)
        if still is None:
            return flow_of(self.problem, t, total, None, speeds, fisher, why)
        rest = float(np.sum(weights * still)) / thinness
        excess = float(np.sum(weights * (velocity - faces.heavy * still) ** 2 * density))
        coupling = float(np.sum(weights * (still - rest / density) ** 2 * density))
        parts = (excess / mobility, coupling / mobility, circulating**2 * thinness / mobility)
        return flow_of(self.problem, t, total, parts, speeds, fisher)

    def _steady(self, t: float) -> tuple[Array | None, str]:
        """Velocity of the steady state at the faces."""
        if self._still is None or not self.problem.steady:
            found, why = steady_velocity(self.problem, self.grid, t)
            if found is None:
                return None, why
            self._still = found[0]
        return self._still, ""

    def _at_faces(self, averages: Array) -> FaceDensity:
        axis = self.grid.axis
        first, last = (averages[-1:], averages[:1]) if axis.periodic else (averages[:1], averages[-1:])
        left, right = np.concatenate([first, averages]), np.concatenate([averages, last])
        least = floor_of(averages) * float(np.max(averages))
        return FaceDensity.of(face_values(averages, self.grid, 0), left, right, least)


class _Quintics(NamedTuple):
    """The quintic through the six faces around every cell of an axis, in units in which the cell is [0, 1]."""

    faces: NDArray[np.intp]  # (n, 6)
    powers: Array  # (n, 6, 6): value at each face of each power
    weights: Array  # (n, 6): of the values at the faces in the integral over the cell


@functools.lru_cache(maxsize=64)
def face_quadrature(axis: Axis) -> Array:
    """Weights (n + 1,) of values at the faces in an integral over the axis; the last face of a ring weighs nothing.

    The integral over every cell is that of the quintic through the six faces around it: sixth order on any cells, and
    the trapezoidal rule far from the ends of equal ones.
    """
    total = np.zeros(axis.cells + 1)
    np.add.at(total, _quintics(axis).faces, _quintics(axis).weights)
    return total


@functools.lru_cache(maxsize=64)
def _quintics(axis: Axis) -> _Quintics:
    n, edges, width = axis.cells, axis.edges, axis.widths
    check_cells(axis, _POINTS, "an integral over the faces")
    first = np.arange(n) - 2 if axis.periodic else np.clip(np.arange(n) - 2, 0, n + 1 - _POINTS)
    faces = first[:, None] + np.arange(_POINTS)
    turns = np.floor_divide(faces, n) if axis.periodic else np.zeros(faces.shape, int)
    faces = faces - turns * n
    places = (edges[faces] + turns * axis.length - edges[:-1, None]) / width[:, None]
    powers = places[:, :, None] ** np.arange(_POINTS)
    moments = np.broadcast_to(1.0 / np.arange(1.0, _POINTS + 1.0), (n, _POINTS))[..., None]
    return _Quintics(faces, powers, np.linalg.solve(powers.transpose(0, 2, 1), moments)[..., 0] * width[:, None])


def _modulus(current: Array, axis: Axis) -> float:
    """Integral of |J| over the axis; where J changes sign inside a cell, that of its quintic, cut at the root."""
    faces, powers, weights = _quintics(axis)
    whole = np.sum(weights * current[faces], axis=1)
    left, right = current[:-1], current[1:]
    least = _FAINT * float(np.max(np.abs(current)))
    turning = np.flatnonzero((left * right < 0.0) & (np.maximum(np.abs(left), np.abs(right)) > least))
    total = float(np.sum(np.abs(whole)))
    if turning.size == 0:
        return total
    quintics = np.linalg.solve(powers[turning], current[faces[turning]][..., None])[..., 0]
    orders = np.arange(_POINTS)
    low, high = np.zeros(turning.size), np.ones(turning.size)
    for _ in range(50):
        middle = 0.5 * (low + high)
        before = np.sum(quintics * middle[:, None] ** orders, axis=1) * left[turning] > 0.0
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    upto = axis.widths[turning] * np.sum(quintics * low[:, None] ** (orders + 1) / (orders + 1), axis=1)
    return total + float(np.sum(np.abs(upto) + np.abs(whole[turning] - upto) - np.abs(whole[turning])))
