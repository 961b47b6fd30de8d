"""Schedules in the metric of given data: closed forms, identities, an independent minimiser, the exports run."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math

import numpy as np
import pytest
from scipy.optimize import minimize

import fpsolve as fp
from fpsolve.design import measure_schedule, retime, schedule_costs, schedule_metric
from fpsolve.schedules import ArraySchedule, Curve, Schedule
from fpsolve.settings import InputError

ROOT = math.sqrt(0.35)
PAPER = fp.GaussianMixture(means=(ROOT, -ROOT), stds=(0.3, 0.3))
SKEWED = fp.GaussianMixture(means=(-1.0, 0.5, 2.0), stds=(0.2, 0.4, 0.3), weights=(0.2, 0.5, 0.3))
NARROW = fp.GaussianMixture(means=(0.1, -0.7), stds=(0.05, 0.4), weights=(0.4, 0.6))

costs = functools.cache(schedule_costs)


def moments_on_a_fine_grid(data: fp.GaussianMixture, ratio: float) -> tuple[float, float, float]:
    """E[a²], E[a b], E[b²] at m = 1 from the posterior of each component, by the trapezoidal rule."""
    weight, mean, std = (np.array(v)[:, None] for v in (data.weights, data.means, data.stds))
    total = std**2 + ratio**2
    reach = 12.0 * math.sqrt(float(total.max())) + float(np.abs(mean).max())
    x = np.linspace(-reach, reach, 40_001)
    parts = weight * np.exp(-0.5 * (x - mean) ** 2 / total) / np.sqrt(2.0 * math.pi * total)
    pdf = parts.sum(axis=0)
    a = np.divide((parts * (mean + std**2 / total * (x - mean))).sum(axis=0), pdf, out=0.0 * x, where=pdf > 0.0)
    b = (x - a) / ratio
    return tuple(float(np.sum(f * pdf) * (x[1] - x[0])) for f in (a * a, a * b, b * b))  # type: ignore[return-value]


@pytest.mark.parametrize("data", [PAPER, SKEWED, NARROW])
def test_tensor_agrees_with_a_fine_grid(data):
    metric = schedule_metric(data)
    for ratio in (0.03, 0.2, 0.9, 4.0, 30.0):
        found = metric.tensor(np.array([0.7]), np.array([0.7 * ratio]))
        for one, other, scale in zip(found, moments_on_a_fine_grid(data, ratio), (1.0, ratio, 1.0), strict=True):
            assert abs(float(one[0]) - other) < 1e-10 * max(scale, 1.0)


@pytest.mark.parametrize("std", [0.25, 0.5, 1.0, 1.8])
@pytest.mark.parametrize("mean", [0.0, 0.7])
def test_best_for_gaussian_data_is_optimal_transport(mean, std):
    """The densities on the way are Gaussian with any means and widths in proportion: the geodesic is among them."""
    found = schedule_costs(fp.Gaussian(mean, std), fp.Cosine(tau=2.5))
    exact = (mean**2 + (1.0 - std) ** 2) / 2.5
    for estimate in (found.c2_best, found.c2_geodesic):
        assert abs(estimate.value - exact) <= estimate.error < 1e-10


def test_the_paper_s_data():
    found = costs(PAPER, fp.Cosine())
    assert abs(found.c2.value - 0.202544) < 1e-6
    assert abs(found.c2_retimed.value - 0.16905) < 1e-5
    assert abs(found.c2_geodesic.value - 0.147289) < 1e-6
    assert found.c2_geodesic.value < found.c2_best.value <= 0.1542
    assert max(found.best.m) > 1.05
    assert found.residual < 1e-3


@pytest.mark.parametrize("data", [PAPER, SKEWED, NARROW])
def test_an_independent_minimiser_finds_the_same_geodesic(data):
    """Curves ln rho(phi) = sin(2 phi) times a polynomial, their length from the fine grid's moments."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    phi, weights = 0.25 * math.pi * (1.0 + nodes), 0.25 * math.pi * weights
    aa, ab, bb = np.array([moments_on_a_fine_grid(data, math.tan(each)) for each in phi]).T
    powers = np.polynomial.chebyshev.chebvander(nodes, 9)
    basis = np.sin(2.0 * phi)[:, None] * powers
    slopes = np.polynomial.chebyshev.chebval(nodes, np.polynomial.chebyshev.chebder(np.eye(10))).T * 4.0 / math.pi
    slopes = 2.0 * np.cos(2.0 * phi)[:, None] * powers + np.sin(2.0 * phi)[:, None] * slopes

    def length(c: np.ndarray) -> float:
        rho, growth = np.exp(basis @ c), slopes @ c
        m, s = growth * np.cos(phi) - np.sin(phi), growth * np.sin(phi) + np.cos(phi)
        return float(weights @ (rho * np.sqrt(aa * m**2 + 2.0 * ab * m * s + bb * s**2)))

    least = minimize(length, np.zeros(10), method="BFGS").fun ** 2
    best = costs(data, fp.Cosine()).c2_best
    assert best.value - best.error - 1e-8 <= least < best.value * (1.0 + 1e-3)


@pytest.mark.parametrize("schedule", [fp.Cosine(), fp.ConditionalOptimalTransport(), fp.VariancePreserving(0.1, 20.0)])
@pytest.mark.parametrize("data", [PAPER, SKEWED, NARROW])
def test_order_of_the_costs(data, schedule):
    found = costs(data, schedule)
    order = [found.c2_geodesic, found.c2_best, found.c2_retimed, found.c2]
    assert all(one.value < other.value for one, other in itertools.pairwise(order))
    assert all(each.error < 1e-8 * each.value for each in order)
    assert abs(found.c2_retimed.value - found.path_length.value**2 / schedule.tau) < 1e-12


@pytest.mark.parametrize(
    ("data", "schedule"), [(PAPER, fp.Cosine()), (SKEWED, fp.ConditionalOptimalTransport())], ids=["paper", "skewed"]
)
def test_exports_cost_what_was_promised_and_leave_eta_alone(data, schedule):
    found = costs(data, schedule)
    start = fp.Gaussian(0.6, 0.9)
    expected = {"given": found.c2, "retimed": found.c2_retimed, "best": found.c2_best}
    etas = []
    for name, each in (("given", schedule), ("retimed", found.retimed), ("best", found.best)):
        forward = fp.diffuse(data, each)
        result = fp.speed_accuracy(forward, fp.generate(forward, start=start)).estimates
        assert abs(result["c2"].value - expected[name].value) < (1e-9 if name == "given" else 5e-6)
        etas.append(result["eta"].value)
    assert np.ptp(etas) < 1e-7 * etas[0]


def test_the_retimed_path_is_the_same_path_at_constant_speed():
    metric = schedule_metric(SKEWED)
    paced = retime(metric, fp.Cosine(tau=2.0))
    middle = paced.curve(np.linspace(0.05, 1.95, 30))
    assert np.abs(middle.signal**2 + middle.variance - 1.0).max() < 1e-7
    journey = measure_schedule(metric, paced)
    inner = slice(journey.times.size // 8, -journey.times.size // 8)
    speed = np.diff(journey.lengths)[inner] / np.diff(journey.times)[inner]
    assert np.ptp(speed) < 1e-4 * speed.mean()


def test_other_ends_are_kept():
    """A curve that begins with noise and ends with signal left."""
    t = np.linspace(0.0, 2.0, 60)
    schedule = ArraySchedule(tuple(t), tuple(1.0 - 0.35 * t), tuple(0.1 + 0.4 * t))
    found = schedule_costs(SKEWED, schedule)
    for each in (found.best, found.retimed):
        assert each.t[-1] == pytest.approx(2.0, rel=1e-14)
        assert (each.m[0], each.sigma[0], each.m[-1], each.sigma[-1]) == pytest.approx((1.0, 0.1, 0.3, 0.9), rel=1e-9)
    assert found.c2_geodesic.value < found.c2_best.value < found.c2_retimed.value < found.c2.value


def test_data_with_jumps():
    found = schedule_costs(fp.Uniform(-1.0, 1.0), fp.Cosine())
    assert found.c2_geodesic.value < found.c2_best.value < found.c2_retimed.value
    assert abs(found.diagnostics["c2_exported_best"] - found.c2_best.value) < 1e-6


def test_a_schedule_that_pauses():
    """The pause costs nothing and adds no length; retimed, it is gone."""
    t = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0)
    part = np.array([0.0, 0.12, 0.25, 0.4, 0.5, 0.5, 0.6, 0.75, 0.88, 1.0])
    schedule = ArraySchedule(t, tuple(1.0 - 0.8 * part), tuple(0.9 * part))
    found = schedule_costs(SKEWED, schedule)
    assert found.c2_retimed.value < found.c2.value
    assert abs(found.diagnostics["c2_exported_retimed"] - found.c2_retimed.value) < 1e-3 * found.c2_retimed.value


def test_data_that_are_the_noise_already():
    found = schedule_costs(fp.Gaussian(0.0, 1.0), fp.Cosine())
    assert all(abs(each.value) <= each.error < 1e-11 for each in found.estimates.values())


@dataclasses.dataclass(frozen=True)
class Wavering(Schedule):
    """Noise over signal that falls for a while."""

    tau: float = 1.0

    def curve(self, t: np.ndarray) -> Curve:
        ratio, rate = t + 0.2 * np.sin(6.0 * t), 1.0 + 1.2 * np.cos(6.0 * t)
        return Curve(np.ones_like(t), np.zeros_like(t), ratio**2, ratio * rate)


@pytest.mark.parametrize(
    ("data", "schedule", "text"),
    [
        (PAPER, Wavering(), "falls"),
        (PAPER, fp.OptimalTransport(fp.Gaussian(0.0, 1.0)), "no levels"),
    ],
)
def test_bad_input(data, schedule, text):
    with pytest.raises(InputError, match=text):
        schedule_costs(data, schedule)


def test_too_few_points():
    with pytest.raises(InputError, match="points"):
        schedule_costs(PAPER, fp.Cosine(), points=3)
