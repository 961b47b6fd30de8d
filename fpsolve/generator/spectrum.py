"""Relaxation rates and modes: L rho = -rate rho, L^T g = -rate g."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpsolve.discretisation import Operator
from fpsolve.generator.jumps import Jumps, equilibrium_weights, jumps_of
from fpsolve.generator.stationary import closed, shape_of, stationary_masses
from fpsolve.grids import Array

Modes = NDArray[Any]  # real where the rates are in detailed balance, else complex

#: up to how many cells all modes of a plane or ring are computed, of which some are kept
DENSE = 200
#: modes beyond those asked for, so that pairs of complex rates stay whole
_SPARE = 6
_TINY = 1e-300


@dataclasses.dataclass(frozen=True, eq=False)
class Relaxation:
    """How densities approach the stationary state: P(t) = sum_k rho_k exp(-rate_k t) integral g_k P(0) dx.

    Parameters
    ----------
    rates : (count,) array
        Minus the eigenvalues of the operator, 1/s, real parts ascending; real where the process is in detailed balance.
    modes : (count, *shape) array
        Right eigenvectors rho_k as cell averages, 1/L; without absorbing ends the first is the stationary density.
    observables : (count, *shape) array
        Left eigenvectors g_k, with sum_i rho_j[i] g_k[i] volume[i] = 1 for j = k and 0 else; their means decay purely
        exponentially, d<g_k>/dt = -rate_k <g_k>.
    """

    rates: Modes
    modes: Modes
    observables: Modes


def relaxation(operator: Operator, volumes: Array, count: int) -> Relaxation:
    """The ``count`` rates of smallest modulus with their modes."""
    jumps = jumps_of(operator)
    weights = None if jumps is None else equilibrium_weights(jumps)
    if jumps is not None and weights is not None and jumps.rings == (False,):
        rates, observables = _line(jumps, weights, closed(operator), count)
        modes = observables * weights
    elif weights is not None:
        rates, modes, observables = _balanced(operator, weights.ravel(), count)
    else:
        rates, modes, observables = _driven(operator, count)
    if closed(operator):
        rest = stationary_masses(operator).ravel() if weights is None else weights.ravel()
        first = int(np.argmin(np.abs(rates)))
        rates[first], modes[first], observables[first] = 0.0, rest, 1.0
    order = np.lexsort((-rates.imag, rates.real))
    shape = (count, *volumes.shape)
    return Relaxation(rates[order], modes[order].reshape(shape) / volumes, observables[order].reshape(shape))


def line_rates(jumps: Jumps, count: int) -> Array:
    """The smallest ``count`` relaxation rates of a line, zero left out, each to a few roundings however small.

    With the square roots of the weights L becomes -B^T B, where B has the square roots of both rates of each face in
    its row. The rates are squares of singular values of B, found by bisection on the matrix with B and B^T beside a
    diagonal of zeros (Golub and Kahan); its counts are exact for slightly changed entries (Demmel and Kahan 1990), so
    that a Kramers rate of 1e-40 has its digits, of which the matrix L itself holds none.
    """
    from scipy.linalg import eigh_tridiagonal

    n = jumps.shape[0]
    beside = np.empty(2 * n)
    beside[0::2], beside[1::2] = jumps.backward[0][:-1], jumps.forward[0][1:]
    if beside[0] == 0.0:
        beside = beside[1:]
    if beside[-1] == 0.0:
        beside = beside[:-1]
    size = beside.size + 1
    first = size - min(n, size - n)  # as many below zero as above
    found = eigh_tridiagonal(
        np.zeros(size), np.sqrt(beside), eigvals_only=True, select="i", select_range=(first, first + count - 1),
        lapack_driver="stebz", tol=_TINY,
    )  # fmt: skip
    return np.asarray(np.square(found))


def _line(jumps: Jumps, weights: Array, whole: bool, count: int) -> tuple[Array, Array]:
    """Rates and observables of a line; the mode zero of a closed one is left to the caller."""
    rates, observables = np.zeros(count), np.ones((count, weights.size))
    if count > whole:
        rates[whole:] = line_rates(jumps, count - whole)
    for k in range(int(whole), count):
        g = _observable(jumps, float(rates[k]))
        observables[k] = g / np.sqrt(np.sum(weights * g * g)) * (1.0 if g[-1] >= 0.0 else -1.0)
    return rates, observables


def _observable(jumps: Jumps, rate: float) -> Array:
    """The left eigenvector of a rate: -L^T - rate eliminated from both ends, which meet where its residual is least.

    Both eliminations start from pivots that are sums (differential qd, Dhillon and Parlett 2004), so that the vector is
    right as long as its rate is well separated from the next relative to itself.
    """
    n = jumps.shape[0]
    ahead, back = jumps.forward[0][1:], jumps.backward[0][:-1]  # out of each cell
    pivot, link = np.empty(n), np.zeros(n)
    away = back[0]
    for i in range(n):
        pivot[i] = ahead[i] + away
        if i < n - 1:
            link[i] = ahead[i] * back[i + 1] / pivot[i]
            away = back[i + 1] * (away / pivot[i])
    upward, downward, s, p = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    s[0], p[-1] = -rate, pivot[-1] - rate
    for i in range(n - 1):
        upward[i] = pivot[i] + s[i] or _TINY
        s[i + 1] = link[i] * (s[i] / upward[i]) - rate
    for i in range(n - 1, 0, -1):
        downward[i] = link[i - 1] + p[i] or _TINY
        p[i - 1] = p[i] * (pivot[i - 1] / downward[i]) - rate
    meet = int(np.argmin(np.abs(s + p + rate)))
    g = np.ones(n)
    for i in range(meet - 1, -1, -1):
        g[i] = ahead[i] / upward[i] * g[i + 1]
    for i in range(meet + 1, n):
        g[i] = back[i] / downward[i] * g[i - 1]
    return g


def _shift(operator: Operator) -> float:
    """A rate of the order of diffusion over the whole grid, 1/s; no eigenvalue is positive."""
    return operator.reach.real / max(shape_of(operator)) ** 2 or 1.0


def _inverses(matrix: Any, shift: float) -> tuple[Any, Any]:
    """(L - shift)^-1 and its transpose, from one elimination."""
    from scipy.sparse import identity
    from scipy.sparse.linalg import LinearOperator, splu

    n = matrix.shape[0]
    factors = splu((matrix - shift * identity(n)).tocsc(), permc_spec="MMD_AT_PLUS_A")
    forward = LinearOperator((n, n), matvec=factors.solve, dtype=float)
    return forward, LinearOperator((n, n), matvec=lambda b: factors.solve(b, trans="T"), dtype=float)


def _balanced(operator: Operator, weights: Array, count: int) -> tuple[Array, Array, Array]:
    """A ring or plane in detailed balance: the operator made symmetric by the square roots of its weights."""
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import eigsh

    matrix = operator.matrix()
    diagonal = matrix.diagonal()
    between = matrix - diags_array(diagonal)
    symmetric = (between.multiply(between.T).sqrt() + diags_array(diagonal)).tocsc()
    n = weights.size
    if n <= DENSE or count >= n // 2:
        values, vectors = np.linalg.eigh(symmetric.toarray())
        values, vectors = values[-count:], vectors[:, -count:]
    else:
        start = np.random.default_rng(0).standard_normal(n)
        shift = _shift(operator)
        inverse, _ = _inverses(symmetric, shift)
        values, vectors = eigsh(symmetric, count, sigma=shift, OPinv=inverse, v0=start, ncv=min(n, 2 * count + 20))
    root = np.sqrt(weights)
    rates, scaled = -values, vectors.T
    sign = np.where(scaled[np.arange(count), np.argmax(np.abs(scaled), axis=1)] >= 0.0, 1.0, -1.0)[:, None]
    with np.errstate(all="ignore"):
        observables = np.where(root > 0.0, sign * scaled / root, 0.0)
    return rates, sign * scaled * root, observables


def _driven(operator: Operator, count: int) -> tuple[Modes, Modes, Modes]:
    """Without detailed balance: right and left eigenvectors, made dual to each other."""
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import eigs

    scale = np.sqrt(symmetrising_weights(operator))
    matrix = (diags_array(1.0 / scale) @ operator.matrix() @ diags_array(scale)).tocsc()
    n = scale.size
    if n <= DENSE or count >= n // 2:
        values, right = np.linalg.eig(matrix.toarray())
        left = np.linalg.inv(right).T
    else:
        start = np.random.default_rng(0).standard_normal(n)
        shift, many = _shift(operator), count + _SPARE
        options = {"sigma": shift, "v0": start, "ncv": min(n, 2 * many + 20)}
        inverse, transposed = _inverses(matrix, shift)
        values, right = eigs(matrix, many, OPinv=inverse, **options)
        _, left = eigs(matrix.T.tocsc(), many + _SPARE // 2, OPinv=transposed, **options)
        left = left @ np.linalg.pinv(left.T @ right).T
    order = np.lexsort((-values.imag, np.round(np.abs(values) / np.max(np.abs(values)), 12)))[:count]
    right, left = right[:, order], left[:, order]
    phase = right[np.argmax(np.abs(right), axis=0), np.arange(count)]
    phase = phase / np.abs(phase)
    modes, observables = (right / phase).T * scale, (left * phase).T / scale
    return -values[order].astype(complex), modes.astype(complex), observables.astype(complex)


def symmetrising_weights(operator: Operator) -> Array:
    """Positive weights whose square roots make the operator nearly symmetric, of shape (n,)."""
    if closed(operator):
        masses = stationary_masses(operator).ravel()
        return np.maximum(masses, 1e-30 * np.max(masses))
    return np.ones(int(np.prod(shape_of(operator))))
