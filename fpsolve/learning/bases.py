"""Bases of velocities and scores that are linear in their parameters: splines and polynomials in x and in t."""

from __future__ import annotations

import abc
import dataclasses
import functools
from typing import Protocol

import numpy as np
from numpy.polynomial import legendre
from scipy.interpolate import BSpline

from fpsolve.processes import Process
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, number, whole


@dataclasses.dataclass(frozen=True)
class Family(abc.ABC):
    """Functions of one variable on an interval, continued beyond it by their tangents.

    Parameters
    ----------
    lower, upper : float
        The interval, lower < upper.
    """

    lower: float
    upper: float

    def __post_init__(self) -> None:
        low, high = number("lower", self.lower), number("upper", self.upper)
        if not low < high:
            raise InputError("upper", f"given {high:g}, not above lower = {low:g}; exchange them")
        object.__setattr__(self, "lower", low)
        object.__setattr__(self, "upper", high)

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """How many functions."""

    @abc.abstractmethod
    def knots(self) -> Array:
        """Both ends and, between them, the points where the functions are not smooth."""

    @abc.abstractmethod
    def combined(self, coefficients: Array, x: Array, derivative: int = 0) -> Array:
        """Sum of the functions (or their derivatives) at points inside, for (size, ...) coefficients: (n, ...)."""

    def table(self, x: Array, derivative: int = 0) -> Array:
        """All functions at points, shape (n, size)."""
        return self.evaluated(np.eye(self.size), x, derivative)

    def evaluated(self, coefficients: Array, x: Array, derivative: int = 0) -> Array:
        """The sum at any points: inside, and on the tangents beyond either end.

        Parameters
        ----------
        coefficients : (size, ...) array
        x : (n,) array
        derivative : {0, 1}

        Returns
        -------
        (n, ...) array
        """
        x = np.asarray(x, float)
        inside = np.clip(x, self.lower, self.upper)
        values = self.combined(coefficients, inside, derivative)
        if derivative == 0:
            out = np.flatnonzero(x != inside)
            if out.size:
                slope = self.combined(coefficients, inside[out], 1)
                values[out] += slope * (x - inside)[out].reshape(-1, *[1] * (slope.ndim - 1))
        return values


@dataclasses.dataclass(frozen=True)
class Splines(Family):
    """B-splines with equidistant knots.

    Parameters
    ----------
    cells : int
        Intervals between the knots; there are ``cells + degree`` functions.
    degree : int
        0 (constant in each interval) to 9.
    """

    cells: int = 8
    degree: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "cells", whole("cells", self.cells))
        object.__setattr__(self, "degree", whole("degree", self.degree, least=0, most=9))

    @property
    def size(self) -> int:
        return self.cells + self.degree

    def knots(self) -> Array:
        return np.linspace(self.lower, self.upper, self.cells + 1)

    @functools.cached_property
    def _padded(self) -> Array:
        ends = np.ones(self.degree)
        return np.concatenate([self.lower * ends, self.knots(), self.upper * ends])

    def combined(self, coefficients: Array, x: Array, derivative: int = 0) -> Array:
        if derivative > self.degree:
            return np.zeros((x.size, *coefficients.shape[1:]))
        spline = BSpline.construct_fast(self._padded, np.ascontiguousarray(coefficients), self.degree)
        return np.asarray(spline(x, nu=derivative))


@dataclasses.dataclass(frozen=True)
class Polynomials(Family):
    """Legendre polynomials up to a degree, orthogonal on the interval.

    Parameters
    ----------
    degree : int
        0 to 40.
    """

    degree: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "degree", whole("degree", self.degree, least=0, most=40))

    @property
    def size(self) -> int:
        return self.degree + 1

    def knots(self) -> Array:
        return np.array([self.lower, self.upper])

    def combined(self, coefficients: Array, x: Array, derivative: int = 0) -> Array:
        half = 0.5 * (self.upper - self.lower)
        unit = (x - 0.5 * (self.upper + self.lower)) / half
        if derivative:
            coefficients = np.asarray(legendre.legder(coefficients, derivative, scl=1.0 / half), float)
        return np.asarray(legendre.legvander(unit, coefficients.shape[0] - 1) @ coefficients)


class Frame(Protocol):
    """Where and on what scale a process stands at a time."""

    def __call__(self, t: float) -> tuple[float, float]:
        """Centre and scale at time t."""


@dataclasses.dataclass(frozen=True, eq=False)
class MomentFrame:
    """Mean and standard deviation of P_t: in units of them the window of a process hardly moves."""

    process: Process
    _known: dict[float, tuple[float, float]] = dataclasses.field(default_factory=dict)

    def __call__(self, t: float) -> tuple[float, float]:
        if t not in self._known:
            density = self.process.density(t)
            self._known[t] = float(density.mean), float(np.sqrt(density.variance))
        return self._known[t]


def fixed_frame(t: float) -> tuple[float, float]:
    """The axis as it is."""
    return 0.0, 1.0


@dataclasses.dataclass(frozen=True, eq=False)
class Basis:
    """Products phi_k((x - a_t) / b_t) psi_l(t).

    Parameters
    ----------
    space, time : Family
        phi and psi.
    frame : callable
        ``t -> (a_t, b_t)``, with b_t > 0.
    """

    space: Family
    time: Family
    frame: Frame

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.space.size * self.time.size

    def evaluated(self, coefficients: Array, t: float, x: Array, derivative: int = 0) -> Array:
        """The sum, or its derivative by x, at one time; ``coefficients`` has shape (space.size, time.size)."""
        centre, scale = self.frame(t)
        now = coefficients @ self.time.table(np.array([t]))[0]
        return self.space.evaluated(now, (np.asarray(x, float) - centre) / scale, derivative) / scale**derivative


def spline_basis(
    process: Process,
    cells: tuple[int, int] = (16, 8),
    degree: tuple[int, int] | int = 2,
    *,
    window: tuple[float, float] = (-3.0, 3.0),
    moving: bool = True,
) -> Basis:
    """B-splines in x and in t over the window of a process.

    Parameters
    ----------
    process : Process
    cells : (int, int)
        Intervals between knots in x and in t.
    degree : int or (int, int)
        Degree in x and in t. Quadratic by default: the tangents of coarse cubics at the ends of the window, where
        there is little probability, may be so steep that the tails of the estimated process have infinite D.
    window : (lower, upper)
        Range of the knots; in units of the standard deviation of P_t about its mean, unless ``moving`` is false.
        Beyond it the functions go on along their tangents.
    moving : bool
        Whether the window moves and breathes with P_t.

    Raises
    ------
    InputError
        A window without extent, or a number of cells or a degree that is not allowed.
    """
    space, time = (degree, degree) if isinstance(degree, int) else degree
    frame = MomentFrame(process) if moving else fixed_frame
    return Basis(Splines(*window, cells[0], space), Splines(0.0, process.tau, cells[1], time), frame)


def polynomial_basis(
    process: Process, degree: tuple[int, int] = (7, 5), *, window: tuple[float, float] = (-2.0, 2.0)
) -> Basis:
    """Polynomials in x, seen from the mean of P_t in units of its deviation, and in t; see :func:`spline_basis`."""
    return Basis(Polynomials(*window, degree[0]), Polynomials(0.0, process.tau, degree[1]), MomentFrame(process))
