"""Points for integrals over the plane: a lattice fine enough for the density, where there is any of it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.grids import Grid
from fpsolve.quadrature import Array
from fpsolve.settings import InputError

#: lattice points per smallest standard deviation: a mean over a Gaussian is then exact to exp(-2 (2 pi)²) = 5e-35; what
#: is integrated may be narrower than the density
PER_STD = 2.0
#: cells whose mass is below this part of the largest are left out: the squared ratio of a wide start reaches far out
FAINT = 1e-28
_FINEST = 50


def lattice(density: PlaneDensity, grid: Grid, finer: int = 1) -> tuple[Array, Array, tuple[float, float]]:
    """Centres of the cells, or of equal parts of them, where the density lives; and their spacings.

    Parameters
    ----------
    density : PlaneDensity
        Smooth: with a ``finest`` scale.
    grid : Grid
        Equal cells in a rectangle.
    finer : int
        How many times as many points along each axis to take.

    Returns
    -------
    x, y : (n,) arrays
    spacing : (float, float)
        Distances between neighbouring points along x and y.

    Raises
    ------
    InputError
        Cells more than 25 times wider than the density's smallest scale.
    """
    widths = [axis.widths[0] for axis in grid.axes]
    parts = [max(int(np.ceil(PER_STD * width / (density.finest or np.inf))), 1) for width in widths]
    if max(parts) > _FINEST:
        cells = (density.finest or 0.0) / max(widths)
        raise InputError("cells", f"the grid has {cells:.3g} cells per smallest width of the density; refine it")
    parts = [n * finer for n in parts]
    masses = density.cell_masses(grid.axes[0].edges, grid.axes[1].edges)
    held = binary_dilation(masses > FAINT * masses.max())
    i, j = np.nonzero(held)
    offsets = [(np.arange(n) + 0.5) / n for n in parts]
    x, y = (
        (axis.edges[:-1][index][:, None] + axis.widths[index][:, None] * offset)
        for axis, index, offset in zip(grid.axes, (i, j), offsets, strict=True)
    )
    first = np.broadcast_to(x[:, :, None], (i.size, *parts)).ravel()
    second = np.broadcast_to(y[:, None, :], (i.size, *parts)).ravel()
    return first, second, (float(widths[0] / parts[0]), float(widths[1] / parts[1]))
