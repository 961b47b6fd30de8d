"""Bad problems: every key of a problem file, every argument of ``solve``; refused at once, nothing left behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import fpsolve as fp
from fpsolve.cli import main

HEAD = "dimension = 1\ntemperature = 0.5\n"
FORCE = "[force]\nkind = 'quartic'\na = 1.0\nb = 1.0\n"
START = "[start]\nkind = 'gaussian'\nmean = 0.0\nstd = 0.5\n"
TIME = "[time]\nend = 1.0\nsteps = 4\n"
GRID = "[grid]\ncells = 40\nlower = -4.0\nupper = 4.0\n"
PLANE = "dimension = 2\ntemperature = 0.5\n"
TURN = "[force]\nkind = 'linear'\nmatrix = [[-1.0, 0.5], [-0.5, -1.0]]\n"
PAIR = "[start]\nkind = 'gaussian'\nmean = [0.0, 0.0]\nstd = 0.5\n"
BOX = "[grid]\ncells = 24\nlower = [-4.0, -4.0]\nupper = [4.0, 4.0]\n"


def problem(head=HEAD, force=FORCE, start=START, time=TIME, grid=GRID, rest="") -> str:
    return head + force + start + time + grid + rest


def plane(head=PLANE, force=TURN, start=PAIR, time=TIME, grid=BOX, rest="") -> str:
    return head + force + start + time + grid + rest


def force(text: str) -> str:
    return problem(force=f"[force]\n{text}\n")


def start(text: str) -> str:
    return problem(start=f"[start]\n{text}\n")


def numerics(text: str) -> str:
    return problem(rest=f"[numerics]\n{text}\n")


# what is wrong -> (problem file, words the line must hold beside the name of the file)
PROBLEMS: dict[str, tuple[str, tuple[str, ...]]] = {
    # the file as a whole
    "empty file": ("", ("dimension", "missing")),
    "syntax error": ("dimension = = 1", ("not valid TOML",)),
    "unknown key": (problem(head=HEAD + "temprature = 1.0\n"), ("temprature", "did you mean 'temperature'")),
    "unknown table": (problem(rest="[numeric]\nrtol = 1e-3\n"), ("numeric", "did you mean 'numerics'")),
    "no dimension": (problem(head="temperature = 0.5\n"), ("dimension", "missing")),
    "no temperature": (problem(head="dimension = 1\n"), ("temperature", "missing")),
    "no force": (problem(force=""), ("force", "missing")),
    "no start": (problem(start=""), ("start", "missing")),
    "no time": (problem(time=""), ("time", "missing")),
    "no end": (problem(time="[time]\nsteps = 4\n"), ("[time] end", "missing")),
    "force no table": (HEAD + "force = 3\n" + START + TIME, ("[force]", "expected a table")),
    "start no table": (HEAD + "start = 3\n" + FORCE + TIME, ("[start]", "expected a table")),
    "time no table": (HEAD + "time = 3\n" + FORCE + START, ("[time]", "expected a table")),
    "grid no table": (HEAD + "grid = 3\n" + FORCE + START + TIME, ("[grid]", "expected a table")),
    "numerics no table": (HEAD + "numerics = 3\n" + FORCE + START + TIME, ("[numerics]", "expected a table")),
    "dimension 3": (problem(head=HEAD.replace("= 1", "= 3")), ("dimension", "given 3", "1 or 2")),
    "dimension true": (problem(head=HEAD.replace("= 1", "= true")), ("dimension", "given True")),
    "dimension 1.0": (problem(head=HEAD.replace("= 1", "= 1.0")), ("dimension", "given 1.0")),
    "temperature negative": (problem(head=HEAD.replace("0.5", "-0.5")), ("temperature", "given -0.5", "at least 0")),
    "temperature a word": (problem(head=HEAD.replace("0.5", "'hot'")), ("temperature", "given 'hot'")),
    "temperature nan": (problem(head=HEAD.replace("0.5", "nan")), ("temperature", "finite")),
    "temperature infinite": (problem(head=HEAD.replace("0.5", "inf")), ("temperature", "finite")),
    "temperature true": (problem(head=HEAD.replace("0.5", "true")), ("temperature", "given True")),
    # forces
    "force without kind": (force("a = 1.0"), ("[force] kind", "missing", "quartic")),
    "unknown force": (force("kind = 'quartik'"), ("[force] kind", "did you mean 'quartic'")),
    "force a number": (force("kind = 3"), ("[force] kind", "given 3")),
    "a sum is none of the kinds": (force("kind = 'sum'\nforces = []"), ("[force] kind", "given 'sum'")),
    "unknown key of a force": (force("kind = 'quartic'\na = 1\nb = 1\nc = 1"), ("[force] c", "allowed: a, b")),
    "missing key of a force": (force("kind = 'quartic'\na = 1"), ("[force] b", "missing")),
    "duration": (force("kind = 'harmonic-trap'\nstiffness = 1\nduration = 2"), ("[force] duration", "[time] end")),
    "a negative": (force("kind = 'quartic'\na = -1\nb = 1"), ("[force] a", "given -1", "above 0")),
    "b a word": (force("kind = 'quartic'\na = 1\nb = 'x'"), ("[force] b", "given 'x'")),
    "b nan": (force("kind = 'quartic'\na = 1\nb = nan"), ("[force] b", "finite")),
    "stiffness a list": (force("kind = 'harmonic-trap'\nstiffness = [1]"), ("[force] stiffness", "given [1]")),
    "stiffness_end a word": (
        force("kind = 'harmonic-trap'\nstiffness = 1\nstiffness_end = 'x'"),
        ("[force] stiffness_end", "given 'x'"),
    ),
    "centre infinite": (force("kind = 'harmonic-trap'\nstiffness = 1\ncentre = inf"), ("[force] centre", "finite")),
    "speed a word": (force("kind = 'harmonic-trap'\nstiffness = 1\nspeed = 'x'"), ("[force] speed", "given 'x'")),
    "barrier zero": (force("kind = 'double-well'\nbarrier = 0\nseparation = 1"), ("[force] barrier", "above 0")),
    "separation negative": (force("kind = 'double-well'\nbarrier = 1\nseparation = -1"), ("[force] separation",)),
    "tilt a word": (force("kind = 'double-well'\nbarrier = 1\nseparation = 1\ntilt = 'x'"), ("[force] tilt",)),
    "period zero": (force("kind = 'tilted-ring'\ntilt = 1\namplitude = 1\nperiod = 0"), ("[force] period", "above 0")),
    "amplitude a word": (force("kind = 'tilted-ring'\ntilt = 1\namplitude = 'x'\nperiod = 1"), ("[force] amplitude",)),
    "a ring of another length": (
        force("kind = 'tilted-ring'\ntilt = 1\namplitude = 1\nperiod = 3"),
        ("[grid] upper", "2.66667 periods", "whole number"),
    ),
    "matrix a word": (force("kind = 'linear'\nmatrix = 'x'"), ("[force] matrix", "given 'x'")),
    "matrix true": (force("kind = 'linear'\nmatrix = true"), ("[force] matrix", "given True")),
    "matrix of words": (plane(force="[force]\nkind='linear'\nmatrix=[['1', 0], [0, 1]]\n"), ("[force] matrix[0][0]",)),
    "matrix of three rows": (plane(force="[force]\nkind='linear'\nmatrix=[[1,0],[0,1],[0,0]]\n"), ("[force] matrix",)),
    "matrix ragged": (plane(force="[force]\nkind='linear'\nmatrix=[[1,0],[0]]\n"), ("[force] matrix",)),
    "matrix nan": (plane(force="[force]\nkind='linear'\nmatrix=[[nan,0],[0,1]]\n"), ("[force] matrix", "finite")),
    "matrix_end of another shape": (plane(force=TURN + "matrix_end = 1.0\n"), ("[force] matrix_end",)),
    "vector of three": (plane(force=TURN + "vector = [1, 2, 3]\n"), ("[force] vector",)),
    "vector a word": (plane(force=TURN + "vector = 'up'\n"), ("[force] vector", "given 'up'")),
    "matrix on a line": (problem(force=TURN), ("[force] matrix", "2 dimension")),
    "a number in the plane": (plane(force="[force]\nkind = 'linear'\nmatrix = -1.0\n"), ("[force] matrix", "1 dim")),
    "a line's force in the plane": (plane(force=FORCE), ("[force] kind", "given 'quartic'", "1 dimension")),
    # the start
    "start without kind": (start("mean = 1.0"), ("[start] kind", "missing", "equilibrium")),
    "unknown start": (start("kind = 'equilibrum'"), ("[start] kind", "given 'equilibrum'", "equilibrium")),
    "key of an equilibrium": (start("kind = 'equilibrium'\nstd = 1"), ("[start] std", "unknown key")),
    "start without width": (start("kind = 'gaussian'\nmean = 0"), ("[start] std", "missing")),
    "start outside": (start("kind = 'gaussian'\nmean = 9.0\nstd = 0.5"), ("[grid]", "of the start")),
    "start of the plane": (problem(start=PAIR), ("[start] mean", "expected a number")),
    "start of the line": (plane(start=START), ("[start] mean",)),
    "start in no file": (start("kind = 'samples'\nfile = 'none.npy'"), ("[start] file", "none.npy", "no such file")),
    "masses are no kind": (start("kind = 'masses'\nmasses = [1.0]"), ("[start]", "masses")),
    "equilibrium of a turning force": (plane(start="[start]\nkind = 'equilibrium'\n"), ("[start]", "no potential")),
    "equilibrium at T = 0": (
        problem(head=HEAD.replace("0.5", "0.0"), start="[start]\nkind = 'equilibrium'\n"),
        ("[start]", "T > 0"),
    ),
    "nowhere at rest": (
        problem(force="[force]\nkind='linear'\nmatrix=1.0\n", start="[start]\nkind='stationary'\n", grid=""),
        ("[grid]", "missing"),
    ),
    "samples in the plane, one column": (
        plane(start="[start]\nkind = 'samples'\nfile = 'x.npy'\n"),
        ("[start] variable", "(n, 2)"),
    ),
    "samples in the plane, nan": (
        plane(start="[start]\nkind = 'samples'\nfile = 'nan.npy'\n"),
        ("[start]", "nan.npy", "index 3"),
    ),
    "samples in the plane, bandwidth": (
        plane(start="[start]\nkind = 'samples'\nfile = 'xy.npy'\nbandwidth = -1\n"),
        ("[start] bandwidth", "above 0"),
    ),
    "table in the plane, no such variable": (
        plane(start="[start]\nkind = 'tabulated'\nfile = 'q.nc'\nvariable = 'p'\n"),
        ("[start] variable", "'p'", "q"),
    ),
    "table in the plane, mass of two": (
        plane(start="[start]\nkind = 'tabulated'\nfile = 'q.nc'\nvariable = 'q'\n"),
        ("[start]", "q.nc", "mass"),
    ),
    "table in the plane, unknown key": (
        plane(start="[start]\nkind = 'tabulated'\nfile = 'q.nc'\nbandwidth = 1.0\n"),
        ("[start] bandwidth", "unknown key"),
    ),
    # times
    "end zero": (problem(time="[time]\nend = 0.0\n"), ("[time] end", "given 0", "above 0")),
    "end negative": (problem(time="[time]\nend = -1\n"), ("[time] end", "given -1")),
    "end a word": (problem(time="[time]\nend = 'late'\n"), ("[time] end", "given 'late'")),
    "end infinite": (problem(time="[time]\nend = inf\n"), ("[time] end", "finite")),
    "no steps": (problem(time="[time]\nend = 1.0\nsteps = 0\n"), ("[time] steps", "given 0")),
    "half a step": (problem(time="[time]\nend = 1.0\nsteps = 1.5\n"), ("[time] steps", "given 1.5")),
    "too many snapshots": (problem(time=TIME + "snapshots = 9\n"), ("[time] snapshots", "given 9", "to 5")),
    "snapshots a list": (problem(time=TIME + "snapshots = [0.0]\n"), ("[time] snapshots", "[0.0]")),
    "unknown key of time": (problem(time=TIME + "tau = 1\n"), ("[time] tau", "unknown key")),
    # the grid
    "no cells": (problem(grid="[grid]\ncells = 0\n"), ("[grid] cells", "given 0")),
    "cells a pair on a line": (problem(grid="[grid]\ncells = [8, 8]\n"), ("[grid] cells", "[8, 8]")),
    "cells of three": (plane(grid="[grid]\ncells = [8, 8, 8]\n"), ("[grid] cells", "a pair")),
    "cells a fraction": (plane(grid="[grid]\ncells = [8, 8.5]\n"), ("[grid] cells[1]", "8.5")),
    "one end": (problem(grid="[grid]\nlower = -1.0\n"), ("[grid] upper", "missing")),
    "other end": (problem(grid="[grid]\nupper = 1.0\n"), ("[grid] lower", "missing")),
    "ends reversed": (problem(grid="[grid]\nlower = 1.0\nupper = -1.0\n"), ("[grid] upper", "larger")),
    "end nan on a grid": (problem(grid="[grid]\nlower = nan\nupper = 1.0\n"), ("[grid] lower", "finite")),
    "ends of the plane on a line": (problem(grid=BOX), ("[grid]",)),
    "ends of a line in the plane": (plane(grid=GRID), ("[grid] lower", "list")),
    "three ends": (plane(grid="[grid]\nlower = [0, 0, 0]\nupper = [1, 1, 1]\n"), ("[grid] lower", "3 numbers")),
    "one axis reversed": (plane(grid="[grid]\nlower = [-1, 1]\nupper = [1, -1]\n"), ("[grid] upper", "larger")),
    "unknown boundary": (problem(grid=GRID + "boundary = 'reflective'\n"), ("[grid] boundary", "'reflecting'")),
    "boundary of three": (problem(grid=GRID + "boundary = ['absorbing', 'absorbing', 'absorbing']\n"), ("[grid] bou",)),
    "boundary half a ring": (problem(grid=GRID + "boundary = ['periodic', 'absorbing']\n"), ("[grid] boundary",)),
    "boundary a number": (problem(grid=GRID + "boundary = 3\n"), ("[grid] boundary", "given 3")),
    "boundary a number in the plane": (plane(grid=BOX + "boundary = 3\n"), ("[grid] boundary", "given 3")),
    "boundary of no ends": (problem(grid="[grid]\nboundary = 'absorbing'\n"), ("[grid] boundary", "lower and upper")),
    "a slope around a ring": (
        problem(
            force="[force]\nkind='double-well'\nbarrier=1.0\nseparation=2.0\ntilt=0.1\n",
            grid=GRID + "boundary = 'periodic'\n",
        ),
        ("[force]", "periodic axis"),
    ),
    "unknown key of the grid": (problem(grid=GRID + "cell = 3\n"), ("[grid] cell", "did you mean 'cells'")),
    "too many cells": (plane(grid=BOX.replace("24", "90000")), ("[grid]", "GB")),
    # numerics
    "unknown flux": (numerics("flux = 'weno'"), ("[numerics] flux", "did you mean 'weno5'")),
    "flux a table": (numerics("flux = {kind = 'weno5'}"), ("[numerics] flux",)),
    "unknown stepper": (numerics("stepper = 'euler'"), ("[numerics] stepper", "backward-euler")),
    "stepper of another kind": (numerics("stepper = 'characteristics'"), ("[numerics] stepper", "characteristics")),
    "stepper a number": (numerics("stepper = 4"), ("[numerics] stepper", "given 4")),
    "stepper of the plane": (numerics("stepper = 'strang'"), ("[numerics] stepper", "in the plane only")),
    "stepper of positive fluxes": (
        numerics("flux = 'central'\nstepper = 'patankar'"),
        ("[numerics] stepper", "takes a positive flux"),
    ),
    "stepper of linear fluxes": (numerics("flux = 'weno5'\nstepper = 'sdirk4'"), ("[numerics] stepper", "linear")),
    "rtol zero": (numerics("rtol = 0"), ("[numerics] rtol", "above 0")),
    "rtol a word": (numerics("rtol = 'small'"), ("[numerics] rtol", "given 'small'")),
    "rtol nan": (numerics("rtol = nan"), ("[numerics] rtol", "finite")),
    "atol negative": (numerics("atol = -1e-9"), ("[numerics] atol", "at least 0")),
    "atol a word": (numerics("atol = 'small'"), ("[numerics] atol", "given 'small'")),
    "fixed zero": (numerics("fixed = 0"), ("[numerics] fixed", "given 0")),
    "fixed odd": (numerics("fixed = 3"), ("[numerics] fixed", "given 3", "even")),
    "fixed a fraction": (numerics("fixed = 2.5"), ("[numerics] fixed", "given 2.5")),
    "an unstable step": (
        numerics("flux = 'central'\nstepper = 'ssp-rk3'\nfixed = 2"),
        ("[numerics] fixed", "given 2", "is stable up to 0.0"),
    ),
    "a kernel between walls": (
        problem(force="[force]\nkind='linear'\nmatrix=-1.0\n", rest="[numerics]\nstepper = 'gaussian-kernel'\n"),
        ("[numerics] stepper", "whole line"),
    ),
    "a kernel of a force that is not linear": (numerics("stepper = 'gaussian-kernel'"), ("[numerics] stepper",)),
    "unknown key of numerics": (numerics("steps = 3"), ("[numerics] steps", "unknown key")),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Files that problems name."""
    folder = tmp_path_factory.mktemp("files")
    np.save(folder / "x.npy", np.linspace(-1.0, 2.0, 50))
    pairs = np.random.default_rng(0).normal(size=(50, 2))
    np.save(folder / "xy.npy", pairs)
    pairs[3, 1] = np.nan
    np.save(folder / "nan.npy", pairs)
    x = np.linspace(-0.75, 0.75, 4)
    xr.Dataset({"q": (("x", "y"), np.full((4, 4), 0.5))}, {"x": x, "y": x}).to_netcdf(folder / "q.nc")
    return folder


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_bad_problem_file(name, files, tmp_path, capsys, monkeypatch):
    text, words = PROBLEMS[name]
    (files / "p.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(files)
    assert main(["solve", "p.toml", "--out", str(tmp_path / "r.nc")]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "Traceback" not in said.err, said.err
    assert said.err.startswith("p.toml: "), said.err
    for word in words:
        assert word in said.err, said.err
    assert list(tmp_path.iterdir()) == []


LINE, CURVE = fp.LinearForce(-1.0), fp.Gaussian(0.0, 0.5)
EQUATION, CELLS = fp.FokkerPlanck(LINE, 0.5), fp.Grid.line(-4.0, 4.0, 32)
STEPPERS, FLUXES = fp.steppers, fp.fluxes

# what is wrong -> (arguments of solve that replace sound ones, key, words)
ARGUMENTS: dict[str, tuple[dict, str, str]] = {
    "problem": ({"problem": LINE}, "problem", "expected FokkerPlanck"),
    "start": ({"start": "gaussian"}, "", "gaussian|density"),
    "start in the plane": ({"start": fp.PlaneGaussian((0, 0), 1.0)}, "start", "on the line"),
    "start of another shape": ({"start": np.ones(5)}, "start", "shape"),
    "start negative": ({"start": -np.ones(32)}, "start", "nowhere negative"),
    "start nan": ({"start": np.full(32, np.nan)}, "start", "NaN"),
    "start of mass eight": ({"start": np.ones(32)}, "start", "its mass on the grid is 8"),
    "start outside": ({"start": fp.Gaussian(9.0, 0.5)}, "grid", "of the start"),
    "start array without grid": ({"start": np.ones(32) / 8.0, "grid": None}, "grid", "missing"),
    "times a word": ({"times": "long"}, "times", "increasing"),
    "one time": ({"times": [0.0]}, "times", "one time"),
    "no times": ({"times": []}, "times", ""),
    "times falling": ({"times": [1.0, 0.5, 0.0]}, "times", "forward only"),
    "times repeated": ({"times": [0.0, 0.5, 0.5]}, "times", ""),
    "times nan": ({"times": [0.0, np.nan]}, "times", ""),
    "times infinite": ({"times": [0.0, np.inf]}, "times", ""),
    "times of two dimensions": ({"times": [[0.0, 1.0]]}, "times", ""),
    "grid": ({"grid": 64}, "grid", "Grid.line"),
    "grid in the plane": ({"grid": fp.Grid.plane((-4, -4), (4, 4), (8, 8))}, "grid", "axes"),
    "flux a word": ({"flux": "weno5"}, "flux", "expected one such as"),
    "flux a class": ({"flux": FLUXES.WENO5}, "flux", "WENO5"),
    "stepper a word": ({"stepper": "sdirk4"}, "stepper", "expected one such as"),
    "stepper of the plane": ({"stepper": STEPPERS.StrangSplitting()}, "stepper", "in the plane only"),
    "stepper without grid": ({"stepper": STEPPERS.Characteristics()}, "stepper", "expected one such as"),
    "rtol": ({"rtol": 0.0}, "rtol", "above 0"),
    "rtol a word": ({"rtol": "1e-6"}, "rtol", "expected a number"),
    "atol": ({"atol": -1.0}, "atol", "at least 0"),
    "steps": ({"steps": 0}, "steps", "given 0"),
    "steps odd": ({"steps": 3}, "steps", "even number"),
    "steps unstable": (
        {"steps": 2, "stepper": STEPPERS.SSPRK3(), "flux": FLUXES.Central()}, "steps", "is stable up to",
    ),
    "accuracy": ({"accuracy": 0.0}, "accuracy", "above 0"),
    "snapshots": ({"snapshots": 9}, "snapshots", "given 9"),
    "snapshots between the times": ({"snapshots": [0.123]}, "snapshots", "none of the times"),
    "snapshots a word": ({"snapshots": "all"}, "snapshots", "given 'all'"),
    "observable a number": ({"observables": {"third": 3}}, "observables", "expected a function"),
    "observable infinite": ({"observables": {"third": lambda x: np.inf * x}}, "observables", "finite"),
    "observable of another shape": ({"observables": {"third": lambda x: x[:3]}}, "observables", "shape"),
    "observable that fails": ({"observables": {"third": lambda: 3}}, "observables", "expected a function of arrays"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_bad_arguments_of_solve(name, tmp_path):
    changed, key, words = ARGUMENTS[name]
    sound = {"problem": EQUATION, "start": CURVE, "times": [0.0, 0.5, 1.0], "grid": CELLS}
    with np.errstate(invalid="ignore"), pytest.raises(fp.InputError, match=words or None) as caught:
        fp.solve(**(sound | changed), store=fp.Store(tmp_path / "r.nc"))
    assert key in caught.value.key
    assert list(tmp_path.iterdir()) == []


def test_damaged_recipes(tmp_path, capsys):
    fp.solve(EQUATION, CURVE, [0.0, 0.1], grid=CELLS, store=fp.Store(tmp_path / "r.nc"))
    with xr.open_dataset(tmp_path / "r.nc") as opened:
        data = opened.load()
    recipe = data.attrs["recipe"]
    for old, new in (
        ('"temperature": 0.5', '"temperature": -0.5'),
        ('"grid"', '"grind"'),
        ('"cells": [32]', '"cells": 32'),
        ('"kind": "gaussian"', '"kind": "gauss"'),
        ('"rtol"', '"rtl"'),
        ('"kind": "sdirk4"', '"kind": "sdirk9"'),
        ('"time": {', '"time": {"kept": "x", '),
    ):
        data.attrs["recipe"] = recipe.replace(old, new)
        assert data.attrs["recipe"] != recipe
        data.to_netcdf(tmp_path / "damaged.nc")
        assert main(["solve", str(tmp_path / "damaged.nc")]) == 2, new
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1 and "damaged.nc: " in said.err, said.err
