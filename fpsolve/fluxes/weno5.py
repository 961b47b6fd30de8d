"""Fifth-order weighted essentially non-oscillatory flux."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.fluxes.base import Flux, check_cells
from fpsolve.fluxes.fourth_order import LEAST_CELLS, face_weights
from fpsolve.grids import Array, Axis, Grid
from fpsolve.kernels.advection import CONTINUED, weno5_currents
from fpsolve.kernels.line import currents
from fpsolve.settings import InputError

#: curvature, relative to the square of the largest average, below which the weights need not tell smooth from rough
_FLAT = 1e-14
#: cells at an end are narrow enough for its boundary layer up to this many T / |f|
_RESOLVED = 2.0


@dataclasses.dataclass(frozen=True)
class WENO5(Flux):
    """Upwind reconstruction from five cells whose weights avoid stencils with a jump (WENO-Z); equal cells.

    The drift is carried so; diffusion, where T > 0, by the fourth-order central slope.
    """

    kind: ClassVar[str] = "weno5"
    order: ClassVar[int] = 4
    advective_order: ClassVar[int] = 5
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = False
    equilibrium_preserving: ClassVar[bool] = False
    local_detailed_balance: ClassVar[bool] = False
    linear: ClassVar[bool] = False
    local_temperature: ClassVar[bool] = False
    reference: ClassVar[str] = "R. Borges, M. Carmona, B. Costa, W. S. Don, J. Comput. Phys. 227, 3191 (2008)"

    def currents(self, p: Array, drift: Array, temperature: Array | float, grid: Grid) -> Array:
        axis = grid.axis
        if not axis.uniform:
            raise InputError("grid", "the cells differ in width; weno5 needs equal ones: use Grid.line, or upwind")
        out, drift = np.empty(grid.cells + 1), np.asarray(drift, float)
        warm = bool(np.any(temperature))
        if warm:
            check_cells(axis, LEAST_CELLS, self.kind)
        largest = float(np.max(np.abs(p)))
        beyond = _beyond(drift, temperature, axis) if warm else axis.codes
        weno5_currents(p, drift, *axis.codes, *beyond, _FLAT * largest**2 + 1e-300, out)
        if warm:
            spread = np.empty(grid.cells + 1)
            currents(p, -temperature * face_weights(axis)[1], axis.periodic, spread)
            out += spread
        return out


def _beyond(drift: Array, temperature: Array | float, axis: Axis) -> tuple[int, int]:
    """What is assumed beyond the ends: where diffusion bends the density on the scale of a cell it goes on smoothly.

    A mirror image would have a kink there, at which the order is lost; in a layer that the cells do not resolve it is
    the safer choice.
    """
    if axis.periodic:
        return axis.codes
    width, spread = float(axis.widths[0]), np.broadcast_to(temperature, drift.shape)
    resolved = [bool(abs(drift[k]) * width <= _RESOLVED * spread[k]) for k in (0, -1)]
    lower, upper = (CONTINUED if fine else code for fine, code in zip(resolved, axis.codes, strict=True))
    return lower, upper
