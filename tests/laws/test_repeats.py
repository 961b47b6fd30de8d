"""The same run twice: resumed from any stored time, or on another number of threads, it is the same bit for bit."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
from families import TRIPLES, grid_of, label, problem_for, rough

from fpsolve.discretisation import Discretisation
from fpsolve.integration import Control, Level, March, coarsened

TIMES = np.array([0.0, 0.03, 0.06, 0.1])


def begun(flux, stepper, dimension, control):
    """A march on a grid and a coarser companion."""
    grid = grid_of(dimension, cells=32 if dimension == 1 else (16, 18))
    problem, masses = problem_for(stepper, dimension, timed=True), rough(grid)
    levels = [
        Level(Discretisation(problem, own, flux), m, np.zeros(2 * dimension))
        for own, m in ((grid, masses), (grid.coarser(), coarsened(masses)))
    ]
    return March(stepper, levels, control, float(TIMES[0]), float(TIMES[-1]))


@pytest.mark.parametrize(("flux", "stepper", "dimension"), TRIPLES, ids=label)
@pytest.mark.parametrize("control", [Control(rtol=1e-2), Control(steps=2, substep=True)], ids=["controlled", "equal"])
def test_a_resumed_run_is_the_unbroken_one(flux, stepper, dimension, control):
    march, kept = begun(flux, stepper, dimension, control), []
    for begin, end in itertools.pairwise(TIMES.tolist()):
        kept.append(copy.deepcopy(march.state()))
        march.advance(begin, end)
    last = march.state()
    for index, state in list(enumerate(kept))[1:]:
        again = begun(flux, stepper, dimension, control)
        again.restore(state)
        for begin, end in itertools.pairwise(TIMES[index:].tolist()):
            again.advance(begin, end)
        assert again.state().keys() == last.keys()
        for key, value in again.state().items():
            assert np.array_equal(value, last[key]), (index, key)


CODE = """
import hashlib, os, sys
sys.path.append(sys.argv[1])
import numpy as np
import numba
from families import TRIPLES, grid_of, name, problem_for, rough, step_for
from fpsolve.discretisation import Discretisation
assert numba.config.NUMBA_NUM_THREADS == int(os.environ["NUMBA_NUM_THREADS"])
for flux, stepper, dimension in TRIPLES:
    grid = grid_of(dimension, cells=40 if dimension == 1 else (24, 30))
    system = Discretisation(problem_for(stepper, dimension), grid, flux)
    done = stepper.march(system, rough(grid), 0.0, step_for(stepper, system, 0.02), 3)
    digest = hashlib.sha256(done.masses.tobytes() + done.outflow.tobytes()).hexdigest()
    print(name(flux), name(stepper), dimension, digest)
"""


def test_the_number_of_threads_changes_nothing(run_python, root):
    """The linear algebra of numpy and scipy too."""
    names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    found = [
        run_python(CODE, str(root / "tests" / "laws"), env={name: str(count) for name in names}).stdout
        for count in (1, 2)
    ]
    assert len(found[0].splitlines()) == len(TRIPLES)
    assert found[0] == found[1]
