"""SciPy by hand in the plane: second-order finite volumes and the steppers that a competent user tries.

The fastest is Peaceman and Rachford's alternating directions: every step solves one tridiagonal system a row, then one
a column. They differ from row to row, so LAPACK's many right-hand sides do not help; elimination written in NumPy
handles one cell of all rows at a time. As on the line, (1 + dt/2 A) q is 2 q - (1 - dt/2 A) q, without a product.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg.lapack import dgttrf, dgttrs
from scipy.sparse import csr_array, diags_array, eye_array
from scipy.sparse.linalg import expm_multiply, splu

from validation.benchmarks.rivals.problems import Problem
from validation.benchmarks.rivals.stencils import Array, Rates, bands, points
from validation.benchmarks.rivals.variants import Variant
from validation.benchmarks.rivals.with_scipy_line import SCHEMES

PACKAGES = ("scipy",)
Run = Callable[[], Array]


class Lines(NamedTuple):
    """Diagonals of the operator along one axis, as (position along the line, line); ends are coupled to nothing."""

    lower: Array
    main: Array
    upper: Array

    def apply(self, p: Array) -> Array:
        out = self.main * p
        out[1:] += (self.lower * p)[:-1]
        out[:-1] += self.upper[:-1] * p[1:]
        return out


def lines(problem: Problem, cells: int, rates: Rates, axis: int) -> Lines:
    """Operator along x for each y (axis 0) or along y for each x (axis 1); drift -x - 2 y or -y + 2 x on the faces."""
    spin = problem.spin * (-1.0 if axis == 0 else 1.0)
    drift = -points(problem, cells) + spin * problem.centres(cells)[:, None]
    lower, main, upper = bands(drift, problem.width(cells), rates)
    ends = np.zeros((cells, 1))
    return Lines(*(np.ascontiguousarray(np.hstack(b).T) for b in ((lower, ends), (main,), (upper, ends))))


def matrix(problem: Problem, cells: int, rates: Rates) -> csr_array:
    """The whole operator on cells in the order of a ravelled (x, y) array."""
    x, y = (lines(problem, cells, rates, axis) for axis in (0, 1))
    along_x = [x.lower.ravel()[:-cells], x.main.ravel(), x.upper.ravel()[:-cells]]
    along_y = [y.lower.T.ravel()[:-1], y.main.T.ravel(), y.upper.T.ravel()[:-1]]
    one, other = (diags_array(a, offsets=[-k, 0, k]) for a, k in ((along_x, cells), (along_y, 1)))
    return csr_array(one + other)


class Elimination:
    """Thomas's algorithm for 1 - half * A on all lines at once, factored when made."""

    def __init__(self, operator: Lines, half: float) -> None:
        self.factor, self.inverse = np.zeros_like(operator.main), 1.0 - half * operator.main
        self.buffer = np.empty(operator.main.shape[1])
        upper = -half * operator.upper
        for i in range(self.inverse.shape[0]):
            if i:
                self.factor[i] = -half * operator.lower[i - 1] * self.inverse[i - 1]
                self.inverse[i] -= self.factor[i] * upper[i - 1]
            np.reciprocal(self.inverse[i], out=self.inverse[i])
        self.upper = upper * self.inverse

    def solve(self, p: Array) -> Array:
        """In place."""
        multiply, subtract, buffer = np.multiply, np.subtract, self.buffer
        before = p[0]
        for row, factor in zip(p[1:], self.factor[1:], strict=True):
            multiply(factor, before, out=buffer)
            before = subtract(row, buffer, out=row)
        p *= self.inverse
        for row, factor in zip(p[-2::-1], self.upper[-2::-1], strict=True):
            multiply(factor, before, out=buffer)
            before = subtract(row, buffer, out=row)
        return p


class LongBand:
    """The same by LAPACK: all lines one after another in a single tridiagonal matrix, factored when made."""

    def __init__(self, operator: Lines, half: float) -> None:
        lower, main, upper = (np.ascontiguousarray(band.T).ravel() for band in operator)
        self.factors = dgttrf(-half * lower[:-1], 1.0 - half * main, -half * upper[:-1])[:5]

    def solve(self, p: Array) -> Array:
        return np.ascontiguousarray(dgttrs(*self.factors, p.T.ravel())[0].reshape(p.shape).T)


def alternating(problem: Problem, cells: int, steps: int, rates: Rates, solver: type) -> Run:
    """Peaceman-Rachford; x is solved as (x, y), y as (y, x)."""
    x, y = (lines(problem, cells, rates, axis) for axis in (0, 1))
    start, half = problem.start(cells), 0.5 * problem.end / steps

    def run() -> Array:
        along_x, along_y = solver(x, half), solver(y, half)
        right = start.T + half * y.apply(start.T)
        for _ in range(steps):
            known = np.ascontiguousarray(right.T)
            middle = along_x.solve(known.copy())
            middle *= 2.0
            middle -= known
            known = np.ascontiguousarray(middle.T)
            p = along_y.solve(known.copy())
            np.multiply(p, 2.0, out=right)
            right -= known
        return p.T

    return run


def crank_nicolson(problem: Problem, cells: int, steps: int, rates: Rates) -> Run:
    """One sparse LU of the whole matrix."""
    operator, half = matrix(problem, cells, rates), 0.5 * problem.end / steps
    start = problem.start(cells).ravel()

    def run() -> Array:
        solve = splu((eye_array(start.size) - half * operator).tocsc()).solve
        p = start
        for _ in range(steps):
            p = 2.0 * solve(p) - p
        return p.reshape(cells, cells)

    return run


def exponential(problem: Problem, cells: int, setting: float, rates: Rates) -> Run:
    """SciPy's ``expm_multiply``."""
    operator, start = matrix(problem, cells, rates) * problem.end, problem.start(cells).ravel()
    trace = float(operator.diagonal().sum())
    return lambda: np.asarray(expm_multiply(operator, start, traceA=trace)).reshape(cells, cells)


def explicit(problem: Problem, cells: int, rtol: float, rates: Rates, method: str) -> Run:
    """SciPy's explicit Runge-Kutta with a sparse product."""
    operator, start = matrix(problem, cells, rates), problem.start(cells).ravel()
    # t_eval spares the memory of the steps between
    options = {"method": method, "rtol": rtol, "atol": 0.1 * rtol, "t_eval": [problem.end]}
    span = (0.0, problem.end)
    return lambda: solve_ivp(lambda t, p: operator @ p, span, start, **options).y[:, -1].reshape(cells, cells)


VARIANTS: dict[str, Variant] = {}
for _key, (_name, _rates) in SCHEMES.items():
    for _kind, _title, _build, _setting in (
        ("adi", "ADI NumPy rows", functools.partial(alternating, solver=Elimination), "steps"),
        ("adi-lapack", "ADI dgttrs", functools.partial(alternating, solver=LongBand), "steps"),
        ("splu", "Crank-Nicolson splu", crank_nicolson, "steps"),
        ("expm", "expm_multiply", exponential, "none"),
        ("rk23", "RK23", functools.partial(explicit, method="RK23"), "rtol"),
        ("rk45", "RK45", functools.partial(explicit, method="RK45"), "rtol"),
    ):
        _build = functools.partial(_build, rates=_rates)
        VARIANTS[f"{_kind}-{_key}"] = Variant(f"SciPy {_title}, {_name}", _build, _setting)
