"""From a process that has imported NumPy, SciPy, numba and xarray to the first solution: ``... rivals.cold ENTRY``.

The imports that everybody has are not counted; those of the package itself, its compilation and its set-up are. Peers
that take seconds for problem a at matched error are given a small grid: what is measured is the way to the start.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import tempfile
import time
from typing import Any

from validation.benchmarks.rivals.measure import Entry, on_edges
from validation.benchmarks.rivals.plan import LINE
from validation.benchmarks.rivals.problems import PROBLEMS
from validation.benchmarks.rivals.processes import alone

Row = dict[str, Any]

OURS = Entry("a", "ours", "fourth", 242, 12)
PEERS = (
    Entry("a", LINE, "symmetric-central", 3080, 190),
    Entry("a", "with_pypde", "lsoda", 3890, 3.2e-6),
    Entry("a", "with_fipy", "euler", 500, 10),
    Entry("a", "with_fplanck", "expm", 500, 0),
    Entry("a", "with_pyfvtool", "euler", 500, 10),
)


def rows(limit: float) -> list[Row]:
    """Ours with an empty and then with a filled cache of compiled kernels; the peers, py-pde compiling every time."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="fpsolve-cold-") as folder:
        for cache in ("empty", "filled"):
            result = alone("cold", vars(OURS), "ours", limit, NUMBA_CACHE_DIR=folder)
            found.append({"method": f"fpsolve, {cache} cache", **result})
    ours = found[1].get("cold_seconds")
    for entry in PEERS:
        peer = entry.module.removeprefix("with_")
        row = {"method": peer, **alone("cold", vars(entry), peer, limit)}
        if ours and "cold_seconds" in row:
            row["cold_speedup"] = row["cold_seconds"] / ours
        found.append(row)
    return [{"problem": "a", "kind": "cold", **row} for row in found]


def first_solution(entry: Entry) -> Row:
    """Wall-clock and CPU seconds to the first solution, and its error."""
    for name in ("numpy", "scipy.sparse.linalg", "scipy.integrate", "numba", "xarray"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        module = importlib.import_module(f"validation.benchmarks.rivals.{entry.module}")
    except ImportError as error:
        return {"why": f"not installed: {error}"}
    variant, problem = module.VARIANTS[entry.variant], PROBLEMS[entry.problem]
    result = variant.build(problem, entry.cells, entry.setting)()
    row: Row = {"cold_seconds": time.perf_counter() - wall, "cold_cpu_seconds": time.process_time() - cpu}
    return row | {"cells": entry.cells, "error": problem.error(*on_edges(result))}


if __name__ == "__main__":
    print(json.dumps(first_solution(Entry(**json.loads(sys.argv[1])))))
