"""Points followed along a velocity by an eighth-order Runge-Kutta method."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from fpsolve.grids import Array
from fpsolve.settings import InputError, number, whole
from fpsolve.steppers.base import Clock, Stepper

_R = math.sqrt(21.0)
_NODES = np.array([0, 1 / 2, 1 / 2, (7 + _R) / 14, (7 + _R) / 14, 1 / 2, (7 - _R) / 14, (7 - _R) / 14, 1 / 2,
                   (7 + _R) / 14, 1])  # fmt: skip
_STAGES: list[dict[int, float]] = [
    {},
    {0: 1 / 2},
    {0: 1 / 4, 1: 1 / 4},
    {0: 1 / 7, 1: (-7 - 3 * _R) / 98, 2: (21 + 5 * _R) / 49},
    {0: (11 + _R) / 84, 2: (18 + 4 * _R) / 63, 3: (21 - _R) / 252},
    {0: (5 + _R) / 48, 2: (9 + _R) / 36, 3: (-231 + 14 * _R) / 360, 4: (63 - 7 * _R) / 80},
    {0: (10 - _R) / 42, 2: (-432 + 92 * _R) / 315, 3: (633 - 145 * _R) / 90, 4: (-504 + 115 * _R) / 70,
     5: (63 - 13 * _R) / 35},
    {0: 1 / 14, 4: (14 - 3 * _R) / 126, 5: (13 - 3 * _R) / 63, 6: 1 / 9},
    {0: 1 / 32, 4: (91 - 21 * _R) / 576, 5: 11 / 72, 6: (-385 - 75 * _R) / 1152, 7: (63 + 13 * _R) / 128},
    {0: 1 / 14, 4: 1 / 9, 5: (-733 - 147 * _R) / 2205, 6: (515 + 111 * _R) / 504, 7: (-51 - 11 * _R) / 56,
     8: (132 + 28 * _R) / 245},
    {4: (-42 + 7 * _R) / 18, 5: (-18 + 28 * _R) / 45, 6: (-273 - 53 * _R) / 72, 7: (301 + 53 * _R) / 72,
     8: (28 - 28 * _R) / 45, 9: (49 - 7 * _R) / 18},
]  # fmt: skip
#: the stages at the five Lobatto nodes, and three rules on them: orders 8, 4 and 2 for a velocity along the path
_LOBATTO = [0, 7, 8, 9, 10]
_RULES = np.array([[1 / 20, 49 / 180, 16 / 45, 49 / 180, 1 / 20], [1 / 6, 0, 2 / 3, 0, 1 / 6], [0, 0, 1, 0, 0]])
#: a step of this part of its interval is taken whatever its error
_SMALLEST = 1e-13


@dataclasses.dataclass(frozen=True)
class Characteristics(Stepper):
    """Cell edges move with the flow and masses stay: conservation, positivity and chi-squared to round-off.

    The method is that of Cooper and Verner, of order 8 with 11 stages. Its last stages stand at Lobatto nodes: the
    differences to Simpson's and the midpoint rule on them tell how fast the rules settle, hence the error of a step.

    Parameters
    ----------
    tolerance : float
        Error of one step, relative to the extent of the points, above which it is halved.
    substeps : int, optional
        Equal steps per interval in place of the error control.
    """

    kind: ClassVar[str] = "characteristics"
    order: ClassVar[int] = 8
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = True
    stability: ClassVar[str] = "explicit"
    takes: ClassVar[str] = "none"
    dimensions: ClassVar[tuple[int, ...]] = (1,)
    reference: ClassVar[str] = "G. J. Cooper, J. H. Verner, SIAM J. Numer. Anal. 9, 389 (1972)"
    tolerance: float = 1e-14
    substeps: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "tolerance", number("tolerance", self.tolerance, above=0.0))
        if self.substeps is not None:
            object.__setattr__(self, "substeps", whole("substeps", self.substeps))

    def advance(self, points: Array, velocity: Callable[[float, Array], Array], clock: Clock) -> tuple[Array, int]:
        """Follow points from the beginning to the end of the clock.

        Parameters
        ----------
        points : (n,) array
            Where they are at the beginning, increasing.
        velocity : callable
            ``(t, x) -> velocities`` at points.
        clock : Clock
            From when to when, in either direction.

        Returns
        -------
        points : (n,) array
            Where they are at the end.
        steps : int
            How many steps were kept.
        """

        def flow(s: float, x: Array) -> Array:
            return clock.flow(s, lambda t: velocity(t, x))

        allowed = 1e300 if self.substeps else self.tolerance * float(points[-1] - points[0])
        s, steps, size = 0.0, 0, 1.0 / (self.substeps or 1)
        first = flow(s, points)
        while s < 1.0:
            size = 1.0 - s if s + 1.01 * size > 1.0 else size
            moved, error = _step(flow, s, points, first, size)
            if error > allowed and (size > _SMALLEST or not math.isfinite(error)):
                size *= 0.5
                if size < 1e-3 * _SMALLEST:
                    raise InputError("velocity", "it is not finite along the way; choose edges nearer to the mass")
                continue
            points, steps, s = moved, steps + 1, (1.0 if size == 1.0 - s else s + size)
            if not self.substeps:
                size *= min(2.0, 0.9 * (allowed / max(error, 1e-300)) ** 0.125)
            first = flow(s, points) if s < 1.0 else first
        return points, steps


def _step(flow: Callable[[float, Array], Array], s: float, x: Array, first: Array, size: float) -> tuple[Array, float]:
    """The points after one step, and an estimate of its error."""
    slopes = np.empty((_NODES.size, x.size))
    slopes[0] = first
    for stage, row in enumerate(_STAGES):
        if stage:
            move = np.array(list(row.values())) @ slopes[list(row)]
            slopes[stage] = flow(s + _NODES[stage] * size, x + size * move)
    if not np.all(np.isfinite(slopes)):
        return x, math.inf
    best, simpson, midpoint = size * (_RULES @ slopes[_LOBATTO])
    fine, coarse = (float(np.max(np.abs(gap))) for gap in (best - simpson, simpson - midpoint))
    # the gaps fall like the fifth and third power of the step: the next but one is of the ninth
    error = fine * (fine / coarse) ** 2 if fine < coarse else fine
    return x + best, error
