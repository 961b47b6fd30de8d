"""Densities against closed forms in high precision, scipy and plain quadrature."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
import scipy.stats as stats
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

import fpsolve as fp
from fpsolve.densities import Blurred, PiecewisePolynomial, blur
from fpsolve.settings import InputError, from_recipe

MIXTURE = fp.GaussianMixture(means=(-1.2, 0.1, 0.9), stds=(0.1, 0.5, 0.25), weights=(0.2, 0.5, 0.3))


@pytest.fixture(autouse=True)
def many_digits():
    with mp.workdps(40):
        yield


def exact_tails(density, x):
    """Density and both tails of a mixture in 40 digits."""
    parts = density.components
    pdf = cdf = sf = mpf(0)
    for w, m, s in zip(parts.weight, parts.mean, parts.std, strict=True):
        z = (mpf(float(x)) - mpf(float(m))) / mpf(float(s))
        pdf += mpf(float(w)) * mpmath.npdf(z) / mpf(float(s))
        cdf += mpf(float(w)) * mpmath.erfc(-z / mpmath.sqrt(2)) / 2
        sf += mpf(float(w)) * mpmath.erfc(z / mpmath.sqrt(2)) / 2
    return pdf, cdf, sf


def relative(value, exact) -> float:
    return float(abs(mpf(float(value)) - exact) / abs(exact))


def assert_relative(values, exact, tolerance):
    worst = max(relative(v, e) for v, e in zip(values, exact, strict=True))
    assert worst <= tolerance


# --- Gaussians and mixtures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (1.3, 0.25), (-40.0, 7.0), (1e3, 1e-3)])
def test_gaussian_tails_to_1e_200(mean, std):
    density = fp.Gaussian(mean, std)
    x = mean + std * np.array([-30.2, -20.0, -8.0, -2.0, -0.1, 0.0, 0.7, 3.0, 11.0, 25.0, 30.2])
    pdf, cdf, sf = density.tails(x)
    exact = [exact_tails(density, point) for point in x]
    # rounding of (x - mean) / std is magnified by z² in the tails: 900 * 1e-16
    assert_relative(pdf, [row[0] for row in exact], 1e-12)
    assert_relative(cdf, [row[1] for row in exact], 1e-12)
    assert_relative(sf, [row[2] for row in exact], 1e-12)
    assert cdf[0] < 1e-199 and sf[-1] < 1e-199


def test_mixture_tails_far_out():
    x = np.array([-4.1, -3.0, -1.5, -1.2, -0.6, 0.0, 0.5, 1.1, 2.0, 5.0, 9.0, 15.0])
    pdf, cdf, sf = MIXTURE.tails(x)
    exact = [exact_tails(MIXTURE, point) for point in x]
    for values, column in ((pdf, 0), (cdf, 1), (sf, 2)):
        assert_relative(values, [row[column] for row in exact], 1e-12)


def test_a_weight_of_zero_does_not_count():
    padded = fp.GaussianMixture((0.0, 50.0, 2.0), (1.0, 1e-3, 0.5), (0.25, 0.0, 0.75))
    plain = fp.GaussianMixture((0.0, 2.0), (1.0, 0.5), (0.25, 0.75))
    x = np.linspace(-3.0, 51.0, 7)
    assert np.array_equal(padded.pdf(x), plain.pdf(x))


@given(st.floats(1e-280, 0.5), st.booleans(), st.floats(-3.0, 3.0), st.floats(0.01, 20.0))
def test_gaussian_quantile_round_trip(tail, upper, mean, std):
    density = fp.Gaussian(mean, std)
    low, high = (1.0, tail) if upper else (tail, 1.0 - tail)
    x = density.quantile(np.array([low]), np.array([high]))
    back = (density.sf if upper else density.cdf)(x)[0]
    # an error of one rounding in x shows as z² roundings in the tail, and more where |mean| is far above std
    z = abs(x[0] - mean) / std
    magnified = (1.0 + z) * (z + abs(mean) / std + 1.0)
    assert abs(back / tail - 1.0) <= 1e-15 * (4.0 + 4.0 * magnified)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-4, 4), st.floats(0.05, 2.0), st.floats(0.05, 1.0)), min_size=1, max_size=4),
    st.floats(-250.0, -0.4),
    st.booleans(),
)
def test_mixture_quantile_round_trip(parts, log_tail, upper):
    means, stds, weights = (np.array(column) for column in zip(*parts, strict=True))
    density = fp.GaussianMixture(tuple(means), tuple(stds), tuple(weights / weights.sum()))
    tail = 10.0**log_tail
    low, high = (1.0, tail) if upper else (tail, 1.0)
    x = density.quantile(np.array([low]), np.array([high]))
    back = (density.sf if upper else density.cdf)(x)[0]
    slope = density.pdf(x)[0] / back
    assert abs(math.log(back / tail)) <= 1e-13 + 4e-15 * slope * (abs(x[0]) + 10.0)


def test_quantiles_at_the_very_ends():
    for density in (fp.Gaussian(1.0, 2.0), MIXTURE):
        assert density.quantile(np.array([0.0, 1.0]), np.array([1.0, 0.0])).tolist() == [-np.inf, np.inf]


def test_logarithm_where_the_density_underflows():
    x = np.array([-200.0, -1.0, 60.0, 1e4])
    for density in (fp.Gaussian(0.5, 0.7), MIXTURE):
        exact = [mpmath.log(exact_tails(density, point)[0]) for point in x]
        assert_relative(density.logpdf(x), exact, 1e-14)


@pytest.mark.parametrize("density", [fp.Gaussian(-0.7, 1.6), MIXTURE, fp.Uniform(-1.0, 2.5)])
def test_cell_averages_are_the_integral_of_the_density(density):
    edges = np.array([-6.0, -1.25, -1.2, -0.4, 0.0, 0.01, 0.9, 2.0, 3.0, 4.0])
    averages = density.cell_averages(edges)
    for i in range(edges.size - 1):
        inner = [b for b in density.breaks() if edges[i] < b < edges[i + 1]]
        points = [edges[i], *inner, edges[i + 1]]
        rule = np.polynomial.legendre.leggauss(60)
        exact = sum(
            0.5 * (b - a) * np.sum(rule[1] * density.pdf(0.5 * (a + b) + 0.5 * (b - a) * rule[0]))
            for a, b in itertools.pairwise(points)
        ) / (edges[i + 1] - edges[i])
        assert averages[i] == pytest.approx(exact, rel=2e-13, abs=1e-16)


def test_cell_averages_in_both_tails_do_not_cancel():
    edges = np.concatenate([np.linspace(-12.0, -11.0, 5), np.linspace(11.0, 12.0, 5)])
    masses = fp.Gaussian().cell_masses(edges)
    for i in (0, 1, 2, 3, 5, 6, 7, 8):
        a, b = (abs(mpf(float(edge))) for edge in edges[i : i + 2])
        exact = abs(mpmath.erfc(a / mpmath.sqrt(2)) - mpmath.erfc(b / mpmath.sqrt(2))) / 2
        assert relative(masses[i], exact) < 1e-13
    assert masses[4] == 1.0


@pytest.mark.parametrize("density", [fp.Gaussian(-0.7, 1.6), MIXTURE])
def test_moments_of_mixtures(density):
    parts = density.components
    first = math.fsum(parts.weight * parts.mean)
    second = math.fsum(parts.weight * (parts.mean**2 + parts.std**2))
    third = math.fsum(parts.weight * (parts.mean**3 + 3 * parts.mean * parts.std**2))
    assert density.mean == pytest.approx(first, abs=1e-15)
    assert density.moment(2) == pytest.approx(second, rel=1e-15)
    assert density.moment(3) == pytest.approx(third, rel=1e-14)
    assert density.variance == pytest.approx(second - first**2, rel=1e-14)
    assert density.panels().moment(2) == pytest.approx(second, rel=1e-12)


@pytest.mark.parametrize("density", [fp.Gaussian(-0.7, 1.6), MIXTURE])
def test_panels_of_a_mixture_are_the_mixture(density):
    panels = density.panels()
    x = np.linspace(*density.interval(1e-12), 301)
    for ours, theirs in zip(panels.tails(x), density.tails(x), strict=True):
        assert np.max(np.abs(ours / theirs - 1.0)) < 4e-12
    assert panels.mass == pytest.approx(1.0, abs=1e-14)


# --- uniform --------------------------------------------------------------------------------------------------------


def test_uniform():
    density = fp.Uniform(-1.0, 3.0)
    x = np.array([-2.0, -1.0, 0.0, 1.5, 3.0, 4.0])
    assert density.pdf(x).tolist() == [0.0, 0.25, 0.25, 0.25, 0.25, 0.0]
    assert density.cdf(x).tolist() == [0.0, 0.0, 0.25, 0.625, 1.0, 1.0]
    assert density.sf(x).tolist() == [1.0, 1.0, 0.75, 0.375, 0.0, 0.0]
    u = np.array([0.0, 1e-200, 0.25, 0.5, 1.0])
    assert np.allclose(density.quantile(u), -1.0 + 4.0 * u, rtol=0, atol=1e-16)
    assert (density.mean, density.support) == (1.0, (-1.0, 3.0))
    assert density.variance == pytest.approx(16.0 / 12.0, rel=1e-14)
    assert density.breaks().tolist() == [-1.0, 3.0]
    assert density.logpdf(np.array([5.0]))[0] == -np.inf


# --- tabulated ------------------------------------------------------------------------------------------------------


def table(kind: str, cells: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    edges = np.linspace(-3.0, 3.0, cells + 1)
    if kind == "stretched":
        edges = np.sinh(np.linspace(-2.0, 2.0, cells + 1))
    masses = np.diff(stats.norm(0.2, 0.8).cdf(edges))
    if kind == "rough":
        masses = rng.random(cells) ** 4
    if kind == "gaps":
        masses[5:9] = masses[30:41] = 0.0
    if kind == "single":
        masses = np.zeros(cells)
        masses[17] = 1.0
    masses /= math.fsum(masses)
    return edges, masses / np.diff(edges)


@pytest.mark.parametrize("kind", ["smooth", "stretched", "rough", "gaps", "single"])
def test_tabulated_reproduces_its_averages_and_stays_positive(kind):
    edges, averages = table(kind)
    density = fp.Tabulated(edges, averages)
    assert np.max(np.abs(density.cell_averages(edges) - averages)) < 1e-14 * np.max(averages) * 10
    assert np.max(np.abs(density.panels().coefficients[:, 0] - averages)) < 1e-14 * np.max(averages)
    x = np.linspace(edges[0], edges[-1], 20_001)
    pdf, cdf, sf = density.tails(x)
    assert np.min(pdf) >= 0.0 and np.all(np.diff(cdf) >= -3e-16) and np.all(np.diff(sf) <= 3e-16)
    assert np.max(np.abs(cdf + sf - 1.0)) < 1e-14
    u = np.linspace(1e-6, 1.0 - 1e-6, 301)
    assert np.max(np.abs(density.cdf(density.quantile(u)) - u)) < 1e-13


def test_tabulated_converges_to_a_smooth_density():
    errors = []
    for cells in (40, 80, 160):
        edges, averages = table("smooth", cells)
        x = np.linspace(-2.0, 2.0, 997)
        exact = stats.norm(0.2, 0.8)
        mass = exact.cdf(3.0) - exact.cdf(-3.0)
        errors.append(np.max(np.abs(fp.Tabulated(edges, averages).cdf(x) - (exact.cdf(x) - exact.cdf(-3.0)) / mass)))
    assert math.log2(errors[0] / errors[1]) > 3.5 and math.log2(errors[1] / errors[2]) > 3.5
    assert errors[-1] < 1e-6


def test_a_mass_that_is_one_to_rounding_keeps_the_numbers():
    edges, averages = table("smooth")
    assert np.array_equal(fp.Tabulated(edges, averages).averages, averages)
    nudged = fp.Tabulated(edges, averages * (1.0 + 1e-7))
    assert np.max(np.abs(nudged.averages / averages - 1.0)) < 1e-14


@pytest.mark.parametrize("kind", ["smooth", "gaps"])
def test_tabulated_moments_and_breaks(kind):
    edges, averages = table(kind)
    density = fp.Tabulated(edges, averages)
    x, w = np.polynomial.legendre.leggauss(20)
    half, centre = 0.5 * np.diff(edges)[:, None], 0.5 * (edges[1:] + edges[:-1])[:, None]
    nodes = centre + half * x
    for power in (1, 2):
        exact = np.sum(half * w * nodes**power * density.pdf(nodes))
        assert density.moment(power) == pytest.approx(exact, abs=1e-14)
    inner = [edges[5], edges[9], edges[30], edges[41]] if kind == "gaps" else []
    assert density.breaks() == pytest.approx([edges[0], *inner, edges[-1]])


def test_an_xarray_becomes_cell_averages():
    edges, averages = table("smooth")
    centres = 0.5 * (edges[1:] + edges[:-1])
    density = fp.as_density(xr.DataArray(averages, {"x": centres}, ["x"]))
    assert np.allclose(density.edges, edges, rtol=0, atol=1e-14)
    assert np.allclose(density.cell_averages(density.edges), averages, rtol=0, atol=1e-13)


# --- scipy.stats ----------------------------------------------------------------------------------------------------

SCIPY = {
    "t": stats.t(5),
    "logistic": stats.logistic(0.3, 0.5),
    "skewnorm": stats.skewnorm(4.0, loc=-1.0, scale=2.0),
    "gumbel_r": stats.gumbel_r(0.2, 0.7),
    "beta": stats.beta(2.5, 3.5),
    "gamma": stats.gamma(3.0, scale=0.4),
    "expon": stats.expon(-1.0, 0.5),
    "laplace": stats.laplace(0.5, 0.3),
    "triang": stats.triang(0.3, -1.0, 2.0),
}


@pytest.mark.parametrize("name", SCIPY)
def test_scipy_density_agrees_with_scipy(name):
    frozen = SCIPY[name]
    density = fp.as_density(frozen)
    u = np.array([1e-9, 1e-4, 0.01, 0.2, 0.5, 0.77, 0.99])
    x = np.concatenate([frozen.ppf(u), frozen.isf(u)])
    pdf, cdf, sf = density.tails(x)
    assert np.max(np.abs(pdf / frozen.pdf(x) - 1.0)) < 1e-8  # scipy's own far tails are no better
    bulk = (frozen.cdf(x) > 1e-5) & (frozen.sf(x) > 1e-5)
    assert np.max(np.abs(pdf / frozen.pdf(x) - 1.0)[bulk]) < 4e-12
    assert np.max(np.abs(cdf - frozen.cdf(x))) < 1e-13 and np.max(np.abs(sf - frozen.sf(x))) < 1e-13
    if name not in ("skewnorm", "triang"):  # there scipy's own small tails are differences from one
        assert np.max(np.abs(cdf / frozen.cdf(x) - 1.0)) < 1e-9 and np.max(np.abs(sf / frozen.sf(x) - 1.0)) < 1e-9
    assert np.max(np.abs(density.cdf(density.quantile(u)) - u)) < 1e-13
    assert np.max(np.abs(density.sf(density.quantile(1.0 - u, u)) / u - 1.0)) < 1e-11
    assert density.mean == pytest.approx(frozen.mean(), abs=1e-10)
    assert density.variance == pytest.approx(frozen.var(), rel=1e-9)


def test_scipy_density_knows_its_support_and_its_recipe():
    density = fp.as_density(stats.expon(-1.0, 0.5))
    assert density.support == (-1.0, np.inf) and density.breaks().tolist() == [-1.0]
    assert density.pdf(np.array([-1.5]))[0] == 0.0
    again = from_recipe("density", density.recipe())
    x = np.linspace(-0.9, 3.0, 11)
    assert np.array_equal(again.pdf(x), density.pdf(x))


def test_scipy_density_keeps_the_tails_that_scipy_loses():
    density = fp.as_density(stats.triang(0.3, -1.0, 2.0))  # peak at -0.4
    gap = np.array([1e-7, 1e-4, 0.1])
    # near an end x itself is rounded: 1e-16 of a gap of 1e-7
    assert density.cdf(-1.0 + gap) == pytest.approx(gap**2 / 1.2, rel=1e-8)
    assert density.sf(1.0 - gap) == pytest.approx(gap**2 / 2.8, rel=1e-8)


def test_scipy_density_far_out():
    density, frozen = fp.as_density(stats.logistic(0.3, 0.5)), stats.logistic(0.3, 0.5)
    x = np.array([-120.0, 150.0])
    assert np.max(np.abs(density.logpdf(x) / frozen.logpdf(x) - 1.0)) < 1e-14
    assert density.cdf(x)[0] == pytest.approx(frozen.cdf(-120.0), rel=1e-9)


# --- functions ------------------------------------------------------------------------------------------------------


def sech(x):
    return 1.0 / (np.pi * np.cosh(np.clip(x, -700.0, 700.0)))


def test_function_density_against_the_closed_form():
    density = fp.FunctionDensity(sech)
    x = np.array([-20.0, -5.0, -0.3, 0.0, 2.0, 12.0])
    cdf = [2 / mpmath.pi * mpmath.atan(mpmath.exp(mpf(float(point)))) for point in x]
    sf = [2 / mpmath.pi * mpmath.atan(mpmath.exp(-mpf(float(point)))) for point in x]
    assert_relative(density.cdf(x), cdf, 1e-11)
    assert_relative(density.sf(x), sf, 1e-11)
    assert np.max(np.abs(density.pdf(x) / sech(x) - 1.0)) < 1e-11
    assert density.variance == pytest.approx(math.pi**2 / 4.0, rel=1e-12)
    u = np.array([1e-8, 0.03, 0.5, 0.9])
    assert np.max(np.abs(density.cdf(density.quantile(u)) / u - 1.0)) < 1e-13


def test_function_density_with_jumps_and_ends():
    def steps(x):
        return np.where(np.abs(x) <= 0.5, 0.5 + x, np.where((x > 0.5) & (x <= 1.0), 1.0, 0.0))

    density = fp.FunctionDensity(steps, lower=-0.5, upper=1.0, breaks_at=[0.5])
    assert density.cdf(np.array([0.0, 0.5, 0.75])) == pytest.approx([0.125, 0.5, 0.75], abs=1e-14)
    assert density.breaks().tolist() == [0.5, 1.0]
    again = from_recipe("density", density.recipe())
    assert isinstance(again, PiecewisePolynomial)
    x = np.linspace(-0.49, 0.99, 23)
    assert np.array_equal(again.pdf(x), density.pdf(x))
    assert 1.0 in again.breaks().tolist()


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (lambda x: 2.0 * sech(x), "mass"),
        (lambda x: -sech(x), "negative"),
        (lambda x: np.full_like(x, np.nan), "finite"),
        (lambda x: np.zeros_like(x), "no mass"),
        (lambda x: np.ones(3), "vectorised"),
    ],
)
def test_function_density_refuses(function, complaint):
    with pytest.raises(InputError, match=complaint):
        fp.FunctionDensity(function)


# --- recipes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "density",
    [fp.Gaussian(0.1, 0.3), MIXTURE, fp.Uniform(-1.0, 2.0), fp.Tabulated(*table("rough")), fp.as_density(stats.t(5))],
    ids=lambda density: density.kind,
)
def test_a_recipe_rebuilds_the_same_numbers(density):
    again = from_recipe("density", density.recipe())
    x = np.linspace(-2.5, 2.5, 51)
    for ours, theirs in zip(again.tails(x), density.tails(x), strict=True):
        assert np.array_equal(ours, theirs)


# --- blurred --------------------------------------------------------------------------------------------------------


def blurred_uniform(a, b, scale, width, x):
    """Density, tails, E[y|x] and score of scale y + width e with y uniform on [a, b], in 40 digits."""
    scale, width, x = mpf(scale), mpf(width), mpf(float(x))
    low, high = (x - scale * b) / width, (x - scale * a) / width  # e lies between them
    span = scale * (mpf(b) - mpf(a)) / width

    def moved(z):  # integral of the normal CDF
        return z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2 + mpmath.npdf(z)

    def between(p, q):  # Phi(q) - Phi(p) from the smaller tails
        if p > 0:
            return (mpmath.erfc(p / mpmath.sqrt(2)) - mpmath.erfc(q / mpmath.sqrt(2))) / 2
        return (mpmath.erfc(-q / mpmath.sqrt(2)) - mpmath.erfc(-p / mpmath.sqrt(2))) / 2

    mass = between(low, high)
    pdf = mass / (span * width)
    cdf, sf = (moved(high) - moved(low)) / span, (moved(-low) - moved(-high)) / span
    score = (mpmath.npdf(high) - mpmath.npdf(low)) / (mass * width)
    # score = -E[e|x]/width and x = scale E[y|x] + width E[e|x]
    return pdf, cdf, sf, (x + width**2 * score) / scale, score


@pytest.mark.parametrize("width", [1e-9, 1e-6, 1e-3, 0.05, 0.3, 1.0, 5.0])
@pytest.mark.parametrize("scale", [1.0, 0.4])
def test_blurred_uniform_in_closed_form(width, scale):
    a, b = -1.0, 1.5
    density = Blurred(fp.Uniform(a, b), scale, width)
    steps = width * np.array([-20.0, -6.0, -2.0, -0.5, 0.0, 0.5, 2.0, 6.0, 20.0])
    inner = scale * np.array([-0.9, -0.2, 0.5, 1.3])
    x = np.unique(np.concatenate([scale * a + steps, inner, scale * b + steps]))
    with mp.workdps(120):
        exact = [blurred_uniform(a, b, scale, width, point) for point in x]
    pdf, cdf, sf, mean, score = density.state(x)
    # an edge is met with the rounding of x itself: allow for it as a shift of the argument
    shift = 4e-16 * (1.0 + np.abs(x))
    slope = np.array([abs(float(row[4])) for row in exact])
    for values, column in ((pdf, 0), (cdf, 1), (sf, 2)):
        reference = np.array([float(row[column]) for row in exact])
        rate = slope if column == 0 else np.array([float(row[0]) for row in exact]) / reference
        assert np.all(np.abs(values / reference - 1.0) <= 4e-12 + rate * shift)
    reference = np.array([float(row[3]) for row in exact])
    assert np.max(np.abs(mean - reference)) <= 1e-11 * (1.0 + width)
    scores = np.array([float(row[4]) for row in exact])
    assert np.all(np.abs(score - scores) <= 1e-10 * np.maximum(np.abs(scores), 1.0 / width * 1e-1) + shift / width**2)


@pytest.mark.parametrize("width", [1e-6, 0.01, 0.3, 2.0, 5.0])
def test_blurred_gaussian_from_panels_is_a_gaussian(width):
    panels = PiecewisePolynomial(*(getattr(fp.Gaussian(0.3, 0.5).panels(), name) for name in ("edges", "coefficients")))
    density, exact = Blurred(panels, 0.7, width), fp.Gaussian(0.21, math.hypot(0.35, width))
    x = 0.21 + exact.std * np.linspace(-7.0, 7.0, 41)
    pdf, cdf, sf, mean, score = density.state(x)
    for ours, theirs in zip((pdf, cdf, sf), exact.tails(x), strict=True):
        assert np.max(np.abs(ours / theirs - 1.0)) < 4e-12
    variance = exact.std**2
    assert np.max(np.abs(score + (x - 0.21) / variance)) < 1e-10 * 7.0 / exact.std
    assert np.max(np.abs(mean - (0.3 + 0.7 * 0.25 * (x - 0.21) / variance))) < 1e-10
    u = np.array([1e-12, 0.01, 0.3, 0.5])
    assert np.max(np.abs(density.quantile(u) - exact.quantile(u))) < 1e-10
    assert np.max(np.abs(density.quantile(1.0 - u, u) - exact.quantile(1.0 - u, u))) < 1e-10


@pytest.mark.parametrize("width", [0.01, 0.3, 1.0])
@pytest.mark.parametrize("far", [30.0, 100.0, 1000.0])
def test_blurred_logarithm_far_out(width, far):
    density = Blurred(fp.Uniform(-1.0, 1.0), 1.0, width)
    for x in (-1.0 - far * width, 1.0 + far * width):
        with mp.workdps(40):
            z = [(mpf(abs(float(x))) + side) / mpf(width) for side in (-1, 1)]
            mass = mpmath.erfc(z[0] / mpmath.sqrt(2)) / 2 - mpmath.erfc(z[1] / mpmath.sqrt(2)) / 2
            exact = float(mpmath.log(mass / 2))
        assert density.logpdf(np.array([x]))[0] == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("x", [-8.0, -15.0, -25.0, -30.0, 30.0])
def test_far_tails_of_blurred_smooth_data(x):
    """The data's own tail matters there: the posterior of y is at x / 12.1, inside the panels."""
    normal = stats.norm(0.0, 0.3)
    density, exact = Blurred(fp.FunctionDensity(normal.pdf), 1.0, 1.0), stats.norm(0.0, math.sqrt(1.09))
    assert density.logpdf(np.array([x]))[0] == pytest.approx(exact.logpdf(x), rel=1e-9)
    assert density.pdf(np.array([x]))[0] == pytest.approx(exact.pdf(x), rel=1e-7)
    assert (density.cdf if x < 0 else density.sf)(np.array([x]))[0] == pytest.approx(exact.sf(abs(x)), rel=1e-7)


@pytest.mark.parametrize("width", [1e-7, 1e-5, 1e-3])
def test_blurred_gaps_leave_nothing_infinite(width):
    """Where the density underflows in a gap of the data, score and mean must not."""
    density = Blurred(fp.Tabulated(np.linspace(0.0, 3.0, 4), np.array([0.5, 0.0, 0.5])), 1.0, width)
    pdf, cdf, sf, mean, score = density.state(1.0 + width * np.linspace(30.0, 45.0, 4001))
    for row in (pdf, cdf, sf, mean, score, pdf * score**2):
        assert np.all(np.isfinite(row))


@pytest.mark.parametrize("width", [1e-6, 0.02, 0.5, 3.0])
def test_blurred_quantile_round_trip(width):
    for data in (fp.Uniform(-1.0, 1.5), fp.Tabulated(*table("gaps"))):
        density = Blurred(data, 0.8, width)
        tail = np.array([1e-250, 1e-100, 1e-20, 1e-6, 0.05, 0.3, 0.5])
        left = density.quantile(tail, 1.0 - tail)
        right = density.quantile(1.0 - tail, tail)
        rounding = 4e-16 * (1.0 + np.abs(left)) / width
        for x, back in ((left, density.cdf(left)), (right, density.sf(right))):
            z = np.maximum(np.abs(x) - 1.0, 0.0) / width + 40.0
            assert np.all(np.abs(back / tail - 1.0) <= 1e-12 + rounding * z)


def test_blurred_moments():
    density = Blurred(fp.Uniform(-1.0, 2.0), 0.5, 0.3)
    assert density.mean == pytest.approx(0.25, abs=1e-15)
    assert density.variance == pytest.approx(0.25 * 9.0 / 12.0 + 0.09, rel=1e-14)
    assert density.panels().mass == pytest.approx(1.0, abs=1e-13)
    assert density.panels().moment(2) == pytest.approx(density.moment(2), rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.floats(-6.0, 1.0), st.floats(0.05, 2.0), st.floats(-1.0, 1.0))
def test_blurred_table_against_plain_quadrature(log_width, scale, place):
    edges, averages = table("rough", 24)
    data, width = fp.Tabulated(edges, averages), 10.0**log_width
    x = scale * 3.0 * place
    # y is a quadratic in every cell: integrate kernel times density by many small Gauss panels around the kernel
    near = np.linspace(x - 12.0 * width, x + 12.0 * width, 97) / scale
    cuts = np.unique(np.concatenate([edges, near[(near > edges[0]) & (near < edges[-1])]]))
    nodes, weights = np.polynomial.legendre.leggauss(16)
    half = 0.5 * np.diff(cuts)[:, None]
    y = 0.5 * (cuts[1:] + cuts[:-1])[:, None] + half * nodes
    kernel = stats.norm.pdf((x - scale * y) / width) / width
    exact = np.sum(half * weights * kernel * data.pdf(y))
    cdf = np.sum(half * weights * stats.norm.cdf((x - scale * y) / width) * data.pdf(y))
    pdf, below, _ = Blurred(data, scale, width).tails(np.array([x]))
    assert pdf[0] == pytest.approx(exact, rel=1e-9, abs=1e-11 * scale)
    assert below[0] == pytest.approx(cdf, rel=1e-9, abs=1e-11)


def test_blur_chooses_the_simplest_form():
    uniform = fp.Uniform(-1.0, 1.0)
    assert blur(uniform, 1.0, 0.0) is uniform
    scaled = blur(uniform, 0.5, 0.0)
    assert scaled.support == (-0.5, 0.5) and scaled.variance == pytest.approx(1.0 / 12.0, rel=1e-14)
    x = np.array([-0.6, -0.2, 0.5])
    assert scaled.cdf(x).tolist() == [0.0, 0.3, 1.0]
    noise = blur(uniform, 0.0, 4.0)
    assert np.array_equal(noise.pdf(x), fp.Gaussian(0.0, 2.0).pdf(x))
    both = blur(MIXTURE, 0.6, 0.04)
    exact = fp.GaussianMixture(
        tuple(0.6 * np.array(MIXTURE.means)), tuple(np.hypot(0.6 * np.array(MIXTURE.stds), 0.2)), MIXTURE.weights
    )
    assert np.allclose(both.pdf(x), exact.pdf(x), rtol=1e-14, atol=0)


@pytest.mark.parametrize("scale", [1e-2, 1e-4, 1.6e-6, 1e-8])
def test_a_narrow_block_far_out_keeps_its_digits(scale):
    # little signal is left: the data are all but a point, and seen from far out they must not lose their width
    density = blur(fp.Uniform(-1.0, 1.0), scale, 1.0)
    for x in (5.3, 7.5, 11.4):
        pdf, _, sf = (float(each[0]) for each in density.tails(np.array([x])))
        with mpmath.workdps(60):
            low, high = mpmath.mpf(x) - scale, mpmath.mpf(x) + scale
            upper = [mpmath.erfc(z / mpmath.sqrt(2)) / 2 for z in (low, high)]
            losses = [mpmath.npdf(z) - z * q for z, q in zip((low, high), upper, strict=True)]
            exact = [(upper[0] - upper[1]) / (2 * scale), (losses[0] - losses[1]) / (2 * scale)]
        assert pdf == pytest.approx(float(exact[0]), rel=2e-13)
        assert sf == pytest.approx(float(exact[1]), rel=2e-13)
        assert density.logpdf(np.array([x]))[0] == pytest.approx(float(mpmath.log(exact[0])), abs=2e-13)
