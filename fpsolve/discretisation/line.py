"""Operators on a line: four-cell stencils, jump processes among them, and nonlinear fluxes."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from fpsolve.discretisation.base import Operator, Reach, reach_of
from fpsolve.discretisation.coefficients import diffusion_at_faces, drift_along_links, drift_at_faces
from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import Flux, LinearFlux, TwoPointFlux
from fpsolve.fluxes.base import cells_of_faces, check_cells
from fpsolve.fluxes.fourth_order import LEAST_CELLS
from fpsolve.grids import Array, Axis, Grid
from fpsolve.kernels import line

#: symbols of the four-cell slope and value against those of two cells
_STEEP, _SWIFT = 4.0 / 3.0, 1.372
#: how much farther the eigenvalues reach where the slope at an absorbing end knows that P vanishes there
_AT_A_WALL = 1.4
#: a times L beyond which 1 - a L cannot be eliminated in double precision: the result is the equilibrium anyway
LARGEST_STEP = 1e13
#: how many factors of one operator are kept
_KEPT = 6


@dataclasses.dataclass(frozen=True, eq=False)
class Factors:
    """1 - a L, factored; the arrays are those of :mod:`fpsolve.kernels.line`.

    ``share`` is how mass that rounding took is given back: the answer to an even source, of which nothing is lost.
    """

    bands: Array
    corners: Array
    border: Array
    share: Array


@dataclasses.dataclass(eq=False)
class LineOperator(Operator):
    """A linear operator on the masses of a line.

    Parameters
    ----------
    stencil : (4, n + 1) array
        Coefficients of the masses in the currents, 1/s.
    jumps : (forward, backward) or None
        Rates of a jump process, 1/s: out of the cells on the left and on the right of the faces; None for a wide one.
    ring : bool
        Whether the ends meet.
    rates_of_waves : callable
        What :func:`reach_of` takes: local spreads and pulls, asked for only where a step must be limited.
    restores : bool
        Whether total mass is kept by the ends, so that what rounding takes is given back after a solve.
    """

    stencil: Array
    jumps: tuple[Array, Array] | None
    ring: bool
    rates_of_waves: Callable[[], tuple[list[Array], list[Array]]]
    restores: bool

    def __post_init__(self) -> None:
        self._factors: dict[float, Factors] = {}

    @classmethod
    def of(cls, problem: FokkerPlanck, grid: Grid, flux: LinearFlux, t: float) -> LineOperator:
        """The operator of a flux at time t."""
        axis = grid.axis
        check_cells(axis, LEAST_CELLS, flux.kind)
        diffusion = diffusion_at_faces(problem, grid, t, 0)
        closed = "absorbing" not in axis.ends
        if not isinstance(flux, TwoPointFlux):
            (drift,) = drift_at_faces(problem, grid, t)
            stencil = flux.stencil(drift, diffusion, axis) / widths_of_stencil(axis)
            waves = functools.partial(wide_reach, drift, diffusion, axis)
            return cls(stencil, None, axis.periodic, waves, closed)
        (drift,) = drift_along_links(problem, grid, t)
        minus, plus = flux.face_rates(drift, diffusion, axis)
        stencil = flux.stencil(drift, diffusion, axis) / widths_of_stencil(axis)
        forward, backward = jump_rates(minus, plus, axis)
        waves = functools.partial(jump_reach, forward, backward, 0)
        return cls(stencil, (forward, backward) if flux.positive else None, axis.periodic, waves, closed)

    @functools.cached_property
    def reach(self) -> Reach:  # type: ignore[override]
        """Where its eigenvalues lie."""
        return reach_of(*self.rates_of_waves())

    def rates(self, m: Array, out: Array) -> None:
        line.rates(m, self.stencil, self.ring, out)

    def ends(self, m: Array) -> Array:
        if self.restores:
            return np.zeros(2)
        low, high = self.end_stencils
        return np.array([-float(low @ m[:4]), float(high @ m[-4:])])

    def currents(self, m: Array) -> tuple[Array, ...]:
        out = np.empty(m.size + 1)
        line.currents(m, self.stencil, self.ring, out)
        return (out,)

    @functools.cached_property
    def end_stencils(self) -> Array:
        """Coefficients (2, 4) of the outermost masses in the currents through both ends; zero where nothing leaves."""
        if self.restores:
            return np.zeros((2, 4))
        return np.ascontiguousarray(self.stencil[:, [0, -1]].T)

    @property
    def wide(self) -> bool:
        """Whether it is eliminated as a four-cell stencil; a jump process is eliminated without subtractions."""
        return self.jumps is None

    def factors(self, a: float) -> Factors:
        """1 - a L, factored; the last few are kept."""
        held = self._factors.get(a)
        if held is None:
            held = self._factor(a)
            if len(self._factors) >= _KEPT:
                self._factors.pop(next(iter(self._factors)))
            self._factors[a] = held
        return held

    def _factor(self, a: float) -> Factors:
        n = self.stencil.shape[1] - 1
        bands, corners, border = np.empty((5, n)), np.zeros(2), np.zeros((4, max(n, 6)) if self.ring else (4, 1))
        if self.jumps is not None:
            # the first row of the border is scratch on a line
            scratch = border if self.ring else np.zeros((1, n))
            line.factor_two_point(*self.jumps, a, self.ring, bands, scratch)
            return Factors(bands, corners, border, np.zeros(1))
        if self.restores:
            a = min(a, LARGEST_STEP / max(float(np.max(np.abs(self.stencil))), 1e-300))
        line.factor_stencil(self.stencil, a, self.ring, bands, corners, border)
        share = np.full(n, 1.0 / n)
        line.solve(share, bands, corners, border, True, self.ring)
        return Factors(bands, corners, border, share / (share.sum() if self.restores else self._kept(a, share)))

    def _kept(self, a: float, x: Array) -> float:
        """What (1 - a L) x sums to: x, and what flows out."""
        return float(np.sum(x) + a * np.sum(self.ends(x)))

    def solve(self, a: float, b: Array) -> Array:
        held, x = self.factors(a), b.copy()
        line.solve(x, held.bands, held.corners, held.border, self.wide, self.ring)
        if self.wide:
            x += (float(np.sum(b)) - self._kept(a, x)) * held.share
        return x

    def scaled(self, factors: Array) -> LineOperator:
        """The operator that lets every cell go at ``factors`` times its rates."""
        stencil = self.stencil * factors[cells_of_faces(factors.size, self.ring)]
        assert self.jumps is not None
        forward, backward = self.jumps[0].copy(), self.jumps[1].copy()
        forward[1:], backward[:-1] = forward[1:] * factors, backward[:-1] * factors
        forward[0], backward[-1] = forward[0] * factors[-1], backward[-1] * factors[0]
        return LineOperator(stencil, (forward, backward), self.ring, self.rates_of_waves, self.restores)

    def matrix(self) -> Any:
        from scipy.sparse import csr_array

        n = self.stencil.shape[1] - 1
        face, columns = np.arange(n), cells_of_faces(n, self.ring)
        # each current enters the cell on its right and leaves the one on its left; a ring's last face is its first
        into = csr_array((self.stencil[:, :n].ravel(), (np.tile(face, 4), columns[:, :n].ravel())), shape=(n, n))
        out = csr_array((self.stencil[:, 1:].ravel(), (np.tile(face, 4), columns[:, 1:].ravel())), shape=(n, n))
        return csr_array(into - out)


@dataclasses.dataclass(eq=False)
class NonlinearLine(Operator):
    """A flux that is not linear in P."""

    flux: Flux
    grid: Grid
    drift: Array
    diffusion: Array | float
    reach: Reach

    @classmethod
    def of(cls, problem: FokkerPlanck, grid: Grid, flux: Flux, t: float) -> NonlinearLine:
        """The operator of a flux at time t."""
        check_cells(grid.axis, LEAST_CELLS, flux.kind)
        (drift,), diffusion = drift_at_faces(problem, grid, t), diffusion_at_faces(problem, grid, t, 0)
        return cls(flux, grid, drift, diffusion, reach_of(*wide_reach(drift, diffusion, grid.axis)))

    def rates(self, m: Array, out: Array) -> None:
        (current,) = self.currents(m)
        np.subtract(current[:-1], current[1:], out=out)

    def ends(self, m: Array) -> Array:
        if self.grid.axis.periodic:
            return np.zeros(2)
        (current,) = self.currents(m)
        return np.array([-current[0], current[-1]])

    def currents(self, m: Array) -> tuple[Array, ...]:
        return (self.flux.currents(m / self.grid.widths, self.drift, self.diffusion, self.grid),)


def jump_rates(minus: Array, plus: Array, axis: Axis) -> tuple[Array, Array]:
    """Rates per mass out of the cells on both sides of every face, 1/s; the axis comes first."""
    widths = axis.widths.reshape(-1, *[1] * (minus.ndim - 1))
    forward, backward = np.empty_like(minus), np.empty_like(plus)
    forward[1:], backward[:-1] = minus[1:] / widths, plus[:-1] / widths
    forward[0], backward[-1] = minus[0] / widths[-1], plus[-1] / widths[0]
    return forward, backward


def jump_reach(forward: Array, backward: Array, axis: int) -> tuple[list[Array], list[Array]]:
    """Local spread and pull of a jump process along an axis, for :func:`reach_of`."""
    size = forward.shape[axis]
    right, left = np.take(forward, range(1, size), axis), np.take(backward, range(size - 1), axis)
    back, come = np.take(backward, range(1, size), axis), np.take(forward, range(size - 1), axis)
    spread = 0.5 * (np.abs(right + back) + np.abs(left + come))
    pull = np.maximum(np.abs(right - back), np.abs(left - come))
    return [np.maximum(spread, right + left)], [pull]


def wide_reach(drift: Array, diffusion: Array | float, axis: Axis) -> tuple[list[Array], list[Array]]:
    """The same for a four-cell stencil whose faces come first."""
    widths = axis.widths.reshape(-1, *[1] * (drift.ndim - 1))
    fastest = np.maximum(np.abs(drift[1:]), np.abs(drift[:-1]))
    spread = np.broadcast_to(diffusion, drift.shape)
    local = 2.0 * _STEEP * np.maximum(spread[1:], spread[:-1]) / widths**2
    for end, cells in zip(axis.ends, (slice(0, 2), slice(-2, None)), strict=True):
        local[cells] *= _AT_A_WALL if end == "absorbing" else 1.0
    return [local], [_SWIFT * fastest / widths]


@functools.lru_cache(maxsize=64)
def widths_of_stencil(axis: Axis) -> Array:
    """Widths (4, n + 1) of the cells of every face."""
    return axis.widths[cells_of_faces(axis.cells, axis.periodic)]
