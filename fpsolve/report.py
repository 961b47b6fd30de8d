"""A verification as a readable page, with its figures and data beside it."""

from __future__ import annotations

import html
import importlib.metadata
import math
import platform
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2

from fpsolve import __version__, plots
from fpsolve.estimates import Relation
from fpsolve.experiments.builtin import PURPOSES
from fpsolve.experiments.paper_1d import SCHEDULES, STARTS
from fpsolve.experiments.published import PUBLISHED_ETA, PUBLISHED_SOURCE
from fpsolve.experiments.statements import STATEMENTS
from fpsolve.experiments.summary import (
    ONE_NUMBER,
    accuracies_of,
    bar,
    counts_of,
    learned_of,
    published_rows,
    reasons,
    short,
    solutions_of,
    symbol,
    verdict_line,
)
from fpsolve.experiments.verification import VERDICTS, Verification
from fpsolve.io import write
from fpsolve.results import SYMBOLS, Findings, SpeedAccuracy, TradeOffs, meaning

REPORT, FIGURES, DATA = "report.html", "figures", "data"
#: libraries whose versions the report names
LIBRARIES = ("numpy", "scipy", "numba", "xarray", "netCDF4", "matplotlib")
#: what each start of the paper is
START_FORMULAS = {
    "mean": "N(1, 1)",
    "variance": "N(0, 0.8²)",
    "mixture": "⅓ [N(−1/r, (0.3/r)²) + N(0, (0.8/r)²) + N(1/r, (0.3/r)²)], r = √0.94",
    "uniform": "uniform on [−√3, √3]",
}

#: called before each file with its name
Told = Callable[[str], None]


def write_report(verification: Verification, out: Path, told: Told | None = None) -> None:
    """Write ``report.html``, its figures and one NetCDF file per case or problem.

    Parameters
    ----------
    verification : Verification
    out : Path
        An existing folder.
    told : callable, optional
        Called with the name of each file before it is written.
    """
    said = told or (lambda name: None)
    for folder in (FIGURES, DATA):
        (out / folder).mkdir(exist_ok=True)
    for name, result in verification.cases.items():
        said(data_name(name))
        write(result.data, out / data_name(name))
    for name, draw in figures_of(verification):
        said(name)
        plots.save_figure(draw(), out / name)
    said(REPORT)
    (out / REPORT).write_text(page(verification), encoding="utf-8")


def data_name(case: str) -> str:
    """Place of the NetCDF file of a case, below the report's folder."""
    return f"{DATA}/{case.replace('/', '-')}.nc"


def figure_name(title: str) -> str:
    """Place of a figure, below the report's folder."""
    return f"{FIGURES}/{title.replace('/', '-')}.png"


def figures_of(verification: Verification) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Place of each figure, and what draws it."""
    cases = accuracies_of(verification.cases)
    groups = {
        start: {name: cases[f"{start}/{name}"] for name in SCHEDULES if f"{start}/{name}" in cases} for start in STARTS
    }
    groups = {start: results for start, results in groups.items() if results}
    if groups:
        yield figure_name("bounds"), lambda: plots.bounds_figure(groups)
        yield figure_name("rates"), lambda: plots.rates_figure(groups)
    for start, results in groups.items():
        yield figure_name(f"densities-{start}"), lambda results=results: plots.densities_figure(results)  # type: ignore[misc]
    shown = {name: cases[name] for name in others(verification)}
    for name, result in (shown | drawn(verification) | learned_of(verification.cases)).items():
        yield figure_name(name), lambda result=result: plots.plot(result)  # type: ignore[misc]


def others(verification: Verification) -> list[str]:
    """Cases beside the paper's that get a figure of their own: those with a purpose, and all in the plane."""
    cases = accuracies_of(verification.cases)
    return [name for name, result in cases.items() if name in PURPOSES or in_plane(result)]


def in_plane(result: Findings) -> bool:
    """Whether a case lives in the plane."""
    return "y" in result.data.dims


def drawn(verification: Verification) -> dict[str, TradeOffs]:
    """Solutions that get a figure: those that have a ledger."""
    solutions = solutions_of(verification.cases)
    return {name: result for name, result in solutions.items() if plots.is_ledger(result.data)}


def page(verification: Verification) -> str:
    """The report as HTML; figures are expected beside it."""
    loader = jinja2.PackageLoader("fpsolve", "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"pretty": pretty, "short": short, "bar": bar}
    environment.filters |= {"figure": figure_name, "data": data_name, "symbol": symbol, "meaning": meaning}
    return environment.get_template(f"{REPORT}.j2").render(
        level=verification.level,
        cases=verification.cases,
        accuracies=accuracies_of(verification.cases),
        solutions=solutions_of(verification.cases),
        drawn=drawn(verification),
        learned=learned_of(verification.cases),
        purposes=PURPOSES,
        counts=verification.summary,
        line=verdict_line(verification),
        verdicts=VERDICTS,
        violated=verification.violated,
        undecided=verification.undecided,
        starts={start: START_FORMULAS[start] for start in STARTS if f"{start}/cosine" in verification.cases},
        others={name: PURPOSES.get(name, "") for name in others(verification)},
        planes=[name for name, result in verification.cases.items() if in_plane(result)],
        symbols=SYMBOLS,
        statements=STATEMENTS,
        by_relation=by_relation(verification),
        relation_counts=counts_of(verification),
        reasons=reasons(verification),
        equalities=verification.equalities,
        published=published_rows(verification.cases),
        schedules=tuple(next(iter(PUBLISHED_ETA.values()))),
        source=PUBLISHED_SOURCE,
        one_number=ONE_NUMBER,
        diagnostics={name: diagnostics(result) for name, result in accuracies_of(verification.cases).items()},
        numerics={name: numerics(result) for name, result in solutions_of(verification.cases).items()},
        versions=versions(),
        seconds=verification.seconds,
    )


def by_relation(verification: Verification) -> dict[str, list[tuple[str, Relation]]]:
    """Relation name -> the cases it was checked on."""
    found: dict[str, list[tuple[str, Relation]]] = {}
    for case, relation in verification.relations():
        found.setdefault(relation.name, []).append((case, relation))
    return found


def diagnostics(result: SpeedAccuracy) -> dict[str, str]:
    """What a case says of its own numerics, as words."""
    found = result.diagnostics
    names = SYMBOLS | {"mass": "mass of P", "mass_estimated": "mass of P̃"}
    cut = ", ".join(f"{names.get(key, key)}: {number(value)}" for key, value in found["truncated"].items())
    return {
        "mass error": number(found["mass_error"]),
        "least density": number(found["minimum_density"]),
        "drift of D": "–" if found["chi2_drift"] is None else number(found["chi2_drift"]),
        "cut off": cut or "–",
        "seconds": f"{found['seconds']:.2f}",
    }


def numerics(result: TradeOffs) -> dict[str, str]:
    """How a solution was computed, as words."""
    found = result.diagnostics
    cut = found["truncated"].get("start", 0.0)
    return {
        "cells": " × ".join(str(count) for count in found["cells"]),
        "flux": found["flux"],
        "stepper": found["stepper"],
        "steps": str(found["steps_taken"]),
        "mass error": number(found["mass_error"]),
        "least density": number(found["minimum_density"]),
        "error of the density": number(found["density_error"]),
        "cut off": number(cut) if cut else "–",
        "seconds": f"{found['seconds']:.2f}",
    }


def pretty(text: str) -> str:
    """Text as safe HTML, ``P_τ`` with a subscript, ``e^{x}`` with a superscript."""
    text = re.sub(r"_(\w+?)(?=[²\W]|$)", r"<sub>\1</sub>", html.escape(text))
    return re.sub(r"\^\{(.+?)\}", r"<sup>\1</sup>", text)


def number(value: Any) -> str:
    """A number with few digits; a dash where there is none."""
    if isinstance(value, str):
        return value
    return f"{value:.3g}" if math.isfinite(value) else "–"


def versions() -> dict[str, str]:
    """Versions of this package and of what it computes with."""
    found = {"fpsolve": __version__, "Python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found
