"""Minimum dissipation at constant temperature (64)."""

from __future__ import annotations

import numpy as np

from fpsolve.bounds.comparison import tightest_link
from fpsolve.estimates import Relation
from fpsolve.thermodynamics.measurement import Measurement

NAME, EQUATION = "minimum-dissipation", "64"


def minimum_dissipation(m: Measurement) -> Relation:
    """Compare W₂² / (tau T) with the total entropy production ∫ S' dt, where T does not change in time."""
    if m.temperature is None:
        return Relation.undefined(NAME, EQUATION, "the process has no temperature")
    if not np.all(np.isfinite(m.temperature)) or np.ptp(m.temperature) > 1e-12 * np.max(m.temperature):
        return Relation.undefined(NAME, EQUATION, "the temperature changes in time")
    inverse = 1.0 / float(m.temperature[0])
    least = m.quantities["W2"].squared().scaled(inverse / m.tau)
    return tightest_link(
        NAME, EQUATION, m, [("W2^2 / (tau T) <= S_tot", least, m.quantities["dissipation"].scaled(inverse))]
    )
