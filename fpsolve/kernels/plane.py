"""Rates of change of masses in the plane: jump processes, and fourth-order face averages.

Arrays are indexed [x, y]. Nothing comes in through an end that is no ring because its coefficients vanish; so rows and
columns may wrap around everywhere. ``ends`` collects what flows out through the lower and upper end of x, then of y.
"""

from __future__ import annotations

import numpy as np

from fpsolve.kernels.advection import CONTINUED, PERIODIC, REFLECTING, extend, weno5_value
from fpsolve.kernels.compiled import compiled


@compiled
def jump_rates(m, forward_x, backward_x, forward_y, backward_y, out):
    """dm/dt of a jump process that leaves a cell at rates forward (to larger coordinates) and backward."""
    nx, ny = m.shape
    for i in range(nx):
        here, before, after, change = m[i], m[i - 1 if i > 0 else nx - 1], m[i + 1 if i < nx - 1 else 0], out[i]
        come, go, back, return_ = forward_x[i], forward_x[i + 1], backward_x[i], backward_x[i + 1]
        # shifted views: an index with an offset might be negative, which keeps a loop from being vectorised
        up, down, left, right = forward_y[i, 1:], backward_y[i, :ny], forward_y[i, 1:ny], backward_y[i, 1:ny]
        for j in range(ny):
            change[j] = come[j] * before[j] + return_[j] * after[j] - (back[j] + go[j] + down[j] + up[j]) * here[j]
        above, below, lower, upper = change[1:], change[: ny - 1], here[: ny - 1], here[1:]
        for j in range(ny - 1):
            above[j] += left[j] * lower[j]
        for j in range(ny - 1):
            below[j] += right[j] * upper[j]
        change[0] += forward_y[i, 0] * here[ny - 1]
        change[ny - 1] += backward_y[i, ny] * here[0]


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
def cell_of(face, k, n, ring):
    """The k-th of the four cells of a face."""
    if not ring:
        return min(max(face - 2, 0), n - 4) + k
    c = face - 2 + k
    return c + n if c < 0 else c - n if c >= n else c


@compiled
def at_faces(row, weights, even, ring, out):
    """Values at the faces of a row from its cell averages, four cells each; ``even`` cells share their weights."""
    n = row.size
    # shifted views: an index with an offset might be negative, which keeps the loop from being vectorised
    r0, r1, r2, r3, inner = row[: n - 3], row[1 : n - 2], row[2 : n - 1], row[3:], out[2 : n - 1]
    if even:
        a, b, c, d = weights[0, n // 2], weights[1, n // 2], weights[2, n // 2], weights[3, n // 2]
        for j in range(n - 3):
            inner[j] = a * r0[j] + b * r1[j] + c * r2[j] + d * r3[j]
    else:
        w0, w1, w2, w3 = weights[0, 2 : n - 1], weights[1, 2 : n - 1], weights[2, 2 : n - 1], weights[3, 2 : n - 1]
        for j in range(n - 3):
            inner[j] = w0[j] * r0[j] + w1[j] * r1[j] + w2[j] * r2[j] + w3[j] * r3[j]
    for j in (0, 1, n - 1, n):
        total = 0.0
        for k in range(4):
            total += weights[k, j] * row[cell_of(j, k, n, ring)]
        out[j] = total


@compiled
def between_rows(p, face, values, slopes, ring, value, slope):
    """Values and slopes on one face between rows, from four rows."""
    nx = p.shape[0]
    a0, a1, a2, a3 = values[0, face], values[1, face], values[2, face], values[3, face]
    b0, b1, b2, b3 = slopes[0, face], slopes[1, face], slopes[2, face], slopes[3, face]
    p0, p1 = p[cell_of(face, 0, nx, ring)], p[cell_of(face, 1, nx, ring)]
    p2, p3 = p[cell_of(face, 2, nx, ring)], p[cell_of(face, 3, nx, ring)]
    for j in range(value.size):
        value[j] = a0 * p0[j] + a1 * p1[j] + a2 * p2[j] + a3 * p3[j]
        slope[j] = b0 * p0[j] + b1 * p1[j] + b2 * p2[j] + b3 * p3[j]


@compiled
def row_currents(row, values, slopes, drift, spread, width, even, ring, out):
    """Currents along a row without the bend."""
    n = row.size
    r0, r1, r2, r3 = row[: n - 3], row[1 : n - 2], row[2 : n - 1], row[3:]
    inner, f = out[2 : n - 1], drift[2 : n - 1]
    if even:
        m = n // 2
        a, b, c, d = width * values[0, m], width * values[1, m], width * values[2, m], width * values[3, m]
        t = width * spread
        e, g, h, q = t * slopes[0, m], t * slopes[1, m], t * slopes[2, m], t * slopes[3, m]
        for j in range(n - 3):
            inner[j] = (f[j] * (a * r0[j] + b * r1[j] + c * r2[j] + d * r3[j])
                        - (e * r0[j] + g * r1[j] + h * r2[j] + q * r3[j]))  # fmt: skip
    else:
        for j in range(2, n - 1):
            value, slope = 0.0, 0.0
            for k in range(4):
                value += values[k, j] * row[j - 2 + k]
                slope += slopes[k, j] * row[j - 2 + k]
            out[j] = width * (drift[j] * value - spread * slope)
    for j in (0, 1, n - 1, n):
        value, slope = 0.0, 0.0
        for k in range(4):
            c = cell_of(j, k, n, ring)
            value += values[k, j] * row[c]
            slope += slopes[k, j] * row[c]
        out[j] = width * (drift[j] * value - spread * slope)


@compiled
def wide_currents(p, flow, weights, widths, rings, evens, upwinded, jx, jy):
    """Currents through all faces, 1/s: averages of f P - D grad P over the faces, to fourth order.

    The average of a product is the product of the averages plus ``bend`` times the mean gradient of P along the face,
    which comes from values at the corners; ``bend`` also carries cross diffusion. ``value`` and ``slope`` vanish at
    closed ends, ``point`` does not. With ``upwinded`` the drift carries a WENO reconstruction in place of the central.
    """
    drift_x, bend_x, drift_y, bend_y, spread = flow
    value_x, slope_x, value_y, slope_y, point_x, point_y = weights
    widths_x, widths_y = widths
    nx, ny = p.shape
    value, slope, corner, older = np.empty(ny), np.empty(ny), np.empty(ny + 1), np.empty(ny + 1)
    along = np.empty(ny + 1)
    ghosted = np.empty((nx + 6, ny + 6) if upwinded else (1, 1))
    tiny = 1e-300
    if upwinded:
        tiny += surround(p, rings, spread[0] > 0.0, ghosted)
    for i in range(nx + 1):
        between_rows(p, i, point_x, slope_x, rings[0], value, slope)
        at_faces(value, point_y, evens[1], rings[1], corner)
        if i == 0 or i == nx:  # closed there, perhaps
            between_rows(p, i, value_x, slope_x, rings[0], value, slope)
        if upwinded:
            upwind_between(ghosted, i, drift_x[i], value_x, tiny, value)
        into, drift, bend, low, high = jx[i], drift_x[i], bend_x[i], corner[:ny], corner[1:]
        for j in range(ny):
            into[j] = (drift[j] * value[j] - spread[0] * slope[j]) * widths_y[j] + bend[j] * (high[j] - low[j])
        if i > 0:
            into, drift, bend, width = jy[i - 1], drift_y[i - 1], bend_y[i - 1], widths_x[i - 1]
            if upwinded:
                row_currents(p[i - 1], value_y, slope_y, np.zeros(ny + 1), spread[1], width, evens[1], rings[1], into)
                upwind_along(ghosted[i + 2], drift, value_y, tiny, along)
                for j in range(ny + 1):
                    into[j] += drift[j] * along[j] * width
            else:
                row_currents(p[i - 1], value_y, slope_y, drift, spread[1], width, evens[1], rings[1], into)
            for j in range(ny + 1):
                into[j] += bend[j] * (corner[j] - older[j])
        corner, older = older, corner


@compiled
def surround(p, rings, smooth, out):
    """Three cells more on all sides, as in one dimension; returns what is flat enough for WENO's weights."""
    nx, ny = p.shape
    largest = 0.0
    closed = CONTINUED if smooth else REFLECTING
    for i in range(nx):
        end = PERIODIC if rings[1] else closed
        extend(p[i], 3, end, end, out[i + 3])
        for j in range(ny):
            largest = max(largest, abs(p[i, j]))
    for g in range(3):
        low, high = (nx - 1 - g, g) if rings[0] else (g, nx - 1 - g)
        before, after = out[2 - g], out[nx + 3 + g]
        before[:], after[:] = out[3 + low], out[3 + high]
        if smooth and not rings[0]:
            before[:] = 4.0 * (out[3 - g] + out[5 - g]) - 6.0 * out[4 - g] - out[6 - g]
            after[:] = 4.0 * (out[nx + 2 + g] + out[nx + g]) - 6.0 * out[nx + 1 + g] - out[nx - 1 + g]
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
        row, west, east, south, north = out[i], jx[i], jx[i + 1], jy[i, :ny], jy[i, 1:]
        for j in range(ny):
            row[j] = west[j] - east[j] + south[j] - north[j]


@compiled
def legendre_stage(part, before, weight, older, start, rest, step, now, slow, first, out):
    """One stage of a Runge-Kutta-Legendre step."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (
                part * before[i, j] + weight * older[i, j] + rest * start[i, j] + step * now[i, j] + slow * first[i, j]
            )


@compiled
def legendre_wide(p, dt, parts, flow, weights, widths, per_volume, rings, evens, upwinded, first, now, spare, jx, jy):
    """A whole Runge-Kutta-Legendre step of the densities of a closed plane; the last stage is returned."""
    b, rest, mu, nu, step = parts
    stages = b.size - 1
    wide_currents(p, flow, weights, widths, rings, evens, upwinded, jx, jy)
    older, before, out = p, now, spare
    first_step(p, step[1] * dt, jx, jy, per_volume, first, before)
    for j in range(2, stages + 1):
        wide_currents(before, flow, weights, widths, rings, evens, upwinded, jx, jy)
        slow = -(1.0 - b[j - 1]) * step[j] * dt
        density_step(before, mu[j], older, nu[j], p, rest[j], step[j] * dt, slow, first, jx, jy, per_volume, out)
        if j == 2:  # the start is not to be written over
            free = np.empty_like(p)
        else:
            free = older
        older, before, out = before, out, free
    return before


@compiled
def first_step(p, step, jx, jy, per_volume, rates, out):
    """Write dP/dt of the densities, and the densities a step later."""
    ny = p.shape[1]
    for i in range(p.shape[0]):
        here, there, later, v = p[i], rates[i], out[i], per_volume[i]
        west, east, south, north = jx[i], jx[i + 1], jy[i, :ny], jy[i, 1:]
        for j in range(ny):
            there[j] = (west[j] - east[j] + south[j] - north[j]) * v[j]
        for j in range(ny):
            later[j] = here[j] + step * there[j]


@compiled
def density_step(before, part, older, weight, start, rest, step, slow, first, jx, jy, per_volume, out):
    """Write part before + weight older + rest start + slow first + step dP/dt of the densities."""
    ny = out.shape[1]
    change = np.empty(ny)
    for i in range(out.shape[0]):
        # two loops: the compiler gives up on one with so many arrays that might overlap
        west, east, south, north = jx[i], jx[i + 1], jy[i, :ny], jy[i, 1:]
        for j in range(ny):
            change[j] = west[j] - east[j] + south[j] - north[j]
        a, b, c, d, v, row = before[i], older[i], start[i], first[i], per_volume[i], out[i]
        for j in range(ny):
            change[j] *= step * v[j]
        for j in range(ny):
            row[j] = part * a[j] + weight * b[j] + rest * c[j] + slow * d[j] + change[j]
