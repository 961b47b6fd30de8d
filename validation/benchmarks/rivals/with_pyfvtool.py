"""PyFVTool: central finite volumes and implicit Euler, the only time step it has.

Its ``solvePDE`` takes the linear solver from outside; here it keeps the LU factors while the matrix stays the same.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pyfvtool as pf
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from validation.benchmarks.rivals.problems import Problem
from validation.benchmarks.rivals.stencils import Array
from validation.benchmarks.rivals.variants import RESCALED, Variant

PACKAGES = ("pyfvtool", "scipy")


def spatial_terms(problem: Problem, cells: int) -> tuple[Any, list[Any]]:
    """Mesh, and the terms of div(f P - grad P); no flux through the walls."""
    length, edges, centres = 2.0 * problem.half, problem.edges(cells), problem.centres(cells)
    inner = np.zeros(cells + 1)
    inner[1:-1] = 1.0
    mesh = pf.Grid1D(cells, length) if problem.dimension == 1 else pf.Grid2D(cells, cells, length, length)
    drift = pf.FaceVariable(mesh, 0.0)
    if problem.dimension == 1:
        drift._xvalue = -edges * inner
    else:
        turn = problem.spin * centres
        drift._xvalue = (-edges[:, None] - turn[None, :]) * inner[:, None]
        drift._yvalue = (-edges[None, :] + turn[:, None]) * inner[None, :]
    return mesh, [pf.convectionTerm(drift), -1.0 * pf.diffusionTerm(pf.FaceVariable(mesh, 1.0))]


def euler(problem: Problem, cells: int, steps: int) -> Callable[[], Array]:
    problem = problem.rescaled()
    mesh, terms = spatial_terms(problem, cells)
    start, dt = problem.start(cells), problem.end / steps

    def run() -> Array:
        density = pf.CellVariable(mesh, start)
        factors: list[Any] = []

        def solve(matrix: Any, right: Array) -> Array:
            if not factors:
                factors.append(splu(csc_array(matrix)))
            return np.asarray(factors[0].solve(right))

        for _ in range(steps):
            pf.solvePDE(density, [pf.transientTerm(density, dt), *terms], externalsolver=solve)
        return np.array(density.value)

    return run


def extrapolated(problem: Problem, cells: int, steps: int) -> Callable[[], Array]:
    """Richardson's extrapolation from ``steps`` and twice as many."""
    coarse, fine = euler(problem, cells, steps), euler(problem, cells, 2 * steps)
    return lambda: 2.0 * fine() - coarse()


BEYOND = "Richardson's extrapolation by hand"
_variant = functools.partial(Variant, note=RESCALED)
VARIANTS = {
    "euler": _variant("PyFVTool implicit Euler, central", euler),
    "richardson": _variant("PyFVTool Euler extrapolated, central", extrapolated, beyond=BEYOND),
}
