"""Steady states of the force of an instant, and their velocities."""

from __future__ import annotations

import numpy as np

from fpsolve.equation import FokkerPlanck
from fpsolve.forces import LinearForce
from fpsolve.forces.base import parts
from fpsolve.grids import Array, Axis

#: nodes and weights on [0, 1] in each cell, and integrals from 0 to each node of the polynomials through them
_NODES = 0.5 + 0.5 * np.polynomial.legendre.leggauss(6)[0]
_WEIGHTS = 0.5 * np.polynomial.legendre.leggauss(6)[1]


def _antiderivatives() -> Array:
    powers = np.arange(_NODES.size)
    return np.asarray((_NODES[:, None] ** (powers + 1) / (powers + 1)) @ np.linalg.inv(_NODES[:, None] ** powers))


_RISES = _antiderivatives()


def ring_velocity(problem: FokkerPlanck, axis: Axis, t: float) -> Array:
    """Velocity of the steady state of a ring at the faces (n + 1,), L/s with mobility one, by Stratonovich's integrals.

    J = F p - T p' is the same everywhere. From face to face p_i = p_{i+1} exp(D_i) + J I_i / T, with D_i minus the
    integral of F/T over the cell and I_i the integral of exp of minus the one from its left face: sums of positive
    terms against the current.
    """
    temperature = problem.temperature_at(t)
    widths = axis.widths
    points = axis.edges[:-1, None] + widths[:, None] * _NODES
    field = np.broadcast_to(problem.force.field((points.ravel(),), t)[0], points.size).reshape(points.shape)
    pull = widths[:, None] * field / temperature
    if np.sum(pull @ _WEIGHTS) < 0.0:  # the same ring seen in a mirror
        return -temperature * _around(*_steps(-pull[::-1, ::-1], widths[::-1]))[::-1]
    return temperature * _around(*_steps(pull, widths))


def _steps(pull: Array, widths: Array) -> tuple[Array, Array]:
    rises = -(pull @ _RISES.T)
    return -(pull @ _WEIGHTS), widths * (np.exp(rises) @ _WEIGHTS)


def _around(falls: Array, integrals: Array) -> Array:
    """Current over density and temperature at the faces, 1/L."""
    n = falls.size
    factors, closing = np.exp(falls), -float(np.expm1(np.sum(falls)))
    # once around p_0 = c J/T + (1 - closing) p_0, with c what the recursion gives from zero: p_0 = c at J/T = closing
    first = 0.0
    for i in range(n - 1, -1, -1):
        first = factors[i] * first + integrals[i]
    density = np.empty(n + 1)
    density[n] = first
    for i in range(n - 1, -1, -1):
        density[i] = factors[i] * density[i + 1] + closing * integrals[i]
    return np.asarray(closing / density)


def linear_velocity(problem: FokkerPlanck, t: float) -> tuple[Array, Array] | str:
    """Velocity c + B x of the steady state of a linear force in the plane: B = A + T S^-1, c = -B mean.

    The covariance S solves A S + S A' + 2 T = 0 (B4); with a scalar mobility it does not depend on it.

    Returns
    -------
    (c, B), or the reason why there is none
    """
    from scipy.linalg import solve_continuous_lyapunov

    whole = np.zeros((2, 2))
    shift = np.zeros(2)
    for force in parts(problem.force):
        if not isinstance(force, LinearForce):
            return "the force is not linear"
        whole, shift = whole + force.matrix_at(t), shift + force.vector_at(t)
    if np.max(np.linalg.eigvals(whole).real) >= 0.0:
        return "the force at this instant has no steady state: it does not confine"
    temperature = problem.temperature_at(t)
    covariance = solve_continuous_lyapunov(whole, -2.0 * temperature * np.eye(2))
    turning = whole + temperature * np.linalg.inv(covariance)
    mean = -np.linalg.solve(whole, shift)
    return -turning @ mean, turning
