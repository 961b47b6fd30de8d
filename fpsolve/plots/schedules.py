"""Figures of noise schedules: curves in the half-plane (m, sigma), speeds before and after retiming, costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from fpsolve.design.curves import Journey, measure_schedule
from fpsolve.design.geodesics import ScheduleCosts
from fpsolve.plots.panels import BLUE, GREEN, GREY, ORANGE, PURPLE, words
from fpsolve.quadrature import Array
from fpsolve.schedules import Schedule

#: colours of the schedules, in turn
_COLOURS = (BLUE, ORANGE, PURPLE, GREEN)
#: cost -> (label, opacity)
_COSTS = {"c2": ("as it is", 1.0), "c2_retimed": ("at constant $v_2$", 0.6), "c2_best": ("the best", 0.3)}
#: points of the background along each axis, and of a curve
_BACKGROUND, _CURVE = 160, 400
#: part of the largest mean speed above which peaks are cut off
_PEAK = 4.0
_DIGITS, _DASHED = 4, (0, (4, 1.5))


def draw_schedules(figure: Any, found: Mapping[str, ScheduleCosts]) -> None:
    """The curves on the metric, v₂² in time, and bars of the costs, beside each other."""
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.15, 1.0, 1.15))
    draw_curves(left, found)
    figure.colorbar(left.collections[0], ax=left, shrink=0.8, label="g, price of turning", pad=0.02)
    draw_speeds(middle, found)
    draw_costs(right, found)


def draw_curves(axis: Axes, found: Mapping[str, ScheduleCosts]) -> None:
    """Schedules and the best one in the half-plane (m, sigma), on the metric of the data.

    The background is g: what the metric asks for turning by an angle at constant E|x|², over what it would ask if the
    data were one point; along rays nothing but the change of E|x|² is paid.
    """
    curves = {name: _levels(costs.schedule) for name, costs in found.items()}
    best = {name: _levels(costs.best) for name, costs in found.items()}
    reach = [1.04 * max(float(np.max(levels[i])) for levels in (*curves.values(), *best.values())) for i in (0, 1)]
    metric = next(iter(found.values())).metric
    m, sigma = np.meshgrid(*(np.linspace(1e-6, size, _BACKGROUND) for size in reach))
    chi = metric.polar(m, sigma)[1]
    known = (chi >= metric.turning.edges[0]) & (chi <= metric.turning.edges[-1])
    rate = np.ma.masked_where(~known, metric.rate(np.clip(chi, *metric.turning.edges[[0, -1]]))[0])
    axis.pcolormesh(m, sigma, rate, cmap="Greys", vmin=0.0, vmax=1.0, alpha=0.75, shading="gouraud", rasterized=True)
    # schedules may share a curve: the later ones are thinner
    widths = np.linspace(3.2, 1.2, len(curves)) if len(curves) > 1 else [1.4]
    for (name, levels), colour, width in zip(curves.items(), _cycle(len(curves)), widths, strict=True):
        axis.plot(*levels, color=colour, linewidth=width, label=name)
    for i, levels in enumerate(best.values()):
        axis.plot(*levels, color="black", linewidth=1.1, linestyle=_DASHED, label=None if i else "best")
    axis.set(xlim=(0.0, reach[0]), ylim=(0.0, reach[1]), xlabel="m, signal", ylabel="σ, noise")
    axis.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), fontsize=8, ncols=3, columnspacing=1.0)


def draw_speeds(axis: Axes, found: Mapping[str, ScheduleCosts]) -> None:
    """v₂² in time; dashed at its constant value after retiming: the areas are c₂ before and after."""
    tops = []
    for (_, costs), colour in zip(found.items(), _cycle(len(found)), strict=True):
        journey = measure_schedule(costs.metric, costs.schedule)
        t, squared = _squared_speed(journey)
        level = costs.c2_retimed.value / costs.schedule.tau
        axis.plot(t, squared, color=colour, linewidth=1.4)
        axis.plot([0.0, costs.schedule.tau], [level, level], color=colour, linewidth=1.0, linestyle=_DASHED)
        tops.append(min(float(np.max(squared)), _PEAK * costs.c2.value / costs.schedule.tau))
    axis.plot([], [], color=GREY, linewidth=1.4, label="as it is")
    axis.plot([], [], color=GREY, linewidth=1.0, linestyle=_DASHED, label="at constant $v_2$")
    axis.set(xlabel="t, s", ylabel="$v_2^2$, L²/s²", xlim=(0.0, max(c.schedule.tau for c in found.values())))
    axis.set_ylim(0.0, 1.08 * max(tops))
    axis.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), fontsize=8, ncols=2, columnspacing=1.0)


def draw_costs(axis: Axes, found: Mapping[str, ScheduleCosts]) -> None:
    """Bars of c₂: the schedule as it is, at constant speed, the best with the same ends; a line for W₂²/τ."""
    width = 0.8 / len(_COSTS)
    text: Any = {"textcoords": "offset points", "ha": "center", "va": "bottom", "fontsize": 7}
    text |= {"rotation": 90 if len(found) > 1 else 0}
    for i, (costs, colour) in enumerate(zip(found.values(), _cycle(len(found)), strict=True)):
        for k, (name, (_, opacity)) in enumerate(_COSTS.items()):
            estimate, place = getattr(costs, name), i + (k - 1) * width
            axis.bar(place, estimate.value, 0.92 * width, color=colour, alpha=opacity)
            axis.annotate(words(estimate, _DIGITS), (place, estimate.value), (0, 3), **text)
        limit = costs.c2_geodesic.value
        axis.plot([i - 0.46, i + 0.46], [limit, limit], color="black", linewidth=1.2)
    for label, opacity in _COSTS.values():
        axis.bar(0.0, 0.0, color=GREY, alpha=opacity, label=label)
    axis.plot([], [], color="black", linewidth=1.2, label="$W_2^2/τ$, no process is below")
    axis.set_xticks(range(len(found)), list(found))
    axis.tick_params(axis="x", length=0)
    axis.margins(y=0.2)
    axis.set_ylabel("$c_2$, L²/s")
    axis.legend(loc="lower left", bbox_to_anchor=(-0.1, 1.0), fontsize=7, ncols=2, columnspacing=0.8)


def _cycle(count: int) -> list[str]:
    return [_COLOURS[i % len(_COLOURS)] for i in range(count)]


def _levels(schedule: Schedule) -> tuple[Array, Array]:
    """Signal and noise along a schedule, at times that crowd at both ends."""
    u = np.linspace(0.0, 1.0, _CURVE)
    curve = schedule.curve(schedule.tau * u**2 * (3.0 - 2.0 * u))
    return curve.signal, curve.noise


def _squared_speed(journey: Journey) -> tuple[Array, Array]:
    """Mean speed over each of the panels that are wide enough, squared, at their middles."""
    kept = np.append(np.diff(journey.times) > 1e-9 * journey.times[-1], True)
    times, lengths = journey.times[kept], journey.lengths[kept]
    return 0.5 * (times[1:] + times[:-1]), (np.diff(lengths) / np.diff(times)) ** 2
