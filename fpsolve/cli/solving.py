"""The command ``solve``: a Fokker-Planck problem with a named force."""

from __future__ import annotations

import argparse
import time
from typing import Any

import xarray as xr

from fpsolve import io, solution
from fpsolve.cli.console import as_json, emit, tell
from fpsolve.results import jsonable, table
from fpsolve.settings import InputError

_MEANINGS = {
    "mean": "mean of the position",
    "variance": "variance of the position",
    "covariance": "covariance of x and y",
    "mass": "probability in the box",
    "outflow": "probability that has left through the ends",
    "current": "probability current around the ring (1)",
}


def solve(options: argparse.Namespace) -> int:
    """Solve what a problem file, or a solution, describes."""
    if options.resume and options.out is None:
        raise InputError("--resume", "it needs --out, the file of the run that was interrupted")
    store = io.Store(options.out, options.overwrite, options.resume) if options.out else None
    setup, began = io.read_problem(options.problem), time.perf_counter()
    try:
        with io.blame_problem(options.problem):
            found = setup.solve(store, progress=True)
    except KeyboardInterrupt:
        if store is not None and store.kept:
            kept = f"{options.out}.part keeps {store.kept} of {setup.times.size} stored times"
            tell(f"fpsolve: {kept}; 'fpsolve solve {options.problem} --out {options.out} --resume' goes on")
        raise
    found_all = content(found, time.perf_counter() - began)
    emit(as_json(found_all) if options.json else text(found, found_all))
    relations = solution.relations(found)
    violated = any(relation.verdict == "violated" for relation in relations)
    undecided = any(relation.verdict == "undecided" for relation in relations)
    return int(violated or (undecided and options.strict))


def content(found: xr.Dataset, seconds: float) -> dict[str, Any]:
    """The object that ``solve --json`` prints."""
    return {
        "case": jsonable(solution.recipe_of(found)),
        "quantities": {name: estimate.json() for name, estimate in solution.quantities(found).items()},
        "relations": [relation.json() for relation in solution.relations(found)],
        "diagnostics": jsonable(solution.diagnostics(found) | {"seconds": seconds}),
    }


def text(found: xr.Dataset, content: dict[str, Any]) -> str:
    """The same as tables."""
    rows = [
        (name, str(estimate), estimate.unit if estimate.finite else "", _meaning(name))
        for name, estimate in solution.quantities(found).items()
    ]
    checks = [
        (r.name, r.verdict, *(("", "") if r.why else (f"{r.lhs:.8g}", f"{r.rhs:.8g}")), r.why)
        for r in solution.relations(found)
    ]
    d = content["diagnostics"]
    cells = " x ".join(str(n) for n in d["cells"])
    schemes = f"{cells} cells, {d['flux']}, {d['stepper']}, {d['steps_taken']} steps, {d['seconds']:.2g} s"
    lines = [*table(("quantity", "value", "unit", ""), rows), ""]
    lines += [*table(("relation", "verdict", "left", "right", ""), checks), "", schemes]
    if d["density_error"] is not None:
        lines.append(f"density: L1 error at most {d['density_error']:.1e}, least value {d['minimum_density']:.1e}")
    return "\n".join(lines)


def _meaning(name: str) -> str:
    base, _, axis = name.partition("_")
    return _MEANINGS.get(base, "") + (f", along {axis}" if axis in ("x", "y") else "")
