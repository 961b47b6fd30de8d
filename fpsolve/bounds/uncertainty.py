"""Thermodynamic uncertainty: no observable moves faster than the density (73)-(76)."""

from __future__ import annotations

import numpy as np

from fpsolve.bounds.comparison import tightest_instant
from fpsolve.estimates import Relation
from fpsolve.quadrature import Array
from fpsolve.thermodynamics.measurement import Measurement

EQUATION = "73-76"


def uncertainty_x(m: Measurement) -> Relation:
    """Compare the squared speed of r = x, (∂_t E[x])², with v₂²; in the plane x is the direction of the motion."""
    rate, bar = m.series["mean_rate"], m.errors["mean_rate"]
    squared = rate**2, 2.0 * np.abs(rate) * bar + bar**2
    return tightest_instant("uncertainty-x", EQUATION, m, squared, (m.series["action"], m.errors["action"]))


def uncertainty_x2(m: Measurement) -> Relation:
    """Compare the squared speed of r = x², (∂_t E[x²])² / (4 E[x²]), with v₂²."""
    rate, bar = m.series["second_moment_rate"], m.errors["second_moment_rate"]
    spread, spread_bar = m.series["second_moment"], m.errors["second_moment"]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = rate**2 / (4.0 * spread)
        error = np.abs(rate) * bar / (2.0 * spread) + value * spread_bar / spread
    return tightest_instant("uncertainty-x2", EQUATION, m, (value, error), (m.series["action"], m.errors["action"]))


def uncertainty_of(m: Measurement, name: str) -> Relation:
    """Compare the squared speed of an observable, measured as the series ``speed_<name>``, with v₂²."""
    speed, bar = m.series[f"speed_{name}"], m.errors[f"speed_{name}"]
    squared = speed**2, 2.0 * speed * bar + bar**2
    return tightest_instant(f"uncertainty-{name}", EQUATION, m, squared, (m.series["action"], m.errors["action"]))


def uncertainty_optimal(m: Measurement) -> Relation:
    """Compare the squared speed of the optimal observable φ' = ν, (∂_t E[φ])² / E[φ'²], with v₂²; they are equal."""
    name, equation = "uncertainty-optimal", "75-76"
    if m.has("projection"):  # of a solution, by sums over its own faces
        rate, bar = m.series["projection"], m.errors["projection"]
        return tightest_instant(name, equation, m, (rate, bar), (m.series["action"], m.errors["action"]), equality=True)
    if not has_probes(m) or "projection" not in m.probes[0]:
        return Relation.undefined(name, equation, "the speed was not measured apart from the velocity")
    times, rate, rate_bar = probe(m, "projection")
    _, spread, spread_bar = probe(m, "spread" if "spread" in m.probes[0] else "dissipation")
    with np.errstate(divide="ignore", invalid="ignore"):
        value = rate**2 / spread
        error = 2.0 * np.abs(rate) * rate_bar / spread + value * spread_bar / spread
    return tightest_instant(name, equation, m, (value, error), probe(m, "v2_squared")[1:], times=times, equality=True)


def probe(m: Measurement, name: str) -> tuple[Array, Array, Array]:
    """Times, values and bars of a speed measured from the densities alone."""
    rows = np.array([(p["t"], *p[name]) for p in m.probes])
    return rows[:, 0], rows[:, 1], rows[:, 2]


def has_probes(m: Measurement) -> bool:
    """Whether the speed was measured from the densities alone."""
    return bool(m.probes) and "v2_squared" in m.probes[0]
