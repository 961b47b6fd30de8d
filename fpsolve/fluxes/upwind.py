"""First-order upwind flux."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.fluxes.base import TwoPointFlux, flat
from fpsolve.grids import Array
from fpsolve.kernels import two_point


@dataclasses.dataclass(frozen=True)
class Upwind(TwoPointFlux):
    """What flows through a face is the average of the cell that it comes from. Positive, robust, dissipative."""

    kind: ClassVar[str] = "upwind"
    order: ClassVar[int] = 1
    advective_order: ClassVar[int] = 1
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = True
    equilibrium_preserving: ClassVar[bool] = False
    local_detailed_balance: ClassVar[bool] = False
    reference: ClassVar[str] = "R. Courant, E. Isaacson, M. Rees, Comm. Pure Appl. Math. 5, 243 (1952)"

    def rates(self, drift: Array, temperature: Array, left: Array, right: Array) -> tuple[Array, Array]:
        minus, plus = np.empty((2, drift.size))
        two_point.upwind(flat(drift), flat(temperature), flat(left), flat(right), minus, plus)
        return minus.reshape(drift.shape), plus.reshape(drift.shape)
