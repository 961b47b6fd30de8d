"""Mean velocities of the steady state that a system would reach if force and temperature stayed as they are now."""

from __future__ import annotations

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import FourthOrder, ScharfetterGummel
from fpsolve.forces import Force, LinearForce
from fpsolve.forces.base import Points, face_shape, mesh, parts
from fpsolve.generator.stationary import stationary_currents, stationary_masses
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError

#: Gauss nodes of a panel, by how much the exponent may change over it, and how many a cell may hold
_NODES, _CHANGE, _MOST = 8, 0.5, 64
#: standard deviations between a steady Gaussian and walls that it does not feel
_CLEAR = 8.0
#: relative to their size, what is rounding of the antisymmetric part of a matrix and of the work around a ring
_SYMMETRIC, _BALANCED = 1e-14, 1e-13
#: the same of a potential that is asked for at both ends of an axis
_CLOSED = 1e-9


def steady_velocity(problem: FokkerPlanck, grid: Grid, t: float, *, faces: bool = False) -> tuple[Points | None, str]:
    """Velocity nu_st = M (F - T grad ln P_st) of the instantaneous steady state, where it has a closed form.

    Parameters
    ----------
    problem : FokkerPlanck
    grid : Grid
        Closed: reflecting or periodic.
    t : float
        When, s.
    faces : bool
        In the plane: whether to give the components across the faces, (nx + 1, ny) and (nx, ny + 1).

    Returns
    -------
    velocity : tuple of arrays or None
        On a line at the faces, (n + 1,), in the plane at the centres, (nx, ny) each; L/s. It is zero for a conservative
        force, an integral of Stratonovich on a ring, affine for a linear force in the plane. None where none of these
        is the case or there is no steady state.
    why : str
        Why there is none. Empty where there is one that must be found numerically, by :func:`steady_masses`.
    """
    if conservative(problem, grid, t):
        at_faces = faces or grid.dimension == 1
        shapes = [face_shape(grid, axis) if at_faces else grid.shape for axis in range(grid.dimension)]
        return tuple(np.zeros(shape) for shape in shapes), ""
    if not problem.uniform_temperature:
        return None, "the temperature depends on the place"
    if problem.temperature_at(t) <= 0.0:
        return None, "the temperature is zero"
    if grid.dimension == 1:
        return (around_ring(problem, grid, t),), ""
    linear = linear_parts(problem.force, t)
    if linear is None or any(axis.periodic for axis in grid.axes):
        return None, ""
    found = _steady_moments(problem, *linear, t)
    if found is None:
        return None, "" if problem.domain is not None else "the force does not hold the density: no steady state"
    if problem.domain is not None and not _clear_of_walls(problem, *found):
        return None, ""
    places = [mesh(grid, k, grid.axes[k].edges if faces else grid.axes[k].centres) for k in (0, 1)]
    return tuple(_affine_velocity(problem, points, t, *found)[k] for k, points in enumerate(places)), ""


def conservative(problem: FokkerPlanck, grid: Grid, t: float) -> bool:
    """Whether the force has a potential on this grid at this time, so that its steady state is an equilibrium.

    Of a ring it is asked elsewhere, by the work done once around it: see :func:`around_ring`.
    """
    force = problem.force
    if grid.dimension == 1:
        return not grid.axis.periodic
    if force.has_potential:
        return all(_closes(force, grid, axis, t) for axis in (0, 1) if grid.axes[axis].periodic)
    linear = linear_parts(force, t)
    if linear is None or any(axis.periodic for axis in grid.axes):
        return False
    matrix = linear[0]
    return bool(abs(matrix[0, 1] - matrix[1, 0]) <= _SYMMETRIC * np.max(np.abs(matrix)))


def _closes(force: Force, grid: Grid, axis: int, t: float) -> bool:
    """Whether the potential has the same value at both ends of an axis."""
    ends = mesh(grid, axis, grid.axes[axis].edges[[0, -1]])
    values = np.broadcast_to(np.asarray(force.potential(ends, t), float), np.broadcast_shapes(*map(np.shape, ends)))
    return bool(np.max(np.abs(np.diff(values, axis=axis))) <= _CLOSED * np.max(np.abs(values)))


def linear_parts(force: Force, t: float) -> tuple[Array, Array] | None:
    """A and b at this time where every term of a force in the plane is linear; else None."""
    terms = [term for term in parts(force) if isinstance(term, LinearForce)]
    if force.dimension != 2 or len(terms) != len(parts(force)):
        return None
    matrices, vectors = [term.matrix_at(t) for term in terms], [term.vector_at(t) for term in terms]
    return np.sum(matrices, axis=0), np.sum(vectors, axis=0)


def _steady_moments(problem: FokkerPlanck, matrix: Array, vector: Array, t: float) -> tuple[Array, Array] | None:
    """Mean and covariance of the steady state, M A S + S (M A)' + T (M + M') = 0; None where there is none."""
    from scipy.linalg import solve_continuous_lyapunov

    mobility = problem.mobility_matrix
    pull = mobility @ matrix
    if not np.max(np.linalg.eigvals(pull).real) < -1e-12 * np.max(np.abs(pull)):
        return None
    spread = solve_continuous_lyapunov(pull, -problem.temperature_at(t) * (mobility + mobility.T))
    return np.asarray(-np.linalg.solve(matrix, vector), float), np.asarray(0.5 * (spread + spread.T), float)


def _clear_of_walls(problem: FokkerPlanck, middle: Array, spread: Array) -> bool:
    """Whether the walls of the domain lie where the Gaussian has no weight."""
    assert problem.domain is not None
    lower, upper = np.asarray(problem.domain.lower, float), np.asarray(problem.domain.upper, float)
    return bool(np.all(np.minimum(middle - lower, upper - middle) > _CLEAR * np.sqrt(np.diag(spread))))


def _affine_velocity(problem: FokkerPlanck, points: Points, t: float, middle: Array, spread: Array) -> Points:
    pull, mobility = problem.force.field(points, t), problem.mobility_matrix
    stiffness = problem.temperature_at(t) * np.linalg.inv(spread)
    away = [x - m for x, m in zip(points, middle, strict=True)]
    net = [pull[k] + stiffness[k, 0] * away[0] + stiffness[k, 1] * away[1] for k in (0, 1)]
    return tuple(mobility[k, 0] * net[0] + mobility[k, 1] * net[1] for k in (0, 1))


def around_ring(problem: FokkerPlanck, grid: Grid, t: float) -> Array:
    """Velocity of the steady state at the faces of a ring, (n + 1,), L/s, for any force; T > 0 is the same everywhere.

    Q = mobility / nu_st, proportional to P_st, obeys T Q' = F Q - 1, so that (Stratonovich)

    Q(x) = (1/T) times the integral from x to infinity of exp(-(1/T) int_x^y F dz) dy

    for a force that pulls forwards on the whole. Over each panel this is a Gauss rule, and from face to face a sum of
    positive terms, accurate however small they are. A force that pulls backwards is seen in a mirror; one that does no
    work around the ring has no current.
    """
    temperature, mobility = problem.temperature_at(t), float(problem.mobility_matrix[0, 0])
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    widths, pull, inside = _panels(problem, grid.axis.edges, t, nodes)
    rises = 0.5 * widths * (pull @ weights)
    work, size = float(np.sum(rises)), float(np.sum(0.5 * widths * (np.abs(pull) @ weights)))
    if abs(work) <= _BALANCED * size:
        return np.zeros(grid.axis.edges.shape)
    if work < 0.0:
        widths, pull, rises = widths[::-1], -pull[::-1, ::-1], -rises[::-1]
    powers = np.arange(_NODES)
    primitives = (nodes[:, None] ** (powers + 1) - (-1.0) ** (powers + 1)) / (powers + 1)
    upto = primitives @ np.linalg.inv(np.vander(nodes, increasing=True))  # integrals from -1 to every node
    half = 0.5 * widths
    pieces = half * (np.exp(-half[:, None] * (pull @ upto.T)) @ weights) / temperature
    found = _recurred(rises, pieces, abs(work))
    found = -found[::-1] if work < 0.0 else found
    return np.asarray(mobility / found[::inside])


def _panels(problem: FokkerPlanck, edges: Array, t: float, nodes: Array) -> tuple[Array, Array, int]:
    """Widths of panels over which the exponent changes little, F/T at their nodes, and how many a cell holds."""
    temperature, inside = problem.temperature_at(t), 1
    while True:
        share = np.linspace(0.0, 1.0, inside, endpoint=False)
        panels = np.append((edges[:-1, None] + np.diff(edges)[:, None] * share).ravel(), edges[-1])
        middles, widths = 0.5 * (panels[1:] + panels[:-1]), np.diff(panels)
        points = middles[:, None] + 0.5 * widths[:, None] * nodes
        (pull,) = problem.force.field((points.ravel(),), t)
        pull = np.broadcast_to(np.asarray(pull, float) / temperature, points.size).reshape(points.shape)
        change = float(np.max(np.abs(pull) * widths[:, None]))
        if change <= _CHANGE or inside >= _MOST:
            return widths, pull, inside
        inside = min(_MOST, int(np.ceil(inside * change / _CHANGE)))


def _recurred(rises: Array, pieces: Array, work: float) -> Array:
    """Q at all ends of panels: Q_i = piece_i + exp(-rise_i) Q_(i+1), and the same at both ends of the ring."""
    # from where the potential is highest, so that nothing overflows
    start = int(np.argmin(np.append(0.0, np.cumsum(rises)[:-1])))
    rises, pieces = np.roll(rises, -start), np.roll(pieces, -start)
    found = np.empty(rises.size + 1)
    with np.errstate(over="ignore", under="ignore"):
        factors = np.exp(-rises)
        once = float(pieces @ np.exp(-np.append(0.0, np.cumsum(rises)[:-1])))
        found[-1] = now = once / -np.expm1(-work)
        for i in range(rises.size - 1, -1, -1):
            found[i] = now = pieces[i] + factors[i] * now
    found = np.roll(found[:-1], start)
    return np.append(found, found[0])


def steady_masses(problem: FokkerPlanck, grid: Grid, t: float) -> tuple[tuple[Array, tuple[Array, ...]] | None, str]:
    """Masses of the instantaneous steady state on a grid, and its currents, from the generator of a flux.

    That is the fourth-order one or, where it has none, that of Scharfetter and Gummel; None with the reason where
    neither has a steady state.
    """
    why = ""
    for flux in (FourthOrder(), ScharfetterGummel()):
        try:
            operator = Discretisation(problem, grid, flux).at(t)
            masses = stationary_masses(operator)
            return (masses, stationary_currents(operator, masses)), ""
        except InputError as error:
            why = f"no steady state: {error}"
    return None, why
