"""The exact Gaussian kernel of a linear force (16), (17)."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import ClassVar

import numpy as np
from scipy.special import exprel

from fpsolve.densities import Density, Gaussian, Tabulated, blur
from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.forces import LinearForce
from fpsolve.grids import Array
from fpsolve.settings import InputError
from fpsolve.steppers.base import EXACT, Advance, GridStepper

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
#: least number of panels for coefficients that depend on time, the largest change of ln G in one (a rate such as
#: 1 / (end - t) is a polynomial on short ones only), and the gain below which nothing counts
_PANELS, _TURN, _FORGOTTEN = 16, 0.5, 1e-13
#: width of the grid, scaled by the gain, in units of the noise, below which the start is a point
_POINTLIKE = 1e-6


@dataclasses.dataclass(frozen=True)
class GaussianKernel(GridStepper):
    """x(t + dt) = G x(t) + g + noise of variance V: each step is one convolution, exact in time at any size.

    The cell averages stand for the smooth density that has them (a monotone cubic of the distribution function), on
    the whole line: what leaves the grid is gone, no boundary acts. The force must be linear, the temperature uniform.
    """

    kind: ClassVar[str] = "gaussian-kernel"
    order: ClassVar[int] = EXACT
    conservative: ClassVar[bool] = False
    positive: ClassVar[bool] = True
    stability: ClassVar[str] = "L"
    takes: ClassVar[str] = "none"
    dimensions: ClassVar[tuple[int, ...]] = (1,)
    reference: ClassVar[str] = "H. Risken, The Fokker-Planck Equation, Springer (1989), sec. 5.3"

    def step(self, system: Discretisation, m: Array, t: float, dt: float) -> Advance:
        problem, axis = system.problem, system.grid.axis
        if problem.domain is not None:
            raise InputError("stepper", "gaussian-kernel lives on the whole line; this problem has walls")
        gain, shift, variance = gaussian_transition(problem, t, t + dt)
        mass = float(np.sum(np.maximum(m, 0.0)))
        if mass == 0.0:  # all has left the grid
            return Advance(np.zeros_like(m), np.zeros(2))
        held = Tabulated(axis.edges, np.maximum(m, 0.0) / (mass * axis.widths))
        if gain * axis.length < _POINTLIKE * math.sqrt(variance):  # of the start only mean and variance are left
            spread: Density = Gaussian(gain * held.mean, math.sqrt(variance + gain**2 * held.variance))
        else:
            spread = blur(held, max(gain, _FORGOTTEN), variance)
        return Advance(mass * spread.cell_masses(axis.edges - shift), np.zeros(2))


def gaussian_transition(problem: FokkerPlanck, begin: float, end: float) -> tuple[float, float, float]:
    """Gain, shift and variance of x(end) given x(begin), for a linear force on the line (B3), (B4).

    Raises
    ------
    InputError
        A force that is not linear, a temperature that depends on x, two dimensions.
    """
    force = problem.force
    if not isinstance(force, LinearForce) or problem.dimension != 1 or not problem.uniform_temperature:
        raise InputError("stepper", "gaussian-kernel needs a LinearForce on the line and a uniform temperature")
    mobility = float(problem.mobility_matrix[0, 0])

    def rate(t: float) -> float:
        return mobility * float(force.matrix_at(t))

    if problem.steady:
        turned, push = rate(0.0) * (end - begin), mobility * float(force.vector_at(0.0)) * (end - begin)
        warmth = 2.0 * mobility * float(problem.temperature_at(0.0)) * (end - begin)
        return float(np.exp(turned)), push * float(exprel(turned)), warmth * float(exprel(2.0 * turned))
    # backward from the end: what lies far back is forgotten
    gain, shift, variance, high = 1.0, 0.0, 0.0, end
    while high > begin and gain > _FORGOTTEN:
        size = min((end - begin) / _PANELS, high - begin)
        while size * max(abs(rate(high)), abs(rate(high - size))) > _TURN and high - 0.5 * size < high:
            size *= 0.5
        low = high - size if high - size > begin + 1e-9 * size else begin
        part = _panel(force, problem, mobility, low, high)
        gain, shift, variance = gain * part[0], shift + gain * part[1], variance + gain**2 * part[2]
        high = low
    return gain, shift, variance


def _panel(
    force: LinearForce, problem: FokkerPlanck, mobility: float, low: float, high: float
) -> tuple[float, float, float]:
    """The same over an interval in which the coefficients are smooth."""
    half = 0.5 * (high - low)
    times = 0.5 * (low + high) + half * _NODES
    rate = np.array([mobility * float(force.matrix_at(t)) for t in times])
    onward = np.exp(half * (_onward_weights() @ rate))
    push = np.array([mobility * float(force.vector_at(t)) for t in times])
    warmth = np.array([2.0 * mobility * float(problem.temperature_at(t)) for t in times])
    weight = half * _WEIGHTS
    gain = math.exp(half * float(_WEIGHTS @ rate))
    return gain, float(np.sum(weight * onward * push)), float(np.sum(weight * onward**2 * warmth))


@functools.cache
def _onward_weights() -> Array:
    """Integrals from each node to 1 of the polynomials that are one at one node and zero at the others."""
    fit, degree = np.polynomial.legendre.Legendre.fit, _NODES.size - 1
    bases = [fit(_NODES, unit, degree, domain=[-1, 1]).integ() for unit in np.eye(_NODES.size)]
    return np.stack([base(1.0) - base(_NODES) for base in bases], axis=1)
