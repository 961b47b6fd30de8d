"""What passes between a system, the source of work and the bath during a run, told step by step."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.grids import Array
from fpsolve.thermodynamics.energies import Energies, moments

#: nodes of the two-point Gauss rule, exact for the products of quadratics and slopes
_NODES = 0.5 + np.array([-0.5, 0.5]) / np.sqrt(3.0)

Rates = Callable[[Array, float], dict[str, float]]


@dataclasses.dataclass(frozen=True)
class _Point:
    """What is needed of one instant."""

    t: float
    moments: Array
    levels: Array
    temperature: float
    rates: dict[str, float]


class Account:
    """Running totals of work, heat and whatever has a rate, of a run that tells every step.

    Between the ends of two neighbouring steps density, potential and rates are quadratic in time. Work is the integral
    of E[dU/dt], heat that of U against the change of the density: together they are the change of E[U] to rounding,
    and a potential that jumps between two steps does the work that it does.

    Parameters
    ----------
    energies : Energies
    system : Discretisation
    masses : array
        At the first time.
    t : float
        The first time, s.
    rates : callable, optional
        ``(masses, t)`` -> further rates by name, whose integrals are wanted.
    """

    def __init__(
        self, energies: Energies, system: Discretisation, masses: Array, t: float, rates: Rates | None = None
    ) -> None:
        self.energies, self.system, self._rates = energies, system, rates
        self._points = [self._point(masses, t)]
        self._before: _Point | None = None
        self._totals: dict[str, float] = {}

    def __call__(self, t: float, masses: Array) -> None:
        """Take the end of a step."""
        self._points.append(self._point(masses, t))
        if len(self._points) == 3:
            add(self._totals, exchanged(self._points, self._points[0].t, self.energies.steady))
            self._before, self._points = self._points[1], self._points[2:]

    @property
    def totals(self) -> dict[str, float]:
        """``work``, ``heat``, ``bath_entropy`` and the integrals of the rates up to the last step."""
        found = dict(self._totals)
        if len(self._points) == 2:  # half of a pair: with the step before it, where there is one
            before = [] if self._before is None else [self._before]
            add(found, exchanged([*before, *self._points], self._points[0].t, self.energies.steady))
        return found or exchanged([self._points[0]] * 2, self._points[0].t, True)

    def _point(self, masses: Array, t: float) -> _Point:
        energies, problem = self.energies, self.energies.problem
        operator = self.system.at(t)
        uniform = problem.uniform_temperature
        temperature = problem.temperature_at(t) if uniform else np.nan
        power = energies.power(operator, masses, t)
        with np.errstate(divide="ignore", invalid="ignore"):
            rates = {"power": power, "warming": float(np.divide(power, temperature)) if power else 0.0}
        if not uniform:
            rates["warming"] = energies.warming(operator, masses, t)
        rates |= self._rates(masses, t) if self._rates is not None else {}
        return _Point(t, moments(masses, self.system.grid), energies.levels(t), temperature, rates)


def exchanged(points: list[_Point], begin: float, steady: bool) -> dict[str, float]:
    """Work, heat, entropy of the bath and integrals of rates from a time to the last of two or three points."""
    times = np.array([point.t for point in points])
    weights, slopes = _interpolation(times, begin)
    last, first = points[-1], next(point for point in points if point.t == begin)
    if steady:
        energy = np.zeros((len(points), len(points)))
        found = {"work": 0.0, "heat": float(np.sum(last.levels * (last.moments - first.moments)))}
        kept = np.array([np.sum(last.levels * point.moments) for point in points])
        energy = np.broadcast_to(kept, energy.shape)
    else:
        energy = np.array([[np.sum(one.levels * other.moments) for other in points] for one in points])
        found = {"work": float(np.sum(slopes.T * energy)), "heat": float(np.sum(slopes * energy))}
    temperatures = np.array([point.temperature for point in points])
    with np.errstate(divide="ignore", invalid="ignore"):
        bath = -np.sum(slopes * energy / temperatures[:, None]) if np.all(temperatures == temperatures) else 0.0
    integrals = {name: float(weights @ [point.rates[name] for point in points]) for name in points[0].rates}
    power, warming = integrals.pop("power"), integrals.pop("warming")
    found |= {"work": found["work"] + power, "heat": found["heat"] - power}
    return found | {"bath_entropy": float(bath) + warming} | integrals


def _interpolation(times: Array, begin: float) -> tuple[Array, Array]:
    """Integrals from ``begin`` to the last time of the polynomials of Lagrange l_i, and of l_i dl_j/dt."""
    n, end = times.size, times[-1]
    weights, slopes = np.zeros(n), np.zeros((n, n))
    if end == begin:
        return weights, slopes
    matrix = np.linalg.inv(np.vander((times - begin) / (end - begin), increasing=True))
    for node in _NODES:
        powers = node ** np.arange(n)
        rising = np.arange(n) * node ** np.maximum(np.arange(n) - 1, 0)
        value, slope = powers @ matrix, rising @ matrix
        weights += 0.5 * (end - begin) * value
        slopes += 0.5 * np.outer(value, slope)
    return weights, slopes


def add(totals: dict[str, float], more: dict[str, float]) -> None:
    """Add numbers by name."""
    for name, value in more.items():
        totals[name] = totals.get(name, 0.0) + value
