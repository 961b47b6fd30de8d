"""A piecewise polynomial density, scaled and blurred by a Gaussian: panels that the kernel's width resolves."""

from __future__ import annotations

import math

import numpy as np

from fpsolve.kernels.compiled import compiled

ROOT_2 = math.sqrt(2.0)
ROOT_2PI = math.sqrt(2.0 * math.pi)
REACHES = (9.0, 38.5)  # widths of the kernel looked at: enough for the bulk; all that doubles can represent
ACCURACY = 1e14
LEAST = 1e-280  # below it quotients of sums lose their digits, and nothing is left to move


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
    """Range of z = (x - scale y) / width that matters at x, and the piece length that resolves the kernel there."""
    near_left, near_right = (x - scale * edge[0]) / width, (x - scale * edge[-1]) / width
    outside = max(max(-near_left, near_right), 1.0)
    low, high = -reach, reach
    length = min(2.0, 8.0 / max(outside, 0.25 * reach))
    # beyond the data the kernel is an exponential in the distance from the nearer end
    if near_left <= -reach:
        low, high = near_left - 45.0 / outside, near_left
    if near_right >= reach:
        low, high = near_right, near_right + 45.0 / outside
    return max(low, near_right), min(high, near_left), length


@compiled
def blurred(
    x, edge, coefficient, mass, left, right, scale, width, node, weight, only_bulk, pdf, cdf, sf, signal, score
):
    """State at ``x`` of ``scale y + width e``: y piecewise on blocks, e standard normal, width > 0.

    A block narrower than the kernel is a set of masses ``mass[j]`` at Gauss nodes; a wider one (``mass[j]`` is NaN) is
    a polynomial, cut into pieces that are exact in z = (x - scale y) / width, so a narrow kernel suffers no
    cancellation. Writes the density, both tails, E[y|x] and the score. Unless ``only_bulk``, a point that sees little
    mass looks again, farther out; merged blocks are too wide for that.
    """
    last = edge.size - 2
    for i in range(x.size):
        reach = REACHES[0]
        while True:
            low, high, length = visible(x[i], edge, scale, width, reach)
            bottom, top = (x[i] - width * high) / scale, (x[i] - width * low) / scale
            start = min(max(np.searchsorted(edge, bottom, side="right") - 1, 0), last)
            stop = min(max(np.searchsorted(edge, top) - 1, start), last)
            p = first = skew = 0.0
            f, s = left[start], right[stop + 1]
            for j in range(start, stop + 1):
                compact = not math.isnan(mass[j, 0])
                centre, radius = 0.5 * (edge[j] + edge[j + 1]), 0.5 * (edge[j + 1] - edge[j])
                near, far = (x[i] - scale * edge[j + 1]) / width, (x[i] - scale * edge[j]) / width
                a, b = max(low, near), min(high, far)
                pieces = 1 if compact else max(int(math.ceil((b - a) / length)), 1)
                # b - a would lose the digits of a narrow block far from x: one that is seen whole keeps its own width
                whole = a == near and b == far
                half = scale * radius / width / pieces if whole else 0.5 * (b - a) / pieces
                if not compact and high < far:  # what the window leaves of a wide block at its left
                    y = min(max((x[i] - width * b) / scale, edge[j]), edge[j + 1])
                    f += panel_mass(edge, coefficient, j, edge[j], y, node, weight)
                if not compact and low > near:  # and at its right
                    y = min(max((x[i] - width * a) / scale, edge[j]), edge[j + 1])
                    s += panel_mass(edge, coefficient, j, y, edge[j + 1], node, weight)
                for m in range(pieces * node.size):
                    n = m % node.size
                    if compact:
                        y = centre + radius * node[n]
                        z = (x[i] - scale * y) / width
                        portion = mass[j, n]
                    else:
                        step = 2 * (m // node.size) + 1 + node[n]
                        z = a + step * half
                        y = centre + radius * (1.0 - step / pieces) if whole else (x[i] - width * z) / scale
                        portion = weight[n] * half * width / scale * legendre(coefficient[j], (y - centre) / radius)
                    part = portion * math.exp(-0.5 * z * z)
                    small = 0.5 * portion * math.erfc(abs(z) / ROOT_2)
                    p += part
                    first += part * y
                    skew -= part * z
                    f += small if z < 0.0 else portion - small
                    s += small if z >= 0.0 else portion - small
            # what lies beyond the reach is at most exp(-reach^2 / 2) times the data's mass
            needed = math.sqrt(2.0 * math.log(ACCURACY / p)) if p > 1e-300 else REACHES[1]
            if only_bulk or reach >= min(needed, REACHES[1]):
                break
            reach = min(needed, REACHES[1])
        pdf[i], cdf[i], sf[i] = p / (width * ROOT_2PI), f, s
        signal[i] = first / p if p > LEAST else x[i] / scale
        score[i] = skew / (p * width) if p > LEAST else 0.0


@compiled
def blurred_log_density(x, edge, coefficient, mass, scale, width, node, weight, out):
    """Logarithm of the blurred density, finite however far out; blocks as in :func:`blurred`."""
    last = edge.size - 2
    for i in range(x.size):
        low, high, length = visible(x[i], edge, scale, width, REACHES[1])
        start = min(max(np.searchsorted(edge, (x[i] - width * high) / scale, side="right") - 1, 0), last)
        stop = min(max(np.searchsorted(edge, (x[i] - width * low) / scale) - 1, start), last)
        nearest = min(max(0.0, low), high)
        total = 0.0
        for j in range(start, stop + 1):
            compact = not math.isnan(mass[j, 0])
            centre, radius = 0.5 * (edge[j] + edge[j + 1]), 0.5 * (edge[j + 1] - edge[j])
            near, far = (x[i] - scale * edge[j + 1]) / width, (x[i] - scale * edge[j]) / width
            a, b = max(low, near), min(high, far)
            pieces = 1 if compact else max(int(math.ceil((b - a) / length)), 1)
            whole = a == near and b == far
            half = scale * radius / width / pieces if whole else 0.5 * (b - a) / pieces
            for m in range(pieces * node.size):
                n = m % node.size
                if compact:
                    z = (x[i] - scale * (centre + radius * node[n])) / width
                    total += mass[j, n] * math.exp(0.5 * (nearest - z) * (nearest + z))
                else:
                    step = 2 * (m // node.size) + 1 + node[n]
                    z = a + step * half
                    y = centre + radius * (1.0 - step / pieces) if whole else (x[i] - width * z) / scale
                    value = legendre(coefficient[j], (y - centre) / radius)
                    total += weight[n] * half * width / scale * value * math.exp(0.5 * (nearest - z) * (nearest + z))
        # so far out that even the nearest node underflows, the distance to the data decides
        out[i] = math.log(max(total, 1e-300)) - 0.5 * nearest * nearest - math.log(width * ROOT_2PI)
