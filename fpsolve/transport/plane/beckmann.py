r"""Wasserstein-1 distance in the plane by Beckmann's flow of least cost, with certified bars.

.. math:: W_1 = \min \{ \int |m| \, dx : \nabla \cdot m = f \} = \max \{ \int \psi f \, dx : |\nabla \psi| \le 1 \}

for the difference f of two densities; the flow runs along :math:`-\nabla \psi` and cannot leave the rectangle.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpsolve.estimates import Estimate
from fpsolve.grids import Grid
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, number
from fpsolve.transport.plane.beckmann_grids import COMPARED, limit, roomy, solutions
from fpsolve.transport.plane.beckmann_level import Flux, Solution
from fpsolve.transport.plane.levels import COARSEST, pyramid, spacings

#: part of the absolute masses that a difference may miss of balance
IMBALANCE = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Beckmann:
    """A distance, the flow that attains it and the potential that proves it.

    Parameters
    ----------
    distance : Estimate
        :math:`W_1`, mass times length; the bar holds the gap between both bounds and the discretisation.
    primal, dual : float
        Upper and lower bound of the discrete problem on the finest grid.
    potential : (nx, ny) array
        Its values at the centres, a length; discrete gradient of modulus at most one.
    flux : (nx + 1, ny) and (nx, ny + 1) arrays
        Mass through the faces per length of a face; its divergence is the difference. Where the solver added empty
        cells beyond the upper walls, a flux as small as the gap may cross these.
    iterations : dict
        Cells (nx, ny) of each grid and the steps taken there.
    grid : Grid
        The finest grid.
    coarser : Beckmann, optional
        The same on the next coarser grid, for extrapolation and for a next, similar problem.
    """

    distance: Estimate
    primal: float
    dual: float
    potential: Array
    flux: Flux
    iterations: dict[tuple[int, ...], int]
    grid: Grid
    coarser: Beckmann | None = dataclasses.field(default=None, repr=False)

    def slope(self, x: Any, y: Any) -> tuple[Array, Array]:
        """Gradient of the potential, of modulus at most one, by interpolation between the faces.

        Parameters
        ----------
        x, y : array_like
            Points, of shapes that fit together; beyond the outermost faces the gradient there is used.

        Returns
        -------
        gx, gy : arrays
            Pure numbers, of the common shape.
        """
        x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        along_x, along_y = self.grid.axes
        gx = np.diff(self.potential, axis=0) / np.diff(along_x.centres)[:, None]
        gy = np.diff(self.potential, axis=1) / np.diff(along_y.centres)
        gx = _between(gx, along_x.edges[1:-1], along_y.centres, x, y)
        gy = _between(gy, along_x.centres, along_y.edges[1:-1], x, y)
        size = np.maximum(np.hypot(gx, gy), 1.0)
        return gx / size, gy / size


def beckmann(
    grid: Grid,
    difference: Array,
    *,
    tolerance: float = 1e-3,
    guess: Beckmann | None = None,
    moments: Any = None,
) -> Beckmann:
    r"""Wasserstein-1 distance of two densities on a rectangle of equal cells (Beckmann's problem).

    Parameters
    ----------
    grid : Grid
        A plane of equal cells, at least 4 along each axis. Its walls hold the flow back; they are too close only
        where they cut off mass.
    difference : (nx, ny) array
        Mass of the first minus mass of the second density in each cell.
    tolerance : float
        Wanted relative bar, without what the discretisation adds: twice the gap between upper and lower bound.
    guess : Beckmann, optional
        Solution of a similar problem on the same grid, to start from.
    moments : (2,) array_like, optional
        Exact first moments :math:`\int (x, y) f`, where known: their modulus never exceeds :math:`W_1`, which is
        used to narrow the bar.

    Returns
    -------
    Beckmann
        Where the gap stays above the tolerance, the bar says so.

    Raises
    ------
    InputError
        An unsuitable grid, another shape, masses that are not finite or do not add up to zero, a guess from
        another grid, a tolerance out of range.
    """
    widths = spacings(grid)
    if min(grid.shape) < 4:
        raise InputError("grid", f"given {grid.shape} cells; expected at least 4 along each axis")
    tolerance = number("tolerance", tolerance, least=1e-7, below=0.5)
    if guess is not None and not _same(guess.grid, grid):
        raise InputError("guess", f"it was solved on {guess.grid.shape} other cells; expected the same grid")
    masses, mass = _balanced(difference, grid)
    if mass == 0.0:
        return _nothing(grid)
    wide = roomy(grid)
    units = Units(mass, max(n * width for n, width in zip(grid.shape, widths, strict=True)))
    known = 0.0 if moments is None else _modulus(moments) / (mass * units.length)
    guesses = [] if guess is None else units.starts(guess, wide.shape)
    grids = pyramid(wide, min(COARSEST, max(wide.shape) // 4))[-len(guesses) :]
    # half of the gap makes most of the bar
    found = solutions(grids, _filled(masses / mass, wide.shape), guesses, 0.5 * tolerance, units.length)
    return units.restored(grids, found, known, grid)


@dataclasses.dataclass(frozen=True)
class Units:
    """Between a problem and its copy with unit mass to carry on a rectangle of longer side one.

    Parameters
    ----------
    mass, length : float
        What is one there.
    """

    mass: float
    length: float

    def starts(self, guess: Beckmann, shape: tuple[int, ...]) -> list[Solution]:
        """Solutions of the guess and its coarser companions, the coarsest first, the finest filled to the shape."""
        found: list[Solution] = []
        each: Beckmann | None = guess
        while each is not None and each.primal > 0.0:
            (along_x, along_y), (hx, hy) = each.flux, spacings(each.grid)
            carried = 0.5 * float(np.abs(np.diff(along_x, axis=0) * hy + np.diff(along_y, axis=1) * hx).sum())
            potential, scale = each.potential / self.length, -self.length / carried
            if each is guess:
                (nx, ny), beyond = shape, [(0, n - m) for n, m in zip(shape, each.grid.shape, strict=True)]
                potential = np.pad(potential, beyond, mode="edge")
                along_x, along_y = _filled(along_x, (nx + 1, ny)), _filled(along_y, (nx, ny + 1))
            found.insert(0, Solution(math.inf, 0.0, 0.0, potential, (scale * along_x, scale * along_y), 0))
            each = each.coarser
        return found

    def restored(self, grids: list[Grid], found: list[Solution], known: float, grid: Grid) -> Beckmann:
        """The finest solution in units of the problem, with its bar and its coarser companions."""
        values, errors = [each.value for each in found], [each.error for each in found]
        ratios = [math.sqrt(fine.cells / coarse.cells) for coarse, fine in itertools.pairwise(grids)]
        steps: dict[tuple[int, ...], int] = {}
        cost, result = self.mass * self.length, None
        for k, (each, own) in enumerate(zip([*grids[:-1], grid], found, strict=True)):
            steps = {**steps, each.shape: own.iterations}
            if k < len(grids) - COMPARED:
                continue
            distance = limit(values[: k + 1], errors[: k + 1], ratios[:k], own.rough, known).scaled(cost)
            nx, ny = each.shape
            # the flow carries the first density to the second, down the potential
            flux = -self.mass / self.length * own.flux[0], -self.mass / self.length * own.flux[1]
            flux = flux[0][: nx + 1, :ny], flux[1][:nx, : ny + 1]
            potential = self.length * own.potential[:nx, :ny]
            result = Beckmann(distance, own.primal * cost, own.dual * cost, potential, flux, steps, each, result)
        assert result is not None
        return result


def _filled(values: Array, shape: tuple[int, ...]) -> Array:
    """The array with zeros beyond its upper ends."""
    beyond = [(0, n - m) for n, m in zip(shape, values.shape, strict=True)]
    return np.pad(values, beyond) if values.shape != shape else values


def _balanced(difference: Any, grid: Grid) -> tuple[Array, float]:
    """Masses that add up to zero, and half of their absolute sum: the mass to be carried."""
    masses = np.array(difference, float, order="C")
    if masses.shape != grid.shape:
        raise InputError("difference", f"given shape {masses.shape}; expected one mass a cell, {grid.shape}")
    if not np.all(np.isfinite(masses)):
        raise InputError("difference", "it holds values that are not finite; check the densities it was made of")
    size, total = float(np.abs(masses).sum()), float(masses.sum())
    if abs(total) > IMBALANCE * size:
        raise InputError(
            "difference",
            f"its total is {total:g}, {abs(total) / size:.1g} of its absolute sum; both densities must have the same "
            "mass on the grid: normalise them there, or take a wider rectangle",
        )
    # in proportion to what is there, so that empty cells stay empty
    masses -= np.abs(masses) * (total / size if size > 0.0 else 0.0)
    return masses, 0.5 * size


def _same(first: Grid, second: Grid) -> bool:
    """Whether two planes have the same cells."""
    pairs = zip(first.axes, second.axes, strict=True)
    return first.shape == second.shape and all(np.array_equal(one.edges, other.edges) for one, other in pairs)


def _modulus(moments: Any) -> float:
    """Length of the vector of first moments."""
    pair = np.asarray(moments, float)
    if pair.shape != (2,) or not np.all(np.isfinite(pair)):
        raise InputError("moments", f"given {moments!r}; expected two finite numbers, the integrals of x f and of y f")
    return float(np.hypot(*pair))


def _nothing(grid: Grid) -> Beckmann:
    """No difference, no distance."""
    nx, ny = grid.shape
    flux = np.zeros((nx + 1, ny)), np.zeros((nx, ny + 1))
    return Beckmann(Estimate(0.0), 0.0, 0.0, np.zeros(grid.shape), flux, {}, grid)


def _between(values: Array, along_x: Array, along_y: Array, x: Array, y: Array) -> Array:
    """Bilinear interpolation of a table with equal steps, constant beyond its ends."""
    i, s = _place(along_x, x)
    j, t = _place(along_y, y)
    lower = (1.0 - s) * values[i, j] + s * values[i + 1, j]
    upper = (1.0 - s) * values[i, j + 1] + s * values[i + 1, j + 1]
    return np.asarray((1.0 - t) * lower + t * upper)


def _place(nodes: Array, points: Array) -> tuple[NDArray[np.intp], Array]:
    """Interval of each point, and its place there between 0 and 1."""
    steps = np.clip((points - nodes[0]) / (nodes[-1] - nodes[0]) * (nodes.size - 1), 0.0, nodes.size - 1.0)
    left = np.minimum(steps.astype(np.intp), nodes.size - 2)
    return left, steps - left
