"""Masses of normal densities: of cells on a line, and of rectangles where x and y are correlated."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from scipy.special import ndtr

from fpsolve.quadrature import Array

#: distance from the mean, in standard deviations, beyond which a normal density underflows
REACH = 39.0
#: width of a quadrature panel in conditional standard deviations, and the Gauss rule on it
_PANEL = 0.25
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
#: conditional over marginal standard deviation below which the density is a ridge, thin beside its length
_RIDGE = 0.7
#: panels that are evaluated at a time
_BLOCK = 32
#: positive half of a Gauss rule on [-1/2, 1/2], for cells over which a normal density varies little
_SIX, _SIX_WEIGHTS = (0.5 * part[3:] for part in np.polynomial.legendre.leggauss(6))


def normal_masses(edges: Array, mean: Array | float, std: Array | float, shift: Array | float = 0.0) -> Array:
    """Masses of the cells between ``edges`` (n + 1) under N(mean + shift, std²), relatively accurate in every cell.

    Differences of the error function serve where the density varies over a cell; where it hardly does they would
    cancel, and a Gauss rule takes their place. ``mean``, ``std`` and ``shift`` broadcast against each other; the cells
    are the last axis of the result. A ``shift`` apart from the mean keeps its digits where the mean is far from zero.
    """
    mean, std, shift = (np.asarray(value, float)[..., None] for value in (mean, std, shift))
    place = edges - mean
    z = (place - shift) / std
    tail = ndtr(-np.abs(z))
    left, right = tail[..., :-1], tail[..., 1:]
    wide = np.where((z[..., :-1] < 0.0) & (z[..., 1:] > 0.0), 1.0 - left - right, np.abs(right - left))
    width = np.diff(edges) / std
    middle = (0.5 * (place[..., 1:] + place[..., :-1]) - shift) / std
    narrow = width * (2.0 + np.abs(middle)) <= 1.0
    if not narrow.any():
        return wide
    tilt, spread = np.minimum(np.abs(middle * width), 1.0), np.minimum(width, 1.0) ** 2
    shape = np.zeros_like(wide)
    for node, weight in zip(_SIX, _SIX_WEIGHTS, strict=True):
        shape += 2.0 * weight * np.exp(-0.5 * node**2 * spread) * np.cosh(node * tilt)
    height = np.exp(-0.5 * np.minimum(np.abs(middle), 2.0 * REACH) ** 2) / math.sqrt(2.0 * math.pi)
    return np.where(narrow, height * shape * width, wide)


@dataclasses.dataclass(frozen=True)
class Conditional:
    """A normal density in the plane as the law of one coordinate, u, and of the other, v, given u.

    Parameters
    ----------
    mean, std : float
        Of u.
    other : float
        Mean of v.
    slope : float
        Change of the mean of v with u.
    spread : float
        Standard deviation of v given u.
    scale : float
        Standard deviation of u given v.
    """

    mean: float
    std: float
    other: float
    slope: float
    spread: float
    scale: float

    def panels(self, edges: Array, across: Array) -> Array:
        """Edges of quadrature panels along u: the cell ``edges`` within reach, and enough between them.

        Where a thin ridge lies inside one cell along v, far from the edges ``across``, the integrand varies as the
        density of u does; where it crosses an edge, and everywhere if there is no ridge, it varies over ``scale``.
        """
        ends = np.clip(self.mean + REACH * self.std * np.array([-1.0, 1.0]), edges[0], edges[-1])
        if ends[0] == ends[1]:
            return np.empty(0)
        cuts, near = [edges, ends], None
        if self.scale < _RIDGE * self.std:
            crossing = np.sort(self.mean + (across - self.other) / self.slope)
            half = REACH * self.spread / abs(self.slope)
            apart = np.diff(crossing) > 2.0 * half
            near = np.stack([crossing[np.append(True, apart)] - half, crossing[np.append(apart, True)] + half])
            cuts.append(near.ravel())
        points = np.unique(np.clip(np.concatenate(cuts), *ends))
        limit = np.full(points.size - 1, _PANEL * self.scale)
        if near is not None:
            middle = 0.5 * (points[1:] + points[:-1])
            limit[np.searchsorted(near[0], middle) == np.searchsorted(near[1], middle)] = _PANEL * self.std
        return subdivided(points, limit)

    def masses(self, edges: Array, across: Array, panels: Array) -> Array:
        """Masses of the cells between ``edges`` along u and ``across`` along v, by a Gauss rule on each panel."""
        out = np.zeros((edges.size - 1, across.size - 1))
        half = 0.5 * np.diff(panels)[:, None]
        place = panels - self.mean
        nodes = 0.5 * (place[1:] + place[:-1])[:, None] + half * _NODES
        weights = half * _WEIGHTS * np.exp(-0.5 * (nodes / self.std) ** 2) / (math.sqrt(2.0 * math.pi) * self.std)
        shifts = self.slope * nodes
        cell = np.searchsorted(edges, 0.5 * (panels[1:] + panels[:-1])) - 1
        for i in range(0, cell.size, _BLOCK):
            part = slice(i, i + _BLOCK)
            ends = np.array([shifts[part].min(), shifts[part].max()]) + REACH * self.spread * np.array([-1.0, 1.0])
            first, last = (int(k) for k in np.searchsorted(across, self.other + ends))
            first, last = max(first - 1, 0), min(last, across.size - 1)
            if first >= last:
                continue
            held = normal_masses(across[first : last + 1], self.other, self.spread, shifts[part])
            held = np.matmul(weights[part, None, :], held)[:, 0]
            starts = np.flatnonzero(np.diff(cell[part], prepend=-1))
            out[cell[part][starts], first:last] += np.add.reduceat(held, starts, axis=0)
        return out


def subdivided(points: Array, limit: Array) -> Array:
    """Increasing ``points`` (n + 1), kept as they are, and equal steps of at most ``limit`` (n) between them."""
    pieces = np.maximum(np.ceil(np.diff(points) / limit), 1.0).astype(int)
    step = np.repeat(np.diff(points) / pieces, pieces)
    place = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    return np.append(np.repeat(points[:-1], pieces) + step * place, points[-1])


def rectangle_masses(edges_x: Array, edges_y: Array, along_x: Conditional, along_y: Conditional) -> Array:
    """Masses of the rectangles of a grid, integrated along the axis that takes less work."""
    panels_x, panels_y = along_x.panels(edges_x, edges_y), along_y.panels(edges_y, edges_x)
    if panels_x.size == 0 or panels_y.size == 0:
        return np.zeros((edges_x.size - 1, edges_y.size - 1))
    if panels_x.size * edges_y.size <= panels_y.size * edges_x.size:
        return along_x.masses(edges_x, edges_y, panels_x)
    return along_y.masses(edges_y, edges_x, panels_y).T
