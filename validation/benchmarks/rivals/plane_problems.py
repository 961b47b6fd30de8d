"""Pairs of densities on the unit square as cell masses, with their exact distances where these are known.

Where there is an exact distance, the walls of the square cut off less than 1e-7 of the mass.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np
from scipy.special import erfc

from fpsolve.densities.plane import PlaneDensity, PlaneGaussian, SwissRoll
from fpsolve.transport import wasserstein_cells
from fpsolve.transport.gaussian import bures
from validation.benchmarks.transport_line import normal_masses

Array = np.ndarray

LEFT_MEAN, RIGHT_MEAN, SHIFT = (0.35, 0.40), (0.60, 0.55), (0.23, 0.14)
RADIUS, WIDTH, STD = 0.3, 0.03, 0.06
#: means, standard deviations and weights along x and along y of the product of mixtures; a normal density is its target
MIXTURES = (((0.36, 0.66), (0.05, 0.06), (0.6, 0.4)), ((0.30, 0.56), (0.045, 0.07), (0.3, 0.7)))
TARGET = (0.5, 0.08)


@dataclasses.dataclass(frozen=True)
class PlaneProblem:
    """Both arrays of masses on n x n cells, and {order: exact distance}; orders without one map to None."""

    name: str
    masses: Callable[[int], tuple[Array, Array]]
    exact: Callable[[], dict[int, float | None]]


def edges(cells: int) -> Array:
    return np.linspace(0.0, 1.0, cells + 1)


def rotated(degrees: float, long: float, short: float) -> Array:
    """Covariance with standard deviations ``long`` and ``short`` along rotated axes."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[c, -s], [s, c]])
    return turn @ np.diag([long**2, short**2]) @ turn.T


def on_cells(density: PlaneDensity, cells: int, origin: float = 0.0) -> Array:
    """Masses of total one; ``origin`` is the corner of the square in the density's own coordinates."""
    masses = density.cell_masses(edges(cells) + origin, edges(cells) + origin)
    return masses / masses.sum()


LEFT = PlaneGaussian(mean=LEFT_MEAN, covariance=rotated(30.0, 0.06, 0.035))
RIGHT = PlaneGaussian(mean=RIGHT_MEAN, covariance=rotated(-20.0, 0.035, 0.06))
MOVED = PlaneGaussian(mean=tuple(np.add(LEFT_MEAN, SHIFT)), covariance=rotated(30.0, 0.06, 0.035))
MIDDLE = PlaneGaussian(mean=(0.5, 0.5), std=STD)
ROLL, AROUND = SwissRoll(scale=35.0, blur=0.02), PlaneGaussian(mean=(0.0, 0.0), std=0.1)


def gaussians(cells: int) -> tuple[Array, Array]:
    return on_cells(LEFT, cells), on_cells(RIGHT, cells)


def shift(cells: int) -> tuple[Array, Array]:
    return on_cells(LEFT, cells), on_cells(MOVED, cells)


def ring(cells: int) -> tuple[Array, Array]:
    """A Gaussian and the ring exp(-(r - R)^2 / 2 w^2) around it, by Gauss-Legendre rules in every cell."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    x = ((np.arange(cells)[:, None] + 0.5 + 0.5 * nodes) / cells).ravel() - 0.5
    values = np.exp(-0.5 * ((np.hypot(x[:, None], x) - RADIUS) / WIDTH) ** 2)
    masses = np.einsum("iajb,a,b->ij", values.reshape(cells, 8, cells, 8), weights, weights)
    return on_cells(MIDDLE, cells), masses / masses.sum()


def radial() -> dict[int, float | None]:
    """Both densities have the same angles, so mass moves along the radius, by the monotone map."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    panels = np.linspace(0.0, 0.6, 2001)
    half = 0.5 * np.diff(panels)[:, None]
    r, w = panels[:-1, None] + half * (1.0 + nodes), half * weights
    scaled = (r - RADIUS) / (WIDTH * math.sqrt(2.0))
    density = r * np.exp(-(scaled**2))
    beyond = WIDTH**2 * np.exp(-(scaled**2)) + RADIUS * WIDTH * math.sqrt(0.5 * math.pi) * erfc(scaled)
    total = np.sum(w * density)
    # the Gaussian's radius that as much mass lies beyond
    image = STD * np.sqrt(-2.0 * np.log(np.minimum(beyond / total, 1.0)))
    powers = {order: np.sum(w * density * np.abs(r - image) ** order) / total for order in (1, 2)}
    return {order: float(value) ** (1.0 / order) for order, value in powers.items()}


def _mixture(cells: int, axis: int) -> Array:
    parts = zip(*MIXTURES[axis], strict=True)
    masses = np.sum([weight * normal_masses(edges(cells), mean, std) for mean, std, weight in parts], axis=0)
    return masses / masses.sum()


def _target(cells: int) -> Array:
    masses = normal_masses(edges(cells), *TARGET)
    return masses / masses.sum()


def product(cells: int) -> tuple[Array, Array]:
    """A product of two mixtures, and of two normal densities: the axes part, and squares of W_2 add up."""
    return np.outer(_mixture(cells, 0), _mixture(cells, 1)), np.outer(_target(cells), _target(cells))


def by_axes() -> dict[int, float | None]:
    fine = 4000
    parts = [wasserstein_cells(edges(fine), _mixture(fine, k), edges(fine), _target(fine), 2)[0] for k in (0, 1)]
    return {1: None, 2: math.hypot(*parts)}


def swiss_roll(cells: int) -> tuple[Array, Array]:
    return on_cells(AROUND, cells, -0.5), on_cells(ROLL, cells, -0.5)


def _bures() -> dict[int, float | None]:
    return {1: None, 2: bures(LEFT.mean, LEFT.covariance, RIGHT.mean, RIGHT.covariance)}


PROBLEMS = {
    "gaussians": PlaneProblem("gaussians", functools.lru_cache(gaussians), _bures),
    "shift": PlaneProblem("shift", functools.lru_cache(shift), lambda: dict.fromkeys((1, 2), math.hypot(*SHIFT))),
    "ring": PlaneProblem("ring", functools.lru_cache(ring), radial),
    "product": PlaneProblem("product", functools.lru_cache(product), by_axes),
    "swiss roll": PlaneProblem("swiss roll", functools.lru_cache(swiss_roll), lambda: dict.fromkeys((1, 2))),
}
