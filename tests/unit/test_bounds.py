"""Every relation on measurements made by hand: sides, verdict, the instant or link that is reported."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from fpsolve.bounds import (
    RELATIONS,
    benamou_brenier,
    chi2_invariance,
    conditional_energy_bound,
    excess,
    instantaneous_speed_accuracy,
    minimum_dissipation,
    optimal_protocol,
    second_law,
    speed_accuracy_relation,
    speed_limit_hierarchy,
    uncertainty_optimal,
    uncertainty_x,
    uncertainty_x2,
    v1_below_v2,
)
from fpsolve.bounds.comparison import tightest_instant, tightest_link
from fpsolve.estimates import Estimate
from fpsolve.thermodynamics import Measurement

TIMES = np.array([0.1, 0.5, 0.9])
BAR = 1e-10


def measurement(**changes) -> Measurement:
    """A consistent measurement: everything holds with room, except for the equalities."""
    quantities = {
        "eta": 0.10, "c1": 0.15, "c2": 0.50, "dissipation": 0.50, "D0": 2.0,
        "W1_initial": 1.0, "W1_final": 0.5, "W2": 0.8, "path_length": 0.85, "conditional_energy": 0.7,
    }  # fmt: skip
    series = {
        "dissipation": [0.2, 0.3, 0.4],
        "action": [0.2, 0.3, 0.4],
        "v1": [0.4, 0.5, 0.6],
        "mean_rate": [0.1, -0.2, 0.3],
        "second_moment": [1.0, 1.0, 2.0],
        "second_moment_rate": [0.5, 0.6, -0.7],
        "system": [0.05, 0.2, 0.3],
        "bath": [0.15, 0.1, 0.1],
        "chi2": [2.0, 2.0, 2.0],
        "v_loss_squared": [0.1, 0.15, 0.3],
    }
    quantities |= changes.pop("quantities", {})
    series |= changes.pop("series", {})
    probes = changes.pop(
        "probes",
        tuple({"t": t, "v2_squared": (v, BAR), "projection": (v, BAR), "dissipation": (v, BAR)}
              for t, v in ((0.2, 0.25), (0.7, 0.35))),
    )  # fmt: skip
    estimates = {
        name: value if isinstance(value, Estimate) else Estimate(value, BAR) for name, value in quantities.items()
    }
    made = {
        "tau": 1.5,
        "quantities": estimates,
        "times": TIMES,
        "series": {name: np.array(values, float) for name, values in series.items()},
        "errors": {name: np.full(3, BAR) for name in series},
        "probes": probes,
        "temperature": np.ones(3),
    }
    return Measurement(**(made | changes))


def test_all_hold_on_a_consistent_measurement():
    verdicts = {relation(measurement()).verdict for relation in RELATIONS}
    assert verdicts == {"holds"}


def test_every_relation_can_be_violated():
    broken = {
        second_law: {"series": {"system": [0.05, 0.3, 0.3]}},
        benamou_brenier: {"quantities": {"W2": 0.9}},
        minimum_dissipation: {"quantities": {"W2": 0.9}},
        excess: {"probes": ({"t": 0.2, "v2_squared": (0.25, BAR), "dissipation": (0.26, BAR)},)},
        speed_limit_hierarchy: {"quantities": {"path_length": 0.7}},
        uncertainty_x: {"series": {"mean_rate": [0.1, 0.6, 0.3]}},
        uncertainty_x2: {"series": {"second_moment_rate": [0.5, 1.2, -0.7]}},
        uncertainty_optimal: {
            "probes": ({"t": 0.2, "v2_squared": (0.25, BAR), "projection": (0.26, BAR), "dissipation": (0.25, BAR)},)
        },
        v1_below_v2: {"series": {"v1": [0.4, 0.6, 0.6]}},
        chi2_invariance: {"series": {"chi2": [2.0, 2.0, 2.001]}},
        instantaneous_speed_accuracy: {"series": {"v_loss_squared": [0.1, 0.31, 0.2]}},
        speed_accuracy_relation: {"quantities": {"eta": 0.16}},
        optimal_protocol: {"quantities": {"path_length": 0.79}},
        conditional_energy_bound: {"quantities": {"conditional_energy": 0.49}},
    }
    assert broken.keys() == set(RELATIONS)
    for relation, changes in broken.items():
        assert relation(measurement(**changes)).verdict == "violated", relation.__name__


SIDES = {
    second_law: (0.2, 0.2),
    benamou_brenier: (0.64, 0.75),
    minimum_dissipation: (0.64 / 1.5, 0.5),
    excess: (0.25, 0.25),
    speed_limit_hierarchy: (0.7225, 0.75),
    uncertainty_x: (0.09, 0.4),
    uncertainty_x2: (0.49 / 8.0, 0.4),
    uncertainty_optimal: (0.25, 0.25),
    v1_below_v2: (0.36, 0.4),
    chi2_invariance: (2.0, 2.0),
    instantaneous_speed_accuracy: (0.3, 0.4),
    speed_accuracy_relation: (0.10, 0.15),
    optimal_protocol: (0.7225 / 1.5, 0.5),
    conditional_energy_bound: (0.5, 0.7),
}


@pytest.mark.parametrize("relation", RELATIONS)
def test_sides(relation):
    left, right = SIDES[relation]
    result = relation(measurement())
    if relation in (v1_below_v2, uncertainty_x, uncertainty_x2):
        # the tightest instant is found by relative margin: compute it here
        sides = {
            v1_below_v2: np.array([0.16, 0.25, 0.36]),
            uncertainty_x: np.array([0.01, 0.04, 0.09]),
            uncertainty_x2: np.array([0.25, 0.36, 0.245]) / 4.0,
        }[relation]
        i = int(np.argmax(sides / np.array([0.2, 0.3, 0.4])))
        left, right = sides[i], (0.2, 0.3, 0.4)[i]
        assert f"t = {TIMES[i]:g}" in result.note
    assert (result.lhs, result.rhs) == pytest.approx((left, right), rel=1e-14)
    assert 0.0 < result.error < 1e-8


def test_temperature_scales_the_entropy_but_not_the_dissipation():
    cold = measurement(temperature=np.full(3, 0.25))
    assert minimum_dissipation(cold).lhs == pytest.approx(4.0 * 0.64 / 1.5)
    assert minimum_dissipation(cold).rhs == pytest.approx(2.0)
    assert second_law(cold).verdict == "violated"  # system and bath were made for T = 1
    assert second_law(cold).rhs == pytest.approx(4.0 * second_law(cold).lhs)


def test_what_is_undefined_and_why():
    bare = measurement(temperature=None, probes=())
    for relation in (second_law, minimum_dissipation, excess, uncertainty_optimal):
        assert relation(bare).verdict == "undefined" and relation(bare).why
    changing = measurement(temperature=np.array([1.0, 1.0, 2.0]))
    assert "changes" in minimum_dissipation(changing).why
    assert minimum_dissipation(measurement(temperature=np.array([1.0, 1.0, np.inf]))).verdict == "undefined"
    heavy = Estimate.infinite("heavy tail")
    reason = Estimate.undefined("D0 is infinite: heavy tail")
    infinite = measurement(quantities={"D0": heavy, "eta": reason, "c1": reason})
    for name in ("chi2", "v_loss_squared"):
        infinite.series.pop(name)
    for relation in (chi2_invariance, instantaneous_speed_accuracy, speed_accuracy_relation):
        assert relation(infinite).verdict == "undefined" and "heavy tail" in relation(infinite).why
    assert benamou_brenier(infinite).verdict == "holds"


def test_chi2_is_not_invariant_in_a_window():
    whole = measurement()
    assert chi2_invariance(dataclasses.replace(whole, whole=whole)).verdict == "undefined"


def test_a_window_widens_the_bars_by_what_it_cuts():
    whole = measurement()
    cut = measurement(quantities={"c1": 0.14}, series={"v1": [0.4, 0.5, 0.59]})
    widened = dataclasses.replace(cut, whole=whole).widened()
    assert widened.quantities["c1"].error == pytest.approx(0.01 + BAR)
    assert widened.quantities["c1"].value == 0.14
    assert widened.errors["v1"] == pytest.approx([BAR, BAR, 0.01 + BAR])
    assert whole.widened() is whole


# --- the tightest instant and link ----------------------------------------------------------------------------------


def instant(lhs, rhs, error=1e-12, **options):
    made = dataclasses.replace(measurement(), times=np.arange(float(len(lhs))))
    left, right = np.array(lhs, float), np.array(rhs, float)
    bars = np.full(left.shape, error), np.zeros(right.shape)
    return tightest_instant("n", "1", made, (left, bars[0]), (right, bars[1]), **options)


def test_the_least_relative_margin_is_reported():
    relation = instant([1.0, 99.0, 5.0], [2.0, 100.0, 50.0])
    assert (relation.lhs, relation.rhs, relation.note) == (99.0, 100.0, "at t = 1")


def test_a_violation_is_never_hidden():
    # by a tighter instant that holds, nor because everything nearly vanishes there
    assert instant([1.0, 99.999999], [0.9, 100.0]).verdict == "violated"
    assert instant([1e-6, 1.0], [0.9e-6, 2.0]).verdict == "violated"
    assert instant([1.0, np.nan], [0.9, 1.0]).verdict == "violated"


def test_an_instant_at_which_everything_vanishes_decides_nothing():
    relation = instant([0.0, 1.0], [1e-20, 2.0])
    assert relation.verdict == "holds" and relation.rhs == 2.0


def test_infinite_and_missing_instants_are_passed_over():
    assert instant([np.nan, 1.0], [1.0, 2.0]).rhs == 2.0
    assert instant([1.0, 1.0], [np.inf, 2.0]).rhs == 2.0
    assert instant([np.nan], [1.0]).verdict == "undefined"
    assert instant([0.0], [0.0]).verdict == "undefined"


def test_a_wide_bar_at_the_reported_instant_is_undecided():
    assert instant([1.0, 1.0], [2.0, 3.0], error=0.1).verdict == "undecided"


def test_an_equality_reports_the_largest_gap():
    relation = instant([1.0, 1.0, 1.0], [1.0 + 1e-14, 1.1, 0.99], equality=True)
    assert relation.verdict == "violated" and relation.rhs == 1.1


def link(*sides, error=1e-12, tolerance=1e-6):
    made = dataclasses.replace(measurement(), tolerance=tolerance)
    rows = [(f"link {i}", Estimate(a, error), Estimate(b, error)) for i, (a, b) in enumerate(sides)]
    return tightest_link("n", "1", made, rows)


def test_the_tightest_link_is_reported():
    relation = link((1.0, 2.0), (2.0, 2.1), (2.1, 9.0))
    assert (relation.verdict, relation.note) == ("holds", "link 1")


def test_a_violated_link_comes_first():
    assert link((1.0, 1.0), (2.0, 1.9), (1.0, 1.0)).note == "link 1"
    assert link((1.0, 1.0), (2.0, 1.9)).verdict == "violated"


def test_an_undecided_link_comes_before_one_that_holds():
    made = measurement()
    rows = [("sure", Estimate(1.0, 0.0), Estimate(1.0, 0.0)), ("unsure", Estimate(1.0, 0.1), Estimate(9.0, 0.1))]
    assert tightest_link("n", "1", made, rows).verdict == "undecided"


def test_a_missing_side_leaves_the_chain_undefined():
    made = measurement()
    rows = [("a", Estimate(1.0), Estimate.undefined("none")), ("b", Estimate(1.0), Estimate(2.0))]
    result = tightest_link("n", "1", made, rows)
    assert result.verdict == "undefined" and "none" in result.why


def test_the_stated_tolerance_is_used():
    assert link((1.0, 2.0), error=1e-5).verdict == "undecided"
    assert link((1.0, 2.0), error=1e-5, tolerance=1e-3).verdict == "holds"


def test_the_chain_goes_on_to_a_dissipation_that_is_not_c2():
    relation = speed_accuracy_relation(measurement(quantities={"dissipation": 0.4}, conservative=False))
    assert relation.verdict == "violated" and "int T S'" in relation.note
    assert math.isclose(relation.rhs, 0.4)
