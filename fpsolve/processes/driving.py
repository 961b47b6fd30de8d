"""The force that makes a Fokker-Planck equation follow a given process.

At temperature T and with mobility M the current M (F P - T grad P) is nu P where

    F_t = nu_t / M + T d ln P_t / dx = -dU_t / dx,    U_t = -(1 / M) int nu_t dx - T ln P_t,

so one process is driven by another force at every temperature.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from fpsolve.densities.panels import DEGREE, GAUSS_NODES, GAUSS_WEIGHTS, legendre_coefficients
from fpsolve.forces.base import FunctionForce, Points
from fpsolve.kernels.convolution import legendre_points
from fpsolve.mesh import marched
from fpsolve.processes.base import Process, distinct
from fpsolve.processes.plane.base import FlowingProcess
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, number

#: how many instants are kept: the stages of a step, on every grid that takes them
_KEPT = 64
#: Legendre coefficients -> those of the derivative, and of the integral from the left end
_UNIT = np.eye(DEGREE + 1)
_DERIVATIVE = np.polynomial.legendre.legder(_UNIT, axis=1)
_INTEGRAL = np.polynomial.legendre.legint(_UNIT, lbnd=-1, axis=1)
#: the narrowest structure that is followed, in units of the whole
_FINEST = 1e-11
#: the smallest logarithm of a density beside its largest
_DEEPEST = -690.0


@dataclasses.dataclass(frozen=True, eq=False)
class Instant:
    """Log density and velocity of a process at one time, as polynomials on panels.

    Parameters
    ----------
    edges : (n + 1,) array
        Of the panels; beyond them the velocity and the slope of the log density are those at the ends.
    log_density, velocity : (n, d + 1) arrays
        Legendre coefficients, in each panel's own variable.
    """

    edges: Array
    log_density: Array
    velocity: Array

    @classmethod
    def of(cls, process: Process, t: float) -> Instant:
        """What a process is at time t."""
        edges = panels_of(process, t)
        half = 0.5 * np.diff(edges)[:, None]
        x = 0.5 * (edges[1:] + edges[:-1])[:, None] + half * GAUSS_NODES
        log_density, velocity = process.log_flow(t, x.ravel())
        log_density = np.maximum(log_density, np.max(log_density) + _DEEPEST).reshape(x.shape)
        made = cls(edges, legendre_coefficients(log_density), legendre_coefficients(velocity.reshape(x.shape)))
        weight = np.exp(log_density) * half * GAUSS_WEIGHTS
        object.__setattr__(made, "mean", float(np.sum(weight * x) / np.sum(weight)))
        return made

    mean: float = dataclasses.field(init=False, default=0.0)

    def __post_init__(self) -> None:
        width = np.diff(self.edges)[:, None]
        slope = self.log_density @ _DERIVATIVE * (2.0 / width)
        swept = self.velocity @ _INTEGRAL * (0.5 * width)
        swept[1:, 0] += np.cumsum(np.sum(swept, axis=1))[:-1]
        object.__setattr__(self, "_slope", np.ascontiguousarray(slope))
        object.__setattr__(self, "_swept", np.ascontiguousarray(swept))

    def field(self, x: Array, temperature: float, mobility: float) -> Array:
        """Force at points."""
        inside = self._inside(x)
        slope = self._value(self._slope, inside)  # type: ignore[attr-defined]
        return self._value(self.velocity, inside) / mobility + temperature * slope

    def potential(self, x: Array, temperature: float, mobility: float) -> Array:
        """U at points, up to a constant."""
        inside = self._inside(x)
        energy = self._value(self._swept, inside) / mobility  # type: ignore[attr-defined]
        energy += temperature * self._value(self.log_density, inside)
        beyond = np.asarray(x, float) - inside
        if np.any(beyond != 0.0):
            energy = energy + self.field(inside, temperature, mobility) * beyond
        return -energy

    def _inside(self, x: Array) -> Array:
        return np.clip(np.asarray(x, float), self.edges[0], self.edges[-1])

    def _value(self, coefficients: Array, x: Array) -> Array:
        flat = np.ascontiguousarray(x).ravel()
        out = np.empty(flat.size)
        legendre_points(flat, self.edges, coefficients, out)
        return out.reshape(np.shape(x))


def panels_of(process: Process, t: float) -> Array:
    """Edges of panels that follow the structure of P_t as far out as it can be trusted."""
    density = process.structure(t)
    low, high = density.interval(process.faintest)
    inside = np.concatenate([density.breaks(), density.kinks()])
    hard = np.concatenate([[low], np.sort(inside[(inside > low) & (inside < high)]), [high]])
    centres, scales = density.features()
    return marched(distinct(hard), centres, np.maximum(scales, _FINEST * (high - low)))


@dataclasses.dataclass(frozen=True, eq=False)
class DrivingForce(FunctionForce):
    """F_t = nu_t / M + T d ln P_t / dx: at this temperature and mobility the equation follows the process exactly.

    The potential vanishes at the mean of P_t. Before t = 0 and after t = tau the force is that of the nearer end;
    where the density is too small to be trusted the force is that of the last place where it is not.

    Parameters
    ----------
    process : Process
        On the line.
    temperature : float or callable
        T > 0, L²/s with mobility one: a number or ``t -> T``.
    mobility : float
        M > 0.

    Raises
    ------
    InputError
        A temperature or mobility that is not positive and finite.
    """

    process: Process
    temperature: Any
    mobility: float = 1.0
    _timed: ClassVar[bool] = True  # type: ignore[misc]

    def __post_init__(self) -> None:
        if not callable(self.temperature):
            object.__setattr__(self, "temperature", number("temperature", self.temperature, above=0.0))
        object.__setattr__(self, "mobility", number("mobility", self.mobility, above=0.0))
        object.__setattr__(self, "_instants", {})

    @property
    def dimension(self) -> int:
        return 1

    def field(self, points: Points, t: float) -> Points:
        now, temperature = self._now(t)
        return (now.field(points[0], temperature, self.mobility),)

    def potential(self, points: Points, t: float) -> Array:
        now, temperature = self._now(t)
        x = np.asarray(points[0], float)
        both = now.potential(np.append(x.ravel(), now.mean), temperature, self.mobility)
        return (both[:-1] - both[-1]).reshape(x.shape)

    def _now(self, t: float) -> tuple[Instant, float]:
        """The process at the nearest time that it knows, and the temperature there."""
        if not math.isfinite(t):
            raise FloatingPointError(f"the solution has lost its way: asked for the force at t = {t}")
        t = min(max(float(t), 0.0), self.process.tau)
        held: dict[float, Instant] = self._instants  # type: ignore[attr-defined]
        found = held.get(t)
        if found is None:
            found = Instant.of(self.process, t)
            if len(held) >= _KEPT:
                held.pop(next(iter(held)))
            held[t] = found
        return found, self._temperature(t)

    def _temperature(self, t: float) -> float:
        if not callable(self.temperature):
            return float(self.temperature)
        try:
            value = float(self.temperature(t))
        except (TypeError, ValueError) as error:
            raise InputError("temperature", f"its value at t = {t:g} is no number; give a function t -> T") from error
        if not 0.0 < value < math.inf:
            raise InputError("temperature", f"given {value:g} at t = {t:g}; it must be positive and finite")
        return value


@dataclasses.dataclass(frozen=True, eq=False)
class PlaneDrivingForce(FunctionForce):
    """The same in the plane: F_t = nu_t / M + T grad ln P_t, as a field without a potential.

    Parameters
    ----------
    process : FlowingProcess
        One that knows velocity and score at any point.
    temperature, mobility : float
        T > 0, L²/s with mobility one, and M > 0.
    """

    process: FlowingProcess
    temperature: float
    mobility: float = 1.0
    _timed: ClassVar[bool] = True  # type: ignore[misc]

    def __post_init__(self) -> None:
        for name in ("temperature", "mobility"):
            object.__setattr__(self, name, number(name, getattr(self, name), above=0.0))

    @property
    def dimension(self) -> int:
        return 2

    def field(self, points: Points, t: float) -> Points:
        x, y = np.broadcast_arrays(*(np.asarray(p, float) for p in points))
        flow = self.process.flow(min(max(float(t), 0.0), self.process.tau), x.ravel(), y.ravel())
        if flow.score is None:
            raise InputError("process", f"{type(self.process).__name__} knows no score, so no force at T > 0")
        force = flow.velocity / self.mobility + self.temperature * flow.score
        return force[0].reshape(x.shape), force[1].reshape(x.shape)
