"""Measure one way of computing a distance in the plane, alone in its process: ``... rivals.plane_measure ENTRY``.

ENTRY is the JSON of a :class:`PlaneEntry` with the file that holds both arrays of cell masses; one row is printed as
JSON. Only NumPy and the peer are needed, so that a peer may be measured in an interpreter of its own.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray
Row = dict[str, Any]
#: one warm call: the distance, or how to find it outside of the measured time, and what the method says about it
Run = Callable[[], tuple[float | Callable[[], float], Row]]


@dataclasses.dataclass(frozen=True)
class PlaneEntry:
    """A line of the plan: which problem and order, whose module, which of its variants, on how many cells a side."""

    problem: str
    order: int
    module: str
    variant: str
    cells: int

    @property
    def peer(self) -> str:
        return self.module.removeprefix("with_").removeprefix("plane_")


@dataclasses.dataclass(frozen=True)
class Distance:
    """One way of computing W_p from the cell masses of two densities on the unit square.

    Parameters
    ----------
    method
        What a reader of the table sees.
    build
        From both masses (n, n) and the order to a call. It keeps what a user keeps, as matrices of costs and compiled
        functions; its time is shown apart.
    """

    method: str
    build: Callable[[Array, Array, int], Run]


def centres(cells: int) -> Array:
    """Centres of equal cells of the unit interval."""
    return (np.arange(cells) + 0.5) / cells


def points(cells: int) -> Array:
    """Centres of the cells of the unit square, (cells^2, 2), the second coordinate running fastest."""
    x = centres(cells)
    return np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2)


def least_seconds(run: Callable[[], Any], repeats: int, budget: float) -> tuple[float, int]:
    """Least CPU seconds of a call and how many were timed; no new one begins once the budget is spent."""
    times: list[float] = []
    while len(times) < repeats and sum(times) <= budget:
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    return min(times, default=math.inf), len(times)


def measure(entry: PlaneEntry, masses: tuple[Array, Array], repeats: int = 5, budget: float = 8.0) -> Row:
    """One row: build, run for the value, run again warm; what takes long is not run again."""
    row: Row = {"problem": entry.problem, "quantity": f"W{entry.order}", "peer": entry.peer, "cells": entry.cells}
    try:
        module = importlib.import_module(f"validation.benchmarks.rivals.{entry.module}")
    except ImportError as error:
        return row | {"method": entry.peer, "why": f"not installed: {error}"}
    way: Distance = module.DISTANCES[entry.variant]
    begin = time.process_time()
    run = way.build(*masses, entry.order)
    built = time.process_time()
    value, more = run()
    first = time.process_time() - built
    again, runs = least_seconds(run, repeats - 1, budget) if first <= budget else (first, 0)
    row |= {"method": way.method, "build_seconds": built - begin, "cpu_seconds": min(first, again), "runs": runs + 1}
    row |= {"value": value() if callable(value) else value, **more}
    return row | {"versions": {name: version(name) for name in module.PACKAGES}}


def version(name: str) -> str:
    return importlib.metadata.version(name)


def main(arguments: list[str]) -> int:
    """Measure the entry given as JSON."""
    settings = json.loads(arguments[0])
    with np.load(settings.pop("masses")) as held:
        masses = held["first"], held["second"]
    print(json.dumps(measure(PlaneEntry(**settings), masses)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
