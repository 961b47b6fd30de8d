"""One step of a sampler of the probability-flow equation: a map of the line, from time t to an earlier one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from fpsolve.processes import Diffusion
from fpsolve.quadrature import Array, panel_nodes
from fpsolve.schedules import Curve, Schedule


@dataclasses.dataclass(frozen=True, eq=False)
class _Level(Schedule):
    """A schedule held at one point (m, sigma) and moving there at given rates: it makes E[y|x] a velocity."""

    signal: float
    signal_rate: float
    variance: float
    half_rate: float
    tau: float = 0.0

    def curve(self, t: Array) -> Curve:
        ones = np.ones_like(np.asarray(t, float))
        return Curve(self.signal * ones, self.signal_rate * ones, self.variance * ones, self.half_rate * ones)


def _euler(process: Diffusion, t: float, to: float, x: Array) -> Array:
    return x + (to - t) * process.velocity(t, x)


def _heun(process: Diffusion, t: float, to: float, x: Array) -> Array:
    first = process.velocity(t, x)
    return x + 0.5 * (to - t) * (first + process.velocity(to, x + (to - t) * first))


def _level(process: Diffusion, t: float) -> tuple[float, float]:
    """Signal and noise m, sigma at a time."""
    curve = process.schedule.curve(np.array([t]))
    return float(curve.signal[0]), float(curve.noise[0])


def _predictions(process: Diffusion, signal: float, noise: float, x: Array) -> tuple[Array, Array]:
    """E[y|x] and E[e|x] of x = signal y + noise e."""
    state = Diffusion(process.data, _Level(signal, 1.0, noise**2, 0.0)).state(0.0, x)
    assert state.score is not None
    return state.velocity, -noise * state.score


def _ddim(process: Diffusion, t: float, to: float, x: Array) -> Array:
    signal, noise = _level(process, to)
    data, error = _predictions(process, *_level(process, t), x)
    return signal * data + noise * error


def _ddim_midpoint(process: Diffusion, t: float, to: float, x: Array) -> Array:
    # on the circle m² + sigma² = 1, where dx = E[y|x] d cos + E[e|x] d sin has no singular point
    (m, s), (m_to, s_to) = _level(process, t), _level(process, to)
    angles = np.arctan2([s, s_to], [m, m_to])
    cosine, sine = np.cos(angles), np.sin(angles)
    middle = 0.5 * (angles[0] + angles[1])
    half = float(np.cos(middle)), float(np.sin(middle))
    circled = x / np.hypot(m, s)
    data, error = _predictions(process, float(cosine[0]), float(sine[0]), circled)
    data, error = _predictions(process, *half, half[0] * data + half[1] * error)
    moved = circled + (cosine[1] - cosine[0]) * data + (sine[1] - sine[0]) * error
    return np.asarray(np.hypot(m_to, s_to) * moved)


def _exponential(process: Diffusion, t: float, to: float, x: Array) -> Array:
    # dx = A x dt - T s dt with s held: x' / m' = x / m + s int_to^t T / m dt
    before, after = process.schedule.curve(np.array([t])), process.schedule.curve(np.array([to]))
    if before.signal[0] == 0.0:  # A and T are infinite here; the predictions are not
        return _ddim(process, t, to, x)
    times, weights, _ = panel_nodes(np.linspace(to, t, 5))
    curve = process.schedule.curve(times)
    score = process.state(t, x).score
    assert score is not None
    return after.signal * (x / before.signal + score * np.sum(weights * curve.temperature / curve.signal))


#: name -> one step (process, t, t' < t, x) -> x'
STEPS: dict[str, Callable[[Diffusion, float, float, Array], Array]]
STEPS = {
    "euler": _euler,
    "heun": _heun,
    "ddim": _ddim,
    "ddim-midpoint": _ddim_midpoint,
    "exponential": _exponential,
}
