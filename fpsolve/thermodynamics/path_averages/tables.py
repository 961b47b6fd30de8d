"""From numbers with bars to a Dataset."""

from __future__ import annotations

import numpy as np
import xarray as xr

#: name -> (long name, equation)
_LONG = {
    "work_mean": ("mean work", "slides 004"),
    "work_variance": ("variance of the work", "slides 004"),
    "jarzynski": ("mean of exp(-W/T)", "47-50"),
    "free_energy_change": ("change of the equilibrium free energy -T ln Z", "47-50"),
    "exponential_of_free_energy": ("exp(-dF/T)", "47-50"),
    "equilibrium_start": ("whether the start is the equilibrium of the first time", "47-50"),
    "generating_function": ("generating function, the mean of exp(-theta W/T) or exp(-theta s)", "50"),
    "fluctuation_theorem": ("mean of exp(-s)", "50"),
    "irreversible": ("probability of the backward process to end where the start has nothing", "50"),
    "entropy_production_mean": ("mean of s, by the derivative of its generating function: D(P_F || P_B)", "47, 49"),
    "entropy_production": ("entropy production of system and bath along the run", "40"),
    "entropy_production_variance": ("variance of s", "50"),
    "bath_entropy_mean": ("mean entropy that enters the bath", "39"),
    "grid_entropy_production_mean": ("mean of s of the jump process on the finest grid", "47, 49"),
    "grid_entropy_production": ("entropy production along the run on the finest grid", "40"),
    "evidence_bound": ("lower bound K of the mean log-likelihood", "51"),
    "log_likelihood": ("mean log-likelihood L, the integral of q ln p", "51"),
    "gap": ("L - K: divergence of the paths given their ends", "51"),
}

#: name -> (value, error), or (values, errors) over theta
Numbers = dict[str, tuple[object, object]]


def table(numbers: Numbers, theta: tuple[float, ...], flags: dict[str, object], title: str) -> xr.Dataset:
    """A Dataset of scalars with their bars; ``generating_function`` has the dimension ``theta``."""
    variables: dict[str, xr.Variable] = {}
    for name, (value, error) in numbers.items():
        dimensions: tuple[str, ...] = ("theta",) if np.ndim(value) else ()  # type: ignore[arg-type]
        long_name, equation = _LONG[name]
        entries = {"units": "1", "long_name": long_name, "equation": equation}
        variables[name] = xr.Variable(dimensions, value, entries)
        variables[f"{name}_error"] = xr.Variable(
            dimensions, error, {"units": "1", "long_name": f"error bar: {long_name}"}
        )
    for name in [name for name in flags if name in _LONG]:
        entries = {"units": "1", "long_name": _LONG[name][0], "equation": _LONG[name][1]}
        variables[name] = xr.Variable((), flags.pop(name), entries)
    coordinates = {}
    if theta:
        coordinates["theta"] = ("theta", np.array(theta), {"units": "1", "long_name": "argument"})
    kept = {name: flag for name, flag in flags.items() if flag != ""}
    return xr.Dataset(variables, coordinates, {"Conventions": "CF-1.10", "title": title} | kept)
