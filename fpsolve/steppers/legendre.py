"""The stabilised explicit method of Meyer, Balsara and Aslam (Runge-Kutta-Legendre)."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import ClassVar

import numpy as np

from fpsolve.discretisation import Discretisation, Reach, WidePlane
from fpsolve.grids import Array
from fpsolve.kernels.plane import legendre_stage
from fpsolve.settings import InputError, whole
from fpsolve.steppers.base import Advance, GridStepper

#: part of the stability interval that is used, and how far long waves let a step go in units of 1 / bend
_SAFETY, _WAVES = 0.95, 0.8
#: three stages carry long waves further: up to a reach, in units of 1 / bend (both measured on the stability region)
_THREE = ((2.5, 3.0), (3.5, 1.8))


@dataclasses.dataclass(frozen=True)
class RungeKuttaLegendre(GridStepper):
    """Second order with as many stages as diffusion asks for: s stages reach s² times as far as Euler, nothing solved.

    L is that of the middle of the step. The drift limits the step however many stages there are.

    Parameters
    ----------
    most_stages : int
        Where a step would take more, it is refused.
    """

    kind: ClassVar[str] = "rkl2"
    order: ClassVar[int] = 2
    conservative: ClassVar[bool] = True
    positive: ClassVar[bool] = False
    stability: ClassVar[str] = "stabilised"
    takes: ClassVar[str] = "any"
    dimensions: ClassVar[tuple[int, ...]] = (1, 2)
    reference: ClassVar[str] = "C. D. Meyer, D. S. Balsara, T. D. Aslam, J. Comput. Phys. 257, 594 (2014)"
    most_stages: int = 400

    def __post_init__(self) -> None:
        whole("most_stages", self.most_stages, 2, 10**5)

    def step(self, system: Discretisation, m: Array, t: float, dt: float) -> Advance:
        operator = system.at(t + 0.5 * dt)
        stages = self.stages(operator.reach, dt)
        if stages > self.most_stages:
            raise InputError(
                "stepper", f"a step of {dt:.3g} takes {stages} stages, {self.most_stages} are allowed; take more steps "
                "or an implicit stepper such as sdirk4"
            )  # fmt: skip
        b, rest, mu, nu, step = _coefficients(stages)
        if isinstance(operator, WidePlane) and operator.closed:
            return Advance(operator.legendre_step(m, dt, (b, rest, mu, nu, step)), np.zeros(4))
        shape = m.shape if m.ndim == 2 else (1, m.size)
        start, first, now = m.reshape(shape), np.empty(shape), np.empty(shape)
        operator.rates(m, first.reshape(m.shape))
        outflow_start = dt * operator.ends(m)
        older, before, out = start.copy(), start + step[1] * dt * first, np.empty(shape)
        outflows = [np.zeros_like(outflow_start), step[1] * outflow_start]
        for j in range(2, stages + 1):
            operator.rates(before.reshape(m.shape), now.reshape(m.shape))
            slow = -(1.0 - b[j - 1]) * step[j] * dt
            legendre_stage(mu[j], before, nu[j], older, start, rest[j], step[j] * dt, now, slow, first, out)
            flown = step[j] * dt * operator.ends(before.reshape(m.shape)) - (1.0 - b[j - 1]) * step[j] * outflow_start
            outflows = [outflows[1], mu[j] * outflows[1] + nu[j] * outflows[0] + flown]
            older, before, out = before, out, older
        return Advance(before.reshape(m.shape).copy(), outflows[1])

    @staticmethod
    def stages(reach: Reach, dt: float) -> int:
        """How many stages a step takes; an odd number."""
        if any(dt * reach.real <= most and dt * reach.bend <= waves for most, waves in _THREE):
            return 3
        needed = math.ceil(0.5 * (math.sqrt(9.0 + 8.0 * dt * reach.real / _SAFETY) - 1.0))
        return max(3, needed + (needed % 2 == 0))

    def largest_step(self, system: Discretisation, t: float) -> float:
        reach, s = system.at(t).reach, self.most_stages - (self.most_stages % 2 == 0)
        waves = max(reach.bend, 1e-300)
        options = [(0.5 * _SAFETY * (s * s + s - 2), _WAVES), *_THREE]
        return max(min(most / max(reach.real, 1e-300), far / waves) for most, far in options)


@functools.lru_cache(maxsize=256)
def _coefficients(stages: int) -> tuple[Array, Array, Array, Array, Array]:
    """b_j, and the parts of the start, of both stages before, and of the step."""
    j = np.arange(stages + 1, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        b = (j * j + j - 2.0) / (2.0 * j * (j + 1.0))
        b[:2] = b[2]
        mu = (2.0 * j - 1.0) / j * b / np.roll(b, 1)
        nu = -(j - 1.0) / j * b / np.roll(b, 2)
    mu[:2] = nu[:2] = 0.0
    scale = 4.0 / (stages * stages + stages - 2.0)
    step = mu * scale
    step[1] = b[1] * scale
    return b, 1.0 - mu - nu, mu, nu, step
