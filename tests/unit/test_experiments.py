"""The built-in cases, the equalities between them, and what a verification says."""

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
)
from fpsolve.experiments.summary import bar, short
from fpsolve.experiments.verification import equalities, run_cases
from fpsolve.settings import InputError

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
    assert set(quick) == set(paper_cases()) | set(PURPOSES) - plane
    assert {case.estimated for case in full.values()} == set(METHODS)
    with pytest.raises(InputError, match="quick"):
        verify_cases("quik")


@pytest.mark.parametrize("name", list(verify_cases("full")))
def test_a_case_survives_its_recipe(name):
    case = verify_cases("full")[name]
    assert case_from_recipe(json.loads(json.dumps(case.recipe()))).recipe() == case.recipe()


def test_every_relation_is_stated(results):
    found = [relation.name for relation in results["mean/cosine"].relations]
    assert found == list(STATEMENTS) and len(found) == len(RELATIONS)
    theorems = (DOCS / "theorems.md").read_text(encoding="utf-8")
    assert [name for name in STATEMENTS if f"`{name}`" not in theorems] == []
    assert [
        name for name in PURPOSES if f"`{name}`" not in theorems and name not in ("vp-linear", "uniform-data")
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
    monkeypatch.setattr("fpsolve.experiments.verification.verify_cases", lambda level: cases)
    seen = []
    verification = verify("quick", lambda *step: seen.append(step))
    assert seen == [("mean/cosine", 0, 2), ("mean/cond-ot", 1, 2)]
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
