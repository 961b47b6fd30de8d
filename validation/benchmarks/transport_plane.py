"""W1 and W2 in the plane: time and error against POT, ott-jax and SciPy, on the same cell masses, in one run.

    python -m validation.benchmarks.transport_plane [--small] [--json]

Five pairs of densities on n x n cells of the unit square (``rivals/plane_problems.py``). Every row is measured in a
process of its own on one core: CPU seconds, warm, the least of the repeats. Ours is the whole call with its error bar;
of the peers the run alone is timed, with matrices of costs and compiled functions kept. Peers see cells as atoms.

``error`` is relative and that of the densities. The Swiss roll has no closed form: there our rows state their bar, the
peers their distance from our finest value, whose bar stands beside it.

``ratio`` is CPU(fastest peer) / CPU(ours) among rows that reach an error; it is given for each error of ``REACHED``,
in rows of kind ``matched``. A row reaches an error if all finer grids of the same method do as well: errors of several
kinds that cancel on one grid are luck. ``same_cells`` is CPU(fastest peer on our grid) / CPU(ours), whatever errors.

A peer that needs another interpreter gets it from FPSOLVE_PYTHON_POT, FPSOLVE_PYTHON_OTT, as in ``peers``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from fpsolve import results
from validation.benchmarks.peers import text
from validation.benchmarks.rivals import plane_plan
from validation.benchmarks.rivals.plane_measure import PlaneEntry, measure
from validation.benchmarks.rivals.plane_problems import PROBLEMS
from validation.benchmarks.rivals.processes import alone
from validation.command import benchmark

Row = dict[str, Any]

#: seconds after which a row is given up; a peer's minute of CPU time on cores that are shared
LIMIT = 120.0
#: relative errors at which times are compared
REACHED = (1e-2, 1e-3, 1e-4, 1e-5)
#: CPU seconds that our own call may take: quantity, cells a side, seconds
TARGETS = (("W2", 256, 1.5), ("W2", 512, 10.0), ("W1", 256, 1.0))
#: gap between both bounds of W1, relative, that its target asks for
GAP = 1e-3
#: how the reason of a row begins whose peer is not there at all
ABSENT = ("not installed", "its interpreter does not start")


def measured(plan: list[PlaneEntry], small: bool) -> list[Row]:
    """A row for each entry; a peer that is absent is asked once and then has one for each problem and quantity."""
    rows: list[Row] = []
    absent: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="fpsolve-plane-") as folder:
        for entry in plan:
            if entry.peer not in absent:
                rows.append(row_of(entry, small, Path(folder)))
                why = rows[-1].get("why", "")
                absent |= {entry.peer: why} if why.startswith(ABSENT) else {}
            elif not any(_same_question(row, entry) and row["peer"] == entry.peer for row in rows):
                rows.append(start_of(entry) | {"method": entry.peer, "why": absent[entry.peer]})
    return rows


def _same_question(row: Row, entry: PlaneEntry) -> bool:
    return (row["problem"], row["quantity"]) == (entry.problem, f"W{entry.order}")


def start_of(entry: PlaneEntry) -> Row:
    row: Row = {"problem": entry.problem, "quantity": f"W{entry.order}", "peer": entry.peer, "cells": entry.cells}
    return row | {"method": f"{entry.peer} {entry.variant}"}


def row_of(entry: PlaneEntry, small: bool, folder: Path) -> Row:
    """The entry's row; a failure is a row as well."""
    print(f"{entry.problem}: W{entry.order} {entry.peer} {entry.variant} {entry.cells}", file=sys.stderr, flush=True)
    row, masses = start_of(entry), PROBLEMS[entry.problem].masses(entry.cells)
    if small:
        return row | measure(entry, masses, repeats=2)
    path = folder / f"{entry.problem}-{entry.cells}.npz"
    if not path.exists():
        np.savez(path, first=masses[0], second=masses[1])
    return row | alone("plane_measure", vars(entry) | {"masses": str(path)}, entry.peer, LIMIT)


def ours(row: Row) -> bool:
    return bool(row["peer"] == "ours")


def compare_with_exact(rows: list[Row]) -> list[Row]:
    """Put each row's error beside its value; return what they were compared with."""
    found = []
    for problem, quantity in dict.fromkeys((row["problem"], row["quantity"]) for row in rows):
        here = [row for row in rows if (row["problem"], row["quantity"]) == (problem, quantity) and "value" in row]
        exact = PROBLEMS[problem].exact()[int(quantity[1])]
        bar = 0.0
        if exact is None:
            mine = [row for row in here if ours(row)]
            if not mine:
                continue
            best = min(mine, key=lambda row: row["bar"])
            exact, bar = best["value"], best["bar"]
        for row in here:
            off = abs(row["value"] - exact)
            row["error"] = (row["bar"] if bar and ours(row) else off) / exact
            if ours(row):
                row["bar"] = row["bar"] / exact
                row["inside"] = off / exact <= row["bar"] + bar / exact
        found.append({"problem": problem, "quantity": quantity, "value": exact, "bar": bar})
    return found


def same_cells(rows: list[Row]) -> None:
    """CPU(fastest peer on our grid) / CPU(ours) of our rows."""
    for row in rows:
        if ours(row) and "value" in row:
            key = [row[name] for name in ("problem", "quantity", "cells")]
            here = [other["cpu_seconds"] for other in rows if not ours(other) and "value" in other
                    and [other[name] for name in ("problem", "quantity", "cells")] == key]  # fmt: skip
            row["same_cells"] = min(here) / row["cpu_seconds"] if here else None


def reaching(rows: list[Row], error: float) -> list[Row]:
    """Rows whose error, and that of all finer grids of the same method, is at most this."""
    return [
        row
        for row in rows
        if all(
            other["error"] <= error
            for other in rows
            if other["method"] == row["method"] and other["cells"] >= row["cells"]
        )
    ]


def matched(rows: list[Row]) -> list[Row]:
    """The ratio for each problem, quantity and error."""
    found = []
    for problem, quantity in dict.fromkeys((row["problem"], row["quantity"]) for row in rows):
        here = [row for row in rows if (row["problem"], row["quantity"]) == (problem, quantity) and "error" in row]
        mine, theirs = [row for row in here if ours(row)], [row for row in here if not ours(row)]
        for error in REACHED:
            row: Row = {"kind": "matched", "problem": problem, "quantity": quantity, "reached": error, "ratio": None}
            own, other = (min(reaching(side, error), key=_seconds, default=None) for side in (mine, theirs))
            for name, best in (("ours", own), ("against", other)):
                if best:
                    row[name] = f"{best['method']}, {best['cells']} cells"
                    row |= {f"{name}_error": best["error"], f"{name}_seconds": best["cpu_seconds"]}
            if own and other:
                row["ratio"] = other["cpu_seconds"] / own["cpu_seconds"]
            else:
                row["why"] = _why(mine, own, theirs)
            found.append(row)
    return found


def _seconds(row: Row) -> float:
    return float(row["cpu_seconds"])


def _why(mine: list[Row], own: Row | None, theirs: list[Row]) -> str:
    if own is None:
        least = min((row["error"] for row in mine), default=None)
        return "ours did not run" if least is None else f"ours do not reach this error (best {least:.1e})"
    if not theirs:
        return "no peer that is installed ran"
    return f"no peer reaches this error on the grids tried (best {min(row['error'] for row in theirs):.1e})"


def targets(rows: list[Row]) -> list[Row]:
    """Our own times against what we promise."""
    found = []
    for quantity, cells, seconds in TARGETS:
        for row in rows:
            if ours(row) and "value" in row and (row["quantity"], row["cells"]) == (quantity, cells):
                kept = row["cpu_seconds"] <= seconds and row.get("gap", 0.0) <= GAP
                line = {"kind": "target", "quantity": quantity, "cells": cells, "problem": row["problem"]}
                line |= {"method": row["method"], "cpu_seconds": row["cpu_seconds"], "target_seconds": seconds}
                found.append(line | {"gap": row.get("gap"), "within_target": kept})
    return found


def run(small: bool) -> dict[str, Any]:
    plan = plane_plan.SMALL if small else plane_plan.entries(plane_plan.OURS) + plane_plan.entries(plane_plan.PEERS)
    rows = measured(plan, small)
    exact = compare_with_exact(rows)
    same_cells(rows)
    versions: dict[str, str] = {}
    for row in rows:
        versions |= row.pop("versions", {})
    return {
        "benchmark": "transport_plane",
        "versions": versions,
        "exact": exact,
        "rows": rows + matched(rows) + targets(rows),
    }


def _measured_line(row: Row) -> list[str]:
    remarks = [row.get("why"), "OUTSIDE ITS BAR" if row.get("inside") is False else None]
    remarks += ["not converged" if row.get("converged") is False else None]
    numbers = [text(row.get(key), form) for key, form in (("cpu_seconds", ".3f"), ("error", ".1e"), ("bar", ".1e"))]
    numbers += [text(row.get("gap"), ".1e"), text(row.get("same_cells"), ".1f")]
    start = [row["problem"], row["quantity"], row["method"], str(row["cells"])]
    return [*start, *numbers, "; ".join(remark for remark in remarks if remark)]


def _matched_line(row: Row) -> list[str]:
    start = [row["problem"], row["quantity"], f"{row['reached']:.0e}"]
    for side in ("ours", "against"):
        start += [row.get(side, ""), text(row.get(f"{side}_seconds"), ".3f")]
    return [*start, text(row["ratio"], ".2f"), row.get("why", "")]


def _target_line(row: Row) -> list[str]:
    numbers = [str(row["cells"]), f"{row['cpu_seconds']:.3f}", f"{row['target_seconds']:g}", text(row["gap"], ".1e")]
    return [row["problem"], row["quantity"], row["method"], *numbers, "pass" if row["within_target"] else "FAIL"]


def table(result: dict[str, Any]) -> str:
    """Three aligned tables: what was measured, ratios at matched error, our targets."""
    kinds: dict[str, list[Row]] = {"measured": [], "matched": [], "target": []}
    for row in result["rows"]:
        kinds[row.get("kind", "measured")].append(row)
    kinds["measured"].sort(key=lambda row: (row["quantity"], row["problem"], not ours(row)))
    heads: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
        ("measured", _measured_line, ("", "", "method", "cells", "CPU/s", "error", "bar", "gap", "same cells", "")),
        ("matched", _matched_line, ("", "", "error", "ours", "CPU/s", "fastest peer", "CPU/s", "ratio", "")),
        ("target", _target_line, ("", "", "target", "cells", "CPU/s", "at most", "gap", "")),
    )
    lines = []
    for kind, line, head in heads:
        if kinds[kind]:
            lines += ["", *results.table(head, [line(row) for row in kinds[kind]])]
    for known in result["exact"]:
        note = f" (our finest value, bar {known['bar']:.1e})" if known["bar"] else ""
        lines.append(f"{known['problem']} {known['quantity']} = {known['value']:.10g}{note}")
    return "\n".join(lines[1:])


def main(arguments: list[str] | None = None) -> int:
    what = "W1 and W2 in the plane against POT, ott-jax and SciPy"
    small = "SciPy alone, in this process, a few seconds"
    return benchmark(run, table, what, small, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
