"""py-pde: central differences from an expression, compiled, with its own steppers or SciPy's.

The drift stands inside the derivative, so the mass is kept. The walls are where the density is below rounding, but
for the expression ``x * c`` any wall value is a guess; zero density outside does no harm.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pde

from validation.benchmarks.rivals.problems import Problem
from validation.benchmarks.rivals.stencils import Array
from validation.benchmarks.rivals.variants import RESCALED, Variant

PACKAGES = ("py-pde", "numba")
#: T_t of problem b, as an expression
COSINE = "1.5707963267948966 * tan(1.5707963267948966 * t)"


def equation(problem: Problem) -> pde.PDE:
    """The right-hand side as text."""
    if problem.dimension == 1:
        text = "laplace(c) + d_dx(x * c)"
        text = text if problem.steady else f"{COSINE} * ({text})"
    else:
        text = f"laplace(c) + d_dx((x + {problem.spin} * y) * c) + d_dy((y - {problem.spin} * x) * c)"
    return pde.PDE({"c": text}, bc={"value": 0.0})


def solved(problem: Problem, cells: int, setting: float, rescale: bool, solver: Any) -> Callable[[], Array]:
    """The stepper is compiled once and kept, which ``PDE.solve`` does not do."""
    problem = problem.rescaled() if rescale else problem
    grid = pde.CartesianGrid([[-problem.half, problem.half]] * problem.dimension, cells)
    start = pde.ScalarField(grid, problem.start(cells))
    stepper = solver(equation(problem), setting).make_stepper(start, dt=1e-6)

    def run() -> Array:
        state = start.copy()
        stepper(state, 0.0, problem.end)
        return state.data

    return run


def from_scipy(law: pde.PDE, rtol: float, method: str) -> Any:
    band = {"lband": 1, "uband": 1} if method == "LSODA" else {}
    return pde.ScipySolver(law, method=method, rtol=rtol, atol=0.1 * rtol, **band)


def adaptive(law: pde.PDE, tolerance: float, solver: type) -> Any:
    return solver(law, backend="numba", adaptive=True, tolerance=tolerance)


def variant(title: str, solver: Any, rescale: bool = False, **more: Any) -> Variant:
    build = functools.partial(solved, rescale=rescale, solver=solver)
    return Variant(f"py-pde {title}, central", build, "rtol", **more)


VARIANTS = {
    "lsoda": variant("LSODA band", functools.partial(from_scipy, method="LSODA")),
    "lsoda-clock": variant("LSODA band", functools.partial(from_scipy, method="LSODA"), True, note=RESCALED),
    "rk45": variant("own RK45", functools.partial(adaptive, solver=pde.RungeKuttaSolver)),
    "euler": variant("own adaptive Euler", functools.partial(adaptive, solver=pde.EulerSolver)),
}
