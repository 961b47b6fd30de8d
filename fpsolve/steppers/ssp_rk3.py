"""Third-order strong-stability-preserving Runge-Kutta, step limited by the CFL condition."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from fpsolve.fluxes import Flux
from fpsolve.grids import Array, Grid
from fpsolve.kernels.advection import blend_step, fastest_outflow
from fpsolve.settings import InputError, number
from fpsolve.steppers.base import Clock, Stepper


@dataclasses.dataclass(frozen=True)
class SSPRK3(Stepper):
    """Three averaged forward Euler steps (Shu and Osher); every stage obeys the CFL condition.

    Parameters
    ----------
    cfl : float
        Part of a cell's content that may leave it in one stage, in (0, 1].
    """

    kind: ClassVar[str] = "ssp-rk3"
    order: ClassVar[int] = 3
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = True
    reference: ClassVar[str] = "C.-W. Shu, S. Osher, J. Comput. Phys. 77, 439 (1988)"
    cfl: float = 0.4

    def __post_init__(self) -> None:
        object.__setattr__(self, "cfl", number("cfl", self.cfl, above=0.0))
        if self.cfl > 1.0:
            raise InputError("cfl", f"given {self.cfl:g}; above 1 cells would be emptied beyond zero")

    def advance(
        self, averages: Array, flux: Flux, drift: Callable[[float], Array], grid: Grid, clock: Clock
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

        Returns
        -------
        averages : (n,) array
        steps : int
        """

        def flow(s: float) -> Array:
            t, rate = clock.at(s)
            return rate * drift(t)

        s, steps, first = 0.0, 0, flow(0.0)
        while s < 1.0:
            size, middle, last = self._step(s, first, flow, grid.widths)
            averages = _three_stages(averages, flux, (first, last, middle), grid, size)
            s, steps, first = (1.0 if size == 1.0 - s else s + size), steps + 1, last
        return averages, steps

    def _step(
        self, s: float, first: Array, flow: Callable[[float], Array], widths: Array
    ) -> tuple[float, Array, Array]:
        """A step that meets the CFL condition at all three stages, and the flow in its middle and at its end."""
        rest, rate = 1.0 - s, 1.02 * fastest_outflow(first, widths)
        while True:
            count = max(math.ceil(rest * rate / self.cfl), 1)
            size = rest / count
            middle, last = flow(s + 0.5 * size), flow(1.0 if count == 1 else s + size)
            if not (np.all(np.isfinite(middle)) and np.all(np.isfinite(last))):
                raise InputError("drift", "the velocity is not finite at a face; choose edges nearer to the mass")
            fastest = max(fastest_outflow(flow_at, widths) for flow_at in (first, middle, last))
            if size * fastest <= self.cfl * (1.0 + 1e-12):
                return size, middle, last
            rate = 1.02 * fastest


def _three_stages(p: Array, flux: Flux, flows: tuple[Array, Array, Array], grid: Grid, size: float) -> Array:
    """The three Euler steps; ``flows`` are those at the times of the stages."""
    now = p
    for part, flow in zip((0.0, 0.75, 1.0 / 3.0), flows, strict=True):
        out = np.empty_like(p)
        blend_step(p, part, now, flux.currents(now, flow, 0.0, grid), grid.widths, size, out)
        now = out
    return now
