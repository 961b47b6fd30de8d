"""The Swiss roll against closed forms, plain quadrature with many more nodes, and its own limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.cases import pack, unpack
from fpsolve.densities.plane.spiral import crossings, gauss_angles, spiral, turning_points
from fpsolve.settings import InputError, from_recipe

ROLLS = [
    fp.SwissRoll(),
    fp.SwissRoll(centred=True),
    fp.SwissRoll(scale=1.7, start=0.0, turns=2.3),
    fp.SwissRoll(scale=20.0, start=6.0, turns=0.2, centred=True),
]
BLURS = (0.1, 0.3, 1.0)


def closed_moments(roll: fp.SwissRoll) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the sharp curve before it is centred, from antiderivatives."""
    low, high = roll.theta

    def mean(antiderivative):
        return (antiderivative(high) - antiderivative(low)) / (high - low)

    x, y = mean(lambda t: math.cos(t) + t * math.sin(t)), mean(lambda t: math.sin(t) - t * math.cos(t))
    square = mean(lambda t: t**3 / 6)
    even = mean(lambda t: t**2 * math.sin(2 * t) / 4 + t * math.cos(2 * t) / 4 - math.sin(2 * t) / 8)
    odd = mean(lambda t: -(t**2) * math.cos(2 * t) / 4 + t * math.sin(2 * t) / 4 + math.cos(2 * t) / 8)
    second = np.array([[square + even, odd], [odd, square - even]])
    centre = np.array([x, y])
    return centre / roll.scale, (second - np.multiply.outer(centre, centre)) / roll.scale**2


def blurred(roll: fp.SwissRoll, std: float, x: np.ndarray, y: np.ndarray, panels: int) -> np.ndarray:
    """The density of the blurred curve by Gauss panels in θ, taken at a few points at a time."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = np.linspace(*roll.theta, panels + 1)
    half = 0.5 * np.diff(edges)[:, None]
    theta = (edges[:-1, None] + half * (1 + nodes)).ravel()
    weights = (half * weights).ravel() / (edges[-1] - edges[0])
    px, py = roll.curve(theta)
    parts = [
        np.exp(-0.5 * ((a[:, None] - px) ** 2 + (b[:, None] - py) ** 2) / std**2) @ weights
        for a, b in zip(np.array_split(x, 16), np.array_split(y, 16), strict=True)
    ]
    return np.concatenate(parts) / (2 * math.pi * std**2)


def places(roll: fp.SwissRoll, std: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points up to 7.5 standard deviations from the curve, and from its ends."""
    rng = np.random.default_rng(1)
    theta = np.concatenate([rng.uniform(*roll.theta, count), np.repeat(roll.theta, count // 4)])
    angle, distance = rng.uniform(0, 2 * math.pi, theta.size), rng.uniform(0, 7.5, theta.size) * std
    x, y = roll.curve(theta)
    return x + distance * np.cos(angle), y + distance * np.sin(angle)


@pytest.mark.parametrize("roll", ROLLS)
def test_moments_in_closed_form(roll):
    mean, covariance = closed_moments(roll)
    np.testing.assert_allclose(roll.mean, np.zeros(2) if roll.centred else mean, atol=1e-13)
    np.testing.assert_allclose(roll.covariance, covariance, atol=1e-12)
    noisy = fp.SwissRoll(roll.scale, roll.start, roll.turns, 0.25, roll.centred)
    np.testing.assert_allclose(noisy.covariance - roll.covariance, 0.0625 * np.eye(2), atol=1e-14)


@pytest.mark.parametrize("roll", ROLLS)
def test_length_in_closed_form(roll):
    ends = [0.5 * (t * math.hypot(1, t) + math.asinh(t)) for t in roll.theta]
    assert roll.length == pytest.approx((ends[1] - ends[0]) / roll.scale, rel=1e-12)


def test_the_curve_of_the_paper():
    u = np.linspace(0, 1, 7)
    theta = 1.5 * np.pi * (1 + 2 * u)
    assert fp.SwissRoll().theta == pytest.approx((theta[0], theta[-1]))
    x, y = fp.SwissRoll().curve(theta)
    np.testing.assert_allclose(np.stack([x, y]), theta * [np.cos(theta), np.sin(theta)] / 4.3, atol=1e-14)


@pytest.mark.parametrize("size", [1, 2, 5, 64, 601])
def test_gauss_rule_keeps_its_digits_at_any_size(size):
    angle, weights = gauss_angles(size)
    x = np.cos(angle)
    for power in {0, 1, min(2, 2 * size - 1), min(20, 2 * size - 1), 2 * size - 1}:
        exact = 2 / (power + 1) if power % 2 == 0 else 0.0
        assert weights @ x**power == pytest.approx(exact, abs=2e-15)
    rate = size / 8  # mass near one end only
    assert rate * weights @ np.exp(rate * (x - 1)) == pytest.approx(
        -np.expm1(-2 * rate), rel=2e-14 if size > 9 else 0.1
    )


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("lower", "upper"), [(0.0, 9.0), (4.7, 14.2), (100.0, 103.5)])
def test_crossings(axis, lower, upper):
    """Every sign change on a fine lattice is found, once, and to rounding."""
    levels = np.linspace(-upper, upper, 41) + 0.01
    theta = crossings(axis, levels, lower, upper)
    value = spiral(theta)[axis]
    assert np.max(np.min(np.abs(value[:, None] - levels), axis=1)) < 2e-15 * upper**2
    fine = spiral(np.linspace(lower, upper, 40001))[axis]
    changes = sum(np.count_nonzero(np.diff(np.sign(fine - level))) for level in levels)
    assert theta.size == changes
    turns = np.count_nonzero(np.diff(np.sign(np.diff(fine))))
    assert turning_points(axis, lower, upper).size == turns


@pytest.mark.parametrize("roll", ROLLS)
@pytest.mark.parametrize("std", BLURS)
def test_mixture_against_ten_times_the_nodes(roll, std):
    weights, points = roll.mixture(std)
    assert weights.min() > 0 and weights.sum() == pytest.approx(1, abs=2e-15)
    for wider in (1.0, 1.5):
        s = wider * std
        x, y = places(roll, s, 500)
        exact = blurred(roll, s, x, y, panels=max(weights.size * 10 // 16, 20))
        square = (x[:, None] - points[:, 0]) ** 2 + (y[:, None] - points[:, 1]) ** 2
        found = np.exp(-0.5 * square / s**2) @ weights / (2 * math.pi * s**2)
        seen = exact > 1e-12 * exact.max()
        assert np.max(np.abs(found - exact)) < 1e-13 * exact.max()
        np.testing.assert_allclose(found[seen], exact[seen], rtol=1e-10)


def test_mixture_takes_few_points():
    """Equal steps of 0.8 standard deviations are the least for 13 digits; ends and bends add little."""
    sizes = [fp.SwissRoll().mixture(std)[0].size for std in (0.03, 0.1, 0.3, 1.0)]
    least = [fp.SwissRoll().length / (0.8 * std) for std in (0.03, 0.1, 0.3, 1.0)]
    assert all(size < 1.1 * few + 45 for size, few in zip(sizes, least, strict=True))


@pytest.mark.parametrize("blur", [0.02, 0.1, 0.6])
def test_density_against_quadrature(blur):
    roll = fp.SwissRoll(blur=blur, centred=True)
    x, y = places(roll, blur, 300)
    exact = blurred(roll, blur, x, y, panels=int(60 / blur) // 4 + 40)
    np.testing.assert_allclose(roll.pdf(x, y), exact, rtol=1e-10, atol=1e-13 * exact.max())
    assert roll.pdf(x[:, None], y[:3]).shape == (x.size, 3)
    np.testing.assert_array_equal(roll.pdf(np.array([1e60, np.inf, 0.0]), [0.0, 0.0, -1e200]), 0.0)


@pytest.mark.parametrize("blur", [0.0, 0.003, 0.1, 1.0])
@pytest.mark.parametrize("centred", [False, True])
def test_masses_sum_to_one(blur, centred):
    roll = fp.SwissRoll(blur=blur, centred=centred)
    edges = [
        np.linspace(low - 1e-9, high + 1e-9, n) for (low, high), n in zip(roll.interval(1e-18), (70, 51), strict=True)
    ]
    masses = roll.cell_masses(*edges)
    assert masses.shape == (69, 50)
    assert masses.sum() == pytest.approx(1, abs=1e-12)
    centres = [0.5 * (e[1:] + e[:-1]) for e in edges]
    mean = [masses.sum(axis=1 - i) @ centre for i, centre in enumerate(centres)]
    np.testing.assert_allclose(mean, roll.mean, atol=0.03)


@pytest.mark.parametrize("blur", [0.15, 0.5])
def test_masses_are_integrals_of_the_density(blur):
    roll = fp.SwissRoll(blur=blur)
    edges = np.linspace(-5, 5, 41), np.linspace(-4, 4.5, 35)
    nodes, weights = np.polynomial.legendre.leggauss(10)
    x, y = ((e[:-1, None] + 0.5 * np.diff(e)[:, None] * (1 + nodes)).ravel() for e in edges)
    values = roll.pdf(x[:, None], y).reshape(40, 10, 34, 10)
    areas = 0.25 * np.multiply.outer(*map(np.diff, edges))
    masses = np.einsum("iajb,a,b->ij", values, weights, weights) * areas
    found = roll.cell_masses(*edges)
    np.testing.assert_allclose(found, masses, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(roll.cell_averages(*edges), found / (4 * areas), rtol=1e-14)


def test_masses_of_one_cell_beyond_the_roll():
    """Parts of a grid hold what they hold in the whole."""
    roll, edges = fp.SwissRoll(blur=0.1), np.linspace(-6, 6, 61)
    whole = roll.cell_masses(edges, edges)
    np.testing.assert_allclose(roll.cell_masses(edges[20:31], edges[3:9]), whole[20:30, 3:8], rtol=1e-13)
    sharp = fp.SwissRoll()
    part = sharp.cell_masses(edges[20:31], edges[15:29])
    np.testing.assert_allclose(part, sharp.cell_masses(edges, edges)[20:30, 15:28], atol=1e-16)
    assert not sharp.cell_masses(edges[:3], edges).any()


def test_sharp_masses_are_counts_of_a_fine_lattice():
    roll, edges = fp.SwissRoll(centred=True), (np.linspace(-3, 3, 38), np.linspace(-3, 3.5, 29))
    count = 400_000
    low, high = roll.theta
    x, y = roll.curve(low + (np.arange(count) + 0.5) * (high - low) / count)
    counted = np.histogram2d(x, y, bins=edges)[0] / count
    found = roll.cell_masses(*edges)
    # each piece of the curve in a cell is off by one lattice step at most
    assert np.max(np.abs(found - counted)) < 6 / count
    np.testing.assert_array_equal(found > 2 / count, counted > 1.5 / count)


def test_sharp_masses_are_the_limit_of_small_blur():
    """What crosses an edge both ways balances but for bends and corners: the gap falls nearly as the blur squared."""
    edges = np.linspace(-4, 4, 33)
    sharp = fp.SwissRoll().cell_masses(edges, edges)
    gaps = [np.abs(fp.SwissRoll(blur=b).cell_masses(edges, edges) - sharp).sum() for b in (0.02, 0.01, 0.005, 0.0025)]
    ratios = np.divide(gaps[:-1], gaps[1:])
    assert gaps[-1] < 1e-3 and np.all((ratios > 3.0) & (ratios < 4.5))


@pytest.mark.parametrize("roll", ROLLS)
def test_support_holds_the_curve_tightly(roll):
    x, y = roll.curve(np.linspace(*roll.theta, 100_001))
    for places_along, (low, high) in zip((x, y), roll.support, strict=True):
        assert places_along.min() == pytest.approx(low, abs=1e-8) and places_along.max() == pytest.approx(
            high, abs=1e-8
        )
        assert places_along.min() >= low - 1e-14 and places_along.max() <= high + 1e-14
    assert roll.interval(1e-3) == roll.support
    assert roll.finest == 0.0


def test_interval_of_the_blurred_roll():
    roll = fp.SwissRoll(blur=0.2)
    (left, right), (bottom, top) = roll.interval(1e-4)
    far = np.array([-60.0, 60.0])
    for edges in ((far, np.array([top, 60.0])), (far, np.array([-60.0, bottom]))):
        assert roll.cell_masses(*edges).sum() == pytest.approx(1e-4, rel=1e-9)
        side = {top: right, bottom: left}[edges[1][0] if edges[1][0] == top else edges[1][1]]
        beyond = np.array([side, 60.0]) if side > 0 else np.array([-60.0, side])
        assert roll.cell_masses(beyond, far).sum() == pytest.approx(1e-4, rel=1e-9)
    assert roll.support == ((-np.inf, np.inf),) * 2
    assert roll.finest == 0.2


def test_finest_scales_of_other_densities():
    turned = fp.PlaneGaussian(covariance=[[2.0, 1.2], [1.2, 1.0]])
    assert turned.finest == pytest.approx(math.sqrt(np.linalg.eigvalsh(turned.covariance)[0]), rel=1e-14)
    ridge = fp.PlaneGaussian(covariance=[[1.0, 1.0], [1.0, 1.0 + 2.0**-40]])
    assert ridge.finest == pytest.approx(2.0**-20.5, rel=1e-6)
    assert fp.PlaneGaussian(stds=(3.0, 0.5)).finest == 0.5
    assert fp.PlaneMixture(((0, 0), (1, 1), (2, 2)), stds=(0.3, 0.2, 0.1), weights=(0.5, 0.5, 0.0)).finest == 0.2
    assert fp.PlaneUniform((0, 0), (1, 1)).finest is None


@pytest.mark.parametrize("roll", [*ROLLS, fp.SwissRoll(blur=0.1)])
def test_recipes(roll):
    text, arrays = pack(roll.recipe())
    assert from_recipe("plane-density", unpack(text, arrays)) == roll
    assert from_recipe("plane-density", {"kind": "swiss-roll"}) == fp.SwissRoll(4.3, 1.5, 3.0, 0.0, False)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scale", 0.0),
        ("scale", -4.3),
        ("scale", math.nan),
        ("turns", 0.0),
        ("turns", -1),
        ("turns", 1001),
        ("start", -0.5),
        ("start", 2000.0),
        ("start", "1.5"),
        ("blur", -0.1),
        ("blur", math.nan),
        ("blur", math.inf),
        ("blur", 1e-9),
        ("blur", 1e-70),
        ("centred", "yes"),
        ("centred", 1),
    ],
)
def test_bad_rolls(key, value):
    with pytest.raises(InputError) as caught:
        from_recipe("plane-density", {"kind": "swiss-roll", key: value})
    assert caught.value.key == key


def test_what_a_sharp_roll_cannot_give():
    with pytest.raises(InputError, match="no density") as caught:
        fp.SwissRoll().pdf(0.0, 0.0)
    assert caught.value.key == "blur"
    for std in (0.0, -1.0, math.nan, 1e-7):
        with pytest.raises(InputError) as caught:
            fp.SwissRoll().mixture(std)
        assert caught.value.key == "std"
    with pytest.raises(InputError, match="edges_y"):
        fp.SwissRoll().cell_masses([0.0, 1.0], [1.0, 0.0])


@pytest.mark.parametrize("scale", [1e-40, 1.0, 1e40])
def test_any_unit(scale):
    """Everything follows the unit of length."""
    roll, same = fp.SwissRoll(scale=4.3 * scale, blur=0.1 / scale), fp.SwissRoll(blur=0.1)
    edges = np.linspace(-4, 4, 21)
    np.testing.assert_allclose(
        roll.cell_masses(edges / scale, edges / scale), same.cell_masses(edges, edges), atol=1e-14
    )
    np.testing.assert_allclose(roll.mean * scale, same.mean, rtol=1e-13)
    assert roll.pdf(0.3 / scale, 1.0 / scale) / scale**2 == pytest.approx(same.pdf(0.3, 1.0), rel=1e-11)
    assert fp.SwissRoll().mixture(1e50)[0].size < 30
