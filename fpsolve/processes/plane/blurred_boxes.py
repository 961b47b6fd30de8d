"""A density in the plane that is a polynomial on each cell of a grid, moved and blurred by an isotropic Gaussian."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.polynomial.legendre import leggauss, legvander
from scipy.special import ndtr, ndtri

from fpsolve.densities import PlaneDensity, PlaneFunction, PlanePanels, PlaneTabulated, PlaneUniform
from fpsolve.densities.plane.base import Box, Pair, check_edges
from fpsolve.densities.plane.normal import normal_masses, subdivided
from fpsolve.densities.plane.panels import NODES, TO_COEFFICIENTS, gauss_rule
from fpsolve.densities.plane.tabulated import overlaps
from fpsolve.kernels.plane_boxes import PIECE, axis_densities, plane_boxes_cells, plane_boxes_far, plane_boxes_merged
from fpsolve.quadrature import Array

#: widest block of merged cells, in units of the noise
_BLOCK = 4.0
#: what a merged node must save, for the cells serve the tails as well
_GAIN = 0.7
#: cells of a rotated density are cut into parts this wide at most, in units of the noise, and this many
_PART, _PARTS = 1.5, 12
_GAUSS, _WEIGHTS = leggauss(4)
#: mass beyond each side of the box in which cells are integrated
_OUTSIDE = 1e-25


def degree(radius: float) -> int:
    """Degree of the polynomial that is exp(-z²/2) to 1e-15 of its largest value, within ``radius`` of any |z| < 10."""
    return 3 + math.ceil(26.0 * radius**0.35)


@dataclasses.dataclass(frozen=True, eq=False)
class Axis:
    """Cells along one axis with the Legendre polynomials of each.

    Parameters
    ----------
    edges : (n + 1,) array
        Increasing, L.
    terms : int
        Polynomials on each cell.
    """

    edges: Array
    terms: int

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.edges.size - 1

    def merged(self, scale: float) -> tuple[Array, Array] | None:
        """Nodes, and the map of the cells' masses to those of the nodes; None where that saves nothing.

        On equal blocks, at most four times the noise wide, the masses at the Gauss nodes have the moments of the
        density up to the degree at which a polynomial stands for the kernel.

        Parameters
        ----------
        scale : float
            Widths of the noise per length of the data, 1/L.
        """
        width = float(self.edges[-1] - self.edges[0])
        if scale * width > _BLOCK * self.cells * self.terms:
            return None
        count = max(math.ceil(scale * width / _BLOCK), 1)
        order = degree(0.5 * scale * width / count) + 1
        if count * order > _GAIN * self.cells * self.terms:
            return None
        blocks = np.linspace(self.edges[0], self.edges[-1], count + 1)
        node, weight = leggauss(order)
        places = 0.5 * (blocks[1:] + blocks[:-1])[:, None] + 0.5 * np.diff(blocks)[:, None] * node
        return places.ravel(), self._node_masses(blocks, node, weight)

    def _node_masses(self, blocks: Array, node: Array, weight: Array) -> Array:
        """Masses at the nodes of each block of a unit mass on each cell's polynomials, (nodes, cells)."""
        order = node.size
        parts = np.unique(np.concatenate([blocks, self.edges]))
        middle = 0.5 * (parts[1:] + parts[:-1])
        cell = np.clip(np.searchsorted(self.edges, middle) - 1, 0, self.cells - 1)
        block = np.clip(np.searchsorted(blocks, middle) - 1, 0, blocks.size - 2)
        inner, inner_weight = leggauss((order + self.terms) // 2 + 1)
        points = middle[:, None] + 0.5 * np.diff(parts)[:, None] * inner
        own, theirs = (
            legvander((2.0 * points - (e[1:] + e[:-1])[k, None]) / np.diff(e)[k, None], top)
            for e, k, top in ((self.edges, cell, self.terms - 1), (blocks, block, order - 1))
        )
        shares = 0.5 * np.diff(parts) / np.diff(self.edges)[cell]
        moments = np.einsum("s,g,sgn,sgp->snp", shares, inner_weight, theirs, own)
        to_nodes = legvander(node, order - 1) * (np.arange(order) + 0.5) * weight[:, None]
        out = np.zeros((blocks.size - 1, self.cells, order, self.terms))
        np.add.at(out, (block, cell), to_nodes @ moments)
        return np.ascontiguousarray(out.transpose(0, 2, 1, 3).reshape(node.size * (blocks.size - 1), -1))

    def rule(self, scale: float) -> Array:
        """Nodes and weights of a Gauss rule that is exact on every piece of a cell, as rows."""
        widest = min(scale * float(np.diff(self.edges).max()), PIECE)
        return np.stack(leggauss((degree(0.5 * widest) + self.terms + 3) // 2))

    def blurred_masses(self, edges: Array, scale: float, noise: float) -> Array:
        """Masses between ``edges`` of the blurred average of each polynomial over its cell, (cells there, cells)."""
        wide = scale * np.diff(self.edges) > noise
        out = np.empty((edges.size - 1, self.cells, self.terms))
        if not wide.all():
            node, weight = leggauss((degree(0.5) + self.terms + 1) // 2)
            middle, half = 0.5 * (self.edges[1:] + self.edges[:-1])[~wide], 0.5 * np.diff(self.edges)[~wide]
            masses = normal_masses(edges, scale * (middle[:, None] + half[:, None] * node), noise)
            values = 0.5 * weight[:, None] * legvander(node, self.terms - 1)
            out[:, ~wide] = np.einsum("igc,gp->cip", masses, values)
        if wide.any():
            out[:, wide] = self._wide_masses(edges, scale, noise)[:, wide]
        return out.reshape(edges.size - 1, -1)

    def _wide_masses(self, edges: Array, scale: float, noise: float) -> Array:
        """For cells wider than the noise, from the integrals of the normal distribution function."""
        widths, moved = scale * np.diff(self.edges), scale * self.edges
        z = np.abs(edges[:, None] - moved) / noise
        rest = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi) - z * ndtr(-z)
        first = overlaps(edges, moved) - noise * np.diff(np.diff(rest, axis=0), axis=1)
        out = np.empty((edges.size - 1, self.cells, self.terms))
        out[:, :, 0] = first / widths
        if self.terms > 1:
            # by parts, with the integral (P_(p+1) - P_(p-1)) / (2p + 1) of P_p, zero at both ends
            finer = Axis(self.edges, self.terms + 1)
            values = np.empty((edges.size, self.cells * finer.terms))
            axis_densities(edges, self.edges, scale, noise, finer.rule(scale / noise), finer.terms, values)
            steps = np.diff(values.reshape(edges.size, self.cells, finer.terms), axis=0)
            p = np.arange(1, self.terms)
            out[:, :, 1:] = (steps[:, :, 2:] - steps[:, :, :-2]) / (2.0 * p + 1.0) * (0.5 * widths / noise)[:, None]
        return out


@dataclasses.dataclass(frozen=True, eq=False)
class Boxes:
    """Data in the plane that is a polynomial on each cell of a grid.

    Parameters
    ----------
    data : PlaneDensity
        What it is.
    axes : (Axis, Axis)
    masses : (cells and terms along x, along y) array
        What the averages of the polynomials over the cells are weighted by; of sum one over the constants.
    """

    data: PlaneDensity
    axes: tuple[Axis, Axis]
    masses: Array

    def merged(self, scale: float) -> tuple[Array, Array, Array] | None:
        """Nodes along both axes with their masses, exact to noise 1/scale; None where that saves nothing."""
        found = [axis.merged(scale) for axis in self.axes]
        if found[0] is None or found[1] is None:
            return None
        (x, first), (y, second) = found[0], found[1]
        return x, y, np.ascontiguousarray(first @ self.masses @ second.T)


def boxes_of(data: PlaneDensity) -> Boxes | None:
    """The cells and polynomials of a density; None where it has none."""
    if isinstance(data, PlaneUniform):
        axes = tuple(Axis(np.array(side), 1) for side in data.support)
        return Boxes(data, (axes[0], axes[1]), np.ones((1, 1)))
    if isinstance(data, PlaneFunction):
        edges_x, edges_y = (np.linspace(*side, 65) for side in data.support)
        x, y = gauss_rule(edges_x)[0], gauss_rule(edges_y)[0]
        values = data.pdf(x[:, None], y).reshape(64, NODES, 64, NODES)
        data = PlanePanels(edges_x, edges_y, np.einsum("pa,manb,qb->mnpq", TO_COEFFICIENTS, values, TO_COEFFICIENTS))
    if isinstance(data, PlaneTabulated):
        coefficients = data.averages[:, :, None, None]
    elif isinstance(data, PlanePanels):
        coefficients = data.coefficients
    else:
        return None
    first, second = Axis(data.edges_x, coefficients.shape[2]), Axis(data.edges_y, coefficients.shape[3])
    areas = np.multiply.outer(np.diff(data.edges_x), np.diff(data.edges_y))
    masses = (coefficients * areas[:, :, None, None]).transpose(0, 2, 1, 3)
    masses = masses.reshape(first.cells * first.terms, second.cells * second.terms)
    return Boxes(data, (first, second), np.ascontiguousarray(masses))


@dataclasses.dataclass(frozen=True, eq=False)
class BlurredBoxes(PlaneDensity):
    """Law of ``scale R y + noise e`` with y from the data, R a rotation and e standard normal.

    Parameters
    ----------
    boxes : Boxes
        The data.
    scale : float
        Not negative.
    rotation : (2, 2) array
        R.
    noise : float
        Standard deviation along every direction, L, positive.
    """

    boxes: Boxes
    scale: float
    rotation: Array
    noise: float

    @functools.cached_property
    def _cells(self) -> tuple[object, ...]:
        first, second = self.boxes.axes
        rule = max((axis.rule(self.scale / self.noise) for axis in self.boxes.axes), key=lambda part: part.shape[1])
        return first.edges, second.edges, self.boxes.masses, first.terms, second.terms, rule, self.scale, self.noise

    @functools.cached_property
    def _merged(self) -> tuple[Array, Array, Array] | None:
        return self.boxes.merged(self.scale / self.noise)

    def state(self, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """Log density, and the means given the points of y and of e, (2, n) arrays."""
        first, second = np.ascontiguousarray(self.rotation.T @ np.stack([x, y]))
        sides = [axis.edges[[0, -1]] for axis in self.boxes.axes]
        # the one of z and y that is the smaller, beside its unit, gives the other without loss
        by_noise = self.scale * max(float(np.abs(side).max()) for side in sides) >= self.noise
        logarithm, found = np.full(first.size, np.nan), np.empty((2, first.size))
        if self._merged is not None:
            numbers = self.scale, self.noise, by_noise
            plane_boxes_merged(first, second, *self._merged, *numbers, logarithm, found[0], found[1])
        kernels: tuple[Callable[..., None], ...] = plane_boxes_cells, plane_boxes_far
        for kernel in kernels:
            left = np.flatnonzero(np.isnan(logarithm))
            if left.size:
                some, own = np.empty(left.size), np.empty((2, left.size))
                kernel(first[left], second[left], *self._cells, by_noise, some, own[0], own[1])
                logarithm[left], found[:, left] = some, own
        place = np.stack([first, second])
        if by_noise:  # z = (scale y - x) / noise
            source, noise = (place + self.noise * found) / self.scale, -found
        else:
            source, noise = found, (place - self.scale * found) / self.noise
        return logarithm - math.log(2.0 * math.pi * self.noise**2), source, self.rotation @ noise

    def log_pdf(self, x: Array, y: Array) -> Array:
        """Logarithm of the density at points, finite however far out."""
        first, second = (np.asarray(part, float).ravel() for part in np.broadcast_arrays(x, y))
        return self.state(first, second)[0].reshape(np.broadcast_shapes(np.shape(x), np.shape(y)))

    def pdf(self, x: Array, y: Array) -> Array:
        return np.exp(self.log_pdf(x, y))

    def cell_masses(self, edges_x: Array, edges_y: Array) -> Array:
        edges = check_edges("edges_x", edges_x), check_edges("edges_y", edges_y)
        if np.allclose(self.rotation, np.eye(2), rtol=0.0, atol=1e-15) or self.scale == 0.0:
            first, second = (
                axis.blurred_masses(e, self.scale, self.noise) for axis, e in zip(self.boxes.axes, edges, strict=True)
            )
            return np.maximum(first @ self.boxes.masses @ second.T, 0.0)
        return self._by_quadrature(*edges)

    def _by_quadrature(self, edges_x: Array, edges_y: Array) -> Array:
        """A Gauss rule on parts of the cells, as wide as the noise where that does not take too many."""
        rules, near = [], []
        for edges, side in zip((edges_x, edges_y), self._interval(_OUTSIDE), strict=True):
            first, last = (int(k) for k in np.searchsorted(edges, side))
            held = edges[max(first - 1, 0) : last + 1]
            if held.size < 2:
                return np.zeros((edges_x.size - 1, edges_y.size - 1))
            near.append(slice(max(first - 1, 0), max(first - 1, 0) + held.size - 1))
            parts = subdivided(held, np.maximum(_PART * self.noise, np.diff(held) / _PARTS))
            half = 0.5 * np.diff(parts)[:, None]
            points = (0.5 * (parts[1:] + parts[:-1])[:, None] + half * _GAUSS).ravel()
            rules.append((points, (half * _WEIGHTS).ravel(), np.searchsorted(points, held[:-1])))
        (x, along_x, starts_x), (y, along_y, starts_y) = rules
        values = self.pdf(x[:, None], y) * along_x[:, None] * along_y
        out = np.zeros((edges_x.size - 1, edges_y.size - 1))
        out[near[0], near[1]] = np.add.reduceat(np.add.reduceat(values, starts_x, axis=0), starts_y, axis=1)
        return out

    def _interval(self, tail: float) -> Box:
        corners = np.stack(np.meshgrid(*self.boxes.data.interval(0.5 * tail), indexing="ij")).reshape(2, -1)
        places, reach = self.scale * self.rotation @ corners, -self.noise * float(ndtri(0.5 * tail))
        first, second = ((float(row.min()) - reach, float(row.max()) + reach) for row in places)
        sides: tuple[Pair, Pair] = first, second
        return sides

    @property
    def mean(self) -> Array:
        return self.scale * self.rotation @ self.boxes.data.mean

    @property
    def covariance(self) -> Array:
        moved = self.scale * self.rotation
        return moved @ self.boxes.data.covariance @ moved.T + self.noise**2 * np.eye(2)

    @property
    def finest(self) -> float:
        return self.noise
