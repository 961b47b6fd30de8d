"""The speed-accuracy relations: robustness of generation is bounded by the cost of the forward process (77)-(82)."""

from __future__ import annotations

from fpsolve.bounds.comparison import tightest_instant, tightest_link
from fpsolve.estimates import Relation
from fpsolve.thermodynamics.measurement import Measurement


def instantaneous_speed_accuracy(m: Measurement) -> Relation:
    """Compare v_loss² = (∂_t W₁)² / D_0 with T S' at every instant (80), (81)."""
    name, equation = "instantaneous-speed-accuracy", "80-81"
    if not m.has("v_loss_squared"):
        return Relation.undefined(name, equation, m.quantities["c1"].why)
    loss = m.series["v_loss_squared"], m.errors["v_loss_squared"]
    return tightest_instant(name, equation, m, loss, (m.series["dissipation"], m.errors["dissipation"]))


def speed_accuracy_relation(m: Measurement) -> Relation:
    """Compare η ≤ c₁ ≤ c₂ ≤ ∫ T S' dt (77), (79), (82); the tightest link is reported."""
    q = m.quantities
    # a current that moves no mass of P moves some of P~: without a gradient only the dissipation bounds the loss
    bound = ("c1 <= c2", q["c1"], q["c2"]) if m.conservative else ("c1 <= int T S' dt", q["c1"], q["dissipation"])
    links = [("eta <= c1", q["eta"], q["c1"]), bound]
    if not m.conservative:
        links.append(("c2 <= int T S' dt", q["c2"], q["dissipation"]))
    return tightest_link("speed-accuracy", "77, 79, 82", m, links)
