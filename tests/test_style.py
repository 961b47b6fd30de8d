"""Style is a test: ruff, mypy, the length of files, and no path of somebody's machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

SOFT_LENGTH = 300
# A longer file of fpsolve needs a reason: {"path below fpsolve": "reason"}.
LONGER: dict[str, str] = {}

# Absolute paths that exist on one machine only; written so that it does not match itself.
UNIX = r"(?<![\w.~:/\])}$-])/(?:home|root|Users|opt|mnt|srv|tmp|work(?:space)?)/[\w.-]+"
WINDOWS = r"\b[A-Z]:\\Users\\\w+"
MACHINE_PATH = re.compile(f"{UNIX}|{WINDOWS}")


def repository_files() -> list[Path]:
    """Files that are tracked or about to be; without git, all files outside hidden and build folders."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        found = [ROOT / name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        found = [
            path
            for path in ROOT.rglob("*")
            if not any(part.startswith(".") or part in {"build", "dist"} for part in path.relative_to(ROOT).parts)
        ]
    return [path for path in found if path.is_file()]


def run(*command: str) -> None:
    result = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_ruff():
    run("ruff", "check", "--quiet", ".")


def test_mypy():
    run("mypy", "fpsolve")


def test_no_path_of_a_machine():
    found = []
    for path in repository_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for match in MACHINE_PATH.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path.relative_to(ROOT).as_posix()}:{line} {match.group()}")
    assert found == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"' + "/" + "home/ann/data" + '"', True),
        ("see " + "/" + "tmp/x1", True),
        ("C:" + "\\Users\\ann", True),
        ("https://example.org/home/page", False),
        ("~/work/x and ../opt/y", False),
        ("#!/usr/bin/env bash", False),
    ],
)
def test_the_pattern_of_machine_paths(text, expected):
    assert bool(MACHINE_PATH.search(text)) == expected


def test_files_are_short():
    lengths = {
        path.relative_to(ROOT / "fpsolve").as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / "fpsolve").rglob("*.py")
    }
    long = {file: length for file, length in lengths.items() if length > SOFT_LENGTH}
    assert {file: length for file, length in long.items() if file not in LONGER} == {}
    assert sorted(LONGER.keys() - long.keys()) == [], "no longer needed in LONGER"
