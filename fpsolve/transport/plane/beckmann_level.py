"""The flow of least cost on one grid, with bounds of the cost from above and below."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

from fpsolve.kernels.shrink import add_flow_gradient, face_flux, reflect_step, reflected_flow, state_from, steepest
from fpsolve.quadrature import Array
from fpsolve.transport.plane.levels import Laplacian

Flux = tuple[Array, Array]

#: threshold of the shrinkage in units of the typical density of the Poisson flow; best of trials between 1/4 and 4
THRESHOLD = 1.2
#: over-relaxation of the Douglas-Rachford steps, below 2
RELAXATION = 1.9
#: projections that bring the gradient back to modulus one, and their over-relaxation
REPAIRS, OVERSHOOT = 12, 1.8
#: the gap is looked at every FIRST steps, later whenever the number of steps has grown by the part 1 / LATER
FIRST, LATER = 10, 8
#: steps after which a level gives up
MOST = 4000


def inner(first: Array, second: Array) -> float:
    """Sum of products; numpy's own loop, for a library's threads would spin between two steps of the solver."""
    return float(np.einsum("ij,ij->", first, second))


@dataclasses.dataclass(frozen=True, eq=False)
class Solution:
    """Flow and potential on one grid; lengths in units of the rectangle's longer side, for a source of unit size.

    Parameters
    ----------
    primal, dual : float
        Cost of the flow, and the value of the potential: bounds of the discrete minimum.
    value : float
        The best guess between them.
    potential : (nx, ny) array
        Discrete gradient of modulus at most one.
    flux : (nx + 1, ny) and (nx, ny + 1) arrays
        Through the faces, along the gradient of the potential, per length of a face.
    iterations : int
        Steps taken.
    rough : float
        Error that jumps and ridges inside the cells may make.
    """

    primal: float
    dual: float
    value: float
    potential: Array
    flux: Flux
    iterations: int
    rough: float = 0.0

    @property
    def error(self) -> float:
        """How far the discrete minimum may lie from the value."""
        return max(self.primal - self.value, self.value - self.dual)


@dataclasses.dataclass(frozen=True, eq=False)
class Level:
    """The problem on one grid: min sum of |m| over all flows m with -div m = source.

    Parameters
    ----------
    source : (nx, ny) array
        Density, of integral zero.
    spacing : (hx, hy)
        Widths of the cells.
    """

    source: Array
    spacing: tuple[float, float]

    @functools.cached_property
    def laplacian(self) -> Laplacian:
        """Inverse Laplacian in double precision."""
        nx, ny = self.source.shape
        return Laplacian((nx, ny), self.spacing)

    @functools.cached_property
    def inverse(self) -> NDArray[np.float32]:
        """Inverse eigenvalues in single precision."""
        return (1.0 / self.laplacian.symbol).astype(np.float32)

    @property
    def area(self) -> float:
        """Area of a cell."""
        return self.spacing[0] * self.spacing[1]

    @functools.cached_property
    def scales(self) -> tuple[float, float]:
        """Factors of the differences in the four-component gradient."""
        return math.sqrt(0.5) / self.spacing[0], math.sqrt(0.5) / self.spacing[1]

    def roughly(self, change: Array) -> NDArray[np.float32]:
        """Inverse Laplacian in single precision: for changes, whose errors the next exact solution removes."""
        transformed = dctn(change.astype(np.float32), norm="ortho", overwrite_x=True)
        transformed *= self.inverse
        return np.asarray(idctn(transformed, norm="ortho", overwrite_x=True))

    def integral(self, potential: Array) -> float:
        """The potential against the source."""
        return self.area * inner(potential, self.source)

    @functools.cached_property
    def along_moment(self) -> tuple[float, Array]:
        """Modulus of the first moment, and the potential e.x whose value it is: a bound from below."""
        x, y = ((np.arange(n) - 0.5 * (n - 1)) * h for n, h in zip(self.source.shape, self.spacing, strict=True))
        first = self.area * np.array([x @ self.source.sum(axis=1), self.source.sum(axis=0) @ y])
        size = float(np.hypot(*first))
        e = first / size if size > 0.0 else np.zeros(2)
        return size, e[0] * x[:, None] + e[1] * y

    def solve(self, start: Solution | None, tolerance: float) -> Solution:
        """Steps until the relative gap between the two bounds is below the tolerance, or until patience ends.

        Parameters
        ----------
        start : Solution, optional
            Flow and potential of a similar problem on the same grid.
        tolerance : float
            Relative gap.
        """
        return _Iteration(self, start).run(tolerance)


class _Iteration:
    """Douglas-Rachford splitting: shrink towards short flows, project on the flows that balance the source."""

    def __init__(self, level: Level, start: Solution | None) -> None:
        self.level = level
        nx, ny = level.source.shape
        poisson = level.laplacian.solve(level.source)
        self.state = np.zeros((4, nx, ny))
        self.flow = np.zeros((4, nx, ny))
        add_flow_gradient(poisson, *level.scales, self.flow)
        density = np.sqrt(np.einsum("kij,kij->ij", self.flow, self.flow))
        # weighted by itself: the empty part of a wide window does not count
        self.threshold = THRESHOLD * inner(density, density) / float(density.sum())
        if start is None:
            self.state[:] = self.flow
        else:
            # every other layout in memory would be compiled anew
            along_x, along_y = start.flux
            state_from(np.ascontiguousarray(along_x), np.ascontiguousarray(along_y), self.state)
            potential = np.ascontiguousarray(self.threshold * start.potential)
            add_flow_gradient(potential, *level.scales, self.state)
        # minus the threshold times the potential of the dual problem
        self.multiplier = np.zeros((nx, ny))
        self.balance, self.before = np.empty((nx, ny)), np.zeros((nx, ny))
        self.dual, self.potential = level.along_moment
        self.primal, self.value = math.inf, self.dual
        self.tried = 0

    def run(self, tolerance: float) -> Solution:
        """Steps and looks at the gap in turn."""
        step, look = 0, FIRST
        self.step(0.0, exact=True)
        while step < MOST:
            step += 1
            self.step(RELAXATION, exact=step == look)
            if step == look:
                if self.closed(tolerance, step):
                    break
                look = min(step + max(FIRST, step // LATER), MOST)
        nx, ny = self.level.source.shape
        flux = np.zeros((nx + 1, ny)), np.zeros((nx, ny + 1))
        face_flux(self.flow, *flux)
        return Solution(self.primal, self.dual, self.value, self.potential, flux, step)

    def step(self, relaxation: float, exact: bool) -> None:
        """One step; the inexact ones add a single-precision change to the multiplier."""
        self.balance, self.before = self.before, self.balance
        reflect_step(self.state, self.multiplier, self.threshold, relaxation, *self.level.scales, self.balance)
        if exact:
            self.multiplier = self.level.laplacian.solve(self.balance - self.level.source)
        else:
            self.multiplier += self.level.roughly(self.balance - self.before)

    def closed(self, tolerance: float, step: int) -> bool:
        """Bounds from the present step; whether they are close enough."""
        level = self.level
        size = reflected_flow(self.state, self.multiplier, self.threshold, *level.scales, self.flow)
        self.primal = level.area * size
        trial = self.multiplier / -self.threshold
        hoped = level.integral(trial)
        steepness = steepest(trial, math.inf, *level.scales, self.before)
        self.offer(trial, hoped, steepness)
        wanted = (1.0 - tolerance) * self.primal
        # the gradients that are too steep lie where there is little to transport: cut them there
        if self.dual < wanted < hoped - 0.2 * tolerance * self.primal and step >= 1.3 * self.tried:
            self.tried = step
            self.repair(trial, wanted)
        self.value = 0.5 * (self.primal + min(max(hoped, self.dual), self.primal))
        # `before` served as scratch: the next change is taken from an exact state
        return self.dual >= wanted

    def offer(self, trial: Array, value: float, steepness: float) -> None:
        """Take the trial, scaled to modulus at most one, where it raises the lower bound."""
        scale = 1.0 / max(1.0, steepness)
        if value * scale > self.dual:
            self.dual, self.potential = value * scale, trial * scale

    def repair(self, trial: Array, wanted: float) -> None:
        """Alternating projections on the gradients, and on the fields of modulus at most one."""
        for _ in range(REPAIRS):
            steepness = steepest(trial, 1.0, *self.level.scales, self.before)
            self.offer(trial, self.level.integral(trial), steepness)
            if self.dual >= wanted or steepness <= 1.0:
                return
            trial -= OVERSHOOT * self.level.roughly(self.before)
        self.offer(trial, self.level.integral(trial), steepest(trial, 1.0, *self.level.scales, self.before))
