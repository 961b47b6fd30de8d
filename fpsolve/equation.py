"""The Fokker-Planck equation: a force, a temperature, a mobility and, where there are walls, a domain."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from fpsolve.forces import Force, LinearForce
from fpsolve.forces.base import Points, evaluated, positional
from fpsolve.grids import Array, Boundary, Grid, check_boundary
from fpsolve.schedules import Schedule
from fpsolve.settings import InputError, Recipe, number

#: where a schedule's force or temperature diverges it is asked for this part of its duration away from the end
_NEAR = 2.0**-40


@dataclasses.dataclass(frozen=True)
class Domain:
    """The box in which an equation lives, and what happens at its walls.

    Parameters
    ----------
    lower, upper : float or pair
        Ends, unit of x; in the plane a pair each, one for x and one for y.
    boundary : str or tuple
        ``"reflecting"``, ``"absorbing"`` or ``"periodic"``; on a line a pair gives the lower and the upper end each its
        own, in the plane a pair gives x and y each its own (a word, or a pair again).
    """

    lower: Any
    upper: Any
    boundary: Any = "reflecting"

    def __post_init__(self) -> None:
        lower, upper = np.atleast_1d(np.asarray(self.lower, float)), np.atleast_1d(np.asarray(self.upper, float))
        if lower.shape != upper.shape or lower.size not in (1, 2):
            raise InputError("domain", f"given {self.lower!r} to {self.upper!r}; expected numbers, or pairs")
        if not np.all(np.isfinite(lower) & np.isfinite(upper) & (lower < upper)):
            raise InputError("domain", f"given {self.lower!r} to {self.upper!r}; lower must be below upper")
        _ = self.boundaries

    @property
    def dimension(self) -> int:
        """1 or 2."""
        return int(np.size(self.lower))

    @property
    def boundaries(self) -> tuple[Boundary, ...]:
        """The boundary of each axis."""
        if self.dimension == 1 or isinstance(self.boundary, str):
            return tuple(check_boundary(self.boundary) for _ in range(self.dimension))
        if not isinstance(self.boundary, (tuple, list)) or len(self.boundary) != 2:
            raise InputError("boundary", f"given {self.boundary!r}; expected one for x and one for y")
        return tuple(check_boundary(one) for one in self.boundary)

    def grid(self, cells: int | Sequence[int]) -> Grid:
        """Equal cells over the box: their number, in the plane along each axis."""
        if self.dimension == 1:
            return Grid.line(float(np.squeeze(self.lower)), float(np.squeeze(self.upper)), cells, self.boundaries[0])  # type: ignore[arg-type]
        each = (cells, cells) if np.ndim(cells) == 0 else cells
        return Grid.plane(self.lower, self.upper, each, self.boundaries)  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True, eq=False)
class FokkerPlanck:
    """dP/dt = -div J with J = mobility (F P - T grad P): equation (1) with f = mobility F.

    For a temperature that depends on x this is J = f P - T grad P (isothermal where T is constant); the Ito equation
    dx = g dt + sqrt(2 T) dW has f = g - grad T, the Stratonovich one f = g - grad T / 2.

    Parameters
    ----------
    force : Force
        F, for example ``PotentialForce(lambda x, t: x**4 / 4 - x**2 / 2)``.
    temperature : float or callable
        T >= 0, L²/s with mobility one: a number, ``t -> T``, or ``(x, t) -> T`` (in the plane ``(x, y, t) -> T``).
    mobility : float or 2 x 2 array
        A positive number; in the plane also a matrix with a positive definite symmetric part.
    domain : Domain, optional
        The box and its boundaries; the whole line or plane if absent.

    Raises
    ------
    InputError
        Negative temperature, wrong shapes or numbers of arguments, dimensions that do not agree.
    """

    force: Force
    temperature: Any
    mobility: Any = 1.0
    domain: Domain | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.force, Force):
            raise InputError("force", f"given {type(self.force).__name__}; expected a force such as LinearForce(-1.0)")
        if self.domain is not None and self.domain.dimension != self.dimension:
            raise InputError("domain", f"it has {self.domain.dimension} axes and the force {self.dimension}")
        object.__setattr__(self, "_temperature", _temperature(self.temperature, self.dimension))
        object.__setattr__(self, "_mobility", _mobility(self.mobility, self.dimension))

    @classmethod
    def of_schedule(cls, schedule: Schedule) -> FokkerPlanck:
        """The forward process of a noise schedule on the line (22), (23): f = (ln m)' x, T = m sigma (sigma/m)'.

        Where they diverge (cosine and conditional optimal transport at t = tau) they are asked for just before.
        """
        last = schedule.tau * (1.0 - _NEAR)

        def curve(t: float) -> Any:
            return schedule.curve(np.array([min(t, last)]))

        return cls(
            LinearForce(lambda t: float(curve(t).force_rate[0])), lambda t: max(float(curve(t).temperature[0]), 0.0)
        )

    @property
    def dimension(self) -> int:
        """1 or 2."""
        return self.force.dimension

    @property
    def steady(self) -> bool:
        """Whether nothing depends on time."""
        return self.force.steady and not callable(self.temperature)

    @property
    def uniform_temperature(self) -> bool:
        """Whether the temperature is the same everywhere."""
        return not self._temperature.local  # type: ignore[attr-defined]

    @property
    def mobility_matrix(self) -> Array:
        """The mobility as a matrix, (1, 1) or (2, 2)."""
        return self._mobility  # type: ignore[attr-defined]

    def temperature_at(self, t: float, points: Points | None = None) -> Any:
        """T at time t, L²/s: a float where it is uniform, else an array at points."""
        return self._temperature(t, points)  # type: ignore[attr-defined]

    def recipe(self) -> Recipe:
        """What a file can hold of it; Python functions are named as such."""
        entry: Recipe = {"force": self.force.recipe()}
        entry["temperature"] = "python" if callable(self.temperature) else float(self.temperature)
        mobility = self.mobility_matrix
        entry["mobility"] = float(mobility[0, 0]) if np.ndim(self.mobility) == 0 else mobility.tolist()
        if self.domain is not None:
            ends = {name: np.asarray(getattr(self.domain, name), float).tolist() for name in ("lower", "upper")}
            entry["domain"] = ends | {"boundary": self.domain.boundary}
        return entry


@dataclasses.dataclass(frozen=True)
class _Temperature:
    """A checked temperature."""

    given: Any
    local: bool

    def __call__(self, t: float, points: Points | None) -> Any:
        if not callable(self.given):
            return self.given
        if self.local:
            assert points is not None
            values = evaluated(self.given(*points, t), points, "temperature")
            if np.min(values) < 0.0:
                raise InputError("temperature", f"given {np.min(values):g} at t = {t:g}; it must be at least 0")
            return values
        try:
            value = float(self.given(t))
        except (TypeError, ValueError) as error:
            raise InputError("temperature", f"its value at t = {t:g} is not a number") from error
        if not 0.0 <= value < np.inf:
            raise InputError("temperature", f"given {value:g} at t = {t:g}; it must be finite and at least 0")
        return value


def _temperature(given: Any, dimension: int) -> _Temperature:
    if not callable(given):
        return _Temperature(number("temperature", given, least=0.0), False)
    counts = positional(given) or (1, 1)
    place = "(x, t)" if dimension == 1 else "(x, y, t)"
    if counts[0] <= 1 and counts[1] > dimension:
        raise InputError("temperature", f"given a function of several arguments; expected t -> T or {place} -> T alone")
    if counts[0] <= 1 <= counts[1]:
        return _Temperature(given, False)
    if counts[0] <= dimension + 1 <= counts[1]:
        return _Temperature(given, True)
    raise InputError("temperature", f"given a function of {counts[0]} arguments; expected t -> T or {place} -> T")


def _mobility(given: Any, dimension: int) -> Array:
    if np.ndim(given) == 0:
        return number("mobility", given, above=0.0) * np.eye(dimension)
    try:
        matrix = np.asarray(given, float)
    except (TypeError, ValueError) as error:
        raise InputError("mobility", f"given {given!r}; expected a positive number, or a 2 x 2 matrix") from error
    if matrix.shape != (dimension, dimension) or not np.all(np.isfinite(matrix)):
        raise InputError("mobility", f"given shape {matrix.shape}; expected a positive number, or a 2 x 2 matrix")
    if np.min(np.linalg.eigvalsh(0.5 * (matrix + matrix.T))) <= 0.0:
        raise InputError("mobility", f"given {matrix.tolist()}; its symmetric part must be positive definite")
    return matrix
