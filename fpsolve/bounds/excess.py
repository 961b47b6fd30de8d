"""Excess bound: dissipation is at least the squared speed in W₂, and equal to it for a conservative force (67)."""

from __future__ import annotations

from fpsolve.bounds.comparison import tightest_instant
from fpsolve.bounds.uncertainty import has_probes, probe
from fpsolve.estimates import Relation
from fpsolve.thermodynamics.measurement import Measurement

NAME, EQUATION = "excess", "67"


def excess(m: Measurement) -> Relation:
    """Compare v₂², from the motion of the densities alone, with T S' = ∫ ν² P dx; they are equal for a gradient."""
    if not has_probes(m):
        return Relation.undefined(NAME, EQUATION, "the speed was not measured apart from the velocity")
    times, speed, dissipation = probe(m, "v2_squared"), probe(m, "v2_squared"), probe(m, "dissipation")
    return tightest_instant(NAME, EQUATION, m, speed[1:], dissipation[1:], times=times[0], equality=m.conservative)
