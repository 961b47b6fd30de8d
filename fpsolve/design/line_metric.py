"""The metric on schedules that data on the line define: g by quadrature over x, to 1e-9 of the turn."""

from __future__ import annotations

import math

import numpy as np

from fpsolve.densities import Density
from fpsolve.densities.base import LABEL_TAIL
from fpsolve.design.metric import FLOOR, Circle, ScheduleMetric, angles, check_metric, fitted
from fpsolve.mesh import marched
from fpsolve.processes import Diffusion
from fpsolve.processes.base import distinct
from fpsolve.quadrature import TAIL_FACTOR, panel_nodes

#: standard deviations of the noise beyond the outermost data up to which x is integrated
_BEYOND = 12.0


def line_metric(data: Density, lower: float = 0.0, upper: float = math.inf) -> ScheduleMetric:
    """The metric that data on the line define; parameters and errors as for :func:`schedule_metric`."""
    moment = float(data.moment(2))
    check_metric(moment, lower, upper)
    scale = math.sqrt(moment)
    process, support = Diffusion(data, Circle(scale)), data.interval(LABEL_TAIL)
    panels, bars = fitted(lambda chi: _turning(process, support, scale, chi), *angles(lower, upper, scale))
    return ScheduleMetric(moment, panels, bars)


def _turning(process: Diffusion, ends: tuple[float, float], scale: float, chi: float) -> tuple[float, float]:
    """Turning rate g at one angle, and its error bar: v₂ on the circle, over its radius."""
    density = process.density(chi)
    signal, _, variance, _ = process.schedule.curve(np.array([chi]))[0]
    low, high = signal * np.array(ends) + _BEYOND * math.sqrt(variance) * np.array([-1.0, 1.0])
    inside = np.concatenate([density.breaks(), density.kinks()])
    hard = distinct(np.sort(np.concatenate([[low, high], inside[(inside > low) & (inside < high)]])))
    x, kronrod, gauss = panel_nodes(marched(hard, *density.features()))
    state = process.state(chi, x)
    flow = state.pdf * state.velocity**2
    value = float(kronrod @ flow)
    outer = float(kronrod[:15] @ flow[:15] + kronrod[-15:] @ flow[-15:])
    bar = abs(value - float(gauss @ flow)) + TAIL_FACTOR * outer
    bar += (process.precision + density.unresolved()) * value
    rate = math.sqrt(max(value, 0.0)) / scale
    # rounding of the velocity itself, which may cancel down to nothing
    return math.hypot(rate, FLOOR), min(bar / (2.0 * scale**2 * max(rate, FLOOR)), math.sqrt(bar) / scale) + FLOOR
