"""Divergences between two densities on the line."""

from __future__ import annotations

import numpy as np

from fpsolve.densities import Density
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.mesh import marched
from fpsolve.processes.base import distinct
from fpsolve.quadrature import Array, panel_nodes

#: exponent below its maximum at which the integrand of chi-squared is negligible
_NEGLIGIBLE = 46.0


def chi_squared(
    reference: Density, other: Density, window: tuple[float, float] | None = None
) -> tuple[Estimate, float]:
    """Chi-squared divergence D = ∫ (P - P~)² / P dx (78) of ``other`` from ``reference``.

    Parameters
    ----------
    reference, other : Density
        P and P~.
    window : (lower, upper), optional
        Interval the integral is restricted to; nothing is renormalised.

    Returns
    -------
    Estimate
        Infinite, with the reason, where P~²/P is not integrable.
    float
        The part of the whole integral that the window cuts off (zero without a window; infinite where the whole
        diverges).
    """
    low, high, why = _reach(reference, other)
    whole = Estimate.infinite(why) if why else _integral(reference, other, low, high)
    if window is None:
        return whole, 0.0
    lower, upper = window if why else (max(low, window[0]), min(high, window[1]))
    inside = _integral(reference, other, lower, upper)
    if not np.isfinite(inside.value):
        return inside, np.inf
    return inside, np.inf if why else max(whole.value - inside.value, 0.0)


def _integral(reference: Density, other: Density, low: float, high: float) -> Estimate:
    """The integral on [low, high], panel by panel at the scale of the narrower density."""
    inner = np.concatenate([reference.breaks(), other.breaks()])
    hard = distinct(np.sort(np.concatenate([[low, high], inner[(inner > low) & (inner < high)]])))
    centres, scales = (np.concatenate(pair) for pair in zip(reference.features(), other.features(), strict=True))
    x, kronrod, gauss = panel_nodes(marched(hard, centres, scales, step=0.9))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        p, q = reference.pdf(x), other.pdf(x)
        # in the tails both underflow: the ratio of logarithms does not
        far = (p < 1e-250) | (q < 1e-250)
        square = np.where(p > 0.0, (q - p) ** 2 / p, 0.0)
        if np.any(far):
            square[far] = np.exp(2.0 * other.logpdf(x[far]) - reference.logpdf(x[far]))
            square[far & (q == 0.0) & (p > 0.0)] += p[far & (q == 0.0) & (p > 0.0)]
    if not np.all(np.isfinite(square)):
        return Estimate.infinite("the start has mass where the forward process has none")
    value = float(np.sum(kronrod * square))
    rounding = ROUNDING * float(np.sum(kronrod * np.abs(np.where(p > 0, (q - p) / np.maximum(p, 1e-300), 0.0)) * (p + q)))
    return Estimate(value, abs(value - float(np.sum(gauss * square))) + rounding + ROUNDING * value)


def _reach(reference: Density, other: Density) -> tuple[float, float, str]:
    """Interval that holds the integrand P~²/P and P, or the reason why there is none."""
    low, high = reference.interval(1e-20)
    start_low, start_high = other.interval(1e-20)
    ends = [min(low, start_low), max(high, start_high)]
    middle, size = 0.5 * (ends[0] + ends[1]), ends[1] - ends[0]
    for side, sign in ((0, -1.0), (1, 1.0)):
        if np.isfinite(other.support[side]):
            ends[side] = (min, max)[side](other.support[side], (low, high)[side])
            continue
        # far out the exponent must fall, and faster than 1/x: look on a ladder that reaches a million widths
        x = middle + sign * 0.5 * size * 1.1 ** np.arange(0.0, 150.0)
        exponent = _exponent(reference, other, x)
        if np.any(exponent == np.inf):
            return 0.0, 0.0, "the start has mass where the forward process has none (P~²/P is not integrable)"
        weight = exponent + np.log(np.abs(x - middle))
        peak = max(float(np.max(weight)), float(np.max(_exponent(reference, other, np.linspace(*ends, 401)))))
        negligible = np.flatnonzero(weight < peak - _NEGLIGIBLE)
        if not negligible.size or np.argmax(weight) == x.size - 1 or weight[-1] > peak - _NEGLIGIBLE:
            return 0.0, 0.0, "P~²/P is not integrable: the start's tail is too heavy for that of the forward process"
        last = int(np.flatnonzero(weight >= peak - _NEGLIGIBLE)[-1]) if np.any(weight >= peak - _NEGLIGIBLE) else -1
        ends[side] = float(x[min(last + 1, x.size - 1)])
    return ends[0], ends[1], ""


def _exponent(reference: Density, other: Density, x: Array) -> Array:
    """log(P~²/P), minus infinity where P~ vanishes."""
    with np.errstate(invalid="ignore"):
        top, bottom = 2.0 * other.logpdf(x), reference.logpdf(x)
        return np.where(top == -np.inf, -np.inf, np.where(bottom == -np.inf, np.inf, top - bottom))
