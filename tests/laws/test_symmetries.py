"""Symmetries: the mirrored problem has the mirrored solution, the transposed one the transposed solution."""

from __future__ import annotations

import numpy as np
import pytest
from families import BOUNDARIES, TRIPLES, grid_of, label, problem_for, rough, smooth, step_for, takes

from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.forces import NonconservativeForce, PotentialForce
from fpsolve.forces.base import Force, Summed, parts
from fpsolve.forces.linear import LinearForce
from fpsolve.grids import Axis, Grid

of_triples = pytest.mark.parametrize(("flux", "stepper", "dimension"), TRIPLES, ids=label)


def mirrored(force: Force) -> Force:
    """The force in coordinates that are all reversed."""
    if isinstance(force, Summed):
        return Summed(tuple(mirrored(part) for part in parts(force)))
    if isinstance(force, PotentialForce):
        inner = force.potential_energy
        flipped = (lambda x: inner(-x)) if force.dimension == 1 else (lambda x, y: inner(-x, -y))
        return PotentialForce(flipped, force.dimension)
    if isinstance(force, LinearForce):
        return force
    inner = force.function
    if force.dimension == 1:
        return NonconservativeForce(lambda x: -inner(-x))
    return NonconservativeForce(lambda x, y: tuple(-part for part in inner(-x, -y)), 2)


def transposed(force: Force) -> Force:
    """The force with x and y exchanged."""
    if isinstance(force, Summed):
        return Summed(tuple(transposed(part) for part in parts(force)))
    if isinstance(force, PotentialForce):
        inner = force.potential_energy
        return PotentialForce(lambda x, y: inner(y, x), 2)
    inner = force.function
    return NonconservativeForce(lambda x, y: inner(y, x)[::-1], 2)


def reversed_axis(axis: Axis) -> Axis:
    boundary = axis.boundary if isinstance(axis.boundary, str) else axis.boundary[::-1]
    return Axis(-axis.edges[::-1], boundary)


def cases(flux, dimension):
    for k, boundary in enumerate(BOUNDARIES[dimension]):
        grid = grid_of(dimension, boundary, stretched=bool(k % 2))
        if takes(flux, grid):
            yield grid
        elif takes(flux, equal := grid_of(dimension, boundary)):
            yield equal


def close(one, other):
    return np.max(np.abs(one - other)) <= 1e-13 * np.max(np.abs(other))


@of_triples
def test_mirror(flux, stepper, dimension):
    problem = problem_for(stepper, dimension)
    back = FokkerPlanck(mirrored(problem.force), problem.temperature)
    for grid in cases(flux, dimension):
        other = Grid(tuple(reversed_axis(axis) for axis in grid.axes))
        system, image = Discretisation(problem, grid, flux), Discretisation(back, other, flux)
        dt, m = step_for(stepper, system, 0.05), rough(grid)
        done = stepper.march(system, m, 0.0, dt, 4)
        seen = stepper.march(image, np.ascontiguousarray(np.flip(m)), 0.0, dt, 4)
        assert close(np.flip(seen.masses), done.masses), grid.axes
        ends = done.outflow.reshape(-1, 2)[:, ::-1].ravel()
        assert np.max(np.abs(seen.outflow - ends)) <= 1e-13, grid.axes
        assert not close(seen.masses, done.masses)


@pytest.mark.parametrize(
    ("flux", "stepper", "dimension"),
    [three for three in TRIPLES if three[2] == 2 and not hasattr(three[1], "inner")],
    ids=label,
)
def test_exchange_of_the_axes(flux, stepper, dimension):
    problem = problem_for(stepper, dimension)
    turned = FokkerPlanck(transposed(problem.force), problem.temperature)
    for grid in cases(flux, dimension):
        system, other = Discretisation(problem, grid, flux), Discretisation(turned, Grid(grid.axes[::-1]), flux)
        dt, m = step_for(stepper, system, 0.05), rough(grid)
        done = stepper.march(system, m, 0.0, dt, 4)
        seen = stepper.march(other, np.ascontiguousarray(m.T), 0.0, dt, 4)
        assert close(seen.masses.T, done.masses), grid.axes
        assert np.max(np.abs(np.roll(seen.outflow, 2) - done.outflow)) <= 1e-13, grid.axes
        assert not close(seen.masses.T, m)


@pytest.mark.parametrize(
    ("flux", "stepper", "dimension"), [three for three in TRIPLES if hasattr(three[1], "inner")], ids=label
)
def test_a_splitting_exchanges_its_axes_to_its_order(flux, stepper, dimension):
    """That begins with y is another method than one that begins with x: both have the same limit."""
    problem = problem_for(stepper, dimension)
    turned = FokkerPlanck(transposed(problem.force), problem.temperature)
    grid = grid_of(2, ("reflecting", "absorbing"), stretched=True)
    system, other = Discretisation(problem, grid, flux), Discretisation(turned, Grid(grid.axes[::-1]), flux)
    m, gaps = smooth(grid), []
    for count in (16, 32):
        done = stepper.march(system, m, 0.0, 0.2 / count, count)
        seen = stepper.march(other, np.ascontiguousarray(m.T), 0.0, 0.2 / count, count)
        gaps.append(np.sum(np.abs(seen.masses.T - done.masses)))
    assert 1e-12 < gaps[1] < 1e-2
    assert abs(np.log2(gaps[0] / gaps[1]) - stepper.order) < 0.15, gaps
