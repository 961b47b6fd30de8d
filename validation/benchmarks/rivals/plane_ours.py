"""Our own distances in the plane: the whole call with its error bar, from two arrays of cell masses."""

from __future__ import annotations

import functools

from fpsolve.grids import Grid
from fpsolve.transport.plane import beckmann, quadratic_transport
from validation.benchmarks.rivals.plane_measure import Array, Distance, Row, Run

PACKAGES = ("fpsolve", "numpy", "scipy", "numba")


def quadratic(first: Array, second: Array, order: int) -> Run:
    grid = Grid.plane((0.0, 0.0), (1.0, 1.0), first.shape)

    def run() -> tuple[float, Row]:
        found = quadratic_transport(grid, first, second)
        return found.distance.value, {"bar": found.distance.error}

    run()  # compiles
    return run


def flow(first: Array, second: Array, order: int, tolerance: float) -> Run:
    grid = Grid.plane((0.0, 0.0), (1.0, 1.0), first.shape)

    def run() -> tuple[float, Row]:
        found = beckmann(grid, first - second, tolerance=tolerance)
        return found.distance.value, {"bar": found.distance.error, "gap": found.primal / found.dual - 1.0}

    run()  # compiles
    return run


DISTANCES = {
    "w2": Distance("fpsolve", quadratic),
    "w1": Distance("fpsolve, tolerance 1e-3", functools.partial(flow, tolerance=1e-3)),
    "w1-fine": Distance("fpsolve, tolerance 1e-4", functools.partial(flow, tolerance=1e-4)),
}
