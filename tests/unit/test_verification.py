from __future__ import annotations

import json
import math

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.cases import Case
from fpsolve.estimates import Estimate
from fpsolve.verification import ORDERS, SPECTRAL, Rate, converge, declared_order, limit_of, rate_of, refine


@pytest.fixture
def small():
    data = fp.GaussianMixture(means=(0.6, -0.6), stds=(0.3, 0.3))
    return Case(data, fp.Cosine(), fp.Gaussian(0.3, 1.0), cells=40, steps=4, snapshots=3)


def column(order, *, limit=1.0, size=0.1, levels=4, error=1e-3):
    return [Estimate(limit + size * 2.0 ** (-order * level), error, "L") for level in range(levels)]


def test_refine_multiplies_cells_and_steps(small):
    finer = refine(small, 4)
    assert (finer.cells, finer.steps, finer.snapshots) == (160, 16, 3)
    assert finer.recipe()["data"] == small.recipe()["data"]
    assert refine(small, 1).recipe() == small.recipe()


@pytest.mark.parametrize("factor", [0, 1.5, True])
def test_refine_takes_whole_numbers(small, factor):
    with pytest.raises(fp.InputError, match="factor"):
        refine(small, factor)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_order_is_seen_and_the_limit_found(order):
    estimates = column(order)
    rate = rate_of(estimates, order)
    assert rate.observed == pytest.approx(order, abs=1e-6) and rate.agrees
    limit = limit_of(estimates, rate)
    assert abs(limit.value - 1.0) <= min(limit.error, 1e-10)
    assert limit.unit == "L"


def test_an_order_that_disagrees_gives_no_extrapolation():
    estimates = column(1)
    rate = rate_of(estimates, 3)
    assert rate.observed == pytest.approx(1.0, abs=1e-6) and not rate.agrees
    limit = limit_of(estimates, rate)
    assert limit.value == estimates[-1].value
    assert abs(limit.value - 1.0) <= limit.error


def test_a_sequence_that_does_not_settle_keeps_a_wide_bar():
    estimates = [Estimate(value, 1e-12) for value in (1.0, 1.2, 0.9, 1.15)]
    limit = limit_of(estimates, rate_of(estimates, 2))
    assert limit.value == 1.15 and limit.error >= 0.25


@pytest.mark.parametrize("scatter", [0.0, 1e-16])
def test_round_off_has_no_order(scatter):
    estimates = [Estimate(1.0 + scatter * sign, 1e-14) for sign in (0, 3, -2)]
    rate = rate_of(estimates, 2)
    assert (rate.observed, rate.why) == (None, "differences are round-off")
    assert limit_of(estimates, rate).error >= 1e-14


def test_a_spectral_quantity_inside_its_bars_has_no_order():
    estimates = [Estimate(value, 1e-9) for value in (1.0, 1.0 + 3e-11, 1.0 + 2e-11)]
    rate = rate_of(estimates, SPECTRAL)
    assert rate.observed is None and "error bars" in rate.why
    assert limit_of(estimates, rate) == estimates[-1]


def test_two_levels_show_no_order():
    assert rate_of(column(1, levels=2), 1).observed is None


@pytest.mark.parametrize("estimate", [Estimate.infinite("too wide"), Estimate.undefined("too wide")])
def test_what_has_no_value_has_no_order(estimate):
    rate = rate_of([Estimate(1.0), estimate, estimate], 2)
    assert rate == Rate(None, 2, "too wide")
    assert limit_of([Estimate(1.0), estimate], rate) is estimate


def test_what_each_route_declares(small):
    assert declared_order(small, "eta") == SPECTRAL
    for method, order in ORDERS.items():
        case = Case(small.data, small.schedule, small.start, estimated=method)
        assert declared_order(case, "eta") == order
        assert declared_order(case, "c2") == SPECTRAL


def test_the_exact_route_has_converged_from_the_start(small):
    told = []
    found = converge(small, 3, lambda *step: told.append(step))
    assert [step[1:] for step in told] == [(0, 3), (1, 3), (2, 3)]
    assert [(level.cells, level.steps) for level in found.levels] == [(40, 4), (80, 8), (160, 16)]
    exact = found.levels[-1].quantities["eta"]
    assert found.limits["eta"].value == exact.value
    text = found.text()
    assert "160 x 16" in text and "spectral" in text
    content = found.json()
    json.dumps(content, allow_nan=False)
    assert set(content) == {"case", "levels", "orders", "limits"}
    assert {"cells", "steps", "quantities"} == set(content["levels"][0])
    assert {"observed", "declared"} <= set(content["orders"]["eta"])
    assert {"value", "error"} <= set(content["limits"]["eta"])


def test_an_infinite_divergence_converges_to_nothing(small):
    case = Case(small.data, small.schedule, fp.Gaussian(0.0, 1.5), cells=40, steps=4)
    content = converge(case, 2).json()
    json.dumps(content, allow_nan=False)
    assert content["limits"]["D0"]["value"] == "inf" and content["limits"]["eta"]["value"] is None
    assert content["orders"]["eta"]["observed"] is None and content["orders"]["eta"]["why"]


@pytest.mark.parametrize("levels", [1, 0, 13, 2.5])
def test_how_many_levels(small, levels):
    with pytest.raises(fp.InputError, match="levels"):
        converge(small, levels)


@pytest.mark.parametrize("method", ["upwind", "weno5", "characteristics"])
def test_the_limit_of_a_route_on_the_grid(small, method):
    """The bar of the limit holds the exact value, and the order of the dissipative route is seen."""
    case = Case(small.data, small.schedule, small.start, cells=100, steps=4, estimated=method)
    found = converge(case, 4 if method == "upwind" else 3)
    exact = converge(small, 2).limits
    for name in ("eta", "W1_final"):
        limit = found.limits[name]
        assert math.isfinite(limit.value)
        assert abs(limit.value - exact[name].value) <= limit.error + exact[name].error, name
    if method == "upwind":
        observed = found.orders["W1_final"].observed
        assert observed is not None and np.isclose(observed, 1.0, atol=0.5)
