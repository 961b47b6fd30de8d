"""Piecewise polynomial densities: the common form of everything that is not a Gaussian mixture."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from fpsolve.kernels.convolution import legendre_points, panel_tails
from fpsolve.quadrature import Array

DEGREE = 15
#: relative accuracy granted to a density that panels represent, and to everything made of it
PANEL_PRECISION = 4e-12
GAUSS_NODES, GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(DEGREE + 1)
_VANDERMONDE = np.polynomial.legendre.legvander(GAUSS_NODES, DEGREE)
#: values at the Gauss nodes -> Legendre coefficients (exact for polynomials up to DEGREE)
_TO_COEFFICIENTS = (_VANDERMONDE * GAUSS_WEIGHTS[:, None]).T * (np.arange(DEGREE + 1) + 0.5)[:, None]


def legendre_coefficients(values: Array) -> Array:
    """Coefficients (n, 16) of the polynomials through values at the Gauss nodes of n panels."""
    return np.ascontiguousarray(values @ _TO_COEFFICIENTS.T)


@dataclasses.dataclass(frozen=True)
class Panels:
    """Legendre coefficients of a density on panels, and the mass beyond each edge on either side.

    Parameters
    ----------
    edges : (n + 1,) array
        Increasing panel edges.
    coefficients : (n, d + 1) array
        Legendre coefficients on each panel, in the panel's own variable on [-1, 1].
    """

    edges: Array
    coefficients: Array

    def __post_init__(self) -> None:
        masses = self.coefficients[:, 0] * np.diff(self.edges)
        object.__setattr__(self, "left", np.concatenate([[0.0], np.cumsum(masses)]))
        object.__setattr__(self, "right", np.concatenate([np.cumsum(masses[::-1])[::-1], [0.0]]))

    left: Array = dataclasses.field(init=False, repr=False)
    right: Array = dataclasses.field(init=False, repr=False)

    @property
    def mass(self) -> float:
        """Total mass."""
        return float(self.left[-1])

    def scaled(self, factor: float) -> Panels:
        """The same panels with the density multiplied by ``factor``."""
        return Panels(self.edges, self.coefficients * factor)

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        """Density and both tail probabilities at points of any shape."""
        flat = np.ascontiguousarray(x, float).ravel()
        pdf, cdf, sf = np.empty(flat.size), np.empty(flat.size), np.empty(flat.size)
        legendre_points(flat, self.edges, self.coefficients, pdf)
        args = (self.edges, self.coefficients, self.left, self.right, GAUSS_NODES, GAUSS_WEIGHTS)
        panel_tails(flat, *args, cdf, sf)
        # where the density vanishes the polynomials may dip below zero by rounding
        first, second, third = (np.maximum(row, 0.0).reshape(np.shape(x)) for row in (pdf, cdf, sf))
        return first, second, third

    def derivative(self, x: Array) -> Array:
        """Derivative of the density at points."""
        slope = np.polynomial.legendre.legder(self.coefficients, axis=1)
        slope = slope * (2.0 / np.diff(self.edges))[:, None]
        flat = np.ascontiguousarray(x, float).ravel()
        out = np.empty(flat.size)
        legendre_points(flat, self.edges, np.ascontiguousarray(slope), out)
        return out.reshape(np.shape(x))

    def moment(self, power: int) -> float:
        """Integral of x^power times the density."""
        half = 0.5 * np.diff(self.edges)[:, None]
        x = 0.5 * (self.edges[1:] + self.edges[:-1])[:, None] + half * GAUSS_NODES
        values = np.polynomial.legendre.legval(GAUSS_NODES, self.coefficients.T)
        return float(np.sum(x**power * values * half * GAUSS_WEIGHTS))


def fit_panels(function: Callable[[Array], Array], edges: Array, tolerance: float = 1e-13) -> Panels:
    """Represent a density by panels of degree 15, halved until the last coefficients are round-off.

    Parameters
    ----------
    function : callable
        Density at points, vectorised.
    edges : (n + 1,) array
        First edges; discontinuities must be among them.
    tolerance : float
        Size of the last coefficients relative to the panel's largest.

    Notes
    -----
    A panel is accepted as it stands after 160 halvings, or when it holds less than 1e-50 of the mass: an integrable
    singularity is then resolved to that.
    """
    lower, upper = edges[:-1], edges[1:]
    done_edges: list[Array] = []
    done: list[Array] = []
    total = 0.0
    for depth in range(161):
        half = 0.5 * (upper - lower)[:, None]
        values = np.asarray(function(0.5 * (upper + lower)[:, None] + half * GAUSS_NODES), float)
        coefficients = legendre_coefficients(values)
        size = np.max(np.abs(coefficients), axis=1)
        mass = size * (upper - lower)
        total = max(total, float(np.sum(mass)))
        # far tails hold nothing: their relative accuracy may fade with their mass, to a millionth at the least
        with np.errstate(divide="ignore"):
            fading = np.clip(np.sqrt(1e-12 * total / mass), 1.0, 1e-6 / tolerance)
        good = np.max(np.abs(coefficients[:, -3:]), axis=1) <= tolerance * fading * size
        good |= (mass < 1e-50 * total) | (depth == 160)
        done_edges.append(lower[good])
        done.append(coefficients[good])
        middle = 0.5 * (lower + upper)[~good]
        lower, upper = np.concatenate([lower[~good], middle]), np.concatenate([middle, upper[~good]])
        if lower.size == 0:
            break
    starts = np.concatenate(done_edges)
    order = np.argsort(starts)
    return Panels(np.append(starts[order], edges[-1]), np.ascontiguousarray(np.concatenate(done)[order]))
