"""Measuring one forward process and one start in the plane: every quantity with its bar, every rate in time."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.grids import Grid
from fpsolve.kernels.threads import serial_algebra
from fpsolve.measuring.plane_numerics import PlaneNumerics, masses_cut
from fpsolve.measuring.speeds import measured_speed, swirl_cost
from fpsolve.planar.comparison import Compared, Comparison
from fpsolve.planar.divergence import chi_squared
from fpsolve.planar.ends import distance_of_ends
from fpsolve.planar.instants import Columns, Instants
from fpsolve.processes.plane.base import Nodes, PlaneProcess
from fpsolve.processes.plane.geodesic import PlaneGeodesic
from fpsolve.quadrature import Array
from fpsolve.thermodynamics import Measurement

#: the least change by a window that is worth reporting
REPORTED_CUT = 1e-8
#: panels in time, tried in turn
PANELS = (1, 2, 4)
#: rates of the forward process at an instant
Rates = Callable[[float], dict[str, Estimate]]
#: instants at which the speed is measured from the densities alone, as parts of tau
PROBES = (0.1, 0.35, 0.6, 0.85)


def measure_plane(
    process: PlaneProcess, start: PlaneDensity, numerics: PlaneNumerics
) -> tuple[Measurement, Measurement, dict[str, float]]:
    """Measure a forward process in the plane and the estimated process from a start.

    Parameters
    ----------
    process : PlaneProcess
    start : PlaneDensity
        P~ at t = tau.
    numerics : PlaneNumerics

    Returns
    -------
    measurement : Measurement
        At the quadrature's own instants.
    stored : Measurement
        At the ends of the stored intervals, by the polynomial through those instants.
    truncated : dict
        What the window cuts off.
    """
    with serial_algebra():
        if numerics.window is None:
            return _measure(process, start, numerics)
        truncated = masses_cut(process, start, numerics)
        whole, _, _ = _measure(process, start, dataclasses.replace(numerics, window=None))
        windowed, stored, _ = _measure(process, start, numerics)
    missing = {name: whole.quantities[name].value - each.value for name, each in windowed.quantities.items()}
    missing = {name: value for name, value in missing.items() if not abs(value) <= REPORTED_CUT}
    missing = {name: value for name, value in missing.items() if not math.isnan(value)}
    return dataclasses.replace(windowed, whole=whole), stored, truncated | missing


def _measure(
    process: PlaneProcess, start: PlaneDensity, numerics: PlaneNumerics
) -> tuple[Measurement, Measurement, dict[str, float]]:
    window, truncated = numerics.window, masses_cut(process, start, numerics)
    divergence = chi_squared(process.final, start, window)

    @functools.cache  # not of the nodes: at many instants they would fill the memory
    def rates(t: float) -> dict[str, Estimate]:
        return _rates(process, t, process.nodes(t, numerics.grid), numerics)

    forward, integrals = _forward(process, rates)
    for panels in PANELS:
        both, cheap = _both(process, start, numerics, Instants(process.tau, panels), divergence, rates)
        if "v_loss_squared" not in both.values:
            break
        loss = both.integral("v_loss_squared")
        integrals["c1"] = loss.estimate
        if loss.settled or not cheap:
            break
    quantities = _quantities(process, both, integrals, divergence, numerics.grid)
    inner = both.instants.inner
    measured = Measurement(
        tau=process.tau,
        quantities=quantities,
        times=both.instants.times[inner],
        series={k: v[inner] for k, v in both.values.items()},
        errors={k: v[inner] for k, v in both.errors.items()},
        probes=tuple(_probe(process, p * process.tau, numerics) for p in PROBES if window is None),
        temperature=process.temperature(both.instants.times[inner]),
        geodesic=isinstance(process, PlaneGeodesic),
        conservative=process.conservative,
        tolerance=numerics.tolerance,
        note="" if window is None else f"window {window}",
    )
    every = np.linspace(0.0, process.tau, numerics.steps + 1)
    series, errors = ({**one, **other} for one, other in zip(both.at(every), forward.at(every), strict=True))
    series["v2"] = np.sqrt(series["action"])
    temperature = process.temperature(every)
    stored = dataclasses.replace(measured, times=every, series=series, errors=errors, temperature=temperature)
    return measured, stored, truncated


def _forward(process: PlaneProcess, rates: Rates) -> tuple[Columns, dict[str, Estimate]]:
    """Rates of the forward process alone, on as many panels as their time integrals need, and these integrals."""
    for panels in PANELS:
        columns = Columns(Instants(process.tau, panels))
        for t in columns.instants.times:
            columns.add(**rates(float(t)))
        found = {name: columns.integral(name) for name in ("action", "dissipation", "v2")}
        if process.action is not None or all(each.settled for each in found.values()):
            break
    integrals = {name: each.estimate for name, each in found.items()}
    if process.action is not None:
        length = _root(process.action.scaled(process.tau))
        integrals = {"action": process.action, "dissipation": process.action, "v2": length}
    return columns, integrals


def _both(
    process: PlaneProcess,
    start: PlaneDensity,
    numerics: PlaneNumerics,
    instants: Instants,
    divergence: Estimate,
    rates: Rates,
) -> tuple[Columns, bool]:
    """Both processes at every instant, and whether all distances were cheap."""
    compare = numerics.compare or Comparison(process, start, numerics.grid, numerics.inside).at
    columns, cheap = Columns(instants, backward=True), True
    # from tau backward: each distance begins with the potential of the one before
    for done, t in enumerate(instants.times[::-1]):
        if numerics.progress is not None:
            numerics.progress(f"t = {t:.3g}", done, instants.times.size)
        found = compare(float(t), process.nodes(float(t), numerics.grid))
        cheap = cheap and found.cheap
        columns.add(**rates(float(t)), **_compared(found, divergence))
    return columns, cheap


def _rates(process: PlaneProcess, t: float, nodes: Nodes, numerics: PlaneNumerics) -> dict[str, Estimate]:
    """Dissipation, speed and moments of the flow, and the balance of entropy."""
    inside = numerics.inside
    weight = nodes.weight if inside is None else np.where(inside(nodes.x, nodes.y), nodes.weight, 0.0)
    noise = ROUNDING + 100.0 * abs(float(np.sum(nodes.weight)) - 1.0)

    def total(values: Array) -> Estimate:
        terms = weight * values
        return Estimate(float(np.sum(terms)), noise * float(np.sum(np.abs(terms))) + nodes.unresolved(terms))

    u, place = nodes.velocity, np.stack([nodes.x, nodes.y])
    found = {"dissipation": total(np.sum(u**2, axis=0))}
    known = process.action
    if known is not None:
        found["dissipation"] = known.scaled(1.0 / process.tau)
    moving = process.moving(t, nodes)
    found["action"] = found["dissipation"] if process.conservative else total(np.sum(moving**2, axis=0))
    swirl = process.swirl(t, nodes.x, nodes.y)
    if swirl is not None:
        found["action"] = found["action"] - swirl_cost(process, t, numerics.grid)
    found["v2"] = _root(found["action"])
    found["second_moment"] = total(np.sum(place**2, axis=0))
    found["second_moment_rate"] = total(2.0 * np.sum(place * u, axis=0))
    drift = total(u[0]), total(u[1])
    size = math.hypot(drift[0].value, drift[1].value)
    found["mean_rate"] = Estimate(size, drift[0].error + drift[1].error)
    for name, row in zip(("mean", "mean_y"), place, strict=True):
        found[name] = total(row)
    pull = process.force_over_temperature(t, nodes.x, nodes.y)
    if pull is not None and nodes.score is not None:
        found["system"] = total(-np.sum(u * nodes.score, axis=0))
        found["bath"] = total(np.sum(u * pull, axis=0))
    else:
        found["system"] = found["bath"] = Estimate(math.nan, math.nan)
    return found


def _root(square: Estimate) -> Estimate:
    value = math.sqrt(max(square.value, 0.0))
    error = math.sqrt(square.error) if value == 0.0 else min(square.error / (2.0 * value), math.sqrt(square.error))
    return Estimate(value, error)


def _compared(found: Compared, divergence: Estimate) -> dict[str, Estimate]:
    row = {"W1": found.distance, "W1_rate": found.rate, "chi2": found.divergence}
    if divergence.finite and divergence.value > 0.0:
        row["v_loss_squared"] = found.rate.squared() / divergence
    return row


def _quantities(
    process: PlaneProcess,
    both: Columns,
    integrals: dict[str, Estimate],
    divergence: Estimate,
    grid: Grid,
) -> dict[str, Estimate]:
    final, initial = (both.estimate("W1", i) for i in (0, -1))
    action = integrals["action"]
    if not divergence.finite:
        eta = c1 = Estimate.undefined(f"D0 is infinite: {divergence.why}")
    elif divergence.value == 0.0:
        eta = c1 = Estimate.undefined("D0 is zero: the start is the forward process' own end")
    else:
        eta, c1 = (final - initial).squared() / divergence.scaled(process.tau), integrals["c1"]
    return {
        "eta": eta,
        "c1": c1,
        "c2": action,
        "dissipation": action if process.conservative else integrals["dissipation"],
        "D0": divergence,
        "W1_initial": initial,
        "W1_final": final,
        "W2": distance_of_ends(process, grid),
        "path_length": integrals["v2"],
    }


def _probe(process: PlaneProcess, t: float, numerics: PlaneNumerics) -> dict[str, float | tuple[float, float]]:
    """Speeds from the motion of the densities alone, at an instant."""
    return {"t": t} | {k: (e.value, e.error) for k, e in measured_speed(process, t, numerics.grid).items()}
