"""The rectangle that holds both processes at all times."""

from __future__ import annotations

import itertools

import numpy as np

from fpsolve.densities.plane.base import Box, PlaneDensity
from fpsolve.grids import Grid
from fpsolve.planar.logarithms import log_density, ratio_box, ratio_diverges
from fpsolve.processes.plane.base import FlowingProcess
from fpsolve.processes.plane.characteristics import carried
from fpsolve.quadrature import Array

#: probability left outside on either side, and part of the largest value below which P, P~ and P~² / P do not count
TAIL = 1e-9
#: points along an axis of the cloud that is carried back, instants at which it is looked at, and room beyond it
_CLOUD, _STEPS, _ROOM = 48, 8, 0.02


def window_of_ends(*ends: PlaneDensity) -> Box:
    """Sides that hold all but 1e-9 of each density, and of the squared ratio of the last two."""
    boxes = [np.array(density.interval(TAIL)) for density in ends]
    reference, other = ends[-2:]
    if not ratio_diverges(reference, other):
        boxes.append(ratio_box(reference, other, -np.log(TAIL)))
    return _with_room(np.stack(boxes))


def window_of(process: FlowingProcess, start: PlaneDensity) -> Box:
    """Sides that hold both processes at all times.

    Parameters
    ----------
    process : FlowingProcess
    start : PlaneDensity
        P~ at t = tau.

    Returns
    -------
    ((lower, upper), (lower, upper))
    """
    tau, final = process.tau, process.final
    points = _cloud(final, start)
    boxes = [np.array(process.density(tau).interval(TAIL)), np.array(start.interval(TAIL)), _box(points)]
    times = tau * np.linspace(1.0, 0.0, _STEPS + 1)
    for begin, end in itertools.pairwise(times):
        points = carried(lambda s, x, y: process.flow(s, x, y).velocity, begin, end, points, accuracy=1e-3)
        boxes += [_box(points), np.array(process.density(end).interval(TAIL))]
    return _with_room(np.stack(boxes))


def _cloud(final: PlaneDensity, start: PlaneDensity) -> Array:
    """Points at t = tau wherever P, P~ or, if it can be integrated, P~² / P counts."""
    finite = not ratio_diverges(final, start)
    sides = ratio_box(final, start, -np.log(TAIL)) if finite else np.array(_joined(final, start))
    along = [np.linspace(low, high, _CLOUD) for low, high in sides]
    x, y = (part.ravel() for part in np.meshgrid(*along, indexing="ij"))
    log_p, log_q = log_density(final)(x, y), log_density(start)(x, y)
    kinds = [log_p, log_q, *([2.0 * log_q - log_p] if finite else [])]
    held = np.any([kind > np.max(kind) + np.log(TAIL) for kind in kinds], axis=0)
    return np.stack([x[held], y[held]])


def _joined(*densities: PlaneDensity) -> Box:
    boxes = np.array([density.interval(TAIL) for density in densities])
    low, high = boxes[:, :, 0].min(axis=0), boxes[:, :, 1].max(axis=0)
    return (low[0], high[0]), (low[1], high[1])


def _box(points: Array) -> Array:
    return np.stack([points.min(axis=1), points.max(axis=1)], axis=1)


def _with_room(boxes: Array) -> Box:
    low, high = boxes[:, :, 0].min(axis=0), boxes[:, :, 1].max(axis=0)
    room = _ROOM * (high - low)
    (a, c), (b, d) = (low - room).tolist(), (high + room).tolist()
    return (a, b), (c, d)


def grid_over(box: Box, cells: tuple[int, int]) -> Grid:
    """Equal cells over a rectangle."""
    return Grid.plane([side[0] for side in box], [side[1] for side in box], cells)


def box_of(grid: Grid) -> Box:
    """Sides of the rectangle that a grid fills."""
    first, second = ((float(axis.edges[0]), float(axis.edges[-1])) for axis in grid.axes)
    return first, second
