"""Elimination along the first axis of jump processes on many parallel lines at once, without subtractions.

The lines lie side by side along the second axis, where every loop runs over consecutive memory. On a ring the last
cell is eliminated at the end.
"""

from __future__ import annotations

import numpy as np

from fpsolve.kernels.compiled import compiled


@compiled
def factor_columns(forward, backward, a, ring, ahead, inverse, behind, response, last):
    """Factor 1 - a L: x = inverse (y + behind x_next) with y = b + ahead y_before.

    ``response`` (a ring's) is what the chain answers to the last cell; ``last`` holds, for every line, both couplings
    of the last cell to the chain and the inverse of its own pivot.
    """
    n, lines = forward.shape[0] - 1, forward.shape[1]
    chain = n - 1 if ring else n
    excess, out, back, left_over = np.empty(lines), np.empty(lines), np.empty(lines), np.ones(lines)
    for j in range(lines):
        excess[j] = 1.0 if ring else 1.0 + a * backward[0, j]
        out[j] = a * backward[0, j] if ring else 0.0
        back[j] = a * forward[n, j] if ring else 0.0
    for i in range(chain):
        closing = ring and i == chain - 1
        for j in range(lines):
            right = a * forward[i + 1, j]
            if i > 0:
                share = a * backward[i, j] * inverse[i - 1, j]
                excess[j], out[j] = 1.0 + share * excess[j], share * out[j]
                ahead[i, j] = a * forward[i, j] * inverse[i - 1, j]
                behind[i - 1, j] = a * backward[i, j]
                back[j] *= ahead[i, j]
            else:
                ahead[i, j] = 0.0
            if closing:
                back[j] += a * backward[n - 1, j]
            inverse[i, j] = 1.0 / (excess[j] + out[j] + right)
            left_over[j] += back[j] * (excess[j] * inverse[i, j])
    for j in range(lines):
        behind[chain - 1, j] = 0.0
    if ring:
        response[:] = 0.0
        for j in range(lines):
            response[0, j] += a * forward[n, j]
            response[chain - 1, j] += a * backward[n - 1, j]
            last[0, j], last[1, j], last[2, j] = a * backward[0, j], a * forward[n - 1, j], 1.0 / left_over[j]
        sweep_columns(response, ahead, inverse, behind, chain)


@compiled
def sweep_columns(b, ahead, inverse, behind, chain):
    """Solve the chains in place."""
    lines = b.shape[1]
    for i in range(1, chain):
        for j in range(lines):
            b[i, j] += ahead[i, j] * b[i - 1, j]
    for j in range(lines):
        b[chain - 1, j] *= inverse[chain - 1, j]
    for i in range(chain - 2, -1, -1):
        for j in range(lines):
            b[i, j] = (b[i, j] + behind[i, j] * b[i + 1, j]) * inverse[i, j]


@compiled
def solve_columns(b, ring, ahead, inverse, behind, response, last):
    """Solve (1 - a L) x = b in place."""
    n, lines = b.shape
    if not ring:
        sweep_columns(b, ahead, inverse, behind, n)
        return
    chain = n - 1
    sweep_columns(b, ahead, inverse, behind, chain)
    for j in range(lines):
        b[chain, j] = (b[chain, j] + last[0, j] * b[0, j] + last[1, j] * b[chain - 1, j]) * last[2, j]
    for i in range(chain):
        for j in range(lines):
            b[i, j] += response[i, j] * b[chain, j]
