"""The Swiss roll: a spiral, sharp or blurred."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, ClassVar

import numpy as np

from fpsolve.densities.gaussian import Components, EvolvedMixture
from fpsolve.densities.plane.base import Box, Pair, PlaneDensity, check_edges
from fpsolve.densities.plane.gaussian import check_width
from fpsolve.densities.plane.normal import REACH, normal_masses
from fpsolve.densities.plane.panels import gauss_rule
from fpsolve.densities.plane.spiral import crossings, nodes_along, spiral, turning_points
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, number

#: most half turns, before the curve and along it
_MOST_TURNS = 1000.0
#: the curve may be this many standard deviations long: about as many nodes lie along it
_LONGEST = 1e5
#: Gauss panels per half turn for the length and the moments
_PANELS = 16
#: nodes taken at a time for the masses of cells, and products of points and nodes for the density
_NODES_AT_ONCE, _PRODUCTS_AT_ONCE = 128, 2**19


@dataclasses.dataclass(frozen=True)
class SwissRoll(PlaneDensity):
    """Points (θ cos θ, θ sin θ) / scale with θ uniform on π [start, start + turns], and Gaussian noise around them.

    Parameters
    ----------
    scale : float
        Divides the coordinates, positive, inverse of their unit.
    start : float
        Where the curve begins, in half turns from the centre of the spiral, not negative.
    turns : float
        Length of the curve in half turns, positive.
    blur : float
        Standard deviation of the noise along every direction, unit of x and y; 0: all mass lies on the curve, which
        gives cells their masses but has no density.
    centred : bool
        Whether the mean is moved to the origin.

    Raises
    ------
    InputError
        A scale or a length that is not positive, a negative start or blur, more than 1000 half turns, or a blur above
        zero that is less than 1e-5 of the length of the curve.

    Notes
    -----
    The blurred density is a sum of Gaussians around nodes of a quadrature along the curve (:meth:`mixture`): 1e-13 of
    the largest value off, and relatively accurate to 1e-10 where it is 1e-12 of that. Masses of the sharp curve are
    the parts of [start, start + turns] between its exact crossings with the edges.
    """

    kind: ClassVar[str] = "swiss-roll"
    scale: float = 4.3
    start: float = 1.5
    turns: float = 3.0
    blur: float = 0.0
    centred: bool = False

    def __post_init__(self) -> None:
        values = {
            "scale": number("scale", self.scale, above=0.0),
            "start": number("start", self.start, least=0.0),
            "turns": number("turns", self.turns, above=0.0),
            "blur": number("blur", self.blur, least=0.0),
        }
        for key in ("start", "turns"):
            if values[key] > _MOST_TURNS:
                raise InputError(key, f"given {values[key]:g}; the most half turns allowed are {_MOST_TURNS:g}")
        if not isinstance(self.centred, (bool, np.bool_)):
            raise InputError("centred", f"given {self.centred!r}; expected true or false")
        for key, value in (values | {"centred": bool(self.centred)}).items():
            object.__setattr__(self, key, value)
        if self.blur > 0.0:
            check_width("blur", self.blur)
            self._check_std("blur", self.blur)

    def _check_std(self, key: str, std: float) -> None:
        least = self.length / _LONGEST
        if std < least:
            hint = " (0 for the curve itself)" if key == "blur" else ""
            text = f"given {std:g}; the least for a curve of length {self.length:g} is {least:.3g}{hint}"
            raise InputError(key, text)

    @property
    def theta(self) -> Pair:
        """Both ends of the parameter, radians."""
        return math.pi * self.start, math.pi * (self.start + self.turns)

    @property
    def length(self) -> float:
        """Length of the curve, unit of x."""
        theta, weights = self._rule
        return float(weights @ np.hypot(1.0, theta)) / self.scale

    @functools.cached_property
    def _rule(self) -> tuple[Array, Array]:
        """Gauss panels along θ, short enough for the length and for the moments to be exact to rounding."""
        return gauss_rule(np.linspace(*self.theta, math.ceil(_PANELS * self.turns) + 1))

    @functools.cached_property
    def _moments(self) -> tuple[Array, Array]:
        """Mean and covariance of the spiral itself, neither scaled nor centred."""
        theta, weights = self._rule
        points, weights = np.array(spiral(theta)), weights / np.sum(weights)
        mean = points @ weights
        apart = points - mean[:, None]
        return mean, (apart * weights) @ apart.T

    @property
    def _centre(self) -> Array:
        """The point of the unscaled spiral that lies at the origin."""
        return self._moments[0] if self.centred else np.zeros(2)

    def curve(self, theta: Any) -> tuple[Array, Array]:
        """The points of the curve with parameters θ.

        Parameters
        ----------
        theta : array
            Parameters, radians; those of the curve lie in :attr:`theta`.

        Returns
        -------
        x, y : arrays of that shape
        """
        x, y = spiral(np.asarray(theta, float))
        return (x - self._centre[0]) / self.scale, (y - self._centre[1]) / self.scale

    def mixture(self, std: float) -> tuple[Array, Array]:
        """A quadrature along the curve for Gaussians: few points that stand for all of it.

        For every s of at least ``std`` the sum over k of weights[k] N((x, y); points[k], s² I) is the density of the
        curve blurred by s, to 1e-13 of its largest value, and relatively to 1e-10 where it is 1e-12 of that.

        Parameters
        ----------
        std : float
            The least standard deviation around the points, with the roll's own ``blur`` in it, unit of x.

        Returns
        -------
        weights : (K,) array
            Positive, of sum one; K is about 1.3 length / std + 40.
        points : (K, 2) array
            Points on the curve.

        Raises
        ------
        InputError
            A standard deviation below 1e-5 of the length of the curve.
        """
        std = number("std", std, above=0.0)
        self._check_std("std", std)
        theta, weights = nodes_along(*self.theta, std * self.scale)
        return weights / np.sum(weights), np.column_stack(self.curve(theta))

    def pdf(self, x: Any, y: Any) -> Array:
        if self.blur == 0.0:
            raise InputError("blur", "given 0: the curve has no density, only masses of cells; give a blur above 0")
        weights, points = self.mixture(self.blur)
        far = 2.0 * REACH * self.blur
        flat = [
            np.clip(values, ends.min() - far, ends.max() + far).ravel()
            for values, ends in zip(np.broadcast_arrays(x, y), points.T, strict=True)
        ]
        out, rows = np.empty(flat[0].size), max(_PRODUCTS_AT_ONCE // weights.size, 1)
        for i in range(0, out.size, rows):
            first, second = (values[i : i + rows, None] - ends for values, ends in zip(flat, points.T, strict=True))
            out[i : i + rows] = np.exp((first**2 + second**2) * (-0.5 / self.blur**2)) @ weights
        return out.reshape(np.broadcast_shapes(np.shape(x), np.shape(y))) / (2.0 * math.pi * self.blur**2)

    def cell_masses(self, edges_x: Array, edges_y: Array) -> Array:
        edges = check_edges("edges_x", edges_x), check_edges("edges_y", edges_y)
        out = np.zeros((edges[0].size - 1, edges[1].size - 1))
        if self.blur == 0.0:
            self._add_arcs(out, *edges)
        else:
            self._add_blurred(out, *edges)
        return out

    def _add_blurred(self, out: Array, edges_x: Array, edges_y: Array) -> None:
        """Add the masses of the Gaussians around the nodes, some at a time: only nearby cells have a part in those."""
        weights, points = self.mixture(self.blur)
        for i in range(0, weights.size, _NODES_AT_ONCE):
            some = slice(i, i + _NODES_AT_ONCE)
            near, masses = [], []
            for edges, places in zip((edges_x, edges_y), points[some].T, strict=True):
                ends = [places.min() - REACH * self.blur, places.max() + REACH * self.blur]
                first, last = (int(k) for k in np.searchsorted(edges, ends))
                first, last = max(first - 1, 0), min(last, edges.size - 1)
                near.append(slice(first, last))
                masses.append(normal_masses(edges[first : last + 1], places, self.blur))
            out[near[0], near[1]] += (weights[some] * masses[0].T) @ masses[1]

    def _add_arcs(self, out: Array, edges_x: Array, edges_y: Array) -> None:
        """Add the shares of the curve's parameter between its crossings with the edges."""
        low, high = self.theta
        cuts = [
            crossings(axis, edges * self.scale + self._centre[axis], low, high)
            for axis, edges in enumerate((edges_x, edges_y))
        ]
        theta = np.unique(np.concatenate([[low], *cuts, [high]]))
        i, j = (
            np.searchsorted(edges, places, side="right") - 1
            for edges, places in zip((edges_x, edges_y), self.curve(0.5 * (theta[1:] + theta[:-1])), strict=True)
        )
        inside = (i >= 0) & (i < out.shape[0]) & (j >= 0) & (j < out.shape[1])
        np.add.at(out, (i[inside], j[inside]), (np.diff(theta) / (high - low))[inside])

    def _interval(self, tail: float) -> Box:
        if self.blur == 0.0:
            return self.support
        weights, points = self.mixture(self.blur)
        width = np.full(weights.size, self.blur)
        first, second = (EvolvedMixture(Components(weights, points[:, i].copy(), width)).interval(tail) for i in (0, 1))
        return first, second

    @property
    def mean(self) -> Array:
        return (self._moments[0] - self._centre) / self.scale

    @property
    def covariance(self) -> Array:
        return self._moments[1] / self.scale**2 + self.blur**2 * np.eye(2)

    @property
    def finest(self) -> float:
        return self.blur

    @property
    def support(self) -> Box:
        if self.blur > 0.0:
            return super().support
        low, high = self.theta
        ends = [self.curve(np.concatenate([[low], turning_points(axis, low, high), [high]]))[axis] for axis in (0, 1)]
        first, second = ((float(places.min()), float(places.max())) for places in ends)
        return first, second
