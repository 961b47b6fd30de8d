"""SciPy's general linear programme for W_1 between atoms at the centres of the cells, in any dimension."""

from __future__ import annotations

from scipy.stats import wasserstein_distance_nd

from validation.benchmarks.rivals.plane_measure import Array, Distance, Row, Run, points

PACKAGES = ("scipy", "numpy")


def programme(first: Array, second: Array, order: int) -> Run:
    if order != 1:
        raise ValueError(f"W_{order}: SciPy offers W_1 alone")
    x, p, q = points(len(first)), first.ravel(), second.ravel()

    def run() -> tuple[float, Row]:
        return float(wasserstein_distance_nd(x, x, p, q)), {}

    return run


DISTANCES = {"programme": Distance("scipy wasserstein_distance_nd", programme)}
