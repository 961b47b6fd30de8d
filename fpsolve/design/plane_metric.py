"""The metric on schedules that data in the plane define: g by sums over the exact posterior means at many points.

On the circle E|x|² = R² the identities sum w = 1, E|x|² = R², E[x·s] = -2 (s the score) and E[x·nu] = 0 are known; what
the points miss of them goes into the bar, beside what a lattice shows of waves as short as its own spacing.
"""

from __future__ import annotations

import math

import numpy as np

from fpsolve.densities import PlaneDensity, PlaneGaussian, SwissRoll
from fpsolve.densities.panels import Panels
from fpsolve.design.metric import FLOOR, Circle, ScheduleMetric, angles, check_metric, fitted
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.grids import Grid
from fpsolve.kernels.threads import serial_algebra
from fpsolve.processes.plane.base import FlowingProcess, Nodes
from fpsolve.processes.plane.boxes import BoxProcess
from fpsolve.processes.plane.lattice import FAINT, PER_STD
from fpsolve.processes.plane.linear import LinearProcess
from fpsolve.processes.plane.mixture import components
from fpsolve.quadrature import Array
from fpsolve.schedules import Schedule
from fpsolve.settings import InputError
from fpsolve.transport.gaussian import bures
from fpsolve.transport.plane.quadratic import quadratic_transport

#: relative error of the whole turn at which panels are no longer halved, and how many there are at first
PLANE_TOLERANCE, _FIRST_PANELS = 1e-6, 2
#: bar of g below which the lattice is fine enough, how many times as fine it may be, and points that are affordable
_BAR, _FINER, _POINTS = 1e-7, (1, 2, 3, 4), 500_000
#: bar of g from which on another rule is tried
_COARSE = 1e-5
#: points for which sums over cells are affordable
_CELL_POINTS = 200_000
#: how many times over what is missed of known means counts
_CAUTION = 10.0
#: mass beyond each side of the rectangle that holds the density, and cells along each side of it
_TAIL, _CELLS = 1e-14, (16, 256)
#: mass beyond each side, and room, of the rectangle in which the ends are carried into each other
_OUTSIDE, _ROOM = 1e-12, 0.02
#: parts into which a lattice cuts a cell at most, and length of a curve in units of what surrounds it
_PARTS, _LONGEST = 50, 2e3
#: angles, as parts of a right one, from which on points may be affordable for data that are too narrow
_TRIED = np.geomspace(1e-7, 0.9, 60)
#: the same for data on cells, downwards, and the bar of g that is too wide
_PROBED, _UNRESOLVED = np.geomspace(0.5, 1e-4, 24), 3e-3


def plane_metric(data: PlaneDensity, lower: float = 0.0, upper: float = math.inf) -> ScheduleMetric:
    """The metric that data in the plane define; parameters and errors as for :func:`schedule_metric`.

    Notes
    -----
    Narrow data (a curve without blur) take ever more points as the noise goes to zero. Below the angle at which they
    become too many g is a straight line to its limit for a curve, sqrt(1/2), with the whole difference as its bar; for
    other data it is constant, and the bar holds all that 0 <= g <= 1 allows.
    """
    mean = np.asarray(data.mean)
    moment = float(np.trace(data.covariance) + mean @ mean)
    check_metric(moment, lower, upper)
    scale = math.sqrt(moment)
    process = _process(data, Circle(scale, 2))
    start, end = angles(lower, upper, scale, 2)
    with serial_algebra():
        least = _least(process, scale, start, end)
        panels, bars = fitted(
            lambda chi: _turning(process, scale, chi), least, end, PLANE_TOLERANCE, _FIRST_PANELS, True
        )
    if least > start:
        panels, bars = _continued(data, panels, bars, start)
    return ScheduleMetric(moment, panels, bars, 2)


def _process(data: PlaneDensity, schedule: Schedule) -> LinearProcess | BoxProcess:
    return LinearProcess(data, schedule) if components(data, 1.0) is not None else BoxProcess(data, schedule)


def _grid(process: FlowingProcess, chi: float) -> Grid:
    """A rectangle that holds the density, its cells as wide as the points of a lattice if they are not too many."""
    density = process.resolved(chi)
    box = np.array(density.interval(_TAIL))
    sides = box[:, 1] - box[:, 0]
    wanted = np.ceil(PER_STD * sides / (density.finest or sides))
    nx, ny = np.clip(wanted, *_CELLS).astype(int).tolist()
    return Grid.plane(box[:, 0].tolist(), box[:, 1].tolist(), (nx, ny))


def _affordable(process: LinearProcess, chi: float) -> bool:
    """Whether a lattice that resolves the density has few enough points."""
    if isinstance(process.data, SwissRoll):
        noise = float(process.kernel(chi).covariance[0, 0]) ** 0.5 / math.cos(chi)
        if process.data.length > _LONGEST * math.hypot(noise, process.data.blur):
            return False
    density, grid = process.resolved(chi), _grid(process, chi)
    parts = [math.ceil(PER_STD * axis.widths[0] / (density.finest or math.inf)) for axis in grid.axes]
    if max(parts) > _PARTS:
        return False
    masses = density.cell_masses(*(axis.edges for axis in grid.axes))
    return int(np.count_nonzero(masses > FAINT * masses.max())) * math.prod(parts) <= _POINTS


def _least(process: LinearProcess | BoxProcess, scale: float, start: float, end: float) -> float:
    """The smallest angle at which the density can be resolved."""
    if isinstance(process, LinearProcess):
        tried = np.concatenate([[start], start + (end - start) * _TRIED])
        return float(next((chi for chi in tried if _affordable(process, float(chi))), tried[-1]))
    found = end
    for chi in start + (end - start) * _PROBED:
        if _turning(process, scale, float(chi))[1] > _UNRESOLVED:
            # data of jumps alone, as histograms are
            return found
        found = float(chi)
    return start


def _turning(process: FlowingProcess, scale: float, chi: float) -> tuple[float, float]:
    """Turning rate g at one angle, and its error bar."""
    grid, best, points = _grid(process, chi), (0.0, math.inf), 0
    # sums over cells are dear
    enough = _COARSE if isinstance(process, BoxProcess) else _BAR
    for finer in _FINER:
        if points * finer**2 > _POINTS:
            break
        nodes = process.nodes(chi, grid, finer)
        points = points or nodes.x.size
        best = min(best, _rate(nodes, scale), key=lambda found: found[1])
        if best[1] < enough or nodes.spacing is None:
            break
    if best[1] > _COARSE and isinstance(process, BoxProcess):
        best = min(best, _on_lattice(process, scale, chi), key=lambda found: found[1])
    return best


def _on_lattice(process: BoxProcess, scale: float, chi: float) -> tuple[float, float]:
    """The same from a lattice of more points than a run would take, where there are too many cells for Gauss points."""
    density = process.resolved(chi)
    box = np.array(density.interval(_TAIL))
    cells = np.ceil(PER_STD * (box[:, 1] - box[:, 0]) / density.noise)
    if math.prod(cells.tolist()) > _CELL_POINTS:
        return 0.0, math.inf
    nx, ny = cells.astype(int).tolist()
    return _rate(
        FlowingProcess.nodes(process, chi, Grid.plane(box[:, 0].tolist(), box[:, 1].tolist(), (nx, ny))), scale
    )


def _rate(nodes: Nodes, scale: float) -> tuple[float, float]:
    """v₂ on the circle over its radius, and its error bar."""
    place = np.stack([nodes.x, nodes.y])
    terms = nodes.weight * np.sum(nodes.velocity**2, axis=0)
    value = float(np.sum(terms))
    bar = nodes.unresolved(terms) + value * (ROUNDING + _missed(nodes, place, scale, math.sqrt(value)))
    rate = math.sqrt(value) / scale
    bar = min(bar / (2.0 * scale**2 * max(rate, FLOOR)), math.sqrt(bar) / scale) + FLOOR
    return math.hypot(min(rate, 1.0), FLOOR), min(bar, max(rate, 1.0))


def _missed(nodes: Nodes, place: Array, scale: float, speed: float) -> float:
    """How far the points are from what is known of the mass, of E|x|², of E[x·s] and of E[x·nu], relatively."""
    known = [abs(nodes.mean(np.ones(nodes.x.size)) - 1.0), abs(nodes.mean(np.sum(place**2, axis=0)) / scale**2 - 1.0)]
    if nodes.score is not None:
        known.append(abs(0.5 * nodes.mean(np.sum(place * nodes.score, axis=0)) + 1.0))
    along = abs(nodes.mean(np.sum(place * nodes.velocity, axis=0)))
    return _CAUTION * sum(known) + along / max(scale * speed, along, FLOOR)


def _continued(data: PlaneDensity, panels: Panels, bars: Array, start: float) -> tuple[Panels, Array]:
    """One more panel, down to the angle from which on g is needed."""
    first = float(panels.tails(panels.edges[:1])[0][0])
    sharp = isinstance(data, SwissRoll) and data.blur == 0.0 and start == 0.0
    before = math.sqrt(0.5) if sharp else first
    row = np.zeros((1, panels.coefficients.shape[1]))
    row[0, :2] = 0.5 * (first + before), 0.5 * (first - before)
    bar = bars[0] + (abs(first - before) if sharp else max(first, 1.0 - first))
    edges, table = np.concatenate([[start], panels.edges]), np.concatenate([row, panels.coefficients])
    return Panels(edges, table), np.concatenate([[bar], bars])


def plane_distance(data: PlaneDensity, schedule: Schedule, cells: tuple[int, int]) -> Estimate:
    """W₂ between the densities at both ends of a schedule: exact for Gaussian data, else by transport on a grid.

    Parameters
    ----------
    data : PlaneDensity
    schedule : Schedule
    cells : (int, int)
        Of the rectangle that holds both ends.
    """
    curve = schedule.curve(np.array([0.0, schedule.tau]))
    if isinstance(data, PlaneGaussian):
        means, covariances = (
            np.multiply.outer(curve.signal, data.mean),
            [
                m**2 * data.covariance + variance * np.eye(2)
                for m, variance in zip(curve.signal, curve.variance, strict=True)
            ],
        )
        value = bures(means[0], covariances[0], means[1], covariances[1])
        return Estimate(value, 1e3 * ROUNDING * value)
    process = _process(data, schedule)
    clean = curve.variance[0] == 0.0
    if clean and curve.signal[0] != 1.0:
        raise InputError("schedule", f"m begins at {curve.signal[0]:g} without noise; in the plane it must begin at 1")
    ends = [data if clean else process.resolved(0.0), process.resolved(schedule.tau)]
    boxes = np.array([end.support if end.finest == 0.0 else end.interval(_OUTSIDE) for end in ends])
    low, high = boxes[:, :, 0].min(axis=0), boxes[:, :, 1].max(axis=0)
    room = _ROOM * (high - low)
    grid = Grid.plane(low - room, high + room, cells)
    masses = [end.cell_masses(*(axis.edges for axis in grid.axes)) for end in ends]
    with serial_algebra():
        return quadratic_transport(grid, *(each / each.sum() for each in masses)).distance.scaled(1.0, "1")
