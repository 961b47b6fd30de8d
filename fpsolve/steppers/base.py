"""What every time integrator may claim, and the clock that tames velocities that diverge at an end."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.grids import Array
from fpsolve.settings import Settings

#: where a limit at an end is extrapolated from, in units of the nearest approach
_NODES = range(1, 6)
#: the order of what makes no error in time
EXACT = 100


class Stepper(Settings, abc.ABC):
    """A time integrator.

    Attributes
    ----------
    order : int
        Order of convergence in the step; ``EXACT`` for what makes no error in time.
    conservative : bool
        Total mass (with what flows out) stays, to round-off.
    positive : bool
        Densities stay nonnegative (with a positive flux, where the stepper takes one).
    stability : str
        ``"explicit"`` (the step is limited), ``"stabilised"`` (limited by the drift alone), ``"A"`` or ``"L"``.
    takes : str
        Which fluxes: ``"any"``, ``"linear"``, ``"positive"``, ``"two-point"`` or ``"none"``.
    dimensions : tuple of int
        On a line, in the plane.
    reference : str
        Where the scheme comes from.
    """

    family: ClassVar[str] = "stepper"
    order: ClassVar[int]
    conservative: ClassVar[bool]
    positive: ClassVar[bool]
    stability: ClassVar[str]
    takes: ClassVar[str]
    dimensions: ClassVar[tuple[int, ...]]
    reference: ClassVar[str]


@dataclasses.dataclass(frozen=True)
class Advance:
    """What one step, or several, did.

    Parameters
    ----------
    masses : array
        Masses of the cells at the end.
    outflow : (2,) or (4,) array
        What flowed out through the lower and upper end of each axis.
    error : float
        L1 norm of the estimated error of the last step; NaN where the stepper has no estimate of its own.
    """

    masses: Array
    outflow: Array
    error: float = math.nan


class GridStepper(Stepper, abc.ABC):
    """A time integrator of the masses in the cells of a fixed grid."""

    @abc.abstractmethod
    def step(self, system: Discretisation, m: Array, t: float, dt: float) -> Advance:
        """The masses after one step of size ``dt`` from time ``t``; ``m`` stays as it is."""

    def march(self, system: Discretisation, m: Array, t: float, dt: float, count: int) -> Advance:
        """The masses after ``count`` equal steps."""
        outflow, done = np.zeros(2 * m.ndim), Advance(m, np.zeros(2 * m.ndim))
        for k in range(count):
            done = self.step(system, done.masses, t + k * dt, dt)
            outflow += done.outflow
        return dataclasses.replace(done, outflow=outflow)

    def largest_step(self, system: Discretisation, t: float) -> float:
        """The largest step that is stable (and keeps what the stepper claims) at time t, s."""
        return math.inf

    @property
    def limited(self) -> bool:
        """Whether :meth:`largest_step` may be finite."""
        return type(self).largest_step is not GridStepper.largest_step

    @property
    def estimates(self) -> bool:
        """Whether :meth:`step` estimates its own error."""
        return False

    @property
    def error_order(self) -> int:
        """The power of the step that the estimated error of one step falls with."""
        return self.order + 1


@dataclasses.dataclass(frozen=True)
class Clock:
    """Time as a function of s in [0, 1], forward or backward, quadratic at an end where rates may diverge.

    Where a velocity diverges like 1/sqrt(t) (rough data and sigma ~ sqrt(t)) it is finite and smooth per unit of s if
    t = s². The value at the end itself is then a limit, extrapolated from nearby.

    Parameters
    ----------
    begin, end : float
        Times at s = 0 and s = 1, in either order, s.
    near_begin, near_end : float
        Nearest approach in s to an end where rates diverge; zero where they do not.
    """

    begin: float
    end: float
    near_begin: float = 0.0
    near_end: float = 0.0

    def at(self, s: float) -> tuple[float, float]:
        """Time and its derivative by s."""
        rest, duration = 1.0 - s, self.end - self.begin
        if self.near_begin and self.near_end:
            passed, left, rate = s * s * (1.0 + 2.0 * rest), rest * rest * (1.0 + 2.0 * s), 6.0 * s * rest
        elif self.near_begin:
            passed, left, rate = s * s, rest * (1.0 + s), 2.0 * s
        elif self.near_end:
            passed, left, rate = s * (1.0 + rest), rest * rest, 2.0 * rest
        else:
            passed, left, rate = s, rest, 1.0
        # from the nearer end: the other one would lose digits
        t = self.begin + duration * passed if passed < left else self.end - duration * left
        return t, duration * rate

    def flow(self, s: float, velocity: Callable[[float], Array]) -> Array:
        """Velocity per unit of s; nearer to an end than it may be asked for, the polynomial through points nearby."""
        for near, away, origin, sign in ((self.near_begin, s, 0.0, 1.0), (self.near_end, 1.0 - s, 1.0, -1.0)):
            if away < near:
                parts = [
                    math.prod((away / near - j) / (k - j) for j in _NODES if j != k)
                    * self._rated(origin + sign * k * near, velocity)
                    for k in _NODES
                ]
                return np.sum(parts, axis=0)
        return self._rated(s, velocity)

    def _rated(self, s: float, velocity: Callable[[float], Array]) -> Array:
        t, rate = self.at(s)
        return rate * velocity(t)
