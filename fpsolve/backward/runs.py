"""The reverse probability flow in cells."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from fpsolve.backward.reach import Method, Reach, check_method
from fpsolve.densities import Density
from fpsolve.densities.base import check_points
from fpsolve.fluxes import WENO5, Flux, Upwind
from fpsolve.grids import Array, Grid
from fpsolve.kernels.advection import fastest_outflow
from fpsolve.processes import Process
from fpsolve.settings import InputError
from fpsolve.steppers import SSPRK3, Characteristics, Clock

Indices = NDArray[np.int64]

FLUXES: dict[str, Flux] = {"weno5": WENO5(), "upwind": Upwind()}
#: how near to t = tau and t = 0 velocities that are irregular there are asked for, in the stretched time of an interval
_NEAR_TAU, _NEAR_ZERO = 2e-3, 1e-6


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
    breaks: Indices
    steps: int

    @property
    def moving(self) -> bool:
        """Whether the edges follow the flow."""
        return self.method == "characteristics"


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
    check_method(method)
    times, edges = check_points("times", times, increasing=True), check_points("edges", edges, increasing=True)
    if times[0] < 0.0 or times[-1] > process.tau:
        raise InputError("times", f"given {times[0]:g} to {times[-1]:g}; they must lie in [0, {process.tau:g}]")
    reach, masses = Reach(process, start), start.cell_masses(edges)
    if method == "characteristics":
        rows, steps = _follow(reach, edges, times, stepper or Characteristics())
        breaks = np.flatnonzero(np.isin(edges, np.concatenate([process.final.breaks(), start.breaks()])))
        return GridRun(method, times, rows, np.tile(masses, (times.size, 1)), edges, masses, breaks, steps)
    grid = Grid.from_edges(edges)
    averages, steps = _advect(reach, masses / grid.widths, grid, times, FLUXES[method], SSPRK3(cfl))
    fixed = np.tile(edges, (times.size, 1))
    return GridRun(method, times, fixed, averages * grid.widths, edges, masses, np.empty(0, int), steps)


def _clocks(reach: Reach, times: Array) -> list[tuple[Clock, int | None]]:
    """Intervals from tau down to the first time, cut at the kinks; each with the stored time that it reaches."""
    tau, kinks = reach.process.tau, reach.process.kinks()
    stops = np.unique(np.concatenate([[tau], times, kinks[(kinks > times[0]) & (kinks < tau)]]))[::-1]
    if stops.size < 2:
        return []
    near = np.zeros((stops.size, 2))
    near[0, 0] = _NEAR_TAU * _irregular(reach, tau, stops[1])
    near[-2, 1] = _NEAR_ZERO * (stops[-1] == 0.0 and _irregular(reach, 0.0, stops[-2]))
    where = {float(t): i for i, t in enumerate(times)}
    return [
        (Clock(float(stops[i]), float(stops[i + 1]), *near[i].tolist()), where.get(float(stops[i + 1])))
        for i in range(stops.size - 1)
    ]


def _irregular(reach: Reach, end: float, other: float) -> bool:
    """Whether the velocity, where there is mass, does not run on smoothly to an end of an interval.

    It may diverge there, or the schedule may know the product of m' and E[y|x] only as a limit.
    """
    near, process = end + 1e-6 * (other - end), reach.process
    low, high = reach.at(near)
    x = np.linspace(low, high, 65)
    jump = np.max(np.abs(process.velocity(end, x) - process.velocity(near, x)))
    usual = max(np.max(np.abs(process.velocity(t, x))) for t in (other, 0.5 * (end + other)))
    return bool(jump > 1e-3 * usual)


def _follow(reach: Reach, edges: Array, times: Array, stepper: Characteristics) -> tuple[Array, int]:
    """Edges that move with the flow, at the stored times."""
    rows, total = np.tile(edges, (times.size, 1)), 0
    for clock, index in _clocks(reach, times):
        edges, steps = stepper.advance(edges, reach.process.velocity, clock)
        total += steps
        if index is not None:
            rows[index] = edges
    return rows, total


def _advect(reach: Reach, averages: Array, grid: Grid, times: Array, flux: Flux, stepper: SSPRK3) -> tuple[Array, int]:
    """Cell averages on a fixed grid at the stored times.

    Where neither process has mass the velocity is continued by its value at the last point that has: it would only
    shorten the steps (for rough data it diverges there as t goes to 0).
    """

    def drift(t: float) -> Array:
        return reach.process.velocity(t, np.clip(grid.faces, *reach.at(t)))

    samples = times[0] + (reach.process.tau - times[0]) * np.linspace(0.05, 0.95, 10)
    typical = np.median([fastest_outflow(drift(t), grid.widths) for t in samples]) / stepper.cfl
    rows, total = np.tile(averages, (times.size, 1)), 0
    for clock, index in _clocks(reach, times):
        least = math.ceil((clock.begin - clock.end) * typical)
        averages, steps = stepper.advance(averages, flux, drift, grid, clock, least)
        total += steps
        if index is not None:
            rows[index] = averages
    return rows, total
