"""Densities in the plane by polynomials on panels, and the quadrature that goes with them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.polynomial.legendre import leggauss, legvander
from numpy.typing import NDArray

from fpsolve.densities.panelled import MASS_TOLERANCE
from fpsolve.densities.plane.base import Box, PlaneDensity, check_edges, read_only
from fpsolve.densities.plane.tabulated import located, overlaps
from fpsolve.quadrature import Array
from fpsolve.settings import InputError

#: nodes of the Gauss rule along each axis of a panel
NODES = 6
_GAUSS, _WEIGHTS = leggauss(NODES)
#: values at the nodes -> Legendre coefficients
TO_COEFFICIENTS = (legvander(_GAUSS, NODES - 1) * _WEIGHTS[:, None]).T * (np.arange(NODES) + 0.5)[:, None]


@dataclasses.dataclass(frozen=True, eq=False)
class PlanePanels(PlaneDensity):
    """Density given by Legendre coefficients on the panels of a grid: what a recipe keeps of a Python function.

    Parameters
    ----------
    edges_x, edges_y : (m + 1,) and (n + 1,) arrays
        Increasing edges of the panels, units of x and y.
    coefficients : (m, n, p, q) array
        Coefficient of the Legendre polynomials of degree (p, q) in each panel's own variables on [-1, 1].

    Raises
    ------
    InputError
        Wrong shapes, values that are not finite, or a mass that differs from one by more than 1e-6.
    """

    kind: ClassVar[str] = "panels"
    edges_x: Array
    edges_y: Array
    coefficients: Array

    def __post_init__(self) -> None:
        edges = check_edges("edges_x", self.edges_x), check_edges("edges_y", self.edges_y)
        coefficients = np.asarray(self.coefficients, float)
        panels = (edges[0].size - 1, edges[1].size - 1)
        if coefficients.ndim != 4 or coefficients.shape[:2] != panels or coefficients.size == 0:
            given = f"given shape {coefficients.shape}"
            raise InputError("coefficients", f"{given}; expected ({panels[0]}, {panels[1]}, degree + 1, degree + 1)")
        if not np.all(np.isfinite(coefficients)):
            raise InputError("coefficients", "some are not finite; expected finite numbers")
        for name, value in zip(("edges_x", "edges_y", "coefficients"), (*edges, coefficients), strict=True):
            object.__setattr__(self, name, read_only(value))
        check_mass("coefficients", self._moments[0], self.support)

    @functools.cached_property
    def _moments(self) -> tuple[float, Array, Array]:
        axes = [gauss_rule(edges) for edges in (self.edges_x, self.edges_y)]
        return moments(self.pdf, *axes)

    def pdf(self, x: Any, y: Any) -> Array:
        i, inside_x, basis_x = _basis(self.edges_x, x, self.coefficients.shape[2])
        j, inside_y, basis_y = _basis(self.edges_y, y, self.coefficients.shape[3])
        values = np.einsum("...p,...pq,...q->...", basis_x, self.coefficients[i, j], basis_y)
        return np.where(inside_x & inside_y, np.maximum(values, 0.0), 0.0)

    def cell_masses(self, edges_x: Array, edges_y: Array) -> Array:
        first, second = (
            _integrals(check_edges(name, edges), own, degree)
            for name, edges, own, degree in (
                ("edges_x", edges_x, self.edges_x, self.coefficients.shape[2]),
                ("edges_y", edges_y, self.edges_y, self.coefficients.shape[3]),
            )
        )
        matrix = self.coefficients.transpose(0, 2, 1, 3).reshape(first.shape[1], second.shape[1])
        return np.maximum(first @ matrix @ second.T, 0.0)

    def _interval(self, tail: float) -> Box:
        return self.support

    @property
    def mean(self) -> Array:
        return self._moments[1].copy()

    @property
    def covariance(self) -> Array:
        return self._moments[2].copy()

    @property
    def support(self) -> Box:
        first, second = ((float(edges[0]), float(edges[-1])) for edges in (self.edges_x, self.edges_y))
        return first, second


def moments(density: Callable[[Array, Array], Array], first: Any, second: Any) -> tuple[float, Array, Array]:
    """Mass, mean and covariance of a density by a rule (nodes, weights) along each axis."""
    (x, weights_x), (y, weights_y) = first, second
    values = weights_x[:, None] * density(*np.meshgrid(x, y, indexing="ij")) * weights_y
    mass = float(np.sum(values))
    if not mass > 0.0:
        return 0.0, np.zeros(2), np.zeros((2, 2))
    values = values / mass
    mean = np.array([np.sum(values, axis=1) @ x, np.sum(values, axis=0) @ y])
    u, v = x - mean[0], y - mean[1]
    mixed = float(u @ values @ v)
    variances = np.sum(values, axis=1) @ u**2, np.sum(values, axis=0) @ v**2
    return mass, mean, np.array([[variances[0], mixed], [mixed, variances[1]]])


def check_mass(key: str, mass: float, box: Box) -> None:
    """Refuse a density whose mass on its box is not one."""
    if not abs(mass - 1.0) <= MASS_TOLERANCE:
        corners = " x ".join(f"[{low:g}, {high:g}]" for low, high in box)
        raise InputError(
            key,
            f"its mass on {corners} is {mass:.9g}, off by {mass - 1.0:.3g}; it must be 1 (divide by it, or give a box "
            "that holds all of it and is not far wider than its structure)",
        )


def gauss_rule(edges: Array) -> tuple[Array, Array]:
    """Nodes and weights of the Gauss rule on every panel between ``edges``, one after the other."""
    half = 0.5 * np.diff(edges)[:, None]
    nodes = 0.5 * (edges[1:] + edges[:-1])[:, None] + half * _GAUSS
    return nodes.ravel(), (half * _WEIGHTS).ravel()


def _basis(edges: Array, points: Any, terms: int) -> tuple[NDArray[np.intp], NDArray[np.bool_], Array]:
    """Panel of each point, whether it lies in one, and the Legendre polynomials of that panel there."""
    index, inside = located(edges, points)
    unit = (2.0 * np.asarray(points, float) - (edges[1:] + edges[:-1])[index]) / np.diff(edges)[index]
    basis = np.asarray(legvander(np.clip(unit, -1.0, 1.0), terms - 1), np.float64)
    return index, inside, basis.reshape(*np.shape(points), terms)


def _integrals(edges: Array, own: Array, terms: int) -> Array:
    """Integrals over the cells between ``edges`` of the Legendre polynomials of each panel between ``own``.

    A Gauss rule on the part that cell and panel share is exact for polynomials.
    """
    nodes, weights = leggauss(terms // 2 + 1)
    shared = overlaps(edges, own)
    start = np.maximum(edges[:-1, None], own[None, :-1])
    points = start[..., None] + 0.5 * shared[..., None] * (1.0 + nodes)
    unit = (2.0 * points - (own[1:] + own[:-1])[:, None]) / np.diff(own)[:, None]
    means = 0.5 * np.einsum("nmgp,g->nmp", legvander(np.clip(unit, -1.0, 1.0), terms - 1), weights)
    return (shared[..., None] * means).reshape(shared.shape[0], -1)
