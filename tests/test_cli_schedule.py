"""The command ``schedule``: what it prints, that its arrays run, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fpsolve.cli import main

CASE = """
dimension = 1
tau = 1.0
[data]
kind = "gaussian-mixture"
means = [0.5916079783099616, -0.5916079783099616]
stds = [0.3, 0.3]
[schedule]
{schedule}
"""
START = """
[start]
kind = "gaussian"
mean = 1.0
std = 1.0
[time]
steps = 4
[grid]
cells = 40
"""
PLANE = """
dimension = 2
tau = 1.0
[data]
kind = "gaussian-mixture"
means = [[0.8, 0.0], [-0.8, 0.3]]
stds = [0.4, 0.5]
[grid]
cells = [32, 32]
[schedule]
{schedule}
"""
PLANE_START = """
[start]
kind = "gaussian"
mean = [0.3, 0.0]
std = 1.0
[time]
steps = 4
"""
LINEAR_FORCE = 'kind = "linear-force"\nh = [1.0, 1.0]\ng = 0.0\nT_fin = 1.0'
COSINE = 'kind = "cosine"'
OPTIMAL = 'kind = "optimal-transport"\n[schedule.target]\nkind = "gaussian"\nmean = 0.0\nstd = 1.0'


@pytest.fixture
def case(tmp_path) -> Path:
    path = tmp_path / "case.toml"
    path.write_text(CASE.format(schedule=COSINE), encoding="utf-8")
    return path


def test_the_object_it_prints(case, capsys):
    assert main(["schedule", str(case), "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert printed.err == ""
    assert found["case"]["schedule"]["kind"] == "cosine"
    published = {"c2": 0.202544, "c2_retimed": 0.16905, "c2_geodesic": 0.147289}
    for name, value in published.items():
        entry = found["quantities"][name]
        assert abs(entry["value"] - value) < 1e-4
        assert 0.0 < entry["error"] < 1e-8
        assert entry["unit"] == "1"
    assert found["quantities"]["c2_geodesic"]["value"] < found["quantities"]["c2_best"]["value"] <= 0.1542
    assert 0.0 < found["diagnostics"]["residual"] < 1e-3
    for arrays in found["schedule"].values():
        t, m, sigma = (np.array(arrays[name]) for name in ("t", "m", "sigma"))
        assert 400 <= t.size <= 1000
        assert (t[0], t[-1], m[0], sigma[0], m[-1]) == (0.0, 1.0, 1.0, 0.0, 0.0)
        assert abs(sigma[-1] - 1.0) < 1e-12
        assert np.all(np.diff(t) > 0.0)
        assert np.all(np.diff(np.arctan2(sigma, m)) > 0.0)


@pytest.mark.parametrize("which", ["best", "retimed"])
def test_its_arrays_run_at_the_cost_it_promised(which, case, tmp_path, capsys):
    main(["schedule", str(case), "--json"])
    text = capsys.readouterr().out
    (tmp_path / "designed.json").write_text(text, encoding="utf-8")
    arrays = f'kind = "arrays"\nfile = "designed.json"\nwhich = "{which}"'
    again = tmp_path / "again.toml"
    again.write_text(CASE.format(schedule=arrays) + START, encoding="utf-8")
    main(["run", str(again), "--json"])
    c2 = json.loads(capsys.readouterr().out)["quantities"]["c2"]["value"]
    assert abs(c2 - json.loads(text)["quantities"][f"c2_{which}"]["value"]) < 1e-6


def test_the_plane_and_its_arrays_run_back(tmp_path, capsys):
    path, again = tmp_path / "plane.toml", tmp_path / "again.toml"
    path.write_text(PLANE.format(schedule=COSINE), encoding="utf-8")
    assert main(["schedule", str(path), "--json"]) == 0
    text = capsys.readouterr().out
    found = json.loads(text)["quantities"]
    names = ["c2_geodesic", "c2_best", "c2_retimed", "c2"]
    assert sorted(names, key=lambda name: found[name]["value"]) == names
    assert all(0.0 < found[name]["error"] < 1e-5 for name in names[1:])
    (tmp_path / "designed.json").write_text(text, encoding="utf-8")
    arrays = 'kind = "arrays"\nfile = "designed.json"\nwhich = "best"'
    again.write_text(PLANE.format(schedule=arrays) + PLANE_START, encoding="utf-8")
    main(["run", str(again), "--json"])
    c2, promised = json.loads(capsys.readouterr().out)["quantities"]["c2"], found["c2_best"]
    assert abs(c2["value"] - promised["value"]) < 1e-4 * promised["value"] + c2["error"] + promised["error"]
    assert c2["error"] < 1e-2 * c2["value"]


def test_the_table(case, capsys):
    assert main(["schedule", str(case)]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = ["c2", "c2_retimed", "c2_best", "c2_geodesic", "path_length"]
    assert [line.split()[0] for line in lines[:5]] == names
    assert lines[0].split()[1].startswith("0.202544")


FALLING = 'kind = "arrays"\nt = [0.0, 0.5, 1.0]\nm = [1.0, 0.5, 0.6]\nsigma = [0.0, 0.5, 0.4]'
UNEQUAL = 'kind = "arrays"\nt = [0.0, 1.0]\nm = [1.0, 0.5, 0.0]\nsigma = [0.0, 1.0]'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CASE.format(schedule=FALLING), "[schedule] sigma: sigma/m decreases"),
        (CASE.format(schedule=UNEQUAL), "[schedule] m: given 3 values for 2 times"),
        (CASE.format(schedule='kind = "ddpm"\nalphas_cumprod = [1.2, 0.5]'), "each in (0, 1]"),
        (CASE.format(schedule=OPTIMAL), "[schedule] kind: given 'optimal-transport'"),
        (PLANE.format(schedule=LINEAR_FORCE), "[schedule] kind: given 'linear-force'"),
    ],
)
def test_bad_input_is_one_line(text, words, tmp_path, capsys):
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    assert main(["schedule", str(path), "--json"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert words in printed.err
    assert "bad.toml" in printed.err
