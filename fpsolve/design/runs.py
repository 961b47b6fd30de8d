"""A Fokker-Planck equation solved from one density towards another, and what it dissipates on the way."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.densities import Density
from fpsolve.equation import FokkerPlanck
from fpsolve.estimates import Estimate
from fpsolve.fluxes import FourthOrder
from fpsolve.grids import Array, Axis, Grid
from fpsolve.integration import NotConverged
from fpsolve.processes import Process
from fpsolve.quadrature import TimePanels
from fpsolve.settings import number
from fpsolve.solution import solve
from fpsolve.solution.errors import number_bar
from fpsolve.solution.gauges import face_values
from fpsolve.transport.line import wasserstein_cells

#: mass of either density beyond each end of the window
_TAIL = 1e-13
#: instants of a process whose structure the cells follow: it changes fastest near the start
_LOOKED = (0.0, 0.03, 0.1, 0.3, 0.6, 1.0)
#: widest and narrowest panel of the cells' density, in units of the window
_WIDEST, _NARROWEST = 1.0 / 96.0, 1.0 / 3000.0
#: widths of the cells' density in units of those of the process
_PART = 0.25
#: panels of the integrals over time
_PANELS = 3
#: density, relative to its maximum, below which rounding is all there is
_FAINT = 1e-14
#: the same in units of its negative values
_NOISY = 30.0
#: tolerance of the steps on the finest grid, how much more coarser grids are granted, and the most
_RTOL, _LOOSER, _LOOSEST = 1e-7, 32.0, 3e-3
_LEVELS = 3
#: integral of the modulus of a density that has come apart
_WILD = 1.5
#: order that differences of numbers may fall with, and their rounding
_ORDER, _ROUNDING = 4, 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Driven:
    """What a protocol did: a solution of the Fokker-Planck equation with its force.

    Parameters
    ----------
    solution : xarray.Dataset
        What :func:`fpsolve.solve` returned.
    numbers : mapping of str to Estimate
        ``entropy_production`` S_tot (40), ``heat`` taken in, ``work`` (from equilibrium with -T ln P_0 to the moment
        when -T ln P_tau is switched on), ``bound`` W2(P_0, reached)² / (tau T M), ``W2`` and ``L1`` from the reached
        density to the target, ``divergence`` D_KL(reached || target).
    """

    solution: xr.Dataset
    numbers: dict[str, Estimate]

    def __getitem__(self, name: str) -> Estimate:
        """One of the numbers."""
        return self.numbers[name]


def window_of(start: Density, end: Density) -> tuple[float, float]:
    """An interval that holds both densities, and so what a force moves from one to the other."""
    (a, b), (c, d) = start.interval(_TAIL), end.interval(_TAIL)
    return min(a, c), max(b, d)


def grid_along(process: Process, cells: int) -> Grid:
    """Cells that are fine wherever the process has structure at some time.

    Parameters
    ----------
    process : Process
    cells : int
        A multiple of four, so that coarser companions have every fourth edge.
    """
    low, high = window_of(process.initial, process.final)
    x = np.linspace(low, high, 20 * cells + 1)
    scale = np.full(x.size, _WIDEST * (high - low))
    for part in _LOOKED:
        centres, widths = process.structure(part * process.tau).features()
        order = np.argsort(centres)
        near = np.interp(x, centres[order], _PART * widths[order])
        scale = np.minimum(scale, near)
    scale = np.maximum(scale, _NARROWEST * (high - low))
    count = np.concatenate([[0.0], np.cumsum(0.5 * (1.0 / scale[1:] + 1.0 / scale[:-1]))])
    edges = np.interp(np.linspace(0.0, count[-1], cells + 1), count, x)
    return Grid((Axis(edges),))


def run(problem: FokkerPlanck, start: Density, end: Density, tau: float, grid: Grid, **options: Any) -> Driven:
    """Solve from the start on a grid and on two coarser ones, and measure.

    Parameters
    ----------
    problem : FokkerPlanck
        On the line, at constant temperature, with a number as its mobility.
    start, end : Density
        P_0 and the target.
    tau : float
        Duration, s.
    grid : Grid
        The finest one.
    **options
        For :func:`fpsolve.solve`.
    """
    given: dict[str, Any] = {"flux": FourthOrder(), "bars": False, "progress": False, **options}
    rtol = number("rtol", given.pop("rtol", _RTOL), above=0.0)
    edges = np.linspace(0.0, tau, _PANELS + 1)
    nodes, kronrod, gauss = TimePanels(edges, tau).nodes(edges[:-1], edges[1:])
    times = np.concatenate([[0.0], nodes.ravel(), [tau]])
    weights = np.stack([kronrod.ravel(), gauss.ravel()])
    found, solutions = [], []
    for level in range(_LEVELS):
        own, tolerance = Grid((grid.axis.coarser(2**level),)), min(rtol * _LOOSER**level, max(rtol, _LOOSEST))
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                solution = solve(problem, start, times, grid=own, rtol=tolerance, atol=1e-3 * tolerance, **given)
            _check(solution, own)
        except (NotConverged, FloatingPointError) as failure:
            if level == 0:
                raise NotConverged(f"{failure}; take more cells") from failure
            break  # too coarse to say anything
        solutions.append(solution)
        found.append(_numbers(solution, problem, own, start, end, weights))
    numbers = {}
    for name, (value, own_bar, unit) in found[0].items():
        bar = number_bar([one[name][0] for one in found], _ORDER, _ROUNDING * max(1.0, abs(value)))
        numbers[name] = Estimate(value, bar + own_bar if math.isfinite(bar) else math.inf, unit)
    return Driven(solutions[0], numbers)


def _check(solution: xr.Dataset, grid: Grid) -> None:
    """A force that is steeper than the cells makes oscillations that grow."""
    worst = float(np.max(np.abs(solution["density"].values) @ grid.widths))
    if not worst < _WILD:
        raise NotConverged(f"on {grid.cells} cells the density oscillates")


def _numbers(
    solution: xr.Dataset, problem: FokkerPlanck, grid: Grid, start: Density, end: Density, weights: Array
) -> dict[str, tuple[float, float, str]]:
    """Value, bar of the time integral and unit of all numbers of a solution."""
    temperature, mobility = float(problem.temperature_at(0.0)), float(problem.mobility_matrix[0, 0])
    edges, times = grid.axis.edges, solution["time"].values
    averages, current = solution["density"].values, solution["current"].values
    faces = np.stack([between_cells(one, grid) for one in averages])
    pull = np.stack([problem.force.field((edges,), t)[0] for t in times.tolist()])
    # where the density is as small as the negative values that steep tails leave there is no velocity
    noise = np.maximum(-_NOISY * averages.min(axis=1), _FAINT * averages.max(axis=1))[:, None]
    square = np.where(faces > noise, current, 0.0) ** 2
    produced = _integral(edges, square / faces)[1:-1] / (mobility * temperature)
    absorbed = -_integral(edges, pull * current)[1:-1]
    (entropy, entropy_bar), (heat, heat_bar) = (_in_time(rates, weights) for rates in (produced, absorbed))
    first, last = end_energies(start, end, edges)
    energy = float(_integral(edges, temperature * faces[-1] * last) - _integral(edges, temperature * faces[0] * first))
    masses, begun, wanted = averages[-1] * grid.widths, start.cell_masses(edges), end.cell_masses(edges)
    held = np.maximum(masses, 0.0)
    length, _ = wasserstein_cells(edges, begun / begun.sum(), edges, held / held.sum(), 2.0)
    missed, missed_bar = wasserstein_cells(edges, held / held.sum(), edges, wanted / wanted.sum(), 2.0)
    target = np.exp(-last)
    gap = _integral(edges, faces[-1] * (np.log(faces[-1]) + last) - faces[-1] + target)
    return {
        "entropy_production": (entropy, entropy_bar, "1"),
        "heat": (heat, heat_bar, "L^2/s"),
        "work": (energy - heat, heat_bar, "L^2/s"),
        "bound": (length**2 / (float(times[-1]) * temperature * mobility), 0.0, "1"),
        "W2": (missed, missed_bar, "L"),
        "L1": (float(np.sum(np.abs(masses - wanted))), 0.0, "1"),
        "divergence": (max(float(gap), 0.0), 0.0, "1"),
    }


def end_energies(start: Density, end: Density, x: Array) -> tuple[Array, Array]:
    """-ln P_0 and -ln P_tau at points: the equilibrium energies of both ends over T."""
    return -start.logpdf(x), -end.logpdf(x)


def between_cells(averages: Array, grid: Grid) -> Array:
    """Positive values of a density at the faces.

    Where it falls by orders of magnitude from cell to cell the interpolating polynomial may go through zero: there the
    density falls like an exponential.
    """
    values, held = face_values(averages, grid, 0), np.maximum(averages, 0.0)
    mean = np.sqrt(np.append(held[:1], held) * np.append(held, held[-1:]))
    return np.maximum(np.where(values < 0.5 * mean, mean, values), _FAINT * float(np.max(held)))


def _integral(edges: Array, values: Array) -> Array:
    """Integral over x of values at the faces (the last axis), by the cubic spline through them."""
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(edges, values, axis=-1).integrate(edges[0], edges[-1]))


def _in_time(rates: Array, weights: Array) -> tuple[float, float]:
    """Integral over time of rates at the nodes, and the disagreement of the two rules."""
    fine, coarse = (float(row @ rates) for row in weights)
    return fine, abs(fine - coarse)
