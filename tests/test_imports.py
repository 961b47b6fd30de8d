"""What an import loads, what the wheel holds, and that neither needs a writable place."""

from __future__ import annotations

import configparser
import importlib.metadata
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("matplotlib", "dask", "scipy.stats", "netCDF4", "jinja2")

USE_A_KERNEL = """
import os
import numpy as np
import fpsolve
from fpsolve.kernels.compiled import compiled
assert os.path.realpath(fpsolve.__path__[0]) == os.path.realpath(os.environ["EXPECTED"]), fpsolve.__path__
@compiled
def total(x):
    s = 0.0
    for value in x:
        s += value
    return s
assert total(np.ones(4)) == 4.0
"""


def everything(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not any(part.startswith(".") for part in path.parts[-2:])
    )


def test_import_loads_no_heavy_library(run_python):
    code = f"import sys, fpsolve; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    assert run_python(code).stdout.split() == []


def test_import_is_silent(run_python):
    result = run_python("import fpsolve", env={"PYTHONWARNINGS": "error::DeprecationWarning:fpsolve"})
    assert (result.stdout, result.stderr) == ("", "")


def test_compilation_can_be_switched_off(run_python, package):
    run_python(USE_A_KERNEL, env={"NUMBA_DISABLE_JIT": "1", "EXPECTED": str(package)})


def test_read_only_install_without_home(run_python, package, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(package, site / "fpsolve", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tmp").mkdir()
    before = everything(site)
    folders = [site, *(path for path in site.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    places = {
        "HOME": None,
        "NUMBA_CACHE_DIR": None,
        "XDG_CACHE_HOME": str(Path(os.devnull, "none")),
        "TMPDIR": str(tmp_path / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "EXPECTED": str(site / "fpsolve"),
    }
    try:
        run_python(USE_A_KERNEL, env=places, path=site)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert everything(site) == before


def test_every_folder_with_modules_is_a_package():
    folders = {path.parent for path in (ROOT / "fpsolve").rglob("*.py")}
    assert [folder.name for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_only_fpsolve_is_packaged():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    assert settings["options.packages.find"]["include"].split() == ["fpsolve", "fpsolve.*"]
    setuptools = pytest.importorskip("setuptools")
    found = setuptools.find_packages(str(ROOT), include=["fpsolve", "fpsolve.*"])
    assert {name.split(".")[0] for name in found} == {"fpsolve"}


def test_the_installation_holds_the_checkout_and_nothing_else(package, installed):
    if not installed:
        pytest.skip("fpsolve is imported from the checkout")
    assert everything(package) == everything(ROOT / "fpsolve")
    listed = {file.parts[0] for file in importlib.metadata.files("fpsolve") or [] if file.parts[0] != ".."}
    assert {name for name in listed if not name.endswith(".dist-info")} == {"fpsolve"}


def test_one_version(installed):
    fpsolve = pytest.importorskip("fpsolve")
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    version = settings["metadata"]["version"]
    assert fpsolve.__version__ == version
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    if installed:
        assert importlib.metadata.version("fpsolve") == version
