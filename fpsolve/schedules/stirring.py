"""A schedule with a current around it that leaves every density as it is."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.schedules.base import Schedule
from fpsolve.schedules.linear_force import LinearForceSchedule
from fpsolve.settings import InputError, Recipe, Settings, from_recipe, number

#: functions that recipes of this session name
_LIVE: dict[str, Callable[[float, Array, Array], tuple[Array, Array, Array]]] = {}


class Stream(Settings, abc.ABC):
    """A stream function relative to the density, psi = s P: the current is u P with u = (-d psi/dy, d psi/dx) / P."""

    family: ClassVar[str] = "stream"

    @abc.abstractmethod
    def derivatives(self, t: float, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """s, ds/dx and ds/dy at points, L²/s and L/s."""


@dataclasses.dataclass(frozen=True)
class Levels(Stream):
    """psi = P: the current runs along the lines of equal density, u = grad^perp ln P."""

    kind: ClassVar[str] = "levels"

    def derivatives(self, t: float, x: Array, y: Array) -> tuple[Array, Array, Array]:
        return np.ones_like(x), np.zeros_like(x), np.zeros_like(x)


@dataclasses.dataclass(frozen=True)
class Vortices(Stream):
    """psi = P cos(k x) cos(k y) / k² with k = 2 pi / wavelength: a chequerboard of vortices.

    Parameters
    ----------
    wavelength : float
        Period along both axes, L, positive.
    """

    kind: ClassVar[str] = "vortices"
    wavelength: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "wavelength", number("wavelength", self.wavelength, above=0.0))

    def derivatives(self, t: float, x: Array, y: Array) -> tuple[Array, Array, Array]:
        k = 2.0 * np.pi / self.wavelength
        cx, cy, sx, sy = np.cos(k * x), np.cos(k * y), np.sin(k * x), np.sin(k * y)
        return cx * cy / k**2, -sx * cy / k, -cx * sy / k


@dataclasses.dataclass(frozen=True)
class StreamFunction(Stream):
    """Any s of your own.

    Parameters
    ----------
    function : callable
        ``(t, x, y) -> (s, ds/dx, ds/dy)``, arrays.
    """

    kind: ClassVar[str] = "function"
    function: Callable[[float, Array, Array], tuple[Array, Array, Array]]

    def derivatives(self, t: float, x: Array, y: Array) -> tuple[Array, Array, Array]:
        return self.function(t, x, y)

    def recipe(self) -> Recipe:
        """What names the function while this process of Python lives; a file cannot hold it."""
        name = f"{getattr(self.function, '__qualname__', 'function')} at {id(self.function):#x}"
        _LIVE[name] = self.function
        return {"kind": self.kind, "function": name}

    @staticmethod
    def lives(name: Any) -> bool:
        """Whether a name of a recipe stands for a function of this session."""
        return isinstance(name, str) and name in _LIVE

    @classmethod
    def build(cls, entries: Recipe) -> StreamFunction:
        name = entries["function"]
        if not cls.lives(name):
            raise InputError("function", f"given {name!r}, a Python function of another session; stir with it again")
        return cls(_LIVE[name])


@dataclasses.dataclass(frozen=True)
class Stirring(Settings):
    """nu + strength u with div(u P) = 0: every P_t stays what it was, the paths do not.

    Parameters
    ----------
    schedule : Schedule or LinearForceSchedule
        The process that is stirred.
    stream : Stream
        What makes u.
    strength : float
        Factor of u.
    """

    family: ClassVar[str] = "schedule"
    kind: ClassVar[str] = "stirring"
    schedule: Schedule | LinearForceSchedule
    stream: Stream
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.schedule, (Schedule, LinearForceSchedule)):
            raise InputError("schedule", f"given {type(self.schedule).__name__}; expected a schedule to stir")
        if not isinstance(self.stream, Stream):
            raise InputError(
                "stream", f"given {type(self.stream).__name__}; expected Levels(), Vortices(...) or your own"
            )
        object.__setattr__(self, "strength", number("strength", self.strength))

    @property
    def tau(self) -> float:
        """Duration, s."""
        return self.schedule.tau

    @classmethod
    def keys(cls) -> tuple[list[str], list[str]]:
        return ["schedule", "stream"], ["strength", "tau"]

    @classmethod
    def build(cls, entries: Recipe) -> Stirring:
        entries = dict(entries)
        tau: Any = entries.pop("tau", None)
        for name, family in (("schedule", "schedule"), ("stream", "stream")):
            if not isinstance(entries[name], Settings):
                try:
                    extra = {"tau": tau} if name == "schedule" and tau is not None else None
                    entries[name] = from_recipe(family, entries[name], extra)
                except InputError as error:
                    raise error.within(name) from error
        return cls(**entries)
