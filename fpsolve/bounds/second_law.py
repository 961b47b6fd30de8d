"""Second law: the entropy production rate is the entropy change of system and bath, and not negative (36)-(39)."""

from __future__ import annotations

import numpy as np

from fpsolve.bounds.comparison import tightest_instant
from fpsolve.estimates import Relation
from fpsolve.thermodynamics.measurement import Measurement

NAME, EQUATION = "second-law", "36-39"


def second_law(m: Measurement) -> Relation:
    """Compare S'_sys + S'_bath with S' = (1/T) ∫ ν² P dx at every instant; the latter cannot be negative."""
    if m.temperature is None:
        return Relation.undefined(NAME, EQUATION, "the process has no temperature")
    if not m.has("system", "bath"):
        return Relation.undefined(NAME, EQUATION, "the force of this process is itself defined by the balance")
    with np.errstate(divide="ignore", invalid="ignore"):
        total = m.series["dissipation"] / m.temperature, m.errors["dissipation"] / m.temperature
    balance = m.series["system"] + m.series["bath"], m.errors["system"] + m.errors["bath"]
    return tightest_instant(NAME, EQUATION, m, balance, total, equality=True)
