"""The family of reverse SDEs: noise forgets the start on the way back (8), (9)."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from scipy.linalg import solve_banded

from fpsolve.densities import as_density
from fpsolve.densities.base import mass_between
from fpsolve.dynamics import GRID_TAIL
from fpsolve.estimates import ROUNDING, Estimate, observed_order, refinement_error, richardson
from fpsolve.mesh import marched
from fpsolve.processes import Diffusion
from fpsolve.processes.base import distinct
from fpsolve.quadrature import Array
from fpsolve.reverse import Composition
from fpsolve.schedules import Curve, Schedule
from fpsolve.settings import InputError, number, whole
from fpsolve.thermodynamics import chi_squared

#: where a reverse SDE begins, as a part of tau, if its schedule has no finite temperature at the end
_BEGIN = 1e-3
#: instants, as parts of the way, whose structure the cells follow
_LOOKED = (0.0, 0.03, 0.1, 0.3, 0.6, 1.0)
#: steps of the coarsest run for the whole way, beside one for every stored interval
_FEWEST = 120
#: abscissa and order of the L-stable two-stage diagonally implicit rule
_GAMMA, _ORDER = 1.0 - np.sqrt(0.5), 2.0
#: least distance of the middles of two cells, as a part of all, and most mass that may lie beyond the cells
_CLOSEST, _LOST = 1e-9, 1e-12
_SERIES = {
    "chi2": ("chi-squared divergence int (P~ - P)² / P dx of the estimated process", "78"),
    "chi2_rate": ("what noise takes off chi2 per reverse time, 2 lambda² T int P |d(P~/P)/dx|² dx", "78"),
    "W1": ("W1 between the estimated and the forward density", "53"),
}


@dataclasses.dataclass(frozen=True, eq=False)
class _Stopped(Schedule):
    """A schedule that ends early."""

    whole: Schedule
    tau: float

    def curve(self, t: Array) -> Curve:
        return self.whole.curve(t)


@dataclasses.dataclass(frozen=True, eq=False)
class _Cells:
    """Cells that follow the forward flow, so that the mass of P in each is constant; h = P~/P lives in them."""

    composition: Composition
    edges: Array

    @functools.cached_property
    def tails(self) -> tuple[Array, Array]:
        """Both tails of P at the edges and middles, alternating."""
        middles = 0.5 * (self.edges[1:] + self.edges[:-1])
        return self.composition.final.tails(np.sort(np.concatenate([self.edges, middles])))[1:]

    @functools.cached_property
    def masses(self) -> Array:
        """Masses of P in the cells."""
        return mass_between(*(side[::2] for side in self.tails))

    def places(self, t: float) -> Array:
        """Edges and middles of the cells at time t, alternating."""
        return self.composition.process.density(t).quantile(*self.tails)

    def conductances(self, t: float, places: Array) -> Array:
        """T P / (distance of the middles) at the inner faces: with h they make currents."""
        process = self.composition.process
        temperature, pdf = process.temperature(np.array([t])), process.density(t).pdf(places[2:-1:2])
        assert temperature is not None
        # middles that rounding cannot tell apart would swamp all other currents
        distance = np.maximum(np.diff(places[1::2]), _CLOSEST * (places[-1] - places[0]))
        return temperature[0] * pdf / distance


def reverse_sde(
    data: Any, schedule: Any, start: Any, noise_level: float, *, begin: Any = None, times: Any = None, cells: int = 800
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
    noise_level : float
        lambda >= 0.
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
        (time); ``D0`` (chi2 of the start), ``W1_initial``, ``W1_final``, ``eta`` = (W1_final - W1_initial)² /
        ((tau - begin) D0): each with its bar ``<name>_error``. Where D0 is infinite, chi2 and eta are NaN.

    Raises
    ------
    InputError
        A negative noise level, a start at infinite temperature, times outside the interval, or a wrong number of cells.
    """
    if not isinstance(schedule, Schedule):
        raise InputError("schedule", f"given {type(schedule).__name__}; expected a schedule such as Cosine(tau=1.0)")
    level = number("noise_level", noise_level, least=0.0)
    if whole("cells", cells, 32, 10**5) % 4:
        raise InputError("cells", f"given {cells}; it must be a multiple of four (the solution is refined twice)")
    begin = _beginning(schedule, level, begin)
    process = Diffusion(as_density(data), _Stopped(schedule, schedule.tau - begin))
    composition = Composition(process, as_density(start))
    if composition.lost > _LOST:
        raise InputError("start", f"{composition.lost:.1e} of it lies where P is below 1e-290; give a narrower one")
    instants, clock, labels = _instants(process.tau, times), _clock(process, begin), _labels(composition, cells)
    runs = [list(_run(_Cells(composition, labels[::part]), level, instants, clock, 4 // part)) for part in (4, 2, 1)]
    dataset = _fields(_Cells(composition, labels), level, instants, [ratio for _, ratio in runs[-1]])
    series = {name: _limits(np.array([[seen[name] for seen, _ in run[::-1]] for run in runs]).T) for name in _SERIES}
    numbers = _numbers(composition, Estimate(float(series["W1"][0][0]), float(series["W1"][1][0]), "L"))
    for name, (long_name, equation) in _SERIES.items():
        for key, row, text in zip((name, f"{name}_error"), series[name], (long_name, f"bar of {name}"), strict=True):
            known = row if name == "W1" or numbers["D0"].finite else np.full(row.size, np.nan)
            dataset[key] = ("time", known, {"units": "1", "long_name": text, "equation": equation})
    for name, estimate in numbers.items():
        dataset[name] = ((), estimate.value, {"units": "1"} | ({"why": estimate.why} if estimate.why else {}))
        dataset[f"{name}_error"] = ((), estimate.error, {"units": "1", "long_name": f"error bar of {name}"})
    return dataset.assign_attrs(title="reverse SDE", noise_level=level, begin=begin)


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
    given = np.asarray(times, float)
    if given.ndim != 1 or not np.all(np.diff(given) > 0.0) or np.any((given < 0.0) | (given > tau)):
        raise InputError("times", f"expected increasing forward times within [0, {tau:g}]")
    return np.unique(np.concatenate([[0.0], given, [tau]]))


def _clock(process: Diffusion, begin: float) -> tuple[Array, Array]:
    """Forward times and how much of the way back's steps lie between each and the end."""
    last, back = process.tau, np.linspace(0.0, process.tau, 501)
    if begin > 0.0:
        back = np.unique(np.concatenate([back, np.geomspace(begin, last + begin, 301) - begin]).clip(0.0, last))
    t = last - back
    densities = [process.density(float(each)) for each in t]
    widths = np.diff([density.interval(0.16) for density in densities])[:, 0]
    narrow = np.maximum([float(np.min(density.features()[1])) for density in densities], 0.05 * widths)
    rate = np.nan_to_num(process.temperature(np.maximum(t, 1e-12 * last)) / narrow**2, posinf=0.0)
    relaxed = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(back))])
    share = 0.5 * (relaxed / max(relaxed[-1], 1e-300) + back / last)
    return t[::-1], share[::-1]


def _labels(composition: Composition, cells: int) -> Array:
    """Edges of the cells at the start: fine wherever a density at any time, or the start, has structure."""
    process, final, ends = composition.process, composition.final, np.array(composition.span)
    counted = []
    for part in (*_LOOKED, None):
        density = composition.start if part is None else process.density(part * process.tau)
        x = marched(ends if part is None else density.quantile(*final.tails(ends)[1:]), *density.features())
        place = np.maximum.accumulate(np.clip(x if part is None else final.quantile(*density.tails(x)[1:]), *ends))
        place[0], place[-1] = ends
        counted.append((place, np.linspace(0.0, 1.0 / (len(_LOOKED) + 1.0), x.size)))
    every = distinct(np.sort(np.concatenate([place for place, _ in counted])))
    total = np.sum([np.interp(every, *pair) for pair in counted], axis=0)
    # jumps of the start are edges of the coarsest cells too
    jumps = np.concatenate([[0.0], np.interp(composition.start.breaks(), every, total), [1.0]])
    fixed, kept = np.unique(np.round(jumps * (cells // 4)) / (cells // 4), return_index=True)
    jumps = np.where((fixed > 0.0) & (fixed < 1.0), jumps[kept], fixed)
    return np.interp(np.interp(np.linspace(0.0, 1.0, cells + 1), fixed, jumps), total, every)


def _run(
    cells: _Cells, level: float, instants: Array, clock: tuple[Array, Array], finer: int
) -> Iterator[tuple[dict[str, float], Array]]:
    """Observables and h at the stored times, from the last to the first."""
    last, strength = float(instants[-1]), level**2
    ratio = cells.composition.start.cell_masses(cells.edges) / cells.masses
    for t in map(float, instants[::-1]):
        shares = np.interp([last, t], *clock)
        count = finer * max(1, int(np.ceil(_FEWEST * abs(shares[1] - shares[0]))))
        steps = np.array(np.interp(np.linspace(shares[0], shares[1], count + 1), clock[1][::-1], clock[0][::-1]))
        steps[[0, -1]] = last, t
        for before, after in itertools.pairwise(steps.tolist()) if level > 0.0 and t < last else ():
            ratio = _step(cells, strength, before, after, ratio)
        last = t
        yield _observed(cells, t, strength, ratio), ratio


def _step(cells: _Cells, strength: float, before: float, after: float, ratio: Array) -> Array:
    """One step of the diagonally implicit rule, backward in forward time."""
    length, rates = before - after, np.zeros_like(ratio)
    for part in (_GAMMA, 1.0):
        t = before - part * length
        known = ratio + (part - _GAMMA) * length * rates
        outward = np.pad(_GAMMA * length * strength * cells.conductances(t, cells.places(t)), 1)
        bands = np.zeros((3, ratio.size))
        bands[0, 1:], bands[2, :-1] = -outward[1:-1] / cells.masses[:-1], -outward[1:-1] / cells.masses[1:]
        bands[1] = 1.0 + (outward[1:] + outward[:-1]) / cells.masses
        stage = solve_banded((1, 1), bands, known, check_finite=False)
        rates = (stage - known) / (_GAMMA * length)
    return np.asarray(stage)


def _observed(cells: _Cells, t: float, strength: float, ratio: Array) -> dict[str, float]:
    """Chi-squared divergence, its rate and W1 of the cell averages."""
    places, excess = cells.places(t), (ratio - 1.0) * cells.masses
    # without noise the temperature may be infinite
    rate = 2.0 * strength * np.sum(cells.conductances(t, places) * np.diff(ratio) ** 2) if strength > 0.0 else 0.0
    below, above = np.cumsum(excess)[:-1], -np.cumsum(excess[::-1])[-2::-1]
    lead = np.pad(np.where(cells.tails[0][2:-1:2] < 0.5, below, above), 1)
    a, b = np.abs(lead[1:]), np.abs(lead[:-1])
    turned = (a**2 + b**2) / (2.0 * np.maximum(a + b, 1e-300))
    mean = np.where(lead[1:] * lead[:-1] < 0.0, turned, 0.5 * (a + b))
    divergence, distance = np.sum(excess * (ratio - 1.0)), np.sum(np.diff(places[::2]) * mean)
    return {"chi2": float(divergence), "chi2_rate": float(rate), "W1": float(distance)}


def _limits(rows: Array) -> tuple[Array, Array]:
    """Limits of rows of three refinements, and bars: what the last one moved a limit by, and a part of its change."""
    limits, bars = np.empty(len(rows)), np.full(len(rows), ROUNDING * np.max(np.abs(rows)))
    for i, row in enumerate(rows.tolist()):
        limits[i] = richardson(row[1], row[2], _ORDER)
        if abs(observed_order(row) - _ORDER) < 0.5:
            bars[i] += 2.0 * abs(limits[i] - richardson(row[0], row[1], _ORDER)) + abs(row[2] - row[1]) / 10.0
        else:
            bars[i] += refinement_error(row, _ORDER) + abs(limits[i] - row[2])
    return limits, bars


def _numbers(composition: Composition, final: Estimate) -> dict[str, Estimate]:
    divergence, _ = chi_squared(composition.final, composition.start)
    initial = Estimate(*composition.initial_distance(), "L")
    eta = Estimate.undefined(f"D0 is {divergence.value:g}: {divergence.why or 'the start is P_tau'}")
    if divergence.finite and divergence.value > 0.0:
        eta = (final - initial).squared() / divergence.scaled(composition.process.tau)
    return {"D0": divergence, "W1_initial": initial, "W1_final": final, "eta": eta}


def _fields(cells: _Cells, level: float, instants: Array, ratios: list[Array]) -> xr.Dataset:
    """Both densities on one fixed grid."""
    composition, process = cells.composition, cells.composition.process
    pairs = [(process.density(t).interval(GRID_TAIL), composition.interval(t, GRID_TAIL)) for t in instants.tolist()]
    faces = np.linspace(np.min(pairs), np.max(pairs), cells.masses.size + 1)
    rows = np.empty((2, instants.size, cells.masses.size))
    for i, (t, ratio) in enumerate(zip(instants, reversed(ratios), strict=True)):
        _, cdf, sf = process.density(float(t)).tails(faces)
        rows[0, i] = mass_between(cdf, sf)
        rows[1, i] = mass_between(*composition.carried(cdf, sf)) if level == 0.0 else _spread(cells, ratio, cdf, sf)
    dims, about = ("time", "x"), {"units": "1", "long_name": "cell average of the density", "equation": "1"}
    fields = {"density": (dims, rows[0] / np.diff(faces), about)}
    fields["density_estimated"] = (dims, rows[1] / np.diff(faces), about | {"equation": "4"})
    return xr.Dataset(fields, {"time": instants, "x": 0.5 * (faces[1:] + faces[:-1]), "x_face": faces})


def _spread(cells: _Cells, ratio: Array, cdf: Array, sf: Array) -> Array:
    """Estimated masses between points with given tails: h is linear in the mass of P inside every cell."""
    held = ratio * cells.masses
    (below, above), left = (side[::2] for side in cells.tails), sf > cdf
    index = np.where(left, np.searchsorted(below, cdf), np.searchsorted(-above, -sf))
    index = np.clip(index - 1, 0, ratio.size - 1)
    part = np.clip(np.where(left, cdf - below[index], above[index] - sf) / cells.masses[index], 0.0, 1.0)
    slope = np.clip(np.gradient(ratio), -2.0 * ratio, 2.0 * ratio)[index]
    inside = cells.masses[index] * (ratio[index] * part - 0.5 * slope * part * (1.0 - part))
    before = np.concatenate([[0.0], np.cumsum(held)])[index]
    after = np.concatenate([np.cumsum(held[::-1])[::-1], [0.0]])[index + 1]
    return mass_between(before + inside, after + held[index] - inside)
