"""fplanck: a master equation with rates exp(-dU/2T), propagated by the exponential of its sparse matrix.

Temperatures are in kelvin and drag in kg/s, so 1/k_B and 1 make T = 1. Its ``propagate`` knows no time in the
coefficients: problem b is solved in the time of its clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from fplanck.solver import FokkerPlanck
from scipy.constants import k as boltzmann

from validation.benchmarks.rivals.problems import Problem
from validation.benchmarks.rivals.stencils import Array
from validation.benchmarks.rivals.variants import RESCALED, Variant

PACKAGES = ("fplanck", "scipy")


def exponential(problem: Problem, cells: int, setting: float) -> Callable[[], Array]:
    problem = problem.rescaled()
    h = problem.width(cells)
    # the number of cells is extent / resolution rounded up, and rounding must not make one too many
    size: dict[str, Any] = {"extent": [h * cells * (1.0 - 1e-9)] * problem.dimension, "resolution": h}
    if problem.dimension == 1:
        size["potential"] = lambda x: 0.5 * x * x
    else:
        size["force"] = lambda x, y: np.array([-x - problem.spin * y, -y + problem.spin * x])
    solver = FokkerPlanck(temperature=1.0 / boltzmann, drag=1.0, **size)
    assert set(solver.Ngrid) == {cells}, "fplanck made another grid"
    start = problem.start(cells)
    return lambda: np.asarray(solver.propagate(lambda *x: start.copy(), problem.end, normalize=False))


VARIANTS = {"expm": Variant("fplanck exponential, exp(-dU/2T)", exponential, "none", note=RESCALED)}
