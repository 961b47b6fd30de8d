"""Steps of the flow of least cost in the plane: gradients with four components a cell, their shrinkage and adjoint.

A cell sees the differences of a potential with its four neighbours, (left, right, lower, upper), each divided by the
distance and by the square root of two; a wall gives zero. The modulus of these four is the length of the gradient, the
same under all reflections of the grid, and the adjoint of the whole map times the map is the five-point Laplacian.

Every kernel walks along rows and keeps what it needs of one row in small buffers, in loops of few arrays each: with
more arrays in one loop the compiler cannot rule out that they overlap, and does not vectorise.
"""

from __future__ import annotations

import math

import numpy as np

from fpsolve.kernels.compiled import compiled


@compiled
def add_gradient(potential, i, cx, cy, factor, left, right, lower, upper):
    """Add ``factor`` times the gradient in row i to the four rows."""
    nx, ny = potential.shape
    here = potential[i]
    if i > 0:
        before = potential[i - 1]
        for j in range(ny):
            left[j] += factor * cx * (here[j] - before[j])
    if i < nx - 1:
        after = potential[i + 1]
        for j in range(ny):
            right[j] += factor * cx * (after[j] - here[j])
    below, above, inner_lower = here[: ny - 1], here[1:], lower[1:]
    for j in range(ny - 1):
        inner_lower[j] += factor * cy * (above[j] - below[j])
    for j in range(ny - 1):
        upper[j] += factor * cy * (above[j] - below[j])


@compiled
def add_adjoint(left, right, lower, upper, i, cx, cy, out):
    """Add the adjoint gradient of the four rows of row i; ``out`` holds zeros at first."""
    nx, ny = out.shape
    here = out[i]
    for j in range(ny):
        here[j] += cx * (left[j] - right[j])
    for j in range(ny):
        here[j] += cy * (lower[j] - upper[j])
    if i > 0:
        before = out[i - 1]
        for j in range(ny):
            before[j] -= cx * left[j]
    if i < nx - 1:
        after = out[i + 1]
        for j in range(ny):
            after[j] += cx * right[j]
    below, above, inner_lower = here[: ny - 1], here[1:], lower[1:]
    for j in range(ny - 1):
        below[j] -= cy * inner_lower[j]
    for j in range(ny - 1):
        above[j] += cy * upper[j]


@compiled
def moduli(left, right, lower, upper, out):
    """Lengths of the four-vectors of a row."""
    for j in range(out.size):
        out[j] = left[j] * left[j] + right[j] * right[j]
    for j in range(out.size):
        out[j] = math.sqrt(out[j] + lower[j] * lower[j] + upper[j] * upper[j])


@compiled
def kept_part(lengths, threshold, out):
    """What shrinking the lengths by the threshold leaves of them, as a factor between 0 and 1."""
    for j in range(lengths.size):
        out[j] = 1.0 - threshold / max(lengths[j], threshold)


@compiled
def reflect_step(state, potential, threshold, relaxation, cx, cy, out):
    """One Douglas-Rachford step of the state, and the adjoint gradient of its reflection.

    With flow = shrunk state, the step is state += relaxation (flow - state - gradient); the first call, before there
    is a potential, has relaxation 0. ``out`` becomes the adjoint of 2 flow - state of the new state.
    """
    _, nx, ny = state.shape
    lengths, kept = np.empty(ny), np.empty(ny)
    rows = np.empty((4, ny))
    out[:] = 0.0
    for i in range(nx):
        if relaxation > 0.0:
            moduli(state[0, i], state[1, i], state[2, i], state[3, i], lengths)
            kept_part(lengths, threshold, kept)
            for j in range(ny):
                kept[j] = 1.0 - relaxation * (1.0 - kept[j])
            for k in range(4):
                row = state[k, i]
                for j in range(ny):
                    row[j] *= kept[j]
            add_gradient(potential, i, cx, cy, -relaxation, state[0, i], state[1, i], state[2, i], state[3, i])
        moduli(state[0, i], state[1, i], state[2, i], state[3, i], lengths)
        kept_part(lengths, threshold, kept)
        for k in range(4):
            row, reflected = state[k, i], rows[k]
            for j in range(ny):
                reflected[j] = (2.0 * kept[j] - 1.0) * row[j]
        add_adjoint(rows[0], rows[1], rows[2], rows[3], i, cx, cy, out)


@compiled
def reflected_flow(state, potential, threshold, cx, cy, out):
    """The flow 2 shrunk - state - gradient, which has the wanted divergence; returns the sum of its lengths."""
    _, nx, ny = state.shape
    lengths, kept = np.empty(ny), np.empty(ny)
    total = 0.0
    for i in range(nx):
        moduli(state[0, i], state[1, i], state[2, i], state[3, i], lengths)
        kept_part(lengths, threshold, kept)
        for k in range(4):
            row, reflected = state[k, i], out[k, i]
            for j in range(ny):
                reflected[j] = (2.0 * kept[j] - 1.0) * row[j]
        add_gradient(potential, i, cx, cy, -1.0, out[0, i], out[1, i], out[2, i], out[3, i])
        moduli(out[0, i], out[1, i], out[2, i], out[3, i], lengths)
        total += lengths.sum()
    return total


@compiled
def steepest(potential, limit, cx, cy, out):
    """The largest length of the gradient; ``out`` becomes the adjoint of what exceeds the limit."""
    nx, ny = potential.shape
    lengths, kept = np.empty(ny), np.empty(ny)
    rows = np.empty((4, ny))
    largest = 0.0
    out[:] = 0.0
    for i in range(nx):
        rows[:] = 0.0
        add_gradient(potential, i, cx, cy, 1.0, rows[0], rows[1], rows[2], rows[3])
        moduli(rows[0], rows[1], rows[2], rows[3], lengths)
        top = lengths.max()
        largest = max(largest, top)
        if top > limit:
            kept_part(lengths, limit, kept)
            for k in range(4):
                row = rows[k]
                for j in range(ny):
                    row[j] *= kept[j]
            add_adjoint(rows[0], rows[1], rows[2], rows[3], i, cx, cy, out)
    return largest


@compiled
def add_flow_gradient(potential, cx, cy, out):
    """Add the gradient to a field of four components."""
    for i in range(potential.shape[0]):
        add_gradient(potential, i, cx, cy, 1.0, out[0, i], out[1, i], out[2, i], out[3, i])


@compiled
def state_from(flux_x, flux_y, out):
    """The four components of which each face's flux is the sum, divided by the square root of two."""
    _, nx, ny = out.shape
    half = math.sqrt(0.5)
    for i in range(nx):
        out[0, i] = half * flux_x[i]
        out[1, i] = half * flux_x[i + 1]
        out[2, i] = half * flux_y[i, :ny]
        out[3, i] = half * flux_y[i, 1:]


@compiled
def face_flux(flow, flux_x, flux_y):
    """Fluxes through the faces: the sum of the components on both sides, divided by the square root of two."""
    _, nx, ny = flow.shape
    half = math.sqrt(0.5)
    for i in range(1, nx):
        flux_x[i] = half * (flow[1, i - 1] + flow[0, i])
    for i in range(nx):
        for j in range(1, ny):
            flux_y[i, j] = half * (flow[3, i, j - 1] + flow[2, i, j])
