"""Rates of an instant and their parts, against moments, quadrature and exact currents."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import solve_continuous_lyapunov

from fpsolve import problems
from fpsolve.densities import Gaussian, PlaneGaussian
from fpsolve.discretisation import Discretisation
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.fluxes import WENO5, FourthOrder, ScharfetterGummel
from fpsolve.forces import LinearForce, NonconservativeForce, PotentialForce, TiltedRing
from fpsolve.generator import stationary_masses
from fpsolve.grids import Grid
from fpsolve.solution import solve
from fpsolve.thermodynamics.flows import Flow, Flows
from fpsolve.thermodynamics.steady import around_ring, steady_velocity

PARTS = ("excess", "coupling", "housekeeping")


def flow(problem, grid, masses, t=0.0, flux=None):
    return Flows(problem, grid)(Discretisation(problem, grid, flux or FourthOrder()), masses, t)


def plane_grid(mean, covariance, cells=96, reach=8.5):
    mean, std = np.asarray(mean), np.sqrt(np.diag(covariance))
    return Grid.plane(mean - reach * std, mean + reach * std, (cells, cells))


def masses_of(mean, covariance, grid):
    density = PlaneGaussian((float(mean[0]), float(mean[1])), covariance=covariance)
    return density.cell_masses(grid.axes[0].edges, grid.axes[1].edges)


def adds_up(found: Flow, rtol: float) -> bool:
    parts = [getattr(found, name) for name in PARTS]
    return min(parts) >= 0.0 and abs(sum(parts) - found.entropy_production) <= rtol * found.entropy_production


# --- on a line -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("stretched", [False, True])
def test_a_gaussian_in_a_trap(seed, stretched):
    rng = np.random.default_rng(seed)
    stiffness, temperature, mobility, std = rng.uniform(0.4, 2.0, 4)
    mean, centre = rng.normal(size=2)
    ends = mean - 9.0 * std, mean + 9.0 * std
    grid = Grid.stretched(*ends, 400) if stretched else Grid.line(*ends, 300)
    problem = FokkerPlanck(LinearForce(-stiffness, stiffness * centre), temperature, mobility)
    found = flow(problem, grid, Gaussian(mean, std).cell_masses(grid.faces))
    # the mean velocity is drift + turn (x - mean); its modulus has the mean of a folded normal density
    drift, turn = -mobility * stiffness * (mean - centre), mobility * (temperature / std**2 - stiffness)
    square, spread = drift**2 + (turn * std) ** 2, abs(turn) * std
    folded = spread * math.sqrt(2.0 / math.pi) * math.exp(-0.5 * (drift / spread) ** 2)
    folded += abs(drift) * math.erf(abs(drift) / spread / math.sqrt(2.0))
    tolerance = 1e-6 if stretched else 1e-9
    assert found.entropy_production == pytest.approx(square / (mobility * temperature), rel=tolerance)
    assert found.dissipation == pytest.approx(square / mobility, rel=tolerance)
    assert found.speed == pytest.approx(math.sqrt(square), rel=tolerance)
    assert found.fisher_information == pytest.approx(std**-2, rel=tolerance)
    assert found.mean_speed == pytest.approx(folded, rel=5e-6)
    assert (found.excess, found.coupling, found.housekeeping) == (found.entropy_production, 0.0, 0.0)


def test_a_temperature_that_depends_on_the_place():
    def temperature(x, t):
        return 0.5 + 0.2 * np.tanh(x)

    grid, density = Grid.line(-8.0, 8.0, 400), Gaussian(0.3, 0.8)
    found = flow(FokkerPlanck(LinearForce(-1.0), temperature), grid, density.cell_masses(grid.faces))

    def rate(x):
        local = temperature(x, 0.0)
        return (-x + local * (x - 0.3) / 0.64) ** 2 * float(density.pdf(x)) / local

    assert found.entropy_production == pytest.approx(quad(rate, -7.0, 7.0, epsabs=1e-12, limit=200)[0], rel=2e-6)
    assert math.isnan(found.excess) and "temperature" in found.why


def test_noise_in_the_tails_does_no_harm():
    grid = Grid.line(-8.0, 8.0, 400)
    masses = Gaussian(0.5, 0.4).cell_masses(grid.faces)
    noise = np.random.default_rng(1).normal(size=masses.size) * masses.max()
    problem = FokkerPlanck(LinearForce(-1.0), 0.5)
    clean = flow(problem, grid, masses)
    for size in (1e-16, 1e-13):
        rough = flow(problem, grid, masses + size * noise)
        for name in ("entropy_production", "speed", "mean_speed", "fisher_information"):
            assert getattr(rough, name) == pytest.approx(getattr(clean, name), rel=1e-9)


def test_a_density_that_falls_faster_than_the_cells():
    # the polynomial through four cells passes below zero between them
    grid = Grid.line(-4.0, 4.0, 40)
    found = flow(FokkerPlanck(LinearForce(-1.0), 0.5), grid, Gaussian(0.0, 0.08).cell_masses(grid.faces))
    exact = (0.5 / 0.08 - 0.08) ** 2 / 0.5
    assert 0.1 * exact < found.entropy_production < 10.0 * exact
    assert 0.1 * 0.08**-2 < found.fisher_information < 10.0 * 0.08**-2


@pytest.mark.parametrize("flux", [FourthOrder(), WENO5()])
def test_a_solution_on_the_line(flux):
    case = problems.ornstein_uhlenbeck()
    solution = solve(case.problem, start=case.start, times=case.times, flux=flux)
    edges = solution["x_face"].values
    grid = Grid.from_edges(edges)
    for index in (1, 3):
        t = float(case.times[index])
        found = flow(case.problem, grid, solution["density"].values[index] * grid.volumes, t, flux)
        exact = flow(case.problem, grid, case.exact(t, grid) * grid.volumes, t)
        assert found.entropy_production == pytest.approx(exact.entropy_production, rel=1e-5)
        assert found.excess == found.entropy_production


# --- on a ring -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tilt", "amplitude", "period", "temperature"),
    [(0.6, 1.0, 2.0 * np.pi, 0.3), (-0.8, 1.3, 3.0, 0.5), (0.05, 0.4, 1.0, 0.2), (2.5, 1.0, 5.0, 0.15)],
)
def test_the_steady_state_of_a_tilted_ring(tilt, amplitude, period, temperature):
    case = problems.tilted_ring(tilt, amplitude, period, temperature)
    density, current = problems.stationary_ring(tilt, amplitude, period, temperature)
    grid = case.grid(256)
    velocity = around_ring(case.problem, grid, 0.0)
    np.testing.assert_allclose(velocity * density.values(grid.faces), current, rtol=1e-10)
    found = flow(case.problem, grid, case.stationary(grid) * grid.volumes)
    exact = tilt * current * period / temperature
    assert found.entropy_production == pytest.approx(exact, rel=1e-6)
    assert found.housekeeping == pytest.approx(exact, rel=1e-6)
    assert max(found.excess, found.coupling) <= 1e-11 * exact
    assert found.mean_speed <= 1e-5 * abs(current) * period


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_ring_with_a_barrier_of_a_thousand_temperatures(side):
    """The current is e^-1000; on the hill, where P_st is thinnest, nu_st = sqrt(2 k T / pi) with its curvature k."""
    grid = Grid.line(0.0, 1.0, 2048, "periodic")
    problem = FokkerPlanck(TiltedRing(0.2 * side, 10.0, 1.0), 0.003, domain=Domain(0.0, 1.0, "periodic"))
    velocity = around_ring(problem, grid, 0.0)
    hill = (-math.asin(0.02 * side) / (2.0 * math.pi)) % 1.0
    top = np.interp(hill, grid.faces, velocity)
    assert np.all(np.isfinite(velocity)) and np.all(side * velocity >= 0.0)
    assert top == pytest.approx(side * math.sqrt(2.0 * 20.0 * math.pi * 0.003 / math.pi), rel=0.01)


def test_a_force_that_does_no_work_around_a_ring():
    domain, grid = Domain(0.0, 1.0, "periodic"), Grid.line(0.0, 1.0, 128, "periodic")
    problem = FokkerPlanck(NonconservativeForce(lambda x: np.sin(2.0 * np.pi * x)), 0.1, domain=domain)
    assert np.array_equal(around_ring(problem, grid, 0.0), np.zeros(129))


@pytest.mark.parametrize("seed", range(3))
def test_parts_on_a_ring_by_quadrature(seed):
    rng = np.random.default_rng(10 + seed)
    tilt, amplitude, temperature, mobility, shape, place = (*rng.uniform(0.3, 1.5, 5), rng.uniform(0.0, 6.0))
    tilt *= rng.choice([-1.0, 1.0])
    force, period = TiltedRing(tilt, amplitude, 2.0 * np.pi), 2.0 * np.pi
    problem = FokkerPlanck(force, temperature, mobility, Domain(0.0, period, "periodic"))
    grid = Grid.line(0.0, period, 400, "periodic")
    weight = lambda x: np.exp(shape * np.cos(x - place))  # noqa: E731
    integral = lambda g: quad(g, 0.0, period, epsabs=1e-13, epsrel=1e-12, limit=400)[0]  # noqa: E731
    norm = integral(weight)
    averages = [quad(weight, a, b)[0] / norm for a, b in zip(grid.faces[:-1], grid.faces[1:], strict=True)]
    found = flow(problem, grid, np.array(averages))

    p = lambda x: weight(x) / norm  # noqa: E731
    nu = lambda x: mobility * (tilt + amplitude * np.sin(x) + temperature * shape * np.sin(x - place))  # noqa: E731
    total = integral(lambda x: nu(x) ** 2 * p(x))
    thin = integral(lambda x: 1.0 / p(x))
    current = integral(nu) / thin
    moving = integral(lambda x: (nu(x) - current / p(x)) ** 2 * p(x))
    steady, around = problems.stationary_ring(tilt, amplitude, period, temperature)
    still = lambda x: mobility * around / steady.values(np.array([x]))[0]  # noqa: E731
    excess = integral(lambda x: (nu(x) - still(x)) ** 2 * p(x))
    scale = 1.0 / (mobility * temperature)
    assert found.entropy_production == pytest.approx(scale * total, rel=1e-6)
    assert found.housekeeping == pytest.approx(scale * current**2 * thin, rel=1e-6, abs=1e-7 * scale * total)
    assert found.excess == pytest.approx(scale * excess, rel=1e-6, abs=1e-7 * scale * total)
    assert found.coupling == pytest.approx(scale * (moving - excess), rel=1e-5, abs=1e-6 * scale * total)
    assert found.speed**2 == pytest.approx(moving, rel=1e-6, abs=1e-7 * total)
    assert adds_up(found, 1e-6)


def test_a_ring_with_a_gap_keeps_no_house():
    case = problems.tilted_ring()
    grid = case.grid(256)
    found = flow(case.problem, grid, case.exact(0.0, grid) * grid.volumes)
    assert found.housekeeping <= 1e-10 * found.entropy_production
    assert found.speed**2 == pytest.approx(0.3 * found.entropy_production, rel=1e-9)
    assert adds_up(found, 1e-6)


def test_a_solution_on_a_ring():
    case = problems.tilted_ring()
    grid = case.grid(256)
    solution = solve(case.problem, start=case.start, times=case.times, grid=grid)
    t = float(case.times[2])
    found = flow(case.problem, grid, solution["density"].values[2] * grid.volumes, t)
    exact = flow(case.problem, grid, case.exact(t, grid) * grid.volumes, t)
    for name in ("entropy_production", *PARTS):
        assert getattr(found, name) == pytest.approx(getattr(exact, name), rel=1e-5)


# --- in the plane ----------------------------------------------------------------------------------------------------


def linear_rates(matrix, vector, temperature, mobility, mean, covariance):
    """Rates of a Gaussian under a linear force: every velocity is affine, c + B (x - mean)."""

    def square(c, b):
        return float(c @ c + np.trace(b @ covariance @ b.T))

    c, b = mobility * (matrix @ mean + vector), mobility * (matrix + temperature * np.linalg.inv(covariance))
    symmetric = solve_continuous_lyapunov(covariance, b @ covariance + covariance @ b.T)
    steady = solve_continuous_lyapunov(matrix, -2.0 * temperature * np.eye(2))
    turning = mobility * (matrix + temperature * np.linalg.inv(steady))
    still = turning @ (mean + np.linalg.solve(matrix, vector))
    scale = 1.0 / (mobility * temperature)
    excess, moving, total = square(c - still, b - turning), square(c, symmetric), square(c, b)
    return {
        "entropy_production": scale * total,
        "dissipation": total / mobility,
        "excess": scale * excess,
        "coupling": scale * (moving - excess),
        "housekeeping": scale * (total - moving),
        "speed": math.sqrt(moving),
        "fisher_information": float(np.trace(np.linalg.inv(covariance))),
    }


def random_linear(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(2, 2))
    matrix -= (np.max(np.linalg.eigvals(matrix).real) + rng.uniform(0.3, 1.0)) * np.eye(2)
    root = 0.5 * rng.normal(size=(2, 2))
    covariance = root @ root.T + 0.1 * np.eye(2)
    return matrix, rng.normal(size=2), rng.uniform(0.2, 1.0), rng.uniform(0.5, 2.0), rng.normal(size=2), covariance


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cells", [64, 128])
def test_a_gaussian_under_a_linear_force(seed, cells):
    matrix, vector, temperature, mobility, mean, covariance = random_linear(seed)
    grid = plane_grid(mean, covariance, cells)
    problem = FokkerPlanck(LinearForce(matrix, vector), temperature, mobility)
    found = flow(problem, grid, masses_of(mean, covariance, grid))
    exact = linear_rates(matrix, vector, temperature, mobility, mean, covariance)
    for name, value in exact.items():
        scale = value if name in ("speed", "fisher_information", "dissipation") else exact["entropy_production"]
        assert getattr(found, name) == pytest.approx(value, abs=1e-7 * scale)
    assert math.isnan(found.mean_speed) and found.why == ""


@pytest.mark.parametrize("seed", range(2))
def test_the_same_on_stretched_cells(seed):
    matrix, vector, temperature, mobility, mean, covariance = random_linear(seed)
    reach = 7.0 * np.sqrt(np.diag(covariance))
    ends = zip(mean - reach, mean + reach, strict=True)
    grid = Grid.product(*(Grid.stretched(*pair, 96, strength=3.0) for pair in ends))
    problem = FokkerPlanck(LinearForce(matrix, vector), temperature, mobility)
    found = flow(problem, grid, masses_of(mean, covariance, grid))
    exact = linear_rates(matrix, vector, temperature, mobility, mean, covariance)
    for name in ("entropy_production", *PARTS):
        assert getattr(found, name) == pytest.approx(exact[name], abs=1e-2 * exact["entropy_production"])
    assert adds_up(found, 1e-2)


def test_a_sum_of_linear_forces_that_depend_on_time():
    symmetric = LinearForce(lambda t: -(1.0 + t) * np.array([[1.0, 0.3], [0.3, 2.0]]), (0.2, 0.1))
    turning = LinearForce([[0.0, -2.0], [2.0, 0.0]])
    mean, covariance = np.array([0.5, -0.3]), np.array([[0.4, 0.1], [0.1, 0.2]])
    grid = plane_grid(mean, covariance)
    masses = masses_of(mean, covariance, grid)
    exact = linear_rates(symmetric.matrix_at(0.7) + turning.matrix, np.array([0.2, 0.1]), 0.4, 1.0, mean, covariance)
    found = flow(FokkerPlanck(symmetric + turning, 0.4), grid, masses, 0.7)
    for name in ("entropy_production", *PARTS):
        assert getattr(found, name) == pytest.approx(exact[name], abs=1e-7 * exact["entropy_production"])
    alone = flow(FokkerPlanck(symmetric, 0.4), grid, masses, 0.7)
    assert (alone.excess, alone.coupling, alone.housekeeping) == (alone.entropy_production, 0.0, 0.0)
    assert alone.speed**2 == pytest.approx(0.4 * alone.entropy_production)


def test_no_steady_state_leaves_the_total():
    mean, covariance = np.array([0.3, 0.2]), 0.25 * np.eye(2)
    grid = plane_grid(mean, covariance, 64)
    problem = FokkerPlanck(LinearForce([[1.0, -2.0], [2.0, 1.0]]), 0.5)
    found = flow(problem, grid, masses_of(mean, covariance, grid))
    c, b = np.array([[1.0, -2.0], [2.0, 1.0]]) @ mean, np.array([[3.0, -2.0], [2.0, 3.0]])
    assert found.entropy_production == pytest.approx((c @ c + 0.25 * np.sum(b**2)) / 0.5, rel=1e-8)
    assert found.speed == pytest.approx(math.sqrt(c @ c + 0.25 * 18.0), rel=1e-8)
    assert math.isnan(found.excess) and "steady state" in found.why
    assert steady_velocity(problem, grid, 0.0) == (None, found.why)


@pytest.mark.parametrize("mobility", [[[1.0, 0.4], [0.4, 0.6]], [[1.0, -0.5], [0.7, 0.8]], [[1.0, 0.0], [0.0, 0.5]]])
def test_a_matrix_as_mobility(mobility):
    matrix, vector, temperature, _, mean, covariance = random_linear(7)
    grid, mobility = plane_grid(mean, covariance), np.array(mobility)
    problem = FokkerPlanck(LinearForce(matrix, vector), temperature, mobility)
    masses = masses_of(mean, covariance, grid)
    net = matrix + temperature * np.linalg.inv(covariance)
    push, inverse = matrix @ mean + vector, np.linalg.inv(mobility)
    c, b = mobility @ push, mobility @ net
    exact = (c @ inverse @ c + np.sum((b @ covariance) * (inverse.T @ b))) / temperature
    symmetric = solve_continuous_lyapunov(covariance, b @ covariance + covariance @ b.T)
    speed = math.sqrt(c @ c + np.trace(symmetric @ covariance @ symmetric))
    found = flow(problem, grid, masses)
    assert found.entropy_production == pytest.approx(exact, rel=1e-8)
    assert found.speed == pytest.approx(speed, rel=1e-8)
    assert math.isnan(found.coupling) and "mobility" in found.why


def test_a_stirred_well():
    """Stationary: nu = g (dU/dy, -dU/dx) and E|grad U|² = T E[Laplace U]; all of it keeps house."""
    case = problems.stirred_well()
    grid = case.grid((128, 128))
    found = flow(case.problem, grid, case.exact(0.0, grid) * grid.volumes)
    weight = lambda x: np.exp(-0.5 / 0.4 * (x * x - 1.0) ** 2)  # noqa: E731
    second = quad(lambda x: x * x * weight(x), -6.0, 6.0)[0] / quad(weight, -6.0, 6.0)[0]
    exact = 4.0 * 0.5 * (3.0 * second - 1.0) + 0.25 + 1.0
    assert found.entropy_production == pytest.approx(exact, rel=1e-7)
    assert found.housekeeping == pytest.approx(exact, rel=1e-6)
    assert max(found.excess, found.coupling) <= 1e-5 * exact
    # the steady velocity is known: a Gaussian gives the excess by quadrature
    masses = PlaneGaussian((0.3, 0.2), std=0.3).cell_masses(grid.axes[0].edges, grid.axes[1].edges)
    moved = flow(case.problem, grid, masses)
    x, y = np.meshgrid(np.linspace(-3.0, 3.6, 401), np.linspace(-3.1, 3.5, 401), indexing="ij")
    density = np.exp(-((x - 0.3) ** 2 + (y - 0.2) ** 2) / 0.18)
    slope = 2.0 * x * (x * x - 1.0) - 0.5 * (y - 0.5 * x), y - 0.5 * x
    change = -slope[0] + 0.4 / 0.09 * (x - 0.3), -slope[1] + 0.4 / 0.09 * (y - 0.2)
    excess = np.sum(density * (change[0] ** 2 + change[1] ** 2)) / np.sum(density) / 0.4
    assert moved.excess == pytest.approx(excess, rel=2e-5)
    assert adds_up(moved, 5e-5)


def test_on_a_torus():
    """A constant drift turns an even density around and does nothing else; along x it adds to diffusion along y."""
    grid = Grid.plane((0.0, 0.0), (2.0, 3.0), (48, 32), "periodic")
    domain = Domain((0.0, 0.0), (2.0, 3.0), "periodic")
    drift = FokkerPlanck(LinearForce(np.zeros((2, 2)), (0.5, 0.2)), 0.5, domain=domain)
    even = flow(drift, grid, np.full(grid.shape, 1.0 / grid.cells))
    assert even.housekeeping == pytest.approx(0.29 / 0.5) and even.entropy_production == pytest.approx(0.29 / 0.5)
    assert even.excess + even.coupling < 1e-20
    profile = np.diff(grid.axes[1].edges - 0.5 * np.cos(2.0 * np.pi * grid.axes[1].edges / 3.0) * 3.0 / (2.0 * np.pi))
    masses = np.full(48, 1.0 / 48.0)[:, None] * profile / 3.0
    along = FokkerPlanck(LinearForce(np.zeros((2, 2)), (0.5, 0.0)), 0.5, domain=domain)
    found = flow(along, grid, masses)
    k = 2.0 * np.pi / 3.0
    fisher = quad(lambda y: (0.5 * k * np.cos(k * y)) ** 2 / (1.0 + 0.5 * np.sin(k * y)) / 3.0, 0.0, 3.0)[0]
    assert found.fisher_information == pytest.approx(fisher, rel=1e-4)
    assert found.housekeeping == pytest.approx(0.5, rel=1e-9)
    assert found.excess == pytest.approx(0.5 * fisher, rel=1e-4)
    assert found.coupling < 1e-12


def test_totals_on_a_torus_by_sums_over_points():
    """Sums over the points of a smooth periodic function are exact."""
    domain = Domain((0.0, 0.0), (2.0 * np.pi, 2.0 * np.pi), "periodic")
    push = lambda x, y: (0.5 + np.sin(x) * np.cos(y), 0.3 * np.cos(x + y))  # noqa: E731
    problem = FokkerPlanck(NonconservativeForce(push, dimension=2), 0.5, 2.0, domain)
    x, y = np.meshgrid(*[2.0 * np.pi * np.arange(96) / 96.0] * 2, indexing="ij")
    density = np.exp(0.7 * np.sin(x) + 0.5 * np.cos(x - y))
    slopes = 0.7 * np.cos(x) - 0.5 * np.sin(x - y), 0.5 * np.sin(x - y)
    net = push(x, y)[0] - 0.5 * slopes[0], push(x, y)[1] - 0.5 * slopes[1]
    total = 2.0 * np.sum(density * (net[0] ** 2 + net[1] ** 2)) / np.sum(density) / 0.5
    grid = domain.grid(64)
    nodes, weights = np.polynomial.legendre.leggauss(4)
    inside = grid.axes[0].centres[:, None] + 0.5 * grid.axes[0].widths[0] * nodes
    values = np.exp(0.7 * np.sin(inside)[:, :, None, None] + 0.5 * np.cos(inside[:, :, None, None] - inside))
    masses = np.einsum("iajb,a,b->ij", values, weights, weights)
    found = flow(problem, grid, masses / masses.sum())
    fisher = np.sum(density * (slopes[0] ** 2 + slopes[1] ** 2)) / np.sum(density)
    assert found.entropy_production == pytest.approx(total, rel=1e-5)
    assert found.fisher_information == pytest.approx(fisher, rel=1e-5)
    assert adds_up(found, 1e-4)


def test_a_box_with_occupied_walls_at_rest():
    """Equilibrium of a potential, and the steady state of a force that turns in a box: no excess, no coupling."""
    grid = Grid.plane((-1.0, -1.0), (1.0, 1.0), (48, 48))
    domain = Domain((-1.0, -1.0), (1.0, 1.0))
    well = FokkerPlanck(PotentialForce(lambda x, y: 0.3 * x * x + 0.2 * x * y, dimension=2), 0.5, domain=domain)
    nodes, weights = np.polynomial.legendre.leggauss(6)
    inside = 0.5 * grid.axes[0].widths[0] * nodes
    y = grid.axes[0].centres[:, None] + inside
    x = y[:, :, None, None]
    masses = np.einsum("iajb,a,b->ij", np.exp(-(0.3 * x * x + 0.2 * x * y) / 0.5), weights, weights)
    rest = flow(well, grid, masses / masses.sum())
    assert rest.entropy_production < 1e-8
    turning = FokkerPlanck(LinearForce([[-1.0, -2.0], [2.0, -1.0]]), 0.5, domain=domain)
    found = flow(turning, grid, stationary_masses(Discretisation(turning, grid, FourthOrder()).at(0.0)))
    assert found.housekeeping == pytest.approx(found.entropy_production, rel=1e-6)
    assert max(found.excess, found.coupling) <= 1e-6 * found.entropy_production
    assert found.speed**2 <= 1e-6 * found.dissipation


def test_noise_in_the_plane_does_no_harm():
    matrix, vector, temperature, mobility, mean, covariance = random_linear(2)
    grid = plane_grid(mean, covariance)
    problem = FokkerPlanck(LinearForce(matrix, vector), temperature, mobility)
    masses = masses_of(mean, covariance, grid)
    noise = np.random.default_rng(3).normal(size=grid.shape) * masses.max()
    clean, rough = flow(problem, grid, masses), flow(problem, grid, masses + 1e-13 * noise)
    for name in ("entropy_production", *PARTS):
        assert abs(getattr(rough, name) - getattr(clean, name)) <= 1e-6 * clean.entropy_production


@pytest.mark.parametrize("flux", [FourthOrder(), ScharfetterGummel()])
def test_a_solution_in_the_plane(flux):
    case = problems.ALL["anisotropic-linear-in-time"]()
    grid = case.grid((96, 96))
    solution = solve(case.problem, start=case.start, times=case.times[:2], grid=grid, flux=flux)
    t = float(case.times[1])
    found = flow(case.problem, grid, solution["density"].values[1] * grid.volumes, t, flux)
    exact = flow(case.problem, grid, case.exact(t, grid) * grid.volumes, t)
    tolerance = 1e-4 if flux.order == 4 else 2e-2
    for name in ("entropy_production", *PARTS):
        assert abs(getattr(found, name) - getattr(exact, name)) <= tolerance * exact.entropy_production
    assert adds_up(found, 1e-6)
