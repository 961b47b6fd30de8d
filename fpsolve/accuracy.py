"""The speed-accuracy experiment: measure one forward process and one start, then check every relation."""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.bounds import RELATIONS
from fpsolve.cases import Case, pack
from fpsolve.densities import Density
from fpsolve.dynamics import case_of
from fpsolve.estimated import FIRST_PANELS, Estimated, ExactEstimate, GridEstimate, Window
from fpsolve.estimates import ROUNDING, TOLERANCE, Estimate, Relation
from fpsolve.processes import Geodesic, Process
from fpsolve.quadrature import Array, TimePanels, integrate_in_time
from fpsolve.results import SpeedAccuracy
from fpsolve.reverse import Composition
from fpsolve.settings import InputError
from fpsolve.thermodynamics import (
    Measurement,
    Series,
    chi_squared,
    entropy_rates,
    flow_rates,
    transport_speed,
)
from fpsolve.transport.coupling import Coupling

#: instants at which the speed in W2 is measured from the densities alone, as parts of tau
PROBES = (0.1, 0.35, 0.6, 0.85)
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


def check_relations(m: Measurement) -> list[Relation]:
    """Every relation of the paper that a speed-accuracy experiment can check, each with margin and verdict."""
    return [relation(m.widened()) for relation in RELATIONS]


def _measure(
    process: Process, composition: Composition, estimated: Estimated, numerics: Numerics
) -> tuple[Measurement, Measurement]:
    tau, window = process.tau, numerics.window
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
    panels = TimePanels.uniform(tau, min(numerics.steps, FIRST_PANELS))
    limit = 160 if estimated.flexible else panels.edges.size - 1
    integrals = integrate_in_time(integrands, panels, most_panels=limit)
    values, errors = scalars(np.linspace(0.0, tau, numerics.steps + 1))
    ends = {name: _at_ends(values[name], errors[name]) for name in ("W1",)}
    quantities = _quantities(process, integrals.value, integrals.error, divergence, ends["W1"], why)
    probes = tuple(
        {"t": t} | transport_speed(process, t, composition.labels) for t in _probe_times(process) if window is None
    )
    times = np.concatenate([c[0] for c in collected])
    order = np.argsort(times)
    common = {
        "tau": tau,
        "quantities": quantities,
        "probes": probes,
        "geodesic": isinstance(process, Geodesic),
        "tolerance": numerics.tolerance,
        "note": "" if window is None else f"window [{window[0]:g}, {window[1]:g}]",
    }
    series = {k: np.concatenate([c[1][k] for c in collected])[order] for k in collected[0][1]}
    bars = {k: np.concatenate([c[2][k] for c in collected])[order] for k in collected[0][2]}
    every = np.linspace(0.0, tau, numerics.steps + 1)
    measured = Measurement(
        times=times[order], series=series, errors=bars, temperature=process.temperature(times[order]), **common
    )
    return measured, Measurement(
        times=every, series=values, errors=errors, temperature=process.temperature(every), **common
    )


def _probe_times(process: Process) -> Array:
    """Instants for the measurement of speed from densities, halfway between kinks of the process."""
    times = np.array(PROBES) * process.tau
    kinks = np.concatenate([[0.0], process.kinks(), [process.tau]])
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
    derived = {"v2": (root, np.minimum(root_bar, np.sqrt(bar)))}
    if divergence.finite and divergence.value > 0.0:
        rate, rate_bar = series["W1_rate"]
        squared = rate**2 / divergence.value
        widened = (2.0 * np.abs(rate) * rate_bar + rate_bar**2) / divergence.value
        derived["v_loss_squared"] = squared, widened + squared * divergence.error / divergence.value
    return derived


def _at_ends(value: Array, error: Array) -> tuple[Estimate, Estimate]:
    return Estimate(float(value[0]), float(error[0]), "L"), Estimate(float(value[-1]), float(error[-1]), "L")


def _quantities(
    process: Process,
    value: dict[str, float],
    error: dict[str, float],
    divergence: Estimate,
    distances: tuple[Estimate, Estimate],
    why: str,
) -> dict[str, Estimate]:
    final, initial = distances
    if why:
        final = Estimate.undefined(why, "L")
    action = Estimate(value["dissipation"], error["dissipation"] + ROUNDING * value["dissipation"], "L2/s")
    if not divergence.finite:
        eta = c1 = Estimate.undefined(f"D0 is infinite: {divergence.why}", "L2/s")
    elif divergence.value == 0.0:
        eta = c1 = Estimate.undefined("D0 is zero: the start is the forward process' own end", "L2/s")
    else:
        change = final - initial
        eta = dataclasses.replace(change.squared() / divergence.scaled(process.tau), unit="L2/s")
        c1 = Estimate(value["v_loss_squared"], error["v_loss_squared"] + ROUNDING * value["v_loss_squared"], "L2/s")
        if why:
            c1 = Estimate.undefined(why, "L2/s")
    coupling = process.coupling if isinstance(process, Geodesic) else Coupling(process.initial, process.final)
    return {
        "eta": eta,
        "c1": c1,
        "c2": action,
        "dissipation": action,
        "D0": divergence,
        "W1_initial": initial,
        "W1_final": final,
        "W2": Estimate(*coupling.wasserstein(2.0), "L"),
        "path_length": Estimate(value["v2"], error["v2"] + ROUNDING * value["v2"], "L"),
    }


def _masses_cut(composition: Composition, numerics: Numerics) -> dict[str, float]:
    """Largest masses outside the window at any stored time; more than the allowed part is an error."""
    assert numerics.window is not None
    ends = np.array(numerics.window)
    cut = {"mass": 0.0, "mass_estimated": 0.0}
    for t in np.linspace(0.0, composition.process.tau, 11):
        for name, (cdf, sf) in (("mass", composition.process.tails(t, ends)), ("mass_estimated", composition.tails(t, ends))):
            cut[name] = max(cut[name], float(cdf[0] + sf[1]))
    worst = max(cut, key=lambda name: cut[name])
    if cut[worst] > MOST_CUT:
        raise InputError(
            "window",
            f"given [{ends[0]:g}, {ends[1]:g}], which cuts {cut[worst]:.2%} of the "
            f"{'estimated' if 'estimated' in worst else 'forward'} process' mass; at most 1% is allowed (widen it)",
        )
    return cut


#: series of a result: name -> (long name, unit, equation)
RATES = {
    "dissipation": ("dissipation_rate", "dissipation rate T S'", "L2/s2", "36"),
    "v2": ("v2", "speed in the 2-Wasserstein distance", "L/s", "66"),
    "v1": ("v1", "speed in the 1-Wasserstein distance", "L/s", "slides"),
    "v_loss": ("v_loss", "speed of the loss", "L/s", "80"),
    "W1": ("W1", "1-Wasserstein distance between the two processes", "L", "58"),
    "W1_rate": ("W1_rate", "rate of that distance in forward time", "L/s", "85"),
    "chi2": ("chi2", "chi-squared divergence between the two processes", "1", "78"),
    "mean": ("mean", "mean of the forward process", "L", "73"),
    "second_moment": ("second_moment", "E[x^2] of the forward process", "L2", "73"),
    "entropy_production": ("entropy_production_rate", "entropy production rate", "1/s", "36"),
}


def speed_accuracy(forward: xr.Dataset, generated: xr.Dataset) -> SpeedAccuracy:
    """Verify the speed-accuracy relations for a forward process and an estimated one.

    Parameters
    ----------
    forward : xarray.Dataset
        What :func:`fpsolve.diffuse` returned.
    generated : xarray.Dataset
        What :func:`fpsolve.generate` returned for it.

    Returns
    -------
    SpeedAccuracy
        η ≤ c₁ ≤ c₂ and every other relation, each side with an error bar (77)-(82).

    Raises
    ------
    InputError
        The two do not belong together, or a window cuts more than 1% of a mass.
    """
    case, origin = case_of(generated), case_of(forward)
    if not same_process(origin, case):
        raise InputError("generated", "it was generated from another forward process; pass the pair that belongs together")
    return assess(case, generated)


def same_process(one: Case, other: Case) -> bool:
    """Whether two cases have the same data and schedule."""
    (text, arrays), (other_text, others) = (
        pack({"data": case.data.recipe(), "schedule": case.schedule.recipe()}) for case in (one, other)
    )
    return text == other_text and all(np.array_equal(array, others[name]) for name, array in arrays.items())


def assess(case: Case, fields: xr.Dataset) -> SpeedAccuracy:
    """Measure a case and check every relation; the fields are those that ``generate`` stored for it."""
    began = time.perf_counter()
    if case.start is None:
        raise InputError("start", "missing; an estimated process begins somewhere")
    process = case.process
    numerics = Numerics(case.steps, case.restriction, case.tolerance)
    measured, stored, truncated = measure(process, case.start, numerics, _route(case, process))
    data = fields.assign({name: array for name, array in rates_of(stored).items()})
    chi2, start = measured.series["chi2"], measured.quantities["D0"]
    diagnostics = {
        "mass_error": float(np.max(np.abs(1.0 - _mass(data)))),
        "minimum_density": float(data["density_estimated"].min()),
        "chi2_drift": float(np.nanmax(np.abs(chi2 - start.value))) if start.finite else None,
        "truncated": {key: value if math.isfinite(value) else "inf" for key, value in truncated.items()},
        "seconds": time.perf_counter() - began,
    }
    return SpeedAccuracy(case.recipe(), measured.quantities, tuple(check_relations(measured)), data, diagnostics)


def _route(case: Case, process: Process) -> Callable[[Window], Estimated] | None:
    """How the estimated process of a case is computed; None for the exact composition."""
    if case.estimated == "exact" or case.start is None:
        return None
    return functools.partial(GridEstimate, process, case.start, case.estimated, case.cells, case.steps)


def rates_of(stored: Measurement) -> dict[str, xr.Variable]:
    """The measured series at the stored times as variables with attributes."""
    series = dict(stored.series)
    if "v_loss_squared" in series:
        series["v_loss"] = np.sqrt(series["v_loss_squared"])
    if stored.temperature is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            series["entropy_production"] = series["dissipation"] / stored.temperature
    return {
        name: xr.Variable("time", series[key], {"long_name": text, "units": units, "equation": equation})
        for key, (name, text, units, equation) in RATES.items()
        if key in series
    }


def _mass(data: xr.Dataset) -> Array:
    widths = np.diff(data["x_face"].values)
    return np.sum(data["density_estimated"].values * widths, axis=1)
