"""Numerical choices of an experiment in the plane."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fpsolve.cases.plane import PLANE_TOLERANCE
from fpsolve.densities.plane.base import Box, PlaneDensity
from fpsolve.grids import Grid
from fpsolve.planar.comparison import Compared
from fpsolve.planar.window import box_of
from fpsolve.processes.plane.base import Nodes, PlaneProcess
from fpsolve.quadrature import Array
from fpsolve.settings import InputError

#: largest part of any mass that a window may cut
MOST_CUT = 1e-2


@dataclasses.dataclass(frozen=True)
class PlaneNumerics:
    """Numerical choices of an experiment in the plane.

    Parameters
    ----------
    grid : Grid
        Equal cells that hold both processes.
    steps : int
        Stored intervals.
    window : ((lower, upper), (lower, upper)), optional
        Restricts every integral; nothing is renormalised.
    tolerance : float
        Error bar, relative to the larger side, above which a relation is undecided.
    compare : callable, optional
        ``(t, nodes) -> Compared``: another route to the estimated process than the characteristics.
    progress : callable, optional
        ``(name, done, total)``, called before each instant.
    """

    grid: Grid
    steps: int = 100
    window: Box | None = None
    tolerance: float = PLANE_TOLERANCE
    compare: Callable[[float, Nodes], Compared] | None = None
    progress: Callable[[str, int, int], None] | None = None

    @property
    def inside(self) -> Callable[[Array, Array], NDArray[np.bool_]] | None:
        """Which points the window keeps; None without one."""
        if self.window is None:
            return None
        (a, b), (c, d) = self.window
        return lambda x, y: (x >= a) & (x <= b) & (y >= c) & (y <= d)


def masses_cut(process: PlaneProcess, start: PlaneDensity, numerics: PlaneNumerics) -> dict[str, float]:
    """Largest masses outside the window, or the grid; more than the allowed part is an error."""
    sides = numerics.window or box_of(numerics.grid)
    # as fine as the grid: masses of cells much wider than the density would not be accurate
    edges = [
        np.unique(np.concatenate([side, axis.edges[(axis.edges > side[0]) & (axis.edges < side[1])]]))
        for side, axis in zip(sides, numerics.grid.axes, strict=True)
    ]
    cut = {"mass": 0.0}
    for t in np.linspace(0.0, process.tau, 9):
        cut["mass"] = max(cut["mass"], 1.0 - float(process.density(t).cell_masses(*edges).sum()))
    cut["mass_estimated"] = 1.0 - float(start.cell_masses(*edges).sum())
    worst = max(cut, key=lambda name: cut[name])
    if cut[worst] > MOST_CUT:
        whose = "estimated" if "estimated" in worst else "forward"
        raise InputError(
            "window",
            f"given {[[float(e[0]), float(e[-1])] for e in edges]}, which cuts {cut[worst]:.2%} of the {whose} "
            "process' mass; at most 1% is allowed (widen it)",
        )
    return {name: value for name, value in cut.items() if value > 1e-8}
