"""The levels of a run: the grid itself and its coarser companions, and the bars that their differences give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.generator import stationary_masses
from fpsolve.grids import Array, Grid
from fpsolve.integration import Level, March, Report, coarsened
from fpsolve.solution.errors import number_bar, refinement_bar, time_bar
from fpsolve.solution.gauges import Gauge
from fpsolve.solution.plans import Plan

#: coarser companions of a run with error bars, and the fewest cells one of them may have along an axis
_COMPANIONS, _FEWEST = 2, 8


def measured(plan: Plan, march: March, gauges: Sequence[Gauge], t: float, outside: float) -> dict[str, float]:
    """The numbers of the finest level, each with its bar: from the levels, and from what may lie outside the window."""
    found = [gauge(level, t) for gauge, level in zip(gauges, march.levels, strict=True)]
    if not plan.bars:
        return found[0]
    scales, floors = gauges[0].scales, gauges[0].rounding(march.levels[0], t)
    bars = {
        f"{name}_error": number_bar([numbers[name] for numbers in found], plan.order, floors[name])
        + outside * scales[name]
        for name in found[0]
    }
    if march.clocks:
        whole, halves = (gauges[-1](level, t) for level in march.clocks)
        for name in whole:
            bars[f"{name}_error"] += time_bar(abs(whole[name] - halves[name]), plan.stepper.order)
    return found[0] | bars


def march_of(plan: Plan, report: Report) -> March:
    """All levels at the first time."""
    grid, begin = plan.grid, float(plan.times[0])
    levels = [_level(plan, grid, plan.start)]
    while plan.bars and len(levels) <= _COMPANIONS and min(grid.shape) >= 2 * _FEWEST:
        grid = grid.coarser()
        if not plan.flux.linear and not all(axis.uniform for axis in grid.axes):
            break  # an odd number of cells leaves a narrower one, which only stencils with weights of their own take
        levels.append(_level(plan, grid, coarsened(levels[-1].masses)))
        if plan.resting:  # what a coarser scheme makes of that state would hide how far it is from its own
            levels[-1].masses = stationary_masses(levels[-1].system.at(begin))
    march = March(plan.stepper, levels, plan.control, begin, float(plan.times[-1]), report)
    if plan.bars and plan.stepper.limited:
        last = levels[-1]
        march.clocks = [_level(plan, last.system.grid, last.masses) for _ in range(2)]
    return march


def _level(plan: Plan, grid: Grid, masses: Array) -> Level:
    return Level(Discretisation(plan.problem, grid, plan.flux), masses, np.zeros(2 * grid.dimension))


def bar_of(plan: Plan, march: March) -> float:
    """L1 error bar of the finest level."""
    bar = refinement_bar([level.masses for level in march.levels], plan.order)
    if march.clocks:
        whole, halves = march.clocks
        bar += time_bar(float(np.sum(np.abs(whole.masses - halves.masses))), plan.stepper.order)
    return bar
