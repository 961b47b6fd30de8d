"""Score and flow matching on grids: gradients, orders, exact recovery, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.learning.bases import Basis, Polynomials, Splines, fixed_frame, polynomial_basis, spline_basis
from fpsolve.learning.losses import MatchingGrid, quadratic_loss
from fpsolve.learning.matching import Learned, direct_loss, flow_matching, score_matching
from fpsolve.processes import Diffusion, Geodesic
from fpsolve.settings import InputError

PAPER = fp.GaussianMixture(means=(math.sqrt(0.35), -math.sqrt(0.35)), stds=(0.3, 0.3))
SMOOTH = fp.GaussianMixture(means=(0.5, -0.2), stds=(0.6, 0.6), weights=(0.4, 0.6))


@pytest.fixture(scope="module")
def paper():
    return Diffusion(PAPER, fp.Cosine(tau=1.0))


def gradients(process, basis, grid, target):
    """Gradients of the unconditional and the conditional loss at one random theta, and the size of their terms."""
    theta = np.random.default_rng(1).standard_normal(basis.size)

    def weight(t):  # sigma² for the score, whose targets grow like 1 / sigma
        return 1.0 if target == "velocity" else float(process.schedule.curve(np.array([t])).variance[0])

    losses = [quadratic_loss(process, basis, grid, target=target, conditional=c, weight=weight) for c in (False, True)]
    return [loss.gradient(theta) for loss in losses], float(np.max(np.abs(losses[0].right)))


@pytest.mark.parametrize("target", ["velocity", "score"])
@pytest.mark.parametrize(
    "schedule", [fp.Cosine(tau=1.0), fp.ConditionalOptimalTransport(tau=2.0)], ids=["cosine", "cond-ot"]
)
def test_conditional_gradient_is_the_unconditional_one(schedule, target):
    """Appendix A: the target given y, averaged over y at given x, against the closed form of the average."""
    process = Diffusion(PAPER, schedule)
    basis = spline_basis(process, (12, 5), 3)
    (plain, conditional), size = gradients(process, basis, MatchingGrid.fitted(process, basis), target)
    assert np.max(np.abs(plain - conditional)) < 1e-12 * max(size, float(np.max(np.abs(plain))))
    assert np.max(np.abs(plain)) > 1e-3


@pytest.mark.parametrize("target", ["velocity", "score"])
def test_conditional_gradient_of_data_that_are_no_mixture(target):
    """Data on an interval: panels over y against the closed form of the blurred density (good to 1e-11)."""
    process = Diffusion(fp.Uniform(-1.0, 1.0), fp.Cosine(tau=1.0))
    basis = spline_basis(process, (8, 3), 2)
    fine = MatchingGrid.fitted(process, basis)
    late = fine.times > 0.1
    grid = MatchingGrid(fine.xi, fine.weights, fine.times[late][::6], fine.time_weights[late][::6])
    (plain, conditional), size = gradients(process, basis, grid, target)
    assert np.max(np.abs(plain - conditional)) < 1e-10 * max(size, float(np.max(np.abs(plain))))


def test_the_two_losses_differ_by_a_constant(paper):
    """E |target given y|² - E |its average|², whatever theta."""
    basis = spline_basis(paper, (10, 4), 2)
    grid = MatchingGrid.fitted(paper, basis)
    random = np.random.default_rng(2)
    gaps = []
    for size in (0.0, 1.0, 3.0):
        theta = size * random.standard_normal((basis.space.size, basis.time.size))
        learned = Learned(paper, basis, theta, 0.0, 0.0, 0, 0.0)
        losses = [direct_loss(learned, grid, target="velocity", conditional=c) for c in (True, False)]
        gaps.append(losses[0] - losses[1])
        form = quadratic_loss(paper, basis, grid)
        assert form.value(theta) == pytest.approx(losses[1], rel=1e-12)
    assert gaps[0] > 0.1
    np.testing.assert_allclose(gaps, gaps[0], rtol=0.0, atol=1e-12 * losses[0])


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_learned_velocity_converges_at_the_order_of_the_spline(degree):
    """Root of the loss, an L2 norm, falls like the cell to the power degree + 1."""
    process = Diffusion(SMOOTH, fp.Cosine(tau=1.0))
    bases = [spline_basis(process, (cells, 6), (degree, 9), window=(-4.5, 4.5)) for cells in (12, 24)]
    coarse, fine = (math.sqrt(flow_matching(process, basis).loss) for basis in bases)
    assert math.log2(coarse / fine) == pytest.approx(degree + 1, abs=0.35)
    assert fine < [3e-4, 2e-5, 3e-6][degree - 1]


def test_training_finds_what_the_basis_holds():
    """Gaussian data: score and velocity are linear in x, the score in this frame with -1 / std as its slope."""
    process = Diffusion(fp.Gaussian(0.5, 0.7), fp.ConditionalOptimalTransport(tau=1.0))
    basis = polynomial_basis(process, (1, 20))
    x, t = np.linspace(-3.0, 3.0, 7), 0.37
    learned, score = flow_matching(process, basis), score_matching(process, basis, conditional=True)
    assert math.sqrt(learned.loss) < 1e-8
    np.testing.assert_allclose(learned.velocity(t, x), process.velocity(t, x), atol=1e-8)
    np.testing.assert_allclose(score.score(t, x), process.state(t, x).score, atol=1e-7)
    np.testing.assert_allclose(score.velocity(t, x), process.velocity(t, x), atol=1e-7)
    slope = (learned.velocity(t, x + 0.1) - learned.velocity(t, x - 0.1)) / 0.2
    np.testing.assert_allclose(learned.slope(t, x), slope, atol=1e-10)
    np.testing.assert_allclose(score.slope(t, x), slope, atol=1e-7)


def test_minimum_is_one(paper):
    """No step from the minimiser lowers the loss, and the step's own square is what it costs."""
    basis = spline_basis(paper, (8, 4), 2)
    grid = MatchingGrid.fitted(paper, basis)
    learned, form = flow_matching(paper, basis, grid=grid), quadratic_loss(paper, basis, grid)
    step = 0.1 * np.random.default_rng(3).standard_normal(basis.size)
    cost = form.value(learned.coefficients.ravel() + step) - form.value(learned.coefficients)
    assert cost == pytest.approx(step @ form.gram @ step, rel=1e-9)
    assert learned.gradient_norm < 1e-13
    assert learned.rank == basis.size
    assert form.value(learned.coefficients) == pytest.approx(learned.loss, abs=1e-13)


def test_conditional_training_gives_the_same_velocity(paper):
    basis = spline_basis(paper, (12, 6), 2)
    plain, conditional = (flow_matching(paper, basis, conditional=c) for c in (False, True))
    np.testing.assert_allclose(plain.coefficients, conditional.coefficients, atol=1e-10)
    assert conditional.loss > plain.loss + 0.1


@pytest.mark.parametrize(("points", "times"), [(6, 40), (60, 3)], ids=["few points", "few times"])
def test_basis_too_large_for_the_grid_is_refused_with_its_rank(paper, points, times):
    basis = spline_basis(paper, (8, 4), 2)
    rank = min(points, basis.space.size) * min(times, basis.time.size)
    with pytest.raises(InputError, match=rf"given 60 functions, but the grid tells only {rank} of them apart"):
        flow_matching(paper, basis, grid=MatchingGrid.uniform(paper, basis, points, times))


def test_a_grid_that_is_large_enough_is_not_refused(paper):
    basis = spline_basis(paper, (8, 4), 2)
    learned = flow_matching(paper, basis, grid=MatchingGrid.uniform(paper, basis, 200, 60))
    assert learned.loss == pytest.approx(flow_matching(paper, basis).loss, rel=0.05)


def test_fixed_window_and_moving_window_agree_where_there_is_mass():
    """A basis in x itself reaches the same velocity."""
    process = Diffusion(SMOOTH, fp.Cosine(tau=1.0))
    basis = spline_basis(process, (16, 6), 4, window=(-3.5, 3.5), moving=False)
    learned = flow_matching(process, basis)
    x = np.linspace(-1.0, 1.0, 9)
    np.testing.assert_allclose(learned.velocity(0.5, x), process.velocity(0.5, x), atol=1e-3)
    assert isinstance(basis, Basis)
    assert basis.frame is fixed_frame


def test_functions_go_on_along_their_tangents():
    for family in (Splines(-1.0, 2.0, 5, 3), Polynomials(-1.0, 2.0, 4)):
        weights = np.random.default_rng(4).standard_normal(family.size)
        for end, beyond in ((-1.0, -2.5), (2.0, 4.0)):
            value, slope = (family.evaluated(weights, np.array([end]), k)[0] for k in (0, 1))
            found = family.evaluated(weights, np.array([beyond]))[0]
            assert found == pytest.approx(value + slope * (beyond - end), rel=1e-12)
            assert family.evaluated(weights, np.array([beyond]), 1)[0] == slope
        assert family.table(np.array([0.3])).shape == (1, family.size)


def test_splines_add_up_to_one_and_polynomials_are_those_of_their_degree():
    x = np.linspace(-1.0, 1.0, 11)
    for degree in range(4):
        np.testing.assert_allclose(np.sum(Splines(-1.0, 1.0, 3, degree).table(x), axis=1), 1.0, atol=1e-14)
    np.testing.assert_allclose(Polynomials(-1.0, 1.0, 2).table(x)[:, 2], 1.5 * x**2 - 0.5, atol=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: spline_basis(p, window=(1.0, -1.0)), "not above lower"),
        (lambda p: spline_basis(p, (0, 4)), "cells"),
        (lambda p: spline_basis(p, degree=12), "degree"),
        (lambda p: flow_matching(Geodesic(PAPER, fp.Gaussian(0.0, 1.0), 1.0), spline_basis(p), conditional=True),
         "noise schedule"),
        (lambda p: score_matching(Geodesic(PAPER, fp.Gaussian(0.0, 1.0), 1.0), spline_basis(p)), "no score"),
    ],
)  # fmt: skip
def test_bad_input(paper, make, message):
    with pytest.raises(InputError, match=message):
        make(paper)


def test_conditional_targets_too_early_for_the_panels_are_refused():
    process = Diffusion(fp.Uniform(-1.0, 1.0), fp.Cosine(tau=1.0))
    basis = spline_basis(process, (8, 3), 2)
    grid = MatchingGrid(np.linspace(-1.0, 1.0, 9), np.ones(9), np.array([1e-4]), np.ones(1))
    with pytest.raises(InputError, match="first time is later"):
        quadratic_loss(process, basis, grid, conditional=True)
