"""A density from samples: a histogram, or a Gaussian around each."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpsolve.densities.base import Density, check_points
from fpsolve.densities.gaussian import GaussianMixture
from fpsolve.densities.panelled import Tabulated
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, number, whole

#: more samples than this are first gathered on a lattice, whose spacing is this part of the bandwidth
_GATHERED, _SPACING = 200, 0.25


def from_samples(
    x: Any,
    bandwidth: float | None = None,
    *,
    cells: int | None = None,
    interval: tuple[float, float] | None = None,
) -> Density:
    """A density from samples; from here on the smoothed density *is* the data.

    Parameters
    ----------
    x : (n,) array
        Samples, unit of x.
    bandwidth : float, optional
        Standard deviation of a Gaussian around each sample. Beyond 200 samples they are first shared out over a
        lattice of a quarter of the bandwidth, which keeps the mean, and the variance on average. Without a bandwidth
        the density is a histogram.
    cells : int, optional
        Cells of the histogram over the interval; by the rule of Freedman and Diaconis if absent.
    interval : (lower, upper), optional
        Interval of the histogram, extended by whole cells where samples lie outside it; their range if absent.

    Returns
    -------
    Density
        A :class:`GaussianMixture`, or a :class:`Tabulated` density.

    Raises
    ------
    InputError
        Too few samples, NaN, a bandwidth that is not positive, samples without spread for a histogram.
    """
    samples = np.sort(check_points("samples", np.asarray(x, float)))
    if bandwidth is not None:
        return _mixture(samples, number("bandwidth", bandwidth, above=0.0))
    if samples.size < 2 or samples[0] == samples[-1]:
        raise InputError("samples", f"given {samples.size} without spread; a histogram needs some: give a bandwidth")
    edges = _histogram_edges(samples, cells, interval)
    counts, _ = np.histogram(samples, edges)
    return Tabulated(edges, counts / (samples.size * np.diff(edges)))


def _mixture(samples: Array, bandwidth: float) -> GaussianMixture:
    spacing = _SPACING * bandwidth
    sites = int(min((samples[-1] - samples[0]) / spacing + 2.0, 1e9))
    if samples.size <= max(_GATHERED, sites):
        return GaussianMixture(means=tuple(samples), stds=(bandwidth,) * samples.size)
    place = (samples - samples[0]) / spacing
    left = np.minimum(place.astype(int), sites - 2)
    share = place - left
    weights = np.bincount(left, 1.0 - share, sites) + np.bincount(left + 1, share, sites)
    held = np.flatnonzero(weights > 0.0)
    means = samples[0] + spacing * held
    # a sample shared out over its two neighbours gains spacing²/6 of variance on average
    std = bandwidth * np.sqrt(1.0 - _SPACING**2 / 6.0)
    return GaussianMixture(tuple(means), (float(std),) * held.size, tuple(weights[held] / samples.size))


def _histogram_edges(samples: Array, cells: int | None, interval: tuple[float, float] | None) -> Array:
    ends = (samples[0], samples[-1]) if interval is None else interval
    low, high = number("lower", ends[0]), number("upper", ends[1])
    if not low < high:
        raise InputError("upper", f"given {high:g} with lower = {low:g}; it must be larger")
    if cells is None:
        quartiles = np.quantile(samples, [0.25, 0.75])
        width = 2.0 * (quartiles[1] - quartiles[0]) / samples.size ** (1.0 / 3.0)
        cells = int(np.clip(np.ceil((high - low) / width) if width > 0.0 else 5, 5, 10_000))
    count = whole("cells", cells, 5)
    width = (high - low) / count
    before = max(int(np.ceil((low - samples[0]) / width)), 0)
    after = max(int(np.ceil((samples[-1] - high) / width)), 0)
    if before + after > 100 * count:
        given = f"from {samples[0]:g} to {samples[-1]:g}"
        raise InputError("samples", f"{given}; the interval [{low:g}, {high:g}] is far too small: widen it")
    if before + after == 0:
        return np.linspace(low, high, count + 1)
    return np.linspace(low - before * width, high + after * width, before + count + after + 1)
