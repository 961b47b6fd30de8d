"""Whole experiments against closed forms and an independent computation: every error lies inside its bar."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import ndtr

import fpsolve as fp
from fpsolve.accuracy import assess
from fpsolve.cases import Case
from fpsolve.results import SpeedAccuracy
from fpsolve.reverse import generated_fields
from fpsolve.settings import InputError
from validation.theorems import independent
from validation.theorems.independent import Box, Mixture


def run(data, schedule, start, **numerics) -> SpeedAccuracy:
    case = Case(data, schedule, start, **({"cells": 40, "steps": 16} | numerics))
    return assess(case, generated_fields(case))


def assert_inside(result: SpeedAccuracy, name: str, exact: float, relative: float, slack: float = 0.0):
    estimate = result[name]
    error = abs(estimate.value - exact)
    assert error <= estimate.error + slack, f"{name}: {estimate}, exact {exact:.15g}"
    assert error <= relative * abs(exact) + slack, f"{name}: {estimate}, exact {exact:.15g}"


# --- a Gaussian remains one: everything in closed form --------------------------------------------------------------

MEAN, STD, TAU = 0.6, 0.5, 1.5
LEVELS: dict[str, tuple[fp.Schedule, independent.Levels]] = {
    "cosine": (fp.Cosine(TAU), independent.cosine(TAU)),
    "cond-ot": (fp.ConditionalOptimalTransport(TAU), independent.straight(TAU)),
    "ve": (fp.VarianceExploding(2.0, tau=TAU), independent.exploding(2.0, TAU)),
    "ve-geometric": (
        fp.VarianceExploding(2.0, growth="geometric", sigma_min=0.1, tau=TAU),
        independent.geometric(0.1, 2.0, TAU),
    ),
    "vp": (fp.VariancePreserving(0.1, 6.0, TAU), independent.preserving(0.1, 6.0, TAU)),
}


class GaussianExperiment:
    """N(MEAN, STD²) under a schedule; start N(mean_tau + shift, (factor width_tau)²). P~_t is Gaussian at all t."""

    def __init__(self, name: str, shift: float, factor: float) -> None:
        if name == "optimal-transport":
            self.schedule = fp.OptimalTransport(target=fp.Gaussian(-0.4, 1.2), tau=TAU)
            # mean and width are linear in time
            self.path: Callable[[float], tuple[float, float, float, float]] = lambda t: (
                MEAN - t / TAU * (MEAN + 0.4),
                -(MEAN + 0.4) / TAU,
                STD + t / TAU * 0.7,
                0.7 / TAU,
            )
        else:
            self.schedule, levels = LEVELS[name]

            def path(t: float) -> tuple[float, float, float, float]:
                m, m_rate, variance, half_rate = levels(t)
                width = math.sqrt((m * STD) ** 2 + variance)
                return m * MEAN, m_rate * MEAN, width, (m * m_rate * STD**2 + half_rate) / width

            self.path = path
        self.shift, self.factor = shift, factor
        mean, _, width, _ = self.path(TAU)
        self.final_width = width
        self.start = fp.Gaussian(mean + shift, factor * width)
        # quantiles differ by shift + (factor - 1) width Z: the folded normal's mean
        spread = abs(factor - 1.0) * width
        z = shift / spread if spread > 0 else math.inf
        self.distance = abs(shift)
        if spread > 0:
            bulk = math.erf(abs(z) / math.sqrt(2.0))
            self.distance = spread * math.sqrt(2 / math.pi) * math.exp(-0.5 * z * z) + abs(shift) * bulk
        curvature = 2.0 - factor**2
        exponent = (shift / width) ** 2 / curvature
        self.divergence = math.exp(exponent - math.log(factor) - 0.5 * math.log(curvature)) - 1.0
        if factor == 1.0:
            self.divergence = math.expm1((shift / width) ** 2)

    def action(self, t: float) -> float:
        _, drift, _, stretch = self.path(t)
        return drift**2 + stretch**2

    def integral(self, function: Callable[[float], float]) -> float:
        t, w = independent.composite(np.array([0.0, 1.0]), 60, 20)
        return float(sum(wi * 2.0 * TAU * si * function(TAU * si * si) for si, wi in zip(t, w, strict=True)))

    def exact(self) -> dict[str, float]:
        (mean, _, width, _), (end_mean, _, end_width, _) = self.path(0.0), self.path(TAU)
        final = self.distance * width / end_width
        loss = self.integral(lambda t: self.path(t)[3] ** 2) * (self.distance / end_width) ** 2
        return {
            "D0": self.divergence,
            "W1_initial": self.distance,
            "W1_final": final,
            "eta": (final - self.distance) ** 2 / (TAU * self.divergence),
            "c1": loss / self.divergence,
            "c2": self.integral(self.action),
            "dissipation": self.integral(self.action),
            "path_length": self.integral(lambda t: math.sqrt(self.action(t))),
            "W2": math.hypot(end_mean - mean, end_width - width),
        }


@pytest.mark.parametrize("name", [*LEVELS, "optimal-transport"])
@pytest.mark.parametrize(("shift", "factor"), [(0.7, 1.0), (0.0, 0.8), (-0.4, 1.25)], ids=["moved", "narrow", "both"])
def test_gaussians_in_closed_form(name, shift, factor):
    experiment = GaussianExperiment(name, shift, factor)
    result = run(fp.Gaussian(MEAN, STD), experiment.schedule, experiment.start)
    for quantity, exact in experiment.exact().items():
        assert_inside(result, quantity, exact, 1e-10, slack=1e-14)
    times = result.data["time"].values
    paths = np.array([experiment.path(t) for t in times])
    action = paths[:, 1] ** 2 + paths[:, 3] ** 2
    ratio = experiment.distance / experiment.final_width
    series = {
        "dissipation_rate": action,
        "v2": np.sqrt(action),
        "W1": ratio * paths[:, 2],
        "W1_rate": ratio * paths[:, 3],
        "v_loss": ratio * np.abs(paths[:, 3]) / math.sqrt(experiment.divergence),
        "chi2": np.full(times.size, experiment.divergence),
        "mean": paths[:, 0],
        "second_moment": paths[:, 0] ** 2 + paths[:, 2] ** 2,
    }
    for key, exact in series.items():
        assert np.max(np.abs(result.data[key].values - exact)) <= 1e-9 * np.max(np.abs(exact)), key
    assert result.verdicts["violated"] == result.verdicts["undecided"] == 0
    assert result.relation("speed-accuracy").verdict == "holds"


@pytest.mark.parametrize("shift", [1e-3, 1e-5, 1e-7])
def test_a_start_that_is_nearly_right(shift):
    """D0 ~ shift²: differences of densities and distances must not be swamped by rounding."""
    experiment = GaussianExperiment("cosine", shift, 1.0)
    result = run(fp.Gaussian(MEAN, STD), experiment.schedule, experiment.start)
    exact = experiment.exact()
    for name in ("D0", "W1_initial", "W1_final", "eta", "c1"):
        assert_inside(result, name, exact[name], 1e-12 + 1e-13 / shift)
    assert exact["D0"] < 4 * shift**2


@pytest.mark.parametrize(("tau", "width"), [(1e-3, 1e-3), (1e3, 1e3), (1.0, 1e-6)])
def test_other_units(tau, width):
    """Lengths and times in other units: everything scales."""
    reference = run(fp.Gaussian(0.3, 0.5), fp.VarianceExploding(1.5), fp.Gaussian(0.9, 1.4))
    scaled = run(
        fp.Gaussian(0.3 * width, 0.5 * width),
        fp.VarianceExploding(1.5 * width, tau=tau),
        fp.Gaussian(0.9 * width, 1.4 * width),
    )
    powers = {name: (2, 1) for name in ("eta", "c1", "c2")} | {"D0": (0, 0)}
    powers |= {name: (1, 0) for name in ("W1_initial", "W1_final", "W2", "path_length")}
    for name, (length, per_time) in powers.items():
        unit = width**length / tau**per_time
        assert scaled[name].value == pytest.approx(reference[name].value * unit, rel=1e-10), name
        assert scaled[name].error <= 1e-8 * scaled[name].value, name


def test_nothing_moves():
    """N(0, 1) under a variance-preserving schedule stays: every rate is zero, the distance constant."""
    result = run(fp.Gaussian(), fp.Cosine(), fp.Gaussian(0.5, 1.0))
    for name in ("eta", "c1", "c2", "path_length", "W2"):
        assert abs(result[name].value) <= max(result[name].error, 1e-14)
    assert result["W1_final"].value == pytest.approx(0.5, rel=1e-13)
    assert result.verdicts["violated"] == 0


# --- against the independent computation ----------------------------------------------------------------------------

PAPER = ((0.35**0.5, -(0.35**0.5)), (0.3, 0.3), (0.5, 0.5))
THREE = ((-1.2, 0.1, 0.9), (0.1, 0.5, 0.25), (0.2, 0.5, 0.3))
SKEWED = ((0.0, 0.5, 2.5), (0.2, 0.4, 0.5), (0.6, 0.3, 0.1))
APART = ((-2.0, 1.5), (0.4, 0.5), (0.3, 0.7))
#: name -> data, schedule, levels, tau, start
CASES = {
    "paper, cosine, mean": (PAPER, fp.Cosine(), independent.cosine(1.0), (1.0, 1.0)),
    "paper, cond-ot, uniform": (
        PAPER, fp.ConditionalOptimalTransport(), independent.straight(1.0), ("box", -math.sqrt(3.0), math.sqrt(3.0)),
    ),
    "paper, cosine, long, three": (
        PAPER, fp.Cosine(2.0), independent.cosine(2.0), ((-1.0, 0.0, 1.1), (0.35, 0.8, 0.3), (0.3, 0.4, 0.3)),
    ),
    "three, cond-ot, short, off centre": (
        THREE, fp.ConditionalOptimalTransport(0.5), independent.straight(0.5), ("box", -1.0, 1.8),
    ),
    "three, cosine, narrow": (THREE, fp.Cosine(0.5), independent.cosine(0.5), (0.4, 0.5)),
    "three, ve, wide": (THREE, fp.VarianceExploding(3.0, tau=2.0), independent.exploding(3.0, 2.0), (0.5, 3.5)),
    "skewed, vp, standard": (
        SKEWED, fp.VariancePreserving(0.1, 20.0), independent.preserving(0.1, 20.0, 1.0), (0.0, 1.0),
    ),
    "skewed, cosine, mean": (SKEWED, fp.Cosine(2.0), independent.cosine(2.0), (-0.8, 1.1)),
    "skewed, ve-geometric": (
        SKEWED,
        fp.VarianceExploding(2.0, growth="geometric", sigma_min=0.05, tau=1.5),
        independent.geometric(0.05, 2.0, 1.5),
        ((0.2, 1.5), (1.8, 1.5), (0.5, 0.5)),
    ),
    "apart, cosine, box": (APART, fp.Cosine(1.0), independent.cosine(1.0), ("box", -0.5, 2.0)),
    "apart, cond-ot, twins": (
        APART, fp.ConditionalOptimalTransport(2.0), independent.straight(2.0), ((-1.0, 1.0), (0.6, 0.6), (0.5, 0.5)),
    ),
    "apart, vp, early end": (
        APART, fp.VariancePreserving(0.2, 3.0, 1.0), independent.preserving(0.2, 3.0, 1.0), (0.0, 1.2),
    ),
}  # fmt: skip


def both(law):
    """The same density for fpsolve and for the independent computation."""
    if law[0] == "box":
        return fp.Uniform(*law[1:]), Box(*law[1:])
    if isinstance(law[0], float):
        return fp.Gaussian(*law), Mixture(*law)
    return fp.GaussianMixture(*law), Mixture(*law)


@pytest.mark.parametrize("name", CASES)
def test_every_error_lies_inside_its_bar(name):
    data, schedule, levels, start = CASES[name]
    (ours, plain), (our_start, plain_start) = both(data), both(start)
    result = run(ours, schedule, our_start)
    exact = independent.experiment(plain, levels, schedule.tau, plain_start, panels=40, intervals=6)
    for quantity in ("D0", "W1_initial", "W1_final", "eta", "c1", "c2", "path_length", "W2"):
        reference = getattr(exact, quantity)
        # how far the independent numbers can be trusted, seen by doubling their panels
        assert_inside(result, quantity, reference, 2e-8, slack=1e-8 * reference)
        assert result[quantity].error <= 1e-6 * reference
    assert result.verdicts["violated"] == result.verdicts["undecided"] == 0
    assert result.relation("speed-accuracy").verdict == "holds"


def test_the_independent_computation_has_converged():
    data, schedule, levels, start = CASES["three, cond-ot, short, off centre"]
    rows = [
        independent.experiment(Mixture(*data), levels, schedule.tau, both(start)[1], panels=24 * n, intervals=3 * n)
        for n in (2, 3)
    ]
    for name in ("D0", "W1_initial", "W1_final", "eta", "c1", "c2", "path_length", "W2"):
        assert getattr(rows[0], name) == pytest.approx(getattr(rows[1], name), rel=1e-9), name


def test_geodesic_of_mixtures():
    data, start = fp.GaussianMixture(*THREE), fp.Uniform(-1.5, 1.2)
    result = run(data, fp.OptimalTransport(tau=0.7), start)
    plain, noise, box = Mixture(*THREE), Mixture(0.0, 1.0), Box(-1.5, 1.2)
    cost = independent.transport_cost(plain, noise)
    initial = independent.distance(noise, box)
    assert_inside(result, "c2", cost / 0.7, 1e-9, slack=1e-10)
    assert_inside(result, "W2", math.sqrt(cost), 1e-10, slack=1e-11)
    assert_inside(result, "W1_initial", initial, 1e-11, slack=1e-13)
    outside = 0.5 * math.erfc(1.5 / math.sqrt(2.0)) + 0.5 * math.erfc(1.2 / math.sqrt(2.0))
    assert_inside(result, "D0", independent.chi_squared(noise, box, (-1.5, 1.2)) + outside, 1e-10, slack=1e-13)
    assert abs(result["eta"].value - result["c1"].value) <= result["eta"].error + result["c1"].error


def test_geodesic_between_uniforms():
    """Linear maps: [0, 1] to [4, 7], start on [4.5, 6.5]."""
    result = run(fp.Uniform(0.0, 1.0), fp.OptimalTransport(target=fp.Uniform(4.0, 7.0)), fp.Uniform(4.5, 6.5))
    initial = 2.0 * 0.5 * 1.5 / 6.0  # two triangles: the CDFs part by up to 1/6 over lengths of 1.5
    exact = {
        "D0": 0.5,
        "W1_initial": initial,
        "W1_final": initial / 3.0,
        "eta": (initial * 2.0 / 3.0) ** 2 / 0.5,
        "c1": (initial * 2.0 / 3.0) ** 2 / 0.5,
        "c2": 16.0 + 8.0 + 4.0 / 3.0,
        "W2": math.sqrt(16.0 + 8.0 + 4.0 / 3.0),
    }
    for name, value in exact.items():
        assert_inside(result, name, value, 1e-10, slack=1e-13)
    assert result.verdicts["violated"] == 0


def test_uniform_data_under_a_schedule():
    """The action by plain quadrature of the closed form of a blurred uniform density, sigma = t."""
    result = run(fp.Uniform(-1.0, 1.0), fp.VarianceExploding(1.0), fp.Gaussian(0.1, 1.1))

    def action(t: float) -> float:
        # nu = -sigma sigma' score; both halves of the line are alike
        cuts = np.unique([-1.0 - 12.0 * t, -1.0 - 2.0 * t, min(-1.0 + 2.0 * t, 0.0), min(-1.0 + 9.0 * t, 0.0), 0.0])
        x, w = independent.composite(cuts, 40, 20)
        high, low = (x + 1.0) / t, (x - 1.0) / t
        density = 0.5 * (ndtr(high) - ndtr(low))
        slope = 0.5 * (np.exp(-0.5 * high**2) - np.exp(-0.5 * low**2)) / (t * math.sqrt(2.0 * math.pi))
        return float(2.0 * t * t * np.sum(w * slope**2 / density))

    times = result.data["time"].values[1:]
    exact = np.array([action(t) for t in times])
    assert result.data["dissipation_rate"].values[1:] == pytest.approx(exact, rel=1e-9)
    t, w = independent.composite(np.array([0.0, 1.0]), 10, 12)
    assert_inside(result, "c2", float(sum(w * [action(each) for each in t])), 1e-9, slack=1e-10)
    length = float(sum(w * 2 * t * [math.sqrt(action(each**2)) for each in t]))
    assert_inside(result, "path_length", length, 1e-9, slack=1e-10)
    assert result.verdicts["violated"] == 0


# --- what has no value ----------------------------------------------------------------------------------------------


def test_an_infinite_divergence_leaves_the_rest():
    result = run(fp.GaussianMixture(*PAPER), fp.Cosine(), fp.Gaussian(0.0, 1.5))
    assert result["D0"].value == math.inf
    for name in ("eta", "c1"):
        assert math.isnan(result[name].value) and "infinite" in result[name].why
    assert_inside(result, "W1_initial", 0.5 * math.sqrt(2.0 / math.pi), 1e-11)
    assert result["c2"].finite and result["W1_final"].finite
    verdicts = {relation.name: relation.verdict for relation in result.relations}
    assert verdicts["speed-accuracy"] == verdicts["chi2-invariance"] == "undefined"
    assert verdicts["benamou-brenier"] == "holds" and result.verdicts["violated"] == 0


def test_the_exact_start_has_no_response():
    result = run(fp.GaussianMixture(*PAPER), fp.Cosine(), fp.Gaussian())
    assert result["D0"].value == 0.0 and math.isnan(result["eta"].value)
    assert result["W1_final"].value <= result["W1_final"].error
    assert result.verdicts["violated"] == 0


def test_a_window_that_cuts_a_lot_is_refused():
    with pytest.raises(InputError, match="at most 1%") as refused:
        run(fp.GaussianMixture(*PAPER), fp.Cosine(), fp.Gaussian(1.0, 1.0), window=(-1.0, 4.5))
    assert refused.value.key == "window"


def test_a_wide_window_changes_nothing():
    data, start = fp.GaussianMixture(*PAPER), fp.Gaussian(1.0, 1.0)
    whole, wide = run(data, fp.Cosine(), start), run(data, fp.Cosine(), start, window=(-14.0, 14.0))
    for name in ("D0", "eta", "c1", "c2", "W1_initial", "W1_final"):
        assert wide[name].value == pytest.approx(whole[name].value, rel=1e-9), name
    assert wide.diagnostics["truncated"] == {}
    assert wide.verdicts["violated"] == 0


def test_the_same_numbers_twice():
    one, other = (run(fp.GaussianMixture(*THREE), fp.Cosine(), fp.Gaussian(0.3, 0.9)) for _ in range(2))
    assert {k: (v.value, v.error) for k, v in one.estimates.items()} == {
        k: (v.value, v.error) for k, v in other.estimates.items()
    }


def test_a_pair_that_does_not_belong_together_is_refused():
    data = fp.Gaussian(0.0, 0.5)
    one, other = (fp.diffuse(data, schedule) for schedule in (fp.Cosine(), fp.ConditionalOptimalTransport()))
    with pytest.raises(InputError):
        fp.speed_accuracy(one, fp.generate(other, fp.Gaussian(1.0, 1.0)))


@pytest.mark.parametrize("steps", [100, 1000])
def test_the_last_step_of_a_discrete_model_is_not_missed(steps):
    """Squared cosine: the last beta is cut, and the schedule bends in the last step alone. By the flat metric."""
    data, schedule = fp.GaussianMixture(*PAPER), fp.DiscreteDiffusion.squared_cosine(steps)
    result, costs = run(data, schedule, fp.Gaussian(0.5, 0.9)), fp.schedule_costs(data, schedule)
    for name in ("c2", "path_length"):
        other = getattr(costs, name)
        assert abs(result[name].value - other.value) <= result[name].error + other.error
        assert result[name].error < 1e-6
    assert result.verdicts["violated"] == result.verdicts["undecided"] == 0
