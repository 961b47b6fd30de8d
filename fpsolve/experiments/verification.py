"""Run every built-in case and problem, check every relation on it, and the equalities between cases."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fpsolve.accuracy import assess
from fpsolve.cases import AnyCase
from fpsolve.estimates import Estimate, Relation
from fpsolve.experiments.builtin import verify_cases, verify_problems
from fpsolve.experiments.learned import LearnedCase, learned_cases
from fpsolve.experiments.paper_1d import SCHEDULES, STARTS
from fpsolve.experiments.summary import verification_text
from fpsolve.measuring import trade_offs
from fpsolve.results import Findings, TradeOffs
from fpsolve.reverse import generated_fields
from fpsolve.solution import Setup

#: called before each case with its name, how many are done and how many there are
Progress = Callable[[str, int, int], None]

VERDICTS = ("holds", "violated", "undecided", "undefined")


@dataclasses.dataclass(frozen=True)
class Equality:
    """An equality between results: of several cases, or within one.

    Parameters
    ----------
    cases : tuple of str
        The cases whose results are compared.
    relation : Relation
        The two sides, with margin and verdict.
    """

    cases: tuple[str, ...]
    relation: Relation

    def json(self) -> dict[str, Any]:
        """The entry of ``equalities`` in a JSON result."""
        return self.relation.json() | {"cases": list(self.cases)}


@dataclasses.dataclass(frozen=True, eq=False)
class Verification:
    """What :func:`verify` found.

    Parameters
    ----------
    level : str
        ``quick`` or ``full``.
    cases : dict of Findings
        The result of each: SpeedAccuracy of a case, TradeOffs of a problem, Incomplete of a learned velocity.
    equalities : tuple of Equality
        Equalities between cases.
    seconds : float
        Wall-clock time.
    """

    level: str
    cases: dict[str, Findings]
    equalities: tuple[Equality, ...]
    seconds: float

    def relations(self) -> Iterator[tuple[str, Relation]]:
        """Every relation of every case, with the name of the case."""
        for name, result in self.cases.items():
            for relation in result.relations:
                yield name, relation

    @property
    def summary(self) -> dict[str, int]:
        """How many relations came out which way (the equalities between cases not counted)."""
        counts = dict.fromkeys(VERDICTS, 0)
        for _, relation in self.relations():
            counts[relation.verdict] += 1
        return counts

    @property
    def violated(self) -> tuple[tuple[str, Relation], ...]:
        """Relations and equalities that do not hold, each with the name of its case."""
        return self._with_verdict("violated")

    @property
    def undecided(self) -> tuple[tuple[str, Relation], ...]:
        """Relations and equalities whose bars are too wide to tell, each with the name of its case."""
        return self._with_verdict("undecided")

    def _with_verdict(self, verdict: str) -> tuple[tuple[str, Relation], ...]:
        between = [(" = ".join(equality.cases), equality.relation) for equality in self.equalities]
        return tuple(pair for pair in [*self.relations(), *between] if pair[1].verdict == verdict)

    def json(self) -> dict[str, Any]:
        """The object that ``fpsolve verify --json`` prints."""
        return {
            "cases": {name: result.json() for name, result in self.cases.items()},
            "relations": [relation.json() | {"case": name} for name, relation in self.relations()],
            "equalities": [equality.json() for equality in self.equalities],
            "summary": self.summary,
            "seconds": self.seconds,
        }

    def text(self) -> str:
        """Plain tables: quantities of every case, relations, the paper's Table I."""
        return verification_text(self)


def verify(level: str = "quick", progress: Progress | None = None) -> Verification:
    """Check every relation on every built-in case and problem.

    Parameters
    ----------
    level : {"quick", "full"}
        How many of them.
    progress : callable, optional
        ``(name, done, total)``, called before each case.

    Returns
    -------
    Verification

    Raises
    ------
    InputError
        An unknown level.
    """
    began = time.perf_counter()
    results = run_cases({**verify_cases(level), **verify_problems(level), **learned_cases(level)}, progress)
    return Verification(level, results, (*equalities(results), *plane_equalities(results)), time.perf_counter() - began)


def run_cases(
    cases: Mapping[str, AnyCase | Setup | LearnedCase], progress: Progress | None = None
) -> dict[str, Findings]:
    """Assess each case, solve each problem and learn each velocity, in order."""
    results: dict[str, Findings] = {}
    for done, (name, case) in enumerate(cases.items()):
        if progress is not None:
            progress(name, done, len(cases))
        if isinstance(case, LearnedCase):
            results[name] = case.assess()
        else:
            results[name] = _solved(case) if isinstance(case, Setup) else assess(case, generated_fields(case))
    return results


def _solved(setup: Setup) -> TradeOffs:
    """A problem, solved, and what its solution comes to."""
    began = time.perf_counter()
    found = trade_offs(setup.solve(progress=False), progress=False)
    found.diagnostics["seconds"] = time.perf_counter() - began
    return found


def equalities(results: Mapping[str, Findings]) -> Iterator[Equality]:
    """Equalities that the theory demands between the paper's cases (docs: theorems).

    Yields
    ------
    Equality
        ``schedule-independence``: η of two schedules; ``geodesic-rate``: c₁ = η for optimal transport;
        ``geodesic-cost``: c₂ = W₂²/τ for it.
    """
    first, *others = SCHEDULES
    for start in STARTS:
        for other in others:
            pair = f"{start}/{first}", f"{start}/{other}"
            if all(name in results for name in pair):
                yield _equal("schedule-independence", "77", pair, *(results[name]["eta"] for name in pair))
    for other in ("best-schedule", "retimed-cosine"):
        pair = f"mean/{first}", other
        if all(name in results for name in pair):
            yield _equal("schedule-independence", "77", pair, *(results[name]["eta"] for name in pair))
    for start in STARTS:
        name = f"{start}/optimal-transport"
        if name in results:
            result = results[name]
            cost = result["W2"].squared().scaled(1.0 / result.case["tau"])
            yield _equal("geodesic-rate", "82", (name,), result["eta"], result["c1"])
            yield _equal("geodesic-cost", "91", (name,), cost, result["c2"])


def plane_equalities(results: Mapping[str, Findings]) -> Iterator[Equality]:
    """Equalities between the cases in the plane, where transport carries bars of its own."""
    pair = "plane-roll/cosine", "plane-roll/cond-ot"
    if all(name in results for name in pair):
        for quantity in ("eta", "W1_final"):
            left, right = (results[name][quantity] for name in pair)
            found = _equal("schedule-independence", "77", pair, left, right)
            yield Equality(pair, dataclasses.replace(found.relation, tolerance=1.0))


def _equal(name: str, equation: str, cases: tuple[str, ...], left: Estimate, right: Estimate) -> Equality:
    error = left.error + right.error
    return Equality(cases, Relation(name, equation, left.value, right.value, error, equality=True))
