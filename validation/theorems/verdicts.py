"""A verification that cannot fail proves nothing: each verdict must come out where it is due.

The paper's data under the cosine schedule and optimal transport. As proved, the relations hold; with an inequality
turned round they must be violated, by more than the error bars; on a grid that is too coarse to tell, every relation
must be undecided, and no true relation may ever be violated, however coarse the grid.

    python -m validation.theorems.verdicts [--level quick|full] [--out DIR]
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from fpsolve.estimates import Estimate, Relation
from fpsolve.experiments import paper_cases
from validation.command import Findings, experiment, run

#: routes and cells of the coarse grids
COARSE: dict[str, dict[str, tuple[int, ...]]] = {
    "quick": {"upwind": (24,), "weno5": (32,), "characteristics": (24,)},
    "full": {route: (16, 24, 32, 48, 64, 128, 256) for route in ("upwind", "weno5", "characteristics")},
}
#: part of the larger side that the margin of an inequality must be for its reversal to be put to the test
CLEAR = 1e-3
#: quantities whose bars must hold the exact value on every grid
QUANTITIES = ("eta", "c1", "W1_initial", "W1_final")


def compare(name: str, left: Estimate, right: Estimate, *, equality: bool = False) -> Relation:
    """The statement left <= right (or left = right) about two measured estimates."""
    return Relation(name, "", left.value, right.value, left.error + right.error, equality=equality)


def expect(found: Findings, due: str, relation: Relation, case: str, also: tuple[str, ...] = ()) -> None:
    """A row with both sides; a complaint where the verdict is not the one that is due."""
    sign = "=" if relation.equality else "<="
    sides = f"{relation.lhs:.8g} {sign} {relation.rhs:.8g}", f"{relation.margin:.1e}", f"{relation.error:.1e}"
    wrong = relation.verdict not in (due, *also)
    found.add(
        case, relation.name, *sides, relation.verdict, due,
        complaint=f"{case}: {relation.name} is {relation.verdict}, due {due}" if wrong else "",
    )  # fmt: skip


def check(level: str = "quick") -> Findings:
    """Verdicts that must come out holds, violated and undecided."""
    cases = paper_cases(cells=100, steps=16)
    found = Findings(("case", "relation", "sides", "margin", "bar", "verdict", "due"))
    exact = {name: experiment(cases[name]) for name in ("mean/cosine", "uniform/cosine", "mean/optimal-transport")}
    _as_proved(found, exact)
    _turned_round(found, exact)
    _too_coarse(found, exact, level)
    return found


def _as_proved(found: Findings, exact: dict[str, Any]) -> None:
    for name, result in exact.items():
        for relation in result.relations:
            if relation.verdict != "undefined":
                expect(found, "holds", relation, name)
        expect(found, "holds", compare("eta <= c1", result["eta"], result["c1"]), name)
        expect(found, "holds", compare("c1 <= c2", result["c1"], result["c2"]), name)
    geodesic = exact["mean/optimal-transport"]
    equality = compare("eta = c1", geodesic["eta"], geodesic["c1"], equality=True)
    expect(found, "holds", equality, "mean/optimal-transport")


def _turned_round(found: Findings, exact: dict[str, Any]) -> None:
    for name in ("mean/cosine", "uniform/cosine"):
        q = exact[name]
        length = q["path_length"].squared()
        for relation in (
            compare("c2 <= c1", q["c2"], q["c1"]),
            compare("c1 <= eta", q["c1"], q["eta"]),
            compare("eta = c1", q["eta"], q["c1"], equality=True),
            compare("L^2 <= W2^2", length, q["W2"].squared()),
            compare("c2 <= L^2 / tau", q["c2"], length),
        ):
            expect(found, "violated", relation, name)
        for relation in q.relations:
            # equalities stay what they are when turned round; what is nearly one decides little
            room = relation.margin > CLEAR * max(abs(relation.lhs), abs(relation.rhs))
            if relation.verdict == "holds" and not relation.equality and room:
                turned = dataclasses.replace(relation, lhs=relation.rhs, rhs=relation.lhs)
                expect(found, "violated", dataclasses.replace(turned, name=f"turned {relation.name}"), name)


def _too_coarse(found: Findings, exact: dict[str, Any], level: str) -> None:
    for route, counts in COARSE[level].items():
        for cells in counts:
            for start, schedule in (("mean", "cosine"), ("uniform", "cosine"), ("mean", "optimal-transport")):
                name = f"{start}/{schedule}"
                if schedule == "optimal-transport" and cells > 64:
                    continue
                case = paper_cases(cells=cells, steps=4, estimated=route)[name]
                _one_grid(found, f"{name}, {route}, {cells} cells", experiment(case), exact[name])


def _one_grid(found: Findings, label: str, result: Any, exact: Any) -> None:
    equality = compare("eta = c1", result["eta"], result["c1"], equality=True)
    expect(found, "undecided", compare("eta <= c1", result["eta"], result["c1"]), label)
    if "optimal-transport" in label:
        expect(found, "undecided", equality, label)
    for relation in result.relations:
        if relation.verdict == "violated":
            expect(found, "undecided", relation, label)
    for name in QUANTITIES:
        error = abs(result[name].value - exact[name].value)
        found.numbers.setdefault(label, {})[name] = (error, result[name].error)
        if error > result[name].error + exact[name].error:
            found.complaints.append(f"{label}: {name} is off by {error:.2e}, its bar says {result[name].error:.2e}")


def draw(found: Findings, axes: Any) -> None:
    """Margin against error bar of everything that was checked."""
    colours = {"holds": "C0", "violated": "C3", "undecided": "C1"}
    for verdict, colour in colours.items():
        rows = [row for row in found.rows if row[5] == verdict]
        bars = [max(float(row[4]), 1e-18) for row in rows]
        margins = [math.copysign(max(abs(float(row[3])), 1e-18), float(row[3])) for row in rows]
        axes.plot(bars, margins, "o", color=colour, label=verdict, ms=4)
    reach = [1e-18, 1e2]
    axes.plot(reach, [-bar for bar in reach], "k--", lw=1, label="margin = -bar")
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=1e-16)
    axes.set(xlabel="error bar of the margin", ylabel="margin")
    axes.legend(fontsize=8)


def main(arguments: list[str] | None = None) -> int:
    return run(check, draw, "verdicts", arguments)


if __name__ == "__main__":
    raise SystemExit(main())
