r"""The weighted Poisson equation on a rectangle, and the negative Sobolev norm that it gives.

.. math:: -\nabla\cdot(\rho \nabla u) = f, \qquad \|f\|_{H^{-1}(\rho)}^2 = \int f u = \int \rho |\nabla u|^2.

It tells the least power that moves mass at the rate f (Benamou and Brenier) and, to second order in the distance, the
Wasserstein distance of two densities that differ by f.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
from scipy.fft import dctn, idctn

from fpsolve.kernels import weighted_laplacian
from fpsolve.quadrature import Array
from fpsolve.transport.plane.levels import Laplacian


def inner(first: Array, second: Array) -> float:
    """Sum of products of two arrays of one shape, the same for every number of threads."""
    return float(weighted_laplacian.dot(first.ravel(), second.ravel()))


@dataclasses.dataclass(frozen=True, eq=False)
class WeightedPoisson:
    r"""Finite-volume operator :math:`-\nabla\cdot(\rho\nabla u)` with reflecting walls, on equal cells.

    Parameters
    ----------
    laplacian : Laplacian
        Shape and widths of the cells; its inverse, between factors :math:`\rho^{-1/2}`, preconditions.
    density : (nx, ny) array
        Masses of the cells (density times area), non-negative.
    floor : float
        What is added everywhere, relative to the largest mass, so that empty cells conduct a little.
    """

    laplacian: Laplacian
    density: Array
    floor: float = 1e-3

    @functools.cached_property
    def _weight(self) -> Array:
        return self.density + self.floor * float(self.density.max())

    @functools.cached_property
    def _scale(self) -> Array:
        weight = self._weight
        return np.sqrt(weight.max() / weight)

    @functools.cached_property
    def _inverse_symbol(self) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return (1.0 / (self.laplacian.symbol * self._weight.max())).astype(np.float32)

    def apply(self, values: Array) -> Array:
        """Minus the divergence of density times gradient, summed over each cell; mass per unit of values x length²."""
        out = np.empty_like(values)
        hx, hy = self.laplacian.spacing
        weighted_laplacian.weighted_laplacian(self._weight, values, hx**-2, hy**-2, out)
        return out

    def _precondition(self, residual: Array) -> Array:
        """An approximate solve; in single precision, for only its direction matters."""
        out = np.zeros_like(residual)
        size = float(np.max(np.abs(residual)))
        if size > 0.0:
            scale, single = self._scale, np.empty(residual.shape, np.float32)
            weighted_laplacian.narrowed(residual.ravel(), scale.ravel(), 1.0 / size, single.ravel())
            single = dctn(single, norm="ortho", overwrite_x=True)
            single *= self._inverse_symbol
            single = idctn(single, norm="ortho", overwrite_x=True)
            weighted_laplacian.widened(single.ravel(), scale.ravel(), size, out.ravel())
        return out

    def solve(self, source: Array, rtol: float = 1e-10, iterations: int = 200) -> tuple[Array, float]:
        """Conjugate gradients.

        Parameters
        ----------
        source : (nx, ny) array
            f summed over each cell, of total zero.
        rtol : float
            Aim for the residual, relative to the source, both in the preconditioner's norm.
        iterations : int
            At most so many steps.

        Returns
        -------
        u : (nx, ny) array
            The solution; its mean is arbitrary.
        residual : float
            The relative residual reached, in the preconditioner's norm.
        """
        u, residual = np.zeros_like(source), source - source.mean()
        direction = self._precondition(residual)
        size = start = inner(residual, direction)
        for _ in range(iterations):
            if not size > rtol * rtol * start:
                break
            image = self.apply(direction)
            step = size / inner(direction, image)
            weighted_laplacian.advance(step, direction.ravel(), u.ravel(), image.ravel(), residual.ravel())
            fresh = self._precondition(residual)
            size, before = inner(residual, fresh), size
            weighted_laplacian.conjugate(size / before, fresh.ravel(), direction.ravel())
        return u, math.sqrt(max(size, 0.0) / start) if start > 0.0 else 0.0
