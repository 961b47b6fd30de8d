"""Densities in the plane known by their averages over cells, or by polynomials on panels."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from fpsolve.densities.plane.base import Box, Pair, PlaneDensity, check_edges, read_only
from fpsolve.quadrature import Array
from fpsolve.settings import InputError

#: how far the mass of given averages may be from one
MASS_TOLERANCE = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class PlaneTabulated(PlaneDensity):
    """Density that is constant on each cell of a grid, and zero beyond.

    The averages over its own cells are the given ones, bit for bit; over the cells of another grid they follow from
    the exact overlaps, so no mass is lost.

    Parameters
    ----------
    edges_x, edges_y : (nx + 1,) and (ny + 1,) arrays
        Increasing cell edges, units of x and y.
    averages : (nx, ny) array
        Non-negative averages over the cells; their mass must be one within 1e-9 and is not corrected
        (:meth:`normalised` does).

    Raises
    ------
    InputError
        Wrong shapes, NaN, negative values or a mass other than one.
    """

    kind: ClassVar[str] = "tabulated"
    edges_x: Array
    edges_y: Array
    averages: Array

    def __post_init__(self) -> None:
        edges = check_edges("edges_x", self.edges_x), check_edges("edges_y", self.edges_y)
        averages = _check_table(self.averages, (edges[0].size - 1, edges[1].size - 1))
        for name, value in zip(("edges_x", "edges_y", "averages"), (*edges, averages), strict=True):
            object.__setattr__(self, name, read_only(value))
        excess = float(np.sum(self._masses)) - 1.0
        if not abs(excess) <= MASS_TOLERANCE:
            raise InputError(
                "averages",
                f"their mass is {1.0 + excess:.12g}, off by {excess:.3g}; it must be 1 within {MASS_TOLERANCE:g} "
                "(divide by it, or use PlaneTabulated.normalised)",
            )

    @classmethod
    def normalised(cls, edges_x: Array, edges_y: Array, averages: Array) -> Self:
        """The density proportional to given averages, divided by their mass.

        Parameters
        ----------
        edges_x, edges_y, averages
            As for the class; the mass may be any positive number.

        Raises
        ------
        InputError
            As for the class; values without mass.
        """
        edges = check_edges("edges_x", edges_x), check_edges("edges_y", edges_y)
        table = _check_table(averages, (edges[0].size - 1, edges[1].size - 1))
        largest = float(table.max())
        if largest == 0.0:
            raise InputError("averages", "they are all zero; expected some mass")
        table = table / largest  # neither sums of huge numbers overflow nor products of tiny ones vanish
        return cls(edges[0], edges[1], table / float(np.sum(np.multiply.outer(*map(np.diff, edges)) * table)))

    @property
    def _masses(self) -> Array:
        return self.averages * np.multiply.outer(np.diff(self.edges_x), np.diff(self.edges_y))

    def pdf(self, x: Any, y: Any) -> Array:
        i, inside_x = located(self.edges_x, x)
        j, inside_y = located(self.edges_y, y)
        return np.where(inside_x & inside_y, self.averages[i, j], 0.0)

    def cell_masses(self, edges_x: Array, edges_y: Array) -> Array:
        first = overlaps(check_edges("edges_x", edges_x), self.edges_x)
        return first @ self.averages @ overlaps(check_edges("edges_y", edges_y), self.edges_y).T

    def cell_averages(self, edges_x: Array, edges_y: Array) -> Array:
        first, second = (
            overlaps(edges, own) / np.diff(edges)[:, None]
            for edges, own in (
                (check_edges("edges_x", edges_x), self.edges_x),
                (check_edges("edges_y", edges_y), self.edges_y),
            )
        )
        return first @ self.averages @ second.T

    def _interval(self, tail: float) -> Box:
        masses = self._masses
        return _ends(self.edges_x, masses.sum(axis=1), tail), _ends(self.edges_y, masses.sum(axis=0), tail)

    @property
    def mean(self) -> Array:
        masses = self._masses / np.sum(self._masses)
        centres = (0.5 * (edges[1:] + edges[:-1]) for edges in (self.edges_x, self.edges_y))
        return np.array([np.sum(masses.sum(axis=1 - i) * centre) for i, centre in enumerate(centres)])

    @property
    def covariance(self) -> Array:
        masses, mean = self._masses / np.sum(self._masses), self.mean
        x, y = (0.5 * (e[1:] + e[:-1]) - m for e, m in zip((self.edges_x, self.edges_y), mean, strict=True))
        inner_x, inner_y = (np.diff(edges) ** 2 / 12.0 for edges in (self.edges_x, self.edges_y))
        mixed = float(x @ masses @ y)
        first, second = masses.sum(axis=1) @ (x**2 + inner_x), masses.sum(axis=0) @ (y**2 + inner_y)
        return np.array([[first, mixed], [mixed, second]])

    @property
    def support(self) -> Box:
        first, second = (
            (float(edges[held[0]]), float(edges[held[-1] + 1]))
            for edges, held in (
                (self.edges_x, np.flatnonzero(self.averages.any(axis=1))),
                (self.edges_y, np.flatnonzero(self.averages.any(axis=0))),
            )
        )
        return first, second


def _check_table(values: Any, shape: tuple[int, int]) -> Array:
    """Finite non-negative numbers of a given shape, or an InputError that names the first bad one."""
    try:
        table = np.asarray(values, float)
    except (TypeError, ValueError) as error:
        raise InputError("averages", f"given {type(values).__name__}; expected an array of numbers") from error
    if table.shape != shape:
        raise InputError("averages", f"given shape {table.shape}; the edges ask for {shape} (x first, then y)")
    for bad, allowed in ((~np.isfinite(table), "a finite number"), (table < 0.0, "zero or more")):
        if bad.any():
            i, j = (int(k) for k in np.argwhere(bad)[0])
            raise InputError("averages", f"given {table[i, j]:g} at index [{i}, {j}]; expected {allowed}")
    return table


def _ends(edges: Array, masses: Array, tail: float) -> Pair:
    """Where the mass on either side reaches ``tail``: within a cell it grows linearly."""

    def reached(widths: Array, masses: Array) -> float:
        below = np.concatenate([[0.0], np.cumsum(masses)])
        cell = max(int(np.searchsorted(below, tail, side="right")) - 1, 0)
        return float(np.sum(widths[:cell]) + widths[cell] * (tail - below[cell]) / masses[cell])

    widths = np.diff(edges)
    return float(edges[0]) + reached(widths, masses), float(edges[-1]) - reached(widths[::-1], masses[::-1])


def located(edges: Array, points: Any) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Index of the cell that holds each point (the outermost ones for points beyond), and whether one does."""
    points = np.asarray(points, float)
    index = np.clip(np.searchsorted(edges, points, side="right") - 1, 0, edges.size - 2)
    return index, (points >= edges[0]) & (points <= edges[-1])


def overlaps(edges: Array, own: Array) -> Array:
    """Lengths that the cells between ``edges`` (n + 1) share with those between ``own`` (m + 1), as (n, m)."""
    high = np.minimum(edges[1:, None], own[None, 1:])
    return np.maximum(high - np.maximum(edges[:-1, None], own[None, :-1]), 0.0)
