"""The estimated process by three routes on a grid, against the exact composition: errors and observed orders.

The paper's data, 1/2 N(+-sqrt(0.35), 0.3²), cosine schedule, tau = 1; smooth starts (mean, mixture) and one with jumps
(uniform). Columns: L1 of the generated density's cell masses; errors of W_1(q, p), of eta and, as the largest over
three times, of v_loss²; chi-squared's drift over cells where P > 1e-12 of its maximum (theory: zero). D from cell
masses is too small by O(h²); where the cells do not move that shows as a drift of second order, and dissipation lets D
rise from the tails besides.

    python -m validation.convergence.estimated_process [--level quick|full] [--out DIR]
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import math
import time
from pathlib import Path

import numpy as np

from fpsolve.backward import GridRun, grid_for, observe, run_on_grid
from fpsolve.densities import Density, Gaussian, GaussianMixture, Uniform
from fpsolve.fluxes import WENO5, Upwind
from fpsolve.grids import Grid
from fpsolve.processes import forward_process
from fpsolve.reverse import Composition
from fpsolve.schedules import Cosine
from fpsolve.steppers import SSPRK3, Characteristics, Clock
from fpsolve.thermodynamics.divergences import chi_squared

R = math.sqrt(0.94)
PROCESS = forward_process(GaussianMixture(means=(0.35**0.5, -(0.35**0.5)), stds=(0.3, 0.3)), Cosine(tau=1.0))
STARTS: dict[str, Density] = {
    "mean": Gaussian(1.0, 1.0),
    "mixture": GaussianMixture(means=(-1 / R, 0.0, 1 / R), stds=(0.3 / R, 0.8 / R, 0.3 / R)),
    "uniform": Uniform(-(3**0.5), 3**0.5),
}
SMOOTH = ("mean", "mixture")
TIMES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
#: route -> declared order of L1 in the cell width, CFL number (small, so that the time error does not limit)
ROUTES = {
    "characteristics": (None, 0.4),
    "weno5": (WENO5.advective_order, 0.1),
    "upwind": (Upwind.advective_order, 0.4),
}
COLUMNS = ("L1", "W1", "eta", "v_loss2", "drift")
SLACK = 0.3
LEVELS = {"quick": (250, 500, 1000), "full": (125, 250, 500, 1000, 2000)}
#: what the masses and chi-squared of the characteristics may be off by
ROUND_OFF = 1e-11


@dataclasses.dataclass(frozen=True)
class Exact:
    """One start: the composition, D_0, W_1 at both ends and the rates, all by quadrature."""

    start: Density
    composition: Composition
    divergence: float
    distance: np.ndarray
    rate: np.ndarray

    @classmethod
    def of(cls, start: Density) -> Exact:
        composition = Composition(PROCESS, start)
        slices = PROCESS.slices(TIMES, composition.labels)
        ratio, lead, _ = composition.relate(slices.label)
        distance, _ = slices.integrate(np.abs(lead))
        rate, _ = slices.integrate(np.sign(lead) * slices.velocity * slices.pdf * (1.0 - ratio))
        return cls(start, composition, chi_squared(PROCESS.final, start)[0].value, distance, rate)

    def eta(self, distance: np.ndarray) -> float:
        return float((distance[0] - distance[-1]) ** 2 / (PROCESS.tau * self.divergence))


@dataclasses.dataclass(frozen=True)
class Row:
    start: str
    route: str
    cells: int
    errors: dict[str, float]
    seconds: float


def l1(exact: Exact, run: GridRun) -> float:
    """L1 distance of the cell masses at the first stored time."""
    masses = exact.composition.cell_masses(run.times[0], run.edges[0])
    return float(np.sum(np.abs(run.masses[0] - masses)))


def in_space(name: str, exact: Exact, route: str, cells: int) -> Row:
    """Errors of one route on one grid."""
    begin = time.perf_counter()
    edges = grid_for(PROCESS, exact.start, cells, method=route)
    run = run_on_grid(PROCESS, exact.start, edges, TIMES, route, cfl=ROUTES[route][1])
    seen = observe(PROCESS, run)
    seconds = time.perf_counter() - begin
    loss = np.abs(seen["W1_rate"] ** 2 - exact.rate**2)[1:4] / exact.divergence
    errors = {
        "L1": l1(exact, run),
        "W1": abs(float(seen["W1"][0] - exact.distance[0])),
        "eta": abs(exact.eta(seen["W1"]) - exact.eta(exact.distance)),
        "v_loss2": float(np.max(loss)),
        "drift": float(np.ptp(seen["chi2"])),
    }
    return Row(name, route, cells, errors, seconds)


def in_time(exact: Exact, route: str) -> list[tuple[int, float]]:
    """Steps and errors at a fixed grid: against the composition, or (where space limits) against finer steps."""
    edges = grid_for(PROCESS, exact.start, 100, method=route)
    if route == "characteristics":
        found = []
        for steps in (8, 16, 32):
            run = run_on_grid(PROCESS, exact.start, edges, TIMES[:1], route, stepper=Characteristics(substeps=steps))
            found.append((run.steps, l1(exact, run)))
        return found
    grid, flux = Grid.from_edges(edges), {"weno5": WENO5(), "upwind": Upwind()}[route]
    drift = lambda t: PROCESS.velocity(t, np.clip(edges, -5.0, 6.0))  # noqa: E731  # no mass beyond
    start = exact.start.cell_averages(edges)
    runs = [SSPRK3(0.8).advance(start, flux, drift, grid, Clock(1.0, 0.0), n) for n in (200, 400, 800, 1600)]
    gaps = [np.sum(np.abs(a - b) * grid.widths) for (a, _), (b, _) in itertools.pairwise(runs)]
    return [(steps, float(gap)) for (_, steps), gap in zip(runs[:-1], gaps, strict=True)]


def order(coarse: float, fine: float, ratio: float = 2.0) -> float:
    """Observed order; nan where one of the errors is round-off."""
    return math.log(coarse / fine) / math.log(ratio) if min(coarse, fine) > 1e-14 else math.nan


def orders(rows: list[Row], column: str) -> list[float]:
    """Observed orders between successive grids."""
    pairs = itertools.pairwise(rows)
    return [order(a.errors[column], b.errors[column], b.cells / a.cells) for a, b in pairs]


def judge(name: str, route: str, rows: list[Row]) -> list[str]:
    """What a smooth start's errors break of the claims."""
    if name not in SMOOTH:
        return []
    declared, complaints = ROUTES[route][0], []
    if declared is None:
        worst = max(max(row.errors["L1"], row.errors["drift"]) for row in rows)
        return [f"{name} {route}: L1 or drift {worst:.1e} above round-off"] if worst > ROUND_OFF else complaints
    seen = orders(rows, "L1")[-1]
    if not abs(seen - declared) <= SLACK:
        complaints.append(f"{name} {route}: order {seen:.2f} of L1, declared {declared}")
    return complaints


def report_space(exacts: dict[str, Exact], levels: tuple[int, ...]) -> tuple[list[Row], list[str]]:
    table, complaints = [], []
    head = "".join(f"{column:>10s} order" for column in COLUMNS)
    print(f"{'start':8s} {'route':16s} {'cells':>5s}{head} {'seconds':>8s}")
    for name, exact in exacts.items():
        for route in ROUTES:
            rows = [in_space(name, exact, route, cells) for cells in levels]
            seen = {column: [math.nan, *orders(rows, column)] for column in COLUMNS}
            for index, row in enumerate(rows):
                cells = "".join(f"{row.errors[c]:10.1e} {number(seen[c][index]):>5s}" for c in COLUMNS)
                print(f"{name:8s} {route:16s} {row.cells:5d}{cells} {row.seconds:8.3f}")
            table += rows
            complaints += judge(name, route, rows)
        print(f"{name:8s} exact: D_0 = {exact.divergence:.10f}, eta = {exact.eta(exact.distance):.10f}, "
              f"W_1(q, p) = {exact.distance[0]:.12f}")  # fmt: skip
    return table, complaints


def report_time(exact: Exact) -> tuple[dict[str, list[tuple[int, float]]], list[str]]:
    declared = {"characteristics": Characteristics.order, "weno5": SSPRK3.order, "upwind": None}
    found, complaints = {}, []
    print(f"\n{'in time (mean start, 100 cells)':31s} steps, error, order")
    for route, expected in declared.items():
        rows = found[route] = in_time(exact, route)
        rates = [order(a[1], b[1], b[0] / a[0]) for a, b in itertools.pairwise(rows)]
        text = "  ".join(f"{n}: {e:.1e} {number(rate)}" for (n, e), rate in zip(rows, [math.nan, *rates], strict=True))
        # upwind's current has a kink where a velocity changes its sign in time: between second and third order
        print(f"{route:16s} declared {expected or '-'}     {text}")
        if expected is not None and not abs(rates[-1] - expected) <= SLACK:
            complaints.append(f"in time, {route}: order {rates[-1]:.2f}, declared {expected}")
    return found, complaints


def number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def draw(table: list[Row], in_time_rows: dict[str, list[tuple[int, float]]], folder: Path) -> Path:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(15, 4), layout="constrained")
    colours = dict(zip(ROUTES, ("C0", "C1", "C2"), strict=True))
    lines = dict(zip(STARTS, ("-", "--", ":"), strict=True))
    panels = {"L1": "L1 of the generated density", "W1": "$W_1(q, p)$", "drift": "drift of $D$, $P > 10^{-12}$ max"}
    for axis, (column, title) in zip(axes, panels.items(), strict=False):
        for (name, route), group in itertools.groupby(table, lambda row: (row.start, row.route)):
            rows = list(group)
            values = [max(row.errors[column], 1e-16) for row in rows]
            cells = [row.cells for row in rows]
            axis.loglog(cells, values, "o", ls=lines[name], color=colours[route], label=f"{name}, {route}")
        axis.set(title=title, xlabel="cells")
        axis.set_xticks(sorted({row.cells for row in table}), [str(n) for n in sorted({row.cells for row in table})])
        axis.minorticks_off()
    axes[0].legend(fontsize=6, loc=(0.02, 0.12))
    for route, rows in in_time_rows.items():
        axes[3].loglog(*zip(*rows, strict=True), "o-", color=colours[route], label=route)
    axes[3].set(title="L1 in time, 100 cells", xlabel="steps")
    axes[3].legend(fontsize=6)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "estimated_process.png"
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="orders of the estimated process on a grid")
    parser.add_argument("--level", choices=sorted(LEVELS), default="full")
    parser.add_argument("--out", type=Path, help="folder for the figure; none is drawn without it")
    options = parser.parse_args(arguments)
    exacts = {name: Exact.of(start) for name, start in STARTS.items()}
    table, complaints = report_space(exacts, LEVELS[options.level])
    times, more = report_time(exacts["mean"])
    if options.out is not None:
        print(f"figure: {draw(table, times, options.out)}")
    for complaint in complaints + more:
        print(f"FAILED {complaint}")
    print("orders as declared" if not complaints + more else "orders are not as declared")
    return 1 if complaints + more else 0


if __name__ == "__main__":
    raise SystemExit(main())
