"""Incomplete estimation: what a learned velocity costs in accuracy, against bounds that allow for its error (100)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fpsolve.densities import Density
from fpsolve.estimates import ROUNDING, Estimate, Relation
from fpsolve.learning.bases import Basis
from fpsolve.learning.learned_run import SUBSTEPS, LearnedField, Run, follow, label_edges
from fpsolve.learning.matching import Learned, flow_matching
from fpsolve.learning.slices import (
    differentiated,
    forward_slices,
    integral_with_sign,
    label_slices,
    widened,
)
from fpsolve.processes import Process
from fpsolve.quadrature import GAUSS, KRONROD, Array
from fpsolve.settings import whole
from fpsolve.thermodynamics.rates import Series, integral_of_modulus, with_rounding

#: least number of panels in time, and a D whose bar may exceed it
_PANELS, _LEAST = 8, 1e-9
#: how much less the labels of the coarser run resolve
_ROUGHER = 30.0


@dataclasses.dataclass(frozen=True, eq=False)
class IncompleteEstimation:
    """The estimated process of a learned velocity, and the bounds of its error.

    Parameters
    ----------
    parameters : int
        Size of the basis (zero for a velocity that is not made of one).
    times : (n,) array
        Increasing forward times from 0 to tau, s.
    series, errors : dict of (n,) arrays
        ``W1`` (L), ``W1_rate`` (L/s, forward time), ``chi2`` (D_t), ``chi2_rate`` (1/s), ``dissipation`` (T S', L²/s²),
        ``square_error`` (E_P |e|², L²/s²), ``error`` (E_P~ |e|, L/s), ``sharp`` (the local bound, L/s), and their bars.
    quantities : dict of Estimate
        ``W1_start``, ``W1_data``, ``delta_W1``, ``D_start``, ``D_data``, ``D_max``; ``W1_balance`` and ``D_balance``
        (value at tau minus value at 0 minus the integral of the rate: zero); ``loss`` (L of (100)), ``dissipation``
        (int T S' dt), ``sharp_bound`` and ``bound`` (both of |delta_W1|, L).
    relations : tuple of Relation
        ``incomplete-estimation`` (100), ``incomplete-estimation-sharp``, ``incomplete-estimation-local``.
    run : Run
        The estimated process itself: points ``run.x[j]`` at ``times[j]``, and its density there ``run.density(j)``.
    """

    parameters: int
    times: Array
    series: dict[str, Array]
    errors: dict[str, Array]
    quantities: dict[str, Estimate]
    relations: tuple[Relation, ...]
    run: Run

    def row(self) -> dict[str, float]:
        """The line of a table: parameters, loss, |delta_W1| and both bounds."""
        names = ("loss", "W1_data", "delta_W1", "D_max", "sharp_bound", "bound")
        return {"parameters": self.parameters} | {name: self.quantities[name].value for name in names}


def incomplete_estimation(
    process: Process,
    start: Density,
    learned: LearnedField,
    *,
    resolution: float = 2e-8,
    most_panels: int = 300,
    tolerance: float = 1e-3,
) -> IncompleteEstimation:
    """Run the estimated process with a learned velocity from t = tau to 0, and compare its error with the bounds.

    With e = u_theta - nu, in forward time,

    * |d W1 / dt| <= sqrt(T S' D_t) + E_P~ |e|, dD/dt = 2 int h (dh/dx) e P dx, h = P~ / P;
    * |delta_W1| <= int [sqrt(T S' D_t) + E_P~ |e|] dt (the sharper bound);
    * |delta_W1| / sqrt(tau D_max) <= sqrt(int T S' dt) + sqrt(1 + 1/D_max) sqrt(tau L) (100).

    Parameters
    ----------
    process : Process
        The forward process.
    start : Density
        P~ at t = tau.
    learned : LearnedField
        ``velocity(t, x)`` and ``slope(t, x)``: see :func:`fpsolve.learning.matching.flow_matching`.
    resolution : float
        Part of W1 and of 1 + D at t = 0 that a panel of labels may leave open before it is halved.
    most_panels : int
        Most panels of labels: the flow of a velocity of low degree is not smooth, and the bars then tell.
    tolerance : float
        Error bar, relative to the larger side, above which a relation is undecided: wider than elsewhere, for the
        same reason.

    Raises
    ------
    InputError
        A velocity that is not finite at t = tau.
    """
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
        errors["sharp"] = errors["error"] + _root_bar(series, errors, drive)
    quantities = _quantities(process.tau, panels, fine=runs[1], series=series, errors=errors)
    size = learned.basis.size if isinstance(learned, Learned) else 0
    relations = (*_integral_relations(process.tau, quantities, tolerance), _local(runs[1], series, errors, tolerance))
    return IncompleteEstimation(size, runs[1].times, series, errors, quantities, relations, runs[1])


def basis_table(process: Process, start: Density, bases: Iterable[Basis], **options: Any) -> list[dict[str, float]]:
    """How error and bounds grow as the basis shrinks: one row of :meth:`IncompleteEstimation.row` for each basis."""
    return [
        incomplete_estimation(process, start, flow_matching(process, basis), **options).row() for basis in bases
    ]  # fmt: skip


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


def _root_bar(series: dict[str, Array], errors: dict[str, Array], drive: Array) -> Array:
    """Bar of sqrt(T S' D), from the bars of both factors."""
    upper = (series["dissipation"] + errors["dissipation"]) * (series["chi2"] + errors["chi2"])
    lower = np.maximum(series["dissipation"] - errors["dissipation"], 0.0)
    lower = lower * np.maximum(series["chi2"] - errors["chi2"], 0.0)
    return np.maximum(np.sqrt(upper) - drive, drive - np.sqrt(lower))


def _quantities(
    tau: float, panels: Array, fine: Run, series: dict[str, Array], errors: dict[str, Array]
) -> dict[str, Estimate]:
    """Ends, integrals over time and the greatest D."""

    def integral(name: str, unit: str) -> Estimate:
        half = 0.5 * np.diff(panels)[:, None]
        values, bars = series[name][fine.inner].reshape(-1, KRONROD.size), errors[name][fine.inner]
        total = float(np.sum(half * KRONROD * values))
        if not np.isfinite(total):
            return Estimate.infinite(f"the integral of {name} diverges", unit)
        gaps = np.abs(np.sum(half * (KRONROD - GAUSS) * values, axis=1))  # of each panel: they must not cancel
        bar = float(np.sum((half * KRONROD).ravel() * bars)) + float(np.sum(gaps))
        return Estimate(total, bar + ROUNDING * abs(total), unit)

    def at(name: str, index: int, unit: str) -> Estimate:
        value, bar = float(series[name][index]), float(errors[name][index])
        if not (np.isfinite(value) and (name != "chi2" or bar <= max(value, _LEAST))):
            return Estimate.infinite(f"{name} diverges", unit)
        return Estimate(value, bar, unit)

    start, data = at("W1", -1, "L"), at("W1", 0, "L")
    divergence = at("chi2", -1, "1"), at("chi2", 0, "1")
    greatest = _maximum(fine.times, series["chi2"], errors["chi2"])
    square, cost = integral("square_error", "L²/s"), integral("dissipation", "L²/s")
    first = _root(Estimate(tau) * greatest * cost)
    second = _root(Estimate(tau) * (greatest + Estimate(1.0)) * square)
    return {
        "W1_start": start,
        "W1_data": data,
        "delta_W1": data - start,
        "W1_balance": start - data - integral("W1_rate", "L"),
        "D_start": divergence[0],
        "D_data": divergence[1],
        "D_max": greatest,
        "D_balance": divergence[0] - divergence[1] - integral("chi2_rate", "1"),
        "loss": square.scaled(1.0 / tau, "L²/s²"),
        "dissipation": cost,
        "sharp_bound": integral("sharp", "L") if greatest.finite else greatest,
        "bound": dataclasses.replace(first + second, unit="L"),
    }


def _maximum(times: Array, values: Array, bars: Array) -> Estimate:
    """The greatest sample; the bar reaches up to the parabola through it and its neighbours."""
    if not (np.all(np.isfinite(values)) and np.all(bars <= np.maximum(values, _LEAST))):
        return Estimate.infinite("P~²/P is not integrable at every time: P~ has the wider tails (take a better basis)")
    k = int(np.argmax(values))
    top = float(values[k])
    if 0 < k < values.size - 1:
        bend, slope, _ = np.polyfit(times[k - 1 : k + 2] - times[k], values[k - 1 : k + 2] - values[k], 2)
        top += float(-0.25 * slope**2 / bend) if bend < 0.0 else 0.0
    return Estimate(top, float(bars[k]) + (top - float(values[k])), "1")


def _root(square: Estimate) -> Estimate:
    if not square.finite:
        return square
    value = float(np.sqrt(max(square.value, 0.0)))
    low, high = np.sqrt(max(square.value - square.error, 0.0)), np.sqrt(max(square.value, 0.0) + square.error)
    return Estimate(value, float(max(value - low, high - value)) + ROUNDING * value, "L")


def _integral_relations(tau: float, q: dict[str, Estimate], tolerance: float) -> tuple[Relation, Relation]:
    """(100) and the sharper bound, both divided by sqrt(tau D_max), which must not vanish."""
    names = ("incomplete-estimation", "100", "bound"), ("incomplete-estimation-sharp", "100, sharpened", "sharp_bound")
    unit, found = float(np.sqrt(tau * q["D_max"].value)), []
    for name, equation, key in names:
        if not (np.isfinite(unit) and unit > 0.0):
            found.append(Relation.undefined(name, equation, q["D_max"].why or "D_max is zero"))
            continue
        error = (q["delta_W1"].error + q[key].error) / unit
        sides = abs(q["delta_W1"].value) / unit, q[key].value / unit
        found.append(Relation(name, equation, *sides, error, tolerance=tolerance, note="over sqrt(tau D_max)"))
    return found[0], found[1]


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
