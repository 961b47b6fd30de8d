"""Correlations in time in the stationary state."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpsolve.discretisation import Operator
from fpsolve.generator.spectrum import symmetrising_weights
from fpsolve.generator.stationary import stationary_masses
from fpsolve.grids import Array

#: pole of the rational functions, in units of the step, the most vectors of a space and what ends it
_POLE, _VECTORS, _ENOUGH = 0.1, 80, 1e-13


def correlations(operator: Operator, a: Array, b: Array, times: Array) -> Array:
    """<a(0) b(t)> - <a><b> = sum_ij b_i [exp(t L)]_ij a_j m_j - <a><b> at nonnegative times.

    The exponential's action is found in the space of (1 - p L)^-k v, k = 0, 1, ... with the pole p a tenth of the step:
    how many vectors it takes does not depend on the width of the cells (van den Eshof and Hochbruck, SIAM J. Sci.
    Comput. 27, 1438, 2006).
    """
    from scipy.sparse import diags_array

    masses = stationary_masses(operator).ravel()
    a, b = (part.ravel() - np.sum(masses * part.ravel()) for part in (a, b))
    scale = np.sqrt(symmetrising_weights(operator))
    matrix = (diags_array(1.0 / scale) @ operator.matrix() @ diags_array(scale)).tocsc()
    state, weight = a * masses / scale, b * scale
    out, now = np.empty(times.size), 0.0
    for k in np.argsort(times, kind="stable"):
        step, now = float(times[k]) - now, float(times[k])
        if step > 0.0:
            state = _moved(matrix, state, step)
        out[k] = float(weight @ state)
    return out


def _moved(matrix: Any, state: Array, step: float) -> Array:
    """exp(step L) state; a step that takes too many vectors is halved."""
    from scipy.linalg import expm
    from scipy.sparse import identity
    from scipy.sparse.linalg import splu

    size, norm = state.size, float(np.linalg.norm(state))
    if norm == 0.0:
        return state
    pole = _POLE * step
    factors = splu((identity(size) - pole * matrix).tocsc(), permc_spec="MMD_AT_PLUS_A")
    most = min(_VECTORS, size)
    basis, small = np.empty((most + 1, size)), np.zeros((most + 1, most))
    basis[0] = state / norm
    for k in range(most):
        new = factors.solve(basis[k])
        for _ in range(2):  # twice is enough
            parts = basis[: k + 1] @ new
            new -= parts @ basis[: k + 1]
            small[: k + 1, k] += parts
        small[k + 1, k] = np.linalg.norm(new)
        closed = small[k + 1, k] <= 1e-14
        if closed or k % 4 == 3 or k == most - 1:
            inner = (np.eye(k + 1) - np.linalg.inv(small[: k + 1, : k + 1])) / pole
            parts = expm(step * inner)[:, 0]
            if closed or np.max(np.abs(parts[-2:])) <= _ENOUGH:
                return np.asarray(norm * (parts @ basis[: k + 1]))
        basis[k + 1] = new / small[k + 1, k]
    return _moved(matrix, _moved(matrix, state, 0.5 * step), 0.5 * step)
