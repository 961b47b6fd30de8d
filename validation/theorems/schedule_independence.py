"""The response eta does not depend on the schedule: only on where it ends, and on the line not even on its kind.

Every schedule here carries the data to the same P_tau. Three routes compute eta: fpsolve's exact composition, cell
edges followed along the velocity by Runge-Kutta (which knows nothing of the composition), and the plain formulas of
``independent``. They must agree within their bars, while c_1 and c_2, which do depend on the schedule, must differ.

    python -m validation.theorems.schedule_independence [--level quick|full] [--out DIR]
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from fpsolve.cases import Case
from fpsolve.densities import Density, Gaussian, GaussianMixture, Tabulated, Uniform
from fpsolve.estimates import Estimate
from fpsolve.experiments.paper_1d import DATA, STARTS
from fpsolve.schedules import (
    ArraySchedule,
    ConditionalOptimalTransport,
    Cosine,
    OptimalTransport,
    Schedule,
    VariancePreserving,
)
from validation.command import Findings, experiment, run
from validation.theorems import independent

THREE = GaussianMixture(means=(-1.2, 0.1, 0.9), stds=(0.1, 0.5, 0.25), weights=(0.2, 0.5, 0.3))
#: agreement of eta, relative, that is demanded beside the bars; what rough data with a gap leave of it
CLOSE, ROUGH = 1e-9, 1e-5
#: cells of the characteristics, and how small their bar must be
CELLS = {"quick": (("cosine", "cond-ot"), 160, 2e-2), "full": (("cosine", "cond-ot", "square roots"), 640, 1e-4)}


def rough() -> Tabulated:
    """Uneven data with a gap, given by cell averages."""
    masses = np.array([1, 3, 7, 4, 2, 0, 0, 1, 5, 9, 6, 2], float)
    edges = np.linspace(-1.8, 1.8, masses.size + 1)
    return Tabulated(edges, masses / masses.sum() / np.diff(edges))


def to_noise(tau: float) -> dict[str, Schedule | OptimalTransport]:
    """Schedules that end at m = 0, sigma = 1."""
    s = np.linspace(0.0, 1.0, 65)
    return {
        "cosine": Cosine(tau),
        "cond-ot": ConditionalOptimalTransport(tau),
        "square roots": ArraySchedule(tuple(tau * s), tuple(np.sqrt(1.0 - s)), tuple(np.sqrt(s))),
        "optimal transport": OptimalTransport(tau=tau),
    }


def early_end(data: GaussianMixture) -> dict[str, Schedule | OptimalTransport]:
    """Schedules that stop before the signal is gone, all at one (m, sigma)."""
    preserving = VariancePreserving(0.2, 3.0)
    end = preserving.curve(np.array([1.0]))
    m, sigma = float(end.signal[0]), float(end.noise[0])
    s = np.linspace(0.0, 1.0, 65)
    final = GaussianMixture(
        tuple(m * mean for mean in data.means), tuple(math.hypot(m * std, sigma) for std in data.stds), data.weights
    )
    return {
        "vp-linear": preserving,
        "straight": ArraySchedule(tuple(s), tuple(1.0 - (1.0 - m) * s), tuple(sigma * s)),
        "late signal": ArraySchedule(tuple(s), tuple(1.0 - (1.0 - m) * s**4), tuple(sigma * np.sqrt(s))),
        "optimal transport": OptimalTransport(target=final),
    }


def families(level: str) -> dict[str, tuple[Density, Density, dict[str, Schedule | OptimalTransport]]]:
    """Data, start and the schedules that must agree."""
    few: dict[str, tuple[Density, Density, dict[str, Schedule | OptimalTransport]]] = {
        "paper, mean": (DATA, STARTS["mean"], to_noise(1.0)),
        "three, uniform start": (THREE, Uniform(-1.0, 1.8), to_noise(0.5)),
        "three, early end": (THREE, Gaussian(0.3, 0.9), early_end(THREE)),
    }
    if level == "quick":
        return few
    rest = {f"paper, {name}": (DATA, start, to_noise(1.0)) for name, start in STARTS.items() if name != "mean"}
    more = {"tabulated": (rough(), Gaussian(-0.4, 0.9), to_noise(2.0))}
    return few | rest | more | {"uniform data": (Uniform(-1.0, 1.0), STARTS["mixture"], to_noise(1.0))}


def check(level: str = "quick") -> Findings:
    """Eta of schedules with one end, by three routes."""
    found = Findings(("data, start", "schedule, route", "eta", "c1", "c2"))
    for name, (data, start, schedules) in families(level).items():
        results = {kind: experiment(Case(data, way, start, cells=60, steps=16)) for kind, way in schedules.items()}
        first = next(iter(results.values()))["eta"]
        found.numbers[name] = {kind: result["eta"] for kind, result in results.items()}
        for kind, result in results.items():
            eta = result["eta"]
            complaint = differs(first, eta, ROUGH if isinstance(data, Tabulated) else CLOSE)
            found.add(
                name, kind, *(str(result[key]) for key in ("eta", "c1", "c2")),
                complaint=f"{name}: eta of {kind} {complaint}" if complaint else "",
            )  # fmt: skip
        _costs_differ(found, name, results)
    _by_characteristics(found, level)
    _by_plain_formulas(found)
    return found


def differs(one: Estimate, other: Estimate, close: float) -> str:
    """What is wrong with two estimates of one number."""
    gap, bar = abs(one.value - other.value), one.error + other.error
    if not gap <= bar:
        return f"is off by {gap:.1e}, bars {bar:.1e}"
    return "" if gap <= close * abs(one.value) else f"is off by {gap / abs(one.value):.1e} of itself"


def _costs_differ(found: Findings, name: str, results: dict[str, Any]) -> None:
    for kind, result in results.items():
        for key in ("c1", "c2"):
            if not result[key].finite:
                found.complaints.append(f"{name}: {key} of {kind} is {result[key]}")
    for one, other in itertools.combinations(results, 2):
        a, b = results[one]["c2"], results[other]["c2"]
        if abs(a.value - b.value) <= max(a.error + b.error, 1e-3 * a.value):
            found.complaints.append(f"{name}: c2 of {one} and {other} agree, but should not")
    if "optimal transport" in results:
        best = results["optimal transport"]["c2"]
        for one, result in results.items():
            if result["c2"].value < best.value - best.error - result["c2"].error:
                found.complaints.append(f"{name}: {one} costs less than optimal transport")


def _by_characteristics(found: Findings, level: str) -> None:
    kinds, cells, wanted = CELLS[level]
    exact = found.numbers["paper, mean"]["cosine"]
    for kind in kinds:
        case = Case(DATA, to_noise(1.0)[kind], STARTS["mean"], cells=cells, steps=16, estimated="characteristics")
        result = experiment(case)
        eta = result["eta"]
        wide = "" if eta.error <= wanted * eta.value else f"has a bar of {eta.error:.1e}"
        complaint = differs(exact, eta, wanted) or wide
        found.add(
            "paper, mean", f"{kind}, characteristics", *(str(result[key]) for key in ("eta", "c1", "c2")),
            complaint=f"characteristics: eta of {kind} {complaint}" if complaint else "",
        )  # fmt: skip


def _by_plain_formulas(found: Findings) -> None:
    exact = found.numbers["paper, mean"]["cosine"]
    data, start = independent.Mixture(DATA.means, DATA.stds), independent.Mixture(1.0, 1.0)
    for kind, levels in (("cosine", independent.cosine(1.0)), ("cond-ot", independent.straight(1.0))):
        plain = independent.experiment(data, levels, 1.0, start, panels=40, intervals=4)
        complaint = differs(exact, Estimate(plain.eta, 1e-11), CLOSE)
        found.add(
            "paper, mean", f"{kind}, plain formulas", *(f"{value:.10g}" for value in (plain.eta, plain.c1, plain.c2)),
            complaint=f"plain formulas: eta of {kind} {complaint}" if complaint else "",
        )  # fmt: skip


def draw(found: Findings, axes: Any) -> None:
    """How far each eta is from the first of its family, with the bars."""
    for index, etas in enumerate(found.numbers.values()):
        first, *others = etas.values()
        x = [index + 0.15 * (k + 1) for k in range(len(others))]
        gap = [max(abs(eta.value - first.value) / first.value, 1e-18) for eta in others]
        bars = [(eta.error + first.error) / first.value for eta in others]
        axes.semilogy(x, gap, "o", color="C0", label="" if index else "difference")
        axes.semilogy(x, bars, "_", color="C3", ms=12, label="" if index else "sum of the bars")
    axes.axhline(CLOSE, color="grey", ls=":", label="tolerance")
    axes.set_xticks(range(len(found.numbers)), list(found.numbers), rotation=20, fontsize=7)
    axes.set_ylabel("relative difference of $\\eta$ between schedules")
    axes.legend(fontsize=8)


def main(arguments: list[str] | None = None) -> int:
    return run(check, draw, "schedule_independence", arguments)


if __name__ == "__main__":
    raise SystemExit(main())
