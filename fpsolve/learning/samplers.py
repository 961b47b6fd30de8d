"""What an N-step sampler generates: every step is a map of the line, and the maps carry the start's mass along."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.polynomial import legendre

from fpsolve.densities import Density, as_density
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.learning.recipes import with_recipe
from fpsolve.learning.sampler_steps import STEPS
from fpsolve.mesh import marched
from fpsolve.processes import Diffusion
from fpsolve.processes.base import distinct
from fpsolve.quadrature import GAUSS, KRONROD, NODES, POINTS, Array, panel_nodes
from fpsolve.reverse import Composition
from fpsolve.settings import InputError, numbers, suggestion, whole

#: tail probability beyond the cells of the returned density
_GRID_TAIL = 1e-16
#: mass that the generated points may miss before a divergence has no value, and that may lie beyond all labels
_MISSED, _LOST = 1e-9, 1e-12
#: halvings of a panel in which an integrand changes sign
_HALVINGS = 30
#: name -> long name, unit
NUMBERS = {
    "W1": ("W1 between the generated density and the data", "L"),
    "W2": ("W2 between the generated density and the data", "L"),
    "KL": ("KL divergence of the data q from the generated density p: int q ln(q/p)", "1"),
    "chi2": ("chi-squared divergence of the generated density: int (p - q)² / q", "1"),
    "nll": ("negative log-likelihood -int q ln p", "1"),
    "W1_exact": ("W1 between the generated density and that of the exact flow", "L"),
    "W2_exact": ("W2 between the generated density and that of the exact flow", "L"),
    "KL_exact": ("KL divergence of the exact flow's density from the generated one", "1"),
    "W1_flow": ("W1 between the exact flow's density and the data", "L"),
}


def sample(
    process: Diffusion, start: Any, method: str = "ddim", steps: Any = None, *, times: Any = None, cells: int = 500
) -> xr.Dataset:
    """What an N-step sampler of the probability-flow equation generates, as a density: no point is drawn.

    Each step is a map of the line, increasing if it is short enough: quantiles of the start go into quantiles of the
    generated density. The velocity is exact, so that all the error is the sampler's. With ``"euler"``
    x' = x + (t' - t) nu; ``"heun"`` averages nu at both ends; ``"ddim"`` sets x' = m' E[y|x] + sigma' E[e|x] with the
    predictions of (m, sigma), which is DPM-Solver-1; ``"ddim-midpoint"`` with those half-way in the angle
    arctan(sigma/m) (DPM-Solver-2 is half-way in ln(m/sigma), which is infinite at both ends); ``"exponential"`` solves
    the linear force exactly and holds the score, x' = m' (x/m + s int T/m dt), and is a step of ``"ddim"`` where m = 0
    (A and T are infinite there). The orders in W1 are 1, 2, 1, 2 and 1, twice that in KL_exact; where
    T ~ 1/(tau - t) the exponential error is as N^-1 ln N.

    Parameters
    ----------
    process : Diffusion
        Data and schedule, on the line.
    start : Density, frozen scipy.stats distribution or xarray.DataArray
        P~ at t = tau.
    method : {"euler", "heun", "ddim", "ddim-midpoint", "exponential"}
        The sampler.
    steps : int, optional
        N equal steps in t.
    times : (N + 1,) array, optional
        Instead of ``steps``: forward times, increasing from 0 to tau; they are visited from the last to the first.
    cells : int
        Cells of the returned density, which follow the flow; at least 8.

    Returns
    -------
    xarray.Dataset
        ``density`` (x), averages over the moved cells between ``x_face``; ``density_data`` and ``density_exact``, of
        the data and of the exact flow in the same cells; and, each with its bar ``<name>_error``, against the data
        ``W1``, ``W2``, ``KL`` (q from p), ``chi2``, ``nll``, against the exact flow ``W1_exact``, ``W2_exact``,
        ``KL_exact``, and ``W1_flow`` of the exact flow itself.

    Raises
    ------
    InputError
        Unknown method, neither or both of ``steps`` and ``times``, times not from 0 to tau, a map that folds.
    """
    composition = composed(process, start)
    if method not in STEPS:
        raise InputError("method", f"given {method!r}; {suggestion(str(method), STEPS)}")
    ends = _times(process.tau, steps, times)
    push = pusher(process, method, ends)
    variables: dict[str, Any] = {}
    for name, found in measured(composition, push).items():
        long_name, unit = NUMBERS[name]
        attributes = {"units": "1", "long_name": long_name, "dimension": unit}
        variables[name] = ((), found.value, attributes | ({"why": found.why} if found.why else {}))
        variables[f"{name}_error"] = ((), found.error, {"units": "1", "long_name": f"error bar of {name}"})
    densities, faces = _densities(composition, push, whole("cells", cells, 8))
    variables |= {name: ("x", rows, {"units": "1"}) for name, rows in densities.items()}
    coordinates = {"x": 0.5 * (faces[1:] + faces[:-1]), "x_face": faces, "time": ends}
    dataset = xr.Dataset(variables, coordinates, {"title": "sampler", "method": method, "steps": int(ends.size - 1)})
    parts = {"tau": process.tau, "data": process.data, "schedule": process.schedule, "start": composition.start}
    return with_recipe(dataset, parts | {"sampler": {"method": method, "times": tuple(ends.tolist()), "cells": cells}})


def composed(process: Any, start: Any) -> Composition:
    """The exact estimated process, once both can be sampled."""
    if not isinstance(process, Diffusion):
        raise InputError("process", f"given {type(process).__name__}; expected Diffusion(data, schedule), on the line")
    composition = Composition(process, as_density(start))
    if composition.lost > _LOST:
        raise InputError("start", f"{composition.lost:.1e} of it lies where P is below 1e-290; give a narrower one")
    return composition


def pusher(process: Diffusion, method: str, ends: Array) -> Callable[[Array], Array]:
    """Images of increasing points under all steps; a map that folds is refused."""

    def push(x: Array) -> Array:
        for index in range(ends.size - 1, 0, -1):
            t, to = float(ends[index]), float(ends[index - 1])
            x = STEPS[method](process, t, to, x)
            if not np.all(np.diff(x) > 0.0):
                where = f"{method} folds the line from t = {t:.4g} to {to:.4g}, or collapses it"
                raise InputError("steps", f"{where}; it needs shorter steps there (more of them, or other times)")
        return x

    return push


def measured(composition: Composition, push: Callable[[Array], Array]) -> dict[str, Estimate]:
    """Every number of ``NUMBERS``; the bars hold what halving all panels changes."""
    edges = _panel_edges(composition)
    halves = np.sort(np.concatenate([edges, 0.5 * (edges[1:] + edges[:-1])]))
    coarse, fine = (_numbers(composition, push, panels) for panels in (edges, halves))
    found = {}
    for name in NUMBERS:
        moved = abs(fine[name].value - coarse[name].value) if fine[name].finite else 0.0
        found[name] = dataclasses.replace(fine[name], error=fine[name].error + moved)
    return found


def _times(tau: float, steps: Any, times: Any) -> Array:
    """Forward times of the steps, increasing."""
    if (steps is None) == (times is None):
        raise InputError("steps", "give either steps, a number of equal ones, or times from 0 to tau")
    if times is None:
        return np.linspace(0.0, tau, whole("steps", steps, 1, 10**6) + 1)
    ends = np.array(numbers("times", times))
    if abs(ends[-1] - tau) <= 1e-12 * tau:  # rounding
        ends[-1] = tau
    if ends.size < 2 or not np.all(np.diff(ends) > 0.0):
        raise InputError("times", "expected two or more increasing forward times (they are visited from the last)")
    if ends[0] != 0.0 or ends[-1] != tau:
        raise InputError("times", f"they run from {ends[0]:g} to {ends[-1]:g}; they must run from 0 to tau = {tau:g}")
    return ends


def _panel_edges(composition: Composition) -> Array:
    """Labels between which both densities at t = tau, and the images of the data's structure, are smooth."""
    data, final, (low, high) = composition.process.initial, composition.final, composition.span
    _, cdf, sf = data.tails(np.concatenate([data.breaks(), data.kinks()]))
    jumps = final.quantile(cdf, sf)
    ends = data.quantile(*(side[[0, -1]] for side in final.tails(composition.labels)[1:]))
    _, cdf, sf = data.tails(marched(ends, *data.features()))
    edges = np.concatenate([composition.labels, jumps, final.quantile(cdf, sf)])
    return distinct(np.sort(edges[(edges >= low) & (edges <= high)]))


def _numbers(composition: Composition, push: Callable[[Array], Array], edges: Array) -> dict[str, Estimate]:
    """Every distance and divergence by quadrature over the labels, where the start is and nothing has to be inverted.

    The generated density at X(z) is start(z) / X'(z): with g = q(X) X' every integral of f(q/p) p is one of f(g/start).
    """
    data, final, start = composition.process.initial, composition.final, composition.start
    z, kronrod, gauss = panel_nodes(edges)
    x = push(z)
    stretch = (x.reshape(-1, POINTS) @ _SLOPES.T / (0.5 * np.diff(edges))[:, None]).ravel()
    mass, below, above = start.tails(z)
    exact = data.quantile(*final.tails(z)[1:])
    wanted = data.quantile(below, above)
    numbers: dict[str, Estimate] = {}
    # positions are rounded in every step, and no better than the densities they are quantiles of
    noise = (ROUNDING + composition.precision + composition.process.precision) * float(np.sum(kronrod * abs(x) * mass))
    for ending, gap in (("", x - wanted), ("_exact", x - exact), ("_flow", exact - wanted)):
        gap = np.where(mass > 0.0, gap, 0.0)
        first = _integral_of_modulus(edges, gap * mass)
        numbers[f"W1{ending}"] = dataclasses.replace(first, error=first.error + noise)
        square = _integral(kronrod, gauss, gap**2 * mass)
        root = float(np.sqrt(square.value))
        bar = min(square.error / root if root > 0.0 else np.inf, float(np.sqrt(square.error)))
        numbers[f"W2{ending}"] = Estimate(root, bar + noise)
    pdf, cdf, sf = data.tails(x)
    ratio = composition.ratio(final.quantile(cdf, sf))
    numbers["KL"] = kl = _divergence(kronrod, gauss, pdf * stretch, mass)
    numbers["KL_exact"] = _divergence(kronrod, gauss, ratio * pdf * stretch, mass)
    numbers["chi2"] = _chi_squared(kronrod, gauss, pdf * stretch, mass)
    return numbers | {"nll": kl + _entropy(data) if kl.finite else kl}


def _integral(kronrod: Array, gauss: Array, integrand: Array) -> Estimate:
    value = float(np.sum(kronrod * integrand))
    size = float(np.sum(kronrod * np.abs(integrand)))
    return Estimate(value, abs(value - float(np.sum(gauss * integrand))) + ROUNDING * size)


def _integral_of_modulus(edges: Array, integrand: Array) -> Estimate:
    """Integral of the modulus of a function that is smooth in every panel, halving those where it changes sign."""
    rows, half, value, coarse = integrand.reshape(-1, POINTS), 0.5 * np.diff(edges), 0.0, 0.0
    for _ in range(_HALVINGS):
        turns = np.any(rows > 0.0, axis=1) & np.any(rows < 0.0, axis=1)
        value += float(np.sum(np.abs(half * (rows @ KRONROD))[~turns]))
        coarse += float(np.sum(np.abs(half * (rows @ GAUSS))[~turns]))
        rows, half = rows[turns], np.repeat(0.5 * half[turns], 2)
        rows = np.stack([rows @ _LEFT.T, rows @ _RIGHT.T], axis=1).reshape(-1, POINTS)
    rest = float(np.sum(half * (np.abs(rows) @ KRONROD)))
    return Estimate(value + rest, abs(value - coarse) + rest + ROUNDING * value)


def _divergence(kronrod: Array, gauss: Array, reference: Array, mass: Array) -> Estimate:
    """Integral of g ln(g/s), as int g ln(g/s) - g + s: small wherever g and s are close."""
    missed = abs(1.0 - float(np.sum(kronrod * reference)))
    if missed > _MISSED:
        return Estimate.undefined(f"{missed:.1e} of the reference's mass lies beyond the generated points, or jumps")
    if np.any((mass <= 0.0) & (reference > 1e-200)):
        return Estimate.infinite("the generated density vanishes where the reference does not")
    both = (mass > 0.0) & (reference > 0.0)
    log = np.log(np.divide(reference, mass, out=np.ones_like(mass), where=both))
    found = _integral(kronrod, gauss, reference * log - reference + mass)
    # both densities are rounded
    noise = ROUNDING * float(np.sum(kronrod * (np.abs(log) * reference + np.abs(reference - mass))))
    return dataclasses.replace(found, error=found.error + noise + missed * float(np.ptp(log)))


def _chi_squared(kronrod: Array, gauss: Array, reference: Array, mass: Array) -> Estimate:
    if np.any((reference <= 0.0) & (mass > 1e-200)):
        return Estimate.infinite("there is generated mass where the data have none")
    square = np.divide((mass - reference) ** 2, reference, out=np.zeros_like(mass), where=reference > 0.0)
    sums = np.sum((kronrod * square).reshape(-1, POINTS), axis=1)
    if max(sums[0], sums[-1]) > 1e-6 * np.sum(sums) + 1e-12:
        return Estimate.infinite("p²/q is not integrable: it still grows at the last of the generated points")
    found = _integral(kronrod, gauss, square)
    # both are rounded, and (mass + reference)² / reference = square + 4 mass
    noise = ROUNDING * float(np.sum(kronrod * np.sqrt(square * (square + 4.0 * mass))))
    return dataclasses.replace(found, error=found.error + noise)


def _entropy(data: Density) -> Estimate:
    """-int q ln q."""
    hard = distinct(np.sort(np.concatenate([data.interval(1e-30), data.breaks(), data.kinks()])))
    x, kronrod, gauss = panel_nodes(marched(hard, *data.features()))
    pdf, log = data.pdf(x), data.logpdf(x)
    return _integral(kronrod, gauss, -np.multiply(pdf, log, out=np.zeros_like(pdf), where=pdf > 0.0))


def _densities(composition: Composition, push: Callable[[Array], Array], cells: int) -> tuple[dict[str, Array], Array]:
    """Averages over cells that are equal under the exact flow, moved by the sampler instead; and their edges."""
    process = composition.process
    reach = np.array([composition.interval(0.0, _GRID_TAIL), process.initial.interval(_GRID_TAIL)])
    _, cdf, sf = process.initial.tails(np.linspace(np.min(reach), np.max(reach), cells + 1))
    labels = distinct(np.clip(composition.final.quantile(cdf, sf), *composition.span))
    faces = push(labels)
    widths = np.diff(faces)
    rows = {
        "density": composition.start.cell_masses(labels) / widths,
        "density_data": process.initial.cell_masses(faces) / widths,
        "density_exact": composition.cell_masses(0.0, faces) / widths,
    }
    return rows, faces


#: from values at the nodes of [-1, 1] to Legendre coefficients, to values at the nodes of either half, to derivatives
_FIT = np.linalg.inv(legendre.legvander(NODES, POINTS - 1))
_LEFT, _RIGHT = (legendre.legvander(0.5 * (NODES + side), POINTS - 1) @ _FIT for side in (-1.0, 1.0))
_SLOPES = legendre.legval(NODES, legendre.legder(_FIT)).T
