"""Incomplete estimation in the plane: the bounds (100) and the distance between the data and what is generated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.estimates import Estimate
from fpsolve.grids import Grid
from fpsolve.learning.estimation import (
    IncompleteEstimation,
    bounds,
    integral,
    integral_relations,
    maximum,
    root_bar,
)
from fpsolve.learning.learned_plane import LearnedPlane
from fpsolve.learning.plane_run import Labels, PlaneField, PlaneRun, followed, log_pdf, marched
from fpsolve.processes.plane.base import FlowingProcess
from fpsolve.quadrature import Array
from fpsolve.settings import number, whole
from fpsolve.transport.plane import beckmann

#: least number of panels in time; Runge-Kutta steps between stored times of the coarser and the finer run
_PANELS, _SUBSTEPS = 4, (1, 2)
#: probability beyond a lattice over P_t, its spacing in units of the smallest width, and most points along an axis
_TAIL, _STEP, _MOST = 1e-18, 0.25, 320
#: probability beyond the rectangle on which W1 is solved; steps of the paths to t = tau in each panel in time
_OUTSIDE, _STEPS = 1e-9, (8, 4)
#: part of D that the rim of the labels may hold: beyond it more of the same is to be feared
_RIM = 1e-3
#: Gauss points of a cell along each axis, relative to its middle in units of its width
_NODES = (-0.5 / np.sqrt(3.0), 0.5 / np.sqrt(3.0))

#: what a cone or an edge of |e| may cost, in units of the change of e from one label to the next: 0.23 for a cone on a
#: label, 0.17 for an edge along a row
_KINK = 0.3

Pair = tuple[Array, Array]


def incomplete_estimation_plane(
    process: FlowingProcess,
    start: PlaneDensity,
    learned: PlaneField,
    *,
    labels: int = 96,
    cells: int = 128,
    tolerance: float = 1e-2,
) -> IncompleteEstimation:
    """Run the estimated process with a learned velocity in the plane; see :func:`incomplete_estimation`.

    Parameters
    ----------
    process : FlowingProcess
        The forward process.
    start : PlaneDensity
        P~ at t = tau, smooth.
    learned : PlaneField
        ``velocity(t, x, y)`` and ``slope(t, x, y)``, its divergence.
    labels : int
        Points of the start along each axis, even; every second one is a coarser lattice for the bars.
    cells : int
        Cells along each axis for W1, about as many as points from which P~ is traced there from t = 0 to tau.
    tolerance : float
        Error bar, relative to the larger side, above which a relation is undecided.

    Raises
    ------
    InputError
        A velocity that cannot be followed; numbers that are not allowed.
    """
    count = whole("labels", labels, least=8, most=1000)
    size, tolerance = whole("cells", cells, least=16, most=2048), number("tolerance", tolerance, above=0.0)
    panels = _time_panels(process, learned)
    lattice = Labels.over(start, count)
    run = followed(learned, lattice, panels, _SUBSTEPS[1])
    rough = followed(learned, lattice.part(0), panels, _SUBSTEPS[0])
    series, errors = _rates(process, learned, run, rough)
    tau = process.tau
    greatest = maximum(run.times, series["chi2"], errors["chi2"])

    def over_time(name: str, unit: str) -> Estimate:
        return integral(panels, series[name][run.inner], errors[name][run.inner], name, unit)

    first, last = _distances(process, start, learned, run, panels, size)
    quantities = {
        "W1_start": last,
        "W1_data": first,
        "delta_W1": (first - last).scaled(1.0, "L"),
        "D_start": _end(series["chi2"][-1], errors["chi2"][-1]),
        "D_data": _end(series["chi2"][0], errors["chi2"][0]),
    }
    cost, square = over_time("dissipation", "L²/s"), over_time("square_error", "L²/s")
    quantities |= bounds(tau, greatest, square, cost, over_time("sharp", "L"))
    relations = integral_relations(tau, quantities, tolerance)
    parameters = 2 * learned.basis.size if isinstance(learned, LearnedPlane) else 0
    return IncompleteEstimation(parameters, run.times, series, errors, quantities, relations, run)


def _end(value: float, bar: float) -> Estimate:
    """D at one of the ends."""
    return Estimate(float(value), float(bar)) if np.isfinite(value) else Estimate.infinite("P~²/P is not integrable")


def _time_panels(process: FlowingProcess, learned: PlaneField) -> Array:
    """Edges in time between which the learned velocity is smooth."""
    parts = [np.linspace(0.0, process.tau, _PANELS + 1)]
    if isinstance(learned, LearnedPlane):
        parts.append(learned.basis.time.knots())
    edges = np.unique(np.concatenate(parts))
    return edges[np.concatenate([[True], np.diff(edges) > 1e-12 * process.tau])]


def _rates(
    process: FlowingProcess, learned: PlaneField, run: PlaneRun, rough: PlaneRun
) -> tuple[dict[str, Array], dict[str, Array]]:
    """D, T S' and both errors at each time, with their bars; and the local bound."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for j, t in enumerate(run.times.tolist()):
        found = _of_run(process, learned, run, rough, j) | _of_process(process, learned, t)
        for name, pair in found.items():
            rows.setdefault(name, []).append(pair)
    series = {name: np.array([value for value, _ in pairs]) for name, pairs in rows.items()}
    errors = {name: np.array([bar for _, bar in pairs]) for name, pairs in rows.items()}
    with np.errstate(invalid="ignore"):  # where D is infinite
        drive = np.sqrt(np.maximum(series["dissipation"] * series["chi2"], 0.0))
        series["sharp"] = drive + series["error"]
        errors["sharp"] = errors["error"] + root_bar(series, errors, drive)
    return series, errors


def _of_run(
    process: FlowingProcess, learned: PlaneField, run: PlaneRun, rough: PlaneRun, j: int
) -> dict[str, tuple[float, float]]:
    """D_t and E_P~ |e|: sums over labels, against those over lattices of twice the spacing and over longer steps."""
    ratio, gap, kink = _integrands(process, learned, run, j)
    other = _integrands(process, learned, rough, j)
    parity, out = run.labels.parity, {}
    for name, values, less, shift in (("chi2", ratio, other[0], 1.0), ("error", gap, other[1], 0.0)):
        with np.errstate(over="ignore", invalid="ignore"):
            total = float(np.sum(values))
            quarters = 4.0 * np.bincount(parity, values, minlength=4)
            # with |values| alone, errors of the paths could cancel between labels
            paths = float(np.sum(np.abs(less - 4.0 * values[parity == 0])))
            bar = float(np.max(np.abs(quarters - total))) + paths
            rim = float(np.sum(values[run.labels.rim]))
        infinite = not np.isfinite(total) or rim > _RIM * abs(total)
        out[name] = (np.inf, np.nan) if infinite else (max(total - shift, 0.0), bar + 10.0 * rim)
    # an edge may lie so that no lattice tells it from another
    out["error"] = out["error"][0], out["error"][1] + float(np.sum(kink))
    return out


def _integrands(process: FlowingProcess, learned: PlaneField, run: PlaneRun, j: int) -> tuple[Array, Array, Array]:
    """Terms of the sums over labels for 1 + D and E_P~ |e|, and for the bar where |e| is not smooth."""
    t, (x, y) = float(run.times[j]), run.x[j]
    flow = process.flow(t, np.ascontiguousarray(x), np.ascontiguousarray(y))
    mass = np.exp(run.labels.log_density) * run.labels.area
    velocity = learned.velocity(t, x, y)
    gap = np.where(np.isfinite(flow.velocity), flow.velocity - velocity, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = np.exp(run.labels.log_density - run.stretch[j] - flow.log_density)
        error = np.hypot(gap[0], gap[1])
        return mass * ratio, mass * error, _KINK * mass * np.maximum(run.labels.variation(gap) - error, 0.0)


def _of_process(process: FlowingProcess, learned: PlaneField, t: float) -> dict[str, tuple[float, float]]:
    """T S' and E_P e²: sums over a lattice, against those over every second of its points."""
    sides, finest = process.density(t).interval(_TAIL), process.resolved(t).finest or np.inf
    counts = [int(np.clip(2 * np.ceil(0.5 * (b - a) / (_STEP * finest)), 32, _MOST)) for a, b in sides]
    places = [a + (b - a) * (np.arange(n) + 0.5) / n for (a, b), n in zip(sides, counts, strict=True)]
    x, y = (part.ravel() for part in np.meshgrid(*places, indexing="ij"))
    flow = process.flow(t, x, y)
    area = float(np.prod([(b - a) / n for (a, b), n in zip(sides, counts, strict=True)]))
    velocity, mass = flow.velocity, area * np.exp(flow.log_density)
    sound = (mass > 0.0) & np.all(np.isfinite(velocity), axis=0)
    gap = learned.velocity(t, x, y) - velocity
    out = {}
    for name, field in (("dissipation", velocity), ("square_error", gap)):
        values = np.where(sound, mass * np.sum(np.where(sound, field, 0.0) ** 2, axis=0), 0.0).reshape(*counts)
        total = float(np.sum(values))
        quarters = [4.0 * float(np.sum(values[i::2, k::2])) for i in (0, 1) for k in (0, 1)]
        out[name] = total, max(abs(part - total) for part in quarters) + 1e-13 * total
    return out


def _distances(
    process: FlowingProcess, start: PlaneDensity, learned: PlaneField, run: PlaneRun, panels: Array, cells: int
) -> tuple[Estimate, Estimate]:
    """W1 between P and P~ at t = 0 and at t = tau, L."""
    weight = run.density(-1) / np.max(run.density(-1))
    held = run.x[0][:, weight > _OUTSIDE]
    sides = np.array(process.initial.interval(_OUTSIDE))
    low, high = np.minimum(sides[:, 0], held.min(axis=1)), np.maximum(sides[:, 1], held.max(axis=1))
    grid = Grid.plane(tuple(low), tuple(high), (cells, cells))
    edges = [axis.edges for axis in grid.axes]
    fine, coarse = _generated(start, learned, grid, panels)
    first = _distance(grid, process.initial.cell_masses(*edges), fine, coarse)
    boxes = np.array([process.final.interval(_OUTSIDE), start.interval(_OUTSIDE)])
    grid = Grid.plane(tuple(boxes[:, :, 0].min(axis=0)), tuple(boxes[:, :, 1].max(axis=0)), (cells, cells))
    edges = [axis.edges for axis in grid.axes]
    masses = start.cell_masses(*edges)
    return first, _distance(grid, process.final.cell_masses(*edges), masses, masses)


def _distance(grid: Grid, masses: Array, others: Array, rough: Array) -> Estimate:
    """W1 of cell masses, with what the others may be wrong by: carried through the middle of the mass."""
    sums = [float(np.sum(part)) for part in (masses, others, rough)]
    scaled = [part / total for part, total in zip((masses, others, rough), sums, strict=True)]
    found = beckmann(grid, scaled[0] - scaled[1]).distance
    x, y = np.meshgrid(grid.axes[0].centres, grid.axes[1].centres, indexing="ij")
    centre = [float(np.sum(part * scaled[1])) for part in (x, y)]
    reach = np.hypot(x - centre[0], y - centre[1])
    wrong = float(np.sum(reach * np.abs(scaled[1] - scaled[2])))
    cut = float(np.max(reach)) * sum(abs(1.0 - part) for part in sums[:2])
    return Estimate(found.value, found.error + wrong + cut, "L")


def _generated(start: PlaneDensity, learned: PlaneField, grid: Grid, panels: Array) -> Pair:
    """Cell masses of P~ at t = 0, from its logarithm at points traced to t = tau; and the same with half of all."""
    sides = [(axis.edges[0], axis.edges[-1]) for axis in grid.axes]
    count = grid.shape[0]
    found = []
    for points, steps in zip((2 * (count // 2) + 1, count // 2 + 1), _STEPS, strict=True):
        places = [np.linspace(a, b, points) for a, b in sides]
        state = np.stack(np.meshgrid(*places, indexing="ij")).reshape(2, -1)
        state = np.vstack([state, np.zeros(state.shape[1])])
        for begin, end in zip(panels[:-1].tolist(), panels[1:].tolist(), strict=True):
            state = marched(learned, state[:2], state[2], begin, end, steps)
        logarithm = np.maximum(log_pdf(start, state[:2]) + state[2], -200.0).reshape(points, points)
        found.append(_masses(RectBivariateSpline(*places, logarithm), grid))
    return found[0], found[1]


def _masses(logarithm: RectBivariateSpline, grid: Grid) -> Array:
    """Cell masses of a density whose logarithm is known, by two Gauss points along each axis."""
    out: NDArray[np.float64] = np.zeros(grid.shape)
    for a in _NODES:
        for b in _NODES:
            places = (axis.centres + part * axis.widths for axis, part in zip(grid.axes, (a, b), strict=True))
            out += np.exp(logarithm(*places))
    return 0.25 * out * np.multiply.outer(grid.axes[0].widths, grid.axes[1].widths)
