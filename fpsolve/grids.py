"""Grids: tensor products of axes, each with its cells, faces and kind of boundary."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fpsolve.settings import InputError, number, suggestion, whole

Array = NDArray[np.float64]

#: what happens at both ends of an axis; the position in the list is the kernels' code
BOUNDARIES = ("reflecting", "absorbing", "periodic")


@dataclasses.dataclass(frozen=True, eq=False)
class Axis:
    """Cells along one coordinate.

    Parameters
    ----------
    edges : (n + 1,) array
        Increasing faces of the n cells, unit of x.
    boundary : str
        ``"reflecting"`` (no current through the ends), ``"absorbing"`` (nothing comes in) or ``"periodic"``.
    """

    edges: Array
    boundary: str = "reflecting"

    def __post_init__(self) -> None:
        edges = np.array(self.edges, float)
        if edges.ndim != 1 or edges.size < 2:
            raise InputError("edges", f"given shape {edges.shape}; expected at least two edges in one dimension")
        if not np.all(np.isfinite(edges)) or not np.all(np.diff(edges) > 0.0):
            raise InputError("edges", "they must be finite and increase; sort them and remove repeated points")
        if self.boundary not in BOUNDARIES:
            raise InputError("boundary", f"given {self.boundary!r}; {suggestion(str(self.boundary), BOUNDARIES)}")
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
    def boundary_code(self) -> int:
        """The kernels' number of the boundary."""
        return BOUNDARIES.index(self.boundary)


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
    def line(cls, lower: float, upper: float, cells: int, boundary: str = "reflecting") -> Self:
        """Equal cells between two ends."""
        lower, upper = number("lower", lower), number("upper", upper)
        if not lower < upper:
            raise InputError("upper", f"given {upper:g} with lower = {lower:g}; it must be larger")
        return cls((Axis(np.linspace(lower, upper, whole("cells", cells) + 1), boundary),))

    @classmethod
    def from_edges(cls, edges: Any, boundary: str = "reflecting") -> Self:
        """Cells between given edges."""
        return cls((Axis(edges, boundary),))

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
