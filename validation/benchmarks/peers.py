"""Our solver against every installed peer, at matched error, in one run.

    python -m validation.benchmarks.peers [--small] [--json]

Three problems with exact solutions (``rivals/problems.py``); errors are L1 of cell averages, for all. Every row is
measured in a process of its own with one thread: CPU seconds, warm, the median of repeats. A peer's time is that of
its run alone, with grid, matrices and compiled functions kept; ours is that of the whole call of ``fpsolve.solve``.

``ratio`` is CPU(fastest peer) / CPU(ours) among rows that reach the problem's error; ``times_ours`` is any row's time
over that of our first row, whatever its error. Rows ``beyond`` a peer's own schemes (fourth order or rational
exponentials by hand, extrapolation) stand beside and enter no ratio. ``time rescaled`` marks what solves problem b in
the time of its clock, which works because T_t multiplies the whole generator; those rows do enter. Rows of kind
``growth`` and ``cold``: see ``rivals/growth.py`` and ``rivals/cold.py``.

A peer that needs another interpreter gets it from FPSOLVE_PYTHON_<PEER>, as in FPSOLVE_PYTHON_FPLANCK=.../python.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from fpsolve import results
from validation.benchmarks.rivals import cold, growth
from validation.benchmarks.rivals.measure import Entry, measure
from validation.benchmarks.rivals.plan import OURS, PEERS, SMALL
from validation.benchmarks.rivals.problems import PROBLEMS
from validation.benchmarks.rivals.processes import alone
from validation.command import benchmark

Row = dict[str, Any]

#: seconds after which a row is given up
LIMIT = 150.0


def measured(entry: Entry, small: bool) -> Row:
    """The entry's row; a failure is a row as well."""
    peer = entry.module.removeprefix("with_")
    print(f"{entry.problem}: {peer} {entry.variant}", file=sys.stderr, flush=True)
    row: Row = {"problem": entry.problem, "peer": peer, "variant": entry.variant, "method": peer}
    return row | (measure(entry, repeats=3) if small else alone("measure", vars(entry), peer, LIMIT))


def judge(rows: list[Row]) -> list[Row]:
    """Ratios of our rows and reasons of the others, problem by problem."""
    for name in PROBLEMS:
        here = [row for row in rows if row["problem"] == name]
        fit = [row for row in here if row["peer"] != "ours" and row.get("matched") and not row.get("beyond")]
        fastest = min(fit, key=lambda row: row["cpu_seconds"], default=None)
        first = next((row for row in here if row["peer"] == "ours" and "cpu_seconds" in row), None)
        for row in here:
            if "cpu_seconds" in row and first is not None:
                row["times_ours"] = row["cpu_seconds"] / first["cpu_seconds"]
            reason = "" if row.get("matched") else row.get("why") or shortfall(row)
            if row["peer"] == "ours":
                row["ratio"] = None
                if fastest is None or reason:
                    reason = reason or "no peer that is installed reaches this error"
                else:
                    row["ratio"] = fastest["cpu_seconds"] / row["cpu_seconds"]
                    row["against"] = f"{fastest['method']}, {fastest['cells']} cells"
            row |= {"why": reason} if reason else {}
    return rows


def shortfall(row: Row) -> str:
    """Why a row's error does not count as reached."""
    target, refined = PROBLEMS[row["problem"]].target, row["refined_error"]
    if refined is not None:
        return f"reached by cancellation alone: {refined:.1e} when refined in time"
    return f"error {row['error']:.1e} above {target:.0e}, after {row['cpu_seconds']:.2g} s"


def run(small: bool) -> dict[str, Any]:
    rows = judge([measured(entry, small) for entry in (SMALL if small else OURS + PEERS)])
    print("growth, cold start", file=sys.stderr, flush=True)
    grown = growth.rows(True) if small else alone("growth", False, "ours", 4 * LIMIT)
    if isinstance(grown, dict):  # it failed
        grown = [{"problem": "a", "kind": "growth", "method": "fpsolve", **grown}]
    found: dict[str, str] = {}
    for row in rows:
        found |= row.pop("versions", {})
    return {
        "benchmark": "peers",
        "targets": {name: problem.target for name, problem in PROBLEMS.items()},
        "versions": found,
        "rows": rows + grown + ([] if small else cold.rows(LIMIT)),
    }


def text(value: Any, form: str) -> str:
    return "" if value is None else format(value, form)


def solving_line(row: Row) -> list[str]:
    setting = f"rtol {row['rtol']:.0e}" if row.get("rtol") else text(row.get("steps") or row.get("nodes"), ".0f")
    numbers = [text(row.get("cells"), "d"), setting, text(1e3 * row["cpu_seconds"], ".3f") if "runs" in row else ""]
    numbers += [text(row.get("error"), ".1e"), text(row.get("times_ours"), ".2f"), text(row.get("ratio"), ".2f")]
    remarks = [row.get("against") and f"against {row['against']}", row.get("why"), row.get("beyond"), row.get("note")]
    return [row["problem"], row["method"], *numbers, "; ".join(remark for remark in remarks if remark)]


def growth_line(row: Row) -> list[str]:
    speed = row.get("triad_bytes_per_second")
    numbers = [text(row.get("cells"), "d"), text(row.get("ns_per_cell_step"), ".2f"), text(row.get("growth"), ".2f")]
    numbers += [text(speed and speed / 1e9, ".1f"), text(row.get("fraction_of_bandwidth"), ".0%")]
    return [row["problem"], row["method"], *numbers, row.get("why", "")]


def cold_line(row: Row) -> list[str]:
    numbers = [text(row.get(key), form) for key, form in (("cells", "d"), ("cold_seconds", ".2f"), ("error", ".1e"))]
    return [row["problem"], row["method"], *numbers, text(row.get("cold_speedup"), ".1f"), row.get("why", "")]


def table(result: dict[str, Any]) -> str:
    """Three aligned tables."""
    kinds: dict[str, list[Row]] = {"solving": [], "growth": [], "cold": []}
    for row in result["rows"]:
        kinds[row.get("kind", "solving")].append(row)
    order = {row["method"]: k for k, row in enumerate(kinds["solving"])}
    kinds["solving"].sort(key=lambda row: (row["problem"], row["peer"] != "ours", bool(row.get("beyond")),
                                           row.get("cpu_seconds", 1e9), order[row["method"]]))  # fmt: skip
    heads: Sequence[tuple[str, Any, tuple[str, ...]]] = (
        ("solving", solving_line, ("", "method", "cells", "setting", "CPU/ms", "error", "x ours", "ratio", "")),
        ("growth", growth_line, ("", "method", "cells", "ns/cell/step", "growth", "triad GB/s", "of it", "")),
        ("cold", cold_line, ("", "cold start", "cells", "s", "error", "x ours", "")),
    )
    lines = ["errors to reach: " + ", ".join(f"{name} {target:.0e}" for name, target in result["targets"].items())]
    for kind, line, head in heads:
        if kinds[kind]:
            lines += ["", *results.table(head, [line(row) for row in kinds[kind]])]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    what = "our solver against every installed peer, at matched error"
    small = "SciPy alone, in this process, a few seconds"
    return benchmark(run, table, what, small, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
