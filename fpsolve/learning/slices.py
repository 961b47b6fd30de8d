"""Quadratures over one instant: of the forward process, and over the labels of a run."""

from __future__ import annotations

import functools

import numpy as np
from numpy.polynomial import legendre

from fpsolve.learning.learned_run import LearnedField, Run
from fpsolve.learning.matching import Learned
from fpsolve.mesh import marched
from fpsolve.processes import Process, Slices
from fpsolve.quadrature import NODES, POINTS, Array, panel_nodes

#: probability left out beyond the outermost panels of the forward process
_TAIL = 1e-30


def forward_slices(process: Process, learned: LearnedField, t: float) -> tuple[Slices, Array]:
    """Nodes over P_t whose panels end at the knots of the learned velocity, and that velocity at them."""
    density = process.density(t)
    low, high = density.interval(_TAIL)
    inner = np.empty(0)
    if isinstance(learned, Learned):
        centre, scale = learned.basis.frame(t)
        inner = centre + scale * learned.basis.space.knots()
    inner = np.concatenate([inner, density.breaks(), density.kinks()])
    hard = np.unique(np.concatenate([[low, high], inner[(inner > low) & (inner < high)]]))
    x, kronrod, gauss = panel_nodes(marched(hard, *density.features()))
    state = process.state(t, x)
    slices = Slices(
        np.array([0, x.size]), x, kronrod, gauss, state.pdf, state.velocity, None, x, (True, True), process.precision
    )
    return slices, learned.velocity(t, x)


def label_slices(run: Run) -> Slices:
    """The labels of a run as nodes of integrals at all its times, one after the other."""
    count = run.times.size
    z, kronrod, gauss = (np.tile(row, count) for row in (run.z, run.kronrod, run.gauss))
    return Slices(run.z.size * np.arange(count + 1), z, kronrod, gauss, z, z, None, z)


def widened(
    slices: Slices, integrand: Array, found: tuple[Array, Array], rough: Array | None = None
) -> tuple[Array, Array]:
    """An integral with the disagreement of the nested rules in each panel: between panels it must not cancel.

    ``rough`` is the integrand as the Gauss nodes alone would have it, where it depends on more than one node.
    """
    other = integrand if rough is None else rough
    panels = np.abs(np.sum((slices.kronrod * integrand - slices.gauss * other).reshape(-1, POINTS), axis=1))
    return found[0], found[1] + np.add.reduceat(panels, slices.starts[:-1] // POINTS)


@functools.cache
def _derivative(every: int) -> Array:
    """Values at the nodes of a panel [-1, 1] to the derivative of the interpolant of every first or second one."""
    nodes = NODES[every - 1 :: every]
    matrix = np.zeros((POINTS, POINTS))
    fit = np.linalg.inv(legendre.legvander(nodes, nodes.size - 1))
    matrix[:, every - 1 :: every] = legendre.legvander(NODES, nodes.size - 2) @ legendre.legder(fit)
    return matrix


def differentiated(edges: Array, values: Array, every: int = 1) -> Array:
    """Derivative of functions (rows) given at the nodes of panels, panel by panel; from the Gauss nodes if 2."""
    half = 0.5 * np.diff(edges)[:, None]
    panels = values.reshape(values.shape[0], -1, POINTS)
    return np.asarray((panels @ _derivative(every).T) / half).reshape(values.shape)


def integral_with_sign(slices: Slices, sign_of: Array, integrand: Array) -> tuple[Array, Array]:
    """Integral of sgn(s) g at each time, panels in which s changes sign cut at the root of its interpolant."""
    rows, marks = integrand.reshape(-1, POINTS), sign_of.reshape(-1, POINTS)
    value, _ = slices.integrate(np.sign(sign_of) * integrand)
    _, bar = slices.integrate(integrand)
    size, _ = slices.integrate(np.abs(integrand))
    turning = np.flatnonzero((marks.min(axis=1) < 0.0) & (marks.max(axis=1) > 0.0))
    owner = np.searchsorted(slices.starts // POINTS, turning, side="right") - 1
    weights = slices.kronrod.reshape(-1, POINTS)[turning]
    half = 0.5 * np.sum(weights, axis=1)
    plain = np.sum(weights * np.sign(marks[turning]) * rows[turning], axis=1)
    exact, rough = (half * _cut(marks[turning], rows[turning], every) for every in (1, 2))
    np.add.at(value, owner, exact - plain)
    np.add.at(bar, owner, np.abs(exact - rough))
    return value, bar + slices.precision * size


def _cut(marks: Array, rows: Array, every: int) -> Array:
    """Integral over [-1, 1] of sgn(s) g from the values of both at (every second one of) the nodes of panels."""
    nodes = NODES[every - 1 :: every]
    vander = legendre.legvander(nodes, nodes.size - 1)
    signs, values = (np.linalg.solve(vander, part[:, every - 1 :: every].T) for part in (marks, rows))
    low, high = -np.ones(marks.shape[0]), np.ones(marks.shape[0])
    left = np.sign(legendre.legval(low, signs, tensor=False))
    for _ in range(50):
        middle = 0.5 * (low + high)
        same = np.sign(legendre.legval(middle, signs, tensor=False)) == left
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    primitive = legendre.legint(values, lbnd=-1.0)
    before, whole = (legendre.legval(x, primitive, tensor=False) for x in (low, np.ones_like(low)))
    return np.asarray(left * (2.0 * before - whole))
