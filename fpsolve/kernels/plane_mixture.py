"""Sums over the components of a Gaussian mixture in the plane."""

from __future__ import annotations

import math

import numba
import numpy as np

from fpsolve.kernels.compiled import compiled

#: points that share one buffer of exponents, and exponents below the largest by more than this are left out
BLOCK, FAINT = 256, 42.0
#: products of points and components from which a second thread saves more than it costs to wake
THREADS_PAY = 4_000_000


@compiled
def _exponents(x, y, height, place, precision, out):
    """Logarithms of the weighted components at one point, and the largest of them."""
    mean_x, mean_y = place[0], place[1]
    pxx, pxy, pyy = precision[0], precision[1], precision[2]
    for k in range(height.size):
        dx, dy = x - mean_x[k], y - mean_y[k]
        out[k] = height[k] - 0.5 * (pxx[k] * dx * dx + pyy[k] * dy * dy) - pxy[k] * dx * dy
    top = -math.inf
    for k in range(height.size):
        top = max(top, out[k])
    return top


@compiled
def _flow_block(first, last, x, y, height, place, precision, drift, rate, log_density, velocity, score):
    exponent = np.empty(height.size)
    for i in range(first, last):
        top = _exponents(x[i], y[i], height, place, precision, exponent)
        total = ux = uy = gx = gy = 0.0
        for k in range(height.size):
            if exponent[k] < top - FAINT:
                continue
            part = math.exp(exponent[k] - top)
            dx, dy = x[i] - place[0, k], y[i] - place[1, k]
            total += part
            ux += part * (drift[0, k] + rate[0, k] * dx + rate[1, k] * dy)
            uy += part * (drift[1, k] + rate[2, k] * dx + rate[3, k] * dy)
            gx -= part * (precision[0, k] * dx + precision[1, k] * dy)
            gy -= part * (precision[1, k] * dx + precision[2, k] * dy)
        log_density[i] = top + math.log(total)
        velocity[0, i], velocity[1, i] = ux / total, uy / total
        score[0, i], score[1, i] = gx / total, gy / total


@compiled(parallel=True)
def _flow_threads(x, y, height, place, precision, drift, rate, log_density, velocity, score):
    for block in numba.prange((x.size + BLOCK - 1) // BLOCK):
        last = min((block + 1) * BLOCK, x.size)
        _flow_block(block * BLOCK, last, x, y, height, place, precision, drift, rate, log_density, velocity, score)


def plane_mixture_flow(x, y, height, place, precision, drift, rate, log_density, velocity, score):
    """Log density, mean velocity and score where component k carries its points affinely.

    Component k is ``exp(height[k] - d.p d / 2)`` with ``d`` the distance from ``place[:, k]`` and p its precision (xx,
    xy, yy); its points move at ``drift[:, k] + rate[:, k] d`` (rate: xx, xy, yx, yy). The mixture's velocity and score
    are the posterior means.
    """
    mixture = height, place, precision, drift, rate
    if x.size * height.size < THREADS_PAY:
        _flow_block(0, x.size, x, y, *mixture, log_density, velocity, score)
    else:
        _flow_threads(x, y, *mixture, log_density, velocity, score)


@compiled
def _log_density_block(first, last, x, y, height, place, precision, log_density):
    exponent = np.empty(height.size)
    for i in range(first, last):
        top = _exponents(x[i], y[i], height, place, precision, exponent)
        total = 0.0
        for k in range(height.size):
            if exponent[k] >= top - FAINT:
                total += math.exp(exponent[k] - top)
        log_density[i] = top + math.log(total)


@compiled(parallel=True)
def _log_density_threads(x, y, height, place, precision, log_density):
    for block in numba.prange((x.size + BLOCK - 1) // BLOCK):
        last = min((block + 1) * BLOCK, x.size)
        _log_density_block(block * BLOCK, last, x, y, height, place, precision, log_density)


def plane_mixture_log_density(x, y, height, place, precision, log_density):
    """Log density at points, finite however far out."""
    if x.size * height.size < THREADS_PAY:
        _log_density_block(0, x.size, x, y, height, place, precision, log_density)
    else:
        _log_density_threads(x, y, height, place, precision, log_density)
