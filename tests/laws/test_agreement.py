"""All schemes tell the same story: the true error lies within the bar of each, and so do their differences."""

from __future__ import annotations

import numpy as np
import pytest
from families import TRIPLES, label

import fpsolve as fp
from fpsolve import problems
from fpsolve.equation import FokkerPlanck
from fpsolve.forces import LinearForce
from fpsolve.grids import Array, Grid
from fpsolve.problems.whole_line import blurred_uniform
from fpsolve.steppers.base import EXACT

LINES = [t for t in TRIPLES if t[2] == 1]
PLANES = [t for t in TRIPLES if t[2] == 2]
SQUARE = fp.Uniform(-0.7, 1.3)
#: a quarter of a turn, while everything shrinks by exp(-1/2)
TURN = FokkerPlanck(LinearForce(np.array([[-0.5, -0.5 * np.pi], [0.5 * np.pi, -0.5]])), 0.6)
SPREAD = 0.6 / 0.5 * -np.expm1(-1.0)


def turned_square(grid: Grid) -> Array:
    """A uniform square after the quarter turn: x goes to y and y to -x, each shrunk and blurred."""
    shrink = np.exp(-0.5)
    x = fp.Uniform(-shrink * SQUARE.upper, -shrink * SQUARE.lower)
    y = fp.Uniform(shrink * SQUARE.lower, shrink * SQUARE.upper)
    parts = (blurred_uniform(axis.edges, one, SPREAD**0.5) for axis, one in zip(grid.axes, (x, y), strict=True))
    return np.outer(*parts)


def trapped_uniform(grid: Grid) -> Array:
    """A uniform start in a trap of rate and temperature one, at t = 1."""
    shrink = np.exp(-1.0)
    start = fp.Uniform(shrink * SQUARE.lower, shrink * SQUARE.upper)
    return blurred_uniform(grid.faces, start, float(np.sqrt(-np.expm1(-2.0))))


def compared(solution, exact, grid):
    """The true error at the end and its bar."""
    found = solution["density"].values[-1]
    return float(np.sum(np.abs(found - exact) * grid.volumes)), float(solution["density_error"].values[-1])


def quick(stepper, dimension):
    """Tolerances at which methods of low order do not take thousands of steps."""
    return {"rtol": {1: 2e-4, 2: 1e-5}.get(stepper.order, 1e-7) if dimension == 1 else 1e-3}


@pytest.mark.parametrize(("flux", "stepper", "dimension"), LINES, ids=label)
@pytest.mark.parametrize("cells", [32, 128])
@pytest.mark.parametrize("start", ["smooth", "uniform"])
def test_the_bar_holds_on_a_line(flux, stepper, dimension, cells, start):
    problem = problems.ornstein_uhlenbeck()
    grid = Grid.line(-6.0, 6.0, cells)
    begun, exact = (problem.start, problem.exact(1.0, grid)) if start == "smooth" else (SQUARE, trapped_uniform(grid))
    solution = fp.solve(
        problem.problem, begun, [0.0, 1.0], grid=grid, flux=flux, stepper=stepper, **quick(stepper, dimension)
    )
    error, bar = compared(solution, exact, grid)
    assert error <= bar, (error, bar)
    assert bar < 2.0
    if cells == 128 and start == "smooth" and flux.order > 1:
        assert bar < 0.1


@pytest.mark.parametrize(("flux", "stepper", "dimension"), PLANES, ids=label)
@pytest.mark.parametrize("cells", [20, 40])
@pytest.mark.parametrize("start", ["smooth", "uniform"])
def test_the_bar_holds_in_the_plane(flux, stepper, dimension, cells, start):
    grid = Grid.plane((-5.0, -5.0), (5.0, 5.0), (cells, cells))
    if start == "smooth":
        turning = problems.rotation(0.5, 0.5 * np.pi, 0.6, mean=(0.8, 0.3), std=0.5, end=1.0)
        begun, exact, problem = turning.start, turning.exact(1.0, grid), turning.problem
    else:
        begun = fp.PlaneUniform((SQUARE.lower, SQUARE.lower), (SQUARE.upper, SQUARE.upper))
        exact, problem = turned_square(grid), TURN
    numerics = quick(stepper, dimension)
    if stepper.stability in ("A", "L") and not hasattr(stepper, "inner"):  # one sparse factor for all steps
        numerics = {"steps": 16}
    solution = fp.solve(problem, begun, [0.0, 1.0], grid=grid, flux=flux, stepper=stepper, **numerics)
    error, bar = compared(solution, exact, grid)
    assert error <= bar, (error, bar)
    assert bar < 8.0


@pytest.mark.parametrize("dimension", [1, 2])
def test_all_schemes_agree_within_their_bars(dimension):
    """And where the force is no textbook one."""
    if dimension == 1:
        force = fp.PotentialForce(lambda x: 0.25 * x**4 - 0.5 * x**2 + 0.3 * np.sin(3.0 * x))
        grid, start = Grid.line(-3.5, 3.5, 96), fp.Gaussian(0.6, 0.4)
    else:
        force = fp.PotentialForce(lambda x, y: 0.25 * x**4 - 0.5 * x**2 + 0.5 * (y - 0.4 * x) ** 2, dimension=2)
        force = force + fp.NonconservativeForce(lambda x, y: (0.5 * np.tanh(y), -0.5 * np.tanh(x)), dimension=2)
        grid, start = Grid.plane((-3.5, -4.0), (3.5, 4.0), (32, 32)), fp.PlaneGaussian((0.5, 0.2), std=0.6)
    found = {}
    for flux, stepper, own in TRIPLES:
        if own != dimension or stepper.order == EXACT:
            continue
        numerics = quick(stepper, dimension)
        if dimension == 2 and stepper.stability in ("A", "L") and not hasattr(stepper, "inner"):
            numerics = {"steps": 8}
        solution = fp.solve(
            FokkerPlanck(force, 0.4), start, [0.0, 0.5], grid=grid, flux=flux, stepper=stepper, **numerics
        )
        found[label(flux), label(stepper)] = solution["density"].values[-1], float(solution["density_error"].values[-1])
    assert len(found) > 30
    for one, (density, bar) in found.items():
        for other, (their, theirs) in found.items():
            assert np.sum(np.abs(density - their) * grid.volumes) <= bar + theirs, (one, other)
