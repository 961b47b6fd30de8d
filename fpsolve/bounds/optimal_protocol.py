"""The optimal protocol: the geodesic at constant speed makes the bound least (91)."""

from __future__ import annotations

from fpsolve.bounds.comparison import tightest_link
from fpsolve.estimates import Relation
from fpsolve.thermodynamics.measurement import Measurement


def optimal_protocol(m: Measurement) -> Relation:
    """Compare W₂² / tau ≤ L² / tau ≤ ∫ v₂² dt; all are equal for the geodesic."""
    q = m.quantities
    length = q["path_length"].squared().scaled(1.0 / m.tau)
    distance = q["W2"].squared().scaled(1.0 / m.tau)
    links = [("W2^2 / tau <= L^2 / tau", distance, length), ("L^2 / tau <= int v2^2 dt", length, q["c2"])]
    return tightest_link("optimal-protocol", "91", m, links)
