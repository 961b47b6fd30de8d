"""Gauss-Kronrod panels: every integral carries the difference of its two nested rules as its error."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_HALF_NODES = np.array(
    [
        0.991455371120812639206854697526329,
        0.949107912342758524526189684047851,
        0.864864423359769072789712788640926,
        0.741531185599394439863864773280788,
        0.586087235467691130294144691838259,
        0.405845151377397166906606412076949,
        0.207784955007898467600689403773245,
        0.0,
    ]
)
_HALF_KRONROD = np.array(
    [
        0.022935322010529224963732008058970,
        0.063092092629978553290700663189204,
        0.104790010322250183839876322541518,
        0.140653259715525918745189590510238,
        0.169004726639267902826583426598550,
        0.190350578064785409913256402421014,
        0.204432940075298892414161999234649,
        0.209482141084727828012999174891714,
    ]
)
_HALF_GAUSS = np.array(
    [
        0.0,
        0.129484966168869693270611432679082,
        0.0,
        0.279705391489276667901467771423780,
        0.0,
        0.381830050505118944950369775488975,
        0.0,
        0.417959183673469387755102040816327,
    ]
)

#: nodes of the 15-point Kronrod rule on [-1, 1], its weights, and the weights of the embedded 7-point Gauss rule
NODES = np.concatenate([-_HALF_NODES[:-1], _HALF_NODES[::-1]])
KRONROD = np.concatenate([_HALF_KRONROD[:-1], _HALF_KRONROD[::-1]])
GAUSS = np.concatenate([_HALF_GAUSS[:-1], _HALF_GAUSS[::-1]])
POINTS = NODES.size
#: how many times the outermost panel the mass beyond it may be: panels there grow by a seventh or more, so this
#: covers tails of integrands that fall as slowly as x^(-1.08)
TAIL_FACTOR = 100.0


def panel_nodes(edges: Array) -> tuple[Array, Array, Array]:
    """Nodes and both weights on the panels between successive edges.

    Parameters
    ----------
    edges : (n + 1,) array
        Increasing panel edges.

    Returns
    -------
    nodes, kronrod, gauss : (15 n,) arrays
    """
    half = 0.5 * np.diff(edges)[:, None]
    centre = 0.5 * (edges[1:] + edges[:-1])[:, None]
    nodes = centre + half * NODES
    return nodes.ravel(), (half * KRONROD).ravel(), (half * GAUSS).ravel()


def crowded(u: Array) -> Array:
    """Part of the time from 0 to 1 as a function that is flat to third order at both ends."""
    return u**3 * (10.0 - 15.0 * u + 6.0 * u**2)


def crowding_rate(u: Array) -> Array:
    """Derivative of :func:`crowded`: it vanishes at both ends."""
    return 30.0 * (u * (1.0 - u)) ** 2


def uncrowded(part: Array) -> Array:
    """The inverse, by bisection: parts near either end keep their distance from it."""
    part = np.asarray(part, float)
    low, high = np.zeros_like(part), np.ones_like(part)
    for _ in range(54):
        middle = 0.5 * (low + high)
        below = crowded(middle) < part
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return 0.5 * (low + high)


@dataclasses.dataclass(frozen=True)
class TimePanels:
    """Panels of an integral over time; the first and last are stretched to tame square-root ends.

    On the panel that touches 0 the variable is ``sqrt(t)``, on the one that touches ``tau`` it is
    ``sqrt(tau - t)``: schedules that behave like a square root there (variance preserving, retimed) then have
    smooth integrands.
    """

    edges: Array
    tau: float

    @classmethod
    def uniform(cls, tau: float, count: int) -> TimePanels:
        """``count`` equal panels on [0, tau] (at least two)."""
        return cls(np.linspace(0.0, tau, max(count, 2) + 1), tau)

    def cut(self, times: Array) -> TimePanels:
        """The same panels with edges at these times too, where nothing is smooth."""
        return TimePanels(np.union1d(self.edges, times), self.tau)

    def nodes(self, lower: Array, upper: Array) -> tuple[Array, Array, Array]:
        """Times and both weights, shape (n, 15), of the panels [lower[i], upper[i]]."""
        width = (upper - lower)[:, None]
        unit = 0.5 * (1.0 + NODES)[None, :]
        times = lower[:, None] + width * unit
        jacobian = 0.5 * width * np.ones_like(unit)
        first, last = lower == 0.0, upper == self.tau
        times[first] = width[first] * unit**2
        times[last] = self.tau - width[last] * (1.0 - unit) ** 2
        jacobian[first] *= 2.0 * unit
        jacobian[last] *= 2.0 * (1.0 - unit)
        return times, jacobian * KRONROD, jacobian * GAUSS


@dataclasses.dataclass(frozen=True)
class TimeIntegrals:
    """Integrals over [0, tau] of several scalars, their error bars, and the nodes they were taken at."""

    value: dict[str, float]
    error: dict[str, float]
    times: Array
    samples: dict[str, Array]


def integrate_in_time(
    scalars: Callable[[Array], tuple[dict[str, Array], dict[str, Array]]],
    panels: TimePanels,
    *,
    tolerance: float = 1e-11,
    most_panels: int = 160,
) -> TimeIntegrals:
    """Integrate named functions of time by panels that are halved where the nested rules disagree.

    Parameters
    ----------
    scalars : callable
        ``times (n,) -> (values, errors)``, dictionaries of arrays of shape (n,): the integrands and the error bar of
        each sample.
    panels : TimePanels
        Where to start.
    tolerance : float
        Relative difference of the two rules that is good enough.
    most_panels : int
        When this many panels have been used, stop halving; the error bar says what was reached.

    Returns
    -------
    TimeIntegrals
    """
    lower, upper = panels.edges[:-1], panels.edges[1:]
    kept: list[dict[str, Array]] = []
    used = 0
    totals: dict[str, float] = {}
    while lower.size:
        times, kronrod, gauss = panels.nodes(lower, upper)
        values, errors = scalars(times.ravel())
        used += lower.size
        table = {"times": times}
        worst = np.zeros(lower.size)
        panel_sum = {name: np.sum(sample.reshape(times.shape) * kronrod, axis=1) for name, sample in values.items()}
        if not totals:
            totals = {name: float(np.sum(np.abs(part))) for name, part in panel_sum.items()}
        for name, sample in values.items():
            rows, bars = sample.reshape(times.shape), errors[name].reshape(times.shape)
            gap = np.abs(panel_sum[name] - np.sum(rows * gauss, axis=1))
            table |= {
                f"{name}": rows,
                f"{name} sum": panel_sum[name],
                f"{name} bar": gap + np.sum(bars * kronrod, axis=1),
            }
            noise = np.sum(bars * kronrod, axis=1)  # below it, halving the panel cannot help
            worst = np.maximum(worst, np.where(gap > noise, gap, 0.0) / (totals[name] + 1e-300))
        again = worst > tolerance / max(panels.edges.size - 1, 1)
        if used + 2 * np.count_nonzero(again) > most_panels:
            again[:] = False
        kept.append({key: entry[~again] for key, entry in table.items()})
        middle = 0.5 * (lower[again] + upper[again])
        lower, upper = np.concatenate([lower[again], middle]), np.concatenate([middle, upper[again]])
    merged = {key: np.concatenate([part[key].ravel() for part in kept]) for key in kept[0]}
    order = np.argsort(merged["times"])
    names = list(totals)
    return TimeIntegrals(
        value={name: float(np.sum(merged[f"{name} sum"])) for name in names},
        error={name: float(np.sum(merged[f"{name} bar"])) for name in names},
        times=merged["times"][order],
        samples={name: merged[name][order] for name in names},
    )
