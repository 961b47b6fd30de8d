"""Correlations in time in the stationary state."""

from __future__ import annotations

import numpy as np

from fpsolve.discretisation import Operator
from fpsolve.generator.jumps import Jumps, equilibrium_weights, jumps_of
from fpsolve.generator.stationary import stationary_masses
from fpsolve.grids import Array

#: up to how many cells all modes of a line are computed
DENSE = 1500


def correlations(operator: Operator, a: Array, b: Array, times: Array) -> Array:
    """<a(0) b(t)> - <a><b> = sum_ij b_i [exp(t L)]_ij a_j m_j - <a><b> at nonnegative times."""
    masses = stationary_masses(operator).ravel()
    a, b = a.ravel() - np.sum(masses * a.ravel()), b.ravel() - np.sum(masses * b.ravel())
    jumps = jumps_of(operator)
    if jumps is not None and jumps.rings == (False,) and jumps.connected and masses.size <= DENSE:
        weights = equilibrium_weights(jumps)
        if weights is not None:
            return _by_modes(jumps, np.sqrt(weights), a, b, times)
    return _by_steps(operator, a * masses, b, times)


def _by_modes(jumps: Jumps, root: Array, a: Array, b: Array, times: Array) -> Array:
    """All modes of the line's symmetric matrix."""
    from scipy.linalg import eigh_tridiagonal

    forward, backward = jumps.forward[0], jumps.backward[0]
    values, vectors = eigh_tridiagonal(-(backward[:-1] + forward[1:]), np.sqrt(forward[1:-1] * backward[1:-1]))
    parts = (vectors.T @ (root * a)) * (vectors.T @ (root * b))
    with np.errstate(under="ignore"):
        return np.asarray(np.exp(np.outer(times, np.minimum(values, 0.0))) @ parts)


def _by_steps(operator: Operator, start: Array, b: Array, times: Array) -> Array:
    """The exponential's action on a vector, from each time to the next."""
    from scipy.sparse.linalg import expm_multiply

    matrix = operator.matrix().tocsr()
    trace = float(matrix.diagonal().sum())
    out, state, now = np.empty(times.size), start, 0.0
    for k in np.argsort(times, kind="stable"):
        step = float(times[k]) - now
        if step > 0.0:
            state, now = expm_multiply(step * matrix, state, traceA=step * trace), float(times[k])
        out[k] = float(b @ state)
    return out
