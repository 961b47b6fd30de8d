"""The operator itself, against closed forms, quadratures and linear algebra in many digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy.integrate import cumulative_simpson, quad
from scipy.linalg import expm

import fpsolve as fp
from fpsolve.fluxes import WENO5, Central, ChangCooper, FourthOrder, ScharfetterGummel, Upwind
from fpsolve.generator.jumps import jumps_of
from fpsolve.settings import InputError

WELL = fp.Quartic(1.0, 1.0)


def on_line(force, temperature, lower, upper, cells, boundary="reflecting", flux=None, mobility=1.0):
    return fp.operator(fp.FokkerPlanck(force, temperature, mobility), fp.Grid.line(lower, upper, cells, boundary), flux)


def free(temperature, lower, upper, cells, boundary="reflecting", drift=0.0):
    return on_line(fp.LinearForce(0.0, drift), temperature, lower, upper, cells, boundary)


def in_plane(matrix, cells, temperature=0.5, reach=4.0):
    grid = fp.Grid.plane((-reach, -reach), (reach, reach), (cells, cells))
    return fp.operator(fp.FokkerPlanck(fp.LinearForce(matrix), temperature), grid)


def tilted_ring(cells, tilt=0.5, amplitude=1.0, temperature=0.1):
    return on_line(fp.TiltedRing(tilt, amplitude, 1.0), temperature, 0.0, 1.0, cells, "periodic")


def assert_order(errors, order, finest):
    """Errors on grids each twice as fine fall at the order, to below the cap."""
    seen = np.log2(np.asarray(errors[:-1]) / errors[1:])
    assert np.all(np.abs(seen - order) < 0.15), seen
    assert errors[-1] < finest


CASES = {
    "line": lambda: on_line(WELL, 0.2, -2.0, 2.0, 40),
    "absorbing": lambda: on_line(WELL, 0.2, -2.0, 2.0, 40, ("reflecting", "absorbing")),
    "ring": lambda: tilted_ring(30),
    "temperature": lambda: on_line(WELL, lambda x, t: 0.2 + 0.1 * x**2, -2.0, 2.0, 40),
    "plane": lambda: in_plane([[-1.0, -2.0], [2.0, -1.0]], 12),
    "stretched": lambda: fp.operator(fp.FokkerPlanck(WELL, 0.2, 2.0), fp.Grid.stretched(-2.0, 3.0, 40)),
    "fourth order": lambda: on_line(WELL, 0.2, -2.0, 2.0, 40, flux=FourthOrder()),
    "fourth order, plane": lambda: fp.operator(
        fp.FokkerPlanck(fp.LinearForce([[-1.0, 0.5], [0.0, -1.0]]), 0.5),
        fp.Grid.plane((-3, -3), (3, 3), (12, 12)),
        FourthOrder(),
    ),
}


# --- the matrix


@pytest.mark.parametrize("name", CASES)
def test_the_adjoint_is_the_adjoint(name):
    generator = CASES[name]()
    rng = np.random.default_rng(1)
    m, g = rng.random(generator.grid.cells), rng.random(generator.grid.cells)
    assert generator.matrix.format == generator.adjoint.format == "csr"
    assert g @ (generator.matrix @ m) == pytest.approx((generator.adjoint @ g) @ m, rel=1e-12)
    largest = np.max(np.abs(generator.matrix.data))
    if generator.closed:
        np.testing.assert_allclose(generator.adjoint @ np.ones_like(m), 0.0, atol=1e-13 * largest)
    else:
        lost = np.zeros_like(m)
        lost[-1] = generator._operator.ends(np.eye(m.size)[-1])[1]
        np.testing.assert_allclose(generator.adjoint @ np.ones_like(m), -lost, atol=1e-13 * largest)


@pytest.mark.parametrize("name", [name for name in CASES if name != "absorbing"])
def test_the_stationary_state_stands_still(name):
    generator = CASES[name]()
    density = generator.stationary()
    assert np.sum(density * generator.grid.volumes) == pytest.approx(1.0, abs=1e-14)
    rates = generator.matrix @ (density * generator.grid.volumes).ravel()
    assert np.max(np.abs(rates)) < 1e-13 * np.max(np.abs(generator.matrix.data)) * np.max(density)


@pytest.mark.parametrize("name", ["line", "temperature", "stretched"])
def test_a_line_is_in_detailed_balance(name):
    generator = CASES[name]()
    flow = generator.matrix.toarray() * (generator.stationary() * generator.grid.volumes)[None, :]
    np.testing.assert_allclose(flow, flow.T, rtol=1e-12, atol=0.0)
    assert np.all(generator.current()[0] == 0.0)


# --- stationary states


@pytest.mark.parametrize("flux", [ScharfetterGummel(), ChangCooper()])
def test_boltzmann_weights_far_out(flux):
    generator = on_line(fp.HarmonicTrap(1.0), 0.05, -6.8, 4.0, 400, flux=flux)
    density = generator.stationary()
    energy = 0.5 * generator.grid.centres**2 / 0.05
    weights = np.exp(-energy)
    assert weights[0] < 1e-198
    # the rounding of U/T = 460 alone is 5e-14
    np.testing.assert_allclose(density, weights / np.sum(weights * generator.grid.widths), rtol=5e-13)


def test_two_wells_with_nothing_in_double_precision_between_them():
    generator = on_line(fp.DoubleWell(1.0, 2.0, 0.001), 1e-3, -1.6, 1.6, 2000)
    density = generator.stationary()
    right = density[generator.grid.centres > 0.0]
    assert np.min(density) == 0.0
    # the tilt favours the right well by exp(2 tilt / T) = e^2, the slopes change that by O(tilt)
    assert np.sum(right) / np.sum(density) == pytest.approx(1.0 / (1.0 + np.exp(-2.0)), rel=1e-3)


def test_boltzmann_weights_in_the_plane():
    def energy(x, y):
        return x**2 + 0.5 * y**2 + 0.3 * x * y + 0.1 * x**4

    grid = fp.Grid.plane((-4.0, -5.0), (4.0, 4.0), (30, 40))
    generator = fp.operator(fp.FokkerPlanck(fp.PotentialForce(energy, 2), 0.1), grid)
    x, y = np.meshgrid(grid.axes[0].centres, grid.axes[1].centres, indexing="ij")
    weights = np.exp(-energy(x, y) / 0.1)
    density = generator.stationary()
    assert np.min(density) < 1e-180
    np.testing.assert_allclose(density / np.max(density), weights / np.max(weights), rtol=1e-11)
    assert all(np.all(current == 0.0) for current in generator.current())


def rates_of(generator):
    """Forward and backward rates of a line."""
    jumps = jumps_of(generator._operator)
    return jumps.forward[0], jumps.backward[0]


def many_digits(generator, system):
    """The solution of a linear system made of the rates of a jump process, in 60 digits."""
    mpmath.mp.dps = 60
    forward, backward = rates_of(generator)
    n, ring = generator.grid.cells, generator.grid.axis.periodic
    matrix = mpmath.zeros(n)
    for i in range(n):
        for rate, j in ((forward[i + 1], i + 1), (backward[i], i - 1)):
            matrix[i, i] -= mpmath.mpf(rate)
            if ring or 0 <= j < n:
                matrix[j % n, i] += mpmath.mpf(rate)
    return mpmath.lu_solve(*system(matrix, n))


@pytest.mark.parametrize(("tilt", "temperature"), [(0.5, 0.1), (-0.5, 0.01), (0.02, 0.003), (2.0, 0.0007)])
def test_a_ring_with_a_current_is_accurate_to_rounding(tilt, temperature):
    generator = tilted_ring(24, tilt, 1.0, temperature)

    def normalised(matrix, n):
        for j in range(n):
            matrix[0, j] = 1
        return matrix, mpmath.matrix([1] + [0] * (n - 1))

    exact = many_digits(generator, normalised)
    masses = generator.stationary() * generator.grid.widths
    np.testing.assert_allclose(masses, [float(value) for value in exact], rtol=1e-13)
    forward, backward = rates_of(generator)
    current = mpmath.mpf(forward[1]) * exact[0] - mpmath.mpf(backward[1]) * exact[1]
    np.testing.assert_allclose(generator.current()[0], float(current), rtol=1e-12)


def test_a_ring_with_a_wall():
    masses = tilted_ring(400, 0.5, 20.0, 0.01).stationary()
    assert 0.0 < np.min(masses) < 1e-250
    with pytest.raises(InputError, match="700 T"):
        tilted_ring(400, 0.5, 60.0, 0.01).stationary()


def stratonovich(tilt, amplitude, temperature, period=1.0):
    """The current around a ring: T (1 - exp(-F L/T)) / double integral of exp((V(y) - V(x))/T)."""
    nodes, weights = np.polynomial.legendre.leggauss(80)
    x = np.arange(400)[:, None] * period / 400
    y = x + 0.5 * period * (nodes + 1.0)

    def potential(s):
        return -tilt * s + amplitude * period / (2.0 * np.pi) * np.cos(2.0 * np.pi * s / period)

    inner = np.exp((potential(y) - potential(x)) / temperature) @ weights * 0.5 * period
    return temperature * -np.expm1(-tilt * period / temperature) / (np.mean(inner) * period)


def test_the_current_around_a_ring():
    exact = stratonovich(0.5, 1.0, 0.1)
    assert_order([abs(tilted_ring(n).current()[0][0] - exact) for n in (40, 80, 160, 320)], 2.0, 1e-5)
    assert tilted_ring(80, -0.5).current()[0][0] == pytest.approx(-tilted_ring(80).current()[0][0], rel=1e-12)
    assert np.all(tilted_ring(80, 0.0).current()[0] == 0.0)
    # so small a drive that the one-way currents agree in all their digits
    small = tilted_ring(320, 1e-14).current()[0]
    assert np.ptp(small) == 0.0
    assert small[0] == pytest.approx(1e-6 * tilted_ring(320, 1e-8).current()[0][0], rel=0.05)


def test_a_rotation_carries_a_current_and_keeps_its_gaussian():
    errors = []
    for n in (28, 56, 112):
        generator = in_plane([[-1.0, -2.0], [2.0, -1.0]], n)
        grid, density = generator.grid, generator.stationary()
        r2 = grid.axes[0].centres[:, None] ** 2 + grid.axes[1].centres[None, :] ** 2
        errors.append(np.max(np.abs(density - np.exp(-r2) / np.pi)))
    assert_order(errors, 2.0, 4e-3)
    along_x, along_y = generator.current()
    # J = g (-y, x) P: through the positive x axis all of it flows upwards
    upward = np.sum(along_y[n // 2 :, n // 2])
    assert upward == pytest.approx(quad(lambda x: 2.0 * x * np.exp(-(x**2)) / np.pi, 0.0, 4.0)[0], rel=1e-2)
    assert np.max(np.abs(np.diff(along_x, axis=0) + np.diff(along_y, axis=1))) < 1e-13


def test_a_temperature_that_depends_on_x():
    # J = f P - T P' = 0: P is exp(integral f/T) = (1 + x²/4)^-2
    errors, whole = [], quad(lambda x: (1.0 + 0.25 * x**2) ** -2, -6, 6)[0]
    for n in (40, 80, 160):
        generator = on_line(fp.HarmonicTrap(1.0), lambda x, t: 1.0 + 0.25 * x**2, -6.0, 6.0, n)
        exact = (1.0 + 0.25 * generator.grid.centres**2) ** -2 / whole
        errors.append(np.max(np.abs(generator.stationary() - exact)))
    assert_order(errors, 2.0, 1e-3)


def test_without_noise():
    still = on_line(fp.HarmonicTrap(1.0), 0.0, -1.0, 1.0, 41).stationary()
    assert np.flatnonzero(still > 1e-9).tolist() == [20]
    with pytest.raises(InputError, match="not unique"):
        on_line(WELL, 0.0, -2.0, 2.0, 41).stationary()
    with pytest.raises(InputError, match=r"nothing moves|not unique"):
        free(0.0, 0.0, 1.0, 10, "periodic").stationary()
    with pytest.raises(InputError, match="ever reached"):
        on_line(WELL, 0.0, -2.0, 2.0, 41).mean_first_passage(lambda x: x > 0.5)


# --- relaxation


@pytest.mark.parametrize("boundary", ["reflecting", "absorbing", ("absorbing", "reflecting")])
def test_a_box(boundary):
    temperature, n, count = 0.3, 50, 50
    rates = free(temperature, 0.0, 2.0, n, boundary).relaxation(count).rates
    k = np.arange(count) + {"reflecting": 0.0, "absorbing": 1.0}.get(boundary, 0.5)
    exact_on_grid = 4.0 * temperature * (n / 2.0) ** 2 * np.sin(0.5 * np.pi * k / n) ** 2
    np.testing.assert_allclose(rates, exact_on_grid, rtol=2e-13)
    np.testing.assert_allclose(rates[:4], temperature * (np.pi * k[:4] / 2.0) ** 2, rtol=6e-3)


@pytest.mark.parametrize("mobility", [1.0, 2.5])
def test_ornstein_uhlenbeck(mobility):
    errors, shapes = [], []
    for n in (50, 100, 200):
        generator = on_line(fp.HarmonicTrap(2.0), 0.5, -4.0, 4.0, n, mobility=mobility)
        found, grid = generator.relaxation(5), generator.grid
        errors.append(np.max(np.abs(found.rates - 2.0 * mobility * np.arange(5))))
        z, inside = grid.centres / 0.5, np.abs(grid.centres) < 1.5
        hermite = (z**3 - 3.0 * z) / np.sqrt(6.0)
        shapes.append(np.max(np.abs(found.observables[3] - hermite)[inside]))
        np.testing.assert_allclose((found.modes * grid.widths) @ found.observables.T, np.eye(5), atol=1e-12)
        np.testing.assert_allclose(found.modes[3], found.observables[3] * generator.stationary(), rtol=1e-12)
    assert_order(errors, 2.0, 0.03 * mobility)
    assert_order(shapes, 4.0, 1e-5)  # for a trap the observables are better than the rates


def test_ornstein_uhlenbeck_to_fourth_order():
    errors = []
    for n in (80, 160):
        found = on_line(fp.HarmonicTrap(2.0), 0.5, -4.0, 4.0, n, flux=FourthOrder()).relaxation(5)
        assert np.max(np.abs(found.rates.imag)) < 1e-9
        errors.append(np.max(np.abs(found.rates - 2.0 * np.arange(5))))
    assert_order(errors, 4.0, 1e-8)


@pytest.mark.parametrize("cells", [100, 420])
def test_a_ring_with_drift(cells):
    found = free(0.1, 0.0, 1.0, cells, "periodic", drift=1.5).relaxation(5)
    k = 2.0 * np.pi
    expected = [0.0, 0.1 * k**2 + 1.5j * k, 0.1 * k**2 - 1.5j * k, 0.4 * k**2 + 3j * k, 0.4 * k**2 - 3j * k]
    np.testing.assert_allclose(found.rates, expected, rtol=60.0 / cells**2)


@pytest.mark.parametrize("cells", [14, 60])
def test_a_rotation_in_the_plane(cells):
    """Rates k n + i g m with m = n, n - 2, ..., -n, from a dense and from a sparse computation."""
    generator = in_plane([[-1.0, -0.5], [0.5, -1.0]], cells, reach=3.5)
    found = generator.relaxation(6)
    np.testing.assert_allclose(found.rates, [0, 1 + 0.5j, 1 - 0.5j, 2, 2 + 1j, 2 - 1j], atol=60.0 / cells**2)
    modes, observables = (part.reshape(6, -1) for part in (found.modes, found.observables))
    np.testing.assert_allclose((modes * generator.grid.volumes.ravel()) @ observables.T, np.eye(6), atol=1e-9)
    rest = generator.adjoint @ observables.T + observables.T * found.rates
    weights = (generator.stationary() * generator.grid.volumes).ravel()
    assert np.max(weights @ np.abs(rest)) < 1e-9


def test_a_plane_with_a_potential_has_real_rates():
    found = in_plane([[-1.0, 0.0], [0.0, -1.5]], 60).relaxation(5)
    assert found.rates.dtype == float
    np.testing.assert_allclose(found.rates, [0.0, 1.0, 1.5, 2.0, 2.5], atol=0.03)
    found = in_plane([[-1.0, 0.0], [0.0, -1.5]], 16).relaxation(5)  # dense
    np.testing.assert_allclose(found.rates, [0.0, 1.0, 1.5, 2.0, 2.5], atol=0.4)


def test_a_tiny_rate_has_all_its_digits():
    generator = on_line(fp.DoubleWell(1.0, 2.0, 0.01), 0.02, -1.4, 1.4, 30)
    rates = generator.relaxation(2).rates
    assert rates[1] < 1e-18

    def characteristic(rate):
        forward, backward = rates_of(generator)
        last, value = mpmath.mpf(0), mpmath.mpf(1)
        for i in range(30):
            coupling = mpmath.mpf(forward[i]) * mpmath.mpf(backward[i]) if i else 0
            last, value = value, (mpmath.mpf(forward[i + 1]) + mpmath.mpf(backward[i]) - rate) * value - coupling * last
        return value / rate

    mpmath.mp.dps = 60
    exact = mpmath.findroot(characteristic, (rates[1] * 0.99, rates[1] * 1.01))
    assert rates[1] == pytest.approx(float(exact), rel=1e-13)
    # the slow observable says which well one is in
    slow = generator.relaxation(2).observables[1]
    assert np.std(slow[:10]) < 1e-10 * abs(slow[0])
    assert np.std(slow[-10:]) < 1e-10 * abs(slow[-1])


# --- first passage


def test_free_diffusion_leaves_a_box():
    errors = []
    for n in (20, 40, 80):
        generator = free(0.4, -1.0, 1.0, n, "absorbing")
        errors.append(np.max(np.abs(generator.mean_first_passage() - (1.0 - generator.grid.centres**2) / 0.8)))
    assert_order(errors, 2.0, 3e-4)


def test_the_second_well_is_reached():
    """Mean times over a barrier by quadrature: second order in h, and what Richardson makes of it."""
    temperature = 0.08

    def weight(x):
        return np.exp(-(0.25 * x**4 - 0.5 * x**2) / temperature)

    exact = quad(lambda y: quad(weight, -2.4, y, epsabs=0)[0] / weight(y), -1.22, 0.6, epsrel=1e-11)[0] / temperature
    values = []
    for n in (75, 225, 675):  # the centre of a cell stays at -1.22, an end at 0.6
        generator = on_line(WELL, temperature, -2.4, 0.6, n, ("reflecting", "absorbing"))
        start = int(np.argmin(np.abs(generator.grid.centres + 1.22)))
        assert generator.grid.centres[start] == pytest.approx(-1.22)
        values.append(generator.mean_first_passage()[start])
    errors = np.abs(np.array(values) - exact) / exact
    assert np.all(np.abs(np.log(errors[:-1] / errors[1:]) / np.log(3.0) - 2.0) < 0.1)
    assert errors[-1] < 1e-4
    assert abs((9.0 * values[2] - values[1]) / 8.0 - exact) < 1e-6 * exact


def test_a_target_is_reached_as_an_end_is():
    inside = on_line(WELL, 0.1, -2.0, 2.0, 80).mean_first_passage(lambda x: x > 0.5)
    mask = np.linspace(-1.975, 1.975, 80) > 0.5
    np.testing.assert_array_equal(inside, on_line(WELL, 0.1, -2.0, 2.0, 80).mean_first_passage(mask))
    assert np.all(inside[mask] == 0.0)
    assert np.all(np.diff(inside[~mask]) < 0.0)
    # the target's first centre is the end of this grid
    grid = fp.Grid.from_edges([*np.linspace(-2.0, 0.5, 51), 0.525], ("reflecting", "absorbing"))
    outside = fp.operator(fp.FokkerPlanck(WELL, 0.1), grid).mean_first_passage()
    np.testing.assert_allclose(inside[:40], outside[:40], rtol=2e-2)


def test_mean_times_are_accurate_to_rounding():
    generator = on_line(fp.DoubleWell(1.0, 2.0), 0.02, -1.5, 1.0, 24, ("reflecting", "absorbing"))
    tau = generator.mean_first_passage()
    assert tau[0] > 1e20
    exact = many_digits(generator, lambda matrix, n: (matrix.T, mpmath.matrix([-1] * n)))
    np.testing.assert_allclose(tau, [float(value) for value in exact], rtol=1e-13)


def test_the_slowest_rate_is_that_of_kramers():
    """Three ways: eigenvalue, mean time to the barrier, Kramers' formula (relative error of order T)."""
    temperature = 0.01
    generator = on_line(WELL, temperature, -2.0, 2.0, 1001)
    slowest = generator.relaxation(2).rates[1]
    start = int(np.argmin(np.abs(generator.grid.centres + 1.0)))
    assert slowest == pytest.approx(1.0 / generator.mean_first_passage(lambda x: x > -1e-9)[start], rel=1e-8)
    kramers = np.sqrt(2.0) / np.pi * np.exp(-0.25 / temperature)
    assert slowest == pytest.approx(kramers, rel=5.0 * temperature)


def test_a_target_on_a_ring():
    # without drift: x (1 - x) / (2 T) on both sides of one cell
    generator = free(0.2, 0.0, 1.0, 101, "periodic")
    tau = generator.mean_first_passage(np.arange(101) == 40)
    distance = (np.arange(101) - 40) % 101 / 101.0
    np.testing.assert_allclose(tau, distance * (1.0 - distance) / 0.4, atol=1e-12)


def test_mean_times_where_the_temperature_changes():
    # (T e^phi tau')' = -e^phi with phi = integral f/T; reflecting at 0, absorbing at 1
    def temperature(x, t):
        return 0.2 + 0.3 * x

    fine = np.linspace(0.0, 1.0, 4001)
    phi = cumulative_simpson(1.5 / temperature(fine, 0.0), x=fine, initial=0.0)
    slope = cumulative_simpson(np.exp(phi), x=fine, initial=0.0) / (np.exp(phi) * temperature(fine, 0.0))
    rest = cumulative_simpson(slope, x=fine, initial=0.0)
    errors = []
    for n in (20, 40, 80):
        generator = on_line(fp.LinearForce(0.0, 1.5), temperature, 0.0, 1.0, n, ("reflecting", "absorbing"))
        exact = np.interp(generator.grid.centres, fine, rest[-1] - rest)
        errors.append(np.max(np.abs(generator.mean_first_passage() - exact)))
    assert_order(errors, 2.0, 2e-4)


@pytest.mark.parametrize("drift", [-0.7, 0.0, 2.0])
def test_through_which_end(drift):
    """Constant drift: the scale function's exponential is exact for this flux, at any width of the cells."""
    generator = free(0.3, -1.0, 2.0, 25, "absorbing", drift)
    found = generator.exit_probabilities()
    x = generator.grid.centres + 1.0
    upper = x / 3.0 if drift == 0.0 else np.expm1(-drift * x / 0.3) / np.expm1(-drift * 3.0 / 0.3)
    np.testing.assert_allclose(found["upper"], upper, rtol=1e-12)
    np.testing.assert_allclose(found["lower"] + found["upper"], 1.0, rtol=1e-13)


def test_splitting_over_a_barrier():
    def scale(a, b):
        return quad(lambda x: np.exp((0.25 * x**4 - 0.5 * x**2) / 0.1), a, b, epsabs=0)[0]

    errors = []
    for n in (117, 351, 1053):
        generator = on_line(WELL, 0.1, -1.0, 1.6, n, "absorbing")
        place = n // 2
        exact = scale(-1.0, generator.grid.centres[place]) / scale(-1.0, 1.6)
        errors.append(abs(generator.exit_probabilities()["upper"][place] - exact))
    assert errors[1] < errors[0] / 8.0 and errors[2] < errors[1] / 8.0 and errors[2] < 1e-5


def test_one_open_end_lets_everything_out():
    found = on_line(WELL, 0.1, -2.0, 2.0, 40, ("absorbing", "reflecting")).exit_probabilities()
    assert list(found) == ["lower"]
    np.testing.assert_allclose(found["lower"], 1.0, rtol=1e-13)


def test_leaving_to_fourth_order():
    generator = free(0.4, -1.0, 1.0, 40, "absorbing")
    wide = fp.operator(generator.problem, generator.grid, FourthOrder())
    np.testing.assert_allclose(sum(wide.exit_probabilities().values()), 1.0, rtol=1e-10)
    # the adjoint of a wide flux is of its order in the mean over a density, not cell by cell
    masses = fp.Gaussian(0.2, 0.1).cell_masses(wide.grid.faces)
    exact = (1.0 - 0.2**2 - 0.1**2) / 0.8
    assert wide.mean_first_passage() @ masses == pytest.approx(exact, rel=1e-9)
    assert generator.mean_first_passage() @ masses == pytest.approx(exact, rel=1e-3)


def test_leaving_a_strip_is_leaving_a_line():
    line = free(0.3, -1.0, 2.0, 24, "absorbing", 0.5)
    grid = fp.Grid.plane((-1.0, 0.0), (2.0, 1.0), (24, 6), ("absorbing", "reflecting"))
    plane = fp.operator(fp.FokkerPlanck(fp.LinearForce(np.zeros((2, 2)), (0.5, 0.0)), 0.3), grid)
    np.testing.assert_allclose(plane.mean_first_passage(), np.tile(line.mean_first_passage()[:, None], 6), rtol=1e-11)
    found = plane.exit_probabilities()
    assert list(found) == ["x_lower", "x_upper"]
    np.testing.assert_allclose(found["x_upper"][:, 3], line.exit_probabilities()["upper"], rtol=1e-11)
    near = plane.mean_first_passage(lambda x, y: x > 1.0)
    np.testing.assert_allclose(near[:, 2], line.mean_first_passage(lambda x: x > 1.0), rtol=1e-11)


def test_leaving_a_square_by_four_ends():
    grid = fp.Grid.plane((0.0, 0.0), (1.0, 1.0), (15, 15), "absorbing")
    found = fp.operator(fp.FokkerPlanck(fp.LinearForce(np.zeros((2, 2))), 1.0), grid).exit_probabilities()
    assert list(found) == ["x_lower", "x_upper", "y_lower", "y_upper"]
    np.testing.assert_allclose([q[7, 7] for q in found.values()], 0.25, rtol=1e-12)


# --- correlations


@pytest.mark.parametrize("flux", [ScharfetterGummel(), FourthOrder()])
def test_correlations_of_ornstein_uhlenbeck(flux):
    times = np.array([0.4, 0.0, 1.0])
    generator = on_line(fp.HarmonicTrap(2.0), 0.5, -3.0, 3.0, 100, flux=flux)
    found = generator.correlation(lambda x: x, lambda x: x + 7.0, times)
    np.testing.assert_allclose(found, 0.25 * np.exp(-2.0 * times), atol=1e-3)


def test_correlations_of_a_rotation_have_a_sense():
    times = np.linspace(0.0, 2.0, 5)
    generator = in_plane([[-1.0, -2.0], [2.0, -1.0]], 40)
    turned = generator.correlation(lambda x, y: x, lambda x, y: y, times)
    np.testing.assert_allclose(turned, 0.5 * np.exp(-times) * np.sin(2.0 * times), atol=1e-2)
    back = generator.correlation(lambda x, y: y, lambda x, y: x, times)
    np.testing.assert_allclose(back, -turned, atol=1e-10)


def test_correlations_around_a_ring():
    generator = tilted_ring(40)
    rng = np.random.default_rng(2)
    a, b = rng.random((2, 40))
    masses = generator.stationary() * generator.grid.widths
    found = generator.correlation(a, b, [0.05, 0.3])
    for t, value in zip((0.05, 0.3), found, strict=True):
        moved = expm(t * generator.matrix.toarray()) @ (a * masses)
        assert value == pytest.approx(b @ moved - (a @ masses) * (b @ masses), rel=1e-9)


# --- bad input


LINE, OPEN = CASES["line"], CASES["absorbing"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fp.operator(WELL, fp.Grid.line(0, 1, 10)), "problem: given Quartic"),
        (lambda: fp.operator(fp.FokkerPlanck(WELL, 0.1), 100), "grid: given int"),
        (lambda: fp.operator(fp.FokkerPlanck(WELL, 0.1), fp.Grid.line(0, 1, 10), Upwind), "flux: given Upwind"),
        (lambda: fp.operator(fp.FokkerPlanck(WELL, 0.1), fp.Grid.line(0, 1, 10), WENO5()), "not linear"),
        (lambda: fp.operator(fp.FokkerPlanck(WELL, -0.1), fp.Grid.line(0, 1, 10)), "temperature"),
        (lambda: fp.operator(fp.FokkerPlanck(WELL, 0.1), fp.Grid.line(0, 1, 10), t=np.nan), "t: given nan"),
        (lambda: fp.operator(fp.FokkerPlanck(WELL, 0.1), fp.Grid.plane((0, 0), (1, 1), (10, 10))), "axes"),
        (lambda: OPEN().stationary(), "no stationary state"),
        (lambda: OPEN().current(), "no stationary state"),
        (lambda: OPEN().correlation(lambda x: x, lambda x: x, [0.0]), "no stationary state"),
        (lambda: LINE().exit_probabilities(), "nothing leaves"),
        (lambda: LINE().mean_first_passage(), "no target is given"),
        (lambda: LINE().mean_first_passage(lambda x: x > 5.0), "holds no centre"),
        (lambda: LINE().mean_first_passage(lambda x: x > -5.0), "every cell"),
        (lambda: LINE().mean_first_passage(lambda x: x), "True or False"),
        (lambda: LINE().mean_first_passage(np.ones(3, bool)), r"given shape \(3,\)"),
        (lambda: LINE().mean_first_passage("left"), "given str"),
        (lambda: LINE().relaxation(0), "whole number from 1 to 40"),
        (lambda: LINE().relaxation(41), "whole number from 1 to 40"),
        (lambda: LINE().correlation(lambda x: x, np.ones(39), [0.0]), "shape"),
        (lambda: LINE().correlation(lambda x: x, lambda x: x, [-1.0]), "nonnegative"),
        (lambda: LINE().correlation(lambda x: x, lambda x: x, "soon"), "nonnegative"),
        (lambda: on_line(WELL, 3e-4, -2.0, 2.0, 4000).mean_first_passage(lambda x: x > 0.5), "700 T"),
        (lambda: CASES["fourth order, plane"]().exit_probabilities(), "two-point"),
    ],
)
def test_bad_input_says_what_to_do(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_central_differences_are_no_jump_process_but_have_a_generator():
    generator = on_line(WELL, 0.2, -2.0, 2.0, 80, flux=Central())
    exact = on_line(WELL, 0.2, -2.0, 2.0, 80)
    np.testing.assert_allclose(generator.stationary(), exact.stationary(), atol=1e-2)
    np.testing.assert_allclose(generator.relaxation(3).rates, exact.relaxation(3).rates, rtol=2e-2)
    tau = generator.mean_first_passage(lambda x: x > 0.0)
    np.testing.assert_allclose(tau, exact.mean_first_passage(lambda x: x > 0.0), rtol=2e-2)
