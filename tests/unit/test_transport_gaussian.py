"""Transport between normal densities against closed forms, high precision and the axioms of a metric."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fpsolve.settings import InputError
from fpsolve.transport.gaussian import bures, gaussian_interpolation, gaussian_map, gaussian_speed

ENTRIES = st.floats(-2.0, 2.0).map(lambda x: round(x, 6))


def covariance(rng, n, condition=10.0):
    axes = np.linalg.qr(rng.standard_normal((n, n)))[0]
    matrix = (axes * np.geomspace(1.0, 1.0 / condition, n)) @ axes.T
    return 0.5 * (matrix + matrix.T)


def precise(mean_p, cov_p, mean_q, cov_q):
    """The formula as it stands, with 60 digits."""
    with mpmath.workdps(60):
        a, b = mpmath.matrix(cov_p.tolist()), mpmath.matrix(cov_q.tolist())
        values, vectors = mpmath.eigsy(a)
        root = vectors * mpmath.diag([mpmath.sqrt(max(v, 0)) for v in values]) * vectors.T
        middle = mpmath.eigsy(root * b * root, eigvals_only=True)
        square = sum(a[i, i] + b[i, i] for i in range(a.rows)) - 2 * sum(mpmath.sqrt(max(v, 0)) for v in middle)
        shift = sum((mpmath.mpf(p) - mpmath.mpf(q)) ** 2 for p, q in zip(mean_p, mean_q, strict=True))
        return float(mpmath.sqrt(square + shift))


@pytest.mark.parametrize("difference", [3.0, 1.0, 1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("condition", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_distance_is_relatively_accurate(n, condition, difference):
    rng = np.random.default_rng(n)
    cov_p = covariance(rng, n, condition)
    change = np.eye(n) + difference * rng.standard_normal((n, n))
    cov_q = change @ cov_p @ change.T
    cov_q = 0.5 * (cov_q + cov_q.T)
    mean = rng.standard_normal(n)
    expected = precise(mean, cov_p, mean, cov_q)
    assert bures(mean, cov_p, mean, cov_q) == pytest.approx(expected, rel=1e-9)
    assert bures(mean, cov_q, mean, cov_p) == pytest.approx(expected, rel=1e-9)


def test_one_dimension_takes_numbers():
    assert bures(1.0, 4.0, -2.0, 9.0) == pytest.approx(math.hypot(3.0, 1.0), rel=1e-15)
    matrix, offset = gaussian_map(1.0, 4.0, -2.0, 9.0)
    assert (matrix[0, 0], offset[0]) == pytest.approx((1.5, -3.5), rel=1e-15)


def test_translates_are_as_far_as_their_means():
    cov = covariance(np.random.default_rng(3), 4)
    assert bures(np.zeros(4), cov, np.full(4, 0.5), cov) == 1.0
    assert bures(np.zeros(4), cov, np.zeros(4), cov) == 0.0


@pytest.mark.parametrize("factor", [0.25, 1.0 + 1e-9, 9.0])
def test_scaled_covariance(factor):
    """For B = k A the distance is |sqrt(k) - 1| sqrt(tr A)."""
    cov = covariance(np.random.default_rng(4), 3, 100.0)
    expected = abs(factor - 1.0) / (math.sqrt(factor) + 1.0) * math.sqrt(np.trace(cov))
    assert bures(np.zeros(3), cov, np.zeros(3), factor * cov) == pytest.approx(expected, rel=1e-6)


def test_singular_covariances():
    flat, other = np.diag([4.0, 0.0]), np.diag([0.0, 9.0])
    zero = np.zeros(2)
    assert bures(zero, flat, zero, other) == pytest.approx(math.sqrt(13.0), rel=1e-14)
    assert bures(zero, flat, zero, np.diag([1.0, 16.0])) == pytest.approx(math.sqrt(17.0), rel=1e-14)
    assert bures(zero, np.zeros((2, 2)), zero, flat) == pytest.approx(2.0, rel=1e-14)
    matrix, _ = gaussian_map(zero, np.diag([1.0, 16.0]), zero, flat)
    assert matrix == pytest.approx(np.diag([2.0, 0.0]), abs=1e-14)
    with pytest.raises(InputError, match="positive definite source"):
        gaussian_map(zero, flat, zero, np.eye(2))


@settings(max_examples=60, deadline=None)
@given(arrays(float, (3, 3, 3), elements=ENTRIES), arrays(float, (3, 3), elements=ENTRIES))
def test_metric_axioms(factors, means):
    """(54)-(57), for covariances of any rank."""
    covs = [factor @ factor.T for factor in factors]
    ab, bc, ac = (bures(means[i], covs[i], means[j], covs[j]) for i, j in ((0, 1), (1, 2), (0, 2)))
    assert bures(means[1], covs[1], means[0], covs[0]) == pytest.approx(ab, rel=1e-6, abs=1e-6)
    assert ac <= ab + bc + 1e-6
    assert ab >= np.linalg.norm(means[0] - means[1]) - 1e-12
    assert bures(means[0], covs[0], means[0], covs[0]) <= 1e-7


@pytest.mark.parametrize("n", [1, 2, 4])
def test_map_is_a_convex_gradient_that_pushes_forward(n):
    rng = np.random.default_rng(n + 10)
    cov_p, cov_q = covariance(rng, n), covariance(rng, n, 40.0)
    mean_p, mean_q = rng.standard_normal((2, n))
    matrix, offset = gaussian_map(mean_p, cov_p, mean_q, cov_q)
    assert np.array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix)[0] > 0.0
    assert matrix @ cov_p @ matrix == pytest.approx(cov_q, abs=1e-13)
    assert matrix @ mean_p + offset == pytest.approx(mean_q, abs=1e-13)
    # its cost is the distance
    move = matrix - np.eye(n)
    cost = np.trace(move @ cov_p @ move) + np.sum((mean_q - mean_p) ** 2)
    assert bures(mean_p, cov_p, mean_q, cov_q) == pytest.approx(math.sqrt(cost), rel=1e-12)


@pytest.mark.parametrize("s", [0.0, 0.3, 0.5, 1.0])
def test_interpolation_is_a_geodesic(s):
    rng = np.random.default_rng(20)
    p, q = (rng.standard_normal(3), covariance(rng, 3)), (rng.standard_normal(3), covariance(rng, 3, 50.0))
    between = gaussian_interpolation(*p, *q, s)
    distance = bures(*p, *q)
    assert bures(*p, *between) == pytest.approx(s * distance, rel=1e-10, abs=1e-13)
    assert bures(*between, *q) == pytest.approx((1.0 - s) * distance, rel=1e-10, abs=1e-13)
    step = (1.0 - s) * np.eye(3) + s * gaussian_map(*p, *q)[0]
    assert between[1] == pytest.approx(step @ p[1] @ step, abs=1e-13)


def test_interpolation_between_singular_densities():
    mean, cov = gaussian_interpolation([0.0, 0.0], np.diag([4.0, 0.0]), [2.0, 0.0], np.diag([16.0, 0.0]), 0.5)
    assert mean == pytest.approx([1.0, 0.0])
    assert cov == pytest.approx(np.diag([9.0, 0.0]), abs=1e-14)


def test_speed_along_a_geodesic_is_constant():
    rng = np.random.default_rng(30)
    p, q = (rng.standard_normal(3), covariance(rng, 3)), (rng.standard_normal(3), covariance(rng, 3, 50.0))
    move = gaussian_map(*p, *q)[0] - np.eye(3)
    for s in (0.0, 0.4, 1.0):
        rate = move @ p[1] + p[1] @ move + 2.0 * s * move @ p[1] @ move
        speed = gaussian_speed(q[0] - p[0], gaussian_interpolation(*p, *q, s)[1], 0.5 * (rate + rate.T))
        assert speed == pytest.approx(bures(*p, *q), rel=1e-11)


def test_speed_is_the_limit_of_the_distance():
    rng = np.random.default_rng(31)
    cov, rate, drift = covariance(rng, 4, 1e3), rng.standard_normal((4, 4)), rng.standard_normal(4)
    rate = rate + rate.T
    dt = 1e-9
    distance = bures(-dt * drift / 2, cov - dt / 2 * rate, dt * drift / 2, cov + dt / 2 * rate)
    assert gaussian_speed(drift, cov, rate) == pytest.approx(distance / dt, rel=1e-6)


def test_speed_in_one_dimension_and_in_singular_directions():
    assert gaussian_speed(0.3, 4.0, 1.6) == pytest.approx(math.hypot(0.3, 0.4), rel=1e-15)
    assert gaussian_speed([0.0, 3.0], np.diag([4.0, 0.0]), np.diag([1.6, 0.0])) == pytest.approx(math.hypot(3.0, 0.4))
    with pytest.raises(InputError, match="infinite"):
        gaussian_speed([0.0, 0.0], np.diag([4.0, 0.0]), np.eye(2))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"mean_q": [0.0, 0.0, 0.0], "cov_q": np.eye(3)}, "mean_q"),
        ({"cov_p": [[1.0, 0.2], [0.1, 1.0]]}, "cov_p"),
        ({"cov_q": [[1.0, 2.0], [2.0, 1.0]]}, "cov_q"),
        ({"cov_q": -np.eye(2)}, "cov_q"),
        ({"cov_q": np.eye(3)}, "cov_q"),
        ({"cov_p": [[1.0, np.nan], [np.nan, 1.0]]}, "cov_p"),
        ({"mean_p": [0.0, np.inf]}, "mean_p"),
        ({"mean_p": "origin"}, "mean_p"),
        ({"mean_p": []}, "mean_p"),
    ],
)
def test_bad_input(change, key):
    given_ = {"mean_p": [0.0, 0.0], "cov_p": np.eye(2), "mean_q": [1.0, 0.0], "cov_q": np.eye(2)} | change
    for function in (bures, gaussian_map, lambda **k: gaussian_interpolation(**k, s=0.5)):
        with pytest.raises(InputError) as error:
            function(**given_)
        assert error.value.key == key


@pytest.mark.parametrize("s", [-0.1, 1.1, np.nan])
def test_no_extrapolation(s):
    with pytest.raises(InputError, match=r"^s: "):
        gaussian_interpolation(0.0, 1.0, 1.0, 1.0, s)
