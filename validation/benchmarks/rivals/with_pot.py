"""POT on atoms at the centres of the cells: the network simplex, and Sinkhorn's iteration on the whole matrix.

It has no distance for grids: its convolutional Sinkhorn code computes barycenters only. The matrix of costs is kept.
"""

from __future__ import annotations

import functools
import warnings

import ot

from validation.benchmarks.rivals.plane_measure import Array, Distance, Row, Run, points

PACKAGES = ("POT", "numpy")


def _costs(cells: int, order: int) -> Array:
    x = points(cells)
    return ot.dist(x, x, metric="euclidean" if order == 1 else "sqeuclidean")


def simplex(first: Array, second: Array, order: int) -> Run:
    costs, p, q = _costs(len(first), order), first.ravel(), second.ravel()

    def run() -> tuple[float, Row]:
        value, log = ot.emd2(p, q, costs, numItermax=10_000_000, log=True)
        return float(value) ** (1.0 / order), {"converged": log.get("warning") is None}

    return run


def sinkhorn(first: Array, second: Array, order: int, blur: float) -> Run:
    costs, p, q = _costs(len(first), order), first.ravel(), second.ravel()

    def run() -> tuple[float, Row]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options = {"method": "sinkhorn_log", "numItermax": 4000, "stopThr": 1e-4, "log": True}
            value, log = ot.sinkhorn2(p, q, costs, blur, **options)
        return float(value) ** (1.0 / order), {"converged": bool(log["err"][-1] <= 1e-4)}

    return run


DISTANCES = {
    "simplex": Distance("POT emd2", simplex),
    "sinkhorn": Distance("POT sinkhorn2, eps 1e-3", functools.partial(sinkhorn, blur=1e-3)),
}
