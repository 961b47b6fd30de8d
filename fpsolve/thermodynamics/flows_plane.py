"""Rates of an instant in the plane, and their parts.

A density that the grid resolves and that falls to nothing at the walls has point values and slopes by cosine series,
to spectral accuracy. Any other one is seen from its face currents, to second order: see :mod:`.flows_faces`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.forces.base import mesh
from fpsolve.grids import Array, Grid
from fpsolve.thermodynamics.flow_parts import NAN, Flow, floor_of, flow_of
from fpsolve.thermodynamics.flows_faces import FaceFlows
from fpsolve.thermodynamics.steady import conservative, steady_masses, steady_velocity
from fpsolve.transport.schroedinger import Cosines
from fpsolve.transport.spectral import FADING, split_velocity

Field = tuple[Array, Array]

#: density at the walls, relative to the largest, that counts as none
_WALLS = 1e-7
#: root mean square in the highest tenth of the wave numbers of a density that is resolved
_RESOLVED = 1e-4
#: least floor of a density in the plane: transforms leave noise of 1e-16 of the largest value everywhere
_FLOOR = 1e-13
#: part of the excess that the last steps of the split may still have added
_RTOL = 1e-10
#: share of the density that may lie where the steady state is not known
_UNKNOWN = 1e-6


class _Points(NamedTuple):
    """A density at the centres."""

    density: Array
    slopes: Field
    heavy: NDArray[np.bool_]  # where it is above its floor
    floor: float  # relative to its largest value


class PlaneFlows:
    """Rates of an instant, of any solution on one grid in the plane.

    Parameters
    ----------
    problem : FokkerPlanck
    grid : Grid
    """

    def __init__(self, problem: FokkerPlanck, grid: Grid) -> None:
        self.problem, self.grid = problem, grid
        mobility = problem.mobility_matrix
        self.scalar = bool(np.array_equal(mobility, mobility[0, 0] * np.eye(2)))
        inverse = np.linalg.inv(mobility)
        self._metric = 0.5 * (inverse + inverse.T)
        self._even = all(axis.uniform and not axis.periodic for axis in grid.axes)
        self._held_force: Field | None = None
        self._held_steady: tuple[Field | None, NDArray[np.bool_] | None, str] | None = None
        if self._even:
            spacing = [axis.length / axis.cells for axis in grid.axes]
            self._cosines = Cosines((grid.shape[0], grid.shape[1]), (spacing[0], spacing[1]))
            # what averages over cells leave of each wave
            shares = [np.sinc(0.5 * k * h / np.pi) for k, h in zip(self._cosines.numbers, spacing, strict=True)]
            self._averaging = shares[0] * shares[1]
        self._faces = FaceFlows(problem, grid, self.scalar)

    def __call__(self, system: Discretisation, masses: Array, t: float) -> Flow:
        """The rates of a density; arguments as for :class:`fpsolve.thermodynamics.flows.Flows`."""
        points = self._points(masses)
        if points is None:
            return self._faces(system, masses, t)
        problem, area = self.problem, float(self.grid.volumes[0, 0])
        nu, weight = self._velocity(points, t), np.where(points.heavy, points.density, 0.0)
        total = area * self._squared(nu, weight, t)
        fisher = area * float(np.sum(np.where(points.heavy, _product(*points.slopes), 0.0) / self._thick(points)))
        square = area * float(np.sum(weight * _product(*nu)))
        plain = self.scalar and problem.uniform_temperature
        if plain and conservative(problem, self.grid, t):
            return flow_of(problem, t, total, (total, 0.0, 0.0), (np.sqrt(square), NAN), fisher)
        split = split_velocity(self.grid, np.maximum(points.density, 0.0), nu, rtol=_RTOL, floor=points.floor)
        speeds = (float(np.sqrt(max(split.excess.value, 0.0))), NAN)
        if not plain:
            return flow_of(problem, t, total, None, speeds, fisher, "the mobility is a matrix")
        still, why = self._steady(points, nu, t)
        if still is None and why == "":
            return self._faces(system, masses, t)
        if still is None:
            return flow_of(problem, t, total, None, speeds, fisher, why)
        change = (nu[0] - still[0], nu[1] - still[1])
        excess = area * float(np.sum(weight * _product(*change)))
        inner = np.where(points.density > FADING * points.floor * np.max(points.density), points.density, 0.0)
        rest = (change[0] - split.gradient[0], change[1] - split.gradient[1])
        coupling = area * float(np.sum(inner * _product(*rest)))
        resistance = float(self._metric[0, 0])
        parts = (resistance * excess, resistance * coupling, resistance * split.housekeeping.value)
        return flow_of(problem, t, total, parts, speeds, fisher)

    def _points(self, masses: Array) -> _Points | None:
        """Values and slopes at the centres by cosine series; None where these would not be accurate."""
        averages = masses / self.grid.volumes
        if not self._even:
            return None
        walls = max(float(np.max(np.abs(averages.take(end, axis)))) for axis in (0, 1) for end in (0, -1))
        if walls > _WALLS * float(np.max(averages)):
            return None
        coefficients = self._cosines.coefficients(averages)
        if self._cosines.unresolved(coefficients) > _RESOLVED:
            return None
        coefficients /= self._averaging
        density = self._cosines.values(coefficients)
        slopes = self._cosines.derivative(coefficients, 0), self._cosines.derivative(coefficients, 1)
        floor = max(floor_of(density), _FLOOR)
        return _Points(density, slopes, density > floor * float(np.max(density)), floor)

    def _thick(self, points: _Points) -> Array:
        return np.where(points.heavy, points.density, 1.0)

    def _velocity(self, points: _Points, t: float) -> Field:
        """Mean velocity M (F - T grad ln P) where the density has weight, zero elsewhere."""
        force, temperature, thick = self._force(t), self._temperature(t), self._thick(points)
        net = [
            np.where(points.heavy, pull - temperature * slope / thick, 0.0)
            for pull, slope in zip(force, points.slopes, strict=True)
        ]
        mobility = self.problem.mobility_matrix
        if self.scalar:
            return mobility[0, 0] * net[0], mobility[0, 0] * net[1]
        return (
            mobility[0, 0] * net[0] + mobility[0, 1] * net[1],
            mobility[1, 0] * net[0] + mobility[1, 1] * net[1],
        )

    def _squared(self, nu: Field, weight: Array, t: float) -> float:
        """Sum of P nu . M^-1 nu, over T where that depends on the place."""
        metric = self._metric
        density = metric[0, 0] * nu[0] ** 2 + 2.0 * metric[0, 1] * nu[0] * nu[1] + metric[1, 1] * nu[1] ** 2
        scale = 1.0 if self.problem.uniform_temperature else self._temperature(t)
        return float(np.sum(weight * density / scale))

    def _force(self, t: float) -> Field:
        """The force at the centres."""
        if self._held_force is None or not self.problem.force.steady:
            field = self.problem.force.field(mesh(self.grid, 0, self.grid.axes[0].centres), t)
            first, second = (np.broadcast_to(np.asarray(part, float), self.grid.shape) for part in field)
            self._held_force = first, second
        return self._held_force

    def _temperature(self, t: float) -> Array | float:
        points = mesh(self.grid, 0, self.grid.axes[0].centres)
        return self.problem.temperature_at(t, points)

    def _steady(self, points: _Points, nu: Field, t: float) -> tuple[Field | None, str]:
        """The steady velocity at the centres; without one and a reason why, the grid does not resolve it."""
        if self._held_steady is None or not self.problem.steady:
            self._held_steady = self._found_steady(t)
        still, known, why = self._held_steady
        if still is None:
            return None, why
        if known is None:
            return still, ""
        share = float(np.sum(points.density[points.heavy & ~known])) / float(np.sum(points.density))
        if share > _UNKNOWN:
            return None, f"{share:.1g} of the density lies where the steady state is too thin to be found numerically"
        return (np.where(known, still[0], nu[0]), np.where(known, still[1], nu[1])), ""

    def _found_steady(self, t: float) -> tuple[Field | None, NDArray[np.bool_] | None, str]:
        """The steady velocity, where it is known (None for everywhere), and why there is none."""
        closed, why = steady_velocity(self.problem, self.grid, t)
        if closed is not None or why:
            return None if closed is None else (closed[0], closed[1]), None, why
        found, why = steady_masses(self.problem, self.grid, t)
        if found is None:
            return None, None, why
        points = self._points(found[0])
        if points is None:
            cut = self.problem.domain is None
            return None, None, "the window does not hold the steady state; widen it" if cut else ""
        return self._velocity(points, t), points.heavy, ""


def _product(first: Array, second: Array) -> Array:
    """Squared length of vectors."""
    return np.asarray(first * first + second * second)
