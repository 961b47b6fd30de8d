"""Forward processes in the plane: kernels, densities, velocities, labels, against moment equations and quadrature."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from plane_moments import normal
from scipy.integrate import quad, solve_ivp

import fpsolve as fp
from fpsolve.densities import PlaneGaussian, PlaneMixture, SwissRoll
from fpsolve.grids import Grid
from fpsolve.processes.plane.characteristics import carried
from fpsolve.processes.plane.lattice import lattice
from fpsolve.processes.plane.linear import LinearProcess
from fpsolve.processes.plane.mixture import Superposition, components
from fpsolve.processes.plane.stirred import Stirred
from fpsolve.schedules import LinearForceSchedule, Schedule
from fpsolve.schedules.stirring import Levels, StreamFunction, Vortices

TILTED = PlaneGaussian((0.3, -0.2), covariance=((0.5, 0.2), (0.2, 0.3)))
PAIR = PlaneMixture(
    means=((-0.8, 0.2), (0.6, -0.4)),
    covariances=(((0.3, 0.1), (0.1, 0.2)), ((0.15, -0.08), (-0.08, 0.25))),
    weights=(0.3, 0.7),
)
TURNING = LinearForceSchedule(1.1, 3.0, 0.5, 2.0)
SHEARING = LinearForceSchedule((1.3, 0.2), -4.0, 0.7, 0.8)
SPREADING = LinearForceSchedule(-0.4, 2.0, 1.5, 1.2)
SCHEDULES: dict[str, Schedule | LinearForceSchedule] = {
    "cosine": fp.Cosine(tau=1.3),
    "cond-ot": fp.ConditionalOptimalTransport(tau=0.7),
    "ve": fp.VarianceExploding(1.4, tau=2.0),
    "geometric": fp.VarianceExploding(1.4, "geometric", 0.05),
    "vp": fp.VariancePreserving(0.1, 9.0),
    "turning": TURNING,
    "shearing": SHEARING,
    "spreading": SPREADING,
}
FORCES = [TURNING, SHEARING, SPREADING]
DATA = {"gaussian": TILTED, "mixture": PAIR, "roll": SwissRoll(blur=0.15)}
every_schedule = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)


def cloud(process, t, count=300, seed=1):
    """Points where the density is neither faint nor all alike."""
    rng = np.random.default_rng(seed)
    density = process.density(t)
    return density.mean[:, None] + 1.3 * np.linalg.cholesky(density.covariance) @ rng.normal(size=(2, count))


# kernels


@pytest.mark.parametrize("schedule", FORCES)
@pytest.mark.parametrize("part", [0.0, 1e-3, 0.37, 0.9, 1.0])
def test_kernel_of_a_force_solves_the_moment_equations(schedule, part):
    t = part * schedule.tau
    reference = normal(PlaneGaussian(std=1.0), schedule)
    reference = dataclasses.replace(reference, covariance=np.zeros((2, 2)))
    kernel = schedule.plane_kernel(t)
    matrix = schedule.matrix(t)
    np.testing.assert_allclose(kernel.carry, reference.carry(t), rtol=0.0, atol=3e-12)
    np.testing.assert_allclose(kernel.carry_rate, matrix @ reference.carry(t), rtol=0.0, atol=3e-11)
    np.testing.assert_allclose(kernel.covariance, reference._solution(t)[2:6].reshape(2, 2), rtol=0.0, atol=3e-12)
    heat = schedule.T_fin * part**2
    assert kernel.temperature == pytest.approx(heat, rel=1e-14, abs=1e-300)
    np.testing.assert_allclose(kernel.spreading, matrix @ kernel.covariance + heat * np.eye(2), rtol=0.0, atol=1e-12)
    if heat > 0.0:
        np.testing.assert_allclose(kernel.force_over_temperature, matrix / heat, rtol=1e-13)
    else:
        assert kernel.force_over_temperature is None


@pytest.mark.parametrize("name", ["cosine", "cond-ot", "ve", "geometric", "vp"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.93])
def test_kernel_of_a_curve_solves_the_moment_equations(name, part):
    schedule = SCHEDULES[name]
    t = part * schedule.tau

    def rate(s, state):
        curve = schedule.curve(np.array([s]))
        return [curve.force_rate[0] * state[0], 2.0 * (curve.force_rate[0] * state[1] + curve.temperature[0])]

    first = schedule.curve(np.array([0.0]))
    start = [first.signal[0], first.variance[0]]
    m, variance = solve_ivp(rate, (0.0, t), start, method="DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
    kernel = LinearProcess(TILTED, schedule).kernel(t)
    np.testing.assert_allclose(kernel.carry, m * np.eye(2), rtol=0.0, atol=1e-11)
    np.testing.assert_allclose(kernel.covariance, variance * np.eye(2), rtol=0.0, atol=1e-11)
    force, heat = schedule.curve(np.array([t])).force_rate[0], kernel.temperature
    np.testing.assert_allclose(kernel.force_over_temperature, force / heat * np.eye(2), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(kernel.spreading, (force * variance + heat) * np.eye(2), rtol=0.0, atol=1e-11)


@pytest.mark.parametrize("h", [1.1, -0.4])
@pytest.mark.parametrize("g", [0.0, 3.0])
def test_two_equal_stiffnesses_and_one_agree(h, g):
    one = LinearForceSchedule(h, g, 0.5, 2.0)
    # the least difference that takes the way of two different ones
    two = LinearForceSchedule((h, float(np.nextafter(h, 9.0))), g, 0.5, 2.0)
    assert one.isotropic and not two.isotropic
    for t in (0.01, 0.5, 1.3, 2.0):
        first, second = one.plane_kernel(t), two.plane_kernel(t)
        for field in ("carry", "carry_rate", "covariance", "spreading"):
            np.testing.assert_allclose(getattr(first, field), getattr(second, field), rtol=0.0, atol=1e-12)


def test_the_angle_is_the_integral_of_the_rotation():
    for t in (0.0, 0.6, 2.0):
        assert TURNING.turned(t) == pytest.approx(quad(lambda s: TURNING.matrix(s)[1, 0], 0.0, t)[0], abs=1e-13)


def test_bad_forces_are_refused():
    for bad in (
        {"h": (1.0, 2.0, 3.0)},
        {"h": math.nan},
        {"g": math.inf},
        {"T_fin": 0.0},
        {"T_fin": -1.0},
        {"tau": 0.0},
    ):
        with pytest.raises(fp.InputError) as error:
            LinearForceSchedule(**({"h": 1.0, "g": 0.0, "T_fin": 0.5} | bad))
        assert error.value.key == next(iter(bad))


# densities and velocities


@every_schedule
@pytest.mark.parametrize("part", [0.0, 0.4, 1.0])
def test_a_normal_density_follows_the_moment_equations(schedule, part):
    t = part * schedule.tau
    process, reference = LinearProcess(TILTED, schedule), normal(TILTED, schedule)
    mean, covariance, drift, matrix = reference.state(t)
    if part > 0.0 or not isinstance(schedule, fp.VarianceExploding):
        density = process.density(t)
        np.testing.assert_allclose(density.mean, mean, rtol=0.0, atol=1e-11)
        np.testing.assert_allclose(density.covariance, covariance, rtol=0.0, atol=1e-11)
    points = mean[:, None] + 2.0 * np.random.default_rng(3).normal(size=(2, 50))
    flow = process.flow(t, *points)
    apart = points - mean[:, None]
    np.testing.assert_allclose(flow.velocity, drift[:, None] + matrix @ apart, rtol=0.0, atol=1e-10)
    np.testing.assert_allclose(flow.score, -np.linalg.solve(covariance, apart), rtol=1e-10, atol=1e-10)
    exponent = -0.5 * np.sum(apart * np.linalg.solve(covariance, apart), axis=0)
    logarithm = exponent - 0.5 * np.log(np.linalg.det(2.0 * np.pi * covariance))
    np.testing.assert_allclose(flow.log_density, logarithm, rtol=1e-10)


@every_schedule
@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_velocity_is_force_less_temperature_times_score(schedule, data):
    process = LinearProcess(data, schedule)
    for part in (0.15, 0.6, 0.9):
        t = part * schedule.tau
        x, y = cloud(process, t)
        flow = process.flow(t, x, y)
        heat = float(process.temperature(np.array(t)))
        force = heat * process.force_over_temperature(t, x, y)
        if isinstance(schedule, LinearForceSchedule):
            np.testing.assert_allclose(force, schedule.matrix(t) @ np.stack([x, y]), rtol=1e-13, atol=1e-13)
        size = np.max(np.abs(heat * flow.score)) + np.max(np.abs(force))
        np.testing.assert_allclose(flow.velocity, force - heat * flow.score, rtol=0.0, atol=1e-12 * size)


@every_schedule
@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_score_is_the_gradient_of_the_logarithm(schedule, data):
    process, step = LinearProcess(data, schedule), 1e-4
    t = 0.35 * schedule.tau
    x, y = cloud(process, t, 40)

    def log(i, j):
        return process.flow(t, x + i * step, y + j * step).log_density

    along_x = (8.0 * (log(1, 0) - log(-1, 0)) - (log(2, 0) - log(-2, 0))) / (12.0 * step)
    along_y = (8.0 * (log(0, 1) - log(0, -1)) - (log(0, 2) - log(0, -2))) / (12.0 * step)
    score = process.flow(t, x, y).score
    np.testing.assert_allclose(score, np.stack([along_x, along_y]), rtol=0.0, atol=1e-8 * np.max(np.abs(score)))
    np.testing.assert_allclose(np.log(process.density(t).pdf(x, y)), log(0, 0), rtol=1e-12, atol=1e-12)


def gained(process, t, sides, count=24):
    """What flows into a box through its sides, by a Gauss rule along each."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    total = 0.0
    for axis in (0, 1):
        low, high = sides[1 - axis]
        along = 0.5 * (low + high) + 0.5 * (high - low) * nodes
        for sign, place in zip((1.0, -1.0), sides[axis], strict=True):
            across = np.full_like(along, place)
            flow = process.flow(t, *((across, along) if axis == 0 else (along, across)))
            total += sign * 0.5 * (high - low) * float(weights @ (np.exp(flow.log_density) * flow.velocity[axis]))
    return total


def waves(t, x, y):
    """Both derivatives of (1 + t) sin(x - 2 y)."""
    slope = (1.0 + t) * np.cos(x - 2.0 * y)
    return slope, -2.0 * slope


STIRRED = {
    "levels": Stirred(LinearProcess(PAIR, TURNING), Levels(), 1.7),
    "vortices": Stirred(LinearProcess(PAIR, fp.Cosine()), Vortices(1.1), -2.0),
    "own": Stirred(
        LinearProcess(TILTED, SHEARING),
        StreamFunction(lambda t, x, y: ((1.0 + t) * np.sin(x - 2.0 * y), *waves(t, x, y))),
        0.6,
    ),
}
MOVING = {
    f"{name}-{kind}": LinearProcess(data, schedule)
    for name, schedule in SCHEDULES.items()
    for kind, data in DATA.items()
} | STIRRED


@pytest.mark.parametrize("process", MOVING.values(), ids=MOVING)
def test_continuity(process):
    """The rate of the mass of a box is what flows through its sides (1)."""
    density = process.density(0.45 * process.tau)
    (a, b), (c, d) = density.interval(0.2)
    box = (a, 0.6 * a + 0.4 * b), (0.3 * c + 0.7 * d, d)

    for part in (0.45, 0.8):
        t, step = part * process.tau, 2e-3 * process.tau

        def mass(k, t=t, step=step):
            # many turned Gaussians are integrated by a rule in every cell: small cells
            edges = [np.linspace(*side, 33) for side in box]
            return float(process.density(t + k * step).cell_masses(*edges).sum())

        near, wide = mass(1) - mass(-1), mass(2) - mass(-2)
        far = mass(3) - mass(-3)
        rate = (45.0 * near - 9.0 * wide + far) / (60.0 * step)
        assert gained(process, t, box) == pytest.approx(rate, rel=1e-6, abs=1e-7 / process.tau)


@pytest.mark.parametrize("schedule", [fp.Cosine(), fp.ConditionalOptimalTransport()])
@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_both_ends_are_finite_where_the_temperature_is_not(schedule, data):
    process = LinearProcess(data, schedule)
    assert process.temperature(np.array(1.0)) == np.inf
    x, y = 3.0 * np.random.default_rng(5).normal(size=(2, 60))
    last = process.flow(1.0, x, y)
    # the noise is independent of the data there: nu = sigma' x + m' E[y]
    rates = (0.0, -0.5 * np.pi) if isinstance(schedule, fp.Cosine) else (1.0, -1.0)
    expected = rates[0] * np.stack([x, y]) + rates[1] * np.asarray(data.mean)[:, None]
    np.testing.assert_allclose(last.velocity, expected, rtol=0.0, atol=1e-9)
    np.testing.assert_allclose(last.score, -np.stack([x, y]), rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(process.flow(1.0 - 1e-7, x, y).velocity, last.velocity, rtol=0.0, atol=1e-5)
    # f / T = m' x / (m T) has a limit, -1 and -1 again
    np.testing.assert_allclose(process.force_over_temperature(1.0, x, y), -np.stack([x, y]), rtol=1e-12)
    first = process.flow(0.0, x, y)
    assert np.all(np.isfinite(first.velocity)) and np.all(np.isfinite(first.log_density))


def test_far_out_nothing_overflows():
    for schedule in SCHEDULES.values():
        process = LinearProcess(PAIR, schedule)
        for t in (0.0, 0.5 * schedule.tau, schedule.tau):
            flow = process.flow(t, np.array([1e3, -1e6, 0.0]), np.array([0.0, 1e6, -1e5]))
            for field in (flow.log_density, flow.velocity, flow.score):
                assert np.all(np.isfinite(field))


# masses of cells


def brute(density, edges_x, edges_y, count=16):
    """Masses by a Gauss rule in every cell."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    x, y = ((0.5 * (e[1:] + e[:-1])[:, None] + 0.5 * np.diff(e)[:, None] * nodes).ravel() for e in (edges_x, edges_y))
    values = density(x[:, None], y[None, :]).reshape(edges_x.size - 1, count, edges_y.size - 1, count)
    found = np.einsum("iajb,a,b->ij", values, weights, weights)
    return found * np.multiply.outer(np.diff(edges_x), np.diff(edges_y)) / 4.0


EDGES = np.linspace(-2.0, 1.7, 38), np.linspace(-1.6, 2.1, 36)


def test_masses_of_few_correlated_gaussians():
    found = components(PAIR).cell_masses(*EDGES)
    np.testing.assert_allclose(found, brute(PAIR.pdf, *EDGES), rtol=1e-9, atol=1e-14)


def test_masses_of_upright_gaussians():
    parts = Superposition(
        np.array([0.2, 0.5, 0.3]),
        np.array([[0.1, 0.2], [-0.5, 0.4], [0.3, -0.9]]),
        np.array([np.diag(v) for v in ([0.2, 0.1], [0.05, 0.3], [0.1, 0.1])]),
    )
    np.testing.assert_allclose(parts.cell_masses(*EDGES), brute(parts.pdf, *EDGES), rtol=1e-9, atol=1e-14)


def test_masses_of_many_correlated_gaussians():
    """The rule in every cell has no more than a few digits where the cells are not small."""
    rng = np.random.default_rng(11)
    factors = 0.3 * rng.normal(size=(9, 2, 2))
    covariances = factors @ factors.transpose(0, 2, 1) + 0.04 * np.eye(2)
    weights = rng.uniform(0.5, 1.5, 9)
    parts = Superposition(weights / weights.sum(), 0.5 * rng.normal(size=(9, 2)), covariances)
    found = parts.cell_masses(*EDGES)
    np.testing.assert_allclose(found, brute(parts.pdf, *EDGES), rtol=0.0, atol=1e-10 * found.max())
    single = sum(
        w * PlaneGaussian(tuple(m), covariance=c.tolist()).cell_masses(*EDGES)
        for w, m, c in zip(parts.weights, parts.means, parts.covariances, strict=True)
    )
    np.testing.assert_allclose(found, single, rtol=0.0, atol=1e-10 * found.max())


def test_moments_and_tails_of_a_superposition():
    parts = components(PAIR)
    np.testing.assert_allclose(parts.mean, PAIR.mean, rtol=1e-13)
    np.testing.assert_allclose(parts.covariance, PAIR.covariance, rtol=1e-13)
    for tail in (0.1, 1e-6):
        for i, (low, high) in enumerate(parts.interval(tail)):
            edges = [np.array([-50.0, 50.0]), np.array([-50.0, 50.0])]
            for side in ((-50.0, low), (high, 50.0)):
                edges[i] = np.array(side)
                assert parts.cell_masses(*edges).sum() == pytest.approx(tail, rel=1e-4)
    assert parts.finest == pytest.approx(min(math.sqrt(np.linalg.eigvalsh(c)[0]) for c in parts.covariances))


# a curve of Gaussians


def along_the_roll(roll, process, t, x, y):
    """Density and velocity at one point by adaptive quadrature over the curve."""
    kernel = process.kernel(t)
    own = roll.blur**2 * np.eye(2)
    c = kernel.carry @ own @ kernel.carry.T + kernel.covariance
    inverse = np.linalg.inv(c)
    rate = (kernel.carry_rate @ own @ kernel.carry.T + kernel.spreading) @ inverse
    low, high = roll.theta

    def part(theta, which):
        place = np.array(roll.curve(theta))
        d = np.array([x, y]) - kernel.carry @ place
        density = np.exp(-0.5 * d @ inverse @ d) / (2.0 * np.pi * np.sqrt(np.linalg.det(c)) * (high - low))
        return density if which < 0 else density * (kernel.carry_rate @ place + rate @ d)[which]

    options = {"limit": 400, "epsabs": 1e-12, "epsrel": 1e-11, "points": np.linspace(low, high, 30)}
    total, *current = (quad(part, low, high, args=(which,), **options)[0] for which in (-1, 0, 1))
    return total, np.array(current) / total


@pytest.mark.parametrize("blur", [0.0, 0.1])
@pytest.mark.parametrize("name", ["cosine", "turning", "shearing"])
def test_swiss_roll_against_quadrature_along_the_curve(blur, name):
    roll, schedule = SwissRoll(blur=blur, centred=True), SCHEDULES[name]
    process = LinearProcess(roll, schedule)
    for part in (0.3, 0.7, 1.0):
        t = part * schedule.tau
        points = cloud(process, t, 4)
        flow = process.flow(t, *points)
        for i in range(4):
            density, velocity = along_the_roll(roll, process, t, *points[:, i])
            assert math.exp(flow.log_density[i]) == pytest.approx(density, rel=1e-8, abs=1e-11)
            np.testing.assert_allclose(flow.velocity[:, i], velocity, rtol=1e-7, atol=1e-7)


# labels


def affine(reference, t):
    """Psi with label = m_tau + Psi (x - m_t): Psi' = N Psi from t to tau."""
    tau = reference.tau
    flow = solve_ivp(
        lambda s, entries: (reference.state(s)[3] @ entries.reshape(2, 2)).ravel(),
        (t, tau),
        np.eye(2).ravel(),
        method="DOP853",
        rtol=1e-12,
        atol=1e-13,
    )
    return flow.y[:, -1].reshape(2, 2)


@every_schedule
def test_labels_of_a_normal_density_are_affine(schedule):
    process, reference = LinearProcess(TILTED, schedule), normal(TILTED, schedule)
    for part in (0.0, 0.5):
        t = part * schedule.tau
        mean, covariance = reference.state(t)[:2]
        points = mean[:, None] + np.linalg.cholesky(covariance) @ np.random.default_rng(2).normal(size=(2, 60))
        found = carried(lambda s, x, y: process.flow(s, x, y).velocity, t, schedule.tau, points)
        exact = reference.state(schedule.tau)[0][:, None] + affine(reference, t) @ (points - mean[:, None])
        np.testing.assert_allclose(found, exact, rtol=0.0, atol=2e-6)
        back = carried(lambda s, x, y: process.flow(s, x, y).velocity, schedule.tau, t, found)
        np.testing.assert_allclose(back, points, rtol=0.0, atol=2e-6)


@pytest.mark.parametrize("data", [PAIR, SwissRoll(blur=0.2)], ids=["mixture", "roll"])
def test_two_curves_with_the_same_ratio_of_noise_to_signal_have_the_same_labels(data):
    """Fact 5.1: x / m moves in sigma / m alone."""
    first, second = LinearProcess(data, fp.Cosine()), LinearProcess(data, fp.ConditionalOptimalTransport())
    ratio = 0.8
    t, s = 2.0 / np.pi * math.atan(ratio), ratio / (1.0 + ratio)
    points = cloud(first, t, 60) / math.cos(0.5 * np.pi * t)
    labels = []
    for process, time, signal in ((first, t, math.cos(0.5 * np.pi * t)), (second, s, 1.0 - s)):

        def velocity(u, x, y, process=process):
            return process.flow(u, x, y).velocity

        labels.append(carried(velocity, time, 1.0, signal * points, accuracy=1e-10))
    np.testing.assert_allclose(labels[0], labels[1], rtol=0.0, atol=1e-7)


def test_labels_carry_the_masses():
    """Late nodes' labels, with their weights, have the moments of P_tau."""
    grid = Grid.plane([-6.0, -6.0], [6.0, 6.0], (72, 72))
    for process in (LinearProcess(PAIR, fp.Cosine()), LinearProcess(PAIR, TURNING), *STIRRED.values()):
        nodes = process.nodes(0.8 * process.tau, grid)
        labels = process.labels(0.8 * process.tau, nodes)
        mean = labels @ nodes.weight
        apart = labels - mean[:, None]
        np.testing.assert_allclose(mean, process.final.mean, rtol=0.0, atol=1e-6)
        np.testing.assert_allclose((apart * nodes.weight) @ apart.T, process.final.covariance, rtol=0.0, atol=1e-5)
        # and that of any bounded function of them
        assert nodes.mean(np.cos(labels[0] + 0.5 * labels[1])) == pytest.approx(
            brute(
                lambda x, y, process=process: process.final.pdf(x, y) * np.cos(x + 0.5 * y),
                np.linspace(-8.0, 8.0, 33),
                np.linspace(-8.0, 8.0, 33),
            ).sum(),
            abs=1e-6,
        )


# nodes


@every_schedule
def test_nodes_stand_for_the_density(schedule):
    process = LinearProcess(PAIR, schedule)
    for t in (0.05 * schedule.tau, schedule.tau):
        density = process.density(t)
        (a, b), (c, d) = density.interval(1e-14)
        nodes = process.nodes(t, Grid.plane([a, c], [b, d], (40, 56)))
        assert nodes.mean(np.ones_like(nodes.x)) == pytest.approx(1.0, abs=1e-9)
        mean = np.array([nodes.mean(nodes.x), nodes.mean(nodes.y)])
        np.testing.assert_allclose(mean, density.mean, rtol=0.0, atol=1e-9)
        spread = [nodes.mean((nodes.x - mean[0]) ** 2), nodes.mean((nodes.x - mean[0]) * (nodes.y - mean[1]))]
        np.testing.assert_allclose(spread, density.covariance[0], rtol=0.0, atol=1e-8)


def test_a_lattice_divides_cells_that_are_too_wide_and_refuses_hopeless_ones():
    density = components(PlaneGaussian((0.0, 0.0), covariance=((0.05**2, 0.0), (0.0, 0.09))))
    grid = Grid.plane([-3.0, -3.0], [3.0, 3.0], (30, 30))
    x, y, spacing = lattice(density, grid)
    area = spacing[0] * spacing[1]
    assert np.sum(density.pdf(x, y)) * area == pytest.approx(1.0, abs=1e-9)
    assert area <= (0.05 / 1.5) ** 2
    with pytest.raises(fp.InputError) as error:
        lattice(components(PlaneGaussian((0.0, 0.0), std=0.005)), grid)
    assert error.value.key == "cells"


# a current that moves no mass


@pytest.mark.parametrize("process", STIRRED.values(), ids=STIRRED)
def test_the_current_has_no_divergence_and_leaves_the_densities(process):
    t, step = 0.4 * process.tau, 1e-3
    x, y = cloud(process, t, 50)

    def current(i, j):
        flow, base = (each.flow(t, x + i * step, y + j * step) for each in (process, process.base))
        np.testing.assert_array_equal(flow.log_density, base.log_density)
        return np.exp(flow.log_density) * (flow.velocity - base.velocity)

    along_x = (8.0 * (current(1, 0) - current(-1, 0)) - (current(2, 0) - current(-2, 0)))[0]
    along_y = (8.0 * (current(0, 1) - current(0, -1)) - (current(0, 2) - current(0, -2)))[1]
    size = np.max(np.abs(along_x)) / (12.0 * step)
    assert size > 0.1
    np.testing.assert_allclose((along_x + along_y) / (12.0 * step), 0.0, atol=1e-7 * size)
    assert process.density(t) is process.base.density(t)
    assert not process.conservative


@pytest.mark.parametrize("process", STIRRED.values(), ids=STIRRED)
def test_what_moves_is_the_base(process):
    grid = Grid.plane([-4.0, -4.0], [4.0, 4.0], (32, 32))
    nodes = process.nodes(0.4 * process.tau, grid)
    base = process.base.flow(0.4 * process.tau, nodes.x, nodes.y)
    np.testing.assert_allclose(process.moving(0.4 * process.tau, nodes), base.velocity, rtol=0.0, atol=1e-12)


def test_levels_of_a_centred_isotropic_density_turn_it_rigidly():
    base = LinearProcess(PlaneGaussian(std=0.5), fp.Cosine())
    process = Stirred(base, Levels(), 1.5)
    x, y = np.random.default_rng(1).normal(size=(2, 30))
    variance = base.density(0.3).covariance[0, 0]
    current = process.flow(0.3, x, y).velocity - base.flow(0.3, x, y).velocity
    np.testing.assert_allclose(current, 1.5 / variance * np.stack([y, -x]), rtol=1e-12, atol=1e-13)
