"""The family of reverse SDEs: noise forgets the start on the way back (8), (9)."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fpsolve.densities import as_density
from fpsolve.densities.base import mass_between
from fpsolve.dynamics import GRID_TAIL
from fpsolve.estimates import ROUNDING, Estimate, observed_order, refinement_error, richardson
from fpsolve.learning.moving_cells import Exchange, MovingCells, clock_of, edges_of, steps_between
from fpsolve.learning.recipes import with_recipe
from fpsolve.processes import Diffusion
from fpsolve.quadrature import Array
from fpsolve.reverse import Composition
from fpsolve.schedules import Curve, Schedule
from fpsolve.settings import InputError, number, numbers, whole
from fpsolve.thermodynamics import chi_squared

#: where a reverse SDE begins, as a part of tau, if its schedule has no finite temperature at the end
_BEGIN = 1e-3
#: order of the scheme, in space and time
_ORDER = 2.0
#: most mass that may lie beyond the cells, and the part of what half of the instants change that bars hold
_LOST, _KNOWN = 1e-12, 1.0
#: first instant, as a part of the way, at which densities are known, and how many are from there to the first step
_EARLIEST, _EARLY = 1e-7, 20
#: the name of the option and of the dimension, and names of what does not depend on it
_LEVEL, _SHARED = "noise_level", ("D0", "W1_initial")
_SERIES = {
    "chi2": ("chi-squared divergence int (P~ - P)² / P dx of the estimated process", "78"),
    "chi2_rate": ("what noise takes off chi2 per reverse time, 2 lambda² T int P |d(P~/P)/dx|² dx", "78"),
    "W1": ("W1 between the estimated and the forward density", "53"),
}
_NUMBERS = {
    "D0": ("chi2 of the start", "78"),
    "D_final": ("chi2 of the generated density", "78"),
    "W1_initial": ("W1 between the start and the forward density", "53"),
    "W1_final": ("W1 between the generated density and the data", "53"),
    "eta": ("response (W1_final - W1_initial)² / ((tau - begin) D0)", "77"),
}


@dataclasses.dataclass(frozen=True, eq=False)
class _Stopped(Schedule):
    """A schedule that ends early."""

    whole: Schedule
    tau: float

    def curve(self, t: Array) -> Curve:
        return self.whole.curve(t)


@dataclasses.dataclass(frozen=True, eq=False)
class _Runs:
    """What every noise level shares."""

    cells: MovingCells
    instants: Array
    clock: tuple[Array, Array]
    #: three refinements of cells and steps, and the coarsest again with half of the instants
    exchanges: tuple[tuple[int, Exchange], ...]


def reverse_sde(
    data: Any, schedule: Any, start: Any, noise_level: Any, *, begin: Any = None, times: Any = None, cells: int = 800
) -> xr.Dataset:
    """The estimated process with noise: nu~ = -f + (1 + lambda²) T s - lambda² T d ln P~/dx, all at tau - t~.

    lambda = 0 is the probability-flow equation (10), lambda = 1 the reverse SDE (9); the score is exact. Along the flow
    h = P~/P obeys P dh/dt~ = lambda² T d/dx (P dh/dx), solved on cells of constant mass of P at three refinements;
    D = int P (h - 1)² dx falls at the rate 2 lambda² T int P |dh/dx|² dx. Cosine and conditional optimal transport have
    T ~ 1/t~ near the start: from t~ = 0 any lambda > 0 forgets the start at once (mode n of h falls as
    (t~/t~0)^(-n lambda²)). There P~ is ``start`` at a stated t~0 = ``begin``, by default 1e-3 tau; as t~0 -> 0, p -> q.

    Parameters
    ----------
    data : Density, frozen scipy.stats distribution or xarray.DataArray
        q, on the line.
    schedule : Schedule
        The curve (m, sigma).
    start : Density, frozen scipy.stats distribution or xarray.DataArray
        P~ at t~ = ``begin``.
    noise_level : float or sequence of float
        lambda >= 0; of several levels the result has a dimension ``noise_level``.
    begin : float, optional
        t~0 >= 0, s; if absent 0, or 1e-3 tau where lambda > 0 and the temperature is infinite at the end.
    times : (n,) array, optional
        Forward times to store beside 0 and tau - begin, increasing and between them; 51 equally far apart if absent.
    cells : int
        Cells of the finest solution, a multiple of four, and of the fixed grid of the result.

    Returns
    -------
    xarray.Dataset
        ``density``, ``density_estimated`` (time, x), cell averages at forward times; ``chi2``, ``chi2_rate``, ``W1``
        (time); ``D0`` (chi2 of the start), ``D_final`` (of the generated density), ``W1_initial``, ``W1_final``,
        ``eta`` = (W1_final - W1_initial)² / ((tau - begin) D0): each with its bar ``<name>_error``. Where D0 is
        infinite, the divergences and eta are NaN. The attribute ``recipe`` holds what was given.

    Raises
    ------
    InputError
        A negative noise level, a start at infinite temperature, times outside the interval, or a wrong number of cells.
    """
    if not isinstance(schedule, Schedule):
        raise InputError("schedule", f"given {type(schedule).__name__}; expected a schedule such as Cosine(tau=1.0)")
    several = np.ndim(noise_level) > 0
    levels = numbers(_LEVEL, noise_level, least=0.0) if several else (number(_LEVEL, noise_level, least=0.0),)
    if len(set(levels)) < len(levels):
        raise InputError(_LEVEL, "given a level twice; each may stand once")
    if whole("cells", cells, 32, 10**5) % 4:
        raise InputError("cells", f"given {cells}; it must be a multiple of four (the solution is refined twice)")
    begin = _beginning(schedule, max(levels), begin)
    data, start = as_density(data), as_density(start)
    process = Diffusion(data, _Stopped(schedule, schedule.tau - begin))
    composition = Composition(process, start)
    if composition.lost > _LOST:
        raise InputError("start", f"{composition.lost:.1e} of it lies where P is below 1e-290; give a narrower one")
    runs = _runs(composition, _instants(process.tau, times), clock_of(process, begin), cells, max(levels) > 0.0)
    found = [_solved(runs, level) for level in levels]
    given: dict[str, Any] = {"noise_level": list(levels) if several else levels[0], "begin": begin, "cells": cells}
    given["times"] = tuple(runs.instants.tolist())
    dataset = _beside(levels, found) if several else found[0]
    dataset = dataset.assign_attrs(title="reverse SDE", noise_level=given["noise_level"], begin=begin)
    recipe = {"data": data, "schedule": schedule, "start": start, "reverse_sde": given}
    return with_recipe(dataset, recipe | {"tau": schedule.tau})


def _beside(levels: tuple[float, ...], found: list[xr.Dataset]) -> xr.Dataset:
    """The results of several noise levels in one; what does not depend on the level stands once."""
    about = {"units": "1", "long_name": "noise level lambda"}
    shared = [name for name in found[0].data_vars if str(name) == "density" or str(name).startswith(_SHARED)]
    index = xr.DataArray(list(levels), dims=_LEVEL, name=_LEVEL, attrs=about)
    return xr.concat([each.drop_vars(shared) for each in found], index).assign(found[0][shared].data_vars)


def _runs(composition: Composition, instants: Array, clock: tuple[Array, Array], cells: int, noisy: bool) -> _Runs:
    looked = [instants]
    if noisy:
        looked += [steps_between(t, before, clock, 1) for before, t in itertools.pairwise(instants.tolist())]
        # where the data jump, densities change like the root of the time when noise begins
        looked.append(np.geomspace(_EARLIEST * instants[-1], np.unique(np.concatenate(looked))[1], _EARLY))
    held = MovingCells(composition, edges_of(composition, cells), np.unique(np.concatenate(looked)))
    kinds = ((4, 1), (2, 1), (1, 1), (4, 2)) if noisy else ((4, 1), (2, 1), (1, 1))
    exchanges = tuple((part, held.exchange(part, sparse, noisy)) for part, sparse in kinds)
    return _Runs(held, instants, clock, exchanges)


def _solved(runs: _Runs, level: float) -> xr.Dataset:
    """Everything about one noise level."""
    composition = runs.cells.composition
    every = [list(_run(runs, part, exchange, level)) for part, exchange in runs.exchanges]
    dataset = _fields(runs, level, [ratio for _, ratio in every[2]])
    rows = {name: np.array([[seen[name] for seen, _ in run[::-1]] for run in every]).T for name in _SERIES}
    series = {name: _limits(row) for name, row in rows.items()}
    last = {name: Estimate(float(series[name][0][0]), float(series[name][1][0])) for name in ("chi2", "W1")}
    numbers = _numbers(composition, last["W1"], last["chi2"])
    for name, (long_name, equation) in _SERIES.items():
        for key, row, text in zip((name, f"{name}_error"), series[name], (long_name, f"bar of {name}"), strict=True):
            known = row if name == "W1" or numbers["D0"].finite else np.full(row.size, np.nan)
            dataset[key] = ("time", known, {"units": "1", "long_name": text, "equation": equation})
    for name, estimate in numbers.items():
        long_name, equation = _NUMBERS[name]
        about = {"units": "1", "long_name": long_name, "equation": equation}
        dataset[name] = ((), estimate.value, about | ({"why": estimate.why} if estimate.why else {}))
        dataset[f"{name}_error"] = ((), estimate.error, {"units": "1", "long_name": f"error bar of {name}"})
    return dataset


def _beginning(schedule: Schedule, level: float, begin: Any) -> float:
    cold = level == 0.0 or bool(np.isfinite(schedule.curve(np.array([schedule.tau])).temperature[0]))
    if begin is None:
        return 0.0 if cold else _BEGIN * schedule.tau
    if number("begin", begin, least=0.0, below=schedule.tau) == 0.0 and not cold:
        raise InputError("begin", "the temperature is infinite there: any noise forgets the start; try 1e-3 tau")
    return float(begin)


def _instants(tau: float, times: Any) -> Array:
    """Stored forward times, both ends included."""
    if times is None:
        return np.linspace(0.0, tau, 51)
    given = np.array(numbers("times", times))
    if not np.all(np.diff(given) > 0.0) or np.any((given < 0.0) | (given > tau)):
        raise InputError(
            "times", f"expected increasing forward times within [0, {tau:g}], from tau less begin back to 0"
        )
    return np.unique(np.concatenate([[0.0], given, [tau]]))


def _run(runs: _Runs, part: int, exchange: Exchange, level: float) -> Iterator[tuple[dict[str, float], Array]]:
    """Observables and h at the stored times, from the last to the first."""
    cells, last, strength = runs.cells, float(runs.instants[-1]), level**2
    ratio = cells.composition.start.cell_masses(cells.edges[::part]) / exchange.masses
    places, below = cells.places(cells.edges[::part]), cells.tails[0][part:-1:part] < 0.5
    for t in map(float, runs.instants[::-1]):
        if level > 0.0 and t < last:
            ratio = exchange.advance(ratio, strength, steps_between(last, t, runs.clock, 4 // part))
        last = t
        # without noise the temperature may be infinite
        rate = 2.0 * strength * np.sum(exchange.at(t) * np.diff(ratio) ** 2) if strength > 0.0 else 0.0
        numbers = _observed(exchange.masses, below, places[np.searchsorted(cells.instants, t)], ratio)
        yield {"chi2_rate": float(rate)} | numbers, ratio


def _observed(masses: Array, below: NDArray[np.bool_], places: Array, ratio: Array) -> dict[str, float]:
    """Chi-squared divergence and W1 of the cell averages, between edges; ``below`` marks the inner ones on the left."""
    excess = (ratio - 1.0) * masses
    lead = np.pad(np.where(below, np.cumsum(excess)[:-1], -np.cumsum(excess[::-1])[-2::-1]), 1)
    a, b = np.abs(lead[1:]), np.abs(lead[:-1])
    turned = (a**2 + b**2) / (2.0 * np.maximum(a + b, 1e-300))
    mean = np.where(lead[1:] * lead[:-1] < 0.0, turned, 0.5 * (a + b))
    return {"chi2": float(np.sum(excess * (ratio - 1.0))), "W1": float(np.sum(np.diff(places) * mean))}


def _limits(rows: Array) -> tuple[Array, Array]:
    """Limits of rows of three refinements, and bars: what the last one moved a limit by, and a part of its change.

    A fourth entry is the coarsest run again, its conductances known at half of the instants.
    """
    rows, known = rows[:, :3], np.abs(rows[:, 3] - rows[:, 0]) if rows.shape[1] > 3 else np.zeros(len(rows))
    limits, bars = np.empty(len(rows)), ROUNDING * np.max(np.abs(rows)) + _KNOWN * known
    for i, row in enumerate(rows.tolist()):
        limits[i] = richardson(row[1], row[2], _ORDER)
        if abs(observed_order(row) - _ORDER) < 0.5:
            bars[i] += 2.0 * abs(limits[i] - richardson(row[0], row[1], _ORDER)) + abs(row[2] - row[1]) / 10.0
        else:
            bars[i] += refinement_error(row, _ORDER) + abs(limits[i] - row[2])
    return limits, bars


def _numbers(composition: Composition, final: Estimate, last: Estimate) -> dict[str, Estimate]:
    divergence, _ = chi_squared(composition.final, composition.start)
    initial = Estimate(*composition.initial_distance(), "L")
    eta = Estimate.undefined(f"D0 is {divergence.value:g}: {divergence.why or 'the start is P_tau'}")
    if divergence.finite and divergence.value > 0.0:
        eta = (final - initial).squared() / divergence.scaled(composition.process.tau)
    if not divergence.finite:
        last = Estimate.undefined(divergence.why)
    return {"D0": divergence, "D_final": last, "W1_initial": initial, "W1_final": final, "eta": eta}


def _fields(runs: _Runs, level: float, ratios: list[Array]) -> xr.Dataset:
    """Both densities on one fixed grid."""
    cells, instants, composition = runs.cells, runs.instants, runs.cells.composition
    process, count = composition.process, runs.cells.edges.size - 1
    pairs = [(process.density(t).interval(GRID_TAIL), composition.interval(t, GRID_TAIL)) for t in instants.tolist()]
    faces = np.linspace(np.min(pairs), np.max(pairs), count + 1)
    rows = np.empty((2, instants.size, count))
    for i, (t, ratio) in enumerate(zip(instants, reversed(ratios), strict=True)):
        _, cdf, sf = process.density(float(t)).tails(faces)
        rows[0, i] = mass_between(cdf, sf)
        rows[1, i] = mass_between(*composition.carried(cdf, sf)) if level == 0.0 else _spread(cells, ratio, cdf, sf)
    dims, about = ("time", "x"), {"units": "1", "long_name": "cell average of the density", "equation": "1"}
    fields = {"density": (dims, rows[0] / np.diff(faces), about)}
    fields["density_estimated"] = (dims, rows[1] / np.diff(faces), about | {"equation": "4"})
    return xr.Dataset(fields, {"time": instants, "x": 0.5 * (faces[1:] + faces[:-1]), "x_face": faces})


def _spread(cells: MovingCells, ratio: Array, cdf: Array, sf: Array) -> Array:
    """Estimated masses between points with given tails: h is linear in the mass of P inside every cell."""
    masses = cells.masses(1)
    held = ratio * masses
    (below, above), left = cells.tails, sf > cdf
    index = np.where(left, np.searchsorted(below, cdf), np.searchsorted(-above, -sf))
    index = np.clip(index - 1, 0, ratio.size - 1)
    part = np.clip(np.where(left, cdf - below[index], above[index] - sf) / masses[index], 0.0, 1.0)
    slope = np.clip(np.gradient(ratio), -2.0 * ratio, 2.0 * ratio)[index]
    inside = masses[index] * (ratio[index] * part - 0.5 * slope * part * (1.0 - part))
    before = np.concatenate([[0.0], np.cumsum(held)])[index]
    after = np.concatenate([np.cumsum(held[::-1])[::-1], [0.0]])[index + 1]
    return mass_between(before + inside, after + held[index] - inside)
