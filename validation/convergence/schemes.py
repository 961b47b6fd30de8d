"""Every flux and every stepper at its declared order, and what an error costs with each pair worth choosing.

In space: L1 error of the cell averages against exact solutions on a line (Ornstein-Uhlenbeck) and in the plane
(rotation). In time: against the matrix exponential of the same operator, which knows nothing of the steppers. Cost:
CPU seconds of the whole ``fp.solve`` call, error bars switched off.

    python -m validation.convergence.schemes [--level quick|full] [--out DIR]
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.linalg import expm

import fpsolve as fp
from fpsolve.discretisation import Discretisation
from fpsolve.fluxes import Flux
from fpsolve.problems import ExactProblem, ornstein_uhlenbeck, rotation
from fpsolve.results import table
from fpsolve.settings import Settings
from fpsolve.steppers import EXACT, GridStepper

F, S = fp.fluxes, fp.steppers
FLUXES: dict[str, type[Flux]] = {kind: cls for (family, kind), cls in Settings.registry.items() if family == "flux"}
STEPPERS = {
    kind: cls
    for (family, kind), cls in Settings.registry.items()
    if family == "stepper" and issubclass(cls, GridStepper)
}
SLACK = 0.25
CELLS = {"quick": {1: (64, 128, 256), 2: (48, 96)}, "full": {1: (64, 128, 256, 512), 2: (48, 96, 192)}}
#: pairs worth choosing, on a line and in the plane
PAIRS: dict[int, list[tuple[Flux, GridStepper]]] = {
    1: [
        (F.Upwind(), S.BackwardEuler()),
        (F.ScharfetterGummel(), S.PatankarRungeKutta()),
        (F.ScharfetterGummel(), S.CrankNicolson()),
        (F.ScharfetterGummel(), S.TRBDF2()),
        (F.WENO5(), S.SSPRK3()),
        (F.FourthOrder(), S.RungeKuttaLegendre()),
        (F.FourthOrder(), S.SDIRK4()),
    ],
    2: [
        (F.ScharfetterGummel(), S.StrangSplitting()),
        (F.ScharfetterGummel(), S.RungeKuttaLegendre()),
        (F.WENO5(), S.RungeKuttaLegendre()),
        (F.FourthOrder(), S.RungeKuttaLegendre()),
    ],
}
COST_CELLS = {"quick": {1: (64, 128), 2: (24, 48)}, "full": {1: (64, 128, 256, 512, 1024), 2: (32, 48, 64, 96, 128)}}


@dataclasses.dataclass(frozen=True)
class Point:
    """What one pair reaches on one grid."""

    dimension: int
    pair: str
    cells: int
    error: float
    seconds: float


def problem_of(dimension: int) -> ExactProblem:
    return ornstein_uhlenbeck() if dimension == 1 else rotation()


def grid_of(dimension: int, cells: int) -> fp.Grid:
    return fp.Grid.line(-8.0, 8.0, cells) if dimension == 1 else fp.Grid.plane((-6, -6), (6, 6), (cells, cells))


def error(
    case: ExactProblem, dimension: int, cells: int, flux: Flux, stepper: GridStepper, steps: int, repeats: int = 1
) -> tuple[float, float]:
    """Error at the last time, and the median CPU time of the call."""
    seconds = []
    for _ in range(repeats):
        begin = time.process_time()
        solution = fp.solve(
            case.problem, case.start, [case.times[0], case.times[-1]], grid=grid_of(dimension, cells), flux=flux,
            stepper=stepper, steps=steps, substep=True, bars=False,
        )  # fmt: skip
        seconds.append(time.process_time() - begin)
    return float(case.error(solution)[-1]), float(np.median(seconds))


def in_space(level: str) -> list[tuple[str, int, list[float], float]]:
    """Flux, dimension, errors from coarse to fine, and the observed order."""
    rows = []
    for dimension in (1, 2):
        case = problem_of(dimension)
        for kind, cls in FLUXES.items():
            flux = cls()
            accurate: GridStepper = S.SDIRK4() if flux.linear and dimension == 1 else S.SSPRK3(0.5)
            errors = [
                error(case, dimension, cells, flux, accurate, 200)[0] for cells in CELLS[level][dimension]
            ]  # fmt: skip
            rows.append((kind, dimension, errors, math.log2(errors[-2] / errors[-1])))
    return rows


def in_time(level: str) -> list[tuple[str, int, list[float], float]]:
    """Stepper, dimension, errors with ever more steps, and the observed order."""
    rows = []
    for dimension, cells in ((1, 48), (2, 16)):
        problem = problem_of(dimension).problem
        for kind, cls in STEPPERS.items():
            if cls.order >= EXACT or dimension not in cls.dimensions:
                continue
            system = Discretisation(problem, grid_of(dimension, cells), F.ScharfetterGummel())
            shape = system.grid.shape
            start = np.exp(-sum(np.square(axis) for axis in np.ix_(*(a.centres - 0.7 for a in system.grid.axes))))
            start = np.broadcast_to(start, shape) / np.sum(start)
            end = 0.4
            exact = (expm(end * system.at(0.0).matrix().toarray()) @ start.ravel()).reshape(shape)
            first = max(8, math.ceil(end / cls().largest_step(system, 0.0)))
            errors = [
                float(np.sum(np.abs(cls().march(system, start.copy(), 0.0, end / n, n).masses - exact)))
                for n in (first, 2 * first, 4 * first)
            ]
            rows.append((kind, dimension, errors, math.log2(errors[-2] / errors[-1])))
    return rows


def costs(level: str) -> list[Point]:
    """Error and CPU time of every pair worth choosing."""
    found = []
    for dimension, pairs in PAIRS.items():
        case = problem_of(dimension)
        for flux, stepper in pairs:
            for cells in COST_CELLS[level][dimension]:
                steps = max(10, round(cells / (10 if stepper.order > 2 else 4)))
                if stepper.order == 1:
                    steps = cells
                wrong, seconds = error(case, dimension, cells, flux, stepper, steps, 3)
                found.append(Point(dimension, f"{flux.kind} + {stepper.kind}", cells, wrong, seconds))
    return found


def judge(rows: list[tuple[str, int, list[float], float]], declared: Callable[[str], int], what: str) -> list[str]:
    """What does not converge as declared; errors at rounding say nothing, higher orders than declared are no fault."""
    return [
        f"{what} {kind} in {dimension}D: order {seen:.2f}, declared {declared(kind)}"
        for kind, dimension, errors, seen in rows
        if errors[-1] > 1e-11 and seen < declared(kind) - SLACK
    ]


def draw(points: list[Point], folder: Path) -> Path:
    """Error against cost, on a line and in the plane."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for axis, dimension in zip(axes, (1, 2), strict=True):
        for pair in dict.fromkeys(p.pair for p in points if p.dimension == dimension):
            own = [p for p in points if p.dimension == dimension and p.pair == pair]
            axis.loglog([p.seconds for p in own], [p.error for p in own], "o-", ms=3, label=pair)
        axis.set(xlabel="CPU time of fp.solve (s)", title=f"{problem_of(dimension).name}, {dimension}D")
        axis.set_ylabel("L1 error of the cell averages")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "schemes.png"
    figure.savefig(path, dpi=140)
    plt.close(figure)
    return path


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="orders and costs of all schemes")
    parser.add_argument("--level", choices=sorted(CELLS), default="full")
    parser.add_argument("--out", type=Path, help="folder for the figure; none is drawn without it")
    options = parser.parse_args(arguments)
    space, stepping, points = in_space(options.level), in_time(options.level), costs(options.level)
    for title, rows in (("flux", space), ("stepper", stepping)):
        cells = [(k, f"{d}D", "  ".join(f"{e:.1e}" for e in errors), f"{seen:.2f}") for k, d, errors, seen in rows]
        print("\n".join(table((title, "", "L1 errors", "order"), cells)), end="\n\n")
    lines = [(p.pair, f"{p.dimension}D", str(p.cells), f"{p.error:.1e}", f"{1e3 * p.seconds:.2f}") for p in points]
    print("\n".join(table(("pair", "", "cells", "L1 error", "CPU ms"), lines)))
    complaints = judge(space, lambda kind: FLUXES[kind].order, "flux")
    complaints += judge(stepping, lambda kind: STEPPERS[kind].order, "stepper")
    if options.out is not None:
        print(f"figure: {draw(points, options.out)}")
    for complaint in complaints:
        print(f"FAILED {complaint}")
    print("orders as declared" if not complaints else "orders are not as declared")
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
