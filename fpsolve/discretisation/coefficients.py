"""Drift and diffusion at the faces of a grid, as the fluxes want them."""

from __future__ import annotations

import numpy as np

from fpsolve.equation import FokkerPlanck
from fpsolve.forces.base import Points, face_shape, mesh
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError

#: half the distance of the two Gauss nodes of a face, in units of its length
_GAUSS = 0.5 / np.sqrt(3.0)


def drift_along_links(problem: FokkerPlanck, grid: Grid, t: float) -> Points:
    """Mobility times the mean force between the centres beside every face, L/s."""
    links = problem.force.links(grid, t)
    mobility = problem.mobility_matrix
    return tuple(mobility[axis, axis] * np.asarray(links[axis]) for axis in range(grid.dimension))


def drift_at_faces(problem: FokkerPlanck, grid: Grid, t: float) -> Points:
    """Mobility times the force at the faces of a line, L/s."""
    (field,) = problem.force.field((grid.axis.edges,), t)
    drift = problem.mobility_matrix[0, 0] * field
    return (drift if np.shape(drift) == grid.axis.edges.shape else np.broadcast_to(drift, grid.axis.edges.shape),)


def drift_over_faces(problem: FokkerPlanck, grid: Grid, t: float, axis: int) -> tuple[Array, Array]:
    """Average of the drift over every face crossed along an axis, and its bend.

    The bend is the slope of the drift along the face, times the square of the face's length over 12: together with
    the mean gradient of P it gives the average of the product to fourth order.
    """
    other = grid.axes[1 - axis]
    shape = face_shape(grid, axis)
    sides = []
    for sign in (-1.0, 1.0):
        nodes = other.centres + sign * _GAUSS * other.widths
        points = mesh(grid, axis, grid.axes[axis].edges, nodes)
        field = problem.force.field(points, t)
        drift = sum(problem.mobility_matrix[axis, k] * np.asarray(field[k]) for k in range(2))
        sides.append(np.broadcast_to(drift, shape))
    width = np.expand_dims(other.widths, axis)
    # (slope) h^2 / 12 with slope = difference / (2 _GAUSS h)
    return 0.5 * (sides[0] + sides[1]), (sides[1] - sides[0]) * width / (24.0 * _GAUSS)


def diffusion_at_faces(problem: FokkerPlanck, grid: Grid, t: float, axis: int) -> Array | float:
    """Mobility times temperature at the faces crossed along an axis, L²/s."""
    mobility = problem.mobility_matrix[axis, axis]
    if problem.uniform_temperature:
        return float(mobility * problem.temperature_at(t))
    values = problem.temperature_at(t, mesh(grid, axis, grid.axes[axis].edges))
    return mobility * np.broadcast_to(values, face_shape(grid, axis))


def check_diagonal(problem: FokkerPlanck, kind: str) -> None:
    """Two-point fluxes know nothing of cross diffusion.

    Raises
    ------
    InputError
        A mobility with off-diagonal elements.
    """
    matrix = problem.mobility_matrix
    if np.any(matrix != np.diag(np.diag(matrix))):
        raise InputError("mobility", f"given {matrix.tolist()}; {kind} takes a diagonal one, use the flux fourth-order")
