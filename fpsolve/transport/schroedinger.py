"""Schroedinger operators whose ground state is the root of a density, in cosine series on a rectangle of equal cells.

With psi = sqrt(p) phi the weighted Poisson equation -div(p grad phi) = f becomes

    -Laplace psi + V psi = f / sqrt(p),    V = Laplace sqrt(p) / sqrt(p),

and sqrt(p) is the ground state of the left side, of energy zero. The solution decays with sqrt(p), so that a cosine
series finds it to spectral accuracy, and p, which spans all magnitudes, multiplies nothing. The operator costs two
cosine transforms.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct, dctn, dst, idct, idctn, idst

from fpsolve.quadrature import Array

Field = tuple[Array, Array]
Mask = NDArray[np.bool_]

#: shift of the operator, relative to the preconditioner's: flows through necks of the density below it are rounding
SHIFT = 1e-11
#: conjugate gradients stop when so many steps together have added less than the tolerance
STEPS = 5
#: part of the wave numbers, the highest, that shows what the grid does not resolve
TAIL = 0.1
#: the series of the root is trusted where its potential exceeds so many times what was left out
NOISE = 0.3


@dataclasses.dataclass(frozen=True, eq=False)
class Cosines:
    """Orthonormal cosine series on a rectangle, their derivatives and the adjoints of these.

    Parameters
    ----------
    shape : (nx, ny)
        Nodes, at the centres of equal cells.
    spacing : (hx, hy)
        Widths of the cells, lengths.
    """

    shape: tuple[int, int]
    spacing: tuple[float, float]

    @functools.cached_property
    def numbers(self) -> Field:
        """Wave numbers along x, of shape (nx, 1), and along y, (1, ny); inverse lengths."""
        first, second = (
            np.asarray(np.arange(n) * np.pi / (n * h), float) for n, h in zip(self.shape, self.spacing, strict=True)
        )
        return first[:, None], second[None, :]

    @functools.cached_property
    def squares(self) -> Array:
        """Squared wave vectors: the eigenvalues of minus the Laplacian."""
        return self.numbers[0] ** 2 + self.numbers[1] ** 2

    def coefficients(self, values: Array) -> Array:
        """Coefficients of the series through the values at the nodes."""
        return np.asarray(dctn(values, norm="ortho"))

    def values(self, coefficients: Array) -> Array:
        """Values of the series at the nodes."""
        return np.asarray(idctn(coefficients, norm="ortho"))

    def derivative(self, coefficients: Array, axis: int) -> Array:
        """Derivative of the series along an axis, at the nodes: a series of sines, whose numbers start at one."""
        sines = np.zeros_like(coefficients)
        lower, upper = _shifted(axis)
        sines[lower] = -(self.numbers[axis] * coefficients)[upper]
        return np.asarray(idct(idst(sines, axis=axis, norm="ortho"), axis=1 - axis, norm="ortho"))

    def adjoint(self, values: Array, axis: int) -> Array:
        """The transpose of :meth:`derivative`: coefficients of minus a derivative, natural at the walls."""
        sines = dct(dst(values, axis=axis, norm="ortho"), axis=1 - axis, norm="ortho")
        found = np.zeros_like(sines)
        lower, upper = _shifted(axis)
        found[upper] = sines[lower]
        return np.asarray(-self.numbers[axis] * found)

    def unresolved(self, *coefficients: Array) -> float:
        """Share of the root mean square in the highest tenth of the wave numbers of either axis."""
        return self.band(1.0 - TAIL, 1.0, *coefficients)

    def band(self, lower: float, upper: float, *coefficients: Array) -> float:
        """Share of the root mean square in a band of the larger wave number, relative to the highest."""
        first, second = (np.arange(1, n + 1) / n for n in self.shape)
        place = np.maximum(first[:, None], second)
        inside = (place > lower) & (place <= upper)
        total = sum(float(np.sum(c**2)) for c in coefficients)
        return float(np.sqrt(sum(float(np.sum(c[inside] ** 2)) for c in coefficients) / total)) if total > 0.0 else 0.0


def _shifted(axis: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    every, lower, upper = slice(None), slice(None, -1), slice(1, None)
    return ((lower, every), (upper, every)) if axis == 0 else ((every, lower), (every, upper))


class Ground(NamedTuple):
    """The root of the density as the ground state of its Schroedinger operator, on the box that holds the weight."""

    cosines: Cosines
    weighted: Mask  # where the density has weight
    root: Array  # sqrt(p)
    series: Array  # its coefficients
    slope: Field  # grad sqrt(p)
    drift: Field  # grad sqrt(p) / sqrt(p)
    hill: Array  # V, constant where the density has no weight
    scale: float  # mean of the squared drift, a quarter of the Fisher information

    @property
    def offset(self) -> float:
        """What the preconditioner adds to the squared wave numbers: the height of the potential that counts."""
        return 3.0 * self.scale

    @property
    def shift(self) -> float:
        """What is added to the potential, so that pieces of the density without a passage between them do no harm."""
        return SHIFT * self.offset

    def ascent(self, state: Array) -> Field:
        """sqrt(p) grad phi at the nodes, from the coefficients of psi = sqrt(p) phi."""
        values = self.cosines.values(state)
        first, second = (self.cosines.derivative(state, axis) - self.drift[axis] * values for axis in (0, 1))
        return first, second


def ground_state(density: Array, weighted: Mask, spacing: tuple[float, float]) -> Ground:
    """The Schroedinger operator of a density; ``weighted`` says where it counts."""
    cosines = Cosines((density.shape[0], density.shape[1]), spacing)
    root = np.sqrt(density)
    series = cosines.coefficients(root)
    slope = (cosines.derivative(series, 0), cosines.derivative(series, 1))
    curvature = cosines.values(-cosines.squares * series)
    scale = float(np.sum(cosines.squares * series**2) / np.sum(series**2))
    # what the series leaves out of the root, twice differentiated, drowns the potential where the root is small
    lost = cosines.unresolved(series) * float(np.sqrt(np.mean(root**2))) * float(cosines.squares.max())
    seen = weighted & (root * scale > NOISE * lost)
    safe = np.where(seen, root, 1.0)
    drift, hill = _logarithmic(density, weighted, spacing)
    drift = (np.where(seen, slope[0] / safe, drift[0]), np.where(seen, slope[1] / safe, drift[1]))
    hill = np.where(seen, curvature / safe, hill)
    hill = np.where(weighted, hill, hill[weighted].max())
    return Ground(cosines, weighted, root, series, slope, drift, hill, scale)


def _logarithmic(density: Array, weighted: Mask, spacing: tuple[float, float]) -> tuple[Field, Array]:
    """Drift and potential from differences of the logarithm, exact for a Gaussian and steady in its tails."""
    logarithm = 0.5 * np.log(np.where(weighted, density, density[weighted].min()))
    padded = np.pad(logarithm, 1, mode="edge")
    before, after = (padded[:-2, 1:-1], padded[1:-1, :-2]), (padded[2:, 1:-1], padded[1:-1, 2:])
    first, second = ((b - a) / (2.0 * h) for a, b, h in zip(before, after, spacing, strict=True))
    bends = ((b - 2.0 * logarithm + a) / h**2 for a, b, h in zip(before, after, spacing, strict=True))
    drift = (np.where(weighted, first, 0.0), np.where(weighted, second, 0.0))
    return drift, np.asarray(first**2 + second**2 + sum(bends))


class Solution(NamedTuple):
    """Coefficients of psi, what the last steps added to its energy, the steps, and whether all went well."""

    state: Array
    added: float
    iterations: int
    sound: bool


def dot(one: Array, other: Array) -> float:
    """Sum of products; not by BLAS, whose threads cost more than they gain on a field and fight over busy cores."""
    return float(np.einsum("ij,ij->", one, other))


def conjugate_gradients(ground: Ground, source: Array, rtol: float, limit: int) -> Solution:
    """Solve the Schroedinger equation for psi orthogonal to the ground state.

    The preconditioner is the free operator between two diagonal factors that carry the potential.
    """
    cosines, norm = ground.cosines, np.linalg.norm(ground.series)
    lowest = ground.series / norm
    offset = ground.offset
    hill = ground.hill + ground.shift
    damping = 1.0 / np.sqrt(1.0 + np.maximum(ground.hill, 0.0) / offset)
    free = 1.0 / (cosines.squares + offset)

    def project(vector: Array) -> Array:
        return np.asarray(vector - dot(lowest, vector) * lowest)

    def precondition(vector: Array) -> Array:
        inner = cosines.values(free * cosines.coefficients(damping * cosines.values(vector)))
        return project(cosines.coefficients(damping * inner))

    state, residual = np.zeros_like(source), project(source)
    search = precondition(residual)
    power, gains, sound = dot(residual, search), [0.0], True
    for _ in range(limit if power > 0.0 else 0):
        image = cosines.squares * search + cosines.coefficients(hill * cosines.values(search))
        curvature = dot(search, image)
        sound = curvature > 0.0
        if not sound:
            break
        step = power / curvature
        state += step * search
        residual = project(residual - step * image)
        gains.append(step * power)
        if len(gains) > STEPS and sum(gains[-STEPS:]) < rtol * sum(gains):
            break
        direction = precondition(residual)
        fresh = dot(residual, direction)
        search = direction + fresh / power * search
        power = fresh
    return Solution(state, sum(gains[-STEPS:]), len(gains) - 1, sound)
