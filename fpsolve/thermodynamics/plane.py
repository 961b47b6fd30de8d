"""Dissipation in the plane and its parts, from a density and a velocity at the centres of a grid.

The velocity is the mean local velocity of the Fokker-Planck equation, v = f - T grad ln p, so that p v is the current.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from fpsolve.estimates import Estimate
from fpsolve.grids import Grid
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, number
from fpsolve.transport.schroedinger import Field
from fpsolve.transport.spectral import VelocitySplit, mean_square, split_velocity


@dataclasses.dataclass(frozen=True)
class EntropyProduction:
    """Rate of entropy production and its parts, 1/time.

    Parameters
    ----------
    total : Estimate
        Integral of p |v|² / T (36).
    excess : Estimate
        The part that moves the density: v₂² / T, the least that any force could produce with this evolution (67).
    housekeeping : Estimate
        The rest, zero for a conservative force.
    """

    total: Estimate
    excess: Estimate
    housekeeping: Estimate


@dataclasses.dataclass(frozen=True)
class Coupled:
    """Dissipation T S' in three orthogonal parts, length²/time².

    Parameters
    ----------
    total : Estimate
        Integral of p |v|² (36).
    excess : Estimate
        Integral of p |v - v_st|², after Hatano and Sasa: with v_st the velocity of the instantaneous steady state.
    coupling : Estimate
        Integral of p |v - v_st - grad phi|², with grad phi the gradient field that moves the density.
    housekeeping : Estimate
        Integral of p |v - grad phi|², after Maes and Netocny; with the coupling it makes that of Hatano and Sasa.
    """

    total: Estimate
    excess: Estimate
    coupling: Estimate
    housekeeping: Estimate


def dissipation(grid: Grid, density: Array, velocity: Field) -> Estimate:
    """T S' = integral of p |v|² (36), length²/time²; arguments as for :func:`entropy_production`."""
    return mean_square(grid, density, velocity)


def entropy_production(grid: Grid, density: Array, velocity: Field, temperature: float) -> EntropyProduction:
    """Entropy production (36) as the sum of excess and housekeeping (67).

    Parameters
    ----------
    grid, density, velocity
        As for :func:`fpsolve.transport.spectral.split_velocity`.
    temperature : float
        The same everywhere, length²/time.

    Raises
    ------
    InputError
        As there, and a temperature that is not positive.
    """
    split = split_velocity(grid, density, velocity)
    scale = 1.0 / number("temperature", temperature, above=0.0)
    parts = (split.total, split.excess, split.housekeeping)
    return EntropyProduction(*(part.scaled(scale, unit="1/s") for part in parts))


def transport_speed(split: VelocitySplit) -> Estimate:
    """Wasserstein-2 speed v₂ (66), length/time: the root of the excess part."""
    value, error = split.excess.value, split.excess.error
    speed = math.sqrt(max(value, 0.0))
    # the distance to the farther end of the interval, which lies below where the root is steep
    low, high = math.sqrt(max(value - error, 0.0)), math.sqrt(max(value + error, 0.0))
    return Estimate(speed, max(speed - low, high - speed), "L/s")


def observable_speed(grid: Grid, density: Array, velocity: Field, gradient: Field) -> float:
    """Speed v_r = |E[grad r . v]| / sqrt(E[|grad r|²]) of an observable r (73), length/time; at most v₂ (74).

    Parameters
    ----------
    grid, density, velocity
        As for :func:`fpsolve.transport.spectral.split_velocity`.
    gradient : (gx, gy), each of shape (nx, ny)
        Gradient of the observable at the centres; that of the split makes v_r equal to v₂ (75).

    Raises
    ------
    InputError
        Arrays that do not fit the grid, and an observable that is constant where the density is.
    """
    density = np.asarray(density, float)
    for key, field in (("velocity", velocity), ("gradient", gradient)):
        if [np.shape(component) for component in field] != [grid.shape, grid.shape]:
            raise InputError(key, f"expected a pair of arrays of the grid's shape, {grid.shape}")
    mean = float(np.sum(_weighted(density, gradient[0], velocity[0]) + _weighted(density, gradient[1], velocity[1])))
    square = float(np.sum(_weighted(density, gradient[0], gradient[0]) + _weighted(density, gradient[1], gradient[1])))
    if not square > 0.0:
        raise InputError("gradient", "it vanishes where the density does not; the observable must vary there")
    return abs(mean) / math.sqrt(square * float(np.sum(density)))


def three_parts(grid: Grid, density: Array, velocity: Field, steady: Field) -> Coupled:
    """Split the dissipation into excess (Hatano-Sasa), coupling, and housekeeping (Maes-Netocny).

    The steady velocity differs from v by a gradient, and moves its own density nowhere: both housekeeping parts and
    both excess parts then differ by the coupling, which vanishes for a conservative force and in the steady state.

    Parameters
    ----------
    grid, density, velocity
        As for :func:`fpsolve.transport.spectral.split_velocity`.
    steady : (ux, uy), each of shape (nx, ny)
        Velocity f - T grad ln p_st of the steady state of the force at this instant, length/time.

    Raises
    ------
    InputError
        As there.
    """
    split = split_velocity(grid, density, velocity)
    change = (velocity[0] - steady[0], velocity[1] - steady[1])
    excess = mean_square(grid, density, change)
    rest = (change[0] - split.gradient[0], change[1] - split.gradient[1])
    coupling = mean_square(grid, density, rest)
    error = coupling.error + split.excess.error + excess.error
    return Coupled(split.total, excess, dataclasses.replace(coupling, error=error), split.housekeeping)


def _weighted(density: Array, first: Array, second: Array) -> Array:
    """The product p a b, zero where the density is, whatever the factors are there."""
    heavy = density > 0.0
    return np.where(heavy, density * np.where(heavy, first, 0.0) * np.where(heavy, second, 0.0), 0.0)
