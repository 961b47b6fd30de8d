"""The chi-squared divergence against closed forms, and the reasons for which it is infinite."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import scipy.stats as stats
from mpmath import mp, mpf
from scipy.special import ndtr

import fpsolve as fp
from fpsolve.densities import PiecewisePolynomial
from fpsolve.thermodynamics import chi_squared
from validation.theorems import independent


def gaussian_divergence(p: tuple[float, float], q: tuple[float, float]) -> float:
    """D of q from p in 50 digits, both Gaussian: 1 + D = s_p / (s_q² sqrt(2 A)) exp(...)."""
    with mp.workdps(50):
        (mp_, sp), (mq, sq) = (tuple(map(mpf, pair)) for pair in (p, q))
        curvature = 2 / sq**2 - 1 / sp**2
        if curvature <= 0:
            return math.inf
        # q²/p = sp / (sqrt(2 pi) sq²) exp(-(x - mq)²/sq² + (x - mp)²/(2 sp²))
        exponent = (mq - mp_) ** 2 / (2 * sp**2 - sq**2)
        return float(sp / (sq**2 * mpmath.sqrt(curvature)) * mpmath.exp(exponent) - 1)


def check(reference, other, exact, relative=1e-11):
    value, cut = chi_squared(reference, other)
    assert cut == 0.0
    assert abs(value.value - exact) <= value.error, f"{value}, exact {exact}"
    assert value.error <= relative * max(exact, 1e-300) + 1e-16


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ((0.0, 1.0), (1.0, 1.0)),
        ((0.0, 1.0), (0.0, 0.8)),
        ((0.0, 1.0), (0.3, 1.3)),
        ((0.0, 1.0), (5.0, 1.0)),
        ((0.0, 1.0), (0.0, 0.05)),
        ((2.0, 0.3), (2.1, 0.2)),
        ((-1e3, 2.0), (-1001.0, 2.5)),
        ((0.0, 1.0), (0.0, math.sqrt(1.9))),
    ],
)
def test_gaussian_pairs(p, q):
    check(fp.Gaussian(*p), fp.Gaussian(*q), gaussian_divergence(p, q), relative=1e-9)


@pytest.mark.parametrize("shift", [1.0, 1e-2, 1e-4, 1e-6])
def test_shifted_gaussians_keep_their_digits(shift):
    value, _ = chi_squared(fp.Gaussian(), fp.Gaussian(shift, 1.0))
    exact = math.expm1(shift**2)
    assert abs(value.value - exact) <= value.error
    # each density is known to 1e-16, so D to about (1e-16 / shift) of itself
    assert value.error <= (1e-12 + 1e-13 / shift) * exact


@pytest.mark.parametrize("squared", [1.99, 1.999, 1.9999])
def test_just_finite(squared):
    q = (0.0, math.sqrt(squared))
    value, _ = chi_squared(fp.Gaussian(), fp.Gaussian(*q))
    assert value.finite
    exact = gaussian_divergence((0.0, 1.0), q)
    # the exponent 2/s² - 1 is a difference: its rounding is part of the problem
    assert abs(value.value - exact) <= value.error + 1e-15 / (2.0 - squared) * exact
    assert value.value == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(
    ("p", "q"), [((0.0, 1.0), (0.0, 1.5)), ((0.0, 1.0), (0.0, math.sqrt(2.0) * (1 + 1e-15))), ((1.0, 0.5), (0.0, 2.0))]
)
def test_infinite(p, q):
    value, cut = chi_squared(fp.Gaussian(*p), fp.Gaussian(*q))
    assert value.value == math.inf and math.isnan(value.error) and cut == 0.0
    assert "integrable" in value.why


def test_exactly_twice_the_variance():
    # in double precision sqrt(2)² is 2.0000000000000004: on the infinite side
    for mean in (0.0, 3.0):
        assert chi_squared(fp.Gaussian(), fp.Gaussian(mean, math.sqrt(2.0)))[0].value == math.inf


@pytest.mark.parametrize(
    ("reference", "other"),
    [
        (fp.Gaussian(), fp.as_density(stats.t(5))),
        (fp.Gaussian(), fp.as_density(stats.cauchy())),
        (fp.Gaussian(), fp.as_density(stats.laplace())),
        (fp.as_density(stats.logistic(0.0, 0.4)), fp.as_density(stats.t(9))),
        (fp.as_density(stats.laplace(0.0, 1.0)), fp.as_density(stats.laplace(0.0, 2.5))),
        # x^-12 / x^-13: the ratio falls like a power, but too slowly
        (fp.as_density(stats.t(13)), fp.as_density(stats.t(6))),
    ],
    ids=["t", "cauchy", "laplace", "logistic", "two laplace", "powers"],
)
def test_heavy_tails(reference, other):
    assert chi_squared(reference, other)[0].value == math.inf


def test_tails_that_are_just_light_enough():
    # Laplace with rates 1 and b: q²/p integrates to b² / (2 b - 1)
    for rate in (0.7, 3.0):
        value, _ = chi_squared(fp.as_density(stats.laplace()), fp.as_density(stats.laplace(0.0, 1.0 / rate)))
        exact = rate**2 / (2.0 * rate - 1.0) - 1.0
        assert abs(value.value - exact) <= value.error + 1e-9 * exact
        assert value.value == pytest.approx(exact, rel=1e-8)


def test_powers_that_are_light_enough():
    nodes, weights = np.polynomial.legendre.leggauss(300)
    angle = 0.5 * math.pi * nodes  # x = tan(angle)
    x = np.tan(angle)
    p, q = stats.t(3).pdf(x), stats.t(4).pdf(x)
    exact = float(np.sum(weights * 0.5 * math.pi * (q - p) ** 2 / p * (1.0 + x * x)))
    value, _ = chi_squared(fp.as_density(stats.t(3)), fp.as_density(stats.t(4)))
    assert value.value == pytest.approx(exact, rel=1e-7)


def test_mass_where_the_reference_has_none():
    for reference in (fp.Uniform(-1.0, 1.0), PiecewisePolynomial([-2.0, -1.0, 1.0, 2.0], [[0.5], [0.0], [0.5]])):
        value, _ = chi_squared(reference, fp.Gaussian(0.0, 0.3))
        assert value.value == math.inf and "mass where" in value.why
    value, _ = chi_squared(fp.Uniform(-1.0, 1.0), fp.Uniform(-1.0, 1.0 + 1e-9))
    assert value.value == math.inf


@pytest.mark.parametrize("half", [0.5, math.sqrt(3.0), 4.0])
def test_uniform_from_gaussian(half):
    # integral of (1/2a)² sqrt(2 pi) exp(x²/2) over [-a, a], minus one
    grown = float(mpmath.quad(lambda x: mpmath.exp(x * x / 2), [-half, 0, half]))
    exact = math.sqrt(2.0 * math.pi) / (4.0 * half**2) * grown - 1.0
    check(fp.Gaussian(), fp.Uniform(-half, half), exact, relative=1e-8)


def test_uniform_from_uniform():
    check(fp.Uniform(0.0, 2.0), fp.Uniform(0.5, 1.5), 1.0)
    check(fp.Uniform(-1.0, 1.0), fp.Uniform(-1.0, 1.0), 0.0)


def test_mixtures():
    plain = independent.chi_squared(
        independent.Mixture((-1.0, 1.2), (0.5, 0.9), (0.4, 0.6)),
        independent.Mixture((-0.8, 1.0), (0.3, 1.0)),
        (-30.0, 30.0),
    )
    value, _ = chi_squared(
        fp.GaussianMixture((-1.0, 1.2), (0.5, 0.9), (0.4, 0.6)), fp.GaussianMixture((-0.8, 1.0), (0.3, 1.0))
    )
    assert abs(value.value - plain) <= value.error + 1e-12


def test_itself():
    for density in (fp.Gaussian(0.3, 2.0), fp.GaussianMixture((-1.0, 1.2), (0.5, 0.9)), fp.as_density(stats.t(4))):
        value, _ = chi_squared(density, density)
        assert abs(value.value) <= value.error + 1e-20 and value.error < 1e-13


# --- windows --------------------------------------------------------------------------------------------------------


def shifted_inside(low: float, high: float) -> float:
    """D of N(1, 1) from N(0, 1) on an interval: q²/p = e N(2, 1), minus two times q, plus p."""

    def mass(mean):
        return ndtr(high - mean) - ndtr(low - mean)

    return float(math.e * mass(2.0) - 2.0 * mass(1.0) + mass(0.0))


@pytest.mark.parametrize("window", [(-4.5, 4.5), (-1.0, 0.5), (-20.0, 20.0), (2.0, 3.0)])
def test_a_window_cuts_what_it_cuts(window):
    inside, cut = chi_squared(fp.Gaussian(), fp.Gaussian(1.0, 1.0), window)
    exact = shifted_inside(*window)
    assert abs(inside.value - exact) <= inside.error + 1e-15
    assert cut == pytest.approx(math.expm1(1.0) - exact, abs=1e-12)


def test_the_papers_window():
    inside, _ = chi_squared(fp.Gaussian(), fp.Gaussian(1.0, 1.0), (-4.5, 4.5))
    assert inside.value == pytest.approx(1.7018607087, abs=5e-11)


def test_a_window_on_an_infinite_divergence():
    inside, cut = chi_squared(fp.Gaussian(), fp.Gaussian(0.0, 1.5), (-4.5, 4.5))
    exact = mpmath.quad(
        lambda x: (mpmath.npdf(x, 0, 1.5) - mpmath.npdf(x)) ** 2 / mpmath.npdf(x), [-4.5, -2, 0, 2, 4.5]
    )
    assert abs(inside.value - float(exact)) <= inside.error + 1e-13 and cut == math.inf


def test_a_window_beyond_the_support():
    inside, cut = chi_squared(fp.Uniform(-1.0, 1.0), fp.Uniform(-0.5, 1.0), (-3.0, 3.0))
    assert inside.value == pytest.approx(1.0 / 3.0, rel=1e-13) and cut == pytest.approx(0.0, abs=1e-13)
