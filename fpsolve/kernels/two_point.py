"""Rates of the two-point fluxes: J = minus P(left) - plus P(right), from the drift f and T at the face.

``left`` and ``right`` are the distances from the face to both centres. All arrays are flat and of one size.
"""

from __future__ import annotations

import numpy as np

from fpsolve.kernels.compiled import compiled


@compiled
def bernoulli(z):
    """Return z / (exp(z) - 1), accurate for every z."""
    return 1.0 if z == 0.0 else z / np.expm1(z)


@compiled
def exponential(f, t, d):
    """Both rates of the flux of an exponential over a distance d: T/d B(-+ f d / T); upwind where T = 0."""
    low = t / d * bernoulli(abs(f) * d / t) if t > 0.0 and d > 0.0 else 0.0
    high = low + abs(f)
    return (high, low) if f >= 0.0 else (low, high)


@compiled
def scharfetter_gummel(drift, temperature, left, right, minus, plus):
    """The exact flux of constant force between the centres."""
    for i in range(drift.size):
        minus[i], plus[i] = exponential(drift[i], temperature[i], left[i] + right[i])


@compiled
def chang_cooper(drift, temperature, left, right, minus, plus):
    """The weight delta = 1/w - 1/(exp(w) - 1) with w = f d / T that makes J vanish in equilibrium."""
    for i in range(drift.size):
        d, f, t = left[i] + right[i], drift[i], temperature[i]
        w = f * d / t if t > 0.0 else np.inf
        if abs(w) < 1e-3:
            delta = 0.5 - w / 12.0 * (1.0 - w * w / 60.0)
            minus[i], plus[i] = t / d + f * (1.0 - delta), t / d - f * delta
        else:  # T/d - f delta = f / (exp(w) - 1), without the subtraction
            low = abs(f) / np.expm1(abs(w))
            minus[i], plus[i] = (abs(f) + low, low) if f > 0.0 else (low, abs(f) + low)


@compiled
def central(drift, temperature, left, right, minus, plus):
    """P at the face interpolated linearly between the centres.

    At an end that absorbs P = 0 lies on the face: no mean of both sides would carry what the drift takes out.
    """
    for i in range(drift.size):
        d = left[i] + right[i]
        if left[i] == 0.0 or right[i] == 0.0:
            minus[i], plus[i] = exponential(drift[i], temperature[i], d)
            continue
        minus[i] = temperature[i] / d + drift[i] * right[i] / d
        plus[i] = temperature[i] / d - drift[i] * left[i] / d


@compiled
def upwind(drift, temperature, left, right, minus, plus):
    """P at the face is that of the cell the drift comes from."""
    for i in range(drift.size):
        spread = temperature[i] / (left[i] + right[i])
        minus[i], plus[i] = spread + max(drift[i], 0.0), spread + max(-drift[i], 0.0)
