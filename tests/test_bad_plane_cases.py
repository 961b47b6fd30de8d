"""Bad input in the plane: exit status 2, one line that names file and key, nothing on standard output, no file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from fpsolve.cli import main
from tests.test_bad_input import outputs, refused

HEAD = "dimension = 2\ntau = 1.0\n"
LINE = "dimension = 1\ntau = 1.0\n"
DATA = 'kind = "gaussian"\nmean = [0.3, -0.2]\nstd = 0.8'
NORMAL = 'kind = "gaussian"\nmean = 0.0\nstd = 1.0'
COSINE = 'kind = "cosine"'
START = 'kind = "gaussian"\nmean = [0.2, 0.1]\nstd = 0.95'
REST = "[grid]\ncells = [32, 32]\n[time]\nsteps = 4\n"
MEAN = 'kind = "gaussian"\nmean = [0, 0]\n'
MIXTURE = 'kind = "gaussian-mixture"\n'
FORCE = 'kind = "linear-force"\nh = 0.5\ng = 2.0\nT_fin = 1.0'
GEODESIC = 'kind = "optimal-transport"'
STIRRED = 'kind = "stirring"\nschedule = {kind = "cosine"}\n'


def case(data: str = DATA, schedule: str = COSINE, start: str = START, rest: str = REST, head: str = HEAD) -> str:
    return f"{head}[data]\n{data}\n[schedule]\n{schedule}\n[start]\n{start}\n{rest}"


def grid(text: str) -> str:
    return case(rest=f"[grid]\n{text}\n[time]\nsteps = 4\n")


def numerics(text: str, schedule: str = COSINE) -> str:
    return case(schedule=schedule, rest=f"{REST}[numerics]\n{text}\n")


def line(data: str = NORMAL, schedule: str = COSINE, start: str = NORMAL) -> str:
    return case(data, schedule, start, rest="", head=LINE)


def image(name: str, corners: str = "lower = [-1, -1]\nupper = [1, 1]") -> str:
    return case(f'kind = "image"\nfile = "{name}"\n{corners}')


def named(kind: str, name: str, more: str = "") -> str:
    return case(f'kind = "{kind}"\nfile = "{name}"\n{more}')


# what is wrong -> (case file, words the line must hold beside the name of the file)
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    # the other dimension
    "a kind of the line": (case('kind = "scipy"\nname = "norm"'), ("[data] kind", "'scipy'", "allowed", "swiss-roll")),
    "a mean of the line": (case(NORMAL), ("[data] mean", "given 0", "expected a list")),
    "a start on the line": (case(start=NORMAL), ("[start] mean", "given 0")),
    "a mixture on the line": (case(MIXTURE + "means = [0.5, -0.5]\nstds = [1, 1]"), ("[data] means[0]", "given 0.5")),
    "a target on the line": (case(schedule=f"{GEODESIC}\n[schedule.target]\n{NORMAL}"), ("[schedule.target] mean",)),
    "a recorded process": (case(schedule='kind = "recorded"'), ("[schedule] kind", "on the line", "dimension = 2")),
    "a mean of the plane": (line(DATA), ("[data] mean", "[0.3, -0.2]", "expected a number")),
    "a start in the plane": (line(start=START), ("[start] mean", "expected a number")),
    "a roll on the line": (line('kind = "swiss-roll"\nblur = 0.1'), ("[data] kind", "'swiss-roll'")),
    "an image on the line": (line('kind = "image"\nfile = "good.npy"'), ("[data] kind", "'image'")),
    "a turning force on the line": (line(schedule=FORCE), ("[schedule] kind", "in the plane", "dimension = 1")),
    "stirring on the line": (line(schedule=STIRRED + 'stream = {kind = "levels"}'), ("[schedule] kind", "'stirring'")),
    # densities
    "no width": (case(MEAN), ("[data] std", "missing", "covariance")),
    "two widths": (case(MEAN + "std = 1\nstds = [1, 1]"), ("[data] stds", "exactly one")),
    "a negative width": (case(MEAN + "std = -0.5"), ("[data] std", "given -0.5", "above 0")),
    "a width that is no number": (case(MEAN + "std = nan"), ("[data] std", "given nan", "finite")),
    "a mean that is no number": (case(MEAN.replace("[0,", "[nan,") + "std = 1"), ("[data] mean[0]", "given nan")),
    "a mean of three": (case('kind = "gaussian"\nmean = [0, 0, 0]\nstd = 1'), ("[data] mean", "3 numbers", "two")),
    "not symmetric": (
        case(MEAN + "covariance = [[1, 0.5], [0.2, 1]]"),
        ("[data] covariance", "[[1, 0.5], [0.2, 1]]", "not symmetric"),
    ),
    "not positive": (
        case(MEAN + "covariance = [[1, 2], [2, 1]]"),
        ("[data] covariance", "not positive definite", "below 1"),
    ),
    "a covariance of two numbers": (case(MEAN + "covariance = [1, 2]"), ("[data] covariance[0]", "given 1")),
    "means of unequal lengths": (
        case(MIXTURE + "means = [[0, 0], [1]]\nstds = [1, 1]"),
        ("[data] means[1]", "1 numbers", "two"),
    ),
    "too few widths": (case(MIXTURE + "means = [[0, 0], [1, 1]]\nstds = [1]"), ("[data] stds", "1 for 2 means")),
    "uniform reversed": (case('kind = "uniform"\nlower = [1, 0]\nupper = [0, 1]'), ("[data] upper", "along x")),
    "a negative blur": (case('kind = "swiss-roll"\nblur = -0.1'), ("[data] blur", "given -0.1", "at least 0")),
    "a roll without blur": (case('kind = "swiss-roll"'), ("[data] blur", "no density at t = 0", "0.02 or more")),
    "a start without blur": (case(start='kind = "swiss-roll"'), ("[start] blur", "no density", "0.02 or more")),
    "a target without blur": (
        case(schedule=f'{GEODESIC}\n[schedule.target]\nkind = "swiss-roll"'),
        ("[schedule.target] blur", "no density"),
    ),
    "a hair of blur": (case('kind = "swiss-roll"\nblur = 1e-9'), ("[data] blur", "given 1e-09", "the least")),
    "centred by one": (case('kind = "swiss-roll"\nblur = 0.1\ncentred = 1'), ("[data] centred", "true or false")),
    "unknown key": (case(DATA + "\nsd = 1"), ("[data] sd", "did you mean 'std'")),
    "unknown kind": (case('kind = "swissroll"'), ("[data] kind", "did you mean 'swiss-roll'")),
    "missing mean": (case('kind = "gaussian"\nstd = 1'), ("[data] mean", "missing")),
    "missing start": (case().replace(f"[start]\n{START}\n", ""), ("start", "missing")),
    "unknown key at the top": (case(head=HEAD + "taau = 1\n"), ("taau", "did you mean 'tau'")),
    "tau zero": (case(head="dimension = 2\ntau = 0\n"), ("tau", "given 0", "above 0")),
    "tau negative": (case(head="dimension = 2\ntau = -1\n"), ("tau", "given -1", "above 0")),
    # schedules
    "g a word": (case(schedule=FORCE.replace("2.0", '"fast"')), ("[schedule] g", "'fast'", "expected a number")),
    "no g": (case(schedule=FORCE.replace("g = 2.0\n", "")), ("[schedule] g", "missing", "needs h, g, T_fin")),
    "three stiffnesses": (case(schedule=FORCE.replace("0.5", "[1, 2, 3]")), ("[schedule] h", "3 numbers")),
    "no temperature": (case(schedule=FORCE.replace("1.0", "0")), ("[schedule] T_fin", "given 0", "above 0")),
    "two stiffnesses for cells": (
        case('kind = "uniform"\nlower = [0, 0]\nupper = [1, 1]', FORCE.replace("0.5", "[0.5, 1.0]")),
        ("[schedule] h", "[0.5, 1.0]", "one stiffness"),
    ),
    "no stream": (case(schedule=STIRRED), ("[schedule] stream", "missing")),
    "unknown stream": (
        case(schedule=STIRRED + 'stream = {kind = "vortex"}'),
        ("[schedule] stream kind", "did you mean 'vortices'"),
    ),
    "a stream of Python": (
        case(schedule=STIRRED + 'stream = {kind = "function", function = 3}'),
        ("[schedule] stream kind", "for Python", "levels, vortices"),
    ),
    "no wavelength": (case(schedule=STIRRED + 'stream = {kind = "vortices"}'), ("[schedule] stream wavelength",)),
    "strength a word": (
        case(schedule=STIRRED + 'stream = {kind = "levels"}\nstrength = "a"'),
        ("[schedule] strength", "given 'a'"),
    ),
    "tau within stirring": (
        case(schedule=STIRRED.replace("}", ", tau = 2.0}") + 'stream = {kind = "levels"}'),
        ("[schedule] schedule tau", "top of the case"),
    ),
    "a geodesic stirred": (
        case(schedule=STIRRED.replace("cosine", "optimal-transport") + 'stream = {kind = "levels"}'),
        ("[schedule] schedule", "OptimalTransport"),
    ),
    "temperature zero": (case(schedule=GEODESIC + "\ntemperature = 0.0"), ("[schedule] temperature", "above 0")),
    # grids, windows, routes
    "one number of cells": (grid("cells = 32"), ("[grid] cells", "given 32", "[nx, ny]")),
    "three numbers of cells": (grid("cells = [32, 32, 32]"), ("[grid] cells", "[32, 32, 32]", "[nx, ny]")),
    "few cells": (grid("cells = [4, 32]"), ("[grid] cells", "given 4", "from 8")),
    "cells a word, with samples": (
        case('kind = "samples"\nfile = "samples.npy"', rest='[grid]\ncells = "a"\n'),
        ("[grid] cells", "'a'"),
    ),
    "a corner on the line, with samples": (
        case('kind = "samples"\nfile = "samples.npy"', rest="[grid]\nlower = -3\nupper = 3\n"),
        ("case.toml: [grid] lower", "given -3"),
    ),
    "one corner": (grid("lower = [-4, -4]"), ("[grid] lower", "neither")),
    "corners on the line": (grid("lower = -4\nupper = 4"), ("[grid] lower", "given -4", "list")),
    "corners reversed": (grid("lower = [-4, 4]\nupper = [4, -4]"), ("[grid] upper", "[4, -4]", "below upper")),
    "a corner of three": (grid("lower = [-4, -4, -4]\nupper = [4, 4, 4]"), ("[grid] lower", "3 numbers")),
    "window reversed": (numerics("window = [4.5, -4.5]"), ("[numerics] window", "[4.5, -4.5]", "below upper")),
    "window of three": (numerics("window = [[1, 2], [1, 2], [1, 2]]"), ("[numerics] window", "[[lower, upper]")),
    "window a word": (numerics('window = "wide"'), ("[numerics] window", "'wide'")),
    "a window that cuts": (
        numerics("window = [[-1, 1], [-1, 1]]"),
        ("[numerics] window", "cuts 53.39% of the forward", "1% is allowed"),
    ),
    "a grid that cuts": (
        grid("cells = [32, 32]\nlower = [-1, -1]\nupper = [1, 1]"),
        ("[grid] lower, upper", "% of the forward process' mass", "1% is allowed"),
    ),
    "a grid that cuts the start": (
        case(start=START.replace("0.2,", "4,"), rest="[grid]\ncells = [32, 32]\nlower = [-4, -4]\nupper = [4, 4]\n"),
        ("[grid] lower, upper", "cuts 50.00% of the estimated"),
    ),
    "a roll that leaves the grid": (
        case('kind = "swiss-roll"\nblur = 0.2', rest="[grid]\ncells = [32, 32]\nlower = [-2, -2]\nupper = [2, 2]\n"),
        ("[grid] lower, upper", "[[-2.0, 2.0], [-2.0, 2.0]]", "% of the forward process' mass"),
    ),
    "a grid that cuts a histogram": (
        case('kind = "samples"\nfile = "samples.npy"', rest="[grid]\nlower = [-0.1, -0.1]\nupper = [0.1, 0.1]\n"),
        ("[grid] lower, upper", "% of the forward process' mass"),
    ),
    "a grid that cuts the ends of a geodesic": (
        case(schedule=GEODESIC, rest="[grid]\ncells = [32, 32]\nlower = [-1, -1]\nupper = [1, 1]\n"),
        ("[grid] lower, upper", "of the data's mass", "53.39% of the target's", "widen"),
    ),
    "unequal masses of a geodesic": (
        case(schedule=GEODESIC, rest="[grid]\ncells = [32, 32]\nlower = [-4, -4]\nupper = [4, 4]\n"),
        ("[grid] lower, upper", "0.01% of the target's", "all of both"),
    ),
    "unknown route": (numerics('estimated = "weno"'), ("[numerics] estimated", "did you mean 'weno5'")),
    "a geodesic by weno5": (
        numerics('estimated = "weno5"', GEODESIC),
        ("[numerics] estimated", "geodesic", "characteristics"),
    ),
    "one snapshot": (case(rest="[time]\nsnapshots = 1\n"), ("[time] snapshots", "given 1", "from 2")),
    "one step": (case(rest="[time]\nsteps = 1\n"), ("[time] steps", "given 1", "from 2")),
    # files
    "no corners of an image": (image("good.npy", "lower = [-1, -1]"), ("[data] upper", "missing")),
    "corners of an image reversed": (
        image("good.npy", "lower = [-1, -1]\nupper = [-2, 1]"),
        ("[data] upper", "given -2 along x"),
    ),
    "an image of another format": (image("good.jpg"), ("[data] file", "good.jpg", ".npy or .png")),
    "no image": (image("none.png"), ("[data] file", "none.png", "no such file")),
    "a picture cut short": (image("cut.png"), ("[data] file", "cut.png", "cannot be read")),
    "an array cut short": (image("cut.npy"), ("[data] file", "cut.npy", "cannot be read")),
    "a header cut short": (image("header.npy"), ("[data] file", "header.npy", "cannot be read")),
    "a header that Python cannot parse": (image("token.npy"), ("[data] file", "token.npy", "cannot be read")),
    "an image of NaN": (image("nan.npy"), ("[data] file", "nan.npy", "row 0, column 0")),
    "a black image": (image("black.npy"), ("[data] file", "black.npy", "black")),
    "a stack of images": (image("stack.npy"), ("[data] file", "stack.npy", "(4, 8, 8)")),
    "samples cut short": (named("samples", "cut.npy"), ("[data] file", "cut.npy", "cannot be read")),
    "samples with a broken header": (named("samples", "token.npy"), ("[data] file", "token.npy", "cannot be read")),
    "samples of three": (named("samples", "three.npy"), ("[data] variable", "(n, 2)")),
    "samples of NaN": (named("samples", "nan_pairs.npy"), ("[data]", "nan_pairs.npy", "index 0")),
    "bandwidth zero": (named("samples", "samples.npy", "bandwidth = 0"), ("[data] bandwidth", "above 0")),
    "a table cut short": (named("tabulated", "cut.nc"), ("[data] file", "cut.nc", "cannot be read")),
    "an archive cut short": (named("tabulated", "cut.npz"), ("[data] file", "cut.npz", "cannot be read")),
    "a table of the line": (named("tabulated", "line.nc"), ("[data] file", "line.nc", "exactly two")),
    "a table of mass two": (named("tabulated", "double.npz"), ("[data] file", "double.npz", "must be 1")),
    "a table without y": (named("tabulated", "noy.npz"), ("[data] file", "noy.npz", "'y'")),
    "a table of another shape": (named("tabulated", "shape.npz"), ("[data] file", "shape.npz", "x first")),
    "no such variable": (named("tabulated", "good.npz", 'variable = "p"'), ("[data] variable", "given 'p'")),
    "a target cut short": (
        case(schedule=f'{GEODESIC}\n[schedule.target]\nkind = "tabulated"\nfile = "cut.nc"'),
        ("[schedule.target] file", "cut.nc"),
    ),
    "a start cut short": (case(start='kind = "tabulated"\nfile = "cut.npz"'), ("[start] file", "cut.npz")),
}


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory) -> Path:
    """Files that cases name, good and bad."""
    folder = tmp_path_factory.mktemp("files")
    centres = np.linspace(-1.5, 1.5, 12)
    weight = np.exp(-(centres**2))
    table = np.multiply.outer(weight, weight)
    table /= table.sum() * (centres[1] - centres[0]) ** 2
    np.savez(folder / "good.npz", x=centres, y=centres, q=table)
    np.savez(folder / "double.npz", x=centres, y=centres, q=2.0 * table)
    np.savez(folder / "noy.npz", x=centres, q=table)
    np.savez(folder / "shape.npz", x=centres, y=centres[1:], q=table)
    xr.Dataset({"q": (("x", "y"), table)}, {"x": centres, "y": centres}).to_netcdf(folder / "good.nc")
    xr.Dataset({"q": ("x", weight)}, {"x": centres}).to_netcdf(folder / "line.nc")
    np.save(folder / "good.npy", np.ones((8, 8)))
    np.save(folder / "black.npy", np.zeros((8, 8)))
    np.save(folder / "stack.npy", np.ones((4, 8, 8)))
    np.save(folder / "nan.npy", np.full((8, 8), np.nan))
    np.save(folder / "nan_pairs.npy", np.array([[0.0, np.nan], [1.0, 2.0], [3.0, 4.0]]))
    np.save(folder / "three.npy", np.arange(15.0).reshape(5, 3))
    np.save(folder / "samples.npy", np.random.default_rng(0).normal(size=(100, 2)))
    image = pytest.importorskip("PIL.Image")
    noise = np.random.default_rng(1).integers(0, 256, (32, 32), dtype=np.uint8)
    image.fromarray(noise).save(folder / "good.png")
    for suffix in ("npy", "npz", "nc", "png"):
        whole = (folder / f"good.{suffix}").read_bytes()
        (folder / f"cut.{suffix}").write_bytes(whole[: len(whole) * 2 // 3])
    (folder / "header.npy").write_bytes((folder / "good.npy").read_bytes()[:40])
    unclosed = b"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), ".ljust(117) + b"\n"
    start = b"\x93NUMPY\x01\x00" + len(unclosed).to_bytes(2, "little")
    (folder / "token.npy").write_bytes(start + unclosed + bytes(48))
    return folder


@pytest.mark.parametrize("name", CASES)
def test_a_bad_case_in_the_plane(name, bad_files, tmp_path, capsys, monkeypatch):
    text, words = CASES[name]
    (bad_files / "case.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(bad_files)  # a short name, as users give it
    said = refused(capsys, "run", "case.toml", *outputs(tmp_path), words=words)
    assert said.startswith("case.toml: ")
    assert list(tmp_path.iterdir()) == []


def test_the_case_that_all_others_spoil_is_sound(bad_files, tmp_path, capsys):
    (tmp_path / "case.toml").write_text(case(), encoding="utf-8")
    assert main(["run", str(tmp_path / "case.toml"), "--json"]) == 0


def test_a_damaged_result(bad_files, tmp_path, capsys):
    (tmp_path / "case.toml").write_text(case(), encoding="utf-8")
    assert main(["run", str(tmp_path / "case.toml"), "--json", "--out", str(tmp_path / "r.nc")]) == 0
    capsys.readouterr()
    whole = (tmp_path / "r.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(whole[: len(whole) // 2])
    refused(capsys, "run", str(tmp_path / "cut.nc"), words=("cut.nc", "cannot be read"))
    with xr.open_dataset(tmp_path / "r.nc") as opened:
        data = opened.load()
    changed = {
        "doubled": data.assign(density=2.0 * data["density"]),
        "thinned": data.isel(x=slice(0, 16), x_face=slice(0, 17)),
        "fewer": data.isel(snapshot=[0, 3]),
    }
    for name, dataset in changed.items():
        dataset.to_netcdf(tmp_path / f"{name}.nc")
        refused(capsys, "run", str(tmp_path / f"{name}.nc"), words=(f"{name}.nc", "recipe no longer fits"))
