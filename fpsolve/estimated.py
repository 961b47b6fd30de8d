"""How the estimated process is observed: by the exact composition, or by a route on a grid."""

from __future__ import annotations

import dataclasses
import functools
from typing import Protocol

import numpy as np

from fpsolve.backward import Method, grid_for, observe, run_on_grid
from fpsolve.densities import Density
from fpsolve.estimates import ROUNDING
from fpsolve.processes import Process, Slices
from fpsolve.quadrature import Array, TimePanels
from fpsolve.reverse import Composition
from fpsolve.thermodynamics import Series, chi_squared, with_rounding

#: panels in time that a smooth schedule starts with; they are halved where the nested rules disagree
FIRST_PANELS = 16
#: grids of a route, as divisors of the cells asked for: two refinements show the order and give the bar
LEVELS = (4, 2, 1)

Window = tuple[float, float] | None


class Estimated(Protocol):
    """How an estimated process is observed: by the exact composition, or on a grid."""

    @property
    def flexible(self) -> bool:
        """Whether it can be observed at any time, or only at those it was solved for."""

    def observe(self, slices: Slices, times: Array) -> Series:
        """``W1``, ``W1_rate`` and ``chi2`` at given times, with bars; the slices are those of the forward process."""


@dataclasses.dataclass(frozen=True)
class ExactEstimate:
    """Observation of the composition F~_t = G o F_t on the forward process' own nodes."""

    composition: Composition
    flexible: bool = True

    def observe(self, slices: Slices, times: Array) -> Series:
        """Distances by integrals over x of functions of the label (78), (85)."""
        slices = dataclasses.replace(slices, precision=slices.precision + self.composition.precision)
        with np.errstate(over="ignore", invalid="ignore"):  # infinite where the start is too wide: D is then, too
            return self._observe(slices)

    def _observe(self, slices: Slices) -> Series:
        ratio, lead, below = slices.on_labels(self.composition.relate)
        excess, flow = ratio - 1.0, slices.pdf * slices.velocity
        # F~ - F > 0 where F - F~ < 0, and P~ - P = (ratio - 1) P
        pull = -np.sign(lead) * flow * excess
        return {
            "W1": with_rounding(slices, np.abs(lead), np.abs(lead) + below / 8.0),
            "W1_rate": with_rounding(slices, pull, np.abs(flow) * (1.0 + ratio) / 8.0 + np.abs(pull)),
            "chi2": with_rounding(
                slices, slices.pdf * excess**2, slices.pdf * np.abs(excess) * (ratio + np.abs(excess))
            ),
        }


@dataclasses.dataclass(frozen=True, eq=False)
class GridEstimate:
    """Observation of a route on three successively refined grids; the bar is what the refinements leave open.

    Parameters
    ----------
    process, start
        The forward process and P~ at t = tau.
    method : str
        ``"characteristics"``, ``"weno5"`` or ``"upwind"``.
    cells, steps : int
        Cells of the finest grid, and stored intervals.
    window : (lower, upper), optional
        Restricts the integrals.
    """

    process: Process
    start: Density
    method: Method
    cells: int
    steps: int
    window: Window
    flexible: bool = False

    @functools.cached_property
    def times(self) -> Array:
        """All instants it can be observed at: the quadrature's and the stored ones."""
        panels = TimePanels.uniform(self.process.tau, min(self.steps, FIRST_PANELS))
        nodes = panels.nodes(panels.edges[:-1], panels.edges[1:])[0].ravel()
        return np.union1d(nodes, np.linspace(0.0, self.process.tau, self.steps + 1))

    @functools.cached_property
    def _start_divergence(self) -> float:
        """D at t = tau, by quadrature of the two densities."""
        value = chi_squared(self.process.final, self.start, self.window)[0].value
        return value if np.isfinite(value) else 0.0

    @functools.cached_property
    def _levels(self) -> list[dict[str, Array]]:
        rows = []
        for divisor in LEVELS:
            edges = grid_for(self.process, self.start, max(self.cells // divisor, 8), self.window, self.method)
            run = run_on_grid(self.process, self.start, edges, self.times, self.method)
            rows.append(observe(self.process, run, self.window))
        return rows

    def observe(self, slices: Slices, times: Array) -> Series:
        """Distances at these times from the finest grid, each with its bar."""
        where = np.searchsorted(self.times, times)
        series: Series = {}
        for name in ("W1", "W1_rate", "chi2"):
            coarse, middle, fine = (level[name] for level in self._levels)
            # a difference can vanish by chance at one instant: the neighbours and the coarser pair speak too
            change = np.maximum(np.abs(fine - middle), 0.25 * np.abs(middle - coarse))
            change = np.maximum(change, np.maximum(np.roll(change, 1), np.roll(change, -1)))
            if name == "chi2":  # known at the start and kept by the exact flow: what differs is the scheme's error
                change = change + 0.5 * np.abs(fine - self._start_divergence)
            # differences that shrink slowly leave their geometric series open
            shrinking = float(np.sum(np.abs(middle - coarse)) / max(np.sum(np.abs(fine - middle)), 1e-300))
            factor = max(2.0, 1.5 / max(shrinking - 1.0, 0.1))
            series[name] = fine[where], (factor * change + ROUNDING * np.abs(fine))[where]
        return series
