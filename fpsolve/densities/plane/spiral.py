"""The spiral (θ cos θ, θ sin θ): where it crosses a grid, and nodes along it for integrals of Gaussians."""

from __future__ import annotations

import math

import numpy as np

from fpsolve.quadrature import Array

#: phase of each coordinate: both are θ cos(θ - phase)
_PHASES = (0.0, 0.5 * math.pi)
#: distance of nodes along a straight line over the standard deviation: what aliases is exp(-2π²/0.8²) = 4e-14
_STEP = 0.8
#: where exp(-d²/2) is 1e-12 of its largest value: up to there sums of Gaussians are to be relatively accurate
_TAIL = 7.4
#: -log of the relative error of a map that is cut off at the ends, and nodes beyond the estimate
_DIGITS, _SPARE = -math.log(1e-13), 6
#: nodes of the largest single rule
_LONGEST = 1000


def spiral(theta: Array) -> tuple[Array, Array]:
    """Both coordinates, θ cos θ and θ sin θ."""
    return theta * np.cos(theta), theta * np.sin(theta)


def turning_points(axis: int, lower: float, upper: float) -> Array:
    """Increasing parameters between ``lower`` >= 0 and ``upper`` where a coordinate (0 for x, 1 for y) is extreme."""
    half_turns = np.arange(math.floor(lower / math.pi) - 2, math.ceil(upper / math.pi) + 2)
    start = _PHASES[axis] + math.pi * half_turns
    theta = np.asarray(start + 0.5, np.float64)
    for _ in range(12):  # the derivative vanishes where θ = phase + kπ + arccot θ
        theta = theta - (theta - start - np.arctan2(1.0, theta)) / (1.0 + 1.0 / (1.0 + theta**2))
    return theta[(theta > max(lower, 0.5)) & (theta < upper)]  # y is least at the centre, an end of the curve


def crossings(axis: int, levels: Array, lower: float, upper: float) -> Array:
    """Parameters between ``lower`` and ``upper`` at which a coordinate passes the increasing ``levels``."""
    cuts = np.concatenate([[lower], turning_points(axis, lower, upper), [upper]])
    ends = spiral(cuts)[axis]
    first = np.searchsorted(levels, np.minimum(ends[:-1], ends[1:]), side="right")
    count = np.maximum(np.searchsorted(levels, np.maximum(ends[:-1], ends[1:])) - first, 0)
    piece = np.repeat(np.arange(count.size), count)
    level = levels[first[piece] + np.arange(piece.size) - np.repeat(np.cumsum(count) - count, count)]
    low, high, rising = cuts[piece], cuts[piece + 1], (ends[1:] > ends[:-1])[piece]
    for _ in range(56):  # monotone on every piece: bisected down to neighbouring floats
        middle = 0.5 * (low + high)
        beyond = (middle * np.cos(middle - _PHASES[axis]) > level) == rising
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return 0.5 * (low + high)


def nodes_along(lower: float, upper: float, std: float) -> tuple[Array, Array]:
    """Nodes θ and weights dθ for Gaussians of a standard deviation of at least ``std`` around points of the spiral.

    The variable is close to the length of the curve, and a rule of nearly equal steps is taken in it. Seen from
    outside a bent curve Gaussians are narrower along it than ``std``: steps shrink with the distance at which they
    are still to be accurate over the radius of curvature, which is largest, and about θ, at the outer end.
    """
    step = _STEP * std / math.sqrt(1.0 + _TAIL * std / upper)
    # the length itself has a branch point at θ = i, too near where the nodes are wide apart
    core = 1.0 + 4.0 * step
    ends = _length(np.array([lower, upper]), core)
    panels = max(math.ceil(float(np.diff(ends)[0]) / step / _LONGEST), 1)
    edges = np.linspace(ends[0], ends[1], panels + 1)
    unit, share = equal_steps(float(edges[1] - edges[0]) / step)
    place = (edges[:-1, None] + np.diff(edges)[:, None] * unit).ravel()
    theta = np.clip(np.sqrt(2.0 * place), lower, upper)
    for _ in range(50):  # Newton on a convex function: from its right the steps never pass the root
        move = (_length(theta, core) - place) / np.sqrt(core + theta**2)
        theta = theta - move
        if np.max(np.abs(move)) <= 1e-15 * upper:
            break
    weights = (np.diff(edges)[:, None] * share).ravel() / np.sqrt(core + theta**2)
    return theta, weights * ((upper - lower) / np.sum(weights))


def _length(theta: Array, core: float) -> Array:
    """Integral of sqrt(core + θ²) from zero: the length of the spiral if core = 1."""
    return 0.5 * (theta * np.sqrt(core + theta**2) + core * np.arcsinh(theta / math.sqrt(core)))


def equal_steps(steps: float) -> tuple[Array, Array]:
    """Nodes and weights of a rule on [0, 1] whose steps are at most about 1 / ``steps``.

    Gauss nodes, crowded towards the ends, are spread by arcsin(α x) / arcsin(α) (Kosloff and Tal-Ezer, J. Comput.
    Phys. 104, 457 (1993)): as many as serve a periodic function, and about twenty more for the ends.
    """
    count = max(steps, 1.0)
    for _ in range(20):  # a contraction: the widest step is π α / (2 arcsin(α) count)
        alpha = 1.0 / math.cosh(_DIGITS / count)
        count = max(0.5 * math.pi * steps * alpha / math.asin(alpha), 1.0)
    size = math.ceil(count) + _SPARE
    alpha, rest = 1.0 / math.cosh(_DIGITS / size), math.tanh(_DIGITS / size)
    angle, weights = gauss_angles(size)
    x = np.cos(angle)
    root = np.sqrt(np.sin(angle) ** 2 + (rest * x) ** 2)  # sqrt(1 - α² x²) without cancellation
    whole = math.atan2(alpha, rest)
    return 0.5 * (1.0 - np.arctan2(alpha * x, root) / whole), 0.5 * weights * alpha / (whole * root)


def gauss_angles(size: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes on [-1, 1] as angles arccos(x), and the weights, to a few roundings for any size.

    Bonnet's recursion for the differences of neighbouring polynomials keeps the digits near x = 1, where eigenvalues
    of the Jacobi matrix, and numpy with them, lose three from 300 nodes on.
    """
    half = (size + 1) // 2
    angle = math.pi * (4.0 * np.arange(1, half + 1) - 1.0) / (4.0 * size + 2.0)
    angle += 1.0 / (8.0 * size**2 * np.tan(angle))
    for _ in range(4):
        below_one = 2.0 * np.sin(0.5 * angle) ** 2
        value, change = np.ones(half), np.zeros(half)
        for n in range(size):
            before = value
            change = (n * change - (2 * n + 1) * below_one * value) / (n + 1)
            value = value + change
        slope = size * (before - np.cos(angle) * value) / np.sin(angle)
        angle = angle + value / slope
    weights = 2.0 / slope**2
    odd = size % 2  # its middle node has no mirror image
    return np.append(angle, math.pi - angle[::-1][odd:]), np.append(weights, weights[::-1][odd:])
