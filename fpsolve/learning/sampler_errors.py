"""Errors of samplers against their number of steps, beside the speed-accuracy bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.estimates import Estimate
from fpsolve.learning.recipes import with_recipe
from fpsolve.learning.sampler_steps import STEPS
from fpsolve.learning.samplers import NUMBERS, composed, measured, pusher
from fpsolve.measuring import Numerics, measure
from fpsolve.processes import Diffusion
from fpsolve.quadrature import Array
from fpsolve.reverse import Composition
from fpsolve.settings import InputError, suggestion, whole

_DIMS = ("sampler", "steps")
_BOUNDS = {
    "W1_start": ("W1 between the start and P_tau", "53"),
    "W1_flow": ("W1 between the density of the exact flow and the data", "53"),
    "W1_flow_bound": ("speed-accuracy bound on W1_flow, W1_start + sqrt(tau D0 c2)", "79"),
}


def sampler_errors(
    process: Diffusion,
    start: Any,
    methods: Sequence[str] = ("euler", "heun", "ddim", "ddim-midpoint"),
    steps: Sequence[int] = (8, 16, 32, 64, 128),
) -> xr.Dataset:
    """Errors of samplers of N equal steps, what they fall as, and a bound on them.

    An exact flow from a wrong start misses the data by W1(q, p) <= W1(P_tau, start) + sqrt(tau D0 c2), by (79). A
    sampler adds at most its own distance from the exact flow, so that W1 <= W1_flow_bound + W1_exact = ``bound``. Only
    W1_exact, W2_exact and KL_exact vanish with 1/N; W1 to the data falls no lower than W1_flow, the start's own error.

    Parameters
    ----------
    process : Diffusion
        Data and schedule, on the line.
    start : Density, frozen scipy.stats distribution or xarray.DataArray
        P~ at t = tau.
    methods : sequence of str
        Samplers of :func:`sample`.
    steps : sequence of int
        Numbers of equal steps in t, increasing.

    Returns
    -------
    xarray.Dataset
        (sampler, steps): all numbers of :func:`sample` and ``bound``; the orders ``W1_exact_order``,
        ``W2_exact_order`` and ``KL_exact_order`` seen from the number of steps before; ``why`` (empty, or why a
        sampler has no value there: its map folds, and all its numbers are NaN). Scalars: ``W1_start``, ``W1_flow`` and
        ``W1_flow_bound``. Each with its bar ``<name>_error``, but for the orders.

    Raises
    ------
    InputError
        An unknown method, numbers of steps that do not increase, a start that is beyond the noise.
    """
    composition = composed(process, start)
    methods, counts = _methods(methods), _counts(steps)
    flow = _bounds(composition)
    shape = len(methods), len(counts)
    values, bars = ({name: np.full(shape, np.nan) for name in (*NUMBERS, "bound")} for _ in range(2))
    why = np.full(shape, "", object)
    for place in np.ndindex(shape):
        ends = np.linspace(0.0, process.tau, counts[place[1]] + 1)
        try:
            found = measured(composition, pusher(process, methods[place[0]], ends))
        except InputError as folded:
            why[place] = folded.message
            continue
        for name, number in (found | {"bound": flow["W1_flow_bound"] + found["W1_exact"]}).items():
            values[name][place], bars[name][place] = number.value, number.error
        why[place] = "; ".join(f"{name}: {number.why}" for name, number in found.items() if number.why)
    dataset = _tables(values, bars, np.array(counts, float))
    for name, (long_name, equation) in _BOUNDS.items():
        about = {"units": "1", "long_name": long_name, "equation": equation}
        dataset[name] = ((), flow[name].value, about | ({"why": flow[name].why} if flow[name].why else {}))
        dataset[f"{name}_error"] = ((), flow[name].error, {"units": "1", "long_name": f"error bar of {name}"})
    dataset["why"] = (_DIMS, why.astype(str), {"long_name": "why there is no finite value"})
    dataset = dataset.assign_coords(sampler=list(methods), steps=list(counts)).assign_attrs(title="errors of samplers")
    parts = {"tau": process.tau, "data": process.data, "schedule": process.schedule, "start": composition.start}
    return with_recipe(dataset, parts | {"sampler_errors": {"methods": list(methods), "steps": list(counts)}})


def _methods(methods: Any) -> tuple[str, ...]:
    names = (methods,) if isinstance(methods, str) else tuple(methods)
    for name in names:
        if name not in STEPS:
            raise InputError("methods", f"given {name!r}; {suggestion(str(name), STEPS)}")
    if not names or len(set(names)) < len(names):
        raise InputError("methods", f"given {names}; expected one or more, each once")
    return names


def _counts(steps: Any) -> tuple[int, ...]:
    counts = tuple(whole("steps", count, 1, 10**6) for count in np.atleast_1d(steps).tolist())
    if not counts or np.any(np.diff(counts) <= 0):
        raise InputError("steps", f"given {counts}; expected increasing numbers of steps")
    return counts


def _bounds(composition: Composition) -> dict[str, Estimate]:
    """What is known of the exact flow from this start."""
    numbers = measure(composition.process, composition.start, Numerics(steps=8))[0].quantities
    product = (numbers["D0"] * numbers["c2"]).scaled(composition.process.tau)
    root = product
    if product.finite:
        value = math.sqrt(product.value)
        root = Estimate(value, product.error / value if value > 0.0 else math.sqrt(product.error), "L")
    bound = numbers["W1_initial"] + root if root.finite else Estimate.undefined(f"D0: {numbers['D0'].why}")
    return {"W1_start": numbers["W1_initial"], "W1_flow": numbers["W1_final"], "W1_flow_bound": bound}


def _tables(values: dict[str, Array], bars: dict[str, Array], counts: Array) -> xr.Dataset:
    """All numbers and their bars, and the orders that successive numbers of steps show."""
    variables: dict[str, Any] = {}
    for name, (long_name, unit) in (NUMBERS | {"bound": ("W1_flow_bound + W1_exact, a bound on W1", "L")}).items():
        if name == "W1_flow":  # it is the same for all
            continue
        variables[name] = (_DIMS, values[name], {"units": "1", "long_name": long_name, "dimension": unit})
        variables[f"{name}_error"] = (_DIMS, bars[name], {"units": "1", "long_name": f"error bar of {name}"})
    for name in ("W1_exact", "W2_exact", "KL_exact"):
        orders = np.full(values[name].shape, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            orders[:, 1:] = -np.diff(np.log(values[name]), axis=1) / np.diff(np.log(counts))
        long_name = f"order of {name} in 1/steps, from the number of steps before"
        variables[f"{name}_order"] = (_DIMS, orders, {"units": "1", "long_name": long_name})
    return xr.Dataset(variables)
