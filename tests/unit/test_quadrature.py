"""The nested rules are exact where they should be; bars of integrals over time hold the error."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from fpsolve.quadrature import GAUSS, KRONROD, NODES, TimePanels, integrate_in_time, panel_nodes


def monomial(degree: int) -> float:
    return 0.0 if degree % 2 else 2.0 / (degree + 1)


@pytest.mark.parametrize("degree", range(24))
def test_kronrod_is_exact_to_degree_23(degree):
    assert abs(math.fsum(KRONROD * NODES**degree) - monomial(degree)) < 3e-16


@pytest.mark.parametrize("degree", range(14))
def test_gauss_is_exact_to_degree_13(degree):
    assert abs(math.fsum(GAUSS * NODES**degree) - monomial(degree)) < 3e-16


def test_neither_is_exact_beyond():
    assert abs(math.fsum(KRONROD * NODES**24) - monomial(24)) > 1e-9
    assert abs(math.fsum(GAUSS * NODES**14) - monomial(14)) > 1e-5


def test_the_gauss_rule_is_embedded():
    nodes, weights = np.polynomial.legendre.leggauss(7)
    assert np.allclose(NODES[GAUSS > 0.0], nodes, rtol=0, atol=2e-16)
    assert np.allclose(GAUSS[GAUSS > 0.0], weights, rtol=0, atol=5e-16)
    assert np.all(np.diff(NODES) > 0.0) and np.all(KRONROD > 0.0)


def test_panels_integrate_a_smooth_function():
    edges = np.array([-1.0, 0.3, 0.5, 2.0])
    x, kronrod, gauss = panel_nodes(edges)
    exact = float(mpmath.quad(lambda s: mpmath.exp(-s * s), [-1, 2]))
    assert abs(np.sum(kronrod * np.exp(-x * x)) - exact) < 1e-14
    assert 1e-12 < abs(np.sum(gauss * np.exp(-x * x)) - exact) < 1e-6
    assert np.all(np.diff(x) > 0.0) and x.size == 45


@pytest.mark.parametrize("tau", [0.5, 1.0, 3.0])
def test_panels_in_time_tame_square_roots_at_both_ends(tau):
    panels = TimePanels.uniform(tau, 4)
    t, kronrod, gauss = panels.nodes(panels.edges[:-1], panels.edges[1:])
    assert np.all((t > 0.0) & (t < tau)) and np.all(np.diff(t.ravel()) > 0.0)
    for rule in (kronrod, gauss):
        assert abs(np.sum(rule) - tau) < 1e-14 * tau
        assert abs(np.sum(rule / np.sqrt(t)) - 2.0 * math.sqrt(tau)) < 1e-6 * math.sqrt(tau)
        assert abs(np.sum(rule / np.sqrt(tau - t)) - 2.0 * math.sqrt(tau)) < 1e-6 * math.sqrt(tau)
    # on the first panel alone the stretched variable makes t^(-1/2) a constant
    first, weight, _ = panels.nodes(np.array([0.0]), panels.edges[1:2])
    assert np.sum(weight / np.sqrt(first)) == pytest.approx(2.0 * math.sqrt(panels.edges[1]), rel=1e-14)


def test_there_are_at_least_two_panels():
    assert TimePanels.uniform(2.0, 1).edges.tolist() == [0.0, 1.0, 2.0]


INTEGRANDS = {
    "cosine": (np.cos, math.sin(1.0)),
    "exponential": (np.exp, math.e - 1.0),
    "peak": (lambda t: 1.0 / (1e-4 + (t - 0.3) ** 2), 100.0 * (math.atan(70.0) + math.atan(30.0))),
    "oscillation": (lambda t: 1.0 + np.cos(200.0 * t), 1.0 + math.sin(200.0) / 200.0),
    "square root at 0": (np.sqrt, 2.0 / 3.0),
    "inverse square root at 0": (lambda t: 1.0 / np.sqrt(t), 2.0),
    "inverse square root at 1": (lambda t: np.exp(t) / np.sqrt(1.0 - t), 0.0),
    "kink": (lambda t: np.abs(t - 1.0 / 3.0), 5.0 / 18.0),
    "jump": (lambda t: np.where(t > 1.0 / 3.0, 1.0, 0.0), 2.0 / 3.0),
    "cube root": (lambda t: np.cbrt(t - 0.7), 0.75 * (0.3 ** (4 / 3) - 0.7 ** (4 / 3))),
    "logarithm": (lambda t: np.log(t), -1.0),
}
INTEGRANDS["inverse square root at 1"] = (
    INTEGRANDS["inverse square root at 1"][0],
    float(mpmath.e * mpmath.sqrt(mpmath.pi) * mpmath.erf(1)),
)


@pytest.mark.parametrize("name", INTEGRANDS)
@pytest.mark.parametrize("count", [2, 16])
def test_the_bar_of_an_integral_over_time_holds_its_error(name, count):
    function, exact = INTEGRANDS[name]
    result = integrate_in_time(
        lambda t: ({name: function(t)}, {name: np.zeros_like(t)}), TimePanels.uniform(1.0, count)
    )
    error = abs(result.value[name] - exact)
    assert error <= result.error[name] + 1e-14 * abs(exact)
    if name not in ("kink", "jump", "cube root", "logarithm"):
        assert result.error[name] < 1e-9 * abs(exact)


def test_samples_come_back_in_order_with_their_times():
    result = integrate_in_time(
        lambda t: ({"f": np.exp(-((t - 0.3) ** 2) / 1e-4)}, {"f": np.zeros_like(t)}), TimePanels.uniform(1.0, 2)
    )
    assert np.all(np.diff(result.times) > 0.0) and result.times.size > 60
    assert np.array_equal(result.samples["f"], np.exp(-((result.times - 0.3) ** 2) / 1e-4))


def test_the_bars_of_the_samples_enter():
    result = integrate_in_time(lambda t: ({"f": np.cos(t)}, {"f": np.full_like(t, 1e-3)}), TimePanels.uniform(2.0, 4))
    assert result.error["f"] >= 2e-3 * (1 - 1e-12)
    # noise of that size cannot be resolved: nothing was halved
    assert result.times.size == 60


def test_halving_stops_at_the_most_panels():
    calls = []

    def jump(t):
        calls.append(t.size)
        return {"f": np.sign(t - 0.123456)}, {"f": np.zeros_like(t)}

    result = integrate_in_time(jump, TimePanels.uniform(1.0, 4), most_panels=10)
    assert sum(calls) <= 150
    assert abs(result.value["f"] - (1.0 - 2 * 0.123456)) <= result.error["f"]
    assert result.error["f"] > 1e-3


def test_every_integrand_decides_where_to_halve():
    def both(t):
        values = {"smooth": np.ones_like(t), "peak": 1e-9 * np.exp(-((t - 0.4) ** 2) / 1e-5)}
        return values, {name: np.zeros_like(t) for name in values}

    result = integrate_in_time(both, TimePanels.uniform(1.0, 4))
    exact = 1e-9 * math.sqrt(math.pi * 1e-5)
    assert abs(result.value["peak"] - exact) <= result.error["peak"] <= 1e-8 * exact
    assert result.value["smooth"] == pytest.approx(1.0, rel=1e-14)
