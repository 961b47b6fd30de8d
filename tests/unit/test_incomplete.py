"""The estimated process of a learned velocity, and the bounds (100) of its error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf, ndtr

import fpsolve as fp
from fpsolve.learning.bases import polynomial_basis, spline_basis
from fpsolve.learning.incomplete import basis_table, incomplete_estimation
from fpsolve.learning.matching import flow_matching, score_matching
from fpsolve.processes import Diffusion
from fpsolve.settings import InputError

PAPER = fp.GaussianMixture(means=(math.sqrt(0.35), -math.sqrt(0.35)), stds=(0.3, 0.3))
START = fp.Gaussian(1.0, 1.0)
#: (cells, degree): from a basis that hardly sees the two modes to one that resolves them
BASES = [((4, 2), 1), ((6, 3), 2), ((16, 8), 2)]


class Tilted:
    """The exact velocity of centred Gaussian data with a slope too large by epsilon: everything in closed form."""

    def __init__(self, process, epsilon):
        self.process, self.epsilon = process, epsilon

    def std(self, t):
        return math.sqrt(self.process.density(t).variance)

    def velocity(self, t, x):
        return self.process.velocity(t, x) + self.epsilon * x

    def slope(self, t, x):
        return np.full_like(x, float(self.process.velocity(t, np.ones(1))[0]) + self.epsilon)

    def law(self, t, start):
        """Mean and standard deviation of the estimated process."""
        factor = self.std(t) / self.std(1.0) * math.exp(self.epsilon * (t - 1.0))
        return start.mean * factor, math.sqrt(start.variance) * factor


@pytest.fixture(scope="module")
def tilted():
    process, start = Diffusion(fp.Gaussian(0.0, 0.5), fp.ConditionalOptimalTransport(tau=1.0)), fp.Gaussian(0.3, 0.9)
    field = Tilted(process, 0.2)
    return process, start, field, incomplete_estimation(process, start, field)


@pytest.fixture(scope="module")
def paper():
    return Diffusion(PAPER, fp.Cosine(tau=1.0))


@pytest.fixture(scope="module")
def results(paper):
    found = []
    for cells, degree in BASES:
        learned = flow_matching(paper, spline_basis(paper, cells, degree, window=(-2.0, 2.0)))
        found.append((learned, incomplete_estimation(paper, START, learned, resolution=1e-6, most_panels=120)))
    return found


def chi_squared(b, mean, s):
    """D of N(mean, s²) against N(0, b²)."""
    a = 1.0 / s**2 - 0.5 / b**2
    return b / (math.sqrt(2.0 * a) * s**2) * math.exp(mean**2 / (s**4 * a) - mean**2 / s**2) - 1.0


@pytest.mark.parametrize("index", [0, 31, 77, -1])
def test_gaussian_run_lies_within_its_bars(tilted, index):
    process, start, field, result = tilted
    t = float(result.times[index])
    b, (mean, s) = field.std(t), field.law(t, start)
    rate = float(process.velocity(t, np.ones(1))[0])
    exact = {
        "W1": quad(lambda x: abs(ndtr(x / b) - ndtr((x - mean) / s)), -9, 9, epsabs=1e-13, limit=400)[0],
        "chi2": chi_squared(b, mean, s),
        "dissipation": rate**2 * b**2,
        "square_error": field.epsilon**2 * b**2,
        # mean of the folded normal law
        "error": field.epsilon
        * (s * math.sqrt(2 / math.pi) * math.exp(-0.5 * (mean / s) ** 2) + mean * erf(mean / s / math.sqrt(2.0))),
    }
    for name, value in exact.items():
        slack = 1e-10 if name == "W1" else 1e-14  # that of the reference
        assert abs(result.series[name][index] - value) <= result.errors[name][index] + slack, name
        assert result.errors[name][index] < 1e-6


@pytest.mark.parametrize("index", [0, 60])
def test_density_of_the_gaussian_run(tilted, index):
    _, start, field, result = tilted
    mean, std = field.law(float(result.times[index]), start)
    exact = fp.Gaussian(mean, std).pdf(result.run.x[index])
    np.testing.assert_allclose(result.run.density(index), exact, rtol=1e-8, atol=1e-12)


def test_rates_of_the_gaussian_run(tilted):
    """dD/dt against differences of the closed form."""
    _, start, field, result = tilted
    t, step = float(result.times[50]), 1e-4
    ends = [chi_squared(field.std(t + k * step), *field.law(t + k * step, start)) for k in (-1, 1)]
    assert result.series["chi2_rate"][50] == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=1e-6)


def test_gaussian_run_obeys_both_bounds(tilted):
    assert [relation.verdict for relation in tilted[3].relations] == ["holds"] * 3


@pytest.mark.parametrize("index", range(len(BASES)))
def test_both_bounds_hold_at_every_basis_size(results, index):
    _, result = results[index]
    assert [relation.verdict for relation in result.relations] == ["holds"] * 3
    paper, sharp = result.quantities["bound"], result.quantities["sharp_bound"]
    assert sharp.value + sharp.error < paper.value - paper.error
    assert result.relations[1].rhs < result.relations[0].rhs
    assert result.relations[0].lhs == result.relations[1].lhs


def test_sharper_bound_is_the_smaller_one_at_every_instant(results):
    """E_P~ |e| <= sqrt(1 + D) sqrt(E_P e²)."""
    for _, result in results:
        square = (1.0 + result.series["chi2"]) * result.series["square_error"]
        assert np.all(result.series["error"] <= np.sqrt(square) + result.errors["error"] + 1e-9)


def test_rates_add_up_to_the_changes(results):
    """Rates are integrals at one instant, changes those of two: nothing of the one enters the other."""
    for _, result in results:
        for name in ("W1_balance", "D_balance"):
            assert abs(result.quantities[name].value) <= result.quantities[name].error
        assert abs(result.quantities["W1_balance"].value) < 1e-4
        assert abs(result.quantities["D_balance"].value) < 1e-3


def test_errors_shrink_as_the_basis_grows(results):
    """The exact velocity keeps D and has delta_W1² = eta D_0 with eta = 8.98121387e-2."""
    exact = -math.sqrt(8.98121387e-2 * (math.e - 1.0))
    losses = [result.quantities["loss"].value for _, result in results]
    gaps = [abs(result.quantities["delta_W1"].value - exact) for _, result in results]
    drifts = [abs(result.quantities["D_max"].value - (math.e - 1.0)) for _, result in results]
    bounds = [result.quantities["sharp_bound"].value for _, result in results]
    for values in (losses, gaps, drifts, bounds):
        assert values[0] > values[1] > values[2]
    assert gaps[2] < 1e-4
    assert results[2][1].quantities["dissipation"].value == pytest.approx(0.202544, abs=1e-6)


def test_loss_of_the_run_is_that_of_the_training(results):
    """Other nodes, the same integral."""
    for learned, result in results:
        loss = result.quantities["loss"]
        assert loss.value == pytest.approx(learned.loss, rel=1e-6)


def test_score_loss_enters_with_the_square_of_the_temperature():
    """nu_theta - nu = -T (s_theta - s): the loss of the velocity is the score's with weight T²."""
    process = Diffusion(fp.GaussianMixture(means=(0.5, -0.3), stds=(0.5, 0.5)), fp.VarianceExploding(1.0))
    basis = spline_basis(process, (5, 3), 2)

    def squared(t):
        return float(process.temperature(np.array([t]))[0]) ** 2

    score = score_matching(process, basis, weight=squared)
    result = incomplete_estimation(
        process, fp.Gaussian(0.2, 1.05 * math.sqrt(process.final.variance)), score, resolution=1e-5
    )
    assert result.quantities["loss"].value == pytest.approx(score.loss, rel=1e-6)
    assert result.relations[0].verdict == "holds"


def test_infinite_divergence_is_said(paper):
    """A linear velocity makes Gaussian tails too wide for the narrow modes: D = infinity, and no relation."""
    learned = flow_matching(paper, polynomial_basis(paper, (1, 3)))
    result = incomplete_estimation(paper, START, learned, resolution=1e-5)
    assert result.quantities["D_max"].value == math.inf
    assert "integrable" in result.quantities["D_max"].why
    assert result.relations[0].verdict == result.relations[1].verdict == "undefined"
    assert "integrable" in result.relations[0].why
    assert math.isfinite(result.quantities["W1_data"].value)


def test_table_has_a_row_for_each_basis(paper):
    (row,) = basis_table(paper, START, [spline_basis(paper, (4, 2), 1, window=(-2.0, 2.0))], most_panels=40)
    assert row["parameters"] == 15
    assert row["sharp_bound"] < row["bound"]
    assert abs(row["delta_W1"]) < row["sharp_bound"]


def test_velocity_that_diverges_is_refused(paper):
    """The temperature of the cosine schedule is infinite at tau: f - T s has no value there."""
    score = score_matching(paper, spline_basis(paper, (6, 3), 2))
    with pytest.raises(InputError, match="not finite at t = tau"):
        incomplete_estimation(paper, START, score)


def test_bars_hold_what_finer_labels_find(paper):
    """Halving label panels a hundred times further: every quantity stays within the bars."""
    learned = flow_matching(paper, spline_basis(paper, (4, 2), 2, window=(-2.0, 2.0)))
    coarse, fine = (incomplete_estimation(paper, START, learned, resolution=r).quantities for r in (1e-5, 1e-7))
    for name, found in coarse.items():
        assert abs(found.value - fine[name].value) <= found.error + fine[name].error, name
    assert coarse["W1_data"].value != fine["W1_data"].value
