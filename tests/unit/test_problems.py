"""Every exact solution against something independent: its equation, conservation, limits, other formulas."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad, solve_bvp
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.special import gamma, iv

import fpsolve as fp
from fpsolve import problems
from fpsolve.densities import blur
from fpsolve.problems import walls, whole_line
from fpsolve.problems.panels import nodes_of, running
from fpsolve.settings import InputError

LINE = [name for name in problems.ALL if name not in problems.PLANE]
PLANE = sorted(problems.PLANE)
#: weights of the first and second difference of sixth order at -3 ... 3 steps
FIRST = np.array([-1, 9, -45, 0, 45, -9, 1]) / 60.0
SECOND = np.array([2, -27, 270, -490, 270, -27, 2]) / 180.0
STEPS = np.arange(-3, 4)


@functools.cache
def made(name):
    return problems.ALL[name]()


def instants(problem):
    """Two times inside, away from both ends."""
    begin, end = problem.times[0], problem.times[-1]
    return begin + (end - begin) * np.array([0.31, 0.73])


def at_faces(averages, h):
    """Value and slope of p at the edges that ten equal cells surround, from the primitive through eleven edges."""
    edges = np.arange(-5.0, 6.0)
    powers = np.vander(edges, 11, increasing=True)
    inverse = np.linalg.inv(powers)
    primitive = h * np.concatenate([np.zeros((averages.shape[0], 1)), np.cumsum(averages, axis=1)], axis=1)
    coefficients = (primitive - primitive[:, 5:6]) @ inverse.T
    return coefficients[:, 1] / h, 2.0 * coefficients[:, 2] / h**2


@pytest.mark.parametrize("name", LINE)
def test_a_line_solves_its_equation(name):
    problem = made(name)
    grid = problem.grid(300)
    h, edges = grid.widths[0], grid.faces[5:-5]
    for t in instants(problem)[: 1 if name == "tilted-ring" else 2]:  # whose exponentials take time
        dt = 2e-3 * (problem.times[-1] - problem.times[0])
        nearby = np.array([problem.exact(t + k * dt, grid) for k in STEPS])
        windows = np.lib.stride_tricks.sliding_window_view(nearby[3], 10)
        value, slope = at_faces(windows, h)
        (force,) = problem.problem.force.field((edges,), t)
        temperature = problem.problem.temperature_at(t, (edges,))
        current = force * value - temperature * slope
        change = (FIRST @ nearby)[5:-5] / dt
        size = np.max(np.abs(force * value)) + np.max(np.abs(temperature * slope))
        np.testing.assert_allclose(change, -np.diff(current) / h, atol=2e-6 * size / (h * 20))
        if name in problems.STATIONARY:
            np.testing.assert_allclose(current, problem.current, atol=1e-8 * size)


@pytest.mark.parametrize("name", PLANE)
def test_a_plane_solves_its_equation(name):
    problem = made(name)
    rng = np.random.default_rng(3)
    mobility = problem.problem.mobility_matrix
    for t in instants(problem):
        density = problem.density(t)
        spread = np.sqrt(np.diag(density.covariance))
        x, y = density.mean[:, None] + 1.5 * spread[:, None] * rng.uniform(-1, 1, (2, 40))
        temperature = problem.problem.temperature_at(t)
        h, dt = 0.03 * np.min(spread), 1e-3

        def flux(x, y, axis, t=t, density=density):
            field = problem.problem.force.field((x, y), t)
            return sum(mobility[axis, k] * field[k] for k in range(2)) * density.pdf(x, y)

        change = sum(w * problem.density(t + k * dt).pdf(x, y) for k, w in zip(STEPS, FIRST, strict=True) if w) / dt
        out = sum(w * (flux(x + k * h, y, 0) + flux(x, y + k * h, 1)) for k, w in zip(STEPS, FIRST, strict=True)) / h
        curved = sum(
            w * (mobility[0, 0] * density.pdf(x + k * h, y) + mobility[1, 1] * density.pdf(x, y + k * h))
            for k, w in zip(STEPS, SECOND, strict=True)
        )
        mixed = sum(
            v * w * density.pdf(x + j * h, y + k * h)
            for j, v in zip(STEPS, FIRST, strict=True)
            for k, w in zip(STEPS, FIRST, strict=True)
        )
        spreading = temperature * (curved + (mobility[0, 1] + mobility[1, 0]) * mixed) / h**2
        np.testing.assert_allclose(change, spreading - out, atol=1e-6 * np.max(np.abs(spreading)))


@pytest.mark.parametrize("name", list(problems.ALL))
def test_mass_is_conserved_and_cells_add_up(name):
    problem = made(name)
    grid = problem.grid(96 if name in problems.PLANE else 300)
    for t in problem.times:
        masses = problem.exact(t, grid) * grid.volumes
        gone = np.sum(problem.outflow(t)) if problem.outflow else 0.0
        assert np.sum(masses) + gone == pytest.approx(1.0, abs=2e-12)
        assert np.min(masses) > -1e-14
        coarse = grid.coarser()
        together = problem.exact(t, coarse) * coarse.volumes
        for axis in range(grid.dimension):
            masses = np.add.reduceat(masses, np.arange(0, masses.shape[axis], 2), axis=axis)
        np.testing.assert_allclose(masses, together, atol=1e-13 * np.max(together))
    start = problem.start.cell_averages(*(axis.edges for axis in grid.axes))
    exact = problem.exact(problem.times[0], grid)
    np.testing.assert_allclose(start, exact, atol=2e-11 * np.max(exact))


def test_the_names_and_their_marks():
    for name in problems.ALL:
        problem = made(name)
        assert problem.name == name
        assert problem.reference
        assert problem.bounded == (name in problems.BOUNDED)
        assert (problem.problem.dimension == 2) == (name in problems.PLANE)
        first, last = (problem.exact(problem.times[k], problem.grid(16)) for k in (0, -1))
        assert np.array_equal(first, last) == (name in problems.STATIONARY)


# the whole line


def test_a_trap_ends_in_equilibrium():
    problem = problems.ornstein_uhlenbeck(rate=2.0, temperature=0.6, end=20.0)
    assert problem.density(20.0).std == pytest.approx(np.sqrt(0.3), rel=1e-14)
    assert problem.density(20.0).mean == pytest.approx(0.0, abs=1e-14)


def test_a_mixture_is_the_sum_of_its_components():
    parts = [problems.ornstein_uhlenbeck(mean=m, std=s) for m, s in ((1.2, 0.25), (-0.8, 0.4))]
    grid = fp.Grid.line(-4, 4, 80)
    mixed = made("ornstein-uhlenbeck-mixture").exact(0.4, grid)
    np.testing.assert_allclose(mixed, 0.3 * parts[0].exact(0.4, grid) + 0.7 * parts[1].exact(0.4, grid), atol=1e-15)


@pytest.mark.parametrize("t", [1e-4, 0.01, 1.0])
def test_a_blurred_uniform_density(t):
    start = fp.Uniform(-1.0, 0.5)
    problem = problems.free_diffusion(temperature=0.5, drift=2.0, start=start)
    grid = fp.Grid.line(-5, 6, 500)
    # by quadrature of the blurred density
    other = blur(fp.Uniform(-1.0 + 2.0 * t, 0.5 + 2.0 * t), 1.0, t)
    np.testing.assert_allclose(problem.exact(t, grid), other.cell_averages(grid.faces), atol=1e-12)
    tails = whole_line.blurred_uniform(np.array([-9.0, -8.0, 8.0, 9.0]), fp.Uniform(-1.0, 1.0), 1.0)
    assert tails[0] == pytest.approx(tails[2], rel=1e-6)


def test_pure_advection():
    problem = problems.free_diffusion(temperature=0.0, drift=1.5)
    grid = fp.Grid.line(-4, 6, 100)
    np.testing.assert_allclose(problem.exact(1.0, grid), fp.Gaussian(1.5, 0.4).cell_averages(grid.faces), atol=1e-14)


def test_schedules_reach_their_noise():
    for name in ("cosine-mixture-to-the-end", "conditional-transport-mixture-to-the-end"):
        grid = fp.Grid.line(-6, 6, 60)
        np.testing.assert_allclose(made(name).exact(1.0, grid), fp.Gaussian().cell_averages(grid.faces), atol=1e-14)


# walls


@pytest.mark.parametrize(
    ("boundary", "signs"),
    [
        ("reflecting", (1, 1)),
        ("absorbing", (-1, -1)),
        (("reflecting", "absorbing"), (1, -1)),
        (("absorbing", "reflecting"), (-1, 1)),
    ],
)
@pytest.mark.parametrize("t", [0.0, 0.03, 2.0])
def test_eigenfunctions_are_images(boundary, signs, t):
    lower, upper, mean, std, temperature = -1.0, 2.0, -0.2, 0.09, 0.4
    problem = problems.box_diffusion(boundary, temperature, lower, upper, fp.Gaussian(mean, std))
    grid = problem.grid(64)
    length, spread = upper - lower, float(np.sqrt(std**2 + 2 * temperature * t))
    total = np.zeros(64)
    for n in range(-9, 10):
        turn = (signs[0] * signs[1]) ** abs(n)
        direct = fp.Gaussian(mean + 2 * n * length, spread).cell_averages(grid.faces)
        mirrored = fp.Gaussian(2 * lower - mean + 2 * n * length, spread).cell_averages(grid.faces)
        total += turn * (direct + signs[0] * mirrored)
    np.testing.assert_allclose(problem.exact(t, grid), total, atol=1e-13 * np.max(np.abs(total)) + 1e-15)


def test_given_eigenfunctions_decay_each_at_its_rate():
    problem = problems.box_diffusion("reflecting", 0.1, 0.0, 2.0, start=(1.0, 0.0, 0.5))
    grid = problem.grid(10)
    primitive = np.sin(np.pi * grid.faces) / np.pi
    expected = 0.5 + 0.25 * np.exp(-0.1 * np.pi**2 * 0.7) * np.diff(primitive) / 0.2
    np.testing.assert_allclose(problem.exact(0.7, grid), expected, atol=1e-15)
    with pytest.raises(InputError, match="negative"):
        problems.box_diffusion("reflecting", start=(1.0, 2.0))
    with pytest.raises(InputError, match="mass"):
        problems.box_diffusion("reflecting", start=(0.0, 1.0))


def test_a_path_leaves_through_either_end():
    late = made("box-absorbing").outflow(200.0)
    np.testing.assert_allclose(late, (0.65, 0.35), atol=1e-13)
    late = problems.box_diffusion(("reflecting", "absorbing")).outflow(900.0)
    np.testing.assert_allclose(late, (0.0, 1.0), atol=1e-13)


@pytest.mark.parametrize("start", [fp.Gaussian(0.2, 0.04), fp.Gaussian(0.9, 0.04)])
def test_a_start_must_be_clear_of_the_walls(start):
    with pytest.raises(InputError, match="narrower"):
        problems.box_diffusion(start=start)


def test_a_wrapped_normal_density():
    problem = problems.drifting_ring(drift=1.7, temperature=0.05, length=1.3, mean=0.6, std=0.06)
    grid = problem.grid(50)
    for t in (0.0, 0.2, 3.0):
        spread = float(np.sqrt(0.06**2 + 0.1 * t))
        wrapped = sum(fp.Gaussian(0.6 + 1.7 * t + 1.3 * n, spread).cell_averages(grid.faces) for n in range(-12, 12))
        np.testing.assert_allclose(problem.exact(t, grid), wrapped, atol=1e-13)


@pytest.mark.parametrize("name", ["absorbed-oscillator", "absorbed-drift"])
def test_the_density_vanishes_at_the_wall(name):
    problem = made(name)
    for t in problem.times:
        small = problem.exact(t, fp.Grid.from_edges([0.0, 1e-6, 3e-6, 5e-6]))
        assert abs(small[0] / max(small[2], 1e-12) - 0.125) < 1e-3 or np.max(small) < 1e-9


def test_mean_time_to_the_wall_from_the_survival():
    problem = problems.absorbed_drift(drift=-0.8, temperature=0.3, mean=1.2, std=0.12)
    survival = lambda t: 1.0 - problem.outflow(t)[0]  # noqa: E731
    assert quad(survival, 0.0, 60.0, epsabs=1e-11, limit=200)[0] == pytest.approx(1.2 / 0.8, abs=1e-9)


def test_a_path_that_drifts_away_may_never_arrive():
    late = problems.absorbed_drift(drift=0.5, temperature=0.3, mean=1.2, std=0.12).outflow(1e4)
    # the chance exp(-drift x / T) to arrive, averaged over the start
    assert late[0] == pytest.approx(np.exp(-2.0 + 0.5 * 0.2**2), rel=1e-12)


# the tilted ring


@pytest.mark.parametrize("temperature", [0.3, 0.15])  # by eigenvectors, and by the exponential
def test_a_ring_tends_to_stratonovichs_state(temperature):
    problem = problems.tilted_ring(tilt=0.8, amplitude=1.0, temperature=temperature, end=400.0)
    grid = problem.grid(90)
    np.testing.assert_allclose(problem.exact(400.0, grid), problem.stationary(grid), atol=1e-12)


@pytest.mark.parametrize(("tilt", "temperature"), [(0.6, 0.3), (-0.6, 0.3), (0.05, 0.05), (3.0, 0.1), (-0.3, 2.0)])
def test_the_current_is_the_same_everywhere(tilt, temperature):
    waves, current = problems.stationary_ring(tilt, 1.0, 3.0, temperature)
    x, h = np.linspace(0.0, 3.0, 31), 1e-3
    slope = sum(w * waves.values(x + k * h) for k, w in zip(STEPS, FIRST, strict=True)) / h
    force = tilt + np.sin(2 * np.pi * x / 3.0)
    values = waves.values(x)
    size = np.max(np.abs(force * values))
    np.testing.assert_allclose(force * values - temperature * slope, current, atol=1e-9 * size)
    assert waves.averages(np.array([0.0, 3.0]))[0] * 3.0 == pytest.approx(1.0, abs=1e-13)


def test_limits_of_the_current():
    for tilt in (0.7, -0.7):
        waves, current = problems.stationary_ring(tilt, 0.0, 2.0, 0.3)
        assert current == pytest.approx(tilt / 2.0, rel=1e-12)
        np.testing.assert_allclose(waves.values(np.linspace(0, 2, 7)), 0.5, rtol=1e-12)
    # no tilt: equilibrium; a small one: the mobility L / (int e^U/T int e^-U/T) of Lifson and Jackson
    waves, current = problems.stationary_ring(0.0, 1.0, 2 * np.pi, 0.4)
    assert current == 0.0
    x = np.linspace(0.0, 6.0, 9)
    np.testing.assert_allclose(waves.values(x), np.exp(-np.cos(x) / 0.4) / (2 * np.pi * iv(0, 2.5)), rtol=1e-12)
    _, current = problems.stationary_ring(1e-5, 1.0, 2 * np.pi, 0.4)
    assert current == pytest.approx(1e-5 / (2 * np.pi * iv(0, 2.5) ** 2), rel=1e-8)
    # cold, above the critical tilt: the deterministic rotation
    _, current = problems.stationary_ring(1.5, 1.0, 2 * np.pi, 0.01)
    assert current == pytest.approx(np.sqrt(1.25) / (2 * np.pi), rel=1e-3)
    # very cold, below it: no overflow, and a current that has vanished
    waves, current = problems.stationary_ring(0.1, 1.0, 2 * np.pi, 0.01)
    rate = np.sqrt(1.0 - 0.1**2) / (2 * np.pi)
    barrier = 2.0 * np.sqrt(1.0 - 0.1**2) - 0.2 * np.arccos(0.1)
    assert current == pytest.approx(rate * np.exp(-barrier / 0.01), rel=0.01)
    assert waves.averages(np.array([0.0, 2 * np.pi]))[0] * 2 * np.pi == pytest.approx(1.0, abs=1e-12)


# first passage


def test_free_first_passage_in_closed_form():
    flat = lambda x: 0.0 * x  # noqa: E731
    for x in (-0.9, 0.0, 0.3, 0.99):
        both = problems.mean_first_passage(flat, 0.4, x, -1.0, 1.0, "absorbing")
        assert both == pytest.approx((1.0 - x**2) / 0.8, rel=1e-13)
        one = problems.mean_first_passage(flat, 0.4, x, -1.0, 1.0)
        assert one == pytest.approx((4.0 - (x + 1.0) ** 2) / 0.8, rel=1e-13)
        other = problems.mean_first_passage(flat, 0.4, -x, -1.0, 1.0, ("absorbing", "reflecting"))
        assert other == pytest.approx(one, rel=1e-13)
    assert problems.mean_first_passage(flat, 0.4, 1.0, -1.0, 1.0) == 0.0
    assert problems.mean_first_passage(flat, 0.4, -1.0, -1.0, 1.0) == pytest.approx(5.0, rel=1e-13)


@pytest.mark.parametrize("boundary", [("reflecting", "absorbing"), ("absorbing", "reflecting"), "absorbing"])
def test_first_passage_solves_the_boundary_value_problem(boundary):
    force, temperature = fp.DoubleWell(0.8, 2.0, 0.15), 0.4
    ends = (boundary, boundary) if isinstance(boundary, str) else boundary

    def rate(x, tau):
        return np.stack([tau[1], -(1.0 + force.field((x,), 0.0)[0] * tau[1]) / temperature])

    def walls_of(low, high):
        return np.array([low[int(ends[0] == "reflecting")], high[int(ends[1] == "reflecting")]])

    x = np.linspace(-1.6, 1.4, 800)
    solved = solve_bvp(rate, walls_of, x, np.ones((2, x.size)), tol=1e-8, max_nodes=20_000)
    assert solved.success
    for start in (-1.0, 0.05, 1.2):
        found = problems.mean_first_passage(force, temperature, start, -1.6, 1.4, boundary)
        assert found == pytest.approx(solved.sol(start)[0], rel=1e-7)


def test_exit_probabilities_in_closed_form():
    chance = problems.exit_probability(lambda x: -0.7 * x, 0.3, 0.4, 0.0, 1.0)
    assert chance == pytest.approx(np.expm1(-0.7 * 0.4 / 0.3) / np.expm1(-0.7 / 0.3), rel=1e-13)
    assert problems.exit_probability(fp.DoubleWell(1.0, 2.0), 0.1, 0.0, -1.5, 1.5) == pytest.approx(0.5, rel=1e-13)


STIRRING = fp.NonconservativeForce(lambda x: 1.0 - x)


def test_kramers_rate_is_the_limit_of_low_temperature():
    force, ratios = fp.DoubleWell(1.0, 2.0), []
    for temperature in (0.2, 0.1, 0.05, 0.01):
        rate = problems.kramers_rate(force, temperature, -1.0, 0.0)
        assert rate == pytest.approx(np.sqrt(32.0) / (2 * np.pi) * np.exp(-1.0 / temperature), rel=1e-9)
        ratios.append(rate * problems.mean_first_passage(force, temperature, -1.0, -2.2, 1.0))
        both = problems.mean_first_passage(force, temperature, -1.0, -2.2, 1.0, "absorbing")
        assert both == pytest.approx(ratios[-1] / rate, rel=1e-6)
    distance = np.abs(np.array(ratios) - 1.0)
    assert np.all(np.diff(distance) < 0.0)
    assert distance[-1] < 0.01


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: problems.mean_first_passage(lambda x: x, 1.0, 2.0, 0.0, 1.0), "between"),
        (lambda: problems.mean_first_passage(lambda x: x, 1.0, 0.5, 0.0, 1.0, "reflecting"), "absorbing"),
        (lambda: problems.mean_first_passage(lambda x: x, 0.0, 0.5, 0.0, 1.0), "temperature"),
        (lambda: problems.mean_first_passage(fp.DoubleWell(1.0, 2.0), 1e-3, -1.0, -2.0, 1.0), "barrier"),
        (lambda: problems.stationary_ring(0.1, 1.0, 2 * np.pi, 1e-9), "above"),
        (lambda: problems.mean_first_passage(3.0, 1.0, 0.5, 0.0, 1.0), "function of x"),
        (lambda: problems.exit_probability(STIRRING, 1.0, 0.5, 0.0, 1.0), "none"),
        (lambda: problems.kramers_rate(fp.DoubleWell(1.0, 2.0), 0.1, 0.0, 1.0), "minimum"),
        (lambda: problems.boltzmann(STIRRING, 1.0), "potential"),
        (lambda: problems.boltzmann(fp.HarmonicTrap(-1.0), 1.0), "confine"),
        (lambda: problems.ornstein_uhlenbeck(rate=0.0), "free_diffusion"),
        (lambda: problems.cosine_mixture(fraction=1.5), "fraction"),
        (lambda: problems.tilted_ring(mean=0.1), "seam"),
        (lambda: problems.absorbed_oscillator(mean=0.5), "narrower"),
        (lambda: problems.box_diffusion("open"), "reflecting"),
    ],
)
def test_bad_parameters_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_running_integrals():
    edges = np.linspace(0.0, 2.0, 4)
    x, _ = nodes_of(edges)
    below, above = running(np.cos(x), edges)
    np.testing.assert_allclose(below, np.sin(x), atol=1e-14)
    np.testing.assert_allclose(above, np.sin(2.0) - np.sin(x), atol=1e-14)


# the plane


def test_rotation_is_a_linear_force():
    spiral = problems.rotation(rate=0.7, angular=2.0, temperature=0.3, mean=(1.0, 0.5), std=0.3)
    other = problems.anisotropic_linear(
        ((-0.7, -2.0), (2.0, -0.7)), (0.0, 0.0), temperature=0.3, mean=(1.0, 0.5), covariance=np.eye(2) * 0.09
    )
    for t in (0.0, 0.4, 1.0):
        np.testing.assert_allclose(spiral.density(t).mean, other.density(t).mean, atol=1e-12)
        np.testing.assert_allclose(spiral.density(t).covariance, other.density(t).covariance, atol=1e-12)
    free = problems.rotation(rate=0.0, temperature=0.3, std=0.3).density(1.0)
    assert free.std == pytest.approx(np.sqrt(0.69), rel=1e-14)


@pytest.mark.parametrize("mobility", [1.0, 0.5, ((1.0, 0.6), (0.2, 0.7))])
def test_a_constant_linear_force_by_matrix_functions(mobility):
    matrix, vector = np.array([[-1.0, -1.5], [0.7, -2.0]]), np.array([0.3, -0.2])
    problem = problems.anisotropic_linear(matrix, vector, mobility=mobility, temperature=0.4)
    carrier = mobility * np.eye(2) if np.ndim(mobility) == 0 else np.array(mobility)
    pull = carrier @ matrix
    rest = solve_continuous_lyapunov(pull, -0.4 * (carrier + carrier.T))
    middle = -np.linalg.solve(pull, carrier @ vector)
    mean, spread = np.array([0.8, -0.5]), np.array([[0.3, 0.1], [0.1, 0.2]])
    for t in (0.3, 1.0):
        turn = expm(pull * t)
        np.testing.assert_allclose(problem.density(t).mean, middle + turn @ (mean - middle), atol=1e-12)
        np.testing.assert_allclose(problem.density(t).covariance, rest + turn @ (spread - rest) @ turn.T, atol=1e-12)


# equilibria and local temperatures


def test_known_norms_of_equilibria():
    # int exp(-x^4 / 4T) = Gamma(1/4) (4T)^(1/4) / 2
    quartic = problems.quartic_well(a=1.0, b=0.0, temperature=0.5)
    assert quartic.start.pdf(np.zeros(1))[0] == pytest.approx(2.0 / (gamma(0.25) * 2.0**0.25), rel=1e-12)
    # int exp(-B (x² - 1)² / T) = (pi / 2) exp(-z) (I_-1/4(z) + I_1/4(z)), z = B / 2T
    well, z = problems.double_well(barrier=0.6, separation=2.0, temperature=0.3), 1.0
    norm = 0.5 * np.pi * np.exp(-z) * (iv(-0.25, z) + iv(0.25, z))
    assert well.start.pdf(np.ones(1))[0] == pytest.approx(1.0 / norm, rel=1e-12)
    grid = fp.Grid.line(-3.0, 3.0, 6)
    energy = lambda x: np.exp(-2.0 * (x * x - 1.0) ** 2) / norm  # noqa: E731
    expected = [quad(energy, a, a + 1.0, epsabs=1e-14)[0] for a in grid.faces[:-1]]
    np.testing.assert_allclose(well.exact(0.0, grid), expected, atol=1e-13)


def test_a_cold_well_and_given_ends():
    cold = problems.double_well(barrier=1.0, temperature=0.002)
    assert cold.start.mean == pytest.approx(0.0, abs=1e-12)
    half = problems.boltzmann(fp.HarmonicTrap(4.0, centre=30.0), 0.1, lower=25.0, upper=35.0)
    assert half.start.mean == pytest.approx(30.0, rel=1e-13)
    assert half.start.variance == pytest.approx(0.025, rel=1e-10)


def test_a_geometric_mean_grows_at_the_ito_rate():
    problem = problems.geometric_brownian(growth=-0.1, noise=0.04, mean=0.0, std=0.15)
    grid = problem.grid(4000)
    means = [np.sum(problem.exact(t, grid) * grid.widths * grid.centres) for t in (0.0, 1.0)]
    assert means[0] == pytest.approx(np.exp(0.5 * 0.15**2), rel=1e-10)
    assert np.log(means[1] / means[0]) == pytest.approx(-0.1 + 2 * 0.04, abs=1e-9)


# errors of a Dataset


def stored(problem, grid, shift=0.0, when="time"):
    values = np.array([problem.exact(t, grid) + shift for t in problem.times])
    axes = dict(zip("xy", grid.axes, strict=False))
    faces = {f"{name}_face": axis.edges for name, axis in axes.items()}
    return xr.Dataset({"density": ((when, *axes), values)}, {when: problem.times} | faces)


@pytest.mark.parametrize("when", ["time", "snapshot"])
def test_the_error_of_a_dataset(when):
    problem = made("box-reflecting")
    exact = stored(problem, problem.grid(20), when=when)
    np.testing.assert_allclose(problem.error(exact), 0.0, atol=1e-15)
    np.testing.assert_allclose(problem.error(stored(problem, problem.grid(20), 1e-3, when)), 1e-3, rtol=1e-9)


def test_mass_beyond_the_grid_is_an_error():
    problem = made("ornstein-uhlenbeck")
    error = problem.error(stored(problem, fp.Grid.line(-1.0, 1.5, 20)))
    assert error[0] == pytest.approx(0.5, abs=1e-12)
    plane = made("rotation")
    np.testing.assert_allclose(plane.error(stored(plane, plane.grid(24))), 0.0, atol=2e-12)


def test_a_window_needs_a_density():
    problem = problems.ExactProblem("bare", made("rotation").problem, None, np.array([0.0, 1.0]), lambda t, grid: None)
    with pytest.raises(InputError, match="give a grid"):
        problem.grid(10)
    assert made("drifting-ring").window(0.1) is made("drifting-ring").problem.domain
    assert walls.absorbed_drift().grid(10).axis.ends == ("absorbing", "reflecting")


# the engine, as it comes

#: cells along each axis, where the default would take long
FEW = dict.fromkeys(PLANE, 108) | {"rotation": 160}


@pytest.mark.parametrize("name", problems.ALL)
def test_solve_reaches_the_exact_solution(name):
    problem = made(name)
    grid = problem.grid(FEW[name]) if name in FEW else None
    solution = fp.solve(problem.problem, problem.start, problem.times, grid=grid)
    error, bar = problem.error(solution), solution["density_error"].values
    print(f"{name}: {error.max():.2e} (bar {bar.max():.2e}), {solution.attrs['flux']}, {solution.attrs['cells']}")
    assert np.max(error) < 1e-4
    assert np.all(error <= bar + 1e-12)
    if problem.outflow is not None:
        exact = np.array([problem.outflow(t) for t in problem.times])
        np.testing.assert_allclose(solution["outflow_end"].values, exact, atol=1e-4)
