"""The chi-squared divergence of two densities in the plane (78)."""

from __future__ import annotations

import numpy as np

from fpsolve.densities import PlaneUniform
from fpsolve.densities.plane.base import Box, PlaneDensity
from fpsolve.densities.plane.normal import subdivided
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.planar.logarithms import log_density, ratio_box, ratio_diverges
from fpsolve.quadrature import Array

#: nodes of the two Gauss rules on a panel, whose difference is the bar
_RULES = (10, 8)
#: least number of panels along an axis
_PANELS = 8


def chi_squared(reference: PlaneDensity, other: PlaneDensity, window: Box | None = None) -> Estimate:
    """D = ∫ (P - P~)² / P dx (78) of ``other`` from ``reference``.

    Parameters
    ----------
    reference, other : PlaneDensity
        P and P~.
    window : ((lower, upper), (lower, upper)), optional
        Sides that the integral is restricted to; nothing is renormalised.

    Returns
    -------
    Estimate
        Infinite, with the reason, where P~² / P is not integrable.
    """
    why = ratio_diverges(reference, other)
    if why and window is None:
        return Estimate.infinite(why)
    # without tails to follow, the window itself ends the integral
    box = np.array(window) if why else ratio_box(reference, other)
    if window is not None:
        box = np.stack(
            [np.maximum(box[:, 0], np.array(window)[:, 0]), np.minimum(box[:, 1], np.array(window)[:, 1])], 1
        )
    scale = min(d.finest or np.inf for d in (reference, other))
    axes = [_panels(box[axis], _breaks(other, axis), scale) for axis in (0, 1)]
    fine, coarse = (_integral(reference, other, axes, count) for count in _RULES)
    if not np.isfinite(fine):
        return Estimate.infinite("the start has mass where the forward process has none")
    return Estimate(fine, abs(fine - coarse) + ROUNDING * abs(fine))


def _breaks(density: PlaneDensity, axis: int) -> Array:
    """Where a density may jump along an axis."""
    edges = getattr(density, "edges_x" if axis == 0 else "edges_y", None)
    if edges is not None:
        return np.asarray(edges)
    if isinstance(density, PlaneUniform) or np.all(np.isfinite(density.support)):
        return np.array(density.support[axis])
    return np.empty(0)


def _panels(side: Array, breaks: Array, scale: float) -> Array:
    """Panel edges between the ends of a side: at the jumps, and at most a scale apart."""
    inner = breaks[(breaks > side[0]) & (breaks < side[1])]
    edges = np.unique(np.concatenate([side, inner]))
    limit = min(scale, (side[1] - side[0]) / _PANELS)
    return subdivided(edges, np.full(edges.size - 1, limit))


def _integral(reference: PlaneDensity, other: PlaneDensity, axes: list[Array], count: int) -> float:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    (x, wx), (y, wy) = (
        (
            (0.5 * (edges[1:] + edges[:-1])[:, None] + 0.5 * np.diff(edges)[:, None] * nodes).ravel(),
            (0.5 * np.diff(edges)[:, None] * weights).ravel(),
        )
        for edges in axes
    )
    log_p, log_q = (log_density(d)(x[:, None], y[None, :]) for d in (reference, other))
    with np.errstate(over="ignore", invalid="ignore"):
        excess = np.expm1(np.minimum(log_q - log_p, 700.0))
        square = np.where(np.isneginf(log_p), np.where(np.isneginf(log_q), 0.0, np.inf), 0.0)
        inside = ~np.isneginf(log_p)
        # far out the density underflows before its product with the squared ratio does
        sign, size = np.sign(excess[inside]), np.abs(excess[inside])
        with np.errstate(divide="ignore"):
            square[inside] = np.exp(2.0 * np.log(size) + log_p[inside]) * np.abs(sign)
        far = inside & (log_q - log_p > 300.0)
        square[far] = np.exp(2.0 * log_q[far] - log_p[far])
    return float(wx @ square @ wy)
