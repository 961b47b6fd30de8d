"""Energies of a density: what the potential part of a force stores, and what the rest of it delivers."""

from __future__ import annotations

import numpy as np

from fpsolve.discretisation import Operator
from fpsolve.equation import FokkerPlanck
from fpsolve.forces import Force, LinearForce
from fpsolve.forces.base import mesh, parts, total
from fpsolve.grids import Array, Axis, Grid
from fpsolve.solution.gauges import cell_averages, face_values, leans

#: how many instants are kept
_KEPT = 4


def split(force: Force, around: bool) -> tuple[Force | None, Force | None]:
    """The conservative part of a force, and the rest, which drives currents; either may be None.

    Around a ring a linear force has no potential, though each stretch of it has.
    """
    if not around:
        return force.split()
    driving = [part for part in parts(force) if isinstance(part, LinearForce)]
    others = [part.split() for part in parts(force) if not isinstance(part, LinearForce)]
    stored = total([one for one, _ in others if one is not None])
    return stored, total([*driving, *(rest for _, rest in others if rest is not None)])


class Energies:
    """Potential energies on one grid.

    Of the force F = -grad U + f the potential U is that of its conservative part; f is what drives a current.

    Parameters
    ----------
    problem : FokkerPlanck
    grid : Grid
    """

    def __init__(self, problem: FokkerPlanck, grid: Grid) -> None:
        self.problem, self.grid = problem, grid
        self.stored, self.driving = split(problem.force, any(axis.periodic for axis in grid.axes))
        self._kept: dict[float, Array] = {}

    @property
    def steady(self) -> bool:
        """Whether U does not depend on time."""
        return self.stored is None or self.stored.steady

    def levels(self, t: float) -> Array:
        """What U weighs the :func:`moments` of the cells with, of their shape; zero without a potential."""
        if self.stored is None:
            return np.zeros((self.grid.dimension + 1, *self.grid.shape))
        key = 0.0 if self.steady else t
        if key not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.pop(next(iter(self._kept)))
            stored = self.stored
            found = cell_averages(lambda *points: stored.potential(points, t), self.grid)
            self._kept[key] = np.array([np.broadcast_to(each, self.grid.shape) for each in found])
        return self._kept[key]

    def mean(self, masses: Array, t: float) -> float:
        """Mean energy E[U], unit of T."""
        return float(np.sum(self.levels(t) * moments(masses, self.grid)))

    def power(self, operator: Operator, masses: Array, t: float) -> float:
        """What the driving part delivers, the integral of f . J, unit of T per second."""
        return 0.0 if self.driving is None else self.against(operator.currents(masses), self.driving, t)

    def warming(self, operator: Operator, masses: Array, t: float) -> float:
        """Entropy production rate of a bath whose temperature depends on the place, the integral of F . J / T, 1/s."""
        temperatures = [
            self.problem.temperature_at(t, mesh(self.grid, axis, own.edges)) for axis, own in enumerate(self.grid.axes)
        ]
        return self.against(operator.currents(masses), self.problem.force, t, temperatures)

    def against(self, currents: tuple[Array, ...], force: Force, t: float, scales: list[Array] | None = None) -> float:
        """Integral of force . J, or of force . J / scale, from the currents through the faces and scales there."""
        total = 0.0
        for axis, (current, own) in enumerate(zip(currents, self.grid.axes, strict=True)):
            points = mesh(self.grid, axis, own.edges)
            pull = force.field(points, t)[axis] / (1.0 if scales is None else scales[axis])
            if self.grid.dimension == 2:
                current = _inside_faces(current, 1 - axis)
            shape = [-1 if k == axis else 1 for k in range(self.grid.dimension)]
            total += float(np.sum(current * pull * link_lengths(own).reshape(shape)))
        return total


def link_lengths(axis: Axis) -> Array:
    """Distances between the centres beside the faces, which currents cross; a ring's last face is its first."""
    left, right = axis.gaps
    lengths = left + right
    return np.concatenate([lengths[:-1], [0.0]]) if axis.periodic else lengths


def _inside_faces(current: Array, across: int) -> Array:
    """Currents in the middle of the faces, times their length, from those through whole faces (equal cells)."""
    rows = np.moveaxis(current, across, 0)
    out = rows.copy()
    out[1:-1] -= (rows[2:] - 2.0 * rows[1:-1] + rows[:-2]) / 24.0
    return np.moveaxis(out, 0, across)


def moments(masses: Array, grid: Grid) -> Array:
    """Masses of the cells and how far the density rises across them along each axis: (dimension + 1, *shape)."""
    return np.array([masses, *leans(masses, grid)])


def entropy_rate(masses: Array, rates: Array, grid: Grid) -> float:
    """Rate of :func:`system_entropy`, 1/s, where the masses change at ``rates``: -d/dt of the sum of P ln P."""
    heavy = masses > 0.0
    averages, change = np.where(heavy, masses, 1.0) / grid.volumes, rates / grid.volumes
    bent = np.zeros(grid.shape)
    for axis in range(grid.dimension):
        rise = np.diff(face_values(masses / grid.volumes, grid, axis), axis=axis)
        rising = np.diff(face_values(change, grid, axis), axis=axis)
        # the spread grows while it is small, as in the entropy
        small = np.square(rise) < averages**2
        bent += np.where(small, (2.0 * rise * rising - np.square(rise) * change / averages) / (24.0 * averages), 0.0)
    return -float(np.sum(np.where(heavy, rates * np.log(averages) + bent * grid.volumes, 0.0)))


def system_entropy(masses: Array, grid: Grid) -> float:
    """Entropy -E[ln P] (37), nats, to fourth order in the width of the cells; empty cells have none."""
    heavy = masses > 0.0
    averages = np.where(heavy, masses, 1.0) / grid.volumes
    # the mean of P ln P over a cell exceeds that of the average by half the second derivative times the variance
    rises = [np.diff(face_values(masses / grid.volumes, grid, axis), axis=axis) for axis in range(grid.dimension)]
    spread = sum(np.minimum(np.square(rise / averages), 1.0) for rise in rises) / 24.0
    return -float(np.sum(np.where(heavy, masses * (np.log(averages) + spread), 0.0)))
