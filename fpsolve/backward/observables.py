"""What can be observed of a run against the exact forward process."""

from __future__ import annotations

import numpy as np

from fpsolve.backward.reach import Window
from fpsolve.backward.runs import GridRun, Indices
from fpsolve.grids import Array
from fpsolve.kernels.primitive import primitive_inside, sign_changes
from fpsolve.processes import Process

#: density, relative to the largest, below which cells do not count for chi-squared
FAINT = 1e-12
_GAUSS = np.polynomial.legendre.leggauss(5)


def observe(process: Process, run: GridRun, window: Window | None = None) -> dict[str, Array]:
    """What the paper asks of the two processes, at the times of a run, against the exact P_t.

    The primitive of P - P~ is known at the edges; inside the cells it is interpolated by polynomials of degree 7, and
    integrals are split where it changes sign.

    Parameters
    ----------
    process : Process
        The forward process.
    run : GridRun
        The estimated process.
    window : (lower, upper), optional
        Integrals over x are restricted to it; nothing is renormalised.

    Returns
    -------
    dict of (n,) arrays
        ``W1``: W_1(P, P~), a length. ``W1_rate``: its derivative in forward time (85), L/s. ``chi2``: D (78) from
        cell masses, over cells with P > 1e-12 of its maximum (at t = tau where the cells move: always the same).
        ``mass_error``: total mass - 1. ``minimum_density``: least cell average, 1/L. ``label_error``, where the cells
        move: largest change of P's CDF along an edge, zero for the exact flow.
    """
    rows = [_observe_one(process, run, i, window) for i in range(run.times.size)]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def remap(run: GridRun, edges: Array) -> Array:
    """Masses of a run in the cells of another grid, at all times.

    Parameters
    ----------
    run : GridRun
        The estimated process.
    edges : (cells + 1,) array
        Increasing edges; mass beyond those of the run is taken to be none.

    Returns
    -------
    (n, cells) array
        From the primitive, interpolated by polynomials of degree 7: conservative; round-off or an unresolved jump can
        make a mass slightly negative.
    """
    rows = []
    for own, masses in zip(run.edges, run.masses, strict=True):
        primitive = np.concatenate([[0.0], np.cumsum(masses)])
        x = np.clip(edges, own[0], own[-1])
        cell = np.clip(np.searchsorted(own, x, side="right") - 1, 0, masses.size - 1)
        value, slope = np.empty((2, x.size, 1))
        primitive_inside(own, primitive, *_stencils(own.size, run.breaks), cell, x[:, None], value, slope)
        rows.append(np.diff(value[:, 0]))
    return np.array(rows)


def _observe_one(process: Process, run: GridRun, index: int, window: Window | None) -> dict[str, float]:
    t, edges, masses = float(run.times[index]), run.edges[index], run.masses[index]
    density = process.density(t)
    exact = density.cell_masses(edges)
    gap = _primitive(exact - masses, exact)
    result = dict(zip(("W1", "W1_rate"), _distance(process, t, edges, gap, run.breaks, window), strict=True))
    reference = process.final.cell_averages(run.start_edges) if run.moving else exact / np.diff(edges)
    counts = (reference > FAINT * np.max(reference)) & (exact > 0.0)
    inside = np.diff(np.clip(edges, *window)) / np.diff(edges) if window else np.ones(masses.size)
    result["chi2"] = float(np.sum(((exact - masses) ** 2 / np.where(counts, exact, 1.0) * inside)[counts]))
    result["mass_error"] = float(np.sum(masses) - 1.0)
    result["minimum_density"] = float(np.min(masses / np.diff(edges)))
    if run.moving:
        result["label_error"] = float(np.max(np.abs(density.cdf(edges) - process.final.cdf(run.start_edges))))
    return result


def _primitive(masses: Array, weights: Array) -> Array:
    """Sums of the masses up to each edge, taken from the left below the median of the weights, else from the right."""
    left = np.concatenate([[0.0], np.cumsum(masses)])
    right = -np.concatenate([[0.0], np.cumsum(masses[::-1])])[::-1]
    below = np.concatenate([[0.0], np.cumsum(weights)])
    return np.where(below < 0.5 * below[-1], left, right)


def _stencils(count: int, breaks: Indices) -> tuple[Indices, Indices]:
    """Outermost edges that the polynomial of each cell may use: the breaks around it, of ``count`` edges."""
    corners = np.unique(np.concatenate([[0], breaks, [count - 1]]))
    block = np.searchsorted(corners, np.arange(count - 1), side="right")
    return corners[block - 1], corners[block]


def _distance(
    process: Process,
    t: float,
    edges: Array,
    gap: Array,
    breaks: Indices,
    window: Window | None,
) -> tuple[float, float]:
    """W_1 and its rate (85) from the primitive F - F~ at the edges."""
    lowest, highest = _stencils(edges.size, breaks)
    roots = np.empty(edges.size)
    count = sign_changes(edges, gap, lowest, highest, roots)
    cuts = np.unique(np.concatenate([edges, roots[:count], np.asarray(window or (), float)]))
    low, high = window or (edges[0], edges[-1])
    cuts = cuts[(cuts >= max(low, edges[0])) & (cuts <= min(high, edges[-1]))]
    if cuts.size < 2:
        return 0.0, 0.0
    centre, half = 0.5 * (cuts[1:] + cuts[:-1]), 0.5 * np.diff(cuts)
    cell = np.searchsorted(edges, centre, side="right") - 1
    x = centre[:, None] + half[:, None] * _GAUSS[0]
    value, slope = np.empty_like(x), np.empty_like(x)
    primitive_inside(edges, gap, lowest, highest, cell, x, value, slope)
    weight = half[:, None] * _GAUSS[1]
    rate = -np.sum(weight * np.sign(value) * slope * process.velocity(t, x))
    return float(np.sum(weight * np.abs(value))), float(rate)
