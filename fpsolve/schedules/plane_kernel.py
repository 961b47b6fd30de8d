"""The Gaussian transition kernel of a linear force in the plane (16), (17), (B3), (B4)."""

from __future__ import annotations

import dataclasses

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.schedules.base import Schedule


@dataclasses.dataclass(frozen=True, eq=False)
class PlaneKernel:
    """At one time, a point y of the data is spread over N(carry y, covariance).

    Parameters
    ----------
    carry, carry_rate : (2, 2) arrays
        Phi and its rate dPhi/dt = A Phi, 1 and 1/s (B3).
    covariance : (2, 2) array
        Sigma, L² (B4).
    spreading : (2, 2) array
        A Sigma + T, L²/s: finite where force and temperature diverge. Its symmetric part is half the rate of Sigma.
    temperature : float
        T, L²/s; infinite at the end of some schedules.
    force_over_temperature : (2, 2) array or None
        A / T, 1/L²; None where T vanishes.
    """

    carry: Array
    carry_rate: Array
    covariance: Array
    spreading: Array
    temperature: float
    force_over_temperature: Array | None


def isotropic_kernel(schedule: Schedule, t: float) -> PlaneKernel:
    """The kernel of an (m, sigma) schedule: m y in place of y, and the same noise along both axes (22), (23)."""
    curve = schedule.curve(np.array([t]))
    m, m_rate, variance, half_rate = curve[0]
    one = np.eye(2)
    # f / T = m' x / (m T), finite at the end, where f and T are not
    slope = half_rate * m - variance * m_rate
    ratio = m_rate / slope * one if slope > 0.0 else None
    return PlaneKernel(m * one, m_rate * one, variance * one, half_rate * one, float(curve.temperature[0]), ratio)
