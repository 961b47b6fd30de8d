"""Linear forces f = A_t x + b_t (16)."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np

from fpsolve.forces.base import Force, Points
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError, Recipe, number

Coefficient = Any  # a number, nested numbers, or a function of t that returns them


@dataclasses.dataclass(frozen=True, eq=False)
class LinearForce(Force):
    """f = A_t x + b_t (16), on a line or in the plane.

    Parameters
    ----------
    matrix : number, 2 x 2 array, or callable
        A, 1/s; ``t -> A`` where it depends on time.
    vector : number, pair, or callable, optional
        b, L/s; zero if absent.
    matrix_end : number or 2 x 2 array, optional
        A at ``duration``, in between linear in time.
    duration : float, optional
        When ``matrix_end`` is reached, s.

    Raises
    ------
    InputError
        Other shapes, values that are not finite, ``matrix_end`` without ``duration`` or with a function of time.
    """

    kind: ClassVar[str] = "linear"
    matrix: Coefficient
    vector: Coefficient = None
    matrix_end: Coefficient = None
    duration: float | None = None

    def __post_init__(self) -> None:
        first = _constant("matrix", self.matrix)
        if first.shape not in ((), (2, 2)):
            raise InputError("matrix", f"given shape {first.shape}; expected a number, or a 2 x 2 matrix in the plane")
        object.__setattr__(self, "_dimension", 1 if first.shape == () else 2)
        if self.matrix_end is not None:
            if callable(self.matrix) or self.duration is None:
                raise InputError("matrix_end", "it needs a constant matrix and a duration")
            if _constant("matrix_end", self.matrix_end).shape != first.shape:
                raise InputError("matrix_end", f"given another shape than the matrix, {first.shape}")
        shift = _constant("vector", 0.0 if self.vector is None else self.vector)
        if shift.shape != (() if self.dimension == 1 else (2,)) and self.vector is not None:
            expected = "a number" if self.dimension == 1 else "a pair of numbers"
            raise InputError("vector", f"given shape {shift.shape}; expected {expected}")
        if self.duration is not None:
            object.__setattr__(self, "duration", number("duration", self.duration, above=0.0))

    @classmethod
    def keys(cls) -> tuple[list[str], list[str]]:
        return ["matrix"], ["matrix_end", "vector"]

    @property
    def dimension(self) -> int:
        return self._dimension  # type: ignore[attr-defined]

    @property
    def steady(self) -> bool:
        return not (callable(self.matrix) or callable(self.vector) or self.matrix_end is not None)

    @property
    def python(self) -> bool:
        return callable(self.matrix) or callable(self.vector)

    def recipe(self) -> Recipe:
        if self.python:
            return {"kind": "python"}
        entries: Recipe = {"kind": self.kind}
        for name in ("matrix", "vector", "matrix_end"):
            value = getattr(self, name)
            if value is not None:
                entries[name] = np.asarray(value, float).tolist()
        return entries | ({} if self.duration is None else {"duration": self.duration})

    def matrix_at(self, t: float) -> Array:
        """A at time t: of shape () on a line, (2, 2) in the plane."""
        if self.matrix_end is not None:
            assert self.duration is not None
            begin, end = np.asarray(self.matrix, float), np.asarray(self.matrix_end, float)
            return begin + (end - begin) * (t / self.duration)
        return np.asarray(self.matrix(t) if callable(self.matrix) else self.matrix, float)

    def vector_at(self, t: float) -> Array:
        """Shift b at time t: of shape () on a line, (2,) in the plane."""
        value = 0.0 if self.vector is None else self.vector(t) if callable(self.vector) else self.vector
        array = np.asarray(value, float)
        return np.zeros(2) if self.dimension == 2 and array.shape == () else array

    @property
    def has_potential(self) -> bool:
        """Always on a line; in the plane where A is, at all times, a given symmetric matrix."""
        ends = [m for m in (self.matrix, self.matrix_end) if m is not None]
        return self.dimension == 1 or all(not callable(m) and np.array_equal(m, np.transpose(m)) for m in ends)

    def potential(self, points: Points, t: float) -> Array | None:
        if not self.has_potential:
            return None
        matrix, shift = self.matrix_at(t), self.vector_at(t)
        if self.dimension == 1:
            return -(0.5 * matrix * np.square(points[0]) + shift * points[0])
        pull = self.field(points, t)
        return np.asarray(-0.5 * sum((f + b) * x for f, b, x in zip(pull, shift, points, strict=True)))

    def split(self) -> tuple[Force | None, Force | None]:
        """The symmetric part of A with the shift b, which have a potential, and the antisymmetric part of A."""
        if self.has_potential:
            return self, None
        stored, driving = (_half_of(self.matrix, sign) for sign in (1.0, -1.0))
        if self.matrix_end is None:
            whole = Gradient if callable(self.matrix) else LinearForce
            return whole(stored, self.vector), LinearForce(driving)
        ends = [_half_of(self.matrix_end, sign) for sign in (1.0, -1.0)]
        return (
            LinearForce(stored, self.vector, ends[0], self.duration),
            LinearForce(driving, None, ends[1], self.duration),
        )

    def links(self, grid: Grid, t: float) -> Points:
        """In the middle of a link a linear force has its mean over it, whether or not it has a potential."""
        return tuple(self._in_the_middle(grid, axis, t) for axis in range(grid.dimension))

    def field(self, points: Points, t: float) -> Points:
        matrix, shift = self.matrix_at(t), self.vector_at(t)
        if self.dimension == 1:
            return (matrix * points[0] + shift,)
        x, y = points
        return (
            matrix[0, 0] * x + matrix[0, 1] * y + shift[0],
            matrix[1, 0] * x + matrix[1, 1] * y + shift[1],
        )


class Gradient(LinearForce):
    """A linear force whose matrix is a function of time with symmetric values, which no look at it could tell."""

    @property
    def has_potential(self) -> bool:
        return True


def _half_of(matrix: Coefficient, sign: float) -> Coefficient:
    """The symmetric (sign 1) or antisymmetric (-1) part of a matrix, or of a function that returns one."""
    if callable(matrix):
        return lambda t: _half_of(matrix(t), sign)
    array = np.asarray(matrix, float)
    return 0.5 * (array + sign * array.T)


def _constant(name: str, value: Any) -> Array:
    """A coefficient, or its value at t = 0, as an array of finite numbers."""
    given = value
    if callable(value):
        value = value(0.0)
    try:
        array = np.asarray(value, float)
    except (TypeError, ValueError) as error:
        raise InputError(name, f"given {given!r}; expected numbers, or a function of t that returns them") from error
    if np.any(np.isnan(array)) or (not callable(given) and not np.all(np.isfinite(array))):
        raise InputError(name, f"given {array.tolist()}; expected finite numbers")
    return array
