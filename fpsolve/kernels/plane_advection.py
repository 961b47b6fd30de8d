"""Explicit steps of mass carried across the faces of equal cells in the plane; nothing crosses the walls.

Arrays are indexed [x, y]. Velocities are given at the inner faces: ``(nx - 1, ny)`` across x, ``(nx, ny - 1)`` across
y. Where they vary along a face, ``tilt`` is the difference of the values at the two Gauss points of it.
"""

from __future__ import annotations

import math

import numpy as np

from fpsolve.kernels.advection import weno5_value
from fpsolve.kernels.compiled import compiled

#: from a difference across two cells to the difference between the centre of a face and a Gauss point of it
_TO_GAUSS = 0.25 / math.sqrt(3.0)


@compiled
def fastest_outflow_plane(along_x, along_y, hx, hy, beside):
    """Largest rate at which a cell empties, 1/s; ``beside`` is scratch of one row."""
    nx, ny = along_y.shape[0], along_x.shape[1]
    rate = 0.0
    for i in range(nx):
        for j in range(ny):
            beside[j] = 0.0
        if i < nx - 1:
            row = along_x[i]
            for j in range(ny):
                beside[j] += max(row[j], 0.0) / hx
        if i > 0:
            row = along_x[i - 1]
            for j in range(ny):
                beside[j] -= min(row[j], 0.0) / hx
        lower, upper, row = beside[: ny - 1], beside[1:], along_y[i]
        for j in range(ny - 1):
            lower[j] += max(row[j], 0.0) / hy
        for j in range(ny - 1):
            upper[j] -= min(row[j], 0.0) / hy
        for j in range(ny):
            rate = max(rate, beside[j])
    return rate


@compiled
def upwind_fluxes(p, along_x, along_y, into_x, into_y):
    """Velocity times the average of the cell that it comes from."""
    nx, ny = p.shape
    for i in range(nx - 1):
        here, there, w, out = p[i], p[i + 1], along_x[i], into_x[i]
        for j in range(ny):
            out[j] = w[j] * (here[j] if w[j] >= 0.0 else there[j])
    for i in range(nx):
        below, above, w, out = p[i, : ny - 1], p[i, 1:], along_y[i], into_y[i]
        for j in range(ny - 1):
            out[j] = w[j] * (below[j] if w[j] >= 0.0 else above[j])


@compiled
def _weno5_row(q0, q1, q2, q3, q4, q5, w, tiny, out):
    """Averages over faces from the three cells before them and the three behind."""
    for j in range(out.size):
        ahead = w[j] >= 0.0
        a, e = q0[j] if ahead else q5[j], q4[j] if ahead else q1[j]
        b, d = q1[j] if ahead else q4[j], q3[j] if ahead else q2[j]
        c = q2[j] if ahead else q3[j]
        out[j] = weno5_value(a, b, c, d, e, tiny)


@compiled
def _mirrored(p, out):
    """Three cells more on all sides, mirror images."""
    nx, ny = p.shape
    for i in range(nx + 6):
        k = i - 3
        k = -1 - k if k < 0 else 2 * nx - 1 - k if k >= nx else k
        row, source = out[i], p[k]
        inner = row[3 : ny + 3]
        for j in range(ny):
            inner[j] = source[j]
        for g in range(3):
            row[2 - g], row[ny + 3 + g] = source[g], source[ny - 1 - g]


@compiled
def _tilted(value, before, after, mean, tilt, out):
    """Averages of products over faces: values at the Gauss points by the slope along the face, never below zero."""
    for j in range(out.size):
        off = _TO_GAUSS * (after[j] - before[j])
        size = abs(value[j])
        off = min(max(off, -size), size)
        out[j] = mean[j] * value[j] + 0.5 * tilt[j] * off


@compiled
def weno5_fluxes(p, along_x, tilt_x, along_y, tilt_y, ghosted, value_x, value_y, tiny, into_x, into_y):
    """Averages of velocity times density over the faces, to fourth order; the rest is scratch.

    The density on a face is the WENO reconstruction from its upwind side, an average over the face; the average of the
    product needs its slope along the face, by central differences of these averages.
    """
    nx, ny = p.shape
    _mirrored(p, ghosted)
    for i in range(nx - 1):
        q = ghosted[i + 1 : i + 7, 3 : ny + 3]
        _weno5_row(q[0], q[1], q[2], q[3], q[4], q[5], along_x[i], tiny, value_x[i])
    m = ny - 1
    for i in range(nx):
        q = ghosted[i + 3]
        _weno5_row(
            q[1 : m + 1], q[2 : m + 2], q[3 : m + 3], q[4 : m + 4], q[5 : m + 5], q[6 : m + 6], along_y[i], tiny,
            value_y[i],
        )  # fmt: skip
    for i in range(nx - 1):
        v, w, d, out = value_x[i], along_x[i], tilt_x[i], into_x[i]
        _tilted(v[1:m], v[: m - 1], v[2:], w[1:m], d[1:m], out[1:m])
        # a face beside a wall has its mirror image beyond it
        _tilted(v[:1], v[:1], v[1:2], w[:1], d[:1], out[:1])
        _tilted(v[m:], v[m - 1 : m], v[m:], w[m:], d[m:], out[m:])
    for i in range(nx):
        before, after = value_y[max(i - 1, 0)], value_y[min(i + 1, nx - 1)]
        _tilted(value_y[i], before, after, along_y[i], tilt_y[i], into_y[i])


@compiled
def blend_step_plane(old, part, now, into_x, into_y, by_x, by_y, out):
    """A forward Euler step from ``now``, averaged with ``old``; ``by_x`` and ``by_y`` are step over width."""
    nx, ny = now.shape
    change = np.empty(ny)
    for i in range(nx):
        for j in range(ny):
            change[j] = 0.0
        if i > 0:
            row = into_x[i - 1]
            for j in range(ny):
                change[j] += by_x * row[j]
        if i < nx - 1:
            row = into_x[i]
            for j in range(ny):
                change[j] -= by_x * row[j]
        lower, upper, row = change[: ny - 1], change[1:], into_y[i]
        for j in range(ny - 1):
            lower[j] -= by_y * row[j]
        for j in range(ny - 1):
            upper[j] += by_y * row[j]
        first, here, later = old[i], now[i], out[i]
        for j in range(ny):
            later[j] = part * first[j] + (1.0 - part) * (here[j] + change[j])


@compiled
def limited_sum(rows, factors, limit, out):
    """Sum of factors times rows, limited in modulus; in blocks that stay in cache."""
    block = 1024
    for first in range(0, out.size, block):
        part = out[first : first + block]
        part[:] = 0.0
        for k in range(factors.size):
            factor, row = factors[k], rows[k, first : first + block]
            for j in range(part.size):
                part[j] += factor * row[j]
        for j in range(part.size):
            part[j] = min(max(part[j], -limit), limit)
