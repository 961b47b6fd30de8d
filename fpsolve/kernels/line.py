"""A linear operator on the masses of a line: currents, banded elimination, diagonally implicit Runge-Kutta steps.

The current through face i is ``sum stencil[k, i] m[first(i) + k]`` over four cells. On a ring first(i) = i - 2, taken
modulo n; elsewhere it is clipped to [0, n - 4]. A two-point flux has two nonzero rows on a ring (1 and 2) and is
eliminated by :func:`factor_two_point`, which adds positive numbers only: masses stay nonnegative and accurate however
large the step.

A factored matrix 1 - a L has five rows: two forward coefficients, the inverse pivot, two backward coefficients. Then
y[i] = b[i] + f1 y[i-1] + f2 y[i-2] and x[i] = inverse (y[i] + u1 x[i+1] + u2 x[i+2]); two ``corners`` couple the first
and last cells once more. On a ring the last one or two cells form a border, eliminated at the end.
"""

from __future__ import annotations

import numpy as np

from fpsolve.kernels.compiled import compiled


@compiled
def currents(m, stencil, ring, out):
    """Currents through the faces."""
    n = m.size
    for i in range(2, n - 1):
        out[i] = stencil[0, i] * m[i - 2] + stencil[1, i] * m[i - 1] + stencil[2, i] * m[i] + stencil[3, i] * m[i + 1]
    for i in (0, 1, n - 1, n):
        total = 0.0
        for k in range(4):
            c = (i - 2 + k) % n if ring else min(max(i - 2, 0), n - 4) + k
            total += stencil[k, i] * m[c]
        out[i] = total


@compiled
def rates(m, stencil, ring, out):
    """dm/dt = -div J."""
    n = m.size
    face = np.empty(n + 1)
    currents(m, stencil, ring, face)
    for i in range(n):
        out[i] = face[i] - face[i + 1]


@compiled
def factor_two_point(forward, backward, a, ring, factor, border):
    """Factor 1 - a L of a jump process that leaves cell i at rates forward[i + 1] and backward[i].

    ``border`` has three rows: the response of the chain to the last cell of a ring, then (in its first places) the
    coefficients of that cell's equation.
    """
    n = forward.size - 1
    chain = n - 1 if ring else n
    excess, to_last, from_last = 1.0, (a * backward[0] if ring else 0.0), (a * forward[n] if ring else 0.0)
    if not ring:
        excess += a * backward[0]
    remaining, pivot = 1.0, 1.0
    for i in range(chain):
        left, right = a * backward[i], a * forward[i + 1]
        if i > 0:
            share = left / pivot
            excess, to_last = 1.0 + share * excess, share * to_last
            factor[0, i] = a * forward[i] / pivot
            factor[3, i - 1] = left
            from_last *= factor[0, i]
        else:
            factor[0, i] = 0.0
        if ring and i == chain - 1:
            from_last += a * backward[n - 1]
            to_last += right
            right = 0.0
        pivot = excess + to_last + right
        remaining += from_last * (excess / pivot)
        factor[1, i] = factor[4, i] = 0.0
        factor[2, i] = 1.0 / pivot
        border[0, i] = 0.0
    factor[3, chain - 1] = 0.0
    if ring:
        border[0, 0] += a * forward[n]
        border[0, chain - 1] += a * backward[n - 1]
        sweep(border[0], factor, np.zeros(2), chain)
        border[1, 0], border[1, 3] = a * backward[0], a * forward[n - 1]
        border[2, 0] = 1.0 / remaining


@compiled
def entry(stencil, row, col, n, ring, a):
    """Element of 1 - a L."""
    value = 1.0 if row == col else 0.0
    for side in range(2):
        face = row + side
        for k in range(4):
            c = (face - 2 + k) % n if ring else min(max(face - 2, 0), n - 4) + k
            if c == col:
                value -= a * (stencil[k, face] if side == 0 else -stencil[k, face])
    return value


@compiled
def factor_stencil(stencil, a, ring, factor, corners, border):
    """Factor 1 - a L of a four-cell stencil; ``border`` as rows: two responses, then the border's own equations."""
    n = stencil.shape[1] - 1
    chain = n - 2 if ring else n
    band = np.zeros((5, chain))  # sub-diagonals 2 and 1, the diagonal, super-diagonals 1 and 2
    for i in range(chain):
        inner = 3 <= i < n - 3
        for d in range(5):
            c = i - 2 + d
            if c < 0 or c >= chain:
                continue
            if inner:
                here = stencil[d, i] if d < 4 else 0.0
                there = stencil[d - 1, i + 1] if d > 0 else 0.0
                band[d, i] = (1.0 if d == 2 else 0.0) - a * (here - there)
            else:
                band[d, i] = entry(stencil, i, c, n, ring, a)
    first = 0.0 if ring else entry(stencil, 0, 3, n, ring, a)
    last = 0.0 if ring else entry(stencil, n - 1, n - 4, n, ring, a)
    eliminate(band, first, last, factor, corners)
    if ring:
        for j in range(2):
            for i in range(chain):
                border[j, i] = 0.0
            for i in (0, 1, chain - 2, chain - 1):
                border[j, i] = -entry(stencil, i, chain + j, n, ring, a)
            sweep(border[j], factor, corners, chain)
        columns = (0, 1, chain - 2, chain - 1)
        s = np.empty((2, 2))
        for j in range(2):
            for k in range(4):
                border[2 + j, k] = -entry(stencil, chain + j, columns[k], n, ring, a)
            for i in range(2):
                s[j, i] = entry(stencil, chain + j, chain + i, n, ring, a)
                for k in range(4):
                    s[j, i] -= border[2 + j, k] * border[i, columns[k]]
        det = s[0, 0] * s[1, 1] - s[0, 1] * s[1, 0]
        border[2, 4], border[2, 5] = s[1, 1] / det, -s[0, 1] / det
        border[3, 4], border[3, 5] = -s[1, 0] / det, s[0, 0] / det


@compiled
def eliminate(band, first, last, factor, corners):
    """LU of a five-diagonal matrix with one element more in its first and in its last row; no pivoting."""
    n = band.shape[1]
    corners[0] = corners[1] = 0.0
    for i in range(n):
        if i == n - 1 and last != 0.0:
            corners[1] = -last * factor[2, i - 3]
            band[0, i] -= corners[1] * factor[3, i - 3]
            band[1, i] -= corners[1] * factor[4, i - 3]
        low2 = -band[0, i] * factor[2, i - 2] if i > 1 else 0.0
        beside = band[1, i] - (low2 * factor[3, i - 2] if i > 1 else 0.0)
        low1 = -beside * factor[2, i - 1] if i > 0 else 0.0
        pivot, up1, up2 = band[2, i], band[3, i], band[4, i]
        if i > 1:
            pivot -= low2 * factor[4, i - 2]
        if i > 0:
            pivot -= low1 * factor[3, i - 1]
            up1 -= low1 * factor[4, i - 1]
        if i == 1:
            up2 += low1 * first
        if i == 2:
            up1 += low2 * first
        factor[0, i], factor[1, i], factor[2, i] = low1, low2, 1.0 / pivot
        factor[3, i], factor[4, i] = -up1, -up2
    corners[0] = -first


@compiled
def sweep(b, factor, corners, chain):
    """Solve the chain in place."""
    y1, y2 = 0.0, 0.0
    for i in range(chain):
        y = b[i] + factor[1, i] * y2 + factor[0, i] * y1
        if i == chain - 1 and corners[1] != 0.0:
            y += corners[1] * b[i - 3]
        b[i] = y
        y2, y1 = y1, y
    x1, x2 = 0.0, 0.0
    for i in range(chain - 1, -1, -1):
        x = b[i] + factor[4, i] * x2 + factor[3, i] * x1
        if i == 0 and corners[0] != 0.0:
            x += corners[0] * b[3]
        x *= factor[2, i]
        b[i] = x
        x2, x1 = x1, x


@compiled
def solve(b, factor, corners, border, wide, ring):
    """Solve (1 - a L) x = b in place; ``wide`` says that the stencil has four cells and not two."""
    n = b.size
    if not ring:
        sweep(b, factor, corners, n)
        return
    if wide:
        chain = n - 2
        sweep(b, factor, corners, chain)
        r0, r1 = b[n - 2], b[n - 1]
        columns = (0, 1, chain - 2, chain - 1)
        for k in range(4):
            r0 += border[2, k] * b[columns[k]]
            r1 += border[3, k] * b[columns[k]]
        x0 = border[2, 4] * r0 + border[2, 5] * r1
        x1 = border[3, 4] * r0 + border[3, 5] * r1
        for i in range(chain):
            b[i] += border[0, i] * x0 + border[1, i] * x1
        b[n - 2], b[n - 1] = x0, x1
        return
    chain = n - 1
    sweep(b, factor, corners, chain)
    x0 = (b[n - 1] + border[1, 0] * b[0] + border[1, 3] * b[chain - 1]) * border[2, 0]
    for i in range(chain):
        b[i] += border[0, i] * x0
    b[n - 1] = x0


@compiled
def implicit_steps(
    m, coefficients, weights, estimate, dt, count, which, factors, corners, borders, shares, ends, wide, ring, outflow
):
    """Diagonally implicit Runge-Kutta steps in place; the L1 norm of the embedded error of the last one is returned.

    Stage i solves with ``factors[which[i]]``, a factor of 1 - dt coefficients[i, i] L. ``ends`` holds the stencils of
    the currents through both ends, for each factor; what flows out is added to ``outflow``. The columns of 1 - a L sum
    to one, but for what flows out: the mass that rounding takes in the solve of a ``wide`` stencil is given back in
    ``shares``.
    """
    stages, n = weights.size, m.size
    slopes = np.empty((stages, n))
    b = np.empty(n)
    exact_end = True  # stiffly accurate: the last stage is the result
    for j in range(stages):
        exact_end &= weights[j] == coefficients[stages - 1, j]
    for _ in range(count):
        for s in range(stages):
            f, diagonal = which[s], coefficients[s, s]
            for i in range(n):
                b[i] = m[i]
            for j in range(s):
                part = coefficients[s, j]
                for i in range(n):
                    b[i] += part * slopes[j, i]
            before = 0.0
            for i in range(n):
                slopes[s, i] = b[i]
                before += b[i]
            solve(b, factors[f], corners[f], borders[f], wide, ring)
            if wide:
                lost = before
                for i in range(n):
                    lost -= b[i]
                for k in range(4):
                    lost -= dt * diagonal * (ends[f, 1, k] * b[n - 4 + k] - ends[f, 0, k] * b[k])
                for i in range(n):
                    b[i] += lost * shares[f, i]
            for i in range(n):
                slopes[s, i] = (b[i] - slopes[s, i]) / diagonal
            for k in range(4):
                outflow[0] -= dt * weights[s] * ends[f, 0, k] * b[k]
                outflow[1] += dt * weights[s] * ends[f, 1, k] * b[n - 4 + k]
        for i in range(n):
            total = m[i]
            for j in range(stages):
                total += weights[j] * slopes[j, i]
            m[i] = b[i] if exact_end else total
    error = 0.0
    if estimate.size:
        for i in range(n):
            part = 0.0
            for j in range(stages):
                part += estimate[j] * slopes[j, i]
            error += abs(part)
    return error


@compiled
def factor_lines(stencils, a, ring, factors, corners, borders):
    """Factor 1 - a L on many lines, one after the other."""
    for k in range(stencils.shape[0]):
        factor_stencil(stencils[k], a, ring, factors[k], corners[k], borders[k])


@compiled
def solve_lines(b, factors, corners, borders, shares, ring):
    """Solve (1 - a L) x = b in place on many lines; ``shares``, if given, take what rounding took of their masses."""
    lines, n = b.shape
    restore = shares.shape[0] == lines
    for k in range(lines):
        before, after = 0.0, 0.0
        for i in range(n):
            before += b[k, i]
        solve(b[k], factors[k], corners[k], borders[k], True, ring)
        if restore:
            for i in range(n):
                after += b[k, i]
            for i in range(n):
                b[k, i] += (before - after) * shares[k, i]
