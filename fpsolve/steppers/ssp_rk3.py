"""Third-order strong-stability-preserving Runge-Kutta, step limited by the CFL condition."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.fluxes import Flux
from fpsolve.grids import Array, Grid
from fpsolve.kernels.advection import blend_step, fastest_outflow
from fpsolve.settings import InputError, number
from fpsolve.steppers.base import Advance, Clock, GridStepper

#: how far the stability region reaches along both axes
_REAL, _IMAGINARY = 2.51, 1.73
#: of each stage: the part of the start, the weight of its rates in the whole step, when it looks at them
_STAGES = ((0.0, 1.0 / 6.0, 0.0), (0.75, 1.0 / 6.0, 1.0), (1.0 / 3.0, 2.0 / 3.0, 0.5))


@dataclasses.dataclass(frozen=True)
class SSPRK3(GridStepper):
    """Three averaged forward Euler steps (Shu and Osher); every stage obeys the CFL condition.

    Parameters
    ----------
    cfl : float
        Part of a cell's content that may leave it in one stage, in (0, 1]; of the largest stable step otherwise.
    """

    kind: ClassVar[str] = "ssp-rk3"
    order: ClassVar[int] = 3
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = True
    stability: ClassVar[str] = "explicit"
    takes: ClassVar[str] = "any"
    dimensions: ClassVar[tuple[int, ...]] = (1, 2)
    reference: ClassVar[str] = "C.-W. Shu, S. Osher, J. Comput. Phys. 77, 439 (1988)"
    cfl: float = 0.4

    def __post_init__(self) -> None:
        object.__setattr__(self, "cfl", number("cfl", self.cfl, above=0.0))
        if self.cfl > 1.0:
            raise InputError("cfl", f"given {self.cfl:g}; above 1 cells would be emptied beyond zero")

    def step(self, system: Discretisation, m: Array, t: float, dt: float) -> Advance:
        now, rates, outflow = m, np.empty_like(m), np.zeros(2 * m.ndim)
        for part, weight, node in _STAGES:
            operator = system.at(t + node * dt)
            operator.rates(now, rates)
            outflow += dt * weight * operator.ends(now)
            now = part * m + (1.0 - part) * (now + dt * rates)
        return Advance(now, outflow)

    def largest_step(self, system: Discretisation, t: float) -> float:
        reach = system.at(t).reach
        if system.positive:
            return self.cfl * reach.euler
        slowest = reach.real / _REAL + reach.imaginary / _IMAGINARY
        return self.cfl / slowest if slowest > 0.0 else math.inf

    def advance(
        self,
        averages: Array,
        flux: Flux,
        drift: Callable[[float], Array],
        grid: Grid,
        clock: Clock,
        least: int = 1,
    ) -> tuple[Array, int]:
        """Solve dP/dt = -dJ/dx with J = drift P from the beginning to the end of the clock.

        Parameters
        ----------
        averages : (n,) array
            Cell averages at the beginning.
        flux : Flux
            The spatial scheme.
        drift : callable
            ``t -> (n + 1,)`` velocities at the faces.
        grid : Grid
            A line of n cells.
        clock : Clock
            From when to when; backward in time if it ends before it begins.
        least : int
            Least number of steps: where the drift nearly vanishes, the CFL condition alone would allow steps in which
            it changes a lot.

        Returns
        -------
        averages : (n,) array
        steps : int
        """

        def flow(s: float) -> Array:
            return clock.flow(s, drift)

        s, steps, first = 0.0, 0, flow(0.0)
        # equal steps, for the largest of three rates; more where a stage finds a larger one
        rate = max(_rate(grid, first, flow(0.5), flow(1.0)), self.cfl * least / 1.02)
        while s < 1.0:
            count = max(math.ceil((1.0 - s) * rate * 1.02 / self.cfl - 1e-9), 1)
            size = (1.0 - s) / count
            middle, last = flow(s + 0.5 * size), flow(1.0 if count == 1 else s + size)
            seen = _rate(grid, first, middle, last)
            if size * seen > self.cfl * (1.0 + 1e-12):
                rate = seen
                continue
            averages = _three_stages(averages, flux, (first, last, middle), grid, size)
            s, steps, first = (1.0 if count == 1 else s + size), steps + 1, last
        return averages, steps


def _rate(grid: Grid, *flows: Array) -> float:
    """Largest rate at which a cell empties."""
    rates = [float(fastest_outflow(flow, grid.widths)) for flow in flows]
    if not math.isfinite(sum(rates)):
        raise InputError("drift", "it is not finite at a face; choose edges nearer to the mass")
    return max(rates)


def _three_stages(p: Array, flux: Flux, flows: tuple[Array, Array, Array], grid: Grid, size: float) -> Array:
    """The three Euler steps; ``flows`` are those at the times of the stages."""
    now = p
    for part, flow in zip((0.0, 0.75, 1.0 / 3.0), flows, strict=True):
        out = np.empty_like(p)
        blend_step(p, part, now, flux.currents(now, flow, 0.0, grid), grid.widths, size, out)
        now = out
    return now
