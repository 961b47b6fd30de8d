r"""Steps that raise the dual of the squared cost between two densities on a rectangle of equal cells.

.. math:: \tfrac12 W_2^2 = \max_{\varphi} \int \varphi^c \, d\mu + \int \varphi \, d\nu, \qquad
    \varphi^c(x) = \min_y \tfrac12 |x - y|^2 - \varphi(y).

The gradient of the dual in :math:`\varphi` is :math:`\nu - T_\#\mu` with :math:`T = x - \nabla \varphi^c`, its Hessian
close to :math:`\nabla\cdot(\nu\nabla)`. Back-and-forth steps (Jacobs and Léger) change both potentials in turn and
always replace them by c-transforms over the *nodes*: robust from any start, but the potentials are then those of
atoms, whose maps jump from node to node. Smooth steps take minima between the nodes and carry the density, not atoms:
Newton's method for the continuous problem, for which the others provide the start.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
from scipy.fft import dctn, idctn

from fpsolve.grids import Grid
from fpsolve.kernels import legendre_transform, push
from fpsolve.quadrature import Array
from fpsolve.transport.plane.levels import Laplacian, spacings
from fpsolve.transport.poisson import WeightedPoisson, inner

#: conductances of empty cells, relative to the largest, in the order in which smooth steps try them
FLOORS = (1e-6, 1e-3)
#: lengths of step that are tried
SHORTER = (1.0, 0.3)


@dataclasses.dataclass(frozen=True, eq=False)
class Potentials:
    """A pair of Kantorovich potentials and the dual that it reaches; ``turned`` where the roles are exchanged.

    ``target`` belongs to the density that the steps aim at, ``source`` is its c-transform.
    """

    source: Array
    target: Array
    dual: float
    turned: bool = False

    def pair(self) -> tuple[Array, Array]:
        """Potentials of the first and of the second density."""
        return (self.target, self.source) if self.turned else (self.source, self.target)


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """Two densities on a grid, by masses of cells with total one."""

    grid: Grid
    first: Array
    second: Array

    @functools.cached_property
    def laplacian(self) -> Laplacian:
        """The unweighted Laplacian on the grid."""
        return Laplacian((self.grid.shape[0], self.grid.shape[1]), self.spacing)

    @functools.cached_property
    def spacing(self) -> tuple[float, float]:
        """Widths of the cells."""
        return spacings(self.grid)

    @functools.cached_property
    def _samples(self) -> tuple[Array, Array]:
        """Values of both densities at the centres (times the area) whose second-order cell means are the masses."""
        waves = [2.0 * np.cos(np.pi * np.arange(n) / n) - 2.0 for n in self.grid.shape]
        means = 1.0 + (waves[0][:, None] + waves[1]) / 24.0
        first, second = (idctn(dctn(mass, norm="ortho") / means, norm="ortho") for mass in (self.first, self.second))
        return first, second

    @functools.cached_property
    def _corners(self) -> tuple[Array, Array]:
        n, m = self.grid.shape
        return np.empty((n + 1, m + 1)), np.empty((n + 1, m + 1))

    def sides(self, turned: bool) -> tuple[Array, Array]:
        """Source and target."""
        return (self.second, self.first) if turned else (self.first, self.second)

    def transform(self, potential: Array, refined: bool = False) -> Array:
        """The c-transform, by minima over the nodes or, refined, between them."""
        n, m = potential.shape
        half, out = np.empty((m, n)), np.empty((n, m))
        legendre_transform.transform_rows(potential, self.spacing[1], -1.0, refined, half)
        legendre_transform.transform_rows(half, self.spacing[0], 1.0, refined, out)
        return out

    def carried(self, potential: Array, mass: Array) -> Array:
        """Masses of cells carried by x - grad(potential), as atoms at the centres of the parts of a cell."""
        corners, out = self._corners, np.zeros_like(mass)
        push.corner_map(potential, *self.spacing, 1.0, *corners)
        push.push(*corners, mass, out)
        return out

    def carried_density(self, potential: Array, turned: bool) -> Array:
        """Cell masses of the source's density carried by x - grad(potential); a few may be slightly negative."""
        samples = self._samples[turned]
        corners, out = self._corners, np.zeros_like(samples)
        push.corner_map(potential, *self.spacing, 1.0, *corners)
        push.push_smooth(*corners, samples, 1e-18 * float(samples.max()), out)
        means = np.empty_like(out)
        push.spread_means(out, means)
        return means

    def grid_dual(self, source: Array, target: Array) -> float:
        """The dual of the atoms at the centres."""
        return inner(source, self.first) + inner(target, self.second)

    def smooth(self, target: Array, turned: bool = False) -> Potentials:
        """The target's potential with its refined c-transform, and the dual of the densities."""
        source = self.transform(target, refined=True)
        return Potentials(source, target, self.dual(source, target, turned), turned)

    def dual(self, source: Array, target: Array, turned: bool, limited: bool = True) -> float:
        """The dual of the densities, lines inside each cell, limited or not."""
        masses = self.sides(turned)
        return float(push.paired(source, masses[0], limited) + push.paired(target, masses[1], limited))

    def direction(self, at: Potentials, floor: float, rtol: float = 1e-2) -> tuple[Array, float]:
        """Newton's step of the target's potential and the gain in the dual that it promises."""
        target = self.sides(at.turned)[1]
        carried = self.carried_density(at.source, at.turned)
        excess = target - carried
        excess -= excess.mean()
        density = 0.5 * (target + np.maximum(carried, 0.0))
        step, _ = WeightedPoisson(self.laplacian, density, floor).solve(excess, rtol, 60)
        return step, 0.5 * inner(step, excess)


def smoothed(potential: Array) -> Array:
    """The potential without its waves of two cells, which no map of the corners sees; of fourth order elsewhere."""
    for _ in range(2):
        bend = potential[2:] - 2.0 * potential[1:-1] + potential[:-2]
        potential = potential.copy()
        potential[2:-2] -= (bend[2:] - 2.0 * bend[1:-1] + bend[:-2]) / 16.0
        potential = potential.T
    return np.ascontiguousarray(potential)


def linearised(problem: Problem, rtol: float = 1e-6) -> tuple[Array, float]:
    """The potential to first order in the distance, and the distance: the norm in H^-1 of the mean density."""
    excess = problem.second - problem.first
    mean = 0.5 * (problem.first + problem.second)
    potential, _ = WeightedPoisson(problem.laplacian, mean, 1e-9).solve(excess, rtol)
    return potential, math.sqrt(max(inner(potential, excess), 0.0))


def plain_steps(problem: Problem, most: int = 60, rtol: float = 1e-6) -> tuple[Array, Array]:
    """Back-and-forth from nothing with the unweighted Poisson equation; a step that lowers the dual is halved."""
    masses = [problem.first, problem.second]
    target = problem.transform(problem.transform(np.zeros_like(problem.first)))
    source = problem.transform(target)
    dual = problem.grid_dual(source, target)
    length = 4.0 / max(float(mass.max()) for mass in masses)
    for count in range(2 * most):
        if count % 2 == 0:
            start = dual
        excess = masses[1] - problem.carried(source, masses[0])
        step = problem.laplacian.solve(excess)
        promised = length * inner(step, excess)
        new_source = problem.transform(target + length * step)
        new_target = problem.transform(new_source)
        gain = inner(new_source, masses[0]) + inner(new_target, masses[1]) - dual
        if gain < 0.0:
            length *= 0.5
        else:
            source, target, dual = new_source, new_target, dual + gain
            length *= 1.05 if gain > 0.75 * promised else 0.8 if gain < 0.25 * promised else 1.0
        source, target = target, source
        masses.reverse()
        if count % 2 == 1 and count > 7 and dual - start < rtol * dual:
            break
    return source, target


def weighted_steps(
    problem: Problem, source: Array, target: Array, steps: int, floor: float = 1e-3
) -> tuple[Array, Array]:
    """Back-and-forth double steps with the weighted Poisson equation: Newton's method, kept to c-concave pairs."""
    masses = [problem.first, problem.second]
    dual = problem.grid_dual(source, target)
    rejected = 0
    for _ in range(2 * steps):
        carried = problem.carried(source, masses[0])
        density = 0.5 * (masses[1] + carried)
        step, _ = WeightedPoisson(problem.laplacian, density, floor).solve(masses[1] - carried, 1e-2, 40)
        for length in (1.0, 0.4, 0.16, 0.064):
            new_source = problem.transform(target + length * step)
            new_target = problem.transform(new_source)
            gain = inner(new_source, masses[0]) + inner(new_target, masses[1]) - dual
            if gain >= 0.0:
                source, target, dual = new_source, new_target, dual + gain
                rejected = 0
                break
        else:
            rejected += 1
        source, target = target, source
        masses.reverse()
        if rejected > 1:
            break
    return (source, target) if masses[0] is problem.first else (target, source)


def smooth_steps(problem: Problem, at: Potentials, most: int, rtol: float) -> tuple[Potentials, float]:
    """Newton's method for the densities, on one side; only steps that raise the dual are taken.

    Returns the potentials and the gain that the last step promised (all of it, where it was not taken).
    """
    promised = 0.0
    for _ in range(most):
        for floor in FLOORS:
            step, promised = problem.direction(at, floor)
            tried = (problem.smooth(at.target + length * step, at.turned) for length in SHORTER)
            better = next((trial for trial in tried if trial.dual > at.dual), None)
            if better is not None:
                break
        if better is None:
            return at, promised
        at = better
        if promised < rtol * at.dual:
            break
    return at, promised
