"""The books of one level of a run: every number of an instant, and the totals since the start."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.grids import Array, Grid
from fpsolve.solution.gauges import cell_averages, face_values, observed, resolved
from fpsolve.solution.gauges import moments as position_moments
from fpsolve.thermodynamics.accounts import Account
from fpsolve.thermodynamics.energies import Energies, entropy_rate, link_lengths, moments, system_entropy
from fpsolve.thermodynamics.flows import Flow, Flows

#: step of the difference that makes dU/dt, as a part of the time between two stored ones
_STEP = 1e-3
#: the same for the slope of an observable, in units of the narrowest cell
_SLOPE = 1e-2
#: density, relative to its maximum, below which rounding is all there is
_FAINT = 1e-14
#: rates of a Flow by the names of their series
RATES = {
    "entropy_production_rate": "entropy_production",
    "excess_rate": "excess",
    "coupling_rate": "coupling",
    "housekeeping_rate": "housekeeping",
    "dissipation_rate": "dissipation",
    "v2": "speed",
    "fisher_information": "fisher_information",
}
#: totals -> the function of a Flow that they are the integrals of
INTEGRALS: dict[str, Callable[[Flow], float]] = {
    "excess": lambda flow: flow.excess,
    "coupling": lambda flow: flow.coupling,
    "housekeeping": lambda flow: flow.housekeeping,
    "dissipation": lambda flow: flow.dissipation,
    "action": lambda flow: flow.speed**2,
    "path_length": lambda flow: flow.speed,
}


class Book:
    """What is written down of one level of a run.

    Parameters
    ----------
    problem : FokkerPlanck
    system : Discretisation
        The level's grid and flux.
    reference : Density or PlaneDensity, optional
        What relative entropies are wanted to.
    observables : mapping
        Name -> function of the position, whose speeds are wanted.
    span : (float, float)
        First and last time of the run, s.
    """

    def __init__(
        self, problem: FokkerPlanck, system: Discretisation, reference: Any, span: tuple[float, float],
        observables: Mapping[str, Callable[..., Any]],
    ) -> None:  # fmt: skip
        self.problem, self.system, self.span = problem, system, span
        self.energies, self._flows = Energies(problem, system.grid), Flows(problem, system.grid)
        self._account: Account | None = None
        self._last: tuple[float, Flow] | None = None
        #: why a part of the flow has no value
        self.why = ""
        self._reference = None if reference is None else _logarithms(reference, system)
        self._observables = {name: _weighed(name, r, system.grid) for name, r in observables.items()}

    @property
    def in_plane(self) -> bool:
        """There a flow costs too much to be asked for at every step: the stored times must do."""
        return self.system.grid.dimension == 2

    @property
    def dear(self) -> bool:
        """Whether a flow costs so much that even of the stored times only some ask for it."""
        return self.in_plane and self.energies.driving is not None

    def open(self, masses: Array, t: float) -> Account:
        """The account that must be told every step."""
        rates = None if self.in_plane else self._integrands
        self._account = Account(self.energies, self.system, masses, t, rates)
        return self._account

    def _flow(self, masses: Array, t: float) -> Flow:
        if self._last is None or self._last[0] != t:
            self._last = t, self._flows(self.system, masses, t)
        return self._last[1]

    def _integrands(self, masses: Array, t: float) -> dict[str, float]:
        flow = self._flow(masses, t)
        return {name: function(flow) for name, function in INTEGRALS.items()}

    def read(self, masses: Array, t: float, flowing: bool = True) -> dict[str, float]:
        """All numbers at a stored time; those of the flow are nan where it is not asked for."""
        assert self._account is not None
        grid, operator, energies = self.system.grid, self.system.at(t), self.energies
        held = moments(masses, grid)
        flow = self._flow(masses, t) if flowing else None
        numbers = {name: np.nan if flow is None else getattr(flow, key) for name, key in RATES.items()}
        if flow is not None:
            self.why = flow.why
        if not self.in_plane and flow is not None:
            numbers["v1"] = flow.mean_speed
        numbers |= self._account.totals
        numbers |= {"energy": float(np.sum(energies.levels(t) * held)), "system_entropy": system_entropy(masses, grid)}
        rates = np.empty(grid.shape)
        operator.rates(masses, rates)
        currents, place = operator.currents(masses), position_moments(masses, grid)
        heating = -energies.against(currents, self.problem.force, t)
        if self.problem.uniform_temperature:
            warming = -heating / self.problem.temperature_at(t)
        else:
            warming = energies.warming(operator, masses, t)
        numbers |= {
            "heat_rate": heating,
            "work_rate": self._pushing(held, t) + energies.power(operator, masses, t),
            "bath_entropy_rate": warming,
            "system_entropy_rate": entropy_rate(masses, rates, grid),
        }
        if not resolved(operator):
            numbers |= dict.fromkeys(("bath_entropy_rate", "heat_rate"), np.nan)
        numbers |= place | self._moving(currents, place)
        if flow is not None and not self.in_plane:
            numbers["projection"] = self._projected(currents[0], masses, rates)
        for name, (average, steepness) in self._observables.items():
            moving = float(np.sum(average * moments(rates, grid)))
            spread = float(np.sum(steepness * held))
            numbers[f"speed_{name}"] = abs(moving) / np.sqrt(spread) if spread > 0.0 else np.nan
        if self._reference is not None:
            numbers["divergence_from_reference"] = -numbers["system_entropy"] - float(np.sum(self._reference * held))
        return numbers

    def _projected(self, current: Array, masses: Array, rates: Array) -> float:
        """d/dt E[phi] of the optimal observable, whose slope is the velocity that moves the density (75), (76)."""
        grid = self.system.grid
        density = np.maximum(face_values(masses / grid.widths, grid, 0), _FAINT * float(np.max(masses / grid.widths)))
        velocity = current / density
        distance = grid.axis.gaps[0] + grid.axis.gaps[1]
        if grid.axis.periodic:  # without the part c / P that moves nothing, so that it is a slope around the ring
            weight = distance[1:]
            velocity = velocity - np.sum(velocity[1:] * weight) / np.sum(weight / density[1:]) / density
        potential = np.concatenate([[0.0], np.cumsum((velocity * distance)[1:-1])])
        return float(np.sum(potential * rates))

    def _pushing(self, held: Array, t: float) -> float:
        """E[dU/dt], by a difference that does not look beyond the run."""
        if self.energies.steady:
            return 0.0
        begin, end = self.span
        step = _STEP * (end - begin)
        middle = min(max(t, begin + step), end - step)
        ahead, here, behind = (np.sum(self.energies.levels(middle + k * step) * held) for k in (1, 0, -1))
        first, second = (ahead - behind) / (2.0 * step), (ahead - 2.0 * here + behind) / step**2
        return float(first + second * (t - middle))

    def _moving(self, currents: tuple[Array, ...], place: dict[str, float]) -> dict[str, float]:
        """Second moment about the origin, and the rates of mean and second moment, of the whole motion (73)."""
        grid = self.system.grid
        rates, turning = [], 0.0
        for axis, (current, own) in enumerate(zip(currents, grid.axes, strict=True)):
            distance = link_lengths(own)
            across = np.sum(current, axis=1 - axis) if grid.dimension == 2 else current
            rates.append(float(np.sum(across * distance)))
            turning += 2.0 * float(np.sum(across * distance * own.edges))
        names = [""] if grid.dimension == 1 else ["_x", "_y"]
        second = sum(place[f"mean{name}"] ** 2 + place[f"variance{name}"] for name in names)
        numbers = {f"mean_rate{name}": rate for name, rate in zip(names, rates, strict=True)}
        return numbers | {"second_moment": second, "second_moment_rate": turning}


def _weighed(name: str, observable: Callable[..., Any], grid: Grid) -> tuple[Array, Array]:
    """Averages over the cells of an observable r and of |grad r|², each with its tilts."""
    average = observed(name, observable, grid)

    def steepness(*points: Array) -> Array:
        total: Array | float = 0.0
        for axis, own in enumerate(grid.axes):
            step = _SLOPE * float(np.min(own.widths))
            ahead, behind = (
                np.asarray(observable(*points[:axis], points[axis] + sign * step, *points[axis + 1 :]), float)
                for sign in (1.0, -1.0)
            )
            total = total + np.square((ahead - behind) / (2.0 * step))
        return np.asarray(total)

    slopes = [np.broadcast_to(each, grid.shape) for each in cell_averages(steepness, grid)]
    return np.array(average), np.array(slopes)


def _logarithms(reference: Any, system: Discretisation) -> Array:
    """Averages over the cells of ln of a density, and of it times the place in the cell."""
    function = functools.partial(_log_density, reference)
    return np.array([np.broadcast_to(each, system.grid.shape) for each in cell_averages(function, system.grid)])


def _log_density(reference: Any, *points: Array) -> Array:
    return np.asarray(reference.logpdf(*np.broadcast_arrays(*points)), float)
