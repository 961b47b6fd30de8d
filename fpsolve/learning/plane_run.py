"""The estimated process of a learned velocity in the plane: a lattice of points that follow it from t = tau to 0."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.quadrature import Array, panel_nodes
from fpsolve.settings import InputError

#: probability of the start beyond the lattice: D weighs what is far out
_TAIL = 1e-20
#: logarithm of the part of the greatest density below which a label is dropped
_FAINT = -75.0


class PlaneField(Protocol):
    """A velocity and its divergence."""

    def velocity(self, t: float, x: Array, y: Array) -> Array:
        """u(t, x, y), L/s, (2, n)."""

    def slope(self, t: float, x: Array, y: Array) -> Array:
        """Divergence of u, 1/s, (n,)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Labels:
    """A lattice over the start, whose points keep their probability.

    Parameters
    ----------
    place : (2, n) array
        Positions at t = tau, L.
    index : (2, n) array of int
        Which row and column of the lattice each is.
    area : float
        Of a cell, L².
    log_density : (n,) array
        Logarithm of the start.
    """

    place: Array
    index: NDArray[np.int64]
    area: float
    log_density: Array

    @classmethod
    def over(cls, start: PlaneDensity, count: int) -> Labels:
        """``count`` points along each axis, those left out that have next to no probability."""
        sides = start.interval(_TAIL)
        steps = [(high - low) / count for low, high in sides]
        places = [low + step * (np.arange(count) + 0.5) for (low, _), step in zip(sides, steps, strict=True)]
        index = np.stack(np.meshgrid(np.arange(count), np.arange(count), indexing="ij")).reshape(2, -1)
        place = np.stack([places[0][index[0]], places[1][index[1]]])
        logarithm = log_pdf(start, place)
        held = logarithm > np.max(logarithm) + _FAINT
        return cls(place[:, held], index[:, held], steps[0] * steps[1], logarithm[held])

    @property
    def parity(self) -> NDArray[np.int64]:
        """Which of four lattices of twice the spacing each point is of."""
        return 2 * (self.index[0] % 2) + self.index[1] % 2

    @property
    def rim(self) -> NDArray[np.bool_]:
        """Points of the outermost two rows and columns."""
        low, high = self.index.min(axis=1)[:, None], self.index.max(axis=1)[:, None]
        outer: NDArray[np.bool_] = np.any((self.index <= low + 1) | (self.index >= high - 1), axis=0)
        return outer

    def variation(self, field: Array) -> Array:
        """How much a field (2, n) changes at most between each point and its neighbours on the lattice, (n,)."""
        whole = np.full((2, *(self.index.max(axis=1) + 1)), np.nan)
        whole[:, self.index[0], self.index[1]] = field
        out = np.zeros(whole.shape[1:])
        for axis in (1, 2):
            step = np.moveaxis(np.hypot(*np.nan_to_num(np.diff(whole, axis=axis))), axis - 1, 0)
            rows = np.moveaxis(out, axis - 1, 0)
            for side in (rows[:-1], rows[1:]):
                np.maximum(side, step, out=side)
        return np.asarray(out[self.index[0], self.index[1]])

    def part(self, parity: int) -> Labels:
        """One of the four lattices of twice the spacing."""
        kept = self.parity == parity
        index = self.index[:, kept] // 2
        return Labels(self.place[:, kept], index, 4.0 * self.area, self.log_density[kept])


@dataclasses.dataclass(frozen=True, eq=False)
class PlaneRun:
    """The estimated process at the labels.

    Parameters
    ----------
    labels : Labels
    times : (nt,) array
        Increasing forward times, from 0 to tau.
    inner : (k,) array of int
        Which of them are the nodes of the panels in time.
    x : (nt, 2, n) array
        Where the labels are.
    stretch : (nt, n) array
        Logarithm of the area they have come to stand for, relative to t = tau.
    """

    labels: Labels
    times: Array
    inner: NDArray[np.int64]
    x: Array
    stretch: Array

    def density(self, j: int) -> Array:
        """The estimated density at ``x[j]``, 1/L²."""
        return np.exp(self.labels.log_density - self.stretch[j])


def log_pdf(density: PlaneDensity, place: Array) -> Array:
    """Logarithm of a density at points (2, n), finite as far out as the density can tell."""
    known: Callable[[Array, Array], Array] | None = getattr(density, "log_pdf", None)
    if known is not None:
        return known(place[0], place[1])
    with np.errstate(divide="ignore"):
        return np.log(density.pdf(place[0], place[1]))


def marched(learned: PlaneField, place: Array, stretch: Array, begin: float, end: float, steps: int) -> Array:
    """Positions and stretch, rows x, y, s, after Runge-Kutta steps of order 4 along dx/dt = u, ds/dt = div u."""
    state, h = np.vstack([place, stretch]), (end - begin) / steps

    def rate(t: float, now: Array) -> Array:
        return np.vstack([learned.velocity(t, now[0], now[1]), learned.slope(t, now[0], now[1])])

    for k in range(steps):
        t = begin + k * h
        first = rate(t, state)
        second = rate(t + 0.5 * h, state + 0.5 * h * first)
        third = rate(t + 0.5 * h, state + 0.5 * h * second)
        fourth = rate(begin + (k + 1) * h if k + 1 < steps else end, state + h * third)
        state = state + (h / 6.0) * (first + 2.0 * (second + third) + fourth)
    return state


def followed(learned: PlaneField, labels: Labels, panels: Array, substeps: int) -> PlaneRun:
    """Follow labels from t = tau to 0, stored at the ends and the Kronrod nodes of panels.

    Parameters
    ----------
    learned : PlaneField
    labels : Labels
    panels : (k + 1,) array
        Edges in time, from 0 to tau.
    substeps : int
        Runge-Kutta steps between two stored times.

    Raises
    ------
    InputError
        A velocity that is not finite.
    """
    nodes = panel_nodes(panels)[0]
    times = np.union1d(nodes, panels)
    x, stretch = np.empty((times.size, *labels.place.shape)), np.zeros((times.size, labels.log_density.size))
    x[-1] = labels.place
    for j in range(times.size - 2, -1, -1):
        state = marched(learned, x[j + 1], stretch[j + 1], float(times[j + 1]), float(times[j]), substeps)
        if not np.all(np.isfinite(state)):
            raise InputError("learned", f"its velocity cannot be followed to t = {times[j]:g}; learn the velocity")
        x[j], stretch[j] = state[:2], state[2]
    return PlaneRun(labels, times, np.searchsorted(times, nodes), x, stretch)
