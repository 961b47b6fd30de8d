"""Marching masses through time: equal steps or error control, on one grid and on coarser companions for error bars."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.grids import Array
from fpsolve.settings import InputError
from fpsolve.steppers import Advance, GridStepper

#: the smallest step, as a part of the whole duration
_SMALLEST = 1e-13
#: the first pair of steps changes the masses by about this part
_FIRST_CHANGE = 0.05
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 4.0
#: steps in one interval after which the error control gives up: of implicit steppers, of those with a longest step
_MOST_STEPS = {False: 200_000, True: 10_000_000}

Report = Callable[[float], None]


class NotConverged(RuntimeError):  # noqa: N818
    """The error control asks for steps that are too small to go on."""


@dataclasses.dataclass(frozen=True)
class Control:
    """How the steps are chosen.

    Parameters
    ----------
    rtol, atol : float
        The estimated L1 error of a pair of steps stays below ``atol + rtol`` times the mass.
    steps : int, optional
        Equal steps per interval in place of the error control.
    substep : bool
        Whether equal steps that an explicit stepper cannot take are divided; they are refused otherwise.
    """

    rtol: float = 1e-6
    atol: float = 1e-9
    steps: int | None = None
    substep: bool = False


@dataclasses.dataclass
class Level:
    """The masses on one grid, and what has flowed out.

    Parameters
    ----------
    system : Discretisation
    masses, outflow : arrays
    account : callable, optional
        Told time and masses after every single step.
    """

    system: Discretisation
    masses: Array
    outflow: Array
    account: Callable[[float, Array], None] | None = None


@dataclasses.dataclass
class March:
    """A run on a fine grid that coarser ones follow with longer steps.

    Parameters
    ----------
    stepper : GridStepper
    levels : list of Level
        The finest first; level k takes 2^k steps of the finest as one, where the stepper can.
    clocks : list of Level
        None, or two on one coarse grid: the first takes the steps of the finest level, the second halves of them. Their
        difference is the error in time of a stepper whose longest step is too short for the levels to show it.
    control : Control
    begin, end : float
        Of the whole run, s.
    report : callable, optional
        Told the time that has been reached.
    """

    stepper: GridStepper
    levels: list[Level]
    control: Control
    begin: float
    end: float
    report: Report | None = None
    clocks: list[Level] = dataclasses.field(default_factory=list)
    step: float = 0.0
    taken: int = 0
    rejected: int = 0

    def advance(self, begin: float, end: float) -> None:
        """Go from one time to a later one."""
        fine = self.levels[0]
        if self.control.steps is None:
            steps = self._controlled(fine, begin, end)
        else:
            steps = self._equal(fine, begin, end, self.control.steps)
        self.taken += len(steps)
        for k, level in enumerate(self.levels[1:], 1):
            self._follow(level, begin, merged(steps, 2**k))
        for parts, level in enumerate(self.clocks, 1):
            self._follow(level, begin, [dt / parts for dt in steps for _ in range(parts)])

    def check(self, times: Array) -> None:
        """Refuse, before any step is taken, a stepper that cannot do the problem and equal steps that are too long."""
        if self.stepper.takes == "none":
            last = self.levels[-1]
            self.stepper.step(last.system, last.masses, float(times[0]), float(times[1] - times[0]))
        if self.control.steps is None or not self.stepper.limited:
            return
        for begin, end in itertools.pairwise(times.tolist()):
            self._allowed(self.levels[0].system, begin, end, self.control.steps)
            if self.levels[0].system.steady and np.ptp(np.diff(times)) <= 1e-12 * (end - begin):
                return

    def _equal(self, level: Level, begin: float, end: float, count: int) -> list[float]:
        count = self._allowed(level.system, begin, end, count)
        dt = (end - begin) / count
        self._march(level, begin, dt, count)
        self._tell(end)
        return [dt] * count

    def _allowed(self, system: Discretisation, begin: float, end: float, count: int) -> int:
        """The number of equal steps, enlarged or refused where an explicit stepper cannot take them."""
        limit = self._limit(system, begin, end)
        needed = math.ceil((end - begin) / limit * (1.0 - 1e-12)) if limit < math.inf else 1
        if needed <= count:
            return count
        if not self.control.substep:
            raise InputError(
                "steps", f"given {count} between {begin:g} and {end:g}, a step of {(end - begin) / count:.3g}; "
                f"{self.stepper.kind} is stable up to {limit:.3g} here ({needed} steps): give more, set substep=True, "
                "or choose an implicit stepper"
            )  # fmt: skip
        return -(-needed // count) * count

    def _limit(self, system: Discretisation, begin: float, end: float) -> float:
        times = [begin] if system.steady else [begin, 0.5 * (begin + end), end]
        limit = min(self.stepper.largest_step(system, t) for t in times)
        if limit <= _SMALLEST * (self.end - self.begin):
            raise InputError(
                "stepper", f"{self.stepper.kind} is unstable for {system.flux.kind} here at any step; choose a "
                "positive flux, or ssp-rk3, or an implicit stepper"
            )  # fmt: skip
        return limit

    def _follow(self, level: Level, begin: float, steps: list[float]) -> None:
        t = begin
        for dt, count in runs(steps):
            limit = self._limit(level.system, t, t + dt)
            parts = max(1, math.ceil(dt / limit * (1.0 - 1e-12))) if limit < math.inf else 1
            self._march(level, t, dt / parts, parts * count)
            t += dt * count

    def _controlled(self, level: Level, begin: float, end: float) -> list[float]:
        """Pairs of equal steps, each pair small enough."""
        taken: list[float] = []
        t = begin
        pair = self.step or self._first(level, begin, end)
        most = _MOST_STEPS[self.stepper.limited]
        while t < end:
            if len(taken) > most:
                raise NotConverged(
                    f"at t = {t:g}, after {most} steps, the end at {end:g} is out of reach; enlarge rtol, or choose "
                    "another scheme"
                )
            rest = end - t
            last = pair >= rest * (1.0 - 1e-9)
            pair_now = rest if last else min(pair, 0.5 * rest if pair > 0.6 * rest else pair)
            limit = 2.0 * self._limit(level.system, t, t + min(pair_now, rest))
            if pair_now > limit:
                pair_now, last = limit, False
            done, error = self._pair(level, t, pair_now)
            allowed = self.control.atol + self.control.rtol * float(np.sum(np.abs(level.masses)))
            factor = _SAFETY * (allowed / error) ** (1.0 / self.stepper.error_order) if error > 0.0 else _GROW
            if not error <= allowed:
                self.rejected += 1
                pair = pair_now * (max(factor, _SHRINK) if math.isfinite(error) else _SHRINK)
                if pair < _SMALLEST * (self.end - self.begin):
                    raise NotConverged(
                        f"at t = {t:g} the steps fall below {pair:.1g}; enlarge rtol, or choose another scheme"
                    )
                continue
            for k, one in enumerate(done, 1):
                self._take(level, one, t + 0.5 * k * pair_now)
            taken += [0.5 * pair_now] * 2
            t = end if last else t + pair_now
            # a step cut short by the end of the interval says little about the next one
            grown = pair_now * min(max(factor, _SHRINK), _GROW)
            pair = max(grown, pair) if last else grown
            self._tell(t)
        self.step = pair
        return taken

    def _pair(self, level: Level, t: float, pair: float) -> tuple[list[Advance], float]:
        """Two steps of half the size, and the estimated error of both."""
        half, system = 0.5 * pair, level.system
        first = self.stepper.step(system, level.masses, t, half)
        second = self.stepper.step(system, first.masses, t + half, half)
        if self.stepper.estimates:
            error = max(first.error, second.error)
        else:
            whole = self.stepper.step(system, level.masses, t, pair)
            gap = float(np.sum(np.abs(whole.masses - second.masses)))
            error = gap / (2.0**self.stepper.order - 1.0)
        if not math.isfinite(float(np.sum(second.masses))):
            error = math.inf
        return [first, second], error

    def _first(self, level: Level, begin: float, end: float) -> float:
        """A first pair of steps, from the rate of change of the masses."""
        rates = np.empty_like(level.masses)
        # just after the beginning, where coefficients may not exist
        level.system.at(begin + 1e-6 * (end - begin)).rates(level.masses, rates)
        speed = float(np.sum(np.abs(rates))) / max(float(np.sum(np.abs(level.masses))), 1e-300)
        return min(end - begin, _FIRST_CHANGE / speed) if speed > 0.0 else end - begin

    def _march(self, level: Level, begin: float, dt: float, count: int) -> None:
        """Equal steps; one by one where each is told."""
        if level.account is None:
            self._take(level, self.stepper.march(level.system, level.masses, begin, dt, count), begin + count * dt)
            return
        for k in range(count):
            one = self.stepper.step(level.system, level.masses, begin + k * dt, dt)
            self._take(level, one, begin + (k + 1) * dt)

    @staticmethod
    def _take(level: Level, done: Advance, t: float) -> None:
        level.masses = done.masses
        level.outflow = level.outflow + done.outflow
        if level.account is not None:
            level.account(t, level.masses)

    def _tell(self, t: float) -> None:
        if self.report is not None:
            self.report(t)

    @property
    def _all(self) -> list[Level]:
        return [*self.levels, *self.clocks]

    def state(self) -> dict[str, Any]:
        """All that a later run needs to go on from here, bit for bit."""
        arrays = {f"masses_{k}": level.masses for k, level in enumerate(self._all)}
        arrays |= {f"outflow_{k}": level.outflow for k, level in enumerate(self._all)}
        return arrays | {"step": np.array(self.step), "taken": np.array([self.taken, self.rejected])}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        for k, level in enumerate(self._all):
            level.masses, level.outflow = np.array(state[f"masses_{k}"]), np.array(state[f"outflow_{k}"])
        self.step = float(state["step"])
        self.taken, self.rejected = (int(number) for number in state["taken"])


def merged(steps: Sequence[float], group: int) -> list[float]:
    """Sums of ``group`` consecutive steps."""
    return [math.fsum(steps[i : i + group]) for i in range(0, len(steps), group)]


def runs(steps: Sequence[float]) -> list[tuple[float, int]]:
    """Equal consecutive steps, each with how often it comes."""
    found: list[tuple[float, int]] = []
    for dt in steps:
        if found and found[-1][0] == dt:
            found[-1] = (dt, found[-1][1] + 1)
        else:
            found.append((dt, 1))
    return found


def coarsened(masses: Array) -> Array:
    """Masses on the grid of every second edge."""
    for axis in range(masses.ndim):
        masses = np.add.reduceat(masses, np.arange(0, masses.shape[axis], 2), axis=axis)
    return masses
