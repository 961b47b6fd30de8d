"""A forward process known only by its recorded fields: named beside the schedules, so that recipes can hold it."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.densities.base import check_points
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, Settings
from fpsolve.transport.least_energy import LineFlow

#: fewest times and cells that interpolation and a coarser copy can work with
FEWEST = 8


@dataclasses.dataclass(frozen=True, eq=False)
class Recording(Settings):
    """Densities and velocities of somebody's process at some times.

    Parameters
    ----------
    times : (n,) array
        Increasing times from 0; the last one is tau.
    edges : (cells + 1,) array
        Increasing cell edges.
    averages : (n, cells) array
        Cell averages of the density, not negative.
    velocities : (n, cells + 1) array
        Mean velocity at the cell edges.
    derived : bool
        Whether the velocities were found from the averages, so that a coarser copy must find its own.

    Raises
    ------
    InputError
        Wrong shapes, too few times or cells, NaN, negative densities, times that do not increase from 0.
    """

    family: ClassVar[str] = "schedule"
    kind: ClassVar[str] = "recorded"
    times: Array
    edges: Array
    averages: Array
    velocities: Array
    derived: bool = False

    def __post_init__(self) -> None:
        times, edges = (check_points(name, getattr(self, name), increasing=True) for name in ("times", "edges"))
        if times[0] != 0.0:
            raise InputError("times", f"given {times[0]:g} first; they must start at 0 (subtract it)")
        fields = {"averages": (times.size, edges.size - 1), "velocities": (times.size, edges.size)}
        for name, shape in fields.items():
            field = np.asarray(getattr(self, name), float)
            if field.shape != shape:
                raise InputError(name, f"given shape {field.shape}; expected {shape} for these times and edges")
            check_points(name, field.ravel(), least=0.0 if name == "averages" else None)
            object.__setattr__(self, name, field)
        if min(times.size, edges.size - 1) < FEWEST:
            raise InputError("times", f"given {times.size} times and {edges.size - 1} cells; at least {FEWEST} of each")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "edges", edges)

    @property
    def tau(self) -> float:
        """Duration."""
        return float(self.times[-1])

    def coarser(self) -> Recording:
        """Every second time and pairs of cells merged: what is lost by it bounds what the recording lacks."""
        kept = np.union1d(np.arange(0, self.times.size, 2), [self.times.size - 1])
        faces = np.union1d(np.arange(0, self.edges.size, 2), [self.edges.size - 1])
        masses = np.add.reduceat(self.averages * np.diff(self.edges), faces[:-1], axis=1)
        edges, times, masses = self.edges[faces], self.times[kept], masses[kept]
        velocities = self.velocities[kept][:, faces]
        if self.derived:
            total = np.sum(masses, axis=1, keepdims=True)
            flow = LineFlow(times, edges, masses / total, np.zeros(times.size))
            velocities = flow.filled(flow.velocity())
        return Recording(times, edges, masses / np.diff(edges), velocities, self.derived)
