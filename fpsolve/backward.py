"""The estimated process on a grid: back from any start by the velocity of the forward process, step by step in time.

Three routes that know nothing of the composition in :mod:`fpsolve.reverse`: cell edges that follow the flow, and cell
averages that are advected over a fixed grid with little (WENO5) or much (upwind) dissipation.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np

from fpsolve.densities import Density
from fpsolve.densities.base import FAINTEST, check_points
from fpsolve.fluxes import WENO5, Flux, Upwind
from fpsolve.grids import Array, Grid
from fpsolve.kernels.primitive import primitive_inside, sign_changes
from fpsolve.processes import Process
from fpsolve.settings import InputError, suggestion, whole
from fpsolve.steppers import SSPRK3, Characteristics, Clock

Method = Literal["characteristics", "weno5", "upwind"]
Window = tuple[float, float]

FLUXES: dict[str, Flux] = {"weno5": WENO5(), "upwind": Upwind()}
#: mass of either process that may lie beyond each end of a grid, and beyond which velocities stay constant
TAIL = 1e-17
#: density, relative to the largest, below which cells do not count for chi-squared
FAINT = 1e-12
_GAUSS = np.polynomial.legendre.leggauss(5)


@dataclasses.dataclass(frozen=True, eq=False)
class GridRun:
    """The estimated process in cells, at forward times.

    Parameters
    ----------
    method : str
        ``"characteristics"``, ``"weno5"`` or ``"upwind"``.
    times : (n,) array
        Increasing forward times, s.
    edges : (n, cells + 1) array
        Edges of the cells at each time; they move in the method of characteristics only.
    masses : (n, cells) array
        Masses of the estimated process in the cells.
    start_edges, start_masses : arrays
        The same at t = tau, where generation begins.
    breaks : (k,) array of int
        Edges at which the density jumps at all times.
    steps : int
        Time steps taken.
    """

    method: str
    times: Array
    edges: Array
    masses: Array
    start_edges: Array
    start_masses: Array
    breaks: np.ndarray[tuple[int], np.dtype[np.int64]]
    steps: int

    @property
    def moving(self) -> bool:
        """Whether the edges follow the flow."""
        return self.method == "characteristics"


@dataclasses.dataclass(frozen=True, eq=False)
class _Reach:
    """Where the two processes have mass: the images of the points that leave ``TAIL`` of either at t = tau."""

    process: Process
    start: Density

    def __post_init__(self) -> None:
        final = self.process.final
        (low, high), (start_low, start_high) = final.interval(TAIL), self.start.interval(TAIL)
        faint = final.quantile(np.array([FAINTEST, 1.0]), np.array([1.0, FAINTEST]))
        ends = np.clip([min(low, start_low), max(high, start_high)], *faint)
        object.__setattr__(self, "ends", ends)
        object.__setattr__(self, "tails", final.tails(ends)[1:])

    def at(self, t: float) -> Array:
        """Both ends at time t."""
        if t == self.process.tau:
            return self.ends  # type: ignore[attr-defined,no-any-return]
        return self.process.density(t).quantile(*self.tails)  # type: ignore[attr-defined,no-any-return]


def grid_for(
    process: Process, start: Density, cells: int, window: Window | None = None, method: Method = "weno5"
) -> Array:
    """Edges of a grid beyond which neither process has more than 1e-17 of its mass on either side.

    Parameters
    ----------
    process, start
        The forward process and P~ at t = tau.
    cells : int
        Number of cells.
    window : (lower, upper), optional
        An interval that the grid contains besides.
    method : str
        For ``"characteristics"`` the grid is that of t = tau, and jumps of the start are among its edges; otherwise
        the cells are equal and serve all times.

    Returns
    -------
    (cells + 1,) array
    """
    _check_method(method)
    reach, cells = _Reach(process, start), whole("cells", cells)
    if method != "characteristics":
        rows = [reach.at(t) for t in process.tau * np.linspace(0.0, 1.0, 33)]
        rows += [] if window is None else [np.asarray(window, float)]
        low, high = np.min(rows, axis=0)[0], np.max(rows, axis=0)[1]
        return np.linspace(low, high, cells + 1)
    low, high = reach.at(process.tau)
    breaks = np.concatenate([process.final.breaks(), start.breaks()])
    corners = np.unique(np.concatenate([[low], breaks[(breaks > low) & (breaks < high)], [high]]))
    if cells < corners.size - 1:
        raise InputError("cells", f"given {cells}; the densities jump at {corners.size - 2} places: give more")
    places = np.round(np.interp(corners, [low, high], [0, cells])).astype(int)
    places = np.maximum.accumulate(places - np.arange(places.size)) + np.arange(places.size)
    room = cells - np.arange(places.size)[::-1]
    return np.interp(np.arange(cells + 1), np.minimum(places, room), corners)


def run_on_grid(
    process: Process,
    start: Density,
    edges: Array,
    times: Array,
    method: Method = "weno5",
    *,
    cfl: float = 0.4,
    stepper: Characteristics | None = None,
) -> GridRun:
    """Solve the reverse probability flow (4), (10) with the exact velocity, from t = tau down to the first time.

    Parameters
    ----------
    process, start
        The forward process and P~ at t = tau.
    edges : (cells + 1,) array
        Edges of the cells (at t = tau, where they move): see :func:`grid_for`.
    times : (n,) array
        Increasing forward times in [0, tau] at which to store.
    method : str
        ``"characteristics"``, ``"weno5"`` or ``"upwind"``.
    cfl : float
        Part of a cell's content that may leave it in a stage (``weno5``, ``upwind``), in (0, 1].
    stepper : Characteristics, optional
        Another error per step, or a fixed number of steps, for ``characteristics``.

    Returns
    -------
    GridRun
    """
    _check_method(method)
    times, edges = check_points("times", times, increasing=True), check_points("edges", edges, increasing=True)
    if times[0] < 0.0 or times[-1] > process.tau:
        raise InputError("times", f"given {times[0]:g} to {times[-1]:g}; they must lie in [0, {process.tau:g}]")
    masses = start.cell_masses(edges)
    if method == "characteristics":
        rows, steps = _follow(process, edges, times, stepper or Characteristics())
        breaks = np.flatnonzero(np.isin(edges, np.concatenate([process.final.breaks(), start.breaks()])))
        return GridRun(method, times, rows, np.tile(masses, (times.size, 1)), edges, masses, breaks, steps)
    grid = Grid.from_edges(edges)
    averages, steps = _advect(_Reach(process, start), masses / grid.widths, grid, times, FLUXES[method], SSPRK3(cfl))
    fixed = np.tile(edges, (times.size, 1))
    return GridRun(method, times, fixed, averages * grid.widths, edges, masses, np.empty(0, int), steps)


def _check_method(method: str) -> None:
    if method != "characteristics" and method not in FLUXES:
        raise InputError("method", f"given {method!r}; {suggestion(str(method), ['characteristics', *FLUXES])}")


def _clocks(process: Process, times: Array) -> list[tuple[Clock, int | None]]:
    """Intervals from tau down to the first time, cut at the kinks; each with the stored time that it reaches."""
    tau, kinks = process.tau, process.kinks()
    stops = np.unique(np.concatenate([[tau], times, kinks[(kinks > times[0]) & (kinks < tau)]]))[::-1]
    where = {float(t): i for i, t in enumerate(times)}
    return [
        (Clock(float(t), float(u), bool(t == tau), bool(u == 0.0)), where.get(float(u)))
        for t, u in zip(stops[:-1], stops[1:], strict=True)
    ]


def _follow(process: Process, edges: Array, times: Array, stepper: Characteristics) -> tuple[Array, int]:
    """Edges that move with the flow, at the stored times."""
    rows, total = np.tile(edges, (times.size, 1)), 0
    for clock, index in _clocks(process, times):
        edges, steps = stepper.advance(edges, process.velocity, clock)
        total += steps
        if index is not None:
            rows[index] = edges
    return rows, total


def _advect(
    reach: _Reach, averages: Array, grid: Grid, times: Array, flux: Flux, stepper: SSPRK3
) -> tuple[Array, int]:
    """Cell averages on a fixed grid at the stored times.

    Where neither process has mass the velocity is continued by its value at the last point that has: it would only
    shorten the steps (for rough data it diverges there as t goes to 0).
    """

    def drift(t: float) -> Array:
        return reach.process.velocity(t, np.clip(grid.faces, *reach.at(t)))

    rows, total = np.tile(averages, (times.size, 1)), 0
    for clock, index in _clocks(reach.process, times):
        averages, steps = stepper.advance(averages, flux, drift, grid, clock)
        total += steps
        if index is not None:
            rows[index] = averages
    return rows, total


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


def _distance(
    process: Process,
    t: float,
    edges: Array,
    gap: Array,
    breaks: np.ndarray[tuple[int], np.dtype[np.int64]],
    window: Window | None,
) -> tuple[float, float]:
    """W_1 and its rate (85) from the primitive F - F~ at the edges."""
    corners = np.unique(np.concatenate([[0], breaks, [edges.size - 1]]))
    block = np.searchsorted(corners, np.arange(edges.size - 1), side="right")
    lowest, highest = corners[block - 1], corners[block]
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
