"""The flux of Chang and Cooper."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.fluxes.base import TwoPointFlux, flat
from fpsolve.grids import Array
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

    def rates(self, drift: Array, temperature: Array, left: Array, right: Array) -> tuple[Array, Array]:
        minus, plus = np.empty((2, drift.size))
        two_point.chang_cooper(flat(drift), flat(temperature), flat(left), flat(right), minus, plus)
        return minus.reshape(drift.shape), plus.reshape(drift.shape)
