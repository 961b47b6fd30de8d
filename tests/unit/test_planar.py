"""Windows, divergences and instants in the plane, against closed forms, adaptive quadrature and the line."""

from __future__ import annotations

import math

import numpy as np
import pytest
from plane_moments import normal
from scipy.integrate import dblquad
from scipy.special import beta, erf

import fpsolve as fp
from fpsolve.densities import PlaneGaussian, PlaneMixture, PlaneUniform, SwissRoll
from fpsolve.planar.divergence import chi_squared
from fpsolve.planar.instants import Instants
from fpsolve.planar.logarithms import ratio_diverges
from fpsolve.planar.window import grid_over, window_of, window_of_ends
from fpsolve.processes.plane.linear import LinearProcess
from fpsolve.schedules import LinearForceSchedule
from fpsolve.thermodynamics import chi_squared as chi_squared_on_the_line

# divergence


def of_normals(p, q):
    """D of two normal densities: 1 + D = |A|^(1/2) |B|^-1 |2 B^-1 - A^-1|^(-1/2) exp(d.(2 A - B)^-1 d)."""
    a, b = np.array(p.covariance), np.array(q.covariance)
    d = np.subtract(q.mean, p.mean)
    joint = 2.0 * np.linalg.inv(b) - np.linalg.inv(a)
    size = math.sqrt(np.linalg.det(a) / np.linalg.det(joint)) / np.linalg.det(b)
    return size * math.exp(d @ np.linalg.solve(2.0 * a - b, d)) - 1.0


NORMALS = {
    "shifted": (PlaneGaussian(std=1.0), PlaneGaussian((0.7, -0.4), std=1.0)),
    "narrow": (PlaneGaussian(std=1.0), PlaneGaussian((0.1, 0.0), std=0.02)),
    "wide": (PlaneGaussian((1.0, 2.0), std=1.0), PlaneGaussian((1.0, 2.3), std=1.35)),
    "tilted": (
        PlaneGaussian((0.3, 0.1), covariance=((0.5, 0.2), (0.2, 0.4))),
        PlaneGaussian((-0.2, 0.3), covariance=((0.4, -0.1), (-0.1, 0.3))),
    ),
    "thin": (
        PlaneGaussian(covariance=((1.0, 0.0), (0.0, 1e-4))),
        PlaneGaussian((0.5, 0.003), covariance=((0.6, 0.0), (0.0, 1.2e-4))),
    ),
    "far": (PlaneGaussian(std=1.0), PlaneGaussian((6.0, -5.0), std=0.8)),
    "large": (PlaneGaussian((3e3, 0.0), std=1e3), PlaneGaussian((2.5e3, 300.0), std=900.0)),
    "nearly equal": (PlaneGaussian(std=1.0), PlaneGaussian((1e-5, 0.0), std=1.0)),
    "near the divergence": (PlaneGaussian(std=1.0), PlaneGaussian((0.02, 0.01), std=math.sqrt(2.0 - 1e-3))),
    "near it along x": (
        PlaneGaussian(std=1.0),
        PlaneGaussian((0.0, 0.3), covariance=((2.0 - 1e-3, 0.0), (0.0, 0.7))),
    ),
}


@pytest.mark.parametrize("pair", NORMALS.values(), ids=NORMALS)
def test_divergence_of_normal_densities(pair):
    p, q = pair
    found, exact = chi_squared(p, q), of_normals(p, q)
    # the closed form itself loses digits to the 1 that it subtracts
    assert abs(found.value - exact) <= found.error + 1e-13 * (1.0 + exact)
    assert found.error <= 1e-9 * exact


@pytest.mark.parametrize(
    "variances", [(2.0, 0.5), (0.5, 2.0), (2.0 + 1e-6, 1.0), (5.0, 5.0)], ids=["limit x", "limit y", "beyond", "both"]
)
def test_a_start_that_is_too_wide_is_infinite_and_says_why(variances):
    q = PlaneGaussian((0.1, 0.0), covariance=((variances[0], 0.0), (0.0, variances[1])))
    found = chi_squared(PlaneGaussian(std=1.0), q)
    assert math.isinf(found.value)
    assert "too wide" in found.why and "below 2" in found.why
    # of a mixture the widest part decides, and the direction counts
    tilted = np.array([[1.25, 1.2], [1.2, 1.25]])
    for weights in ((0.999, 0.001), (1.0, 0.0)):
        both = PlaneMixture(
            means=((0.0, 0.0), (0.5, 0.5)), covariances=(((0.5, 0.0), (0.0, 0.5)), tilted.tolist()), weights=weights
        )
        assert bool(ratio_diverges(PlaneGaussian(std=1.0), both)) == (weights[1] > 0.0)


def test_products_of_lines():
    """1 + D = (1 + D_x) (1 + D_y), here of mixtures (fact 5.6)."""
    p = [
        fp.GaussianMixture((-0.6, 0.5), (0.5, 0.4), (0.4, 0.6)),
        fp.GaussianMixture((0.0, 0.9), (0.6, 0.8), (0.7, 0.3)),
    ]
    q = [fp.GaussianMixture((-0.1,), (0.5,), (1.0,)), fp.GaussianMixture((0.2, 0.8), (0.5, 0.7), (0.5, 0.5))]

    def product(first, second):
        rows = [
            ((m, n), ((s**2, 0.0), (0.0, t**2)), w * v)
            for m, s, w in zip(first.means, first.stds, first.weights, strict=True)
            for n, t, v in zip(second.means, second.stds, second.weights, strict=True)
        ]
        means, covariances, weights = zip(*rows, strict=True)
        return PlaneMixture(means=means, covariances=covariances, weights=weights)

    exact = math.prod(1.0 + chi_squared_on_the_line(a, b)[0].value for a, b in zip(p, q, strict=True)) - 1.0
    found = chi_squared(product(*p), product(*q))
    assert abs(found.value - exact) <= found.error + 1e-10 * exact


def test_uniform_start():
    sides = ((-0.9, 0.4), (-0.2, 1.1))
    low, high = np.transpose(sides)
    q = PlaneUniform(tuple(low), tuple(high))
    p = PlaneGaussian((0.1, 0.2), covariance=((0.5, 0.1), (0.1, 0.4)))
    density = 1.0 / np.prod(high - low)
    exact = dblquad(lambda y, x: density**2 / p.pdf(x, y), *sides[0], *sides[1], epsabs=1e-13, epsrel=1e-12)[0] - 1.0
    found = chi_squared(p, q)
    assert abs(found.value - exact) <= found.error + 1e-11


def test_where_the_reference_has_nothing_the_divergence_is_infinite():
    inner, outer = PlaneUniform((-0.5, -0.5), (0.5, 0.5)), PlaneUniform((-1.0, -1.0), (1.0, 1.0))
    assert math.isinf(chi_squared(inner, outer).value)
    assert math.isinf(chi_squared(inner, PlaneGaussian(std=0.1)).value)
    assert chi_squared(outer, inner).value == pytest.approx(3.0, rel=1e-12)


def windowed(p, q, window):
    """Of upright normal densities inside a box: three products of error functions."""
    factors = np.ones(3)
    for i, (a, b) in enumerate(window):
        m, v = (p.mean[i], q.mean[i]), (p.covariance[i][i], q.covariance[i][i])
        # q² / p, q and p are exp(-(alpha x² - 2 beta x + gamma) / 2) times a height
        rows = [
            (2.0 / v[1] - 1.0 / v[0], 2.0 * m[1] / v[1] - m[0] / v[0], 2.0 * m[1] ** 2 / v[1] - m[0] ** 2 / v[0]),
            (1.0 / v[1], m[1] / v[1], m[1] ** 2 / v[1]),
            (1.0 / v[0], m[0] / v[0], m[0] ** 2 / v[0]),
        ]
        heights = [math.sqrt(v[0] / (2.0 * math.pi)) / v[1], *(1.0 / math.sqrt(2.0 * math.pi * s) for s in v[::-1])]
        for k, ((alpha, slope, rest), height) in enumerate(zip(rows, heights, strict=True)):
            centre, width = slope / alpha, math.sqrt(2.0 / alpha)
            mass = 0.5 * math.sqrt(math.pi) * width * (erf((b - centre) / width) - erf((a - centre) / width))
            factors[k] *= height * math.exp(0.5 * (slope**2 / alpha - rest)) * mass
    return factors @ np.array([1.0, -2.0, 1.0])


def test_windows():
    p = PlaneGaussian((0.2, 0.0), covariance=((1.0, 0.0), (0.0, 0.6)))
    q = PlaneGaussian((0.5, -0.3), covariance=((0.8, 0.0), (0.0, 0.9)))
    for window in (((-1.0, 1.5), (-0.7, 2.0)), ((0.0, 0.3), (0.0, 0.3)), ((-9.0, 9.0), (-9.0, 9.0))):
        found, exact = chi_squared(p, q, window), windowed(p, q, window)
        assert abs(found.value - exact) <= found.error + 1e-12
    assert chi_squared(p, q).value == pytest.approx(windowed(p, q, ((-20.0, 20.0), (-20.0, 20.0))), rel=1e-10)


def test_a_window_makes_a_divergent_one_finite():
    p, q = PlaneGaussian(std=0.5), PlaneGaussian(std=0.9)
    exact = dblquad(lambda y, x: (p.pdf(x, y) - q.pdf(x, y)) ** 2 / p.pdf(x, y), -2, 2, -2, 2, epsrel=1e-11)[0]
    found = chi_squared(p, q, ((-2.0, 2.0), (-2.0, 2.0)))
    assert math.isinf(chi_squared(p, q).value)
    assert abs(found.value - exact) <= found.error + 1e-9 * exact


def test_divergence_of_a_density_from_itself_vanishes():
    for density in (PlaneGaussian((0.1, 0.2), std=0.7), SwissRoll(blur=0.3)):
        found = chi_squared(density, density)
        assert abs(found.value) <= found.error + 1e-25


# window

TILTED = PlaneGaussian((0.3, -0.2), covariance=((0.5, 0.2), (0.2, 0.3)))
PROCESSES = {
    "cosine": LinearProcess(TILTED, fp.Cosine()),
    "ve": LinearProcess(TILTED, fp.VarianceExploding(2.0)),
    "turning": LinearProcess(PlaneGaussian((2.0, 1.0), std=0.3), LinearForceSchedule(1.1, 6.0, 0.5, 2.0)),
    "shearing": LinearProcess(TILTED, LinearForceSchedule((1.3, -0.3), 4.0, 0.7, 1.5)),
}


@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)
def test_a_window_holds_both_processes_at_all_times(process):
    """Translates stay normal, with a shift that obeys Delta' = N Delta."""
    reference = normal(process.data, process.schedule)
    last = process.final
    delta = np.array([0.5, -0.4])
    start = PlaneGaussian(tuple(last.mean + delta), covariance=last.covariance.tolist())
    sides = window_of(process, start)
    edges = [np.array(side) for side in sides]
    steps = 400
    dt = process.tau / steps
    for k in range(steps, 0, -1):
        if k % 40 == 0:
            density = process.density(k * dt)
            moved = PlaneGaussian(tuple(density.mean + delta), covariance=density.covariance.tolist())
            for each in (density, moved):
                assert 1.0 - each.cell_masses(*edges).sum() < 1e-8
        middle = delta - 0.5 * dt * reference.state(k * dt)[3] @ delta
        delta = delta - dt * reference.state((k - 0.5) * dt)[3] @ middle
    assert 1.0 - process.initial.cell_masses(*edges).sum() < 1e-8


def test_a_window_of_ends_holds_them_and_their_ratio():
    data, target = SwissRoll(), PlaneGaussian(std=1.0)
    start = PlaneGaussian((1.0, 0.5), std=1.2)
    edges = [np.array(side) for side in window_of_ends(data, target, start)]
    for each in (data, target, start):
        assert 1.0 - each.cell_masses(*edges).sum() < 1e-8
    # q² / p is normal as well: variance 1 / (2 / 1.44 - 1), mean 2 m / (2 - 1.44)
    ratio = PlaneGaussian(tuple(2.0 * np.array([1.0, 0.5]) / (2.0 - 1.44)), std=math.sqrt(1.44 / 0.56))
    assert 1.0 - ratio.cell_masses(*edges).sum() < 1e-8


def test_a_grid_over_a_box():
    grid = grid_over(((-1.0, 2.0), (0.0, 4.0)), (6, 10))
    assert grid.shape == (6, 10)
    assert [(axis.edges[0], axis.edges[-1]) for axis in grid.axes] == [(-1.0, 2.0), (0.0, 4.0)]


# instants


@pytest.mark.parametrize("powers", [(0.0, 0.0), (3.0, 2.0), (-0.5, 0.0), (0.5, -0.5), (-0.5, 1.5), (-0.5, -0.5)])
@pytest.mark.parametrize("panels", [1, 2])
def test_powers_at_both_ends(powers, panels):
    a, b = powers
    instants = Instants(2.0, panels)
    part = instants.times / 2.0
    inner = part[instants.inner]
    values = np.zeros_like(part)
    values[instants.inner] = inner**a * (1.0 - inner) ** b
    found = instants.integrate(values, np.full_like(values, 1e-3))
    exact = 2.0 * beta(a + 1.0, b + 1.0)
    assert abs(found.value - exact) <= max(found.gap, 1e-12 * exact)
    assert found.value == pytest.approx(exact, rel=1e-9)
    assert found.noise == pytest.approx(2e-3, rel=1e-9)
    assert found.estimate.error == found.gap + found.noise


@pytest.mark.parametrize(("sharpness", "panels"), [(5.0, 1), (5.0, 2), (5.0, 4), (30.0, 2), (30.0, 4)])
def test_a_gap_covers_what_the_rule_misses(sharpness, panels):
    instants = Instants(1.0, panels)
    values = 1.0 / (1.0 + (sharpness * (instants.times - 0.43)) ** 2)
    exact = (math.atan(0.57 * sharpness) + math.atan(0.43 * sharpness)) / sharpness
    found = instants.integrate(values, np.zeros_like(values))
    assert abs(found.value - exact) <= found.gap
    assert not found.settled  # the gap is above 1e-6 of the value in all of these
    steady = instants.integrate(np.ones_like(values), np.zeros_like(values))
    assert steady.settled and steady.value == pytest.approx(1.0, rel=1e-12)


def test_times_increase_from_end_to_end():
    for panels in (1, 2, 4):
        times = Instants(3.0, panels).times
        assert times[0] == 0.0 and times[-1] == 3.0 and np.all(np.diff(times) > 0.0)
        assert times.size == 15 * panels + 2


@pytest.mark.parametrize("panels", [1, 2, 4])
def test_values_at_other_times(panels):
    """Polynomials in u of degree 14: the panels in the middle have fifteen nodes."""
    instants = Instants(2.0, panels)
    series = np.polynomial.Chebyshev(np.random.default_rng(panels).normal(size=15), domain=[0.0, 1.0])

    def angle(t):
        return 2.0 / np.pi * np.arcsin(np.sqrt(t / 2.0))

    times = np.concatenate([np.linspace(0.0, 2.0, 41), instants.times[:5]])
    found = instants.at(times, series(angle(instants.times)))
    np.testing.assert_allclose(found, series(angle(times)), rtol=0.0, atol=1e-10)
    # an analytic function of time is one of u, and so are square roots at the ends
    found = instants.at(times, np.sqrt(instants.times) + np.exp(instants.times))
    np.testing.assert_allclose(found, np.sqrt(times) + np.exp(times), rtol=0.0, atol=10.0 ** (-5 - 2 * panels))
