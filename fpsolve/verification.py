"""The same case on finer and finer grids: observed orders beside the declared ones, and limits."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

from fpsolve.accuracy import assess
from fpsolve.cases import AnyCase, PlaneCase
from fpsolve.estimates import ROUNDING, Estimate, observed_order, refinement_error, richardson
from fpsolve.fluxes import WENO5, Upwind
from fpsolve.results import SYMBOLS, jsonable, table
from fpsolve.reverse import generated_fields
from fpsolve.settings import Recipe, whole
from fpsolve.steppers import SSPRK3, Characteristics

#: what a quadrature that converges faster than any power declares
SPECTRAL = "spectral"
#: orders of the routes on a grid; the steps of the explicit ones shrink with the cells, so the stepper limits them
ORDERS = {
    "characteristics": Characteristics.order,
    "weno5": min(WENO5.advective_order, SSPRK3.order),
    "upwind": min(Upwind.advective_order, SSPRK3.order),
}
#: transport in the plane is of second order in the cells, by characteristics as by any other route
PLANE_ORDER = 2.0
#: quantities that depend on how the estimated process is computed; the others know the forward process alone
ESTIMATED = ("eta", "c1", "W1_initial", "W1_final")
#: how far an observed order may be from the declared one for the limit to be trusted
AGREEMENT = 0.5

Order = float | str


@dataclasses.dataclass(frozen=True)
class Rate:
    """How a quantity converges.

    Parameters
    ----------
    observed : float or None
        Order seen over the last three levels; None where there is none to see.
    declared : float or ``"spectral"``
        What the method promises.
    why : str
        Why no order was observed.
    """

    observed: float | None
    declared: Order
    why: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the observed order is within a half of a declared power."""
        if self.observed is None or isinstance(self.declared, str):
            return False
        return abs(self.observed - self.declared) <= AGREEMENT

    def json(self) -> dict[str, Any]:
        """The entry of ``orders``."""
        return {"observed": self.observed, "declared": self.declared} | ({"why": self.why} if self.why else {})


@dataclasses.dataclass(frozen=True)
class Level:
    """One refinement of a case, and the quantities found on it."""

    cells: int | tuple[int, int]
    steps: int
    quantities: dict[str, Estimate]

    def json(self) -> dict[str, Any]:
        """The entry of ``levels``."""
        found = {name: estimate.json() for name, estimate in self.quantities.items()}
        cells = list(self.cells) if isinstance(self.cells, tuple) else self.cells
        return {"cells": cells, "steps": self.steps, "quantities": found}


@dataclasses.dataclass(frozen=True)
class Convergence:
    """What :func:`converge` found.

    Parameters
    ----------
    case : dict
        The coarsest case, with the keys of a case file.
    levels : tuple of Level
        From coarse to fine.
    orders : dict of Rate
        Order of each quantity.
    limits : dict of Estimate
        Where each quantity goes, with an error bar.
    """

    case: Recipe
    levels: tuple[Level, ...]
    orders: dict[str, Rate]
    limits: dict[str, Estimate]

    def json(self) -> dict[str, Any]:
        """The object that ``fpsolve converge --json`` prints."""
        return {
            "case": jsonable(self.case),
            "levels": [level.json() for level in self.levels],
            "orders": {name: rate.json() for name, rate in self.orders.items()},
            "limits": {name: estimate.json() for name, estimate in self.limits.items()},
        }

    def text(self) -> str:
        """Plain tables: the values on every level, then orders and limits."""
        header = ("quantity", *(f"{_words(level.cells)} x {level.steps}" for level in self.levels))
        rows: list[tuple[str, ...]] = [
            (SYMBOLS.get(n, n), *(str(level.quantities[n]) for level in self.levels)) for n in self.limits
        ]
        orders: list[tuple[str, ...]] = []
        for name, rate in self.orders.items():
            seen = "-" if rate.observed is None else f"{rate.observed:.2f}"
            orders.append((SYMBOLS.get(name, name), seen, str(rate.declared), str(self.limits[name]), rate.why))
        return "\n".join([*table(header, rows), "", *table(("quantity", "observed", "declared", "limit", ""), orders)])


def refine(case: AnyCase, factor: int) -> AnyCase:
    """The same case with ``factor`` times the cells and the stored intervals.

    Parameters
    ----------
    case : Case or PlaneCase
    factor : int
        At least 1.

    Returns
    -------
    Case or PlaneCase
    """
    factor = whole("factor", factor)
    if isinstance(case, PlaneCase):
        return dataclasses.replace(case, cells=(case.cells[0] * factor, case.cells[1] * factor))
    return dataclasses.replace(case, cells=case.cells * factor, steps=case.steps * factor)


def converge(case: AnyCase, levels: int = 4, progress: Callable[[str, int, int], None] | None = None) -> Convergence:
    """Compute a case on successively doubled grids.

    Parameters
    ----------
    case : Case or PlaneCase
        The coarsest level, with a start.
    levels : int
        How many grids, each with twice the cells and stored intervals of the one before, from 2 to 12.
    progress : callable, optional
        ``(name, done, total)``, called before each level.

    Returns
    -------
    Convergence

    Raises
    ------
    InputError
        Too few levels, or what the case refuses.
    """
    count, found = whole("levels", levels, 2, 12), []
    for number in range(count):
        finer = refine(case, 2**number)
        if progress is not None:
            progress(f"{_words(finer.cells)} cells", number, count)
        result = assess(finer, generated_fields(finer))
        found.append(Level(finer.cells, finer.steps, result.estimates))
    columns = {name: [level.quantities[name] for level in found] for name in found[0].quantities}
    rates = {name: rate_of(column, declared_order(case, name)) for name, column in columns.items()}
    limits = {name: limit_of(column, rates[name]) for name, column in columns.items()}
    return Convergence(case.recipe(), tuple(found), rates, limits)


def _words(cells: int | tuple[int, int]) -> str:
    return f"{cells[0]}x{cells[1]}" if isinstance(cells, tuple) else str(cells)


def declared_order(case: AnyCase, quantity: str) -> Order:
    """What the method of a case promises for a quantity."""
    if isinstance(case, PlaneCase):
        if quantity in ("W2", "W1_initial"):
            return PLANE_ORDER
        own = PLANE_ORDER if case.estimated == "exact" else min(PLANE_ORDER, ORDERS[case.estimated])
        return own if quantity in ESTIMATED else SPECTRAL
    if case.estimated == "exact" or quantity not in ESTIMATED:
        return SPECTRAL
    return ORDERS[case.estimated]


def rate_of(column: Sequence[Estimate], declared: Order) -> Rate:
    """The order observed over the last three estimates, where their differences say anything."""
    missing = next((estimate for estimate in column if not estimate.finite), None)
    if missing is not None:
        return Rate(None, declared, missing.why or "it has no finite value")
    if len(column) < 3:
        return Rate(None, declared, "an order takes three levels")
    values = [estimate.value for estimate in column[-3:]]
    differences = [abs(values[1] - values[0]), abs(values[2] - values[1])]
    if min(differences) <= ROUNDING * max(abs(value) for value in values):
        return Rate(None, declared, "differences are round-off")
    if declared == SPECTRAL and max(differences) <= max(estimate.error for estimate in column[-3:]):
        return Rate(None, declared, "differences are below the error bars of the quadrature")
    return Rate(observed_order(values), declared)


def limit_of(column: Sequence[Estimate], rate: Rate) -> Estimate:
    """Richardson's limit where the observed order confirms the declared one, else the finest value, its bar widened."""
    finest = column[-1]
    if not all(estimate.finite for estimate in column):
        return finest
    values = [estimate.value for estimate in column]
    if rate.agrees and not isinstance(rate.declared, str):
        limit = richardson(values[-2], values[-1], rate.declared)
        error = abs(limit - values[-1]) + ROUNDING * abs(limit)
        return dataclasses.replace(finest, value=limit, error=error)
    error = finest.error if math.isfinite(finest.error) else 0.0
    if rate.observed is not None:
        order = 1.0 if isinstance(rate.declared, str) else rate.declared
        error = max(error, refinement_error(values, order))
    return dataclasses.replace(finest, error=max(error, abs(values[-1] - values[-2])))
