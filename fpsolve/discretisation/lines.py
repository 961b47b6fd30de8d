"""All lines along one axis of the plane, each an operator of its own: the parts of a splitting.

The lines of a jump process lie side by side, the axis first, and are eliminated together without subtractions. Those of
a wide flux lie one after the other, the axis last, and are eliminated one by one.
"""

from __future__ import annotations

import abc
import dataclasses

import numpy as np

from fpsolve.discretisation.line import widths_of_stencil
from fpsolve.discretisation.plane import JumpPlane
from fpsolve.discretisation.wide_plane import WidePlane
from fpsolve.fluxes.fourth_order import face_weights
from fpsolve.grids import Array
from fpsolve.kernels import columns, line

#: how many factored operators are kept
_KEPT = 6


class Lines(abc.ABC):
    """Masses change along the lines of one axis alone: dm/dt = L m.

    Attributes
    ----------
    axis_first : bool
        Whether arrays have the axis first (else last).
    """

    axis_first: bool

    def __init__(self) -> None:
        self._factors: dict[float, tuple[Array, ...]] = {}

    @abc.abstractmethod
    def factored(self, a: float) -> tuple[Array, ...]:
        """Arrays that solve (1 - a L) x = b."""

    @abc.abstractmethod
    def eliminate(self, b: Array, factors: tuple[Array, ...]) -> None:
        """Solve (1 - a L) x = b in place."""

    @abc.abstractmethod
    def ends(self, m: Array) -> Array:
        """What flows out through the lower and upper ends, 1/s."""

    def solve(self, a: float, b: Array) -> Array:
        """Solve (1 - a L) x = b."""
        held = self._factors.get(a)
        if held is None:
            held = self.factored(a)
            if len(self._factors) >= _KEPT:
                self._factors.pop(next(iter(self._factors)))
            self._factors[a] = held
        x = b.copy()
        self.eliminate(x, held)
        return x


class JumpLines(Lines):
    """Those of a jump process."""

    axis_first = True

    def __init__(self, forward: Array, backward: Array, ring: bool) -> None:
        super().__init__()
        self.forward, self.backward, self.ring = forward, backward, ring

    def factored(self, a: float) -> tuple[Array, ...]:
        n, lines = self.forward.shape[0] - 1, self.forward.shape[1]
        ahead, inverse, behind = np.empty((3, n, lines))
        response = np.empty((n, lines) if self.ring else (1, lines))
        factors = (ahead, inverse, behind, response, np.empty((3, lines)))
        columns.factor_columns(self.forward, self.backward, a, self.ring, *factors)
        return factors

    def eliminate(self, b: Array, factors: tuple[Array, ...]) -> None:
        columns.solve_columns(b, self.ring, *factors)

    def ends(self, m: Array) -> Array:
        if self.ring:
            return np.zeros(2)
        return np.array([float(np.sum(self.backward[0] * m[0])), float(np.sum(self.forward[-1] * m[-1]))])

    def scaled(self, factors: Array) -> JumpLines:
        """Every cell goes at ``factors`` times its rates."""
        before, after = np.concatenate([factors[-1:], factors]), np.concatenate([factors, factors[:1]])
        return JumpLines(self.forward * before, self.backward * after, self.ring)


@dataclasses.dataclass(eq=False)
class WideLines(Lines):
    """Those of a four-cell stencil, (lines, 4, n + 1); mass is kept line by line where the ends are closed."""

    stencils: Array
    ring: bool
    closed: bool

    axis_first = False

    def __post_init__(self) -> None:
        super().__init__()

    @classmethod
    def of(cls, operator: WidePlane, axis: int) -> WideLines:
        """The part of an operator that acts along an axis: its face averages without what bends along the faces."""
        own = operator.grid.axes[axis]
        value, slope = face_weights(own)
        drift = np.moveaxis(operator.drifts[axis], axis, 1)  # (lines, n + 1)
        stencils = (drift[:, None, :] * value - operator.spread[axis] * slope) / widths_of_stencil(own)
        return cls(np.ascontiguousarray(stencils), own.periodic, "absorbing" not in own.ends)

    def factored(self, a: float) -> tuple[Array, ...]:
        lines, n = self.stencils.shape[0], self.stencils.shape[2] - 1
        bands, corners = np.empty((lines, 5, n)), np.zeros((lines, 2))
        borders = np.zeros((lines, 4, max(n, 6) if self.ring else 1))
        shares = np.full((lines, n), 1.0 / n)
        line.factor_lines(self.stencils, a, self.ring, bands, corners, borders)
        line.solve_lines(shares, bands, corners, borders, np.zeros((1, 1)), self.ring)
        shares /= np.sum(shares, axis=1, keepdims=True)
        return bands, corners, borders, shares if self.closed else np.zeros((1, 1))

    def eliminate(self, b: Array, factors: tuple[Array, ...]) -> None:
        bands, corners, borders, shares = factors
        line.solve_lines(b, bands, corners, borders, shares, self.ring)

    def ends(self, m: Array) -> Array:
        if self.ring or self.closed:
            return np.zeros(2)
        low = np.sum(self.stencils[:, :, 0] * m[:, :4])
        high = np.sum(self.stencils[:, :, -1] * m[:, -4:])
        return np.array([-float(low), float(high)])


def lines_of(operator: JumpPlane | WidePlane, axis: int) -> Lines:
    """The lines along an axis, which the operator keeps."""
    held: dict[int, Lines] = operator.__dict__.setdefault("_lines", {})
    if axis not in held:
        if isinstance(operator, WidePlane):
            held[axis] = WideLines.of(operator, axis)
        else:
            forward, backward = operator.forward[axis], operator.backward[axis]
            if axis == 1:
                forward, backward = np.ascontiguousarray(forward.T), np.ascontiguousarray(backward.T)
            held[axis] = JumpLines(forward, backward, operator.rings[axis])
    return held[axis]
