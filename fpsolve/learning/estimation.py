"""What an incomplete estimation says, and the bounds (100) of its error made of integrals over time."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from fpsolve.estimates import ROUNDING, Estimate, Relation
from fpsolve.quadrature import GAUSS, KRONROD, Array

#: a D whose bar may exceed it
LEAST = 1e-9


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
    run : Run or PlaneRun
        The estimated process itself: points ``run.x[j]`` at ``times[j]``, and its density there ``run.density(j)``.
    """

    parameters: int
    times: Array
    series: dict[str, Array]
    errors: dict[str, Array]
    quantities: dict[str, Estimate]
    relations: tuple[Relation, ...]
    run: Any

    def row(self) -> dict[str, float]:
        """The line of a table: parameters, loss, |delta_W1| and both bounds."""
        names = ("loss", "W1_data", "delta_W1", "D_max", "sharp_bound", "bound")
        return {"parameters": self.parameters} | {name: self.quantities[name].value for name in names}


def integral(panels: Array, values: Array, bars: Array, name: str, unit: str) -> Estimate:
    """Integral over time of values at the Kronrod nodes of panels, with their bars and what the nested rules leave."""
    half = 0.5 * np.diff(panels)[:, None]
    rows = values.reshape(-1, KRONROD.size)
    total = float(np.sum(half * KRONROD * rows))
    if not np.isfinite(total):
        return Estimate.infinite(f"the integral of {name} diverges", unit)
    gaps = np.abs(np.sum(half * (KRONROD - GAUSS) * rows, axis=1))  # of each panel: they must not cancel
    bar = float(np.sum((half * KRONROD).ravel() * bars)) + float(np.sum(gaps))
    return Estimate(total, bar + ROUNDING * abs(total), unit)


def root_bar(series: dict[str, Array], errors: dict[str, Array], drive: Array) -> Array:
    """Bar of sqrt(T S' D), from the bars of both factors."""
    upper = (series["dissipation"] + errors["dissipation"]) * (series["chi2"] + errors["chi2"])
    lower = np.maximum(series["dissipation"] - errors["dissipation"], 0.0)
    lower = lower * np.maximum(series["chi2"] - errors["chi2"], 0.0)
    return np.maximum(np.sqrt(upper) - drive, drive - np.sqrt(lower))


def bounds(tau: float, greatest: Estimate, square: Estimate, cost: Estimate, sharp: Estimate) -> dict[str, Estimate]:
    """The right-hand sides, and what they are made of: D_max, int E_P e² dt, int T S' dt and the sharper bound."""
    first = root(Estimate(tau) * greatest * cost)
    second = root(Estimate(tau) * (greatest + Estimate(1.0)) * square)
    return {
        "D_max": greatest,
        "loss": square.scaled(1.0 / tau, "L²/s²"),
        "dissipation": cost,
        "sharp_bound": sharp if greatest.finite else greatest,
        "bound": dataclasses.replace(first + second, unit="L"),
    }


def maximum(times: Array, values: Array, bars: Array) -> Estimate:
    """The greatest sample; the bar reaches up to the parabola through it and its neighbours."""
    if not (np.all(np.isfinite(values)) and np.all(bars <= np.maximum(values, LEAST))):
        return Estimate.infinite("P~²/P is not integrable at every time: P~ has the wider tails (take a better basis)")
    k = int(np.argmax(values))
    top = float(values[k])
    if 0 < k < values.size - 1:
        bend, slope, _ = np.polyfit(times[k - 1 : k + 2] - times[k], values[k - 1 : k + 2] - values[k], 2)
        top += float(-0.25 * slope**2 / bend) if bend < 0.0 else 0.0
    return Estimate(top, float(bars[k]) + (top - float(values[k])), "1")


def root(square: Estimate) -> Estimate:
    """Square root with its bar, L."""
    if not square.finite:
        return square
    value = float(np.sqrt(max(square.value, 0.0)))
    low, high = np.sqrt(max(square.value - square.error, 0.0)), np.sqrt(max(square.value, 0.0) + square.error)
    return Estimate(value, float(max(value - low, high - value)) + ROUNDING * value, "L")


def integral_relations(tau: float, q: dict[str, Estimate], tolerance: float) -> tuple[Relation, Relation]:
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
