"""Minus the divergence of a density times a gradient, on a rectangle of equal cells with reflecting walls."""

from __future__ import annotations

import numpy as np

from fpsolve.kernels.compiled import compiled


@compiled
def weighted_laplacian(density, values, weight_x, weight_y, out):
    """Write -div(density grad values), summed over each cell, to ``out``; all arrays (nx, ny).

    The density at a face is the mean of both sides; a weight is the face's length over the centres' distance and the
    cell's area, 1 / h^2.
    """
    n, m = values.shape
    half_x, half_y = 0.5 * weight_x, 0.5 * weight_y
    flux = np.empty(m)
    for i in range(n):
        here, weight, row = values[i], density[i], out[i]
        right, heavier, fluxes = here[1:], weight[1:], flux[1:]
        flux[0] = 0.0
        for j in range(m - 1):
            fluxes[j] = half_y * (weight[j] + heavier[j]) * (here[j] - right[j])
        for j in range(m - 1):
            row[j] = fluxes[j] - flux[j]
        row[m - 1] = -flux[m - 1]
        if i > 0:
            before, lighter = values[i - 1], density[i - 1]
            for j in range(m):
                row[j] += half_x * (weight[j] + lighter[j]) * (here[j] - before[j])
        if i < n - 1:
            after, beyond = values[i + 1], density[i + 1]
            for j in range(m):
                row[j] += half_x * (weight[j] + beyond[j]) * (here[j] - after[j])


@compiled
def advance(step, direction, values, image, residual):
    """Add step * direction to the values and take step * image from the residual; flat arrays."""
    for i in range(values.size):
        values[i] += step * direction[i]
    for i in range(values.size):
        residual[i] -= step * image[i]


@compiled
def conjugate(share, fresh, direction):
    """Replace the direction by fresh + share * direction; flat arrays."""
    for i in range(direction.size):
        direction[i] = fresh[i] + share * direction[i]


@compiled
def narrowed(values, scale, factor, out):
    """Write factor * scale * values in single precision; flat arrays.

    What is negligible becomes zero: numbers too small for single precision slow the transforms a hundredfold.
    """
    for i in range(values.size):
        product = factor * values[i] * scale[i]
        out[i] = product if abs(product) > 1e-20 else 0.0


@compiled
def widened(values, scale, factor, out):
    """Write factor * scale * values, given in single precision, in double precision; flat arrays."""
    for i in range(values.size):
        out[i] = factor * scale[i] * values[i]


@compiled
def dot(first, second):
    """The sum of products of two flat arrays; unlike BLAS always in the same order, and on one thread."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    whole = first.size - first.size % 4
    for i in range(0, whole, 4):
        a += first[i] * second[i]
        b += first[i + 1] * second[i + 1]
        c += first[i + 2] * second[i + 2]
        d += first[i + 3] * second[i + 3]
    for i in range(whole, first.size):
        a += first[i] * second[i]
    return (a + b) + (c + d)
