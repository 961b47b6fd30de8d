"""Schedules for data in the plane and in any dimension: closed forms, sums over axes, the run's own costs, samples."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest
from scipy.stats import cauchy

import fpsolve as fp
from fpsolve.design import IndependentComponents, principal_components, schedule_costs, schedule_metric
from fpsolve.design.plane_metric import plane_metric
from fpsolve.settings import InputError

TWO = fp.GaussianMixture(means=(0.6, -0.6), stds=(0.3, 0.3))
SKEWED = fp.GaussianMixture(means=(-1.0, 0.5), stds=(0.2, 0.4), weights=(0.3, 0.7))
MEAN, COVARIANCE = np.array([0.3, -0.2]), np.array([[1.0, 0.4], [0.4, 0.5]])
NORMAL = fp.PlaneGaussian(tuple(MEAN), covariance=tuple(map(tuple, COVARIANCE)))
LEVELS = np.array([1.0, 0.95, 0.7, 0.3, 0.05]), np.array([0.01, 0.2, 0.6, 1.1, 0.9])

line = functools.cache(schedule_metric)


def product(first: fp.GaussianMixture, second: fp.GaussianMixture) -> fp.PlaneMixture:
    """Both axes independent of each other."""
    means = tuple((a, b) for a in first.means for b in second.means)
    covariances = tuple(((a**2, 0.0), (0.0, b**2)) for a in first.stds for b in second.stds)
    weights = tuple(np.outer(first.weights, second.weights).ravel())
    return fp.PlaneMixture(means, covariances=covariances, weights=weights)


def normal_tensor(mean: np.ndarray, covariance: np.ndarray, m: float, s: float) -> np.ndarray:
    """E|a|², E[a·b], E|b|² of normal data from the linear regression of y and of e on x."""
    size = mean.size
    total = np.linalg.inv(m**2 * covariance + s**2 * np.eye(size))
    y, e = m * covariance @ total, s * total
    spread = np.linalg.inv(total)
    return np.array([mean @ mean + np.trace(y @ spread @ y.T), np.trace(y @ spread @ e.T), np.trace(e @ spread @ e.T)])


@pytest.mark.parametrize("metric", [plane_metric, schedule_metric])
def test_normal_data_in_the_plane(metric):
    found = metric(NORMAL)
    for m, s in zip(*LEVELS, strict=True):
        tensor = [float(each) for each in found.tensor(np.array(m), np.array(s))]
        assert tensor == pytest.approx(normal_tensor(MEAN, COVARIANCE, m, s), abs=1e-6)


def test_the_best_for_normal_data_by_an_independent_quadrature():
    """The turn from the speed of the covariance on the circle E|x|² = M."""
    found = plane_metric(NORMAL)
    scale = math.sqrt(MEAN @ MEAN + np.trace(COVARIANCE))
    nodes, weights = np.polynomial.legendre.leggauss(60)
    turn = 0.0
    for chi, weight in zip(0.25 * math.pi * (1.0 + nodes), 0.25 * math.pi * weights, strict=True):
        m, s = math.cos(chi), scale * math.sin(chi) / math.sqrt(2.0)
        rate = np.array([-math.sin(chi), scale * math.cos(chi) / math.sqrt(2.0)])
        aa, ab, bb = normal_tensor(MEAN, COVARIANCE, m, s)
        turn += weight * math.sqrt(rate @ np.array([[aa, ab], [ab, bb]]) @ rate) / scale
    assert abs(found.whole_turn[0] - turn) <= found.whole_turn[1] < 1e-6
    costs = schedule_costs(NORMAL, fp.Cosine(tau=2.0))
    best = (scale**2 + 2.0 - 2.0 * scale * math.sqrt(2.0) * math.cos(turn)) / 2.0
    assert abs(costs.c2_best.value - best) < 1e-9
    roots = np.sqrt(np.linalg.eigvalsh(COVARIANCE))
    assert abs(costs.c2_geodesic.value - (MEAN @ MEAN + np.sum((1.0 - roots) ** 2)) / 2.0) < 1e-12
    assert costs.c2_geodesic.value < costs.c2_best.value


def test_round_normal_data_do_not_turn():
    found = plane_metric(fp.PlaneGaussian((0.0, 0.0), std=0.5))
    assert found.whole_turn[0] <= found.whole_turn[1] + 1e-11
    costs = schedule_costs(fp.PlaneGaussian((0.0, 0.0), std=0.5), fp.Cosine())
    assert abs(costs.c2_best.value - 2.0 * 0.25) < 1e-10


def test_a_product_in_the_plane_is_the_sum_of_its_axes():
    found, axes = plane_metric(product(TWO, SKEWED)), [line(each) for each in (TWO, SKEWED)]
    parts = [np.array(each.tensor(*LEVELS)) for each in axes]
    assert np.array(found.tensor(*LEVELS)) == pytest.approx(parts[0] + parts[1], abs=1e-5)
    both = schedule_metric(IndependentComponents((TWO, SKEWED)))
    assert abs(found.whole_turn[0] - both.whole_turn[0]) <= found.whole_turn[1] + both.whole_turn[1]


def test_jumps_in_the_plane():
    found = plane_metric(fp.PlaneUniform((-1.0, -1.0), (1.0, 0.5)), 0.03, 1.0)
    exact = schedule_metric(IndependentComponents((fp.Uniform(-1.0, 1.0), fp.Uniform(-1.0, 0.5))), 0.03, 1.0)
    assert abs(found.whole_turn[0] - exact.whole_turn[0]) <= found.whole_turn[1] + exact.whole_turn[1]
    assert found.whole_turn[1] < 1e-4


def test_a_curve_and_points_too_narrow_to_be_resolved():
    """A curve knows half of the noise at its end, points all of it; the bar covers what is not resolved."""
    curve = plane_metric(fp.SwissRoll(turns=1.0), 0.0, 0.2)
    assert abs(curve.rate(np.array(1e-9))[0] - math.sqrt(0.5)) < 1e-6
    blurred = plane_metric(fp.SwissRoll(turns=1.0, blur=0.003), 0.05, 0.2)
    again = blurred.rate(np.arctan2(math.sqrt(2.0) * 0.1, blurred.scale))[0]
    assert abs(again - curve.rate(np.arctan2(math.sqrt(2.0) * 0.1, curve.scale))[0]) < 1e-3
    points = plane_metric(fp.PlaneMixture(((1.0, 0.0), (-1.0, 0.5)), stds=(1e-6, 1e-6)))
    finer = schedule_metric(fp.GaussianMixture((1.0, -1.0), (1e-3, 1e-3)))
    assert 1e-5 < points.whole_turn[1] < 1e-2
    assert 0.0 < finer.whole_turn[0] < points.whole_turn[0] + points.whole_turn[1] < 0.5 * math.pi


@pytest.mark.filterwarnings("ignore:.*cells per smallest width")
def test_the_run_finds_the_same_cost():
    data, schedule = fp.SwissRoll(turns=1.0, blur=0.25), fp.ConditionalOptimalTransport()
    found = schedule_costs(data, schedule, cells=(96, 96))
    forward = fp.diffuse(data, schedule, cells=48)
    run = fp.speed_accuracy(forward, fp.generate(forward, start=fp.PlaneGaussian((0.3, 0.0), std=1.0)))
    assert abs(run["c2"].value - found.c2.value) <= run["c2"].error + found.c2.error
    assert found.c2.error < 1e-5
    geodesic = run["W2"].squared()
    assert abs(geodesic.value - found.c2_geodesic.value) <= geodesic.error + found.c2_geodesic.error
    values = [found.c2_geodesic, found.c2_best, found.c2_retimed, found.c2]
    assert all(one.value < other.value for one, other in itertools.pairwise(values))


def test_other_ends_in_the_plane():
    """Noise at the start, signal left at the end."""
    t = np.linspace(0.0, 1.0, 40)
    schedule = fp.ArraySchedule(tuple(t), tuple(1.0 - 0.6 * t), tuple(0.2 + 0.6 * t))
    data = product(TWO, SKEWED)
    found, exact = (schedule_costs(each, schedule) for each in (data, IndependentComponents((TWO, SKEWED))))
    for name, estimate in found.estimates.items():
        other = exact.estimates[name]
        assert abs(estimate.value - other.value) <= estimate.error + other.error
    assert found.c2_geodesic.error < 2e-2 * found.c2_geodesic.value


def test_identical_components_cost_as_much_each_as_on_the_line():
    one, three = (schedule_costs(each, fp.Cosine()) for each in (TWO, IndependentComponents((TWO, TWO, TWO))))
    for name in ("c2", "c2_retimed", "c2_best", "c2_geodesic"):
        each, total = one.estimates[name], three.estimates[name]
        assert abs(total.value - 3.0 * each.value) <= total.error + 3.0 * each.error
    assert three.diagnostics["dimension"] == three.diagnostics["components"] == 3


def test_different_components_add_their_speeds():
    data = IndependentComponents((TWO, SKEWED), [0.4], [0.09])
    found, parts = schedule_metric(data), [line(each) for each in (TWO, SKEWED, fp.Gaussian(0.4, 0.3))]
    total = sum(np.array(each.tensor(*LEVELS)) for each in parts)
    assert np.array(found.tensor(*LEVELS)) == pytest.approx(total, abs=1e-7)
    costs = schedule_costs(data, fp.ConditionalOptimalTransport())
    each = [schedule_costs(one, fp.ConditionalOptimalTransport()) for one in (TWO, SKEWED, fp.Gaussian(0.4, 0.3))]
    for name in ("c2", "c2_geodesic"):
        assert abs(costs.estimates[name].value - sum(one.estimates[name].value for one in each)) < 1e-8
    assert costs.c2_best.value > sum(one.c2_best.value for one in each)
    assert costs.diagnostics["normal_components"] == 1


def test_normal_samples_in_fifty_dimensions():
    rng = np.random.default_rng(3)
    samples = rng.normal(size=(400, 50)) * np.linspace(2.0, 0.1, 50) + 0.3
    found = schedule_costs(principal_components(samples, components=0), fp.Cosine())
    mean, covariance = samples.mean(axis=0), np.cov(samples.T, bias=True)
    distance = mean @ mean + np.sum((1.0 - np.sqrt(np.linalg.eigvalsh(covariance))) ** 2)
    assert abs(found.c2_geodesic.value - distance) < 1e-9
    for m, s in zip(*LEVELS, strict=True):
        tensor = [float(each) for each in found.metric.tensor(np.array(m), np.array(s))]
        assert tensor == pytest.approx(normal_tensor(mean, covariance, m, s), rel=1e-6)
    # the leading marginals are nearly normal as well
    marginals = schedule_costs(principal_components(samples, components=1), fp.Cosine())
    assert abs(marginals.c2.value / found.c2.value - 1.0) < 0.02
    assert (marginals.diagnostics["components"], marginals.diagnostics["normal_components"]) == (1, 49)


def test_moments_of_samples_are_kept():
    """More dimensions than samples: the mean keeps what no axis of the samples sees."""
    samples = np.random.default_rng(5).exponential(size=(12, 40))
    found = principal_components(samples, components=2)
    assert found.dimension == 40
    assert found.second_moment == pytest.approx(np.mean(np.sum(samples**2, axis=1)), rel=2e-3)
    normal = principal_components(samples, components=0)
    assert normal.second_moment == pytest.approx(np.mean(np.sum(samples**2, axis=1)), rel=1e-12)
    assert np.sum(normal.means**2) == pytest.approx(np.sum(samples.mean(axis=0) ** 2), rel=1e-12)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (np.zeros(5), "expected \\(N, n\\)"),
        (np.zeros((4, 3)), "alike"),
        (np.array([[0.0, 1.0], [np.nan, 2.0]]), "index 1 is not finite"),
        ([["a", "b"]], "not a table"),
        (7, "given int"),
        (IndependentComponents((cauchy(),)), "second"),
        (IndependentComponents((), [0.0, 0.0], [0.0, 0.0]), "vanishes"),
    ],
    ids=["row", "alike", "nan", "words", "number", "tails", "zeros"],
)
def test_bad_data(data, text):
    with pytest.raises(InputError, match=text):
        schedule_costs(data, fp.Cosine())


def test_bad_components():
    for densities, means, variances, text in (
        ((), (), (), "none"),
        ((), [0.0], [], "each"),
        ((), [0.0], [-1.0], "neg"),
    ):
        with pytest.raises(InputError, match=text):
            IndependentComponents(densities, means, variances)
    with pytest.raises(InputError, match="bandwidth"):
        principal_components(np.random.default_rng(0).normal(size=(30, 2)), bandwidth=9.0)


def test_schedules_without_levels():
    for schedule in (
        fp.OptimalTransport(fp.PlaneGaussian((0.0, 0.0), 1.0)),
        fp.LinearForceSchedule(h=(1.0, 1.0), g=0.0, T_fin=1.0),
    ):
        with pytest.raises(InputError, match="no levels"):
            schedule_costs(NORMAL, schedule)
