"""Statistics of the work done along paths: Jarzynski's equality, mean, variance, generating function (47)-(50)."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.fluxes import FourthOrder, ScharfetterGummel
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError
from fpsolve.solution.gauges import cell_averages, leans
from fpsolve.solution.plans import centres
from fpsolve.solution.start import Equilibrium, equilibrium_masses
from fpsolve.steppers import SDIRK4, BackwardEuler
from fpsolve.thermodynamics.energies import Energies, moments, split
from fpsolve.thermodynamics.equilibria import log_partition
from fpsolve.thermodynamics.path_averages.levels import limit
from fpsolve.thermodynamics.path_averages.marching import march
from fpsolve.thermodynamics.path_averages.stage import Stage, as_dataset, counting, staged

#: L1 distance below which a start counts as the equilibrium
_SAME = 1e-8
#: largest part of itself that may be the bar of an average of exponentials
_RESOLVED = 0.3
#: nodes in a step of the polynomial that gives dU/dt
_NODES = np.linspace(0.0, 1.0, 5)
_MEANINGS = {
    "work_mean": ("mean work", "slides 004"),
    "work_variance": ("variance of the work", "slides 004"),
    "jarzynski": ("mean of exp(-W/T) over all paths", "47-50"),
    "free_energy_change": ("change of the free energy of the equilibrium, -T ln Z", "47-50"),
    "exponential_of_free_energy": ("exp(-Delta F/T)", "47-50"),
    "generating_function": ("mean of exp(-theta W/T) over all paths", "47-50"),
}


def work_statistics(
    problem: FokkerPlanck,
    start: Any,
    times: Any,
    *,
    theta: Any = None,
    cells: int | None = None,
    steps: int | None = None,
    grid: Grid | None = None,
) -> xr.Dataset:
    """Mean, variance and generating function of the work W = int dU/dt dt done along a path, and Jarzynski's equality.

    The first two moments solve a hierarchy of equations with the Fokker-Planck operator, the averages of exponentials
    the equation with -theta (dU/dt)/T added (Feynman, Kac). Nothing is sampled.

    Parameters
    ----------
    problem, start, times
        As for :func:`fpsolve.solve`; of the times the first and the last count. The force must have a potential, and T
        must be a number.
    theta : sequence of float, optional
        Where the generating function <exp(-theta W/T)> is wanted.
    cells, steps : int, optional
        Cells along each axis of the finest grid, and time steps; rounded up to multiples of 8.
    grid : Grid, optional
        The finest grid, in place of a window and ``cells``.

    Returns
    -------
    xarray.Dataset
        Scalars with error bars ``<name>_error``: ``work_mean``, ``work_variance``, ``jarzynski`` <exp(-W/T)>,
        ``free_energy_change`` of the equilibrium and ``exponential_of_free_energy``; ``generating_function(theta)``;
        the attribute ``equilibrium_start`` (0 or 1) says whether Jarzynski's equality applies.

    Raises
    ------
    InputError
        A force without a potential, a temperature that depends on time or place, T = 0, absorbing ends.
    """
    thetas = counting(theta)
    stage = _checked(problem, start, times, cells, steps, grid)
    works = [_Works(stage, each, level) for level, each in enumerate(stage.grids())]
    first, second = np.array([work.moments() for work in works]).T
    estimates = {
        "work_mean": limit(first.tolist(), "L²/s"),
        "work_variance": limit((second - first**2).tolist(), "L⁴/s²"),
    }
    curve = [_exponential(works, theta) for theta in thetas.tolist()]
    estimates |= _free_energies(stage) | {"jarzynski": _jarzynski(works)}
    found = as_dataset(estimates, _MEANINGS, (thetas, curve) if thetas.size else None)
    return found.assign_attrs(equilibrium_start=int(works[0].starts_in_equilibrium))


def jarzynski_average(problem: FokkerPlanck, start: Any, times: Any) -> xr.Dataset:
    """Both sides of Jarzynski's equality alone; arguments, result and errors as for :func:`work_statistics`."""
    stage = _checked(problem, start, times, None, None, None)
    works = [_Works(stage, each, level) for level, each in enumerate(stage.grids())]
    found = as_dataset(_free_energies(stage) | {"jarzynski": _jarzynski(works)}, _MEANINGS, None)
    return found.assign_attrs(equilibrium_start=int(works[0].starts_in_equilibrium))


def _checked(problem: Any, start: Any, times: Any, cells: Any, steps: Any, grid: Grid | None) -> Stage:
    """Refuse what has no free energy at one temperature."""
    if isinstance(problem, FokkerPlanck):
        around = problem.domain is not None and "periodic" in problem.domain.boundaries
        if not problem.force.has_potential or split(problem.force, around)[1] is not None:
            raise InputError(
                "force", "it has no potential, so that there is no work of a protocol and no free energy: Jarzynski's "
                "equality does not apply; see entropy_statistics"
            )  # fmt: skip
        if callable(problem.temperature):
            raise InputError("temperature", "it changes in time or place; exp(-W/T) needs one temperature")
    return staged(problem, start, times, cells, steps, True, grid)


def _free_energies(stage: Stage) -> dict[str, Estimate]:
    """Change of the free energy of the equilibrium, and its exponential."""
    problem, temperature = stage.problem, float(stage.problem.temperature_at(0.0))
    box = np.array([[axis.edges[0], axis.edges[-1]] for axis in stage.grid.axes])
    begin, end = (log_partition(problem, float(t), box) for t in stage.times[[0, -1]])
    if not (begin.finite and end.finite):
        why = begin.why or end.why
        return {
            "free_energy_change": Estimate.undefined(why, "L²/s"),
            "exponential_of_free_energy": Estimate.undefined(why),
        }
    value = float(np.exp(end.value - begin.value))
    return {
        "free_energy_change": (begin - end).scaled(temperature, "L²/s"),
        "exponential_of_free_energy": Estimate(value, value * (begin.error + end.error + ROUNDING)),
    }


def _jarzynski(works: list[_Works]) -> Estimate:
    """<exp(-W/T)>: exact on every grid from the equilibrium."""
    if not works[0].starts_in_equilibrium:
        return _exponential(works, 1.0)
    values = [work.switched() for work in works[:2]]
    return Estimate(values[0], 2.0 * abs(values[0] - values[-1]) + 1e-11 * values[0])


def _exponential(works: list[_Works], theta: float) -> Estimate:
    """<exp(-theta W/T)>, where the grid resolves the paths that it is made of."""
    found = limit([work.exponential(theta) for work in works])
    if found.error < _RESOLVED * abs(found.value):
        return found
    return Estimate.undefined(
        f"<exp(-{theta:g} W/T)> is made of rare paths that the grid does not resolve; take more cells and steps, or a "
        "slower protocol"
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _Works:
    """Work on one grid, with steps as long as the grid is coarse."""

    stage: Stage
    grid: Grid
    level: int

    @functools.cached_property
    def energies(self) -> Energies:
        return Energies(self.stage.problem, self.grid)

    @functools.cached_property
    def times(self) -> Array:
        return self.stage.instants(self.level)

    @functools.cached_property
    def begun(self) -> Array:
        return self.stage.masses(self.grid, self.level)

    @functools.cached_property
    def starts_in_equilibrium(self) -> bool:
        if isinstance(self.stage.start, Equilibrium):
            return True
        known = equilibrium_masses(self.stage.problem, self.grid, float(self.times[0]))
        return bool(np.sum(np.abs(known - self.begun)) < _SAME)

    @functools.cached_property
    def accurate(self) -> Discretisation:
        return Discretisation(self.stage.problem, self.grid, FourthOrder())

    def moments(self) -> tuple[float, float]:
        """First and second moment of the work."""
        if self.energies.steady:
            return 0.0, 0.0
        zero = np.zeros_like(self.begun)
        _, first, second = march(SDIRK4(), self.accurate.at, [self.begun, zero, zero], self.times, self._pushed)
        return float(np.sum(first)), float(np.sum(second))

    def _pushed(self, begin: float, dt: float, t: float) -> Any:
        """dm_1/dt has the source dU/dt m_0, dm_2/dt the source 2 dU/dt m_1."""
        rates = self._rates(begin, dt, t)
        return lambda solved, k: k * self._product(rates, solved[k - 1])

    def _rates(self, begin: float, dt: float, t: float) -> Array:
        """What dU/dt weighs the moments of the cells with: that of a polynomial which does not leave the step."""
        slopes = _slopes((t - begin) / dt) / dt
        return np.asarray(sum(w * self._levels(begin + node * dt) for w, node in zip(slopes, _NODES, strict=True)))

    def _levels(self, t: float) -> Array:
        held: dict[float, Array] = self.__dict__.setdefault("_held", {})
        if t not in held:
            if len(held) > 2 * _NODES.size:
                held.pop(next(iter(held)))
            held[t] = self.energies.levels(t)
        return held[t]

    def _product(self, weights: Array, masses: Array) -> Array:
        """Masses of a function times the density, the function given by its averages over the cells and its tilts."""
        return np.asarray(np.sum(weights * moments(masses, self.grid), axis=0))

    def switched(self) -> float:
        """<exp(-W/T)> from the grid's equilibrium: switch, then relax to the new one. Exact on the grid at any step."""
        problem = self.stage.problem
        temperature, points = problem.temperature_at(0.0), centres(self.grid)
        system = Discretisation(problem, self.grid, ScharfetterGummel())

        def potential(t: float) -> Array:
            return np.broadcast_to(np.asarray(problem.force.potential(points, t), float), self.grid.shape)

        level = potential(float(self.times[0]))
        x = np.exp(-(level - np.min(level)) / temperature) * self.grid.volumes
        x = x / np.sum(x)
        for begin, end in zip(self.times[:-1].tolist(), self.times[1:].tolist(), strict=True):
            new = potential(end)
            x = x * np.exp(-(new - level) / temperature)
            x = BackwardEuler().step(system, x, begin, end - begin).masses
            level = new
        return float(np.sum(x))

    def exponential(self, theta: float) -> float:
        """<exp(-theta W/T)> by symmetric splitting, with steps and half as many extrapolated to fourth order."""
        if self.energies.steady:
            return 1.0
        fine, coarse = self._split(theta, self.times), self._split(theta, self.times[::2])
        return (4.0 * fine - coarse) / 3.0

    def _split(self, theta: float, times: Array) -> float:
        x = self.begun
        for begin, end in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
            middle = 0.5 * (begin + end)
            x = self._tilted(theta, begin, middle, x)
            (x,) = march(SDIRK4(), self.accurate.at, [x], np.array([begin, end]))
            x = self._tilted(theta, middle, end, x)
        return float(np.sum(x))

    def _tilted(self, theta: float, begin: float, end: float, masses: Array) -> Array:
        """exp(-theta (U_end - U_begin)/T) times the density."""
        problem = self.stage.problem
        temperature = problem.temperature_at(0.0)

        def factor(*points: Array) -> Array:
            first, last = (np.asarray(problem.force.potential(points, t), float) for t in (begin, end))
            return np.exp(-theta * (last - first) / temperature)

        weights = [np.broadcast_to(each, self.grid.shape) for each in cell_averages(factor, self.grid)]
        rises = leans(masses, self.grid)
        return np.asarray(weights[0] * masses + sum(w * r for w, r in zip(weights[1:], rises, strict=True)))


@functools.lru_cache(maxsize=64)
def _slopes(place: float) -> Array:
    """Derivatives at a place of the polynomials of Lagrange through the nodes of a step."""
    powers = np.arange(_NODES.size)
    rising = powers * place ** np.maximum(powers - 1, 0)
    return np.asarray(rising @ np.linalg.inv(np.vander(_NODES, increasing=True)))
