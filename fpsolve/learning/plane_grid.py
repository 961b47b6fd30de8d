"""Quadrature nodes of losses in the plane."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
from numpy.typing import NDArray

from fpsolve.learning.joint import Moments
from fpsolve.learning.joint_plane import joint_moments
from fpsolve.learning.losses import Instant
from fpsolve.learning.radial import RadialBasis
from fpsolve.processes.plane.base import FlowingProcess
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, whole

#: probability beyond the lattice, and the instants at which its reach and its spacing are read
_TAIL, _INSTANTS = 1e-18, np.concatenate([[1e-3], np.linspace(0.02, 0.98, 9)])
#: spacing in units of the smallest width, and most points along an axis
_STEP, _MOST = 0.45, 200
#: part of the largest mass that a node must have to count; spacing above which masses are those of cells
_FAINT, _COARSE = 1e-20, 0.75
#: Gauss points in time between two knots, beyond the degree of the splines
_MORE = 4


@dataclasses.dataclass(frozen=True, eq=False)
class PlaneMatchingGrid:
    """Lattice in the frame of a basis, and times.

    Parameters
    ----------
    xi, eta : (nx,), (ny,) arrays
        Equidistant places along both axes, in units of the standard deviations of P_t.
    times, time_weights : (nt,) arrays
        Times in (0, tau), s, and weights that add up to tau.
    """

    xi: Array
    eta: Array
    times: Array
    time_weights: Array

    @classmethod
    def fitted(cls, process: FlowingProcess, basis: RadialBasis, most: int = _MOST) -> PlaneMatchingGrid:
        """Fine enough for P_t and the functions, with Gauss points in time between the knots.

        On a lattice of about half the smallest width, Gaussians and their products with the functions of the basis
        are summed exactly, to rounding.

        Parameters
        ----------
        most : int
            Points along an axis, at most. Where they are too few, as for data with jumps and hardly any noise, there
            is a warning: the loss is then rough.
        """
        boxes, finest = [], np.array(basis.space.widths)
        for t in process.tau * _INSTANTS:
            centre, scale = basis.frame(float(t))
            boxes.append((np.array(process.density(float(t)).interval(_TAIL)) - centre[:, None]) / scale[:, None])
            finest = np.minimum(finest, (process.resolved(float(t)).finest or np.inf) / scale)
        lower, upper = np.min(boxes, axis=0)[:, 0], np.max(boxes, axis=0)[:, 1]
        wanted = np.ceil((upper - lower) / (_STEP * finest))
        if np.max(wanted) > most:
            warnings.warn(
                f"a lattice of {most} points along an axis cannot resolve P_t early on ({np.max(wanted):.0f} would): "
                "the loss is rough; give grid = PlaneMatchingGrid.fitted(process, basis, most=...)",
                stacklevel=2,
            )
        counts = np.clip(wanted, 8, whole("most", most, least=8, most=4000)).astype(int)
        xi, eta = (_centres(a, b, int(n)) for a, b, n in zip(lower, upper, counts, strict=True))
        return cls(xi, eta, *_gauss_times(basis.time.knots(), basis.time.degree + _MORE))

    @classmethod
    def uniform(cls, process: FlowingProcess, basis: RadialBasis, points: int, times: int) -> PlaneMatchingGrid:
        """Centres of points x points equal cells over the window, and middles of equal times."""
        points, times = whole("points", points, least=2, most=1000), whole("times", times)
        place = _centres(basis.space.lower, basis.space.upper, points)
        middles = process.tau * (np.arange(times) + 0.5) / times
        return cls(place, place, middles, np.full(times, process.tau / times))

    def table(self, basis: RadialBasis) -> Array:
        """Functions of space at all nodes, (nodes, functions)."""
        return basis.space.table(*self._nodes())

    def _nodes(self) -> tuple[Array, Array]:
        first, second = np.meshgrid(self.xi, self.eta, indexing="ij")
        return first.ravel(), second.ravel()

    def instant(self, process: FlowingProcess, basis: RadialBasis, t: float, target: str, conditional: bool) -> Instant:
        """Masses and targets at one time, at the nodes that have any mass.

        Where the lattice does not resolve the density (data on cells with hardly any noise) its nodes have the exact
        masses of their cells.
        """
        centre, scale = basis.frame(t)
        x, y = (centre[i] + scale[i] * place for i, place in enumerate(self._nodes()))
        step = scale * np.array([self.xi[1] - self.xi[0], self.eta[1] - self.eta[0]])
        law = measure(process, t, x, y, target, conditional)
        mass = law.density * float(np.prod(step))
        if np.max(step) > _COARSE * (process.resolved(t).finest or np.inf):
            edges = (
                centre[i] + scale[i] * np.append(place - 0.5 * gap, place[-1] + 0.5 * gap)
                for i, (place, gap) in enumerate(zip((self.xi, self.eta), step / scale, strict=True))
            )
            mass = np.where(mass > 0.0, process.density(t).cell_masses(*edges).ravel(), 0.0)
        held: NDArray[np.int64] = np.flatnonzero(mass > _FAINT * np.max(mass))
        return Instant(mass[held], law.target[:, held], law.variance[held], held)


def measure(process: FlowingProcess, t: float, x: Array, y: Array, target: str, conditional: bool) -> Moments:
    """Density and target at points, given the data point or on average."""
    if conditional:
        return joint_moments(process, t, x, y, target)
    flow = process.flow(t, x, y)
    wanted = flow.velocity if target == "velocity" else flow.score
    if wanted is None:
        raise InputError("process", "it knows no score in closed form; use flow_matching")
    density = np.exp(flow.log_density)
    sound = (density > 0.0) & np.all(np.isfinite(wanted), axis=0)
    return Moments(np.where(sound, density, 0.0), np.where(sound, wanted, 0.0), np.zeros(x.size))


def _centres(lower: float, upper: float, count: int) -> Array:
    """Centres of equal cells."""
    return lower + (upper - lower) * (np.arange(count) + 0.5) / count


def _gauss_times(knots: Array, points: int) -> tuple[Array, Array]:
    """Gauss points between the knots, and their weights."""
    node, weight = np.polynomial.legendre.leggauss(points)
    half = 0.5 * np.diff(knots)[:, None]
    return (0.5 * (knots[1:] + knots[:-1])[:, None] + half * node).ravel(), (half * weight).ravel()
