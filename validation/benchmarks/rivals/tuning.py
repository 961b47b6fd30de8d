"""Find the cheapest resolution at which each way of solving reaches the error of a problem.

    python -m validation.benchmarks.rivals.tuning MODULE PROBLEM [VARIANT ...]

Prints lines for ``plan.py``. Cells grow by a twentieth; on each grid the loosest setting that reaches the error is
found and timed; the search ends when finer grids cost more.
"""

from __future__ import annotations

import bisect
import importlib
import sys

import numpy as np

from validation.benchmarks.rivals.measure import warm_seconds
from validation.benchmarks.rivals.problems import PROBLEMS, Problem
from validation.benchmarks.rivals.variants import Variant

#: what is left for other versions of the packages and other rounding
MARGIN = 0.98
LADDERS = {
    "steps": [round(8 * 1.08**k) for k in range(50)],
    "rtol": [10.0 ** (-0.25 * k) for k in range(8, 33)],
    "nodes": list(range(8, 26, 2)),
    "none": [0],
}
GRIDS = {"a": (3200, 8000), "b": (1800, 8000), "c": (540, 900)}
FOURTH = {"a": (220, 320), "b": (150, 300), "c": (80, 130)}


def loosest(variant: Variant, problem: Problem, cells: int) -> float | None:
    """The first rung at which the error is reached, and still is when refined; None if none is enough."""

    def reached(setting: float | None) -> bool:
        if setting is None:
            return True
        return problem.error(variant.build(problem, cells, setting)()) <= MARGIN * problem.target

    ladder = LADDERS[variant.setting]
    rung = bisect.bisect_left(ladder, True, key=reached)
    for setting in ladder[rung : rung + 12]:
        if reached(setting) and reached(variant.refined(setting)):
            return setting
    return None


def tune(variant: Variant, problem: Problem, grids: tuple[int, int]) -> tuple[float, int, float]:
    """CPU seconds, cells and setting of the cheapest."""
    best, worse, cells = (np.inf, 0, 0.0), 0, float(grids[0])
    while cells <= grids[1] and worse < 3:
        size = 2 * round(cells / 2)
        setting = loosest(variant, problem, size)
        if setting is not None:
            seconds = warm_seconds(variant.build(problem, size, setting), 5)[0]
            worse = 0 if seconds < best[0] else worse + 1
            best = min(best, (seconds, size, setting))
        cells *= 1.05
    return best


def main(arguments: list[str]) -> int:
    module = importlib.import_module(f"validation.benchmarks.rivals.{arguments[0]}")
    problem = PROBLEMS[arguments[1]]
    grids = (FOURTH if "fourth" in arguments[0] else GRIDS)[problem.name]
    for name in arguments[2:] or module.VARIANTS:
        seconds, cells, setting = tune(module.VARIANTS[name], problem, grids)
        print(f'    Entry("{problem.name}", "{arguments[0]}", "{name}", {cells}, {setting:.3g}),  # {seconds:.3g} s')
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
