"""Facts of the theory, over whole families of data, starts and schedules."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtr

import fpsolve as fp
from fpsolve.accuracy import assess
from fpsolve.cases import Case
from fpsolve.processes import Diffusion
from fpsolve.reverse import generated_fields
from validation.theorems.independent import Box, Mixture, composite, lead, point_of, turning_points


def run(data, schedule, start, **numerics):
    case = Case(data, schedule, start, **({"cells": 40, "steps": 16} | numerics))
    return assess(case, generated_fields(case))


def agree(one, other, relative=1e-9):
    gap = abs(one.value - other.value)
    assert gap <= one.error + other.error, f"{one} and {other}"
    assert gap <= relative * abs(one.value), f"{one} and {other}"


# --- the response does not depend on the schedule -------------------------------------------------------------------

S = np.linspace(0.0, 1.0, 65)
TO_NOISE = {
    "cond-ot": fp.ConditionalOptimalTransport(),
    "square roots": fp.ArraySchedule(tuple(S), tuple(np.sqrt(1.0 - S)), tuple(np.sqrt(S))),
    "above the circle": fp.ArraySchedule(tuple(S), tuple(1.0 - S**3), tuple(np.sqrt(S))),
    "optimal transport": fp.OptimalTransport(),
}
DATA = {
    "mixture": fp.GaussianMixture((-1.2, 0.1, 0.9), (0.1, 0.5, 0.25), (0.2, 0.5, 0.3)),
    "uniform": fp.Uniform(-1.0, 1.4),
    "tabulated": fp.Tabulated(np.linspace(-1.5, 1.5, 7), np.array([0.4, 0.2, 0.1, 0.3, 0.7, 0.3])),
    "gap": fp.Tabulated(np.linspace(-1.5, 1.5, 7), np.array([0.4, 0.2, 0.0, 0.3, 0.8, 0.3])),
}
STARTS = {"moved": fp.Gaussian(0.8, 1.0), "box": fp.Uniform(-1.0, 2.0)}


@pytest.mark.parametrize("data", ["mixture", "uniform", "tabulated"])
def test_the_response_does_not_depend_on_the_schedule(data):
    start = STARTS["box" if data == "mixture" else "moved"]
    first = run(DATA[data], fp.Cosine(), start)
    assert first["eta"].error <= 1e-7 * first["eta"].value
    # for data by panels one diffusion and the geodesic suffice: they take a second each
    for name in TO_NOISE if data == "mixture" else ("cond-ot", "optimal transport"):
        other = run(DATA[data], TO_NOISE[name], start)
        agree(first["eta"], other["eta"])
        agree(first["W1_final"], other["W1_final"])
        assert abs(first["c2"].value - other["c2"].value) > 1e-3 * first["c2"].value


def test_time_enters_the_response_through_tau_alone():
    data, start = DATA["mixture"], STARTS["moved"]
    one, two = (run(data, fp.Cosine(tau), start)["eta"] for tau in (1.0, 2.5))
    assert two.value == pytest.approx(one.value / 2.5, rel=1e-11)


# --- the geodesic ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("tau", [0.5, 2.0])
def test_on_the_geodesic_the_distance_is_linear_and_c1_is_eta(start, tau):
    result = run(DATA["mixture"], fp.OptimalTransport(tau=tau), STARTS[start])
    agree(result["eta"], result["c1"])
    cost = result["W2"].squared().scaled(1.0 / tau)
    agree(cost, result["c2"])
    part = result.data["time"].values / tau
    line = (1.0 - part) * result["W1_final"].value + part * result["W1_initial"].value
    assert np.max(np.abs(result.data["W1"].values - line)) < 1e-10
    assert np.ptp(result.data["v2"].values) < 1e-10


@pytest.mark.parametrize("data", ["mixture", "uniform"])
def test_optimal_transport_makes_the_bound_least(data):
    start = STARTS["moved"]
    least = run(DATA[data], fp.OptimalTransport(), start)["c2"].value
    assert least < 0.999 * run(DATA[data], fp.Cosine(), start)["c2"].value


# --- truncating the line --------------------------------------------------------------------------------------------

PAPER = Mixture((0.35**0.5, -(0.35**0.5)), (0.3, 0.3))
NOISE = Mixture(0.0, 1.0)


def windowed(start, low, high):
    """D0, and W1 at both ends, with every integral restricted to [low, high]."""
    inner = [jump for jump in start.jumps if low < jump < high]
    cuts = np.unique(np.concatenate([[low, high], inner, turning_points(start, NOISE, low, high)]))
    z, w = composite(cuts, 200, 20)
    p, q = NOISE.tails(z)[0], start.tails(z)[0]
    divergence = float(np.sum(w * (q - p) ** 2 / p))
    initial = float(np.sum(w * np.abs(lead(start, NOISE, z))))
    _, below, above = NOISE.tails(cuts)
    images = point_of(PAPER, below, above, -12.0, 12.0)
    data_cuts = np.unique(np.concatenate([[low, high], images[(images > low) & (images < high)]]))
    x, v = composite(data_cuts, 200, 20)
    _, cdf, sf = PAPER.tails(x)
    label = point_of(NOISE, cdf, sf, -37.0, 37.0)
    return divergence, initial, float(np.sum(v * np.abs(lead(start, NOISE, label))))


@pytest.mark.parametrize(
    ("start", "plain"),
    [
        (fp.Gaussian(1.0, 1.0), Mixture(1.0, 1.0)),
        (fp.Gaussian(0.0, 0.8), Mixture(0.0, 0.8)),
        (fp.Uniform(-(3**0.5), 3**0.5), Box(-(3**0.5), 3**0.5)),
    ],
    ids=["mean", "variance", "uniform"],
)
def test_the_papers_window(start, plain):
    data = fp.GaussianMixture((0.35**0.5, -(0.35**0.5)), (0.3, 0.3))
    result = run(data, fp.Cosine(), start, window=(-4.5, 4.5), cells=500, steps=20)
    divergence, initial, final = windowed(plain, -4.5, 4.5)
    for name, exact in (("D0", divergence), ("W1_initial", initial), ("W1_final", final)):
        assert abs(result[name].value - exact) <= result[name].error + 1e-11 * exact, name
        assert result[name].value == pytest.approx(exact, rel=1e-9), name
    assert result["eta"].value == pytest.approx((final - initial) ** 2 / divergence, rel=1e-8)
    assert result.verdicts["violated"] == 0
    if isinstance(start, fp.Gaussian) and start.mean == 1.0:
        # e N(2, 1) beyond both densities is what the window takes from D0
        cut = math.expm1(1.0) - divergence
        outside = math.e * (ndtr(-2.5) + ndtr(-6.5)) - 2.0 * (ndtr(-3.5) + ndtr(-5.5)) + 2.0 * ndtr(-4.5)
        assert cut == pytest.approx(outside, rel=1e-10)
        assert result.diagnostics["truncated"]["D0"] == pytest.approx(cut, abs=1e-10)
        assert divergence == pytest.approx(1.7018607087, abs=5e-11)
        assert result["eta"].value == pytest.approx(0.0906517, abs=5e-8)


@pytest.mark.parametrize(
    ("std", "finite"), [(1.4, True), (math.sqrt(1.99), True), (math.sqrt(2.0), False), (1.5, False)]
)
def test_the_divergence_is_finite_below_twice_the_variance(std, finite):
    result = run(fp.Gaussian(0.0, 0.5), fp.Cosine(), fp.Gaussian(0.0, std))
    assert result["D0"].finite == finite
    assert (result.relation("speed-accuracy").verdict == "undefined") == (not finite)
    assert result["W1_final"].finite and result["c2"].finite
    if finite:
        exact = 1.0 / (std * math.sqrt(2.0 - std**2)) - 1.0
        assert result["D0"].value == pytest.approx(exact, rel=1e-9)


# --- translations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [fp.Cosine(), fp.VarianceExploding(1.5), fp.VariancePreserving(0.1, 8.0)])
def test_translated_gaussians(schedule):
    """W1 = |shift_t|, shift_t = shift width_t / width_tau, and D = exp(shift² / variance) - 1 at every time."""
    process = Diffusion(fp.Gaussian(0.2, 0.6), schedule)
    widths = np.sqrt([process.density(t).variance for t in np.linspace(0.0, 1.0, 17)])
    start = fp.Gaussian(process.final.mean - 0.4, widths[-1])
    result = run(fp.Gaussian(0.2, 0.6), schedule, start)
    assert result.data["W1"].values == pytest.approx(0.4 * widths / widths[-1], rel=1e-11)
    assert result.data["chi2"].values == pytest.approx(math.expm1((0.4 / widths[-1]) ** 2), rel=1e-10)


# --- geometry of schedules ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [fp.Cosine(), fp.ConditionalOptimalTransport(), fp.VariancePreserving(0.1, 8.0)])
def test_the_squared_speed_is_a_quadratic_form_in_the_rates(schedule):
    """v2² = E[a²] m'² + 2 E[a b] m' sigma' + E[b²] sigma'², a = E[y|x] and b = E[e|x] from the score alone."""
    process = Diffusion(DATA["mixture"], schedule)
    for t in (0.1, 0.45, 0.8):
        curve = schedule.curve(np.array([t]))
        m, sigma = curve.signal[0], curve.noise[0]
        x, w = composite(np.array(process.density(t).interval(1e-20)), 120, 20)
        state = process.state(t, x)
        b = -sigma * state.score
        a = (x - sigma * b) / m
        rates = np.array([curve.signal_rate[0], curve.half_variance_rate[0] / sigma])
        metric = np.array([[np.sum(w * state.pdf * u * v) for u in (a, b)] for v in (a, b)])
        exact = float(np.sum(w * state.pdf * state.velocity**2))
        assert rates @ metric @ rates == pytest.approx(exact, rel=1e-9)
        assert np.all(np.linalg.eigvalsh(metric) > 0.0)
        # E[a] = E[y] whatever the noise
        assert np.sum(w * state.pdf * a) == pytest.approx(DATA["mixture"].mean, abs=1e-9)


def test_a_retimed_schedule_has_the_same_length_and_a_larger_cost():
    """The path in (m, sigma) is the same: L is equal, c2 is least where v2 is constant."""
    cosine = fp.Cosine().curve(S**2)
    slow = fp.ArraySchedule(tuple(S), tuple(cosine.signal), tuple(cosine.noise))
    one, other = (run(DATA["mixture"], way, STARTS["moved"]) for way in (fp.Cosine(), slow))
    assert other["path_length"].value == pytest.approx(one["path_length"].value, rel=1e-4)
    agree(one["eta"], other["eta"])
    for result in (one, other):
        assert result["c2"].value >= result["path_length"].value ** 2


# --- relations hold everywhere --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "schedule", "start"),
    [
        ("mixture", fp.VarianceExploding(2.0, tau=0.7), fp.Gaussian(0.1, 1.9)),
        ("mixture", fp.VariancePreserving(0.5, 6.0), STARTS["box"]),
        ("gap", fp.Cosine(), STARTS["moved"]),
    ],
    ids=["exploding", "preserving", "gap"],
)
def test_nothing_is_violated_or_undecided(data, schedule, start):
    result = run(DATA[data], schedule, start)
    assert result.verdicts["violated"] == result.verdicts["undecided"] == 0, str(result)
    assert result["eta"].value <= result["c1"].value <= result["c2"].value
