"""How far out the ratio of two densities matters."""

from __future__ import annotations

import numpy as np

from fpsolve.densities.base import Density
from fpsolve.quadrature import Array

#: exponent below its maximum at which an integrand is negligible
_NEGLIGIBLE = 46.0


def ratio_reach(reference: Density, other: Density) -> tuple[float, float, str]:
    """Interval that holds all of ``reference``, ``other`` and other²/reference that counts.

    Returns
    -------
    lower, upper : float
        The interval.
    why : str
        Why other²/reference is not integrable, or an empty string.
    """
    low, high = reference.interval(1e-20)
    start_low, start_high = other.interval(1e-20)
    ends = [min(low, start_low), max(high, start_high)]
    middle, size = 0.5 * (ends[0] + ends[1]), ends[1] - ends[0]
    inner = float(np.nanmax(_exponent(reference, other, np.linspace(ends[0], ends[1], 401))))
    for side, sign in ((0, -1.0), (1, 1.0)):
        if np.isfinite(other.support[side]):
            ends[side] = (min, max)[side](other.support[side], (low, high)[side])
            continue
        # far out the exponent must fall, and faster than 1/x: look on a ladder that reaches a million widths
        x = middle + sign * 0.5 * size * 1.1 ** np.arange(0.0, 150.0)
        exponent = _exponent(reference, other, x)
        known = exponent.size if not np.any(np.isnan(exponent)) else int(np.argmax(np.isnan(exponent)))
        x, exponent = x[: max(known, 1)], exponent[: max(known, 1)]
        if np.any(exponent == np.inf):
            return 0.0, 0.0, "the start has mass where the forward process has none (P~²/P is not integrable)"
        weight = exponent + np.log(np.abs(x - middle))
        telling = np.flatnonzero(weight >= max(float(np.max(weight)), inner) - _NEGLIGIBLE)
        if telling.size and telling[-1] == x.size - 1:
            return 0.0, 0.0, "P~²/P is not integrable: the start's tail is too heavy for that of the forward process"
        ends[side] = float(x[telling[-1] + 1 if telling.size else 0])
    return ends[0], ends[1], ""


def _exponent(reference: Density, other: Density, x: Array) -> Array:
    """log(other²/reference): minus infinity where ``other`` vanishes, NaN where ``reference`` underflows."""
    low, high = reference.support
    with np.errstate(invalid="ignore", divide="ignore"):
        top, bottom = 2.0 * other.logpdf(x), reference.logpdf(x)
        lost = np.where((x > low) & (x < high), np.nan, np.inf)
        return np.where(top == -np.inf, -np.inf, np.where(bottom == -np.inf, lost, top - bottom))
