"""Divergences between two densities on the line."""

from __future__ import annotations

import numpy as np

from fpsolve.densities import Density
from fpsolve.densities.reach import ratio_reach
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.mesh import marched
from fpsolve.processes.base import distinct
from fpsolve.quadrature import panel_nodes


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
    low, high, why = ratio_reach(reference, other)
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
    inner = np.concatenate([reference.breaks(), other.breaks(), reference.kinks(), other.kinks()])
    hard = distinct(np.sort(np.concatenate([[low, high], inner[(inner > low) & (inner < high)]])))
    centres, scales = (np.concatenate(pair) for pair in zip(reference.features(), other.features(), strict=True))
    x, kronrod, gauss = panel_nodes(marched(hard, centres, scales, step=0.9))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        p, q = reference.pdf(x), other.pdf(x)
        # in the tails both underflow: the ratio of logarithms does not
        far = (p < 1e-250) | (q < 1e-250)
        square = np.where(p > 0.0, (q - p) ** 2 / p, 0.0)
        square[far] = np.exp(2.0 * other.logpdf(x[far]) - reference.logpdf(x[far])) - 2.0 * q[far] + p[far]
    if not np.all(np.isfinite(square)):
        return Estimate.infinite("the start has mass where the forward process has none")
    value = float(np.sum(kronrod * square))
    rounding = ROUNDING * float(
        np.sum(kronrod * np.abs(np.where(p > 0, (q - p) / np.maximum(p, 1e-300), 0.0)) * (p + q))
    )
    return Estimate(value, abs(value - float(np.sum(gauss * square))) + rounding + ROUNDING * value)
