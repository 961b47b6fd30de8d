"""The forward process of a noise schedule: linear force, Gaussian kernel (16), (17), (22), (23)."""

from __future__ import annotations

import dataclasses

import numpy as np

from fpsolve.densities import Blurred, Density, MixtureDensity, blur
from fpsolve.processes.base import Process, State
from fpsolve.quadrature import Array
from fpsolve.schedules import Schedule


@dataclasses.dataclass(frozen=True, eq=False)
class Diffusion(Process):
    """x_t = m_t y + sigma_t e with y from the data and e standard normal.

    The velocity is E[m' y + sigma' e | x], a closed form that stays finite where force and temperature diverge.

    Parameters
    ----------
    data : Density
        q, the law of y.
    schedule : Schedule
        The curve (m, sigma).
    """

    data: Density
    schedule: Schedule

    @property
    def tau(self) -> float:  # type: ignore[override]
        return self.schedule.tau

    def density(self, t: float) -> Density:
        signal, _, variance, _ = self.schedule.curve(np.array([t]))[0]
        return blur(self.data, signal, variance)

    def state(self, t: float, x: Array) -> State:
        curve = self.schedule.curve(np.array([t]))
        signal, signal_rate, variance, half_rate = curve[0]
        density = blur(self.data, signal, variance)
        if isinstance(density, MixtureDensity):
            rates = signal_rate, float(curve.half_square_rate[0]), half_rate
            return self._mixture_state(density, signal, rates, x)
        if isinstance(density, Blurred):
            pdf, cdf, sf, mean_signal, score = density.state(x)
        else:  # no noise yet: the point is the data
            pdf, cdf, sf = density.tails(x)
            slope = density.panels().derivative(x)
            score = np.divide(slope, pdf, out=np.zeros_like(pdf), where=pdf > 0.0)
            mean_signal = np.asarray(x, float) / signal
        return State(pdf, cdf, sf, signal_rate * mean_signal - half_rate * score, score)

    def _mixture_state(
        self, density: MixtureDensity, signal: float, rates: tuple[float, float, float], x: Array
    ) -> State:
        signal_rate, half_square_rate, half_rate = rates
        parts = density.components
        if signal > 0.0 and isinstance(self.data, MixtureDensity):
            source = self.data.components
            drift = signal_rate * source.mean
            rate = (half_square_rate * source.std**2 + half_rate) / parts.std**2
        else:  # the signal has faded: E[y|x] is the mean of the data, but for m m' where m ends like a root of the time
            drift = np.full_like(parts.std, signal_rate * self.data.mean)
            rate = (half_square_rate * self.data.variance + half_rate) / parts.std**2
        velocity, score = parts.flow(x, drift, rate)
        return State(*parts.tails(x), velocity, score)

    def temperature(self, t: Array) -> Array:
        return self.schedule.curve(np.asarray(t, float)).temperature

    def force_over_temperature(self, t: Array, x: Array) -> Array:
        curve = self.schedule.curve(np.asarray(t, float))
        # f / T = m' x / (m T): finite at the end, where f and T are not
        with np.errstate(divide="ignore", invalid="ignore"):
            return (
                curve.signal_rate / (curve.half_variance_rate * curve.signal - curve.variance * curve.signal_rate) * x
            )

    def kinks(self) -> Array:
        return self.schedule.kinks()

    def knots(self) -> Array:
        return self.schedule.knots()
