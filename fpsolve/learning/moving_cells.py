"""Cells that follow the forward flow: the mass of P in each is constant, and h = P~/P only diffuses between them."""

from __future__ import annotations

import dataclasses
import functools
import itertools

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.linalg.lapack import dptsv

from fpsolve.densities.base import mass_between
from fpsolve.mesh import marched
from fpsolve.processes import Diffusion, Process
from fpsolve.processes.base import distinct
from fpsolve.quadrature import Array
from fpsolve.reverse import Composition

#: instants, as parts of the way, whose structure the cells follow
_LOOKED = (0.0, 0.03, 0.1, 0.3, 0.6, 1.0)
#: steps of the coarsest run for the whole way, beside one for every stored interval
_FEWEST = 120
#: abscissa of the L-stable two-stage diagonally implicit rule
_GAMMA = 1.0 - np.sqrt(0.5)
#: cells of each refinement, in finest ones
PARTS = (4, 2, 1)
#: least distance of the middles of two cells, as a part of all, and least P at a face, as a part of that around it
_CLOSEST, _FAINT = 1e-9, 1e-8
#: what a curve may leave the range of its two neighbouring values by: this, and a part of their difference
_BEYOND, _PART = 0.05, 0.25


@dataclasses.dataclass(frozen=True, eq=False)
class MovingCells:
    """Where the cells are at some instants, and what passes between them at any.

    Parameters
    ----------
    composition : Composition
        The process and the start.
    edges : (n + 1,) array
        Edges of the finest cells at t = tau; coarser cells are pairs and fours of them.
    instants : (k,) array
        Increasing forward times at which densities are evaluated; between them conductances are cubic splines.
    """

    composition: Composition
    edges: Array
    instants: Array

    @functools.cached_property
    def tails(self) -> tuple[Array, Array]:
        """Both tails of P at the edges."""
        return self.composition.final.tails(self.edges)[1:]

    @functools.cached_property
    def _points(self) -> Array:
        """The edges and the middles of all cells, sorted."""
        middles = [0.5 * (edges[1:] + edges[:-1]) for edges in (self.edges[::part] for part in PARTS)]
        return np.unique(np.concatenate([self.edges, *middles]))

    @functools.cached_property
    def _carried(self) -> Array:
        """The points at every instant, carried along by the flow."""
        process, (_, *tails) = self.composition.process, self.composition.final.tails(self._points)
        return np.array([process.density(t).quantile(*tails) for t in self.instants.tolist()])

    @functools.cached_property
    def _pdf(self) -> Array:
        """P at the inner edges of the finest cells."""
        density, rows = self.composition.process.density, self.places(self.edges[1:-1])
        return np.array([density(t).pdf(row) for t, row in zip(self.instants.tolist(), rows, strict=True)])

    def places(self, points: Array) -> Array:
        """Places of edges or middles at every instant."""
        return self._carried[:, np.searchsorted(self._points, points)]

    def masses(self, part: int) -> Array:
        """Masses of P in cells of ``part`` finest ones."""
        return mass_between(*(side[::part] for side in self.tails))

    def exchange(self, part: int, sparse: int, noisy: bool) -> Exchange:
        """Conductances of cells of ``part`` finest ones, from every ``sparse``-th instant; none without noise."""
        masses, edges = self.masses(part), self.edges[::part]
        if not noisy:
            return Exchange(self.composition.process, masses, self.instants, np.empty((0, 0)))
        kept = np.unique(np.append(np.arange(0, self.instants.size, sparse), self.instants.size - 1))
        middles = self.places(0.5 * (edges[1:] + edges[:-1]))[kept]
        # middles that rounding cannot tell apart would swamp all other currents
        distance = np.maximum(np.diff(middles), _CLOSEST * np.ptp(self._carried[kept], axis=1)[:, None])
        around = 0.5 * (masses[1:] + masses[:-1]) / distance
        pdf = self._pdf[kept][:, part - 1 :: part]
        logs = np.log(np.maximum(pdf, _FAINT * around) / distance)
        return Exchange(self.composition.process, masses, self.instants[kept], logs)


@dataclasses.dataclass(frozen=True, eq=False)
class Exchange:
    """What passes between cells: T P / (distance of the middles) at the inner faces, at any time."""

    process: Process
    masses: Array
    instants: Array
    logs: Array

    @functools.cached_property
    def _spline(self) -> CubicSpline:
        return CubicSpline(self.instants, self.logs)

    def at(self, t: float) -> Array:
        """The conductances, which with h make currents."""
        index = int(np.clip(np.searchsorted(self.instants, t) - 1, 0, self.instants.size - 2))
        first, second = self.logs[index : index + 2]
        room = _BEYOND + _PART * np.abs(second - first)
        logs = np.clip(self._spline(t), np.minimum(first, second) - room, np.maximum(first, second) + room)
        temperature = self.process.temperature(np.array([t]))
        assert temperature is not None
        return np.asarray(temperature[0] * np.exp(logs))

    def advance(self, ratio: Array, strength: float, steps: Array) -> Array:
        """The ratio h after steps backward in forward time, by a diagonally implicit rule of second order.

        Parameters
        ----------
        ratio : (n,) array
            h in the cells.
        strength : float
            lambda².
        steps : (k,) array
            Decreasing forward times.
        """
        for before, after in itertools.pairwise(steps.tolist()):
            length, currents = before - after, np.zeros_like(ratio)
            for part in (_GAMMA, 1.0):
                # masses dh/dt~ = currents: symmetric, so that tridiagonal systems need no pivots
                weight = _GAMMA * length
                links = weight * strength * self.at(before - part * length)
                diagonal = self.masses.copy()
                diagonal[1:] += links
                diagonal[:-1] += links
                known = self.masses * ratio + (part - _GAMMA) * length * currents
                _, _, stage, _ = dptsv(diagonal, -links, known)
                currents = (self.masses * stage - known) / weight
            ratio = stage
        return ratio


def clock_of(process: Diffusion, begin: float) -> tuple[Array, Array]:
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


def steps_between(last: float, t: float, clock: tuple[Array, Array], finer: int) -> Array:
    """Ends of the steps from one stored time back to the one before it."""
    shares = np.interp([last, t], *clock)
    count = finer * max(1, int(np.ceil(_FEWEST * abs(shares[1] - shares[0]))))
    steps = np.array(np.interp(np.linspace(shares[0], shares[1], count + 1), clock[1][::-1], clock[0][::-1]))
    steps[[0, -1]] = last, t
    return steps


def edges_of(composition: Composition, cells: int) -> Array:
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
