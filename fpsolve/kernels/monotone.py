"""Monotone transport between cell densities on the line.

A cell density is a pair ``edges`` (n + 1, increasing) and ``masses`` (n, nonnegative); inside a cell it is constant.
The monotone coupling of two of them is a list of *slices*: on each one mass moves from an interval of x to an interval
of y by a linear map. A slice is a row ``(mass, x_lower, x_upper, y_lower, y_upper)``.
"""

from __future__ import annotations

import math

from fpsolve.kernels.compiled import compiled


@compiled
def disorder(edges):
    """Number of edges that are not above their left neighbour, or not finite at the ends."""
    bad = 0
    for i in range(edges.size - 1):
        bad += not edges[i] < edges[i + 1]
    bad += not (edges[0] > -math.inf and edges[-1] < math.inf)
    return bad


@compiled
def unsound(masses):
    """Number of masses that are not finite and >= 0."""
    bad = 0
    for i in range(masses.size):
        bad += not (masses[i] >= 0.0 and masses[i] < math.inf)
    return bad


@compiled
def median_edge(masses, total):
    """Index of the first edge with at least half the mass on its left."""
    left = 0.0
    for i in range(masses.size):
        left += masses[i]
        if left >= 0.5 * total:
            return i + 1
    return masses.size


@compiled
def next_cell(masses, i, stop, step):
    """First cell from ``i`` on, in steps of ``step``, that holds mass; ``stop`` where none does."""
    while i != stop and masses[i] <= 0.0:
        i += step
    return i


@compiled
def place(edges, i, near, share):
    """Point of cell ``i`` that has the share ``share`` of the cell's mass between it and the far edge."""
    start, end = edges[i + near], edges[i + 1 - near]
    x = end + (start - end) * share
    return min(max(x, min(start, end)), max(start, end))


@compiled
def mean_power(d0, d1, order):
    """Mean of |d|^order where d runs linearly from ``d0`` to ``d1``; no cancellation where they are close."""
    if order == 2.0:
        return (d0 * d0 + d0 * d1 + d1 * d1) / 3.0
    a, b = min(abs(d0), abs(d1)), max(abs(d0), abs(d1))
    if b == 0.0:
        return 0.0
    opposite = (d0 < 0.0) != (d1 < 0.0)
    if order == 1.0:
        return 0.5 * (a * a + b * b) / (a + b) if opposite else 0.5 * (a + b)
    if opposite:
        return b**order * (1.0 + (a / b) ** (order + 1.0)) / ((order + 1.0) * (1.0 + a / b))
    gap = (b - a) / b
    if gap == 0.0 or gap == 1.0:
        return b**order / (1.0 + order * gap)
    return b**order * -math.expm1((order + 1.0) * math.log1p(-gap)) / ((order + 1.0) * gap)


@compiled
def couple_part(edges_p, p, edges_q, q, first, stop, step, slices, count, order, scale):
    """Match the mass of the cells ``first, first + step, ...`` before ``stop`` with the mass at that end of Q.

    Works on the masses that remain in the current two cells: no sums over cells, so no cancellation in the tails.
    Returns the count of slices and their cost.
    """
    near, stop_q = (0, q.size) if step > 0 else (1, -1)
    keep, total = slices.shape[0] > 1, 0.0
    i = next_cell(p, first, stop, step)
    j = next_cell(q, q.size - 1 if step < 0 else 0, stop_q, step)
    if i == stop or j == stop_q:
        return count, total
    rest_p, rest_q, x, y = p[i], q[j], edges_p[i + near], edges_q[j + near]
    while True:
        mass, start = min(rest_p, rest_q), x - y
        rest_p, rest_q = rest_p - mass, rest_q - mass
        row = count if keep else 0
        slices[row, 0], slices[row, 1 + near], slices[row, 3 + near] = mass, x, y
        x, y = place(edges_p, i, near, rest_p / p[i]), place(edges_q, j, near, rest_q / q[j])
        slices[row, 2 - near], slices[row, 4 - near] = x, y
        total += mass * mean_power(start * scale, (x - y) * scale, order)
        count += 1
        if rest_p == 0.0:
            i = next_cell(p, i + step, stop, step)
            if i == stop:
                return count, total
            rest_p, x = p[i], edges_p[i + near]
        if rest_q == 0.0:
            j = next_cell(q, j + step, stop_q, step)
            if j == stop_q:
                return count, total
            rest_q, y = q[j], edges_q[j + near]


@compiled
def couple(edges_p, p, edges_q, q, cut, slices, order, unit):
    """Count of slices of the monotone coupling, and the integral of ``|x - y|^order``, lengths in ``unit``.

    The slices are written into ``slices``, n + m + 2 rows ordered in x, or into none where it has a single row. Cells
    before ``cut`` are matched from the left end and the others from the right end, so that both tails keep their
    relative accuracy; the rounding error of the total mass is left at the cut, where the density is high.
    """
    scale = 1.0 / unit
    half, left = couple_part(edges_p, p, edges_q, q, 0, cut, 1, slices, 0, order, scale)
    count, right = couple_part(edges_p, p, edges_q, q, p.size - 1, cut - 1, -1, slices, half, order, scale)
    low, high = half, count - 1
    while low < high < slices.shape[0]:
        for k in range(slices.shape[1]):
            slices[low, k], slices[high, k] = slices[high, k], slices[low, k]
        low, high = low + 1, high - 1
    return count, left + right


@compiled
def strip(width, c, d):
    """Twice the integral of ``|c + (d - c) s / width|`` over ``0 < s < width``."""
    if c * d < 0.0:
        return width * (c * c + d * d) / (abs(c) + abs(d))
    return width * (abs(c) + abs(d))


@compiled
def area_between(edges, p, q):
    """Integral of ``|F_P - F_Q|`` for densities on the same cells, exactly, from both ends to the middle."""
    n = p.size
    half = n // 2
    left = right = area = other = 0.0
    for i in range(half):
        j = n - 1 - i
        after, before = left + (p[i] - q[i]), right + (p[j] - q[j])
        area += strip(edges[i + 1] - edges[i], left, after)
        other += strip(edges[j + 1] - edges[j], right, before)
        left, right = after, before
    if n % 2:
        area += strip(edges[half + 1] - edges[half], left, -right)
    return 0.5 * (area + other)


@compiled
def map_and_potential(edges, masses, slices, count, image, potential):
    """Image of every edge under the monotone map T, and the integral of ``x - T(x)`` from the first edge."""
    k, y, height = 0, slices[0, 3], 0.0
    image[0], potential[0] = y, 0.0
    for i in range(masses.size):
        if masses[i] <= 0.0:
            height += (edges[i + 1] - edges[i]) * (0.5 * (edges[i] + edges[i + 1]) - y)
        else:
            while k < count and slices[k, 2] <= edges[i + 1]:
                x0, x1, y = slices[k, 1], slices[k, 2], slices[k, 4]
                height += (x1 - x0) * 0.5 * ((x0 - slices[k, 3]) + (x1 - y))
                k += 1
        image[i + 1], potential[i + 1] = y, height


@compiled
def spread(edges, masses, fine, out):
    """Masses on the cells of ``fine``, which contains every edge of ``edges`` and may reach beyond them."""
    i = 0
    for k in range(out.size):
        while i < masses.size - 1 and fine[k] >= edges[i + 1]:
            i += 1
        inside = fine[k] >= edges[i] and fine[k + 1] <= edges[i + 1]
        out[k] = masses[i] * ((fine[k + 1] - fine[k]) / (edges[i + 1] - edges[i])) if inside else 0.0


@compiled
def lipschitz_potential(edges, p, q, cut, gap, potential):
    """Integral of ``-sgn(F_P - F_Q)`` from the first edge; ``gap`` receives F_P - F_Q at the edges."""
    gap[0] = gap[-1] = potential[0] = 0.0
    for i in range(cut):
        gap[i + 1] = gap[i] + (p[i] - q[i])
    for i in range(p.size - 1, cut, -1):
        gap[i] = gap[i + 1] - (p[i] - q[i])
    for i in range(p.size):
        c, d, width = gap[i], gap[i + 1], edges[i + 1] - edges[i]
        slope = 0.0 if c == d == 0.0 else (c + d) / (abs(c) + abs(d))
        potential[i + 1] = potential[i] - slope * width


@compiled
def interpolate(slices, count, fraction, edges, out):
    """Deposit every slice, moved by ``fraction`` of its way, on the cells of ``edges``; its last piece is the rest."""
    out[:] = 0.0
    j = 0
    for k in range(count):
        rest, x0, x1 = slices[k, 0], slices[k, 1], slices[k, 2]
        low, high = x0 + fraction * (slices[k, 3] - x0), x1 + fraction * (slices[k, 4] - x1)
        while j > 0 and edges[j] > low:
            j -= 1
        while j < out.size - 1 and edges[j + 1] <= low:
            j += 1
        while j < out.size - 1 and edges[j + 1] < high:
            part = rest * ((edges[j + 1] - low) / (high - low))
            out[j] += part
            rest, low, j = rest - part, edges[j + 1], j + 1
        out[j] += rest
