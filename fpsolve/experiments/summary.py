"""A verification as plain text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fpsolve.estimates import Estimate, Relation
from fpsolve.experiments.published import PUBLISHED_ETA, PUBLISHED_SOURCE
from fpsolve.experiments.statements import STATEMENTS
from fpsolve.results import SYMBOLS, Findings, Incomplete, SpeedAccuracy, TradeOffs, table

if TYPE_CHECKING:
    from fpsolve.experiments.verification import Verification

#: width of running text
WIDTH = 110
#: quantities of the two tables
BOUNDS = ("eta", "c1", "c2")
DISTANCES = ("D0", "W1_initial", "W1_final")
#: quantities of the table of solutions
COSTS = ("entropy_production", "W2", "path_length")
#: quantities of the table of learned velocities
ERRORS = ("loss", "delta_W1", "sharp_bound", "bound")
VERDICTS = ("holds", "violated", "undecided", "undefined")

ONE_NUMBER = (
    "The paper prints three values of η for each start; there is one. All three schedules carry P_τ = N(0, 1) back to "
    "q, and on the line the flow that does so is the monotone map from one to the other, whatever the path: the "
    "generated density, hence ΔW₁, D₀ and η, cannot depend on the schedule. The spread of the printed figures is "
    "numerical."
)


def verification_text(verification: Verification) -> str:
    """Tables of quantities, relations, equalities between cases, and the paper's Table I."""
    cases, solutions = accuracies_of(verification.cases), solutions_of(verification.cases)
    blocks = [
        quantity_table(cases, BOUNDS) if cases else [],
        quantity_table(cases, DISTANCES) if cases else [],
        quantity_table(solutions, COSTS) if solutions else [],
        relation_table(verification),
        exceptions(verification),
        ["Equalities between cases", *equality_table(verification)] if verification.equalities else [],
    ]
    learned = learned_of(verification.cases)
    if learned:
        blocks.insert(3, quantity_table(learned, ERRORS))
    if any(published_rows(cases)):
        blocks.append(["Table I of the paper: published η beside the exact value", *published_table(cases)])
    blocks.append([verdict_line(verification)])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def short(estimate: Estimate) -> str:
    """``value ± bar``: at most ten digits, none that the bar makes meaningless; ``inf`` or ``undefined``."""
    if not estimate.finite or not math.isfinite(estimate.error):
        return str(estimate)
    size = math.floor(math.log10(abs(estimate.value))) if estimate.value else 0
    least = math.floor(math.log10(estimate.error)) if estimate.error > 0.0 else -400
    digits = min(max(size - least + 1, 2), 10)
    return f"{estimate.value:#.{digits}g} ± {bar(estimate.error)}"


def bar(error: float) -> str:
    """An error bar with one digit, rounded up."""
    if not math.isfinite(error) or error <= 0.0:
        return f"{error:g}"
    power = math.floor(math.log10(error))
    digit = math.ceil(error / 10.0**power - 1e-9)
    return f"{digit if digit < 10 else 1}e{power if digit < 10 else power + 1:+03d}"


def accuracies_of(cases: Mapping[str, Findings]) -> dict[str, SpeedAccuracy]:
    """Those of the results that are of cases."""
    return {name: result for name, result in cases.items() if isinstance(result, SpeedAccuracy)}


def solutions_of(cases: Mapping[str, Findings]) -> dict[str, TradeOffs]:
    """Those of the results that are of solutions."""
    return {name: result for name, result in cases.items() if isinstance(result, TradeOffs)}


def learned_of(cases: Mapping[str, Findings]) -> dict[str, Incomplete]:
    """Those of the results that are of learned velocities."""
    return {name: result for name, result in cases.items() if isinstance(result, Incomplete)}


def quantity_table(cases: Mapping[str, Findings], names: tuple[str, ...]) -> list[str]:
    """One line per case."""
    rows = [(case, *(short(result[name]) for name in names)) for case, result in cases.items()]
    return table(("case", *(symbol(name) for name in names)), rows)


def symbol(name: str) -> str:
    """How a quantity is written in tables."""
    return SYMBOLS.get(name, name.replace("_", " "))


def counts_of(verification: Verification) -> dict[str, dict[str, int]]:
    """Relation name -> verdict -> number of cases."""
    counts: dict[str, dict[str, int]] = {}
    for _, relation in verification.relations():
        row = counts.setdefault(relation.name, dict.fromkeys(VERDICTS, 0))
        row[relation.verdict] += 1
    return counts


def relation_table(verification: Verification) -> list[str]:
    """One line per relation: its statement, and how many cases came out which way."""
    rows = [
        (name, *(str(row[verdict] or "-") for verdict in VERDICTS), formula_of(name))
        for name, row in counts_of(verification).items()
    ]
    return table(("relation", *VERDICTS, "statement"), rows)


def formula_of(name: str) -> str:
    """The statement of a relation, with its equation number."""
    statement = STATEMENTS.get(name)
    return f"{statement.formula}  {statement.equation}" if statement else ""


def exceptions(verification: Verification) -> list[str]:
    """Every violated or undecided relation, then the reasons for the undefined ones."""
    lines = []
    for word, found in (("violated", verification.violated), ("undecided", verification.undecided)):
        lines += [f"{word}: {case}: {sides(relation)}" for case, relation in found]
    for (name, why), where in reasons(verification).items():
        lines.append(f"undefined: {name}: {why} ({where[0] if len(where) == 1 else f'{len(where)} cases'})")
    return lines


def reasons(verification: Verification) -> dict[tuple[str, str], list[str]]:
    """(Relation, why it has no value) -> cases."""
    found: dict[tuple[str, str], list[str]] = {}
    for case, relation in verification.relations():
        if relation.verdict == "undefined":
            found.setdefault((relation.name, relation.why), []).append(case)
    return found


def sides(relation: Relation) -> str:
    """Both sides, the margin and its bar on one line."""
    sign = "=" if relation.equality else "<="
    line = f"{relation.name}: {relation.lhs:.10g} {sign} {relation.rhs:.10g}, "
    return f"{line}margin {relation.margin:.2g} ± {bar(relation.error)} {relation.note}".rstrip()


def equality_table(verification: Verification) -> list[str]:
    """One line per equality."""
    rows: list[tuple[str, ...]] = [
        (r.name, r.verdict, f"{abs(r.margin):.1e}", bar(r.error), " = ".join(names))
        for names, r in ((equality.cases, equality.relation) for equality in verification.equalities)
    ]
    return table(("equality", "verdict", "difference", "bar", "cases"), rows) if rows else []


def published_rows(cases: Mapping[str, Findings]) -> dict[str, tuple[dict[str, float], Estimate]]:
    """Start -> the published values by schedule, and the one computed with the narrowest bar."""
    rows = {}
    for start, published in PUBLISHED_ETA.items():
        computed = [cases[f"{start}/{name}"]["eta"] for name in published if f"{start}/{name}" in cases]
        if computed:
            rows[start] = published, min(computed, key=lambda estimate: estimate.error)
    return rows


def published_table(cases: Mapping[str, Findings]) -> list[str]:
    """The paper's Table I beside the exact values, and why its columns are one number."""
    rows = [
        (start, *(f"{value:.4g}" for value in published.values()), short(exact))
        for start, (published, exact) in published_rows(cases).items()
    ]
    schedules = tuple(next(iter(PUBLISHED_ETA.values())))
    words = textwrap.wrap(ONE_NUMBER, WIDTH) + textwrap.wrap(f"Source: {PUBLISHED_SOURCE}.", WIDTH)
    return [*table(("start", *schedules, "exact"), rows), *words]


def verdict_line(verification: Verification) -> str:
    """The whole in one line."""
    counts = verification.summary
    words = ("hold" if counts["holds"] != 1 else "holds", "violated", "undecided", "undefined")
    parts = ", ".join(f"{number} {word}" for number, word in zip(counts.values(), words, strict=True))
    equal = sum(e.relation.verdict == "holds" for e in verification.equalities)
    return (
        f"{len(verification.cases)} cases, {sum(counts.values())} relations: {parts}; "
        f"{equal} of {len(verification.equalities)} equalities between cases hold; {verification.seconds:.1f} s"
    )
