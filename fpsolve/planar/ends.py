"""The distance between the two ends of a process in the plane."""

from __future__ import annotations

from fpsolve.densities import PlaneGaussian
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.grids import Grid
from fpsolve.planar.logarithms import smooth
from fpsolve.processes.plane.base import PlaneProcess
from fpsolve.processes.plane.geodesic import PlaneGeodesic
from fpsolve.transport.gaussian import bures
from fpsolve.transport.plane.quadratic import quadratic_transport


def distance_of_ends(process: PlaneProcess, grid: Grid) -> Estimate:
    """W₂(P_0, P_tau): exact between two Gaussians (59), else by transport on the grid."""
    if isinstance(process, PlaneGeodesic):
        return process.plan.distance.scaled(1.0, "1")
    initial, final = process.initial, process.final
    pair = [smooth(density) for density in (initial, final)]
    if all(each is not None and each.weights.size == 1 for each in pair) and isinstance(initial, PlaneGaussian):
        value = bures(initial.mean, initial.covariance, final.mean, final.covariance)
        return Estimate(value, 1e3 * ROUNDING * value)
    edges = [axis.edges for axis in grid.axes]
    return quadratic_transport(grid, initial.cell_masses(*edges), final.cell_masses(*edges)).distance.scaled(1.0, "1")
