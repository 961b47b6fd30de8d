"""Thermodynamics of a linear force acting on a Gaussian, from ordinary differential equations of its moments.

Nothing of fpsolve is used here, so that its numbers can be compared with these.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import solve_continuous_lyapunov

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class LinearOracle:
    """dx = (A_t x + b_t) dt + sqrt(2T) dW from N(mean, covariance), in any dimension; T is a number or ``t -> T``."""

    matrix: Callable[[float], Array]
    vector: Callable[[float], Array]
    temperature: float | Callable[[float], float]
    mean: Array
    covariance: Array
    end: float

    @property
    def n(self) -> int:
        return self.mean.size

    def heated(self, t: float) -> float:
        """Temperature at a time."""
        return self.temperature(t) if callable(self.temperature) else self.temperature

    def totals(self) -> dict[str, float]:
        """Everything since the start, integrated to 1e-12."""
        names = ("work", "heat", "entropy_production", "excess", "coupling", "housekeeping", "path_length", "action")
        names += ("bath_entropy_change",)
        first = np.concatenate([self.mean, self.covariance.ravel(), np.zeros(len(names))])

        def rate(t: float, state: Array) -> Array:
            m, s = self._moments(state)
            rates = self.rates(t, m, s)
            moving = self.matrix(t) @ m + self.vector(t)
            spread = self.matrix(t) @ s + s @ self.matrix(t).T + 2.0 * self.heated(t) * np.eye(self.n)
            return np.concatenate([moving, spread.ravel(), [rates[name] for name in names]])

        solved = solve_ivp(rate, (0.0, self.end), first, method="DOP853", rtol=1e-12, atol=1e-14)
        m, s = self._moments(solved.y[:, -1])
        found = dict(zip(names, solved.y[-len(names) :, -1].tolist(), strict=True))
        begin, last = (self.energy(0.0, self.mean, self.covariance), self.energy(self.end, m, s))
        entropies = [0.5 * np.linalg.slogdet(2.0 * np.pi * np.e * c)[1] for c in (self.covariance, s)]
        found |= {"energy_change": last - begin, "system_entropy_change": entropies[1] - entropies[0]}
        return found

    def _moments(self, state: Array) -> tuple[Array, Array]:
        return state[: self.n], state[self.n : self.n + self.n**2].reshape(self.n, self.n)

    def energy(self, t: float, m: Array, s: Array) -> float:
        a = 0.5 * (self.matrix(t) + self.matrix(t).T)
        return float(-0.5 * (np.sum(a * s) + m @ a @ m) - self.vector(t) @ m)

    def rates(self, t: float, m: Array, s: Array) -> dict[str, float]:
        """Rates of an instant; every velocity is affine, c + B (x - m)."""
        a, b, temperature = self.matrix(t), self.vector(t), self.heated(t)
        velocity = a @ m + b, a + temperature * np.linalg.inv(s)
        total = self._square(velocity, velocity, s)
        symmetric = solve_continuous_lyapunov(s, velocity[1] @ s + s @ velocity[1].T)
        gradient = velocity[0], symmetric
        action = self._square(gradient, gradient, s)
        steady_s = solve_continuous_lyapunov(a, -2.0 * temperature * np.eye(self.n))
        steady_m = -np.linalg.solve(a, b)
        steady = a + temperature * np.linalg.inv(steady_s)
        still = steady @ (m - steady_m), steady
        swirl = self._square(still, still, s)
        step = 1e-5
        pushing = (self.energy(t + step, m, s) - self.energy(t - step, m, s)) / (2.0 * step)
        drive = 0.5 * (a - a.T)
        power = self._square((drive @ m, drive), velocity, s)
        heat = -self._square((a @ m + b, a), velocity, s)
        return {
            "work": pushing + power,
            "heat": heat,
            "bath_entropy_change": -heat / temperature,
            "entropy_production": total / temperature,
            "excess": (total - swirl) / temperature,
            "coupling": (action + swirl - total) / temperature,
            "housekeeping": (total - action) / temperature,
            "path_length": np.sqrt(action),
            "action": action,
        }

    @staticmethod
    def _square(one: tuple[Array, Array], other: tuple[Array, Array], s: Array) -> float:
        return float(one[0] @ other[0] + np.sum((one[1] @ s) * other[1]))
