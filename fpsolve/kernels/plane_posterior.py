"""Posterior means of a mixture in the plane whose components are alike: all of one covariance."""

from __future__ import annotations

import math

import numba
import numpy as np

from fpsolve.kernels.compiled import compiled
from fpsolve.kernels.exponential import power_of_two

#: points that are summed over side by side, and powers of two below the largest by more than this are left out
BLOCK, FAINT = 64, 60.0
#: products of points and components from which a second thread saves more than it costs to wake
THREADS_PAY = 8_000_000


@compiled
def _squared(x, y, a, b):
    return (x - a) * (x - a) + (y - b) * (y - b)


@compiled
def _one_block(first, last, x, y, height, place, origin, log_density, posterior):
    """Points first to last; missing ones are copies of the first, so that every loop has the same length."""
    top, total, u, v = np.full(BLOCK, -math.inf), np.zeros(BLOCK), np.zeros(BLOCK), np.zeros(BLOCK)
    here, there = np.full(BLOCK, x[first]), np.full(BLOCK, y[first])
    here[: last - first], there[: last - first] = x[first:last], y[first:last]
    for k in range(height.size):
        h, a, b = height[k], place[0, k], place[1, k]
        for i in range(BLOCK):
            top[i] = max(top[i], h - _squared(here[i], there[i], a, b))
    # neighbours in memory are neighbours in the plane: most components are far from all of them
    left, right, lower, upper, least = np.min(here), np.max(here), np.min(there), np.max(there), np.min(top) - FAINT
    for k in range(height.size):
        h, a, b = height[k], place[0, k], place[1, k]
        if h - _squared(min(max(a, left), right), min(max(b, lower), upper), a, b) < least:
            continue
        for i in range(BLOCK):
            part = power_of_two(h - _squared(here[i], there[i], a, b) - top[i])
            total[i] += part
            u[i] += part * origin[0, k]
            v[i] += part * origin[1, k]
    for i in range(last - first):
        log_density[first + i] = (top[i] + math.log2(total[i])) * math.log(2.0)
        posterior[0, first + i], posterior[1, first + i] = u[i] / total[i], v[i] / total[i]


@compiled
def _in_turn(x, y, height, place, origin, log_density, posterior):
    for first in range(0, x.size, BLOCK):
        _one_block(first, min(first + BLOCK, x.size), x, y, height, place, origin, log_density, posterior)


@compiled(parallel=True)
def _threads(x, y, height, place, origin, log_density, posterior):
    for block in numba.prange((x.size + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min((block + 1) * BLOCK, x.size)
        _one_block(first, last, x, y, height, place, origin, log_density, posterior)


def plane_posterior(x, y, height, place, origin, log_density, posterior):
    """Log density at points, and the mean of ``origin`` over the components that a point may belong to.

    Component k is 2 to the power ``height[k] - |(x, y) - place[:, k]|²``: lengths in which all components are round and
    logarithms to base two.
    """
    if x.size * height.size < THREADS_PAY:
        _in_turn(x, y, height, place, origin, log_density, posterior)
    else:
        _threads(x, y, height, place, origin, log_density, posterior)
