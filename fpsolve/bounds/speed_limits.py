"""The hierarchy of speed limits (68)."""

from __future__ import annotations

from fpsolve.bounds.comparison import tightest_link
from fpsolve.estimates import Relation
from fpsolve.thermodynamics.measurement import Measurement

NAME, EQUATION = "speed-limit-hierarchy", "68"


def speed_limit_hierarchy(m: Measurement) -> Relation:
    """Compare W₂² ≤ L² ≤ tau ∫ v₂² dt ≤ tau ∫ T S' dt; the tightest link is reported."""
    q = m.quantities
    length, distance = q["path_length"].squared(), q["W2"].squared()
    action, dissipation = q["c2"].scaled(m.tau), q["dissipation"].scaled(m.tau)
    links = [
        ("W2^2 <= L^2", distance, length),
        ("L^2 <= tau int v2^2 dt", length, action),
        ("tau int v2^2 dt <= tau int T S' dt", action, dissipation),
    ]
    # v2^2 and the dissipation are one integral on the line: that link decides nothing there
    return tightest_link(NAME, EQUATION, m, links[:2] if q["c2"] == q["dissipation"] else links)
