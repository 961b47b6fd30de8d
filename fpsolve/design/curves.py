"""What a noise schedule costs in the metric of given data, its length, and the same path at constant speed."""

from __future__ import annotations

import dataclasses

import numpy as np

from fpsolve.design.metric import ScheduleMetric
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.quadrature import GAUSS, KRONROD, NODES, Array, crowded, crowding_rate, uncrowded
from fpsolve.schedules import ArraySchedule, Schedule
from fpsolve.settings import InputError

#: panels in time, crowded at both ends
PANELS = 3200
#: points of an exported schedule, and the part of tau at either end over which they are evenly spaced
POINTS, EVEN_END = 801, 1e-5
#: how many times closer together fast turns may draw the points
_DRAWN = 4.0
#: part of tau before the end from where schedules from arrays are read: their rates at the end are those just inside
_INSIDE = 2e-9
#: relative fall of sigma/m that rounding may cause
_ROUNDED = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Journey:
    """A schedule measured in the metric of given data.

    Parameters
    ----------
    times : (n,) array
        Ends of the panels, from 0 to tau, s.
    lengths : (n,) array
        Length ∫ v₂ dt from the start to each of them, unit of x.
    cost : Estimate
        c2 = ∫ v₂² dt, L²/s.
    length : Estimate
        L = ∫ v₂ dt, unit of x.
    """

    times: Array
    lengths: Array
    cost: Estimate
    length: Estimate


def measure_schedule(metric: ScheduleMetric, schedule: Schedule, panels: int = PANELS) -> Journey:
    """Cost and length of a schedule.

    Parameters
    ----------
    metric : ScheduleMetric
        It must cover the schedule's range of sigma/m.
    schedule : Schedule
        Any curve (m, sigma).
    panels : int
        Panels in time; the points of a schedule from arrays are added to their ends.

    Returns
    -------
    Journey

    Raises
    ------
    InputError
        sigma/m falls somewhere (24).
    """
    knots = np.array(schedule.t) if isinstance(schedule, ArraySchedule) else schedule.kinks()
    # in the variable that crowds both ends, square roots of the time are smooth
    edges = np.union1d(np.linspace(0.0, 1.0, panels + 1), uncrowded(knots / schedule.tau))
    edges = edges[np.append(np.diff(edges) > 1e-9, True)]
    edges[0], edges[-1] = 0.0, 1.0
    half, centre = 0.5 * np.diff(edges)[:, None], 0.5 * (edges[1:] + edges[:-1])[:, None]
    u = centre + half * NODES
    rate = schedule.tau * crowding_rate(u)
    speed, bars = _speed(metric, schedule, schedule.tau * crowded(u))
    cost, cost_error = _integral(speed**2 * rate, half, (2.0 * speed * bars + bars**2) * rate)
    lengths, length_error = _integral(speed * rate, half, bars * rate)
    covered = np.concatenate([[0.0], np.cumsum(lengths)])
    cost_of = Estimate(float(np.sum(cost)), cost_error)
    return Journey(schedule.tau * crowded(edges), covered, cost_of, Estimate(float(covered[-1]), length_error))


def retime(
    metric: ScheduleMetric, schedule: Schedule, journey: Journey | None = None, points: int = POINTS
) -> ArraySchedule:
    """The same path at constant v₂: it attains ∫ v₂² dt = L²/tau, the least that this path can cost.

    Parameters
    ----------
    metric : ScheduleMetric
    schedule : Schedule
    journey : Journey, optional
        What :func:`measure_schedule` found, if it is at hand.
    points : int
        Points of the arrays, at most.

    Returns
    -------
    ArraySchedule
        On the same [0, tau].

    Notes
    -----
    Where the path has no length (the data are the noise already) every pace costs nothing, and the given one stays.
    """
    journey = journey or measure_schedule(metric, schedule)
    curve = schedule.curve(journey.times)
    moving = journey.length.value > 2.0 * journey.length.error
    covered = journey.lengths if moving else journey.times
    part = covered / covered[-1]
    _, chi = metric.polar(curve.signal, curve.noise)
    ranks = spread(part, (chi - chi[0]) / (chi[-1] - chi[0]))
    nearest = np.searchsorted(ranks, np.linspace(0.0, 1.0, points)).clip(0, part.size - 1)
    nearest = np.unique(np.concatenate([[0], nearest, [part.size - 1]]))
    clock = schedule.tau * part[nearest]
    return arrays_of(clock, curve.signal[nearest], curve.noise[nearest])


def arrays_of(t: Array, m: Array, sigma: Array) -> ArraySchedule:
    """A schedule from numpy arrays, one point for each time (the last where there are several)."""
    kept = np.append(np.diff(t) > 0.0, True)
    kept[0] = True
    kept[1:] &= t[1:] > t[0]
    return ArraySchedule(tuple(t[kept].tolist()), tuple(m[kept].tolist()), tuple(sigma[kept].tolist()))


def spread(part: Array, turned: Array) -> Array:
    """Ranks from 0 to 1 of points at parts of the time: equal ranks apart, they suit a spline in time.

    Neighbouring gaps are all but equal, as a spline needs where m² or sigma² ends like a root of the time: even at
    the very ends, then in proportion to the distance from the end, and closer together where the curve turns fast.

    Parameters
    ----------
    part, turned : (n,) arrays
        Time over tau, and angle chi over its whole range; both from 0 to 1, not decreasing.
    """
    rank = np.arcsinh(part / EVEN_END) - np.arcsinh((1.0 - part) / EVEN_END)
    rank = (rank - rank[0]) / (rank[-1] - rank[0])
    steps = np.diff(rank)
    ranks = np.concatenate([[0.0], np.cumsum(steps + np.minimum(np.diff(turned), _DRAWN * steps))])
    return ranks / ranks[-1]


def flat_velocity(metric: ScheduleMetric, schedule: Schedule, t: Array) -> tuple[Array, Array, Array]:
    """R', R chi' and chi of a schedule at times: its velocity along and across the radius, and where it is."""
    if isinstance(schedule, ArraySchedule):
        t = np.minimum(t, schedule.tau * (1.0 - _INSIDE))
    curve = schedule.curve(t)
    sigma = curve.noise
    radius, chi = metric.polar(curve.signal, sigma)
    outward = metric.second_moment * curve.signal * curve.signal_rate + metric.dimension * curve.half_variance_rate
    noise_rate = np.divide(curve.half_variance_rate, sigma, out=np.zeros_like(sigma), where=sigma > 0.0)
    across = metric.scale * metric.spread * (curve.signal * noise_rate - sigma * curve.signal_rate)
    return outward / radius, across / radius, chi


def _speed(metric: ScheduleMetric, schedule: Schedule, t: Array) -> tuple[Array, Array]:
    """v₂ at times of any shape, and its error bar."""
    outward, across, chi = (part.reshape(t.shape) for part in flat_velocity(metric, schedule, t.ravel()))
    falling = across < -_ROUNDED * np.hypot(outward, across)
    if np.any(falling & (np.diff(chi, axis=-1, append=np.inf) < -_ROUNDED)):
        where = float(t[falling][0])
        raise InputError("schedule", f"sigma/m falls at t = {where:g}; noise cannot be removed by diffusion (24)")
    g, bar = metric.rate(chi)
    speed = np.hypot(outward, g * across)
    return speed, np.abs(across) * bar * np.divide(g * np.abs(across), speed, out=np.ones_like(speed), where=speed > 0)


def _integral(values: Array, half: Array, bars: Array) -> tuple[Array, float]:
    """Integral over each panel, and the error bar of their sum."""
    fine, coarse = (np.sum(half * rule * values, axis=1) for rule in (KRONROD, GAUSS))
    error = float(np.sum(np.abs(fine - coarse)) + np.sum(half * KRONROD * bars))
    return fine, error + ROUNDING * float(np.sum(np.abs(fine)))
