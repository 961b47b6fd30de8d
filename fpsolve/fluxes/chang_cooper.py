"""The flux of Chang and Cooper."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fpsolve.fluxes.base import TwoPointFlux
from fpsolve.kernels import two_point


@dataclasses.dataclass(frozen=True)
class ChangCooper(TwoPointFlux):
    """A weighted mean of both cells whose weight keeps the equilibrium: equals Scharfetter-Gummel at equal drift."""

    kind: ClassVar[str] = "chang-cooper"
    order: ClassVar[int] = 2
    advective_order: ClassVar[int] = 1
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = True
    equilibrium_preserving: ClassVar[bool] = True
    local_detailed_balance: ClassVar[bool] = True
    reference: ClassVar[str] = "J. S. Chang, G. Cooper, J. Comput. Phys. 6, 1 (1970)"
    kernel = staticmethod(two_point.chang_cooper)
