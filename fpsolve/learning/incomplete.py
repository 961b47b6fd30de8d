"""Incomplete estimation: what a learned velocity costs in accuracy, against bounds that allow for its error (100)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np

from fpsolve.densities import Density, PlaneDensity, as_density
from fpsolve.estimates import Estimate, Relation
from fpsolve.learning.bases import Basis
from fpsolve.learning.estimation import (
    LEAST,
    IncompleteEstimation,
    bounds,
    integral,
    integral_relations,
    maximum,
    root_bar,
)
from fpsolve.learning.incomplete_plane import incomplete_estimation_plane
from fpsolve.learning.learned_plane import LearnedPlane
from fpsolve.learning.learned_run import SUBSTEPS, LearnedField, Run, follow, label_edges
from fpsolve.learning.matching import Learned, flow_matching
from fpsolve.learning.plane_run import PlaneField
from fpsolve.learning.radial import RadialBasis
from fpsolve.learning.slices import (
    differentiated,
    forward_slices,
    integral_with_sign,
    label_slices,
    widened,
)
from fpsolve.processes import Process
from fpsolve.processes.plane.base import FlowingProcess, PlaneProcess
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, number, whole
from fpsolve.thermodynamics.rates import Series, integral_of_modulus, with_rounding

#: least number of panels in time
_PANELS = 8
#: how much less the labels of the coarser run resolve
_ROUGHER = 30.0


def incomplete_estimation(
    process: Process | PlaneProcess,
    start: Density | PlaneDensity,
    learned: LearnedField | PlaneField,
    *,
    resolution: float = 2e-8,
    most_panels: int = 300,
    labels: int = 96,
    cells: int = 128,
    tolerance: float | None = None,
) -> IncompleteEstimation:
    """Run the estimated process with a learned velocity from t = tau to 0, and compare its error with the bounds.

    With e = u_theta - nu, in forward time,

    * |d W1 / dt| <= sqrt(T S' D_t) + E_P~ |e|, dD/dt = 2 int h (dh/dx) e P dx, h = P~ / P;
    * |delta_W1| <= int [sqrt(T S' D_t) + E_P~ |e|] dt (the sharper bound);
    * |delta_W1| / sqrt(tau D_max) <= sqrt(int T S' dt) + sqrt(1 + 1/D_max) sqrt(tau L) (100).

    Parameters
    ----------
    process : Process or FlowingProcess
        The forward process, on the line or in the plane. In the plane rates of W1 and D are not looked at.
    start : Density or PlaneDensity
        P~ at t = tau.
    learned : LearnedField or PlaneField
        ``velocity(t, x)`` and ``slope(t, x)``: see :func:`fpsolve.learning.matching.flow_matching`. In the plane
        ``velocity(t, x, y)`` and ``slope(t, x, y)``, the divergence.
    resolution : float
        Line: part of W1 and of 1 + D at t = 0 that a panel of labels may leave open before it is halved.
    most_panels : int
        Line: most panels of labels. The flow of a velocity of low degree is not smooth, and the bars then tell.
    labels, cells : int
        Plane: points along each axis, of the start and of the grid for W1.
    tolerance : float, optional
        Error bar, relative to the larger side, above which a relation is undecided: 1e-3 on the line, for the same
        reason, and 1e-2 in the plane.

    Raises
    ------
    InputError
        A velocity that is not finite at t = tau; a process, a start and a velocity that do not fit together.
    """
    plane = isinstance(process, PlaneProcess)
    if isinstance(start, PlaneDensity) and not plane:
        raise InputError("start", "given a density in the plane; the process is on the line")
    if isinstance(learned, Learned if plane else LearnedPlane):
        raise InputError("learned", f"given a {type(learned).__name__}; it has another dimension than the process")
    if isinstance(process, PlaneProcess):
        if not (isinstance(process, FlowingProcess) and isinstance(start, PlaneDensity)):
            raise InputError("start", "in the plane expected a density there, and a process that knows its velocity")
        limit = 1e-2 if tolerance is None else number("tolerance", tolerance, above=0.0)
        field = cast(PlaneField, learned)
        return incomplete_estimation_plane(process, start, field, labels=labels, cells=cells, tolerance=limit)
    limit = 1e-3 if tolerance is None else number("tolerance", tolerance, above=0.0)
    fine = number("resolution", resolution, above=0.0)
    return _on_the_line(process, as_density(start), cast(LearnedField, learned), fine, most_panels, limit)


def _on_the_line(
    process: Process, start: Density, learned: LearnedField, resolution: float, most_panels: int, tolerance: float
) -> IncompleteEstimation:
    """Both runs, their rates and what follows."""
    panels = _time_panels(process, learned)
    most = whole("most_panels", most_panels, least=2)
    runs = []
    for substeps, rougher, fewer in zip(SUBSTEPS, (_ROUGHER, 1.0), (2, 1), strict=True):
        edges = label_edges(process, start, learned, panels, rougher * resolution, most // fewer)
        runs.append(follow(process, start, learned, panels, edges, substeps))
    coarse, fine = (_estimated_rates(process, learned, run) for run in runs)
    forward = _forward_rates(process, learned, runs[1].times)
    coarse, fine = coarse | forward, fine | forward
    series = {name: value for name, (value, _) in fine.items()}
    with np.errstate(invalid="ignore"):  # where D is infinite
        errors = {name: bar + np.abs(value - coarse[name][0]) for name, (value, bar) in fine.items()}
        drive = np.sqrt(np.maximum(series["dissipation"] * series["chi2"], 0.0))
        series["sharp"] = drive + series["error"]
        errors["sharp"] = errors["error"] + root_bar(series, errors, drive)
    quantities = _quantities(process.tau, panels, fine=runs[1], series=series, errors=errors)
    size = learned.basis.size if isinstance(learned, Learned) else 0
    relations = (*integral_relations(process.tau, quantities, tolerance), _local(runs[1], series, errors, tolerance))
    return IncompleteEstimation(size, runs[1].times, series, errors, quantities, relations, runs[1])


def basis_table(
    process: Process | PlaneProcess, start: Density | PlaneDensity, bases: Iterable[Basis | RadialBasis], **options: Any
) -> list[dict[str, float]]:
    """How error and bounds grow as the basis shrinks: one row of :meth:`IncompleteEstimation.row` for each basis."""
    train: Any = flow_matching
    return [incomplete_estimation(process, start, train(process, basis), **options).row() for basis in bases]


def _time_panels(process: Process, learned: LearnedField) -> Array:
    """Edges in time between which the learned velocity and the process are smooth."""
    parts: Sequence[Array] = [np.linspace(0.0, process.tau, _PANELS + 1), process.kinks()]
    knots = learned.basis.time.knots() if isinstance(learned, Learned) else np.empty(0)
    edges = np.unique(np.concatenate([*parts, knots]))
    return edges[np.concatenate([[True], np.diff(edges) > 1e-12 * process.tau])]


def _forward_rates(process: Process, learned: LearnedField, times: Array) -> Series:
    """T S' and E_P e² at each time, with their bars."""
    found: dict[str, list[tuple[Array, Array]]] = {"dissipation": [], "square_error": []}
    for t in times.tolist():
        slices, wanted = forward_slices(process, learned, t)
        found["dissipation"].append(with_rounding(slices, slices.pdf * slices.velocity**2))
        found["square_error"].append(with_rounding(slices, slices.pdf * (wanted - slices.velocity) ** 2))
    return {
        name: (np.concatenate([v for v, _ in pairs]), np.concatenate([b for _, b in pairs]))
        for name, pairs in found.items()
    }


def _estimated_rates(process: Process, learned: LearnedField, run: Run) -> Series:
    """Distances, D and errors at the times of a run, with the bars of the quadratures."""
    parts = [_at(process, learned, run, j) for j in range(run.times.size)]
    log_p, lead, velocity, u = (np.stack(rows) for rows in zip(*parts, strict=True))
    log_q, mass, gap = run.log_start - run.stretch, np.exp(run.log_start), u - velocity
    slices = label_slices(run)
    with np.errstate(over="ignore", invalid="ignore"):
        growth = np.exp(run.stretch)
        flow = growth * np.exp(log_p) * velocity - mass * u
        excess = (np.exp(0.5 * (run.stretch - log_p) + log_q) - np.exp(0.5 * (run.stretch + log_p))) ** 2
        push = 2.0 * gap * np.exp(2.0 * log_q - log_p)
        tilt, rough = (differentiated(run.edges, log_q - log_p, every) * push for every in (1, 2))
        rows = {"W1": growth * lead, "W1_rate": flow, "chi2": excess, "chi2_rate": tilt, "error": mass * gap}
        flat = {name: row.ravel() for name, row in rows.items()}
        found = {
            "W1": integral_of_modulus(slices, flat["W1"]),
            "W1_rate": integral_with_sign(slices, lead.ravel(), flat["W1_rate"]),
            "chi2": with_rounding(slices, flat["chi2"]),
            "chi2_rate": with_rounding(slices, flat["chi2_rate"]),
            "error": integral_of_modulus(slices, flat["error"]),
        }
        found = {name: widened(slices, flat[name], value) for name, value in found.items()}
        return found | {"chi2_rate": widened(slices, flat["chi2_rate"], found["chi2_rate"], rough.ravel())}


def _at(process: Process, learned: LearnedField, run: Run, j: int) -> tuple[Array, Array, Array, Array]:
    """Log density, F~ - F, exact and learned velocity at the points of a run at one of its times."""
    t, x = float(run.times[j]), run.x[j]
    density = process.density(t)
    _, below, above = density.tails(x)
    velocity, u = process.velocity(t, x), learned.velocity(t, x)
    lead = np.where(below < above, run.below - below, above - run.above)
    return density.logpdf(x), lead, np.where(np.isfinite(velocity), velocity, u), u


def _quantities(
    tau: float, panels: Array, fine: Run, series: dict[str, Array], errors: dict[str, Array]
) -> dict[str, Estimate]:
    """Ends, integrals over time and the greatest D."""

    def at(name: str, index: int, unit: str) -> Estimate:
        value, bar = float(series[name][index]), float(errors[name][index])
        if not (np.isfinite(value) and (name != "chi2" or bar <= max(value, LEAST))):
            return Estimate.infinite(f"{name} diverges", unit)
        return Estimate(value, bar, unit)

    def over_time(name: str, unit: str) -> Estimate:
        return integral(panels, series[name][fine.inner], errors[name][fine.inner], name, unit)

    start, data = at("W1", -1, "L"), at("W1", 0, "L")
    divergence = at("chi2", -1, "1"), at("chi2", 0, "1")
    greatest = maximum(fine.times, series["chi2"], errors["chi2"])
    square, cost, sharp = over_time("square_error", "L²/s"), over_time("dissipation", "L²/s"), over_time("sharp", "L")
    return {
        "W1_start": start,
        "W1_data": data,
        "delta_W1": (data - start).scaled(1.0, "L"),
        "W1_balance": start - data - over_time("W1_rate", "L"),
        "D_start": divergence[0],
        "D_data": divergence[1],
        "D_balance": divergence[0] - divergence[1] - over_time("chi2_rate", "1"),
    } | bounds(tau, greatest, square, cost, sharp)


def _local(run: Run, series: dict[str, Array], errors: dict[str, Array], tolerance: float) -> Relation:
    """The sharper bound at the instant of least margin."""
    rate = np.abs(series["W1_rate"])
    with np.errstate(invalid="ignore"):
        margin = series["sharp"] - rate
    k = int(np.argmin(np.where(np.isfinite(margin), margin, np.inf)))  # where D is infinite there is no bound
    error = float(errors["W1_rate"][k] + errors["sharp"][k])
    sides = float(rate[k]), float(series["sharp"][k])
    note = f"least margin at t = {run.times[k]:.4g}"
    return Relation("incomplete-estimation-local", "100, local", *sides, error, tolerance=tolerance, note=note)
