"""What is observed of the estimated process in the plane when it is computed on a fixed grid, with bars."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from fpsolve.backward.observables import FAINT
from fpsolve.densities.plane.base import Box, PlaneDensity
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.fluxes import WENO5, Upwind
from fpsolve.grids import Grid
from fpsolve.planar.advection import advected, check_route
from fpsolve.planar.comparison import GAP, Compared
from fpsolve.planar.divergence import chi_squared
from fpsolve.planar.instants import Instants
from fpsolve.processes.plane.base import FlowingProcess, Nodes
from fpsolve.quadrature import Array
from fpsolve.settings import InputError
from fpsolve.steppers import SSPRK3
from fpsolve.transport.plane.beckmann import Beckmann, beckmann

#: grids of a route, as divisors of the cells asked for: two refinements show the order and give the bar
LEVELS = (4, 2, 1)
#: orders of the routes: their steps shrink with the cells, so the stepper limits them
_ORDERS = {"weno5": min(WENO5.advective_order, SSPRK3.order), "upwind": min(Upwind.advective_order, SSPRK3.order)}
#: least number of cells along an axis
_LEAST = 8
#: cells along the shorter axis from which one distance starts with the potential of the one before
_GUESSED = 16
#: difference of the masses in a cell, relative to the largest, below which it moves nothing
_NOTHING = 1e-15

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(eq=False)
class EulerianComparison:
    """The estimated process beside the forward one, by a route on three successively refined grids.

    The schemes smear P~, so that D rises against the exact P: what they make of it is part of its bar, and D itself is
    taken over the cells where P is above 1e-12 of its largest, for it grows without limit in the tails.

    Parameters
    ----------
    process : FlowingProcess
        The forward process.
    start : PlaneDensity
        P~ at t = tau.
    grid : Grid
        Equal cells that hold both processes at all times: the finest of the three grids.
    method : str
        ``"weno5"`` or ``"upwind"``.
    window : ((lower, upper), (lower, upper)), optional
        Restricts every integral; nothing is renormalised.
    progress : callable, optional
        ``(name, done, total)``, called at each instant of each grid.

    Raises
    ------
    InputError
        Another method; a process that knows no velocity at any point, which the geodesic does not.
    """

    process: FlowingProcess
    start: PlaneDensity
    grid: Grid
    method: str
    window: Box | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        check_route(self.method)
        if not isinstance(self.process, FlowingProcess):
            raise InputError(
                "process", f"given {type(self.process).__name__}; a fixed grid takes one with a velocity at any point"
            )

    @functools.cached_property
    def times(self) -> Array:
        """The instants it is observed at, increasing."""
        return Instants(self.process.tau).times

    def at(self, t: float, nodes: Nodes | None = None) -> Compared:
        """Everything at one of :attr:`times`; the nodes, which the characteristics need, are not looked at."""
        index = int(np.argmin(np.abs(self.times - t)))
        if abs(self.times[index] - t) > 1e-12 * self.process.tau:
            raise InputError("t", f"given {t:g}; a run on a grid was observed at {self.times.size} other instants")
        found = {name: Estimate(float(value[index]), float(bar[index])) for name, (value, bar) in self._series.items()}
        return Compared(found["W1"], found["W1_rate"], found["chi2"])

    @functools.cached_property
    def levels(self) -> list[dict[str, Array]]:
        """W₁, its rate and D at all instants, and the bars of the transport, from the coarsest grid to the finest."""
        axes = self.grid.axes
        ends = [float(axis.edges[0]) for axis in axes], [float(axis.edges[-1]) for axis in axes]
        found = []
        for count, divisor in enumerate(LEVELS):
            cells = [max(axis.cells // divisor, min(_LEAST, axis.cells)) for axis in axes]
            found.append(self._level(self.grid if divisor == 1 else Grid.plane(*ends, cells), count))
        return found

    def _level(self, grid: Grid, count: int) -> dict[str, Array]:
        def tell(t: float) -> None:
            if self.progress is not None:
                done = count * self.times.size + int(np.sum(self.times > t))
                self.progress(f"{self.method} {grid.shape}, t = {t:.3g}", done, len(LEVELS) * self.times.size)

        run = advected(self.process, self.start, grid, self.times, self.method, progress=tell)
        kept = _kept(grid, self.window)
        rows: list[dict[str, float]] = []
        guess: Beckmann | None = None
        # from tau backward: each distance begins with the potential of the one before
        for t, masses in zip(self.times[::-1], run.masses[::-1], strict=True):
            row, guess = self._observed(float(t), grid, masses, kept, guess)
            rows.insert(0, row)
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def _observed(
        self, t: float, grid: Grid, masses: Array, kept: Array, guess: Beckmann | None
    ) -> tuple[dict[str, float], Beckmann]:
        exact = self.process.density(t).cell_masses(*(axis.edges for axis in grid.axes))
        surplus = (masses - exact) * kept
        counts = exact > FAINT * np.max(exact)
        each = np.where(counts, (masses - exact) ** 2 / np.where(counts, exact, 1.0), 0.0)
        chi2 = float(np.sum(kept * each))
        size = float(np.sum(np.abs(surplus)))
        imbalance = float(np.sum(surplus))
        if size > 0.0:
            surplus = surplus - np.abs(surplus) * (imbalance / size)
        # on very few cells a chain of guesses may go astray, and saves nothing
        found = beckmann(grid, -surplus, tolerance=GAP, guess=guess if min(grid.shape) >= _GUESSED else None)
        distance = found.distance
        i, j = np.nonzero(np.abs(surplus) > _NOTHING * np.max(np.abs(surplus)))
        x, y = grid.axes[0].centres[i], grid.axes[1].centres[j]
        rate, motion, extent = 0.0, 0.0, float(np.hypot(*(axis.edges[-1] - axis.edges[0] for axis in grid.axes)))
        if i.size:
            slope, velocity = found.slope(x, y), np.nan_to_num(self.process.flow(t, x, y).velocity)
            rate = -float(np.sum(surplus[i, j] * (slope[0] * velocity[0] + slope[1] * velocity[1])))
            motion = float(np.sum(np.abs(surplus[i, j]) * np.hypot(velocity[0], velocity[1])))
        bar = distance.error + abs(imbalance) * extent
        row = {"W1": distance.value, "W1_rate": rate, "chi2": chi2, "W1_bar": bar}
        # a rate that nearly vanishes is a difference of much larger parts
        row["W1_rate_bar"] = distance.error / max(distance.value, 1e-300) * motion
        # how D is spread inside the cells that the window cuts is not known
        row["chi2_bar"] = float(np.sum(kept * (1.0 - kept) * each))
        # the same masses on half the cells, to be compared with a run there
        row["W1_halved"] = found.coarser.distance.value if found.coarser is not None else distance.value
        return row, found

    @functools.cached_property
    def _invariant(self) -> float | None:
        """D at t = tau by quadrature of the two densities, which the exact flow keeps; None in a window."""
        if self.window is not None:
            return None
        value = chi_squared(self.process.final, self.start)
        return value.value if value.finite else None

    @functools.cached_property
    def _series(self) -> dict[str, tuple[Array, Array]]:
        """Values of the finest grid, and bars: what two refinements leave open."""
        found: dict[str, tuple[Array, Array]] = {}
        for name in ("W1", "W1_rate", "chi2"):
            fine = self.levels[-1]
            bar = self._left_open(name) + fine[f"{name}_bar"]
            if name == "W1_rate":  # the potential is as wrong as the distance
                distance, open_ = found["W1"]
                bar = bar + open_ / np.maximum(distance, 1e-300) * np.abs(fine[name])
            if name == "chi2" and self._invariant is not None:  # kept by the exact flow: what differs is the scheme's
                bar = np.maximum(bar, 1.001 * np.abs(fine[name] - self._invariant))
            found[name] = fine[name], bar + ROUNDING * np.abs(fine[name])
        return found

    def _left_open(self, name: str) -> Array:
        """What further refinements may change of a series, from two of them."""
        # distances are compared on one grid: how much they depend on it is known to the transport
        finer = "W1_halved" if name == "W1" else name
        coarse, middle, fine = self.levels
        last, first = np.abs(fine[finer] - middle[name]), np.abs(middle[finer] - coarse[name])
        shrinking = float(np.sum(first)) / max(float(np.sum(last)), 1e-300)
        # not better than declared, and differences that shrink slowly leave their geometric series open
        shrinking = min(max(shrinking, 1.1), 2.0 ** _ORDERS[self.method])
        # a difference can vanish by chance at one instant: the neighbours and the coarser pair speak too; of D the
        # coarsest grid tells nothing, and its drift tells more
        change = last if name == "chi2" else np.maximum(last, first / shrinking)
        change = np.maximum.reduce([change, np.append(change[1:], 0.0), np.append(0.0, change[:-1])])
        return np.asarray(max(1.0, 2.0 / (shrinking - 1.0)) * change)


def _kept(grid: Grid, window: Box | None) -> Array:
    """Part of each cell inside the window."""
    if window is None:
        return np.ones(grid.shape)
    first, second = (
        np.diff(np.clip(axis.edges, *side)) / axis.widths for axis, side in zip(grid.axes, window, strict=True)
    )
    return np.multiply.outer(first, second)
