"""Velocities, scores and densities of forward processes against exact CDFs and Gaussian closed forms."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import scipy.stats as stats
from mpmath import mp, mpf

import fpsolve as fp
from fpsolve.processes import Diffusion, Geodesic, forward_process

MIXTURE = fp.GaussianMixture(means=(-1.2, 0.1, 0.9), stds=(0.1, 0.5, 0.25), weights=(0.2, 0.5, 0.3))
SCHEDULES = {
    "cosine": (fp.Cosine(tau=2.0), lambda t: mpmath.cos(mpmath.pi * t / 4), lambda t: mpmath.sin(mpmath.pi * t / 4)),
    "cond-ot": (fp.ConditionalOptimalTransport(tau=2.0), lambda t: 1 - t / 2, lambda t: t / 2),
    "ve": (fp.VarianceExploding(1.5, tau=2.0), lambda t: mpf(1), lambda t: 3 * t / 4),
    "vp": (
        fp.VariancePreserving(0.5, 4.0, tau=2.0),
        lambda t: mpmath.exp(-(t / 2 + mpf(7) / 8 * t**2) / 2),
        lambda t: mpmath.sqrt(-mpmath.expm1(-(t / 2 + mpf(7) / 8 * t**2))),
    ),
}


def normal_cdf(z):
    return mpmath.erfc(-z / mpmath.sqrt(2)) / 2


def mixture_cdf(m, sigma, x):
    """F_t(x) of the diffused mixture."""
    return sum(
        mpf(w) * normal_cdf((x - m * mpf(mu)) / mpmath.sqrt((m * mpf(s)) ** 2 + sigma**2))
        for w, mu, s in zip(MIXTURE.weights, MIXTURE.means, MIXTURE.stds, strict=True)
    )


def uniform_cdf(m, sigma, x):
    """F_t(x) of the diffused uniform density on [-1, 2]."""
    low, high = (x - 2 * m) / sigma, (x + m) / sigma
    return (high * normal_cdf(high) + mpmath.npdf(high) - low * normal_cdf(low) - mpmath.npdf(low)) * sigma / (3 * m)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(("data", "cdf"), [(MIXTURE, mixture_cdf), (fp.Uniform(-1.0, 2.0), uniform_cdf)])
@pytest.mark.parametrize("part", [0.01, 0.3, 0.8, 0.999])
def test_velocity_is_minus_the_rate_of_the_cdf_over_the_density(name, data, cdf, part):
    schedule, m, sigma = SCHEDULES[name]
    process, t = Diffusion(data, schedule), part * schedule.tau
    x = np.concatenate([process.density(t).quantile(np.array([1e-6, 0.02, 0.3, 0.55, 0.93, 1.0 - 1e-6]))])
    state = process.state(t, x)
    with mp.workdps(60):
        at = mpf(t)
        for i, point in enumerate(x):
            here = mpf(float(point))
            step = mpf(10) ** -20
            pdf = mpmath.diff(lambda y: cdf(m(at), sigma(at), y), here, h=step)
            slope = mpmath.diff(lambda y: cdf(m(at), sigma(at), y), here, 2, h=mpf(10) ** -15)
            rate = mpmath.diff(lambda s, here=here: cdf(m(s), sigma(s), here), at, h=step)
            exact = cdf(m(at), sigma(at), here)
            assert state.pdf[i] == pytest.approx(float(pdf), rel=1e-11)
            assert state.cdf[i] == pytest.approx(float(exact), rel=1e-11)
            assert state.sf[i] == pytest.approx(float(1 - exact), rel=1e-11)
            scale = 1.0 + abs(float(slope / pdf))
            assert state.velocity[i] == pytest.approx(float(-rate / pdf), rel=1e-9, abs=1e-10 * scale)
            assert state.score[i] == pytest.approx(float(slope / pdf), rel=1e-9, abs=1e-10 * scale)


@pytest.mark.parametrize("name", ["cosine", "cond-ot"])
def test_nothing_diverges_at_the_end(name):
    process = Diffusion(MIXTURE, SCHEDULES[name][0])
    x = np.array([-3.0, 0.2, 4.0])
    state = process.state(2.0, x)
    assert np.allclose(state.pdf, stats.norm.pdf(x), rtol=1e-14)
    # nu = m' E[y] there for the cosine; and sigma' x besides for straight lines
    rate, mean = process.schedule.curve(np.array([2.0])).signal_rate[0], float(np.dot(MIXTURE.weights, MIXTURE.means))
    exact = rate * mean + (0.5 * x if name == "cond-ot" else 0.0)
    assert state.velocity == pytest.approx(exact, rel=1e-13)
    near = process.state(2.0 - 1e-9, x)
    assert near.velocity == pytest.approx(exact, rel=1e-7)
    assert process.temperature(np.array([2.0]))[0] == np.inf
    assert np.all(np.isfinite(process.force_over_temperature(np.array([2.0]), x)))


@pytest.mark.parametrize("name", SCHEDULES)
def test_force_over_temperature_gives_the_velocity(name):
    """Nu = f - T score, with f and T from their own formulas."""
    process = Diffusion(MIXTURE, SCHEDULES[name][0])
    x = np.linspace(-2.0, 2.0, 9)
    for t in (0.05, 0.7, 1.6):
        state, temperature = process.state(t, x), process.temperature(np.array([t]))[0]
        pull = process.force_over_temperature(np.array([t]), x)
        assert state.velocity == pytest.approx(temperature * (pull - state.score), rel=1e-11, abs=1e-11)
        curve = process.schedule.curve(np.array([t]))
        assert temperature * pull == pytest.approx(curve.force_rate[0] * x, rel=1e-12)


def test_data_by_panels_agree_with_the_closed_form():
    closed = Diffusion(fp.Gaussian(0.3, 0.6), fp.Cosine())
    panelled = Diffusion(fp.FunctionDensity(lambda x: stats.norm(0.3, 0.6).pdf(x)), fp.Cosine())
    x = np.linspace(-2.0, 2.0, 17)
    for t in (0.0, 1e-4, 0.2, 0.9, 1.0):
        one, other = closed.state(t, x), panelled.state(t, x)
        assert other.pdf == pytest.approx(one.pdf, rel=1e-9)
        assert other.velocity == pytest.approx(one.velocity, rel=1e-7, abs=1e-8)
        assert other.score == pytest.approx(one.score, rel=1e-7, abs=1e-8)


def test_labels_are_carried_by_the_flow():
    process = Diffusion(MIXTURE, fp.Cosine())
    labels = np.array([-8.0, -1.0, 0.3, 2.0, 8.0])
    slices = process.slices(np.array([0.0, 0.4, 1.0]), labels)
    for i, t in enumerate((0.0, 0.4, 1.0)):
        part = slice(slices.starts[i], slices.starts[i + 1])
        _, cdf, sf = process.density(t).tails(slices.x[part])
        _, label_cdf, label_sf = process.final.tails(slices.label[part])
        inner = (cdf > 1e-14) & (sf > 1e-14)
        assert np.max(np.abs(np.minimum(cdf, sf) / np.minimum(label_cdf, label_sf) - 1.0)[inner]) < 1e-11
        mass = np.sum(slices.kronrod[part] * slices.pdf[part])
        assert mass == pytest.approx(1.0, abs=1e-13)


# --- geodesics ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.8, 1.0])
def test_geodesic_between_gaussians(part):
    tau = 2.5
    process = Geodesic(fp.Gaussian(-1.0, 0.4), fp.Gaussian(2.0, 1.5), tau)
    mean, std = -1.0 + 3.0 * part, 0.4 + 1.1 * part  # Bures: standard deviations interpolate linearly
    x = mean + std * np.linspace(-6.0, 6.0, 31)
    state = process.state(part * tau, x)
    exact = fp.Gaussian(mean, std)
    for ours, theirs in zip((state.pdf, state.cdf, state.sf), exact.tails(x), strict=True):
        assert np.max(np.abs(ours / theirs - 1.0)) < 1e-11
    assert state.velocity == pytest.approx((3.0 + 1.1 * (x - mean) / std) / tau, rel=1e-11, abs=1e-11)
    u = np.array([1e-12, 0.1, 0.5, 0.9])
    assert process.density(part * tau).quantile(u) == pytest.approx(exact.quantile(u), rel=1e-12)


@pytest.mark.parametrize("part", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_geodesic_between_uniforms(part):
    process = Geodesic(fp.Uniform(0.0, 1.0), fp.Uniform(4.0, 7.0), 1.0)
    low, width = 4.0 * part, 1.0 + 2.0 * part  # M(y) = 4 + 3 y
    x = low + width * np.array([0.01, 0.3, 0.5, 0.77, 0.99])
    state = process.state(part, x)
    assert state.pdf == pytest.approx(np.full(5, 1.0 / width), rel=1e-12)
    assert state.cdf == pytest.approx((x - low) / width, rel=1e-11)
    assert state.velocity == pytest.approx(4.0 + 2.0 * (x - low) / width, rel=1e-12)
    outside = process.density(part).tails(np.array([low - 0.1, low + width + 0.1]))
    assert outside[0].tolist() == [0.0, 0.0]
    assert outside[1].tolist() == [0.0, 1.0] and outside[2].tolist() == [1.0, 0.0]


def test_geodesic_speed_is_constant():
    process = Geodesic(MIXTURE, fp.Gaussian(), 2.0)
    times = np.array([0.0, 0.3, 1.1, 2.0])
    slices = process.slices(times, np.array([-9.0, 0.0, 9.0]))
    action, bar = slices.integrate(slices.pdf * slices.velocity**2)
    distance, error = process.coupling.wasserstein(2.0)
    assert np.all(np.abs(action - (distance / 2.0) ** 2) <= bar + distance * error)
    assert np.max(np.abs(action / (distance / 2.0) ** 2 - 1.0)) < 1e-10


def test_geodesic_velocity_is_minus_the_rate_of_the_cdf_over_the_density():
    process = Geodesic(MIXTURE, fp.Gaussian(0.5, 0.9), 1.0)
    for t in (0.2, 0.5, 0.85):
        x = process.density(t).quantile(np.array([0.01, 0.1, 0.35, 0.8, 0.99]))
        step = 1e-3
        nearby = [process.density(t + k * step).cdf(x) for k in (-2, -1, 1, 2)]
        rate = (nearby[0] - 8 * nearby[1] + 8 * nearby[2] - nearby[3]) / (12 * step)
        state = process.state(t, x)
        assert state.velocity == pytest.approx(-rate / state.pdf, rel=1e-7, abs=1e-8)


def test_the_process_of_a_schedule():
    assert isinstance(forward_process(MIXTURE, fp.Cosine(tau=3.0)), Diffusion)
    geodesic = forward_process(MIXTURE, fp.OptimalTransport(target=fp.Uniform(-1.0, 1.0), tau=3.0, temperature=0.5))
    assert isinstance(geodesic, Geodesic) and geodesic.tau == 3.0
    assert geodesic.temperature(np.array([0.0, 1.0])).tolist() == [0.5, 0.5]
    assert forward_process(MIXTURE, fp.OptimalTransport()).temperature(np.array([0.0])) is None
    assert math.isclose(geodesic.final.variance, 1.0 / 3.0, rel_tol=1e-14)
