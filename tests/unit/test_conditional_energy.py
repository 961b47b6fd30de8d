"""The conditional kinetic energy (92)-(94): closed forms, its minima, and Jensen's inequality."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

import fpsolve as fp
from fpsolve.schedules import Schedule
from fpsolve.settings import InputError
from fpsolve.thermodynamics.conditional_energy import conditional_energy

TWO = fp.GaussianMixture(means=(-1.0, 0.4), stds=(0.2, 0.6))


def holds(estimate: fp.Estimate, exact: float) -> bool:
    return abs(estimate.value - exact) <= estimate.error + 1e-15 and estimate.error < 1e-10 * exact


@pytest.mark.parametrize("tau", [1.0, 2.5])
@pytest.mark.parametrize("data", [fp.Gaussian(0.0, 1.0), TWO])
def test_closed_forms_on_the_line(data, tau):
    second = data.variance + data.mean**2
    cosine, straight = (conditional_energy(data, s(tau)) for s in (fp.Cosine, fp.ConditionalOptimalTransport))
    assert holds(cosine, (second + 1.0) * np.pi**2 / (8.0 * tau))
    assert holds(straight, (second + 1.0) / tau)


def test_closed_forms_in_the_plane_and_for_samples():
    data = fp.PlaneGaussian((0.4, -0.3), covariance=((0.5, 0.1), (0.1, 0.2)))
    second = 0.4**2 + 0.3**2 + 0.7
    assert holds(conditional_energy(data, fp.ConditionalOptimalTransport(2.0)), (second + 2.0) / 2.0)
    assert holds(conditional_energy(data, fp.VarianceExploding(sigma_max=3.0)), 2.0 * 9.0)
    samples = np.random.default_rng(1).normal(size=(40, 5))
    second = float(np.mean(np.sum(samples**2, axis=1)))
    assert holds(conditional_energy(samples, fp.Cosine()), (second + 5.0) * np.pi**2 / 8.0)
    stirred = fp.Stirring(fp.Cosine(), fp.Levels(), 2.0)
    assert conditional_energy(data, stirred) == conditional_energy(data, fp.Cosine())


def test_an_integral_in_closed_form_by_another_quadrature():
    schedule = fp.VarianceExploding(sigma_max=2.0, growth="geometric", sigma_min=0.05)
    rate = np.log(40.0)
    exact, _ = quad(lambda t: (0.05 * rate * np.exp(rate * t)) ** 2, 0.0, 1.0, epsabs=1e-13)
    assert holds(conditional_energy(TWO, schedule), exact)


@pytest.mark.parametrize("beta_min", [1e-3, 0.1, 1.0])
def test_a_start_like_a_root_of_the_time_costs_without_limit(beta_min):
    energy = conditional_energy(TWO, fp.VariancePreserving(beta_min=beta_min, beta_max=20.0))
    assert np.isinf(energy.value) and "root" in energy.why


def test_so_does_an_end_like_one():
    ends = fp.schedule_costs(TWO, fp.Cosine()).retimed
    assert np.isinf(conditional_energy(TWO, ends).value)


def test_schedules_without_levels_and_unsound_samples_are_refused():
    with pytest.raises(InputError, match="no levels m and sigma"):
        conditional_energy(TWO, fp.OptimalTransport())
    for samples in (np.zeros(4), np.full((3, 2), np.nan), np.zeros((0, 3))):
        with pytest.raises(InputError, match=r"expected \(N, n\)"):
            conditional_energy(samples, fp.Cosine())


def bent(seed: int, circle: bool) -> Schedule:
    """A curve from (1, 0) to (0, 1), on the circle or off it, with sigma/m growing."""
    size = np.random.default_rng(seed).uniform(-0.15, 0.15)
    s = np.linspace(0.0, 1.0, 401)
    angle = 0.5 * np.pi * s + size * np.sin(2.0 * np.pi * s) / 2.0
    if circle:
        m, sigma = np.cos(angle), np.sin(angle)
    else:
        m, sigma = 1.0 - s + size * np.sin(np.pi * s), s
    return fp.ArraySchedule(tuple(s), (*m[:-1], 0.0), tuple(sigma))


@pytest.mark.parametrize("seed", range(3))
def test_the_minima(seed):
    """No curve has less than the straight line; none on the circle less than the cosine schedule if E y² = 1."""
    unit = fp.GaussianMixture(means=(-0.8, 0.8), stds=(0.6, 0.6))
    least = conditional_energy(unit, fp.ConditionalOptimalTransport()).value
    assert least < conditional_energy(unit, bent(seed, circle=False)).value
    on_circle = conditional_energy(unit, fp.Cosine()).value
    assert least < on_circle < conditional_energy(unit, bent(seed, circle=True)).value
    assert abs(on_circle - np.pi**2 / 4.0) < 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_the_energy_bounds_the_cost(seed):
    rng = np.random.default_rng(seed)
    data = fp.GaussianMixture(means=tuple(rng.normal(size=3)), stds=tuple(rng.uniform(0.05, 0.6, 3)))
    for schedule in (fp.Cosine(), fp.ConditionalOptimalTransport()):
        cost, energy = fp.schedule_costs(data, schedule).c2, conditional_energy(data, schedule)
        assert cost.value + cost.error < energy.value - energy.error


def test_every_experiment_checks_it():
    forward = fp.diffuse(TWO, fp.Cosine(), steps=4)
    found = fp.speed_accuracy(forward, fp.generate(forward, fp.Gaussian(0.3, 0.9)))
    relation = found.relation("conditional-energy")
    assert relation.verdict == "holds" and relation.rhs == found["conditional_energy"].value
    forward = fp.diffuse(TWO, fp.OptimalTransport(), steps=4)
    found = fp.speed_accuracy(forward, fp.generate(forward, fp.Gaussian(0.3, 0.9)))
    assert found.relation("conditional-energy").verdict == "undefined"


def test_one_point_attains_it_and_narrow_data_nearly():
    """One point: x tells the noise. Several on a line: never all the way, so that a part is left."""
    shares = [
        fp.schedule_costs(data, fp.Cosine()).c2.value / conditional_energy(data, fp.Cosine()).value
        for data in (TWO, fp.GaussianMixture(means=(-1.0, 1.0), stds=(0.01, 0.01)), fp.Gaussian(1.0, 1e-4))
    ]
    assert shares[0] < shares[1] < shares[2] < 1.0
    assert 1.0 - shares[2] < 1e-3


def test_short_arrays_and_what_lies_between_knots():
    """Few points through the cosine schedule; one large step among a thousand, by Gauss rules between the knots."""
    unit = fp.Gaussian(0.0, 1.0)
    for points in (5, 9, 65):
        t = np.linspace(0.0, 1.0, points)
        rough = fp.ArraySchedule(tuple(t), (*np.cos(0.5 * np.pi * t[:-1]), 0.0), tuple(np.sin(0.5 * np.pi * t)))
        energy = conditional_energy(unit, rough)
        assert energy.error < 1e-6 and energy.value == pytest.approx(np.pi**2 / 4.0, rel=2e-3 * (5 / points) ** 4)
    straight = conditional_energy(unit, fp.FlowMatching((0.0, 1.0), (0.0, 1.0), (1.0, 0.0)))
    assert abs(straight.value - 2.0) <= straight.error < 1e-6
    betas = np.linspace(1e-4, 0.02, 1000)
    betas[500] = 0.5
    schedule = fp.DiscreteDiffusion(betas=(0.0, 0.0, 0.0, *betas))
    nodes, weights = np.polynomial.legendre.leggauss(40)
    edges = np.concatenate([[0.0], schedule.knots(), [1.0]])
    half = 0.5 * np.diff(edges)[:, None]
    at = schedule.curve((0.5 * (edges[1:] + edges[:-1])[:, None] + half * nodes).ravel())
    rates = at.signal_rate**2 + at.half_variance_rate**2 / np.maximum(at.variance, 1e-300)
    exact = float((half * weights).ravel() @ rates)
    found = conditional_energy(unit, schedule)
    assert abs(found.value - exact) <= found.error + 1e-5 * exact


@pytest.mark.parametrize(("freedom", "finite"), [(1.0, False), (2.0, False), (2.3, True), (5.0, True)])
def test_heavy_tails(freedom, finite):
    """Student's t has the second moment f / (f - 2) where f > 2."""
    energy = conditional_energy(stats.t(freedom), fp.Cosine())
    if not finite:
        assert np.isinf(energy.value) and "second moment" in energy.why
    else:
        exact = (freedom / (freedom - 2.0) + 1.0) * np.pi**2 / 8.0
        assert abs(energy.value - exact) <= energy.error < 1e-3 * exact


def test_coordinates_without_force_start_like_a_root_too():
    for schedule in (fp.VariancePreserving(0.1, 40.0), fp.DiscreteDiffusion.linear()):
        assert np.isinf(conditional_energy(TWO, fp.DDIMCoordinates(schedule)).value)
