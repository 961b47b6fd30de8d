"""How our cost grows with the cells, per cell and step, beside what this machine's memory allows.

Two numbers of steps are timed and subtracted, so that a call's fixed part drops out. The bandwidth is that of a triad
a = b + s c, on one core and on arrays beyond the caches. ``fraction_of_bandwidth`` is the time in which memory could
give and take the density once a stage, divided by the time that a stage takes; ``growth`` is the exponent of the cost
of a step in the number of cells, from the row before.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import numpy as np
from numba import njit

import fpsolve as fp
from validation.benchmarks.rivals.measure import warm_seconds
from validation.benchmarks.rivals.ours import equation, start, window
from validation.benchmarks.rivals.problems import PROBLEMS, Problem

Row = dict[str, Any]
LINE, PLANE = (250, 500, 1000, 2000, 4000, 8000, 16000), (128, 256, 512, 1024)
FOURTH = fp.fluxes.FourthOrder()


@njit
def triad(a: np.ndarray, b: np.ndarray, c: np.ndarray, scale: float) -> None:
    for i in range(a.size):
        a[i] = b[i] + scale * c[i]


def bandwidth(size: int) -> float:
    """Bytes per second of a triad: two reads and a write."""
    a, b, c = np.zeros(size), np.ones(size), np.ones(size)
    triad(a, b, c, 2.0)
    return 24.0 * size / warm_seconds(lambda: triad(a, b, c, 2.0), 7)[0]


def step_seconds(problem: Problem, cells: int, stepper: Any, dt: float, steps: int, repeats: int) -> float:
    """CPU seconds of a step, from two runs of which one takes three times as many."""

    def run(count: int) -> Any:
        options = {"grid": window(problem, cells), "flux": FOURTH, "stepper": stepper, "bars": False, "steps": count}
        return fp.solve(equation(problem), start(problem), [0.0, count * dt], **options)

    run(steps)
    few, many = (warm_seconds(lambda count=count: run(count), repeats)[0] for count in (steps, 3 * steps))
    return max(many - few, 1e-9) / (2 * steps)


def rows(small: bool) -> list[Row]:
    """On the line SDIRK4 with its five stages; in the plane RKL2 with steps that grow like h^2, so three stages."""
    found: list[Row] = []
    speed = bandwidth(2**22 if small else 2**24)
    sdirk, legendre = fp.steppers.SDIRK4(), fp.steppers.RungeKuttaLegendre()
    for name, sizes, stepper, stages in (("a", LINE, sdirk, 5), ("c", PLANE, legendre, 3)):
        problem, before = PROBLEMS[name], None
        for cells in sizes[:2] if small else sizes:
            count = cells**problem.dimension
            dt = 0.005 if problem.dimension == 1 else 0.15 * problem.width(cells) ** 2
            steps = max(20, 2**17 // count) if problem.dimension == 1 else max(2, 2**21 // count)
            seconds = step_seconds(problem, cells, stepper, dt, steps, 3 if small else 7)
            row: Row = {"problem": name, "kind": "growth", "method": f"fpsolve {stepper.kind}, {stages} stages"}
            row |= {"cells": cells, "step_seconds": seconds, "ns_per_cell_step": 1e9 * seconds / count}
            row |= {"triad_bytes_per_second": speed, "fraction_of_bandwidth": 16.0 * stages * count / speed / seconds}
            if before:
                row["growth"] = math.log(seconds / before[1]) / math.log(count / before[0])
            before = (count, seconds)
            found.append(row)
    return found


if __name__ == "__main__":
    print(json.dumps(rows(json.loads(sys.argv[1]))))
