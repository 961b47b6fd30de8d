"""A Patankar-Runge-Kutta method: positive, conservative and of second order."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.discretisation import Discretisation, JumpPlane, LineOperator
from fpsolve.discretisation.lines import JumpLines
from fpsolve.grids import Array
from fpsolve.settings import InputError
from fpsolve.steppers.base import Advance, GridStepper


@dataclasses.dataclass(frozen=True)
class PatankarRungeKutta(GridStepper):
    """Two solves: backward Euler, then rates weighted so that the trapezoidal rule keeps signs (MPRK22).

    The weights depend on the masses: this is how it is positive at any step and of second order, which no linear
    method can be. The rates are those of the middle of the step.
    """

    kind: ClassVar[str] = "patankar"
    order: ClassVar[int] = 2
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = True
    stability: ClassVar[str] = "A"
    takes: ClassVar[str] = "positive"
    dimensions: ClassVar[tuple[int, ...]] = (1, 2)
    reference: ClassVar[str] = "H. Burchard, E. Deleersnijder, A. Meister, Appl. Numer. Math. 47, 1 (2003)"

    def step(self, system: Discretisation, m: Array, t: float, dt: float) -> Advance:
        operator = system.at(t + 0.5 * dt)
        if not isinstance(operator, (LineOperator, JumpPlane)):
            raise InputError("stepper", f"patankar needs a positive flux, not {system.flux.kind}")
        return Advance(*patankar_step(operator, m, dt))


def patankar_step(operator: LineOperator | JumpPlane | JumpLines, m: Array, dt: float) -> tuple[Array, Array]:
    """The masses after a step, and what flowed out through the ends."""
    first = operator.solve(dt, m)
    ratio = np.divide(m, first, out=np.ones_like(m), where=first > 0.0)
    weighted = operator.scaled(0.5 * (1.0 + ratio))
    result = weighted.solve(dt, m)
    return result, dt * weighted.ends(result)
