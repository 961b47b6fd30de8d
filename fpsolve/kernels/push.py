"""Masses of cells carried by a map that is known at the corners of the cells."""

from __future__ import annotations

import numpy as np

from fpsolve.kernels.compiled import compiled


@compiled
def corner_map(potential, step_x, step_y, share, map_x, map_y):
    """Write x - share * grad(potential) at the corners (nx + 1, ny + 1), in cells counted from the lower corner.

    At the walls the normal derivative vanishes.
    """
    n, m = potential.shape
    scale_x, scale_y = 0.5 * share / (step_x * step_x), 0.5 * share / (step_y * step_y)
    for i in range(n + 1):
        below, above = potential[max(i - 1, 0)], potential[min(i, n - 1)]
        for j in range(m + 1):
            left, right = max(j - 1, 0), min(j, m - 1)
            map_x[i, j] = i - scale_x * (above[left] + above[right] - below[left] - below[right])
            map_y[i, j] = j - scale_y * (below[right] + above[right] - below[left] - above[left])


@compiled
def push(map_x, map_y, mass, out):
    """Add the masses, carried by the map, to ``out``: each cell in as many parts as it is stretched to cells.

    Every part is spread over the four nearest cells, as a cell of the grid would be that is centred at its image;
    parts that leave the rectangle end in the outermost cells.
    """
    n, m = mass.shape
    for i in range(n):
        for j in range(m):
            w = mass[i, j]
            if w <= 0.0:
                continue
            ax, bx, cx, dx = map_x[i, j], map_x[i + 1, j], map_x[i, j + 1], map_x[i + 1, j + 1]
            ay, by, cy, dy = map_y[i, j], map_y[i + 1, j], map_y[i, j + 1], map_y[i + 1, j + 1]
            along = max(max(abs(bx - ax), abs(dx - cx)), max(abs(by - ay), abs(dy - cy)))
            across = max(max(abs(cx - ax), abs(dx - bx)), max(abs(cy - ay), abs(dy - by)))
            parts, strips = max(int(np.ceil(along)), 1), max(int(np.ceil(across)), 1)
            part = w / (parts * strips)
            for p in range(parts):
                s = (p + 0.5) / parts
                lx, ly = ax + s * (bx - ax), ay + s * (by - ay)
                rx, ry = cx + s * (dx - cx), cy + s * (dy - cy)
                for q in range(strips):
                    t = (q + 0.5) / strips
                    x = min(max(lx + t * (rx - lx) - 0.5, 0.0), n - 1.0)
                    y = min(max(ly + t * (ry - ly) - 0.5, 0.0), m - 1.0)
                    u, v = min(int(x), n - 2), min(int(y), m - 2)
                    fx, fy = x - u, y - v
                    out[u, v] += (1.0 - fx) * (1.0 - fy) * part
                    out[u + 1, v] += fx * (1.0 - fy) * part
                    out[u, v + 1] += (1.0 - fx) * fy * part
                    out[u + 1, v + 1] += fx * fy * part


@compiled
def cubic_weights(f, out):
    """Write the weights of the nodes -1, 0, 1, 2 for a point at f in [0, 1]: exact to second order."""
    g = 1.0 - f
    out[0] = -0.5 * f * g * g
    out[1] = g * (1.0 + f - 1.5 * f * f)
    out[2] = f * (1.0 + g - 1.5 * g * g)
    out[3] = -0.5 * g * f * f


@compiled
def mirrored(i, n):
    """The cell of n cells that a reflection at the walls sends cell i to."""
    return min(max(-1 - i, 0), n - 1) if i < 0 else max(2 * n - 1 - i, 0) if i >= n else i


@compiled
def push_smooth(map_x, map_y, mass, out):
    """Add the smooth density with these cell masses, carried by the map, to ``out``: its values at the centres.

    Each cell is sampled at as many points as it is stretched to cells, with the density's values there by a parabola
    through the neighbours' means; every sample is interpolated to sixteen cells, some with negative weights. The
    result is the density times the area of a cell; its own cell masses follow from the second differences.
    """
    n, m = mass.shape
    wx, wy = np.empty(4), np.empty(4)
    for i in range(n):
        below, above = mass[max(i - 1, 0)], mass[min(i + 1, n - 1)]
        for j in range(m):
            left, right = max(j - 1, 0), min(j + 1, m - 1)
            w = mass[i, j]
            if w <= 0.0 and below[j] <= 0.0 and above[j] <= 0.0 and mass[i, left] <= 0.0 and mass[i, right] <= 0.0:
                continue
            bend_x, bend_y = below[j] - 2.0 * w + above[j], mass[i, left] - 2.0 * w + mass[i, right]
            tilt_x, tilt_y = 0.5 * (above[j] - below[j]), 0.5 * (mass[i, right] - mass[i, left])
            twist = 0.25 * (above[right] + below[left] - above[left] - below[right])
            centre = w - (bend_x + bend_y) / 24.0
            ax, bx, cx, dx = map_x[i, j], map_x[i + 1, j], map_x[i, j + 1], map_x[i + 1, j + 1]
            ay, by, cy, dy = map_y[i, j], map_y[i + 1, j], map_y[i, j + 1], map_y[i + 1, j + 1]
            along = max(max(abs(bx - ax), abs(dx - cx)), max(abs(by - ay), abs(dy - cy)))
            across = max(max(abs(cx - ax), abs(dx - bx)), max(abs(cy - ay), abs(dy - by)))
            parts, strips = max(int(np.ceil(along - 0.1)), 1), max(int(np.ceil(across - 0.1)), 1)
            share = 1.0 / (parts * strips)
            for p in range(parts):
                s = (p + 0.5) / parts
                lx, ly = ax + s * (bx - ax), ay + s * (by - ay)
                rx, ry = cx + s * (dx - cx), cy + s * (dy - cy)
                a = s - 0.5
                for q in range(strips):
                    t = (q + 0.5) / strips
                    b = t - 0.5
                    part = centre + a * (tilt_x + 0.5 * a * bend_x) + b * (tilt_y + 0.5 * b * bend_y) + a * b * twist
                    part *= share
                    x = min(max(lx + t * (rx - lx) - 0.5, -0.5), n - 0.5)
                    y = min(max(ly + t * (ry - ly) - 0.5, -0.5), m - 0.5)
                    u, v = int(np.floor(x)), int(np.floor(y))
                    cubic_weights(x - u, wx)
                    cubic_weights(y - v, wy)
                    if 1 <= u < n - 2 and 1 <= v < m - 2:
                        for k in range(4):
                            row = out[u - 1 + k]
                            f = wx[k] * part
                            for l in range(4):
                                row[v - 1 + l] += f * wy[l]
                    else:
                        for k in range(4):
                            for l in range(4):
                                out[mirrored(u - 1 + k, n), mirrored(v - 1 + l, m)] += wx[k] * wy[l] * part


@compiled
def push_moving(shift_x, shift_y, share, mass, out, flow_x, flow_y):
    """Add the masses, carried by ``share`` of a displacement, to ``out``, and mass times displacement to the flows.

    The displacement is known at the corners (nx + 1, ny + 1), in cells; the masses are spread as by ``push``.
    """
    n, m = mass.shape
    for i in range(n):
        for j in range(m):
            w = mass[i, j]
            if w <= 0.0:
                continue
            ax, bx, cx, dx = shift_x[i, j], shift_x[i + 1, j], shift_x[i, j + 1], shift_x[i + 1, j + 1]
            ay, by, cy, dy = shift_y[i, j], shift_y[i + 1, j], shift_y[i, j + 1], shift_y[i + 1, j + 1]
            along = max(max(abs(1.0 + share * (bx - ax)), abs(1.0 + share * (dx - cx))), share * abs(by - ay))
            across = max(max(abs(1.0 + share * (cy - ay)), abs(1.0 + share * (dy - by))), share * abs(cx - ax))
            parts = max(int(np.ceil(max(along, share * abs(dy - cy)))), 1)
            strips = max(int(np.ceil(max(across, share * abs(dx - bx)))), 1)
            part = w / (parts * strips)
            for p in range(parts):
                s = (p + 0.5) / parts
                lx, ly = ax + s * (bx - ax), ay + s * (by - ay)
                rx, ry = cx + s * (dx - cx), cy + s * (dy - cy)
                for q in range(strips):
                    t = (q + 0.5) / strips
                    step_x, step_y = lx + t * (rx - lx), ly + t * (ry - ly)
                    x = min(max(i + s - 0.5 + share * step_x, 0.0), n - 1.0)
                    y = min(max(j + t - 0.5 + share * step_y, 0.0), m - 1.0)
                    u, v = min(int(x), n - 2), min(int(y), m - 2)
                    fx, fy = x - u, y - v
                    for a in range(2):
                        wx = part * (fx if a == 1 else 1.0 - fx)
                        for b in range(2):
                            moved = wx * (fy if b == 1 else 1.0 - fy)
                            out[u + a, v + b] += moved
                            flow_x[u + a, v + b] += moved * step_x
                            flow_y[u + a, v + b] += moved * step_y


@compiled
def spread_means(values, out):
    """Write values plus a twenty-fourth of their second differences (none across walls): means of cells to order 4."""
    n, m = values.shape
    for i in range(n):
        here, below, above = values[i], values[max(i - 1, 0)], values[min(i + 1, n - 1)]
        row = out[i]
        for j in range(m):
            row[j] = here[j] + (below[j] - 2.0 * here[j] + above[j]) / 24.0
        row[0] += (here[1] - here[0]) / 24.0
        for j in range(1, m - 1):
            row[j] += (here[j - 1] - 2.0 * here[j] + here[j + 1]) / 24.0
        row[m - 1] += (here[m - 2] - here[m - 1]) / 24.0


@compiled
def limited(before, here, after):
    """The slope of three means, never steeper than twice either side's; none at an extremum."""
    a, b = here - before, after - here
    if a * b <= 0.0:
        return 0.0
    c = 0.5 * (a + b)
    most = 2.0 * min(abs(a), abs(b))
    return c if abs(c) <= most else most if c > 0.0 else -most


@compiled
def paired(values, mass):
    """The integral of a smooth function, known at the centres, against a density known by the masses of its cells.

    Inside a cell the function is a parabola and the density a limited line: of fourth order where both are smooth,
    and free of the jumps of the density at cell edges.
    """
    n, m = mass.shape
    total = 0.0
    for i in range(n):
        here, below, above = values[i], values[max(i - 1, 0)], values[min(i + 1, n - 1)]
        row, lower, upper = mass[i], mass[max(i - 1, 0)], mass[min(i + 1, n - 1)]
        inner = 1.0 if 0 < i < n - 1 else 0.0
        line = 0.0
        for j in range(m):
            w = row[j]
            line += w * here[j]
            if inner > 0.0:
                slope = limited(lower[j], w, upper[j])
                line += (w * (above[j] - 2.0 * here[j] + below[j]) + slope * (above[j] - below[j])) / 24.0
            if 0 < j < m - 1:
                slope = limited(row[j - 1], w, row[j + 1])
                line += (w * (here[j + 1] - 2.0 * here[j] + here[j - 1]) + slope * (here[j + 1] - here[j - 1])) / 24.0
        total += line
    return total
