"""Rates of change of masses in the plane: jump processes, and fourth-order face averages.

Arrays are indexed [x, y]. Nothing comes in through an end that is no ring because its coefficients vanish; so rows and
columns may wrap around everywhere. ``ends`` collects what flows out through the lower and upper end of x, then of y.
"""

from __future__ import annotations

import numpy as np

from fpsolve.kernels.advection import extend, weno5_value
from fpsolve.kernels.compiled import compiled


@compiled
def jump_rates(m, forward_x, backward_x, forward_y, backward_y, out):
    """dm/dt of a jump process that leaves a cell at rates forward (to larger coordinates) and backward."""
    nx, ny = m.shape
    for i in range(nx):
        before, after = i - 1 if i > 0 else nx - 1, i + 1 if i < nx - 1 else 0
        for j in range(ny):
            out[i, j] = (
                forward_x[i, j] * m[before, j]
                + backward_x[i + 1, j] * m[after, j]
                - (backward_x[i, j] + forward_x[i + 1, j] + backward_y[i, j] + forward_y[i, j + 1]) * m[i, j]
            )
        for j in range(1, ny):
            out[i, j] += forward_y[i, j] * m[i, j - 1]
        for j in range(ny - 1):
            out[i, j] += backward_y[i, j + 1] * m[i, j + 1]
        out[i, 0] += forward_y[i, 0] * m[i, ny - 1]
        out[i, ny - 1] += backward_y[i, ny] * m[i, 0]


@compiled
def jump_ends(m, forward_x, backward_x, forward_y, backward_y, ring_x, ring_y, ends):
    """Outflow through the four ends, 1/s."""
    nx, ny = m.shape
    ends[:] = 0.0
    if not ring_x:
        for j in range(ny):
            ends[0] += backward_x[0, j] * m[0, j]
            ends[1] += forward_x[nx, j] * m[nx - 1, j]
    if not ring_y:
        for i in range(nx):
            ends[2] += backward_y[i, 0] * m[i, 0]
            ends[3] += forward_y[i, ny] * m[i, ny - 1]


@compiled
def at_faces(row, weights, ring, out):
    """Values at the faces of a row from its cell averages, four cells each."""
    n = row.size
    for j in range(2, n - 1):
        out[j] = (
            weights[0, j] * row[j - 2] + weights[1, j] * row[j - 1] + weights[2, j] * row[j] + weights[3, j] * row[j + 1]
        )
    for j in (0, 1, n - 1, n):
        total = 0.0
        for k in range(4):
            c = (j - 2 + k) % n if ring else min(max(j - 2, 0), n - 4) + k
            total += weights[k, j] * row[c]
        out[j] = total


@compiled
def across_rows(p, face, weights, ring, out):
    """Values on one face between rows, from four rows."""
    nx = p.shape[0]
    first = face - 2 if ring else min(max(face - 2, 0), nx - 4)
    a, b, c, d = weights[0, face], weights[1, face], weights[2, face], weights[3, face]
    p0, p1, p2, p3 = p[first % nx], p[(first + 1) % nx], p[(first + 2) % nx], p[(first + 3) % nx]
    for j in range(out.size):
        out[j] = a * p0[j] + b * p1[j] + c * p2[j] + d * p3[j]


@compiled
def wide_currents(p, drift_x, bend_x, drift_y, bend_y, spread, value_x, slope_x, value_y, slope_y, point_x, point_y,
                  widths_x, widths_y, rings, upwinded, jx, jy):  # fmt: skip
    """Currents through all faces, 1/s: averages of f P - D grad P over the faces, to fourth order.

    The average of a product is the product of the averages plus ``bend`` times the mean gradient of P along the face,
    which comes from values at the corners; ``bend`` also carries cross diffusion. ``value`` and ``slope`` vanish at
    closed ends, ``point`` does not. With ``upwinded`` the drift carries a WENO reconstruction in place of the central.
    """
    nx, ny = p.shape
    value, slope, corner, older = np.empty(ny), np.empty(ny), np.empty(ny + 1), np.empty(ny + 1)
    along, steep = np.empty(ny + 1), np.empty(ny + 1)
    ghosted = np.empty((nx + 6, ny + 6) if upwinded else (1, 1))
    tiny = 1e-300
    if upwinded:
        tiny += surround(p, rings, ghosted)
    for i in range(nx + 1):
        across_rows(p, i, point_x, rings[0], value)
        at_faces(value, point_y, rings[1], corner)
        across_rows(p, i, value_x, rings[0], value)
        across_rows(p, i, slope_x, rings[0], slope)
        if upwinded:
            upwind_between(ghosted, i, drift_x[i], value_x, tiny, value)
        for j in range(ny):
            current = drift_x[i, j] * value[j] - spread[0] * slope[j]
            jx[i, j] = current * widths_y[j] + bend_x[i, j] * (corner[j + 1] - corner[j])
        if i > 0:
            at_faces(p[i - 1], value_y, rings[1], along)
            at_faces(p[i - 1], slope_y, rings[1], steep)
            if upwinded:
                upwind_along(ghosted[i + 2], drift_y[i - 1], value_y, tiny, along)
            for j in range(ny + 1):
                current = drift_y[i - 1, j] * along[j] - spread[1] * steep[j]
                jy[i - 1, j] = current * widths_x[i - 1] + bend_y[i - 1, j] * (corner[j] - older[j])
        corner, older = older, corner


@compiled
def surround(p, rings, out):
    """Three cells more on all sides (mirror images, or a ring's); returns what is flat enough for WENO's weights."""
    nx, ny = p.shape
    largest = 0.0
    for i in range(nx):
        extend(p[i], 3, 2 if rings[1] else 0, 2 if rings[1] else 0, out[i + 3])
        for j in range(ny):
            largest = max(largest, abs(p[i, j]))
    for g in range(3):
        low, high = (nx - 1 - g, g) if rings[0] else (g, nx - 1 - g)
        out[2 - g] = out[3 + low]
        out[nx + 3 + g] = out[3 + high]
    return 1e-14 * largest * largest


@compiled
def upwind_between(q, face, drift, open_, tiny, out):
    """Reconstruction on one face between rows of the ghosted array; where the face is closed nothing."""
    i = face + 2
    shut = open_[0, face] == 0.0 and open_[1, face] == 0.0 and open_[2, face] == 0.0
    for j in range(out.size):
        c = j + 3
        if drift[j] >= 0.0:
            out[j] = weno5_value(q[i - 2, c], q[i - 1, c], q[i, c], q[i + 1, c], q[i + 2, c], tiny)
        else:
            out[j] = weno5_value(q[i + 3, c], q[i + 2, c], q[i + 1, c], q[i, c], q[i - 1, c], tiny)
        if shut:
            out[j] = 0.0


@compiled
def upwind_along(row, drift, open_, tiny, out):
    """The same on the faces along one row."""
    for j in range(out.size):
        c = j + 2
        if drift[j] >= 0.0:
            out[j] = weno5_value(row[c - 2], row[c - 1], row[c], row[c + 1], row[c + 2], tiny)
        else:
            out[j] = weno5_value(row[c + 3], row[c + 2], row[c + 1], row[c], row[c - 1], tiny)
        if open_[0, j] == 0.0 and open_[1, j] == 0.0 and open_[2, j] == 0.0:
            out[j] = 0.0


@compiled
def divergence(jx, jy, out):
    """dm/dt from the currents."""
    nx, ny = out.shape
    for i in range(nx):
        for j in range(ny):
            out[i, j] = jx[i, j] - jx[i + 1, j] + jy[i, j] - jy[i, j + 1]


@compiled
def legendre_stage(part, before, weight, older, start, rest, step, now, slow, first, out):
    """One stage of a Runge-Kutta-Legendre step."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (
                part * before[i, j] + weight * older[i, j] + rest * start[i, j] + step * now[i, j] + slow * first[i, j]
            )
