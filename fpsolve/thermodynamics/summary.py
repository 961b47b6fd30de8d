"""What a ledger comes to: the quantities of the contract, and the measurement that the relations compare."""

from __future__ import annotations

import numpy as np
import xarray as xr

from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.thermodynamics.measurement import Measurement

#: quantity -> (variable of the ledger, whether its change since the start is meant)
_TOTALS = {
    "work": ("work", False),
    "heat": ("heat", False),
    "energy_change": ("energy", True),
    "entropy_production": ("entropy_production", False),
    "system_entropy_change": ("system_entropy", True),
    "bath_entropy_change": ("bath_entropy", False),
    "excess": ("excess", False),
    "housekeeping": ("housekeeping", False),
    "coupling": ("coupling", False),
    "free_energy_change": ("equilibrium_free_energy", True),
    "path_length": ("path_length", False),
}
_LENGTHS = ("path_length", "W2")
_ENERGIES = ("work", "heat", "energy_change", "free_energy_change")
#: name of a series of a measurement -> variable of the ledger
_SERIES = {
    "dissipation": "dissipation_rate",
    "system": "system_entropy_rate",
    "bath": "bath_entropy_rate",
    "v1": "v1",
    "second_moment": "second_moment",
    "second_moment_rate": "second_moment_rate",
    "projection": "projection",
}
#: parts of the duration at which the two sides of the excess bound are compared
_PROBES = (0.0, 0.25, 0.5, 0.75, 1.0)


def totals(ledger: xr.Dataset) -> dict[str, Estimate]:
    """Work, heat, entropies, decomposition, path length and W2 over the whole run, by the names of the contract."""
    found = {}
    for name, (variable, change) in _TOTALS.items():
        values, bars = ledger[variable].values, ledger[f"{variable}_error"].values
        unit = "L" if name in _LENGTHS else "L²/s" if name in _ENERGIES else "1"
        value, error = float(values[-1]), float(bars[-1])
        if change:
            value, error = value - float(values[0]), error + float(bars[0])
        if np.isfinite(value):
            found[name] = Estimate(value, error, unit)
        else:
            found[name] = Estimate.undefined(_why(ledger, variable), unit)
    distance = ledger["W2"]
    if np.isfinite(distance):
        found["W2"] = Estimate(float(distance), float(ledger["W2_error"]), "L")
    else:
        found["W2"] = Estimate.undefined(distance.attrs.get("why", "it was not computed"), "L")
    return found


def _why(ledger: xr.Dataset, variable: str) -> str:
    key = "why_no_equilibrium" if variable == "equilibrium_free_energy" else "why_no_parts"
    return str(ledger.attrs.get(key, "it has no finite value"))


def measurement(ledger: xr.Dataset, mobility: float, tolerance: float) -> Measurement:
    """The sides of the relations (36)-(76) for a solution.

    Parameters
    ----------
    ledger : xarray.Dataset
        What :func:`fpsolve.ledger` returned.
    mobility : float
        T S' times it is the mean square velocity, which transport bounds; nan for a matrix.
    tolerance : float
        Bar, relative to the larger side, above which a relation is undecided.
    """
    times = np.asarray(ledger["time"].values, float)
    held, errors = {}, {}
    speeds = {str(name): str(name) for name in ledger if str(name).startswith("speed_")}
    speeds = {name: variable for name, variable in speeds.items() if not name.endswith("_error")}
    for name, variable in (_SERIES | speeds).items():
        if variable in ledger:
            held[name], errors[name] = _pair(ledger, variable)
    speed, bar = _pair(ledger, "v2")
    held["action"], errors["action"] = speed**2, 2.0 * speed * bar + bar**2
    rates = [_pair(ledger, name) for name in ("mean_rate", "mean_rate_x", "mean_rate_y") if name in ledger]
    held["mean_rate"] = np.sqrt(np.sum([value**2 for value, _ in rates], axis=0))
    errors["mean_rate"] = np.sum([error for _, error in rates], axis=0)
    found = totals(ledger)
    quantities = {"path_length": found["path_length"], "W2": found["W2"]}
    quantities["c2"] = _last(ledger, "action")
    quantities["dissipation"] = _last(ledger, "dissipation").scaled(mobility)
    conservative = not np.any(ledger["coupling"].values) and not np.any(ledger["housekeeping"].values)
    if conservative:  # one and the same integral
        quantities["c2"] = quantities["dissipation"]
    probes = () if conservative else _probes(ledger, mobility)
    temperature = ledger["temperature"].values
    return Measurement(
        float(times[-1] - times[0]), quantities, times, held, errors, probes,
        temperature if np.all(np.isfinite(temperature)) else None, conservative=conservative, tolerance=tolerance,
    )  # fmt: skip


def _probes(ledger: xr.Dataset, mobility: float) -> tuple[dict[str, object], ...]:
    """Squared speed and dissipation at a few instants, where they are not one and the same."""
    (speed, bar), (rate, error) = _pair(ledger, "v2"), _pair(ledger, "dissipation_rate")
    times = ledger["time"].values
    chosen = np.unique(np.round(np.array(_PROBES) * (times.size - 1)).astype(int))
    return tuple(
        {
            "t": float(times[i]),
            "v2_squared": (float(speed[i] ** 2), float(2.0 * speed[i] * bar[i] + bar[i] ** 2)),
            "dissipation": (float(mobility * rate[i]), float(mobility * error[i])),
        }
        for i in chosen
    )


def _pair(ledger: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(ledger[name].values, float)
    return values, np.asarray(ledger[f"{name}_error"].values, float) + ROUNDING * np.abs(values)


def _last(ledger: xr.Dataset, name: str) -> Estimate:
    value, error = (float(ledger[key].values[-1]) for key in (name, f"{name}_error"))
    return Estimate(value, error) if np.isfinite(value) else Estimate.undefined(_why(ledger, name))
