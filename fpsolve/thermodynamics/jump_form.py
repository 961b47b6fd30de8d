"""Thermodynamics of the jump process that a two-point flux is: balances that close to rounding, on any grid.

With rates w across a face that obey local detailed balance, ln(w / w_reverse) = F d / T + ln(v_right / v_left), the
entropy production rate in the form of Schnakenberg, the sum over faces of J ln(w m_left / w_reverse m_right), is that
of the system plus that of the bath, whatever the width of the cells.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.fluxes import TwoPointFlux
from fpsolve.generator.jumps import jumps_of
from fpsolve.grids import Array
from fpsolve.settings import InputError
from fpsolve.solution.plans import centres
from fpsolve.thermodynamics.energies import Energies


@dataclasses.dataclass(frozen=True)
class JumpRates:
    """Rates of entropy of a jump process, 1/s.

    Parameters
    ----------
    total : float
        Schnakenberg's sum of J ln(w m / w' m') over the faces; infinite where mass can flow into an empty cell.
    system, bath : float
        Of the system, and of the bath: the sum of J F d / T.
    gross : float
        Sum of the moduli of all terms: what rounding is to be measured with.
    power : float
        Work of the driving part of the force per time.
    """

    total: float
    system: float
    bath: float
    gross: float
    power: float


def has_jump_form(system: Discretisation) -> str:
    """Why a discretisation has no jump form; empty if it has one."""
    if not (isinstance(system.flux, TwoPointFlux) and system.flux.local_detailed_balance):
        return f"the flux {system.flux.kind} claims no local detailed balance; choose scharfetter-gummel"
    if not system.problem.uniform_temperature:
        return "the temperature depends on the place"
    return "" if callable(system.problem.temperature) or system.problem.temperature > 0.0 else "T = 0 has no entropy"


def jump_rates(system: Discretisation, energies: Energies, masses: Array, t: float) -> JumpRates:
    """Rates of entropy production on the grid.

    Parameters
    ----------
    system : Discretisation
        With a two-point flux in local detailed balance.
    energies : Energies
        Of the same problem and grid.
    masses : array of the grid's shape
        Nonnegative; rounding below zero counts as zero.
    t : float
        Time, s.

    Raises
    ------
    InputError
        A flux that makes no such claim.
    """
    why, jumps = has_jump_form(system), jumps_of(system.at(t))
    if why or jumps is None:
        raise InputError("flux", why or "its rates are no jump process")
    problem, grid = system.problem, system.grid
    temperature, m = problem.temperature_at(t), np.maximum(masses, 0.0)
    pulls = problem.force.links(grid, t)
    drives = None if energies.driving is None else energies.driving.links(grid, t)
    total = own = bath = gross = power = 0.0
    for axis, axis_grid in enumerate(grid.axes):
        inner = slice(1, None) if axis_grid.periodic else slice(1, -1)
        rows, volumes = (np.moveaxis(part, axis, 0) for part in (m, np.broadcast_to(grid.volumes, grid.shape)))
        left, right = (rows, np.roll(rows, -1, 0)) if axis_grid.periodic else (rows[:-1], rows[1:])
        before, after = (volumes, np.roll(volumes, -1, 0)) if axis_grid.periodic else (volumes[:-1], volumes[1:])
        ahead, back = (np.moveaxis(r[axis], axis, 0)[inner] for r in (jumps.forward, jumps.backward))
        distance = (axis_grid.gaps[0] + axis_grid.gaps[1])[inner].reshape(-1, *[1] * (grid.dimension - 1))
        a, b = ahead * left, back * right
        current = a - b
        parts = (
            _times(current, a, b),
            _times(current, left / before, right / after),
            current * np.moveaxis(np.asarray(pulls[axis]), axis, 0)[inner] * distance / temperature,
        )
        total, own, bath = (
            so_far + float(np.sum(part)) for so_far, part in zip((total, own, bath), parts, strict=True)
        )  # fmt: skip
        gross += sum(float(np.sum(np.abs(part))) for part in parts)
        if drives is not None:
            power += float(np.sum(current * np.moveaxis(np.asarray(drives[axis]), axis, 0)[inner] * distance))
    return JumpRates(total, own, bath, gross, power)


def _times(current: Array, one: Array, other: Array) -> Array:
    """The current times ln(one / other); zero where nothing flows, between empty cells among them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(current == 0.0, 0.0, current * (np.log(one) - np.log(other)))


class JumpAccount:
    """The balances of every single step.

    Work is the sum of (U_{n+1} - U_n) m_n, heat that of U_{n+1} (m_{n+1} - m_n): switch, then relax. Where the step is
    one of backward Euler, the change of the system's entropy minus heat over temperature is dt times Schnakenberg's
    rate at the end plus D(m_n || m_{n+1}): never negative.

    Parameters
    ----------
    energies : Energies
    system : Discretisation
    masses : array
        At the first time.
    t : float
        The first time, s.
    """

    def __init__(self, energies: Energies, system: Discretisation, masses: Array, t: float) -> None:
        self.energies, self.system = energies, system
        self._time, self._masses, self._levels = t, masses, self._potential(t)
        #: totals by name, and the largest residual of a step so far
        self.totals = dict.fromkeys(("work", "heat", "system", "bath", "dissipated", "relative"), 0.0)
        self.first_law = self.step_balance = 0.0
        self.rates = jump_rates(system, energies, masses, t)

    def __call__(self, t: float, masses: Array) -> None:
        """Take the end of a step."""
        dt, levels, before, totals = t - self._time, self._potential(t), self._masses, self.totals
        temperature = self.system.problem.temperature_at(t)
        self.rates = jump_rates(self.system, self.energies, masses, t)
        change = masses - before
        work, heat = float(np.sum((levels - self._levels) * before)), float(np.sum(levels * change))
        stored = float(np.sum(levels * masses)) - float(np.sum(self._levels * before))
        self.first_law = max(self.first_law, abs(stored - work - heat))
        driven = dt * self.rates.power
        own = grid_entropy(masses, self.system) - grid_entropy(before, self.system)
        bath = (driven - heat) / temperature
        dissipated, relative = dt * self.rates.total, relative_entropy(before, masses)
        self.step_balance = max(self.step_balance, abs(own + bath - dissipated - relative))
        for name, value in zip(totals, (work + driven, heat - driven, own, bath, dissipated, relative), strict=True):
            totals[name] += value
        self._time, self._masses, self._levels = t, masses, levels

    @property
    def energy(self) -> float:
        """Sum of U m."""
        return float(np.sum(self._levels * self._masses))

    def _potential(self, t: float) -> Array:
        """U at the centres, which the links of a force with a potential join."""
        stored = self.energies.stored
        if stored is None:
            return np.zeros(self.system.grid.shape)
        found = stored.potential(centres(self.system.grid), t)
        return np.broadcast_to(np.asarray(found, float), self.system.grid.shape)


def grid_entropy(masses: Array, system: Discretisation) -> float:
    """- sum of m ln(m / v), nats; empty cells have none."""
    heavy = masses > 0.0
    volumes = np.broadcast_to(system.grid.volumes, masses.shape)
    return -float(np.sum(masses[heavy] * np.log(masses[heavy] / volumes[heavy])))


def relative_entropy(masses: Array, other: Array) -> float:
    """D(m || m'), nats; infinite where m' has no mass and m has."""
    heavy = masses > 0.0
    if np.any(other[heavy] <= 0.0):
        return float("inf")
    before, after = masses[heavy], other[heavy]
    change = after - before
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = change / before
        # between neighbours in time m ln(m/m') has lost its digits when it is summed; these terms are nonnegative
        terms = np.where(ratio < 1.0, change - before * np.log1p(ratio), change - before * np.log(after / before))
    return float(np.sum(terms)) - float(np.sum(change))
