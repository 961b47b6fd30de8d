"""A linear force in the plane that turns while it contracts: no gradient, and so no (m, sigma) curve."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, ClassVar

import numpy as np
from scipy.integrate import solve_ivp

from fpsolve.quadrature import Array
from fpsolve.schedules.base import positive_tau
from fpsolve.schedules.plane_kernel import PlaneKernel
from fpsolve.settings import InputError, Settings, number, numbers

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


@dataclasses.dataclass(frozen=True)
class LinearForceSchedule(Settings):
    """f_t(x) = [[H, -G], [G, H]] x with H = -h (1 - t/tau) - T_t, G = g (1 - t/tau) and T_t = T_fin (t/tau)².

    Parameters
    ----------
    h : float or (float, float)
        Stiffness at t = 0, 1/s; a pair contracts x and y at different rates.
    g : float
        Rate of rotation at t = 0, 1/s.
    T_fin : float
        Temperature at t = tau, L²/s, positive.
    tau : float
        Duration, s.

    Raises
    ------
    InputError
        Values that are not finite, a temperature or duration that is not positive.
    """

    family: ClassVar[str] = "schedule"
    kind: ClassVar[str] = "linear-force"
    h: float | tuple[float, float]
    g: float
    T_fin: float
    tau: float = 1.0

    def __post_init__(self) -> None:
        positive_tau(self)
        if isinstance(self.h, (tuple, list)):
            pair = numbers("h", self.h)
            if len(pair) != 2:
                raise InputError("h", f"given {len(pair)} numbers; expected one, or two (along x and along y)")
            object.__setattr__(self, "h", pair)
        else:
            object.__setattr__(self, "h", number("h", self.h))
        object.__setattr__(self, "g", number("g", self.g))
        object.__setattr__(self, "T_fin", number("T_fin", self.T_fin, above=0.0))

    @property
    def stiffness(self) -> tuple[float, float]:
        """Stiffness along x and along y, 1/s."""
        return self.h if isinstance(self.h, tuple) else (self.h, self.h)

    @property
    def isotropic(self) -> bool:
        """Whether x and y contract alike: the rotation then turns everything rigidly."""
        return self.stiffness[0] == self.stiffness[1]

    def temperature(self, t: Array) -> Array:
        """T_t at times, L²/s."""
        return self.T_fin * (np.asarray(t, float) / self.tau) ** 2

    def matrix(self, t: float) -> Array:
        """A_t of the force f = A x, 1/s."""
        left = 1.0 - t / self.tau
        first, second = (-h * left - self.T_fin * (t / self.tau) ** 2 for h in self.stiffness)
        return np.array([[first, -self.g * left], [self.g * left, second]])

    def turned(self, t: float) -> float:
        """Angle by which the force has turned the plane, the integral of G, rad."""
        return self.g * (t - 0.5 * t**2 / self.tau)

    def _shrunk(self, t: Array) -> Array:
        """Factor exp(∫ H dt) of lengths, where x and y contract alike."""
        contracted = self.stiffness[0] * (t - 0.5 * t**2 / self.tau) + self.T_fin * t**3 / (3.0 * self.tau**2)
        return np.asarray(np.exp(-contracted))

    def carry(self, t: float) -> Array:
        """Phi_t, the matrix that moves the mean of the kernel (B3)."""
        if not self.isotropic:
            return np.asarray(self._flow(t), float).reshape(2, 2)
        cosine, sine = math.cos(self.turned(t)), math.sin(self.turned(t))
        return float(self._shrunk(np.asarray(t))) * np.array([[cosine, -sine], [sine, cosine]])

    @functools.cached_property
    def _flow(self) -> Any:
        """dPhi/dt = A Phi to thirteen digits, at any time."""

        def rate(t: float, entries: Array) -> Array:
            return (self.matrix(t) @ entries.reshape(2, 2)).ravel()

        options: dict[str, Any] = {"method": "DOP853", "rtol": 3e-14, "atol": 1e-16, "dense_output": True}
        return solve_ivp(rate, (0.0, self.tau), np.eye(2).ravel(), max_step=self.tau / 64.0, **options).sol

    def covariance(self, t: float) -> Array:
        """Sigma_t = ∫_0^t 2 T_s Phi_ts Phi_ts^T ds with Phi_ts = Phi_t Phi_s^-1 (B4), L²."""
        times, weights = 0.5 * t * (1.0 + _NODES), 0.5 * t * _WEIGHTS
        heat = 2.0 * weights * self.temperature(times)
        if self.isotropic:
            between = self._shrunk(np.asarray(t)) / self._shrunk(times)
            return float(np.sum(heat * between**2)) * np.eye(2)
        moved = self.carry(t) @ np.linalg.inv(self._flow(times).T.reshape(-1, 2, 2))
        total = np.einsum("n,nij,nkj->ik", heat, moved, moved)
        return 0.5 * (total + total.T)

    def plane_kernel(self, t: float) -> PlaneKernel:
        """The kernel at one time."""
        matrix, carry, covariance = self.matrix(t), self.carry(t), self.covariance(t)
        temperature = float(self.temperature(np.asarray(t)))
        ratio = matrix / temperature if temperature > 0.0 else None
        spreading = matrix @ covariance + temperature * np.eye(2)
        return PlaneKernel(carry, matrix @ carry, covariance, spreading, temperature, ratio)
