"""Strang splitting in the plane: half a step along x, a step along y, half a step along x."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import numpy as np

from fpsolve.discretisation import Discretisation, JumpPlane, WidePlane
from fpsolve.discretisation.lines import JumpLines, Lines, lines_of
from fpsolve.grids import Array
from fpsolve.settings import InputError, Recipe, from_recipe
from fpsolve.steppers.base import Advance, GridStepper
from fpsolve.steppers.diagonally_implicit import DiagonallyImplicit
from fpsolve.steppers.patankar import PatankarRungeKutta, patankar_step
from fpsolve.steppers.tr_bdf2 import TRBDF2


@dataclasses.dataclass(frozen=True)
class StrangSplitting(GridStepper):
    """Each part is a set of independent lines, eliminated together; positive if what is done along them is.

    L is that of the middle of the step. What a fourth-order flux carries along its faces (the bend of the drift) is no
    part of the lines: half an explicit midpoint step of it begins and ends the step.

    Parameters
    ----------
    inner : TRBDF2, PatankarRungeKutta or another implicit stepper, optional
        What is done along the lines; if absent Patankar for a positive flux, TR-BDF2 otherwise.
    """

    kind: ClassVar[str] = "strang"
    order: ClassVar[int] = 2
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = True
    stability: ClassVar[str] = "A"
    takes: ClassVar[str] = "linear"
    dimensions: ClassVar[tuple[int, ...]] = (2,)
    reference: ClassVar[str] = "G. Strang, SIAM J. Numer. Anal. 5, 506 (1968)"
    inner: GridStepper | None = None

    def __post_init__(self) -> None:
        if self.inner is None:
            return
        if not isinstance(self.inner, (DiagonallyImplicit, PatankarRungeKutta)):
            allowed = "PatankarRungeKutta(), TRBDF2(), BackwardEuler() or another implicit stepper"
            raise InputError("inner", f"given {type(self.inner).__name__}; expected {allowed}")
        # this one claims no more than what is done along its lines
        for name, claim in (
            ("order", min(2, self.inner.order)), ("positive", self.inner.positive), ("stability", self.inner.stability)
        ):  # fmt: skip
            object.__setattr__(self, name, claim)

    @classmethod
    def build(cls, entries: Recipe) -> StrangSplitting:
        inner = entries.get("inner")
        return cls() if inner is None else cls(from_recipe("stepper", inner))

    def step(self, system: Discretisation, m: Array, t: float, dt: float) -> Advance:
        operator, outflow = system.at(t + 0.5 * dt), np.zeros(4)
        if not isinstance(operator, (JumpPlane, WidePlane)) or not system.linear:
            raise InputError("stepper", f"strang needs a linear flux in the plane, not {system.flux.kind}")
        inner = self.inner or (PatankarRungeKutta() if system.positive else TRBDF2())
        wide = operator if isinstance(operator, WidePlane) else None
        m = m if wide is None else wide.bent(m, 0.5 * dt)
        for axis, part in ((0, 0.5), (1, 1.0), (0, 0.5)):
            m = _along(inner, lines_of(operator, axis), axis, m, part * dt, outflow[2 * axis : 2 * axis + 2])
        return Advance(m if wide is None else wide.bent(m, 0.5 * dt), outflow)

    def largest_step(self, system: Discretisation, t: float) -> float:
        operator = system.at(t)
        return operator.longest_bend if isinstance(operator, WidePlane) else math.inf


def _along(inner: GridStepper, lines: Lines, axis: int, m: Array, dt: float, outflow: Array) -> Array:
    turned = (axis == 0) != lines.axis_first
    m = np.ascontiguousarray(m.T) if turned else m
    if isinstance(inner, DiagonallyImplicit):
        m = _diagonally_implicit(inner, lines, m, dt, outflow)
    elif isinstance(lines, JumpLines):
        m, flown = patankar_step(lines, m, dt)
        outflow += flown
    else:
        raise InputError("inner", f"{inner.kind} needs a positive flux; take StrangSplitting(TRBDF2())")
    return np.ascontiguousarray(m.T) if turned else m


def _diagonally_implicit(stepper: DiagonallyImplicit, lines: Lines, m: Array, dt: float, outflow: Array) -> Array:
    slopes: list[Array] = []
    x = m
    for row, weight in zip(stepper.coefficients, stepper.weights, strict=True):
        known = m + sum(part * slope for part, slope in zip(row[:-1], slopes, strict=True))
        x = lines.solve(dt * row[-1], known)
        slopes.append((x - known) / row[-1])
        outflow += dt * weight * lines.ends(x)
    if stepper.weights == stepper.coefficients[-1]:
        return x
    return m + sum(weight * slope for weight, slope in zip(stepper.weights, slopes, strict=True))
