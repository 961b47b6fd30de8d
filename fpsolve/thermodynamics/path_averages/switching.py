"""Work as a sequence of switches and relaxations: U changes at fixed positions, then positions change at fixed U."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import ScharfetterGummel
from fpsolve.forces import Force
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError
from fpsolve.solution.errors import beyond
from fpsolve.solution.gauges import cell_averages, leans
from fpsolve.solution.plans import centres
from fpsolve.steppers import GridStepper
from fpsolve.thermodynamics.path_averages.steps import Remembered

#: the exponent of a switch beyond which floats overflow
_LARGEST = 600.0


@dataclasses.dataclass(frozen=True, eq=False)
class Protocol:
    """How a potential changes in time.

    Parameters
    ----------
    problem : FokkerPlanck
        With one temperature for all times and places.
    """

    problem: FokkerPlanck

    @property
    def temperature(self) -> float:
        """T."""
        return float(self.problem.temperature_at(0.0))

    def energy(self, points: tuple[Array, ...], t: float) -> Array:
        """U at points."""
        force: Force = self.problem.force
        values = force.potential(points, t)
        assert values is not None
        return np.asarray(values, float)

    def change(self, points: tuple[Array, ...], begin: float, end: float) -> Array:
        """U at the end minus U at the beginning."""
        return self.energy(points, end) - self.energy(points, begin)


@dataclasses.dataclass(frozen=True, eq=False)
class WorkRun:
    """One level: a discretisation, a start, steps, and what relaxes the masses between the switches."""

    system: Remembered
    stepper: GridStepper
    protocol: Protocol
    start: Array

    def numbers(self, groups: list[Array], arguments: tuple[float, ...]) -> dict[str, float]:
        """Mean and variance of the work and its generating function by symmetric splitting, of second order in time.

        A switch by d takes the moments (m, m_1, m_2) to (m, m_1 + d m, m_2 + 2 d m_1 + d² m) and multiplies what
        carries exp(-theta W/T) by exp(-theta d / T). Where the protocol jumps it is all that happens.
        """
        state = [self.start, np.zeros_like(self.start), np.zeros_like(self.start)]
        state += [self.start] * len(arguments)
        for k, group in enumerate(groups):
            if k:
                state = self._switched(state, float(groups[k - 1][-1]), float(group[0]), arguments)
            for t, later in itertools.pairwise(group.tolist()):
                middle = 0.5 * (t + later)
                state = self._switched(state, t, middle, arguments)
                state = [self._relaxed(v, t, later - t) for v in state]
                state = self._switched(state, middle, later, arguments)
        total, first, second = (float(np.sum(v)) for v in state[:3])
        mean = first / total
        found = {"work_mean": mean, "work_variance": second / total - mean**2}
        for k, v in enumerate(state[3:]):
            found |= {f"theta {k}": float(np.sum(v)) / total}
            found |= {f"lost {k}": beyond(np.abs(v), self.system.grid)}
        return found | {"lost": beyond(np.abs(state[0]), self.system.grid)}

    def _switched(self, state: list[Array], t: float, later: float, arguments: tuple[float, ...]) -> list[Array]:
        m, first, second, *tilted = state
        once = self._multiplier(lambda d: d, t, later)
        if not any(np.any(part) for part in once):
            return state
        twice = self._multiplier(np.square, t, later)
        moved = self._times(once, m)
        out = [m, first + moved, second + 2.0 * self._times(once, first) + self._times(twice, m)]
        for theta, v in zip(arguments, tilted, strict=True):
            slope = -theta / self.protocol.temperature
            out.append(self._times(self._multiplier(lambda d, slope=slope: _exponential(slope * d), t, later), v))  # type: ignore[misc]
        return out

    def _multiplier(self, function: Callable[[Array], Array], t: float, later: float) -> list[Array]:
        """Averages over the cells of a function of the change of U, and of it times the place in the cell."""
        return cell_averages(lambda *points: function(self.protocol.change(points, t, later)), self.system.grid)

    def _times(self, multiplier: list[Array], v: Array) -> Array:
        """The product's mass in every cell, to fourth order in the width of the cells."""
        whole, *sides = multiplier
        return np.asarray(whole * v + sum(s * lean for s, lean in zip(sides, leans(v, self.system.grid), strict=True)))

    def _relaxed(self, v: Array, t: float, dt: float) -> Array:
        if not np.any(v):
            return v
        count = 1
        if self.stepper.limited:
            count = int(np.ceil(dt / self.stepper.largest_step(self.system, t + 0.5 * dt)))
        return self.stepper.march(self.system, v, t, dt / count, count).masses


def exact_split(problem: FokkerPlanck, grid: Grid, groups: list[Array]) -> float:
    """<exp(-W/T)> from equilibrium: switch, then relax with the operator that leaves the new Boltzmann weights fixed.

    The weights of every instant stay exactly proportional to exp(-U/T) times the volumes, at any step: the sum is the
    ratio of the grid's partition functions, to rounding.
    """
    protocol, system = Protocol(problem), Discretisation(problem, grid, ScharfetterGummel())
    places = centres(grid)
    times = np.concatenate(groups)
    energy = np.broadcast_to(protocol.energy(places, float(times[0])), grid.shape)
    weights = np.exp(-(energy - np.min(energy)) / protocol.temperature) * grid.volumes
    g, scale = weights / np.sum(weights), 0.0
    for t, later in itertools.pairwise(times.tolist()):
        new = np.broadcast_to(protocol.energy(places, later), grid.shape)
        exponent = -(new - energy) / protocol.temperature
        shift = float(np.max(exponent[g > 0.0]))
        g, energy, scale = g * np.exp(np.minimum(exponent - shift, 0.0)), new, scale + shift
        g = system.at(later).solve(later - t, g)
    return float(np.sum(g)) * float(np.exp(scale))


def _exponential(values: Array) -> Array:
    if np.max(values) > _LARGEST:
        raise InputError(
            "theta", "exp(-theta W/T) of a single step is too large for a float; take more steps, or theta nearer to 0"
        )
    return np.exp(values)
