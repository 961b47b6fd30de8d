"""The validation of the theorems runs at its smallest level, and can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from fpsolve.estimates import Estimate
from validation.command import Findings
from validation.theorems import published, schedule_independence, verdicts

MODULES = {"verdicts": verdicts, "schedule_independence": schedule_independence, "published": published}


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
