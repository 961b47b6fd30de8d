"""Mass: what is in the cells and what has flowed out is what was there at the start."""

from __future__ import annotations

import math

import numpy as np
import pytest
from families import (
    FLUXES,
    GRID_STEPPERS,
    TRIPLES,
    grid_of,
    grids,
    huge,
    label,
    problem_for,
    problem_of,
    rough,
    single,
    smooth,
    step_for,
    takes,
    unlimited,
)

from fpsolve.discretisation import Discretisation
from fpsolve.integration import Control, Level, March

CONSERVATIVE = [three for three in TRIPLES if three[0].conservative and three[1].conservative]
LINEAR = [flux() for flux in FLUXES if flux.linear]

of_conservative = pytest.mark.parametrize(("flux", "stepper", "dimension"), CONSERVATIVE, ids=label)


def kept(done, start, count):
    return abs(np.sum(done.masses) + np.sum(done.outflow) - np.sum(start)) <= 1e-13 * math.sqrt(count)


@of_conservative
@pytest.mark.parametrize("timed", [False, True], ids=["steady", "timed"])
def test_mass_and_outflow_are_what_was_there(flux, stepper, dimension, timed):
    for grid, where in grids(flux, dimension, stretched=(False, True) if dimension == 1 else (timed,)):
        system = Discretisation(problem_for(stepper, dimension, timed=timed), grid, flux)
        dt = step_for(stepper, system, 0.05)
        assert dt > 0.0
        start = rough(grid)
        count = 4 if timed and dimension == 2 else 10
        done = stepper.march(system, start, 0.0, dt, count)
        assert kept(done, start, count), where
        assert np.max(np.abs(done.masses - start)) > 1e-4, where  # something happened
        ends = [end for axis in grid.axes for end in axis.ends]
        open_ = np.array([end == "absorbing" for end in ends])
        assert np.all(done.outflow[~open_] == 0.0), where
        assert np.all(done.outflow[open_] != 0.0), where


@pytest.mark.parametrize(
    ("flux", "stepper", "dimension"), [three for three in CONSERVATIVE if unlimited(*three[:2])], ids=label
)
@pytest.mark.parametrize("timed", [False, True], ids=["steady", "timed"])
def test_steps_that_reach_far_beyond_the_grid(flux, stepper, dimension, timed):
    """dt T / h² = 1e12."""
    for grid, where in grids(flux, dimension):
        system = Discretisation(problem_for(stepper, dimension, timed=timed), grid, flux)
        start = single(grid, 0.3) if grid.axes[0].uniform else rough(grid)
        assert kept(stepper.march(system, start, 0.0, huge(system), 3), start, 3), where


@of_conservative
def test_the_error_control_keeps_the_mass(flux, stepper, dimension):
    for grid, where in grids(flux, dimension, stretched=(False,)):
        start = smooth(grid)
        level = Level(Discretisation(problem_of(dimension, timed=True), grid, flux), start, np.zeros(2 * dimension))
        march = March(stepper, [level], Control(rtol=1e-2), 0.0, 0.06)
        march.advance(0.0, 0.06)
        total = np.sum(level.masses) + np.sum(level.outflow)
        assert abs(total - np.sum(start)) <= 1e-13 * math.sqrt(march.taken), where


@pytest.mark.parametrize("flux", LINEAR, ids=label)
@pytest.mark.parametrize("dimension", [1, 2])
def test_the_columns_of_the_generator_sum_to_what_flows_out(flux, dimension):
    for grid, where in grids(flux, dimension):
        operator = Discretisation(problem_of(dimension), grid, flux).at(0.0)
        sums = np.asarray(operator.matrix().sum(axis=0)).reshape(grid.shape)
        for k in np.ndindex(*grid.shape):
            unit = np.zeros(grid.shape)
            unit[k] = 1.0
            assert abs(sums[k] + np.sum(operator.ends(unit))) <= 1e-13 * operator.reach.real, where


@pytest.mark.parametrize("flux", [flux() for flux in FLUXES], ids=label)
def test_only_equal_cells_and_closed_planes_are_ever_refused(flux):
    """Every other flux takes every grid, and none refuses equal cells between closed ends."""
    for dimension in (1, 2):
        for boundary in ("reflecting", "periodic"):
            assert takes(flux, grid_of(dimension, boundary))
        assert takes(flux, grid_of(dimension, stretched=True)) == flux.linear
    assert takes(flux, grid_of(1, "absorbing"))
    assert takes(flux, grid_of(2, "absorbing")) == flux.linear


def test_every_stepper_is_among_those_tested():
    assert {type(stepper) for _, stepper, _ in TRIPLES} == {type(stepper) for stepper in GRID_STEPPERS}
    assert {type(flux) for flux, _, _ in TRIPLES} == set(FLUXES)
    assert len(TRIPLES) > 70
