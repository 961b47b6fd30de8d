"""The command ``solve``: a Fokker-Planck problem with a named force."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

from fpsolve import io
from fpsolve.cli.console import as_json, emit, tell
from fpsolve.measuring import trade_offs
from fpsolve.results import TradeOffs
from fpsolve.settings import InputError


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
    try:
        with io.blame_problem(options.problem):
            measured = trade_offs(found, progress=True)
    except KeyboardInterrupt:
        if options.out is not None:
            tell(f"fpsolve: {options.out} is written; 'fpsolve solve {options.out}' computes its thermodynamics")
        raise
    measured.diagnostics["seconds"] = time.perf_counter() - began
    if options.out is not None:  # the solution lies there already; now with its ledger
        more = {name: series for name, series in measured.data.data_vars.items() if name not in found}
        with io.staged([Path(options.out)]) as (temporary,):
            io.write(found.assign(more), temporary)
    emit(as_json(measured.json()) if options.json else text(measured))
    verdicts = measured.verdicts
    return int(verdicts["violated"] > 0 or (verdicts["undecided"] > 0 and options.strict))


def text(measured: TradeOffs) -> str:
    """Tables of quantities and relations, and how they were computed."""
    d = measured.diagnostics
    cells = " x ".join(str(n) for n in d["cells"])
    lines = [
        str(measured),
        "",
        f"{cells} cells, {d['flux']}, {d['stepper']}, {d['steps_taken']} steps, {d['seconds']:.2g} s",
    ]
    if math.isfinite(d["density_error"]):
        lines.append(f"density: L1 error at most {d['density_error']:.1e}, least value {d['minimum_density']:.1e}")
    return "\n".join(lines)
