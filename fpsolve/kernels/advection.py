"""Currents between the cells of a line and the steps that they drive.

Face ``i`` lies on the left of cell ``i``; n cells have n + 1 faces. The boundary of either end is a number: 0
reflecting (no current through the end), 1 absorbing (nothing comes in), 2 periodic.
"""

from __future__ import annotations

import numpy as np

from fpsolve.kernels.compiled import compiled

REFLECTING, ABSORBING, PERIODIC = 0, 1, 2
#: beyond an end of this kind the cubic through the averages of four cells goes on
CONTINUED = 3


@compiled
def two_point_currents(p, minus, plus, lower, upper, out):
    """J = minus p(left of the face) - plus p(right of it)."""
    n = p.size
    for i in range(1, n):
        out[i] = minus[i] * p[i - 1] - plus[i] * p[i]
    if lower == PERIODIC:
        out[0] = out[n] = minus[0] * p[n - 1] - plus[0] * p[0]
        return
    out[0] = -plus[0] * p[0] if lower == ABSORBING else 0.0
    out[n] = minus[n] * p[n - 1] if upper == ABSORBING else 0.0


@compiled
def extend(p, ghosts, lower, upper, out):
    """Averages with ``ghosts`` cells more on either side: mirror images, empty, of the other end, or continued."""
    n = p.size
    for i in range(n):
        out[i + ghosts] = p[i]
    for g in range(ghosts):
        left, right = min(g, n - 1), max(n - 1 - g, 0)
        if lower == PERIODIC:
            left, right = (n - 1 - g) % n, g % n
        out[ghosts - 1 - g] = 0.0 if lower == ABSORBING else p[left]
        out[n + ghosts + g] = 0.0 if upper == ABSORBING else p[right]
    for g in range(ghosts):
        if lower == CONTINUED:
            k = ghosts - 1 - g
            out[k] = 4.0 * (out[k + 1] + out[k + 3]) - 6.0 * out[k + 2] - out[k + 4]
        if upper == CONTINUED:
            k = n + ghosts + g
            out[k] = 4.0 * (out[k - 1] + out[k - 3]) - 6.0 * out[k - 2] - out[k - 4]


@compiled
def weno5_value(a, b, c, d, e, tiny):
    """Point value between ``c`` and ``d`` from five cell averages, nonlinear weights of Borges and others (WENO-Z)."""
    left = (2.0 * a - 7.0 * b + 11.0 * c) / 6.0
    middle = (-b + 5.0 * c + 2.0 * d) / 6.0
    right = (2.0 * c + 5.0 * d - e) / 6.0
    rough_left = 13.0 / 12.0 * (a - 2.0 * b + c) ** 2 + 0.25 * (a - 4.0 * b + 3.0 * c) ** 2
    rough_middle = 13.0 / 12.0 * (b - 2.0 * c + d) ** 2 + 0.25 * (b - d) ** 2
    rough_right = 13.0 / 12.0 * (c - 2.0 * d + e) ** 2 + 0.25 * (3.0 * c - 4.0 * d + e) ** 2
    whole = abs(rough_left - rough_right)
    w_left = 0.1 * (1.0 + (whole / (rough_left + tiny)) ** 2)
    w_middle = 0.6 * (1.0 + (whole / (rough_middle + tiny)) ** 2)
    w_right = 0.3 * (1.0 + (whole / (rough_right + tiny)) ** 2)
    return (w_left * left + w_middle * middle + w_right * right) / (w_left + w_middle + w_right)


@compiled
def weno5_currents(p, drift, lower, upper, before, after, tiny, out):
    """J = drift at the face times the reconstruction from its upwind side; equal cells.

    ``before`` and ``after`` say what lies beyond the ends, for :func:`extend`.
    """
    n = p.size
    q = np.empty(n + 6)
    extend(p, 3, before, after, q)
    for i in range(n + 1):
        j = i + 2  # the cell on the left of the face
        if drift[i] >= 0.0:
            out[i] = drift[i] * weno5_value(q[j - 2], q[j - 1], q[j], q[j + 1], q[j + 2], tiny)
        else:
            out[i] = drift[i] * weno5_value(q[j + 3], q[j + 2], q[j + 1], q[j], q[j - 1], tiny)
    if lower == PERIODIC:
        out[n] = out[0]
        return
    # nothing comes in through an absorbing end
    out[0] = 0.0 if lower == REFLECTING else min(out[0], 0.0)
    out[n] = 0.0 if upper == REFLECTING else max(out[n], 0.0)


@compiled
def fastest_outflow(drift, widths):
    """Largest rate at which a cell empties: outward drifts through both of its faces over its width, 1/s."""
    rate = 0.0
    for i in range(widths.size):
        out = 0.0 if drift[i + 1] < 0.0 else drift[i + 1]
        out += 0.0 if drift[i] > 0.0 else -drift[i]
        if not out / widths[i] <= rate:  # a nan wins
            rate = out / widths[i]
            if np.isnan(rate):
                break
    return rate


@compiled
def blend_step(old, part, now, currents, widths, step, out):
    """A forward Euler step from ``now``, averaged with ``old``: part old + (1 - part)(now - step div J)."""
    for i in range(now.size):
        stepped = now[i] - step * (currents[i + 1] - currents[i]) / widths[i]
        out[i] = part * old[i] + (1.0 - part) * stepped
