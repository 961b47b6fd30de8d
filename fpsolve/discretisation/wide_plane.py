"""Operators in the plane for fluxes of four cells along each axis."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from fpsolve.discretisation.base import Reach, reach_of
from fpsolve.discretisation.coefficients import drift_over_faces
from fpsolve.discretisation.line import wide_reach
from fpsolve.discretisation.plane import PlaneOperator, closed_of, rings_of
from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import Flux, LinearFlux
from fpsolve.fluxes.base import cells_of_faces, check_cells
from fpsolve.fluxes.fourth_order import LEAST_CELLS, face_weights, point_weights
from fpsolve.grids import Array, Grid
from fpsolve.kernels import plane
from fpsolve.settings import InputError

#: how far walls move the eigenvalues of cross diffusion off the real axis (bend / real, measured): for the symmetric
#: part of the mobility in units of the square of M_xy² / (M_xx M_yy), for the antisymmetric part of that itself
_EVEN, _ODD = 0.03, 0.08


@dataclasses.dataclass(eq=False)
class WidePlane(PlaneOperator):
    """A flux of four cells along each axis with face averages of products to fourth order.

    Parameters
    ----------
    grid : Grid
    drifts, bends : pairs of arrays
        Averages of the drift over the faces, L/s, and how it bends along them (minus cross diffusion), L²/s.
    spread : (2,) array
        Diffusion along x and y, L²/s.
    upwinded : bool
        Whether the drift carries a WENO reconstruction.
    reach : Reach
    """

    grid: Grid
    drifts: tuple[Array, Array]
    bends: tuple[Array, Array]
    spread: Array
    upwinded: bool
    reach: Reach

    @classmethod
    def of(cls, problem: FokkerPlanck, grid: Grid, flux: Flux, t: float) -> WidePlane:
        """The operator of a wide flux at time t."""
        drifts, bends, spread, reaches = [], [], [], []
        upwinded = not isinstance(flux, LinearFlux)
        temperature, mobility = problem.temperature_at(t), problem.mobility_matrix
        cross = max(abs(mobility[0, 1]), abs(mobility[1, 0]))
        for axis, own in enumerate(grid.axes):
            check_cells(own, LEAST_CELLS, flux.kind)
            if upwinded and not own.uniform:
                raise InputError("grid", f"the cells differ in width; {flux.kind} needs equal ones: use Grid.plane")
            if upwinded and "absorbing" in own.ends:
                raise InputError("grid", f"{flux.kind} takes no absorbing ends in the plane; use fourth-order")
            drift, bend = drift_over_faces(problem, grid, t, axis)
            # closed faces let nothing through, along the bend neither
            bend = np.moveaxis(np.array(bend - temperature * mobility[axis, 1 - axis]), axis, 0)
            if not own.periodic:
                bend[0] = bend[-1] = 0.0
            drifts.append(np.ascontiguousarray(drift))
            bends.append(np.ascontiguousarray(np.moveaxis(bend, 0, axis)))
            spread.append(temperature * mobility[axis, axis])
            rates = wide_reach(np.moveaxis(drift, axis, 0), spread[-1] + temperature * cross, own)
            reaches.append([[np.moveaxis(part, 0, axis) for part in kind] for kind in rates])
        reach = reach_of(*([part for r in reaches for part in r[k]] for k in range(2)))
        if not all(rings_of(grid)):
            reach = dataclasses.replace(reach, bend=reach.bend + reach.real * _cross_bend(mobility))
        return cls(grid, (drifts[0], drifts[1]), (bends[0], bends[1]), np.array(spread), upwinded, reach)

    @property
    def closed(self) -> bool:  # type: ignore[override]
        """Whether nothing leaves."""
        return closed_of(self.grid)

    @functools.cached_property
    def _weights(self) -> tuple[Array, ...]:
        (value_x, slope_x), (value_y, slope_y) = (face_weights(axis) for axis in self.grid.axes)
        point_x, point_y = (point_weights(axis) for axis in self.grid.axes)
        return value_x, slope_x, value_y, slope_y, point_x, point_y

    @functools.cached_property
    def _shape(self) -> tuple[Array, Array]:
        """Which axes are rings, and which have equal cells."""
        return np.array(rings_of(self.grid)), np.array([axis.uniform for axis in self.grid.axes])

    @functools.cached_property
    def _data(self) -> Any:
        """What the kernels want to know: flow, weights, widths, and which axes are rings and even."""
        flow = (self.drifts[0], self.bends[0], self.drifts[1], self.bends[1], self.spread)
        widths = (self.grid.axes[0].widths, self.grid.axes[1].widths)
        return flow, self._weights, widths, *self._shape

    @functools.cached_property
    def _scratch(self) -> tuple[Array, ...]:
        """Arrays for a step: three of the grid's shape, and the currents along both axes."""
        nx, ny = self.grid.shape
        return *np.empty((3, nx, ny)), np.empty((nx + 1, ny)), np.empty((nx, ny + 1))

    def rates(self, m: Array, out: Array) -> None:
        jx, jy = self.currents(m)
        plane.divergence(jx, jy, out)

    def ends(self, m: Array) -> Array:
        if self.closed:
            return np.zeros(4)
        jx, jy = self.currents(m)
        ends = np.array([-np.sum(jx[0]), np.sum(jx[-1]), -np.sum(jy[:, 0]), np.sum(jy[:, -1])])
        return ends * ~np.repeat(rings_of(self.grid), 2)

    def currents(self, m: Array) -> tuple[Array, ...]:
        nx, ny = m.shape
        jx, jy = np.empty((nx + 1, ny)), np.empty((nx, ny + 1))
        flow, weights, widths, rings, evens = self._data
        plane.wide_currents(m / self.grid.volumes, flow, weights, widths, rings, evens, self.upwinded, jx, jy)
        return jx, jy

    def legendre_step(self, m: Array, dt: float, parts: tuple[Array, ...]) -> Array:
        """A whole Runge-Kutta-Legendre step of the masses, where nothing leaves."""
        volumes, (first, now, spare, jx, jy) = self.grid.volumes, self._scratch
        flow, weights, widths, rings, evens = self._data
        p = plane.legendre_wide(
            m / volumes, dt, parts, flow, weights, widths, 1.0 / volumes, rings, evens, self.upwinded, first, now,
            spare, jx, jy,
        )  # fmt: skip
        return np.asarray(p * volumes)

    def bent(self, m: Array, dt: float) -> Array:
        """The masses after an explicit midpoint step of what flows by the bend of the drift alone."""
        middle = m + 0.5 * dt * self._bending(m)
        return np.asarray(m + dt * self._bending(middle))

    def _bending(self, m: Array) -> Array:
        nx, ny = m.shape
        jx, jy, out = np.empty((nx + 1, ny)), np.empty((nx, ny + 1)), np.empty((nx, ny))
        _, weights, widths, rings, evens = self._data
        still = (self._still[0], self.bends[0], self._still[1], self.bends[1], np.zeros(2))
        plane.wide_currents(m / self.grid.volumes, still, weights, widths, rings, evens, False, jx, jy)
        plane.divergence(jx, jy, out)
        return out

    @functools.cached_property
    def _still(self) -> tuple[Array, Array]:
        return np.zeros_like(self.drifts[0]), np.zeros_like(self.drifts[1])

    @functools.cached_property
    def longest_bend(self) -> float:
        """The longest stable step of :meth:`bent`, s."""
        areas = self.grid.volumes
        rate = sum(4.0 * float(np.max(np.abs(bend))) for bend in self.bends) / float(np.min(areas))
        return 1.0 / rate if rate > 0.0 else np.inf

    def matrix(self) -> Any:
        """Products of sparse matrices, one for each thing the kernel does."""
        if self.upwinded:
            return super().matrix()
        from scipy.sparse import diags_array, identity, kron

        nx, ny = self.grid.shape
        value_x, slope_x, value_y, slope_y, point_x, point_y = (
            _spread_out(weights, self.grid.axes[k].periodic)
            for k, weights in zip((0, 0, 1, 1, 0, 1), self._weights, strict=True)
        )
        eye = [identity(n, format="csr") for n in (nx, ny, nx + 1, ny + 1)]
        hx, hy = (axis.widths for axis in self.grid.axes)
        corners = kron(point_x, point_y)
        step = [_differences(n) for n in (nx, ny)]
        jx = (
            diags_array(np.outer(np.ones(nx + 1), hy).ravel())
            @ (diags_array(self.drifts[0].ravel()) @ kron(value_x, eye[1]) - self.spread[0] * kron(slope_x, eye[1]))
            + diags_array(self.bends[0].ravel()) @ kron(eye[2], step[1]) @ corners
        )
        jy = (
            diags_array(np.outer(hx, np.ones(ny + 1)).ravel())
            @ (diags_array(self.drifts[1].ravel()) @ kron(eye[0], value_y) - self.spread[1] * kron(eye[0], slope_y))
            + diags_array(self.bends[1].ravel()) @ kron(step[0], eye[3]) @ corners
        )
        whole = -(kron(step[0], eye[1]) @ jx + kron(eye[0], step[1]) @ jy)
        return (whole @ diags_array(1.0 / self.grid.volumes.ravel())).tocsr()


def _cross_bend(mobility: Array) -> float:
    even, odd = 0.5 * (mobility[0, 1] + mobility[1, 0]), 0.5 * (mobility[0, 1] - mobility[1, 0])
    scale = mobility[0, 0] * mobility[1, 1]
    return float(_EVEN * (even**2 / scale) ** 2 + _ODD * odd**2 / scale)


def _spread_out(weights: Array, ring: bool) -> Any:
    """Face weights as a sparse matrix (n + 1, n)."""
    from scipy.sparse import csr_array

    n = weights.shape[1] - 1
    faces = np.tile(np.arange(n + 1), 4)
    return csr_array((weights.ravel(), (faces, cells_of_faces(n, ring).ravel())), shape=(n + 1, n))


def _differences(n: int) -> Any:
    """Differences (n, n + 1) of neighbouring faces."""
    from scipy.sparse import diags_array

    return diags_array([-np.ones(n), np.ones(n)], offsets=[0, 1], shape=(n, n + 1))
