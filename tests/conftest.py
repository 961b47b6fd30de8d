"""The tests run against the installed package; the checkout lends only its other folders, and goes last on the path."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# ``python -m pytest`` puts the working folder first, where it would hide an installed fpsolve: it goes last.
if "PYTEST_XDIST_WORKER" in os.environ:  # one of several processes that share the cores: threads would only wait
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")

sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != ROOT] + [str(ROOT)]

import fpsolve  # noqa: E402

PACKAGE = Path(fpsolve.__path__[0]).resolve()
INSTALLED = PACKAGE != ROOT / "fpsolve"

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_report_header() -> str:
    return f"fpsolve: {PACKAGE} ({'installed' if INSTALLED else 'checkout'})"


def pytest_sessionstart(session: pytest.Session) -> None:
    if os.environ.get("FPSOLVE_EXPECT_INSTALLED") == "1" and not INSTALLED:
        raise pytest.UsageError(f"FPSOLVE_EXPECT_INSTALLED=1, but fpsolve comes from the checkout: {PACKAGE}")


@pytest.fixture
def root() -> Path:
    """Root of the checkout."""
    return ROOT


@pytest.fixture
def package() -> Path:
    """Folder of the fpsolve that the tests import."""
    return PACKAGE


@pytest.fixture
def installed() -> bool:
    """Whether fpsolve is imported from an installation and not from the checkout."""
    return INSTALLED


@pytest.fixture
def run_python(tmp_path: Path) -> RunPython:
    """Run code in a new interpreter, from a neutral folder, with the same fpsolve; fails on a non-zero exit status."""

    def run(
        code: str, *arguments: str, env: Mapping[str, str | None] | None = None, path: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment: dict[str, str | None] = {**os.environ, "PYTHONPATH": None, **(env or {})}
        if path is not None or not INSTALLED:
            environment["PYTHONPATH"] = str(path or ROOT)
        working = tmp_path / "working"
        working.mkdir(exist_ok=True)
        result = subprocess.run(
            [sys.executable, "-P", "-c", code, *arguments],
            env={name: value for name, value in environment.items() if value is not None},
            cwd=working,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert result.returncode == 0, f"exit status {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result

    return run

# the same examples at every run: a test that fails today and passes tomorrow teaches nothing
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")
