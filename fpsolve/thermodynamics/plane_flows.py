"""The flow of an instant in the plane, from cell averages, to high order in the width of the cells."""

from __future__ import annotations

import math

import numpy as np

from fpsolve.equation import FokkerPlanck
from fpsolve.forces.base import mesh
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError
from fpsolve.thermodynamics.flow import Flow
from fpsolve.thermodynamics.plane import three_parts
from fpsolve.thermodynamics.steady_states import linear_velocity

#: values at centres from averages over cells, and first derivatives from values, both of sixth order
_CENTRE = np.array([9.0, -116.0, 2134.0, -116.0, 9.0]) / 1920.0
_SLOPE = np.array([-1.0, 9.0, -45.0, 0.0, 45.0, -9.0, 1.0]) / 60.0
#: density, relative to its maximum, below which a computed one is rounding and weighs nothing
_FAINT = 1e-11
#: density at a wall, relative to the maximum, above which gradients do not end before it
_AT_A_WALL = 1e-7


class PlaneFlows:
    """The flow of a solution in the plane at any instant.

    Parameters
    ----------
    problem : FokkerPlanck
    grid : Grid
        Of equal cells along each axis.
    """

    def __init__(self, problem: FokkerPlanck, grid: Grid) -> None:
        self.problem, self.grid = problem, grid
        self.driven = problem.force.split()[1] is not None
        self._held: tuple[float, tuple[Array, Array] | str] | None = None

    def __call__(self, masses: Array, t: float) -> Flow:
        """Rates of entropy and speeds at time t, of the masses of the cells."""
        problem, grid, nan = self.problem, self.grid, math.nan
        if not all(axis.uniform for axis in grid.axes):
            return Flow(*[nan] * 7, why="the flow in the plane takes equal cells")
        density = self._values(masses / grid.volumes)
        slopes = self._logarithmic(density)
        weight = density * grid.volumes
        fisher = float(np.sum(weight * (slopes[0] ** 2 + slopes[1] ** 2)))
        points = mesh(grid, 0, grid.axes[0].centres)
        temperature = np.broadcast_to(problem.temperature_at(t, points), grid.shape)
        pushes = [
            np.broadcast_to(f, grid.shape) - temperature * slope
            for f, slope in zip(problem.force.field(points, t), slopes, strict=True)
        ]
        matrix = problem.mobility_matrix
        velocity = [matrix[k, 0] * pushes[0] + matrix[k, 1] * pushes[1] for k in range(2)]
        square = pushes[0] * velocity[0] + pushes[1] * velocity[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            produced = float(np.sum(np.where(weight > 0.0, weight * square / temperature, 0.0)))
        if not problem.uniform_temperature:
            return Flow(produced, nan, nan, nan, nan, nan, fisher, "the temperature depends on the place")
        dissipation = float(np.sum(weight * square))
        if np.any(matrix != matrix[0, 0] * np.eye(2)):
            return Flow(produced, dissipation, nan, nan, nan, nan, fisher, "the mobility is a matrix")
        if not self.driven:
            speed = math.sqrt(dissipation * matrix[0, 0])
            return Flow(produced, dissipation, produced, 0.0, 0.0, speed, fisher)
        return self._parted(density, velocity, t, produced, dissipation, fisher)

    def _parted(
        self, density: Array, velocity: list[Array], t: float, produced: float, dissipation: float, fisher: float
    ) -> Flow:
        """The parts of the entropy production of a force without a potential."""
        nan, mobility = math.nan, float(self.problem.mobility_matrix[0, 0])
        why = self._why_no_parts(density)
        if why:
            return Flow(produced, dissipation, nan, nan, nan, nan, fisher, why)
        still = self._still(t)
        if isinstance(still, str):
            flat = (np.zeros(self.grid.shape), np.zeros(self.grid.shape))
            found, parts = three_parts(self.grid, density, (velocity[0], velocity[1]), flat), None
        else:
            steady = (mobility * still[0], mobility * still[1])
            found = parts = three_parts(self.grid, density, (velocity[0], velocity[1]), steady)
        scale = 1.0 / (mobility * self.problem.temperature_at(t))
        housekeeping = scale * found.housekeeping.value
        speed = math.sqrt(max(found.total.value - found.housekeeping.value, 0.0))
        if parts is None:
            return Flow(produced, dissipation, nan, nan, housekeeping, speed, fisher, str(still))
        excess, coupling = scale * parts.excess.value, scale * parts.coupling.value
        return Flow(produced, dissipation, excess, coupling, housekeeping, speed, fisher)

    def _why_no_parts(self, density: Array) -> str:
        if any(axis.periodic for axis in self.grid.axes):
            return "parts of a driven flow around a torus are not computed"
        rim = max(float(np.max(side)) for side in (density[0], density[-1], density[:, 0], density[:, -1]))
        if rim > _AT_A_WALL * float(np.max(density)):
            return "parts of a driven flow take a density that vanishes at the walls; widen the grid"
        return ""

    def _still(self, t: float) -> tuple[Array, Array] | str:
        """Velocity of the steady state of the force of the instant at the centres, with mobility one."""
        if self._held is None or not (self.problem.steady or self._held[0] == t):
            found = linear_velocity(self.problem, t)
            if isinstance(found, str):
                self._held = t, found if "linear" not in found else self._from_the_grid(t)
            else:
                x, y = mesh(self.grid, 0, self.grid.axes[0].centres)
                (a, b), turning = found
                self._held = t, (
                    a + turning[0, 0] * x + turning[0, 1] * y,
                    b + turning[1, 0] * x + turning[1, 1] * y,
                )
        return self._held[1]

    def _from_the_grid(self, t: float) -> tuple[Array, Array] | str:
        """The same from the stationary masses of the fourth-order flux."""
        from fpsolve.discretisation import Discretisation
        from fpsolve.fluxes import FourthOrder
        from fpsolve.generator import stationary_masses

        try:
            masses = stationary_masses(Discretisation(self.problem, self.grid, FourthOrder()).at(t))
        except InputError as refused:
            return refused.message
        slopes = self._logarithmic(self._values(masses / self.grid.volumes))
        temperature, points = self.problem.temperature_at(t), mesh(self.grid, 0, self.grid.axes[0].centres)
        found = [
            np.broadcast_to(f, self.grid.shape) - temperature * slope
            for f, slope in zip(self.problem.force.field(points, t), slopes, strict=True)
        ]
        return found[0], found[1]

    def _values(self, averages: Array) -> Array:
        """Values at the centres; zero where they are lost in rounding."""
        values = averages
        for axis, own in enumerate(self.grid.axes):
            values = _convolved(values, _CENTRE, axis, own.periodic)
        return np.where(values > _FAINT * float(np.max(averages)), values, 0.0)

    def _logarithmic(self, density: Array) -> tuple[Array, Array]:
        """Gradient of ln P at the centres: of a normal density the differences are exact; zero where P is."""
        heavy = density > 0.0
        logs = np.log(np.where(heavy, density, 1.0))
        found = []
        for axis, own in enumerate(self.grid.axes):
            width = float(own.widths[0])
            whole = _convolved(heavy.astype(float), np.ones(7), axis, own.periodic, outside=0.0) > 6.5
            slope = _convolved(logs, _SLOPE, axis, own.periodic) / width
            # where the stencil leaves the density, a one-sided or short one does
            rough = _one_sided(logs, heavy, axis, own.periodic) / width
            found.append(np.where(heavy, np.where(whole, slope, rough), 0.0))
        return found[0], found[1]


def _convolved(values: Array, weights: Array, axis: int, ring: bool, outside: float | None = None) -> Array:
    """Weighted sums of neighbours along an axis; beyond an end the outermost cell, or a given value, goes on."""
    from scipy.ndimage import correlate1d

    mode = "wrap" if ring else "nearest" if outside is None else "constant"
    return np.asarray(correlate1d(values, weights, axis=axis, mode=mode, cval=outside or 0.0))


def _one_sided(logs: Array, heavy: Array, axis: int, ring: bool) -> Array:
    """Differences between neighbours that both have weight: to both sides, else to one, else none."""
    rows, known = np.moveaxis(logs, axis, 0), np.moveaxis(heavy, axis, 0)
    ahead, behind = np.roll(rows, -1, 0) - rows, rows - np.roll(rows, 1, 0)
    there, back = known & np.roll(known, -1, 0), known & np.roll(known, 1, 0)
    if not ring:
        there[-1] = back[0] = False
    count = there.astype(float) + back
    total = np.where(there, ahead, 0.0) + np.where(back, behind, 0.0)
    return np.moveaxis(total / np.maximum(count, 1.0), 0, axis)
