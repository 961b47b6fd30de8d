"""Logarithms of densities in the plane, and how far ratios of two of them reach."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.processes.plane.blurred_boxes import BlurredBoxes
from fpsolve.processes.plane.mixture import Superposition, components
from fpsolve.quadrature import Array

LogDensity = Callable[[Array, Array], Array]

#: directions along which tails are compared
_DIRECTIONS = 180
#: logarithm of the part of its largest value at which an integrand is cut off
_DEPTH = 75.0
#: how often the search for the end of a ratio is widened
_DOUBLINGS = 8


def smooth(density: PlaneDensity) -> Superposition | None:
    """The density as Gaussians, where it is made of them."""
    own = density.finest
    return components(density) if own is None or own > 0.0 else None


def log_density(density: PlaneDensity) -> LogDensity:
    """The logarithm of a density as a function of points; minus infinity where there is none of it."""
    known = density if isinstance(density, BlurredBoxes) and density.noise > 0.0 else smooth(density)
    if known is not None:
        return known.log_pdf

    def logarithm(x: Array, y: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(density.pdf(x, y))

    return logarithm


def ratio_diverges(reference: PlaneDensity, other: PlaneDensity) -> str:
    """Why other² / reference is not integrable over the plane; empty where it is.

    In a direction e the logarithm of a mixture falls like e.C^-1 e r² / 2 with the widest of its components.
    """
    angles = np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    e = np.stack([np.cos(angles), np.sin(angles)])
    other_fall, fall = _falls(other, e), _falls(reference, e)
    if other_fall is None:
        return "" if np.all(np.isfinite(other.support)) else "the tails of the start are not known"
    if fall is None:
        return "the start has mass where the forward process has none"
    worst = int(np.argmin(other_fall - 0.5 * fall))
    if other_fall[worst] > 0.5 * fall[worst] * (1.0 + 1e-9):
        return ""
    # the variance of a mixture's tail along e is 1 / (e.C^-1 e)
    return (
        f"the start is too wide: along ({e[0, worst]:.2g}, {e[1, worst]:.2g}) its tails have variance "
        f"{1.0 / other_fall[worst]:.4g}, the forward process' end {1.0 / fall[worst]:.4g}; the ratio must be below 2"
    )


def _falls(density: PlaneDensity, e: Array) -> Array | None:
    """How fast the logarithm falls along directions, 1 / variance of the tails; None where there are no tails."""
    if isinstance(density, BlurredBoxes) and density.noise > 0.0:
        return np.full(e.shape[1], density.noise**-2)
    gaussians = smooth(density)
    if gaussians is None:
        return None
    return np.asarray(np.einsum("in,kij,jn->kn", e, np.linalg.inv(gaussians.covariances), e).min(axis=0))


def ratio_box(reference: PlaneDensity, other: PlaneDensity, depth: float = _DEPTH) -> Array:
    """Sides ((lower, upper), (lower, upper)) beyond which (other - reference)² / reference is below exp(-depth)."""
    low, high = _enclosing(reference, other)
    if not np.all(np.isfinite(other.support)):
        centre, radius = other.mean, 0.5 * float(np.max(high - low))
        angles = 2.0 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
        for reach in 12.0 * 2.0 ** np.arange(_DOUBLINGS):
            r = radius * np.linspace(0.0, reach, 480)[:, None]
            x, y = centre[0] + r * np.cos(angles), centre[1] + r * np.sin(angles)
            square = 2.0 * log_density(other)(x, y) - log_density(reference)(x, y)
            held = square > np.max(square) - depth
            if not held[-1].any():
                break
        low = np.minimum(low, [x[held].min(), y[held].min()])
        high = np.maximum(high, [x[held].max(), y[held].max()])
    return np.stack([low, high], axis=1)


def _enclosing(*densities: PlaneDensity) -> tuple[Array, Array]:
    boxes = np.array([density.interval(1e-20) for density in densities])
    return boxes[:, :, 0].min(axis=0), boxes[:, :, 1].max(axis=0)
