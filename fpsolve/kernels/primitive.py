"""Polynomials through the primitive of a cell density: known exactly at the edges, wanted inside the cells.

A cell's polynomial passes through the primitive at ``WIDTH`` edges around it, fewer between two breaks that lie close.
``lowest[i]`` and ``highest[i]`` are the outermost edges that cell i may use: the breaks around it.
"""

from __future__ import annotations

import numpy as np

from fpsolve.kernels.compiled import compiled

WIDTH = 8  # edges: degree 7, two orders beyond the best flux


@compiled
def newton_form(edges, values, i, lowest, highest, difference):
    """Divided differences of cell ``i``; returns the first edge of its stencil and the number of edges."""
    count = min(WIDTH, highest - lowest + 1)
    start = min(max(i + 1 - count // 2, lowest), highest + 1 - count)
    for k in range(count):
        difference[k] = values[start + k]
    for order in range(1, count):
        for k in range(count - 1, order - 1, -1):
            width = edges[start + k] - edges[start + k - order]
            difference[k] = (difference[k] - difference[k - 1]) / width
    return start, count


@compiled
def newton_value(edges, start, count, difference, x):
    """Value and derivative of a Newton form."""
    value, slope = difference[count - 1], 0.0
    for k in range(count - 2, -1, -1):
        away = x - edges[start + k]
        slope = slope * away + value
        value = value * away + difference[k]
    return value, slope


@compiled
def primitive_inside(edges, values, lowest, highest, cell, x, value, slope):
    """The primitive and its derivative at points; ``cell[k]`` is the cell of the points ``x[k, :]``."""
    difference = np.empty(WIDTH)
    for k in range(cell.size):
        i = cell[k]
        start, count = newton_form(edges, values, i, lowest[i], highest[i], difference)
        for m in range(x.shape[1]):
            value[k, m], slope[k, m] = newton_value(edges, start, count, difference, x[k, m])


@compiled
def sign_changes(edges, values, lowest, highest, out):
    """Zeros of the primitive inside cells at whose edges its signs differ; returns how many were written."""
    difference = np.empty(WIDTH)
    found = 0
    for i in range(edges.size - 1):
        if not values[i] * values[i + 1] < 0.0:
            continue
        start, count = newton_form(edges, values, i, lowest[i], highest[i], difference)
        low, high = edges[i], edges[i + 1]
        for _ in range(60):
            middle = 0.5 * (low + high)
            value, _ = newton_value(edges, start, count, difference, middle)
            if value * values[i] > 0.0:
                low = middle
            else:
                high = middle
        out[found] = 0.5 * (low + high)
        found += 1
    return found
