"""The speed in W₁ is at most the speed in W₂."""

from __future__ import annotations

import numpy as np

from fpsolve.bounds.comparison import tightest_instant
from fpsolve.estimates import Relation
from fpsolve.thermodynamics.measurement import Measurement


def v1_below_v2(m: Measurement) -> Relation:
    """Compare v₁² = (∫ |ν| P dx)² with v₂² at every instant."""
    v1, bar = m.series["v1"], m.errors["v1"]
    squared = v1**2, 2.0 * np.abs(v1) * bar + bar**2
    return tightest_instant("v1-below-v2", "slides", m, squared, (m.series["dissipation"], m.errors["dissipation"]))
