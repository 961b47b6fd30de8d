"""Exact solutions between walls and on rings: eigenfunctions, and images where there is one wall."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import erfc, log_ndtr

from fpsolve.densities import Density, FunctionDensity, Gaussian
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.forces import LinearForce, TiltedRing
from fpsolve.grids import Array, Boundary, Grid, check_boundary
from fpsolve.problems.base import TAIL, ExactProblem, even_times
from fpsolve.problems.series import Waves
from fpsolve.settings import InputError

#: exponent below which a wave of the start is left out: exp(-80) of it
_FAINT = 80.0
#: standard deviations between the start and the nearest wall: less than 1e-15 of the mass is beyond
_CLEAR = 8.0
_BOXES = "H. S. Carslaw, J. C. Jaeger, Conduction of Heat in Solids, sections 3.3, 3.4, 14.2"


def box_diffusion(
    boundary: Boundary = "reflecting",
    temperature: float = 0.05,
    lower: float = 0.0,
    upper: float = 1.0,
    start: Gaussian | Sequence[float] | None = None,
    end: float = 1.0,
) -> ExactProblem:
    """Free diffusion in a box, each eigenfunction of which decays at the rate T q².

    Parameters
    ----------
    boundary : str or (str, str)
        Reflecting, absorbing or periodic ends; a pair gives the lower and the upper one each its own.
    temperature : float
        T, L²/s.
    lower, upper : float
        Ends, L.
    start : Gaussian or sequence of float, optional
        A normal density at least 8 standard deviations from the ends (if absent, one at 0.35 of the box, 0.04 of it
        wide), or the amplitudes of the first eigenfunctions, divided by their mass.
    end : float
        Last time, s.
    """
    boundary = check_boundary(boundary)
    begun: Density
    if start is None or isinstance(start, Gaussian):
        begun = Gaussian(lower + 0.35 * (upper - lower), 0.04 * (upper - lower)) if start is None else start
        _check_clear(begun, lower, upper)
        waves = _normal_waves(begun, boundary, lower, upper - lower)
    else:
        waves, begun = _given_waves(start, boundary, lower, upper - lower)
    problem = FokkerPlanck(LinearForce(0.0), temperature, domain=Domain(lower, upper, boundary))

    def exact(t: float, grid: Grid) -> Array:
        return waves.diffused(t, temperature).averages(grid.faces)

    def outflow(t: float) -> Array:
        if boundary == "periodic":
            return np.zeros(2)
        ends = waves.lost(lower, t, temperature), -waves.lost(upper, t, temperature)
        absorbing = np.array([_ends(boundary)[k] == "absorbing" for k in range(2)])
        return np.where(absorbing, ends, 0.0)

    name = f"box-{boundary if isinstance(boundary, str) else '-'.join(boundary)}"
    return ExactProblem(name, problem, begun, even_times(end), exact, outflow=outflow, reference=_BOXES)


def drifting_ring(
    drift: float = 1.0,
    temperature: float = 0.02,
    length: float = 1.0,
    mean: float = 0.5,
    std: float = 0.05,
    end: float = 1.0,
) -> ExactProblem:
    """A wrapped normal density that a constant force carries around a ring.

    Parameters
    ----------
    drift : float
        The force, L/s.
    temperature : float
        T, L²/s.
    length : float
        Of the ring [0, length], L.
    mean, std : float
        Of the start, at least 8 standard deviations from the seam, L.
    end : float
        Last time, s.
    """
    start = Gaussian(mean, std)
    _check_clear(start, 0.0, length)
    waves = _normal_waves(start, "periodic", 0.0, length)
    problem = FokkerPlanck(TiltedRing(drift, 0.0, length), temperature, domain=Domain(0.0, length, "periodic"))

    def exact(t: float, grid: Grid) -> Array:
        return waves.diffused(t, temperature, drift).averages(grid.faces)

    return ExactProblem(
        "drifting-ring", problem, start, even_times(end), exact, current=drift / length,
        stationary=lambda grid: np.full(grid.cells, 1.0 / length), reference="wrapped normal distribution",
    )  # fmt: skip


def absorbed_oscillator(
    rate: float = 1.0, temperature: float = 0.5, mean: float = 1.5, std: float = 0.15, end: float = 1.0
) -> ExactProblem:
    """An Ornstein-Uhlenbeck process that ends at zero: P = N(m, v) - N(-m, v) on x > 0, survival erf(m / sqrt(2 v)).

    Parameters
    ----------
    rate : float
        k of the force -k x, 1/s.
    temperature : float
        T, L²/s.
    mean, std : float
        Of the start, at least 8 standard deviations from zero, L.
    end : float
        Last time, s.
    """
    start = Gaussian(mean, std)

    def moved(t: float) -> tuple[float, float]:
        variance = std**2 * np.exp(-2.0 * rate * t) - temperature / rate * np.expm1(-2.0 * rate * t)
        return float(mean * np.exp(-rate * t)), float(np.sqrt(variance))

    def exact(t: float, grid: Grid) -> Array:
        m, s = moved(t)
        return Gaussian(m, s).cell_averages(grid.faces) - Gaussian(-m, s).cell_averages(grid.faces)

    def outflow(t: float) -> Array:
        m, s = moved(t)
        return np.array([float(erfc(m / (np.sqrt(2.0) * s))), 0.0])

    times = even_times(end)
    far = max(Gaussian(*moved(t)).interval(TAIL)[1] for t in np.linspace(0.0, end, 25))
    _check_clear(start, 0.0, np.inf)
    problem = FokkerPlanck(LinearForce(-rate), temperature, domain=Domain(0.0, far, ("absorbing", "reflecting")))
    note = "the upper wall is so far away that it is not felt"
    reference = "images: the force is odd; H. Risken, The Fokker-Planck Equation, section 5.3"
    return ExactProblem(
        "absorbed-oscillator", problem, start, times, exact, outflow=outflow, note=note, reference=reference
    )


def absorbed_drift(
    drift: float = -0.8, temperature: float = 0.3, mean: float = 1.2, std: float = 0.12, end: float = 1.5
) -> ExactProblem:
    """A constant force towards (or away from) an absorbing wall at zero.

    The image of a point x0 weighs exp(-drift x0 / T); summed over a normal start it is normal again, with mean
    -(m - drift std² / T) + drift t.

    Parameters
    ----------
    drift : float
        The force, negative towards the wall, L/s.
    temperature : float
        T, L²/s.
    mean, std : float
        Of the start, at least 8 standard deviations from zero, L.
    end : float
        Last time, s.
    """
    start = Gaussian(mean, std)
    _check_clear(start, 0.0, np.inf)
    pull = drift / temperature
    weight = float(np.exp(-pull * mean + 0.5 * (pull * std) ** 2))

    def parts(t: float) -> tuple[float, float, float]:
        real, image = mean + drift * t, -(mean - pull * std**2) + drift * t
        return real, image, float(np.sqrt(std**2 + 2.0 * temperature * t))

    def exact(t: float, grid: Grid) -> Array:
        real, image, s = parts(t)
        return Gaussian(real, s).cell_averages(grid.faces) - weight * Gaussian(image, s).cell_averages(grid.faces)

    def outflow(t: float) -> Array:
        real, image, s = parts(t)
        logs = np.array([log_ndtr(-real / s), np.log(weight) + log_ndtr(image / s)])
        return np.array([float(np.sum(np.exp(logs))), 0.0])

    far = max(Gaussian(parts(t)[0], parts(t)[2]).interval(TAIL)[1] for t in np.linspace(0.0, end, 25))
    problem = FokkerPlanck(LinearForce(0.0, drift), temperature, domain=Domain(0.0, far, ("absorbing", "reflecting")))
    note = "the upper wall is so far away that it is not felt"
    reference = "S. Redner, A Guide to First-Passage Processes, section 3.2"
    return ExactProblem(
        "absorbed-drift", problem, start, even_times(end), exact, outflow=outflow, note=note, reference=reference
    )


def _check_clear(start: Gaussian, lower: float, upper: float) -> None:
    if min(start.mean - lower, upper - start.mean) < _CLEAR * start.std * (1.0 - 1e-12):
        raise InputError(
            "std", f"given {start.std:g} at a mean of {start.mean:g}; the start must lie {_CLEAR:g} standard "
            f"deviations from the ends {lower:g} and {upper:g}: make it narrower"
        )  # fmt: skip


def _ends(boundary: Boundary) -> tuple[str, str]:
    return (boundary, boundary) if isinstance(boundary, str) else boundary


def _shapes(boundary: Boundary, length: float, count: int) -> tuple[Array, complex, float]:
    """Waves of the first eigenfunctions, the factor that makes them of exp(i q x), and the norm of the constant."""
    lower, upper = _ends(boundary)
    order = np.arange(count, dtype=float)
    if lower == "periodic":
        return 2.0 * np.pi * order / length, 1.0, 0.5
    phase = 1.0 if lower == "reflecting" else -1j
    if lower != upper:
        return np.pi * (order + 0.5) / length, phase, 1.0
    return np.pi * (order + (lower == "absorbing")) / length, phase, 0.5


def _normal_waves(start: Gaussian, boundary: Boundary, lower: float, length: float) -> Waves:
    """The expansion of a normal density that lies clear of the ends."""
    most = np.sqrt(2.0 * _FAINT) / start.std
    wave, phase, constant = _shapes(boundary, length, int(most * length / np.pi) + 3)
    seen = np.exp(1j * wave * (start.mean - lower))
    size = seen.conj() if boundary == "periodic" else phase * (phase * seen).real
    coefficient = 2.0 / length * size * np.exp(-0.5 * np.square(wave * start.std))
    coefficient[wave == 0.0] *= constant
    return Waves(wave, coefficient + 0j, lower)


def _given_waves(
    amplitudes: Sequence[float], boundary: Boundary, lower: float, length: float
) -> tuple[Waves, FunctionDensity]:
    """A start of given eigenfunctions."""
    wave, phase, _ = _shapes(boundary, length, len(amplitudes))
    waves = Waves(wave, phase * np.asarray(amplitudes, float) + 0j, lower)
    mass = float(waves.averages(np.array([lower, lower + length]))[0] * length)
    if not mass > 1e-9 * length * float(np.sum(np.abs(amplitudes))):
        raise InputError("start", f"given amplitudes {tuple(amplitudes)} of mass {mass:g}; it must be positive")
    waves = Waves(wave, waves.coefficient / mass, lower)

    def density(x: Array) -> Array:
        values = waves.values(x)
        # at an absorbing end zero may come out as a rounding error below it
        return np.where((values < 0.0) & (values > -1e-12 / length), 0.0, values)

    return waves, FunctionDensity(density, lower, lower + length)
