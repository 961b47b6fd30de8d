"""Squared-cost transport in the plane against closed forms, transport on the line, linear programs and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.optimize import linprog
from scipy.stats import norm

from fpsolve.densities import PlaneGaussian, PlaneMixture, PlaneUniform
from fpsolve.grids import Grid
from fpsolve.kernels import push
from fpsolve.settings import InputError
from fpsolve.transport.line import wasserstein_cells
from fpsolve.transport.plane.maps import gradient
from fpsolve.transport.plane.quadratic import quadratic_transport
from fpsolve.transport.plane.quadratic_steps import Problem

UNIT = ((0.0, 0.0), (1.0, 1.0))
WINDOW = ((-6.0, -6.0), (6.0, 6.0))


def grid_of(box, cells):
    return Grid.plane(box[0], box[1], list(cells) if isinstance(cells, tuple) else [cells, cells])


def masses(density, grid):
    found = density.cell_masses(*(axis.edges for axis in grid.axes))
    return found / found.sum()


def turned(angle, first, second):
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    turn = np.array([[c, -s], [s, c]])
    return turn @ np.diag([first**2, second**2]) @ turn.T


def normal(mean, covariance):
    return PlaneGaussian(mean, covariance=covariance)


def root(matrix):
    return np.real(sqrtm(matrix))


def bures(first, second):
    """W2 of two normal densities."""
    between = root(first.covariance) @ second.covariance @ root(first.covariance)
    spread = np.trace(first.covariance + second.covariance - 2.0 * root(between))
    return math.sqrt(float(np.sum((first.mean - second.mean) ** 2) + spread))


def solved(first, second, box, cells):
    grid = grid_of(box, cells)
    return quadratic_transport(grid, masses(first, grid), masses(second, grid))


def within(found, exact):
    return abs(found.distance.value - exact) <= found.distance.error


A, B = normal((0.35, 0.4), turned(30, 0.06, 0.035)), normal((0.6, 0.55), turned(-20, 0.035, 0.06))
PAIRS = {
    "turned": (A, B),
    "slender": (normal((0.5, 0.5), turned(20, 0.06, 0.025)), normal((0.5, 0.5), turned(110, 0.06, 0.025))),
    "narrowing": (normal((0.5, 0.5), turned(0, 0.06, 0.06)), normal((0.4, 0.55), turned(0, 0.02, 0.015))),
    "two cells": (normal((0.5, 0.5), turned(0, 0.06, 0.06)), normal((0.55, 0.5), turned(0, 0.02, 0.02))),
    "half a cell": (normal((0.5, 0.5), turned(0, 0.06, 0.06)), normal((0.55, 0.5), turned(0, 0.004, 0.004))),
    "stretched": (normal((0.5, 0.5), turned(0, 0.05, 0.05)), normal((0.5, 0.5), turned(0, 0.06, 0.06))),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("cells", [32, 100, (150, 97)])
def test_bar_holds_the_distance_of_normal_densities(name, cells):
    assert within(solved(*PAIRS[name], UNIT, cells), bures(*PAIRS[name]))


def test_distance_and_map_of_normal_densities_at_256():
    found = solved(A, B, UNIT, 256)
    exact = bures(A, B)
    assert found.distance.value == pytest.approx(exact, rel=2e-6)
    assert found.distance.error < 1e-5 * exact
    assert found.distance.unit == "length"
    assert found.residual < 1e-3 * exact
    start = root(A.covariance)
    slope = np.linalg.inv(start) @ root(start @ B.covariance @ start) @ np.linalg.inv(start)
    places = np.stack(np.meshgrid(*(axis.centres for axis in found.grid.axes), indexing="ij"))
    images = np.einsum("ab,bij->aij", slope, places - A.mean[:, None, None]) + B.mean[:, None, None]
    error = np.sum((np.stack(found.map()) - images) ** 2, axis=0)
    assert math.sqrt(np.sum(found.first * error)) < 1e-3 * exact
    back = np.einsum("ab,bij->aij", np.linalg.inv(slope), places - B.mean[:, None, None]) + A.mean[:, None, None]
    error = np.sum((np.stack(found.inverse_map()) - back) ** 2, axis=0)
    assert math.sqrt(np.sum(found.second * error)) < 1e-3 * exact


# from a ten-thousandth of a cell to thirty cells: no gap between the start near equilibrium and the multilevel one
@pytest.mark.parametrize("widths", [1e-4, 1e-2, 0.3, 1.0, 3.0, 6.0, 13.0, 30.0])
def test_shifts_from_far_to_equilibrium(widths):
    grid = grid_of(WINDOW, 128)
    exact = widths * 12.0 / 128.0
    covariance = turned(30, 0.9, 0.7)
    pair = normal((-0.4, 0.1), covariance), normal((-0.4 + 0.8 * exact, 0.1 + 0.6 * exact), covariance)
    if widths > 15.0:
        grid = grid_of(((-6.0, -6.0), (8.0, 8.0)), 149)
    found = quadratic_transport(grid, *(masses(density, grid) for density in pair))
    assert found.distance.value == pytest.approx(exact, rel=1e-4)
    assert within(found, exact)
    assert found.near == (widths < 12.5)


@pytest.mark.parametrize("distance", [1e-6, 1e-4, 1e-2, 0.05, 0.1, 0.2])
def test_stretches_from_far_to_equilibrium(distance):
    wide = 1.0 + distance / math.sqrt(2.0)
    found = solved(PlaneGaussian((0.0, 0.0), std=1.0), PlaneGaussian((0.0, 0.0), std=wide), WINDOW, 128)
    assert found.distance.value == pytest.approx(distance, rel=1e-3)
    assert within(found, distance)


@pytest.mark.parametrize("angle", [0.1, 1.0, 5.0, 20.0, 60.0])
def test_turned_ellipses(angle):
    pair = normal((0.0, 0.0), turned(30, 0.9, 0.6)), normal((0.0, 0.0), turned(30 + angle, 0.9, 0.6))
    found = solved(*pair, WINDOW, 128)
    assert found.distance.value == pytest.approx(bures(*pair), rel=1e-3)
    # the closed form itself loses digits where the angle is small
    assert abs(found.distance.value - bures(*pair)) < found.distance.error + 1e-6 * bures(*pair)


def radial_distance(radius, width, std):
    """W2 of a ring and a normal density around its centre: the radii are rearranged."""
    r = np.linspace(0.0, 1.0, 200001)
    density = r * np.exp(-0.5 * ((r - radius) / width) ** 2)
    below = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
    below /= below[-1]
    images = std * np.sqrt(-2.0 * np.log1p(-np.minimum(below, 1.0 - 1e-16)))
    return math.sqrt(float(np.sum(density * (r - images) ** 2) / density.sum()))


def ring(grid, radius, width):
    nodes, weights = np.polynomial.legendre.leggauss(4)
    x, y = (axis.centres for axis in grid.axes)
    hx, hy = (axis.widths[0] for axis in grid.axes)
    total = np.zeros(grid.shape)
    for s, v in zip(nodes, weights, strict=True):
        for t, w in zip(nodes, weights, strict=True):
            r = np.hypot(x[:, None] + 0.5 * hx * s - 0.5, y + 0.5 * hy * t - 0.5)
            total += v * w * np.exp(-0.5 * ((r - radius) / width) ** 2)
    return total / total.sum()


@pytest.mark.parametrize(("cells", "limit"), [(40, 1e-2), (96, 1e-3), (256, 5e-5)])
def test_torn_map(cells, limit):
    grid = grid_of(UNIT, cells)
    exact = radial_distance(0.3, 0.03, 0.06)
    found = quadratic_transport(grid, masses(PlaneGaussian((0.5, 0.5), std=0.06), grid), ring(grid, 0.3, 0.03))
    assert within(found, exact)
    assert found.distance.value == pytest.approx(exact, rel=limit)


BOXES = [
    ((0.2, 0.2), (0.5, 0.6), (0.4, 0.3), (0.9, 0.8)),
    ((0.203, 0.211), (0.507, 0.613), (0.41, 0.307), (0.903, 0.811)),
    ((0.1, 0.1), (0.3, 0.3), (0.6, 0.6), (0.9, 0.7)),
]


@pytest.mark.parametrize("corners", BOXES)
@pytest.mark.parametrize("cells", [40, 64, (97, 71)])
def test_boxes_with_empty_cells_and_jumps(corners, cells):
    low, high, other_low, other_high = map(np.array, corners)
    centres = 0.5 * (low + high - other_low - other_high)
    sides = (high - low) - (other_high - other_low)
    exact = math.sqrt(float(np.sum(centres**2) + np.sum(sides**2) / 12.0))
    found = solved(PlaneUniform(low, high), PlaneUniform(other_low, other_high), UNIT, cells)
    assert within(found, exact)
    assert found.distance.value == pytest.approx(exact, rel=2e-3)


@pytest.mark.parametrize("shift", [(0.2, 0.13), (0.02, 0.013), (0.0008, 0.001)])
def test_shifted_mixture(shift):
    means = [(0.3, 0.3), (0.35, 0.6), (0.55, 0.35)]
    moved = [(x + shift[0], y + shift[1]) for x, y in means]
    pair = (PlaneMixture(means=m, stds=[0.04] * 3, weights=(0.5, 0.3, 0.2)) for m in (means, moved))
    found = solved(*pair, UNIT, 128)
    assert within(found, math.hypot(*shift))
    assert found.distance.value == pytest.approx(math.hypot(*shift), rel=3e-4)


def modes(cells, weight, std=0.05):
    edges = np.linspace(0.0, 1.0, cells + 1)
    found = weight * np.diff(norm.cdf(edges, 0.3, std)) + (1.0 - weight) * np.diff(norm.cdf(edges, 0.7, std))
    return found / found.sum()


# little mass leaves one mode for the other: far in distance moved, near in W2
@pytest.mark.parametrize("excess", [0.2, 0.01, 1e-4, 1e-6])
@pytest.mark.parametrize("cells", [48, 128])
def test_products_add_their_squares(excess, cells):
    edges = np.linspace(0.0, 1.0, 4001)
    exact, _ = wasserstein_cells(edges, modes(4000, 0.5), edges, modes(4000, 0.5 + excess))
    across = modes(cells, 1.0, 0.07)
    pair = (np.outer(modes(cells, weight), across) for weight in (0.5, 0.5 + excess))
    assert within(quadratic_transport(grid_of(UNIT, cells), *pair), exact)


def test_both_directions_and_all_units_agree():
    grid = grid_of(((-1.0, 0.0), (1.0, 1.0)), (70, 41))
    pair = [masses(normal((x, 0.5), turned(20, 0.12, 0.06)), grid) for x in (-0.2, 0.1)]
    found = quadratic_transport(grid, *pair)
    back = quadratic_transport(grid, *pair[::-1])
    assert abs(found.distance.value - back.distance.value) < found.distance.error + back.distance.error
    # a power of two leaves all rounding as it is
    unit = 2.0**20
    other = quadratic_transport(grid_of(((-unit, 0.0), (unit, unit)), (70, 41)), *(4.0 * mass for mass in pair))
    assert other.distance.value == pytest.approx(unit * found.distance.value, rel=1e-6)
    assert other.distance.error == pytest.approx(unit * found.distance.error, rel=0.2)


def test_equal_densities_are_at_distance_zero():
    grid = grid_of(UNIT, 24)
    mass = masses(PlaneGaussian((0.4, 0.5), std=0.1), grid)
    found = quadratic_transport(grid, mass, 3.0 * mass / 3.0)
    assert found.distance.value < 1e-8
    assert abs(found.distance.value) <= found.distance.error + 1e-12


@pytest.mark.parametrize("seed", [1, 2])
def test_lower_is_below_the_linear_program_of_atoms(seed):
    rng = np.random.default_rng(seed)
    grid = grid_of(((0.0, 0.0), (2.0, 1.0)), (6, 5))
    first, second = (rng.random(grid.shape) * (rng.random(grid.shape) > 0.3) for _ in range(2))
    first, second = first / first.sum(), second / second.sum()
    x, y = np.meshgrid(*(axis.centres for axis in grid.axes), indexing="ij")
    cost = (x.ravel()[:, None] - x.ravel()) ** 2 + (y.ravel()[:, None] - y.ravel()) ** 2
    size = cost.shape[0]
    rows = np.vstack([np.kron(np.eye(size), np.ones(size)), np.kron(np.ones(size), np.eye(size))])
    exact = linprog(cost.ravel(), A_eq=rows, b_eq=np.concatenate([first.ravel(), second.ravel()]), method="highs").fun
    found = quadratic_transport(grid, first, second)
    assert found.lower <= math.sqrt(exact) * (1.0 + 1e-7)
    assert found.lower > 0.5 * math.sqrt(exact)
    pairs = found.potential_first.ravel()[:, None] + found.potential_second.ravel() - 0.5 * cost
    assert pairs.max() < 1e-12


def transform_by_search(potential, grid):
    x, y = np.meshgrid(*(axis.centres for axis in grid.axes), indexing="ij")
    cost = 0.5 * ((x.ravel()[:, None] - x.ravel()) ** 2 + (y.ravel()[:, None] - y.ravel()) ** 2)
    return np.min(cost - potential.ravel(), axis=1).reshape(grid.shape)


def test_transform_is_the_least_over_all_nodes():
    grid = grid_of(((0.0, -1.0), (2.0, 0.5)), (13, 9))
    rng = np.random.default_rng(3)
    problem = Problem(grid, np.ones(grid.shape), np.ones(grid.shape))
    x, y = np.meshgrid(*(axis.centres for axis in grid.axes), indexing="ij")
    for potential in (rng.normal(size=grid.shape), 0.2 * np.sin(3.0 * x + y), np.zeros(grid.shape)):
        assert np.allclose(problem.transform(potential), transform_by_search(potential, grid), rtol=0.0, atol=1e-13)
        assert np.all(problem.transform(potential, refined=True) <= problem.transform(potential) + 1e-14)


def test_refined_transform_is_exact_for_parabolas():
    # phi = a y^2 / 2 + b y has the transform (x - b)^2 / (2 (1 - a)) ... less x^2 / 2, by completing the square
    grid = grid_of(((-1.0, -1.0), (1.0, 1.0)), 40)
    problem = Problem(grid, np.ones(grid.shape), np.ones(grid.shape))
    x, y = np.meshgrid(*(axis.centres for axis in grid.axes), indexing="ij")

    def parabola(a, b, x):
        return 0.5 * a * x**2 + b * x

    def transformed(a, b, x):
        return 0.5 * x**2 - 0.5 * (x + b) ** 2 / (1.0 - a)

    found = problem.transform(parabola(0.2, 0.031, x) + parabola(-0.3, -0.017, y), refined=True)
    exact = transformed(0.2, 0.031, x) + transformed(-0.3, -0.017, y)
    inside = slice(8, -8)
    assert np.abs(found - exact)[inside, inside].max() < 1e-14


def test_pushed_masses_are_conserved_and_shifted():
    grid = grid_of(WINDOW, 96)
    mean, covariance = (-0.4, 0.2), turned(25, 0.8, 0.6)
    problem = Problem(grid, masses(normal(mean, covariance), grid), np.ones(grid.shape))
    x, y = np.meshgrid(*(axis.centres for axis in grid.axes), indexing="ij")
    moved = masses(normal((mean[0] + 0.43, mean[1] - 0.31), covariance), grid)
    potential = -0.43 * x + 0.31 * y
    atoms = problem.carried(potential, problem.first)
    smooth = problem.carried_density(potential, False)
    assert atoms.sum() == pytest.approx(1.0, abs=1e-13)
    assert atoms.min() >= 0.0
    assert smooth.sum() == pytest.approx(1.0, abs=1e-13)
    assert np.abs(smooth - moved).sum() < 2e-3 < np.abs(atoms - moved).sum()
    unmoved = problem.carried_density(np.zeros(grid.shape), False)
    assert np.abs(unmoved - problem.first).max() < 1e-15


def test_pairing_is_exact_for_lines_times_parabolas():
    # integral over each cell of (1 + x)(x^2 + y^2 + x y), the density's cell means known exactly
    edges = np.linspace(0.0, 1.0, 9)
    grid = grid_of(UNIT, 8)
    x, y = np.meshgrid(grid.axes[0].centres, grid.axes[1].centres, indexing="ij")
    mass = (1.0 + x) / 64.0
    found = push.paired(x**2 + y**2 + x * y, mass, False)
    nodes, weights = np.polynomial.legendre.leggauss(4)
    exact = 0.0
    for i in range(8):
        for j in range(8):
            u = 0.5 * (edges[i] + edges[i + 1]) + nodes[:, None] / 16.0
            v = 0.5 * (edges[j] + edges[j + 1]) + nodes / 16.0
            # at walls the parabola and the line are left out across the wall
            a = u if 0 < i < 7 else 0.0 * u + x[i, j]
            b = v if 0 < j < 7 else 0.0 * v + y[i, j]
            slope = a if 0 < i < 7 else x[i, j]
            exact += float(np.sum(weights[:, None] * weights * (1.0 + slope) * (a**2 + b**2 + a * b))) / 256.0
    assert found == pytest.approx(exact, rel=1e-12)


def test_displacement_interpolation_of_normal_densities():
    found = solved(A, B, UNIT, 128)
    start = root(A.covariance)
    slope = np.linalg.inv(start) @ root(start @ B.covariance @ start) @ np.linalg.inv(start)
    places = np.stack(np.meshgrid(*(axis.centres for axis in found.grid.axes), indexing="ij"))
    for s in (0.0, 0.3, 1.0):
        mass, *velocity = found.interpolate(s)
        assert mass.sum() == pytest.approx(1.0, abs=1e-12)
        assert mass.min() >= 0.0
        matrix = (1.0 - s) * np.eye(2) + s * slope
        mean = (1.0 - s) * A.mean + s * B.mean
        exact = masses(normal(tuple(mean), matrix @ A.covariance @ matrix.T), found.grid)
        assert np.abs(mass - exact).sum() < 0.05
        source = np.einsum("ab,bij->aij", np.linalg.inv(matrix), places - mean[:, None, None])
        flow = np.einsum("ab,bij->aij", slope - np.eye(2), source) + (B.mean - A.mean)[:, None, None]
        error = np.sum(mass * np.sum((np.stack(velocity) - flow) ** 2, axis=0))
        assert math.sqrt(error) < 3e-3 * found.distance.value
        power = math.sqrt(float(np.sum(mass * (velocity[0] ** 2 + velocity[1] ** 2))))
        assert power == pytest.approx(found.distance.value, rel=1e-3)
    assert np.abs(found.interpolate(0.0)[0] - found.first).max() < 1e-15


def test_gradient_is_of_fourth_order_inside():
    errors = []
    for cells in (40, 80):
        grid = grid_of(((0.0, 0.0), (2.0, 1.0)), (cells, cells))
        x, y = np.meshgrid(*(axis.centres for axis in grid.axes), indexing="ij")
        gx, gy = gradient(np.sin(2.0 * x + 3.0 * y), grid)
        exact = np.cos(2.0 * x + 3.0 * y)
        inside = (slice(2, -2), slice(2, -2))
        errors.append(max(np.abs(gx - 2.0 * exact)[inside].max(), np.abs(gy - 3.0 * exact)[inside].max()))
    assert errors[0] / errors[1] > 14.0


def test_corner_map_and_centre_map_agree():
    found = solved(A, B, UNIT, 64)
    for corners, centres in zip(found.corner_map(), found.map(), strict=True):
        mean = 0.25 * (corners[1:, 1:] + corners[:-1, 1:] + corners[1:, :-1] + corners[:-1, :-1])
        assert math.sqrt(np.sum(found.first * (mean - centres) ** 2)) < 1e-2 * found.distance.value


GRID = Grid.plane([0.0, 0.0], [1.0, 1.0], [8, 8])
EVEN = np.full((8, 8), 1.0 / 64.0)
HOLED = EVEN.copy()
HOLED[3, 3] = -0.1
NAN = EVEN.copy()
NAN[1, 1] = math.nan
BAD = {
    "unequal masses": (GRID, EVEN, 1.1 * EVEN),
    "shape": (GRID, EVEN[:4], EVEN),
    "negative": (GRID, HOLED, EVEN),
    "not finite": (GRID, NAN, EVEN),
    "no mass": (GRID, EVEN, 0.0 * EVEN),
    "at least": (Grid.plane([0.0, 0.0], [1.0, 1.0], [3, 8]), np.ones((3, 8)), np.ones((3, 8))),
}


@pytest.mark.parametrize("complaint", BAD)
def test_bad_input(complaint):
    with pytest.raises(InputError, match=complaint):
        quadratic_transport(*BAD[complaint])


def test_bad_share_and_tolerance():
    with pytest.raises(InputError, match="tolerance"):
        quadratic_transport(GRID, EVEN, EVEN, tolerance=0.0)
    with pytest.raises(InputError, match="between 0 and 1"):
        quadratic_transport(GRID, EVEN, EVEN).interpolate(1.5)
