"""The named forces of problem files."""

from __future__ import annotations

import abc
import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.forces.base import Force, Points
from fpsolve.forces.linear import LinearForce
from fpsolve.grids import Array, Grid
from fpsolve.settings import number


class NamedForce(Force, abc.ABC):
    """A force on the line with a closed form."""

    @property
    def dimension(self) -> int:
        return 1


@dataclasses.dataclass(frozen=True)
class HarmonicTrap(NamedForce):
    """U = k(t) (x - centre - speed t)² / 2: a trap that may be dragged and stiffened.

    Parameters
    ----------
    stiffness : float
        k at t = 0, 1/s (with mobility one).
    centre : float
        Where it stands at t = 0, L.
    speed : float
        How fast it is dragged, L/s.
    stiffness_end : float, optional
        k at ``duration``, in between linear in time.
    duration : float, optional
        When ``stiffness_end`` is reached, s.
    """

    kind: ClassVar[str] = "harmonic-trap"
    stiffness: float
    centre: float = 0.0
    speed: float = 0.0
    stiffness_end: float | None = None
    duration: float | None = None

    def __post_init__(self) -> None:
        for name in ("stiffness", "centre", "speed"):
            number(name, getattr(self, name))
        if self.stiffness_end is not None:
            number("stiffness_end", self.stiffness_end)
            number("duration", self.duration, above=0.0)

    @classmethod
    def keys(cls) -> tuple[list[str], list[str]]:
        return ["stiffness"], ["stiffness_end", "centre", "speed"]

    @property
    def steady(self) -> bool:
        return self.speed == 0.0 and self.stiffness_end is None

    def stiffness_at(self, t: float) -> float:
        """Stiffness k at time t, 1/s."""
        if self.stiffness_end is None or self.duration is None:
            return self.stiffness
        return self.stiffness + (self.stiffness_end - self.stiffness) * t / self.duration

    def field(self, points: Points, t: float) -> Points:
        return (-self.stiffness_at(t) * (points[0] - self.centre - self.speed * t),)

    def potential(self, points: Points, t: float) -> Array:
        return 0.5 * self.stiffness_at(t) * np.square(points[0] - self.centre - self.speed * t)


@dataclasses.dataclass(frozen=True)
class DoubleWell(NamedForce):
    """U = B((2x/s)² - 1)² - tilt x: minima near -s/2 and s/2, a barrier of height B between them.

    Parameters
    ----------
    barrier : float
        B, positive, unit of T.
    separation : float
        s, positive, L.
    tilt : float
        Constant force, L/s.
    """

    kind: ClassVar[str] = "double-well"
    barrier: float
    separation: float
    tilt: float = 0.0

    def __post_init__(self) -> None:
        number("barrier", self.barrier, above=0.0)
        number("separation", self.separation, above=0.0)
        number("tilt", self.tilt)

    @property
    def steady(self) -> bool:
        return True

    def field(self, points: Points, t: float) -> Points:
        u = 2.0 * points[0] / self.separation
        return (-8.0 * self.barrier / self.separation * u * (u * u - 1.0) + self.tilt,)

    def potential(self, points: Points, t: float) -> Array:
        u = 2.0 * points[0] / self.separation
        return self.barrier * np.square(u * u - 1.0) - self.tilt * points[0]


@dataclasses.dataclass(frozen=True)
class Quartic(NamedForce):
    """U = a x⁴/4 - b x²/2.

    Parameters
    ----------
    a : float
        Positive, 1/(L² s).
    b : float
        1/s; positive for two wells, negative for one.
    """

    kind: ClassVar[str] = "quartic"
    a: float
    b: float

    def __post_init__(self) -> None:
        number("a", self.a, above=0.0)
        number("b", self.b)

    @property
    def steady(self) -> bool:
        return True

    def field(self, points: Points, t: float) -> Points:
        return (points[0] * (self.b - self.a * np.square(points[0])),)

    def potential(self, points: Points, t: float) -> Array:
        square = np.square(points[0])
        return square * (0.25 * self.a * square - 0.5 * self.b)


@dataclasses.dataclass(frozen=True)
class TiltedRing(NamedForce):
    """f = tilt + amplitude sin(2 pi x / period) on a ring: a constant drive over a periodic potential.

    Parameters
    ----------
    tilt, amplitude : float
        L/s.
    period : float
        Length of the ring, positive, L.
    """

    kind: ClassVar[str] = "tilted-ring"
    tilt: float
    amplitude: float
    period: float

    def __post_init__(self) -> None:
        number("tilt", self.tilt)
        number("amplitude", self.amplitude)
        number("period", self.period, above=0.0)

    @property
    def steady(self) -> bool:
        return True

    def field(self, points: Points, t: float) -> Points:
        return (self.tilt + self.amplitude * np.sin(2.0 * np.pi / self.period * points[0]),)

    def landscape(self, x: Array) -> Array:
        """The periodic part of the potential, unit of T."""
        rate = 2.0 * np.pi / self.period
        return self.amplitude / rate * np.cos(rate * x)

    def links(self, grid: Grid, t: float) -> Points:
        """Tilt, and differences of the landscape: exact along every link, around the ring too."""
        axis = grid.axis
        left, right = axis.gaps
        from_, to = axis.edges - left, axis.edges + right
        return (self.tilt - (self.landscape(to) - self.landscape(from_)) / (left + right),)

    def split(self) -> tuple[Force | None, Force | None]:
        """The periodic landscape, and the tilt."""
        return Landscape(self), LinearForce(0.0, self.tilt)


@dataclasses.dataclass(frozen=True)
class Landscape(NamedForce):
    """The part of a tilted ring's force that has a potential around the ring."""

    ring: TiltedRing

    @property
    def steady(self) -> bool:
        return True

    def field(self, points: Points, t: float) -> Points:
        return (self.ring.field(points, t)[0] - self.ring.tilt,)

    def potential(self, points: Points, t: float) -> Array:
        return self.ring.landscape(points[0])
