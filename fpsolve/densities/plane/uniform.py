"""The uniform density on a rectangle."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np

from fpsolve.densities.plane.base import Box, Pair, PlaneDensity, check_corners, check_edges
from fpsolve.quadrature import Array


@dataclasses.dataclass(frozen=True)
class PlaneUniform(PlaneDensity):
    """Constant density on a rectangle along the axes, zero elsewhere.

    Parameters
    ----------
    lower, upper : (x, y)
        Opposite corners, units of x and y.

    Raises
    ------
    InputError
        Not two finite numbers each, or a lower corner that is not below the upper one along both axes.
    """

    kind: ClassVar[str] = "uniform"
    lower: Pair
    upper: Pair

    def __post_init__(self) -> None:
        lower, upper = check_corners(self.lower, self.upper)
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)

    @property
    def _sides(self) -> Array:
        return np.subtract(self.upper, self.lower)

    def pdf(self, x: Any, y: Any) -> Array:
        inside = [
            (low <= np.asarray(values, float)) & (np.asarray(values, float) <= high)
            for values, low, high in zip((x, y), self.lower, self.upper, strict=True)
        ]
        return np.where(inside[0] & inside[1], 1.0 / np.prod(self._sides), 0.0)

    def cell_masses(self, edges_x: Array, edges_y: Array) -> Array:
        return np.multiply.outer(*self._overlaps(edges_x, edges_y)) / np.prod(self._sides)

    def cell_averages(self, edges_x: Array, edges_y: Array) -> Array:
        covered = (
            overlap / np.diff(edges)
            for overlap, edges in zip(self._overlaps(edges_x, edges_y), (edges_x, edges_y), strict=True)
        )
        return np.multiply.outer(*covered) / np.prod(self._sides)

    def _overlaps(self, edges_x: Array, edges_y: Array) -> tuple[Array, Array]:
        """Lengths of the parts of the cells that lie in the support, along both axes."""
        edges = check_edges("edges_x", edges_x), check_edges("edges_y", edges_y)
        first, second = (np.diff(np.clip(e, a, b)) for e, a, b in zip(edges, self.lower, self.upper, strict=True))
        return first, second

    def _interval(self, tail: float) -> Box:
        return tuple((a + tail * (b - a), b - tail * (b - a)) for a, b in self.support)  # type: ignore[return-value]

    @property
    def mean(self) -> Array:
        return 0.5 * np.add(self.lower, self.upper)

    @property
    def covariance(self) -> Array:
        return np.diag(self._sides**2 / 12.0)

    @property
    def support(self) -> Box:
        return (self.lower[0], self.upper[0]), (self.lower[1], self.upper[1])
