"""Operators in the plane, and jump processes there."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from fpsolve.discretisation.base import Operator, Reach, reach_of
from fpsolve.discretisation.coefficients import (
    check_diagonal,
    diffusion_at_faces,
    drift_along_links,
)
from fpsolve.discretisation.line import jump_rates, jump_reach
from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import TwoPointFlux
from fpsolve.fluxes.base import check_cells
from fpsolve.grids import Array, Grid
from fpsolve.kernels import plane

#: how many eliminated matrices of one operator are kept
_KEPT = 4


class PlaneOperator(Operator):
    """A linear operator in the plane, solved by sparse elimination."""

    closed: bool

    def solve(self, a: float, b: Array) -> Array:
        held = self._held_factors()
        if a not in held:
            if len(held) >= _KEPT:
                held.pop(next(iter(held)))
            held[a] = _eliminated(self.matrix(), a)
        x = held[a].solve(np.ascontiguousarray(b).ravel()).reshape(b.shape)
        # the columns of 1 - a L sum to one, but for what flows out: what rounding took is given back
        kept = self._kept(a, x)
        if np.min(b) >= 0.0:  # as a factor, which keeps signs
            return np.asarray(x * (np.sum(b) / kept)) if kept > 0.0 else x
        share = held[a].solve(np.full(b.size, 1.0 / b.size)).reshape(b.shape)
        return np.asarray(x + (np.sum(b) - kept) / self._kept(a, share) * share)

    def _kept(self, a: float, x: Array) -> float:
        """What (1 - a L) x sums to: x, and what flows out."""
        return float(np.sum(x) + (0.0 if self.closed else a * np.sum(self.ends(x))))

    def _held_factors(self) -> dict[float, Any]:
        if not hasattr(self, "_factors"):
            self._factors: dict[float, Any] = {}
        return self._factors


@dataclasses.dataclass(eq=False)
class JumpPlane(PlaneOperator):
    """A jump process between the cells of the plane.

    Parameters
    ----------
    forward, backward : pairs of arrays
        For each axis the rates out of the cells on the left and on the right of the faces, 1/s: (nx + 1, ny), then
        (nx, ny + 1).
    rings : (bool, bool)
        Which axes are closed.
    closed : bool
        Whether nothing leaves.
    reach : Reach
    """

    forward: tuple[Array, Array]
    backward: tuple[Array, Array]
    rings: tuple[bool, bool]
    closed: bool
    reach: Reach

    @classmethod
    def of(cls, problem: FokkerPlanck, grid: Grid, flux: TwoPointFlux, t: float) -> JumpPlane:
        """The operator of a two-point flux at time t."""
        check_diagonal(problem, flux.kind)
        drifts = drift_along_links(problem, grid, t)
        pairs, reaches = [], []
        for axis, (drift, own) in enumerate(zip(drifts, grid.axes, strict=True)):
            check_cells(own, 2, flux.kind)
            spread = np.broadcast_to(diffusion_at_faces(problem, grid, t, axis), drift.shape)
            # parallel lines: the axis comes first
            minus, plus = flux.face_rates(np.moveaxis(drift, axis, 0), np.moveaxis(spread, axis, 0), own)
            rates = [np.ascontiguousarray(np.moveaxis(r, 0, axis)) for r in jump_rates(minus, plus, own)]
            pairs.append(rates)
            reaches.append(jump_reach(rates[0], rates[1], axis))
        reach = reach_of(*([part for r in reaches for part in r[k]] for k in range(2)))
        return cls(
            (pairs[0][0], pairs[1][0]), (pairs[0][1], pairs[1][1]), rings_of(grid), closed_of(grid), reach
        )  # fmt: skip

    def rates(self, m: Array, out: Array) -> None:
        plane.jump_rates(m, self.forward[0], self.backward[0], self.forward[1], self.backward[1], out)

    def scaled(self, factors: Array) -> JumpPlane:
        """The operator that lets every cell go at ``factors`` times its rates."""
        pairs = []
        for axis in range(2):
            left = np.concatenate([factors.take([-1], axis), factors], axis)
            right = np.concatenate([factors, factors.take([0], axis)], axis)
            pairs.append((self.forward[axis] * left, self.backward[axis] * right))
        forward, backward = (pairs[0][0], pairs[1][0]), (pairs[0][1], pairs[1][1])
        return dataclasses.replace(self, forward=forward, backward=backward)

    def ends(self, m: Array) -> Array:
        ends = np.zeros(4)
        if not self.closed:
            rates = (self.forward[0], self.backward[0], self.forward[1], self.backward[1])
            plane.jump_ends(m, *rates, *self.rings, ends)
        return ends

    def currents(self, m: Array) -> tuple[Array, ...]:
        found = []
        for axis in range(2):
            first = m.take([-1], axis) if self.rings[axis] else np.zeros_like(m.take([0], axis))
            last = m.take([0], axis) if self.rings[axis] else np.zeros_like(first)
            left, right = np.concatenate([first, m], axis), np.concatenate([m, last], axis)
            found.append(self.forward[axis] * left - self.backward[axis] * right)
        return tuple(found)

    def matrix(self) -> Any:
        from scipy.sparse import csr_array

        nx, ny = self.forward[0].shape[0] - 1, self.forward[0].shape[1]
        index = np.arange(nx * ny).reshape(nx, ny)
        total = csr_array((nx * ny, nx * ny))
        for axis in range(2):
            size = (nx, ny)[axis]
            left = np.take(index, np.arange(-1, size), axis, mode="wrap")
            right = np.take(index, np.arange(size + 1), axis, mode="wrap")
            every, own = np.arange(size + 1), np.ones(size + 1, bool)
            enters = every < size  # the current through a face enters the cell on its right ...
            leaves = every > 0  # ... and leaves the one on its left
            for rates, source, sign in ((self.forward[axis], left, 1.0), (self.backward[axis], right, -1.0)):
                known = own if self.rings[axis] else (leaves if sign > 0 else enters)
                for keep, target, way in ((enters & known, right, 1.0), (leaves & known, left, -1.0)):
                    faces = np.flatnonzero(keep)
                    value, row, col = (np.take(part, faces, axis).ravel() for part in (rates, target, source))
                    total = total + csr_array((sign * way * value, (row, col)), shape=total.shape)
        return csr_array(total)


def _eliminated(matrix: Any, a: float) -> Any:
    """1 - a L, factored with its diagonal as pivots: that of a jump process then keeps signs."""
    from scipy.sparse import csc_array, identity
    from scipy.sparse.linalg import splu

    whole = csc_array(identity(matrix.shape[0], format="csc") - a * matrix)
    return splu(whole, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def rings_of(grid: Grid) -> tuple[bool, bool]:
    """Which axes are rings."""
    return grid.axes[0].periodic, grid.axes[1].periodic


def closed_of(grid: Grid) -> bool:
    """Whether nothing leaves the grid."""
    return all("absorbing" not in axis.ends for axis in grid.axes)
