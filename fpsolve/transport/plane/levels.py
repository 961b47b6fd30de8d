"""What solvers on a rectangle of equal cells share: spacings, the inverse Laplacian, coarser and finer copies."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from scipy.fft import dctn, idctn

from fpsolve.densities.plane.tabulated import overlaps
from fpsolve.grids import Grid
from fpsolve.quadrature import Array
from fpsolve.settings import InputError

#: cells along the longer axis of the coarsest copy
COARSEST = 32


def spacings(grid: Grid) -> tuple[float, float]:
    """Widths of the cells along x and y, which must be equal along each axis.

    Raises
    ------
    InputError
        A grid that is no plane, or stretched.
    """
    if grid.dimension != 2:
        raise InputError("grid", f"given {grid.dimension} axes; expected a plane, such as Grid.plane(...)")
    for name, axis in zip("xy", grid.axes, strict=True):
        if np.ptp(axis.widths) > 1e-9 * axis.widths.max():
            raise InputError("grid", f"its cells along {name} are not equal; transport in the plane needs equal cells")
    first, second = (float((axis.edges[-1] - axis.edges[0]) / axis.cells) for axis in grid.axes)
    return first, second


@dataclasses.dataclass(frozen=True, eq=False)
class Laplacian:
    """The five-point Laplacian with reflecting walls, inverted by cosine transforms.

    Parameters
    ----------
    shape : (nx, ny)
        Cells.
    spacing : (hx, hy)
        Their widths, lengths.
    """

    shape: tuple[int, int]
    spacing: tuple[float, float]

    @functools.cached_property
    def symbol(self) -> Array:
        """Eigenvalues of minus the Laplacian; the constant's, which is zero, is replaced by infinity."""
        sides = [
            (2.0 / h * np.sin(0.5 * np.pi * np.arange(n) / n)) ** 2
            for n, h in zip(self.shape, self.spacing, strict=True)
        ]
        symbol = sides[0][:, None] + sides[1]
        symbol[0, 0] = np.inf
        return symbol

    def solve(self, source: Array) -> Array:
        """The u of mean zero with -div grad u = source (whose mean is ignored)."""
        transformed = dctn(source, norm="ortho")
        transformed /= self.symbol
        return np.asarray(idctn(transformed, norm="ortho", overwrite_x=True))


def pyramid(grid: Grid, coarsest: int = COARSEST) -> list[Grid]:
    """The grid and its copies with half the cells (rounded up) along each axis, the coarsest first."""
    found = [grid]
    while max(found[-1].shape) > coarsest and min(found[-1].shape) > 4:
        axes = found[-1].axes
        ends = [(axis.edges[0], axis.edges[-1]) for axis in axes]
        cells = [(axis.cells + 1) // 2 for axis in axes]
        found.append(Grid.plane([end[0] for end in ends], [end[1] for end in ends], cells))
    return found[::-1]


def gathered(masses: Array, grid: Grid, coarser: Grid) -> Array:
    """Cell masses on a coarser grid of the same rectangle, by exact overlaps."""
    for fine, coarse in zip(grid.axes, coarser.axes, strict=True):
        if fine.cells == 2 * coarse.cells:
            masses = masses.reshape(coarse.cells, 2, -1).sum(axis=1).T
        else:
            masses = ((overlaps(coarse.edges, fine.edges) / fine.widths) @ masses).T
    return np.ascontiguousarray(masses)


def spread(values: Array, grid: Grid, finer: Grid) -> Array:
    """Values at the centres of a finer grid by linear interpolation, extrapolated beyond the outermost centres."""
    for coarse, fine in zip(grid.axes, finer.axes, strict=True):
        left = np.clip(np.searchsorted(coarse.centres, fine.centres) - 1, 0, coarse.cells - 2)
        share = ((fine.centres - coarse.centres[left]) / (coarse.centres[left + 1] - coarse.centres[left]))[:, None]
        values = ((1.0 - share) * values[left] + share * values[left + 1]).T
    return np.ascontiguousarray(values)
