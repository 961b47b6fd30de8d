"""Where the forward and the estimated process have mass, and grids that hold it."""

from __future__ import annotations

import dataclasses
import functools
from typing import Literal

import numpy as np

from fpsolve.densities import Density
from fpsolve.densities.base import FAINTEST
from fpsolve.grids import Array
from fpsolve.processes import Process
from fpsolve.settings import InputError, suggestion, whole

Method = Literal["characteristics", "weno5", "upwind"]
Window = tuple[float, float]

METHODS: tuple[Method, ...] = ("characteristics", "weno5", "upwind")
#: mass of either process that may lie beyond each end of a grid, and beyond which velocities stay constant
TAIL = 1e-17


@dataclasses.dataclass(frozen=True, eq=False)
class Reach:
    """Where the two processes have mass: the images of the points that leave ``TAIL`` of either at t = tau.

    Parameters
    ----------
    process, start
        The forward process and P~ at t = tau.
    """

    process: Process
    start: Density

    @functools.cached_property
    def ends(self) -> Array:
        """Both ends at t = tau."""
        final = self.process.final
        (low, high), (start_low, start_high) = final.interval(TAIL), self.start.interval(TAIL)
        faint = final.quantile(np.array([FAINTEST, 1.0]), np.array([1.0, FAINTEST]))
        return np.clip([min(low, start_low), max(high, start_high)], *faint)

    @functools.cached_property
    def tails(self) -> tuple[Array, Array]:
        """Tail probabilities of P_tau at both ends: the flow keeps them."""
        _, cdf, sf = self.process.final.tails(self.ends)
        return cdf, sf

    def at(self, t: float) -> Array:
        """Both ends at time t."""
        return self.ends if t == self.process.tau else self.process.density(t).quantile(*self.tails)


def grid_for(
    process: Process, start: Density, cells: int, window: Window | None = None, method: Method = "weno5"
) -> Array:
    """Edges of a grid beyond which neither process has more than 1e-17 of its mass on either side.

    Parameters
    ----------
    process, start
        The forward process and P~ at t = tau.
    cells : int
        Number of cells.
    window : (lower, upper), optional
        An interval that the grid contains besides.
    method : str
        For ``"characteristics"`` the grid is that of t = tau, and jumps of the start are among its edges; otherwise
        the cells are equal and serve all times.

    Returns
    -------
    (cells + 1,) array
    """
    check_method(method)
    reach, cells = Reach(process, start), whole("cells", cells)
    if method != "characteristics":
        rows = [reach.at(t) for t in process.tau * np.linspace(0.0, 1.0, 33)]
        rows += [] if window is None else [np.asarray(window, float)]
        low, high = np.min(rows, axis=0)[0], np.max(rows, axis=0)[1]
        return np.linspace(low, high, cells + 1)
    low, high = reach.at(process.tau)
    breaks = np.concatenate([process.final.breaks(), start.breaks()])
    corners = np.unique(np.concatenate([[low], breaks[(breaks > low) & (breaks < high)], [high]]))
    if cells < corners.size - 1:
        raise InputError("cells", f"given {cells}; the densities jump at {corners.size - 2} places: give more")
    places = np.round(np.interp(corners, [low, high], [0, cells])).astype(int)
    places = np.maximum.accumulate(places - np.arange(places.size)) + np.arange(places.size)
    room = cells - np.arange(places.size)[::-1]
    return np.interp(np.arange(cells + 1), np.minimum(places, room), corners)


def check_method(method: str) -> Method:
    """The method, or a complaint about an unknown one."""
    for known in METHODS:
        if method == known:
            return known
    raise InputError("method", f"given {method!r}; {suggestion(str(method), METHODS)}")
