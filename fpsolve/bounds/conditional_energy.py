"""The conditional kinetic energy bounds the cost of a schedule (92)-(94)."""

from __future__ import annotations

from fpsolve.bounds.comparison import tightest_link
from fpsolve.estimates import Relation
from fpsolve.thermodynamics.measurement import Measurement

NAME, EQUATION = "conditional-energy", "92-94"


def conditional_energy_bound(m: Measurement) -> Relation:
    """Compare ∫ v₂² dt with the energy that the velocities given data and noise have: Jensen's inequality."""
    q = m.quantities
    if "conditional_energy" not in q:
        return Relation.undefined(NAME, EQUATION, "no energy was given for the process; a schedule has one")
    return tightest_link(NAME, EQUATION, m, [("int v2^2 dt <= energy", q["c2"], q["conditional_energy"])])
