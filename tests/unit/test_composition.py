"""The estimated process as one function of the forward one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats as stats
from scipy.special import ndtr

import fpsolve as fp
from fpsolve.processes import Diffusion, forward_process
from fpsolve.reverse import Composition
from fpsolve.thermodynamics import chi_squared
from validation.theorems.independent import Box, Mixture, turning_points

DATA = fp.Gaussian(0.4, 0.5)
SCHEDULES = {
    "cosine": fp.Cosine(tau=1.5),
    "cond-ot": fp.ConditionalOptimalTransport(tau=1.5),
    "ve": fp.VarianceExploding(2.0, tau=1.5),
    "vp": fp.VariancePreserving(0.1, 5.0, tau=1.5),
    "optimal-transport": fp.OptimalTransport(target=fp.Gaussian(-0.5, 1.2), tau=1.5),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("shift", [1.0, 1e-3, 1e-8])
def test_a_shifted_gaussian_stays_one(name, shift):
    """Theory: W1 = |shift_t| and D = exp(shift² / variance) - 1 at all times."""
    process = forward_process(DATA, SCHEDULES[name])
    final = process.final
    deviation = math.sqrt(final.variance)
    composition = Composition(process, fp.Gaussian(final.mean + shift, deviation))
    times = np.array([0.0, 0.3, 0.8, 1.5])
    slices = process.slices(times, composition.labels)
    lead, ratio = slices.on_labels(composition.lead), slices.on_labels(composition.ratio)
    distance, bar = slices.integrate(np.abs(lead))
    now = np.sqrt([process.density(t).variance for t in times])
    assert np.max(np.abs(distance / (shift * now / deviation) - 1.0)) < 1e-15 / shift + 1e-11
    assert np.all(np.abs(distance - shift * now / deviation) <= bar + 1e-15)
    divergence, _ = slices.integrate(slices.pdf * (ratio - 1.0) ** 2)
    assert divergence == pytest.approx(np.full(4, math.expm1((shift / deviation) ** 2)), rel=1e-6, abs=1e-15)
    x = np.linspace(-1.0, 1.0, 7)
    for t, spread in zip(times, now, strict=True):
        cdf, sf = composition.tails(t, x)
        z = (x - process.density(t).mean - shift * spread / deviation) / spread
        assert cdf == pytest.approx(ndtr(z), rel=1e-11) and sf == pytest.approx(ndtr(-z), rel=1e-11)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_wider_gaussian_stays_one(name):
    process = forward_process(DATA, SCHEDULES[name])
    deviation = math.sqrt(process.final.variance)
    composition = Composition(process, fp.Gaussian(process.final.mean + 0.3, 1.2 * deviation))
    x = np.linspace(-2.0, 2.0, 9)
    for t in (0.0, 0.5, 1.2, 1.5):
        spread = math.sqrt(process.density(t).variance)
        z = (x - process.density(t).mean - 0.3 * spread / deviation) / (1.2 * spread)
        cdf, sf = composition.tails(t, x)
        assert cdf == pytest.approx(ndtr(z), rel=1e-10) and sf == pytest.approx(ndtr(-z), rel=1e-10)


@pytest.mark.parametrize(
    ("start", "plain"),
    [
        (fp.Gaussian(0.2, 0.7), Mixture(0.2, 0.7)),
        (fp.Uniform(-math.sqrt(3.0), math.sqrt(3.0)), Box(-math.sqrt(3.0), math.sqrt(3.0))),
        (fp.GaussianMixture((-1.0, 0.0, 1.0), (0.3, 0.8, 0.3)), Mixture((-1.0, 0.0, 1.0), (0.3, 0.8, 0.3))),
        (fp.GaussianMixture((-2.0, 2.0), (0.4, 0.4)), Mixture((-2.0, 2.0), (0.4, 0.4))),
    ],
    ids=["gaussian", "uniform", "three", "two"],
)
def test_every_sign_change_is_a_label(start, plain):
    composition = Composition(Diffusion(DATA, fp.Cosine()), start)
    expected = turning_points(plain, Mixture(0.0, 1.0), -9.0, 9.0, 200_001)
    assert expected.size >= 1
    for root in expected:
        assert np.min(np.abs(composition.labels - root)) < 1e-12
    # and between labels there is none
    edges = composition.labels
    inner = edges[:-1, None] + np.diff(edges)[:, None] * np.linspace(0.02, 0.98, 25)
    lead = composition.lead(inner)
    size = np.minimum(*composition.final.tails(inner)[1:])
    sure = np.abs(lead) > 1e-12 * size + 1e-300
    signs = np.where(sure, np.sign(lead), 0.0)
    assert np.all(signs.max(axis=1) - signs.min(axis=1) < 2.0)


def test_gaussians_of_one_mean_cross_there():
    composition = Composition(Diffusion(fp.Gaussian(0.0, 0.5), fp.Cosine()), fp.Gaussian(0.0, 0.8))
    assert np.min(np.abs(composition.labels)) < 1e-15


def test_the_forward_end_itself_leads_nowhere():
    composition = Composition(Diffusion(DATA, fp.Cosine()), fp.Gaussian())
    z = np.linspace(-9.0, 9.0, 101)
    assert np.max(np.abs(composition.lead(z))) == 0.0 and np.max(np.abs(composition.relate(z)[0] - 1.0)) < 1e-15


def test_jumps_of_the_start_are_labels():
    composition = Composition(Diffusion(DATA, fp.Cosine()), fp.Uniform(-1.5, 0.75))
    assert {-1.5, 0.75} <= set(composition.labels.tolist())


@pytest.mark.parametrize("shift", [1e-3, 1e-6, 1e-9])
def test_a_start_that_is_nearly_right_keeps_its_digits(shift):
    composition = Composition(Diffusion(DATA, fp.Cosine()), fp.Gaussian(shift, 1.0))
    z = np.linspace(-6.0, 6.0, 13)
    exact = -shift * stats.norm.pdf(z - 0.5 * shift)  # midpoint rule: error shift³
    # a difference of CDFs is known to 1e-16 of the smaller tail, z² times that far out
    rounding = 4e-16 * (1.0 + z**2) * np.minimum(ndtr(z), ndtr(-z))
    assert np.all(np.abs(composition.lead(z) - exact) <= rounding + shift**3)


def test_cell_masses_add_up():
    composition = Composition(Diffusion(fp.Uniform(-1.0, 1.0), fp.Cosine()), fp.Gaussian(0.3, 0.9))
    edges = np.linspace(-6.0, 6.0, 241)
    for t in (0.0, 0.2, 1.0):
        masses = composition.cell_masses(t, edges)
        assert np.all(masses >= 0.0) and np.sum(masses) == pytest.approx(1.0, abs=1e-9)
    assert np.sum(composition.cell_masses(0.0, np.array([-1.0, 1.0]))) == pytest.approx(1.0, abs=1e-12)


def test_the_interval_holds_the_estimated_process():
    process = Diffusion(fp.GaussianMixture((-0.6, 0.6), (0.3, 0.3)), fp.Cosine())
    composition = Composition(process, fp.Gaussian(1.0, 1.0))
    for t in (0.0, 0.4, 1.0):
        low, high = composition.interval(t, 1e-6)
        cdf, sf = composition.tails(t, np.array([low, high]))
        assert cdf[0] == pytest.approx(1e-6, rel=1e-6) and sf[1] == pytest.approx(1e-6, rel=1e-6)


def test_chi_squared_is_the_same_at_every_time():
    process = Diffusion(fp.GaussianMixture((-0.6, 0.6), (0.3, 0.3)), fp.ConditionalOptimalTransport())
    start = fp.Uniform(-1.2, 2.0)
    composition = Composition(process, start)
    slices = process.slices(np.array([0.0, 0.01, 0.5, 0.99]), composition.labels)
    ratio = slices.on_labels(composition.ratio)
    value, bar = slices.integrate(slices.pdf * (ratio - 1.0) ** 2)
    exact, _ = chi_squared(process.final, start)
    assert np.all(np.abs(value - exact.value) <= bar + 1e-11)
