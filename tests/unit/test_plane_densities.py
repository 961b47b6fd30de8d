"""Densities in the plane against closed forms, high precision, plain quadrature and each other."""

from __future__ import annotations

import dataclasses
import functools
import math

import mpmath
import numpy as np
import pytest
import scipy.stats as stats
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from scipy.integrate import dblquad

import fpsolve as fp
from fpsolve.cases import pack, unpack
from fpsolve.densities import (
    PlaneDensity,
    PlaneFunction,
    PlaneGaussian,
    PlaneMixture,
    PlanePanels,
    PlaneTabulated,
    PlaneUniform,
    as_plane_density,
)
from fpsolve.settings import InputError, from_recipe

EDGES = np.linspace(-6.0, 6.5, 41), np.linspace(-7.0, 6.0, 53)


def rotated(mean, stds, angle):
    """A normal density whose principal axes are turned by an angle."""
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return PlaneGaussian(mean, covariance=turn @ np.diag(np.square(stds)) @ turn.T)


def exact_mass(density, x, y):
    """Mass of one rectangle under a correlated normal density, in 30 digits."""
    (xx, xy), (_, yy) = ([mpf(v) for v in row] for row in density.covariance.tolist())
    mean_x, mean_y = (mpf(v) for v in density.mean.tolist())
    std, slope, spread = mpmath.sqrt(xx), xy / xx, mpmath.sqrt(yy - xy**2 / xx)
    x, y = ([mpf(float(v)) for v in side] for side in (x, y))

    def strip(u):
        a, b = sorted((edge - mean_y - slope * (u - mean_x)) / spread / mpmath.sqrt(2) for edge in y)
        inner = mpmath.erfc(-b) - mpmath.erfc(-a) if a + b < 0 else mpmath.erfc(a) - mpmath.erfc(b)
        return inner / 2 * mpmath.npdf((u - mean_x) / std) / std

    step = min(std, spread / abs(slope))
    marks = {mean_x + (edge - mean_y) / slope + k * step for edge in y for k in range(-12, 13)}
    marks |= {mean_x + k * std for k in range(-30, 31)}
    cuts = [x[0], *sorted(m for m in marks if x[0] < m < x[1]), x[1]]
    size = max(map(strip, cuts)) + strip((x[0] + x[1]) / 2)  # what mpmath takes for zero is absolute
    return size * mpmath.quad(lambda u: strip(u) / size, cuts, method="gauss-legendre", maxdegree=4)


def panels() -> PlanePanels:
    """What the recipe of a function keeps."""
    return from_recipe("plane-density", hill().recipe())


@functools.cache
def hill() -> PlaneFunction:
    """A smooth function that vanishes with its first derivatives at the ends of its box."""
    return PlaneFunction(
        lambda x, y: (1 + np.cos(x)) * (1 + np.cos(y)) * (1 + 0.5 * np.sin(x) * np.sin(y)) / (4 * np.pi**2),
        (-np.pi, -np.pi),
        (np.pi, np.pi),
    )


def table() -> PlaneTabulated:
    rng = np.random.default_rng(3)
    edges = np.cumsum(rng.uniform(0.1, 0.6, 12)) - 2.0, np.cumsum(rng.uniform(0.1, 0.6, 9)) - 1.5
    values = rng.uniform(0.0, 1.0, (11, 8))
    values[0] = values[:, -1] = 0.0
    return PlaneTabulated.normalised(*edges, values)


FAMILY = {
    "round": PlaneGaussian((0.3, -0.2), std=0.7),
    "along the axes": PlaneGaussian((0.3, -0.2), stds=(0.4, 1.1)),
    "correlated": PlaneGaussian((0.3, -0.2), covariance=((1.0, -0.55), (-0.55, 0.8))),
    "thin": rotated((0.3, -0.2), (0.8, 0.004), 0.6),
    "mixture": PlaneMixture(((0.5, 0.1), (-0.9, 0.4)), stds=(0.3, 0.8), weights=(0.25, 0.75)),
    "correlated mixture": PlaneMixture(
        ((0.5, 0.1), (-0.9, 0.4)), covariances=(((0.5, 0.2), (0.2, 0.3)), ((0.4, 0.0), (0.0, 0.1)))
    ),
    "uniform": PlaneUniform((-1.0, 0.3), (0.7, 1.9)),
    "table": table(),
    "function": hill(),
    "panels": panels(),
}


@pytest.fixture(params=FAMILY)
def density(request) -> PlaneDensity:
    return FAMILY[request.param]


# --- every kind -----------------------------------------------------------------------------------------------------


def test_masses_sum_to_one(density):
    masses = density.cell_masses(*EDGES)
    assert masses.shape == (40, 52)
    assert np.all(masses >= 0.0)
    assert np.sum(masses) == pytest.approx(1.0, abs=1e-7)
    # far wider than any of them: nothing is left outside
    wide = np.linspace(-40.0, 41.0, 58), np.linspace(-41.0, 40.0, 37)
    assert np.sum(density.cell_masses(*wide)) == pytest.approx(1.0, abs=4e-15)


def test_averages_are_masses_over_areas(density):
    x, y = (edges + 0.01 * edges**2 for edges in EDGES)
    areas = np.multiply.outer(np.diff(x), np.diff(y))
    averages = density.cell_averages(x, y)
    assert np.max(np.abs(averages * areas - density.cell_masses(x, y))) <= 1e-15 * np.max(averages * areas)


def test_coarse_cells_are_sums_of_fine_ones(density):
    x, y = np.linspace(-3.3, 4.1, 25), np.linspace(-5.0, 3.0, 37)
    fine = density.cell_masses(x, y)
    for nx, ny in ((2, 3), (24, 1), (1, 36), (6, 12), (24, 36)):
        coarse = density.cell_masses(x[::nx], y[::ny])
        sums = fine.reshape(24 // nx, nx, 36 // ny, ny).sum(axis=(1, 3))
        assert np.max(np.abs(coarse - sums)) <= 1e-14 * np.max(coarse) + (1e-8 if density is FAMILY["panels"] else 0.0)


def test_fine_averages_approach_the_density(density):
    size, (u, v) = (1e-6, density.mean) if density is FAMILY["thin"] else (1e-3, (-0.311, 0.62))
    x, y = np.linspace(u, u + size, 4), np.linspace(v, v + size, 3)
    middle = density.pdf((0.5 * (x[1:] + x[:-1]))[:, None], 0.5 * (y[1:] + y[:-1]))
    assert np.allclose(density.cell_averages(x, y), middle, rtol=1e-6, atol=0.0)


def test_moments_agree_with_fine_masses(density):
    (low_x, high_x), (low_y, high_y) = density.interval(1e-14)
    # edges of the table among those of the grid: inside a cell only the second moment is left out
    x = np.union1d(np.linspace(low_x, high_x, 700), table().edges_x)
    y = np.union1d(np.linspace(low_y, high_y, 650), table().edges_y)
    masses = density.cell_masses(x, y)
    u, v = (0.5 * (edges[1:] + edges[:-1]) for edges in (x, y))
    mean = np.array([masses.sum(axis=1) @ u, masses.sum(axis=0) @ v])
    u, v = u - mean[0], v - mean[1]
    covariance = [[masses.sum(axis=1) @ u**2, u @ masses @ v], [u @ masses @ v, masses.sum(axis=0) @ v**2]]
    assert density.mean.shape == (2,) and density.covariance.shape == (2, 2)
    assert np.allclose(density.mean, mean, rtol=0.0, atol=2e-4)
    assert np.allclose(density.covariance, covariance, rtol=0.0, atol=4e-4)
    assert np.array_equal(density.covariance, density.covariance.T)


@pytest.mark.parametrize("tail", [1e-3, 1e-12, 1e-40])
def test_little_mass_lies_beyond_the_interval(density, tail):
    (low_x, high_x), (low_y, high_y) = density.interval(tail)
    assert density.interval() == density.interval(1e-40)
    assert low_x < high_x and low_y < high_y
    for i, (low, high) in enumerate(((low_x, high_x), (low_y, high_y))):
        sides = np.array([low - 90.0, low]), np.array([high, high + 90.0])
        for side in sides:
            edges = [np.array([-90.0, 90.0])] * 2
            edges[i] = side
            assert density.cell_masses(*edges)[0, 0] <= 1.000001 * tail + 1e-15


def test_support_holds_all_mass(density):
    (low_x, high_x), (low_y, high_y) = density.support
    if low_x > -np.inf:
        inside = density.cell_masses(np.array([low_x, high_x]), np.array([low_y, high_y]))
        assert inside[0, 0] == pytest.approx(1.0, abs=2e-15)
        beyond = np.nextafter([low_x, high_x], [-np.inf, np.inf])
        assert not density.pdf(beyond, density.mean[1]).any()
        assert not density.cell_masses(np.array([high_x, high_x + 1.0]), EDGES[1]).any()
    else:
        assert (high_x, low_y, high_y) == (np.inf, -np.inf, np.inf)


def test_points_are_broadcast(density):
    x, y = np.linspace(-1.0, 1.0, 5), np.linspace(-2.0, 0.5, 3)
    grid = density.pdf(x[:, None], y)
    assert grid.shape == (5, 3)
    assert np.array_equal(grid, density.pdf(*np.meshgrid(x, y, indexing="ij")))
    assert density.pdf(0.1, 0.2).shape == ()
    assert density.pdf(0.1, y).shape == (3,)
    assert not density.pdf(1e30, 1e30) and not density.pdf(-1e300, 0.0) and not density.pdf(0.1, np.inf)
    assert not density.pdf(-np.inf, 0.0) and not density.pdf(np.inf, np.inf)


def test_recipes_round_trip(density):
    text, arrays = pack(density.recipe())
    again = from_recipe("plane-density", unpack(text, arrays))
    if density is FAMILY["function"]:
        assert isinstance(again, PlanePanels)
        difference = again.cell_averages(*EDGES) - density.cell_averages(*EDGES)
        assert np.max(np.abs(difference)) <= 1e-8 * np.max(again.cell_averages(*EDGES))
        assert np.allclose(again.covariance, density.covariance, rtol=1e-14)
    else:
        assert type(again) is type(density)
        assert np.array_equal(again.cell_masses(*EDGES), density.cell_masses(*EDGES))
        assert again.recipe().keys() == density.recipe().keys()


def test_edges_are_checked(density):
    good = np.array([0.0, 1.0])
    for name, bad in (("no list", None), ("words", ["a", "b"]), ("nan", [0.0, np.nan]), ("order", [1.0, 0.0])):
        for method in (density.cell_masses, density.cell_averages):
            with pytest.raises(InputError, match="edges_x"):
                method(bad, good)
            with pytest.raises(InputError, match="edges_y"):
                method(good, bad)
        assert name
    for bad in ([1.0], [], [0.0, 1e80]):
        with pytest.raises(InputError, match="edges_y"):
            density.cell_masses(good, bad)


@pytest.mark.parametrize("tail", [0.0, -1.0, 0.5, 1.0, np.nan, "little"])
def test_tails_are_checked(density, tail):
    with pytest.raises(InputError, match="tail"):
        density.interval(tail)


# --- normal densities -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [1, 7, 64, 700])
def test_uncorrelated_cells_are_products_of_masses_on_lines(cells):
    x, y = np.linspace(-3.0, 2.0, cells + 1), np.linspace(-9.0, 30.0, cells + 1)
    masses = PlaneGaussian((0.3, -0.2), stds=(0.4, 1.1)).cell_masses(x, y)
    lines = fp.Gaussian(0.3, 0.4).cell_masses(x), fp.Gaussian(-0.2, 1.1).cell_masses(y)
    exact = np.multiply.outer(*lines)
    # differences of the error function, on the line, are off by a rounding of one over the mass of a cell
    assert np.max(np.abs(masses - exact)) <= 1e-16 * cells * np.max(exact) + 1e-15 * np.max(exact)
    assert np.allclose(masses, exact, rtol=1e-12, atol=1e-16 * np.max(exact))


@pytest.mark.parametrize("z", [0.0, 0.3, 1.5, 6.0, 20.0, 36.0])
@pytest.mark.parametrize("width", [1e-9, 1e-4, 0.04, 0.3, 0.49, 0.51, 2.0])
def test_cells_on_a_line_are_relatively_accurate(z, width):
    edges = np.array([z, z + width])
    with mp.workdps(60):
        a, b = (mpf(float(e)) / mpmath.sqrt(2) for e in edges)
        exact = float((mpmath.erfc(a) - mpmath.erfc(b)) / 2)
    unit = np.array([-0.5, 0.5])
    other = math.erf(0.5 / math.sqrt(2.0))
    for sign in (1.0, -1.0):
        mass = PlaneGaussian(std=1.0).cell_masses(np.sort(sign * edges), unit)[0, 0] / other
        assert mass == pytest.approx(exact, rel=4e-16 * (4.0 + z**2), abs=0.0)


RIDGES = {
    "mild": FAMILY["correlated"],
    "strong": PlaneGaussian((5.0, 2.0), covariance=((1.0, 0.99), (0.99, 1.0))),
    "unlike scales": PlaneGaussian((0.3, -0.2), covariance=((1.0, 5e-4), (5e-4, 1e-6))),
    "thin": rotated((0.0, 0.0), (1.0, 0.01), 0.3),
    "thinner": rotated((0.0, 0.0), (1.0, 1e-4), 2.3),
}


@pytest.mark.parametrize("name", RIDGES)
@pytest.mark.parametrize("cells", [(256, 256), (30, 31), (3, 40)])
def test_correlated_cells_in_high_precision(name, cells):
    density = RIDGES[name]
    stds = np.sqrt(density.covariance.diagonal())
    x, y = (m + s * np.linspace(-8.0, 8.2, n + 1) for m, s, n in zip(density.mean, stds, cells, strict=True))
    masses = density.cell_masses(x, y)
    rng = np.random.default_rng(7)
    picked = [np.unravel_index(masses.argmax(), masses.shape)]
    for least in (1e-3, 1e-18):
        some = np.argwhere(masses > least * masses.max())
        picked.append(tuple(some[rng.choice(len(some))]))
    magnified = stds[1] / density.conditional(0).spread
    with mp.workdps(30):
        for i, j in picked:
            exact = exact_mass(density, x[i : i + 2], y[j : j + 2])
            error = abs(mpf(float(masses[i, j])) - exact)
            assert error <= 2e-15 * masses.max()
            # thirteen digits less the ratio of the scales, which magnifies the rounding of edges
            assert error <= 1e-13 * magnified * exact


@pytest.mark.parametrize(
    ("x", "y"), [((5.0, 5.5), (-9.0, -8.7)), ((-6.0, -2.0), (11.0, 11.3)), ((9.0, 19.0), (7.5, 9.0))]
)
def test_correlated_cells_far_out(x, y):
    density = FAMILY["correlated"]
    with mp.workdps(30):
        exact = exact_mass(density, x, y)
        assert exact < 1e-20
        assert abs(density.cell_masses(np.array(x), np.array(y))[0, 0] / exact - 1) <= 1e-13


def test_correlated_cells_against_scipy():
    density = FAMILY["correlated"]
    law = stats.multivariate_normal(density.mean, density.covariance)
    x, y = np.array([-1.0, 0.2, 2.5]), np.array([-0.9, 0.1, 0.4])
    masses = density.cell_masses(x, y)
    for i in range(2):
        for j in range(2):
            exact = law.cdf([x[i + 1], y[j + 1]], lower_limit=[x[i], y[j]])
            assert masses[i, j] == pytest.approx(exact, abs=1e-7)
            other, _ = dblquad(lambda v, u: density.pdf(u, v), x[i], x[i + 1], y[j], y[j + 1], epsabs=1e-13)
            assert masses[i, j] == pytest.approx(other, abs=1e-12)
    points = np.random.default_rng(0).normal(size=(50, 2))
    assert np.allclose(density.pdf(*points.T), law.pdf(points), rtol=1e-13)


@pytest.mark.parametrize("name", RIDGES)
def test_marginals_are_masses_on_lines(name):
    density = RIDGES[name]
    stds = np.sqrt(density.covariance.diagonal())
    x, y = (m + s * np.linspace(-3.0, 2.5, n) for m, s, n in zip(density.mean, stds, (61, 44), strict=True))
    all_x, all_y = (m + s * np.array([-45.0, 45.0]) for m, s in zip(density.mean, stds, strict=True))
    along_x = density.cell_masses(x, np.concatenate([all_y[:1], y, all_y[1:]])).sum(axis=1)
    along_y = density.cell_masses(all_x, y)[0]
    assert np.allclose(along_x, fp.Gaussian(density.mean[0], stds[0]).cell_masses(x), rtol=0.0, atol=4e-16)
    assert np.allclose(along_y, fp.Gaussian(density.mean[1], stds[1]).cell_masses(y), rtol=0.0, atol=4e-16)


@given(st.floats(0.02, 1.0), st.floats(-1.5, 1.5), st.floats(0.1, 0.7), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_symmetries_of_a_turned_density(ratio, angle, shift, cells):
    x, y = np.linspace(-4.0, 4.0, cells + 1) + shift, np.linspace(-5.0, 5.0, 14)
    masses = rotated((0.0, 0.0), (1.0, ratio), angle).cell_masses(x, y)
    tolerance = 3e-14 * masses.max() / ratio  # of the entries of two covariances that are the same in exact arithmetic
    mirrored = rotated((0.0, 0.0), (1.0, ratio), -angle).cell_masses(x, y)[:, ::-1]
    swapped = rotated((0.0, 0.0), (1.0, ratio), 0.5 * np.pi - angle).cell_masses(y, x).T
    turned = rotated((0.0, 0.0), (1.0, ratio), angle + np.pi).cell_masses(-x[::-1], y)[::-1, ::-1]
    for other in (mirrored, swapped, turned):
        assert np.max(np.abs(other - masses)) <= tolerance


def test_a_turn_of_a_round_density_changes_nothing():
    """A covariance that is a multiple of one but for rounding takes the way of correlated ones."""
    plain = PlaneGaussian((0.3, 0.1), std=0.7).cell_masses(*EDGES)
    nearly = PlaneGaussian((0.3, 0.1), covariance=((0.49, 1e-17), (1e-17, 0.49)))
    assert nearly.uncorrelated is None
    assert np.max(np.abs(nearly.cell_masses(*EDGES) - plain)) <= 1e-15 * plain.max()
    assert np.allclose(nearly.cell_masses(*EDGES), plain, rtol=2e-13, atol=1e-120)


def test_a_turned_probability_is_that_of_a_line():
    """A half plane through many cells: P(x + y < c) is a normal probability, approached from both sides."""
    density = FAMILY["correlated"]
    edges = np.linspace(-8.0, 8.0, 801)
    masses = density.cell_masses(edges, edges)
    total = np.add.outer(np.arange(800), np.arange(800))
    level = 830  # cells whose upper right corner lies below x + y = -16 + 0.02 * 830, and those that reach below
    sum_std = math.sqrt(density.covariance.sum())
    exact = stats.norm.cdf((-16.0 + 0.02 * level - density.mean.sum()) / sum_std)
    below = masses[total + 2 <= level].sum(), masses[total < level].sum()
    assert below[0] < exact < below[1]
    assert 0.5 * sum(below) == pytest.approx(exact, abs=1e-4)


def test_a_grid_far_away_holds_nothing():
    far = np.linspace(1e4, 2e4, 5)
    for density in (FAMILY["round"], FAMILY["correlated"], FAMILY["thin"]):
        assert not density.cell_masses(far, EDGES[1]).any()
        assert not density.cell_masses(EDGES[0], -far[::-1]).any()
        assert density.cell_masses(np.array([-1e59, 1e59]), np.array([-1e59, 1e59]))[0, 0] == pytest.approx(1.0)


def test_ways_to_give_the_shape():
    std, stds = PlaneGaussian((1, 2), 0.3), PlaneGaussian([1.0, 2.0], stds=np.array([0.3, 0.3]))
    matrix = PlaneGaussian(np.array([1.0, 2.0]), covariance=np.diag([0.3**2, 0.3**2]))
    assert std == stds == matrix and hash(std) == hash(stds) == hash(matrix)
    assert std != PlaneGaussian((1, 2), 0.4) and std != "else"
    assert np.array_equal(std.mean, [1.0, 2.0]) and np.array_equal(std.covariance, np.diag([0.3**2] * 2))
    for density in (std, stds, matrix):
        assert np.array_equal(density.cell_masses(*EDGES), std.cell_masses(*EDGES))
        assert not density.mean.flags.writeable and not density.covariance.flags.writeable
    assert std.recipe() == {"kind": "gaussian", "mean": [1.0, 2.0], "std": 0.3}
    assert stds.recipe() == {"kind": "gaussian", "mean": [1.0, 2.0], "stds": [0.3, 0.3]}
    moved = dataclasses.replace(std, mean=(0.0, 0.0))
    assert moved == PlaneGaussian(std=0.3)
    with pytest.raises(InputError, match="exactly one"):
        dataclasses.replace(std, std=0.4)
    rounded = PlaneGaussian(covariance=((1.0, 0.5), (0.5 + 1e-15, 1.0)))
    assert rounded.covariance[0, 1] == rounded.covariance[1, 0]


def test_a_nearly_singular_covariance_is_judged_without_rounding():
    one = 1.0 - 2.0**-53
    assert PlaneGaussian(covariance=((1.0, one), (one, 1.0))).conditional(0).spread == pytest.approx(2.0**-26)
    with pytest.raises(InputError, match="positive definite"):
        PlaneGaussian(covariance=((1.0, 1.0), (1.0, 1.0)))


@pytest.mark.parametrize(
    ("entries", "key", "words"),
    [
        ({}, "std", "missing"),
        ({"std": 1.0, "stds": (1.0, 1.0)}, "stds", "exactly one"),
        ({"std": 1.0, "covariance": ((2.0, 0.0), (0.0, 2.0))}, "covariance", "exactly one"),
        ({"stds": (1.0, 1.0), "covariance": 3}, "covariance", "exactly one"),
        ({"std": 0.0}, "std", "above 0"),
        ({"std": -1.0}, "std", "above 0"),
        ({"std": 1e-70}, "std", "at least"),
        ({"std": np.nan}, "std", "finite"),
        ({"std": "wide"}, "std", "a number"),
        ({"std": True}, "std", "a number"),
        ({"std": (1.0, 2.0)}, "std", "a number"),
        ({"stds": 1.0}, "stds", "a list"),
        ({"stds": (1.0,)}, "stds", "expected two"),
        ({"stds": (1.0, -2.0)}, r"stds\[1\]", "above 0"),
        ({"mean": 1.0, "std": 1.0}, "mean", "a list"),
        ({"mean": (1.0, 2.0, 3.0), "std": 1.0}, "mean", "expected two"),
        ({"mean": (1.0, np.inf), "std": 1.0}, r"mean\[1\]", "finite"),
        ({"covariance": 2.0}, "covariance", "two rows"),
        ({"covariance": np.eye(3)}, "covariance", "two rows"),
        ({"covariance": ((1.0, 0.0), (1.0,))}, "covariance", "two rows"),
        ({"covariance": ((1.0, np.nan), (0.0, 1.0))}, r"covariance\[0\]\[1\]", "finite"),
        ({"covariance": ((1.0, 0.5), (0.4, 1.0))}, "covariance", "not symmetric"),
        ({"covariance": ((1.0, 2.0), (2.0, 1.0))}, "covariance", "not positive definite"),
        ({"covariance": ((-1.0, 0.0), (0.0, 1.0))}, "covariance", "on the diagonal"),
    ],
)
def test_bad_normal_densities(entries, key, words):
    with pytest.raises(InputError, match=f"(?s)^{key}: .*{words}") as caught:
        PlaneGaussian(**entries)
    assert "\n" not in str(caught.value)


# --- mixtures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mixture", "correlated mixture"])
def test_a_mixture_is_a_weighted_sum(name):
    mixture = FAMILY[name]
    shapes = [{"std": s} for s in mixture.stds] if mixture.stds else [{"covariance": c} for c in mixture.covariances]
    parts = [PlaneGaussian(mean, **shape) for mean, shape in zip(mixture.means, shapes, strict=True)]
    masses = sum(w * part.cell_masses(*EDGES) for w, part in zip(mixture.weights, parts, strict=True))
    assert np.allclose(mixture.cell_masses(*EDGES), masses, rtol=1e-14, atol=0.0)
    values = sum(w * part.pdf(0.3, EDGES[1]) for w, part in zip(mixture.weights, parts, strict=True))
    assert np.allclose(mixture.pdf(0.3, EDGES[1]), values, rtol=1e-14, atol=0.0)
    mean = sum(w * part.mean for w, part in zip(mixture.weights, parts, strict=True))
    second = sum(
        w * (part.covariance + np.outer(part.mean, part.mean)) for w, part in zip(mixture.weights, parts, strict=True)
    )
    assert np.allclose(mixture.mean, mean, atol=1e-15)
    assert np.allclose(mixture.covariance, second - np.outer(mean, mean), atol=1e-15)


def test_a_mixture_of_equal_parts_is_one_of_them():
    one = PlaneGaussian((0.2, -0.4), std=0.6)
    both = PlaneMixture(((0.2, -0.4), (0.2, -0.4)), stds=(0.6, 0.6))
    assert both.weights == (0.5, 0.5)
    assert np.allclose(both.cell_masses(*EDGES), one.cell_masses(*EDGES), rtol=1e-15, atol=0.0)
    assert np.allclose(both.interval(1e-9), one.interval(1e-9), rtol=1e-12)
    assert both == PlaneMixture(np.array([[0.2, -0.4]] * 2), [0.6, 0.6]) and isinstance(hash(both), int)


def test_a_weight_of_zero_does_not_count():
    padded = PlaneMixture(((0.0, 0.0), (1e3, 0.0)), stds=(1.0, 1.0), weights=(1.0, 0.0))
    assert np.array_equal(padded.cell_masses(*EDGES), PlaneGaussian(std=1.0).cell_masses(*EDGES))
    assert padded.interval(1e-6)[0][1] < 6.0 and padded.mean.tolist() == [0.0, 0.0]


def test_many_components_keep_their_recipe():
    rng = np.random.default_rng(5)
    means, turn = rng.normal(size=(100, 2)), rng.uniform(-0.2, 0.2, 100)
    matrices = [((0.3, t), (t, 0.2)) for t in turn]
    for mixture in (PlaneMixture(means, stds=np.full(100, 0.2)), PlaneMixture(means, covariances=matrices)):
        text, arrays = pack(mixture.recipe())
        assert len(text) < 1000 and from_recipe("plane-density", unpack(text, arrays)) == mixture


PAIR = ((0.0, 0.0), (1.0, 1.0))


@pytest.mark.parametrize(
    ("entries", "key", "words"),
    [
        ({"means": PAIR}, "stds", "neither"),
        ({"means": PAIR, "stds": (1.0, 1.0), "covariances": (np.eye(2), np.eye(2))}, "stds", "both"),
        ({"means": PAIR, "stds": (1.0,)}, "stds", "given 1 for 2 means"),
        ({"means": PAIR, "stds": 1.0}, "stds", "a list"),
        ({"means": PAIR, "stds": (1.0, 0.0)}, r"stds\[1\]", "above 0"),
        ({"means": PAIR, "covariances": np.eye(2)}, r"covariances\[0\]\[0\]", "a list"),
        ({"means": PAIR, "covariances": [np.eye(2)]}, "covariances", "given 1 for 2 means"),
        ({"means": PAIR, "covariances": [np.eye(2), -np.eye(2)]}, r"covariances\[1\]", "diagonal"),
        ({"means": (0.0, 1.0), "stds": (1.0, 1.0)}, r"means\[0\]", "a list"),
        ({"means": [(0.0, 1.0, 2.0)], "stds": (1.0,)}, r"means\[0\]", "expected two"),
        ({"means": (), "stds": ()}, "means", "non-empty"),
        ({"means": 5, "stds": (1.0,)}, "means", "non-empty"),
        ({"means": PAIR, "stds": (1.0, 1.0), "weights": (0.5, 0.6)}, "weights", "sum to 1.1"),
        ({"means": PAIR, "stds": (1.0, 1.0), "weights": (1.5, -0.5)}, r"weights\[1\]", "at least 0"),
        ({"means": PAIR, "stds": (1.0, 1.0), "weights": (1.0,)}, "weights", "given 1 for 2"),
    ],
)
def test_bad_mixtures(entries, key, words):
    with pytest.raises(InputError, match=f"^{key}: .*{words}"):
        PlaneMixture(**entries)


# --- uniform and tabulated ------------------------------------------------------------------------------------------


def test_uniform_cells_are_overlaps():
    density = PlaneUniform((-1.0, 0.0), (1.0, 4.0))
    masses = density.cell_masses(np.array([-3.0, -1.5, 0.5, 0.75, 9.0]), np.array([-1.0, 1.0, 2.0, 3.0]))
    assert np.array_equal(masses, np.multiply.outer([0.0, 1.5, 0.25, 0.25], [1.0, 1.0, 1.0]) / 8.0)
    inner = np.linspace(-0.937, 0.913, 8), np.linspace(0.013, 3.9, 6)
    assert np.all(density.cell_averages(*inner) == 0.125)
    assert np.array_equal(density.pdf([-1.0, 1.0, 1.1, 0.0], [0.0, 4.0, 1.0, -1e-9]), [0.125, 0.125, 0.0, 0.0])
    assert density.mean.tolist() == [0.0, 2.0]
    assert np.allclose(density.covariance, np.diag([1.0 / 3.0, 4.0 / 3.0]))
    assert density.interval(0.25) == ((-0.5, 0.5), (1.0, 3.0))
    assert density == PlaneUniform([-1, 0], np.array([1.0, 4.0]))


@pytest.mark.parametrize(
    ("lower", "upper", "key"),
    [
        ((0.0, 0.0), (1.0, 0.0), "upper"),
        ((2.0, 0.0), (1.0, 1.0), "upper"),
        (0.0, (1.0, 1.0), "lower"),
        ((0.0, 0.0), (1.0,), "upper"),
        ((0.0, np.nan), (1.0, 1.0), r"lower\[1\]"),
        ((0.0, 0.0), ("1", 1.0), r"upper\[0\]"),
    ],
)
def test_bad_corners(lower, upper, key):
    for build in (PlaneUniform, functools.partial(PlaneFunction, lambda x, y: x)):
        with pytest.raises(InputError, match=f"^{key}: "):
            build(lower, upper)


def test_a_table_keeps_its_own_cells_and_all_mass():
    density = table()
    assert np.array_equal(density.cell_averages(density.edges_x, density.edges_y), density.averages)
    x = np.concatenate([[-9.0], np.linspace(-1.7, 1.5, 18), [9.0]])
    masses = density.cell_masses(x, np.array([-5.0, 0.1, 7.0]))
    assert masses.sum() == pytest.approx(1.0, abs=1e-15)
    # one cell by hand: the sum over all overlaps
    exact = 0.0
    for i, (a, b) in enumerate(zip(density.edges_x[:-1], density.edges_x[1:], strict=True)):
        for j, (c, d) in enumerate(zip(density.edges_y[:-1], density.edges_y[1:], strict=True)):
            exact += density.averages[i, j] * max(min(b, x[8]) - max(a, x[7]), 0.0) * max(min(d, 0.1) - max(c, -5.0), 0)
    assert masses[7, 0] == pytest.approx(exact, rel=1e-14)


def test_a_table_at_points():
    density = PlaneTabulated([0.0, 1.0, 2.0], [0.0, 0.5, 1.0], [[0.2, 0.4], [0.6, 0.8]])
    x, y = [0.0, 0.5, 1.0, 2.0, 2.1, -0.1, 1.5], [0.0, 0.7, 0.2, 1.0, 0.5, 0.5, 1.01]
    assert density.pdf(x, y).tolist() == [0.2, 0.4, 0.6, 0.8, 0.0, 0.0, 0.0]
    (low_x, high_x), _ = density.interval(0.15)
    assert low_x == pytest.approx(0.5) and high_x == pytest.approx(2.0 - 0.15 / 0.7)
    assert density.support == ((0.0, 2.0), (0.0, 1.0))
    given_values = np.full((2, 2), 0.5)
    kept = PlaneTabulated([0.0, 1.0, 2.0], [0.0, 0.5, 1.0], given_values)
    given_values[0, 0] = 7.0
    assert kept.averages[0, 0] == 0.5 and not kept.averages.flags.writeable


@pytest.mark.parametrize("factor", [3.7, 1e-200, 1e250])
def test_normalised_tables(factor):
    density = table()
    again = PlaneTabulated.normalised(density.edges_x, density.edges_y, factor * density.averages)
    assert np.allclose(again.averages, density.averages, rtol=4e-15, atol=0.0)


@pytest.mark.parametrize(
    ("averages", "words"),
    [
        ([[0.5, 0.5], [0.5, np.nan]], r"nan at index \[1, 1\]"),
        ([[0.5, 0.5], [np.inf, 0.5]], r"inf at index \[1, 0\]"),
        ([[0.5, 1.5], [0.5, -0.5]], r"-0.5 at index \[1, 1\]"),
        ([[0.5, 0.5], [0.5, 0.51]], r"1\.005, off by 0\.005"),
        ([[0.5, 0.5], [0.5, 0.5 + 4e-9]], r"off by 2e-09"),
        ([[0.0, 0.0], [0.0, 0.0]], "mass is 0"),
        ([[0.5, 0.5]], r"shape \(1, 2\); the edges ask for \(2, 2\)"),
        ([0.5, 0.5], "shape"),
        ([[0.5, 0.5], [0.5]], "array of numbers"),
        ("much", "array of numbers"),
    ],
)
def test_bad_tables(averages, words):
    with pytest.raises(InputError, match=f"^averages: .*{words}"):
        PlaneTabulated([0.0, 1.0, 2.0], [0.0, 0.5, 1.0], averages)


def test_normalised_needs_mass():
    with pytest.raises(InputError, match="all zero"):
        PlaneTabulated.normalised([0.0, 1.0], [0.0, 1.0], [[0.0]])
    with pytest.raises(InputError, match="zero or more"):
        PlaneTabulated.normalised([0.0, 1.0], [0.0, 1.0], [[-1.0]])


# --- functions and what looks like a density ------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [(1, 1), (5, 90), (33, 40)])
def test_a_function_has_the_averages_of_its_closed_form(cells):
    exact = FAMILY["correlated"]
    density = as_plane_density(exact.pdf, (-9.0, -9.0), (9.0, 9.0))
    assert isinstance(density, PlaneFunction)
    x, y = np.linspace(-11.0, 9.5, cells[0] + 1), np.linspace(-4.0, 12.0, cells[1] + 1)
    masses = exact.cell_masses(x, y)
    assert np.max(np.abs(density.cell_masses(x, y) - masses)) <= 1e-14 * masses.max()
    assert np.allclose(density.mean, exact.mean, atol=1e-14)
    assert np.allclose(density.covariance, exact.covariance, atol=1e-14)


def test_a_function_of_one_coordinate():
    density = PlaneFunction(lambda x, y: 3.0 * x**2, (0.0, 0.0), (1.0, 1.0))
    masses = density.cell_masses(np.array([-1.0, 0.5, 2.0]), np.array([-0.5, 0.5, 0.75, 3.0]))
    assert np.allclose(masses, np.multiply.outer([0.125, 0.875], [0.5, 0.25, 0.25]), atol=1e-15)
    again = from_recipe("plane-density", density.recipe())
    assert np.allclose(again.cell_masses(np.array([0.1, 0.7]), np.array([0.33, 0.34])), 0.342 * 0.01, rtol=1e-13)
    assert again.pdf(0.5, 0.123) == pytest.approx(0.75, rel=1e-13)
    assert not density.cell_masses(np.array([1.0, 2.0]), np.array([0.0, 1.0])).any()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x, y: 0.3 + 0.0 * x, r"mass on \[0, 1\] x \[0, 2\] is 0.6, off by -0.4"),
        (lambda x, y: 0.0 * x, "mass on"),
        (lambda x, y: x - 0.5, "negative or not finite at"),
        (lambda x, y: np.nan * x, "negative or not finite at"),
        (lambda x, y: 0.5, "vectorised"),
        ("x + y", "expected a function"),
    ],
)
def test_bad_functions(function, words):
    with pytest.raises(InputError, match=f"^function: .*{words}"):
        PlaneFunction(function, (0.0, 0.0), (1.0, 2.0))


@pytest.mark.parametrize(
    ("entry", "value", "words"),
    [
        ("coefficients", np.ones((1, 2, 3)), "shape"),
        ("coefficients", np.ones((2, 2, 1, 1)), r"expected \(1, 1, degree"),
        ("coefficients", np.full((1, 1, 1, 1), np.nan), "finite"),
        ("coefficients", np.full((1, 1, 1, 1), 2.0), "off by 1"),
        ("edges_x", [0.0], "at least two"),
    ],
)
def test_bad_panels(entry, value, words):
    good = {"edges_x": [0.0, 1.0], "edges_y": [0.0, 1.0], "coefficients": np.ones((1, 1, 1, 1))}
    assert PlanePanels(**good).cell_masses([0.2, 0.4], [0.5, 3.0])[0, 0] == pytest.approx(0.1)
    with pytest.raises(InputError, match=f"^{entry}: .*{words}"):
        PlanePanels(**good | {entry: value})


def test_arrays_with_coordinates():
    x, y = np.linspace(0.05, 0.95, 10), np.linspace(0.1, 1.9, 10)
    values = np.random.default_rng(1).uniform(size=(10, 10))
    values /= values.sum() * 0.02
    array = xr.DataArray(values, {"x": x, "y": y}, ("x", "y"))
    density = as_plane_density(array)
    assert np.allclose(density.edges_x, np.linspace(0.0, 1.0, 11)) and np.array_equal(density.averages, values)
    assert np.array_equal(as_plane_density(array.transpose("y", "x")).averages, values)
    renamed = as_plane_density(array.rename(x="place", y="speed"))
    assert np.array_equal(renamed.averages, values)
    assert as_plane_density(density) is density


@pytest.mark.parametrize(
    ("source", "key", "words"),
    [
        (xr.DataArray(np.ones(4), {"x": np.arange(4.0)}, ("x",)), "density", "exactly two"),
        (xr.DataArray(np.ones((2, 2)), dims=("x", "y")), "density", "no coordinate"),
        (xr.DataArray(np.ones((2, 1)), {"x": [0.0, 1.0], "y": [0.0]}, ("x", "y")), "density", "at least 2"),
        (xr.DataArray(np.ones((2, 2)), {"x": [1.0, 0.0], "y": [0.0, 1.0]}, ("x", "y")), "x", "not increasing"),
        (xr.DataArray(np.ones((2, 2)), {"x": [0.0, 1.0], "y": [0.0, 1.0]}, ("x", "y")), "averages", "mass is 4"),
        (fp.Gaussian(), "density", "given Gaussian"),
        (np.ones((3, 3)), "density", "given ndarray"),
        (None, "density", "given NoneType"),
        (lambda x, y: x, "lower", "needs the box"),
    ],
)
def test_what_is_no_density_in_the_plane(source, key, words):
    with pytest.raises(InputError, match=f"^{key}: .*{words}"):
        as_plane_density(source)


def test_only_functions_take_a_box():
    with pytest.raises(InputError, match="only a function takes a box"):
        as_plane_density(FAMILY["round"], (0.0, 0.0), (1.0, 1.0))
    with pytest.raises(InputError, match=r"^upper: missing"):
        as_plane_density(hill().pdf, (0.0, 0.0))


@pytest.mark.parametrize(
    ("recipe", "key", "words"),
    [
        ({"kind": "gaussian", "std": 1.0}, "mean", "missing"),
        ({"kind": "gaussian", "mean": [0.0, 0.0], "sdt": 1.0}, "sdt", "did you mean 'std'"),
        ({"kind": "gaussian-mixture", "stds": [1.0]}, "means", "missing"),
        ({"kind": "unifrom", "lower": [0.0, 0.0]}, "kind", "did you mean 'uniform'"),
        ({"kind": "gaussian", "mean": 0.0, "std": 1.0}, "mean", "a list"),
    ],
)
def test_bad_recipes(recipe, key, words):
    with pytest.raises(InputError, match=f"^{key}: .*{words}"):
        from_recipe("plane-density", recipe)
