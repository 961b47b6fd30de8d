"""The conditional kinetic energy of a schedule (92)-(94): what it would cost if every x told its own data and noise."""

from __future__ import annotations

import math

import numpy as np

from fpsolve.densities import Density, PlaneDensity, as_density
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.quadrature import POINTS, Array, crowded, crowding_rate, panel_nodes, uncrowded
from fpsolve.schedules import Schedule, Stirring
from fpsolve.settings import InputError

_PANELS = 96
#: distance from an end, as a part of tau, at which closed forms tell their exponent there
_BESIDE = 1e-13
#: exponent of a level below which it counts as a root; for splines the part of a first step that its slope makes up
_ROOT, _SLOPE = 0.6, 0.05
#: part of the largest m² below which a spline of it is nothing but rounding
_FADED = 1e-14
#: tails between which x² times the mass beyond x must fall by half for a second moment to exist
_TAILS = 1e-20, 1e-35
#: the part of the second moment beyond x in units of x² times the mass there, for tails as slow as x^(-2.2)
_BEYOND = 11.0
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
    second, unknown, dimension = _second_moment(data)
    if not math.isfinite(second):
        return Estimate.infinite("the data have no second moment", UNIT)
    root = _root(curve)
    if root:
        return Estimate.infinite(root, UNIT)
    # times crowd at both ends, where their pace vanishes; panels end where derivatives jump
    grid = np.union1d(np.linspace(0.0, 1.0, _PANELS + 1), uncrowded(curve.knots() / curve.tau))
    u, kronrod, gauss = panel_nodes(grid[np.append(np.diff(grid) > 1e-9, True)])
    t, pace = curve.tau * crowded(u), curve.tau * crowding_rate(u)
    at = curve.curve(t)
    noise = at.half_variance_rate**2 / np.maximum(at.variance, 1e-300)
    signal, faded = at.signal_rate**2, np.zeros(t.size, bool)
    if curve.knots().size:
        faded = at.signal**2 <= _FADED * float(np.max(at.signal)) ** 2
        signal = np.where(faded, signal[~faded][-1], signal)
    rates = (second * signal + dimension * noise) * pace
    value, guessed = float(kronrod @ rates), float(second * (kronrod * pace * signal)[faded].sum())
    gap = float(np.sum(np.abs(np.sum(((kronrod - gauss) * rates).reshape(-1, POINTS), axis=1))))
    far = unknown * float(kronrod @ (signal * pace))
    return Estimate(value, gap + guessed + far + ROUNDING * value, UNIT)


def _levels(schedule: Schedule | Stirring) -> Schedule:
    inner = schedule.schedule if isinstance(schedule, Stirring) else schedule
    if not isinstance(inner, Schedule):
        kind = getattr(inner, "kind", type(inner).__name__)
        raise InputError("schedule", f"given {kind!r}, which has no levels m and sigma; choose cosine or cond-ot, say")
    return inner


def _second_moment(data: Density | PlaneDensity | Array) -> tuple[float, float, int]:
    """E|y|², what may lie in tails that no quadrature reaches, and the number of dimensions."""
    if isinstance(data, PlaneDensity):
        return float(np.trace(data.covariance) + np.sum(np.square(data.mean))), 0.0, 2
    if isinstance(data, (list, tuple)):
        data = np.asarray(data, float)
    if isinstance(data, np.ndarray):
        if data.ndim != 2 or not data.size or not np.all(np.isfinite(data)):
            message = f"given samples of shape {data.shape}; expected (N, n), N points in n dimensions, all finite"
            raise InputError("data", message)
        return float(np.mean(np.sum(data**2, axis=1))), 0.0, data.shape[1]
    density = as_density(data)
    near, far = (float(np.max(np.abs(density.interval(tail)))) ** 2 * tail for tail in _TAILS)
    if far > 0.5 * near:
        return math.inf, 0.0, 1
    return float(density.variance + density.mean**2), _BEYOND * far, 1


def _root(schedule: Schedule) -> str:
    """Why the integral diverges logarithmically, or nothing."""
    knots, tau = schedule.knots(), schedule.tau
    if knots.size:
        steps = schedule.curve(np.array([0.0, knots[0], knots[-1], tau]))
        rises = 2.0 * steps.half_variance_rate[0] * knots[0] > _SLOPE * steps.variance[1]
        falls = -2.0 * steps.half_square_rate[3] * (tau - knots[-1]) > _SLOPE * steps.signal[2] ** 2
    else:
        steps = schedule.curve(tau * np.array([0.0, _BESIDE, 1.0 - _BESIDE, 1.0]))
        rises = steps.half_variance_rate[1] * _BESIDE * tau < _ROOT * steps.variance[1]
        falls = -steps.half_square_rate[2] * _BESIDE * tau < _ROOT * steps.signal[2] ** 2
    if steps.variance[0] <= 0.0 and rises:
        return "sigma starts like a root of the time"
    return "m ends like a root of the time" if steps.signal[3] <= 0.0 and falls else ""
