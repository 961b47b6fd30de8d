"""Schedules against plain formulas differentiated in high precision, and the identities (22), (23)."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

import fpsolve as fp
from fpsolve.processes import Diffusion
from fpsolve.settings import InputError, from_recipe


def vp(beta_min, beta_max, tau):
    def signal(t):
        return mpmath.exp(-(beta_min * t + (beta_max - beta_min) * t**2 / (2 * tau)) / 2)

    return signal, lambda t: mpmath.sqrt(1 - signal(t) ** 2)


#: schedule, m(t), sigma(t)
FORMULAS = {
    "cosine": (
        fp.Cosine(tau=2.0),
        lambda t: mpmath.cos(mpmath.pi * t / 4),
        lambda t: mpmath.sin(mpmath.pi * t / 4),
    ),
    "cond-ot": (fp.ConditionalOptimalTransport(tau=0.5), lambda t: 1 - 2 * t, lambda t: 2 * t),
    "ve-linear": (fp.VarianceExploding(3.0, tau=1.5), lambda t: mpf(1), lambda t: 2 * t),
    "ve-geometric": (
        fp.VarianceExploding(2.0, growth="geometric", sigma_min=0.02, tau=4.0),
        lambda t: mpf(1),
        lambda t: mpf("0.02") * mpf(100) ** (t / 4),
    ),
    "vp-linear": (fp.VariancePreserving(0.1, 20.0, tau=3.0), *vp(mpf("0.1"), mpf(20), mpf(3))),
    "vp-falling": (fp.VariancePreserving(5.0, 1.0, tau=1.0), *vp(mpf(5), mpf(1), mpf(1))),
}
PARTS = (1e-6, 0.01, 0.2, 0.5, 0.77, 0.99, 1.0 - 1e-6)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("part", PARTS)
def test_levels_and_rates(name, part):
    schedule, m, sigma = FORMULAS[name]
    t = part * schedule.tau
    values = schedule.curve(np.array([t]))[0]
    curve = schedule.curve(np.array([t]))
    with mp.workdps(40):
        at = mpf(t)
        exact = (m(at), mpmath.diff(m, at, h=mpf(10) ** -15), sigma(at) ** 2, sigma(at) * mpmath.diff(sigma, at))
        ratio_rate = mpmath.diff(lambda s: sigma(s) / m(s), at, h=at * mpf(10) ** -15)
        temperature = m(at) * sigma(at) * ratio_rate  # (22)
        force = exact[1] / exact[0]  # (23)
        for value, reference in zip(values, exact, strict=True):
            assert abs(value - reference) <= 1e-13 * abs(reference) + 1e-16
        assert curve.noise[0] == pytest.approx(float(sigma(at)), rel=1e-13)
        # t itself is rounded: near the end m is only known to 1e-16 of it
        rounding = 1e-12 + 4e-16 / float(m(at))
        assert curve.temperature[0] == pytest.approx(float(temperature), rel=rounding)
        assert curve.force_rate[0] == pytest.approx(float(force), rel=rounding)


@pytest.mark.parametrize("name", FORMULAS)
def test_both_ends_are_finite(name):
    schedule = FORMULAS[name][0]
    curve = schedule.curve(np.array([0.0, schedule.tau]))
    for row in (curve.signal, curve.signal_rate, curve.variance, curve.half_variance_rate):
        assert np.all(np.isfinite(row))
    assert curve.signal[0] == 1.0
    assert not np.any(np.isnan(curve.temperature)) and not np.any(np.isnan(curve.force_rate))
    if name in ("cosine", "cond-ot"):
        assert (curve.signal[1], curve.variance[1]) == (0.0, 1.0)
        assert (curve.temperature[1], curve.force_rate[1]) == (np.inf, -np.inf)
    if name != "ve-geometric":
        assert curve.variance[0] == 0.0


@pytest.mark.parametrize("name", FORMULAS)
def test_noise_over_signal_never_decreases(name):
    schedule = FORMULAS[name][0]
    t = np.linspace(0.0, schedule.tau, 501)[:-1]
    curve = schedule.curve(t)
    assert np.all(np.diff(curve.noise / curve.signal) > 0.0)
    assert np.all(curve.temperature >= 0.0)


@pytest.mark.parametrize("schedule", [fp.Cosine(tau=2.0), fp.VariancePreserving(0.1, 20.0)])
def test_variance_is_preserved(schedule):
    curve = schedule.curve(np.linspace(0.0, schedule.tau, 33))
    assert np.max(np.abs(curve.signal**2 + curve.variance - 1.0)) < 4e-16
    # d(ln m)/dt = -T (29): the force is -T x
    inner = schedule.curve(np.linspace(0.1, 0.9, 9) * schedule.tau)
    assert np.allclose(inner.force_rate, -inner.temperature, rtol=1e-13, atol=0)


def test_small_times_of_a_variance_preserving_schedule_do_not_cancel():
    curve = fp.VariancePreserving(0.1, 20.0).curve(np.array([1e-12]))
    assert curve.variance[0] == pytest.approx(1e-13, rel=1e-9)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_recipe_rebuilds_the_schedule(name):
    schedule = FORMULAS[name][0]
    assert from_recipe("schedule", schedule.recipe()) == schedule


# --- arrays ---------------------------------------------------------------------------------------------------------


def sampled(schedule, count, power=1.0):
    t = schedule.tau * np.linspace(0.0, 1.0, count) ** power
    curve = schedule.curve(t)
    return fp.ArraySchedule(tuple(t), tuple(curve.signal), tuple(curve.noise))


@pytest.mark.parametrize("name", ["cosine", "ve-linear", "vp-falling", "cond-ot"])
def test_an_array_schedule_passes_through_its_points(name):
    schedule = FORMULAS[name][0]
    arrays = sampled(schedule, 41)
    curve = arrays.curve(np.array(arrays.t))
    assert arrays.tau == schedule.tau
    assert np.max(np.abs(curve.signal - np.array(arrays.m))) < 1e-8
    assert np.max(np.abs(curve.variance - np.array(arrays.sigma) ** 2)) < 1e-14
    assert curve.signal[0] == 1.0 and curve.variance[0] == 0.0


@pytest.mark.parametrize("name", ["cosine", "vp-falling"])
def test_an_array_schedule_converges_to_the_curve(name):
    schedule = FORMULAS[name][0]
    t = schedule.tau * np.linspace(0.05, 0.95, 301)
    exact, errors = schedule.curve(t), []
    for count in (21, 41, 81):
        curve = sampled(schedule, count).curve(t)
        errors.append(np.max(np.abs(curve.variance - exact.variance)))
        rate = np.max(np.abs(curve.half_variance_rate - exact.half_variance_rate))
    assert errors[0] / errors[1] > 8.0 and errors[1] / errors[2] > 8.0
    # where the slope vanishes at an end the monotone cubic takes over, which is third order there
    assert errors[2] < 1e-5 and rate < 1e-3


def test_rates_of_an_array_schedule_are_its_own_derivatives():
    arrays = fp.ArraySchedule((0.0, 0.1, 0.4, 0.7, 1.0), (1.0, 0.95, 0.9, 0.3, 0.1), (0.0, 0.2, 0.5, 0.8, 1.0))
    for t in (0.03, 0.2, 0.55, 0.93):
        step = 1e-4 * np.array([-2.0, -1.0, 1.0, 2.0])
        around = arrays.curve(t + step)
        weights = np.array([1.0, -8.0, 8.0, -1.0]) / 12.0 / 1e-4
        curve = arrays.curve(np.array([t]))
        assert curve.signal_rate[0] == pytest.approx(weights @ around.signal, rel=1e-8)
        assert 2.0 * curve.half_variance_rate[0] == pytest.approx(weights @ around.variance, rel=1e-8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0)), min_size=2, max_size=9))
@example([(0.4375, 0.625, 0.0), (0.625, 0.5, 0.0), (0.01171875, 0.0, 0.0)])
def test_monotone_arrays_stay_monotone(steps):
    t = np.concatenate([[0.0], np.cumsum([step[0] for step in steps])])
    m = np.exp(-np.concatenate([[0.0], np.cumsum([step[1] for step in steps])]))
    noise = np.sqrt(np.concatenate([[0.0], np.cumsum([step[2] for step in steps])]) + 1e-3 * t)
    arrays = fp.ArraySchedule(tuple(t), tuple(m), tuple(noise))
    curve = arrays.curve(np.linspace(0.0, t[-1], 701))
    # between points that differ by rounding alone the slope may be rounding of either sign
    assert np.all(np.diff(curve.signal) <= 1e-12) and np.all(np.diff(curve.variance) >= -1e-12)
    assert np.all(curve.signal > 0.0) and np.all(curve.variance >= 0.0)


def test_an_array_schedule_may_end_without_signal():
    t = np.linspace(0.0, 1.0, 21)
    arrays = fp.ArraySchedule(tuple(t), tuple(np.sqrt(1.0 - t)), tuple(np.sqrt(t)))
    curve = arrays.curve(np.array([0.0, 0.3, 1.0]))
    assert curve.signal == pytest.approx([1.0, math.sqrt(0.7), 0.0], abs=1e-12)
    # m m' is what enters densities: it stays what it is although m' does not
    assert curve.signal_rate[1] * curve.signal[1] == pytest.approx(-0.5, rel=1e-12)
    assert np.all(np.isfinite(curve.signal_rate))


@pytest.mark.parametrize(
    ("t", "m", "sigma", "key"),
    [
        ((0.0, 1.0), (1.0,), (0.0, 1.0), "m"),
        ((0.0, 1.0), (1.0, 0.5), (0.0,), "sigma"),
        ((0.1, 1.0), (1.0, 0.5), (0.0, 1.0), "t"),
        ((0.0, 0.5, 0.5), (1.0, 0.9, 0.5), (0.0, 0.2, 1.0), "t"),
        ((0.0, 0.5, 1.0), (1.0, 0.0, 0.0), (0.0, 0.2, 1.0), "m"),
        ((0.0, 0.5, 1.0), (1.0, 0.9, 0.8), (0.0, 0.5, 0.2), "sigma"),
        ((0.0, 1.0), (1.0, 1.0), (0.0, 0.0), "sigma"),
        ((0.0, 1.0), (1.0, 1.0), (0.3, 0.3), "sigma"),
        ((0.0, 1.0), (1.0, -0.1), (0.0, 1.0), "m"),
    ],
)
def test_an_array_schedule_refuses(t, m, sigma, key):
    with pytest.raises(InputError) as refused:
        fp.ArraySchedule(t, m, sigma)
    assert refused.value.key.split("[")[0] == key


# --- discrete diffusion ---------------------------------------------------------------------------------------------


def test_discrete_diffusion_reproduces_the_running_product():
    betas = np.linspace(1e-4, 0.02, 1000)
    schedule = fp.DiscreteDiffusion(betas=tuple(betas), tau=2.0)
    curve = schedule.curve(np.linspace(0.0, 2.0, 1001))
    products = np.concatenate([[1.0], np.cumprod(1.0 - betas)])
    assert np.max(np.abs(curve.signal**2 / products - 1.0)) < 1e-12
    assert np.max(np.abs(curve.variance - (1.0 - products))) < 1e-13
    again = fp.DiscreteDiffusion(alphas_cumprod=tuple(products[1:]), tau=2.0)
    t = np.linspace(0.0, 2.0, 333)
    assert np.max(np.abs(again.curve(t).variance - schedule.curve(t).variance)) < 1e-12


def test_discrete_diffusion_tends_to_the_continuous_schedule():
    steps, tau = 1000, 1.0
    schedule = fp.VariancePreserving(0.1, 20.0, tau)
    middle = (np.arange(steps) + 0.5) / steps * tau
    betas = (0.1 + 19.9 * middle) * tau / steps
    discrete = fp.DiscreteDiffusion(betas=tuple(-np.expm1(-betas)), tau=tau)
    t = np.linspace(0.01, 1.0, 57)
    ours, exact = discrete.curve(t), schedule.curve(t)
    assert np.max(np.abs(ours.variance - exact.variance)) < 1e-6
    assert np.max(np.abs(ours.half_variance_rate - exact.half_variance_rate)) < 1e-3


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({}, "betas"),
        ({"betas": (0.1,), "alphas_cumprod": (0.9,)}, "betas"),
        ({"betas": (0.1, 1.0)}, "betas"),
        ({"betas": (-0.1, 0.5)}, "betas"),
        ({"betas": (0.0, 0.0)}, "betas"),
        ({"alphas_cumprod": (0.9, 0.95)}, "alphas_cumprod"),
        ({"alphas_cumprod": (0.9, 0.0)}, "alphas_cumprod"),
        ({"alphas_cumprod": (1.2, 0.5)}, "alphas_cumprod"),
    ],
)
def test_discrete_diffusion_refuses(arguments, key):
    with pytest.raises(InputError) as refused:
        fp.DiscreteDiffusion(**arguments)
    assert refused.value.key.split("[")[0] == key


@pytest.mark.parametrize(
    ("build", "key"),
    [
        (lambda: fp.Cosine(tau=0.0), "tau"),
        (lambda: fp.Cosine(tau=math.nan), "tau"),
        (lambda: fp.VarianceExploding(-1.0), "sigma_max"),
        (lambda: fp.VarianceExploding(1.0, growth="cubic"), "growth"),
        (lambda: fp.VarianceExploding(1.0, growth="geometric"), "sigma_min"),
        (lambda: fp.VarianceExploding(1.0, growth="geometric", sigma_min=2.0), "sigma_min"),
        (lambda: fp.VarianceExploding(1.0, sigma_min=0.1), "sigma_min"),
        (lambda: fp.VariancePreserving(-0.1, 20.0), "beta_min"),
        (lambda: fp.VariancePreserving(0.1, 0.0), "beta_max"),
        (lambda: fp.OptimalTransport(temperature=0.0), "temperature"),
    ],
)
def test_schedules_refuse(build, key):
    with pytest.raises(InputError) as refused:
        build()
    assert refused.value.key.split("[")[0] == key


@pytest.mark.parametrize("data", [fp.GaussianMixture((-0.6, 0.6), (0.3, 0.3)), fp.Uniform(-1.0, 1.0)])
def test_the_end_of_a_signal_like_a_root_is_the_limit_from_before(data):
    """m² falls linearly to zero: m m' stays, and the velocity at tau is (m m' Var y + sigma sigma') x / sigma²."""
    t = np.linspace(0.0, 1.0, 33)
    schedule = fp.ArraySchedule(tuple(t), tuple(np.sqrt(1.0 - t)), tuple(np.sqrt(0.2 + 0.7 * t)))
    process, x = Diffusion(data, schedule), np.array([-1.3, 0.4, 2.0])
    exact = 0.5 * (0.7 - data.variance) / 0.9 * x
    np.testing.assert_allclose(process.velocity(1.0, x), exact, rtol=1e-9)
    for gap in (1e-13, 1e-11, 1e-9):
        np.testing.assert_allclose(process.velocity(1.0 - gap, x), exact, rtol=0.0, atol=20.0 * gap + 1e-6)
