"""What every time integrator may claim, and the clock that tames velocities that diverge at an end."""

from __future__ import annotations

import abc
import dataclasses
from typing import ClassVar

from fpsolve.settings import Settings

#: nearest approach, in the stretched time, to an end where rates may diverge
_SHY = 1e-6


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

    Where a schedule starts like sigma ~ sqrt(t), velocities of rough data diverge like 1/sqrt(t); with t = s² the
    velocity per unit of s stays finite and smooth.

    Parameters
    ----------
    begin, end : float
        Times at s = 0 and s = 1, in either order, s.
    stretch_begin, stretch_end : bool
        Whether rates may diverge there.
    """

    begin: float
    end: float
    stretch_begin: bool = False
    stretch_end: bool = False

    def at(self, s: float) -> tuple[float, float]:
        """Time, and its derivative by s, at ``s``; an end where rates may diverge is seen from very near."""
        s = max(s, _SHY) if self.stretch_begin else s
        rest = max(1.0 - s, _SHY) if self.stretch_end else 1.0 - s
        duration = self.end - self.begin
        if self.stretch_begin and self.stretch_end:
            passed, left = s * s * (1.0 + 2.0 * rest), rest * rest * (3.0 - 2.0 * rest)
            rate = 6.0 * s * rest
        elif self.stretch_begin:
            passed, left, rate = s * s, 1.0 - s * s, 2.0 * s
        elif self.stretch_end:
            passed, left, rate = 1.0 - rest * rest, rest * rest, 2.0 * rest
        else:
            passed, left, rate = s, rest, 1.0
        # from the nearer end: the other one would lose digits
        t = self.begin + duration * passed if passed < left else self.end - duration * left
        return t, duration * rate
