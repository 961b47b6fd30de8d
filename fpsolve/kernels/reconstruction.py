"""Weights that give value and slope of a density at the faces from four cell averages, on any edges."""

from __future__ import annotations

import numpy as np

from fpsolve.kernels.compiled import compiled


@compiled
def four_cell_weights(edges, places, first, value, slope):
    """P(x) = sum value[k] p[first + k] and P'(x) likewise, at ``places``.

    The primitive of P is known at five edges; its interpolating quartic is differentiated once and twice.
    """
    node, one, two = np.empty(5), np.empty(5), np.empty(5)
    for i in range(places.size):
        for m in range(5):
            node[m] = edges[first[i] + m] - places[i]
        for m in range(5):
            scale, first_sum, second_sum = 1.0, 0.0, 0.0
            for j in range(5):
                if j != m:
                    scale *= node[m] - node[j]
            for a in range(5):
                if a == m:
                    continue
                rest = 1.0
                for j in range(5):
                    if j != m and j != a:
                        rest *= -node[j]
                first_sum += rest
                for b in range(5):
                    if b == m or b == a:
                        continue
                    rest = 1.0
                    for j in range(5):
                        if j != m and j != a and j != b:
                            rest *= -node[j]
                    second_sum += rest
            one[m], two[m] = first_sum / scale, second_sum / scale
        for k in range(4):
            width = edges[first[i] + k + 1] - edges[first[i] + k]
            value[k, i] = width * np.sum(one[k + 1 :])
            slope[k, i] = width * np.sum(two[k + 1 :])
