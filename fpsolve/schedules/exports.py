"""Any schedule as the arrays of a sampler: betas, alphas_cumprod, sigmas of EDM, the interpolant of flow matching."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fpsolve.quadrature import Array
from fpsolve.schedules.base import Schedule
from fpsolve.schedules.flow_matching import forward_times
from fpsolve.settings import InputError, number, numbers, whole

#: largest deviation of m² + sigma² from one of a schedule that counts as variance preserving
PRESERVED = 1e-6
#: alphas_cumprod below which no signal is left
_VANISHED = 1e-14


def to_alphas_cumprod(
    schedule: Schedule, steps: int, *, rescaled: bool = False, beta_max: float | None = None
) -> Array:
    """The running product of alphas of a discrete-time model with evenly spaced steps: m²/(m² + sigma²) after each.

    Parameters
    ----------
    schedule : Schedule
        A curve (m, sigma): retimed, best, from arrays, or any other.
    steps : int
        N; entry k holds the time tau (k + 1)/N. Noise that the schedule starts with goes into the first step.
    rescaled : bool
        Whether a schedule whose m² + sigma² is not one may be written as the equivalent one in x / sqrt(m² + sigma²).
        It generates the same density, from the start divided by sqrt(m² + sigma²) at t = tau; with the same eta where
        that is one. It costs something else.
    beta_max : float, optional
        In (0, 1): where the betas are cut. A schedule that ends without signal (m = 0) needs it; improved DDPM uses
        0.999.

    Returns
    -------
    (steps,) array
        Each in (0, 1], not increasing.

    Raises
    ------
    InputError
        m² + sigma² differs from one (without ``rescaled``), or the signal vanishes at the end (without ``beta_max``).
    """
    alphas: Array = 1.0 - to_betas(schedule, steps, rescaled=rescaled, beta_max=beta_max)
    return alphas.cumprod()


def to_betas(schedule: Schedule, steps: int, *, rescaled: bool = False, beta_max: float | None = None) -> Array:
    """The betas of a discrete-time model: 1 - alphas_cumprod over that of the step before.

    Parameters and errors are those of :func:`to_alphas_cumprod`.

    Returns
    -------
    (steps,) array
        Each in [0, 1).
    """
    products = _products(schedule, steps, rescaled)
    if beta_max is None and products[-1] <= _VANISHED:
        message = "no signal is left at t = tau, and a product of alphas in (0, 1] cannot vanish"
        raise InputError("schedule", f"{message}; cut the last beta, as improved DDPM does: beta_max=0.999")
    betas = np.maximum(1.0 - products[1:] / np.maximum(products[:-1], 1e-300), 0.0)
    if beta_max is not None:
        betas = np.minimum(betas, number("beta_max", beta_max, above=0.0, below=1.0))
    return betas


def to_sigmas(schedule: Schedule, times: Sequence[float] | Array, *, descending: bool = False) -> Array:
    """Noise over signal, sigma/m: the noise levels of EDM, whose model sees x/m.

    Parameters
    ----------
    schedule : Schedule
        A curve (m, sigma).
    times : (n,) array
        Forward times in [0, tau], s.
    descending : bool
        Whether to sort the levels as a sampler uses them, the largest first.

    Returns
    -------
    (n,) array
        In the order of the times, unless ``descending``.

    Raises
    ------
    InputError
        A time outside [0, tau], or one at which no signal is left: there sigma/m is infinite.
    """
    t = _times(times, schedule.tau)
    curve = _checked(schedule).curve(t)
    lost = curve.signal <= np.sqrt(_VANISHED) * curve.noise
    if np.any(lost):
        where = float(t[lost][0])
        message = f"sigma/m is infinite at t = {where:g}, where no signal is left; stop before"
        raise InputError("times", f"{message}, at {0.999 * where:g} say")
    levels = curve.noise / curve.signal
    return np.sort(levels)[::-1] if descending else levels


def to_flow_matching(schedule: Schedule, t: Sequence[float] | Array) -> tuple[Array, Array, Array]:
    """The interpolant alpha x_data + beta x_noise of flow matching, from noise at t = 0 to data at t = 1.

    Parameters
    ----------
    schedule : Schedule
        A curve (m, sigma).
    t : (n,) array
        Times of flow matching in [0, 1]; the forward time is tau (1 - t).

    Returns
    -------
    t, alpha, beta : (n,) arrays
        alpha = m and beta = sigma at these times, as :class:`fpsolve.FlowMatching` takes them.

    Raises
    ------
    InputError
        A time outside [0, 1].
    """
    at = _times(t, 1.0, "t")
    curve = _checked(schedule).curve(forward_times(at, schedule.tau))
    return at, curve.signal, curve.noise


def _products(schedule: Schedule, steps: int, rescaled: bool) -> Array:
    """alphas_cumprod after each step, preceded by the 1 of clean data."""
    count = whole("steps", steps)
    curve = _checked(schedule).curve(schedule.tau * np.linspace(0.0, 1.0, count + 1))
    square = curve.signal**2 + curve.variance
    worst = float(np.max(np.abs(square - 1.0)))
    if worst > PRESERVED and not rescaled:
        size = f"m² + sigma² differs from 1 by up to {worst:.3g} (largest m {np.max(curve.signal):.4g})"
        message = f"{size}: m² is no product of alphas; rescaled=True writes the equivalent m²/(m² + sigma²)"
        raise InputError("schedule", message)
    return np.concatenate([[1.0], (curve.signal**2 / square)[1:]])


def _checked(schedule: object) -> Schedule:
    if not isinstance(schedule, Schedule):
        given = getattr(schedule, "kind", type(schedule).__name__)
        message = "which has no levels m and sigma; give a schedule such as Cosine()"
        raise InputError("schedule", f"given {given!r}, {message}")
    return schedule


def _times(times: Sequence[float] | Array, end: float, key: str = "times") -> Array:
    given = np.array(numbers(key, times, least=0.0))
    if np.max(given) > end:
        raise InputError(key, f"given {np.max(given):g}; times must lie in [0, {end:g}]")
    return given
