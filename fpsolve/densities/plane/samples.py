"""A density in the plane from samples: a histogram, or a Gaussian around each."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpsolve.densities.plane.base import Box, PlaneDensity
from fpsolve.densities.plane.mixture import PlaneMixture
from fpsolve.densities.plane.tabulated import PlaneTabulated
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, number, whole

#: more samples than this are first gathered on a lattice, whose spacing is this part of the bandwidth
_GATHERED, _SPACING = 200, 0.25
_LARGEST_LATTICE = 10**6


def plane_samples(xy: Any, bandwidth: float | None = None, cells: Any = 64, box: Box | None = None) -> PlaneDensity:
    """A density from samples in the plane.

    Parameters
    ----------
    xy : (n, 2) array
        Samples, units of x and y.
    bandwidth : float, optional
        Standard deviation of a round Gaussian around each sample; without it the density is a histogram. Beyond 200
        samples they are first shared out over a lattice of a quarter of the bandwidth.
    cells : int or pair
        Cells of the histogram along each axis.
    box : ((lower, upper), (lower, upper)), optional
        Sides of the histogram, widened where samples lie outside; their range if absent.

    Raises
    ------
    InputError
        Another shape, too few samples, NaN, a bandwidth that is not positive, no spread for a histogram.
    """
    samples = np.asarray(xy, float)
    if samples.ndim != 2 or samples.shape[1] != 2 or samples.shape[0] < 1:
        raise InputError("samples", f"given shape {samples.shape}; expected (n, 2), x and y of each sample")
    if not np.all(np.isfinite(samples)):
        index = int(np.argmin(np.all(np.isfinite(samples), axis=1)))
        raise InputError("samples", f"sample at index {index} is not finite")
    if bandwidth is not None:
        return _mixture(samples, number("bandwidth", bandwidth, above=0.0))
    low, high = samples.min(axis=0), samples.max(axis=0)
    if np.any(low == high):
        raise InputError("samples", f"given {samples.shape[0]} without spread; give a bandwidth")
    if box is not None:
        low, high = np.minimum(low, [side[0] for side in box]), np.maximum(high, [side[1] for side in box])
    counts = [whole("cells", int(c), 1) for c in np.broadcast_to(np.asarray(cells), (2,))]
    edges = [np.linspace(a, b, n + 1) for a, b, n in zip(low, high, counts, strict=True)]
    held, _, _ = np.histogram2d(samples[:, 0], samples[:, 1], bins=edges)
    return PlaneTabulated.normalised(edges[0], edges[1], held / np.multiply.outer(*map(np.diff, edges)))


def _mixture(samples: Array, bandwidth: float) -> PlaneMixture:
    spacing, low = _SPACING * bandwidth, samples.min(axis=0)
    sites = np.ceil((samples.max(axis=0) - low) / spacing) + 2.0
    if samples.shape[0] <= max(_GATHERED, float(np.prod(sites))) or float(np.prod(sites)) > _LARGEST_LATTICE:
        return PlaneMixture(tuple(map(tuple, samples.tolist())), stds=(bandwidth,) * samples.shape[0])
    shape = (int(sites[0]), int(sites[1]))
    place = (samples - low) / spacing
    left = np.minimum(place.astype(int), np.array(shape) - 2)
    share = place - left
    weights = np.zeros(shape)
    for i in (0, 1):
        for j in (0, 1):
            part = np.abs(1 - i - share[:, 0]) * np.abs(1 - j - share[:, 1])
            np.add.at(weights, (left[:, 0] + i, left[:, 1] + j), part)
    held = np.argwhere(weights > 0.0)
    means = low + spacing * held
    # a sample shared out over its neighbours gains spacing²/6 of variance along each axis on average
    std = bandwidth * float(np.sqrt(1.0 - _SPACING**2 / 6.0))
    given = weights[tuple(held.T)] / samples.shape[0]
    return PlaneMixture(tuple(map(tuple, means.tolist())), stds=(std,) * len(held), weights=tuple(given.tolist()))
