"""The validation of the theorems runs at its smallest level, and can fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fpsolve as fp
from fpsolve.estimates import Estimate
from validation.command import Findings
from validation.theorems import generation, plane, published, schedule_independence, schedules, thermodynamics, verdicts

MODULES = {
    "verdicts": verdicts,
    "schedule_independence": schedule_independence,
    "published": published,
    "thermodynamics": thermodynamics,
    "schedules": schedules,
    "generation": generation,
}


@pytest.mark.parametrize("name", MODULES)
def test_quick_level(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    status = MODULES[name].main(["--level", "quick", "--out", str(tmp_path)])
    text = capsys.readouterr().out
    assert status == 0, text
    assert "as the theory demands" in text
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000


def test_all_three_verdicts_come_out():
    found = verdicts.Findings(("case", "relation", "sides", "margin", "bar", "verdict", "due"))
    one, two = Estimate(1.0, 1e-9), Estimate(2.0, 1e-9)
    for due, relation in (
        ("holds", verdicts.compare("a <= b", one, two)),
        ("violated", verdicts.compare("b <= a", two, one)),
        ("undecided", verdicts.compare("a <= b", one, Estimate(2.0, 0.5))),
    ):
        verdicts.expect(found, due, relation, "case")
    assert found.complaints == [] and [row[5] for row in found.rows] == ["holds", "violated", "undecided"]


def test_a_wrong_verdict_is_a_complaint(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    found = Findings(("case", "relation", "sides", "margin", "bar", "verdict", "due"))
    verdicts.expect(found, "holds", verdicts.compare("b <= a", Estimate(2.0), Estimate(1.0)), "case")
    assert found.complaints == ["case: b <= a is violated, due holds"]
    monkeypatch.setattr(verdicts, "check", lambda level: found)
    assert verdicts.main([]) == 1
    assert "NOT as the theory demands" in capsys.readouterr().out


def test_responses_that_differ_are_a_complaint():
    differs = schedule_independence.differs
    assert differs(Estimate(1.0, 1e-12), Estimate(1.0 + 1e-12, 1e-12), 1e-9) == ""
    assert "bars" in differs(Estimate(1.0, 1e-12), Estimate(1.0 + 1e-11, 1e-12), 1e-9)
    assert "of itself" in differs(Estimate(1.0, 1e-3), Estimate(1.0 + 1e-6, 1e-3), 1e-9)
    assert "bars" in differs(Estimate(1.0, 0.0), Estimate(float("nan"), 0.0), 1e-9)


def test_an_experiment_in_the_plane_reports_orders_and_equalities(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Normal data at a very small size in place of the roll: everything the command prints and writes."""

    def small(cells: tuple[int, int]) -> plane.Groups:
        data, start = fp.PlaneGaussian(std=0.8), fp.PlaneGaussian((0.5, 0.0), std=1.0)
        schedules = {
            "cosine": fp.Cosine(),
            "cond-ot": fp.ConditionalOptimalTransport(),
            "optimal-transport": fp.OptimalTransport(target=fp.PlaneGaussian(std=1.0)),
        }
        return {"shifted": {n: fp.PlaneCase(data, s, start, cells=cells) for n, s in schedules.items()}}

    monkeypatch.setitem(plane.EXPERIMENTS, "a", small)
    status = plane.main(["a", "--cells", "40", "--workers", "0", "--out", str(tmp_path)])
    text = capsys.readouterr().out
    assert status == 0, text
    assert "order of c2: optimal-transport < cosine < cond-ot" in text
    assert "shifted: eta(cosine) = eta(cond-ot)" in text and "0 violated" in text
    assert (tmp_path / "plane-a.txt").read_text(encoding="utf-8").strip() == text.strip()
    assert (tmp_path / "plane-a.png").stat().st_size > 5_000
    numbers = json.loads((tmp_path / "plane-a.json").read_text(encoding="utf-8"))
    assert set(numbers["shifted"]["cosine"]) >= {"eta", "c1", "c2", "dissipation", "D0"}


def test_an_order_says_where_the_bars_do_not_decide():
    estimates = {"a": Estimate(1.0, 0.1), "b": Estimate(1.05, 0.1), "c": Estimate(2.0, 0.1)}
    assert plane.order(estimates) == "a ? b < c"


def test_a_wrong_total_is_a_complaint():
    _, trial = next(iter(thermodynamics.trials("quick")))
    solution = fp.solve(trial.problem, trial.start, [0.0, trial.end])
    measured = fp.trade_offs(solution)
    measured.estimates["work"] = Estimate(measured["work"].value + 1e-3, 1e-4)
    assert any("work is off" in text for text in thermodynamics.compare(trial, measured, 1e-5)[1])
    assert any("miss the energy" in text for text in thermodynamics.balance(measured)[1])
