"""The built-in cases and problems, the equalities between them, and what a verification says."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest

from fpsolve.bounds import RELATIONS
from fpsolve.cases import METHODS, case_from_recipe
from fpsolve.estimates import Estimate, Relation
from fpsolve.experiments import (
    PUBLISHED_ETA,
    PURPOSES,
    SCHEDULES,
    STARTS,
    STATEMENTS,
    Verification,
    paper_cases,
    verify,
    verify_cases,
    verify_problems,
)
from fpsolve.experiments.learned import learned_cases
from fpsolve.experiments.summary import bar, short
from fpsolve.experiments.verification import equalities, run_cases
from fpsolve.results import Incomplete, SpeedAccuracy, TradeOffs
from fpsolve.settings import InputError
from fpsolve.solution import Setup

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def results():
    cases = paper_cases(cells=60, steps=6)
    chosen = {name: cases[f"mean/{name}"] for name in SCHEDULES}
    infinite = dataclasses.replace(verify_cases()["infinite"], cells=60, steps=6)
    return run_cases({f"mean/{name}": case for name, case in chosen.items()} | {"infinite": infinite})


@pytest.fixture(scope="module")
def verification(results):
    return Verification("quick", results, tuple(equalities(results)), 1.0)


@pytest.fixture(scope="module")
def solved():
    """The built-in problems of the quick level."""
    return run_cases(verify_problems())


def test_the_paper_has_twelve_cases():
    cases = paper_cases()
    assert list(cases) == [f"{start}/{schedule}" for start in STARTS for schedule in SCHEDULES]
    assert all(case.tau == 1.0 and case.window is None for case in cases.values())
    assert PUBLISHED_ETA.keys() == STARTS.keys()
    assert all(row.keys() == SCHEDULES.keys() for row in PUBLISHED_ETA.values())


def test_data_and_starts_are_the_papers():
    data = paper_cases()["mean/cosine"].data
    assert abs(data.mean) < 1e-15 and abs(data.variance - 0.44) < 1e-14
    assert STARTS["mixture"].components.std[1] == pytest.approx(0.8 / math.sqrt(0.94), rel=1e-15)
    assert STARTS["uniform"].variance == pytest.approx(1.0, rel=1e-14)


def test_levels():
    quick, full = verify_cases("quick"), verify_cases("full")
    assert quick.keys() < full.keys()
    plane = {name for name in PURPOSES if name.startswith("plane-")}
    assert plane and plane < set(full)
    assert set(quick) == set(paper_cases()) | set(PURPOSES) - plane - {*verify_problems("full"), *learned_cases("full")}
    assert {case.estimated for case in full.values()} == set(METHODS)
    few, all_problems = verify_problems("quick"), verify_problems("full")
    assert few.keys() < all_problems.keys() < PURPOSES.keys() and not all_problems.keys() & full.keys()
    assert any(setup.problem.dimension == 2 for setup in all_problems.values())
    for of_level in (verify_cases, verify_problems):
        with pytest.raises(InputError, match="quick"):
            of_level("quik")


@pytest.mark.parametrize("name", list(verify_cases("full")))
def test_a_case_survives_its_recipe(name):
    case = verify_cases("full")[name]
    assert case_from_recipe(json.loads(json.dumps(case.recipe()))).recipe() == case.recipe()


@pytest.mark.parametrize("name", ["dragged-trap", "tilted-ring"])
def test_a_problem_survives_its_recipe(name, solved):
    recipe = json.loads(json.dumps(solved[name].json()["case"]))
    again, setup = Setup.from_recipe(recipe), verify_problems()[name]
    assert "python" not in recipe
    assert again.problem.force == setup.problem.force and again.problem.temperature == setup.problem.temperature
    assert (again.times == setup.times).all()


def test_every_relation_that_applies_to_a_problem_holds(solved):
    assert {type(result) for result in solved.values()} == {TradeOffs}
    verification = Verification("quick", solved, (), 1.0)
    assert verification.violated == verification.undecided == ()
    reasons = {(case, r.name): r.why for case, r in verification.relations() if r.verdict == "undefined"}
    assert "needs a potential" in reasons["tilted-ring", "jarzynski"]
    assert "not the equilibrium" in reasons["double-well", "jarzynski"]
    assert {name for case, name in reasons if case == "dragged-trap"} == {"excess"}


def test_the_problems_have_their_closed_forms(solved):
    """Work and W2 of a dragged trap; of a ring whose current has settled, housekeeping is all that grows."""
    trap = solved["dragged-trap"]
    k, v, T, t = 1.0, 2.0, 0.5, 3.0
    lag = v / k * -math.expm1(-k * t)
    exact = {"work": v * v * t - v * lag, "W2": v * t - lag, "path_length": v * t - lag, "jarzynski": 1.0}
    exact["entropy_production"] = (exact["work"] - 0.5 * k * lag**2) / T
    for name, value in exact.items():
        assert abs(trap[name].value - value) <= min(trap[name].error, 1e-4), name
    books = solved["tilted-ring"].data
    growth = books[["entropy_production", "housekeeping"]].isel(time=slice(-2, None)).diff("time")
    assert float(growth["housekeeping"][0] / growth["entropy_production"][0]) > 0.99


@pytest.fixture(scope="module")
def learned():
    return run_cases(learned_cases("quick"))


def test_learned_velocities_obey_their_bounds(learned):
    for result in learned.values():
        assert [relation.verdict for relation in result.relations] == ["holds", "holds"]
        paper, sharp = result.relations
        assert paper.lhs == sharp.lhs and sharp.rhs <= paper.rhs
        assert abs(result["W1_start"].value - 1.0) < 1e-12 and abs(result["D_start"].value - math.expm1(1.0)) < 1e-11
        assert json.loads(json.dumps(result.json(), allow_nan=False))["case"]["basis"]["kind"] == "splines"
        assert set(result.data.dims) == {"time"} and result.data.sizes["time"] > 100


def test_every_relation_is_stated(results, solved, learned):
    found = [relation.name for relation in results["mean/cosine"].relations]
    assert found == list(STATEMENTS)[: len(found)] and len(found) == len(RELATIONS)
    of_solutions = {relation.name for result in solved.values() for relation in result.relations}
    of_learned = {relation.name for result in learned.values() for relation in result.relations}
    assert set(STATEMENTS) == {*found, *of_solutions, *of_learned}
    theorems = (DOCS / "theorems.md").read_text(encoding="utf-8")
    assert [name for name in STATEMENTS if f"`{name}`" not in theorems] == []
    spoken_of = [name for name in PURPOSES if name in verify_cases("full")]
    assert [
        name for name in spoken_of if f"`{name}`" not in theorems and name not in ("vp-linear", "uniform-data")
    ] == []


def test_equalities_hold(verification):
    found = {(e.relation.name, e.relation.verdict) for e in verification.equalities}
    assert found == {(name, "holds") for name in ("schedule-independence", "geodesic-rate", "geodesic-cost")}


def test_equalities_can_fail(results):
    wrong = results["mean/cond-ot"]
    shifted = wrong.estimates | {"eta": Estimate(wrong["eta"].value * (1.0 + 1e-9), wrong["eta"].error)}
    found = equalities(results | {"mean/cond-ot": dataclasses.replace(wrong, estimates=shifted)})
    assert [e.cases for e in found if e.relation.verdict == "violated"] == [("mean/cosine", "mean/cond-ot")]


def test_json_is_the_contracts(verification, results):
    found = json.loads(json.dumps(verification.json(), allow_nan=False))
    assert list(found) == ["cases", "relations", "equalities", "summary", "seconds"]
    assert found["cases"].keys() == results.keys()
    assert len(found["relations"]) == len(results) * len(RELATIONS)
    assert all(relation["case"] in results for relation in found["relations"])
    assert sum(found["summary"].values()) == len(found["relations"])
    assert list(found["summary"]) == ["holds", "violated", "undecided", "undefined"]
    assert found["summary"]["violated"] == len(verification.violated) == 0
    assert found["cases"]["infinite"]["quantities"]["D0"]["value"] == "inf"


def test_json_of_problems_is_the_contracts(solved):
    verification = Verification("quick", solved, (), 1.0)
    found = json.loads(json.dumps(verification.json(), allow_nan=False))
    assert found["cases"].keys() == solved.keys()
    for name, run in found["cases"].items():
        assert {"case", "quantities", "relations", "diagnostics"} <= run.keys()
        assert [r for r in found["relations"] if r["case"] == name] == [r | {"case": name} for r in run["relations"]]


def test_text_has_a_table_of_solutions(results, solved):
    text = Verification("quick", {**results, **solved}, (), 1.0).text()
    header, *rows = text.split("\n\n")[2].splitlines()
    assert header.split() == ["case", "entropy", "production", "W₂", "∫v₂", "dt"]
    assert [row.split()[0] for row in rows] == list(solved)
    assert all(name not in text.split("\n\n")[0] for name in solved)


def test_text_has_every_case_and_the_published_figures(verification):
    text = verification.text()
    for name in verification.cases:
        assert f"\n{name} " in text
    assert "0.09188" in text and "0.08981213868" in text and "there is one" in text
    assert "undefined: minimum-dissipation: the temperature changes in time (3 cases)" in text
    assert "inf" in text


def test_a_violation_is_told(results):
    wrong = Relation("speed-accuracy", "82", 1.0, 0.5, 1e-9)
    loose = Relation("excess", "67", 1.0, 1.5, 1e-3)
    case = dataclasses.replace(results["mean/cosine"], relations=(wrong, loose))
    verification = Verification("quick", {"mean/cosine": case}, (), 1.0)
    assert verification.violated == (("mean/cosine", wrong),)
    assert verification.undecided == (("mean/cosine", loose),)
    assert verification.summary == {"holds": 0, "violated": 1, "undecided": 1, "undefined": 0}
    text = verification.text()
    assert "violated: mean/cosine: speed-accuracy: 1 <= 0.5" in text
    assert "undecided: mean/cosine: excess" in text


def test_progress_names_every_case(monkeypatch):
    cases = dict(list(paper_cases(cells=20, steps=2).items())[:2])
    problems = {"double-well": verify_problems()["double-well"]}
    monkeypatch.setattr("fpsolve.experiments.verification.verify_cases", lambda level: cases)
    monkeypatch.setattr("fpsolve.experiments.verification.verify_problems", lambda level: problems)
    learned = {"learned-coarse": learned_cases()["learned-coarse"]}
    monkeypatch.setattr("fpsolve.experiments.verification.learned_cases", lambda level: learned)
    seen = []
    verification = verify("quick", lambda *step: seen.append(step))
    assert seen == [(name, i, 4) for i, name in enumerate([*cases, "double-well", "learned-coarse"])]
    kinds = [SpeedAccuracy, SpeedAccuracy, TradeOffs, Incomplete]
    assert [type(result) for result in verification.cases.values()] == kinds
    assert verification.seconds > 0.0


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.0898121386834, 1.1e-14, "0.08981213868 ± 2e-14"),
        (1.7182818, 2.0e-3, "1.718 ± 2e-03"),
        (1.0, 0.0, "1.000000000 ± 0"),
        (2.0e-10, 9.5e-20, "2.000000000e-10 ± 1e-19"),
        (math.inf, math.nan, "inf"),
        (math.nan, math.nan, "undefined"),
    ],
)
def test_values_are_written_with_the_digits_that_count(value, error, text):
    assert short(Estimate(value, error)) == text


@pytest.mark.parametrize("error", [1.0, 1.01, 3.4e-12, 9.01e-5, 9.999e-3, 7e-300])
def test_a_written_bar_is_never_narrower(error):
    assert error * (1.0 - 1e-8) <= float(bar(error)) <= 2.0 * error
