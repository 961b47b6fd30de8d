"""Densities known through their panels: tabulated cell averages, any function of x."""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from fpsolve.densities.base import TAIL, Density, check_points
from fpsolve.densities.panels import PANEL_PRECISION, Panels, fit_panels
from fpsolve.densities.rootfinding import invert_tails
from fpsolve.mesh import marched
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, Recipe, number

#: how far the mass of given values may be from one before it is an error rather than rounding
MASS_TOLERANCE = 1e-6
#: rounding of a sum of masses
_ROUNDING = 1e-14


class PanelledDensity(Density, abc.ABC):
    """A density whose tails, quantiles and moments come from its panels."""

    precision: ClassVar[float] = PANEL_PRECISION

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        return self.panels().tails(x)

    def quantile(self, cdf: Array, sf: Array | None = None) -> Array:
        cdf = np.asarray(cdf, float)
        sf = 1.0 - cdf if sf is None else np.asarray(sf, float)
        panels = self.panels()
        # the panel that holds the point, from whichever end is nearer in probability
        from_left = np.searchsorted(panels.left, cdf, side="right") - 1
        from_right = panels.edges.size - 1 - np.searchsorted(panels.right[::-1], sf, side="right")
        index = np.clip(np.where(cdf < sf, from_left, from_right), 0, panels.edges.size - 2)
        return invert_tails(self.tails, cdf, sf, panels.edges[index], panels.edges[index + 1])

    def features(self) -> tuple[Array, Array]:
        edges = self.panels().edges
        return 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)

    @property
    def support(self) -> tuple[float, float]:
        edges = self.panels().edges
        return float(edges[0]), float(edges[-1])


@dataclasses.dataclass(frozen=True, eq=False)
class Tabulated(PanelledDensity):
    """Density known by its averages over cells.

    Between the cell edges the CDF is the monotone cubic with fourth-order slopes, so the density is continuous where
    the data are smooth, never negative, and has exactly the given averages. From here on this *is* the density.

    Parameters
    ----------
    edges : (n + 1,) array
        Increasing cell edges, unit of x.
    averages : (n,) array
        Non-negative averages over the cells, inverse unit of x; their mass must be one within 1e-6.

    Raises
    ------
    InputError
        Wrong shapes, NaN, negative values or a mass other than one.
    """

    kind: ClassVar[str] = "tabulated"
    edges: Array
    averages: Array

    def __post_init__(self) -> None:
        edges = check_points("edges", self.edges, increasing=True)
        averages = check_points("averages", self.averages, least=0.0)
        if edges.size != averages.size + 1:
            raise InputError("averages", f"given {averages.size} for {edges.size} edges; expected {edges.size - 1}")
        mass = float(np.sum(averages * np.diff(edges)))
        if abs(mass - 1.0) > MASS_TOLERANCE:
            raise InputError("averages", f"their mass is {mass:.9g}; it must be 1 (divide by it)")
        object.__setattr__(self, "edges", edges)
        # values that are normalised to rounding stay as they are: a recipe must rebuild the same numbers
        object.__setattr__(self, "averages", averages / mass if abs(mass - 1.0) > _ROUNDING else averages)

    @functools.cached_property
    def _panels(self) -> Panels:
        return monotone_panels(self.edges, self.averages)

    def panels(self) -> Panels:
        return self._panels

    def kinks(self) -> Array:
        """The cell edges: the density is a quadratic in each cell, and continuous."""
        return self.edges

    def breaks(self) -> Array:
        """The edges of the support."""
        inside = np.concatenate([[0.0], self.averages, [0.0]]) > 0.0
        return self.edges[inside[1:] != inside[:-1]]


@dataclasses.dataclass(frozen=True, eq=False)
class FunctionDensity(PanelledDensity):
    """Density given by a vectorised Python function.

    Parameters
    ----------
    function : callable
        ``x (n,) -> density (n,)``.
    lower, upper : float, optional
        Interval that holds the mass; found by scanning outward from zero if absent.
    breaks_at : sequence of float, optional
        Points where the function jumps.

    Raises
    ------
    InputError
        Negative or non-finite values, or a mass that differs from one by more than 1e-6.

    Notes
    -----
    A function has no place in a file: the recipe holds the panels fitted to it (kind ``panels``).
    """

    function: Callable[[Array], Array]
    lower: float | None = None
    upper: float | None = None
    breaks_at: Sequence[float] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "_fitted", self._fit())

    def _fit(self) -> Panels:
        lower, upper = self._bounds()
        inside = [float(b) for b in self.breaks_at if lower < b < upper]
        hard = np.array([lower, *sorted(inside), upper])
        centres, scales = np.array([0.5 * (lower + upper)]), np.array([(upper - lower) / 64.0])
        panels = fit_panels(self._checked, marched(hard, centres, scales, growth=0.0))
        if abs(panels.mass - 1.0) > MASS_TOLERANCE:
            raise InputError(
                "function",
                f"its mass on [{lower:g}, {upper:g}] is {panels.mass:.9g}; it must be 1 (divide by it, or give lower "
                "and upper)",
            )
        return panels.scaled(1.0 / panels.mass)

    def _checked(self, x: Array) -> Array:
        values = np.asarray(self.function(x), float)
        if values.shape != np.shape(x):
            raise InputError("function", f"returned shape {values.shape} for {np.shape(x)}; it must be vectorised")
        if not np.all(np.isfinite(values)) or np.any(values < 0.0):
            bad = np.asarray(x)[~(np.isfinite(values) & (values >= 0.0))].flat[0]
            raise InputError("function", f"negative or not finite at x = {bad:g}; a density is neither")
        return values

    def _bounds(self) -> tuple[float, float]:
        reach = 2.0 ** np.arange(-20.0, 30.0, 0.25)
        scan = np.concatenate([-reach[::-1], [0.0], reach])
        if self.lower is None or self.upper is None:
            weight = self._checked(scan) * np.maximum(np.abs(scan), 1e-6)
            held = np.flatnonzero(weight > TAIL * weight.max()) if weight.max() > 0 else np.array([], int)
            if held.size == 0:
                raise InputError("function", "no mass found near zero; give lower and upper")
            found = scan[max(held[0] - 1, 0)], scan[min(held[-1] + 1, scan.size - 1)]
        else:
            found = (self.lower, self.upper)
        lower = found[0] if self.lower is None else number("lower", self.lower)
        upper = found[1] if self.upper is None else number("upper", self.upper)
        if not lower < upper:
            raise InputError("upper", f"given {upper:g} with lower = {lower:g}; it must be larger")
        return lower, upper

    def panels(self) -> Panels:
        return self._fitted  # type: ignore[attr-defined]

    def breaks(self) -> Array:
        """The given jumps, and the ends where the function does not fade out."""
        edges = self.panels().edges
        ends = [e for e in (edges[0], edges[-1]) if self.panels().tails(np.array([e]))[0][0] > 1e-12]
        return np.array(sorted({*map(float, self.breaks_at), *ends}))

    def recipe(self) -> Recipe:
        return PiecewisePolynomial(self.panels().edges, self.panels().coefficients).recipe()


@dataclasses.dataclass(frozen=True, eq=False)
class PiecewisePolynomial(PanelledDensity):
    """Density given by Legendre coefficients on panels: what a recipe keeps of a Python function."""

    kind: ClassVar[str] = "panels"
    edges: Array
    coefficients: Array

    def __post_init__(self) -> None:
        edges = check_points("edges", self.edges, increasing=True)
        coefficients = np.atleast_2d(np.asarray(self.coefficients, float))
        if coefficients.shape[0] != edges.size - 1 or not np.all(np.isfinite(coefficients)):
            raise InputError(
                "coefficients", f"given shape {coefficients.shape}; expected ({edges.size - 1}, degree + 1)"
            )
        object.__setattr__(self, "_held", Panels(edges, np.ascontiguousarray(coefficients)))

    def panels(self) -> Panels:
        return self._held  # type: ignore[attr-defined]

    def breaks(self) -> Array:
        """Edges where the polynomials of the two sides differ."""
        held = self.panels()
        signs = (-1.0) ** np.arange(held.coefficients.shape[1])
        right, left = held.coefficients.sum(axis=1), (held.coefficients * signs).sum(axis=1)
        jump = np.abs(np.append(left, 0.0) - np.insert(right, 0, 0.0))
        return held.edges[jump > 1e-9 * np.max(np.abs(held.coefficients))]


def monotone_panels(edges: Array, averages: Array) -> Panels:
    """Quadratic panels with the given cell averages and continuous, limited edge values.

    Edge values are the fourth-order derivative of the CDF (the cubic through five edges), limited to between zero and
    three times the smaller neighbouring average, which keeps the CDF monotone (Fritsch and Carlson).
    """
    n = averages.size
    cdf = np.concatenate([[0.0], np.cumsum(averages * np.diff(edges))])
    first = np.clip(np.arange(n + 1) - 2, 0, max(n - 4, 0))
    points = first[:, None] + np.arange(min(5, n + 1))
    local = edges[points] - edges[:, None]
    scale = np.max(np.abs(local), axis=1, keepdims=True)
    powers = (local / scale)[:, :, None] ** np.arange(points.shape[1])
    rises = cdf[points] - cdf[:, None]
    values = np.linalg.solve(powers, rises[:, :, None])[:, 1, 0] / scale[:, 0]
    neighbours = np.minimum(np.append(averages, averages[-1]), np.insert(averages, 0, averages[0]))
    values = np.clip(values, 0.0, 3.0 * neighbours)
    left, right = values[:-1], values[1:]
    quadratic = 0.5 * (left + right) - averages
    return Panels(edges, np.stack([averages, 0.5 * (right - left), quadratic], axis=1))


def as_density(source: Any) -> Density:
    """A density from whatever looks like one.

    Parameters
    ----------
    source : Density, frozen scipy.stats distribution, or xarray.DataArray
        A DataArray needs one dimension with increasing, evenly or unevenly spaced coordinates: its values are taken
        as cell averages around them.

    Raises
    ------
    InputError
        Anything else; for a Python function use :class:`FunctionDensity`.
    """
    if isinstance(source, Density):
        return source
    if hasattr(source, "dist") and hasattr(source, "ppf") and hasattr(source, "isf"):
        from fpsolve.densities.foreign import ScipyDensity

        return ScipyDensity.of(source)
    if hasattr(source, "dims") and hasattr(source, "coords") and hasattr(source, "values"):
        return from_array(source)
    raise InputError(
        "density",
        f"given {type(source).__name__}; expected a Density, a frozen scipy.stats distribution or an xarray.DataArray "
        "(for a Python function use FunctionDensity)",
    )


def from_array(array: Any) -> Tabulated:
    """Cell averages from a one-dimensional xarray.DataArray whose coordinate gives the cell centres."""
    if len(array.dims) != 1:
        raise InputError("density", f"given dimensions {tuple(array.dims)}; expected exactly one")
    if array.dims[0] not in array.coords:
        raise InputError("density", f"dimension {array.dims[0]!r} has no coordinate; assign cell centres to it")
    centres = check_points(str(array.dims[0]), np.asarray(array.coords[array.dims[0]].values), increasing=True)
    if centres.size < 5:
        raise InputError("density", f"given {centres.size} cells; at least 5 are needed")
    return Tabulated(edges_around(centres), np.asarray(array.values, float))


def edges_around(centres: Array) -> Array:
    """Cell edges halfway between centres, the outer cells symmetric about theirs."""
    middle = 0.5 * (centres[1:] + centres[:-1])
    return np.concatenate([[2.0 * centres[0] - middle[0]], middle, [2.0 * centres[-1] - middle[-1]]])
