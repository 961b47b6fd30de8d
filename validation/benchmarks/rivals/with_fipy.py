"""FiPy: finite volumes with exponential convection (Scharfetter-Gummel) and implicit Euler, its only time step."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import fipy
import numpy as np
from fipy.solvers.scipy import LinearBicgstabSolver, LinearLUSolver

from validation.benchmarks.rivals.problems import Problem
from validation.benchmarks.rivals.stencils import Array
from validation.benchmarks.rivals.variants import RESCALED, Variant

PACKAGES = ("fipy", "scipy")


def equation(problem: Problem, cells: int) -> tuple[Any, Any]:
    """The unknown on its mesh, and the equation of a step; problem b in the time of its clock."""
    h = problem.width(cells)
    mesh = fipy.Grid1D(nx=cells, dx=h) if problem.dimension == 1 else fipy.Grid2D(nx=cells, ny=cells, dx=h, dy=h)
    faces = np.asarray(mesh.faceCenters.value) - problem.half  # the mesh begins at zero
    force = -faces
    if problem.dimension == 2:
        force = force + problem.spin * np.array([-faces[1], faces[0]])
    drift = fipy.FaceVariable(mesh=mesh, rank=1, value=force)
    drift.setValue(0.0, where=mesh.exteriorFaces)
    law = fipy.TransientTerm() == fipy.DiffusionTerm(1.0) - fipy.ExponentialConvectionTerm(drift)
    return fipy.CellVariable(mesh=mesh, hasOld=True), law


def euler(problem: Problem, cells: int, steps: int) -> Callable[[], Array]:
    """LU on the line, BiCGSTAB in the plane."""
    problem = problem.rescaled()
    density, law = equation(problem, cells)
    start, dt = problem.start(cells).T.ravel(), problem.end / steps  # x runs fastest in FiPy
    make = LinearLUSolver if problem.dimension == 1 else functools.partial(LinearBicgstabSolver, iterations=2000)

    def run() -> Array:
        density.setValue(start)
        solver = make(tolerance=1e-9)
        for _ in range(steps):
            density.updateOld()
            law.solve(var=density, dt=dt, solver=solver)
        return np.array(density.value).reshape([cells] * problem.dimension).T

    return run


def extrapolated(problem: Problem, cells: int, steps: int) -> Callable[[], Array]:
    """Richardson's extrapolation from ``steps`` and twice as many."""
    coarse, fine = euler(problem, cells, steps), euler(problem, cells, 2 * steps)
    return lambda: 2.0 * fine() - coarse()


BEYOND = "Richardson's extrapolation by hand"
_variant = functools.partial(Variant, note=RESCALED)
VARIANTS = {
    "euler": _variant("FiPy implicit Euler, exponential", euler),
    "richardson": _variant("FiPy Euler extrapolated, exponential", extrapolated, beyond=BEYOND),
}
