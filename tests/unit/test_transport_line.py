"""Transport on the line against closed forms: exact for cells, extrapolated within its bar for what cells stand for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import erf, erfc

from fpsolve.kernels import monotone
from fpsolve.transport import (
    displacement,
    kantorovich_potential,
    monotone_coupling,
    monotone_map,
    wasserstein_cells,
)

ORDERS = (1.0, 1.5, 2.0, 3.0, 6.5)


def from_tails(edges, cdf, sf):
    """Masses by differences of the smaller tail, normalised."""
    masses = np.where(cdf(edges[1:]) < 0.5, np.diff(cdf(edges)), -np.diff(sf(edges)))
    return masses / masses.sum()


def normal(edges, mean=0.0, std=1.0):
    z = (edges - mean) / (std * math.sqrt(2.0))
    a, b = z[:-1], z[1:]
    left, right, middle = erfc(-b) - erfc(-a), erfc(a) - erfc(b), erf(b) - erf(a)
    masses = 0.5 * np.where(b < -0.5, left, np.where(a > 0.5, right, middle))
    return masses / masses.sum()


def uniform(edges, lower, upper):
    return from_tails(
        edges,
        lambda x: np.clip((x - lower) / (upper - lower), 0.0, 1.0),
        lambda x: np.clip((upper - x) / (upper - lower), 0.0, 1.0),
    )


def lumpy(rng, cells, zeros=0.3):
    """A random density with gaps on random cells."""
    edges = np.cumsum(rng.uniform(0.05, 1.0, cells + 1))
    masses = rng.uniform(0.1, 1.0, cells) * (rng.uniform(size=cells) > zeros)
    masses[rng.integers(cells)] += 1.0
    return edges - edges.mean(), masses / masses.sum()


def exact(*cells, order=2.0):
    return wasserstein_cells(*cells, order=order, accuracy="exact")[0]


@pytest.mark.parametrize("order", ORDERS)
def test_translates_and_stretches_of_cells(order):
    rng = np.random.default_rng(3)
    edges, masses = lumpy(rng, 40)
    assert exact(edges, masses, edges + 0.7, masses, order=order) == pytest.approx(0.7, rel=1e-13)
    assert exact(edges, masses, edges - 1e-5, masses, order=order) == pytest.approx(1e-5, rel=1e-9)
    cells = np.linspace(0.0, 1.0, 8)
    stretched = exact(cells, np.diff(cells), 3.5 * cells, np.diff(cells), order=order)
    assert stretched == pytest.approx(2.5 / (order + 1.0) ** (1.0 / order), rel=1e-13)
    assert exact(edges, masses, edges, masses, order=order) == 0.0


@pytest.mark.parametrize("ends", [(0.0, 1.0, 2.0, 5.0), (-1.0, 1.0, -3.0, 2.0), (0.0, 4.0, 1.0, 2.0)])
def test_uniforms(ends):
    a, b, c, d = ends
    w2 = exact([a, b], [1.0], [c, (c + d) / 2, d], [0.5, 0.5])
    assert w2**2 == pytest.approx((a + b - c - d) ** 2 / 4 + (b - a - d + c) ** 2 / 12, rel=1e-13)
    start, end = a - c, b - d
    signed = 0.5 * abs(start + end) if start * end >= 0.0 else 0.5 * (start**2 + end**2) / abs(start - end)
    assert exact([a, b], [1.0], [c, d], [1.0], order=1) == pytest.approx(signed, rel=1e-13)


@pytest.mark.parametrize("order", ORDERS)
def test_point_like_cells(order):
    point, width = np.array([0.25, 0.25 + 1e-13]), np.linspace(0.0, 1.0, 5)
    expected = ((0.25 ** (order + 1) + 0.75 ** (order + 1)) / (order + 1)) ** (1 / order)
    for pair in ((point, [1.0], width, [0.25] * 4), (width, [0.25] * 4, point, [1.0])):
        assert exact(*pair, order=order) == pytest.approx(expected, rel=1e-11)


def test_gaps_and_zero_cells():
    """Two blocks: masses 1/4 and 3/4 against 3/4 and 1/4 move half of the mass across the gap."""
    edges = np.array([-2.0, -1.0, 0.0, 10.0, 11.0, 12.0])
    p, q = np.array([0.0, 0.25, 0.0, 0.75, 0.0]), np.array([0.0, 0.75, 0.0, 0.25, 0.0])
    assert exact(edges, p, edges, q, order=1) == pytest.approx(5.5, rel=1e-14)  # 1/2 x 10 + 1/8 + 3/8
    coupling = monotone_coupling(edges, p, edges, q)
    assert coupling.mass.sum() == pytest.approx(1.0, rel=1e-15)
    moved = (coupling.y_lower + coupling.y_upper < 5.0) & (coupling.x_lower > 5.0)
    assert coupling.mass[moved].sum() == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize("seed", range(5))
def test_metric_axioms(seed):
    rng = np.random.default_rng(seed)
    p, q, r = (lumpy(rng, cells) for cells in (15, 23, 40))
    last = 0.0
    for order in ORDERS:
        pq, qp = exact(*p, *q, order=order), exact(*q, *p, order=order)
        assert pq == pytest.approx(qp, rel=1e-13)
        assert pq <= exact(*p, *r, order=order) + exact(*r, *q, order=order)
        assert last <= pq
        last = pq


@pytest.mark.parametrize("order", ORDERS)
def test_splitting_cells_changes_nothing(order):
    rng = np.random.default_rng(11)
    (x, p), (y, q) = lumpy(rng, 30), lumpy(rng, 20)
    both = np.union1d(x, y)
    fine_p, fine_q = np.empty(both.size - 1), np.empty(both.size - 1)
    monotone.spread(x, p, both, fine_p)
    monotone.spread(y, q, both, fine_q)
    assert exact(both, fine_p, both, fine_q, order=order) == pytest.approx(exact(x, p, y, q, order=order), rel=1e-12)


def test_second_order_in_the_width_of_the_cells():
    errors = []
    for cells in (100, 200, 400):
        edges = np.linspace(-9.0, 9.0, cells + 1)
        value = exact(edges, normal(edges, 0.4, 0.5), edges, normal(edges))
        errors.append(abs(value - math.hypot(0.4, 0.5)))
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(rates - 2.0) < 0.15)
    assert errors[-1] < 2e-4


@pytest.mark.parametrize("order", [1, 2])
def test_extrapolated_distance_is_of_high_order(order):
    """Sixth order where the densities are resolved; concentric normals, whose W1 has one kink, at the centre."""
    expected = 0.5 * (math.sqrt(2.0 / math.pi) if order == 1 else 1.0)
    errors = []
    for cells in (60, 120, 240, 480):
        edges = np.linspace(-9.0, 9.0, cells + 1)
        value, bar = wasserstein_cells(edges, normal(edges, 0.0, 0.5), edges, normal(edges), order)
        errors.append(abs(value - expected))
        assert errors[-1] <= bar
    assert math.log2(errors[0] / errors[2]) / 2.0 > 5.85
    assert errors[-1] < 1e-10
    assert bar < 1e-7


@pytest.mark.parametrize("shift", [10.0**-k for k in range(7)])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_near_equilibrium(shift, order):
    edges = np.linspace(-8.0, 8.0, 501)
    pair = (edges, normal(edges, shift), edges, normal(edges))
    assert exact(*pair, order=order) == pytest.approx(shift, rel=1e-4 if order < 3 else 3e-4)
    value, bar = wasserstein_cells(*pair, order)
    assert abs(value - shift) <= bar
    assert bar <= 1e-4 * shift or (order == 3 and shift < 1e-5)  # the last cells: 1e-15 of mass, anywhere in them


# Standard variables Z with E Z, E Z^2 and both tails: X = shift + scale Z. Where they are rough, they are so at 0 or 1.
FAMILIES = {
    "normal": (0.0, 1.0, lambda z: 0.5 * erfc(-z / math.sqrt(2.0)), lambda z: 0.5 * erfc(z / math.sqrt(2.0))),
    "logistic": (0.0, math.pi**2 / 3, lambda z: 1 / (1 + np.exp(-z)), lambda z: 1 / (1 + np.exp(z))),
    "uniform": (0.5, 1 / 3, lambda z: np.clip(z, 0, 1), lambda z: 1 - np.clip(z, 0, 1)),
    "exponential": (1.0, 2.0, lambda z: -np.expm1(-np.maximum(z, 0)), lambda z: np.exp(-np.maximum(z, 0))),
    "laplace": (
        0.0,
        2.0,
        lambda z: np.where(z < 0, 0.5 * np.exp(np.minimum(z, 0)), 1 - 0.5 * np.exp(-np.maximum(z, 0))),
        lambda z: np.where(z > 0, 0.5 * np.exp(-np.maximum(z, 0)), 1 - 0.5 * np.exp(np.minimum(z, 0))),
    ),
    "root": (1 / 3, 1 / 5, lambda z: np.sqrt(np.clip(z, 0, 1)), lambda z: 1 - np.sqrt(np.clip(z, 0, 1))),
    "ramp": (2 / 3, 1 / 2, lambda z: np.clip(z, 0, 1) ** 2, lambda z: 1 - np.clip(z, 0, 1) ** 2),
    "smooth step": (
        0.5,
        0.25 + 1 / 28,
        lambda z: (c := np.clip(z, 0, 1)) ** 3 * (10 - 15 * c + 6 * c * c),
        lambda z: (c := 1 - np.clip(z, 0, 1)) ** 3 * (10 - 15 * c + 6 * c * c),
    ),
}


def family_pair(name, shift, scale, other_shift, other_scale, x, y):
    _, _, cdf, sf = FAMILIES[name]
    return (
        x,
        from_tails(x, lambda e: cdf((e - shift) / scale), lambda e: sf((e - shift) / scale)),
        y,
        from_tails(y, lambda e: cdf((e - other_shift) / other_scale), lambda e: sf((e - other_shift) / other_scale)),
    )


def grids(kind, cells, reach):
    edges = np.linspace(-reach, reach, cells + 1)
    if kind == "stretched":
        return (reach * np.sinh(2.0 * edges / reach) / math.sinh(2.0),) * 2
    if kind == "random":
        random = np.concatenate([[0.0], np.cumsum(np.random.default_rng(cells).uniform(0.5, 1.5, cells))])
        return (reach * (2.0 * random / random[-1] - 1.0),) * 2
    return (edges, np.linspace(-reach, reach, cells + cells // 3)) if kind == "different" else (edges, edges)


@pytest.mark.parametrize("kind", ["equal", "different", "stretched", "random"])
@pytest.mark.parametrize("name", FAMILIES)
def test_bars_contain_the_error(name, kind):
    mean, square = FAMILIES[name][:2]
    for cells in (50, 130, 400, 1100):
        for k, start in enumerate((0.0, 0.013, 0.037, 0.07, 0.11)):
            shift, scale, other_shift, other_scale = 0.3 + start, 0.4 + 0.2 * k, -0.2 + 0.6 * start, 1.0 - start
            pair = family_pair(name, shift, scale, other_shift, other_scale, *grids(kind, cells, 60.0 * scale**0.5))
            d, s = shift - other_shift, scale - other_scale
            for order in (1, 2):
                if order == 1 and (name in ("normal", "logistic", "laplace") or d * (d + s) <= 0.0 or d * s < 0.0):
                    continue  # |d + s Z| has one sign only for Z >= 0 and these d, s
                expected = math.sqrt(d * d + 2 * d * s * mean + s * s * square) if order == 2 else abs(d + s * mean)
                value, bar = wasserstein_cells(*pair, order)
                assert abs(value - expected) <= bar + 1e-11, (cells, start, order)


def test_bars_are_narrow_for_smooth_and_wide_for_rough_densities():
    edges = np.linspace(-8.0, 8.0, 501)
    assert wasserstein_cells(edges, normal(edges, 0.3, 0.6), edges, normal(edges))[1] < 1e-8
    inside = wasserstein_cells(edges, uniform(edges, -1.005, 1.01), edges, normal(edges))
    squared = 0.0025**2 + 2.015**2 / 12 + 1.0 - 2.015 / math.sqrt(math.pi)
    assert abs(inside[0] - math.sqrt(squared)) <= inside[1] < 0.02
    at_edges = wasserstein_cells(edges, uniform(edges, -1.024, 1.024), edges, normal(edges))
    squared = 2.048**2 / 12 + 1.0 - 2.048 / math.sqrt(math.pi)
    assert abs(at_edges[0] - math.sqrt(squared)) <= at_edges[1] < 1e-7


def test_unresolved_peak_has_an_honest_bar():
    edges = np.linspace(-8.0, 8.0, 201)
    for mean in (0.0, 0.013, 0.04, 0.066):
        value, bar = wasserstein_cells(edges, normal(edges, mean, 0.01), edges, normal(edges))
        assert abs(value - math.hypot(mean, 0.99)) <= bar < 0.2


def test_map_of_normals_in_both_tails():
    edges = np.linspace(-8.0, 8.0, 1601)
    image = monotone_map(edges, normal(edges, 0.0, 0.7), edges, normal(edges, 0.1, 0.8))
    centre = np.abs(edges) < 4.0  # 6 standard deviations
    assert np.max(np.abs(image - 0.1 - edges * 0.8 / 0.7)[centre]) < 1e-4
    assert np.all(np.diff(image) >= 0.0)
    shift = monotone_map(edges, normal(edges), edges, normal(edges, 1e-6)) - edges
    assert np.max(np.abs(shift / 1e-6 - 1.0)[np.abs(edges) < 6.0]) < 0.04  # half a cell of the slope of ln Q


def test_map_at_gaps_and_empty_ends():
    edges = np.arange(6.0)
    image = monotone_map(edges, [0.0, 0.5, 0.0, 0.5, 0.0], edges + 10.0, [0.0, 1.0, 0.0, 1.0, 0.0] / np.array(2.0))
    assert image[[0, 1]] == pytest.approx(11.0)
    assert image[[4, 5]] == pytest.approx(14.0)
    assert 12.0 <= image[2] <= image[3] <= 13.0


def test_potential_of_order_two():
    edges = np.linspace(1.0, 2.0, 6)
    masses = np.array([0.1, 0.3, 0.2, 0.15, 0.25])
    assert kantorovich_potential(edges, masses, edges + 3.0, masses) == pytest.approx(-3.0 * (edges - 1.0))
    assert kantorovich_potential(edges, masses, 1.5 * edges, masses) == pytest.approx(-0.25 * (edges**2 - 1.0))


def test_potential_of_order_one_attains_the_supremum():
    edges = np.linspace(-3.0, 3.0, 13)
    p, q = uniform(edges, -1.0, 1.0), uniform(edges, -3.0, 3.0)
    psi = kantorovich_potential(edges, p, edges, q, order=1)
    assert np.all(np.abs(np.diff(psi)) <= np.diff(edges) * (1 + 1e-15))
    means = 0.5 * (psi[1:] + psi[:-1])
    assert means @ (p - q) == pytest.approx(exact(edges, p, edges, q, order=1), rel=1e-14)
    coarse = kantorovich_potential(edges[::2], q.reshape(-1, 2).sum(axis=1), edges, p, order=1)
    assert coarse == pytest.approx(-psi[::2], abs=1e-14)
    assert kantorovich_potential(edges, p, edges + 9.0, p, order=1)[-1] <= -2.0
    assert np.all(kantorovich_potential(edges, p, edges, p, order=1) == 0.0)


def test_displacement():
    rng = np.random.default_rng(5)
    (x, p), (y, q) = lumpy(rng, 30), lumpy(rng, 40)
    assert displacement(x, p, y, q, 0.0) == pytest.approx(p, abs=1e-15)
    assert displacement(x, p, y, q, 1.0, y) == pytest.approx(q, abs=1e-15)
    wide = np.linspace(-20.0, 20.0, 4001)
    for fraction in (0.0, 0.2, 0.5, 1.0):
        middle = displacement(x, p, y, q, fraction, wide)
        assert middle.min() >= 0.0
        assert middle.sum() == pytest.approx(1.0, rel=1e-14)
        assert exact(x, p, wide, middle) == pytest.approx(fraction * exact(x, p, y, q), abs=1e-2)
    halfway = displacement([0.0, 1.0], [1.0], [2.0, 4.0], [1.0], 0.5, [0.0, 1.0, 2.0, 2.5, 9.0])
    assert halfway == pytest.approx([0.0, 2 / 3, 1 / 3, 0.0], abs=1e-15)


def test_powers_without_cancellation_or_overflow():
    for gap in (0.0, 1e-300, 1e-12, 1e-3, 0.5, 1.0):
        value = monotone.mean_power(1.0, 1.0 - gap, 3.5)
        series = 1.0 - 1.75 * gap + 3.5 * 2.5 / 6.0 * gap**2
        expected = series if gap < 0.01 else (1.0 - (1.0 - gap) ** 4.5) / (4.5 * gap)
        assert value == pytest.approx(expected, rel=1e-8)
    edges, masses = np.linspace(0.0, 1.0, 4), np.array([0.2, 0.5, 0.3])
    for shift in (1e-9, 1e9):
        assert exact(edges, masses, edges + shift, masses, order=200.0) == pytest.approx(shift, rel=1e-6)


def test_total_mass_and_tiny_masses():
    edges = np.linspace(-40.0, 40.0, 401)  # masses down to 1e-320
    p, q = normal(edges), normal(edges, 1.0)
    heavier = exact(edges, 4.0 * p, edges, 4.0 * q * (1 + 1e-10))
    assert heavier == pytest.approx(2.0 * exact(edges, p, edges, q), rel=1e-9)
    assert math.isfinite(wasserstein_cells(edges, p, edges, q)[0])


GOOD = ([0.0, 1.0, 2.0], [0.5, 0.5])


@pytest.mark.parametrize(
    ("edges", "masses", "message"),
    [
        ([0.0, 1.0, math.nan], [0.5, 0.5], r"edges_p\[2\] = nan"),
        ([math.nan, 1.0, 2.0], [0.5, 0.5], r"edges_p\[0\] = nan"),
        ([0.0, 1.0, math.inf], [0.5, 0.5], r"edges_p\[2\] = inf"),
        ([0.0, 1.0, 1.0], [0.5, 0.5], r"edges_p\[2\] = 1.0 after 1.0"),
        ([2.0, 1.0, 0.0], [0.5, 0.5], "strictly increasing"),
        ([0.0, 1.0], [0.5, 0.5], r"n cells need n \+ 1 edges"),
        ([0.0], [], "one cell needs two edges"),
        ([[0.0, 1.0, 2.0]], [0.5, 0.5], "one-dimensional"),
        ([0.0, 1.0, 2.0], 0.5, "one-dimensional"),
        (["a", "b", "c"], [0.5, 0.5], "real numbers"),
        ([0.0, 1.0, 2.0], [0.5, math.nan], r"masses_p\[1\] = nan"),
        ([0.0, 1.0, 2.0], [1.5, -0.5], r"masses_p\[1\] = -0.5"),
        ([0.0, 1.0, 2.0], [0.5, math.inf], r"masses_p\[1\] = inf"),
        ([0.0, 1.0, 2.0], [0.0, 0.0], "positive, finite mass"),
        ([0.0, 1.0, 2.0], [0.5, 0.5 + 1e-8], "equal totals"),
    ],
)
def test_bad_densities(edges, masses, message):
    with pytest.raises(ValueError, match=message):
        wasserstein_cells(edges, masses, *GOOD)
    with pytest.raises(ValueError, match=message.replace("_p", "_q")):
        monotone_map(*GOOD, edges, masses)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wasserstein_cells(*GOOD, *GOOD, order=0.5), "order = 0.5"),
        (lambda: wasserstein_cells(*GOOD, *GOOD, order=math.nan), "order = nan"),
        (lambda: wasserstein_cells(*GOOD, *GOOD, order=math.inf), "finite order"),
        (lambda: wasserstein_cells(*GOOD, *GOOD, accuracy="best"), "'high' and 'exact'"),
        (lambda: kantorovich_potential(*GOOD, *GOOD, order=3), "orders 1 and 2"),
        (lambda: displacement(*GOOD, *GOOD, 1.5), "fraction = 1.5"),
        (lambda: displacement(*GOOD, *GOOD, math.nan), "fraction = nan"),
        (lambda: displacement(*GOOD, [5.0, 6.0], [1.0], 0.5), "cover"),
        (lambda: displacement(*GOOD, *GOOD, 0.5, [1.0, 0.0]), "strictly increasing"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
