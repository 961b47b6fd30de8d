"""What linear processes do to normal densities in the plane, by the moment equations (B3), (B4): no grid, no kernel."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from scipy.integrate import solve_ivp

from fpsolve.schedules import Schedule
from fpsolve.schedules.linear_force import LinearForceSchedule

ACCURATE = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-13}
ONE = np.eye(2)


@dataclasses.dataclass(frozen=True, eq=False)
class Normal:
    """A normal density moved by a linear force, as the solution of m' = A m, C' = A C + C A^T + 2 T."""

    mean: np.ndarray
    covariance: np.ndarray
    schedule: Schedule | LinearForceSchedule

    @property
    def tau(self) -> float:
        return self.schedule.tau

    @functools.cached_property
    def _solution(self):
        """Mean, covariance and dPhi/dt = A Phi from Phi = 1."""

        def rate(t, state):
            m, c, phi = state[:2], state[2:6].reshape(2, 2), state[6:].reshape(2, 2)
            a = self.schedule.matrix(t)
            heat = 2.0 * self.schedule.T_fin * (t / self.tau) ** 2 * ONE
            return np.concatenate([a @ m, (a @ c + c @ a.T + heat).ravel(), (a @ phi).ravel()])

        first = np.concatenate([self.mean, np.ravel(self.covariance), ONE.ravel()])
        return solve_ivp(rate, (0.0, self.tau), first, dense_output=True, **ACCURATE).sol

    def state(self, t: float):
        """Mean, covariance, rate of the mean, and N of the velocity m' + N (x - m)."""
        if isinstance(self.schedule, LinearForceSchedule):
            found = self._solution(t)
            m, c = found[:2], found[2:6].reshape(2, 2)
            a, heat = self.schedule.matrix(t), self.schedule.T_fin * (t / self.tau) ** 2
            return m, c, a @ m, a + heat * np.linalg.inv(c)
        curve = self.schedule.curve(np.array([t]))
        signal, signal_rate, variance, half_rate = curve[0]
        c = signal**2 * self.covariance + variance * ONE
        n = (signal * signal_rate * self.covariance + half_rate * ONE) @ np.linalg.inv(c)
        return signal * self.mean, c, signal_rate * self.mean, n

    def carry(self, t: float):
        """Phi_t of a linear force."""
        return self._solution(t)[6:].reshape(2, 2)

    def speeds(self, t: float) -> tuple[float, float]:
        """T S' and v2²: the latter is that of the symmetric S with S C + C S = C'."""
        _, c, drift, n = self.state(t)
        values, vectors = np.linalg.eigh(c)
        rate = vectors.T @ (n @ c + c @ n.T) @ vectors
        s = vectors @ (rate / (values[:, None] + values)) @ vectors.T
        moved = float(drift @ drift)
        return moved + float(np.trace(n @ c @ n.T)), moved + float(np.trace(s @ c @ s))

    def integrals(self) -> dict[str, float]:
        """Integrals over time of T S', v2² and v2."""

        def rate(t, _):
            total, square = self.speeds(t)
            return [total, square, np.sqrt(square)]

        last = solve_ivp(rate, (0.0, self.tau), np.zeros(3), **ACCURATE).y[:, -1]
        return dict(zip(("dissipation", "c2", "path_length"), map(float, last), strict=True))

    def translate(self, delta) -> dict[str, float]:
        """D0, both W1, eta and c1 of a start that is P_tau moved by ``delta``: Delta' = N Delta, W1 = |Delta|."""
        delta = np.asarray(delta, float)

        def rate(t, state):
            shift = state[:2]
            moved = self.state(t)[3] @ shift
            return [*moved, (shift @ moved) ** 2 / (shift @ shift)]

        back = solve_ivp(rate, (self.tau, 0.0), [*delta, 0.0], **ACCURATE).y[:, -1]
        divergence = np.expm1(delta @ np.linalg.solve(self.state(self.tau)[1], delta))
        initial, final = np.linalg.norm(delta), np.linalg.norm(back[:2])
        return {
            "D0": float(divergence),
            "W1_initial": float(initial),
            "W1_final": float(final),
            "eta": float((final - initial) ** 2 / self.tau / divergence),
            "c1": float(-back[2] / divergence),
        }


def normal(density, schedule) -> Normal:
    """The moments of a density (for a mixture: of all of it) under a schedule."""
    return Normal(np.asarray(density.mean, float), np.asarray(density.covariance, float), schedule)
