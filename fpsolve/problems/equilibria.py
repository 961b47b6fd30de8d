"""Equilibria of potentials, and equations whose temperature depends on the position."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fpsolve.densities import FunctionDensity, Gaussian
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.forces import DoubleWell, Force, LinearForce, Quartic
from fpsolve.grids import Array, Grid
from fpsolve.problems.base import ExactProblem, even_times
from fpsolve.problems.panels import averages, nodes_of, settled
from fpsolve.settings import InputError, number

#: exponent at which a density no longer counts: exp(-40) = 4e-18
_FAINT = 40.0
#: a cell is averaged over panels this part of the window wide
_PANELS = 128


def boltzmann(
    force: Force,
    temperature: float,
    end: float = 1.0,
    name: str = "boltzmann",
    lower: float | None = None,
    upper: float | None = None,
) -> ExactProblem:
    """The equilibrium exp(-U / T) of a force on the line, which stays as it is.

    Parameters
    ----------
    force : Force
        One with a potential that confines.
    temperature : float
        T, positive, L²/s.
    end : float
        Last time, s.
    name : str
        What the problem is called.
    lower, upper : float, optional
        An interval that holds the mass, L; found by scanning outward from zero if absent.

    Raises
    ------
    InputError
        A force without a potential, or one that does not confine.
    """
    number("temperature", temperature, above=0.0)
    if force.dimension != 1 or not force.has_potential:
        raise InputError("force", "it has no potential on a line; give one such as DoubleWell(2, 2)")

    def energy(x: Array) -> Array:
        values = force.potential((x,), 0.0)
        assert values is not None
        return values / temperature

    ends = _confined(energy) if lower is None or upper is None else (lower, upper)
    start, exact = _weights(lambda x: -energy(x), *ends)
    problem = FokkerPlanck(force, temperature)
    return ExactProblem(
        name, problem, start, even_times(end, 3), lambda t, grid: exact(grid), density=lambda t: start,
        stationary=exact, current=0.0, note="equilibrium: nothing changes", reference="exp(-U / T)",
    )  # fmt: skip


def double_well(
    barrier: float = 0.6, separation: float = 2.0, tilt: float = 0.0, temperature: float = 0.3
) -> ExactProblem:
    """The equilibrium of U = B((2x/s)² - 1)² - tilt x; parameters as for :class:`fpsolve.DoubleWell`."""
    name = "double-well" if tilt == 0.0 else "tilted-double-well"
    return boltzmann(DoubleWell(barrier, separation, tilt), temperature, name=name)


def quartic_well(a: float = 1.0, b: float = -1.0, temperature: float = 0.5) -> ExactProblem:
    """The equilibrium of U = a x⁴/4 - b x²/2; parameters as for :class:`fpsolve.Quartic`."""
    return boltzmann(Quartic(a, b), temperature, name="quartic-well")


def local_temperature(
    rate: float = 1.0, temperature: float = 0.3, width: float = 1.0, wall: float = 2.5, end: float = 1.0
) -> ExactProblem:
    """F = -k x and T(x) = T0 (1 + x²/w²) in a reflecting box: P = (1 + x²/w²)^(-k w² / 2 T0), since F P = T dP/dx.

    Parameters
    ----------
    rate : float
        k, 1/s.
    temperature : float
        T0, L²/s.
    width : float
        w, L.
    wall : float
        The box is [-wall, wall], L.
    end : float
        Last time, s.
    """
    power = 0.5 * rate * width**2 / temperature
    start, exact = _weights(lambda x: -power * np.log1p(np.square(x / width)), -wall, wall)
    problem = FokkerPlanck(
        LinearForce(-rate), lambda x, t: temperature * (1.0 + np.square(x / width)), domain=Domain(-wall, wall)
    )
    return ExactProblem(
        "local-temperature", problem, start, even_times(end, 3), lambda t, grid: exact(grid), density=lambda t: start,
        stationary=exact, current=0.0, note="stationary: J = F P - T(x) dP/dx = 0", reference="exp(int F / T dx)",
    )  # fmt: skip


def geometric_brownian(
    growth: float = -0.1, noise: float = 0.04, mean: float = 0.0, std: float = 0.15, end: float = 1.0
) -> ExactProblem:
    """F = c x and T(x) = D x²: ln x is normal with mean m + (c + D) t and variance s² + 2 D t.

    With J = F P - T dP/dx the Ito drift is F + dT/dx = (c + 2 D) x, of which Ito's formula takes D.

    Parameters
    ----------
    growth : float
        c, 1/s.
    noise : float
        D, 1/s.
    mean, std : float
        Of ln x at the start.
    end : float
        Last time, s.
    """

    def logarithm(t: float) -> Gaussian:
        return Gaussian(mean + (growth + noise) * t, float(np.sqrt(std**2 + 2.0 * noise * t)))

    def exact(t: float, grid: Grid) -> Array:
        return logarithm(t).cell_masses(np.log(grid.faces)) / grid.widths

    ends = np.array([logarithm(t).interval(1e-14) for t in np.linspace(0.0, end, 25)])
    lower, upper = float(np.exp(np.min(ends))), float(np.exp(np.max(ends)))
    start = FunctionDensity(lambda x: logarithm(0.0).pdf(np.log(x)) / x, lower, upper)
    problem = FokkerPlanck(LinearForce(growth), lambda x, t: noise * np.square(x), domain=Domain(lower, upper))
    note = "the walls are so far away that they are not felt"
    return ExactProblem(
        "geometric-brownian", problem, start, even_times(end), exact, note=note, reference="Ito's formula for ln x"
    )


def _weights(
    exponent: Callable[[Array], Array], lower: float, upper: float
) -> tuple[FunctionDensity, Callable[[Grid], Array]]:
    """exp(exponent), normalised on an interval: as a density, and its averages over the cells of a grid."""
    most = float(np.max(exponent(np.linspace(lower, upper, 4097))))

    def mass(count: int) -> float:
        x, weights = nodes_of(np.linspace(lower, upper, count + 1))
        return float(np.sum(np.exp(exponent(x) - most) * weights))

    total, count = settled(mass, "force")

    def density(x: Array) -> Array:
        return np.asarray(np.exp(exponent(x) - most) / total)

    def exact(grid: Grid) -> Array:
        return averages(density, grid.faces, (upper - lower) / max(count, _PANELS))

    return FunctionDensity(density, lower, upper), exact


def _confined(energy: Callable[[Array], Array]) -> tuple[float, float]:
    """Ends beyond which exp(-energy) does not count."""
    reach = 2.0 ** np.arange(-12.0, 20.0, 0.125)
    x = np.concatenate([-reach[::-1], [0.0], reach])
    with np.errstate(over="ignore"):
        values = energy(x)
    held = np.flatnonzero(values - np.min(values) < _FAINT)
    if held[0] == 0 or held[-1] == x.size - 1:
        raise InputError("force", "its potential does not confine; give lower and upper")
    return float(x[held[0] - 1]), float(x[held[-1] + 1])
