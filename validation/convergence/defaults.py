"""``fp.solve(problem, start, times)``, nothing else chosen, on every problem with an exact solution.

The L1 error of the cell averages must be below 1e-4 at every stored time, and inside the error bar that the solution
reports. Level quick leaves the plane out.

    python -m validation.convergence.defaults [--level quick|full] [--out DIR]
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import fpsolve as fp
from validation.command import Findings, run

ALLOWED = 1e-4
ROUNDING = 1e-12


def check(level: str) -> Findings:
    """Errors, bars, grids and CPU times of the defaults."""
    found = Findings(("problem", "flux", "stepper", "cells", "steps", "L1 error", "bar", "CPU s"))
    found.numbers = {"error": [], "bar": [], "name": []}
    for name, make in fp.problems.ALL.items():
        if level == "quick" and name in fp.problems.PLANE:
            continue
        case = make()
        begin = time.process_time()
        solution = fp.solve(case.problem, case.start, case.times)
        seconds = time.process_time() - begin
        errors, bars = case.error(solution), solution["density_error"].values
        worst = int(np.argmax(errors - bars))
        complaint = ""
        if np.any(errors > bars + ROUNDING):
            complaint = f"{name}: error {errors[worst]:.2e} outside its bar {bars[worst]:.2e}"
        elif np.max(errors) > ALLOWED:
            complaint = f"{name}: error {np.max(errors):.2e}, allowed {ALLOWED:g}"
        attributes = solution.attrs
        cells = " x ".join(str(solution.sizes[axis]) for axis in "xy"[: case.problem.dimension])
        found.add(
            name, attributes["flux"], attributes["stepper"], cells, str(attributes["steps_taken"]),
            f"{np.max(errors):.1e}", f"{np.max(bars):.1e}", f"{seconds:.2f}", complaint=complaint,
        )  # fmt: skip
        for key, value in (("error", np.max(errors)), ("bar", np.max(bars)), ("name", name)):
            found.numbers[key].append(value)
    return found


def draw(found: Findings, axes: Any) -> None:
    """Errors below their bars, below what is allowed."""
    names = found.numbers["name"]
    axes.semilogy(found.numbers["bar"], "v", color="0.5", label="error bar")
    axes.semilogy(found.numbers["error"], "o", color="C1", label="L1 error")
    axes.axhline(ALLOWED, ls=":", color="C3", label="allowed")
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=7)
    axes.set_ylabel("L1 of the cell averages")
    axes.legend()


def main(arguments: list[str] | None = None) -> int:
    return run(check, draw, "defaults", arguments)


if __name__ == "__main__":
    raise SystemExit(main())
