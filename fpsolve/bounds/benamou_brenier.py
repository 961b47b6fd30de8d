"""Benamou-Brenier: no flow between two densities dissipates less than their distance demands (63)."""

from __future__ import annotations

from fpsolve.bounds.comparison import tightest_link
from fpsolve.estimates import Relation
from fpsolve.thermodynamics.measurement import Measurement

NAME, EQUATION = "benamou-brenier", "63"


def benamou_brenier(m: Measurement) -> Relation:
    """Compare W₂(P_0, P_tau)² with tau ∫ T S' dt."""
    q = m.quantities
    sides = q["W2"].squared(), q["dissipation"].scaled(m.tau)
    return tightest_link(NAME, EQUATION, m, [("W2^2 <= tau int T S' dt", *sides)])
