"""Backward Euler."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fpsolve.steppers.diagonally_implicit import DiagonallyImplicit, Row


@dataclasses.dataclass(frozen=True)
class BackwardEuler(DiagonallyImplicit):
    """First order, L-stable and, with a positive flux, positive at any step: the robust choice."""

    kind: ClassVar[str] = "backward-euler"
    order: ClassVar[int] = 1
    positive: ClassVar[bool] = True
    stability: ClassVar[str] = "L"
    reference: ClassVar[str] = "E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, Springer (1996)"
    coefficients: ClassVar[tuple[Row, ...]] = ((1.0,),)
    weights: ClassVar[Row] = (1.0,)
    nodes: ClassVar[Row] = (1.0,)
