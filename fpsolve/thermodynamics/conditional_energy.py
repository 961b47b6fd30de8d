"""The conditional kinetic energy of a schedule (92)-(94): what it would cost if every x told its own data and noise."""

from __future__ import annotations

import math

import numpy as np

from fpsolve.densities import Density, PlaneDensity, as_density
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.quadrature import POINTS, Array, panel_nodes
from fpsolve.schedules import Schedule, Stirring
from fpsolve.settings import InputError

_PANELS = 96
#: what counts as a root of the time at an end: the rate of a squared level there, over its range and tau, for
#: schedules in closed form and for those that a spline makes
_ROOT, _SPLINED_ROOT = 1e-9, 1e-3
_INSIDE = 1e-12
UNIT = "L²/s"


def conditional_energy(data: Density | PlaneDensity | Array, schedule: Schedule | Stirring) -> Estimate:
    """Integral of E|y|² m'² + n sigma'² over time: the mean of |m' y + sigma' e|² in n dimensions, L²/s (92).

    By Jensen's inequality it bounds int v₂² dt, the energy of the mean given x; the two are alike where x tells nearly
    all, as for few data in many dimensions. Among all curves with the same ends the straight line has the least, which
    is conditional optimal transport, (E|y|² + n) / tau from data to noise; among those on the circle m² + sigma² = 1,
    for data with E|y|² = n, the cosine schedule, n pi² / (4 tau) (93), (94).

    Parameters
    ----------
    data : Density, PlaneDensity or (N, n) array
        q, or N samples of it in n dimensions.
    schedule : Schedule or Stirring
        A curve (m, sigma); stirring moves no mass and changes nothing.

    Returns
    -------
    Estimate
        Infinite where sigma starts, or m ends, like a root of the time, or the data have no second moment.

    Raises
    ------
    InputError
        A schedule without levels m and sigma, or samples that are not an (N, n) array of finite numbers.
    """
    curve = _levels(schedule)
    second, dimension = _second_moment(data)
    if not math.isfinite(second):
        return Estimate.infinite("the data have no second moment", UNIT)
    root = _root(curve)
    if root:
        return Estimate.infinite(root, UNIT)
    u, kronrod, gauss = panel_nodes(np.linspace(0.0, 1.0, _PANELS + 1))
    # times crowd at both ends, where their pace vanishes
    t, pace = curve.tau * u**3 * (10.0 - 15.0 * u + 6.0 * u**2), curve.tau * 30.0 * (u * (1.0 - u)) ** 2
    at = curve.curve(t)
    noise = at.half_variance_rate**2 / np.maximum(at.variance, 1e-300)
    rates = (second * at.signal_rate**2 + dimension * noise) * pace
    value = float(kronrod @ rates)
    gap = float(np.sum(np.abs(np.sum(((kronrod - gauss) * rates).reshape(-1, POINTS), axis=1))))
    return Estimate(value, gap + ROUNDING * value, UNIT)


def _levels(schedule: Schedule | Stirring) -> Schedule:
    inner = schedule.schedule if isinstance(schedule, Stirring) else schedule
    if not isinstance(inner, Schedule):
        kind = getattr(inner, "kind", type(inner).__name__)
        raise InputError("schedule", f"given {kind!r}, which has no levels m and sigma; choose cosine or cond-ot, say")
    return inner


def _second_moment(data: Density | PlaneDensity | Array) -> tuple[float, int]:
    """E|y|², and the number of dimensions."""
    if isinstance(data, PlaneDensity):
        return float(np.trace(data.covariance) + np.sum(np.square(data.mean))), 2
    if isinstance(data, np.ndarray):
        if data.ndim != 2 or not data.size or not np.all(np.isfinite(data)):
            message = f"given samples of shape {data.shape}; expected (N, n), N points in n dimensions, all finite"
            raise InputError("data", message)
        return float(np.mean(np.sum(data**2, axis=1))), data.shape[1]
    density = as_density(data)
    return float(density.variance + density.mean**2), 1


def _root(schedule: Schedule) -> str:
    """Why the integral diverges logarithmically, or nothing."""
    ends = schedule.curve(schedule.tau * np.array([0.0, _INSIDE, 1.0 - _INSIDE, 1.0]))
    least = (_SPLINED_ROOT if schedule.knots().size else _ROOT) / schedule.tau
    if ends.variance[0] <= 0.0 and ends.half_variance_rate[1] > least * float(np.max(ends.variance)):
        return "sigma starts like a root of the time"
    if ends.signal[-1] <= 0.0 and abs(ends.signal[2] * ends.signal_rate[2]) > least * float(np.max(ends.signal)) ** 2:
        return "m ends like a root of the time"
    return ""
