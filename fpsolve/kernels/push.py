"""Masses of cells carried by a map that is known at the corners of the cells, and their pairing with functions."""

from __future__ import annotations

import numpy as np

from fpsolve.kernels.compiled import compiled

#: most parts, on average, that a cell is divided into
PARTS = 64.0


@compiled
def corner_map(potential, step_x, step_y, share, map_x, map_y):
    """Write x - share * grad(potential) at the corners (nx + 1, ny + 1), in cells counted from the lower corner.

    At the walls the normal derivative vanishes; no image leaves the rectangle.
    """
    n, m = potential.shape
    scale_x, scale_y = 0.5 * share / (step_x * step_x), 0.5 * share / (step_y * step_y)
    for i in range(n + 1):
        below, above = potential[max(i - 1, 0)], potential[min(i, n - 1)]
        for j in range(m + 1):
            left, right = max(j - 1, 0), min(j, m - 1)
            x = i - scale_x * (above[left] + above[right] - below[left] - below[right])
            y = j - scale_y * (below[right] + above[right] - below[left] - above[left])
            map_x[i, j], map_y[i, j] = min(max(x, 0.0), n), min(max(y, 0.0), m)


@compiled
def stretches(map_x, map_y, i, j):
    """How many cells a cell's image is long along either of the cell's sides."""
    ax, bx, cx, dx = map_x[i, j], map_x[i + 1, j], map_x[i, j + 1], map_x[i + 1, j + 1]
    ay, by, cy, dy = map_y[i, j], map_y[i + 1, j], map_y[i, j + 1], map_y[i + 1, j + 1]
    along = max(max(abs(bx - ax), abs(dx - cx)), max(abs(by - ay), abs(dy - cy)))
    across = max(max(abs(cx - ax), abs(dx - bx)), max(abs(cy - ay), abs(dy - by)))
    return along, across


@compiled
def thinning(map_x, map_y, mass, least):
    """The factor on all stretches that keeps the parts to PARTS a cell: only a useless map needs it."""
    n, m = mass.shape
    total = 0.0
    for i in range(n):
        for j in range(m):
            if abs(mass[i, j]) > least:
                along, across = stretches(map_x, map_y, i, j)
                total += max(along, 1.0) * max(across, 1.0)
    return min(1.0, np.sqrt(PARTS * n * m / max(total, 1.0)))


@compiled
def push(map_x, map_y, mass, out):
    """Add the masses, carried by the map, to ``out``: each cell in as many parts as it is stretched to cells.

    Every part is spread over the four nearest cells, as a cell of the grid would be that is centred at its image;
    parts that leave the rectangle end in the outermost cells.
    """
    n, m = mass.shape
    thin = thinning(map_x, map_y, mass, 0.0)
    for i in range(n):
        for j in range(m):
            w = mass[i, j]
            if w <= 0.0:
                continue
            ax, bx, cx, dx = map_x[i, j], map_x[i + 1, j], map_x[i, j + 1], map_x[i + 1, j + 1]
            ay, by, cy, dy = map_y[i, j], map_y[i + 1, j], map_y[i, j + 1], map_y[i + 1, j + 1]
            along, across = stretches(map_x, map_y, i, j)
            parts, strips = max(int(np.ceil(thin * along)), 1), max(int(np.ceil(thin * across)), 1)
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
def push_smooth(map_x, map_y, mass, least, out):
    """Add a smooth density, known by its values at the centres, carried by the map, to ``out``: again such values.

    Values are times the area of a cell. Each cell is sampled at as many points as it is stretched to cells, with the
    values of a parabola through the neighbours; every sample is interpolated to sixteen cells, some with negative
    weights. Cells of modulus up to ``least`` are left out.
    """
    n, m = mass.shape
    wx, wy = np.empty(4), np.empty(4)
    thin = thinning(map_x, map_y, mass, least)
    for i in range(n):
        below, above = mass[max(i - 1, 0)], mass[min(i + 1, n - 1)]
        for j in range(m):
            left, right = max(j - 1, 0), min(j + 1, m - 1)
            w = mass[i, j]
            if abs(w) <= least:
                continue
            bend_x, bend_y = below[j] - 2.0 * w + above[j], mass[i, left] - 2.0 * w + mass[i, right]
            tilt_x, tilt_y = 0.5 * (above[j] - below[j]), 0.5 * (mass[i, right] - mass[i, left])
            twist = 0.25 * (above[right] + below[left] - above[left] - below[right])
            ax, bx, cx, dx = map_x[i, j], map_x[i + 1, j], map_x[i, j + 1], map_x[i + 1, j + 1]
            ay, by, cy, dy = map_y[i, j], map_y[i + 1, j], map_y[i, j + 1], map_y[i + 1, j + 1]
            along, across = stretches(map_x, map_y, i, j)
            parts, strips = max(int(np.ceil(thin * along - 0.1)), 1), max(int(np.ceil(thin * across - 0.1)), 1)
            share = 1.0 / (parts * strips)
            # the samples add up to the value
            centre = w - ((1.0 - 1.0 / parts**2) * bend_x + (1.0 - 1.0 / strips**2) * bend_y) / 24.0
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
                            for r in range(4):
                                row[v - 1 + r] += f * wy[r]
                    else:
                        for k in range(4):
                            for r in range(4):
                                out[mirrored(u - 1 + k, n), mirrored(v - 1 + r, m)] += wx[k] * wy[r] * part


@compiled
def overlap(position, width, n):
    """Cell that an interval around the position (in cells) begins in, and its share in the next; width at most 1."""
    lower = min(max(position - 0.5 * width, 0.0), n - width)
    u = min(int(lower), n - 2)
    return u, min(max((lower + width - u - 1.0) / width, 0.0), 1.0)


@compiled
def push_moving(shift_x, shift_y, share, mass, out, flow_x, flow_y):
    """Add the masses, carried by ``share`` of a displacement, to ``out``, and mass times displacement to the flows.

    The displacement is known at the corners (nx + 1, ny + 1), in cells. Each cell goes in three times as many
    parts as it is stretched to cells, each a rectangle that bounds the part's image (no wider than a cell).
    """
    n, m = mass.shape
    for i in range(n):
        for j in range(m):
            w = mass[i, j]
            if w <= 0.0:
                continue
            ax, bx, cx, dx = shift_x[i, j], shift_x[i + 1, j], shift_x[i, j + 1], shift_x[i + 1, j + 1]
            ay, by, cy, dy = shift_y[i, j], shift_y[i + 1, j], shift_y[i, j + 1], shift_y[i + 1, j + 1]
            xx, yx = abs(1.0 + 0.5 * share * (bx - ax + dx - cx)), abs(0.5 * share * (by - ay + dy - cy))
            xy, yy = abs(0.5 * share * (cx - ax + dx - bx)), abs(1.0 + 0.5 * share * (cy - ay + dy - by))
            parts, strips = max(int(np.ceil(3.0 * max(xx, yx))), 1), max(int(np.ceil(3.0 * max(xy, yy))), 1)
            wide = min(max(xx / parts + xy / strips, 1e-6), 1.0)
            high = min(max(yx / parts + yy / strips, 1e-6), 1.0)
            part = w / (parts * strips)
            for p in range(parts):
                s = (p + 0.5) / parts
                lx, ly = ax + s * (bx - ax), ay + s * (by - ay)
                rx, ry = cx + s * (dx - cx), cy + s * (dy - cy)
                for q in range(strips):
                    t = (q + 0.5) / strips
                    step_x, step_y = lx + t * (rx - lx), ly + t * (ry - ly)
                    u, fx = overlap(i + s + share * step_x, wide, n)
                    v, fy = overlap(j + t + share * step_y, high, m)
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
def sloped(before, here, after, limited):
    """The slope of three means; limited, it is none at an extremum and never steeper than twice either side's."""
    a, b = here - before, after - here
    c = 0.5 * (a + b)
    if not limited:
        return c
    if a * b <= 0.0:
        return 0.0
    most = 2.0 * min(abs(a), abs(b))
    return c if abs(c) <= most else most if c > 0.0 else -most


@compiled
def paired(values, mass, limited):
    """The integral of a smooth function, known at the centres, against a density known by the masses of its cells.

    Inside a cell the function is a parabola and the density a line: of fourth order where both are smooth. Limited
    lines are free of the jumps of a density at cell edges.
    """
    n, m = mass.shape
    total = 0.0
    for i in range(n):
        here, below, above = values[i], values[max(i - 1, 0)], values[min(i + 1, n - 1)]
        row, lower, upper = mass[i], mass[max(i - 1, 0)], mass[min(i + 1, n - 1)]
        inner = 0 < i < n - 1
        line = 0.0
        for j in range(m):
            w = row[j]
            line += w * here[j]
            if inner:
                slope = sloped(lower[j], w, upper[j], limited)
                line += (w * (above[j] - 2.0 * here[j] + below[j]) + slope * (above[j] - below[j])) / 24.0
            if 0 < j < m - 1:
                slope = sloped(row[j - 1], w, row[j + 1], limited)
                line += (w * (here[j + 1] - 2.0 * here[j] + here[j - 1]) + slope * (here[j + 1] - here[j - 1])) / 24.0
        total += line
    return total
