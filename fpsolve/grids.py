"""Grids: tensor products of axes, each with its cells, faces and kind of boundary."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fpsolve.settings import InputError, number, suggestion, whole

Array = NDArray[np.float64]
Boundary = str | tuple[str, str]

#: what happens at the ends of an axis; the position in the list is the kernels' code
BOUNDARIES = ("reflecting", "absorbing", "periodic")


@dataclasses.dataclass(frozen=True, eq=False)
class Axis:
    """Cells along one coordinate.

    Parameters
    ----------
    edges : (n + 1,) array
        Increasing faces of the n cells, unit of x.
    boundary : str or (str, str)
        ``"reflecting"`` (no current through the ends), ``"absorbing"`` (the density vanishes there) or ``"periodic"``;
        a pair gives the lower and the upper end each its own, reflecting or absorbing.
    """

    edges: Array
    boundary: str | tuple[str, str] = "reflecting"

    def __post_init__(self) -> None:
        edges = np.array(self.edges, float)
        if edges.ndim != 1 or edges.size < 2:
            raise InputError("edges", f"given shape {edges.shape}; expected at least two edges in one dimension")
        if not np.all(np.isfinite(edges)) or not np.all(np.diff(edges) > 0.0):
            raise InputError("edges", "they must be finite and increase; sort them and remove repeated points")
        object.__setattr__(self, "boundary", check_boundary(self.boundary))
        edges.setflags(write=False)
        object.__setattr__(self, "edges", edges)

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(self.edges.size - 1)

    @functools.cached_property
    def widths(self) -> Array:
        """Widths of the cells."""
        return np.diff(self.edges)

    @functools.cached_property
    def centres(self) -> Array:
        """Middles of the cells."""
        return 0.5 * (self.edges[1:] + self.edges[:-1])

    @functools.cached_property
    def uniform(self) -> bool:
        """Whether all cells have the same width, to rounding."""
        mean = float(self.edges[-1] - self.edges[0]) / self.cells
        rounding = 1e-15 * float(np.max(np.abs(self.edges)))
        return bool(np.all(np.abs(self.widths - mean) <= 1e-10 * mean + rounding))

    @property
    def length(self) -> float:
        """Distance between the ends."""
        return float(self.edges[-1] - self.edges[0])

    @property
    def periodic(self) -> bool:
        """Whether the axis is closed to a ring."""
        return self.boundary == "periodic"

    @property
    def ends(self) -> tuple[str, str]:
        """Boundary of the lower and of the upper end."""
        return (self.boundary, self.boundary) if isinstance(self.boundary, str) else self.boundary

    @property
    def codes(self) -> tuple[int, int]:
        """The kernels' numbers of both ends."""
        lower, upper = self.ends
        return BOUNDARIES.index(lower), BOUNDARIES.index(upper)

    @functools.cached_property
    def gaps(self) -> tuple[Array, Array]:
        """Distances from every face to the centres on its left and right; zero beyond an end that is no ring."""
        left, right = np.zeros(self.cells + 1), np.zeros(self.cells + 1)
        left[1:] = right[:-1] = 0.5 * self.widths
        if self.periodic:
            left[0], right[-1] = left[-1], right[0]
        left.setflags(write=False)
        right.setflags(write=False)
        return left, right

    @functools.cached_property
    def midpoints(self) -> Array:
        """Middles of the links between neighbouring centres (at an end: between the end and the centre beside it)."""
        left, right = self.gaps
        return self.edges + 0.5 * (right - left)

    def coarser(self, factor: int = 2) -> Self:
        """The axis of every ``factor``-th edge, both ends kept."""
        kept = np.arange(0, self.edges.size, factor)
        if kept[-1] != self.edges.size - 1:
            kept = np.append(kept, self.edges.size - 1)
        return dataclasses.replace(self, edges=self.edges[kept])


def check_boundary(boundary: Any) -> str | tuple[str, str]:
    """The boundary of an axis: one word, or a word for either end."""
    words = (boundary,) if isinstance(boundary, str) else boundary
    if not isinstance(words, (tuple, list)) or len(words) not in (1, 2):
        raise InputError("boundary", f"given {boundary!r}; expected one of {', '.join(BOUNDARIES)}, or a pair")
    for word in words:
        if word not in BOUNDARIES:
            raise InputError("boundary", f"given {word!r}; {suggestion(str(word), BOUNDARIES)}")
    if len(words) == 1 or words[0] == words[1]:
        return str(words[0])
    if "periodic" in words:
        raise InputError("boundary", f"given {boundary!r}; both ends of an axis are periodic, or neither is")
    return str(words[0]), str(words[1])


def sinh_edges(lower: float, upper: float, cells: int, centre: float, strength: float) -> Array:
    """Edges that are dense around ``centre``: the image of equal steps under centre + scale sinh(s)."""
    low, high = np.arcsinh(strength * (np.array([lower, upper]) - centre) / (upper - lower))
    edges = centre + (upper - lower) / strength * np.sinh(np.linspace(low, high, cells + 1))
    edges[0], edges[-1] = lower, upper
    return edges


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """A tensor product of axes.

    Parameters
    ----------
    axes : tuple of Axis
        One per coordinate.
    """

    axes: tuple[Axis, ...]

    @classmethod
    def line(cls, lower: float, upper: float, cells: int, boundary: Boundary = "reflecting") -> Self:
        """Equal cells between two ends."""
        return cls((_equal(lower, upper, cells, boundary),))

    @classmethod
    def plane(
        cls,
        lower: Sequence[float],
        upper: Sequence[float],
        cells: Sequence[int],
        boundary: str | Sequence[Boundary] = "reflecting",
    ) -> Self:
        """Equal cells in a rectangle; one boundary for both axes, or one each."""
        pairs: tuple[tuple[str, Any], ...] = (("lower", lower), ("upper", upper), ("cells", cells))
        for name, given in pairs:
            if isinstance(given, str) or not hasattr(given, "__len__") or len(given) != 2:
                raise InputError(name, f"given {given!r}; expected a pair, one for x and one for y")
        each = (boundary, boundary) if isinstance(boundary, str) else tuple(boundary)
        if len(each) != 2:
            raise InputError("boundary", f"given {boundary!r}; expected one for both axes, or a pair")
        return cls(tuple(_equal(*ends) for ends in zip(lower, upper, cells, each, strict=True)))

    @classmethod
    def stretched(
        cls,
        lower: float,
        upper: float,
        cells: int,
        *,
        centre: float | None = None,
        strength: float = 4.0,
        walls: bool = False,
        boundary: Boundary = "reflecting",
    ) -> Self:
        """Cells that are small around ``centre`` (the middle if absent) and grow away from it, or at the walls.

        Parameters
        ----------
        lower, upper : float
            Ends, unit of x.
        cells : int
            How many.
        centre : float, optional
            Where they are smallest.
        strength : float
            Positive; the cells at a distance d from the centre are sqrt(1 + (strength d / length)²) times as wide. With
            ``walls`` those at the walls are cosh²(strength / 2) times narrower than those in the middle.
        walls : bool
            Whether the cells are small at both ends instead (edges on a hyperbolic tangent).
        boundary : str or (str, str)
            As for :class:`Axis`.
        """
        lower, upper = _ends(lower, upper)
        centre = number("centre", 0.5 * (lower + upper) if centre is None else centre)
        strength = number("strength", strength, above=0.0)
        if walls:
            steps = np.tanh(0.5 * strength * np.linspace(-1.0, 1.0, whole("cells", cells) + 1))
            edges = 0.5 * (lower + upper) + 0.5 * (upper - lower) * steps / steps[-1]
            edges[0], edges[-1] = lower, upper
            return cls((Axis(edges, boundary),))
        return cls((Axis(sinh_edges(lower, upper, whole("cells", cells), centre, strength), boundary),))

    @classmethod
    def from_edges(cls, edges: Any, boundary: Boundary = "reflecting") -> Self:
        """Cells of a line between given edges; for a plane see :meth:`product`."""
        return cls((Axis(edges, boundary),))

    @classmethod
    def product(cls, *lines: Grid) -> Self:
        """The tensor product of lines: a plane whose axes are stretched each in its own way."""
        return cls(tuple(line.axis for line in lines))

    @property
    def dimension(self) -> int:
        """Number of axes."""
        return len(self.axes)

    def coarser(self, factor: int = 2) -> Self:
        """The grid of every ``factor``-th edge along each axis."""
        return dataclasses.replace(self, axes=tuple(axis.coarser(factor) for axis in self.axes))

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of cells along each axis."""
        return tuple(axis.cells for axis in self.axes)

    @property
    def cells(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    @functools.cached_property
    def volumes(self) -> Array:
        """Volumes of the cells, of the grid's shape."""
        return functools.reduce(np.multiply.outer, [axis.widths for axis in self.axes])

    @property
    def axis(self) -> Axis:
        """The only axis of a line."""
        if len(self.axes) != 1:
            raise InputError("grid", f"given {len(self.axes)} axes; this is for a line: name the axis, grid.axes[i]")
        return self.axes[0]

    @property
    def faces(self) -> Array:
        """Edges of the cells of a line."""
        return self.axis.edges

    @property
    def centres(self) -> Array:
        """Middles of the cells of a line."""
        return self.axis.centres

    @property
    def widths(self) -> Array:
        """Widths of the cells of a line."""
        return self.axis.widths


def _ends(lower: Any, upper: Any) -> tuple[float, float]:
    lower, upper = number("lower", lower), number("upper", upper)
    if not lower < upper:
        raise InputError("upper", f"given {upper:g} with lower = {lower:g}; it must be larger")
    return lower, upper


def _equal(lower: Any, upper: Any, cells: Any, boundary: Any) -> Axis:
    return Axis(np.linspace(*_ends(lower, upper), whole("cells", cells) + 1), boundary)
