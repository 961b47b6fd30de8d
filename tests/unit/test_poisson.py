"""The weighted Poisson equation against a dense solve, cosine transforms, closed forms and its own identities."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fpsolve.densities import PlaneGaussian
from fpsolve.grids import Grid
from fpsolve.transport.plane.levels import Laplacian, spacings
from fpsolve.transport.poisson import WeightedPoisson, inner


def laplacian(grid):
    return Laplacian(grid.shape, spacings(grid))


def dense(density, spacing):
    """The matrix of -div(density grad), face by face."""
    n, m = density.shape
    matrix = np.zeros((n * m, n * m))
    for axis, h in enumerate(spacing):
        for i in range(n):
            for j in range(m):
                a, b = i + (axis == 0), j + (axis == 1)
                if a < n and b < m:
                    weight = 0.5 * (density[i, j] + density[a, b]) / h**2
                    here, there = i * m + j, a * m + b
                    matrix[[here, there], [here, there]] += weight
                    matrix[[here, there], [there, here]] -= weight
    return matrix


@pytest.fixture(name="problem")
def _problem():
    rng = np.random.default_rng(7)
    grid = Grid.plane([0.0, -1.0], [3.0, 1.5], [7, 9])
    source = rng.normal(size=grid.shape)
    return grid, rng.uniform(0.1, 2.0, grid.shape), source - source.mean()


def test_solution_is_that_of_a_dense_solve(problem):
    grid, density, source = problem
    found, residual = WeightedPoisson(laplacian(grid), density, 0.0).solve(source, 1e-12)
    exact = np.linalg.lstsq(dense(density, spacings(grid)), source.ravel(), rcond=None)[0].reshape(grid.shape)
    assert residual < 1e-11
    assert np.allclose(found - found.mean(), exact - exact.mean(), rtol=0.0, atol=1e-9 * np.ptp(exact))


def test_operator_is_the_dense_one_symmetric_and_conserves_mass(problem):
    grid, density, source = problem
    operator = WeightedPoisson(laplacian(grid), density, 0.0)
    image = operator.apply(source)
    assert np.allclose(image.ravel(), dense(density, spacings(grid)) @ source.ravel(), rtol=1e-12, atol=1e-12)
    assert abs(image.sum()) < 1e-12 * np.abs(image).sum()
    assert np.abs(operator.apply(np.ones(grid.shape))).max() < 1e-12
    other = density**2
    assert inner(other, image) == pytest.approx(inner(operator.apply(other), source), rel=1e-12)


def test_even_density_is_the_plain_poisson_equation(problem):
    grid, _, source = problem
    found, _ = WeightedPoisson(laplacian(grid), np.full(grid.shape, 0.5), 0.0).solve(source, 1e-12)
    exact = 2.0 * laplacian(grid).solve(source)
    assert np.allclose(found - found.mean(), exact, rtol=0.0, atol=1e-9 * np.ptp(exact))


@pytest.mark.parametrize("cells", [64, (97, 60)])
def test_norm_of_a_moving_gaussian_is_its_speed(cells):
    # f = -d rho / dx is minus the divergence of rho times a unit flow: u = x and the norm is 1
    shape = (cells, cells) if isinstance(cells, int) else cells
    grid = Grid.plane([-6.0, -6.0], [6.0, 6.0], list(shape))
    density = PlaneGaussian((0.0, 0.0), std=0.9)
    edges = [axis.edges for axis in grid.axes]
    step = 1e-4
    moved = [PlaneGaussian((x, 0.0), std=0.9).cell_masses(*edges) for x in (step, -step)]
    source = (moved[0] - moved[1]) / (2.0 * step)
    source -= source.mean()
    potential, _ = WeightedPoisson(laplacian(grid), density.cell_masses(*edges), 1e-10).solve(source, 1e-8)
    assert math.sqrt(inner(potential, source)) == pytest.approx(1.0, abs=3e-4)


def test_steps_hardly_grow_with_the_grid():
    # the preconditioner is what makes grids of any size affordable
    for cells in (32, 128):
        grid = Grid.plane([-5.0, -5.0], [5.0, 5.0], [cells, cells])
        edges = [axis.edges for axis in grid.axes]
        masses = [PlaneGaussian(mean, std=0.8).cell_masses(*edges) for mean in ((0.0, 0.0), (0.3, 0.2))]
        _, residual = WeightedPoisson(laplacian(grid), masses[0], 1e-6).solve(masses[1] - masses[0], 1e-6, 60)
        assert residual < 1e-6


def test_empty_cells_and_an_empty_source():
    grid = Grid.plane([0.0, 0.0], [1.0, 1.0], [16, 16])
    density, source = np.zeros(grid.shape), np.zeros(grid.shape)
    density[4:8, 4:8] = 1.0 / 16.0
    assert np.array_equal(WeightedPoisson(laplacian(grid), density).solve(source)[0], source)
    source[4, 5], source[7, 5] = 1.0, -1.0
    found, residual = WeightedPoisson(laplacian(grid), density).solve(source, 1e-8)
    assert residual < 1e-8
    assert np.all(np.isfinite(found))
    assert found[4, 5] > found[7, 5]


def test_inner_product_is_the_exact_sum():
    rng = np.random.default_rng(1)
    for size in ((3, 5), (16, 4), (1, 1)):
        a, b = rng.normal(size=size), rng.normal(size=size)
        assert inner(a, b) == pytest.approx(math.fsum((a * b).ravel()), rel=1e-13, abs=1e-13)
