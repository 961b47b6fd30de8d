"""Positive schemes: no mass is ever below zero, not by rounding either."""

from __future__ import annotations

import numpy as np
import pytest
from families import (
    GRID_STEPPERS,
    TRIPLES,
    grid_of,
    grids,
    huge,
    implicit,
    label,
    name,
    problem_for,
    rough,
    single,
    step_for,
    unlimited,
)

from fpsolve.discretisation import Discretisation
from fpsolve.fluxes import Central, ScharfetterGummel
from fpsolve.integration import Control, Level, March
from fpsolve.steppers import SSPRK3, CrankNicolson

POSITIVE = [
    (flux, stepper, dimension)
    for flux, stepper, dimension in TRIPLES
    if stepper.positive and flux.positive
]
of_positive = pytest.mark.parametrize(("flux", "stepper", "dimension"), POSITIVE, ids=label)


def starts(grid):
    """Empty cells, all mass in one cell at either end or inside, and hardly any mass."""
    return {
        "rough": rough(grid),
        "first": single(grid, 0.0),
        "inner": single(grid, 0.4),
        "last": single(grid, 1.0),
        "tiny": 1e-300 * rough(grid),
    }


@of_positive
@pytest.mark.parametrize("temperature", [0.4, 1e-6, 0.0])
def test_no_mass_is_negative(flux, stepper, dimension, temperature):
    for timed in (False, True):
        for grid, where in grids(flux, dimension, stretched=(timed,)):
            system = Discretisation(problem_for(stepper, dimension, timed=timed, temperature=temperature), grid, flux)
            for dt in (step_for(stepper, system, 0.05), step_for(stepper, system, 1e3)):
                for start, m in starts(grid).items():
                    for step in range(3):
                        m = stepper.step(system, m, step * dt, dt).masses
                        assert np.min(m) >= 0.0, (where, start, dt)


@pytest.mark.parametrize(
    ("flux", "stepper", "dimension"), [three for three in POSITIVE if unlimited(*three[:2])], ids=label
)
def test_nor_in_steps_that_reach_far_beyond_the_grid(flux, stepper, dimension):
    for stretched in (False, True):
        for grid, where in grids(flux, dimension, stretched=(stretched,)):
            for temperature in (0.4, 1e-6):
                system = Discretisation(problem_for(stepper, dimension, temperature=temperature), grid, flux)
                for start, m in starts(grid).items():
                    done = stepper.march(system, m, 0.0, huge(system), 2)
                    assert np.min(done.masses) >= 0.0, (where, start)


@of_positive
def test_nor_with_error_control(flux, stepper, dimension):
    for grid, where in grids(flux, dimension, stretched=(False,)):
        least = []
        system = Discretisation(problem_for(stepper, dimension, timed=True), grid, flux)
        level = Level(system, single(grid, 0.4), np.zeros(2 * dimension))
        report = lambda t, least=least, level=level: least.append(np.min(level.masses))  # noqa: E731
        March(stepper, [level], Control(rtol=1e-2, atol=1e-3), 0.0, 0.2, report).advance(0.0, 0.2)
        assert least, where
        assert min(least) >= 0.0, where


def test_explicit_steps_to_the_very_limit():
    """A step that empties a cell leaves nothing, and not less than nothing."""
    for dimension in (1, 2):
        grid = grid_of(dimension)
        for temperature in (0.4, 1e-3, 0.0):
            problem, stepper = problem_for(SSPRK3(), dimension, temperature=temperature), SSPRK3(1.0)
            system = Discretisation(problem, grid, ScharfetterGummel())
            for m in starts(grid).values():
                for _ in range(20):
                    m = stepper.step(system, m, 0.0, stepper.largest_step(system, 0.0)).masses
                    assert np.min(m) >= 0.0


@pytest.mark.parametrize("stepper", [one for one in GRID_STEPPERS if implicit(one) and not one.positive], ids=label)
def test_what_does_not_claim_it_is_not_positive(stepper):
    """The claim says something: all mass at the top of a steep hill becomes less than nothing there."""
    for dimension in stepper.dimensions:
        grid = grid_of(dimension)
        least = []
        for temperature in (0.4, 0.02):
            system = Discretisation(problem_for(stepper, dimension, temperature=temperature), grid, ScharfetterGummel())
            for dt in np.geomspace(1e-3, 1e3, 13):
                least += [np.min(stepper.step(system, single(grid, at), 0.0, dt).masses) for at in (0.0, 0.45)]
        assert min(least) < -1e-4, name(stepper)


def test_the_central_flux_is_not_positive():
    grid = grid_of(1)
    system = Discretisation(problem_for(CrankNicolson(), 1, temperature=1e-3), grid, Central())
    m = CrankNicolson().step(system, single(grid, 0.4), 0.0, 0.1).masses
    assert np.min(m) < -1e-3
