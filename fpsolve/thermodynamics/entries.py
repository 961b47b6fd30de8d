"""From the numbers of all levels at all stored times to a Dataset with error bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fpsolve.estimates import Estimate
from fpsolve.forces.base import mesh
from fpsolve.grids import Array
from fpsolve.solution.errors import beyond, number_bar, time_bar
from fpsolve.solution.plans import Plan
from fpsolve.thermodynamics.books import INTEGRALS, RATES
from fpsolve.thermodynamics.jump_form import JumpAccount
from fpsolve.thermodynamics.names import described

#: rounding of a number, relative to the largest of its series
_ROUNDING = 3e-11
#: the highest order that differences of levels are trusted with: integrals over cells and time are of fourth order,
#: and where their errors change sign between the levels the differences seem to fall faster
_ORDER = 3
#: times what the levels say: at single instants errors that they share nearly cancel in their differences
_CAUTION = 2.0
#: nats per mass beyond the window: nothing that counts is rarer than exp(-40)
_NATS = 40.0
#: squares of velocities beyond a window in units of that of the force at its rim
_RIM = 4.0
#: degree of the splines in time
_DEGREE = 5
#: rates whose integrals over time are wanted, by the names of the integrals
_RATES = {name: f"{name}_rate" for name in ("excess", "coupling", "housekeeping", "dissipation")}
#: what the mass beyond a window may change: an energy, an entropy, or a rate of it
_ENERGIES = ("energy", "work", "heat", "free_energy")
_ENTROPIES = ("system_entropy", "bath_entropy", "entropy_production", "divergence")


class Entries:
    """Numbers of all levels, taken at one stored time after the other.

    Parameters
    ----------
    plan : Plan
        The run.
    levels : int
        How many of the numbers are those of levels; the rest are clocks, which tell the error in time.
    flows : (k,) array of int
        Which of the stored times know the rates of the flow; the first and the last one among them.
    """

    def __init__(self, plan: Plan, levels: int, flows: NDArray[np.intp]) -> None:
        self.plan, self.levels, self.flows = plan, levels, flows
        self._numbers: list[list[dict[str, float]]] = []
        self._equilibria: list[Estimate] = []
        self._outside: list[tuple[float, float, float]] = []
        self._jumps: list[dict[str, float]] = []

    def take(
        self, numbers: list[dict[str, float]], equilibrium: Estimate, masses: Array, levels: Array, t: float
    ) -> None:
        """The numbers of one time: of every level and clock, ln Z, the finest masses and potential."""
        cut, spread = max(1.0 - float(np.sum(self.plan.start)), 0.0), float(np.ptp(levels))
        lost = 3.0 * beyond(masses, self.plan.grid) if self.plan.problem.domain is None else 0.0
        self._outside.append((cut + lost, spread, self._pull(t) if cut + lost > 0.0 else 0.0))
        self._numbers.append(numbers)
        self._equilibria.append(equilibrium)

    def take_jumps(self, jumps: JumpAccount) -> None:
        """The balances of the jump process at the same time."""
        rates, totals = jumps.rates, jumps.totals
        self._jumps.append(
            {f"grid_{name}": value for name, value in totals.items()}
            | {
                "grid_energy": jumps.energy,
                "grid_entropy_production_rate": rates.total,
                "grid_system_entropy_rate": rates.system,
                "grid_bath_entropy_rate": rates.bath,
                "grid_gross_rate": rates.gross,
                "grid_first_law_residual": jumps.first_law,
                "grid_step_residual": jumps.step_balance,
            }
        )

    def dataset(self, distance: Estimate, why_no_jumps: str, why_no_parts: str) -> xr.Dataset:
        """Everything, with bars, units and long names; reasons for what is missing as attributes."""
        times = self.plan.times
        series = {
            name: np.array([[level[name] for level in row] for row in self._numbers]).T for name in self._numbers[0][0]
        }
        errors = self._integrated(series) if self.plan.grid.dimension == 2 else {}
        errors |= self._filled(series)
        partition = np.array([estimate.value for estimate in self._equilibria])
        self._derive(series, partition)
        bars = {name: self._bars(name, values) + errors.get(name, 0.0) for name, values in series.items()}
        uncertain = np.array([estimate.error for estimate in self._equilibria])
        bars["divergence"] = bars["divergence"] + uncertain
        bars["equilibrium_free_energy"] = bars["equilibrium_free_energy"] + uncertain * self._temperatures()
        found = {name: values[0] for name, values in series.items()}
        for name, rate in (_RATES | {"path_length": "v2", "action": "dissipation_rate"}).items():
            beyond_the_window = self._from_outside(rate, np.abs(found[rate]))
            steps = 0.5 * np.diff(times) * (beyond_the_window[1:] + beyond_the_window[:-1])
            bars[name] = bars[name] + np.concatenate([[0.0], np.cumsum(steps)])
        self._balance(found, bars)
        variables: dict[str, Any] = {}
        for name, values in found.items():
            variables[name] = xr.Variable("time", values, described(name))
            variables[f"{name}_error"] = xr.Variable("time", bars[name], described(f"{name}_error"))
        for name in self._jumps[0] if self._jumps else ():
            variables[name] = xr.Variable("time", np.array([row[name] for row in self._jumps]), described(name))
        variables["W2"] = xr.Variable(
            (), distance.value, described("W2") | ({"why": distance.why} if distance.why else {})
        )
        variables["W2_error"] = xr.Variable((), distance.error, described("W2_error"))
        coordinates = {"time": ("time", times, {"units": "1", "long_name": "time", "standard_name": "time"})}
        notes = {"why_no_equilibrium": self._equilibria[0].why, "why_no_grid_form": why_no_jumps}
        notes["why_no_parts"] = why_no_parts
        attributes = {"Conventions": "CF-1.10", "title": "fpsolve ledger"} | {k: v for k, v in notes.items() if v}
        return xr.Dataset(variables, coordinates, attributes)

    def _pull(self, t: float) -> float:
        """The largest square of the force along the rim of the window, L²/s²."""
        grid, largest = self.plan.grid, 0.0
        for axis, own in enumerate(grid.axes):
            field = self.plan.problem.force.field(mesh(grid, axis, own.edges[[0, -1]]), t)
            largest = max(largest, sum(float(np.max(np.square(component))) for component in field))
        return largest

    def _temperatures(self) -> Array:
        problem = self.plan.problem
        if not problem.uniform_temperature:
            return np.full(self.plan.times.size, np.nan)
        return np.array([problem.temperature_at(float(t)) for t in self.plan.times])

    def _derive(self, series: dict[str, Array], partition: Array) -> None:
        """Sums and differences of what was measured."""
        temperature, entropy = self._temperatures(), series["system_entropy"]
        series["temperature"] = np.broadcast_to(temperature, entropy.shape)
        series["entropy_production"] = entropy - entropy[:, :1] + series["bath_entropy"]
        if not np.any(series["coupling"]) and not np.any(series["housekeeping"]):
            series["excess"] = np.maximum(series["entropy_production"], 0.0)  # all of it; no square is negative
        series["free_energy"] = series["energy"] - temperature * entropy
        series["equilibrium_free_energy"] = np.broadcast_to(-temperature * partition, entropy.shape)
        series["divergence"] = series["energy"] / temperature - entropy + partition

    def _balance(self, found: dict[str, Array], bars: dict[str, Array]) -> None:
        """Take the excess, and the squared speed with it, from the balance of entropy where that knows them better.

        It closes at every step; splines through a few rates do not see a fast relaxation.
        """
        temperature, matrix = self.plan.problem.temperature, self.plan.problem.mobility_matrix
        scale = np.nan if callable(temperature) else temperature * matrix[0, 0]
        if np.any(matrix != matrix[0, 0] * np.eye(matrix.shape[0])):
            scale = np.nan
        for name, factor, parts in (
            ("excess", 1.0, ("coupling", "housekeeping")),
            ("action", scale, ("housekeeping",)),
        ):
            error = factor * (bars["entropy_production"] + sum(bars[part] for part in parts))
            if error[-1] < bars[name][-1]:
                balance = factor * (found["entropy_production"] - sum(found[part] for part in parts))
                found[name] = np.maximum(balance, 0.0)
                bars[name] = error

    def _integrated(self, series: dict[str, Array]) -> dict[str, Array]:
        """Integrals over time by splines through the stored times, and what every second of them leaves open."""
        integrands = {name: series[rate] for name, rate in _RATES.items()}
        integrands |= {"action": series["v2"] ** 2, "path_length": series["v2"]}
        assert integrands.keys() == INTEGRALS.keys()
        bars = {}
        for name, values in integrands.items():
            series[name], gaps = self._through(values, integral=True)
            bars[name] = np.maximum.accumulate(gaps)
        return bars

    def _filled(self, series: dict[str, Array]) -> dict[str, Array]:
        """Rates at the times that did not ask for the flow, by splines through those that did."""
        if self.flows.size == self.plan.times.size:
            return {}
        bars = {}
        for name in RATES:
            values, bars[name] = self._through(series[name], integral=False)
            series[name] = values
        return bars

    def _through(self, values: Array, integral: bool) -> tuple[Array, Array]:
        """Splines through values (levels, times), or their integrals, at all times, and what half the knots leave."""
        times, known = self.plan.times, self.plan.times[self.flows]
        rows = values[:, self.flows]
        fine = _splined(known, rows, times, integral)
        kept = np.union1d(np.arange(0, known.size, 2), [known.size - 1])
        return fine, np.abs(_splined(known[kept], rows[:1][:, kept], times, integral)[0] - fine[0])

    def _bars(self, name: str, values: Array) -> Array:
        """Error bars (times,) of a series given on all levels and clocks."""
        if not self.plan.bars:
            return np.full(values.shape[1], np.nan)
        levels = values[: self.levels]
        floor = _ROUNDING * float(np.max(np.abs(levels[0]), initial=0.0, where=np.isfinite(levels[0])))
        order = min(self.plan.order, _ORDER)
        bars = _CAUTION * np.array([number_bar(column.tolist(), order, floor) for column in levels.T])
        if values.shape[0] > self.levels:
            gaps = np.abs(values[-2] - values[-1])
            bars += np.array([time_bar(float(gap), self.plan.stepper.order) for gap in gaps])
        return bars + self._from_outside(name, np.abs(levels[0]))

    def _from_outside(self, name: str, values: Array) -> Array:
        """What the mass beyond a window may change of a series."""
        lost, spread, pull = np.array(self._outside).T
        temperature = np.where(np.isfinite(self._temperatures()), self._temperatures(), np.inf)
        if name in _ENERGIES:
            return np.maximum.accumulate(lost) * spread
        if name in _ENTROPIES:
            return np.maximum.accumulate(lost) * (_NATS + spread / temperature)
        # out there the density falls as steeply as the force is strong, and the velocity is of its size
        flowing = _RIM * lost * pull
        mobility = float(np.max(np.diag(self.plan.problem.mobility_matrix)))
        if name in ("dissipation_rate", "heat_rate"):
            return flowing * mobility
        if name == "v2":
            flowing = flowing * mobility**2
            return np.minimum(np.sqrt(flowing), np.divide(flowing, values, out=np.sqrt(flowing), where=values > 0.0))
        if name == "fisher_information":
            return flowing / temperature**2
        return flowing * mobility / temperature if name.endswith("_rate") else np.zeros_like(lost)


def _splined(knots: Array, values: Array, times: Array, integral: bool) -> Array:
    """A spline of up to fifth degree through values (levels, knots), or its integral from the first knot, at times."""
    from scipy.interpolate import make_interp_spline

    if not np.all(np.isfinite(values)):
        return np.full((values.shape[0], times.size), np.nan)
    degree = min(_DEGREE, knots.size - 1)
    spline = make_interp_spline(knots, values, k=degree - 1 + degree % 2, axis=1)
    return np.asarray((spline.antiderivative() if integral else spline)(times))
