"""The command ``schedule``: what a noise schedule costs for given data, retimed, and the best one."""

from __future__ import annotations

import argparse
import time

from fpsolve import io
from fpsolve.cases import PlaneCase
from fpsolve.cli.console import as_json, emit
from fpsolve.design.geodesics import CELLS, schedule_costs
from fpsolve.results import jsonable
from fpsolve.settings import InputError


def schedule(options: argparse.Namespace) -> int:
    """Cost of a case's schedule, and its arrays retimed and at their best."""
    case, began = io.read(options.case, needs_start=False), time.perf_counter()
    with io.blame(options.case):
        try:
            # on the line no grid is needed
            cells = case.cells if isinstance(case, PlaneCase) else CELLS
            found = schedule_costs(case.data, case.schedule, cells=cells)
        except InputError as error:
            key = {"data": "[data]", "schedule": "[schedule]", "sigma": "[schedule] sigma"}.get(error.key, error.key)
            raise InputError(key, error.message) from error
    content = {"case": jsonable(case.recipe())} | found.json()
    content["diagnostics"] |= {"seconds": time.perf_counter() - began}
    emit(as_json(content) if options.json else str(found))
    return 0
