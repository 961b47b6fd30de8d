"""Runs that stream to a file: killed, interrupted, resumed, refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import fpsolve as fp
from fpsolve.io import load

LINE = fp.FokkerPlanck(fp.LinearForce(-1.0), 0.5)
TURNING = fp.FokkerPlanck(fp.LinearForce([[-1.0, 0.5], [-0.5, -1.0]]), 0.5)
PYTHON = fp.FokkerPlanck(fp.PotentialForce(lambda x, t: x**4 / 4 - (1 + t) * x**2 / 2), lambda t: 0.3 + 0.1 * t)
STEEP = fp.FokkerPlanck(fp.LinearForce(-1.0), 1e-4)
TIMES = np.linspace(0.0, 0.5, 13)
#: name -> problem, start, options
RUNS = {
    "adaptive": (LINE, fp.Gaussian(1.0, 0.3), {}),
    "adaptive, no bars": (LINE, fp.Gaussian(1.0, 0.3), {"bars": False}),
    "fixed": (LINE, fp.Gaussian(1.0, 0.3), {"stepper": fp.steppers.CrankNicolson(), "steps": 2}),
    "explicit": (LINE, fp.Gaussian(1.0, 0.3), {"stepper": fp.steppers.RungeKuttaLegendre(), "snapshots": 3}),
    "nonlinear": (STEEP, fp.Gaussian(1.0, 0.3), {"flux": fp.fluxes.WENO5(), "observables": {"x4": lambda x: x**4}}),
    "positive": (
        LINE,
        fp.Uniform(-1.0, 1.0),
        {"flux": fp.fluxes.ScharfetterGummel(), "stepper": fp.steppers.PatankarRungeKutta()},
    ),
    "python": (PYTHON, fp.Gaussian(1.0, 0.3), {"rtol": 1e-4}),
    "plane": (TURNING, fp.PlaneGaussian((1.0, 0.0), 0.5), {"snapshots": 2}),
    "split": (
        TURNING,
        fp.PlaneGaussian((1.0, 0.0), 0.5),
        {"flux": fp.fluxes.ScharfetterGummel(), "stepper": fp.steppers.StrangSplitting(), "rtol": 1e-3},
    ),
}


def solved(name: str, store: fp.Store | None = None, **changed) -> xr.Dataset:
    problem, start, options = RUNS[name]
    grid = fp.Grid.line(-5.0, 5.0, 64) if problem.dimension == 1 else fp.Grid.plane((-5, -5), (5, 5), (32, 32))
    return fp.solve(problem, start, TIMES, **({"grid": grid} | options | changed), store=store)


class Deadly(fp.Store):
    """A store whose process is killed: before or after a stored time is complete."""

    def __init__(self, path: Path, fatal: int, midway: bool) -> None:
        super().__init__(path)
        self.fatal, self.midway = fatal, midway

    def append(self, entry) -> None:
        if self.kept == self.fatal and self.midway:
            entry = dict(entry) | {"time": _Killer()}
        super().append(entry)
        if self.kept == self.fatal and not self.midway:
            os.kill(os.getpid(), signal.SIGKILL)


class _Killer:
    def __float__(self) -> float:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0.0


def die(folder: Path) -> None:
    """Start every run in a process of its own, which is killed on its way; for a fresh interpreter only."""
    random = np.random.default_rng(os.getpid())
    for number, name in enumerate(RUNS):
        child = os.fork()
        if child == 0:
            solved(name, Deadly(folder / f"{number}.nc", int(random.integers(1, TIMES.size)), bool(number % 2)))
            os._exit(1)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    """A folder with the part of every run."""
    folder = tmp_path_factory.mktemp("killed")
    command = (
        "import sys, pathlib; sys.path[:0] = sys.argv[2:]; import test_store; test_store.die(pathlib.Path(sys.argv[1]))"
    )
    paths = [str(Path(__file__).parent), str(Path(fp.__path__[0]).parent)]
    subprocess.run([sys.executable, "-P", "-c", command, str(folder), *paths], check=True, timeout=300)
    return folder


def same(one: xr.Dataset, two: xr.Dataset) -> None:
    assert set(one.variables) == set(two.variables)
    for name, variable in one.variables.items():
        assert np.array_equal(variable.values, two[name].values, equal_nan=variable.dtype.kind == "f"), name
    assert {key: one.attrs[key] for key in ("recipe", "steps_taken", "steps_rejected")} == {
        key: two.attrs[key] for key in ("recipe", "steps_taken", "steps_rejected")
    }


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
@pytest.mark.parametrize("name", RUNS)
def test_a_killed_run_goes_on_bit_for_bit(name, killed):
    path = killed / f"{list(RUNS).index(name)}.nc"
    part = path.with_name(path.name + ".part")
    assert part.exists() and not path.exists()
    store = fp.Store(path)
    resumed, whole = solved(name, store), solved(name)
    assert path.exists() and not part.exists()
    same(whole, resumed)
    same(whole, load(path))


def test_killed_at_any_moment(tmp_path):
    code = (
        "import sys, numpy as np, fpsolve as fp\n"
        "fp.solve(fp.FokkerPlanck(fp.LinearForce(-1.0), 0.5), fp.Gaussian(1.0, 0.3), np.linspace(0.0, 2.0, 1001),"
        " grid=fp.Grid.line(-5.0, 5.0, 64), bars=False, snapshots=2, store=fp.Store(sys.argv[1]))"
    )
    path, part = tmp_path / "r.nc", tmp_path / "r.nc.part"
    environment = {**os.environ, "PYTHONPATH": str(Path(fp.__path__[0]).parent)}
    child = subprocess.Popen([sys.executable, "-P", "-c", code, str(path)], env=environment)
    while child.poll() is None and (not part.exists() or part.stat().st_size < 40_000):
        time.sleep(0.002)
    child.kill()
    assert child.wait() == -signal.SIGKILL and not path.exists()
    given = (LINE, fp.Gaussian(1.0, 0.3), np.linspace(0.0, 2.0, 1001))
    options = {"grid": fp.Grid.line(-5.0, 5.0, 64), "bars": False, "snapshots": 2}
    same(fp.solve(*given, **options), fp.solve(*given, **options, store=fp.Store(path)))


class Interrupted(fp.Store):
    """A store whose run is interrupted after some stored times."""

    error: BaseException = KeyboardInterrupt()

    def append(self, entry) -> None:
        super().append(entry)
        if self.kept == 5:
            raise self.error


def interrupted(path: Path, name: str = "adaptive", error: BaseException | None = None, **changed) -> Path:
    store = Interrupted(path)
    store.error = error or KeyboardInterrupt()
    with pytest.raises(type(store.error)) as caught:
        solved(name, store, **changed)
    if not isinstance(store.error, (fp.InputError, fp.NotConverged)):
        assert "first 5 stored times" in caught.value.__notes__[0]
    return store.part


def test_an_interrupt_keeps_the_part_and_says_so(tmp_path):
    part = interrupted(tmp_path / "r.nc")
    assert part.exists()
    same(solved("adaptive"), solved("adaptive", fp.Store(tmp_path / "r.nc")))


@pytest.mark.parametrize("error", [fp.InputError("force", "wrong"), fp.NotConverged("no")])
def test_a_run_that_would_always_fail_leaves_nothing(error, tmp_path):
    interrupted(tmp_path / "r.nc", error=error)
    assert list(tmp_path.iterdir()) == []


def test_a_whole_run_streams_and_leaves_the_result_only(tmp_path):
    streamed = solved("adaptive", fp.Store(tmp_path / "r.nc"))
    assert [path.name for path in tmp_path.iterdir()] == ["r.nc"]
    same(streamed, load(tmp_path / "r.nc"))


def test_a_store_is_not_used_twice(tmp_path):
    store = fp.Store(tmp_path / "r.nc")
    solved("fixed", store)
    with pytest.raises(fp.InputError, match="it exists"):
        solved("adaptive", store)
    same(solved("fixed"), load(tmp_path / "r.nc"))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"rtol": 1e-5}, "numerics.rtol was 1e-06, now 1e-05"),
        ({"bars": False}, "numerics.bars"),
        ({"flux": fp.fluxes.Central()}, "numerics.flux.kind"),
        ({"grid": fp.Grid.line(-5.0, 5.0, 66)}, "grid.cells"),
        ({"grid": fp.Grid.stretched(-5.0, 5.0, 64)}, "grid.edges_x"),
    ],
)
def test_the_part_of_another_run_is_refused(changed, words, tmp_path):
    part = interrupted(tmp_path / "r.nc")
    before = part.read_bytes()
    with pytest.raises(fp.InputError, match="another run") as caught:
        solved("adaptive", fp.Store(tmp_path / "r.nc"), **changed)
    assert words in str(caught.value) and "delete it or choose another name" in str(caught.value)
    assert part.read_bytes() == before


def test_other_python_functions_are_noticed(tmp_path):
    interrupted(tmp_path / "r.nc", "python")
    other = fp.FokkerPlanck(fp.PotentialForce(lambda x, t: x**4 / 4 - (2 + t) * x**2 / 2), PYTHON.temperature)
    with pytest.raises(fp.InputError, match="Python functions give other values"):
        grid = fp.Grid.line(-5.0, 5.0, 64)
        fp.solve(other, fp.Gaussian(1.0, 0.3), TIMES, grid=grid, rtol=1e-4, store=fp.Store(tmp_path / "r.nc"))


def test_another_array_as_the_start_is_noticed(tmp_path):
    grid = fp.Grid.line(-5.0, 5.0, 64)
    one, two = (fp.Gaussian(mean, 0.3).cell_averages(grid.faces) for mean in (1.0, 1.5))
    with pytest.raises(KeyboardInterrupt):
        fp.solve(LINE, one, TIMES, grid=grid, store=Interrupted(tmp_path / "r.nc"))
    with pytest.raises(fp.InputError, match=r"start\.masses differs"):
        fp.solve(LINE, two, TIMES, grid=grid, store=fp.Store(tmp_path / "r.nc"))
    whole = fp.solve(LINE, one, TIMES, grid=grid)
    same(whole, fp.solve(LINE, one, TIMES, grid=grid, store=fp.Store(tmp_path / "r.nc")))


def test_what_is_kept_may_change(tmp_path):
    interrupted(tmp_path / "r.nc")
    observables = {"third": lambda x: x**3}
    resumed = solved("adaptive", fp.Store(tmp_path / "r.nc"), snapshots=2, observables=observables)
    same(solved("adaptive", snapshots=2, observables=observables), resumed)


def damages() -> dict:
    return {
        "cut": lambda content: content[: len(content) // 2],
        "cut in the header": lambda content: content[:200],
        "empty": lambda content: b"",
        "noise": lambda content: b"noise" * 100,
        "a flipped bit": lambda content: content[:-3000] + bytes([content[-3000] ^ 1]) + content[-2999:],
    }


@pytest.mark.parametrize("name", damages())
def test_a_damaged_part_is_refused_and_stays(name, tmp_path):
    part = interrupted(tmp_path / "r.nc")
    content = damages()[name](part.read_bytes())
    part.write_bytes(content)
    with pytest.raises(fp.InputError, match="delete it or choose another name"):
        solved("adaptive", fp.Store(tmp_path / "r.nc"))
    assert part.read_bytes() == content and not (tmp_path / "r.nc").exists()


def test_a_foreign_part_is_refused(tmp_path):
    xr.Dataset({"x": ("x", np.ones(3))}).to_netcdf(tmp_path / "r.nc.part")
    with pytest.raises(fp.InputError, match="not the part of a solution"):
        fp.Store(tmp_path / "r.nc")


def test_a_part_is_refused_without_resume(tmp_path):
    interrupted(tmp_path / "r.nc")
    with pytest.raises(fp.InputError, match="go on from it"):
        fp.Store(tmp_path / "r.nc", resume=False)
    begun = solved("adaptive", fp.Store(tmp_path / "r.nc", overwrite=True, resume=False))
    same(solved("adaptive"), begun)


@pytest.mark.parametrize(
    ("name", "words"), [("r.txt", "allowed: .nc"), ("no/r.nc", "does not exist"), ("there.nc", "it exists")]
)
def test_bad_places(name, words, tmp_path):
    (tmp_path / "there.nc").write_text("old")
    with pytest.raises(fp.InputError, match=words):
        fp.Store(tmp_path / name)
    assert (tmp_path / "there.nc").read_text() == "old"
    assert repr(fp.Store(tmp_path / "there.nc", overwrite=True)).startswith("Store(")
