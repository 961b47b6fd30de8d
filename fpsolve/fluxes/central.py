"""Second-order central flux."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.fluxes.base import TwoPointFlux, flat
from fpsolve.grids import Array
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

    def rates(self, drift: Array, temperature: Array, left: Array, right: Array) -> tuple[Array, Array]:
        minus, plus = np.empty((2, drift.size))
        two_point.central(flat(drift), flat(temperature), flat(left), flat(right), minus, plus)
        return minus.reshape(drift.shape), plus.reshape(drift.shape)
