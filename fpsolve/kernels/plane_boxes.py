"""A density in the plane that is a polynomial on each cell of a grid, blurred by an isotropic Gaussian.

Positions along an axis are measured in z = (scale y - x) / noise, the distance of a moved point y of the data from a
point x in units of the noise; its weight is exp(-z²/2). No error functions: a Gauss rule on pieces that resolve the
weight suffers no cancellation, however narrow or wide a cell is beside the noise.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from fpsolve.kernels.compiled import compiled
from fpsolve.kernels.exponential import exponential

#: widths of the noise looked at: enough for the bulk; all that doubles can represent
REACH, FARTHEST = 9.0, 38.0
#: a sum below FEW looks farther, one below NONE sees no mass and asks for :func:`plane_boxes_far`
FEW, NONE, ACCURACY = 1e-8, 1e-280, 1e14
#: a merged sum below this part of its largest term is left to the cells themselves
DOUBTFUL = 1e-6
#: widest piece of one Gauss rule, and its product with the steepness of the weight
PIECE, STEEP = 2.0, 18.0
BLOCK = 64
SLACK = 0.01


@compiled
def window(left, right, reach):
    """Nearest z to 0 in [left, right], and the range of z within which the weight is at least exp(-reach²/2) of it."""
    nearest = min(max(0.0, left), right)
    far = math.sqrt(nearest * nearest + reach * reach)
    return nearest, nearest if nearest > 0.0 else -far, nearest if nearest < 0.0 else far


@compiled
def cell_average(x, edge, scale, noise, j, rule, terms, bounds, by_noise, part, value, moment):
    """Averages over cell j of exp((nearest² - z²)/2) times the Legendre polynomials of the cell, and times z or y.

    ``bounds`` is nearest, low, high and the length of a piece; ``rule`` the nodes and weights on [-1, 1].
    """
    nearest, low, high, length = bounds
    a, b = (scale * edge[j] - x) / noise, (scale * edge[j + 1] - x) / noise
    middle, radius = 0.5 * (edge[j] + edge[j + 1]), 0.5 * (edge[j + 1] - edge[j])
    for p in range(j * terms, (j + 1) * terms):
        value[p] = moment[p] = 0.0
    narrow, pieces, share = b - a <= length, 1, 0.5
    start, half = a, 0.5 * (b - a)
    if not narrow:
        start = max(a, low)
        span = max(min(b, high) - start, 0.0)
        pieces = max(int(math.ceil(span / length)), 1)
        half = 0.5 * span / pieces
        share = half / (b - a)
    node, weight = rule[0], rule[1]
    for m in range(pieces):
        centre = start + (2 * m + 1) * half
        for n in range(node.size):
            z = centre + half * node[n]
            part[n] = share * weight[n] * exponential(0.5 * (nearest - z) * (nearest + z))
        if by_noise:
            base, slope = centre, half
        elif narrow:
            base, slope = middle, radius
        else:
            base, slope = (x + noise * centre) / scale, noise * half / scale
        total = first = 0.0
        for n in range(node.size):
            total += part[n]
            first += part[n] * node[n]
        value[j * terms] += total
        moment[j * terms] += base * total + slope * first
        for n in range(node.size if terms > 1 else 0):
            unit = node[n]
            if not narrow:
                unit = ((x + noise * (centre + half * node[n])) / scale - middle) / radius
            place = base + slope * node[n]
            before, here = 1.0, unit
            for p in range(1, terms):
                value[j * terms + p] += part[n] * here
                moment[j * terms + p] += part[n] * here * place
                before, here = here, ((2 * p + 1) * unit * here - p * before) / (p + 1)


@compiled
def widest_cell(moved, first, stop):
    """Width of the widest of some cells."""
    widest = 0.0
    for j in range(first, stop):
        widest = max(widest, moved[j + 1] - moved[j])
    return widest


@compiled
def narrow_averages(x, edge, moved, noise, first, stop, rule, nearest, by_noise, value, moment):
    """As :func:`cell_average` of many narrow cells with one term each, node by node: a loop over cells is a vector."""
    left, right, y_left, y_right = moved[first:stop], moved[first + 1 : stop + 1], edge[first:stop], edge[first + 1 :]
    total, tilt = value[first:stop], moment[first:stop]
    for j in range(total.size):
        total[j] = tilt[j] = 0.0
    inverse = 1.0 / noise
    for n in range(rule.shape[1]):
        node, weight = rule[0, n], 0.5 * rule[1, n]
        for j in range(total.size):
            a, b = (left[j] - x) * inverse, (right[j] - x) * inverse
            z = 0.5 * (a + b) + 0.5 * (b - a) * node
            part = weight * exponential(0.5 * (nearest - z) * (nearest + z))
            total[j] += part
            tilt[j] += part * node
    for j in range(total.size):
        if by_noise:
            middle, radius = 0.5 * (left[j] + right[j] - 2.0 * x) * inverse, 0.5 * (right[j] - left[j]) * inverse
        else:
            middle, radius = 0.5 * (y_left[j] + y_right[j]), 0.5 * (y_right[j] - y_left[j])
        tilt[j] = middle * total[j] + radius * tilt[j]


@compiled
def axis_averages(x, edge, moved, scale, noise, rule, terms, reach, by_noise, part, value, moment):
    """The cells in reach along one axis: their averages, the first and the end of them, and the nearest z."""
    nearest, low, high = window((moved[0] - x) / noise, (moved[-1] - x) / noise, reach)
    length = min(PIECE, STEEP / max(-low, high))
    last = edge.size - 2
    first = min(max(np.searchsorted(moved, x + noise * (low - SLACK), side="right") - 1, 0), last)
    stop = min(max(np.searchsorted(moved, x + noise * (high + SLACK)) - 1, first), last) + 1
    bounds = nearest, low, high, length
    if terms == 1 and widest_cell(moved, first, stop) <= length * noise:
        narrow_averages(x, edge, moved, noise, first, stop, rule, nearest, by_noise, value, moment)
        return first, stop, nearest
    for j in range(first, stop):
        cell_average(x, edge, scale, noise, j, rule, terms, bounds, by_noise, part, value, moment)
    return first * terms, stop * terms, nearest


@compiled
def contracted(masses, begin, end, start, stop, ax, mx, ay, my, row, other):
    """Sums over the masses in a window of a b, m b and a n: with a, b the averages along x and y, m, n the moments."""
    for j in range(start, stop):
        row[j] = other[j] = 0.0
    whole = end - (end - begin) % 4
    for i in range(begin, whole, 4):  # four lines at once: the rows are then read and written a quarter as often
        one, two, three, four = masses[i], masses[i + 1], masses[i + 2], masses[i + 3]
        a, b, c, d = ax[i], ax[i + 1], ax[i + 2], ax[i + 3]
        for j in range(start, stop):
            row[j] += (a * one[j] + b * two[j]) + (c * three[j] + d * four[j])
        a, b, c, d = mx[i], mx[i + 1], mx[i + 2], mx[i + 3]
        for j in range(start, stop):
            other[j] += (a * one[j] + b * two[j]) + (c * three[j] + d * four[j])
    for i in range(whole, end):
        a, m, line = ax[i], mx[i], masses[i]
        for j in range(start, stop):
            row[j] += a * line[j]
            other[j] += m * line[j]
    total = first = second = 0.0
    for j in range(start, stop):
        total += row[j] * ay[j]
        first += other[j] * ay[j]
        second += row[j] * my[j]
    return total, first, second


@compiled(parallel=True)
def plane_boxes_cells(
    x, y, edge_x, edge_y, masses, terms_x, terms_y, rule, scale, noise, by_noise, logarithm, first, second
):
    """Logarithm of the sum of masses times averages of exp(-z²/2), and the means of z or y along both axes.

    NaN stands for the logarithm at points that see no mass.
    """
    moved_x, moved_y = scale * edge_x, scale * edge_y
    for block in numba.prange((x.size + BLOCK - 1) // BLOCK):
        ax, mx = np.empty(masses.shape[0]), np.empty(masses.shape[0])
        ay, my = np.empty(masses.shape[1]), np.empty(masses.shape[1])
        row, other, part = np.empty(masses.shape[1]), np.empty(masses.shape[1]), np.empty(rule.shape[1])
        for i in range(block * BLOCK, min((block + 1) * BLOCK, x.size)):
            reach = REACH
            while True:
                u = axis_averages(x[i], edge_x, moved_x, scale, noise, rule, terms_x, reach, by_noise, part, ax, mx)
                v = axis_averages(y[i], edge_y, moved_y, scale, noise, rule, terms_y, reach, by_noise, part, ay, my)
                total, m, n = contracted(masses, u[0], u[1], v[0], v[1], ax, mx, ay, my, row, other)
                # what lies beyond the reach is at most exp(-reach²/2)
                needed = FARTHEST if total < NONE else min(math.sqrt(2.0 * math.log(ACCURACY / total)), FARTHEST)
                if total >= FEW or reach >= needed:
                    break
                reach = needed
            logarithm[i] = math.nan
            if total >= NONE:
                logarithm[i] = math.log(total) - 0.5 * (u[2] * u[2] + v[2] * v[2])
                first[i], second[i] = m / total, n / total


@compiled
def node_weights(x, place, moved, noise, by_noise, value, moment):
    """exp((nearest² - z²)/2) at the merged nodes in reach along one axis, and times z or y; the first, end, nearest."""
    nearest, low, high = window((moved[0] - x) / noise, (moved[-1] - x) / noise, REACH)
    first = np.searchsorted(moved, x + noise * (low - SLACK))
    stop = np.searchsorted(moved, x + noise * (high + SLACK), side="right")
    for k in range(first, stop):
        z = (moved[k] - x) / noise
        value[k] = exponential(0.5 * (nearest - z) * (nearest + z))
        moment[k] = value[k] * (z if by_noise else place[k])
    return first, stop, nearest


@compiled(parallel=True)
def plane_boxes_merged(x, y, place_x, place_y, masses, scale, noise, by_noise, logarithm, first, second):
    """As :func:`plane_boxes_cells` from masses at nodes; NaN also for points far from them, or where the sum is small.

    The nodes' masses are moments, not probabilities: their sum is exact beside its largest term only.
    """
    moved_x, moved_y = scale * place_x, scale * place_y
    for block in numba.prange((x.size + BLOCK - 1) // BLOCK):
        ax, mx = np.empty(masses.shape[0]), np.empty(masses.shape[0])
        ay, my = np.empty(masses.shape[1]), np.empty(masses.shape[1])
        row, other = np.empty(masses.shape[1]), np.empty(masses.shape[1])
        for i in range(block * BLOCK, min((block + 1) * BLOCK, x.size)):
            logarithm[i] = math.nan
            u = node_weights(x[i], place_x, moved_x, noise, by_noise, ax, mx)
            v = node_weights(y[i], place_y, moved_y, noise, by_noise, ay, my)
            if max(abs(u[2]), abs(v[2])) > REACH or u[0] == u[1] or v[0] == v[1]:
                continue
            total, m, n = contracted(masses, u[0], u[1], v[0], v[1], ax, mx, ay, my, row, other)
            if total >= DOUBTFUL * np.max(ax[u[0] : u[1]]) * np.max(ay[v[0] : v[1]]):
                logarithm[i] = math.log(total) - 0.5 * (u[2] * u[2] + v[2] * v[2])
                first[i], second[i] = m / total, n / total


@compiled
def far_averages(x, edge, scale, noise, rule, terms, by_noise, part, nearest, value, moment):
    """The averages of every cell, each beside its own nearest point."""
    for j in range(edge.size - 1):
        nearest[j], low, high = window((scale * edge[j] - x) / noise, (scale * edge[j + 1] - x) / noise, REACH)
        bounds = nearest[j], low, high, min(PIECE, STEEP / max(-low, high))
        cell_average(x, edge, scale, noise, j, rule, terms, bounds, by_noise, part, value, moment)


@compiled
def plane_boxes_far(
    x, y, edge_x, edge_y, masses, terms_x, terms_y, rule, scale, noise, by_noise, logarithm, first, second
):
    """As :func:`plane_boxes_cells` however far the mass is: every cell is weighed by the logarithm of its part."""
    ax, mx, part = np.empty(masses.shape[0]), np.empty(masses.shape[0]), np.empty(rule.shape[1])
    ay, my = np.empty(masses.shape[1]), np.empty(masses.shape[1])
    near_x, near_y = np.empty(edge_x.size - 1), np.empty(edge_y.size - 1)
    for i in range(x.size):
        far_averages(x[i], edge_x, scale, noise, rule, terms_x, by_noise, part, near_x, ax, mx)
        far_averages(y[i], edge_y, scale, noise, rule, terms_y, by_noise, part, near_y, ay, my)
        top = -math.inf
        for j in range(near_x.size):
            for k in range(near_y.size):
                mass = masses[j * terms_x, k * terms_y]
                if mass > 0.0:
                    top = max(top, math.log(mass) - 0.5 * (near_x[j] * near_x[j] + near_y[k] * near_y[k]))
        total = m = n = 0.0
        for j in range(near_x.size):
            for k in range(near_y.size):
                exponent = -0.5 * (near_x[j] * near_x[j] + near_y[k] * near_y[k]) - top
                if masses[j * terms_x, k * terms_y] <= 0.0 or exponent < -100.0:
                    continue
                factor = math.exp(min(exponent, 700.0))
                for p in range(j * terms_x, (j + 1) * terms_x):
                    for q in range(k * terms_y, (k + 1) * terms_y):
                        total += factor * masses[p, q] * ax[p] * ay[q]
                        m += factor * masses[p, q] * mx[p] * ay[q]
                        n += factor * masses[p, q] * ax[p] * my[q]
        total = max(total, NONE)
        logarithm[i] = math.log(total) + top
        first[i], second[i] = m / total, n / total


@compiled
def axis_densities(x, edge, scale, noise, rule, terms, out):
    """Averages over each cell of the standard normal density of z times the Legendre polynomials, (points, cells)."""
    moved, part, moment = scale * edge, np.empty(rule.shape[1]), np.empty(out.shape[1])
    for i in range(x.size):
        out[i] = 0.0
        u = axis_averages(x[i], edge, moved, scale, noise, rule, terms, FARTHEST, True, part, out[i], moment)
        for k in range(u[0], u[1]):
            out[i, k] *= math.exp(-0.5 * u[2] * u[2]) / math.sqrt(2.0 * math.pi)
