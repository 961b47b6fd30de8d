r"""Squared-cost optimal transport between two densities on a rectangle of equal cells.

.. math:: W_2^2 = \min_{T_\#\mu = \nu} \int |x - T(x)|^2 \, d\mu, \qquad T = x - \nabla\psi.

Close densities start from the linearised problem (a weighted Poisson equation), all others from a multilevel
back-and-forth iteration; both end with Newton steps for the densities themselves (:mod:`.quadratic_steps`). The value
is the dual, of fourth order in the cell width for smooth densities and maps; its bar comes from two coarser copies of
the grid, from what the last Newton step left open, and from the two sides of the dual.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np

from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.grids import Grid
from fpsolve.quadrature import Array
from fpsolve.settings import InputError
from fpsolve.transport.plane import maps
from fpsolve.transport.plane.levels import COARSEST, gathered, pyramid, spacings, spread
from fpsolve.transport.plane.quadratic_steps import (
    Potentials,
    Problem,
    linearised,
    plain_steps,
    smooth_steps,
    smoothed,
    weighted_steps,
)

#: relative difference allowed between the totals
UNEQUAL = 1e-9
#: fewest cells along each axis
FEWEST = 4
#: below so many cell widths the linearised problem is the start in any case: atoms at the centres tell nothing
NEAREST = 0.5
#: and below so many it is tried
NEAR = 12.0
#: part of the dual that the last Newton step from it may promise without another start being tried
CONVERGED = 1e-3
#: levels, finest included, whose values make the error bar
COMPARED = 3
#: bar, relative to the distance, of a near start with which the multilevel iteration must compete
DOUBTFUL = 2e-3


@dataclasses.dataclass(frozen=True, eq=False)
class QuadraticTransport:
    r"""Optimal transport of the squared cost between two densities on a grid.

    Attributes
    ----------
    grid : Grid
        The rectangle of equal cells.
    first, second : (nx, ny) arrays
        Masses of the cells, of total one.
    distance : Estimate
        The distance W2 of the densities, unit of length.
    lower : float
        Square root of twice the dual of atoms at the centres: a lower bound of the distance of those, length.
    residual : float
        Norm of what the map misses of the second density, in the dual of the weighted Sobolev space; a length.
    potential_first, potential_second : (nx, ny) arrays
        Kantorovich potentials :math:`\psi, \varphi` of :math:`\tfrac12|x-y|^2`, lengths squared.
    near : bool
        Whether the linearised problem was near enough to serve as the start.
    """

    grid: Grid
    first: Array
    second: Array
    distance: Estimate
    lower: float
    residual: float
    potential_first: Array
    potential_second: Array
    near: bool

    def map(self) -> tuple[Array, Array]:
        r"""Brenier's map :math:`x - \nabla\psi` at the centres; two (nx, ny) arrays of positions.

        Where the first density vanishes it is only an extension.
        """
        return maps.brenier_map(self.potential_first, self.grid)

    def inverse_map(self) -> tuple[Array, Array]:
        r"""The map :math:`y - \nabla\varphi` of the second density to the first, at the centres."""
        return maps.brenier_map(self.potential_second, self.grid)

    def corner_map(self) -> tuple[Array, Array]:
        """Brenier's map at the corners of the cells; two (nx + 1, ny + 1) arrays of positions."""
        return maps.corner_map(self.potential_first, self.grid)

    def interpolate(self, s: float) -> tuple[Array, Array, Array]:
        """Displacement interpolation: all mass goes straight and evenly from the first to the second density.

        Parameters
        ----------
        s : float
            Share of the way, in [0, 1].

        Returns
        -------
        masses, velocity_x, velocity_y : (nx, ny) arrays
            Masses of the cells, of total one to rounding, and their mean displacement over the whole way, lengths
            (zero where there is no mass).

        Raises
        ------
        InputError
            s outside [0, 1].
        """
        return maps.interpolated(self.potential_first, self.grid, self.first, s)


def quadratic_transport(grid: Grid, first: Array, second: Array, *, tolerance: float = 1e-7) -> QuadraticTransport:
    """Optimal transport of the squared cost between two densities given by the masses of equal cells.

    Parameters
    ----------
    grid : Grid
        A rectangle of equal cells, at least four along each axis.
    first, second : (nx, ny) arrays
        Non-negative masses of the cells with equal totals; those of a density, not of atoms.
    tolerance : float
        Newton's method ends when a step promises less than this part of the squared distance.

    Returns
    -------
    QuadraticTransport
        Distance with its error bar, potentials, maps and the displacement interpolation.

    Raises
    ------
    InputError
        A stretched grid or one with too few cells; masses of another shape, not finite, negative, without total, or
        of unequal totals; a tolerance outside (0, 1).

    Notes
    -----
    The bar adds one and a half times the change of the value over the last refinement (or an eighth of the one before,
    if that is more), the gain that the last Newton step promised, the difference between the duals started from either
    density, and what the slopes of the densities inside the cells leave open. Shapes smaller than a cell are unknown
    to it.
    """
    if not 0.0 < tolerance < 1.0:
        raise InputError("tolerance", f"given {tolerance!r}; it must lie between 0 and 1, such as 1e-7")
    masses = _checked(grid, first, second)
    coarsest = min(COARSEST, max(max(grid.shape) // 4, FEWEST))
    problems = [Problem(grid, *masses)]
    for coarser in pyramid(grid, coarsest)[-2::-1]:
        finer = problems[-1]
        found = [gathered(mass, finer.grid, coarser) for mass in (finer.first, finer.second)]
        problems.append(Problem(coarser, found[0], found[1]))
    return _Solver(problems[::-1], tolerance).result()


def _checked(grid: Grid, first: Array, second: Array) -> tuple[Array, Array]:
    """Both masses with total one."""
    spacings(grid)
    if min(grid.shape) < FEWEST:
        raise InputError("grid", f"given {grid.shape} cells; expected at least {FEWEST} along each axis")
    masses, totals = [], []
    for key, given in (("first", first), ("second", second)):
        mass = np.ascontiguousarray(given, dtype=float)
        if mass.shape != grid.shape:
            raise InputError(key, f"given shape {mass.shape}; the grid has {grid.shape} cells")
        if not np.all(np.isfinite(mass)) or np.any(mass < 0.0):
            raise InputError(key, "some masses are negative or not finite; clip them at zero and rescale")
        totals.append(float(mass.sum()))
        if not totals[-1] > 0.0:
            raise InputError(key, "given no mass at all; give the masses of a density's cells")
        masses.append(mass / totals[-1])
    if not abs(totals[0] - totals[1]) <= UNEQUAL * max(totals):
        raise InputError(
            "second",
            f"unequal masses: {totals[0]:.12g} and {totals[1]:.12g}; only equal totals (within {UNEQUAL:g}) can be "
            "carried into each other; divide each by its sum",
        )
    return masses[0], masses[1]


@dataclasses.dataclass(frozen=True, eq=False)
class _Level:
    """What one grid said: the potentials, the gain still promised, the difference between the two sides' distances."""

    at: Potentials
    promised: float
    sides: float

    @property
    def distance(self) -> float:
        return _distance(self.at.dual)


def _distance(dual: float) -> float:
    return math.sqrt(2.0 * max(dual, 0.0))


@dataclasses.dataclass(frozen=True, eq=False)
class _Solver:
    """The problem on the grids of the pyramid, the coarsest first."""

    problems: list[Problem]
    tolerance: float

    def result(self) -> QuadraticTransport:
        """Levels from a near start where that converges, from the multilevel iteration otherwise."""
        problem = self.problems[-1]
        levels, sure = self.near()
        near = bool(levels)
        if not sure or (self.bar(levels) > DOUBTFUL * levels[-1].distance and min(problem.grid.shape) > COARSEST):
            others = self.far()
            if not near or self.bar(others) < self.bar(levels):
                levels, near = others, False
        last = levels[-1]
        first, second = last.at.pair()
        source = problem.transform(second)
        lower = _distance(problem.grid_dual(source, problem.transform(source)))
        _, left = problem.direction(problem.smooth(second), 1e-3)
        distance = Estimate(last.distance, self.bar(levels), "length")
        residual = math.sqrt(2.0 * max(left, 0.0))
        return QuadraticTransport(
            problem.grid, problem.first, problem.second, distance, lower, residual, first, second, near
        )

    def bar(self, levels: list[_Level]) -> float:
        """Error bar of the finest level's distance."""
        values = [level.distance for level in levels]
        last = levels[-1]
        steps = [abs(b - a) for a, b in itertools.pairwise(values)]
        refinement = 2.0 * sum(steps)
        if len(steps) > 1:
            # the step before guards against a last one that is small by chance, unless its grid saw nothing at all
            guard = min(0.125 * steps[-2], max(0.125 * values[-1], 4.0 * steps[-1]))
            refinement = max(1.5 * steps[-1], guard)
        size = max(float(np.max(np.abs(potential))) for potential in last.at.pair())
        unlimited = self.problems[-1].dual(last.at.source, last.at.target, last.at.turned, limited=False)
        # all in the dual W^2 / 2, whose change by d moves W by at most both d / W and the root of 2 d
        missing = last.promised + 4.0 * abs(unlimited - last.at.dual) + ROUNDING * (size + last.at.dual)
        within = math.sqrt(2.0 * missing)
        return refinement + last.sides + (min(within, missing / values[-1]) if values[-1] > 0.0 else within)

    def near(self) -> tuple[list[_Level], bool]:
        """The last levels from the linearised problem, none where that is too far away, and whether to trust them."""
        width = max(self.problems[-1].spacing)
        if linearised(self.problems[0], 1e-3)[1] > 2.0 * NEAR * width:
            return [], False
        levels: list[_Level] = []
        for problem in self.problems[::-1][:COMPARED]:
            potential, distance = linearised(problem)
            if not levels and distance > NEAR * width:
                return [], False
            levels.append(self.polished(problem, problem.smooth(potential)))
            if len(levels) == 1:
                sure = distance < NEAREST * width or levels[0].promised < CONVERGED * levels[0].at.dual
        return levels[::-1], sure

    def far(self) -> list[_Level]:
        """The last levels from the multilevel back-and-forth iteration."""
        levels: list[_Level] = []
        for count, problem in enumerate(self.problems):
            if count == 0:
                source, target = weighted_steps(problem, *plain_steps(problem), 8)
            else:
                source = problem.transform(spread(target, self.problems[count - 1].grid, problem.grid))
                source, target = weighted_steps(problem, source, problem.transform(source), 4)
            if count >= len(self.problems) - COMPARED:
                levels.append(self.polished(problem, problem.smooth(smoothed(target))))
                target = levels[-1].at.pair()[1]
        return levels

    def polished(self, problem: Problem, at: Potentials) -> _Level:
        """Smooth steps from one side, then from the other."""
        at, promised = smooth_steps(problem, at, 4, self.tolerance)
        other = problem.smooth(at.source, not at.turned)
        other, left = smooth_steps(problem, other, 3, self.tolerance)
        sides = abs(_distance(other.dual) - _distance(at.dual))
        return _Level(other, left, sides) if left <= promised else _Level(at, promised, sides)
