"""W1 and W2 on the line: time and error against scipy and POT, in the same process.

    python -m validation.benchmarks.transport_line [--small] [--json]

The densities are the paper's pair, half N(+-sqrt(0.35), 0.3^2) each against N(0, 1), and near equilibrium N(0, 1)
against N(delta, 1), all as exact cell masses on [-8, 8]. Peers see each cell as an atom at its centre; ``numpy
cumsum`` is no library but one line for W1 on equal cells. ``bar`` is ours: for ``exact``, of densities that are
constant on their cells; for ``high``, of the smooth ones that the cells stand for. ``ratio`` is the CPU time of the
fastest peer run, on whatever grid, whose error is at most twice ours, divided by our CPU time; ``same_cells`` is the
same with the fastest peer on our grid, whatever its error.
"""

from __future__ import annotations

import functools
import importlib.metadata
import math
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.special import erf, erfc, ndtri

from fpsolve.transport import wasserstein_cells
from validation.command import benchmark

Row = dict[str, Any]
HALF = 8.0
MEAN, STD = math.sqrt(0.35), 0.3
CUT = 0.5 * math.erfc(HALF / math.sqrt(2.0))  # what the window cuts off each tail of N(0, 1)
SLACK = 2.0


def normal_masses(edges: np.ndarray, mean: float, std: float) -> np.ndarray:
    z = (edges - mean) / (std * math.sqrt(2.0))
    a, b = z[:-1], z[1:]
    left, right, middle = erfc(-b) - erfc(-a), erfc(a) - erfc(b), erf(b) - erf(a)
    return 0.5 * np.where(b < -0.5, left, np.where(a > 0.5, right, middle))


def paper_pair(cells: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    edges = np.linspace(-HALF, HALF, cells + 1)
    p = 0.5 * (normal_masses(edges, MEAN, STD) + normal_masses(edges, -MEAN, STD))
    q = normal_masses(edges, 0.0, 1.0)
    return edges, p / p.sum(), q / q.sum()


def shifted_pair(cells: int, delta: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    edges = np.linspace(-HALF, HALF, cells + 1)
    p, q = normal_masses(edges, delta, 1.0), normal_masses(edges, 0.0, 1.0)
    return edges, p / p.sum(), q / q.sum()


def exact_paper_pair() -> dict[int, float]:
    """W1 and W2 of the paper's pair from Gauss-Legendre panels in x > 0 and the tails there; the rest mirrors it."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    panels = np.linspace(0.0, HALF, 161)
    x = (panels[:-1, None] + 0.5 * np.diff(panels)[:, None] * (1.0 + nodes)).ravel()
    w = (0.5 * np.diff(panels)[:, None] * weights).ravel()
    a, b = (x - MEAN) / STD, (x + MEAN) / STD
    tail = 0.25 * (erfc(a / math.sqrt(2.0)) + erfc(b / math.sqrt(2.0)))
    density = (np.exp(-0.5 * a * a) + np.exp(-0.5 * b * b)) / (2.0 * STD * math.sqrt(2.0 * math.pi))
    seen = tail > 1e-300
    image = np.where(seen, -ndtri(np.where(seen, CUT + (1.0 - 2.0 * CUT) * tail, 0.5)), x)
    # F_P - F_Q changes sign for x > 0 where the map has a fixed point: split the panel there
    gap = (0.5 * erfc(x / math.sqrt(2.0)) - CUT) / (1.0 - 2.0 * CUT) - tail
    w1 = 2.0 * w @ np.abs(gap)
    for k in np.flatnonzero(gap[:-1] * gap[1:] < 0.0):
        w1 += split_panel(panels, x[k], nodes, weights)
    return {1: float(w1), 2: math.sqrt(2.0 * w @ ((x - image) ** 2 * density))}


def split_panel(panels: np.ndarray, near: float, nodes: np.ndarray, weights: np.ndarray) -> float:
    """What the panel around a sign change of F_P - F_Q adds when it is split at the zero."""

    def gap(x: np.ndarray) -> np.ndarray:
        r = math.sqrt(2.0)
        return (0.5 * erfc(x / r) - CUT) / (1.0 - 2.0 * CUT) - 0.25 * (
            erfc((x - MEAN) / STD / r) + erfc((x + MEAN) / STD / r)
        )

    def rule(low: float, high: float) -> float:
        return float(0.5 * (high - low) * weights @ np.abs(gap(low + 0.5 * (high - low) * (1.0 + nodes))))

    i = int(np.searchsorted(panels, near)) - 1
    low, high = panels[i], panels[i + 1]
    a, b = low, high
    for _ in range(80):
        middle = 0.5 * (a + b)
        a, b = (middle, b) if gap(middle) * gap(low) > 0.0 else (a, middle)
    return 2.0 * (rule(low, a) + rule(a, high) - rule(low, high))


def cpu_seconds(call: Callable[[], Any], batches: int) -> float:
    """Median CPU time of one call, warm, from batches of about two milliseconds."""
    call()
    start = time.process_time()
    call()
    repeats = max(1, int(2e-3 / max(time.process_time() - start, 1e-7)))
    times = []
    for _ in range(batches):
        start = time.process_time()
        for _ in range(repeats):
            call()
        times.append((time.process_time() - start) / repeats)
    return statistics.median(times)


def peers(order: int) -> Iterator[tuple[str, Callable[..., float] | None, str]]:
    """Name, function of (centres, p, q) and reason why it is missing."""
    if order == 1:
        from scipy.stats import wasserstein_distance

        yield "scipy wasserstein_distance", lambda x, p, q: wasserstein_distance(x, x, p, q), ""
        # no library: the line that a user writes whose two densities share equal cells
        yield "numpy cumsum", lambda x, p, q: float(np.sum(np.abs(np.cumsum(p - q))) * (x[1] - x[0])), ""
    try:
        import ot
    except ImportError as error:
        yield "POT", None, f"not installed: {error}"
        return
    metric = "euclidean" if order == 1 else "sqeuclidean"
    yield f"POT emd2_1d {metric}", lambda x, p, q: float(ot.emd2_1d(x, x, p, q, metric=metric)) ** (1.0 / order), ""
    yield "POT wasserstein_1d", lambda x, p, q: float(ot.wasserstein_1d(x, x, p, q, p=order)) ** (1.0 / order), ""


def measure(problem: str, order: int, true: float, pairs: dict[int, tuple[np.ndarray, ...]], batches: int) -> list[Row]:
    """Ours and the peers' on every grid, with the ratio to the fastest peer of the same error."""
    ours, theirs, missing = [], [], []
    for cells, (edges, p, q) in pairs.items():
        for accuracy in ("exact", "high"):
            call = functools.partial(wasserstein_cells, edges, p, edges, q, order, accuracy)
            ours.append(row(problem, order, f"fpsolve {accuracy}", cells, call, true, batches) | {"bar": call()[1]})
        centres = 0.5 * (edges[1:] + edges[:-1])
        for name, peer, why in peers(order):
            if peer is None:
                missing.append({"problem": problem, "quantity": f"W{order}", "method": name, "why": why})
            else:
                call = functools.partial(peer, centres, p, q)
                theirs.append(row(problem, order, name, cells, call, true, batches))
    for mine in ours:
        fit = [peer for peer in theirs if peer["error"] <= SLACK * mine["error"]]
        best = min(fit, key=lambda peer: peer["cpu_seconds"], default=None)
        here = [peer["cpu_seconds"] for peer in theirs if peer["cells"] == mine["cells"]]
        mine["same_cells"] = min(here) / mine["cpu_seconds"] if here else None
        mine["ratio"] = None if best is None else best["cpu_seconds"] / mine["cpu_seconds"]
        if best is None:
            reason = "no peer reaches this error on the grids tried" if theirs else "no peer is installed"
            mine["why"] = reason + (f" (best {min(peer['error'] for peer in theirs):.1e})" if theirs else "")
        else:
            mine["against"] = f"{best['method']}, {best['cells']} cells"
    return ours + theirs + missing[:1]


def row(problem: str, order: int, method: str, cells: int, call: Callable[[], Any], true: float, batches: int) -> Row:
    value = float(np.ravel(call())[0])  # ours come with their error bars
    return {
        "problem": problem,
        "quantity": f"W{order}",
        "method": method,
        "cells": cells,
        "cpu_seconds": cpu_seconds(call, batches),
        "value": value,
        "error": abs(value - true),
        "relative_error": abs(value - true) / true,
    }


def versions(*names: str) -> dict[str, str]:
    """Version of each package."""
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def run(small: bool) -> dict[str, Any]:
    grids, batches = ((200, 500), 3) if small else ((500, 1000, 2000, 5000, 10000, 20000, 50000), 11)
    exact = exact_paper_pair()
    rows: list[Row] = []
    for order in (1, 2):
        rows += measure("paper pair", order, exact[order], {n: paper_pair(n) for n in grids}, batches)
    for delta in (1e-2, 1e-6) if small else (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
        near = {n: shifted_pair(n, delta) for n in grids[:1] if small} or {
            n: shifted_pair(n, delta) for n in (500, 5000)
        }
        rows += measure(f"shift {delta:g}", 2, delta, near, batches)
    return {
        "benchmark": "transport_line",
        "versions": versions("fpsolve", "numpy", "scipy", "numba", "POT"),
        "exact": {f"W{k}": v for k, v in exact.items()},
        "rows": rows,
    }


def table(result: dict[str, Any]) -> str:
    head = f"{'problem':12s} {'':3s} {'method':28s} {'cells':>6s} {'CPU/us':>9s} {'error':>9s} {'relative':>9s}"
    lines = [f"{head} {'same':>7s} {'ratio':>7s}"]
    for entry in result["rows"]:
        start = f"{entry['problem']:12s} {entry['quantity']:3s} {entry['method']:28s}"
        if "value" not in entry:
            lines.append(f"{start} {entry['why']}")
            continue
        ratio = entry.get("ratio")
        same = f"{entry['same_cells']:7.1f}" if entry.get("same_cells") else f"{'':7s}"
        end = f"{same} {ratio:7.1f}  {entry['against']}" if ratio else f"{same} {'':7s}  {entry.get('why', '')}"
        numbers = f"{entry['cpu_seconds'] * 1e6:9.1f} {entry['error']:9.1e} {entry['relative_error']:9.1e}"
        lines.append(f"{start} {entry['cells']:6d} {numbers} {end}".rstrip())
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    what, small = "W1 and W2 on the line against scipy and POT", "two small grids, a few seconds"
    return benchmark(run, table, what, small, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
