"""Rates of a flow against Gaussian closed forms, and speeds measured from the densities alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtr

import fpsolve as fp
from fpsolve.processes import forward_process
from fpsolve.quadrature import NODES
from fpsolve.reverse import Composition
from fpsolve.thermodynamics import entropy_rates, flow_rates, transport_speed
from fpsolve.thermodynamics.rates import modulus_on_panels

MEAN, STD = 0.7, 0.4
SCHEDULES = {
    "cosine": fp.Cosine(tau=2.0),
    "cond-ot": fp.ConditionalOptimalTransport(tau=2.0),
    "ve": fp.VarianceExploding(1.5, tau=2.0),
    "vp": fp.VariancePreserving(0.5, 4.0, tau=2.0),
    "optimal-transport": fp.OptimalTransport(target=fp.Gaussian(-0.3, 1.1), tau=2.0),
}
TIMES = np.array([0.0, 0.01, 0.7, 1.3, 1.98])


def moments(name: str, t: np.ndarray) -> tuple[np.ndarray, ...]:
    """Mean and width of P_t and their rates."""
    if name == "optimal-transport":
        s = t / 2.0
        return MEAN - s * (MEAN + 0.3), np.full_like(t, -0.5 * (MEAN + 0.3)), STD + 0.7 * s, np.full_like(t, 0.35)
    a = math.pi / 4.0
    if name == "cosine":
        m, m_rate, v, half = np.cos(a * t), -a * np.sin(a * t), np.sin(a * t) ** 2, a * np.sin(a * t) * np.cos(a * t)
    elif name == "cond-ot":
        m, m_rate, v, half = 1 - t / 2, np.full_like(t, -0.5), (t / 2) ** 2, t / 4
    elif name == "ve":
        m, m_rate, v, half = np.ones_like(t), np.zeros_like(t), (0.75 * t) ** 2, 0.5625 * t
    else:
        exponent, rate = 0.5 * t + 0.875 * t**2, 0.5 + 1.75 * t
        m = np.exp(-0.5 * exponent)
        m_rate, v, half = -0.5 * rate * m, -np.expm1(-exponent), 0.5 * rate * m * m
    width = np.sqrt((m * STD) ** 2 + v)
    return m * MEAN, m_rate * MEAN, width, (m * m_rate * STD**2 + half) / width


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_of_a_gaussian(name):
    process = forward_process(fp.Gaussian(MEAN, STD), SCHEDULES[name])
    mean, drift, width, stretch = moments(name, TIMES)
    slices = process.slices(TIMES, np.array([-12.0, 0.0, 12.0]))
    z = drift / np.maximum(np.abs(stretch), 1e-300)
    folded = np.abs(stretch) * math.sqrt(2 / math.pi) * np.exp(-0.5 * z * z) + drift * (2.0 * ndtr(z) - 1.0)
    exact = {
        "dissipation": drift**2 + stretch**2,
        "v1": folded,
        "mean": mean,
        "mean_rate": drift,
        "second_moment": mean**2 + width**2,
        "second_moment_rate": 2.0 * (mean * drift + width * stretch),
    }
    rates = flow_rates(slices)
    assert rates.keys() == exact.keys()
    for key, (value, bar) in rates.items():
        error = np.abs(value - exact[key])
        assert np.all(error <= bar + 2e-15), key
        assert np.max(error) <= 1e-10 * (1.0 + np.max(np.abs(exact[key]))), key


@pytest.mark.parametrize("name", ["cosine", "cond-ot", "ve", "vp"])
def test_entropy_rates_of_a_gaussian(name):
    process = forward_process(fp.Gaussian(MEAN, STD), SCHEDULES[name])
    times = TIMES[1:]
    mean, drift, width, stretch = moments(name, times)
    slices = process.slices(times, np.array([-12.0, 0.0, 12.0]))
    rates = entropy_rates(process, slices, times)
    system, bar = rates["system"]
    assert np.all(np.abs(system - stretch / width) <= bar + 1e-15)  # S = ln(width) + const
    temperature = process.temperature(times)
    total = (drift**2 + stretch**2) / temperature
    bath, bath_bar = rates["bath"]
    assert np.all(np.abs(system + bath - total) <= bar + bath_bar + 1e-13 * total)
    # heat of the linear force f = A x: E[x nu] A / T
    force = process.schedule.curve(times).force_rate
    assert bath == pytest.approx(force / temperature * (mean * drift + width * stretch), rel=1e-10, abs=1e-13)


def test_a_geodesic_has_no_closed_force():
    process = forward_process(fp.Gaussian(), fp.OptimalTransport(temperature=1.0))
    assert entropy_rates(process, process.slices(np.array([0.5]), np.array([-9.0, 9.0])), np.array([0.5])) == {}


@pytest.mark.parametrize("name", SCHEDULES)
def test_speed_from_the_densities_alone(name):
    process = forward_process(fp.Gaussian(MEAN, STD), SCHEDULES[name])
    labels = Composition(process, fp.Gaussian(0.5, 1.0)).labels
    for t in (0.2, 1.0, 1.7):
        _, drift, _, stretch = moments(name, np.array([t]))
        exact = float(drift[0] ** 2 + stretch[0] ** 2)
        speed = transport_speed(process, t, labels)
        for key in ("v2_squared", "projection", "dissipation"):
            value, bar = speed[key]
            assert abs(value - exact) <= bar + 1e-14, key
            assert bar <= 1e-6 * exact, key


def test_speed_of_a_mixture_agrees_with_its_dissipation():
    data = fp.GaussianMixture((-1.2, 0.1, 0.9), (0.1, 0.5, 0.25), (0.2, 0.5, 0.3))
    process = forward_process(data, fp.Cosine())
    speed = transport_speed(process, 0.4, Composition(process, fp.Gaussian(0.5, 1.0)).labels)
    value, bar = speed["v2_squared"]
    assert abs(value - speed["dissipation"][0]) <= bar + speed["dissipation"][1] <= 1e-6 * value


@pytest.mark.parametrize("root", [-0.999, -0.3, 0.0, 0.5, 0.987])
def test_modulus_on_a_panel_is_cut_at_the_root(root):
    rows = np.stack([NODES - root, (NODES - root) * np.exp(NODES), -((NODES - root) ** 3)])
    value = modulus_on_panels(rows)

    def primitive(x):  # of (x - root) exp(x)
        return (x - root - 1.0) * math.exp(x)

    exact = [
        0.5 * ((1 + root) ** 2 + (1 - root) ** 2),
        primitive(1.0) - 2.0 * primitive(root) + primitive(-1.0),
        0.25 * ((1 + root) ** 4 + (1 - root) ** 4),
    ]
    assert value == pytest.approx(exact, rel=1e-13)
    # every other node is a rule of its own
    assert modulus_on_panels(rows[:1], every=2) == pytest.approx(exact[:1], rel=1e-13)
