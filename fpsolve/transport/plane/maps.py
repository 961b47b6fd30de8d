r"""What potentials on a rectangle of equal cells tell about the motion: gradients, maps, interpolation on the way."""

from __future__ import annotations

import numpy as np

from fpsolve.grids import Grid
from fpsolve.kernels import push
from fpsolve.quadrature import Array
from fpsolve.settings import InputError
from fpsolve.transport.plane.levels import spacings


def gradient(potential: Array, grid: Grid) -> tuple[Array, Array]:
    """Derivatives along x and y at the centres.

    Parameters
    ----------
    potential : (nx, ny) array
        Values at the centres of equal cells.
    grid : Grid
        The cells, at least four along each axis.

    Returns
    -------
    gx, gy : (nx, ny) arrays
        Central differences of fourth order; of second order in the two cells next to a wall.
    """
    found = []
    for axis, h in enumerate(spacings(grid)):
        f = np.moveaxis(potential, axis, 0)
        g = np.gradient(f, h, axis=0, edge_order=2)
        g[2:-2] = (8.0 * (f[3:-1] - f[1:-3]) - (f[4:] - f[:-4])) / (12.0 * h)
        found.append(np.ascontiguousarray(np.moveaxis(g, 0, axis)))
    return found[0], found[1]


def brenier_map(potential: Array, grid: Grid) -> tuple[Array, Array]:
    """Positions x - grad(potential) of the centres; two (nx, ny) arrays."""
    gx, gy = gradient(potential, grid)
    return grid.axes[0].centres[:, None] - gx, grid.axes[1].centres - gy


def corner_map(potential: Array, grid: Grid) -> tuple[Array, Array]:
    """Positions of the corners (nx + 1, ny + 1), from differences of the neighbouring centres; walls stay walls."""
    shape = (potential.shape[0] + 1, potential.shape[1] + 1)
    x, y = np.empty(shape), np.empty(shape)
    hx, hy = spacings(grid)
    push.corner_map(potential, hx, hy, 1.0, x, y)
    return grid.axes[0].edges[0] + hx * x, grid.axes[1].edges[0] + hy * y


def interpolated(potential: Array, grid: Grid, mass: Array, s: float) -> tuple[Array, Array, Array]:
    """Masses after a share s of the way along the map, and their mean displacement over the whole way.

    Raises
    ------
    InputError
        s outside [0, 1].
    """
    if not 0.0 <= s <= 1.0:
        raise InputError("s", f"given {s!r}; the share of the way lies between 0 and 1")
    hx, hy = spacings(grid)
    shape = (potential.shape[0] + 1, potential.shape[1] + 1)
    x, y = np.empty(shape), np.empty(shape)
    push.corner_map(potential, hx, hy, 1.0, x, y)
    x -= np.arange(shape[0])[:, None]
    y -= np.arange(shape[1])
    carried, flow_x, flow_y = (np.zeros_like(mass) for _ in range(3))
    push.push_moving(x, y, float(s), mass, carried, flow_x, flow_y)
    safe = np.where(carried > 0.0, carried, 1.0)
    return carried, hx * flow_x / safe, hy * flow_y / safe
