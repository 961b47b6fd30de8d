"""Outputs that are whole or absent: written under a temporary name beside their place, then moved there."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from fpsolve.settings import InputError

#: the file that says which files of a folder are ours to replace
MANIFEST = "manifest.json"
_ALLOW = "allow overwriting (--overwrite, in Python overwrite=True) or choose another name"


def check_file(path: str | Path, suffixes: Sequence[str], overwrite: bool = False) -> Path:
    """The place of an output, symbolic links followed.

    Parameters
    ----------
    path : path
        Where the output shall be.
    suffixes : sequence of str
        Allowed suffixes, with their dots.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        Another suffix, a missing or read-only folder, an existing file.
    """
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise InputError(str(path), f"given the suffix {path.suffix!r}; allowed: {', '.join(suffixes)}")
    _check_parent(path)
    if path.is_dir():
        raise InputError(str(path), "it is a folder; give the name of a file")
    if path.exists() and not overwrite:
        raise InputError(str(path), f"it exists; {_ALLOW}")
    return Path(os.path.realpath(path))


@contextlib.contextmanager
def staged(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Temporary names to write several files under; all are moved to their places at the end, or none."""
    token = secrets.token_hex(4)
    temporary = [path.with_name(f".{path.stem}-{token}{path.suffix}") for path in paths]
    try:
        yield temporary
        for source, target in zip(temporary, paths, strict=True):
            os.replace(source, target)
    finally:
        for source in temporary:
            source.unlink(missing_ok=True)


def check_folder(path: str | Path, overwrite: bool = False) -> Path:
    """The place of an output folder: absent, empty, or holding only what an earlier command wrote there.

    Parameters
    ----------
    path : path
        Where the folder shall be.
    overwrite : bool
        Whether other files may be in it; they stay, unless one of the new files has the same name.

    Raises
    ------
    InputError
        A missing parent, a file in its place, a folder with other files.
    """
    path = Path(path)
    _check_parent(Path(os.path.abspath(path)))
    if not path.exists():
        return Path(os.path.realpath(path))
    if not path.is_dir():
        raise InputError(str(path), "it is a file; give the name of a folder")
    other = sorted(_files_in(path) - _listed(path))
    if other and not overwrite:
        raise InputError(str(path), f"it holds other files ({other[0]}); {_ALLOW}")
    return Path(os.path.realpath(path))


@contextlib.contextmanager
def staged_folder(path: Path) -> Iterator[Path]:
    """A temporary folder to fill; its files are moved into place at the end, and an earlier output's are removed."""
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    temporary.mkdir()
    try:
        yield temporary
        files = _files_in(temporary)
        _write_manifest(temporary, files)
        if path.exists():
            _settle(temporary, path, files)
        else:
            os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _settle(source: Path, target: Path, files: set[str]) -> None:
    """Move files into a folder that exists; the manifest covers both generations until the older one is gone."""
    old = _listed(target)
    _write_manifest(target, files | old)
    for name in sorted(files):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(source / name, target / name)
    for name in old - files - {MANIFEST}:
        (target / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (target / name).parent.rmdir()
    _write_manifest(target, files)


def _files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}


def _listed(folder: Path) -> set[str]:
    """Names in the manifest of a folder, and the manifest's own; none where there is no manifest of ours."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {MANIFEST, *map(str, content["files"])} if content["written_by"] == "fpsolve" else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _write_manifest(folder: Path, files: set[str]) -> None:
    text = json.dumps({"written_by": "fpsolve", "files": sorted(files - {MANIFEST})}, indent=1)
    with staged([folder / MANIFEST]) as (temporary,):
        temporary.write_text(text, encoding="utf-8")


def _check_parent(path: Path) -> None:
    if not path.parent.is_dir():
        raise InputError(str(path), f"the folder {str(path.parent)!r} does not exist; create it first")
    if not os.access(path.parent, os.W_OK):
        raise InputError(str(path), f"the folder {str(path.parent)!r} cannot be written; choose another")
