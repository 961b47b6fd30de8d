"""Equilibrium: Boltzmann's weights at the centres stay where a flux says that they do."""

from __future__ import annotations

import numpy as np
import pytest
from families import ENDS, SIDES, TRIPLES, grid_of, huge, label, name, problem_of, step_for, unlimited

from fpsolve.discretisation import Discretisation
from fpsolve.forces.base import Points
from fpsolve.grids import Grid

CLOSED = {
    1: [end for end in ENDS if "absorbing" not in end],
    2: [side for side in SIDES if "absorbing" not in str(side)],
}
LINEAR = [three for three in TRIPLES if three[1].takes != "none"]


def centres(grid: Grid) -> Points:
    points = tuple(axis.centres for axis in grid.axes)
    return points if grid.dimension == 1 else (points[0][:, None], points[1][None, :])


def boltzmann(problem, grid):
    energy = np.broadcast_to(problem.force.potential(centres(grid), 0.0), grid.shape)
    m = np.exp(-(energy - np.min(energy)) / problem.temperature) * grid.volumes
    return m / np.sum(m)


@pytest.mark.parametrize(
    ("flux", "stepper", "dimension"), [three for three in LINEAR if three[0].equilibrium_preserving], ids=label
)
@pytest.mark.parametrize("temperature", [0.4, 0.05])
def test_boltzmann_weights_stay(flux, stepper, dimension, temperature):
    problem = problem_of(dimension, temperature=temperature, driven=False)
    for boundary in CLOSED[dimension]:
        for stretched in (False, True):
            grid = grid_of(dimension, boundary, stretched=stretched)
            system, m = Discretisation(problem, grid, flux), boltzmann(problem, grid)
            sizes = [step_for(stepper, system, 0.03)] + ([1.0] if unlimited(flux, stepper) else [])
            # sparse elimination in the plane does not know, at such steps, how much mass wells hold that exchange none
            if unlimited(flux, stepper) and (dimension == 1 or temperature > 0.3 or hasattr(stepper, "inner")):
                sizes.append(huge(system))
            for dt in sizes:
                count = 20 if dt < 1.0 else 3
                done = stepper.march(system, m, 0.0, dt, count)
                np.testing.assert_allclose(done.masses, m, rtol=1e-12, err_msg=f"{boundary} {stretched} {dt}")


@pytest.mark.parametrize(
    "flux", sorted({three[0] for three in LINEAR if not three[0].equilibrium_preserving}, key=name), ids=label
)
def test_what_does_not_claim_it_does_not_keep_it(flux):
    problem = problem_of(1, driven=False)
    grid = grid_of(1)
    rates = np.empty(grid.shape)
    Discretisation(problem, grid, flux).at(0.0).rates(boltzmann(problem, grid), rates)
    assert np.max(np.abs(rates)) > 1e-5
