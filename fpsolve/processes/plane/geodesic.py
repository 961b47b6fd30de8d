"""Optimal transport dynamics in the plane: the geodesic of the 2-Wasserstein distance (91)."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from fpsolve.densities import PlaneTabulated
from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.estimates import Estimate
from fpsolve.grids import Grid
from fpsolve.processes.plane.base import Nodes, PlaneProcess
from fpsolve.processes.plane.lattice import FAINT
from fpsolve.quadrature import Array
from fpsolve.transport.plane.levels import spread
from fpsolve.transport.plane.quadratic import QuadraticTransport, quadratic_transport


@dataclasses.dataclass(frozen=True, eq=False)
class PlaneGeodesic(PlaneProcess):
    """X_t = (1 - t/tau) M^-1(z) + (t/tau) z with z from the target and M the Brenier map from the data to it.

    Its nodes are quarters of the cells of the target, moved: every node keeps its weight and its label, so that what
    differs between two densities carried by the flow hardly depends on the map's own error.

    Parameters
    ----------
    data, target : PlaneDensity
        P_0 and P_tau.
    tau : float
        Duration, s.
    grid : Grid
        Equal cells that hold both.
    constant_temperature : float, optional
        T of the Fokker-Planck equation that realises the geodesic.
    """

    data: PlaneDensity
    target: PlaneDensity
    tau: float
    grid: Grid
    constant_temperature: float | None = None

    @functools.cached_property
    def plan(self) -> QuadraticTransport:
        """The optimal transport from the data to the target."""
        edges = [axis.edges for axis in self.grid.axes]
        return quadratic_transport(self.grid, self.data.cell_masses(*edges), self.target.cell_masses(*edges))

    @functools.cached_property
    def _fine(self) -> Grid:
        """The quarters of the grid's cells."""
        axes = self.grid.axes
        lower, upper = ([float(axis.edges[end]) for axis in axes] for end in (0, -1))
        return Grid.plane(lower, upper, [2 * axis.cells for axis in axes])

    @functools.cached_property
    def _pairs(self) -> tuple[Array, Array, Array]:
        """Where each quarter cell of the target comes from, where it lies, and its mass."""
        back = [spread(part, self.grid, self._fine).ravel() for part in self.plan.inverse_map()]
        there = [part.ravel() for part in np.meshgrid(*(a.centres for a in self._fine.axes), indexing="ij")]
        masses = self.target.cell_masses(*(axis.edges for axis in self._fine.axes)).ravel()
        return np.stack(back)[:, self._held(masses)], np.stack(there)[:, self._held(masses)], masses[self._held(masses)]

    @staticmethod
    def _held(masses: Array) -> NDArray[np.bool_]:
        return np.asarray(masses > FAINT * masses.max())

    def carried_masses(self, other: PlaneDensity) -> tuple[Array, float]:
        """Masses of another density at t = tau that the nodes carry, and the error of sums over them, relatively.

        Parameters
        ----------
        other : PlaneDensity
            The start of an estimated process.
        """
        fine, coarse = (
            [density.cell_masses(*(axis.edges for axis in grid.axes)).ravel() for density in (self.target, other)]
            for grid in (self._fine, self.grid)
        )
        sums = []
        for p, q in (fine, coarse):
            held = self._held(p)
            sums.append(float(np.sum(q[held] ** 2 / p[held])))
        return fine[1][self._held(fine[0])], abs(sums[0] - sums[1]) / sums[0]

    def density(self, t: float) -> PlaneDensity:
        if t <= 0.0:
            return self.data
        if t >= self.tau:
            return self.target
        masses = self.plan.interpolate(t / self.tau)[0]
        edges_x, edges_y = (axis.edges for axis in self.grid.axes)
        return PlaneTabulated.normalised(edges_x, edges_y, np.maximum(masses, 0.0) / self.grid.volumes)

    def nodes(self, t: float, grid: Grid, finer: int = 1) -> Nodes:
        back, there, masses = self._pairs
        x, y = back + (t / self.tau) * (there - back)
        return Nodes(x, y, masses, (there - back) / self.tau)

    def labels(self, t: float, nodes: Nodes, tighter: float = 1.0) -> Array:
        return self._pairs[1]

    def eulerian(self, t: float) -> tuple[Array, Array, Array]:
        """Cell masses and both components of the velocity at the centres of the geodesic's own grid."""
        masses, along_x, along_y = self.plan.interpolate(t / self.tau)
        return masses, along_x / self.tau, along_y / self.tau

    def temperature(self, t: Array) -> Array | None:
        return None if self.constant_temperature is None else np.full(np.shape(t), self.constant_temperature)

    @property
    def action(self) -> Estimate:
        return self.plan.distance.squared().scaled(1.0 / self.tau, "1")
