"""The tilted ring: Stratonovich's stationary state, and its relaxation by Fourier series."""

from __future__ import annotations

import functools

import numpy as np

from fpsolve.densities import Gaussian
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.forces import TiltedRing
from fpsolve.grids import Array, Grid
from fpsolve.problems.base import ExactProblem, even_times
from fpsolve.problems.panels import nodes_of
from fpsolve.problems.series import Complex, Waves, ring_series
from fpsolve.settings import InputError, number

#: the exponent changes by this much over a panel of 16 nodes
_CHANGE = 2.0
_MOST = 2**12
#: the largest force over a ring, in units of T
_COLDEST = 1e4
#: the last of the waves are smaller than this part of the first
_SETTLED = 2e-15
#: exp(-_REACH² / 2) of the narrowest feature is left out
_REACH = 9.0
#: condition of the eigenvectors up to which they are used
_PARALLEL = 100.0


def tilted_ring(
    tilt: float = 0.6,
    amplitude: float = 1.0,
    period: float = 2.0 * np.pi,
    temperature: float = 0.3,
    mean: float | None = None,
    std: float | None = None,
    end: float = 4.0,
) -> ExactProblem:
    """F = tilt + amplitude sin(2 pi x / period) on a ring, from a normal start towards Stratonovich's current.

    The transient is exact to rounding, though not in closed form: its Fourier coefficients obey a linear equation with
    three diagonals, solved by its exponential.

    Parameters
    ----------
    tilt, amplitude : float
        L/s.
    period : float
        Length of the ring [0, period], L.
    temperature : float
        T, positive, L²/s.
    mean, std : float, optional
        Of the start, L: the middle of the ring and a twentieth of it if absent.
    end : float
        Last time, s.
    """
    number("temperature", temperature, above=0.0)
    start = Gaussian(0.5 * period if mean is None else mean, period / 20.0 if std is None else std)
    if min(start.mean, period - start.mean) < 8.0 * start.std:
        raise InputError("std", f"given {start.std:g}; the start must lie 8 standard deviations from the seam")
    steady, current = stationary_ring(tilt, amplitude, period, temperature)
    force = TiltedRing(tilt, amplitude, period)
    evolution = _Evolution(start, force, temperature)

    def exact(t: float, grid: Grid) -> Array:
        return evolution.at(t).averages(grid.faces)

    problem = FokkerPlanck(force, temperature, domain=Domain(0.0, period, "periodic"))
    reference = "R. L. Stratonovich, Topics in the Theory of Random Noise; P. Reimann, Phys. Rep. 361, 57 (2002), 2.4"
    return ExactProblem(
        "tilted-ring", problem, start, even_times(end), exact, current=current,
        stationary=lambda grid: steady.averages(grid.faces), reference=reference,
    )  # fmt: skip


def stationary_ring(tilt: float, amplitude: float, period: float, temperature: float) -> tuple[Waves, float]:
    """Stationary density and current of the tilted ring.

    With V = U - tilt x, P = C e^{-V(x)/T} int_x^{x + L} e^{V(y)/T} dy and J = C T (1 - e^{-tilt L / T}); for a negative
    tilt the integral runs from x - L to x and J = -C T (1 - e^{tilt L / T}). All exponents are differences of V, less
    the largest one, so that low temperatures do not overflow.

    Parameters
    ----------
    tilt, amplitude : float
        L/s.
    period : float
        L, a length.
    temperature : float
        T, L²/s.

    Returns
    -------
    waves : Waves
        P as a Fourier series.
    current : float
        J, 1/s.
    """
    force = TiltedRing(tilt, amplitude, period)
    side = 1.0 if tilt >= 0.0 else -1.0
    steepest = (abs(tilt) + abs(amplitude)) / temperature
    if not steepest * period < _COLDEST:
        least = temperature * steepest * period / _COLDEST
        raise InputError("temperature", f"given {temperature:g}; it must be above {least:.3g} here")
    panels = int(np.ceil(steepest * period / _CHANGE)) + 16
    y, weights = (part.ravel() for part in nodes_of(np.linspace(0.0, period, panels + 1)))

    def exponent(x: Array | float, y: Array) -> Array:
        return (force.landscape(x + side * y) - force.landscape(np.asarray(x)) - abs(tilt) * y) / temperature

    scan = np.linspace(0.0, period, 513)
    most = float(np.max(exponent(scan[:, None], scan)))

    def unscaled(x: Array) -> Array:
        return np.array([np.exp(exponent(v, y) - most) @ weights for v in x])

    series, sizes, count = Waves(np.zeros(1), np.zeros(1, complex)), np.ones(1), 32
    while np.max(sizes[-max(count // 8, 1) :]) > _SETTLED * sizes[0]:
        count *= 2
        if count > _MOST:
            raise InputError("temperature", f"given {temperature:g}; {_MOST} waves do not resolve P: raise it")
        series = ring_series(unscaled(period / count * np.arange(float(count))), 0.0, period)
        sizes = np.abs(series.coefficient)
    constant = 1.0 / (period * float(sizes[0]))
    current = -side * constant * temperature * np.expm1(-abs(tilt) * period / temperature) * np.exp(-most)
    return Waves(series.wave, series.coefficient * constant, 0.0), float(current)


class _Evolution:
    """Fourier coefficients of P in time: dc_k/dt = -i q k (F c)_k - T q² k² c_k.

    Parameters
    ----------
    start : Gaussian
        At time zero.
    force : TiltedRing
    temperature : float
        T, L²/s.
    """

    def __init__(self, start: Gaussian, force: TiltedRing, temperature: float) -> None:
        unit = 2.0 * np.pi / force.period
        narrowest = min(start.std, np.sqrt(temperature / (unit * (abs(force.amplitude) + 1e-300))))
        count = int(np.ceil(_REACH / (unit * narrowest))) + 24
        order = np.arange(-count, count + 1)
        wave = unit * order
        self._unit, self._count = unit, count
        self._start = np.exp(-1j * wave * start.mean - 0.5 * np.square(wave * start.std)) / force.period
        pulled = np.diag(np.full(2 * count, 1.0), -1) - np.diag(np.full(2 * count, 1.0), 1)
        self._rates = -(0.5 * force.amplitude * wave)[:, None] * pulled + np.diag(
            -wave * (1j * force.tilt + temperature * wave)
        )

    @functools.cached_property
    def _modes(self) -> tuple[Complex, Complex, Complex] | None:
        """Eigenvalues, eigenvectors and the start in terms of them, where they are far from parallel."""
        values, vectors = np.linalg.eig(self._rates)
        if np.linalg.cond(vectors) > _PARALLEL:
            return None
        return values, vectors, np.linalg.solve(vectors, self._start)

    @functools.lru_cache(maxsize=32)  # noqa: B019 - lives as long as its problem
    def at(self, t: float) -> Waves:
        """P at a time, as a real series."""
        from scipy.linalg import expm

        if self._modes is None:
            found: Complex = expm(self._rates * t) @ self._start
        else:
            values, vectors, first = self._modes
            found = vectors @ (np.exp(values * t) * first)
        positive = found[self._count :].copy()
        positive[1:] *= 2.0
        return Waves(self._unit * np.arange(self._count + 1.0), positive, 0.0)
