"""TR-BDF2."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

from fpsolve.steppers.diagonally_implicit import DiagonallyImplicit, Row

_DIAGONAL = 1.0 - math.sqrt(0.5)


@dataclasses.dataclass(frozen=True)
class TRBDF2(DiagonallyImplicit):
    """A trapezoidal step followed by a backward difference: second order, L-stable.

    With the split at 2 - sqrt(2) both stages solve with one matrix. The trapezoidal part takes the rates of its middle,
    so that no explicit rate, huge on fine grids, is ever formed; it is the method of two stages with diagonal
    1 - 1/sqrt(2).
    """

    kind: ClassVar[str] = "tr-bdf2"
    order: ClassVar[int] = 2
    positive: ClassVar[bool] = False
    stability: ClassVar[str] = "L"
    reference: ClassVar[str] = "R. E. Bank et al., IEEE Trans. Computer-Aided Design 4, 436 (1985)"
    coefficients: ClassVar[tuple[Row, ...]] = ((_DIAGONAL,), (1.0 - _DIAGONAL, _DIAGONAL))
    weights: ClassVar[Row] = (1.0 - _DIAGONAL, _DIAGONAL)
    nodes: ClassVar[Row] = (_DIAGONAL, 1.0)
