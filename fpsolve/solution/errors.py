"""How far a solution may be from the truth, from the same run on coarser grids with longer steps."""

from __future__ import annotations

import math

import numpy as np

from fpsolve.grids import Array, Grid
from fpsolve.integration import coarsened

#: L1 differences below this are rounding
_ROUNDING = 1e-12
#: the slowest convergence that is extrapolated
_SLOWEST = 0.1
#: observed orders may fall short of the declared one by this before the bar widens
_SHORT = 0.5


def refinement_bar(levels: list[Array], order: int) -> float:
    """L1 error bar of the finest of up to three levels, each on every second edge of the one before.

    The last difference, or twice what the declared order leaves of it where that is more; out of the asymptotic range
    it is widened by the geometric series of the observed order. NaN from a single level.
    """
    if len(levels) < 2:
        return math.nan
    gaps = [float(np.sum(np.abs(coarsened(f) - c))) for f, c in zip(levels[:-1], levels[1:], strict=True)]
    bar = gaps[0] * max(1.0, 2.0 / (2.0**order - 1.0)) + _ROUNDING
    if len(gaps) == 1:
        return 4.0 * bar
    if gaps[0] <= _ROUNDING:
        return bar
    seen = math.log2(gaps[1] / gaps[0]) if gaps[1] > 0.0 else 0.0
    if seen < order - _SHORT:
        bar = max(bar, max(gaps) / (1.0 - 2.0 ** -max(seen, _SLOWEST)))
    return bar


def beyond(masses: Array, grid: Grid) -> float:
    """Mass that would lie beyond the walls of a window if its outermost cells went on falling as they do."""
    total = 0.0
    for axis, own in enumerate(grid.axes):
        if own.periodic:
            continue
        profile = np.sum(masses, axis=tuple(k for k in range(masses.ndim) if k != axis))
        for outer, inner in ((profile[0], profile[1]), (profile[-1], profile[-2])):
            outer, inner = abs(float(outer)), abs(float(inner))
            ratio = outer / inner if inner > 0.0 else 0.0
            total += outer * ratio / (1.0 - ratio) if ratio < 1.0 else outer * profile.size
    return total
