"""How far a solution may be from the truth, from the same run on coarser grids with longer steps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from fpsolve.grids import Array, Grid
from fpsolve.integration import coarsened

#: L1 differences below this are rounding
_ROUNDING = 1e-12
#: the slowest fall of the differences that is extrapolated
_SLOWEST = 1.07
_MARGIN = 4.5
#: the same for steps against their halves
_HALVED = 1.5
#: times the only difference, where there are two levels
_ALONE = 4.0


def refinement_bar(levels: list[Array], order: int) -> float:
    """L1 error bar of the finest of up to three levels, each on every second edge of the one before.

    ``order`` is the highest that the differences may fall with. NaN from a single level.
    """
    return _series_bar(
        [float(np.sum(np.abs(coarsened(f) - c))) for f, c in itertools.pairwise(levels)], order, _ROUNDING
    )


def number_bar(values: Sequence[float], order: int, rounding: float) -> float:
    """Error bar of the first of up to three values of a number, on the levels of :func:`refinement_bar`.

    The same rule; since differences of numbers may vanish by chance, the last one counts as no less than what the
    declared order leaves of the one before.
    """
    gaps = [abs(fine - coarse) for fine, coarse in itertools.pairwise(values)]
    if len(gaps) > 1:
        gaps[0] = max(gaps[0], gaps[1] / 2.0**order)
    return _series_bar(gaps, order, rounding)


def time_bar(gap: float, order: int) -> float:
    """Error bar of steps whose halves differ from them by ``gap``, on a grid that may be coarser."""
    return _HALVED * gap / (1.0 - 2.0**-order)


def _series_bar(gaps: list[float], order: int, rounding: float) -> float:
    """What the differences of successive levels leave of the finest.

    If they fall by a factor r the rest is gap / (r - 1); r is the observed one, but no more than the declared order
    allows. The margin covers errors of several orders that add up (fourth in space, second in time, a kink): with any
    two of them the rest stays below the bar.
    """
    if not gaps:
        return math.nan
    if len(gaps) == 1:
        return _ALONE * gaps[0] + rounding
    ratio = gaps[1] / gaps[0] if gaps[0] > 0.0 else math.inf
    falling = min(max(ratio, _SLOWEST), 2.0**order)
    return _MARGIN * (gaps[0] if ratio > 1.0 else max(gaps)) / (falling - 1.0) + rounding


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
            # rounding leaves equal masses, whose ratio says nothing
            total += outer * (min(ratio / (1.0 - ratio), profile.size) if ratio < 1.0 else profile.size)
    return total
