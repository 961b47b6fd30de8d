"""Strang splitting in the plane: half a step along x, a step along y, half a step along x."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.discretisation import Discretisation, JumpPlane
from fpsolve.grids import Array
from fpsolve.kernels import columns
from fpsolve.settings import InputError, Recipe, from_recipe
from fpsolve.steppers.base import Advance, GridStepper
from fpsolve.steppers.diagonally_implicit import DiagonallyImplicit
from fpsolve.steppers.patankar import PatankarRungeKutta

#: how many factored directions of one operator are kept
_KEPT = 6


@dataclasses.dataclass(frozen=True)
class StrangSplitting(GridStepper):
    """Each part is a set of independent lines, eliminated together; positive if what is done along them is.

    L is that of the middle of the step.

    Parameters
    ----------
    inner : TRBDF2, PatankarRungeKutta or another implicit stepper
        What is done along the lines.
    """

    kind: ClassVar[str] = "strang"
    order: ClassVar[int] = 2
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = True
    stability: ClassVar[str] = "A"
    takes: ClassVar[str] = "two-point"
    dimensions: ClassVar[tuple[int, ...]] = (2,)
    reference: ClassVar[str] = "G. Strang, SIAM J. Numer. Anal. 5, 506 (1968)"
    inner: GridStepper = dataclasses.field(default_factory=PatankarRungeKutta)

    def __post_init__(self) -> None:
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
        operator = system.at(t + 0.5 * dt)
        if not isinstance(operator, JumpPlane):
            raise InputError("stepper", f"strang needs a two-point flux in the plane, not {system.flux.kind}")
        outflow = np.zeros(4)
        m = self._along(operator, 0, m, 0.5 * dt, outflow)
        m = self._along(operator, 1, m, dt, outflow)
        m = self._along(operator, 0, m, 0.5 * dt, outflow)
        return Advance(m, outflow)

    def _along(self, operator: JumpPlane, axis: int, m: Array, dt: float, outflow: Array) -> Array:
        lines = _Lines.of(operator, axis)
        turned = m if axis == 0 else np.ascontiguousarray(m.T)
        if isinstance(self.inner, DiagonallyImplicit):
            turned = _diagonally_implicit(self.inner, lines, turned, dt, outflow[2 * axis : 2 * axis + 2])
        else:
            turned = _patankar(lines, turned, dt, outflow[2 * axis : 2 * axis + 2])
        return turned if axis == 0 else np.ascontiguousarray(turned.T)


@dataclasses.dataclass(eq=False)
class _Lines:
    """All lines along one axis of a jump process, the axis first."""

    forward: Array
    backward: Array
    ring: bool

    def __post_init__(self) -> None:
        self._factors: dict[float, tuple[Array, ...]] = {}

    @classmethod
    def of(cls, operator: JumpPlane, axis: int) -> _Lines:
        """Those of an operator, which keeps them."""
        held: dict[int, _Lines] = operator.__dict__.setdefault("_lines", {})
        if axis not in held:
            forward, backward = operator.forward[axis], operator.backward[axis]
            if axis == 1:
                forward, backward = np.ascontiguousarray(forward.T), np.ascontiguousarray(backward.T)
            held[axis] = cls(forward, backward, operator.rings[axis])
        return held[axis]

    def solve(self, a: float, b: Array, keep: bool = True) -> Array:
        """Solve (1 - a L) x = b."""
        held = self._factors.get(a)
        if held is None:
            n, lines = self.forward.shape[0] - 1, self.forward.shape[1]
            ahead, inverse, behind = np.empty((3, n, lines))
            response = np.empty((n, lines) if self.ring else (1, lines))
            held = (ahead, inverse, behind, response, np.empty((3, lines)))
            columns.factor_columns(self.forward, self.backward, a, self.ring, *held)
            if keep:
                if len(self._factors) >= _KEPT:
                    self._factors.pop(next(iter(self._factors)))
                self._factors[a] = held
        x = b.copy()
        columns.solve_columns(x, self.ring, *held)
        return x

    def ends(self, m: Array) -> Array:
        """What flows out through both ends, 1/s."""
        if self.ring:
            return np.zeros(2)
        return np.array([float(np.sum(self.backward[0] * m[0])), float(np.sum(self.forward[-1] * m[-1]))])

    def scaled(self, factors: Array) -> _Lines:
        """Every cell goes at ``factors`` times its rates."""
        before, after = np.concatenate([factors[-1:], factors]), np.concatenate([factors, factors[:1]])
        return _Lines(self.forward * before, self.backward * after, self.ring)


def _diagonally_implicit(stepper: DiagonallyImplicit, lines: _Lines, m: Array, dt: float, outflow: Array) -> Array:
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


def _patankar(lines: _Lines, m: Array, dt: float, outflow: Array) -> Array:
    first = lines.solve(dt, m)
    ratio = np.divide(m, first, out=np.ones_like(m), where=first > 0.0)
    weighted = lines.scaled(0.5 * (1.0 + ratio))
    x = weighted.solve(dt, m, keep=False)
    outflow += dt * weighted.ends(x)
    return x


