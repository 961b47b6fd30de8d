"""The result of a speed-accuracy experiment: estimates, relations, data, as text, HTML and JSON."""

from __future__ import annotations

import abc
import dataclasses
import html
import math
from collections.abc import Sequence
from typing import Any

import xarray as xr

from fpsolve.estimates import Estimate, Relation
from fpsolve.settings import Recipe

#: how each quantity is written in tables
SYMBOLS = {
    "eta": "η",
    "c1": "c₁",
    "c2": "c₂",
    "dissipation": "∫TṠ dt",
    "D0": "D₀",
    "W1_initial": "W₁(t=τ)",
    "W1_final": "W₁(t=0)",
    "W2": "W₂",
    "path_length": "∫v₂ dt",
    "conditional_energy": "E_c",
}
MEANINGS = {
    "eta": "response of the generated density to an error at the start (77)",
    "c1": "time integral of the squared speed of the loss (79)",
    "c2": "time integral of the squared speed of the forward process (82)",
    "dissipation": "time integral of temperature times entropy production rate (79)",
    "D0": "chi-squared divergence of the start (78)",
    "W1_initial": "distance of the start from the noise, where generation begins",
    "W1_final": "distance of the generated density from the data",
    "W2": "distance between the densities at both ends (53)",
    "path_length": "length of the path of the densities (68)",
    "loss": "mean square error of the learned velocity, L of (100)",
    "delta_W1": "distance of the generated density from the data, minus that of the start from the noise",
    "D_max": "greatest chi-squared divergence on the way",
    "sharp_bound": "bound of the modulus of that change by the local errors (theory 5.7)",
    "bound": "bound of the modulus of that change (100)",
    "conditional_energy": "what the schedule would cost if every x told its data and noise (92)",
    "work": "work done on the system",
    "heat": "heat that entered the system",
    "energy_change": "work + heat",
    "entropy_production": "of system and bath together (40)",
    "system_entropy_change": "change of -E[ln P] (37)",
    "bath_entropy_change": "entropy that entered the bath (38)",
    "excess": "part of relaxation (Hatano-Sasa)",
    "coupling": "part common to both excess (Maes-Netocny) and housekeeping (Hatano-Sasa)",
    "housekeeping": "part of driving that moves no mass (Maes-Netocny)",
    "free_energy_change": "of the equilibrium, -T ln Z",
    "jarzynski": "mean of exp(-W/T)",
    "fluctuation_theorem": "mean of exp(-s_tot) (50)",
    "mean": "mean of the position",
    "variance": "variance of the position",
    "covariance": "covariance of x and y",
    "mass": "probability in the box",
    "outflow": "probability that has left through the ends",
    "current": "probability current around the ring (1)",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Findings(abc.ABC):
    """Estimates and relations, as text, HTML and JSON.

    Parameters
    ----------
    case : dict
        What was computed, with the keys of a case or problem file.
    estimates : dict of Estimate
        Quantities of the contract, each with its error bar.
    relations : tuple of Relation
        Every relation, with margin and verdict.
    data : xarray.Dataset
        Series in time.
    diagnostics : dict
        Conservation, what a window cuts, seconds.
    """

    case: Recipe
    estimates: dict[str, Estimate]
    relations: tuple[Relation, ...]
    data: xr.Dataset
    diagnostics: dict[str, Any]

    def __getitem__(self, name: str) -> Estimate:
        """The estimate of a quantity."""
        return self.estimates[name]

    def relation(self, name: str) -> Relation:
        """The relation of that name.

        Raises
        ------
        KeyError
            There is none.
        """
        for relation in self.relations:
            if relation.name == name:
                return relation
        raise KeyError(f"{name!r}; there are {', '.join(r.name for r in self.relations)}")

    @property
    def verdicts(self) -> dict[str, int]:
        """How many relations came out which way."""
        counts = dict.fromkeys(("holds", "violated", "undecided", "undefined"), 0)
        for relation in self.relations:
            counts[relation.verdict] += 1
        return counts

    def json(self) -> dict[str, Any]:
        """The object that ``fpsolve run --json`` and ``solve --json`` print."""
        return {
            "case": jsonable(self.case),
            "quantities": {name: estimate.json() for name, estimate in self.estimates.items()},
            "relations": [relation.json() for relation in self.relations],
            "diagnostics": jsonable(self.diagnostics),
        }

    def __str__(self) -> str:
        """Two plain tables: quantities, relations."""
        rows = [(SYMBOLS.get(n, n), str(e), e.unit if e.finite else "", meaning(n)) for n, e in self.estimates.items()]
        checks = [
            (r.name, r.verdict, *(("", "") if r.why else (f"{r.lhs:.8g}", f"{r.rhs:.8g}")), r.why or r.note)
            for r in self.relations
        ]
        lines = [*table(("quantity", "value", "unit", ""), rows), ""]
        lines += table(("relation", "verdict", "left", "right", ""), checks)
        if self.diagnostics.get("truncated"):
            cut = ", ".join(
                f"{key}: {value:.3g}" for key, value in self.diagnostics["truncated"].items() if value != "inf"
            )
            lines += ["", f"windowed; cut off: {cut}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The same tables, for notebooks."""
        cells = [(SYMBOLS.get(n, n), str(e), meaning(n)) for n, e in self.estimates.items()]
        rows = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in cells)
        checks = "".join(
            f"<tr><td>{r.name}</td><td>{r.verdict}</td><td>{html.escape(r.why or r.note)}</td></tr>"
            for r in self.relations
        )
        return f"<table>{rows}</table><table>{checks}</table>"


def meaning(name: str) -> str:
    """What a quantity is, in words."""
    base, _, axis = name.rpartition("_") if name[-2:] in ("_x", "_y") else (name, "", "")
    return MEANINGS.get(base, "") + (f", along {axis}" if axis else "")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SpeedAccuracy(Findings):
    """What :func:`fpsolve.speed_accuracy` found: η ≤ c₁ ≤ c₂ and every other relation; the data carries the recipe."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class TradeOffs(Findings):
    """What :func:`fpsolve.trade_offs` found of a solution: its thermodynamics; the data is its ledger."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Incomplete(Findings):
    """What a learned velocity leaves of accuracy, and the bounds that allow for its error (100)."""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned lines of text under a header."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]


def jsonable(value: Any) -> Any:
    """Plain Python values for JSON: arrays as lists, no NaN or Infinity."""
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return jsonable(value.tolist())
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "inf" if value > 0 else "-inf" if value < 0 else None
    return value
