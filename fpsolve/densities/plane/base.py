"""What every probability density in the plane can do."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, final

import numpy as np

from fpsolve.densities.base import TAIL, check_points
from fpsolve.quadrature import Array
from fpsolve.settings import LARGEST, InputError, Settings, number, numbers

Pair = tuple[float, float]
Box = tuple[Pair, Pair]


class PlaneDensity(Settings, abc.ABC):
    """A probability density in the plane with exact averages over the cells of a grid.

    Lengths carry the unit of x (y has the same or another one), densities the inverse of the product of both units.
    """

    family: ClassVar[str] = "plane-density"

    @abc.abstractmethod
    def pdf(self, x: Any, y: Any) -> Array:
        """Density at points; ``x`` and ``y`` are broadcast against each other."""

    @abc.abstractmethod
    def cell_masses(self, edges_x: Array, edges_y: Array) -> Array:
        """Probabilities of the cells between increasing edges.

        Parameters
        ----------
        edges_x : (nx + 1,) array
            Edges along x, unit of x.
        edges_y : (ny + 1,) array
            Edges along y, unit of y.

        Returns
        -------
        (nx, ny) array
            The mass of each cell; what lies beyond the outer edges is in none.

        Raises
        ------
        InputError
            Edges that are not finite or do not increase.
        """

    def cell_averages(self, edges_x: Array, edges_y: Array) -> Array:
        """Averages of the density over the cells between increasing edges: masses over areas, as in `cell_masses`."""
        areas = np.multiply.outer(np.diff(check_edges("edges_x", edges_x)), np.diff(check_edges("edges_y", edges_y)))
        return self.cell_masses(edges_x, edges_y) / areas

    @final
    def interval(self, tail: float = TAIL) -> Box:
        """Box beyond each side of which lies at most about ``tail`` of the mass.

        Parameters
        ----------
        tail : float
            Probability beyond each of the four sides, between 0 and 1/2.

        Returns
        -------
        ((lower, upper), (lower, upper))
            The sides along x and along y.

        Raises
        ------
        InputError
            A tail outside (0, 1/2).
        """
        return self._interval(number("tail", tail, above=0.0, below=0.5))

    @abc.abstractmethod
    def _interval(self, tail: float) -> Box:
        """The box of :meth:`interval` for a checked ``tail``."""

    @property
    @abc.abstractmethod
    def mean(self) -> Array:
        """E[(x, y)], a (2,) array of lengths."""

    @property
    @abc.abstractmethod
    def covariance(self) -> Array:
        """Covariance of (x, y), a (2, 2) array of lengths squared."""

    @property
    def finest(self) -> float | None:
        """Smallest length over which the density varies, for cells to be compared with; None if it has none.

        Of normal densities it is the standard deviation along the narrowest direction, of mixtures the least of them,
        of a curve without blur zero. Tables, functions and uniform densities have none.
        """
        return None

    @property
    def support(self) -> Box:
        """Sides of the box that holds the support (infinite by default)."""
        return (-np.inf, np.inf), (-np.inf, np.inf)


def check_edges(name: str, edges: Any) -> Array:
    """At least two increasing finite edges, or an InputError."""
    try:
        array = check_points(name, edges, increasing=True)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(name, f"given {shown(edges)}; expected a list of increasing numbers") from error
    if array.size < 2:
        raise InputError(name, "given one edge; expected at least two")
    if max(-array[0], array[-1]) > LARGEST:
        raise InputError(name, f"given up to {np.abs(array).max():g}; the largest modulus allowed is {LARGEST:g}")
    return array


def check_pair(name: str, value: Any, **bounds: float) -> Pair:
    """Two finite numbers [x, y] within the bounds of :func:`fpsolve.settings.numbers`, or an InputError."""
    pair = numbers(name, value, **bounds)
    if len(pair) != 2:
        raise InputError(name, f"given {len(pair)} numbers; expected two, [x, y]")
    return pair[0], pair[1]


def check_corners(lower: Any, upper: Any) -> tuple[Pair, Pair]:
    """Two opposite corners of a box, the lower one below the upper one along both axes, or an InputError."""
    low, high = check_pair("lower", lower), check_pair("upper", upper)
    for axis, a, b in zip("xy", low, high, strict=True):
        if not a < b:
            raise InputError("upper", f"given {b:g} along {axis} with lower = {a:g}; it must be larger")
    return low, high


def shown(value: Any, most: int = 80) -> str:
    """A value on one short line of a message."""
    text = " ".join(repr(value).split())
    return text if len(text) <= most else text[:most] + "..."


def read_only(values: Any) -> Array:
    """A copy that cannot be written to."""
    array = np.array(values, float)
    array.setflags(write=False)
    return array
