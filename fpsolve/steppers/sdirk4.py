"""The fourth-order method of Hairer and Wanner."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fpsolve.steppers.diagonally_implicit import DiagonallyImplicit, Row


@dataclasses.dataclass(frozen=True)
class SDIRK4(DiagonallyImplicit):
    """Five stages, fourth order, L-stable, with an embedded method of third order: the accurate choice."""

    kind: ClassVar[str] = "sdirk4"
    order: ClassVar[int] = 4
    positive: ClassVar[bool] = False
    stability: ClassVar[str] = "L"
    reference: ClassVar[str] = "E. Hairer, G. Wanner, Solving ODEs II, Springer (1996), table IV.6.5"
    coefficients: ClassVar[tuple[Row, ...]] = (
        (1 / 4,),
        (1 / 2, 1 / 4),
        (17 / 50, -1 / 25, 1 / 4),
        (371 / 1360, -137 / 2720, 15 / 544, 1 / 4),
        (25 / 24, -49 / 48, 125 / 16, -85 / 12, 1 / 4),
    )
    weights: ClassVar[Row] = (25 / 24, -49 / 48, 125 / 16, -85 / 12, 1 / 4)
    nodes: ClassVar[Row] = (1 / 4, 3 / 4, 11 / 20, 1 / 2, 1.0)
    estimate: ClassVar[Row] = (-3 / 16, -27 / 32, 25 / 32, 0.0, 1 / 4)
