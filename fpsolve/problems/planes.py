"""Exact solutions in the plane: rotation, any linear force, and stationary states of potentials, stirred or not."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from fpsolve.densities import PlaneFunction, PlaneGaussian
from fpsolve.equation import FokkerPlanck
from fpsolve.forces import LinearForce, NonconservativeForce
from fpsolve.grids import Array
from fpsolve.problems.base import ExactProblem, even_times
from fpsolve.problems.panels import nodes_of


def rotation(
    rate: float = 1.0,
    angular: float = 3.0,
    temperature: float = 0.5,
    mean: tuple[float, float] = (1.5, 0.0),
    std: float = 0.4,
    end: float = 1.0,
) -> ExactProblem:
    """F = -k (x, y) + g (-y, x) from an isotropic normal start, whose mean goes along a spiral.

    Parameters
    ----------
    rate : float
        k, 1/s; zero for rotation alone.
    angular : float
        g, 1/s.
    temperature : float
        T, L²/s.
    mean : (x, y)
        Of the start, L.
    std : float
        Of the start along every direction, L.
    end : float
        Last time, s.
    """

    def density(t: float) -> PlaneGaussian:
        added = 2.0 * temperature * t if rate == 0.0 else -temperature / rate * np.expm1(-2.0 * rate * t)
        cosine, sine = np.cos(angular * t), np.sin(angular * t)
        turned = (cosine * mean[0] - sine * mean[1], sine * mean[0] + cosine * mean[1])
        shrink = np.exp(-rate * t)
        return PlaneGaussian(
            (float(shrink * turned[0]), float(shrink * turned[1])), std=float(np.sqrt((std * shrink) ** 2 + added))
        )

    problem = FokkerPlanck(LinearForce([[-rate, -angular], [angular, -rate]]), temperature)
    reference = "(16), (B3), (B4): an isotropic normal density in a rotating frame"
    return ExactProblem.of_density("rotation", problem, even_times(end), density, reference=reference)


def anisotropic_linear(
    matrix: Any = ((-1.0, -1.5), (0.7, -2.0)),
    vector: Any = (0.3, -0.2),
    matrix_end: Any = None,
    duration: float | None = None,
    temperature: Any = 0.4,
    mobility: Any = 1.0,
    mean: tuple[float, float] = (0.8, -0.5),
    covariance: Any = ((0.3, 0.1), (0.1, 0.2)),
    end: float = 1.0,
) -> ExactProblem:
    """F = A x + b with any A, b, temperature T and mobility M.

    dm/dt = M (A m + b), dS/dt = M A S + S (M A)' + T (M + M'): the moments (B3), (B4) come from these ordinary
    differential equations, solved to 1e-13.

    Parameters
    ----------
    matrix : 2 x 2 array or callable
        A, 1/s; ``t -> A`` where it depends on time.
    vector : pair or callable
        b, L/s.
    matrix_end : 2 x 2 array, optional
        A at ``duration`` (s), in between linear in time.
    duration : float, optional
        When ``matrix_end`` is reached, s.
    temperature : float or callable
        T, L²/s, or ``t -> T``.
    mobility : float or 2 x 2 array
        M.
    mean : (x, y)
        Of the start, L.
    covariance : 2 x 2 array
        Of the start, L².
    end : float
        Last time, s.
    """
    problem = FokkerPlanck(LinearForce(matrix, vector, matrix_end, duration), temperature, mobility)
    first = np.concatenate([np.asarray(mean, float), np.asarray(covariance, float).ravel()])

    @functools.lru_cache(maxsize=128)
    def density(t: float) -> PlaneGaussian:
        moments = linear_moments(problem, first, t)
        middle, spread = moments[:2], moments[2:].reshape(2, 2)
        return PlaneGaussian((float(middle[0]), float(middle[1])), covariance=0.5 * (spread + spread.T))

    timed = not problem.steady
    name = "anisotropic-linear" + ("-in-time" if timed else "") + ("" if np.ndim(mobility) == 0 else "-mobility")
    return ExactProblem.of_density(name, problem, even_times(end), density, reference="(16), (B3), (B4)")


def linear_moments(problem: FokkerPlanck, first: Array, t: float) -> Array:
    """Mean and covariance (2 + 4 numbers) at a time under a linear force in the plane, from those at zero."""
    if t == 0.0:
        return first
    from scipy.integrate import solve_ivp

    force, mobility = problem.force, problem.mobility_matrix
    assert isinstance(force, LinearForce)

    def rate(s: float, moments: Array) -> Array:
        pull, spread = mobility @ force.matrix_at(s), moments[2:].reshape(2, 2)
        middle = pull @ moments[:2] + mobility @ force.vector_at(s)
        grown = pull @ spread + spread @ pull.T + problem.temperature_at(s) * (mobility + mobility.T)
        return np.concatenate([middle, grown.ravel()])

    solved = solve_ivp(rate, (0.0, t), first, method="DOP853", rtol=1e-13, atol=1e-15)
    return np.asarray(solved.y[:, -1])


def stirred_well(
    barrier: float = 0.5, coupling: float = 0.5, stirring: float = 1.0, temperature: float = 0.4, end: float = 1.0
) -> ExactProblem:
    """U = B (x² - 1)² + (y - c x)² / 2 and, across its gradient, F = -grad U + g (dU/dy, -dU/dx): P = exp(-U / T).

    The stirring part follows the level lines of U, so that it leaves the Boltzmann density as it is, with a current.

    Parameters
    ----------
    barrier : float
        B, unit of T.
    coupling : float
        c, no unit.
    stirring : float
        g, no unit; zero for equilibrium.
    temperature : float
        T, L²/s.
    end : float
        Last time, s.
    """

    def slopes(x: Array, y: Array) -> tuple[Array, Array]:
        tilted = y - coupling * x
        return 4.0 * barrier * x * (x * x - 1.0) - coupling * tilted, tilted

    def force(x: Array, y: Array) -> tuple[Array, Array]:
        along_x, along_y = slopes(x, y)
        return -along_x + stirring * along_y, -along_y - stirring * along_x

    # for every x the integral over y is that of a normal density
    reach = float(np.sqrt(1.0 + np.sqrt(36.0 * temperature / barrier)))
    x, weights = nodes_of(np.linspace(-reach, reach, 65))
    profile = float(np.sum(np.exp(-barrier / temperature * np.square(x * x - 1.0)) * weights))
    mass = profile * float(np.sqrt(2.0 * np.pi * temperature))

    def density(x: Array, y: Array) -> Array:
        energy = barrier * np.square(x * x - 1.0) + 0.5 * np.square(y - coupling * x)
        return np.exp(-energy / temperature) / mass

    side = coupling * reach + float(np.sqrt(72.0 * temperature))
    start = PlaneFunction(density, (-reach, -side), (reach, side))
    problem = FokkerPlanck(NonconservativeForce(force, dimension=2), temperature)
    note = "stationary, with a current along the level lines of U"
    return ExactProblem.of_density(
        "stirred-well", problem, even_times(end, 3), lambda t: start, note=note, reference="exp(-U / T)"
    )
