"""What the commands of the studies have in common: a table, complaints, an exit status, a figure on demand."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fpsolve.accuracy import assess
from fpsolve.cases import Case
from fpsolve.results import SpeedAccuracy, table
from fpsolve.reverse import generated_fields

LEVELS = ("quick", "full")


@dataclasses.dataclass
class Findings:
    """A table, and everything in it that is not as it must be."""

    header: tuple[str, ...]
    rows: list[tuple[str, ...]] = dataclasses.field(default_factory=list)
    complaints: list[str] = dataclasses.field(default_factory=list)
    numbers: dict[str, Any] = dataclasses.field(default_factory=dict)

    def add(self, *cells: str, complaint: str = "") -> None:
        """A row, and what is wrong with it."""
        self.rows.append(cells)
        if complaint:
            self.complaints.append(complaint)

    def text(self) -> str:
        lines = table(self.header, self.rows) + [f"FAILED {complaint}" for complaint in self.complaints]
        return "\n".join([*lines, "as the theory demands" if not self.complaints else "NOT as the theory demands"])


def experiment(case: Case) -> SpeedAccuracy:
    """Measure a case and check every relation on it."""
    return assess(case, generated_fields(case))


def run(
    check: Callable[[str], Findings], draw: Callable[[Findings, Any], None], name: str, arguments: list[str] | None
) -> int:
    """Parse the arguments, print the table, draw where a folder is given; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog=name, description=check.__doc__)
    parser.add_argument("--level", choices=LEVELS, default="full")
    parser.add_argument("--out", type=Path, help="folder for the figure; none is drawn without it")
    options = parser.parse_args(arguments)
    found = check(options.level)
    print(found.text())
    if options.out is not None:
        print(f"figure: {_save(draw, found, options.out / f'{name}.png')}")
    return 1 if found.complaints else 0


def benchmark(
    measure: Callable[[bool], dict[str, Any]], table: Callable[[dict[str, Any]], str], what: str, small: str,
    arguments: list[str] | None,
) -> int:  # fmt: skip
    """Parse the arguments of a benchmark, measure, and print its table or one JSON object."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--small", action="store_true", help=small)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    result = measure(options.small)
    print(json.dumps(result, indent=1, allow_nan=False) if options.json else table(result))
    return 0


def _save(draw: Callable[[Findings, Any], None], found: Findings, path: Path) -> Path:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    draw(found, axes)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path
