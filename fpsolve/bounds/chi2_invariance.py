"""The chi-squared divergence between the two processes does not change under the exact flow (78), Appendix E."""

from __future__ import annotations

import numpy as np

from fpsolve.bounds.comparison import tightest_instant
from fpsolve.estimates import Relation
from fpsolve.thermodynamics.measurement import Measurement

NAME, EQUATION = "chi2-invariance", "78"


def chi2_invariance(m: Measurement) -> Relation:
    """Compare D at every instant with D_0."""
    start = m.quantities["D0"]
    if not start.finite:
        return Relation.undefined(NAME, EQUATION, start.why)
    if m.whole is not None:
        return Relation.undefined(
            NAME, EQUATION, "inside a fixed window D is not invariant: mass moves through its ends"
        )
    constant = np.full_like(m.times, start.value), np.full_like(m.times, start.error)
    return tightest_instant(NAME, EQUATION, m, (m.series["chi2"], m.errors["chi2"]), constant, equality=True)
