"""Error bars contain what they should, and verdicts follow from them."""

from __future__ import annotations

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fpsolve.estimates import (
    TOLERANCE,
    Estimate,
    Relation,
    observed_order,
    refinement_error,
    richardson,
)

VALUES = st.floats(-1e6, 1e6, allow_nan=False)
ERRORS = st.floats(0.0, 1e3, allow_nan=False)
ESTIMATES = st.builds(Estimate, VALUES, ERRORS)


def ends(estimate: Estimate) -> tuple[float, float]:
    return estimate.value - estimate.error, estimate.value + estimate.error


def inside(exact: float, estimate: Estimate) -> bool:
    """Whether a number lies in the interval, up to the rounding of the test's own arithmetic."""
    return abs(exact - estimate.value) <= estimate.error * (1 + 1e-12) + 1e-300


@given(ESTIMATES, ESTIMATES)
def test_bars_of_sum_difference_and_product_hold_every_value(a, b):
    for x, y in itertools.product(ends(a), ends(b)):
        assert inside(x + y, Estimate((a + b).value, (a + b).error + 1e-15 * (abs(x) + abs(y))))
        assert inside(x - y, Estimate((a - b).value, (a - b).error + 1e-15 * (abs(x) + abs(y))))
        assert inside(x * y, Estimate((a * b).value, (a * b).error + 1e-15 * abs(x * y)))


@given(ESTIMATES)
def test_bar_of_a_square_holds_every_value(a):
    for x in ends(a):
        assert inside(x * x, Estimate(a.squared().value, a.squared().error + 1e-15 * x * x))


@given(ESTIMATES, ESTIMATES)
def test_bar_of_a_quotient_holds_every_value(a, b):
    quotient = a / b
    if b.value == 0.0:
        assert not quotient.finite and "zero" in quotient.why
        return
    if abs(b.value) <= b.error:
        assert quotient.error == math.inf
        return
    for x, y in itertools.product(ends(a), ends(b)):
        if abs(y) > 1e-9 * abs(b.value) and quotient.error < 1e250:
            assert inside(x / y, Estimate(quotient.value, quotient.error * (1 + 1e-6) + 1e-14 * abs(x / y)))


def test_exact_operands_leave_only_rounding():
    a, b = Estimate(3.0), Estimate(7.0)
    for result, exact in ((a + b, 10.0), (a - b, -4.0), (a * b, 21.0)):
        assert result.value == exact and 0.0 < result.error < 1e-12
    assert (a / b).value == 3.0 / 7.0


def test_scaled_by_an_exact_number():
    scaled = Estimate(2.0, 0.1, "L").scaled(-3.0)
    assert (scaled.value, scaled.unit) == (-6.0, "L")
    assert scaled.error == pytest.approx(0.3, rel=1e-15)
    assert Estimate(2.0, 0.1, "L").scaled(2.0, "L2").unit == "L2"


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__mul__", "__truediv__"])
@pytest.mark.parametrize("missing", [Estimate.undefined("no value"), Estimate.infinite("too heavy")])
def test_a_missing_operand_leaves_no_value_and_its_reason(operation, missing):
    one = Estimate(1.0, 0.1)
    for left, right in ((one, missing), (missing, one)):
        result = getattr(left, operation)(right)
        assert math.isnan(result.value) and math.isnan(result.error) and not result.finite
        assert result.why == missing.why


def test_json_never_holds_nan_or_infinity():
    entries = [
        Estimate(1.5, 0.25, "L").json(),
        Estimate(1.5, math.inf).json(),
        Estimate.infinite("heavy tail").json(),
        Estimate.undefined("D0 is zero").json(),
    ]
    json.dumps(entries, allow_nan=False)
    assert entries[0] == {"value": 1.5, "error": 0.25, "unit": "L"}
    assert (entries[1]["value"], entries[1]["error"]) == (1.5, None)
    assert (entries[2]["value"], entries[2]["error"], entries[2]["why"]) == ("inf", None, "heavy tail")
    assert (entries[3]["value"], entries[3]["status"], entries[3]["why"]) == (None, "undefined", "D0 is zero")


def test_text():
    assert str(Estimate(0.25, 1e-9)) == "0.25 ± 1.0e-09"
    assert (str(Estimate.infinite("")), str(Estimate.undefined(""))) == ("inf", "undefined")


@pytest.mark.parametrize(
    ("lhs", "rhs", "error", "verdict"),
    [
        (1.0, 2.0, 1e-9, "holds"),
        (2.0, 1.0, 1e-9, "violated"),
        (1.0, 1.0, 1e-9, "holds"),  # equality inside the bar
        (1.0 + 0.9e-9, 1.0, 1e-9, "holds"),
        (1.0 + 1.1e-9, 1.0, 1e-9, "violated"),
        (1.0, 2.0, 1e-2, "undecided"),  # the bar is too wide to mean anything, whatever the margin
        (2.0, 1.0, 1e-2, "violated"),
        (1.0 + 0.9e-2, 1.0, 1e-2, "undecided"),
        (0.0, 0.0, 0.0, "holds"),
        (0.0, 0.0, 1e-30, "undecided"),
        (-2.0, -1.0, 1e-9, "holds"),
        (-1.0, -2.0, 1e-9, "violated"),
        (math.nan, 1.0, 0.0, "undefined"),
        (1.0, math.inf, 0.0, "undefined"),
        (1.0, 2.0, math.nan, "undefined"),
        (1.0, 2.0, math.inf, "undefined"),
    ],
)
def test_verdict_of_an_inequality(lhs, rhs, error, verdict):
    relation = Relation("name", "1", lhs, rhs, error)
    assert relation.verdict == verdict
    json.dumps(relation.json(), allow_nan=False)
    if math.isfinite(lhs) and math.isfinite(rhs):
        assert relation.margin == rhs - lhs


@pytest.mark.parametrize(
    ("lhs", "rhs", "error", "verdict"),
    [
        (1.0, 1.0, 1e-9, "holds"),
        (1.0, 1.0 + 0.9e-9, 1e-9, "holds"),
        (1.0 + 0.9e-9, 1.0, 1e-9, "holds"),
        (1.0, 1.0 + 1.1e-9, 1e-9, "violated"),
        (1.0 + 1.1e-9, 1.0, 1e-9, "violated"),
        (1.0, 2.0, 1e-9, "violated"),
        (1.0, 1.001, 1e-2, "undecided"),
    ],
)
def test_verdict_of_an_equality(lhs, rhs, error, verdict):
    relation = Relation("name", "1", lhs, rhs, error, equality=True)
    assert relation.verdict == verdict
    assert relation.margin == -abs(rhs - lhs)


def test_the_stated_tolerance_decides_what_is_undecided():
    bar = 2.0 * TOLERANCE * 5.0
    assert Relation("name", "1", 1.0, 5.0, bar).verdict == "undecided"
    assert Relation("name", "1", 1.0, 5.0, bar, tolerance=4.0 * TOLERANCE).verdict == "holds"
    assert Relation("name", "1", 1.0, 5.0, 0.5 * TOLERANCE * 5.0).verdict == "holds"


def test_an_undefined_relation_says_why():
    relation = Relation.undefined("speed-accuracy", "77", "D0 is infinite")
    assert relation.verdict == "undefined"
    entry = relation.json()
    assert (entry["lhs"], entry["rhs"], entry["margin"], entry["why"]) == (None, None, None, "D0 is infinite")


@pytest.mark.parametrize("order", [0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("ratio", [2.0, 3.0])
def test_order_and_limit_of_a_pure_power(order, ratio):
    values = [0.7 + 0.1 * ratio ** (-order * k) for k in range(3)]
    assert observed_order(values, ratio) == pytest.approx(order, rel=1e-6)
    assert richardson(values[-2], values[-1], order, ratio) == pytest.approx(0.7, rel=1e-12)


def test_no_order_from_equal_values():
    assert math.isnan(observed_order([1.0, 1.0, 0.5])) and math.isnan(observed_order([1.0, 0.5, 0.5]))


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_bar_of_a_refinement_holds_the_limit(order, sign):
    for second in (0.0, 0.5):  # a term of the next order spoils the pure power
        values = [2.0 + sign * 0.1 * (2 ** (-order * k) + second * 2 ** (-(order + 1) * k)) for k in range(4)]
        for count in (2, 3, 4):
            assert abs(values[count - 1] - 2.0) <= refinement_error(values[:count], order) * (1 + 1e-9)


@pytest.mark.parametrize("seen", [0.25, 0.5, 1.0])
def test_the_bar_is_widened_where_the_order_falls_short(seen):
    values = [1.0 + 0.1 * 2 ** (-seen * k) for k in range(3)]
    assert abs(values[-1] - 1.0) <= refinement_error(values, 2.0) * (1 + 1e-9)


def test_the_bar_is_never_narrower_than_the_last_difference():
    assert refinement_error([1.0, 1.5, 1.4], 2.0) >= 0.1
    assert refinement_error([1.0, 1.1, 1.3], 1.0) >= 0.2
