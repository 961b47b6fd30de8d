"""Fourth order by hand in SciPy, in the plane: nine-point sparse matrix and explicit products.

The mean of y P over an edge differs from y times the mean of P by (h^2/12) dP/dy. For a rotation the two such terms,
-d/dx (dP/dy) and d/dy (dP/dx), cancel, so fluxes along lines of cells are enough here; with shear they are not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array, dia_array
from scipy.sparse.linalg import expm_multiply

from validation.benchmarks.rivals.problems import Problem
from validation.benchmarks.rivals.stencils import Array, fourth_order_bands
from validation.benchmarks.rivals.variants import Variant
from validation.benchmarks.rivals.with_scipy_fourth import BEYOND

PACKAGES = ("scipy",)
Run = Callable[[], Array]


def matrix(problem: Problem, cells: int) -> csr_array:
    """The whole operator on cells in the order of a ravelled (x, y) array."""
    edges, turn = problem.edges(cells)[None, 1:-1], problem.spin * problem.centres(cells)[:, None]
    offsets, shape = np.arange(2, -3, -1), (cells**2, cells**2)
    along_x, along_y = (fourth_order_bands(drift, problem.width(cells)) for drift in (-edges - turn, -edges + turn))
    x = dia_array((along_x.transpose(0, 2, 1).reshape(5, -1), offsets * cells), shape=shape)
    y = dia_array((along_y.reshape(5, -1), offsets), shape=shape)
    return csr_array(x + y)


def exponential(problem: Problem, cells: int, setting: float) -> Run:
    """SciPy's ``expm_multiply``."""
    operator, start = matrix(problem, cells) * problem.end, problem.start(cells).ravel()
    trace = float(operator.diagonal().sum())
    return lambda: np.asarray(expm_multiply(operator, start, traceA=trace)).reshape(cells, cells)


def runge_kutta(problem: Problem, cells: int, steps: int) -> Run:
    """The classical method of order four, for a constant matrix: four nested products."""
    operator, start = matrix(problem, cells), problem.start(cells).ravel()
    dt = problem.end / steps

    def run() -> Array:
        p = start
        for _ in range(steps):
            q = p
            for k in (4, 3, 2, 1):
                q = operator @ q
                q *= dt / k
                q += p
            p = q
        return p.reshape(cells, cells)

    return run


def chebyshev(problem: Problem, cells: int, steps: int) -> Run:
    """Runge-Kutta-Chebyshev of second order (Sommeijer, Shampine and Verwer, 1998), with the stages it needs."""
    operator, start = matrix(problem, cells), problem.start(cells).ravel()
    dt = problem.end / steps
    radius = float(np.abs(operator).sum(axis=1).max())
    stages = max(2, int(np.ceil(np.sqrt(1.0 + 1.54 * dt * radius))))
    w0, w1, b, a = chebyshev_coefficients(stages)

    def run() -> Array:
        p = start
        for _ in range(steps):
            slope = dt * (operator @ p)
            before, now = p, p + b[1] * w1 * slope
            for j in range(2, stages + 1):
                mu, nu, step = 2.0 * b[j] * w0 / b[j - 1], -b[j] / b[j - 2], 2.0 * b[j] * w1 / b[j - 1]
                after = (1.0 - mu - nu) * p + mu * now + nu * before
                after += step * (dt * (operator @ now) - a[j - 1] * slope)
                before, now = now, after
            p = now
        return p.reshape(cells, cells)

    return run


def chebyshev_coefficients(stages: int, damping: float = 2.0 / 13.0) -> tuple[float, float, Array, Array]:
    """The numbers w0, w1, b_j and a_j = 1 - b_j T_j(w0) of the method."""
    w0 = 1.0 + damping / stages**2
    polynomials = [np.polynomial.Chebyshev.basis(j) for j in range(stages + 1)]
    value, first, second = (np.array([t.deriv(k)(w0) if k else t(w0) for t in polynomials]) for k in (0, 1, 2))
    w1 = first[-1] / second[-1]
    b = np.empty(stages + 1)
    b[2:] = second[2:] / first[2:] ** 2
    b[:2] = b[2]
    return w0, w1, b, 1.0 - b * value


VARIANTS = {
    "expm": Variant("SciPy expm_multiply", exponential, "none", beyond=BEYOND),
    "rk4": Variant("SciPy sparse RK4", runge_kutta, beyond=BEYOND),
    "chebyshev": Variant("SciPy sparse RKC", chebyshev, beyond=BEYOND),
}
