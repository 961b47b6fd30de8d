"""The estimated process of a learned velocity: points that follow it from t = tau to 0, and how far they spread."""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fpsolve.densities import Density
from fpsolve.processes import Process
from fpsolve.quadrature import GAUSS, KRONROD, NODES, Array, panel_nodes
from fpsolve.reverse import Composition
from fpsolve.settings import InputError
from fpsolve.steppers import Characteristics, Clock

#: steps between two stored times of the coarser and the finer run, whose difference is the bar
SUBSTEPS = (1, 2)
#: a sum above this is one that diverges: no panel resolves it
_HUGE = 1e8


class LearnedField(Protocol):
    """A velocity and its slope."""

    def velocity(self, t: float, x: Array) -> Array:
        """u(t, x), L/s."""

    def slope(self, t: float, x: Array) -> Array:
        """du/dx, 1/s."""


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """The estimated process at quadrature nodes z of its start, which keep their probability.

    Parameters
    ----------
    edges, z, kronrod, gauss : arrays
        Panels at t = tau, their nodes and weights.
    times : (n,) array
        Increasing forward times, from 0 to tau.
    inner : (k,) array of int
        Which of them are the nodes of the panels in time.
    x, stretch : (n, nodes) arrays
        Where the nodes are, and ln dx/dz.
    log_start, below, above : (nodes,) arrays
        Log density and both tails of the start.
    """

    edges: Array
    z: Array
    kronrod: Array
    gauss: Array
    times: Array
    inner: NDArray[np.int64]
    x: Array
    stretch: Array
    log_start: Array
    below: Array
    above: Array

    def density(self, j: int) -> Array:
        """The estimated density at ``x[j]``, 1/L."""
        return np.exp(self.log_start - self.stretch[j])


@dataclasses.dataclass(frozen=True, eq=False)
class Flow:
    """Points that follow a learned velocity, with their stretch ln dx/dz."""

    learned: LearnedField
    substeps: int

    def advance(self, x: Array, stretch: Array, begin: float, end: float, parts: int = 1) -> tuple[Array, Array]:
        """Both after an interval, in ``parts`` times the substeps."""

        def rate(t: float, both: Array) -> Array:
            where = both[: x.size]
            return np.concatenate([self.learned.velocity(t, where), self.learned.slope(t, where)])

        stepper = Characteristics(substeps=self.substeps * parts)
        both, _ = stepper.advance(np.concatenate([x, stretch]), rate, Clock(begin, end))
        return both[: x.size], both[x.size :]


def follow(process: Process, start: Density, learned: LearnedField, panels: Array, edges: Array, substeps: int) -> Run:
    """Solve dx/dt = u, d(ln dx/dz)/dt = du/dx from t = tau to 0 with Runge-Kutta steps of order 8.

    Parameters
    ----------
    process, start
        The forward process and P~ at t = tau.
    learned : LearnedField
    panels : (k + 1,) array
        Edges in time: the Kronrod nodes between them are stored.
    edges : (m + 1,) array
        Edges of the label panels: see :func:`label_edges`.
    substeps : int
        Steps between stored times.
    """
    z, kronrod, gauss = panel_nodes(edges)
    nodes = panel_nodes(panels)[0]
    times = np.union1d(nodes, panels)
    x, stretch = np.empty((times.size, z.size)), np.empty((times.size, z.size))
    flow = Flow(learned, substeps)
    x[-1], stretch[-1] = z, 0.0
    for j in range(times.size - 2, -1, -1):
        x[j], stretch[j] = flow.advance(x[j + 1], stretch[j + 1], float(times[j + 1]), float(times[j]))
    _, below, above = start.tails(z)
    inner = np.searchsorted(times, nodes)
    return Run(edges, z, kronrod, gauss, times, inner, x, stretch, start.logpdf(z), below, above)


def label_edges(
    process: Process, start: Density, learned: LearnedField, panels: Array, tolerance: float, most: int
) -> Array:
    """Panels of the labels, halved until W1 and D at t = 0 are resolved.

    Parameters
    ----------
    process, start, learned, panels
        As in :func:`follow`.
    tolerance : float
        Part of W1 or 1 + D that the nested rules may leave open in a panel.
    most : int
        When this many panels have been used, stop.

    Raises
    ------
    InputError
        A velocity that is not finite.
    """
    edges = Composition(process, start).labels
    if not np.all(np.isfinite(learned.velocity(process.tau, edges))):
        raise InputError("learned", "its velocity is not finite at t = tau; learn the velocity, not the score")
    flow, lower, upper, kept = Flow(learned, 1), edges[:-1], edges[1:], [edges[:1]]
    weights = np.stack([KRONROD, KRONROD - GAUSS])
    total, count = np.zeros(2), 0
    while lower.size:
        half = 0.5 * (upper - lower)[:, None]
        z = (0.5 * (upper + lower)[:, None] + half * NODES).ravel()
        x, stretch = z, np.zeros_like(z)
        for begin, end in zip(panels[:0:-1].tolist(), panels[-2::-1].tolist(), strict=True):
            x, stretch = flow.advance(x, stretch, begin, end, parts=6)
        rows = [half * row.reshape(-1, NODES.size) for row in _at_data(process, start, z, x, stretch)]
        sums = np.array([weights @ row.T for row in rows])  # (W1 and D, value and gap, panel)
        total = np.maximum(total, np.abs(np.nansum(sums[:, 0], axis=1)))
        gaps = np.max(np.abs(sums[:, 1]) / np.where(total < _HUGE, total, np.inf)[:, None], axis=0)
        again = (gaps > tolerance) & (count + lower.size + np.cumsum(gaps > tolerance) <= most)
        kept.append(upper[~again])
        count += int(np.count_nonzero(~again))
        middle = 0.5 * (lower[again] + upper[again])
        lower, upper = np.concatenate([lower[again], middle]), np.concatenate([middle, upper[again]])
    return np.sort(np.concatenate(kept))


def _at_data(process: Process, start: Density, z: Array, x: Array, stretch: Array) -> tuple[Array, Array]:
    """Integrands of W1 and 1 + D at t = 0 over the labels, zero where they overflow."""
    density = process.initial
    _, below, above = density.tails(x)
    _, start_below, start_above = start.tails(z)
    lead = np.where(below < above, start_below - below, above - start_above)
    with np.errstate(over="ignore", invalid="ignore"):
        rows = np.exp(stretch) * lead, np.exp(2.0 * start.logpdf(z) - stretch - density.logpdf(x))
    return np.nan_to_num(rows[0], posinf=0.0, neginf=0.0), np.nan_to_num(rows[1], posinf=0.0)
