"""The best linear-Gaussian schedule for given data, and what every schedule costs beside it (theory 5.8)."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from fpsolve.design.components import IndependentComponents
from fpsolve.design.curves import POINTS, Journey, arrays_of, flat_velocity, measure_schedule, retime, spread
from fpsolve.design.kinds import Checked, Data, check_data, schedule_metric, squared_distance_of_ends
from fpsolve.design.metric import ScheduleMetric
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.quadrature import KRONROD, NODES, Array
from fpsolve.schedules import (
    ArraySchedule,
    Curve,
    LinearForceSchedule,
    OptimalTransport,
    Recording,
    Schedule,
    Stirring,
)
from fpsolve.settings import InputError, whole

#: what may be given; not all of it has a best schedule
AnySchedule = Schedule | OptimalTransport | Recording | LinearForceSchedule | Stirring
#: cells along each axis on which the ends are carried into each other in the plane
CELLS = (256, 256)

#: length of a way, in units of R, below which the ends count as one
_STANDSTILL = 1e-9
_FINER, _NEAR_ENDS = 64, np.geomspace(1e-9, 1.0, 400)


@dataclasses.dataclass(frozen=True, eq=False)
class ScheduleCosts:
    """What a schedule costs for given data, retimed, and the best one.

    Parameters
    ----------
    c2 : Estimate
        ∫ v₂² dt of the given schedule, L²/s.
    c2_retimed : Estimate
        The same path at constant v₂: path_length² / tau.
    c2_best : Estimate
        The best curve (m, sigma) with the same ends.
    c2_geodesic : Estimate
        W₂² / tau between the densities at both ends: below it no process gets.
    path_length : Estimate
        ∫ v₂ dt of the given schedule, unit of x.
    residual : float
        How far the exported best schedule is from a geodesic: rms of its velocity in the flat coordinates against the
        constant one that the Euler-Lagrange equation demands, relative to it.
    schedule : Schedule
        The given one.
    best, retimed : ArraySchedule
        For a sampler, or for ``kind = "arrays"``.
    metric : ScheduleMetric
        The metric of the data.
    diagnostics : dict
        Costs of the exported arrays, angles, numbers of points; of components also how many are taken to be normal.
    """

    c2: Estimate
    c2_retimed: Estimate
    c2_best: Estimate
    c2_geodesic: Estimate
    path_length: Estimate
    residual: float
    schedule: Schedule
    best: ArraySchedule
    retimed: ArraySchedule
    metric: ScheduleMetric
    diagnostics: dict[str, Any]

    @property
    def estimates(self) -> dict[str, Estimate]:
        """The four costs of the contract, and the path length."""
        names = ("c2", "c2_retimed", "c2_best", "c2_geodesic", "path_length")
        return {name: getattr(self, name) for name in names}

    def json(self) -> dict[str, Any]:
        """The object that ``fpsolve schedule --json`` prints, without its ``case``."""
        arrays = {
            name: {"t": list(each.t), "m": list(each.m), "sigma": list(each.sigma)}
            for name, each in (("best", self.best), ("retimed", self.retimed))
        }
        return {
            "quantities": {name: estimate.json() for name, estimate in self.estimates.items()},
            "schedule": arrays,
            "diagnostics": {"residual": self.residual} | self.diagnostics,
        }

    def __str__(self) -> str:
        """A table."""
        meanings = {
            "c2": "the given schedule, ∫v₂² dt",
            "c2_retimed": "the same path at constant v₂, L²/τ",
            "c2_best": "the best linear-Gaussian schedule",
            "c2_geodesic": "optimal transport, W₂²/τ: no process costs less",
            "path_length": "L = ∫v₂ dt of the given schedule",
        }
        rows = [(name, str(each), each.unit, meanings[name]) for name, each in self.estimates.items()]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)) for row in rows]
        excess = self.c2.value / max(self.c2_best.value, 1e-300) - 1.0 if self.c2.value > self.c2.error else 0.0
        note = f"the given schedule costs {excess:.2%} more than the best; largest m of the best {max(self.best.m):.4g}"
        return "\n".join([*(line.rstrip() for line in lines), "", f"{note}; residual {self.residual:.1e}"])


def schedule_costs(
    data: Data, schedule: AnySchedule, points: int = POINTS, cells: tuple[int, int] = CELLS
) -> ScheduleCosts:
    """What a noise schedule costs for given data, what it would cost retimed, and the best one with the same ends.

    Parameters
    ----------
    data : Density, PlaneDensity, IndependentComponents or (N, n) array
        q, with a finite second moment; samples in any dimension are taken by their principal components.
    schedule : Schedule
        A curve (m, sigma).
    points : int
        Points of the exported schedules, at least 16.
    cells : (int, int)
        Of the grid on which c2_geodesic is found for data in the plane.

    Returns
    -------
    ScheduleCosts

    Raises
    ------
    InputError
        Data without a second moment, samples that are not a finite table, a schedule without levels (optimal transport,
        a linear force), sigma/m that falls or never grows.

    Notes
    -----
    In the coordinates of :mod:`fpsolve.design.metric` the metric is that of the plane in polar coordinates, and the
    turn between the ends is a right angle at the most. So the geodesic is the chord, run at constant speed, and
    c2_best = (R₀² + R₁² - 2 R₀ R₁ cos theta) / tau.
    """
    data, schedule = check_data(data), _checked(schedule)
    points = whole("points", points, 16, 10**6)
    curve = schedule.curve(np.array([0.0, schedule.tau]))
    m, sigma = curve.signal, curve.noise
    lower, upper = (float(s / a) if a > 0.0 else math.inf for a, s in zip(m, sigma, strict=True))
    distance = squared_distance_of_ends(data, schedule, cells)
    if not distance.finite:
        raise InputError("data", "no second moment: its tails are too heavy, and every schedule costs infinitely much")
    metric = schedule_metric(data, lower, upper)
    journey = measure_schedule(metric, schedule)
    radii, _ = metric.polar(m, sigma)
    best = _chord(metric, radii, curve, schedule.tau, points)
    paced = retime(metric, schedule, journey, points)
    turn, turn_error = metric.whole_turn
    exports = {name: measure_schedule(metric, each).cost for name, each in (("best", best), ("retimed", paced))}
    return ScheduleCosts(
        c2=journey.cost,
        c2_retimed=journey.length.squared().scaled(1.0 / schedule.tau),
        c2_best=_chord_cost(radii, turn, turn_error, schedule.tau),
        c2_geodesic=distance.scaled(1.0 / schedule.tau),
        path_length=journey.length,
        residual=_residual(metric, best, radii, turn),
        schedule=schedule,
        best=best,
        retimed=paced,
        metric=metric,
        diagnostics=_diagnostics(metric, journey, exports, best, paced) | _assumed(data),
    )


def _checked(schedule: AnySchedule) -> Schedule:
    if not isinstance(schedule, Schedule):
        message = f"given {schedule.kind!r}, which has no levels m and sigma; choose cosine or cond-ot, say"
        raise InputError("[schedule] kind", message)
    return schedule


def _chord_cost(radii: Array, turn: float, error: float, tau: float) -> Estimate:
    """Squared distance of the ends in the flat coordinates, over tau."""
    product = float(radii[0] * radii[1])
    squared = float(radii[1] - radii[0]) ** 2 + 4.0 * product * math.sin(0.5 * turn) ** 2
    bar = product * (2.0 * math.sin(turn) * error + error**2) + ROUNDING * (squared + 2.0 * product)
    return Estimate(squared / tau, bar / tau)


def _chord(metric: ScheduleMetric, radii: Array, ends: Curve, tau: float, points: int) -> ArraySchedule:
    """The straight line between the ends at constant speed, its points spread over time and over angle."""
    edges = metric.turning.edges
    width = edges[-1] - edges[0]
    fine = np.interp(np.arange(_FINER * (edges.size - 1) + 1) / _FINER, np.arange(edges.size), edges)
    table = np.unique(np.concatenate([fine, edges[0] + width * _NEAR_ENDS, edges[-1] - width * _NEAR_ENDS]))
    table[0], table[-1] = edges[0], edges[-1]
    ranks = spread(_clock(metric, radii, table)[0], (table - edges[0]) / width)
    chi = np.interp(np.linspace(0.0, 1.0, points), ranks, table)
    part, radius = _clock(metric, radii, chi)
    m, sigma = metric.levels(radius, chi)
    for levels, given in ((m, ends.signal), (sigma, ends.noise)):
        levels[0], levels[-1] = given  # to the last digit
    return arrays_of(tau * part, m, sigma)


def _clock(metric: ScheduleMetric, radii: Array, chi: Array) -> tuple[Array, Array]:
    """When the straight line meets the ray at chi, as a part of tau, and its radius there (law of sines)."""
    before, after = metric.turn(chi)
    here, there = radii[0] * np.sin(before), radii[1] * np.sin(after)
    part = here / (here + there)
    part[0], part[-1] = 0.0, 1.0
    return part, radii[0] * radii[1] * math.sin(metric.whole_turn[0]) / (here + there)


def _residual(metric: ScheduleMetric, best: ArraySchedule, radii: Array, turn: float) -> float:
    """Rms deviation of the exported schedule's velocity from the constant one of a straight line, relative to it."""
    times = np.array(best.t)
    half = 0.5 * np.diff(times)[:, None]
    t = (0.5 * (times[1:] + times[:-1])[:, None] + half * NODES).ravel()
    outward, across, chi = flat_velocity(metric, best, t)
    angle = metric.turn(chi)[0]
    across = across * metric.rate(chi)[0]
    velocity = np.array(
        [outward * np.cos(angle) - across * np.sin(angle), outward * np.sin(angle) + across * np.cos(angle)]
    )
    straight = np.array([radii[1] * math.cos(turn) - radii[0], radii[1] * math.sin(turn)]) / best.tau
    weights = (half * KRONROD).ravel() / best.tau
    deviation = float(np.sum((velocity - straight[:, None]) ** 2 @ weights))
    # where the data are the noise already there is no way to go, and rounding is not compared with nothing
    least = (_STANDSTILL * float(radii[1]) / best.tau) ** 2
    return math.sqrt(deviation / max(float(straight @ straight), least))


def _diagnostics(
    metric: ScheduleMetric, journey: Journey, exports: dict[str, Estimate], best: ArraySchedule, paced: ArraySchedule
) -> dict[str, float]:
    return {
        "c2_exported_best": exports["best"].value,
        "c2_exported_retimed": exports["retimed"].value,
        "largest_m": max(best.m),
        "turn": metric.whole_turn[0],
        "turn_error": metric.whole_turn[1],
        "angle_panels": int(metric.bars.size),
        "time_panels": int(journey.times.size - 1),
        "points_best": len(best.t),
        "points_retimed": len(paced.t),
    }


def _assumed(data: Checked) -> dict[str, Any]:
    """What is taken for granted of data in many dimensions."""
    if not isinstance(data, IndependentComponents):
        return {}
    return {
        "assumption": "the components along the principal axes are independent",
        "dimension": data.dimension,
        "components": len(data.densities),
        "normal_components": int(data.means.size),
    }
