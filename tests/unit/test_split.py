"""The split of a velocity into excess and housekeeping, on densities whose split is known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.linalg import solve_continuous_lyapunov

from fpsolve.grids import Grid
from fpsolve.settings import InputError
from fpsolve.thermodynamics.plane import (
    dissipation,
    entropy_production,
    observable_speed,
    three_parts,
    transport_speed,
)
from fpsolve.transport.gaussian import gaussian_speed
from fpsolve.transport.spectral import split_velocity

DRIFT, PUSH = np.array([[-0.7, -2.0], [1.3, -0.4]]), np.array([0.3, -0.2])


def square(cells, reach=8.0):
    grid = Grid.plane((-reach, -reach), (reach, reach), (cells, cells))
    return grid, *np.meshgrid(grid.axes[0].centres, grid.axes[1].centres, indexing="ij")


def turned(angle, *variances):
    axes = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return axes @ np.diag(variances) @ axes.T


def normal(x, y, cov, mean=(0.0, 0.0)):
    """Density, and the gradient of its logarithm."""
    inverse = np.linalg.inv(cov)
    dx, dy = x - mean[0], y - mean[1]
    slope = (-inverse[0, 0] * dx - inverse[0, 1] * dy, -inverse[0, 1] * dx - inverse[1, 1] * dy)
    return np.exp(0.5 * (dx * slope[0] + dy * slope[1])) / (2 * np.pi * math.sqrt(np.linalg.det(cov))), slope


def mixture(x, y, parts):
    density, slope = np.zeros_like(x), [np.zeros_like(x), np.zeros_like(x)]
    for weight, mean, cov in parts:
        p, s = normal(x, y, cov, mean)
        density += weight * p
        slope[0] += weight * p * s[0]
        slope[1] += weight * p * s[1]
    return density, tuple(s / np.maximum(density, 1e-300) for s in slope)


def spiral(x, y, width=0.1):
    turn = 1.5 * np.pi * (1.0 + 2.0 * (np.arange(600) + 0.5) / 600)
    a, b = turn * np.cos(turn) / 4.3, turn * np.sin(turn) / 4.3
    gx = np.exp(-0.5 * ((x[:, :1] - a) / width) ** 2) / (2 * np.pi * width**2 * turn.size)
    gy = np.exp(-0.5 * ((y[:1].T - b) / width) ** 2)
    density = gx @ gy.T
    slopes = (gx * (a - x[:, :1])) @ gy.T / width**2, gx @ (gy * (b - y[:1].T)).T / width**2
    return density, tuple(s / np.maximum(density, 1e-300) for s in slopes)


def linear(x, y):
    return DRIFT[0, 0] * x + DRIFT[0, 1] * y + PUSH[0], DRIFT[1, 0] * x + DRIFT[1, 1] * y + PUSH[1]


def exact_linear(cov, mean):
    rate = DRIFT @ cov + cov @ DRIFT.T
    symmetric = solve_continuous_lyapunov(cov, rate)
    rest = DRIFT - symmetric
    mean_rate = DRIFT @ mean + PUSH
    return mean_rate @ mean_rate + np.trace(symmetric @ cov @ symmetric), np.trace(rest @ cov @ rest.T), rate, mean_rate


def parts_of(x, y, slope):
    """A gradient field, and a field (perp-grad(p q)) / p, which leaves p where it is."""
    along = np.cos(x) * np.cos(y) + 0.6 * x, -np.sin(x) * np.sin(y)
    q, qx, qy = np.cos(0.7 * x + 0.2 * y) + 0.3 * y, -0.7 * np.sin(0.7 * x + 0.2 * y), None
    qy = 0.3 + 2.0 / 7.0 * qx
    return along, (-(qy + q * slope[1]), qx + q * slope[0])


def energy(density, field, grid):
    return float(np.sum(density * (field[0] ** 2 + field[1] ** 2)) * grid.volumes[0, 0])


def inside(estimate, value):
    return abs(estimate.value - value) <= estimate.error


def check(split, excess, housekeeping, rtol):
    """Both parts within the tolerance of the total, and within their bars; their sum is the total."""
    total = excess + housekeeping
    assert split.excess.value == pytest.approx(excess, abs=rtol * total)
    assert split.housekeeping.value == pytest.approx(housekeeping, abs=rtol * total)
    assert split.excess.value + split.housekeeping.value == pytest.approx(split.total.value, rel=1e-13)
    assert inside(split.total, total)
    assert inside(split.excess, excess)
    assert inside(split.housekeeping, housekeeping)


@pytest.mark.parametrize(
    ("cov", "mean"),
    [
        (turned(0.6, 1.0, 0.3), (0.2, -0.3)),
        (turned(0.5, 0.81, 0.035), (0.3, 0.1)),
        (turned(-0.8, 0.02, 0.02), (3.3, -2.1)),
        (turned(1.2, 0.3, 0.9), (0.0, 0.0)),
    ],
)
@pytest.mark.parametrize("cells", [128, 256])
def test_linear_velocity_under_a_gaussian(cells, cov, mean):
    grid, x, y = square(cells)
    split = split_velocity(grid, normal(x, y, cov, mean)[0], linear(x, y))
    excess, housekeeping, rate, mean_rate = exact_linear(cov, np.array(mean))
    coarse = (cells, mean) == (128, (3.3, -2.1))  # 1.13 nodes to a standard deviation
    check(split, excess, housekeeping, 1e-6 if coarse else 1e-9)
    assert split.resolved
    assert abs(split.orthogonality) < 1e-6
    speed = transport_speed(split)
    assert inside(speed, gaussian_speed(mean_rate, cov, rate))
    # the field is S (x - mean) + mean', where there is weight
    symmetric, away = solve_continuous_lyapunov(cov, rate), np.array([x - mean[0], y - mean[1]])
    expected = np.einsum("ij,jkl->ikl", symmetric, away) + mean_rate[:, None, None]
    wrong = energy(normal(x, y, cov, mean)[0], split.gradient - expected, grid)
    assert wrong < (1e-5 if coarse else 1e-9) * split.excess.value


@pytest.mark.parametrize("nodes", [3.0, 2.0, 1.5, 1.2, 1.0, 0.8, 0.6, 0.4])
def test_bars_hold_for_narrow_densities(nodes):
    """Nodes to a standard deviation: good down to 1.2, honest below."""
    grid, x, y = square(128)
    cov, mean = (nodes / 8.0) ** 2 * np.eye(2), np.array([0.33, 0.11])
    split = split_velocity(grid, normal(x, y, cov, mean)[0], linear(x, y))
    excess, housekeeping, *_ = exact_linear(cov, mean)
    check(split, excess, housekeeping, 1e-8 if nodes >= 1.2 else 1.0)
    assert split.resolved == (nodes > 0.8)
    assert split.excess.error < (1e-3 if nodes >= 1.2 else math.inf) * split.total.value


@pytest.mark.parametrize("width", [1.2, 1.6, 2.0, 3.0, 6.0])
def test_bars_hold_for_densities_that_reach_the_walls(width):
    grid, x, y = square(64)
    cov, mean = turned(0.5, width**2, 0.5), np.array([0.3, 0.1])
    excess, housekeeping, *_ = exact_linear(cov, mean)
    check(split_velocity(grid, normal(x, y, cov, mean)[0], linear(x, y)), excess, housekeeping, 1.0)


SHAPES = {
    "mixture": lambda x, y: mixture(
        x,
        y,
        [(0.5, (2, 0), 0.25 * np.eye(2)), (0.3, (-2, 0.5), turned(0.6, 0.4, 0.15)), (0.2, (0, 3), 0.3 * np.eye(2))],
    ),
    "apart": lambda x, y: mixture(x, y, [(0.6, (4, 4), 0.1 * np.eye(2)), (0.4, (-4, -4), 0.2 * np.eye(2))]),
    "neck": lambda x, y: mixture(x, y, [(0.5, (1.7, 0), 0.09 * np.eye(2)), (0.5, (-1.7, 0), 0.09 * np.eye(2))]),
    "spiral": spiral,
}


@pytest.mark.parametrize(("cells", "rtol"), [(64, 3e-2), (96, 3e-6), (128, 3e-7), (256, 3e-9)])
@pytest.mark.parametrize("name", sorted(SHAPES))
def test_known_split_of_other_densities(name, cells, rtol):
    reach = 5.0 if name == "spiral" else 8.0
    grid, x, y = square(512, reach)
    density, slope = SHAPES[name](x, y)
    along, across = parts_of(x, y, slope)
    excess, housekeeping = energy(density, along, grid), energy(density, across, grid)
    grid, x, y = square(cells, reach)
    density, slope = SHAPES[name](x, y)
    along, across = parts_of(x, y, slope)
    both = (along[0] + across[0], along[1] + across[1])
    check(split_velocity(grid, density, both), excess, housekeeping, rtol)
    check(split_velocity(grid, density, along), excess, 0.0, rtol)
    check(split_velocity(grid, density, across), 0.0, housekeeping, rtol)


@pytest.mark.parametrize("seed", range(8))
def test_bars_hold_for_random_mixtures(seed):
    """Pieces that hardly exchange mass are frequent among them: their slow modes must not end the iteration early."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(rng.integers(1, 5)))
    parts = [
        (w, rng.uniform(-4.0, 4.0, 2), turned(rng.uniform(0.0, 3.0), *np.exp(rng.uniform(np.log(0.04), 0.0, 2))))
        for w in weights
    ]
    grid, x, y = square(512)
    density, slope = mixture(x, y, parts)
    along, across = parts_of(x, y, slope)
    excess, housekeeping = energy(density, along, grid), energy(density, across, grid)
    for cells, rtol in ((80, 1.0), (128, 1e-3), (200, 1e-5)):
        grid, x, y = square(cells)
        density, slope = mixture(x, y, parts)
        along, across = parts_of(x, y, slope)
        split = split_velocity(grid, density, (along[0] + across[0], along[1] + across[1]))
        check(split, excess, housekeeping, rtol)


@pytest.mark.parametrize("offset", [0.0, 0.013, 0.031])
@pytest.mark.parametrize("cells", [32, 64, 128])
def test_bars_hold_for_velocities_with_kinks_and_jumps(cells, offset):
    """Under N(0, 1) x N(0, 1) the excess of (0, a(x)) is the integral over t of E[a(X) a(t X + ...)], from 0 to 1.

    For a = sign the correlation is (2/pi) arcsin t, for a = |x| it is (2/pi) (sqrt(1 - t²) + t arcsin t).
    """
    grid = Grid.plane((-9.0 + offset, -9.0), (9.0 + offset, 9.0), (cells, cells))
    x, y = np.meshgrid(grid.axes[0].centres, grid.axes[1].centres, indexing="ij")
    density, nothing = normal(x, y, np.eye(2))[0], np.zeros_like(x)
    check(split_velocity(grid, density, (nothing, np.sign(x))), 1.0 - 2.0 / np.pi, 2.0 / np.pi, 0.03)
    check(split_velocity(grid, density, (nothing, np.abs(x))), 0.75, 0.25, 0.02)
    check(split_velocity(grid, density, (np.sign(x), nothing)), 1.0, 0.0, 0.02)


def test_no_velocity_is_needed_where_there_is_no_density():
    grid, x, y = square(128)
    cov, mean = turned(0.6, 1.0, 0.3), np.array([0.2, -0.3])
    density, velocity = normal(x, y, cov, mean)[0], linear(x, y)
    empty = density < 1e-15 * density.max()
    garbage = tuple(np.where(empty, np.nan, component) for component in velocity)
    excess, housekeeping, *_ = exact_linear(cov, mean)
    for given in (density, np.where(empty, 0.0, density)):
        split = split_velocity(grid, given, garbage)
        check(split, excess, housekeeping, 1e-9)
        assert np.all(np.isfinite(split.potential)) and np.all(np.isfinite(split.gradient))


@pytest.mark.parametrize("floor", [1e-12, 1e-9, 1e-6])
def test_a_density_cut_off_or_noisy_below_the_floor(floor):
    grid, x, y = square(128)
    cov, mean = turned(0.6, 1.0, 0.3), np.array([0.2, -0.3])
    density = normal(x, y, cov, mean)[0]
    excess, housekeeping, *_ = exact_linear(cov, mean)
    noise = 0.03 * floor * density.max() * np.random.default_rng(0).standard_normal(density.shape)
    for given in (np.where(density > floor * density.max(), density, 0.0), density + noise):
        check(split_velocity(grid, given, linear(x, y), floor=floor), excess, housekeeping, 1e4 * floor)


def test_rectangle_with_unequal_spacings():
    grid = Grid.plane((-7.0, -5.0), (9.0, 6.0), (150, 97))
    x, y = np.meshgrid(grid.axes[0].centres, grid.axes[1].centres, indexing="ij")
    cov, mean = turned(0.3, 0.9, 0.2), np.array([0.9, 0.4])
    excess, housekeeping, *_ = exact_linear(cov, mean)
    check(split_velocity(grid, normal(x, y, cov, mean)[0], linear(x, y)), excess, housekeeping, 1e-9)


def test_potential_belongs_to_the_gradient():
    grid, x, y = square(128)
    density = SHAPES["mixture"](x, y)[0]
    along, across = parts_of(x, y, SHAPES["mixture"](x, y)[1])
    split = split_velocity(grid, density, (along[0] + across[0], along[1] + across[1]))
    potential = np.sin(x) * np.cos(y) + 0.3 * x**2
    potential -= np.sum(density * potential) / np.sum(density)
    heavy = density > 1e-5
    assert split.potential[heavy] == pytest.approx(potential[heavy], abs=1e-3)
    wrong = energy(density, [found - exact for found, exact in zip(split.gradient, along, strict=True)], grid)
    assert wrong < 1e-6 * split.excess.value
    assert np.sum(density * split.potential) == pytest.approx(0.0, abs=1e-10)


def test_no_velocity_has_no_parts():
    grid, x, y = square(64)
    split = split_velocity(grid, normal(x, y, np.eye(2))[0], (np.zeros_like(x), np.zeros_like(x)))
    assert (split.total.value, split.excess.value, split.housekeeping.value, split.iterations) == (0.0, 0.0, 0.0, 0)


def test_few_iterations_widen_the_bars():
    grid, x, y = square(128, 5.0)
    density, slope = spiral(x, y)
    along, across = parts_of(x, y, slope)
    split = split_velocity(grid, density, (along[0] + across[0], along[1] + across[1]), iterations=40)
    assert split.iterations == 40
    assert split.excess.error > 1e-6
    assert inside(split.excess, energy(density, along, grid))


def test_thermodynamic_parts():
    grid, x, y = square(128)
    cov, mean, temperature = turned(0.6, 1.0, 0.3), np.array([0.2, -0.3]), 0.4
    density, velocity = normal(x, y, cov, mean)[0], linear(x, y)
    excess, housekeeping, *_ = exact_linear(cov, mean)
    assert inside(dissipation(grid, density, velocity), excess + housekeeping)
    rates = entropy_production(grid, density, velocity, temperature)
    assert rates.total.unit == "1/s"
    assert inside(rates.total, (excess + housekeeping) / temperature)
    assert inside(rates.excess, excess / temperature)
    assert inside(rates.housekeeping, housekeeping / temperature)


def test_observables_are_no_faster_than_the_density():
    """(74), and equality at the potential of the split (75)."""
    grid, x, y = square(128)
    density, velocity = normal(x, y, turned(0.6, 1.0, 0.3), (0.2, -0.3))[0], linear(x, y)
    split = split_velocity(grid, density, velocity)
    speed = transport_speed(split)
    assert observable_speed(grid, density, velocity, split.gradient) == pytest.approx(speed.value, rel=1e-8)
    for gradient in ((np.ones_like(x), 0.0 * x), (x, y), (np.cos(x), np.sin(y)), (y, x)):
        assert observable_speed(grid, density, velocity, gradient) < speed.value


def test_three_parts_of_a_linear_force():
    """f = A x, T = 0.4: the steady density is normal, and the three parts are traces."""
    grid, x, y = square(128)
    cov, mean, temperature = turned(0.6, 0.8, 0.3), np.array([0.4, -0.3]), 0.4
    steady_cov = solve_continuous_lyapunov(DRIFT, -2.0 * temperature * np.eye(2))
    density, slope = normal(x, y, cov, mean)
    _, steady_slope = normal(x, y, steady_cov)
    force = (DRIFT[0, 0] * x + DRIFT[0, 1] * y, DRIFT[1, 0] * x + DRIFT[1, 1] * y)
    velocity = tuple(f - temperature * s for f, s in zip(force, slope, strict=True))
    steady = tuple(f - temperature * s for f, s in zip(force, steady_slope, strict=True))
    parts = three_parts(grid, density, velocity, steady)
    change = temperature * (np.linalg.inv(cov) - np.linalg.inv(steady_cov))
    shift = -temperature * np.linalg.inv(steady_cov) @ mean
    excess = np.trace(change @ cov @ change) + shift @ shift
    matrix, push = DRIFT + temperature * np.linalg.inv(cov), DRIFT @ mean
    symmetric = solve_continuous_lyapunov(cov, matrix @ cov + cov @ matrix.T)
    left = change - symmetric
    coupling = np.trace(left @ cov @ left) + np.sum((shift - push) ** 2)
    housekeeping = np.trace((matrix - symmetric) @ cov @ (matrix - symmetric).T)
    assert inside(parts.excess, excess)
    assert inside(parts.coupling, coupling)
    assert inside(parts.housekeeping, housekeeping)
    assert excess + coupling + housekeeping == pytest.approx(parts.total.value, rel=1e-8)
    assert min(excess, coupling, housekeeping) > 0.05


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"grid": Grid.line(-1.0, 1.0, 16)}, "grid"),
        ({"grid": Grid.product(Grid.stretched(-1.0, 1.0, 16), Grid.line(-1.0, 1.0, 16))}, "grid"),
        ({"density": np.ones((16, 15))}, "density"),
        ({"density": np.zeros((16, 16))}, "density"),
        ({"density": np.full((16, 16), np.nan)}, "density"),
        ({"density": np.linspace(-1.0, 1.0, 256).reshape(16, 16)}, "density"),
        ({"velocity": (np.ones((16, 16)),)}, "velocity"),
        ({"velocity": (np.ones((16, 16)), np.ones((15, 16)))}, "velocity"),
        ({"velocity": (np.ones((16, 16)), np.full((16, 16), np.inf))}, "velocity"),
        ({"rtol": 0.0}, "rtol"),
        ({"floor": 0.5}, "floor"),
        ({"iterations": 0}, "iterations"),
    ],
)
def test_bad_input(change, key):
    grid = Grid.plane((-1.0, -1.0), (1.0, 1.0), (16, 16))
    ones = np.ones((16, 16))
    with pytest.raises(InputError) as error:
        split_velocity(**({"grid": grid, "density": ones, "velocity": (ones, ones)} | change))
    assert error.value.key == key


def test_bad_observables():
    grid, x, y = square(32)
    density, velocity = normal(x, y, np.eye(2))[0], linear(x, y)
    with pytest.raises(InputError, match="must vary"):
        observable_speed(grid, density, velocity, (0.0 * x, 0.0 * x))
    with pytest.raises(InputError, match="gradient"):
        observable_speed(grid, density, velocity, (x[1:], y))
    with pytest.raises(InputError, match="temperature"):
        entropy_production(grid, density, velocity, 0.0)
