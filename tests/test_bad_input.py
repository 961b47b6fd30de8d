"""Bad input: exit status 2, one line that names file and key, an empty standard output, nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from fpsolve.cli import main

HEAD = "dimension = 1\ntau = 1.0\n"
DATA = '[data]\nkind = "gaussian-mixture"\nmeans = [0.6, -0.6]\nstds = [0.3, 0.3]\n'
SCHEDULE = '[schedule]\nkind = "cosine"\n'
START = '[start]\nkind = "gaussian"\nmean = 1.0\nstd = 1.0\n'
#: coarse, so that what gets as far as a computation is quick
REST = "[grid]\ncells = 40\n[time]\nsteps = 4\n"


def case(head=HEAD, data=DATA, schedule=SCHEDULE, start=START, rest=REST) -> str:
    return head + data + schedule + start + rest


def data(text: str) -> str:
    return case(data=f"[data]\n{text}\n")


def schedule(text: str) -> str:
    return case(schedule=f"[schedule]\n{text}\n")


# what is wrong -> (case file, words the line must hold beside the name of the file)
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    # the file as a whole
    "empty file": ("", ("dimension", "missing")),
    "syntax error": ("dimension = = 1", ("not valid TOML", "line 1")),
    "key twice": (HEAD + "tau = 2.0\n" + DATA + SCHEDULE + START, ("not valid TOML",)),
    "unknown key at the top": (case(head=HEAD + "taau = 1.0\n"), ("taau", "did you mean 'tau'")),
    "unknown table": (case(rest="[girds]\ncells = 40\n"), ("girds", "unknown key")),
    "unknown key in grid": (case(rest="[grid]\ncell = 40\n"), ("[grid] cell", "did you mean 'cells'")),
    "unknown key in numerics": (case(rest="[numerics]\nmethod = 'exact'\n"), ("[numerics] method", "estimated")),
    "missing dimension": (case(head="tau = 1.0\n"), ("dimension", "missing")),
    "missing tau": (case(head="dimension = 1\n"), ("tau", "missing")),
    "missing data": (case(data=""), ("data", "missing")),
    "missing schedule": (case(schedule=""), ("schedule", "missing")),
    "missing start": (case(start=""), ("start", "missing")),
    "data is no table": (HEAD + "data = 3\n" + SCHEDULE + START, ("[data]", "expected a table")),
    "grid is no table": (HEAD + "grid = 3\n" + DATA + SCHEDULE + START, ("[grid]", "expected a table")),
    "dimension 3": (case(head="dimension = 3\ntau = 1.0\n"), ("dimension", "given 3")),
    "dimension true": (case(head="dimension = true\ntau = 1.0\n"), ("dimension", "given True")),
    "dimension as a word": (case(head="dimension = 'one'\ntau = 1.0\n"), ("dimension", "given 'one'")),
    "tau zero": (case(head="dimension = 1\ntau = 0.0\n"), ("tau", "given 0", "above 0")),
    "tau negative": (case(head="dimension = 1\ntau = -2\n"), ("tau", "given -2", "above 0")),
    "tau a word": (case(head="dimension = 1\ntau = 'long'\n"), ("tau", "given 'long'", "expected a number")),
    "tau true": (case(head="dimension = 1\ntau = true\n"), ("tau", "given True", "expected a number")),
    "tau beyond all floats": (case(head=f"dimension = 1\ntau = 1{'0' * 400}\n"), ("tau", "finite")),
    "tau a date": (case(head="dimension = 1\ntau = 2024-01-01\n"), ("tau", "expected a number")),
    "tau infinite": (case(head="dimension = 1\ntau = inf\n"), ("tau", "finite")),
    "tau nan": (case(head="dimension = 1\ntau = nan\n"), ("tau", "finite")),
    # numbers of cells, times, windows
    "no cells": (case(rest="[grid]\ncells = 0\n"), ("[grid] cells", "given 0", "whole number")),
    "half a step": (case(rest="[time]\nsteps = 1.5\n"), ("[time] steps", "given 1.5", "whole number")),
    "cells true": (case(rest="[grid]\ncells = true\n"), ("[grid] cells", "given True")),
    "cells as in 2D": (case(rest="[grid]\ncells = [64, 64]\n"), ("[grid] cells", "[64, 64]")),
    "too many snapshots": (case(rest="[time]\nsteps = 4\nsnapshots = 9\n"), ("[time] snapshots", "given 9", "to 5")),
    "grid with one end": (case(rest="[grid]\nlower = -4.0\n"), ("[grid] lower", "neither")),
    "grid reversed": (case(rest="[grid]\nlower = 4.0\nupper = -4.0\n"), ("[grid] upper", "below upper")),
    "grid end nan": (case(rest="[grid]\nlower = nan\nupper = 4.0\n"), ("[grid] lower", "finite")),
    "window reversed": (case(rest="[numerics]\nwindow = [4.5, -4.5]\n"), ("[numerics] window", "[4.5, -4.5]")),
    "window of three": (case(rest="[numerics]\nwindow = [1, 2, 3]\n"), ("[numerics] window", "[lower, upper]")),
    "window too narrow": (
        case(rest=REST + "[numerics]\nwindow = [-1.5, 1.5]\n"),
        ("[numerics] window", "[-1.5, 1.5]", "1% is allowed"),
    ),
    "grid too narrow": (
        case(rest="[grid]\ncells = 40\nlower = -1.5\nupper = 1.5\n[time]\nsteps = 4\n"),
        ("[grid] lower, upper", "1% is allowed"),
    ),
    "unknown method": (
        case(rest="[numerics]\nestimated = 'weno'\n"),
        ("[numerics] estimated", "given 'weno'", "did you mean 'weno5'"),
    ),
    "tolerance zero": (case(rest="[numerics]\ntolerance = 0\n"), ("[numerics] tolerance", "above 0")),
    # densities
    "kind missing": (data("mean = 1.0"), ("[data] kind", "missing")),
    "unknown kind": (data("kind = 'gausian'"), ("[data] kind", "'gausian'", "did you mean 'gaussian'", "samples")),
    "kind a number": (data("kind = 1"), ("[data] kind", "given 1")),
    "unknown key of a kind": (data("kind = 'gaussian'\nmean = 0\nsd = 1"), ("[data] sd", "did you mean 'std'")),
    "missing key of a kind": (data("kind = 'gaussian'\nmean = 0"), ("[data] std", "missing")),
    "width zero": (data("kind = 'gaussian'\nmean = 0\nstd = 0"), ("[data] std", "given 0", "above 0")),
    "mean a list": (data("kind = 'gaussian'\nmean = [0, 1]\nstd = 1"), ("[data] mean", "expected a number")),
    "weights of another sum": (
        data("kind = 'gaussian-mixture'\nweights = [0.5, 0.6]\nmeans = [0, 1]\nstds = [1, 1]"),
        ("[data] weights", "sum to 1.1"),
    ),
    "negative weight": (
        data("kind = 'gaussian-mixture'\nweights = [1.5, -0.5]\nmeans = [0, 1]\nstds = [1, 1]"),
        ("[data] weights[1]", "given -0.5"),
    ),
    "lengths differ": (data("kind = 'gaussian-mixture'\nmeans = [0, 1]\nstds = [1]"), ("[data] stds", "1 for 2 means")),
    "no components": (data("kind = 'gaussian-mixture'\nmeans = []\nstds = []"), ("[data] means", "empty")),
    "a word among numbers": (
        data("kind = 'gaussian-mixture'\nmeans = [0, 'a']\nstds = [1, 1]"),
        ("[data] means[1]", "given 'a'"),
    ),
    "uniform reversed": (data("kind = 'uniform'\nlower = 1\nupper = -1"), ("[data] upper", "given -1")),
    "unknown scipy name": (data("kind = 'scipy'\nname = 'normm'"), ("[data] name", "'normm'", "mean 'norm'")),
    "discrete scipy": (data("kind = 'scipy'\nname = 'poisson'\nparameters = {mu = 3}"), ("[data] name", "continuous")),
    "scipy parameter unknown": (
        data("kind = 'scipy'\nname = 't'\nparameters = {nu = 3}"),
        ("[data] parameters", "scipy.stats.t"),
    ),
    "scipy parameter not allowed": (
        data("kind = 'scipy'\nname = 't'\nparameters = {df = -3}"),
        ("[data] parameters", "{'df': -3}"),
    ),
    "scipy parameters no table": (data("kind = 'scipy'\nname = 'norm'\nparameters = 3"), ("[data] parameters",)),
    "scipy parameter a word": (
        data("kind = 'scipy'\nname = 't'\nparameters = {df = 'five'}"),
        ("[data] parameters", "five"),
    ),
    "start of a wrong kind": (case(start="[start]\nkind = 'normal'\n"), ("[start] kind", "given 'normal'")),
    "start without width": (case(start="[start]\nkind = 'gaussian'\nmean = 0\n"), ("[start] std", "missing")),
    # schedules
    "unknown schedule": (schedule("kind = 'cosin'"), ("[schedule] kind", "did you mean 'cosine'")),
    "tau in the schedule": (schedule("kind = 'cosine'\ntau = 1.0"), ("[schedule] tau", "at the top")),
    "sigma_max negative": (schedule("kind = 've'\nsigma_max = -1"), ("[schedule] sigma_max", "given -1", "above 0")),
    "unknown growth": (
        schedule("kind = 've'\nsigma_max = 1\ngrowth = 'geometrical'"),
        ("[schedule] growth", "did you mean 'geometric'"),
    ),
    "geometric without sigma_min": (
        schedule("kind = 've'\nsigma_max = 1\ngrowth = 'geometric'"),
        ("[schedule] sigma_min", "missing"),
    ),
    "sigma_min above sigma_max": (
        schedule("kind = 've'\nsigma_max = 1\ngrowth = 'geometric'\nsigma_min = 2"),
        ("[schedule] sigma_min", "given 2"),
    ),
    "beta negative": (schedule("kind = 'vp-linear'\nbeta_min = -1\nbeta_max = 2"), ("[schedule] beta_min", "given -1")),
    "beta of one": (schedule("kind = 'ddpm'\nbetas = [0.1, 1.0]"), ("[schedule] betas", "given 1", "[0, 1)")),
    "betas and products": (
        schedule("kind = 'ddpm'\nbetas = [0.1]\nalphas_cumprod = [0.9]"),
        ("[schedule] betas", "exactly one"),
    ),
    "neither": (schedule("kind = 'ddpm'"), ("[schedule] betas", "exactly one")),
    "betas that do nothing": (schedule("kind = 'ddpm'\nbetas = [0.0, 0]"), ("[schedule] betas", "no noise")),
    "products that do nothing": (schedule("kind = 'ddpm'\nalphas_cumprod = [1.0]"), ("[schedule] alphas_cumprod",)),
    "levels that never change": (
        schedule("kind = 'arrays'\nt = [0, 1]\nm = [1, 1]\nsigma = [1, 1]"),
        ("[schedule] sigma", "never change"),
    ),
    "products increase": (schedule("kind = 'ddpm'\nalphas_cumprod = [0.5, 0.9]"), ("[schedule] alphas_cumprod",)),
    "product above one": (schedule("kind = 'ddpm'\nalphas_cumprod = [1.5, 0.9]"), ("[schedule] alphas_cumprod",)),
    "arrays of unequal length": (
        schedule("kind = 'arrays'\nt = [0, 1]\nm = [1, 0.5, 0]\nsigma = [0, 1]"),
        ("[schedule] m", "3 values for 2 times"),
    ),
    "times start late": (
        schedule("kind = 'arrays'\nt = [0.1, 1]\nm = [1, 0]\nsigma = [0, 1]"),
        ("[schedule] t", "start at 0"),
    ),
    "times reversed": (
        schedule("kind = 'arrays'\nt = [1, 0]\nm = [1, 0]\nsigma = [0, 1]"),
        ("[schedule] t", "start at 0 and increase"),
    ),
    "times end elsewhere": (
        schedule("kind = 'arrays'\nt = [0, 2]\nm = [1, 0]\nsigma = [0, 1]"),
        ("[schedule] t", "tau = 1"),
    ),
    "noise removed": (
        schedule("kind = 'arrays'\nt = [0, 0.5, 1]\nm = [1, 1, 1]\nsigma = [0, 1, 0.5]"),
        ("[schedule] sigma", "decreases"),
    ),
    "signal negative": (
        schedule("kind = 'arrays'\nt = [0, 1]\nm = [1, -0.5]\nsigma = [0, 1]"),
        ("[schedule] m[1]", "given -0.5"),
    ),
    "signal lost early": (
        schedule("kind = 'arrays'\nt = [0, 0.5, 1]\nm = [1, 0, 0]\nsigma = [0, 1, 1]"),
        ("[schedule] m", "before the end"),
    ),
    "target of a wrong kind": (
        schedule("kind = 'optimal-transport'\n[schedule.target]\nkind = 'normal'"),
        ("schedule", "target", "kind", "given 'normal'"),
    ),
    "target no table": (schedule("kind = 'optimal-transport'\ntarget = 3"), ("schedule", "target", "given 3")),
    "temperature zero": (
        schedule("kind = 'optimal-transport'\ntemperature = 0.0"),
        ("[schedule] temperature", "above 0"),
    ),
    # files that a case names
    "tabulated without file": (data("kind = 'tabulated'"), ("[data] file", "missing")),
    "file not there": (data("kind = 'tabulated'\nfile = 'none.csv'"), ("[data] file", "none.csv", "no such file")),
    "file of a strange suffix": (data("kind = 'tabulated'\nfile = 'q.xyz'"), ("[data] file", "q.xyz", ".csv")),
    "file name a number": (data("kind = 'tabulated'\nfile = 3"), ("[data] file", "given 3")),
    "nan in a table": (data("kind = 'tabulated'\nfile = 'nan.csv'"), ("[data]", "nan.csv", "index 3")),
    "negative density": (data("kind = 'tabulated'\nfile = 'negative.csv'"), ("[data]", "negative.csv", "index 3")),
    "mass of two": (data("kind = 'tabulated'\nfile = 'double.csv'"), ("[data]", "double.csv", "must be 1")),
    "centres out of order": (data("kind = 'tabulated'\nfile = 'unsorted.csv'"), ("[data]", "unsorted.csv", "increase")),
    "a word in a table": (data("kind = 'tabulated'\nfile = 'word.csv'"), ("[data]", "word.csv", "line 4", "'many'")),
    "a short line in a table": (data("kind = 'tabulated'\nfile = 'ragged.csv'"), ("[data]", "ragged.csv", "line 4")),
    "no such column": (
        data("kind = 'tabulated'\nfile = 'good.csv'\nvariable = 'densty'"),
        ("[data] variable", "'densty'", "did you mean 'density'"),
    ),
    "unknown key beside a file": (
        data("kind = 'tabulated'\nfile = 'good.csv'\nvariabel = 'density'"),
        ("[data] variabel", "did you mean 'variable'"),
    ),
    "binary table": (data("kind = 'tabulated'\nfile = 'binary.csv'"), ("[data] file", "binary.csv")),
    "binary NetCDF": (data("kind = 'tabulated'\nfile = 'binary.nc'\nvariable = 'q'"), ("[data] file", "binary.nc")),
    "truncated NetCDF": (data("kind = 'tabulated'\nfile = 'cut.nc'\nvariable = 'q'"), ("[data]", "cut.nc")),
    "table in two dimensions": (data("kind = 'tabulated'\nfile = 'plane.nc'\nvariable = 'q'"), ("[data]", "plane.nc")),
    "no such variable": (data("kind = 'tabulated'\nfile = 'plane.nc'\nvariable = 'p'"), ("[data] variable", "'p'")),
    "binary npz": (data("kind = 'samples'\nfile = 'binary.npz'"), ("[data] file", "binary.npz")),
    "pickled npy": (data("kind = 'samples'\nfile = 'pickle.npy'"), ("[data] file", "pickle.npy")),
    "bandwidth zero": (data("kind = 'samples'\nfile = 'x.npy'\nbandwidth = 0"), ("[data] bandwidth", "above 0")),
    "bandwidth a word": (data("kind = 'samples'\nfile = 'x.npy'\nbandwidth = 'a'"), ("[data] bandwidth", "given 'a'")),
    "no samples": (data("kind = 'samples'\nfile = 'none.npy'"), ("[data]", "none.npy")),
    "samples nan": (data("kind = 'samples'\nfile = 'nan.npy'"), ("[data]", "nan.npy", "index 1")),
    "samples without spread": (data("kind = 'samples'\nfile = 'same.npy'"), ("[data]", "same.npy", "spread")),
    "samples in the plane": (data("kind = 'samples'\nfile = 'pairs.npy'"), ("[data] variable", "several")),
    "samples complex": (data("kind = 'samples'\nfile = 'complex.npy'"), ("[data] file", "complex.npy")),
    "schedule file not there": (schedule("kind = 'arrays'\nfile = 'none.json'"), ("[schedule] file", "none.json")),
    "schedule file incomplete": (schedule("kind = 'arrays'\nfile = 'half.json'"), ("[schedule] file", "sigma")),
    "schedule file no JSON": (schedule("kind = 'arrays'\nfile = 'broken.json'"), ("[schedule] file", "broken.json")),
    "unknown design": (
        schedule("kind = 'arrays'\nfile = 'half.json'\nwhich = 'bets'"),
        ("[schedule] which", "did you mean 'best'"),
    ),
    "schedule file beside arrays": (
        schedule("kind = 'arrays'\nfile = 'half.json'\nt = [0, 1]"),
        ("[schedule] t", "unknown key"),
    ),
    "betas file of a wrong variable": (
        schedule("kind = 'ddpm'\nfile = 'x.npy'\nvariable = 'beta'"),
        ("[schedule] variable", "did you mean 'betas'"),
    ),
    "betas file out of range": (schedule("kind = 'ddpm'\nfile = 'x.npy'"), ("[schedule] betas",)),
}


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory) -> Path:
    """Files that cases name, good and bad."""
    folder = tmp_path_factory.mktemp("files")
    x = np.linspace(-3.8, 3.8, 20)
    good = np.exp(-0.5 * x**2)
    good /= np.sum(good) * 0.4

    def table(name, values, header="x,density"):
        np.savetxt(folder / name, np.column_stack([x, values]), delimiter=",", header=header, comments="")

    table("good.csv", good)
    table("nan.csv", np.where(np.arange(20) == 3, np.nan, good))
    table("negative.csv", np.where(np.arange(20) == 3, -0.1, good))
    table("double.csv", 2.0 * good)
    np.savetxt(folder / "unsorted.csv", np.column_stack([x[::-1], good]), delimiter=",")
    lines = (folder / "good.csv").read_text(encoding="utf-8").splitlines()
    (folder / "word.csv").write_text("\n".join([*lines[:3], "0.5,many", *lines[3:]]), encoding="utf-8")
    (folder / "ragged.csv").write_text("\n".join([*lines[:3], "0.5", *lines[3:]]), encoding="utf-8")
    noise = bytes(np.random.default_rng(0).integers(0, 256, 4000, dtype=np.uint8))
    for name in ("binary.csv", "binary.nc", "binary.npz", "q.xyz"):
        (folder / name).write_bytes(noise)
    np.save(folder / "pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(folder / "x.npy", np.linspace(-1.0, 2.0, 50))
    np.save(folder / "none.npy", np.empty(0))
    np.save(folder / "nan.npy", np.array([0.0, np.nan, 1.0]))
    np.save(folder / "same.npy", np.ones(9))
    np.save(folder / "pairs.npy", np.zeros((9, 2)))
    np.save(folder / "complex.npy", np.zeros(9, complex))
    (folder / "half.json").write_text('{"t": [0, 1], "m": [1, 0]}', encoding="utf-8")
    (folder / "broken.json").write_text('{"t": [0, 1', encoding="utf-8")
    xr.Dataset({"q": ("x", good)}, {"x": x}).to_netcdf(folder / "good.nc")
    xr.Dataset({"q": (("x", "y"), np.ones((4, 5)))}).to_netcdf(folder / "plane.nc")
    (folder / "cut.nc").write_bytes((folder / "good.nc").read_bytes()[:-3000])
    return folder


def outputs(folder: Path) -> list[str]:
    return ["--out", str(folder / "r.nc"), "--figure", str(folder / "f.png")]


def refused(capsys, *arguments: str, words: tuple[str, ...] = ()) -> str:
    """Run the command line; return the one line it says."""
    status = main(list(arguments))
    said = capsys.readouterr()
    assert (status, said.out) == (2, ""), said.err
    assert said.err.endswith("\n") and said.err.count("\n") == 1, said.err
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err
    return said.err


@pytest.mark.parametrize("name", CASES)
def test_a_bad_case_file(name, bad_files, tmp_path, capsys, monkeypatch):
    text, words = CASES[name]
    place = bad_files / "case.toml"
    place.write_text(text, encoding="utf-8")
    monkeypatch.chdir(bad_files)  # a short name, as users give it
    line = refused(capsys, "run", "case.toml", *outputs(tmp_path), words=words)
    assert line.startswith("case.toml: ")
    assert list(tmp_path.iterdir()) == []


# what is wrong -> (arguments; {good}, {out} are a sound case file and a free folder, words)
ARGUMENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "no command": ((), ("fpsolve", "COMMAND")),
    "unknown command": (("rum", "{good}"), ("rum", "'run'")),
    "solve of a case": (("solve", "{good}"), ("good.toml", "tau", "unknown key")),
    "resume without a file": (("solve", "{good}", "--resume"), ("--resume", "--out")),
    "unknown option": (("run", "{good}", "--fast"), ("--fast",)),
    "abbreviated option": (("run", "{good}", "--js"), ("--js",)),
    "no case": (("run",), ("CASE.toml",)),
    "two cases": (("run", "{good}", "{good}"), ("good.toml",)),
    "option without value": (("run", "{good}", "--out"), ("--out",)),
    "missing case file": (("run", "{out}/none.toml"), ("none.toml", "no such file")),
    "missing result": (("run", "{out}/none.nc"), ("none.nc", "no such file")),
    "folder as a case": (("run", "{out}"), ("cannot be read",)),
    "no threads": (("run", "{good}", "--threads", "0"), ("--threads", "'0'")),
    "threads a word": (("run", "{good}", "--threads", "all"), ("--threads", "'all'")),
    "one level": (("converge", "{good}", "--levels", "1"), ("levels", "given 1")),
    "levels a word": (("converge", "{good}", "--levels", "many"), ("--levels", "'many'")),
    "unknown level": (("verify", "--level", "fast"), ("--level", "quick")),
    "output of a strange suffix": (("run", "{good}", "--out", "{out}/r.h5"), ("r.h5", "allowed: .nc")),
    "figure of a strange suffix": (("run", "{good}", "--figure", "{out}/f.jpg"), ("f.jpg", ".png, .pdf")),
    "output folder missing": (("run", "{good}", "--out", "{out}/no/r.nc"), ("r.nc", "does not exist")),
    "figure folder missing": (("run", "{good}", "--figure", "{out}/no/f.png"), ("f.png", "does not exist")),
    "report folder missing": (("verify", "--out", "{out}/no/report"), ("report", "does not exist")),
    "report in a file": (("verify", "--out", "{good}"), ("good.toml", "it is a file")),
    "output a folder": (("run", "{good}", "--out", "{taken}/folder.nc"), ("folder.nc", "it is a folder")),
    "output exists": (("run", "{good}", "--out", "{taken}/r.nc"), ("r.nc", "it exists", "--overwrite")),
    "figure exists": (("run", "{good}", "--figure", "{taken}/f.png"), ("f.png", "it exists", "--overwrite")),
    "report folder in use": (("verify", "--out", "{taken}"), ("it holds other files", "--overwrite")),
    "result no NetCDF": (("run", "{bad}/binary.nc"), ("binary.nc", "cannot be read")),
    "result truncated": (("run", "{bad}/cut.nc"), ("cut.nc",)),
    "result without recipe": (("run", "{bad}/good.nc"), ("good.nc", "no recipe")),
    "plot of a foreign file": (("plot", "{bad}/good.nc", "--out", "{out}/f.png"), ("good.nc", "no recipe")),
    "plot of a binary file": (("plot", "{bad}/binary.nc", "--out", "{out}/f.png"), ("binary.nc",)),
    "plot of a case": (("plot", "{good}", "--out", "{out}/f.png"), ("good.toml",)),
    "plot to a strange suffix": (("plot", "{bad}/good.nc", "--out", "{out}/f.svg"), ("f.svg", ".png, .pdf")),
    "binary case file": (("run", "{bad}/binary.csv"), ("binary.csv", "UTF-8")),
    "unknown template": (("new", "cases"), ("cases", "case")),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_bad_arguments(name, bad_files, tmp_path, capsys):
    arguments, words = ARGUMENTS[name]
    out, taken = tmp_path / "out", tmp_path / "taken"
    for folder in (out, taken, taken / "folder.nc"):
        folder.mkdir()
    for file in ("r.nc", "f.png"):
        (taken / file).write_text("old")
    good = tmp_path / "good.toml"
    good.write_text(case(), encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    names = {"good": good, "out": out, "taken": taken, "bad": bad_files}
    refused(capsys, *(argument.format(**names) for argument in arguments), words=words)
    assert sorted(tmp_path.rglob("*")) == before
    assert (taken / "r.nc").read_text() == (taken / "f.png").read_text() == "old"


@pytest.mark.parametrize("attribute", ["recipe", "version"])
def test_a_damaged_recipe(attribute, tmp_path, capsys):
    good, result = tmp_path / "good.toml", tmp_path / "r.nc"
    good.write_text(case(), encoding="utf-8")
    assert main(["run", str(good), "--out", str(result)]) == 0
    capsys.readouterr()
    with xr.open_dataset(result) as opened:
        data = opened.load()
    if attribute == "recipe":
        data.attrs["recipe"] = data.attrs["recipe"].replace('"tau": 1.0', '"tau": -1.0')
        words: tuple[str, ...] = ("tau", "given -1")
    else:
        data.attrs["format_version"] = 99
        words = ("format_version", "99")
    data.to_netcdf(tmp_path / "damaged.nc")
    refused(capsys, "run", str(tmp_path / "damaged.nc"), words=("damaged.nc", *words))


@pytest.mark.parametrize("text", ["{", "3", '{"dimension": {"array": "recipe_none"}}'])
def test_a_recipe_that_is_none(text, tmp_path, capsys):
    xr.Dataset(attrs={"recipe": text, "format_version": 1}).to_netcdf(tmp_path / "r.nc")
    refused(capsys, "run", str(tmp_path / "r.nc"), words=("r.nc", "recipe"))


def test_deep_nesting(tmp_path, capsys):
    (tmp_path / "deep.toml").write_text("tau = " + "[" * 100_000, encoding="utf-8")
    refused(capsys, "run", str(tmp_path / "deep.toml"), words=("deep.toml", "not valid TOML"))


@pytest.mark.parametrize("arguments", [("run", "case.toml", "--out", "r.nc"), ("rum",), ("run", "none.toml")])
def test_in_a_process_of_its_own(arguments, tmp_path, package, installed):
    (tmp_path / "case.toml").write_text(case(head="dimension = 1\ntau = -1.0\n"), encoding="utf-8")
    environment = dict(os.environ) if installed else os.environ | {"PYTHONPATH": str(package.parent)}
    command = [sys.executable, "-m", "fpsolve", *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["case.toml"]
