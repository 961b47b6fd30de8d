"""SciPy by hand on the line: second-order finite volumes and the steppers that a competent user tries.

Bands, never general sparse matrices; right-hand sides in slices with one buffer; matrices factored once while the
step is constant. A Crank-Nicolson step is written as p <- 2 q - p with (1 - dt/2 A) q = p, which spares the product.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import ode, odeint, solve_ivp
from scipy.linalg.lapack import dgtsv, dgttrf, dgttrs, dpttrf, dpttrs, zgtsv
from scipy.sparse import diags_array
from scipy.sparse.linalg import expm_multiply

from validation.benchmarks.rivals.problems import Problem
from validation.benchmarks.rivals.stencils import Array, Rates, central, line_bands, scharfetter_gummel, square_root
from validation.benchmarks.rivals.variants import RESCALED, Variant

PACKAGES = ("scipy",)
Run = Callable[[], Array]


def right_hand_side(problem: Problem, bands: tuple[Array, Array, Array]) -> tuple[Any, Any]:
    """The derivative and its banded Jacobian, as functions of (t, p)."""
    lower, main, upper = bands
    buffer = np.empty(main.size - 1)
    jacobian = np.zeros((3, main.size))
    jacobian[0, 1:], jacobian[1], jacobian[2, :-1] = upper, main, lower

    def derivative(t: float, p: Array) -> Array:
        out = main * p
        np.multiply(lower, p[:-1], out=buffer)
        out[1:] += buffer
        np.multiply(upper, p[1:], out=buffer)
        out[:-1] += buffer
        if not problem.steady:
            out *= problem.rate(t)
        return out

    return derivative, lambda t, p: jacobian if problem.steady else problem.rate(t) * jacobian


def adaptive(problem: Problem, cells: int, rtol: float, rates: Rates, solver: str, rescale: bool = False) -> Run:
    """LSODA (through both doors) and VODE with a band; the absolute tolerance goes with the relative one."""
    problem = problem.rescaled() if rescale else problem
    derivative, jacobian = right_hand_side(problem, line_bands(problem, cells, rates))
    start, end = problem.start(cells), problem.end

    def run() -> Array:
        if solver == "odeint":
            options = {"Dfun": jacobian, "ml": 1, "mu": 1, "rtol": rtol, "atol": 0.1 * rtol, "tfirst": True}
            return np.asarray(odeint(derivative, start, [0.0, end], **options)[-1])
        if solver == "LSODA":
            options = {"method": "LSODA", "jac": jacobian, "lband": 1, "uband": 1}
            return np.asarray(solve_ivp(derivative, (0, end), start, rtol=rtol, atol=0.1 * rtol, **options).y[:, -1])
        options = {"method": "bdf", "with_jacobian": True, "lband": 1, "uband": 1, "nsteps": 100000}
        return np.asarray(vode(derivative, jacobian, start, end, rtol=rtol, atol=0.1 * rtol, **options))

    return run


def vode(derivative: Any, jacobian: Any, start: Array, end: float, **options: Any) -> Array:
    integrator = ode(derivative, jacobian).set_integrator("vode", **options).set_initial_value(start, 0.0)
    return np.asarray(integrator.integrate(end))


def crank_nicolson(problem: Problem, cells: int, steps: int, rates: Rates) -> Run:
    """Equal steps in t; the temperature at the middle of the step, so a new matrix each where it varies."""
    lower, main, upper = line_bands(problem, cells, rates)
    start, dt = problem.start(cells), problem.end / steps

    def run() -> Array:
        p = start
        for k in range(steps):
            half = 0.5 * dt * problem.rate((k + 0.5) * dt)
            q = dgtsv(-half * lower, 1.0 - half * main, -half * upper, p, 1, 1, 1)[3]
            q *= 2.0
            q -= p
            p = q
        return p

    return run


def factored(problem: Problem, cells: int, steps: int, rates: Rates, symmetric: bool = False) -> Run:
    """Crank-Nicolson with one factorisation and equal steps in the clock; ``symmetric``: of the symmetrised matrix.

    The rates obey detailed balance: with the square root of the equilibrium as scale the operator is symmetric, and
    LAPACK's positive definite solver does without pivots.
    """
    problem = problem.rescaled()
    lower, main, upper = line_bands(problem, cells, rates)
    half = 0.5 * problem.end / steps
    scale = np.exp(0.5 * np.concatenate([[0.0], np.cumsum(np.log(upper / lower))])) if symmetric else np.ones(cells)
    scale /= scale[cells // 2]
    start = problem.start(cells) * scale

    def run() -> Array:
        if symmetric:
            parts = dpttrf(1.0 - half * main, -half * np.sqrt(lower * upper))[:2]
        else:
            parts = dgttrf(-half * lower, 1.0 - half * main, -half * upper)[:5]
        solve, p = dpttrs if symmetric else dgttrs, start
        for _ in range(steps):
            q = solve(*parts, p)[0]
            q *= 2.0
            q -= p
            p = q
        return p / scale

    return run


def exponential(problem: Problem, cells: int, steps: int, rates: Rates) -> Run:
    """SciPy's ``expm_multiply``; its own number of steps, whatever is asked for."""
    lower, main, upper = line_bands(problem, cells, rates)
    matrix = diags_array([lower, main, upper], offsets=[-1, 0, 1]).tocsr() * problem.rescaled().end
    start, trace = problem.start(cells), float(matrix.diagonal().sum())
    return lambda: np.asarray(expm_multiply(matrix, start, traceA=trace))


def contour_nodes(count: int) -> tuple[Array, Array]:
    """Poles and weights of a rational exp(z), z <= 0, from Talbot's contour as tuned by Weideman (2006)."""
    angle = math.pi * np.arange(1, count, 2) / count
    pole = count * (0.5017 * angle / np.tan(0.6407 * angle) - 0.6122 + 0.2645j * angle)
    slope = 0.5017 / np.tan(0.6407 * angle) - 0.5017 * 0.6407 * angle / np.sin(0.6407 * angle) ** 2 + 0.2645j
    return pole, 2.0 * np.exp(pole) * slope


def contour(problem: Problem, cells: int, nodes: int, rates: Rates) -> Run:
    """The whole interval in one step: exp(tA) p as a sum of resolvents, one complex tridiagonal solve for two nodes."""
    lower, main, upper = (problem.rescaled().end * band for band in line_bands(problem, cells, rates))
    start, (poles, weights) = problem.start(cells), contour_nodes(nodes)

    def run() -> Array:
        total = np.zeros(cells)
        for pole, weight in zip(poles, weights, strict=True):
            total += (weight * zgtsv(-lower + 0j, pole - main, -upper + 0j, start + 0j, 1, 1, 1, 1)[3]).imag
        return total

    return run


#: no integrator of SciPy
EXPERT = "rational exponential by hand"
SCHEMES: dict[str, tuple[str, Rates]] = {
    "sg": ("Scharfetter-Gummel", scharfetter_gummel),
    "central": ("central", central),
    "root": ("exp(-dU/2T)", square_root),
}
_symmetric = functools.partial(factored, symmetric=True)
VARIANTS: dict[str, Variant] = {}
for _key, (_name, _rates) in SCHEMES.items():
    for _solver, _title in (("odeint", "odeint (LSODA)"), ("LSODA", "LSODA"), ("vode", "VODE BDF")):
        _build = functools.partial(adaptive, rates=_rates, solver=_solver)
        VARIANTS[f"{_solver}-{_key}"] = Variant(f"SciPy {_title} band, {_name}", _build, "rtol")
        _build = functools.partial(_build, rescale=True)
        VARIANTS[f"{_solver}-clock-{_key}"] = Variant(f"SciPy {_title} band, {_name}", _build, "rtol", note=RESCALED)
    for _kind, _title, _build, _setting, _more in (
        ("cn", "Crank-Nicolson", crank_nicolson, "steps", {}),
        ("factored", "Crank-Nicolson factored", factored, "steps", {"note": RESCALED}),
        ("symmetric", "Crank-Nicolson symmetric", _symmetric, "steps", {"note": RESCALED}),
        ("expm", "expm_multiply", exponential, "none", {"note": RESCALED}),
        ("contour", "contour exponential", contour, "nodes", {"note": RESCALED, "beyond": EXPERT}),
    ):
        _build = functools.partial(_build, rates=_rates)
        VARIANTS[f"{_kind}-{_key}"] = Variant(f"SciPy {_title}, {_name}", _build, _setting, **_more)
