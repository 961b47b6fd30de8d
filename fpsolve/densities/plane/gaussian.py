"""The normal density in the plane."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from fpsolve.densities.gaussian import Gaussian
from fpsolve.densities.plane.base import Box, Pair, PlaneDensity, check_edges, check_pair, read_only, shown
from fpsolve.densities.plane.normal import REACH, Conditional, normal_masses, rectangle_masses
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, Recipe, number, numbers

#: the least standard deviation: its square and the density's height must not leave the range of floats
NARROWEST = 1e-60
#: largest asymmetry of a covariance, relative to the standard deviations, that is taken for rounding
_ASYMMETRY = 1e-12


@dataclasses.dataclass(frozen=True, eq=False, init=False)
class PlaneGaussian(PlaneDensity):
    """Normal density in the plane.

    Parameters
    ----------
    mean : (x, y)
        Mean, units of x and y; kept as a (2,) array.
    std : float, optional
        Standard deviation along every direction, positive.
    stds : (x, y), optional
        Standard deviations along both axes, uncorrelated, positive.
    covariance : ((xx, xy), (xy, yy)), optional
        Symmetric positive definite covariance, lengths squared; always available as a (2, 2) array afterwards.

    Raises
    ------
    InputError
        Not exactly one of std, stds and covariance; a width below 1e-60; a covariance that is not symmetric or not
        positive definite.

    Notes
    -----
    Masses of cells are exact to 1e-15 of the largest one. Uncorrelated, each is relatively accurate as well; in a
    correlated density those above 1e-60 are, to about 1e-13 (farther out wide cells lose digits), times the ratio of
    the marginal to the conditional standard deviation, by which it magnifies the rounding of the edges.
    """

    kind: ClassVar[str] = "gaussian"
    mean: Array = None  # type: ignore[assignment]  # a value of the class, for the base's property is abstract
    std: float | None = None
    stds: Pair | None = None
    covariance: Array = None  # type: ignore[assignment]

    def __init__(
        self,
        mean: ArrayLike = (0.0, 0.0),
        std: float | None = None,
        stds: ArrayLike | None = None,
        covariance: ArrayLike | None = None,
    ) -> None:
        if std is None and stds is None and covariance is None:
            raise InputError("std", "missing; give one of std (a number), stds ([x, y]) and covariance (2 x 2)")
        if std is not None and stds is not None:
            _complain("stds", "std")
        widths: Pair | None = None
        if std is not None:
            std = check_width("std", std)
            widths = (std, std)
        if stds is not None:
            first, second = check_pair("stds", stds)
            stds = widths = (check_width("stds[0]", first), check_width("stds[1]", second))
        if widths is not None:
            matrix = np.diag(np.square(widths))
            # dataclasses.replace hands over the covariance beside the widths it was made of
            if covariance is not None and not np.array_equal(matrix, covariance):
                _complain("covariance", "std" if std is not None else "stds")
        else:
            matrix = np.array(check_covariance("covariance", covariance))
            if matrix[0, 1] == 0.0:
                widths = (math.sqrt(matrix[0, 0]), math.sqrt(matrix[1, 1]))
        values = {"mean": read_only(check_pair("mean", mean)), "std": std, "stds": stds}
        for name, value in (values | {"covariance": read_only(matrix), "_uncorrelated": widths}).items():
            object.__setattr__(self, name, value)

    @classmethod
    def keys(cls) -> tuple[list[str], list[str]]:
        return ["mean"], ["std", "stds", "covariance"]

    def recipe(self) -> Recipe:
        entries: Recipe = {"kind": self.kind, "mean": self.mean.tolist()}
        if self.std is not None:
            return entries | {"std": self.std}
        if self.stds is not None:
            return entries | {"stds": list(self.stds)}
        return entries | {"covariance": self.covariance.tolist()}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PlaneGaussian):
            return NotImplemented
        return np.array_equal(self.mean, other.mean) and np.array_equal(self.covariance, other.covariance)

    def __hash__(self) -> int:
        return hash((*self.mean.tolist(), *self.covariance.ravel().tolist()))

    @property
    def uncorrelated(self) -> Pair | None:
        """Standard deviations along both axes if x and y are independent, else None."""
        return self._uncorrelated  # type: ignore[attr-defined]

    @property
    def finest(self) -> float:
        if self.uncorrelated is not None:
            return min(self.uncorrelated)
        (xx, xy), (_, yy) = self.covariance.tolist()
        # the smaller eigenvalue as the determinant over the larger one: their difference would cancel
        largest = 0.5 * (xx + yy + math.hypot(xx - yy, 2.0 * xy))
        return math.sqrt(determinant(self.covariance) / Fraction(largest))

    def conditional(self, axis: int) -> Conditional:
        """The law of one coordinate (0 for x, 1 for y) and of the other one given it."""
        own, cross, other = (self.covariance[i, j] for i, j in ((axis, axis), (0, 1), (1 - axis, 1 - axis)))
        minor = determinant(self.covariance)
        return Conditional(
            mean=float(self.mean[axis]),
            std=math.sqrt(own),
            other=float(self.mean[1 - axis]),
            slope=float(cross / own),
            spread=math.sqrt(minor / Fraction(float(own))),
            scale=math.sqrt(minor / Fraction(float(other))),
        )

    def pdf(self, x: Any, y: Any) -> Array:
        law = self.conditional(0)
        most = 2.0 * REACH
        with np.errstate(over="ignore"):
            first = np.clip((np.asarray(x, float) - law.mean) / law.std, -most, most)
            second = (np.asarray(y, float) - law.other - law.slope * law.std * first) / law.spread
        second = np.clip(second, -most, most)
        return np.exp(-0.5 * (first**2 + second**2)) / (2.0 * math.pi * law.std * law.spread)

    def cell_masses(self, edges_x: Array, edges_y: Array) -> Array:
        edges_x, edges_y = check_edges("edges_x", edges_x), check_edges("edges_y", edges_y)
        if self.uncorrelated is None:
            return rectangle_masses(edges_x, edges_y, self.conditional(0), self.conditional(1))
        masses = (
            normal_masses(edges, mean, std)
            for edges, mean, std in zip((edges_x, edges_y), self.mean, self.uncorrelated, strict=True)
        )
        return np.multiply.outer(*masses)

    def _interval(self, tail: float) -> Box:
        first, second = (
            Gaussian(float(mean), math.sqrt(variance)).interval(tail)
            for mean, variance in zip(self.mean, self.covariance.diagonal(), strict=True)
        )
        return first, second


def check_width(key: str, value: Any) -> float:
    """A standard deviation whose square can be represented, or an InputError."""
    return number(key, number(key, value, above=0.0), least=NARROWEST)


def check_covariance(key: str, value: Any) -> tuple[Pair, Pair]:
    """A symmetric positive definite matrix, or an InputError that says what is wrong with the one given."""
    try:
        rows = [numbers(f"{key}[{i}]", row) for i, row in enumerate(value)]
    except TypeError:
        rows = []
    if [len(row) for row in rows] != [2, 2]:
        raise InputError(key, f"given {shown(value)}; expected two rows of two numbers, [[xx, xy], [xy, yy]]")
    (xx, xy), (yx, yy) = rows
    given = f"given [[{xx:g}, {xy:g}], [{yx:g}, {yy:g}]]"
    if min(xx, yy) < NARROWEST**2:
        raise InputError(key, f"{given}; both variances, on the diagonal, must be at least {NARROWEST**2:g}")
    if abs(xy - yx) > _ASYMMETRY * math.sqrt(xx) * math.sqrt(yy):
        raise InputError(key, f"{given}, not symmetric; both entries off the diagonal must be equal (try their mean)")
    mixed = xy if xy == yx else 0.5 * (xy + yx)
    matrix = (xx, mixed), (mixed, yy)
    if determinant(np.array(matrix)) <= 0:
        raise InputError(
            key,
            f"{given}, not positive definite; the entry off the diagonal must be below "
            f"{math.sqrt(xx) * math.sqrt(yy):g} in modulus (try stds for uncorrelated coordinates)",
        )
    return matrix


def determinant(matrix: Array) -> Fraction:
    """Determinant of a symmetric 2 x 2 matrix of floats, without rounding."""
    (xx, xy), (_, yy) = matrix.tolist()
    return Fraction(xx) * Fraction(yy) - Fraction(xy) ** 2


def _complain(key: str, other: str) -> NoReturn:
    raise InputError(key, f"given beside {other}; give exactly one of std, stds and covariance")
