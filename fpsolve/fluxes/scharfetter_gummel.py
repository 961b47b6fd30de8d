"""The flux of Scharfetter and Gummel."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fpsolve.fluxes.base import TwoPointFlux
from fpsolve.kernels import two_point


@dataclasses.dataclass(frozen=True)
class ScharfetterGummel(TwoPointFlux):
    """The exact flux of constant force and current between two centres: a jump process with local detailed balance.

    Second order where cells are narrower than T / |f|, upwind where they are wider or T = 0.
    """

    kind: ClassVar[str] = "scharfetter-gummel"
    order: ClassVar[int] = 2
    advective_order: ClassVar[int] = 1
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = True
    equilibrium_preserving: ClassVar[bool] = True
    local_detailed_balance: ClassVar[bool] = True
    reference: ClassVar[str] = "D. L. Scharfetter, H. K. Gummel, IEEE Trans. Electron Devices 16, 64 (1969)"
    kernel = staticmethod(two_point.scharfetter_gummel)
