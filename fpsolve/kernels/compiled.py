"""The decorator ``compiled``: numba's ``njit`` with a cache that is always fresh and never in the way.

numba's own cache notices an edit of the function's file only, so a kernel that calls an edited kernel of another file
keeps running the old code; it also writes beside the source. Here the compiled code lives in a folder of the user,
named by a hash of *all* kernel texts and of the versions that shape the machine code. The first place that can be
written wins:

1. ``NUMBA_CACHE_DIR``, where set;
2. the user's cache folder (``XDG_CACHE_HOME`` or the platform's usual one);
3. a private folder below the system's temporary folder;
4. none: the kernels compile afresh in every process.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import stat
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, overload

import llvmlite
import numba
import numpy as np
from numba.core.caching import FunctionCache

F = TypeVar("F", bound=Callable[..., Any])

KERNELS = Path(__file__).resolve().parent
KEPT_FOLDERS = 5
_TRASH = "trash-"
_decorating = threading.RLock()


@overload
def compiled(function: F, /) -> F: ...


@overload
def compiled(
    *,
    parallel: bool = False,
    error_model: Literal["numpy", "python"] = "numpy",
    inline: Literal["never", "always"] = "never",
    nogil: bool = False,
) -> Callable[[F], F]: ...


def compiled(
    function: F | None = None,
    /,
    *,
    parallel: bool = False,
    error_model: Literal["numpy", "python"] = "numpy",
    inline: Literal["never", "always"] = "never",
    nogil: bool = False,
) -> F | Callable[[F], F]:
    """Compile a kernel at its first call and keep the machine code for later processes.

    Parameters
    ----------
    function : callable, optional
        The kernel, when the decorator is written without brackets.
    parallel : bool
        Run ``numba.prange`` loops on several threads.
    error_model : {"numpy", "python"}
        With ``"numpy"`` a division by zero gives inf or nan, with ``"python"`` it raises.
    inline : {"never", "always"}
        Whether numba writes the kernel into its callers.
    nogil : bool
        Release the interpreter lock while the kernel runs.

    Returns
    -------
    callable
        The compiled kernel, or the function itself where ``NUMBA_DISABLE_JIT`` is set.
    """

    def decorate(kernel: F) -> F:
        options = {"parallel": parallel, "error_model": error_model, "inline": inline, "nogil": nogil}
        return cast(F, _decorate(kernel, options))

    return decorate if function is None else decorate(function)


def cache_folder() -> Path | None:
    """Folder of the machine code of the present texts and versions, or None where nothing can be written."""
    fingerprint = _fingerprint(_signature(KERNELS), _versions())
    return None if fingerprint is None else _open_folder(fingerprint, str(numba.config.CACHE_DIR))


class _ForgivingCache(FunctionCache):  # type: ignore[misc]  # numba is untyped
    """numba's cache of one function; trouble with its files (quota, damage, removal) costs a compilation, no more."""

    def load_overload(self, *args: Any) -> Any:
        try:
            return super().load_overload(*args)
        except Exception:
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, *args: Any) -> None:
        with contextlib.suppress(OSError):
            super().save_overload(*args)


def _decorate(kernel: Callable[..., Any], options: dict[str, Any]) -> Any:
    folder = None if numba.config.DISABLE_JIT else cache_folder()
    if folder is None:
        return numba.njit(**options)(kernel)
    with _cache_in(folder):
        try:
            dispatcher = numba.njit(cache=True, **options)(kernel)
        except RuntimeError:  # numba found no place for this function's cache
            return numba.njit(**options)(kernel)
        if type(getattr(dispatcher, "_cache", None)) is FunctionCache:
            dispatcher._cache = _ForgivingCache(kernel)
    return dispatcher


@contextlib.contextmanager
def _cache_in(folder: Path) -> Iterator[None]:
    """Point numba's global cache setting at the folder while one kernel is decorated; other code keeps its own."""
    with _decorating:
        previous = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(folder)
        try:
            yield
        finally:
            numba.config.CACHE_DIR = previous


def _signature(package: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time of every kernel file: cheap to ask, and new whenever a text is new."""
    try:
        files = [(path.relative_to(package).as_posix(), path.stat()) for path in sorted(package.rglob("*.py"))]
    except OSError:
        return ()
    return tuple((name, status.st_size, status.st_mtime_ns) for name, status in files)


def _versions() -> tuple[str, ...]:
    """What shapes the machine code besides the texts; numba itself adds the processor and the argument types."""
    config = numba.config
    flags = (config.BOUNDSCHECK, config.OPT, config.DEBUGINFO_DEFAULT, config.LOOP_VECTORIZE, config.SLP_VECTORIZE)
    return (sys.version, np.__version__, numba.__version__, llvmlite.__version__, repr(flags))


@functools.cache
def _fingerprint(files: tuple[tuple[str, int, int], ...], versions: tuple[str, ...]) -> str | None:
    if not files:  # a zip archive, or an install without sources
        return None
    digest = hashlib.sha256(repr(versions).encode())
    try:
        for name, _, _ in files:
            digest.update(b"\0" + name.encode() + b"\0" + (KERNELS / name).read_bytes())
    except OSError:
        return None
    return digest.hexdigest()[:20]


@functools.cache
def _open_folder(fingerprint: str, chosen: str) -> Path | None:
    for home in _homes(chosen):
        folder = home / fingerprint
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _private(home):
                continue
            fresh = not folder.exists()
            folder.mkdir(mode=0o700, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            os.utime(folder)
        except (OSError, ValueError):
            continue
        if fresh:
            _prune(home)
        return folder
    return None


def _homes(chosen: str) -> Iterator[Path]:
    """Places for the cache, the best first."""
    if chosen:
        yield Path(chosen).absolute() / "fpsolve"
    user = _user_cache()
    if user is not None:
        yield user / "fpsolve"
    with contextlib.suppress(OSError):  # no temporary folder at all
        temporary = Path(tempfile.gettempdir())
        yield temporary / ("fpsolve" if sys.platform == "win32" else f"fpsolve-{os.getuid()}")


def _user_cache() -> Path | None:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "")
        return Path(local) if os.path.isdir(local) else None
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(chosen):
        return Path(chosen)
    home = os.path.expanduser("~")
    if not (os.path.isabs(home) and os.path.isdir(home)):
        return None
    return Path(home, "Library", "Caches") if sys.platform == "darwin" else Path(home, ".cache")


def _private(home: Path) -> bool:
    """Below a folder that everybody can write, only a folder of our own is safe to load code from."""
    if sys.platform == "win32":
        return True
    status, above = home.lstat(), home.parent.stat()
    if not above.st_mode & stat.S_IWOTH:
        return True
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022


def _prune(home: Path) -> None:
    """Remove all but the newest few folders; a process that still uses one compiles again and goes on."""
    with contextlib.suppress(OSError):
        folders = [path for path in home.iterdir() if path.is_dir() and not path.is_symlink()]
        stale = [path for path in folders if path.name.startswith(_TRASH)]
        ours = [path for path in folders if len(path.name) == 20]
        for path in sorted(ours, key=_age, reverse=True)[KEPT_FOLDERS:]:
            with contextlib.suppress(OSError):  # another process was faster
                stale.append(path.rename(home / f"{_TRASH}{uuid.uuid4().hex}"))
        for path in stale:
            shutil.rmtree(path, ignore_errors=True)


def _age(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
