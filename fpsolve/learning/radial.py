"""Radial functions in the plane times splines in t: a basis for both components of a velocity or a score."""

from __future__ import annotations

import dataclasses

import numpy as np

from fpsolve.learning.bases import Splines
from fpsolve.processes.plane.base import PlaneProcess
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, number, whole

#: affine functions that stand beside the radial ones: 1, xi, eta
_AFFINE = 3


@dataclasses.dataclass(frozen=True)
class Radials:
    """Gaussians around the points of a lattice in the frame of a process, and the functions 1, xi, eta.

    Parameters
    ----------
    centres : (int, int)
        How many along each axis.
    lower, upper : float
        Where the outermost of them are, along both axes.
    width : float
        Standard deviation of the Gaussians in units of the distance between neighbouring centres.
    """

    centres: tuple[int, int]
    lower: float
    upper: float
    width: float

    @property
    def size(self) -> int:
        """How many functions."""
        return self.centres[0] * self.centres[1] + _AFFINE

    @property
    def widths(self) -> tuple[float, float]:
        """Standard deviations of the Gaussians along both axes."""
        first, second = (self.width * (self.upper - self.lower) / (n - 1) for n in self.centres)
        return first, second

    def factors(self, axis: int, place: Array) -> Array:
        """The Gaussians of one axis at places along it, (n, centres)."""
        middles = np.linspace(self.lower, self.upper, self.centres[axis])
        return np.exp(-0.5 * ((place[:, None] - middles) / self.widths[axis]) ** 2)

    def slopes(self, axis: int, place: Array, factors: Array) -> Array:
        """Derivatives of :meth:`factors`."""
        middles = np.linspace(self.lower, self.upper, self.centres[axis])
        return factors * (middles - place[:, None]) / self.widths[axis] ** 2

    def table(self, xi: Array, eta: Array) -> Array:
        """All functions at points of the frame, (n, size)."""
        first, second = self.factors(0, xi), self.factors(1, eta)
        products = (first[:, :, None] * second[:, None, :]).reshape(xi.size, -1)
        return np.concatenate([products, np.stack([np.ones_like(xi), xi, eta], axis=1)], axis=1)

    def evaluated(self, coefficients: Array, xi: Array, eta: Array) -> Array:
        """The sum for (2, size) coefficients, (2, n)."""
        first, second = self.factors(0, xi), self.factors(1, eta)
        grid, affine = self._parted(coefficients)
        return np.stack(
            [
                np.einsum("nb,nb->n", first @ part, second) + flat[0] + flat[1] * xi + flat[2] * eta
                for part, flat in zip(grid, affine, strict=True)
            ]
        )

    def divergence(self, coefficients: Array, xi: Array, eta: Array, scale: Array) -> Array:
        """Divergence du/dx + dv/dy of the sum, (n,), where xi = x / scale[0] and eta = y / scale[1] up to a shift."""
        first, second = self.factors(0, xi), self.factors(1, eta)
        grid, affine = self._parted(coefficients)
        along = np.einsum("nb,nb->n", self.slopes(0, xi, first) @ grid[0], second) + affine[0, 1]
        across = np.einsum("nb,nb->n", first @ grid[1], self.slopes(1, eta, second)) + affine[1, 2]
        return along / scale[0] + across / scale[1]

    def _parted(self, coefficients: Array) -> tuple[Array, Array]:
        return coefficients[:, :-_AFFINE].reshape(-1, *self.centres), coefficients[:, -_AFFINE:]


@dataclasses.dataclass(frozen=True, eq=False)
class PlaneFrame:
    """Mean and standard deviations of P_t along both axes, in units of which the window hardly moves."""

    process: PlaneProcess
    _known: dict[float, tuple[Array, Array]] = dataclasses.field(default_factory=dict, repr=False)

    def __call__(self, t: float) -> tuple[Array, Array]:
        """Centre and scale at time t, (2,) arrays."""
        if t not in self._known:
            density = self.process.density(t)
            self._known[t] = np.asarray(density.mean), np.sqrt(np.diag(density.covariance))
        return self._known[t]


@dataclasses.dataclass(frozen=True, eq=False)
class RadialBasis:
    """Products phi_k((x - a_t) / b_t, (y - c_t) / d_t) psi_l(t), the same for both components of a field.

    Parameters
    ----------
    space : Radials
    time : Splines
        phi and psi.
    frame : PlaneFrame
        ``t -> (centre, scale)``.
    """

    space: Radials
    time: Splines
    frame: PlaneFrame

    @property
    def size(self) -> int:
        """Number of parameters of each component."""
        return self.space.size * self.time.size

    def evaluated(self, coefficients: Array, t: float, x: Array, y: Array) -> Array:
        """The field (2, n) at one time; ``coefficients`` has shape (2, space.size, time.size)."""
        return self.space.evaluated(self._at(coefficients, t), *self._framed(t, x, y))

    def divergence(self, coefficients: Array, t: float, x: Array, y: Array) -> Array:
        """Its divergence, (n,)."""
        return self.space.divergence(self._at(coefficients, t), *self._framed(t, x, y), self.frame(t)[1])

    def _at(self, coefficients: Array, t: float) -> Array:
        return np.asarray(coefficients @ self.time.table(np.array([t]))[0])

    def _framed(self, t: float, x: Array, y: Array) -> tuple[Array, Array]:
        centre, scale = self.frame(t)
        return (np.asarray(x, float) - centre[0]) / scale[0], (np.asarray(y, float) - centre[1]) / scale[1]


def radial_basis(
    process: PlaneProcess,
    centres: tuple[int, int] | int = (8, 8),
    times: int = 6,
    *,
    width: float = 0.8,
    degree: int = 3,
    window: tuple[float, float] = (-3.0, 3.0),
) -> RadialBasis:
    """Gaussians in the plane times B-splines in t, and the affine functions times the same.

    Parameters
    ----------
    process : PlaneProcess
        Its mean and standard deviations are the origin and the units of the window.
    centres : int or (int, int)
        How many Gaussians along each axis, two or more.
    times : int
        Intervals between the knots in t.
    width : float
        Standard deviation of the Gaussians in units of the distance of their centres. Wide ones are smoother and
        their Gram matrix is worse: its condition grows like exp(2 pi² width²).
    degree : int
        Of the splines, 0 to 9.
    window : (lower, upper)
        The outermost centres, in units of the standard deviations of P_t. Beyond it the field becomes affine.

    Raises
    ------
    InputError
        A window without extent, or a width, a degree or a number that is not allowed.
    """
    pair = (centres, centres) if np.ndim(centres) == 0 else tuple(centres)  # type: ignore[arg-type]
    if len(pair) != 2:
        raise InputError("centres", f"given {len(pair)} numbers; expected one, or one for each axis")
    first, second = (whole("centres", n, least=2, most=60) for n in pair)
    lower, upper = (number("window", side) for side in window)
    if not lower < upper:
        raise InputError("window", f"given [{lower:g}, {upper:g}]; the second must be larger")
    space = Radials((first, second), lower, upper, number("width", width, above=0.0, below=5.0))
    return RadialBasis(space, Splines(0.0, process.tau, whole("times", times), degree), PlaneFrame(process))
