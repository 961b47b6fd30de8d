"""A density in the plane as many Gaussians at once, evaluated by compiled sums."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from fpsolve.densities import PlaneDensity, PlaneGaussian, PlaneMixture
from fpsolve.densities.gaussian import GaussianMixture
from fpsolve.densities.plane.base import Box, check_edges
from fpsolve.densities.plane.normal import normal_masses
from fpsolve.densities.plane.swiss_roll import SwissRoll
from fpsolve.kernels.plane_mixture import plane_mixture_log_density
from fpsolve.kernels.plane_posterior import plane_posterior
from fpsolve.quadrature import Array

#: part of the variances below which a covariance is rounding
_ROUND = 1e-15
#: Gauss rule along each axis of a cell, for components that no axis separates
_GAUSS, _WEIGHTS = np.polynomial.legendre.leggauss(4)


@dataclasses.dataclass(frozen=True, eq=False)
class Superposition(PlaneDensity):
    """Weighted sum of Gaussians.

    Parameters
    ----------
    weights : (k,) array
        Positive, of sum one.
    means : (k, 2) array
        Means, L.
    covariances : (k, 2, 2) array
        Covariances, L²; zero for points.
    """

    weights: Array
    means: Array
    covariances: Array

    @functools.cached_property
    def precision(self) -> Array:
        """Inverse covariances as rows xx, xy, yy."""
        c = self.covariances
        determinant = c[:, 0, 0] * c[:, 1, 1] - c[:, 0, 1] * c[:, 1, 0]
        return np.ascontiguousarray(np.stack([c[:, 1, 1], -c[:, 0, 1], c[:, 0, 0]]) / determinant)

    @functools.cached_property
    def height(self) -> Array:
        """Logarithm of each component at its mean."""
        c = self.covariances
        determinant = c[:, 0, 0] * c[:, 1, 1] - c[:, 0, 1] * c[:, 1, 0]
        return np.log(self.weights) - math.log(2.0 * math.pi) - 0.5 * np.log(determinant)

    @functools.cached_property
    def place(self) -> Array:
        """Means as rows x, y."""
        return np.ascontiguousarray(self.means.T)

    @property
    def finest(self) -> float:
        """Smallest standard deviation of a component in any direction, L."""
        return float(np.sqrt(np.linalg.eigvalsh(self.covariances)[:, 0].min()))

    @functools.cached_property
    def alike(self) -> bool:
        """Whether all components have one covariance."""
        first = self.covariances[0]
        return bool(np.all(np.abs(self.covariances - first) <= 4.0 * _ROUND * np.trace(first)))

    @functools.cached_property
    def _round(self) -> tuple[Array, Array, Array]:
        """What makes the components round, of weight 2 to the power height - distance²; heights, and means so moved."""
        inverse = np.linalg.inv(self.covariances[0])
        whiten = np.linalg.cholesky(0.5 / math.log(2.0) * inverse).T
        place: Array = np.ascontiguousarray(whiten @ self.place)
        return np.asarray(whiten), self.height / math.log(2.0), place

    def posterior_mean(self, x: Array, y: Array, origins: Array) -> tuple[Array, Array]:
        """Log density, and the mean of what each component stands for, given the point; components must be alike.

        Parameters
        ----------
        x, y : (n,) arrays
        origins : (2, k) array
            What each component stands for.

        Returns
        -------
        log_density : (n,) array
        mean : (2, n) array
        """
        whiten, height, place = self._round
        points = whiten @ np.stack([x, y])
        log_density, mean = np.empty(x.size), np.empty((2, x.size))
        plane_posterior(points[0], points[1], height, place, np.ascontiguousarray(origins), log_density, mean)
        return log_density, mean

    def log_pdf(self, x: Array, y: Array) -> Array:
        """Logarithm of the density at points, finite however far out."""
        first, second = (np.ascontiguousarray(part, float).ravel() for part in np.broadcast_arrays(x, y))
        if self.alike:
            out, _ = self.posterior_mean(first, second, self.place)
        else:
            out = np.empty(first.size)
            plane_mixture_log_density(first, second, self.height, self.place, self.precision, out)
        return out.reshape(np.broadcast_shapes(np.shape(x), np.shape(y)))

    def pdf(self, x: Array, y: Array) -> Array:
        return np.exp(self.log_pdf(x, y))

    def cell_masses(self, edges_x: Array, edges_y: Array) -> Array:
        edges_x, edges_y = check_edges("edges_x", edges_x), check_edges("edges_y", edges_y)
        if np.all(np.abs(self.covariances[:, 0, 1]) <= _ROUND * self.covariances[:, [0, 1], [0, 1]].min(axis=1)):
            stds = np.sqrt(self.covariances[:, [0, 1], [0, 1]])
            first = self.weights[:, None] * normal_masses(edges_x, self.means[:, 0], stds[:, 0])
            return first.T @ normal_masses(edges_y, self.means[:, 1], stds[:, 1])
        if self.weights.size <= 4:
            parts = (PlaneGaussian(m, covariance=c) for m, c in zip(self.means, self.covariances, strict=True))
            masses = (w * part.cell_masses(edges_x, edges_y) for w, part in zip(self.weights, parts, strict=True))
            return np.asarray(sum(masses))
        return self._by_quadrature(edges_x, edges_y)

    def _by_quadrature(self, edges_x: Array, edges_y: Array) -> Array:
        parts = [max(math.ceil(float(np.diff(e).max()) / (2.0 * self.finest)), 1) for e in (edges_x, edges_y)]
        if max(parts) > 1:
            finer = [_parted(e, n) for e, n in zip((edges_x, edges_y), parts, strict=True)]
            shape = edges_x.size - 1, parts[0], edges_y.size - 1, parts[1]
            return np.asarray(self._by_quadrature(*finer).reshape(shape).sum(axis=(1, 3)))
        out = np.zeros((edges_x.size - 1, edges_y.size - 1))
        half_x, half_y = 0.5 * np.diff(edges_x), 0.5 * np.diff(edges_y)
        x, y = edges_x[:-1] + half_x, edges_y[:-1] + half_y
        for a, wa in zip(_GAUSS, _WEIGHTS, strict=True):
            for b, wb in zip(_GAUSS, _WEIGHTS, strict=True):
                out += wa * wb * self.pdf((x + a * half_x)[:, None], y + b * half_y)
        return out * half_x[:, None] * half_y

    def _interval(self, tail: float) -> Box:
        stds = np.sqrt(self.covariances[:, [0, 1], [0, 1]])
        weights = tuple(self.weights)
        first, second = (
            GaussianMixture(tuple(self.means[:, i]), tuple(stds[:, i]), weights).interval(tail) for i in (0, 1)
        )
        return first, second

    @property
    def mean(self) -> Array:
        return self.weights @ self.means

    @property
    def covariance(self) -> Array:
        apart = self.means - self.mean
        return np.einsum("k,kij->ij", self.weights, self.covariances + apart[:, :, None] * apart[:, None, :])


def _parted(edges: Array, parts: int) -> Array:
    """Edges of cells cut into equal parts."""
    inner = edges[:-1, None] + np.diff(edges)[:, None] * np.arange(parts) / parts
    return np.append(inner.ravel(), edges[-1])


def components(density: PlaneDensity, std: float = 0.0) -> Superposition | None:
    """The Gaussians that a density is made of; None where it is none.

    Parameters
    ----------
    density : PlaneDensity
    std : float
        Standard deviation of the noise that will be put around every point, L: a curve needs the fewer points for it.
    """
    if isinstance(density, Superposition):
        return density
    if isinstance(density, PlaneGaussian):
        return Superposition(np.ones(1), np.array([density.mean]), np.array([density.covariance]))
    if isinstance(density, PlaneMixture):
        parts = density.components
        weights = np.array([weight for weight, _ in parts])
        means, covariances = (np.array([getattr(part, n) for _, part in parts]) for n in ("mean", "covariance"))
        return Superposition(weights, means, covariances)
    if isinstance(density, SwissRoll):
        weights, points = density.mixture(math.hypot(std, density.blur))
        own = np.broadcast_to(density.blur**2 * np.eye(2), (weights.size, 2, 2))
        return Superposition(weights, points, own)
    return None
