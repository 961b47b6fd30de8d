"""What an instant of a flow dissipates, and the parts of it."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
from numpy.typing import NDArray

from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes.base import cells_of_faces
from fpsolve.fluxes.fourth_order import face_weights
from fpsolve.forces.base import mesh
from fpsolve.grids import Array, Axis, Grid
from fpsolve.kernels.reconstruction import four_cell_weights

NAN = math.nan
#: density, relative to its largest, below which a clean one counts as none; and what noise may raise this to
FLOOR, HIGHEST = 1e-14, 1e-6
#: by how much the floor lies above the most negative value
_ABOVE = 30.0


@dataclasses.dataclass(frozen=True)
class Flow:
    r"""Rates of an instant; nan where something is undefined.

    With the mean velocity nu = M (F - T grad ln P), that of the instantaneous steady state nu_st, and the gradient
    field grad phi that moves P like nu with the least energy, in the norm :math:`\|u\|^2 = \int u \cdot M^{-1} u P`:

    .. math:: T S' = \|\nu\|^2 = \|\nu - \nu_{st}\|^2 + \|\nabla\phi - (\nu - \nu_{st})\|^2 + \|\nu - \nabla\phi\|^2.

    These are excess, coupling and housekeeping: nu - nu_st = -T M grad ln(P / P_st) is a gradient orthogonal to nu_st,
    and grad phi - (nu - nu_st) is the projection of nu_st on the gradients. Of the decompositions in two, that of
    Hatano and Sasa is excess and (coupling + housekeeping), that of Maes and Netocny (excess + coupling) and
    housekeeping.

    Parameters
    ----------
    entropy_production : float
        S', integral of nu . M^-1 nu P / T (36), 1/s.
    dissipation : float
        T S', L²/s²; nan where T depends on the place.
    excess : float
        After Hatano and Sasa, 1/s.
    coupling : float
        The part of the steady velocity that gradients can make, 1/s.
    housekeeping : float
        After Maes and Netocny, 1/s.
    speed : float
        Wasserstein-2 speed v2 (66), L/s: of the gradient field with the least integral of |u|² P that moves P alike.
    mean_speed : float
        The speed v1, L/s: integral of |nu| P, on a ring without the constant current that makes it least; nan in the
        plane.
    fisher_information : float
        Integral of |grad ln P|² P, 1/L².
    why : str
        Why parts are nan.
    """

    entropy_production: float
    dissipation: float
    excess: float
    coupling: float
    housekeeping: float
    speed: float
    mean_speed: float
    fisher_information: float
    why: str = ""


def flow_of(
    problem: FokkerPlanck,
    t: float,
    total: float,
    parts: tuple[float, float, float] | None,
    speeds: tuple[float, float],
    fisher: float,
    why: str = "",
) -> Flow:
    """A flow from the integral of nu . M^-1 nu P and its parts, all of them still to be divided by T.

    Where T depends on the place the first is divided already, and there are no parts.
    """
    nothing = (NAN, NAN, NAN)
    if not problem.uniform_temperature:
        return Flow(total, NAN, *nothing, *speeds, fisher, "the temperature depends on the place")
    temperature = problem.temperature_at(t)
    if temperature <= 0.0:
        return Flow(NAN, total, *nothing, *speeds, fisher, "the temperature is zero")
    excess, coupling, housekeeping = nothing if parts is None else parts
    shares = excess / temperature, coupling / temperature, housekeeping / temperature
    return Flow(total / temperature, total, *shares, *speeds, fisher, why)


def floor_of(density: Array) -> float:
    """The density, relative to the largest, below which there is noise: as far above zero as values lie below it."""
    lowest = -float(np.min(density)) / float(np.max(density))
    return float(np.clip(_ABOVE * lowest, FLOOR, HIGHEST))


@dataclasses.dataclass(frozen=True, eq=False)
class FaceDensity:
    """The density at the faces crossed along an axis.

    Parameters
    ----------
    values : array
        1/L or 1/L², nowhere below the floor.
    heavy : array of bool
        Where the density is above its floor.
    steep : array of bool
        Where it falls by such factors from cell to cell that a polynomial passes far below both: there it falls like
        an exponential, and the current of a wide flux, which sees the same polynomial, is no better.
    falls : array
        ln of the average on the right over that on the left, where steep.
    """

    values: Array
    heavy: NDArray[np.bool_]
    steep: NDArray[np.bool_]
    falls: Array

    @classmethod
    def of(cls, values: Array, left: Array, right: Array, floor: float) -> FaceDensity:
        """From the polynomial's values and the averages over the cells beside the faces."""
        with np.errstate(under="ignore"):
            middle = np.sqrt(np.maximum(left, 0.0)) * np.sqrt(np.maximum(right, 0.0))
        steep = (values < 0.5 * middle) & (middle > floor)
        falls = np.zeros(values.shape)
        falls[steep] = np.log(right[steep] / left[steep])
        values = np.where(steep, middle, values)
        return cls(np.maximum(values, floor), values > floor, steep, falls)

    def velocity(self, flowing: Array, problem: FokkerPlanck, grid: Grid, axis: int, cut: slice, t: float) -> Array:
        """Mean velocity from the current per length of face, zero without weight; ``cut`` says which faces."""
        found = np.where(self.heavy, flowing / self.values, 0.0)
        if not np.any(self.steep):
            return found
        points = mesh(grid, axis, grid.axes[axis].edges[cut])
        pull = problem.force.field(points, t)[axis]
        pull = pull - problem.temperature_at(t, points) * self.falls / _distances(grid, axis, cut)
        return np.where(self.steep, problem.mobility_matrix[axis, axis] * pull, found)

    def slope(self, slopes: Array, grid: Grid, axis: int, cut: slice) -> Array:
        """Slope of the density across the faces from the polynomials' one, zero without weight."""
        with np.errstate(divide="ignore", invalid="ignore"):
            steep = self.values * self.falls / _distances(grid, axis, cut)
        return np.where(self.steep, steep, np.where(self.heavy, slopes, 0.0))


def _distances(grid: Grid, axis: int, cut: slice) -> Array:
    """Distances of the centres beside the faces, to be broadcast to these."""
    left, right = grid.axes[axis].gaps
    found = (left + right)[cut]
    return np.expand_dims(found, 1 - axis) if grid.dimension == 2 else found


def face_slopes(averages: Array, axis: Axis, along: int = 0) -> Array:
    """Slope of the density across the faces crossed along one axis of its averages, at the ends from the inside."""
    shape = [-1 if k == along else 1 for k in range(averages.ndim)]
    cells = cells_of_faces(axis.cells, axis.periodic)
    four = (w.reshape(shape) * averages.take(own, along) for w, own in zip(_slope_weights(axis), cells, strict=True))
    return np.asarray(sum(four))


@functools.lru_cache(maxsize=64)
def _slope_weights(axis: Axis) -> Array:
    """Weights (4, n + 1) of averages in the slope at all edges."""
    weights = face_weights(axis)[1].copy()
    if not axis.periodic:
        unused, at = np.empty((2, 4, 1))
        for face, place in ((0, 0), (axis.cells, axis.cells - 4)):
            four_cell_weights(axis.edges, axis.edges[face : face + 1], np.array([place]), unused, at)
            weights[:, face] = at[:, 0]
    return weights
