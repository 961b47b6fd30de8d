"""Instants for integrals over time: Gauss-Kronrod panels in an angle that tames square roots at both ends."""

from __future__ import annotations

import dataclasses
import functools
from typing import NamedTuple

import numpy as np

from fpsolve.estimates import Estimate
from fpsolve.quadrature import POINTS, Array, panel_nodes

#: disagreement of the two rules, relative to the integral, that is good enough
TOLERANCE = 1e-6


class TimeIntegral(NamedTuple):
    """An integral over time, the disagreement of the nested rules, and the integral of the bars of the values."""

    value: float
    gap: float
    noise: float

    @property
    def settled(self) -> bool:
        """Whether more instants would not narrow the bar."""
        return self.gap <= max(TOLERANCE * abs(self.value), 0.3 * self.noise)

    @property
    def estimate(self) -> Estimate:
        """Value and bar."""
        return Estimate(self.value, self.gap + self.noise)


@dataclasses.dataclass(frozen=True)
class Instants:
    """The nodes of equal panels in u, with t = tau sin²(pi u / 2), and both ends.

    Parameters
    ----------
    tau : float
        Duration, s.
    panels : int
        Of 15 nodes each.
    """

    tau: float
    panels: int = 1

    @functools.cached_property
    def _rule(self) -> tuple[Array, Array, Array]:
        return panel_nodes(np.linspace(0.0, 1.0, self.panels + 1))

    @functools.cached_property
    def times(self) -> Array:
        """All instants, increasing, both ends included."""
        inner = self.tau * np.sin(0.5 * np.pi * self._rule[0]) ** 2
        return np.concatenate([[0.0], inner, [self.tau]])

    @property
    def inner(self) -> slice:
        """The instants that integrals use."""
        return slice(1, -1)

    def integrate(self, values: Array, bars: Array) -> TimeIntegral:
        """Integral over [0, tau] of a function given at all instants."""
        u, kronrod, gauss = self._rule
        jacobian = 0.5 * np.pi * self.tau * np.sin(np.pi * u)
        values, bars = values[self.inner] * jacobian, bars[self.inner] * jacobian
        gap = np.abs(np.sum(((kronrod - gauss) * values).reshape(self.panels, POINTS), axis=1))
        return TimeIntegral(float(kronrod @ values), float(np.sum(gap)), float(kronrod @ bars))

    def at(self, times: Array, values: Array) -> Array:
        """Values at other times, by the polynomial in u through the nodes of the panel of each (barycentric)."""
        u = np.arcsin(np.sqrt(np.clip(np.asarray(times) / self.tau, 0.0, 1.0))) / (0.5 * np.pi)
        nodes = np.concatenate([[0.0], self._rule[0], [1.0]])
        found = np.empty(u.size)
        panel = np.minimum((u * self.panels).astype(int), self.panels - 1)
        for p in np.unique(panel):
            first = p * POINTS + (p > 0)
            last = (p + 1) * POINTS + 1 + (p == self.panels - 1)
            found[panel == p] = _through(nodes[first:last], values[first:last], u[panel == p])
        return found


def _through(nodes: Array, values: Array, points: Array) -> Array:
    """The polynomial through values at nodes, at points."""
    scale = 4.0 / (nodes[-1] - nodes[0])
    gaps = scale * (nodes[:, None] - nodes)
    np.fill_diagonal(gaps, 1.0)
    apart = points[:, None] - nodes
    hit = np.abs(apart) < 1e-14
    ratio = 1.0 / (np.prod(gaps, axis=1) * np.where(hit, 1.0, apart))
    found = (ratio @ values) / np.sum(ratio, axis=1)
    return np.asarray(np.where(hit.any(axis=1), values[np.argmax(hit, axis=1)], found))


#: series that are squares or sizes
POSITIVE = "dissipation", "action", "v2", "second_moment", "W1", "chi2", "v_loss_squared"


@dataclasses.dataclass(eq=False)
class Columns:
    """Named series, filled instant by instant, with their bars.

    Parameters
    ----------
    instants : Instants
        Where they are known.
    backward : bool
        Whether they are filled from tau down.
    """

    instants: Instants
    backward: bool = False

    def __post_init__(self) -> None:
        self._rows: dict[str, list[Estimate]] = {}

    def add(self, **found: Estimate) -> None:
        """One instant of each series."""
        for name, estimate in found.items():
            self._rows.setdefault(name, []).append(estimate)

    def _arrays(self, part: str) -> dict[str, Array]:
        step = -1 if self.backward else 1
        return {name: np.array([getattr(e, part) for e in row])[::step] for name, row in self._rows.items()}

    @property
    def values(self) -> dict[str, Array]:
        """Values at all instants, increasing in time."""
        return self._arrays("value")

    @property
    def errors(self) -> dict[str, Array]:
        """Bars at all instants, increasing in time."""
        return self._arrays("error")

    def estimate(self, name: str, index: int) -> Estimate:
        """One instant of a series."""
        return self._rows[name][-1 - index if self.backward else index]

    def integral(self, name: str) -> TimeIntegral:
        """The integral of a series over all times."""
        return self.instants.integrate(self.values[name], self.errors[name])

    def at(self, times: Array) -> tuple[dict[str, Array], dict[str, Array]]:
        """Values and bars at other times; what cannot be negative is not."""
        values = {name: self.instants.at(times, v) for name, v in self.values.items()}
        # a polynomial through squares may dip below zero between them
        values |= {name: np.maximum(values[name], 0.0) for name in POSITIVE if name in values}
        return values, {name: np.interp(times, self.instants.times, v) for name, v in self.errors.items()}
