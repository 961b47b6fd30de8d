"""Values on successively coarser grids with successively longer steps, as one value with an error bar."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from fpsolve.estimates import Estimate
from fpsolve.solution.errors import number_bar

#: highest order with which differences of extrapolated values are trusted to fall, and times what they say
_ORDER, _CAUTION = 3, 2.0
#: rounding, relative to the value
_ROUNDING = 1e-12


def limit(values: Sequence[float], unit: str = "1") -> Estimate:
    """The limit of values of fourth order, the finest first: that of the finest grid, and its bar."""
    floor = _ROUNDING * max(1.0, abs(values[0]))
    return Estimate(values[0], _CAUTION * number_bar(list(values), _ORDER, floor), unit)


def extrapolated(values: Sequence[float], unit: str = "1") -> Estimate:
    """The limit of values whose errors are even powers of the width, the finest first (Richardson)."""
    if len(values) < 2:  # of a single grid nothing is known but its value
        return Estimate(values[0], math.nan, unit)
    pairs = itertools.pairwise(values)
    return limit([(4.0 * fine - coarse) / 3.0 for fine, coarse in pairs], unit)
