"""Schedules of flow matching: the interpolant alpha x_data + beta x_noise, in the time of generation."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.schedules.arrays import ArraySchedule, Interpolant, brief
from fpsolve.schedules.base import Curve, Schedule, positive_tau
from fpsolve.settings import InputError, numbers

#: points below which alpha and beta themselves are interpolated first, and on how many
_FEWEST, _FINER = 6, 65
#: key of the forward arrays -> ours
_OURS = {"m": "alpha", "sigma": "beta"}


@dataclasses.dataclass(frozen=True)
class FlowMatching(Schedule):
    """The interpolant x_t = alpha_t x_data + beta_t x_noise of flow matching, from noise at t = 0 to data at t = 1.

    Read backwards it is a schedule: m = alpha and sigma = beta at the forward time tau (1 - t), interpolated as in
    :class:`ArraySchedule`.

    Parameters
    ----------
    t : sequence of float
        Increasing from 0 to 1: the time of flow matching, which is that of generation.
    alpha, beta : sequence of float
        Levels of data and noise at these times, not negative; beta/alpha must not increase (24), and alpha may vanish
        only at t = 0.
    tau : float
        Duration, s.

    Raises
    ------
    InputError
        Unequal lengths, times that do not increase from 0 to 1, or beta/alpha increasing.
    """

    kind: ClassVar[str] = "flow-matching"
    t: tuple[float, ...]
    alpha: tuple[float, ...]
    beta: tuple[float, ...]
    tau: float = 1.0

    def __post_init__(self) -> None:
        positive_tau(self)
        t = numbers("t", self.t)
        for name in ("alpha", "beta"):
            values = numbers(name, getattr(self, name), least=0.0)
            if len(values) != len(t):
                raise InputError(name, f"given {len(values)} values for {len(t)} times; give one each")
            object.__setattr__(self, name, values)
        object.__setattr__(self, "t", t)
        times = np.array(t)
        forward = forward_times(times, self.tau)
        if t[0] != 0.0 or t[-1] != 1.0 or np.any(np.diff(t) <= 0.0) or np.any(np.diff(forward) >= 0.0):
            message = "times must increase from 0 (noise) to 1 (data); arrays in the forward time are kind 'arrays'"
            raise InputError("t", f"given {brief(t)} to {t[-1]:g}; {message}")
        self._check_ratio()
        try:
            rows = [forward, np.array(self.alpha), np.array(self.beta)]
            if 1 < times.size < _FEWEST:  # squares of straight lines take more points than the lines
                fine = np.linspace(0.0, 1.0, _FINER)
                levels = [np.maximum(Interpolant(times, row)(fine)[0], 0.0) for row in rows[1:]]
                rows = [forward_times(fine, self.tau), *levels]
            backward, m, sigma = (tuple(row[::-1].tolist()) for row in rows)
            arrays = ArraySchedule(backward, m, sigma)
        except InputError as error:
            message = f"read backwards, as m = alpha and sigma = beta: {error.message}"
            raise InputError(_OURS.get(error.key, error.key), message) from error
        object.__setattr__(self, "_arrays", arrays)

    def _check_ratio(self) -> None:
        alpha, beta = np.array(self.alpha), np.array(self.beta)
        if np.any(alpha[1:] <= 0.0):
            least = alpha[1:].min()
            raise InputError("alpha", f"given {least:g} after the start; the data may have no weight only at t = 0")
        # products, as alpha may vanish at t = 0
        rising = beta[1:] * alpha[:-1] - beta[:-1] * alpha[1:] > 1e-12 * beta[:-1] * alpha[1:]
        if np.any(rising):
            where = int(np.flatnonzero(rising)[0])
            raise InputError("beta", f"beta/alpha increases after index {where}; from noise to data it must not (24)")

    def curve(self, t: Array) -> Curve:
        return self._arrays.curve(t)  # type: ignore[attr-defined]

    def kinks(self) -> Array:
        return self._arrays.kinks()  # type: ignore[attr-defined]

    def knots(self) -> Array:
        return self._arrays.knots()  # type: ignore[attr-defined]


def forward_times(t: Array, tau: float) -> Array:
    """The forward times tau (1 - t) of times of flow matching."""
    return tau * (1.0 - t)
