"""Speeds in the plane that take a Poisson problem or a transport problem each."""

from __future__ import annotations

import math

import numpy as np

from fpsolve.estimates import Estimate
from fpsolve.grids import Grid
from fpsolve.processes.plane.base import FlowingProcess, PlaneProcess
from fpsolve.quadrature import Array
from fpsolve.transport.plane.beckmann import beckmann
from fpsolve.transport.spectral import VelocitySplit, split_velocity

#: step in time, relative to tau, of the difference quotient of cell masses
_STEP = 1e-3
#: cells per smallest width that the spectral split asks for, and the most along an axis
_PER_STD, _MOST_CELLS = 2.0, 640


def split_of(process: FlowingProcess, t: float, grid: Grid, swirl: bool = False) -> VelocitySplit:
    """The velocity, or its swirl alone, split into a gradient and what moves no mass."""
    grid = _fine_enough(grid, process.resolved(t).finest)
    x, y = np.meshgrid(grid.axes[0].centres, grid.axes[1].centres, indexing="ij")
    flow = process.flow(t, x.ravel(), y.ravel())
    velocity = process.swirl(t, x.ravel(), y.ravel()) if swirl else flow.velocity
    assert velocity is not None
    density = np.exp(flow.log_density).reshape(grid.shape)
    return split_velocity(grid, density, (velocity[0].reshape(grid.shape), velocity[1].reshape(grid.shape)))


def _fine_enough(grid: Grid, finest: float | None) -> Grid:
    """The grid, or a finer one over the same rectangle where the density asks for it."""
    if not finest:
        return grid
    ends = [(float(axis.edges[0]), float(axis.edges[-1])) for axis in grid.axes]
    asked = [math.ceil(_PER_STD * (high - low) / finest) for low, high in ends]
    cells = [max(axis.cells, min(n, _MOST_CELLS)) for axis, n in zip(grid.axes, asked, strict=True)]
    if cells == list(grid.shape):
        return grid
    return Grid.plane([low for low, _ in ends], [high for _, high in ends], cells)


def swirl_cost(process: PlaneProcess, t: float, grid: Grid) -> Estimate:
    """What the part of the velocity that is no gradient dissipates without moving mass, L²/s²."""
    assert isinstance(process, FlowingProcess)
    return split_of(process, t, grid, swirl=True).housekeeping


def measured_speed(process: PlaneProcess, t: float, grid: Grid) -> dict[str, Estimate]:
    """Speeds at an instant by the weighted Poisson problem and by Beckmann's.

    Returns
    -------
    dict of Estimate
        ``v2_squared``: the excess part of the dissipation; ``projection``: ∂_t E[φ] of the optimal observable (75);
        ``dissipation``: the whole; ``v1``: the speed in W₁. Empty where the velocity is not known at every point.
    """
    if not isinstance(process, FlowingProcess):
        return {}
    split = split_of(process, t, grid)
    rate = _mass_rate(process, t, grid)
    return {
        "v2_squared": split.excess,
        "projection": split.excess + Estimate(split.orthogonality, abs(split.orthogonality)),
        "spread": split.excess,
        "dissipation": split.total,
        "v1": beckmann(grid, rate, tolerance=1e-3).distance,
    }


def _mass_rate(process: PlaneProcess, t: float, grid: Grid) -> Array:
    """Rate of change of the cell masses, by a fourth-order difference."""
    edges = [axis.edges for axis in grid.axes]
    step = _STEP * min(t, process.tau - t)
    near, far = (
        process.density(t + k * step).cell_masses(*edges) - process.density(t - k * step).cell_masses(*edges)
        for k in (1.0, 2.0)
    )
    rate = (8.0 * near - far) / (12.0 * step)
    size = np.abs(rate).sum()
    return np.asarray(rate - rate.sum() * np.abs(rate) / size) if size > 0.0 else np.zeros_like(rate)
