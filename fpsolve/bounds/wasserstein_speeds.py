"""The speed in W₁ is at most the speed in W₂."""

from __future__ import annotations

import numpy as np

from fpsolve.bounds.comparison import tightest_instant
from fpsolve.bounds.uncertainty import has_probes, probe
from fpsolve.estimates import Relation
from fpsolve.thermodynamics.measurement import Measurement


def v1_below_v2(m: Measurement) -> Relation:
    """Compare v₁² with v₂² wherever both are known; on the line v₁ = ∫ |ν| P dx."""
    name, equation = "v1-below-v2", "slides"
    if m.has("v1"):
        times, v1, bar = m.times, m.series["v1"], m.errors["v1"]
        speed = m.series["action"], m.errors["action"]
    elif has_probes(m) and "v1" in m.probes[0]:
        times, v1, bar = probe(m, "v1")
        speed = probe(m, "v2_squared")[1:]
    else:
        return Relation.undefined(name, equation, "the speed in W1 was not measured")
    squared = v1**2, 2.0 * np.abs(v1) * bar + bar**2
    return tightest_instant(name, equation, m, squared, speed, times=times)
