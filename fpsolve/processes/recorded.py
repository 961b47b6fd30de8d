"""A process known by densities and velocities on a grid at some times: splines between them."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from fpsolve.densities import Density, Tabulated
from fpsolve.processes.base import Process, State
from fpsolve.quadrature import Array
from fpsolve.schedules import Recording

#: tail probability, and density relative to its largest, below which a recording is rounding
_FAINT = 1e-11
#: cells to a panel
_CELLS = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Recorded(Process):
    """The process of a recording: cubic splines in time of the cell averages and velocities, and in x of the velocity.

    Parameters
    ----------
    recording : Recording
        What is known.
    """

    recording: Recording

    @property
    def tau(self) -> float:  # type: ignore[override]
        return self.recording.tau

    @property
    def window(self) -> tuple[float, float]:
        """The interval that was recorded."""
        return float(self.recording.edges[0]), float(self.recording.edges[-1])

    @functools.cached_property
    def _splines(self) -> tuple[Any, Any]:
        from scipy.interpolate import CubicSpline

        held = self.recording
        return CubicSpline(held.times, held.averages), CubicSpline(held.times, held.velocities)

    @functools.lru_cache(maxsize=512)  # noqa: B019  (a process lives as long as its experiment)
    def density(self, t: float) -> Density:
        averages = np.maximum(self._splines[0](t), 0.0)
        edges = self.recording.edges
        return Tabulated(edges, averages / np.sum(averages * np.diff(edges)))

    def state(self, t: float, x: Array) -> State:
        from scipy.interpolate import CubicSpline

        inside = np.clip(x, *self.window)
        velocity = CubicSpline(self.recording.edges, self._splines[1](t))(inside)
        return State(*self.density(t).tails(x), velocity, None)

    def log_flow(self, t: float, x: Array) -> tuple[Array, Array]:
        """Splines through ln P at the edges, smoother than the tabulated density, and through the velocity."""
        from scipy.interpolate import CubicSpline, make_interp_spline

        edges, inside = self.recording.edges, np.clip(x, *self.window)
        averages = np.maximum(self._splines[0](t), 0.0)
        below = np.concatenate([[0.0], np.cumsum(averages * np.diff(edges))])
        at_edges = make_interp_spline(edges, below / below[-1], k=5).derivative()(edges)
        # rounding of the primitive: nothing smaller is known
        log_density = np.log(np.maximum(at_edges, _FAINT * np.max(at_edges)))
        return CubicSpline(edges, log_density)(inside), CubicSpline(edges, self._splines[1](t))(inside)

    def structure(self, t: float) -> Density:
        density = self.density(t)
        assert isinstance(density, Tabulated)
        return Unbroken(density.edges, density.averages)

    @property
    def faintest(self) -> float:
        return _FAINT

    def temperature(self, t: Array) -> Array | None:
        return None


class Unbroken(Tabulated):
    """A tabulated density whose splines are followed, a few cells to a panel, not its own pieces."""

    def breaks(self) -> Array:
        return np.empty(0)

    def kinks(self) -> Array:
        return np.empty(0)

    def features(self) -> tuple[Array, Array]:
        edges = np.asarray(self.edges)[::_CELLS]
        return 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
