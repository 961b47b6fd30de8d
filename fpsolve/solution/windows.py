"""Where a state at rest lies, so that a window can be put around it."""

from __future__ import annotations

import numpy as np

from fpsolve.equation import FokkerPlanck
from fpsolve.grids import Array

#: energies this many T above the least one hold no mass that counts
_HIGH = 34.0
#: scan of the energy: from the smallest to the largest distance from the origin, points on either side
_NEAREST, _FARTHEST, _POINTS = 1e-6, 1e6, 1500
_ROUNDS = 3


def resting_interval(problem: FokkerPlanck, t: float) -> tuple[float, float] | None:
    """Where exp(-U/T) of a problem on a line is not negligible; None where that is no interval.

    U is minus the integral of the force, whatever kind it is of.
    """
    if problem.dimension != 1 or not problem.uniform_temperature:
        return None
    temperature = problem.temperature_at(t)
    if temperature <= 0.0:
        return None
    reach = np.geomspace(_NEAREST, _FARTHEST, _POINTS)
    x = np.concatenate([-reach[::-1], [0.0], reach])
    found: tuple[float, float] | None = None
    for _ in range(_ROUNDS):
        low = np.flatnonzero(_energy(problem, x, t) < _HIGH * temperature)
        if low[0] == 0 or low[-1] == x.size - 1:
            return None if found is None else found
        found = float(x[low[0] - 1]), float(x[low[-1] + 1])
        margin = 0.05 * (found[1] - found[0])
        x = np.linspace(found[0] - margin, found[1] + margin, 2 * _POINTS)
    return found


def _energy(problem: FokkerPlanck, x: Array, t: float) -> Array:
    """U at points, its least value zero."""
    if problem.force.has_potential:
        energy = np.broadcast_to(np.asarray(problem.force.potential((x,), t), float), x.shape)
    else:
        force = np.broadcast_to(problem.force.field((0.5 * (x[1:] + x[:-1]),), t)[0], x.size - 1)
        energy = -np.concatenate([[0.0], np.cumsum(force * np.diff(x))])
    return np.asarray(energy - np.min(energy))
