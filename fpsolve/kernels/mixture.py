"""Sums over the components of a one-dimensional Gaussian mixture."""

from __future__ import annotations

import math

from fpsolve.kernels.compiled import compiled

ROOT_2 = math.sqrt(2.0)
ROOT_2PI = math.sqrt(2.0 * math.pi)
FAR, FASTER = 13.0, 2.0


@compiled
def mixture_tails(x, weight, mean, std, pdf, cdf, sf):
    """Density and both tail probabilities at the points ``x``."""
    for i in range(x.size):
        p = f = s = 0.0
        for k in range(weight.size):
            z = (x[i] - mean[k]) / std[k]
            small = 0.5 * weight[k] * math.erfc(abs(z) / ROOT_2)
            p += weight[k] * math.exp(-0.5 * z * z) / std[k]
            f += small if z < 0.0 else weight[k] - small
            s += small if z >= 0.0 else weight[k] - small
        pdf[i] = p / ROOT_2PI
        cdf[i] = f
        sf[i] = s


@compiled
def mixture_log_density(x, weight, mean, std, out):
    """Logarithm of the density, finite however far out."""
    for i in range(x.size):
        top = -math.inf
        for k in range(weight.size):
            z = (x[i] - mean[k]) / std[k]
            top = max(top, math.log(weight[k] / std[k]) - 0.5 * z * z)
        total = 0.0
        for k in range(weight.size):
            z = (x[i] - mean[k]) / std[k]
            total += math.exp(math.log(weight[k] / std[k]) - 0.5 * z * z - top)
        out[i] = top + math.log(total) - math.log(ROOT_2PI)


@compiled
def mixture_flow(x, weight, mean, std, drift, rate, velocity, score):
    """Mean velocity and score where component k moves rigidly at ``drift[k]`` and stretches at ``rate[k]``.

    Each component carries its points at ``drift + rate (x - mean)``; the mixture's velocity is the posterior mean.
    """
    for i in range(x.size):
        top = -math.inf
        for k in range(weight.size):
            z = (x[i] - mean[k]) / std[k]
            top = max(top, -0.5 * z * z)
        total = flow = slope = 0.0
        for k in range(weight.size):
            d = x[i] - mean[k]
            z = d / std[k]
            part = weight[k] / std[k] * math.exp(-0.5 * z * z - top)
            total += part
            flow += part * (drift[k] + rate[k] * d)
            slope -= part * z / std[k]
        velocity[i] = flow / total
        score[i] = slope / total


@compiled
def mixture_quantile(cdf, sf, normal, weight, mean, std, out):
    """Points whose tail probabilities are ``cdf`` and ``sf``; the smaller of the two decides.

    ``normal`` is the standard normal quantile of the same pair: it brackets the answer between the components'
    own quantiles. Newton's method on the logarithm of the smaller tail, bisection where it leaves the bracket.
    """
    for i in range(cdf.size):
        lower_tail = cdf[i] < sf[i]
        goal = cdf[i] if lower_tail else sf[i]
        if not goal > 0.0:
            out[i] = -math.inf if lower_tail else math.inf
            continue
        low, high = math.inf, -math.inf
        for k in range(weight.size):
            point = mean[k] + std[k] * normal[i]
            low, high = min(low, point), max(high, point)
        margin = 1e-13 * (abs(low) + abs(high) + high - low)
        low, high = low - margin, high + margin
        x = 0.5 * (low + high)
        for _ in range(200):
            tail = p = 0.0
            for k in range(weight.size):
                z = (x - mean[k]) / std[k]
                p += weight[k] * math.exp(-0.5 * z * z) / std[k]
                tail += 0.5 * weight[k] * math.erfc(-z / ROOT_2 if lower_tail else z / ROOT_2)
            p /= ROOT_2PI
            excess = tail - goal if lower_tail else goal - tail
            if excess > 0.0:
                high = x
            else:
                low = x
            move = tail * math.log(tail / goal) / p if tail > 0.0 and p > 0.0 else math.inf
            move = -move if lower_tail else move
            if not low <= x + move <= high:
                move = 0.5 * (low + high) - x
            x += move
            # a step back onto an end of the bracket has been evaluated before
            if abs(move) <= 4e-16 * (abs(x) + high - low) or excess == 0.0 or x == low or x == high:
                break
        out[i] = x


@compiled
def march(hard, centre, scale, step, growth, out):
    """Panel edges between the ``hard`` ones, as fine as the features ask; returns how many were written.

    The wanted width at x is the least ``step scale[k] + growth d``, d the distance from ``centre[k]``; beyond FAR
    scales, where only power laws are left, d counts FASTER times. ``out`` may be too short: the count is then still
    right, and nothing is written beyond its end. ``growth (1 + FASTER)`` must stay below one.
    """
    count = 0
    for j in range(hard.size):
        if count < out.size:
            out[count] = hard[j]
        count += 1
        if j == hard.size - 1:
            break
        x, end = hard[j], hard[j + 1]
        while True:
            width = math.inf
            for k in range(centre.size):
                d = abs(x - centre[k])
                width = min(width, step * scale[k] + growth * (d + FASTER * max(d - FAR * scale[k], 0.0)))
            if not x + 1.5 * width < end:
                break
            x = x + width if x + 2.0 * width < end else 0.5 * (x + end)
            if count < out.size:
                out[count] = x
            count += 1
    return count
