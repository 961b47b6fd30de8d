"""Inversion of monotone tails: bracketed Newton on the logarithm of the smaller one, for whole arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fpsolve.quadrature import Array


def invert_tails(
    tails: Callable[[Array], tuple[Array, Array, Array]], cdf: Array, sf: Array, lower: Array, upper: Array
) -> Array:
    """Points where the tail probabilities are ``cdf`` and ``sf``.

    Parameters
    ----------
    tails : callable
        ``x -> (density, cdf, sf)``.
    cdf, sf : arrays of one shape
        Wanted tails; the smaller decides.
    lower, upper : arrays of that shape
        Brackets.

    Returns
    -------
    array of that shape
    """
    shape = np.shape(cdf)
    cdf, sf = np.ravel(cdf), np.ravel(sf)
    low, high = np.ravel(lower).astype(float).copy(), np.ravel(upper).astype(float).copy()
    by_cdf = cdf < sf
    goal = np.where(by_cdf, cdf, sf)
    x = 0.5 * (low + high)
    active = np.flatnonzero((high > low) & (goal > 0.0))
    x[(goal <= 0.0) & by_cdf] = low[(goal <= 0.0) & by_cdf]
    x[(goal <= 0.0) & ~by_cdf] = high[(goal <= 0.0) & ~by_cdf]
    for _ in range(120):
        if active.size == 0:
            break
        here = x[active]
        density, below, above = tails(here)
        tail = np.where(by_cdf[active], below, above)
        sign = np.where(by_cdf[active], 1.0, -1.0)
        too_far = sign * (tail - goal[active]) > 0.0
        high[active] = np.where(too_far, here, high[active])
        low[active] = np.where(too_far, low[active], here)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            move = -sign * tail * np.log(tail / goal[active]) / density
        target = here + move
        middle = 0.5 * (low[active] + high[active])
        inside = np.isfinite(target) & (target >= low[active]) & (target <= high[active])
        x[active] = np.where(inside, target, middle)
        moved = np.abs(x[active] - here)
        width = high[active] - low[active]
        # a step back onto an end of the bracket has been evaluated before: rounding lets nothing in between
        again = (x[active] == low[active]) | (x[active] == high[active])
        done = again | (moved <= 4e-16 * (np.abs(here) + width)) | (width <= 4e-16 * np.abs(here))
        done |= tail == goal[active]
        active = active[~done]
    return x.reshape(shape)
