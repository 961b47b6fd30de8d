"""The c-transform of the squared cost, one axis at a time: min over y of (x - y)^2 / 2 + f(y) at equal steps.

The minimum over a rectangle is the minimum over one axis of the minima over the other. Along a row the minimising y
grows with x; it is read off the lower convex hull of x^2 / 2 + f in linear time.
"""

from __future__ import annotations

import numpy as np

from fpsolve.kernels.compiled import compiled


@compiled
def transform_rows(f, step, sign, refined, out):
    """Write the minima over each row of ``sign * f`` (m, n), transposed, to ``out`` (n, m).

    With ``refined`` the minimum over the nodes is replaced by that of the parabola through the best node and its
    neighbours: the minimum over the line, up to the third difference of f.
    """
    m, n = f.shape
    row, height = np.empty(n), np.empty(n)
    hull, slope = np.empty(n, np.int64), np.empty(n)
    half = 0.5 * step * step
    middle = 0.5 * (n - 1)
    for i in range(m):
        for j in range(n):
            row[j] = sign * f[i, j]
        for j in range(n):  # heights in units of the step, so that abscissae are whole numbers
            height[j] = (j - middle) * (j - middle) * half + row[j]
        top = 0
        hull[0] = 0
        for j in range(1, n):
            rise = (height[j] - height[hull[top]]) / (j - hull[top])
            while top > 0 and rise <= slope[top]:
                top -= 1
                rise = (height[j] - height[hull[top]]) / (j - hull[top])
            top += 1
            hull[top] = j
            slope[top] = rise
        k = 0
        for x in range(n):
            steepness = (x - middle) * 2.0 * half
            while k < top and slope[k + 1] <= steepness:
                k += 1
            j = hull[k]
            d = j - x
            least = half * d * d + row[j]
            if refined and 0 < j < n - 1:
                before = half * (d - 1) * (d - 1) + row[j - 1]
                after = half * (d + 1) * (d + 1) + row[j + 1]
                curvature = (after - least) + (before - least)
                if curvature > 0.0:
                    tilt = min(abs(after - before), curvature)  # the vertex stays within half a step
                    least -= tilt * tilt / (8.0 * curvature)
            out[x, i] = least
