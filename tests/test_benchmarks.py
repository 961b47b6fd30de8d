"""The benchmarks run at their smallest size: rows are complete, and a ratio is only given at matched error."""

from __future__ import annotations

import importlib
import json
import math
from typing import Any

import numpy as np
import pytest

from validation.benchmarks import peers, speed_accuracy, transport_line, transport_plane
from validation.benchmarks.rivals import plan, plane_plan, processes
from validation.benchmarks.rivals.measure import Entry, measure
from validation.benchmarks.rivals.plane_measure import PlaneEntry
from validation.benchmarks.rivals.plane_problems import PROBLEMS as PLANE_PROBLEMS
from validation.benchmarks.rivals.problems import PROBLEMS


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


def test_peers(capsys: pytest.CaptureFixture[str]):
    result = result_of(peers, capsys)
    solving = [row for row in result["rows"] if "kind" not in row]
    ours = [row for row in solving if row["peer"] == "ours"]
    assert [row["problem"] for row in ours] == list(PROBLEMS)
    assert all("ratio" not in row or row in ours for row in result["rows"])
    for row in ours:
        assert row["matched"] and row["ratio"] > 0.0 and row["error"] <= result["targets"][row["problem"]]
    for row in solving:
        assert ("why" in row) == (not row.get("matched"))
        assert ("cpu_seconds" in row) == ("error" in row) == ("times_ours" in row)
    grown = [row for row in result["rows"] if row.get("kind") == "growth"]
    assert {row["problem"] for row in grown} == {"a", "c"}


def test_no_ratio_without_a_peer_of_that_error():
    us = {"problem": "a", "peer": "ours", "method": "us", "cells": 10, "cpu_seconds": 1.0, "error": 1e-6}
    us |= {"matched": True, "refined_error": 1e-6}
    them = us | {"peer": "scipy_line", "method": "them", "cpu_seconds": 3.0}
    by_hand = them | {"beyond": "fourth order by hand", "cpu_seconds": 0.5}
    coarse = them | {"matched": False, "refined_error": None, "error": 1e-3, "cpu_seconds": 0.1}
    lucky = them | {"matched": False, "refined_error": 1e-5, "cpu_seconds": 0.2}

    def judged(*rows: dict[str, Any]) -> list[dict[str, Any]]:
        return peers.judge([dict(row) for row in rows])

    rows = judged(us, by_hand, coarse, lucky)
    assert rows[0]["ratio"] is None and "no peer" in rows[0]["why"]
    assert rows[1]["times_ours"] == 0.5
    assert "above" in rows[2]["why"] and "cancellation" in rows[3]["why"]
    assert judged(us, them, by_hand, coarse, lucky)[0]["ratio"] == 3.0
    assert judged(us | {"matched": False, "refined_error": None}, them)[0]["ratio"] is None


def test_a_peer_without_package_or_interpreter_is_a_row(monkeypatch: pytest.MonkeyPatch):
    assert "not installed" in measure(Entry("a", "with_nothing", "euler", 10, 1))["why"]
    monkeypatch.setenv("FPSOLVE_PYTHON_NOTHING", "no-such-python")
    assert "does not start" in processes.alone("measure", {}, "nothing", 10.0)["why"]


def test_the_plan_names_what_there_is():
    for entry in (*plan.OURS, *plan.PEERS, *plan.SMALL):
        if entry.module == "ours" or "scipy" in entry.module:
            module = importlib.import_module(f"validation.benchmarks.rivals.{entry.module}")
            assert entry.variant in module.VARIANTS and entry.problem in PROBLEMS


def test_transport_plane(capsys: pytest.CaptureFixture[str]):
    result = result_of(transport_plane, capsys)
    measured = [row for row in result["rows"] if "kind" not in row]
    ours = [row for row in measured if row["peer"] == "ours"]
    assert {(row["problem"], row["quantity"]) for row in ours} == {
        (p, q) for p in ("shift", "ring") for q in ("W1", "W2")
    }
    assert all(row["inside"] and row["cpu_seconds"] > 0.0 for row in ours)
    finest = {(row["problem"], row["quantity"]): row["error"] for row in ours}
    assert finest["shift", "W2"] < 1e-4 and max(finest.values()) < 1e-2
    ratios = [row for row in result["rows"] if row.get("kind") == "matched"]
    assert all((row["ratio"] is None) == ("why" in row) for row in ratios)
    assert all("ratio" not in row for row in measured)


def test_errors_that_cancel_on_one_grid_reach_nothing():
    def row(peer: str, cells: int, seconds: float, error: float) -> dict[str, Any]:
        method = {"peer": peer, "method": peer, "cells": cells, "cpu_seconds": seconds, "error": error}
        return {"problem": "shift", "quantity": "W2"} | method

    us, lucky, honest = row("ours", 32, 1.0, 5e-4), row("a", 32, 0.1, 1e-5), row("a", 64, 0.4, 5e-3)
    found = {line["reached"]: line for line in transport_plane.matched([us, lucky, honest])}
    assert found[1e-2]["ratio"] == pytest.approx(0.1) and found[1e-3]["ratio"] is None
    assert "no peer reaches" in found[1e-3]["why"] and "ours do not" in found[1e-4]["why"]
    slow = row("b", 64, 3.0, 1e-4)
    assert transport_plane.matched([us, lucky, honest, slow])[1]["ratio"] == pytest.approx(3.0)


def test_an_absent_peer_is_a_row_of_each_problem(monkeypatch: pytest.MonkeyPatch):
    plan = [PlaneEntry("shift", order, "with_nothing", "any", cells) for order in (1, 2) for cells in (8, 16)]
    rows = transport_plane.measured(plan, small=True)
    assert [row["quantity"] for row in rows] == ["W1", "W2"]
    assert all("not installed" in row["why"] for row in rows)
    monkeypatch.setenv("FPSOLVE_PYTHON_NOTHING", "no-such-python")
    assert "does not start" in transport_plane.measured(plan[:2], small=False)[0]["why"]


def test_the_plan_in_the_plane_names_what_there_is():
    entries = plane_plan.SMALL + plane_plan.entries(plane_plan.OURS) + plane_plan.entries(plane_plan.PEERS)
    assert {entry.problem for entry in entries} == PLANE_PROBLEMS.keys()
    for entry in entries:
        if entry.peer in {"ours", "scipy_atoms"}:
            module = importlib.import_module(f"validation.benchmarks.rivals.{entry.module}")
            assert entry.variant in module.DISTANCES


@pytest.mark.parametrize("name", PLANE_PROBLEMS)
def test_masses_in_the_plane(name: str):
    """Halving the cells adds up to the same masses, and a lower bound of W_2 holds: the distance of the means."""
    problem = PLANE_PROBLEMS[name]
    coarse, fine = problem.masses(16), problem.masses(32)
    centres = (np.arange(32) + 0.5) / 32
    means = [(mass.sum(axis=1) @ centres, mass.sum(axis=0) @ centres) for mass in fine]
    for few, many in zip(coarse, fine, strict=True):
        assert np.abs(many.reshape(16, 2, 16, 2).sum(axis=(1, 3)) - few).max() < 1e-6
        assert many.sum() == pytest.approx(1.0, rel=1e-12)
    exact = problem.exact()
    assert exact[2] is None or math.dist(*means) <= exact[2] * (1.0 + 1e-5)
    assert exact[1] is None or exact[1] <= exact[2] * (1.0 + 1e-15)
