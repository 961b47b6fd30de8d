"""Fields of both processes in the plane on a grid, at one instant."""

from __future__ import annotations

import numpy as np

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.grids import Grid
from fpsolve.planar.comparison import Comparison
from fpsolve.processes.plane.base import FlowingProcess, Nodes, PlaneProcess
from fpsolve.processes.plane.geodesic import PlaneGeodesic
from fpsolve.quadrature import Array

#: part of its mass that the points of a cell may miss before a jump is held responsible
_JUMP = 0.05
#: Gauss points along each axis of a cell, for averages of the estimated density
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(2)


def forward_fields(process: PlaneProcess, t: float, grid: Grid) -> dict[str, Array]:
    """Cell averages of P, and the mean velocity at the centres of the cells."""
    edges = [axis.edges for axis in grid.axes]
    fields = {"density": process.density(t).cell_masses(*edges) / grid.volumes}
    if isinstance(process, FlowingProcess):
        centres = grid.axes[0].centres, grid.axes[1].centres
        faces = {"x": (edges[0], centres[1]), "y": (centres[0], edges[1])}
        fields |= {f"velocity_{name}": part for name, part in zip("xy", _flow(process, t, *centres)[1], strict=True)}
        for axis, name in enumerate("xy"):
            density, velocity = _flow(process, t, *faces[name])
            fields[f"current_{name}"] = density * velocity[axis]
        return fields
    assert isinstance(process, PlaneGeodesic)  # which knows its velocity on its own grid alone
    masses, along_x, along_y = process.eulerian(t)
    return fields | {"density": masses / grid.volumes, "velocity_x": along_x, "velocity_y": along_y}


def _flow(process: FlowingProcess, t: float, x: Array, y: Array) -> tuple[Array, Array]:
    points = np.meshgrid(x, y, indexing="ij")
    flow = process.flow(t, *(part.ravel() for part in points))
    shape = points[0].shape
    return np.exp(flow.log_density).reshape(shape), flow.velocity.reshape(2, *shape)


def estimated_averages(process: PlaneProcess, start: PlaneDensity, t: float, grid: Grid) -> Array:
    """Cell averages of P~ at an instant: at t = tau exact, else of h P at Gauss points in every cell that holds any."""
    edges = [axis.edges for axis in grid.axes]
    if t == process.tau:
        return start.cell_masses(*edges) / grid.volumes
    comparison = Comparison(process, start, grid)
    if not isinstance(process, FlowingProcess):
        nodes = process.nodes(t, grid)
        return comparison.deposited(nodes, nodes.weight * comparison.ratio(t, nodes)[0]) / grid.volumes
    masses = process.density(t).cell_masses(*edges)
    i, j = np.nonzero(masses > 1e-18 * masses.max())
    held, carried = np.zeros(i.size), np.zeros(i.size)
    half = [0.5 * float(axis.widths[0]) for axis in grid.axes]
    for a, wa in zip(_POINTS, _WEIGHTS, strict=True):
        for b, wb in zip(_POINTS, _WEIGHTS, strict=True):
            x, y = grid.axes[0].centres[i] + a * half[0], grid.axes[1].centres[j] + b * half[1]
            flow = process.flow(t, x, y)
            nodes = Nodes(x, y, wa * wb * np.exp(flow.log_density), flow.velocity)
            held += nodes.weight
            carried += nodes.weight * comparison.ratio(t, nodes)[0]
    held, carried = (0.25 * grid.volumes[i, j] * part for part in (held, carried))
    # where the density jumps inside a cell its points miss the mass, which is known: the mean ratio there times that
    jumps = (np.abs(masses[i, j] - held) > _JUMP * masses[i, j]) & (held > 0.0)
    out = np.zeros(grid.shape)
    out[i, j] = np.where(jumps, masses[i, j] * carried / np.where(jumps, held, 1.0), carried)
    return out / grid.volumes
