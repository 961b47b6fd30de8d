"""Weighted sums of normal densities in the plane."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np

from fpsolve.densities.gaussian import GaussianMixture
from fpsolve.densities.plane.base import Box, Pair, PlaneDensity, check_edges, check_pair, shown
from fpsolve.densities.plane.gaussian import PlaneGaussian, check_covariance, check_width
from fpsolve.densities.plane.normal import normal_masses
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, numbers

Matrix = tuple[Pair, Pair]


@dataclasses.dataclass(frozen=True)
class PlaneMixture(PlaneDensity):
    """Weighted sum of normal densities in the plane.

    Parameters
    ----------
    means : sequence of (x, y)
        Means of the components, units of x and y.
    stds : sequence of float, optional
        Standard deviation of each component along every direction, positive.
    covariances : sequence of ((xx, xy), (xy, yy)), optional
        Symmetric positive definite covariance of each component, lengths squared. Give these or ``stds``.
    weights : sequence of float, optional
        Non-negative weights that sum to one; equal if absent.

    Raises
    ------
    InputError
        Lengths differ, not exactly one of stds and covariances, a width or covariance that is not allowed (see
        :class:`PlaneGaussian`), a negative weight, or weights that do not sum to one within 1e-9.
    """

    kind: ClassVar[str] = "gaussian-mixture"
    means: tuple[Pair, ...]
    stds: tuple[float, ...] | None = None
    covariances: tuple[Matrix, ...] | None = None
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        means = tuple(check_pair(f"means[{i}]", mean) for i, mean in enumerate(_listed("means", self.means)))
        if (self.stds is None) == (self.covariances is None):
            given = "neither" if self.stds is None else "both"
            raise InputError("stds", f"given {given}; give stds (a number each) or covariances (2 x 2 each)")
        if self.stds is not None:
            stds = tuple(check_width(f"stds[{i}]", std) for i, std in enumerate(numbers("stds", self.stds)))
            object.__setattr__(self, "stds", stds)
        if self.covariances is not None:
            listed = enumerate(_listed("covariances", self.covariances))
            matrices = tuple(check_covariance(f"covariances[{i}]", matrix) for i, matrix in listed)
            object.__setattr__(self, "covariances", matrices)
        widths = {"stds": self.stds, "covariances": self.covariances}
        for name, value in widths.items():
            if value is not None and len(value) != len(means):
                raise InputError(name, f"given {len(value)} for {len(means)} means; give one each")
        object.__setattr__(self, "means", means)
        object.__setattr__(self, "weights", _checked_weights(self.weights, len(means)))
        object.__setattr__(self, "_components", self._parts())

    def _parts(self) -> tuple[tuple[float, PlaneGaussian], ...]:
        """Weights above zero, to a sum of one, and their components."""
        weights = self.weights or ()
        total = float(np.sum(weights))
        none = (None,) * len(weights)
        parts = zip(weights, self.means, self.stds or none, self.covariances or none, strict=True)
        return tuple((w / total, PlaneGaussian(m, std=s, covariance=c)) for w, m, s, c in parts if w > 0.0)

    @property
    def components(self) -> tuple[tuple[float, PlaneGaussian], ...]:
        """Weight and density of each component whose weight is not zero."""
        return self._components  # type: ignore[attr-defined]

    @property
    def finest(self) -> float:
        return min(part.finest for _, part in self.components)

    def pdf(self, x: Any, y: Any) -> Array:
        out = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y)))
        for weight, part in self.components:
            out += weight * part.pdf(x, y)
        return out

    def cell_masses(self, edges_x: Array, edges_y: Array) -> Array:
        edges_x, edges_y = check_edges("edges_x", edges_x), check_edges("edges_y", edges_y)
        out = np.zeros((edges_x.size - 1, edges_y.size - 1))
        plain = [(w, *part.mean, *part.uncorrelated) for w, part in self.components if part.uncorrelated is not None]
        if plain:
            weight, mean_x, mean_y, std_x, std_y = np.array(plain).T
            out += (weight * normal_masses(edges_x, mean_x, std_x).T) @ normal_masses(edges_y, mean_y, std_y)
        for weight, part in self.components:
            if part.uncorrelated is None:
                out += weight * part.cell_masses(edges_x, edges_y)
        return out

    def _interval(self, tail: float) -> Box:
        weights = tuple(weight for weight, _ in self.components)
        means = np.array([part.mean for _, part in self.components])
        stds = np.sqrt([part.covariance.diagonal() for _, part in self.components])
        first, second = (GaussianMixture(tuple(means[:, i]), tuple(stds[:, i]), weights).interval(tail) for i in (0, 1))
        return first, second

    @property
    def mean(self) -> Array:
        return np.sum([weight * part.mean for weight, part in self.components], axis=0)

    @property
    def covariance(self) -> Array:
        middle = self.mean
        between = [w * np.multiply.outer(part.mean - middle, part.mean - middle) for w, part in self.components]
        return np.sum([w * part.covariance for w, part in self.components], axis=0) + np.sum(between, axis=0)


def _listed(key: str, value: Any) -> tuple[Any, ...]:
    """A non-empty list of whatever, or an InputError."""
    try:
        items = () if isinstance(value, (str, bytes, dict)) else tuple(value)
    except TypeError:
        items = ()
    if not items:
        raise InputError(key, f"given {shown(value)}; expected a non-empty list with one entry per component")
    return items


def _checked_weights(given: Any, count: int) -> tuple[float, ...]:
    """Weights that fit the number of components and sum to one."""
    if given is None:
        return (1.0 / count,) * count
    weights = numbers("weights", given, least=0.0)
    if len(weights) != count:
        raise InputError("weights", f"given {len(weights)} for {count} means; give one weight each")
    if abs(sum(weights) - 1.0) > 1e-9:
        raise InputError("weights", f"they sum to {sum(weights):.9g}; they must sum to 1 (divide by the sum)")
    return weights
