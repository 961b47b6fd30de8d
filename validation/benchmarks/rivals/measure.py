"""Measure one way of solving, alone in its process: ``python -m validation.benchmarks.rivals.measure ENTRY``.

ENTRY is the JSON of an :class:`Entry`; one row is printed as JSON. Only NumPy, SciPy and the peer are needed, so a
peer may be measured in an interpreter of its own.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from validation.benchmarks.rivals.problems import PROBLEMS, Array

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Entry:
    """A line of the plan: which problem, whose module, which of its variants, on how many cells, with which setting."""

    problem: str
    module: str
    variant: str
    cells: int
    setting: float


def warm_seconds(run: Callable[[], Any], repeats: int, budget: float = math.inf) -> tuple[float, int]:
    """Median CPU seconds of a call and how many were timed; no new one begins once the budget is spent."""
    times: list[float] = []
    while len(times) < repeats and sum(times) <= budget:
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    return statistics.median(times), len(times)


def measure(entry: Entry, repeats: int = 15, budget: float = 10.0) -> Row:
    """One row: build, run for the error, run again warm and refined; what takes long is not run again."""
    problem = PROBLEMS[entry.problem]
    row: Row = {"problem": entry.problem, "peer": entry.module.removeprefix("with_"), "variant": entry.variant}
    try:
        module = importlib.import_module(f"validation.benchmarks.rivals.{entry.module}")
    except ImportError as error:
        return row | {"method": row["peer"], "why": f"not installed: {error}"}
    variant = module.VARIANTS[entry.variant]
    begin = time.process_time()
    run = variant.build(problem, entry.cells, entry.setting)
    built = time.process_time()
    density, edges = on_edges(run())
    first = time.process_time() - built
    row |= {"method": variant.method, "cells": density.shape[0], "steps": None, variant.setting: entry.setting}
    row |= {"build_seconds": built - begin, "first_seconds": first}
    row["cpu_seconds"], row["runs"] = warm_seconds(run, repeats, budget) if first <= budget else (first, 1)
    row["error"] = problem.error(density, edges)
    row["matched"], row["refined_error"] = row["error"] <= problem.target, None
    finer = variant.refined(entry.setting)
    if row["matched"] and finer is not None and first <= 3.0 * budget:
        row["refined_error"] = problem.error(*on_edges(variant.build(problem, entry.cells, finer)()))
        row["matched"] = row["refined_error"] <= problem.target
    row |= {"beyond": variant.beyond} if variant.beyond else {}
    row |= {"note": variant.note} if variant.note and not problem.steady else {}
    return row | {"versions": {name: importlib.metadata.version(name) for name in module.PACKAGES}}


def on_edges(result: Any) -> tuple[Array, Any]:
    """Cell averages, and the edges where they are not those of the problem's window."""
    return result if isinstance(result, tuple) else (result, None)


def main(arguments: list[str]) -> int:
    """Measure the entry given as JSON."""
    print(json.dumps(measure(Entry(**json.loads(arguments[0])))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
