"""First-order upwind flux."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.fluxes.base import TwoPointFlux
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError


@dataclasses.dataclass(frozen=True)
class Upwind(TwoPointFlux):
    """What flows through a face is the average of the cell that it comes from. Positive, robust, dissipative."""

    kind: ClassVar[str] = "upwind"
    order: ClassVar[int] = 1
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = True
    equilibrium_preserving: ClassVar[bool] = False
    local_detailed_balance: ClassVar[bool] = False
    reference: ClassVar[str] = "R. Courant, E. Isaacson, M. Rees, Comm. Pure Appl. Math. 5, 243 (1952)"

    def rates(self, drift: Array, temperature: float, grid: Grid) -> tuple[Array, Array]:
        if temperature != 0.0:
            raise InputError("temperature", f"given {temperature:g}; {self.kind} carries drift only: give 0")
        return np.maximum(drift, 0.0), np.maximum(-drift, 0.0)
