"""Measuring one forward process and one start: every quantity with its bar, every rate in time."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from fpsolve.bounds import RELATIONS
from fpsolve.densities import Density
from fpsolve.estimated import FIRST_PANELS, Estimated, ExactEstimate, GridEstimate, Window
from fpsolve.estimates import ROUNDING, TOLERANCE, Estimate, Relation
from fpsolve.processes import Geodesic, Process, Recorded
from fpsolve.quadrature import Array, TimePanels, integrate_in_time
from fpsolve.reverse import Composition
from fpsolve.settings import InputError
from fpsolve.thermodynamics import Measurement, Series, chi_squared, entropy_rates, flow_rates, transport_speed
from fpsolve.transport.coupling import Coupling

#: relative disagreement of the nested rules in time that is good enough
TIME_TOLERANCE = 1e-11
#: instants at which the speed in W2 is measured from the densities alone, as parts of tau
PROBES = (0.1, 0.35, 0.6, 0.85)
#: panels in time, at most: of smooth processes, and of those whose derivatives jump
MOST_PANELS = (160, 400)
#: largest part of any mass that a window may cut, and the least that is worth reporting
MOST_CUT, REPORTED_CUT = 1e-2, 1e-10


@dataclasses.dataclass(frozen=True)
class Numerics:
    """Numerical choices of an experiment.

    Parameters
    ----------
    steps : int
        Stored intervals.
    window : (lower, upper), optional
        Restricts every integral; nothing is renormalised.
    tolerance : float
        Error bar, relative to the larger side, above which a relation is undecided.
    """

    steps: int = 100
    window: Window = None
    tolerance: float = TOLERANCE


def measure(
    process: Process,
    start: Density,
    numerics: Numerics,
    estimated: Callable[[Window], Estimated] | None = None,
) -> tuple[Measurement, Measurement, dict[str, float]]:
    """Measure a forward process and the estimated process from a start.

    Parameters
    ----------
    process : Process
    start : Density
        P~ at t = tau.
    numerics : Numerics
    estimated : callable, optional
        ``window -> Estimated``; the exact composition if absent.

    Returns
    -------
    measurement : Measurement
        At the quadrature's own instants.
    stored : Measurement
        At the ends of the stored intervals (for a Dataset).
    truncated : dict
        What the window cuts off each quantity, and off the masses.
    """
    if isinstance(process, Recorded):
        return *_measure_recorded(process, start, numerics), {}
    composition = Composition(process, start)
    make = estimated or (lambda window: ExactEstimate(composition))
    whole = _measure(process, composition, make(None), dataclasses.replace(numerics, window=None))
    if numerics.window is None:
        return *whole, {}
    cut = _masses_cut(composition, numerics)
    windowed, stored = _measure(process, composition, make(numerics.window), numerics)
    windowed = dataclasses.replace(windowed, whole=whole[0])
    missing = {
        name: whole[0].quantities[name].value - value.value
        for name, value in windowed.quantities.items()
        if not whole[0].quantities[name].finite or abs(whole[0].quantities[name].value - value.value) > REPORTED_CUT
    }
    missing = {name: value for name, value in missing.items() if not math.isnan(value)}
    return windowed, stored, {name: value for name, value in cut.items() if value > REPORTED_CUT} | missing


def _measure_recorded(process: Recorded, start: Density, numerics: Numerics) -> tuple[Measurement, Measurement]:
    """Measure a recording and a coarser copy of it inside the recorded interval; the difference widens every bar."""
    low, high = process.window
    if numerics.window is not None:
        low, high = max(low, numerics.window[0]), min(high, numerics.window[1])
    numerics = dataclasses.replace(numerics, window=(low, high))
    rows = []
    for each in (process, Recorded(process.recording.coarser())):
        composition = Composition(each, start)
        _masses_cut(composition, numerics)
        cells = each.recording.edges.size - 1
        estimate = GridEstimate(each, start, "characteristics", cells, numerics.steps, numerics.window)
        rows.append(_measure(each, composition, estimate, numerics))
    (fine, stored), (coarse, _) = rows
    return fine.widened_by(coarse, 2.0), stored.widened_by(coarse, 2.0)


def check_relations(m: Measurement) -> list[Relation]:
    """Every relation of the paper that a speed-accuracy experiment can check, each with margin and verdict."""
    return [relation(m.widened()) for relation in RELATIONS]


def _measure(
    process: Process, composition: Composition, estimated: Estimated, numerics: Numerics
) -> tuple[Measurement, Measurement]:
    tau, window = process.tau, numerics.window
    distance = _distance_of_ends(process)
    divergence, _ = chi_squared(process.final, composition.start, window)
    lost = composition.lost
    why = f"{lost:.1e} of the start lies where the forward process' density is below 1e-290" if lost > 1e-12 else ""

    def scalars(times: Array) -> tuple[dict[str, Array], dict[str, Array]]:
        slices = process.slices(times, composition.labels, window)
        series = flow_rates(slices) | entropy_rates(process, slices, times) | estimated.observe(slices, times)
        series |= _derived(series, divergence)
        return {k: v[0] for k, v in series.items()}, {k: v[1] for k, v in series.items()}

    def integrands(times: Array) -> tuple[dict[str, Array], dict[str, Array]]:
        values, errors = scalars(times)
        collected.append((times, values, errors))
        names = [name for name in ("dissipation", "v2", "v_loss_squared") if name in values]
        return {n: values[n] for n in names}, {n: errors[n] for n in names}

    collected: list[tuple[Array, dict[str, Array], dict[str, Array]]] = []
    panels = TimePanels.uniform(tau, min(numerics.steps, FIRST_PANELS)).cut(_outermost(process.knots()))
    limit = MOST_PANELS[process.knots().size > 0] if estimated.flexible else panels.edges.size - 1
    finest = max(TIME_TOLERANCE, 10.0 * process.precision)
    integrals = integrate_in_time(integrands, panels, tolerance=finest, most_panels=limit)
    every = np.linspace(0.0, tau, numerics.steps + 1)
    values, errors = scalars(every)
    distances = _at_ends(values["W1"], errors["W1"])
    if window is None and not estimated.flexible:  # both densities at t = tau are given: no grid is needed there
        distances = distances[0], Estimate(*composition.initial_distance())
    quantities = _quantities(composition, integrals.value, integrals.error, divergence, distances, distance, why)
    probes = tuple(
        {"t": t} | transport_speed(process, t, composition.labels) for t in _probe_times(process) if window is None
    )
    times = np.concatenate([c[0] for c in collected])
    order = np.argsort(times)
    series = {k: np.concatenate([c[1][k] for c in collected])[order] for k in collected[0][1]}
    bars = {k: np.concatenate([c[2][k] for c in collected])[order] for k in collected[0][2]}
    measured = Measurement(
        tau=tau,
        quantities=quantities,
        times=times[order],
        series=series,
        errors=bars,
        probes=probes,
        temperature=process.temperature(times[order]),
        geodesic=isinstance(process, Geodesic),
        tolerance=numerics.tolerance,
        note="" if window is None else f"window [{window[0]:g}, {window[1]:g}]",
    )
    temperature = process.temperature(every)
    return measured, dataclasses.replace(measured, times=every, series=values, errors=errors, temperature=temperature)


def _outermost(knots: Array) -> Array:
    """The first and the last knot: beside them, in the first and the last step, a schedule from arrays may jump."""
    return knots[[0, -1]] if knots.size else knots


def _probe_times(process: Process) -> Array:
    """Instants for the measurement of speed from densities, halfway between kinks of the process."""
    times = np.array(PROBES) * process.tau
    kinks = np.concatenate([[0.0], process.knots(), [process.tau]])
    if kinks.size == 2:
        return times
    i = np.searchsorted(kinks, times)
    return 0.5 * (kinks[i - 1] + kinks[i])


def _derived(series: Series, divergence: Estimate) -> Series:
    """v₂ and v_loss² from the measured integrals."""
    action, bar = series["dissipation"]
    root = np.sqrt(np.maximum(action, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        root_bar = np.where(root > 0.0, bar / (2.0 * root), np.sqrt(bar))
    # on the line every velocity is a gradient: all that is dissipated moves mass
    derived = {"v2": (root, np.minimum(root_bar, np.sqrt(bar))), "action": (action, bar)}
    if divergence.finite and divergence.value > 0.0:
        rate, rate_bar = series["W1_rate"]
        squared = rate**2 / divergence.value
        widened = (2.0 * np.abs(rate) * rate_bar + rate_bar**2) / divergence.value
        derived["v_loss_squared"] = squared, widened + squared * divergence.error / divergence.value
    return derived


def _distance_of_ends(process: Process) -> Estimate:
    """W₂ from the data to P_tau; without second moments there is nothing to measure."""
    coupling = process.coupling if isinstance(process, Geodesic) else Coupling(process.initial, process.final)
    value, error = coupling.wasserstein(2.0)
    if not math.isfinite(value):
        raise InputError("data", "no second moment: its tails are too heavy, and every cost of transport is infinite")
    return Estimate(value, error)


def _at_ends(value: Array, error: Array) -> tuple[Estimate, Estimate]:
    return Estimate(float(value[0]), float(error[0])), Estimate(float(value[-1]), float(error[-1]))


def _quantities(
    composition: Composition,
    value: dict[str, float],
    error: dict[str, float],
    divergence: Estimate,
    distances: tuple[Estimate, Estimate],
    between_ends: Estimate,
    why: str,
) -> dict[str, Estimate]:
    final, initial = distances
    if why:
        final, initial = Estimate.undefined(why), Estimate(*composition.initial_distance())
    action = Estimate(value["dissipation"], error["dissipation"] + ROUNDING * value["dissipation"])
    if not divergence.finite:
        eta = c1 = Estimate.undefined(f"D0 is infinite: {divergence.why}")
    elif divergence.value == 0.0:
        eta = c1 = Estimate.undefined("D0 is zero: the start is the forward process' own end")
    else:
        change = final - initial
        eta = change.squared() / divergence.scaled(composition.process.tau)
        c1 = Estimate(value["v_loss_squared"], error["v_loss_squared"] + ROUNDING * value["v_loss_squared"])
        if why:
            c1 = Estimate.undefined(why)
    return {
        "eta": eta,
        "c1": c1,
        "c2": action,
        "dissipation": action,
        "D0": divergence,
        "W1_initial": initial,
        "W1_final": final,
        "W2": between_ends,
        "path_length": Estimate(value["v2"], error["v2"] + ROUNDING * value["v2"]),
    }


def _masses_cut(composition: Composition, numerics: Numerics) -> dict[str, float]:
    """Largest masses outside the window at any stored time; more than the allowed part is an error."""
    assert numerics.window is not None
    ends = np.array(numerics.window)
    cut = {"mass": 0.0, "mass_estimated": 0.0}
    for t in np.linspace(0.0, composition.process.tau, 11):
        for name, (cdf, sf) in (
            ("mass", composition.process.tails(t, ends)),
            ("mass_estimated", composition.tails(t, ends)),
        ):
            cut[name] = max(cut[name], float(cdf[0] + sf[1]))
    worst = max(cut, key=lambda name: cut[name])
    if cut[worst] > MOST_CUT:
        raise InputError(
            "window",
            f"given [{ends[0]:g}, {ends[1]:g}], which cuts {cut[worst]:.2%} of the "
            f"{'estimated' if 'estimated' in worst else 'forward'} process' mass; at most 1% is allowed (widen it)",
        )
    return cut
