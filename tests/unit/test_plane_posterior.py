"""Posterior means of alike components, against sums written out."""

import numpy as np
import pytest

from fpsolve.kernels.exponential import exponential, power_of_two
from fpsolve.kernels.plane_posterior import plane_posterior
from fpsolve.processes.plane.mixture import Superposition


def test_exponentials_are_those_of_numpy():
    x = np.linspace(-690.0, 690.0, 20_001)
    found = np.array([exponential(each) for each in x])
    np.testing.assert_allclose(found, np.exp(x), rtol=1e-15)
    found = np.array([power_of_two(each) for each in x])
    np.testing.assert_allclose(found, np.exp2(x), rtol=1e-15)
    assert exponential(-1e4) < 1e-300
    assert power_of_two(-1e4) < 1e-300


@pytest.mark.parametrize("points", [1, 63, 64, 65, 20_000])
@pytest.mark.parametrize("width", [0.05, 1.0, 30.0])
def test_posterior_means_are_weighted_sums(points, width):
    rng = np.random.default_rng(points)
    weights, means = rng.dirichlet(np.ones(500)), rng.normal(size=(500, 2))
    root = rng.normal(size=(2, 2))
    covariance = width**2 * (root @ root.T + 0.1 * np.eye(2))
    x, y = rng.normal(size=(2, points)) * 3.0
    mixture = Superposition(weights, means, np.broadcast_to(covariance, (500, 2, 2)))
    origins = rng.normal(size=(2, 500))
    log_density, mean = mixture.posterior_mean(x, y, origins)
    few = slice(0, 200)
    apart = np.stack([x, y])[:, few, None] - means.T[:, None]
    exponent = np.log(weights) - 0.5 * np.einsum("ink,ij,jnk->nk", apart, np.linalg.inv(covariance), apart)
    top = exponent.max(axis=1)
    parts = np.exp(exponent - top[:, None])
    exact = top + np.log(parts.sum(axis=1)) - np.log(2.0 * np.pi) - 0.5 * np.linalg.slogdet(covariance)[1]
    np.testing.assert_allclose(log_density[few], exact, rtol=1e-12, atol=1e-12)
    exact = (parts / parts.sum(axis=1, keepdims=True)) @ origins.T
    np.testing.assert_allclose(mean[:, few].T, exact, rtol=0, atol=1e-9)


def test_threads_change_nothing():
    rng = np.random.default_rng(1)
    height, place, origin = rng.normal(size=500), rng.normal(size=(2, 500)), rng.normal(size=(2, 500))
    x, y = rng.normal(size=(2, 20_000))
    whole, parts = [(np.empty(x.size), np.empty((2, x.size))) for _ in range(2)]
    plane_posterior(x, y, height, place, origin, *whole)
    for first in range(0, x.size, 6400):  # small enough for one thread
        some = slice(first, first + 6400)
        found = np.empty(x[some].size), np.empty((2, x[some].size))
        plane_posterior(x[some], y[some], height, place, origin, *found)
        parts[0][some], parts[1][:, some] = found
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_array_equal(whole[1], parts[1])
