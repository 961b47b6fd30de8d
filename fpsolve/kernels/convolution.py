"""A piecewise polynomial density, scaled and blurred by a Gaussian: quadrature on panels the kernel's width resolves."""

from __future__ import annotations

import math

import numpy as np

from fpsolve.kernels.compiled import compiled

ROOT_2 = math.sqrt(2.0)
ROOT_2PI = math.sqrt(2.0 * math.pi)
REACHES = (9.0, 38.5)  # widths of the kernel looked at: enough for the bulk; all that doubles can represent
BULK = 1e-6


@compiled
def legendre(coefficient, unit):
    """Sum of Legendre polynomials at ``unit`` in [-1, 1], by Clenshaw's recurrence."""
    one = two = 0.0
    for n in range(coefficient.size - 1, 0, -1):
        one, two = coefficient[n] + (2.0 * n + 1.0) / (n + 1.0) * unit * one - (n + 1.0) / (n + 2.0) * two, one
    return coefficient[0] + unit * one - 0.5 * two


@compiled
def legendre_points(x, edge, coefficient, out):
    """Piecewise polynomial at points; zero outside its panels."""
    for i in range(x.size):
        j = min(np.searchsorted(edge, x[i], side="right") - 1, edge.size - 2)
        if j < 0 or x[i] > edge[-1]:
            out[i] = 0.0
        else:
            out[i] = legendre(coefficient[j], (2.0 * x[i] - edge[j] - edge[j + 1]) / (edge[j + 1] - edge[j]))


@compiled
def panel_mass(edge, coefficient, j, a, b, node, weight):
    """Mass of panel j between a and b, by the Gauss rule (node, weight)."""
    total = 0.0
    for n in range(node.size):
        y = 0.5 * (a + b) + 0.5 * (b - a) * node[n]
        unit = (2.0 * y - edge[j] - edge[j + 1]) / (edge[j + 1] - edge[j])
        total += weight[n] * 0.5 * (b - a) * legendre(coefficient[j], unit)
    return total


@compiled
def panel_tails(x, edge, coefficient, left, right, node, weight, cdf, sf):
    """Both tail probabilities of a piecewise polynomial density; left, right: masses beyond each edge."""
    for i in range(x.size):
        j = min(max(np.searchsorted(edge, x[i], side="right") - 1, 0), edge.size - 2)
        y = min(max(x[i], edge[j]), edge[j + 1])
        cdf[i] = left[j] + panel_mass(edge, coefficient, j, edge[j], y, node, weight)
        sf[i] = right[j + 1] + panel_mass(edge, coefficient, j, y, edge[j + 1], node, weight)


@compiled
def visible(x, edge, scale, width, reach):
    """The part of the data that a point sees, and the piece length that resolves the kernel over it."""
    low, high = (x - reach * width) / scale, (x + reach * width) / scale
    outside = max(scale * edge[0] - x, x - scale * edge[-1]) / width
    if high <= edge[0]:
        high = edge[0] + 5.0 * width / scale
    if low >= edge[-1]:
        low = edge[-1] - 5.0 * width / scale
    piece = width / scale * min(2.0, 8.0 / max(outside, 1.0))
    return max(low, edge[0]), min(high, edge[-1]), piece


@compiled
def blurred(x, edge, coefficient, left, right, scale, width, node, weight, pdf, cdf, sf, signal, score):
    """State at ``x`` of ``scale y + width e``: y from the piecewise polynomial, e standard normal, width > 0.

    Writes the density, both tails, E[y|x] and the score. A point that sees little mass looks again, farther out.
    """
    last = edge.size - 2
    for i in range(x.size):
        for reach in REACHES:
            low, high, length = visible(x[i], edge, scale, width, reach)
            start = min(max(np.searchsorted(edge, low, side="right") - 1, 0), last)
            stop = min(max(np.searchsorted(edge, high) - 1, start), last)
            p = first = skew = 0.0
            f = left[start] + panel_mass(edge, coefficient, start, edge[start], low, node, weight)
            s = right[stop + 1] + panel_mass(edge, coefficient, stop, high, edge[stop + 1], node, weight)
            for j in range(start, stop + 1):
                a, b = max(low, edge[j]), min(high, edge[j + 1])
                pieces = max(int(math.ceil((b - a) / length)), 1)
                half = 0.5 * (b - a) / pieces
                for m in range(pieces * node.size):
                    y = a + (2 * (m // node.size) + 1 + node[m % node.size]) * half
                    unit = (2.0 * y - edge[j] - edge[j + 1]) / (edge[j + 1] - edge[j])
                    mass = weight[m % node.size] * half * legendre(coefficient[j], unit)
                    z = (x[i] - scale * y) / width
                    part = mass * math.exp(-0.5 * z * z)
                    small = 0.5 * mass * math.erfc(abs(z) / ROOT_2)
                    p += part
                    first += part * y
                    skew -= part * z
                    f += small if z < 0.0 else mass - small
                    s += small if z >= 0.0 else mass - small
            if p > BULK:
                break
        pdf[i], cdf[i], sf[i] = p / (width * ROOT_2PI), f, s
        signal[i] = first / p if p > 0.0 else x[i] / scale
        score[i] = skew / (p * width) if p > 0.0 else 0.0
