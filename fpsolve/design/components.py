"""Data in any dimension: principal components of samples, taken as independent, and the metric on their schedules.

A density that factorises along orthonormal axes moves along each of them on its own, and v₂² is the sum of the squares
of the components' speeds, each of which has a flat metric of its own (:mod:`fpsolve.design.metric`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from fpsolve.densities import Density, as_density, blur, from_samples
from fpsolve.design.line_metric import line_metric
from fpsolve.design.metric import FLOOR, Circle, ScheduleMetric, angles, check_metric, fitted
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.quadrature import Array
from fpsolve.schedules import Curve
from fpsolve.settings import InputError, number, whole
from fpsolve.transport.coupling import Coupling

#: principal components that keep their own marginals unless told otherwise
MARGINALS = 8
#: a component that varies less than this part of the first one is a point
_FLAT = 1e-12


@dataclasses.dataclass(frozen=True, eq=False)
class IndependentComponents:
    """Data in n dimensions whose components along orthonormal axes are independent of each other.

    Parameters
    ----------
    densities : sequence of Density
        Densities of the first components, each on the line; samples or scipy distributions are taken as well.
    means, variances : (k,) arrays
        Of all others, which are normal; a variance may vanish. None if absent.

    Raises
    ------
    InputError
        No component at all, means and variances of unequal lengths, values that are not finite, a negative variance.
    """

    densities: Sequence[Density] = ()
    means: Any = ()
    variances: Any = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "densities", tuple(as_density(each) for each in self.densities))
        rows = [np.array(values, float).reshape(-1) for values in (self.means, self.variances)]
        if rows[0].size != rows[1].size:
            raise InputError("variances", f"given {rows[1].size} for {rows[0].size} means; give one each")
        if not np.all(np.isfinite(rows)) or np.any(rows[1] < 0.0):
            raise InputError("variances", "means and variances must be finite, variances not negative")
        if not self.densities and rows[0].size == 0:
            raise InputError("densities", "given none, and no means either; a component is needed at least")
        for name, row in zip(("means", "variances"), rows, strict=True):
            object.__setattr__(self, name, row)

    @property
    def dimension(self) -> int:
        """n, the components."""
        return len(self.densities) + int(self.means.size)

    @property
    def second_moment(self) -> float:
        """M = E|y|², unit of x squared."""
        own = sum(float(each.moment(2)) for each in self.densities)
        return own + float(np.sum(self.means**2 + self.variances))


def principal_components(
    samples: Any, components: int | None = None, bandwidth: float | None = None
) -> IndependentComponents:
    """Data in any dimension from samples: their principal components, taken as independent.

    Parameters
    ----------
    samples : (N, n) array
        Samples, unit of x. Only the axes come from the centred samples: the mean stays in the components.
    components : int, optional
        Leading components that keep the densities of their samples; 8 if absent. All others are normal densities with
        the mean and the variance of the samples.
    bandwidth : float, optional
        Standard deviation of a Gaussian around each sample, unit of x; by Silverman's rule if absent. The samples are
        drawn together so that the variance stays theirs.

    Raises
    ------
    InputError
        Another shape, fewer than two samples, values that are not finite, no spread, a bandwidth above the spread.

    Notes
    -----
    The assumption: components that are uncorrelated are independent. It holds for normal densities and for densities
    that factorise along the principal axes; of images, say, it keeps the spectrum and the leading marginals.
    """
    samples = _checked(samples)
    dimension = samples.shape[1]
    kept = whole("components", MARGINALS if components is None else components, 0, 10**6)
    variances, axes = _axes(samples - samples.mean(axis=0))
    kept = min(kept, int(np.count_nonzero(variances > _FLAT * variances[0])))
    mean = samples.mean(axis=0)
    means = np.zeros(dimension)
    means[: variances.size] = axes.T @ mean
    if variances.size < dimension:
        # what of the mean no axis sees lies along one more, on which nothing varies
        means[variances.size] = float(np.linalg.norm(mean - axes @ (axes.T @ mean)))
    variances = np.concatenate([variances, np.zeros(dimension - variances.size)])
    densities = tuple(_marginal(samples @ axes[:, k], bandwidth) for k in range(kept))
    return IndependentComponents(densities, means[kept:], variances[kept:])


def _checked(samples: Any) -> Array:
    try:
        found = np.asarray(samples, float)
    except (TypeError, ValueError) as error:
        raise InputError("samples", "not a table of numbers; expected an (N, n) array") from error
    if found.ndim != 2 or found.shape[0] < 2 or found.shape[1] < 1:
        message = f"given shape {found.shape}; expected (N, n), a row of n numbers for each of N >= 2"
        raise InputError("samples", message)
    if not np.all(np.isfinite(found)):
        index = int(np.argmin(np.all(np.isfinite(found), axis=1)))
        raise InputError("samples", f"sample at index {index} is not finite")
    if np.all(found == found[0]):
        raise InputError("samples", f"all {found.shape[0]} are alike; there is nothing to spread them along")
    return found


def _axes(centred: Array) -> tuple[Array, Array]:
    """Variances along the principal axes, falling, and the axes as columns."""
    count, dimension = centred.shape
    if count > dimension:
        variances, axes = np.linalg.eigh(centred.T @ centred / count)
        return np.maximum(variances[::-1], 0.0), axes[:, ::-1]
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    return sizes**2 / count, axes.T


def _marginal(samples: Array, bandwidth: float | None) -> Density:
    """A Gaussian around each sample, the samples drawn together so that the variance stays theirs."""
    mean, std = float(samples.mean()), float(samples.std())
    if bandwidth is None:
        low, high = np.quantile(samples, [0.25, 0.75])
        width = 0.9 * (min(std, float(high - low) / 1.34) or std) * samples.size**-0.2
    else:
        width = number("bandwidth", bandwidth, above=0.0)
    if width >= std:
        message = f"given {width:g}; the samples spread over {std:g} along an axis: make it smaller"
        raise InputError("bandwidth", message)
    return from_samples(mean + math.sqrt(1.0 - (width / std) ** 2) * (samples - mean), width)


def components_metric(data: IndependentComponents, lower: float = 0.0, upper: float = math.inf) -> ScheduleMetric:
    """The metric that independent components define; parameters and errors as for :func:`schedule_metric`."""
    moment, dimension = data.second_moment, data.dimension
    check_metric(moment, lower, upper)
    scale = math.sqrt(moment)
    circle = Circle(scale, dimension)
    parts = [line_metric(each, lower, upper) for each in data.densities]
    panels, bars = fitted(lambda chi: _turning(parts, data, circle, chi), *angles(lower, upper, scale, dimension))
    return ScheduleMetric(moment, panels, bars, dimension)


def _turning(
    parts: list[ScheduleMetric], data: IndependentComponents, circle: Circle, chi: float
) -> tuple[float, float]:
    """Turning rate g at an angle from the speeds of all components, and its error bar."""
    curve = circle.curve(np.array([chi]))
    m, rate, variance, half_rate = curve[0]
    sigma = math.sqrt(variance)
    spread = data.variances * m**2 + variance
    square = float(np.sum((data.means * rate) ** 2 + (data.variances * m * rate + half_rate) ** 2 / spread))
    bar = 0.0
    for each in parts:
        radius, angle = each.polar(np.asarray(m), np.asarray(sigma))
        g, error = (float(value) for value in each.rate(np.asarray(angle)))
        outward = (each.second_moment * m * rate + half_rate) / radius
        across = each.scale * (m * half_rate / sigma - sigma * rate) / radius
        square += float(outward**2 + (g * across) ** 2)
        bar += float((2.0 * g * error + error**2) * across**2)
    bar += ROUNDING * square
    g = math.sqrt(square) / circle.scale
    bar = min(bar / (2.0 * circle.scale**2 * max(g, FLOOR)), math.sqrt(bar) / circle.scale) + FLOOR
    return math.hypot(g, FLOOR), bar


def squared_distance(data: IndependentComponents, ends: Curve) -> Estimate:
    """W₂² between the densities at both ends of a schedule, the sum over the components."""
    m, sigma = ends.signal, ends.noise
    shift, widths = data.means * (m[1] - m[0]), np.sqrt(np.outer(m**2, data.variances) + (sigma**2)[:, None])
    growth = widths[1] - widths[0]
    value = float(np.sum(shift**2 + growth**2))
    total = Estimate(value, ROUNDING * (value + float(np.sum(np.abs(growth) * widths.sum(axis=0)))))
    for each in data.densities:
        pair = [blur(each, float(a), float(s) ** 2) for a, s in zip(m, sigma, strict=True)]
        total += Estimate(*Coupling(*pair).wasserstein(2.0)).squared()
    return total
