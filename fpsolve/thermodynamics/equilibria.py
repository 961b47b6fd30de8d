"""The instantaneous equilibrium of a force: its partition function."""

from __future__ import annotations

import numpy as np

from fpsolve.equation import FokkerPlanck
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.grids import Array
from fpsolve.solution.windows import resting_interval
from fpsolve.thermodynamics.energies import split

#: panels of the quadrature along an axis, nodes in each, and rounds of widening a box in the plane
_PANELS, _ROUNDS = {1: 400, 2: 40}, 12
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
#: least weight that counts, and how far the first box reaches
_FAINT, _REACH = 1e-17, 4.0


def log_partition(problem: FokkerPlanck, t: float, box: Array | None = None) -> Estimate:
    """Ln Z of the potential part of a force, Z = integral of exp(-U/T) over the domain.

    Parameters
    ----------
    problem : FokkerPlanck
    t : float
        The instant, s.
    box : (dimension, 2) array, optional
        Where to begin to look in the plane, L.

    Returns
    -------
    Estimate
        Undefined, with the reason, where there is no equilibrium.
    """
    around = problem.domain is not None and "periodic" in problem.domain.boundaries
    if split(problem.force, around)[1] is not None or not problem.force.has_potential:
        return Estimate.undefined("the force has no potential, so that there is no equilibrium")
    if not problem.uniform_temperature:
        return Estimate.undefined("the temperature depends on the place, so that exp(-U/T) is no equilibrium")
    if problem.temperature_at(t) <= 0.0:
        return Estimate.undefined("there is no equilibrium at T = 0")
    if problem.domain is not None:
        lower, upper = np.atleast_1d(problem.domain.lower), np.atleast_1d(problem.domain.upper)
        return _estimated(problem, t, np.stack([lower, upper], axis=1).astype(float))
    if problem.dimension == 1:
        interval = resting_interval(problem, t)
        if interval is None:
            return Estimate.undefined("the potential does not confine, so that there is no equilibrium")
        return _estimated(problem, t, np.array([interval]))
    ends = np.array([[-_REACH, _REACH]] * 2) if box is None else np.array(box, float)
    for _ in range(_ROUNDS):
        energy = _energies(problem, t, _nodes(ends, _PANELS[2])[0])
        weights = np.exp(-(energy - np.min(energy)) / problem.temperature_at(t))
        sides = np.array([[np.max(np.take(weights, end, axis)) for end in (0, -1)] for axis in range(2)])
        if np.all(sides < _FAINT):
            return _estimated(problem, t, ends)
        stretch = 0.5 * (ends[:, 1] - ends[:, 0])[:, None] * (sides >= _FAINT)
        ends = ends + stretch * np.array([-1.0, 1.0])
    return Estimate.undefined("the potential does not confine, so that there is no equilibrium")


def _estimated(problem: FokkerPlanck, t: float, ends: Array) -> Estimate:
    """Ln Z over a box; the bar is what half as many panels change."""
    panels = _PANELS[problem.dimension]
    fine, coarse = _integral(problem, t, ends, panels), _integral(problem, t, ends, panels // 2)
    return Estimate(fine, abs(fine - coarse) + ROUNDING * (1.0 + abs(fine)))


def _integral(problem: FokkerPlanck, t: float, ends: Array, panels: int) -> float:
    points, weights = _nodes(ends, panels)
    energy, temperature = _energies(problem, t, points), problem.temperature_at(t)
    least = float(np.min(energy))
    density = np.exp(-(energy - least) / temperature)
    for weight in reversed(weights):
        density = density @ weight
    return float(np.log(density)) - least / temperature


def _energies(problem: FokkerPlanck, t: float, points: list[Array]) -> Array:
    mesh = tuple(points) if len(points) == 1 else (points[0][:, None], points[1][None, :])
    return np.broadcast_to(np.asarray(problem.force.potential(mesh, t), float), tuple(p.size for p in points))


def _nodes(ends: Array, panels: int) -> tuple[list[Array], list[Array]]:
    """Gauss nodes and weights along each axis of a box."""
    points, weights = [], []
    for low, high in ends:
        edges = np.linspace(low, high, panels + 1)
        half = 0.5 * np.diff(edges)[:, None]
        points.append((0.5 * (edges[1:] + edges[:-1])[:, None] + half * _NODES).ravel())
        weights.append((half * _WEIGHTS).ravel())
    return points, weights
