"""The conditional kinetic energy bounds the cost of a schedule (92)-(94)."""

from __future__ import annotations

from fpsolve.bounds.comparison import tightest_link
from fpsolve.estimates import Relation
from fpsolve.thermodynamics.measurement import Measurement


def conditional_energy_bound(m: Measurement) -> Relation:
    """Compare ∫ v₂² dt with the energy that the velocities given data and noise have: Jensen's inequality."""
    q = m.quantities
    return tightest_link(
        "conditional-energy", "92-94", m, [("int v2^2 dt <= energy", q["c2"], q["conditional_energy"])]
    )
