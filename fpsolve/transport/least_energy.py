r"""The flow of least energy through densities on the line that are known at some times.

On the line it is the only flow that realises them: with the CDF F_t and the quantile function Q_t,

.. math:: \nu_t = -\partial_t F_t / P_t, \qquad \nu_t(Q_t(u)) = \partial_t Q_t(u).

The second form divides by no density and stays accurate where mass moves far between two times: the images
:math:`Q_{t'}(F_t(x))` of a point are differentiated in t' by the polynomial through the nearest times.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpsolve.densities.panelled import Tabulated
from fpsolve.kernels import refine
from fpsolve.quadrature import Array

Indices = NDArray[np.intp]

#: times of the polynomial whose slope is taken
POINTS = 5
#: least probability at either end beyond which there is no velocity
TAIL = 1e-13
#: probability at either end that noise may hide at most
_MOST = 0.05
#: nodes of the Gauss rule in each cell
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)


def stencils(times: Array, stride: int = 1, points: int = POINTS) -> list[tuple[Indices, Array]]:
    """Indices and weights of the derivative at every time, by the polynomial through the nearest times.

    Parameters
    ----------
    times : (n,) array
        Increasing, s.
    stride : int
        Use only every so many times, counted from the one at which the derivative is taken: what this changes tells
        what the spacing of the times costs. Where fewer than three are left, a polynomial of one degree less.
    points : int
        Times that the polynomial goes through, at least two.

    Returns
    -------
    list of (indices, weights)
        One for every time; weights in 1/s.
    """
    found = []
    for i in range(times.size):
        usable = np.arange(i % stride, times.size, stride)
        count = min(points, usable.size)
        if count < 3:
            usable, count = np.arange(times.size), max(min(points, times.size) - min(stride - 1, 1), 2)
        near = int(np.searchsorted(usable, i))
        first = min(max(near - count // 2, 0), usable.size - count)
        chosen = usable[first : first + count]
        local = times[chosen] - times[i]
        scale = float(np.max(np.abs(local)))
        powers = (local / scale)[None, :] ** np.arange(count)[:, None]
        target = np.zeros(count)
        target[1] = 1.0 / scale
        found.append((chosen, np.linalg.solve(powers, target)))
    return found


def noise_of(averages: Array, widths: Array) -> tuple[float, float]:
    """Size of what goes up and down from cell to cell in a row of averages, and its mass."""
    steps = np.diff(averages)
    turns = (steps[:-1] * steps[1:] < 0.0).astype(float)
    if turns.size < 8:
        return 0.0, 0.0
    noisy = np.convolve(turns, np.ones(7), mode="same") >= 4.0
    if np.count_nonzero(noisy) < 6:
        return 0.0, 0.0
    # 0.675 is the median modulus of a normal variable, 6 the variance of a second difference of white noise
    size = float(np.median(np.abs(np.diff(steps)[noisy]))) / (0.675 * 6.0**0.5)
    return size, size * float(np.sum(widths[1:-1][noisy]))


@dataclasses.dataclass(frozen=True, eq=False)
class LineFlow:
    """Densities at some times and the flow that they tell of.

    Parameters
    ----------
    times : (n,) array
        Increasing, s.
    edges : (cells + 1,) array
        Cell edges, L.
    masses : (n, cells) array
        Masses of the cells, not negative, each row of sum one.
    hidden : (n,) array
        Mass known to be wrong (set to zero because it was negative, say).
    """

    times: Array
    edges: Array
    masses: Array
    hidden: Array

    @functools.cached_property
    def tails(self) -> tuple[Array, Array]:
        """Probabilities below and above every edge, (n, cells + 1)."""
        pad = np.zeros((self.times.size, 1))
        below = np.concatenate([pad, np.cumsum(self.masses, axis=1)], axis=1)
        above = np.concatenate([np.cumsum(self.masses[:, ::-1], axis=1)[:, ::-1], pad], axis=1)
        return below, above

    @functools.cached_property
    def noise(self) -> Array:
        """Size, 1/L, and mass of the noise in every density, (n, 2)."""
        widths = np.diff(self.edges)
        return np.array([noise_of(row / widths, widths) for row in self.masses])

    @functools.cached_property
    def ignored(self) -> float:
        """Probability at either end beyond which the velocity is not told: TAIL, or what noise hides."""
        # the image of a quantile is as wrong as the noisiest of the densities that carry it
        worst = float(np.max(np.maximum(5.0 * self.noise[:, 1], 10.0 * self.hidden)))
        return min(max(TAIL, worst), _MOST)

    @functools.cached_property
    def trusted(self) -> Any:
        """Edges (n, cells + 1) that have mass beside them and more than the ignored probability on both sides."""
        below, above = self.tails
        held = np.pad(self.masses > 0.0, ((0, 0), (1, 1)))
        level = self.ignored
        return (below > level) & (above > level) & (held[:, 1:] | held[:, :-1])

    @functools.cached_property
    def densities(self) -> list[Tabulated]:
        """Densities on halved cells: split by polynomials of degree 7, averages kept."""
        fine = np.empty(2 * self.edges.size - 1)
        even, found = refine.split_edges(self.edges, fine), []
        for row in self.masses:
            halves, detail = np.empty(2 * row.size), np.empty((row.size, 3))
            refine.halve(self.edges, np.ascontiguousarray(row), even, halves, detail)
            found.append(Tabulated(fine, halves / np.diff(fine)))
        return found

    def velocity(self, stride: int = 1, points: int = POINTS) -> Array:
        """Velocity (n, cells + 1) at the edges, L/s; nan where it is not trusted.

        Parameters
        ----------
        stride, points : int
            See :func:`stencils`.
        """
        rules, (below, above) = stencils(self.times, stride, points), self.tails
        found = np.where(self.trusted, 0.0, np.nan)
        for k, density in enumerate(self.densities):
            users = [i for i, (chosen, _) in enumerate(rules) if i != k and k in chosen]
            if not users:
                continue
            inside = [self.trusted[i] for i in users]
            levels = [np.concatenate([tail[i][mask] for i, mask in zip(users, inside, strict=True)])
                      for tail in (below, above)]  # fmt: skip
            images = density.quantile(*levels)
            ends = np.cumsum([int(mask.sum()) for mask in inside])[:-1]
            for i, mask, image in zip(users, inside, np.split(images, ends), strict=True):
                chosen, weights = rules[i]
                found[i, mask] += float(weights[chosen == k][0]) * (image - self.edges[mask])
        return found

    def filled(self, velocity: Array) -> Array:
        """The velocity at all edges: between and beyond the trusted ones that of the nearest two, or of the last."""
        rows = [
            np.interp(self.edges, self.edges[known], row[known]) if np.any(known) else np.zeros_like(row)
            for row, known in zip(velocity, np.isfinite(velocity), strict=True)
        ]
        return np.array(rows)

    def splined(self, row: Array) -> tuple[Any, float, float]:
        """A spline through the known velocities of a row, and the ends beyond which it keeps its last value."""
        from scipy.interpolate import CubicSpline

        known = np.isfinite(row)
        points, values = self.edges[known], row[known]
        if points.size < 4:
            points, values = self.edges, self.filled(row[None])[0]
        return CubicSpline(points, values), float(points[0]), float(points[-1])

    def speeds(self, velocity: Array) -> tuple[Array, Array]:
        """Integrals (n,) of the velocity's modulus and of its square over the densities, L/s and L²/s²."""
        found = [self._integrals(density, row) for density, row in zip(self.densities, velocity, strict=True)]
        modulus, square = np.array(found).T
        return modulus, square

    def _integrals(self, density: Tabulated, row: Array, inside: bool = False) -> tuple[float, float]:
        spline, low, high = self.splined(row)
        roots = spline.roots(extrapolate=False)
        cuts = np.union1d(density.edges, roots[np.isfinite(roots)])
        half = 0.5 * np.diff(cuts)[:, None]
        nodes = 0.5 * (cuts[1:] + cuts[:-1])[:, None] + half * _NODES
        flow = spline(np.clip(nodes, low, high)).ravel()
        weight = density.tails(nodes.ravel())[0] * (half * _WEIGHTS).ravel()
        if inside:
            weight = np.where((nodes >= low) & (nodes <= high), weight.reshape(nodes.shape), 0.0).ravel()
        return float(np.abs(flow) @ weight), float(flow * flow @ weight)

    def pair(self, first: int, second: int) -> tuple[float, float]:
        """W1 and W2 between two of the densities, of the mass between the ignored ends alone, L."""
        images = np.where(self.trusted[first], 0.0, np.nan)
        levels = [tail[first][self.trusted[first]] for tail in self.tails]
        images[self.trusted[first]] = self.densities[second].quantile(*levels) - self.edges[self.trusted[first]]
        nearer, square = self._integrals(self.densities[first], images, inside=True)
        return nearer, float(np.sqrt(square))

    def coarser(self) -> LineFlow:
        """The same on cells merged in pairs."""
        faces = np.union1d(np.arange(0, self.edges.size, 2), [self.edges.size - 1])
        merged = np.add.reduceat(self.masses, faces[:-1], axis=1)
        return LineFlow(self.times, self.edges[faces], merged, self.hidden)
