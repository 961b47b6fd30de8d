"""Conservative refinement of cell masses, and how much of the shape inside a cell it leaves unknown.

The masses give the primitive of the density exactly at the edges. A polynomial through the edges around a cell splits
its mass into two halves: degree 7 (seven cells) is used, degrees 5 and 3 measure how fast the sequence settles. The
stencils are one-sided at the ends of the grid and of every run of cells that hold mass, so a density may end in a jump
at an edge. Any edges will do: on unequal cells the polynomials are built cell by cell.
"""

from __future__ import annotations

import math

import numpy as np

from fpsolve.kernels.compiled import compiled

WIDTH = 7  # cells of the widest stencil


@compiled
def split_edges(edges, out):
    """Edges of the halved cells, and whether all cells have the same width."""
    n = edges.size - 1
    width, size = (edges[n] - edges[0]) / n, max(abs(edges[0]), abs(edges[n]))
    even = True
    for i in range(n):
        out[2 * i] = edges[i]
        out[2 * i + 1] = 0.5 * (edges[i] + edges[i + 1])
        even = even and abs(edges[i + 1] - edges[i] - width) <= 1e-10 * width + 1e-15 * size
    out[2 * n] = edges[n]
    return even


@compiled
def half_weights(edges, i, start, r, table):
    """Set ``table[r, i - start]``: weights of ``2 r + 3`` masses from ``start`` on in the left half of cell ``i``."""
    x = 0.5 * (edges[i] + edges[i + 1])
    beyond = 0.0
    for k in range(2 * r + 3, 0, -1):
        value = 1.0
        for j in range(2 * r + 4):
            if j != k:
                value *= (x - edges[start + j]) / (edges[start + k] - edges[start + j])
        beyond += value
        table[r, i - start, k - 1] = beyond - 1.0 if start + k - 1 < i else beyond


@compiled
def equal_weights():
    """Weights on equal cells: ``table[r, o]`` for ``2 r + 3`` cells, the halved one being number ``o``."""
    edges = np.arange(WIDTH + 1.0)
    table = np.zeros((3, WIDTH, WIDTH))
    for r in range(3):
        for o in range(2 * r + 3):
            half_weights(edges, o, 0, r, table)
    return table


@compiled
def halve(edges, masses, even, out, detail):
    """Masses of the halved cells; ``detail[i]`` receives the asymmetries of degree 3, 5, 7 (nan in short runs).

    An asymmetry is the mass of the left half beyond one half. It is clipped where a half would go negative: the mass
    stays exact, and the result continuous in the data.
    """
    table = equal_weights()
    begin = end = 0
    for i in range(masses.size):
        if i >= end:
            begin, end = i, i + 1
            while masses[i] > 0.0 and end < masses.size and masses[end] > 0.0:
                end += 1
        half, shift = 0.5 * masses[i], 0.0
        for r in range(3):
            detail[i, r] = math.nan
            if end - begin >= WIDTH:
                start = min(max(i - r - 1, begin), end - 2 * r - 3)
                if not even:
                    half_weights(edges, i, start, r, table)
                shift = -half
                for k in range(2 * r + 3):
                    shift += table[r, i - start, k] * masses[start + k]
                detail[i, r] = shift
        shift = min(max(shift, -half), half)
        out[2 * i], out[2 * i + 1] = half + shift, half - shift


@compiled
def unknown_shape(masses, detail, out):
    """Part of each cell's mass that may sit one half of the cell away from where ``halve`` puts it; at most 2.

    Where the polynomials settle: their last difference, with its sign (in the first and last cell of a run the last
    but one, for a density that ends a little off the edge looks smooth). Elsewhere all of their differences around
    the cell; and 2 (the mass may be anywhere in the cell) in short runs, where ``halve`` had to clip, and in the
    first and last cell of a run unless it is very smooth.
    """
    n = masses.size
    for i in range(n):
        out[i] = 0.0
        if masses[i] <= 0.0:
            continue
        at_end = i == 0 or i == n - 1 or masses[i - 1] <= 0.0 or masses[i + 1] <= 0.0
        slope = coarse = fine = 0.0
        settled = True
        for k in range(max(i - 1, 0), min(i + 2, n)):
            if masses[k] > 0.0:
                settled = settled and abs(detail[k, 2]) <= 0.5 * masses[k]
                slope = max(slope, abs(detail[k, 0]))
                coarse = max(coarse, abs(detail[k, 1] - detail[k, 0]))
                fine = max(fine, abs(detail[k, 2] - detail[k, 1]))
        noise = 1e-12 * masses[i]
        smooth = fine <= (0.02 if at_end else 0.25) * coarse + noise and not (at_end and coarse > 0.1 * slope + noise)
        if settled and smooth:
            out[i] = (detail[i, 1 if at_end else 2] - detail[i, 0 if at_end else 1]) / masses[i]
        elif settled and not at_end:
            out[i] = min(2.0, (slope + coarse + fine) / masses[i])
        else:
            out[i] = 2.0


@compiled
def shape_error(slices, count, edges_p, loose_p, edges_q, loose_q, same, order, unit):
    """Bound of the change of the transport cost by what ``unknown_shape`` leaves open on both sides.

    On the same grid the two reconstructions err alike, so that mass which moves much less than a cell feels only the
    difference of the two, except where it may be anywhere in its cell.
    """
    i = j = 0
    total = 0.0
    for k in range(count):
        x, y = 0.5 * (slices[k, 1] + slices[k, 2]), 0.5 * (slices[k, 3] + slices[k, 4])
        i, j = cell_of(edges_p, x, i), cell_of(edges_q, y, j)
        width_p, width_q = edges_p[i + 1] - edges_p[i], edges_q[j + 1] - edges_q[j]
        p, q = 0.5 * loose_p[i] * width_p / unit, 0.5 * loose_q[j] * width_q / unit
        far = max(abs(slices[k, 1] - slices[k, 3]), abs(slices[k, 2] - slices[k, 4])) / unit
        known = same and loose_p[i] < 2.0 and loose_q[j] < 2.0
        apart = min(1.0, far * unit / min(width_p, width_q)) if known else 1.0
        move = (1.0 - apart) * abs(p - q) + apart * (abs(p) + abs(q))
        total += slices[k, 0] * move * (order * (far + move) ** (order - 1.0) if order > 1.0 else 1.0)
    return total


@compiled
def crossing_error(slices, count, edges_p, detail_p, edges_q, detail_q, same, order, unit):
    """Size of what extrapolation does not remove where ``x - y`` changes sign, for orders below 2.

    There the cost has a kink, whose place inside the cell enters at third order: by the slope of the density
    (``detail[:, 0]``, degree 3) times the width, with 1/50 for what two refinements and the extrapolation leave.
    """
    i = j = 0
    total = last = 0.0
    for k in range(count):
        start, end = slices[k, 1] - slices[k, 3], slices[k, 2] - slices[k, 4]
        if min(start, end, last) < 0.0 < max(start, end, last):
            i, j = cell_of(edges_p, slices[k, 1], i), cell_of(edges_q, slices[k, 3], j)
            p, q = detail_p[i, 0], detail_q[j, 0]
            width = max(edges_p[i + 1] - edges_p[i], edges_q[j + 1] - edges_q[j]) / unit
            bend = abs(p - q) if same and i == j else abs(p) + abs(q)
            total += 0.0 if math.isnan(bend) else bend * width**order / 50.0
        if end != 0.0:
            last = end
    return total


@compiled
def cell_of(edges, x, i):
    """Cell that contains ``x``, searched from cell ``i``."""
    while i > 0 and edges[i] > x:
        i -= 1
    while i < edges.size - 2 and edges[i + 1] <= x:
        i += 1
    return i
