"""First-order upwind flux."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fpsolve.fluxes.base import TwoPointFlux
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
    kernel = staticmethod(two_point.upwind)
