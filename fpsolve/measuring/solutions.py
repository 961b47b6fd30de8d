"""The trade-off relations of a solution: what it costs against what any evolution must cost."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.bounds.benamou_brenier import benamou_brenier
from fpsolve.bounds.excess import excess
from fpsolve.bounds.fluctuations import fluctuation_theorem, jarzynski
from fpsolve.bounds.minimum_dissipation import minimum_dissipation
from fpsolve.bounds.optimal_protocol import optimal_protocol
from fpsolve.bounds.second_law import second_law
from fpsolve.bounds.speed_limits import speed_limit_hierarchy
from fpsolve.bounds.uncertainty import uncertainty_of, uncertainty_optimal, uncertainty_x, uncertainty_x2
from fpsolve.bounds.wasserstein_speeds import v1_below_v2
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.estimates import Estimate, Relation
from fpsolve.grids import Array, Grid
from fpsolve.results import TradeOffs
from fpsolve.settings import InputError
from fpsolve.solution import Setup, diagnostics, quantities, recipe_of, relations
from fpsolve.solution.gauges import Observables
from fpsolve.solution.start import Masses, jumps
from fpsolve.thermodynamics import Measurement
from fpsolve.thermodynamics.ledger import ledger, setup_of
from fpsolve.thermodynamics.path_averages import entropy_statistics, work_statistics
from fpsolve.thermodynamics.summary import measurement, totals

#: bars above this part of the larger side leave a relation undecided
_TOLERANCE = {1: 1e-3, 2: 1e-2}
#: the fluctuation theorem holds to rounding on every grid and with any steps: small ones do
_CELLS, _STEPS = {1: 64, 2: 32}, 16
#: relations of a solution that a ledger decides, in the order of the paper
_LEDGER: tuple[tuple[str, str, Callable[[Measurement], Relation]], ...] = (
    ("second-law", "36-39", second_law),
    ("benamou-brenier", "63", benamou_brenier),
    ("minimum-dissipation", "64", minimum_dissipation),
    ("excess", "67", excess),
    ("speed-limit-hierarchy", "68", speed_limit_hierarchy),
    ("uncertainty-x", "73-76", uncertainty_x),
    ("uncertainty-x2", "73-76", uncertainty_x2),
    ("uncertainty-optimal", "75-76", uncertainty_optimal),
    ("v1-below-v2", "slides", v1_below_v2),
    ("optimal-protocol", "91", optimal_protocol),
)
#: those whose observable has no meaning around a ring
_NOT_ON_RINGS = ("uncertainty-x", "uncertainty-x2")
#: quantities of a ledger and their units, for solutions that have none
_THERMODYNAMIC = dict.fromkeys(("work", "heat", "energy_change", "free_energy_change"), "L²/s")
_THERMODYNAMIC |= dict.fromkeys(
    ("entropy_production", "system_entropy_change", "bath_entropy_change", "excess", "housekeeping", "coupling"), "1"
)
_THERMODYNAMIC |= {"path_length": "L", "W2": "L"}


def trade_offs(
    solution: xr.Dataset,
    *,
    problem: FokkerPlanck | None = None,
    observables: Observables | None = None,
    progress: bool | None = None,
) -> TradeOffs:
    """Thermodynamics of a solution: its totals, and every relation that they can be put to.

    Parameters
    ----------
    solution : xarray.Dataset
        What :func:`fpsolve.solve` returned, in memory or from a file.
    problem : FokkerPlanck, optional
        Where the solution was loaded from a file and made from Python functions, which no file holds.
    observables : mapping, optional
        Name -> function of the position: it becomes the relation ``uncertainty-<name>`` (73), (74).
    progress : bool, optional
        Show a bar on a terminal; if absent on terminals only.

    Returns
    -------
    TradeOffs
        Estimates, relations (36)-(76) and fluctuation theorems (47)-(50); ``data`` is the ledger.

    Raises
    ------
    InputError
        No solution.
    """
    began = time.perf_counter()
    setup = setup_of(solution, problem)
    estimates, found = quantities(solution), list(relations(solution))
    try:
        kept = ledger(solution, problem=problem, observables=observables, progress=progress)
    except InputError as refused:
        kept = xr.Dataset(coords={"time": solution["time"]})
        estimates |= {name: Estimate.undefined(refused.message, unit) for name, unit in _THERMODYNAMIC.items()}
        found += [Relation.undefined(name, equation, refused.message) for name, equation, _ in _LEDGER]
    else:
        estimates |= totals(kept)
        found += _decided(setup, kept)
    estimates_of_paths, relations_of_paths = _paths(setup)
    seconds = {"seconds": time.perf_counter() - began}
    return TradeOffs(
        recipe_of(solution), estimates | estimates_of_paths, (*found, *relations_of_paths), kept,
        diagnostics(solution) | seconds,
    )  # fmt: skip


def _decided(setup: Setup, kept: xr.Dataset) -> list[Relation]:
    """The relations that the ledger decides."""
    matrix = setup.problem.mobility_matrix
    scalar = np.array_equal(matrix, matrix[0, 0] * np.eye(setup.problem.dimension))
    measured = measurement(kept, float(matrix[0, 0]) if scalar else np.nan, _TOLERANCE[setup.problem.dimension])
    assert setup.grid is not None
    ring = any(axis.periodic for axis in setup.grid.axes)
    found = []
    for name in measured.series:
        if name.startswith("speed_"):
            found.append(uncertainty_of(measured, name.removeprefix("speed_")))
    for name, equation, relation in _LEDGER:
        if ring and name in _NOT_ON_RINGS:
            found.append(Relation.undefined(name, equation, "the position is no observable around a ring"))
        else:
            found.append(relation(measured))
    return found


def _paths(setup: Setup) -> tuple[dict[str, Estimate], list[Relation]]:
    """The fluctuation theorems: averages over all paths, none of them drawn."""
    problem, start, times = setup.problem, setup.start, setup.times
    # with empty cells it is not one, but a probability that the width of the cells matters for
    cells: Any = (
        {} if jumps(start) and problem.dimension == 1 else {"cells": _CELLS[problem.dimension], "steps": _STEPS}
    )
    if isinstance(start, Masses):  # known in the cells of the solution alone, which become those of a box
        assert setup.grid is not None
        problem, start, cells = _boxed(setup.problem, start, setup.grid)
    estimates: dict[str, Estimate] = {}
    try:
        statistics = entropy_statistics(problem, start, times, **cells)
        estimates["fluctuation_theorem"] = _scalar(statistics, "fluctuation_theorem")
        found = [fluctuation_theorem(statistics)]
    except InputError as refused:
        estimates["fluctuation_theorem"] = Estimate.undefined(refused.message)
        found = [Relation.undefined("fluctuation-theorem", "50", refused.message)]
    try:
        statistics = work_statistics(problem, start, times, **(cells if isinstance(start, np.ndarray) else {}))
        estimates["jarzynski"] = _scalar(statistics, "jarzynski")
        found.append(jarzynski(statistics))
    except InputError as refused:
        estimates["jarzynski"] = Estimate.undefined(refused.message)
        found.append(Relation.undefined("jarzynski", "47-50", refused.message))
    return estimates, found


def _boxed(problem: FokkerPlanck, start: Masses, grid: Grid) -> tuple[FokkerPlanck, Array, dict[str, Any]]:
    """The problem in the box of a grid, the averages of the start over its cells, and their number."""
    ends = [[float(axis.edges[end]) for axis in grid.axes] for end in (0, -1)]
    lower, upper = (pair if grid.dimension == 2 else pair[0] for pair in ends)
    boundaries = tuple(axis.boundary for axis in grid.axes)
    domain = problem.domain or Domain(lower, upper, boundaries if grid.dimension == 2 else boundaries[0])
    shape = grid.shape if grid.dimension == 2 else grid.shape[0]
    return dataclasses.replace(problem, domain=domain), np.asarray(start.masses) / grid.volumes, {"cells": shape}


def _scalar(dataset: xr.Dataset, name: str) -> Estimate:
    value = dataset[name]
    if not np.isfinite(value):
        return Estimate.undefined(value.attrs.get("why", "it has no finite value"))
    return Estimate(float(value), float(dataset[f"{name}_error"]))
