r"""The flow of least energy through densities in the plane that are known at some times.

The rate :math:`\partial_t P = P\,\partial_t \ln P` comes from the polynomial in time through the logarithms at the
nearest times (of a drifting normal density it is exact), or through the densities where one of them is too small. The
gradient field that carries it solves the weighted Poisson equation :math:`-\nabla\cdot(P\nabla\phi) = \partial_t P`;
with :math:`\psi = \sqrt P \phi` its source is :math:`\sqrt P\,\partial_t \ln P`: nothing is divided by the density.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.transport.least_energy import POINTS, stencils
from fpsolve.transport.schroedinger import Field, conjugate_gradients, ground_state

#: density, relative to its maximum, below which it has no weight
FAINT = 1e-13
#: part of the energy that the last steps of the iteration may still have added
_RTOL = 1e-10
_STEPS = 400


class PlaneRate(NamedTuple):
    """Of one density: grad phi and grad ln P at the centres, phi, ln P (nan without weight), v2², and its bar."""

    velocity: Field
    slope: Field
    potential: Array
    logarithm: Array
    square: float
    left: float


def rates_of(times: Array, densities: Array, floor: float, stride: int = 1, points: int = POINTS) -> Array:
    """Rates d ln P / dt (n, nx, ny) at the centres, such that no mass is made; zero where there is no weight.

    Parameters
    ----------
    times : (n,) array
    densities : (n, nx, ny) array
        Values at the centres.
    floor : float
        Density below which it has no weight.
    stride, points : int
        See :func:`fpsolve.transport.least_energy.stencils`.
    """
    heavy = densities > floor
    logs = np.log(np.where(heavy, densities, floor))
    found = np.zeros_like(densities)
    for i, (chosen, weights) in enumerate(stencils(times, stride, points)):
        smooth = np.tensordot(weights, logs[chosen] - logs[i], 1)
        plain = np.tensordot(weights, densities[chosen] - densities[i], 1)
        everywhere = np.all(heavy[chosen], axis=0)
        own = np.where(heavy[i], densities[i], 1.0)
        rate = np.where(heavy[i], np.where(everywhere, smooth, plain / own), 0.0)
        weight = np.where(heavy[i], densities[i], 0.0)
        found[i] = np.where(heavy[i], rate - np.sum(weight * rate) / np.sum(weight), 0.0)
    return found


def least_energy(density: Array, rate: Array, spacing: tuple[float, float], floor: float) -> PlaneRate:
    """The gradient velocity that moves a density at a given rate.

    Parameters
    ----------
    density : (nx, ny) array
        Values at the centres, 1/L².
    rate : (nx, ny) array
        d ln P / dt there, 1/s, of mean zero under the density.
    spacing : (hx, hy)
        Widths of the cells, L.
    floor : float
        Density below which it has no weight.
    """
    ground = ground_state(density, density > floor, spacing)
    source = ground.cosines.coefficients(np.where(ground.weighted, ground.root * rate, 0.0))
    solution = conjugate_gradients(ground, source, _RTOL, _STEPS)
    ascent, volume = ground.ascent(solution.state), spacing[0] * spacing[1]
    weight = np.where(ground.weighted, ground.root, np.nan)
    # the power that the potential takes up, P phi d ln P / dt, is v2² too; the difference is what is not solved
    square = volume * float(np.vdot(ascent[0], ascent[0]) + np.vdot(ascent[1], ascent[1]))
    power = volume * float(np.vdot(source, solution.state))
    left = abs(square - power) + volume * solution.added if solution.sound else np.inf
    with np.errstate(invalid="ignore", divide="ignore"):
        velocity = (ascent[0] / weight, ascent[1] / weight)
        potential = ground.cosines.values(solution.state) / weight
        logarithm = np.log(np.where(ground.weighted, density, np.nan))
    drift = [np.where(ground.weighted, 2.0 * part, np.nan) for part in ground.drift]
    return PlaneRate(velocity, (drift[0], drift[1]), potential, logarithm, square, left)
