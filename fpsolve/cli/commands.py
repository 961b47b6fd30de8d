"""The commands: each computes everything, writes its files whole, then prints, and returns its exit status.

What draws and reports is imported where it is needed: it would double the time that every command takes to start.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from fpsolve import experiments, io, verification
from fpsolve.accuracy import assess
from fpsolve.cases import AnyCase
from fpsolve.cli.console import as_json, emit, tell
from fpsolve.cli.schemes import schemes_table, schemes_text
from fpsolve.progress import Progress
from fpsolve.reverse import generated_fields
from fpsolve.settings import InputError

Command = Callable[[argparse.Namespace], int]

HOLDS, VIOLATED = 0, 1
FIGURES = (".png", ".pdf")
_TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


def verify(options: argparse.Namespace) -> int:
    """Check every relation on every built-in case; a report where one is asked for."""
    folder = io.check_folder(options.out, options.overwrite) if options.out else None
    with _progress() as progress:
        found = experiments.verify(options.level, progress)
    text = as_json(found.json()) if options.json else found.text()
    if folder is not None:
        from fpsolve.report import write_report

        with io.staged_folder(folder) as temporary:
            write_report(found, temporary)
        tell(f"wrote {Path(options.out) / 'report.html'}")
    emit(text)
    return _status(bool(found.violated), bool(found.undecided), options)


def run(options: argparse.Namespace) -> int:
    """One experiment, from a case file or from a result."""
    outputs = _outputs(options)
    case = io.read(options.case)
    with _blame(options.case, case):
        result = assess(case, generated_fields(case))
    text = as_json(result.json()) if options.json else str(result)
    with io.staged(list(outputs.values())) as temporary:
        for kind, place in zip(outputs, temporary, strict=True):
            if kind == "out":
                io.write(result.data, place)
            else:
                from fpsolve.plots import figure_of

                figure_of(result, place)
    emit(text)
    verdicts = result.verdicts
    return _status(verdicts["violated"] > 0, verdicts["undecided"] > 0, options)


def converge(options: argparse.Namespace) -> int:
    """The same case on finer and finer grids."""
    case = io.read(options.case)
    with _progress() as progress, _blame(options.case, case):
        found = verification.converge(case, options.levels, progress)
    emit(as_json(found.json()) if options.json else found.text())
    return HOLDS


def plot(options: argparse.Namespace) -> int:
    """A figure of a saved result."""
    out = options.out or str(Path(options.result).with_suffix(".png"))
    place = io.check_file(out, FIGURES, options.overwrite)
    dataset = io.load(options.result)
    from fpsolve.plots import figure_of

    with io.blame(options.result), io.staged([place]) as (temporary,):
        figure_of(dataset, temporary)
    tell(f"wrote {out}")
    return HOLDS


def schemes(options: argparse.Namespace) -> int:
    """Fluxes, steppers and routes, with their claims."""
    emit(as_json(schemes_table()) if options.json else schemes_text())
    return HOLDS


def new(options: argparse.Namespace) -> int:
    """A commented template."""
    emit((_TEMPLATES / f"{options.what}.toml").read_text(encoding="utf-8").rstrip("\n"))
    return HOLDS


def _outputs(options: argparse.Namespace) -> dict[str, Path]:
    """The places of all outputs, checked before anything is computed."""
    places = {}
    for kind, suffixes in (("out", (".nc",)), ("figure", FIGURES)):
        name = getattr(options, kind)
        if name is not None:
            places[kind] = io.check_file(name, suffixes, options.overwrite)
    return places


def _status(violated: bool, undecided: bool, options: argparse.Namespace) -> int:
    return VIOLATED if violated or (undecided and options.strict) else HOLDS


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    progress = Progress()
    try:
        yield progress
    finally:
        progress.close()


@contextlib.contextmanager
def _blame(path: str, case: AnyCase) -> Iterator[None]:
    """Name the file, and the key of what only the computation can refuse."""
    window = "[numerics] window" if case.window else "[grid] lower, upper"
    with io.blame(path):
        try:
            yield
        except InputError as error:
            key = {"window": window, "start": "[start]"}.get(error.key, error.key)
            raise InputError(key, error.message) from error
