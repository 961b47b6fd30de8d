"""The conditional kinetic energy of a schedule (92)-(94): what it would cost if every x told its own y and noise."""

from __future__ import annotations

import numpy as np

from fpsolve.densities import Density, as_density
from fpsolve.design.curves import crowded
from fpsolve.estimates import ROUNDING, Estimate, Relation
from fpsolve.schedules import Schedule

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_PANELS = 96
#: relative change by finer panels beyond which the integral is taken to diverge
_DIVERGES = 1e-3
NAME, EQUATION = "conditional-energy", "92-94"


def conditional_energy(data: Density, schedule: Schedule) -> Estimate:
    """Integral of E|y|² m'² + sigma'² over time, on the line: the mean of |m' y + sigma' e|², L²/s.

    By Jensen's inequality it bounds int v₂² dt, the energy of the mean given x; the two are alike where x tells nearly
    all, as for few data in many dimensions. For data with E|y|² = 1 it is least for the cosine schedule among those on
    the circle m² + sigma² = 1, pi²/(4 tau), and 2/tau for conditional optimal transport.

    Parameters
    ----------
    data : Density
    schedule : Schedule

    Returns
    -------
    Estimate
        Infinite where sigma starts like a root of the time.
    """
    density = as_density(data)
    second = density.variance + density.mean**2
    fine, coarse = (_integral(schedule, second, panels) for panels in (2 * _PANELS, _PANELS))
    gap = abs(fine - coarse)
    if gap > _DIVERGES * abs(fine):
        return Estimate.infinite("sigma or m changes like a root of the time at an end", "L²/s")
    return Estimate(fine, gap + ROUNDING * abs(fine), "L²/s")


def _integral(schedule: Schedule, second: float, panels: int) -> float:
    """Gauss rule in the variable that crowds both ends."""
    edges = np.linspace(0.0, 1.0, panels + 1)
    half = 0.5 * np.diff(edges)[:, None]
    u = 0.5 * (edges[1:] + edges[:-1])[:, None] + half * _NODES
    curve = schedule.curve(schedule.tau * crowded(u).ravel())
    noise = curve.half_variance_rate**2 / np.maximum(curve.variance, 1e-300)
    rates = (second * curve.signal_rate**2 + noise).reshape(u.shape) * schedule.tau * 30.0 * (u * (1.0 - u)) ** 2
    return float(np.sum(rates * half * _WEIGHTS))


def conditional_energy_bound(cost: Estimate, energy: Estimate) -> Relation:
    """Compare int v₂² dt with the conditional kinetic energy, which Jensen's inequality makes the larger one.

    Parameters
    ----------
    cost, energy : Estimate
        ``c2`` of a schedule, and what :func:`conditional_energy` returned for the same data.
    """
    if not energy.finite:
        return Relation.undefined(NAME, EQUATION, energy.why)
    return Relation(NAME, EQUATION, cost.value, energy.value, cost.error + energy.error)
