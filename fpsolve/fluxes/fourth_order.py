"""Fourth-order central flux."""

from __future__ import annotations

import dataclasses
import functools
from typing import ClassVar

import numpy as np

from fpsolve.fluxes.base import LinearFlux, cells_of_faces, check_cells
from fpsolve.grids import Array, Axis, Grid
from fpsolve.kernels.line import currents
from fpsolve.kernels.reconstruction import four_cell_weights

#: cells that the elimination of a ring or of two ends needs
LEAST_CELLS = 8


@dataclasses.dataclass(frozen=True)
class FourthOrder(LinearFlux):
    """Value and slope at a face from the quartic through the primitive of P at five edges; any smooth stretching.

    The most accurate choice for smooth densities; small negative values can appear where they are not resolved.
    """

    kind: ClassVar[str] = "fourth-order"
    order: ClassVar[int] = 4
    advective_order: ClassVar[int] = 4
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = False
    equilibrium_preserving: ClassVar[bool] = False
    local_detailed_balance: ClassVar[bool] = False
    linear: ClassVar[bool] = True
    local_temperature: ClassVar[bool] = False
    reference: ClassVar[str] = "P. Colella et al., J. Comput. Phys. 230, 2952 (2011)"

    def stencil(self, drift: Array, temperature: Array | float, axis: Axis) -> Array:
        value, slope = face_weights(axis)
        stencil = drift * value - temperature * slope
        for face, end, outward in ((0, axis.ends[0], -1.0), (axis.cells, axis.ends[1], 1.0)):
            # without diffusion there is no layer in which P falls to zero: the drift takes out what is there
            if end == "absorbing" and np.broadcast_to(temperature, drift.shape)[face] == 0.0:
                stencil[:, face] = outward * max(outward * drift[face], 0.0) * open_weights(axis)[:, face]
        return stencil

    def currents(self, p: Array, drift: Array, temperature: Array | float, grid: Grid) -> Array:
        out = np.empty(grid.cells + 1)
        currents(p, self.stencil(drift, temperature, grid.axis), grid.axis.periodic, out)
        return out


@functools.lru_cache(maxsize=64)
def point_weights(axis: Axis) -> Array:
    """Weights (4, n + 1) of P at all edges, the ends too; zero at an absorbing one, where P = 0."""
    value = open_weights(axis).copy()
    for face, end in ((0, axis.ends[0]), (axis.cells, axis.ends[1])):
        if end == "absorbing":
            value[:, face] = 0.0
    return value


@functools.lru_cache(maxsize=64)
def open_weights(axis: Axis) -> Array:
    """Weights (4, n + 1) of P at all edges, at the ends from the inside alone."""
    value = face_weights(axis)[0].copy()
    if not axis.periodic:
        n, unused = axis.cells, np.empty((4, 1))
        for face, place in ((0, 0), (n, n - 4)):
            at = np.empty((4, 1))
            four_cell_weights(axis.edges, axis.edges[face : face + 1], np.array([place]), at, unused)
            value[:, face] = at[:, 0]
    return value


@functools.lru_cache(maxsize=64)
def face_weights(axis: Axis) -> tuple[Array, Array]:
    """Weights (4, n + 1) of value and slope of P at the faces; zero at a reflecting end, where nothing flows.

    At an absorbing end P = 0, and the slope is that of the quintic primitive that knows it.
    """
    check_cells(axis, LEAST_CELLS, "a four-cell stencil")
    n, edges = axis.cells, axis.edges
    value, slope = np.empty((2, 4, n + 1))
    if axis.periodic:
        wrapped = np.concatenate([edges[-3:-1] - axis.length, edges, edges[1:3] + axis.length])
        four_cell_weights(wrapped, edges, np.arange(n + 1), value, slope)
        return value, slope
    four_cell_weights(edges, edges, cells_of_faces(n, False)[0], value, slope)
    for face, end in ((0, axis.ends[0]), (n, axis.ends[1])):
        value[:, face] = slope[:, face] = 0.0
        if end == "absorbing":
            slope[:, face] = _slope_at_zero(edges[:5] if face == 0 else edges[-5:], edges[face])
    return value, slope


def _slope_at_zero(edges: Array, place: float) -> Array:
    """Weights of four averages in the slope of the polynomial that vanishes at one of the outer edges."""
    scale = edges[-1] - edges[0]
    powers = np.arange(2, 6)
    low, high = ((e[:, None] - place) / scale for e in (edges[:-1], edges[1:]))
    averages = (high**powers - low**powers) / (powers * (high - low))
    return np.linalg.inv(averages)[0] / scale
