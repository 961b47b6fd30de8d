"""Forward Euler."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.grids import Array
from fpsolve.steppers.base import Advance, GridStepper


@dataclasses.dataclass(frozen=True)
class ExplicitEuler(GridStepper):
    """First order; the step must not empty a cell. For teaching, and as the positive part of other methods."""

    kind: ClassVar[str] = "explicit-euler"
    order: ClassVar[int] = 1
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = True
    stability: ClassVar[str] = "explicit"
    takes: ClassVar[str] = "any"
    dimensions: ClassVar[tuple[int, ...]] = (1, 2)
    reference: ClassVar[str] = "L. Euler, Institutiones calculi integralis, St. Petersburg (1768)"

    def step(self, system: Discretisation, m: Array, t: float, dt: float) -> Advance:
        operator, rates = system.at(t), np.empty_like(m)
        operator.rates(m, rates)
        return Advance(m + dt * rates, dt * operator.ends(m))

    def largest_step(self, system: Discretisation, t: float) -> float:
        return 0.95 * system.at(t).reach.euler
