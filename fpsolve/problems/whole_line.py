"""Exact solutions on the whole line: relaxation in a trap, free diffusion, noise schedules."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from fpsolve.densities import Density, Gaussian, GaussianMixture, MixtureDensity, Uniform, blur
from fpsolve.densities.gaussian import Components, EvolvedMixture
from fpsolve.equation import FokkerPlanck
from fpsolve.forces import LinearForce
from fpsolve.grids import Array, Grid
from fpsolve.problems.base import ExactProblem, even_times
from fpsolve.processes import Diffusion
from fpsolve.schedules import ConditionalOptimalTransport, Cosine, Schedule
from fpsolve.settings import InputError, number

_PAPER = GaussianMixture(means=(0.35**0.5, -(0.35**0.5)), stds=(0.3, 0.3))


def ornstein_uhlenbeck(
    rate: float = 1.0,
    temperature: float = 1.0,
    mean: float = 1.5,
    std: float = 0.3,
    end: float = 1.0,
    start: MixtureDensity | None = None,
) -> ExactProblem:
    """F = -rate x: every normal component keeps its shape, m = m0 e^{-kt}, v = v0 e^{-2kt} + T (1 - e^{-2kt}) / k.

    Parameters
    ----------
    rate : float
        k, 1/s; may be negative (an unstable point).
    temperature : float
        T, L²/s.
    mean, std : float
        Of the normal start, L.
    end : float
        Last time, s.
    start : Gaussian or GaussianMixture, optional
        In place of ``mean`` and ``std``.
    """
    number("rate", rate)
    begun = Gaussian(mean, std) if start is None else start
    if rate == 0.0:
        raise InputError("rate", "given 0; use free_diffusion")

    def density(t: float) -> Density:
        shrink, added = np.exp(-rate * t), -temperature / rate * np.expm1(-2.0 * rate * t)
        return _evolved(begun.components, shrink, 0.0, added)

    problem = FokkerPlanck(LinearForce(-rate), temperature)
    name = "ornstein-uhlenbeck" if start is None else "ornstein-uhlenbeck-mixture"
    reference = "G. E. Uhlenbeck, L. S. Ornstein, Phys. Rev. 36, 823 (1930); (16), (17), (B3), (B4)"
    return ExactProblem.of_density(name, problem, even_times(end), density, start=begun, reference=reference)


def free_diffusion(
    temperature: float = 0.5,
    drift: float = 0.0,
    start: MixtureDensity | Uniform | None = None,
    end: float = 1.0,
) -> ExactProblem:
    """A constant force: the start is carried along and blurred by N(0, 2 T t).

    Parameters
    ----------
    temperature : float
        T, L²/s; zero for pure advection.
    drift : float
        The constant force, L/s.
    start : Gaussian, GaussianMixture or Uniform, optional
        N(0, 0.4²) if absent.
    end : float
        Last time, s.
    """
    begun = Gaussian(0.0, 0.4) if start is None else start
    problem = FokkerPlanck(LinearForce(0.0, drift), temperature)
    reference = "H. Risken, The Fokker-Planck Equation, section 5.1"
    if isinstance(begun, Uniform):
        return _uniform_diffusion(problem, begun, temperature, drift, even_times(end), reference)

    def density(t: float) -> Density:
        return _evolved(begun.components, 1.0, drift * t, 2.0 * temperature * t)

    return ExactProblem.of_density(
        "free-diffusion", problem, even_times(end), density, start=begun, reference=reference
    )


def _uniform_diffusion(
    problem: FokkerPlanck, start: Uniform, temperature: float, drift: float, times: Array, reference: str
) -> ExactProblem:
    def density(t: float) -> Density:
        moved = Uniform(start.lower + drift * t, start.upper + drift * t)
        return blur(moved, 1.0, 2.0 * temperature * t) if t > 0.0 and temperature > 0.0 else moved

    def exact(t: float, grid: Grid) -> Array:
        std = np.sqrt(2.0 * temperature * t)
        if std == 0.0:
            return density(t).cell_averages(grid.faces)
        return blurred_uniform(grid.faces - drift * t, start, float(std))

    note = "the density jumps at first: the error of a scheme falls more slowly there"
    return ExactProblem(
        "uniform-diffusion", problem, start, times, exact, density=density, note=note, reference=reference
    )


def blurred_uniform(edges: Array, start: Uniform, std: float) -> Array:
    """Cell averages of a uniform density blurred by N(0, std²).

    Its CDF is (G(x - a) - G(x - b)) / (b - a) with G(u) = u Phi(u/s) + s phi(u/s), the antiderivative of the normal
    CDF; on the right of the middle the survival function is used in its place.
    """

    def antiderivative(u: Array) -> Array:
        z = u / std
        return std * (z * ndtr(z) + np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi))

    width, middle = start.upper - start.lower, 0.5 * (start.upper + start.lower)
    below = (antiderivative(edges - start.lower) - antiderivative(edges - start.upper)) / width
    above = (antiderivative(start.upper - edges) - antiderivative(start.lower - edges)) / width
    left = edges[1:] + edges[:-1] < 2.0 * middle
    return np.asarray(np.where(left, np.diff(below), -np.diff(above)) / np.diff(edges))


def scheduled_mixture(name: str, schedule: Schedule, data: GaussianMixture, fraction: float) -> ExactProblem:
    """A mixture under a noise schedule: x_t = m_t y + sigma_t e (17), (23).

    Parameters
    ----------
    name : str
        What it is called.
    schedule : Schedule
        The curve (m, sigma).
    data : GaussianMixture
        The start q.
    fraction : float
        Part of the duration to run, up to 1, where force and temperature may diverge.
    """
    if not 0.0 < fraction <= 1.0:
        raise InputError("fraction", f"given {fraction:g}; expected a part of the duration, above 0 and up to 1")
    process = Diffusion(data, schedule)
    times = np.linspace(0.0, fraction, 5) * schedule.tau
    note = "force and temperature diverge at the last time; the velocity does not" if fraction == 1.0 else ""
    reference = "K. Ikeda, T. Uda, D. Okanohara, S. Ito, Phys. Rev. X 15, 031031 (2025), (16), (17), (22), (23)"
    return ExactProblem.of_density(
        name, FokkerPlanck.of_schedule(schedule), times, process.density, start=data, note=note, reference=reference
    )


def cosine_mixture(data: GaussianMixture = _PAPER, tau: float = 1.0, fraction: float = 0.9) -> ExactProblem:
    """The paper's data under the cosine schedule (32), up to a fraction of tau; parameters as for the next one."""
    name = "cosine-mixture" if fraction < 1.0 else "cosine-mixture-to-the-end"
    return scheduled_mixture(name, Cosine(tau), data, fraction)


def conditional_transport_mixture(
    data: GaussianMixture = _PAPER, tau: float = 1.0, fraction: float = 0.9
) -> ExactProblem:
    """The paper's data under conditional optimal transport (28).

    Parameters
    ----------
    data : GaussianMixture
        The start q.
    tau : float
        Duration of the schedule, s.
    fraction : float
        Part of it to run, up to 1, where force and temperature diverge.
    """
    name = "conditional-transport-mixture" if fraction < 1.0 else "conditional-transport-mixture-to-the-end"
    return scheduled_mixture(name, ConditionalOptimalTransport(tau), data, fraction)


def _evolved(parts: Components, scale: float, shift: float, variance: float) -> Density:
    """Components after x -> scale x + shift and a blur of a given variance."""
    stds = np.sqrt(np.square(scale * parts.std) + variance)
    if parts.weight.size == 1:
        return Gaussian(float(scale * parts.mean[0] + shift), float(stds[0]))
    return EvolvedMixture(Components(parts.weight, scale * parts.mean + shift, stds))
