"""The convergence studies run at their smallest level and find the declared orders."""

from __future__ import annotations

from pathlib import Path

import pytest

from validation.convergence import defaults, schemes
from validation.convergence import estimated_process as study


def test_quick_level(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    status = study.main(["--level", "quick", "--out", str(tmp_path)])
    text = capsys.readouterr().out
    assert status == 0, text
    assert "orders as declared" in text
    assert (tmp_path / "estimated_process.png").stat().st_size > 10_000


def test_a_wrong_order_is_found():
    good = {"L1": 1e-4, "W1": 1e-5, "eta": 1e-5, "v_loss2": 1e-5, "drift": 1e-3}
    rows = [study.Row("mean", "weno5", 100, good, 0.1), study.Row("mean", "weno5", 200, good | {"L1": 2.5e-5}, 0.1)]
    assert study.judge("mean", "weno5", rows) == ["mean weno5: order 2.00 of L1, declared 5"]
    assert study.judge("uniform", "weno5", rows) == []
    moved = [study.Row("mean", "characteristics", 100, good, 0.1)]
    assert "above round-off" in study.judge("mean", "characteristics", moved)[0]


def test_schemes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    status = schemes.main(["--level", "quick", "--out", str(tmp_path)])
    text = capsys.readouterr().out
    assert status == 0, text
    assert "orders as declared" in text
    assert (tmp_path / "schemes.png").stat().st_size > 10_000


def test_a_scheme_that_is_not_of_its_order_is_found():
    smooth, small = [1e-3, 2.5e-4], [1e-12, 1e-12]
    rows = [("fourth-order", 1, smooth, 2.0), ("upwind", 1, small, 0.0), ("weno5", 1, smooth, 6.6)]
    assert schemes.judge(rows, lambda kind: 4, "flux") == ["flux fourth-order in 1D: order 2.00, declared 4"]


def test_defaults(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    status = defaults.main(["--level", "quick", "--out", str(tmp_path)])
    assert status == 0, capsys.readouterr().out
    assert (tmp_path / "defaults.png").stat().st_size > 10_000
