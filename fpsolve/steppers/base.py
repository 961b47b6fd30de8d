"""What every time integrator may claim, and the clock that tames velocities that diverge at an end."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from fpsolve.grids import Array
from fpsolve.settings import Settings

#: where a limit at an end is extrapolated from, in units of the nearest approach
_NODES = range(1, 6)


class Stepper(Settings, abc.ABC):
    """A time integrator.

    Attributes
    ----------
    order : int
        Order of convergence in the step.
    conservative : bool
        Total mass stays, to round-off.
    positive : bool
        Densities stay nonnegative (with a positive flux, where the stepper takes one).
    reference : str
        Where the scheme comes from.
    """

    family: ClassVar[str] = "stepper"
    order: ClassVar[int]
    conservative: ClassVar[bool]
    positive: ClassVar[bool]
    reference: ClassVar[str]


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
