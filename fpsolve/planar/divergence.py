"""The chi-squared divergence of two densities in the plane (78)."""

from __future__ import annotations

import numpy as np

from fpsolve.densities import PlaneUniform
from fpsolve.densities.plane.base import Box, PlaneDensity
from fpsolve.densities.plane.normal import subdivided
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.planar.logarithms import log_density, ratio_box, ratio_diverges, smooth
from fpsolve.processes.plane.mixture import Superposition
from fpsolve.quadrature import Array

#: nodes of the two Gauss rules on a panel, whose difference is the bar
_RULES = (10, 8)
#: least number of panels along an axis
_PANELS = 8
#: divergence below which the closed form is less accurate than the integral
_CLOSE = 1e-3
#: part of a density beyond which it is not followed at its own scale
_FAINT = 1e-20


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
    gaussian, parts = smooth(reference), smooth(other)
    if window is None and gaussian is not None and parts is not None and _alike(gaussian):
        found = _of_gaussians(gaussian, parts)
        # the sum loses digits to one; the integrand below does not
        if found.value > _CLOSE:
            return found
    # without tails to follow, the window itself ends the integral
    box = np.array(window) if why else ratio_box(reference, other)
    if window is not None:
        box = np.stack(
            [np.maximum(box[:, 0], np.array(window)[:, 0]), np.minimum(box[:, 1], np.array(window)[:, 1])], 1
        )
    axes = [_panels(box[axis], axis, reference, other) for axis in (0, 1)]
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


def _panels(side: Array, axis: int, reference: PlaneDensity, other: PlaneDensity) -> Array:
    """Panel edges between the ends of a side: at the jumps, and at most a scale apart where that density lives."""
    spans = [np.array(density.interval(_FAINT)[axis]) for density in (reference, other)]
    points = np.concatenate([_breaks(other, axis), *spans])
    edges = np.unique(np.concatenate([side, points[(points > side[0]) & (points < side[1])]]))
    middle = 0.5 * (edges[1:] + edges[:-1])
    limit = np.full(middle.size, (side[1] - side[0]) / _PANELS)
    scales = [density.finest or np.inf for density in (reference, other)]
    for scale, (low, high) in zip(scales, spans, strict=True):
        limit = np.where((middle > low) & (middle < high), np.minimum(limit, scale), limit)
    # beyond both there may be a ratio, at least as wide as the wider one
    ends = np.array(spans)
    beyond = (middle < ends[:, 0].min()) | (middle > ends[:, 1].max())
    limit = np.where(beyond, np.minimum(limit, max(scales)), limit)
    return subdivided(edges, limit)


def _alike(gaussians: Superposition) -> bool:
    """Whether all components are one and the same."""
    return not np.any(np.ptp(gaussians.means, axis=0)) and not np.any(np.ptp(gaussians.covariances, axis=0))


def _of_gaussians(reference: Superposition, other: Superposition) -> Estimate:
    """The divergence of a mixture from a normal density: a sum over pairs of its components."""
    base, inverse = reference.covariances[0], np.linalg.inv(reference.covariances[0])
    shifts, own = other.means - reference.means[0], np.linalg.inv(other.covariances)
    pull = np.einsum("kij,kj->ki", own, shifts)
    cost = np.einsum("ki,ki->k", pull, shifts)
    joint = own[:, None] + own - inverse
    pulls, costs = pull[:, None] + pull, cost[:, None] + cost
    gain = np.einsum("kli,kli->kl", pulls, np.linalg.solve(joint, pulls[..., None])[..., 0])
    size = np.linalg.slogdet(other.covariances)[1]
    size = np.linalg.slogdet(base)[1] - size[:, None] - size - np.linalg.slogdet(joint)[1]
    logarithm = 0.5 * (size + gain - costs)
    weight = np.multiply.outer(other.weights, other.weights)
    # what cancels in the joint precision, where the integral nearly diverges, and in the exponent
    trace = np.trace(own, axis1=1, axis2=2)
    spread = np.trace(np.linalg.inv(joint), axis1=2, axis2=3) * (trace[:, None] + trace)
    noise = ROUNDING * (1.0 + np.abs(size) + (gain + costs) * (1.0 + spread) + spread)
    with np.errstate(over="ignore"):
        value, error = float(np.sum(weight * np.expm1(logarithm))), float(np.sum(weight * np.exp(logarithm) * noise))
    if not np.isfinite(value):
        return Estimate.infinite("larger than the largest number")
    return Estimate(value, error)


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
