"""Optimal transport between normal densities, in closed form and in any dimension."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fpsolve.quadrature import Array
from fpsolve.settings import LARGEST, InputError, number

#: asymmetry and negative eigenvalues of a covariance up to this part of its largest entry are rounding
ROUNDING = 1e-12


class _Normal(NamedTuple):
    """A mean, a covariance, and the eigenvalues and eigenvectors of the latter."""

    mean: Array
    covariance: Array
    variances: Array
    axes: Array

    @property
    def least(self) -> float:
        """Smallest variance relative to the largest; zero where it is rounding."""
        largest = float(self.variances[-1])
        ratio = float(self.variances[0]) / largest if largest > 0.0 else 0.0
        return ratio if ratio > 4.0 * np.finfo(float).eps * self.mean.size else 0.0

    @property
    def root(self) -> Array:
        """The symmetric root of the covariance."""
        return np.asarray((self.axes * np.sqrt(self.variances)) @ self.axes.T)


def bures(mean_p: ArrayLike, cov_p: ArrayLike, mean_q: ArrayLike, cov_q: ArrayLike) -> float:
    r"""Wasserstein-2 distance of two normal densities (59), (60).

    .. math:: W_2^2 = |\mu_P - \mu_Q|^2 + \mathrm{tr}\,(A + B - 2 (A^{1/2} B A^{1/2})^{1/2}).

    The trace is formed as :math:`\mathrm{tr}\,(M - 1) A (M - 1)`, where the Brenier map M less the identity solves a
    linear equation whose right side is B - A: nothing cancels, and the distance of nearly equal densities is as
    accurate, relative to itself, as that of distant ones.

    Parameters
    ----------
    mean_p, mean_q : (n,) array_like
        Means, unit of length; numbers for n = 1.
    cov_p, cov_q : (n, n) array_like
        Covariances A and B, symmetric and positive semi-definite, lengths squared; numbers for n = 1.

    Returns
    -------
    float
        The distance, a length.

    Raises
    ------
    InputError
        Shapes that do not agree, entries that are not finite, a covariance that is not symmetric or not positive.
    """
    p, q = _pair(mean_p, cov_p, mean_q, cov_q)
    shift = float(np.linalg.norm(q.mean - p.mean))
    if p.least == 0.0 and q.least == 0.0:
        return math.hypot(shift, float(np.linalg.norm(p.root - q.root @ _rotation(p, q))))
    source, target = (p, q) if p.least >= q.least else (q, p)
    return math.hypot(shift, float(np.linalg.norm(_stretch(source, target))))


def gaussian_map(mean_p: ArrayLike, cov_p: ArrayLike, mean_q: ArrayLike, cov_q: ArrayLike) -> tuple[Array, Array]:
    r"""Brenier map x -> M x + c that carries one normal density to another at least cost.

    .. math:: M = A^{-1/2} (A^{1/2} B A^{1/2})^{1/2} A^{-1/2}, \qquad c = \mu_Q - M \mu_P.

    Parameters
    ----------
    mean_p, cov_p, mean_q, cov_q : array_like
        As for :func:`bures`; the first covariance must be positive definite, the second may be semi-definite.

    Returns
    -------
    (n, n) array, (n,) array
        The symmetric positive semi-definite matrix M, and the offset c, a length.

    Raises
    ------
    InputError
        As for :func:`bures`, and a singular first covariance: mass on a plane cannot be mapped onto a volume.
    """
    p, q = _pair(mean_p, cov_p, mean_q, cov_q)
    if p.least == 0.0:
        raise InputError("cov_p", "singular; a map needs a positive definite source: map the other way, or interpolate")
    change = p.axes @ (_stretch(p, q) / np.sqrt(p.variances)) @ p.axes.T
    matrix = np.eye(p.mean.size) + 0.5 * (change + change.T)
    return matrix, q.mean - matrix @ p.mean


def gaussian_interpolation(
    mean_p: ArrayLike, cov_p: ArrayLike, mean_q: ArrayLike, cov_q: ArrayLike, s: float
) -> tuple[Array, Array]:
    r"""Displacement interpolation of two normal densities: the normal density a part s of the way along the geodesic.

    .. math:: \mu_s = (1 - s) \mu_P + s \mu_Q, \qquad
       C_s = (1 - s)^2 A + s^2 B + s (1 - s) (K + K^T), \qquad \mathrm{tr} K = \mathrm{tr} (A^{1/2} B A^{1/2})^{1/2},

    K the covariance of the two ends under the optimal coupling. Where both covariances are singular the coupling need
    not be unique, and one of the geodesics is given.

    Parameters
    ----------
    mean_p, cov_p, mean_q, cov_q : array_like
        As for :func:`bures`.
    s : float
        From 0 (the first density) to 1 (the second).

    Returns
    -------
    (n,) array, (n, n) array
        Mean, and covariance, symmetric and positive semi-definite.

    Raises
    ------
    InputError
        As for :func:`bures`, and s outside [0, 1].
    """
    p, q = _pair(mean_p, cov_p, mean_q, cov_q)
    s = number("s", s, least=0.0)
    if s > 1.0:
        raise InputError("s", f"given {s:g}; it must lie between 0 (the first density) and 1 (the second)")
    factor = (1.0 - s) * p.root + s * (q.root @ _rotation(p, q))
    covariance = factor @ factor.T
    return (1.0 - s) * p.mean + s * q.mean, 0.5 * (covariance + covariance.T)


def gaussian_speed(mean_rate: ArrayLike, cov: ArrayLike, cov_rate: ArrayLike) -> float:
    r"""Wasserstein-2 speed of a moving normal density (66).

    .. math:: v_2^2 = |\mu'|^2 + \mathrm{tr}\, S C S, \qquad S C + C S = C', \quad S = S^T.

    The flow of least energy is the gradient field :math:`\mu' + S (x - \mu)`.

    Parameters
    ----------
    mean_rate : (n,) array_like
        Rate of change of the mean, length/time.
    cov, cov_rate : (n, n) array_like
        Covariance, and its symmetric rate of change, length² and length²/time.

    Returns
    -------
    float
        The speed, length/time.

    Raises
    ------
    InputError
        As for :func:`bures`, and a covariance that leaves zero in a direction, where the speed is infinite.
    """
    state = _normal("mean_rate", "cov", mean_rate, cov)
    rate = _symmetric("cov_rate", cov_rate, state.mean.size)
    squares = (state.axes.T @ rate @ state.axes) ** 2
    sums = state.variances[:, None] + state.variances
    empty = sums <= 4.0 * np.finfo(float).eps * state.mean.size * float(sums.max())
    if np.any(squares[empty] > (ROUNDING * np.max(np.abs(rate))) ** 2):
        raise InputError("cov", "singular in a direction in which it changes; there the speed is infinite")
    energy = 0.5 * float(np.sum(squares[~empty] / sums[~empty]))
    return math.hypot(float(np.linalg.norm(state.mean)), math.sqrt(energy))


def _stretch(source: _Normal, target: _Normal) -> Array:
    """(M - 1) A^(1/2) in the axes of the source, whose covariance A is positive definite.

    X = (A^(1/2) B A^(1/2))^(1/2) - A solves A X + X (X + A) = A^(1/2) (B - A) A^(1/2), and (M - 1) A^(1/2) is
    A^(-1/2) X: a division by sums of positive numbers, in the axes of A and of X + A.
    """
    deviations = np.sqrt(source.variances)
    factor = (source.axes.T @ target.axes) * np.sqrt(target.variances)
    # singular values rather than the eigenvalues of a product, whose small ones would drown
    vectors, middles, _ = np.linalg.svd(deviations[:, None] * factor)
    difference = source.axes.T @ (target.covariance - source.covariance) @ source.axes
    right = (difference * deviations) @ vectors
    return np.asarray((right / (source.variances[:, None] + middles)) @ vectors.T)


def _rotation(p: _Normal, q: _Normal) -> Array:
    """The orthogonal matrix that brings the root of the second covariance nearest to the root of the first."""
    left, _, right = np.linalg.svd(q.root @ p.root)
    return np.asarray(left @ right)


def _pair(mean_p: ArrayLike, cov_p: ArrayLike, mean_q: ArrayLike, cov_q: ArrayLike) -> tuple[_Normal, _Normal]:
    p, q = _normal("mean_p", "cov_p", mean_p, cov_p), _normal("mean_q", "cov_q", mean_q, cov_q)
    if p.mean.size != q.mean.size:
        raise InputError("mean_q", f"given {q.mean.size} dimensions; the first density has {p.mean.size}")
    return p, q


def _normal(mean_key: str, cov_key: str, mean: ArrayLike, covariance: ArrayLike) -> _Normal:
    """Mean and covariance, checked, with the eigenvalues and eigenvectors of the covariance."""
    centre = np.atleast_1d(_numbers(mean_key, mean))
    if centre.ndim != 1 or centre.size == 0:
        raise InputError(mean_key, f"given shape {centre.shape}; expected a vector")
    matrix = _symmetric(cov_key, covariance, centre.size)
    variances, axes = np.linalg.eigh(matrix)
    if variances[0] < -ROUNDING * variances[-1] or variances[-1] < 0.0:
        raise InputError(
            cov_key, f"its eigenvalue {variances[0]:g} is negative; a covariance is positive semi-definite"
        )
    return _Normal(centre, matrix, np.maximum(variances, 0.0), axes)


def _symmetric(key: str, matrix: ArrayLike, size: int) -> Array:
    found = np.atleast_2d(_numbers(key, matrix))
    if found.shape != (size, size):
        raise InputError(key, f"given shape {found.shape}; expected {(size, size)}, as the mean has {size} entries")
    if np.max(np.abs(found - found.T)) > ROUNDING * np.max(np.abs(found)):
        raise InputError(key, "not symmetric; use (C + C.T) / 2 if the difference is rounding")
    return np.asarray(0.5 * (found + found.T))


def _numbers(key: str, values: ArrayLike) -> Array:
    try:
        found = np.array(values, float)
    except (TypeError, ValueError) as error:
        raise InputError(key, f"given {values!r}; expected numbers") from error
    if not np.all(np.abs(found) <= LARGEST):
        raise InputError(key, f"its entries must be finite and of modulus up to {LARGEST:g}")
    return found
