"""Crank-Nicolson."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fpsolve.steppers.diagonally_implicit import DiagonallyImplicit, Row


@dataclasses.dataclass(frozen=True)
class CrankNicolson(DiagonallyImplicit):
    """Second order, A-stable: rough starts ring at large steps. The rates are those of the middle of the step."""

    kind: ClassVar[str] = "crank-nicolson"
    order: ClassVar[int] = 2
    positive: ClassVar[bool] = False
    stability: ClassVar[str] = "A"
    reference: ClassVar[str] = "J. Crank, P. Nicolson, Proc. Camb. Phil. Soc. 43, 50 (1947)"
    coefficients: ClassVar[tuple[Row, ...]] = ((0.5,),)
    weights: ClassVar[Row] = (1.0,)
    nodes: ClassVar[Row] = (0.5,)
