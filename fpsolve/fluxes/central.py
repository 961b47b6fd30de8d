"""Second-order central flux."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fpsolve.fluxes.base import TwoPointFlux
from fpsolve.kernels import two_point


@dataclasses.dataclass(frozen=True)
class Central(TwoPointFlux):
    """P at a face is interpolated linearly. Rings where a cell is wider than 2 T / |f|."""

    kind: ClassVar[str] = "central"
    order: ClassVar[int] = 2
    advective_order: ClassVar[int] = 2
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = False
    equilibrium_preserving: ClassVar[bool] = False
    local_detailed_balance: ClassVar[bool] = False
    reference: ClassVar[str] = "R. J. LeVeque, Finite Volume Methods for Hyperbolic Problems, Cambridge (2002), ch. 4"
    kernel = staticmethod(two_point.central)
