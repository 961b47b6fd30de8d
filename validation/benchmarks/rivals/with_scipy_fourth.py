"""Fourth order by hand in SciPy, on the line: what its user writes who has read the textbook on finite volumes.

No package offers this, so these rows stand beside the peers and never enter a ratio.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.integrate import ode
from scipy.linalg.lapack import dgbtrf, dgbtrs, zgbsv

from validation.benchmarks.rivals.problems import Problem
from validation.benchmarks.rivals.stencils import Array, fourth_order_bands
from validation.benchmarks.rivals.variants import RESCALED, Variant
from validation.benchmarks.rivals.with_scipy_line import EXPERT, contour_nodes

PACKAGES = ("scipy",)
BEYOND = "fourth order by hand"
Run = Callable[[], Array]

#: the L-stable SDIRK method of order four of Hairer and Wanner (IV.6): rows of the tableau; the last are the weights
DIAGONAL = 0.25
STAGES = (
    (),
    (1 / 2,),
    (17 / 50, -1 / 25),
    (371 / 1360, -137 / 2720, 15 / 544),
    (25 / 24, -49 / 48, 125 / 16, -85 / 12),
)


def line(problem: Problem, cells: int) -> Array:
    return fourth_order_bands(-problem.edges(cells)[1:-1], problem.width(cells))


def adaptive(problem: Problem, cells: int, rtol: float) -> Run:
    """VODE with two diagonals on either side."""
    rows, start, end = line(problem, cells), problem.start(cells), problem.end

    def derivative(t: float, p: Array) -> Array:
        out = rows[2] * p
        out[:-1] += rows[1, 1:] * p[1:]
        out[:-2] += rows[0, 2:] * p[2:]
        out[1:] += rows[3, :-1] * p[:-1]
        out[2:] += rows[4, :-2] * p[:-2]
        return out if problem.steady else problem.rate(t) * out

    options = {"method": "bdf", "with_jacobian": True, "lband": 2, "uband": 2, "nsteps": 100000}

    def run() -> Array:
        solver = ode(derivative, lambda t, p: rows if problem.steady else problem.rate(t) * rows)
        solver.set_integrator("vode", rtol=rtol, atol=0.1 * rtol, **options).set_initial_value(start, 0.0)
        return np.asarray(solver.integrate(end))

    return run


def diagonally_implicit(problem: Problem, cells: int, steps: int) -> Run:
    """SDIRK4 with one banded factorisation."""
    problem = problem.rescaled()
    start, dt = problem.start(cells), problem.end / steps
    matrix = np.zeros((7, cells))
    matrix[2:] = -DIAGONAL * dt * line(problem, cells)
    matrix[4] += 1.0
    # in terms of q = Y - (what is known), each stage's slope times dt is q / DIAGONAL
    weights = [np.array(row) / DIAGONAL for row in STAGES]

    def run() -> Array:
        factors, pivots, _ = dgbtrf(matrix, 2, 2)
        slopes, p = np.empty((len(STAGES), cells)), start
        for _ in range(steps):
            for k, row in enumerate(weights):
                known = p + row @ slopes[:k] if k else p
                stage = dgbtrs(factors, 2, 2, known, pivots)[0]
                np.subtract(stage, known, out=slopes[k])
            p = stage
        return p

    return run


def contour(problem: Problem, cells: int, nodes: int) -> Run:
    """The whole interval in one step, as in ``with_scipy_line``."""
    start, (poles, weights) = problem.start(cells), contour_nodes(nodes)
    matrix = np.zeros((7, cells), dtype=complex)
    matrix[2:] = -problem.rescaled().end * line(problem, cells)

    def run() -> Array:
        total = np.zeros(cells)
        for pole, weight in zip(poles, weights, strict=True):
            shifted = matrix.copy()
            shifted[4] += pole
            total += (weight * zgbsv(2, 2, shifted, start, overwrite_ab=True)[2]).imag
        return total

    return run


VARIANTS = {
    "vode": Variant("SciPy VODE BDF band", adaptive, "rtol", beyond=BEYOND),
    "sdirk4": Variant("SciPy SDIRK4 factored", diagonally_implicit, beyond=BEYOND, note=RESCALED),
    "contour": Variant("SciPy contour exponential", contour, "nodes", beyond=f"{BEYOND}, {EXPERT}", note=RESCALED),
}
