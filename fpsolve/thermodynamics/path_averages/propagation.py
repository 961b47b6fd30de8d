"""Diagonally implicit Runge-Kutta steps of tilted generators, of the moments of the bath's entropy, and backward."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fpsolve.grids import Array
from fpsolve.steppers import DiagonallyImplicit
from fpsolve.thermodynamics.path_averages.tilted import Tilts

#: sources of every member of the hierarchy: (index of the member it comes from, power of the entropy, factor)
Sources = tuple[tuple[tuple[int, int, float], ...], ...]
#: masses, their first and second moment of the bath's entropy, and of u = m_0 ln m_0 the mass and the first moment
MOMENTS: Sources = ((), ((0, 1, 1.0),), ((1, 1, 2.0), (0, 2, 1.0)), (), ((3, 1, 1.0),))


def hierarchy(
    method: type[DiagonallyImplicit], tilts: Tilts, members: Sequence[Array], sources: Sources, t: float, dt: float
) -> list[Array]:
    """One step of dy_k/dt = L y_k + sources: exact derivatives by theta of the step of the tilted generator."""
    stages = [tilts.at(t + c * dt) for c in method.nodes]
    slopes: list[list[Array]] = [[] for _ in members]
    for row, tilt in zip(method.coefficients, stages, strict=True):
        a = dt * row[-1]
        found: list[Array] = []
        for k, member in enumerate(members):
            known = member + dt * _combined(row[:-1], slopes[k])
            b = known
            for source, power, factor in sources[k]:
                b = b + a * factor * tilt.jumped(found[source], power)
            x = tilt.operator.solve(a, b)
            found.append(x)
            slopes[k].append((x - known) / a)
    return [member + dt * _combined(method.weights, slopes[k]) for k, member in enumerate(members)]


def tilted_step(method: type[DiagonallyImplicit], tilts: Tilts, theta: float, v: Array, t: float, dt: float) -> Array:
    """One step of dv/dt = L_theta v."""
    slopes: list[Array] = []
    for row, c in zip(method.coefficients, method.nodes, strict=True):
        known = v + dt * _combined(row[:-1], slopes)
        slopes.append(tilts.at(t + c * dt).slope(theta, dt * row[-1], known))
    return np.asarray(v + dt * _combined(method.weights, slopes))


def adjoint_step(method: type[DiagonallyImplicit], tilts: Tilts, p: Array, t: float, dt: float) -> Array:
    """The adjoint of :func:`tilted_step` at theta = 1: a step of the backward process, masses under L, stages reversed.

    It solves with L itself, like any forward step; nothing is transposed.
    """
    last, table = len(method.weights) - 1, method.coefficients
    pulls: dict[int, Array] = {}
    for i in range(last, -1, -1):
        a = dt * table[i][i]
        known = dt * method.weights[i] * p
        for j in range(i + 1, last + 1):
            known = known + dt * table[j][i] * pulls[j]
        pulls[i] = tilts.at(t + method.nodes[i] * dt).backward_slope(a, known)
    return np.asarray(p + sum(pulls.values()))


def _combined(parts: Sequence[float], slopes: Sequence[Array]) -> Array | float:
    return sum((part * slope for part, slope in zip(parts, slopes, strict=True)), start=0.0)
