"""Score and flow matching in the plane: gradients, exact recovery, growth of the basis, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.learning.bases import spline_basis
from fpsolve.learning.learned_plane import LearnedPlane
from fpsolve.learning.losses import MatchingGrid, Samples, quadratic_loss
from fpsolve.learning.matching import flow_matching, noise_weight, score_matching
from fpsolve.learning.plane_grid import PlaneMatchingGrid
from fpsolve.learning.radial import Radials, radial_basis
from fpsolve.planar.processes import plane_process
from fpsolve.processes import Diffusion
from fpsolve.settings import InputError

MIXTURE = fp.PlaneMixture(
    means=((-0.6, -0.4), (0.7, -0.1), (0.0, 0.7)),
    covariances=(((0.09, 0.03), (0.03, 0.06)), ((0.08, -0.02), (-0.02, 0.12)), ((0.1, 0.0), (0.0, 0.05))),
    weights=(0.3, 0.4, 0.3),
)
TABLE = fp.PlaneTabulated.normalised(
    np.linspace(-1.0, 1.0, 6), np.linspace(-1.0, 1.2, 5), np.random.default_rng(0).random((5, 4))
)
ROTATION = fp.LinearForceSchedule(h=1.0, g=3.0, T_fin=1.0)
#: data and schedule: components of any shape, boxes, and both under a force that turns
PROCESSES = {
    "mixture": (MIXTURE, fp.Cosine(tau=1.0)),
    "alike": (fp.PlaneMixture(means=((-0.5, 0.0), (0.5, 0.3)), stds=(0.3, 0.3)), fp.ConditionalOptimalTransport(2.0)),
    "turned": (MIXTURE, fp.LinearForceSchedule(h=(1.0, 0.5), g=3.0, T_fin=1.0)),
    "boxes": (TABLE, fp.Cosine(tau=1.0)),
    "turned-boxes": (TABLE, ROTATION),
}
X, Y = np.meshgrid(np.linspace(-1.5, 1.5, 7), np.linspace(-1.2, 1.4, 6))
X, Y = X.ravel(), Y.ravel()


@pytest.fixture(scope="module")
def mixture():
    return plane_process(MIXTURE, fp.Cosine(tau=1.0))


def late(grid, process):
    """A few nodes after the time at which there is hardly any noise."""
    kept = np.flatnonzero(grid.times > 0.1 * process.tau)[::4]
    return PlaneMatchingGrid(grid.xi[::3], grid.eta[::3], grid.times[kept], grid.time_weights[kept])


@pytest.mark.parametrize("target", ["velocity", "score"])
@pytest.mark.filterwarnings("ignore:a lattice of")
@pytest.mark.parametrize("name", PROCESSES)
def test_conditional_gradient_is_the_unconditional_one(name, target):
    """Appendix A: mean over the data at given x, from the posterior, against the velocity of the process."""
    process = plane_process(*PROCESSES[name])
    basis = radial_basis(process, (6, 5), 3)
    grid = late(PlaneMatchingGrid.fitted(process, basis), process)
    random = np.random.default_rng(1)
    weight = noise_weight(process) if target == "score" else None
    plain, conditional = (
        quadratic_loss(process, basis, grid, target=target, conditional=c, weight=weight) for c in (False, True)
    )
    gaps = []
    for size in (0.0, 1.0, 3.0):
        theta = size * random.standard_normal((2, basis.size))
        gradients = [loss.gradient(theta) for loss in (plain, conditional)]
        scale = np.max(np.abs(gradients[0]))
        assert scale > 1e-3
        assert np.max(np.abs(gradients[0] - gradients[1])) < 1e-12 * scale
        gaps.append(conditional.value(theta) - plain.value(theta))
    assert gaps[0] > 0.01
    np.testing.assert_allclose(gaps, gaps[0], rtol=0.0, atol=1e-12 * plain.value(theta))


def test_conditional_loss_is_the_mean_over_data_points():
    """The variance that the conditional loss adds, against a sum over single data points of the mixture."""
    means, schedule = ((-0.5, 0.0), (0.5, 0.3)), fp.Cosine(tau=1.0)
    process = plane_process(fp.PlaneMixture(means=means, stds=(1e-7, 1e-7)), schedule)
    basis, t = radial_basis(process, (3, 3), 1), 0.6
    place = np.linspace(-9.0, 9.0, 120)
    grid = PlaneMatchingGrid(place, place, np.array([t]), np.ones(1))
    loss = quadratic_loss(process, basis, grid, conditional=True)
    _, m_rate, variance, half_rate = schedule.curve(np.array([t]))[0]
    # E |m' y + sigma' e|² = m'² E|y|² + 2 sigma'²
    exact = m_rate**2 * np.mean(np.sum(np.square(means), axis=1)) + 2.0 * half_rate**2 / variance
    assert loss.constant == pytest.approx(exact, rel=1e-9)


def test_linear_fields_are_found_exactly():
    """Gaussian data: velocity and score are affine at every time."""
    data = fp.PlaneGaussian((0.3, -0.2), covariance=((0.5, 0.1), (0.1, 0.4)))
    process = plane_process(data, fp.Cosine(tau=1.0))
    basis = radial_basis(process, 2, 24, degree=7)
    learned, score = flow_matching(process, basis), score_matching(process, basis, conditional=True)
    exact, t = process.flow(0.37, X, Y), 0.37
    assert math.sqrt(learned.loss) < 1.5e-10
    np.testing.assert_allclose(learned.velocity(t, X, Y), exact.velocity, atol=1e-9)
    np.testing.assert_allclose(score.score(t, X, Y), exact.score, atol=1e-8)
    np.testing.assert_allclose(score.velocity(t, X, Y), exact.velocity, atol=1e-8)
    covariance = process.density(t).covariance
    rate = (process.density(t + 1e-5).covariance - process.density(t - 1e-5).covariance) / 2e-5
    divergence = 0.5 * np.trace(rate @ np.linalg.inv(covariance))
    np.testing.assert_allclose(learned.slope(t, X, Y), divergence, atol=1e-7)
    np.testing.assert_allclose(score.slope(t, X, Y), divergence, atol=1e-7)


def test_velocity_error_falls_as_the_centres_grow(mixture):
    found = [flow_matching(mixture, radial_basis(mixture, n)) for n in (4, 6, 8, 12)]
    losses = np.array([learned.loss for learned in found])
    assert np.all(losses[1:] < 0.5 * losses[:-1])
    assert losses[-1] < 6e-4
    assert max(learned.condition for learned in found) < 1e9
    assert max(learned.gradient_norm for learned in found) < 1e-12


def test_loss_is_the_mean_square_of_the_error(mixture):
    """Other nodes in the plane and in time, and the closed form of the velocity."""
    learned = flow_matching(mixture, radial_basis(mixture, 6))
    rows = []
    for t in (np.arange(60) + 0.5) / 60:
        (low, high), (bottom, top) = mixture.density(t).interval(1e-12)
        x, y = (a + (b - a) * (np.arange(90) + 0.5) / 90 for a, b in ((low, high), (bottom, top)))
        x, y = (part.ravel() for part in np.meshgrid(x, y))
        flow = mixture.flow(t, x, y)
        square = np.sum((learned.velocity(t, x, y) - flow.velocity) ** 2, axis=0)
        rows.append(np.sum(np.exp(flow.log_density) * square) * (high - low) * (top - bottom) / 90**2)
    assert np.mean(rows) == pytest.approx(learned.loss, rel=1e-3)


def test_conditional_training_gives_the_same_fields(mixture):
    basis = radial_basis(mixture, 6, 4)
    for train, name in ((flow_matching, "velocity"), (score_matching, "score")):
        plain, conditional = (train(mixture, basis, conditional=c) for c in (False, True))
        assert conditional.loss > plain.loss + 0.1
        first, second = (getattr(learned, name)(0.5, X, Y) for learned in (plain, conditional))
        np.testing.assert_allclose(first, second, atol=1e-10)


def test_minimum_is_one(mixture):
    """No step from the minimiser lowers the loss, and its own square is what it costs."""
    basis = radial_basis(mixture, 5, 3)
    grid = PlaneMatchingGrid.fitted(mixture, basis)
    samples = Samples.taken(mixture, basis, grid, "velocity", False, None)
    learned, form = flow_matching(mixture, basis, grid=grid), samples.loss()
    step = 0.1 * np.random.default_rng(3).standard_normal((2, basis.size))
    cost = samples.squares(learned.coefficients + step.reshape(learned.coefficients.shape)) - learned.loss
    assert cost == pytest.approx(np.sum(step * (step @ form.gram)), rel=1e-9)
    assert form.value(learned.coefficients) == pytest.approx(learned.loss, abs=1e-12)


def test_velocity_of_the_score_with_weight_of_the_temperature():
    """F - T s: score matching with w = T² is flow matching as far as both bases go."""
    process = plane_process(MIXTURE, fp.VarianceExploding(1.0))
    basis = radial_basis(process, 8)
    score = score_matching(process, basis, weight=lambda t: float(process.temperature(np.array([t]))[0]) ** 2)
    assert score.loss == pytest.approx(flow_matching(process, basis).loss, rel=0.2)
    gap = score.velocity(0.5, X, Y) + process.temperature(np.array([0.5]))[0] * score.score(0.5, X, Y)
    np.testing.assert_allclose(gap, 0.0, atol=1e-12)


def test_divergence_is_the_derivative(mixture):
    basis = radial_basis(mixture, (5, 4), 3)
    theta = np.random.default_rng(2).standard_normal((2, basis.space.size, basis.time.size))
    learned, h = LearnedPlane(mixture, basis, theta, 0.0, 0.0, 0, 0.0), 1e-5
    along = learned.field(0.4, X + h, Y)[0] - learned.field(0.4, X - h, Y)[0]
    across = learned.field(0.4, X, Y + h)[1] - learned.field(0.4, X, Y - h)[1]
    np.testing.assert_allclose(learned.divergence(0.4, X, Y), (along + across) / (2.0 * h), atol=1e-7)


def test_separable_sums_are_those_of_the_table():
    space = Radials((4, 3), -2.0, 1.0, 0.7)
    theta = np.random.default_rng(5).standard_normal((2, space.size))
    np.testing.assert_allclose(space.evaluated(theta, X, Y), theta @ space.table(X, Y).T, atol=1e-13)
    assert space.table(X, Y).shape == (X.size, 15)


def test_basis_too_large_for_the_grid_is_refused_with_its_rank(mixture):
    basis = radial_basis(mixture, 6, 4)
    grid = PlaneMatchingGrid.uniform(mixture, basis, 5, 40)
    with pytest.raises(InputError, match=rf"given {basis.size} functions, but the grid tells only 175 of them apart"):
        flow_matching(mixture, basis, grid=grid)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: radial_basis(p, 1), "centres"),
        (lambda p: radial_basis(p, (4, 4, 4)), "one for each axis"),
        (lambda p: radial_basis(p, width=0.0), "width"),
        (lambda p: radial_basis(p, window=(1.0, -1.0)), "the second must be larger"),
        (lambda p: radial_basis(p, degree=12), "degree"),
        (lambda p: flow_matching(p, spline_basis(Diffusion(fp.Gaussian(0.0, 1.0), fp.Cosine()))), "radial_basis"),
        (lambda p: flow_matching(Diffusion(fp.Gaussian(0.0, 1.0), fp.Cosine()), radial_basis(p)), "spline_basis"),
    ],
)
def test_bad_input(mixture, make, message):
    with pytest.raises(InputError, match=message):
        make(mixture)


def test_conditional_targets_too_early_for_the_cells_are_refused():
    process = plane_process(TABLE, fp.Cosine(tau=1.0))
    basis = radial_basis(process, 3, 2)
    place = np.linspace(-1.0, 1.0, 9)
    grid = PlaneMatchingGrid(place, place, np.array([1e-4]), np.ones(1))
    with pytest.raises(InputError, match="first time is later"):
        flow_matching(process, basis, conditional=True, grid=grid)


def test_what_does_not_fit_together_is_refused():
    """A basis, nodes or a field of the other dimension; a lattice too coarse for data with jumps says so."""
    line, plane = Diffusion(fp.Gaussian(0.0, 0.5), fp.Cosine()), plane_process(fp.PlaneGaussian(std=0.5), fp.Cosine())
    splines, radials = fp.spline_basis(line, (6, 3)), fp.radial_basis(plane, np.int64(3), 3)
    for process, basis, grid, key in (
        (line, radials, None, "basis"),
        (plane, splines, MatchingGrid.fitted(line, splines), "basis"),
        (plane, radials, MatchingGrid.fitted(line, splines), "grid"),
    ):
        with pytest.raises(InputError) as refused:
            fp.flow_matching(process, basis, grid=grid)
        assert refused.value.key == key
    with pytest.raises(InputError, match="another dimension"):
        fp.incomplete_estimation(plane, fp.PlaneGaussian(std=0.9), fp.flow_matching(line, splines))
    boxes = plane_process(fp.PlaneUniform((-1.0, -1.0), (1.0, 1.0)), fp.Cosine())
    with pytest.warns(UserWarning, match="cannot resolve"):
        PlaneMatchingGrid.fitted(boxes, fp.radial_basis(boxes, 3, 3))
