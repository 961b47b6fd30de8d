"""The decorator of the kernels: warm starts, freshness after an edit, and places that cannot be written."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from pathlib import Path

import numba
import numpy as np
import pytest

from fpsolve.kernels import compiled as module
from fpsolve.kernels.compiled import compiled

LOW = """
from fpsolve.kernels.compiled import compiled

@compiled
def factor():
    return 2.0
"""

HIGH = """
from fpsolve.kernels.compiled import compiled
from fpsolve.kernels.low import factor

@compiled
def scale(x, out):
    for i in range(x.size):
        out[i] = factor() * x[i]
"""

REPORT = """
import numpy as np, numba
from fpsolve.kernels.high import scale
from fpsolve.kernels.compiled import cache_folder
out = np.empty(3)
scale(np.ones(3), out)
assert numba.config.CACHE_DIR == __import__("os").environ.get("NUMBA_CACHE_DIR", "")
stats = getattr(scale, "stats", None)
print(out[0], sum(stats.cache_hits.values()) if stats else "-", cache_folder())
"""

# Settings of numba's that somebody may run the tests with, taken back.
PLAIN = {
    "NUMBA_DISABLE_JIT": None,
    "NUMBA_BOUNDSCHECK": None,
    "NUMBA_CACHE_DIR": None,
    "PYTHONDONTWRITEBYTECODE": "1",
}


@pytest.fixture
def toy(tmp_path):
    """A package of the same name with two kernels of its own, the one calling the other."""
    kernels = tmp_path / "site" / "fpsolve" / "kernels"
    kernels.mkdir(parents=True)
    (kernels.parent / "__init__.py").touch()
    for name in ("__init__.py", "compiled.py"):
        shutil.copy(Path(module.__file__).with_name(name), kernels / name)
    (kernels / "low.py").write_text(LOW)
    (kernels / "high.py").write_text(HIGH)
    return kernels


@pytest.fixture
def report(toy, run_python, tmp_path):
    """Run the toy's kernel in a new process: its value, the number of loads from the cache, the cache's folder."""

    def run(**env):
        env = {**PLAIN, "XDG_CACHE_HOME": str(tmp_path / "user"), **env}
        value, hits, folder = run_python(REPORT, env=env, path=toy.parents[1]).stdout.split()
        return float(value), hits, folder

    return run


def files(folder):
    return sorted(path.name for path in Path(folder).rglob("*") if path.is_file())


def test_second_process_loads_instead_of_compiling(report, toy):
    value, hits, folder = report()
    assert (value, hits) == (2.0, "0")
    saved = files(folder)
    assert any(name.endswith(".nbc") for name in saved)
    assert report() == (2.0, "1", folder)
    assert files(folder) == saved
    assert files(toy) == ["__init__.py", "compiled.py", "high.py", "low.py"]


def test_editing_a_called_kernel_renews_its_caller(report, toy):
    _, _, before = report()
    (toy / "low.py").write_text(LOW.replace("2.0", "3.0"))
    value, hits, after = report()
    assert (value, hits) == (3.0, "0")
    assert after != before
    (toy / "low.py").write_text(LOW)
    assert report() == (2.0, "1", before)


def test_checked_bounds_have_a_folder_of_their_own(report):
    assert report()[2] != report(NUMBA_BOUNDSCHECK="1")[2]


def test_user_cache_folder(report, tmp_path):
    if sys.platform.startswith("linux"):
        assert Path(report()[2]).parent == tmp_path / "user" / "fpsolve"


def test_numba_cache_dir_is_respected(report, tmp_path):
    chosen = tmp_path / "chosen"
    folder = report(NUMBA_CACHE_DIR=str(chosen))[2]
    assert Path(folder).parent == chosen / "fpsolve"
    assert not (tmp_path / "user").exists()


def test_temporary_folder_where_home_is_missing(report, tmp_path):
    (tmp_path / "tmp").mkdir()
    places = {"HOME": None, "XDG_CACHE_HOME": str(Path(os.devnull, "none")), "TMPDIR": str(tmp_path / "tmp")}
    value, _, folder = report(**places)
    assert value == 2.0
    if sys.platform != "win32":
        assert Path(folder).is_relative_to(tmp_path / "tmp")
        assert report(**places)[1] == "1"


def test_uncached_where_nothing_can_be_written(toy, run_python):
    code = "import os, tempfile; tempfile.tempdir = os.path.join(os.devnull, 'none')\n" + REPORT
    nowhere = str(Path(os.devnull, "none"))
    places = {**PLAIN, "NUMBA_CACHE_DIR": nowhere, "XDG_CACHE_HOME": nowhere, "LOCALAPPDATA": ""}
    value, hits, folder = run_python(code, env=places, path=toy.parents[1]).stdout.split()
    assert (float(value), hits, folder) == (2.0, "0", "None")
    assert files(toy) == ["__init__.py", "compiled.py", "high.py", "low.py"]


def test_damaged_and_vanished_files_cost_a_compilation_only(report):
    _, _, folder = report()
    for path in Path(folder).rglob("*.nb*"):
        path.write_bytes(b"damaged")
    assert report() == (2.0, "0", folder)
    assert report() == (2.0, "1", folder)
    for path in Path(folder).rglob("*.nbc"):
        path.unlink()
    assert report() == (2.0, "0", folder)


def test_without_compilation(report):
    value, hits, _ = report(NUMBA_DISABLE_JIT="1")
    assert (value, hits) == (2.0, "-")


def test_a_full_disk_is_survived(monkeypatch):
    def refuse(self, path):
        raise OSError("no space left")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._open_for_write", refuse)

    @compiled
    def twice(x):
        return 2.0 * x

    assert twice(4.0) == 8.0


def test_only_the_newest_folders_are_kept(tmp_path, monkeypatch):
    home = tmp_path / "fpsolve"
    home.mkdir()
    (home / "somebody's file").touch()
    names = [f"{age:020d}" for age in range(9)]
    for age, name in enumerate(names):
        (home / name).mkdir()
        (home / name / "code").touch()
        os.utime(home / name, (1e9 - age, 1e9 - age))
    (home / "trash-left-over").mkdir()
    module._open_folder.__wrapped__("f" * 20, str(tmp_path))
    expected = ["f" * 20, *names[: module.KEPT_FOLDERS - 1], "somebody's file"]
    assert sorted(path.name for path in home.iterdir()) == sorted(expected)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owner")
def test_code_is_not_loaded_from_a_folder_that_others_can_write(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    planted = shared / "fpsolve"
    planted.mkdir()
    planted.chmod(0o777)
    folder = module._open_folder.__wrapped__("e" * 20, str(shared))
    assert folder is None or not folder.is_relative_to(shared)
    if folder is not None:
        folder.rmdir()


def test_decorator_with_and_without_brackets():
    @compiled
    def plain(x, out):
        out[0] = x / 0.0

    @compiled(parallel=True)
    def threaded(x, out):
        for i in numba.prange(x.size):
            out[i] = 2.0 * x[i]

    out = np.empty(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not numba.config.DISABLE_JIT:
            plain(1.0, out)
            assert out[0] == np.inf
        threaded(np.arange(5.0), out)
    assert out.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert plain.__name__ == "plain"


def test_global_setting_of_numba_is_left_alone():
    before = numba.config.CACHE_DIR

    @compiled
    def nothing():
        return None

    assert numba.config.CACHE_DIR == before
