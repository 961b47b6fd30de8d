"""Wasserstein distances of the monotone coupling against closed forms and plain quadrature."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import scipy.stats as stats
from scipy import integrate

import fpsolve as fp
from fpsolve.densities import PiecewisePolynomial
from fpsolve.transport.coupling import Coupling, between
from validation.theorems.independent import Box, Mixture, distance, transport_cost

PAPER = fp.GaussianMixture(means=(0.35**0.5, -(0.35**0.5)), stds=(0.3, 0.3))
THREE = fp.GaussianMixture(means=(-1.2, 0.1, 0.9), stds=(0.1, 0.5, 0.25), weights=(0.2, 0.5, 0.3))


def check(first, second, order, exact, relative=1e-11):
    value, bar = Coupling(first, second).wasserstein(order)
    assert abs(value - exact) <= bar, f"{value} ± {bar}, exact {exact}"
    assert abs(value - exact) <= relative * exact + 1e-13
    back, _ = Coupling(second, first).wasserstein(order)
    assert back == pytest.approx(value, rel=1e-10, abs=1e-13)
    return bar


def normal_moment(order: float, shift: float, stretch: float) -> float:
    """E|shift + stretch Z|^order."""
    with mpmath.workdps(25):
        kink = [] if stretch == 0 else [-shift / stretch]
        points = sorted([-14.0, 14.0, *(k for k in kink if abs(k) < 14.0)])
        return float(mpmath.quad(lambda z: abs(shift + stretch * z) ** order * mpmath.npdf(z), points))


@pytest.mark.parametrize("order", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize(
    ("first", "second"),
    [((0.0, 1.0), (1.0, 1.0)), ((0.0, 1.0), (0.0, 0.8)), ((-3.0, 0.2), (2.0, 4.0)), ((0.0, 1e-3), (0.0, 1.0))],
)
def test_gaussian_pairs(order, first, second):
    power = normal_moment(order, second[0] - first[0], second[1] - first[1])
    # |shift + stretch z| has a kink where the pair crosses: only even powers are smooth there
    smooth = order == 2.0 or first[1] == second[1]
    value, bar = Coupling(fp.Gaussian(*first), fp.Gaussian(*second)).wasserstein(order)
    exact = power ** (1.0 / order)
    assert abs(value - exact) <= bar
    assert abs(value - exact) <= (1e-12 if smooth else 1e-3) * exact + 1e-13


@pytest.mark.parametrize("shift", [1.0, 1e-3, 1e-6, 1e-9])
def test_translates(shift):
    for density, moved in (
        (fp.Gaussian(0.0, 1.0), fp.Gaussian(shift, 1.0)),
        (fp.Uniform(0.0, 1.0), fp.Uniform(shift, 1.0 + shift)),
        (THREE, fp.GaussianMixture(tuple(np.array(THREE.means) + shift), THREE.stds, THREE.weights)),
    ):
        for order in (1.0, 2.0, 4.0):
            value, bar = Coupling(density, moved).wasserstein(order)
            assert abs(value - shift) <= bar and abs(value - shift) <= 1e-11 * shift + 2e-15


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0])
def test_uniform_pairs(order):
    # y = a + (b - a) u, z = c + (d - c) u: the difference is linear in u
    for (a, b), (c, d) in (((-1.0, 1.0), (2.0, 7.0)), ((0.0, 1.0), (5.0, 5.5))):
        low, high = c - a, d - b
        exact = ((high ** (order + 1) - low ** (order + 1)) / ((order + 1) * (high - low))) ** (1.0 / order)
        check(fp.Uniform(a, b), fp.Uniform(c, d), order, exact)


def test_uniform_and_gaussian():
    # W2² = E y² + E z² - 2 E[y z], y = 2 u - 1, z = Q(u): E[Q(u) u] = 1 / (2 sqrt(pi))
    exact = math.sqrt(1.0 / 3.0 + 1.0 - 2.0 / math.sqrt(math.pi))
    check(fp.Uniform(-1.0, 1.0), fp.Gaussian(), 2.0, exact)


@pytest.mark.parametrize("name", ["noise", "narrow", "each other", "uniform"])
def test_mixtures_against_plain_quadrature(name):
    first = Mixture((-1.2, 0.1, 0.9), (0.1, 0.5, 0.25), (0.2, 0.5, 0.3))
    paper = Mixture((0.35**0.5, -(0.35**0.5)), (0.3, 0.3))
    second, ours = {
        "noise": (Mixture(0.0, 1.0), fp.Gaussian()),
        "narrow": (Mixture(0.3, 0.5), fp.Gaussian(0.3, 0.5)),
        "each other": (paper, PAPER),
        "uniform": (Box(-1.0, 2.5), fp.Uniform(-1.0, 2.5)),
    }[name]
    check(THREE, ours, 2.0, math.sqrt(transport_cost(first, second)), relative=1e-10)
    exact = distance(first, second)
    value, bar = Coupling(THREE, ours).wasserstein(1.0)
    assert abs(value - exact) <= bar and bar < 1e-3 * exact
    third, bar = Coupling(THREE, ours).wasserstein(3.0)
    assert abs(third - transport_cost(first, second, 3.0, panels=2000) ** (1 / 3)) <= bar + 1e-7


def boxes(*parts: tuple[float, float, float]) -> fp.Tabulated:
    """A density that is constant on each (lower, upper, mass) and zero between."""
    edges = np.array(sorted({end for low, high, _ in parts for end in (low, high)}))
    averages = np.zeros(edges.size - 1)
    for low, high, mass in parts:
        averages[np.searchsorted(edges, low)] = mass / (high - low)
    return PiecewisePolynomial(edges, averages[:, None])


def test_gaps_in_one_density():
    # halves of [0, 1] move to [-3, -2] and [2, 3]: y = u; z = -3 + 2 u, then 2 + 2 (u - 1/2)
    gapped = boxes((-3.0, -2.0, 0.5), (2.0, 3.0, 0.5))

    def cost(u):
        z = -3.0 + 2.0 * u if u < 0.5 else 1.0 + 2.0 * u
        return (z - u) ** 2

    exact = math.sqrt(integrate.quad(cost, 0.0, 0.5)[0] + integrate.quad(cost, 0.5, 1.0)[0])
    check(fp.Uniform(0.0, 1.0), gapped, 2.0, exact)


def test_gaps_in_both_densities_at_different_masses():
    first = boxes((0.0, 1.0, 0.25), (5.0, 6.0, 0.75))
    second = boxes((0.0, 2.0, 0.5), (8.0, 9.0, 0.5))

    def quantiles(u):
        y = 4.0 * u if u < 0.25 else 5.0 + (u - 0.25) / 0.75
        z = 4.0 * u if u < 0.5 else 8.0 + (u - 0.5) / 0.5
        return y, z

    pieces = ((0.0, 0.25), (0.25, 0.5), (0.5, 1.0))
    for order in (1.0, 2.0):
        power = sum(
            integrate.quad(lambda u: abs(np.subtract(*quantiles(u))) ** order, a + 1e-15, b - 1e-15)[0]  # noqa: B023
            for a, b in pieces
        )
        check(first, second, order, power ** (1.0 / order))


def test_gap_between_far_gaussians():
    pair = fp.GaussianMixture((-10.0, 10.0), (0.5, 0.5))
    exact = math.sqrt(transport_cost(Mixture((-10.0, 10.0), (0.5, 0.5)), Mixture(0.0, 1.0), panels=2000))
    check(pair, fp.Gaussian(), 2.0, exact, relative=1e-10)


@pytest.mark.parametrize("order", [1.0, 2.0])
def test_infinite_distances(order):
    value, bar = Coupling(fp.as_density(stats.cauchy()), fp.Gaussian()).wasserstein(order)
    assert value == np.inf and math.isnan(bar)


def test_a_moment_that_exists_and_one_that_does_not():
    heavy = fp.as_density(stats.t(3))
    assert math.isfinite(Coupling(heavy, fp.Gaussian()).wasserstein(2.0)[0])
    assert Coupling(heavy, fp.Gaussian()).wasserstein(4.0)[0] == np.inf


def test_a_density_and_itself():
    value, bar = Coupling(PAPER, PAPER).wasserstein(2.0)
    assert 0.0 <= value <= bar < 1e-7


def test_distances_grow_with_their_order():
    coupling = Coupling(THREE, fp.Gaussian(0.5, 1.0))
    values = [coupling.wasserstein(order)[0] for order in (1.0, 1.5, 2.0, 3.0, 6.0)]
    assert values == sorted(values)


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_pairs_meet_where_they_are_asked_to(fraction):
    first, second = fp.Gaussian(-1.0, 0.5), fp.Gaussian(2.0, 3.0)
    coupling = Coupling(first, second)
    z = np.linspace(-6.0, 6.0, 25)
    y_exact, z_exact = -1.0 + 0.5 * z, 2.0 + 3.0 * z
    y, z = coupling.meet(fraction, (1.0 - fraction) * y_exact + fraction * z_exact)
    assert np.max(np.abs(y - y_exact)) < 1e-13 and np.max(np.abs(z - z_exact)) < 1e-12


def test_density_between():
    p, q = np.array([0.5, 0.0, 0.0, 2.0]), np.array([1.0, 1.0, 0.0, 2.0])
    assert between(p, q, 0.25) == pytest.approx([1.0 / (0.75 / 0.5 + 0.25), 0.0, 0.0, 2.0])
