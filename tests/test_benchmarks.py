"""The benchmarks run at their smallest size: rows are complete, and a ratio is only given at matched error."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from validation.benchmarks import speed_accuracy, transport_line


def result_of(benchmark: Any, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert benchmark.main(["--small", "--json"]) == 0
    text = capsys.readouterr().out
    result: dict[str, Any] = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in the JSON"))
    assert benchmark.table(result)
    return result


def test_transport_line(capsys: pytest.CaptureFixture[str]):
    result = result_of(transport_line, capsys)
    measured = [row for row in result["rows"] if "value" in row]
    ours = [row for row in measured if row["method"].startswith("fpsolve")]
    assert {row["quantity"] for row in ours} == {"W1", "W2"}
    assert all(row["cpu_seconds"] > 0.0 and math.isfinite(row["error"]) for row in measured)
    for row in ours:
        assert (row["ratio"] is None) == ("why" in row)
        # the exact rule's bar is that of the cells as they are; the high-order one knows what cells leave out
        assert row["method"] == "fpsolve exact" or row["error"] <= row["bar"] + 1e-14
    assert all("ratio" not in row or row in ours for row in measured)
    # near equilibrium cells are not atoms
    near = [row for row in ours if row["problem"] == "shift 1e-06"]
    assert near and max(row["relative_error"] for row in near) < 1e-3


def test_speed_accuracy(capsys: pytest.CaptureFixture[str]):
    result = result_of(speed_accuracy, capsys)
    for row in result["cases"]:
        assert 0.0 < row["cpu_seconds"] and set(row["parts"]) == {"diffuse", "generate", "speed_accuracy"}
        assert row["within_target"] == (row["cpu_seconds"] <= result["target_seconds"])
    comparison = result["comparison"]
    assert max(comparison["ours"]["relative_bar"].values()) < 1e-10
    for row in comparison["rows"]:
        assert (row["ratio"] is None) == ("why" in row) == (max(row["relative_error"].values()) > 1e-8)
        assert max(row["relative_error"].values()) < 0.1


def test_by_hand_agrees_when_it_is_fine():
    """The comparison's own panels, many of them, are an independent check of all three numbers."""
    result = speed_accuracy.experiment(speed_accuracy.paper_cases(cells=50, steps=4)[speed_accuracy.COMPARED])
    found = speed_accuracy.by_panels(192, 4)
    for name in speed_accuracy.NAMES:
        assert found[name] == pytest.approx(result[name].value, rel=1e-10)


def test_a_missing_peer_is_a_row(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transport_line, "peers", lambda order: [("POT", None, "not installed: no module")])
    pair = {100: transport_line.shifted_pair(100, 0.01)}
    rows = transport_line.measure("shift 0.01", 2, 0.01, pair, 1)
    assert [row["ratio"] for row in rows[:2]] == [None, None]
    assert rows[0]["why"] == "no peer is installed"
    assert rows[2] == {"problem": "shift 0.01", "quantity": "W2", "method": "POT", "why": "not installed: no module"}
