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


def solved(problem: Problem, cells: int, setting: float, rescale: bool, options: Callable[[float], Any]) -> Any:
    """A run with a solver kept between runs; its functions are compiled here."""
    problem = problem.rescaled() if rescale else problem
    grid = pde.CartesianGrid([[-problem.half, problem.half]] * problem.dimension, cells)
    state = pde.ScalarField(grid, problem.start(cells))
    law = equation(problem)

    def run() -> Array:
        return law.solve(state, t_range=problem.end, tracker=None, **options(setting)).data

    return run


def scipy_options(rtol: float, method: str) -> dict[str, Any]:
    band = {"lband": 1, "uband": 1} if method == "LSODA" else {}
    return {"solver": "scipy", "method": method, "rtol": rtol, "atol": 0.1 * rtol, **band}


def own_options(tolerance: float, solver: str) -> dict[str, Any]:
    return {"solver": solver, "adaptive": True, "tolerance": tolerance, "dt": 1e-5, "backend": "numba"}


def variant(title: str, options: Any, rescale: bool = False, **more: Any) -> Variant:
    build = functools.partial(solved, rescale=rescale, options=options)
    return Variant(f"py-pde {title}, central", build, "rtol", **more)


VARIANTS = {
    "lsoda": variant("LSODA band", functools.partial(scipy_options, method="LSODA")),
    "lsoda-clock": variant("LSODA band", functools.partial(scipy_options, method="LSODA"), True, note=RESCALED),
    "rk45": variant("Runge-Kutta 5(4)", functools.partial(own_options, solver="runge-kutta")),
    "euler": variant("adaptive Euler", functools.partial(own_options, solver="euler")),
    "rk23": variant("SciPy RK23", functools.partial(scipy_options, method="RK23")),
}
