"""Panel edges that follow the structure of a density."""

from __future__ import annotations

import numpy as np

from fpsolve.kernels.mixture import march
from fpsolve.quadrature import Array

#: panel width in units of a feature's width, and growth of the width with the distance from the feature
STEP, GROWTH = 0.75, 0.15
#: the same for a first mesh that is going to be halved where needed
COARSE_STEP, COARSE_GROWTH = 2.0, 0.3


def marched(hard: Array, centres: Array, scales: Array, step: float = STEP, growth: float = GROWTH) -> Array:
    """Edges that contain every ``hard`` one and are nowhere wider than the features allow.

    Parameters
    ----------
    hard : (k,) array
        Increasing points that must be edges: both ends, discontinuities, sign changes.
    centres, scales : (n,) arrays
        Where there is structure, and how wide it is.
    step, growth : float
        The panel at x is at most the least ``step * scale + growth * |x - centre|`` wide.

    Returns
    -------
    (m,) array
        Increasing edges.
    """
    out = np.empty(256 + hard.size)
    count = march(hard, centres, scales, step, growth, out)
    if count > out.size:
        out = np.empty(count)
        march(hard, centres, scales, step, growth, out)
    return out[:count]


def coarsely_marched(hard: Array, centres: Array, scales: Array) -> Array:
    """The same on a first mesh, whose panels are going to be halved where needed."""
    return marched(hard, centres, scales, COARSE_STEP, COARSE_GROWTH)
