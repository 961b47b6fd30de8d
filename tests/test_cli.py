"""The command line: what it prints, where, and with which exit status."""

from __future__ import annotations

import dataclasses
import errno
import io as streams
import json
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import fpsolve
import fpsolve.accuracy
import fpsolve.cli.entry
import fpsolve.measuring.line
from fpsolve import experiments, io
from fpsolve.cli import main
from fpsolve.cli.console import as_json
from fpsolve.estimates import Relation
from fpsolve.progress import Progress
from fpsolve.settings import Settings

CASE = """
dimension = 1
tau = 1.0
[data]
kind = "gaussian-mixture"
means = [0.6, -0.6]
stds = [0.3, 0.3]
[schedule]
kind = "cosine"
[start]
kind = "gaussian"
mean = {mean}
std = {std}
[grid]
cells = 40
[time]
steps = 4
"""
QUANTITIES = {"eta", "c1", "c2", "dissipation", "D0", "W1_initial", "W1_final", "W2", "path_length"}
NAMES = (
    "second-law benamou-brenier minimum-dissipation excess speed-limit-hierarchy uncertainty-x uncertainty-x2 "
    "uncertainty-optimal v1-below-v2 chi2-invariance instantaneous-speed-accuracy speed-accuracy optimal-protocol "
    "conditional-energy"
).split()


@pytest.fixture
def case(tmp_path) -> Path:
    path = tmp_path / "case.toml"
    path.write_text(CASE.format(mean=0.3, std=1.0), encoding="utf-8")
    return path


@pytest.fixture
def quick(monkeypatch):
    """``verify`` on two of its cases alone."""
    chosen = {name: experiments.verify_cases()[name] for name in ("mean/cosine", "infinite")}
    small = {name: dataclasses.replace(case, cells=40, steps=4) for name, case in chosen.items()}
    monkeypatch.setattr("fpsolve.experiments.verification.verify_cases", lambda level: small)
    for others in ("verify_problems", "learned_cases"):
        monkeypatch.setattr(f"fpsolve.experiments.verification.{others}", lambda level: {})


@pytest.fixture
def turned_round(monkeypatch):
    """A relation with its sides exchanged."""

    def wrong(measured):
        return Relation("speed-accuracy", "79", 2.0, 1.0, 1e-9)

    monkeypatch.setattr(fpsolve.measuring.line, "RELATIONS", (*fpsolve.measuring.line.RELATIONS, wrong))


@pytest.fixture
def too_coarse(monkeypatch):
    """A relation whose error bar is too wide to tell."""

    def vague(measured):
        return Relation("speed-accuracy", "79", 1.0, 2.0, 0.5)

    monkeypatch.setattr(fpsolve.measuring.line, "RELATIONS", (*fpsolve.measuring.line.RELATIONS, vague))


def in_process(tmp_path, *arguments, **variables) -> subprocess.CompletedProcess[bytes]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "fpsolve", *arguments], cwd=tmp_path, env=environment(**variables),
        stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
    )  # fmt: skip


def environment(**variables) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(fpsolve.__path__[0]).parent)} | variables


def strict_json(text: str):
    def refuse(word):
        raise AssertionError(f"{word} in JSON")

    return json.loads(text, parse_constant=refuse)


# run


def test_run_prints_tables(case, capsys):
    assert main(["run", str(case)]) == 0
    said = capsys.readouterr()
    assert "η" in said.out and "speed-accuracy" in said.out
    assert said.err == ""


def test_run_json(case, capsys):
    assert main(["run", str(case), "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    content = strict_json(said.out)
    assert {"case", "quantities", "relations", "diagnostics"} <= set(content)
    assert set(content["quantities"]) >= QUANTITIES
    for entry in content["quantities"].values():
        assert {"value", "error", "unit"} <= set(entry)
    assert [relation["name"] for relation in content["relations"]] == NAMES
    for relation in content["relations"]:
        assert {"name", "equation", "lhs", "rhs", "margin", "error", "verdict"} <= set(relation)
        assert relation["verdict"] in {"holds", "violated", "undecided", "undefined"}
    assert {"mass_error", "minimum_density", "chi2_drift", "truncated", "seconds"} <= set(content["diagnostics"])
    assert content["case"]["grid"] == {"cells": 40}


def test_the_case_in_the_json_is_a_case_file(case, tmp_path, capsys):
    """What JSON says of the case builds the same case."""
    main(["run", str(case), "--json"])
    recipe = strict_json(capsys.readouterr().out)["case"]
    assert fpsolve.Case.from_recipe(recipe).recipe() == io.read_case(case).recipe()


def test_an_infinite_divergence_is_no_failure(tmp_path, capsys):
    path = tmp_path / "wide.toml"
    path.write_text(CASE.format(mean=0.0, std=1.5), encoding="utf-8")
    assert main(["run", str(path), "--json", "--out", str(tmp_path / "r.nc"), "--figure", str(tmp_path / "f.png")]) == 0
    found = strict_json(capsys.readouterr().out)["quantities"]
    assert (found["D0"]["value"], found["D0"]["error"]) == ("inf", None)
    for name in ("eta", "c1"):
        assert found[name]["value"] is None and found[name]["error"] is None
        assert found[name]["status"] == "undefined" and found[name]["why"]
    assert main(["run", str(path)]) == 0
    assert "undefined" in capsys.readouterr().out
    assert main(["plot", str(tmp_path / "r.nc")]) == 0


def test_the_window_of_the_paper(tmp_path, capsys):
    path = tmp_path / "window.toml"
    text = CASE.format(mean=1.0, std=1.0).replace("0.6", "0.5916079783099616")
    path.write_text(text + "[numerics]\nwindow = [-4.5, 4.5]\n", encoding="utf-8")
    assert main(["run", str(path), "--json"]) == 0
    content = strict_json(capsys.readouterr().out)
    assert content["quantities"]["D0"]["value"] == pytest.approx(1.7018607087, rel=1e-9)
    assert content["quantities"]["eta"]["value"] == pytest.approx(0.0906517, rel=1e-6)
    assert content["diagnostics"]["truncated"]


def test_a_result_repeats_itself(case, tmp_path, capsys):
    """Identical numbers from the case, from its result, and from the result of that."""
    texts = [case]
    seen = []
    for number in range(3):
        out = tmp_path / f"r{number}.nc"
        assert main(["run", str(texts[-1]), "--out", str(out), "--json"]) == 0
        content = strict_json(capsys.readouterr().out)
        content["diagnostics"].pop("seconds")
        seen.append(content)
        texts.append(out)
    assert seen[0] == seen[1] == seen[2]
    first, last = io.load(tmp_path / "r0.nc"), io.load(tmp_path / "r2.nc")
    xr.testing.assert_identical(first, last)


def test_run_writes_a_result_and_a_figure(case, tmp_path, capsys):
    out, png, pdf = tmp_path / "r.nc", tmp_path / "f.png", tmp_path / "f.pdf"
    assert main(["run", str(case), "--out", str(out), "--figure", str(png)]) == 0
    assert main(["run", str(case), "--figure", str(pdf)]) == 0
    assert png.read_bytes().startswith(b"\x89PNG") and pdf.read_bytes().startswith(b"%PDF")
    fields = {"density", "density_estimated", "velocity", "current"}
    with xr.open_dataset(out) as data:
        assert fields | {"dissipation_rate", "v2", "v_loss", "W1", "chi2"} <= set(data.data_vars)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case.toml", "f.pdf", "f.png", "r.nc"]


def test_overwrite(case, tmp_path, capsys):
    out = tmp_path / "r.nc"
    out.write_text("old")
    assert main(["run", str(case), "--out", str(out)]) == 2
    assert out.read_text() == "old"
    assert main(["run", str(case), "--out", str(out), "--overwrite"]) == 0
    assert io.load(out).sizes["x"] == 40
    assert main(["run", str(out), "--out", str(out), "--overwrite"]) == 0


def test_threads(case, capsys):
    assert main(["run", str(case), "--threads", "1", "--json"]) == 0
    one = strict_json(capsys.readouterr().out)["quantities"]
    assert main(["run", str(case), "--threads", "64", "--json"]) == 0
    assert strict_json(capsys.readouterr().out)["quantities"] == one


# exit statuses


def test_a_violated_relation_gives_one(case, turned_round, capsys):
    assert main(["run", str(case), "--json"]) == 1
    content = strict_json(capsys.readouterr().out)
    assert content["relations"][-1]["verdict"] == "violated"


def test_an_undecided_relation_gives_one_if_strict(case, too_coarse, capsys):
    assert main(["run", str(case)]) == 0
    assert "undecided" in capsys.readouterr().out
    assert main(["run", str(case), "--strict"]) == 1


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("no\nconvergence"), np.linalg.LinAlgError("singular"), ValueError("odd")]
)
def test_what_cannot_be_computed_gives_three(error, case, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise error

    monkeypatch.setattr(fpsolve.accuracy, "measure", fail)
    assert main(["run", str(case), "--out", str(tmp_path / "r.nc"), "--json"]) == 3
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "Traceback" not in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["case.toml"]


def test_a_full_disk_gives_three_and_leaves_nothing(case, tmp_path, monkeypatch, capsys):
    def full(dataset, path):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(io, "write", full)
    assert main(["run", str(case), "--out", str(tmp_path / "r.nc")]) == 3
    assert "No space left" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["case.toml"]


def test_an_interruption_gives_130(case, tmp_path, monkeypatch, capsys):
    def interrupt(dataset, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(io, "write", interrupt)
    assert main(["run", str(case), "--out", str(tmp_path / "r.nc")]) == 130
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["case.toml"]


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_signal_while_it_computes(tmp_path):
    def restore():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a background shell may have had it ignored

    wait = "import fpsolve.accuracy as a, time, sys\nfrom fpsolve.cli import main\n"
    wait += "def measure(*_):\n    print('ready', file=sys.stderr, flush=True)\n    time.sleep(60)\n"
    wait += "a.measure = measure\nsys.exit(main(['run', 'case.toml', '--out', 'r.nc', '--json']))"
    (tmp_path / "case.toml").write_text(CASE.format(mean=0.3, std=1.0), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-c", wait], cwd=tmp_path, env=environment(), preexec_fn=restore,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None and process.stderr.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "fpsolve: interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["case.toml"]


def test_a_traceback_on_request(case, monkeypatch):
    monkeypatch.setenv("FPSOLVE_TRACEBACK", "1")
    monkeypatch.setattr(fpsolve.accuracy, "measure", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["run", str(case)])


def test_warnings_do_not_disturb_the_output(case, monkeypatch, capsys):
    import warnings

    measure = fpsolve.accuracy.measure

    def loud(*arguments):
        for _ in range(3):
            warnings.warn("a\ndoubt", RuntimeWarning, stacklevel=1)
        return measure(*arguments)

    monkeypatch.setattr(fpsolve.accuracy, "measure", loud)
    assert main(["run", str(case), "--json"]) == 0
    said = capsys.readouterr()
    strict_json(said.out)
    assert said.err == "fpsolve: RuntimeWarning: a doubt\n"


# the other commands


def test_verify(quick, capsys):
    assert main(["verify"]) == 0
    said = capsys.readouterr()
    assert "speed-accuracy" in said.out and said.err == ""


def test_verify_json(quick, capsys):
    assert main(["verify", "--json"]) == 0
    content = strict_json(capsys.readouterr().out)
    assert {"cases", "relations", "summary", "seconds"} <= set(content)
    assert set(content["cases"]) == {"mean/cosine", "infinite"}
    assert all({"name", "case", "verdict"} <= set(relation) for relation in content["relations"])
    assert sum(content["summary"].values()) == len(content["relations"]) == 2 * len(NAMES)
    assert content["summary"]["undefined"] >= 3


def test_verify_writes_a_report(quick, tmp_path, capsys):
    out = tmp_path / "report"
    assert main(["verify", "--out", str(out)]) == 0
    assert (out / "report.html").is_file()
    data = list(out.rglob("*.nc"))
    assert len(data) == 2 and list(out.rglob("*.png"))
    assert main(["run", str(data[0]), "--json"]) == 0
    (tmp_path / "empty").mkdir()
    assert main(["verify", "--out", str(tmp_path / "empty")]) == 0
    assert main(["verify", "--out", str(out)]) == 0  # only an earlier verify's files
    (out / "mine.txt").write_text("mine")
    assert main(["verify", "--out", str(out)]) == 2
    assert main(["verify", "--out", str(out), "--overwrite"]) == 0
    assert (out / "mine.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "report"]


def test_a_failed_report_leaves_nothing(quick, tmp_path, monkeypatch, capsys):
    def interrupt(verification, folder, told=None):
        (folder / "half.txt").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr("fpsolve.report.write_report", interrupt)
    assert main(["verify", "--out", str(tmp_path / "report")]) == 130
    assert list(tmp_path.iterdir()) == []


def test_a_violated_verification(quick, turned_round, tmp_path, capsys):
    assert main(["verify", "--json", "--out", str(tmp_path / "report")]) == 1
    assert strict_json(capsys.readouterr().out)["summary"]["violated"] == 2
    assert (tmp_path / "report" / "report.html").is_file()


def test_an_undecided_verification(quick, too_coarse, capsys):
    assert main(["verify"]) == 0
    assert main(["verify", "--strict"]) == 1


def test_converge(case, capsys):
    assert main(["converge", str(case), "--levels", "2", "--json"]) == 0
    content = strict_json(capsys.readouterr().out)
    assert {"case", "levels", "orders", "limits"} <= set(content)
    assert [level["cells"] for level in content["levels"]] == [40, 80]
    assert set(content["limits"]) >= QUANTITIES
    assert main(["converge", str(case), "--levels", "2"]) == 0
    assert "80 x 8" in capsys.readouterr().out


@pytest.mark.parametrize("snapshots", ["", "snapshots = 3"])
def test_plot(snapshots, case, tmp_path, capsys):
    case.write_text(case.read_text(encoding="utf-8") + snapshots, encoding="utf-8")
    assert main(["run", str(case), "--out", str(tmp_path / "r.nc")]) == 0
    assert main(["plot", str(tmp_path / "r.nc")]) == 0
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")
    assert main(["plot", str(tmp_path / "r.nc")]) == 2
    assert main(["plot", str(tmp_path / "r.nc"), "--overwrite"]) == 0
    capsys.readouterr()
    assert main(["plot", str(tmp_path / "r.nc"), "--out", str(tmp_path / "f.pdf")]) == 0
    assert capsys.readouterr().out == ""


def test_schemes(capsys):
    assert main(["schemes", "--json"]) == 0
    content = strict_json(capsys.readouterr().out)
    registered = {(family, kind) for family, kind in Settings.registry if family in ("flux", "stepper")}
    families = (("flux", "fluxes"), ("stepper", "steppers"))
    shown = {(family, row["kind"]) for family, rows in families for row in content[rows]}
    assert shown == registered
    assert all(row["order"] and row["reference"] for row in content["fluxes"] + content["steppers"])
    assert [row["kind"] for row in content["estimated"]] == list(fpsolve.cases.METHODS)
    assert main(["schemes"]) == 0
    assert "weno5" in capsys.readouterr().out


def test_the_template_is_a_case(tmp_path, capsys):
    assert main(["new", "case"]) == 0
    text = capsys.readouterr().out
    assert "#" in text and tomllib.loads(text)["dimension"] == 1
    (tmp_path / "case.toml").write_text(text, encoding="utf-8")
    assert main(["run", str(tmp_path / "case.toml"), "--json"]) == 0
    assert strict_json(capsys.readouterr().out)["quantities"]["eta"]["value"] == pytest.approx(0.0898, rel=1e-3)


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"], ["run", "--help"], ["plot", "--help"]])
def test_help(arguments, capsys):
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert "usage: fpsolve" in said.out and said.out.isascii() and said.err == ""


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"fpsolve {fpsolve.__version__}\n"


# streams


def test_a_console_without_greek(case, tmp_path):
    done = in_process(tmp_path, "run", "case.toml", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode("ascii")
    assert text.splitlines()[1].startswith("eta ") and "+/-" in text


def test_a_reader_that_goes_away(case, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "fpsolve", "run", "case.toml", "--json"], cwd=tmp_path, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=120) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_output_to_a_full_device(case, tmp_path):
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "fpsolve", "run", "case.toml"]
        done = subprocess.run(command, cwd=tmp_path, env=environment(), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3 and done.stderr.count(b"\n") == 1


def test_json_refuses_nan():
    with pytest.raises(ValueError):
        as_json({"value": float("nan")})


def test_progress_is_for_terminals(monkeypatch):
    class Terminal(streams.StringIO):
        def isatty(self):
            return True

    for stream, shown in ((Terminal(), True), (streams.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        progress = Progress()
        progress("mean/cosine", 1, 2)
        progress.close()
        assert ("mean/cosine" in stream.getvalue()) == shown


def test_light_commands_load_no_plotting(run_python):
    code = """
import sys
from fpsolve.cli import main
assert main(["schemes"]) == 0 and main(["new", "case"]) == 0
heavy = ("matplotlib", "scipy.stats", "netCDF4", "jinja2", "tqdm")
print([name for name in heavy if name in sys.modules], file=sys.stderr)
"""
    assert run_python(code).stderr == "[]\n"
