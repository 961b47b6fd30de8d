"""From coarse grids to fine ones: starts, sequences of solutions, and the limit of their distances."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.fft import next_fast_len

from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.grids import Grid
from fpsolve.quadrature import Array
from fpsolve.transport.plane.beckmann_level import Flux, Level, Solution, inner
from fpsolve.transport.plane.levels import gathered, spacings, spread

#: grids whose distances are compared; below them a start is all that is wanted, to this gap
COMPARED, START = 3, 1e-3
#: what the last correction is multiplied with where the changes do not shrink as the square of the cell width: a
#: ridge of the potential that falls between the cells makes an error of that order, but of any sign on each grid
IRREGULAR = 2.5
#: part of a lone grid's distance that its discretisation may cost
LONE = 0.1


def roomy(grid: Grid) -> Grid:
    """The grid, with empty cells beyond its upper ends where its cells cannot be halved twice or transform slowly.

    The straight lines that carry mass do not leave a convex set, so the distance is the same.
    """
    cells = [4 * next_fast_len(-(-n // 4), real=True) for n in grid.shape]
    lower = [float(axis.edges[0]) for axis in grid.axes]
    upper = [low + n * width for low, n, width in zip(lower, cells, spacings(grid), strict=True)]
    return grid if cells == list(grid.shape) else Grid.plane(lower, upper, cells)


def solutions(
    grids: list[Grid], masses: Array, guesses: list[Solution], tolerance: float, length: float
) -> list[Solution]:
    """Solutions from the coarsest grid to the finest, each the start of the next.

    Parameters
    ----------
    grids : list of Grid
        The coarsest first.
    masses : (nx, ny) array
        Of the cells of the last grid.
    guesses : list of Solution
        One a grid, or none.
    tolerance : float
        Relative gap on the grids that are compared.
    length : float
        Unit of length.
    """
    sources = [masses]
    for finer, coarser in zip(grids[:0:-1], grids[-2::-1], strict=True):
        sources.insert(0, gathered(sources[0], finer, coarser))
    found: list[Solution] = []
    for k, (grid, source) in enumerate(zip(grids, sources, strict=True)):
        hx, hy = (width / length for width in spacings(grid))
        gap = tolerance if k >= len(grids) - COMPARED else max(tolerance, START)
        start = guesses[k] if guesses else None
        if found and start is None:
            start = finer_copy(found[-1], grids[k - 1], grid)
        elif found and start is not None:
            # what changed is known from the coarser grid, where it was cheap
            change = finer_copy(_sum(found[-1], guesses[k - 1], -1.0), grids[k - 1], grid)
            start = _sum(start, change, 1.0)
        solution = Level(source / (hx * hy), (hx, hy)).solve(start, gap)
        found.append(dataclasses.replace(solution, rough=roughness(source, solution.potential, (hx, hy))))
    return found


def roughness(masses: Array, potential: Array, spacing: tuple[float, float]) -> float:
    """How far the distance may be off by jumps of the density and ridges of the potential that run inside cells.

    A jump somewhere in a cell leaves the place of the cell's mass open, up to an eighth of jump times width² per length
    of the jump; so does a ridge, where the slope jumps, for the mass beside it. Sixth differences tell both from what
    is smooth: those of a jump in the middle of a cell add up to ten jumps, those of a ridge to sixteen.
    """
    found = 0.0
    for axis, h in enumerate(spacing):
        beyond = [(3, 3) if k == axis else (0, 0) for k in range(2)]
        slope = np.abs(np.gradient(potential, h, axis=axis))
        found += h / 80.0 * inner(np.abs(np.diff(np.pad(masses, beyond, mode="edge"), 6, axis)), slope)
        within = masses[3:-3] if axis == 0 else masses[:, 3:-3]
        found += 1.0 / 256.0 * inner(np.abs(within), np.abs(np.diff(potential, 6, axis)))
    return found


def finer_copy(solution: Solution, grid: Grid, finer: Grid) -> Solution:
    """Potential and flux on a finer grid, by linear interpolation between the centres."""
    along_x, along_y = solution.flux
    centre_x = spread(0.5 * (along_x[1:] + along_x[:-1]), grid, finer)
    centre_y = spread(0.5 * (along_y[:, 1:] + along_y[:, :-1]), grid, finer)
    nx, ny = centre_x.shape
    flux = np.zeros((nx + 1, ny)), np.zeros((nx, ny + 1))
    flux[0][1:-1] = 0.5 * (centre_x[1:] + centre_x[:-1])
    flux[1][:, 1:-1] = 0.5 * (centre_y[:, 1:] + centre_y[:, :-1])
    return dataclasses.replace(solution, potential=spread(solution.potential, grid, finer), flux=flux)


def _sum(first: Solution, second: Solution, factor: float) -> Solution:
    """First plus factor times second, of potential and flux alone."""
    flux: Flux = (first.flux[0] + factor * second.flux[0], first.flux[1] + factor * second.flux[1])
    return dataclasses.replace(first, potential=first.potential + factor * second.potential, flux=flux)


def limit(
    values: list[float], errors: list[float], ratios: list[float], rough: float = 0.0, known: float = 0.0
) -> Estimate:
    """Limit of the discrete distances, which converge with the square of the cell width, and its bar.

    Parameters
    ----------
    values, errors : lists of floats
        Distances from coarse to fine, and how far the exact discrete ones may lie from them.
    ratios : list of floats
        Refinement ratios between the grids, one fewer.
    rough : float
        Error of the last distance that need not shrink regularly.
    known : float
        A bound of the limit from below.
    """
    value, error = values[-1], errors[-1]
    if len(values) == 1:
        return Estimate(value, error + rough + LONE * value)
    part = 1.0 / (ratios[-1] ** 2 - 1.0)
    change = values[-1] - values[-2]
    value += part * change
    error += part * (errors[-1] + errors[-2])
    open_ = part * abs(change)
    if len(values) == 2:
        open_ *= IRREGULAR
    else:
        # one small change may be chance, two in a row hardly
        earlier = (values[-2] - values[-3]) / ratios[-1] ** 2
        regular = abs(change - earlier) <= 0.4 * abs(change)
        open_ = max(open_, part * abs(earlier)) * (1.0 if regular else IRREGULAR)
    error += open_ + (1.0 + part) * rough
    error += ROUNDING * value
    if known > value - error:
        high = max(value + error, known)
        return Estimate(0.5 * (known + high), 0.5 * (high - known) + ROUNDING * known)
    return Estimate(value, error)
