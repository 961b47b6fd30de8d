"""Velocity, force and speeds on the line, from densities at some times."""

from __future__ import annotations

import numpy as np

from fpsolve.dynamics.snapshots import Snapshots
from fpsolve.quadrature import Array
from fpsolve.thermodynamics.inference_results import MANY, Inferred, bars_of
from fpsolve.transport.least_energy import POINTS, TAIL, LineFlow

#: density, relative to its maximum, below which its logarithm is not taken
_FAINT = 1e-13
#: times the noise above which it is
_CLEAR = 10.0
#: rounds that turn the logarithm of an average into that of the value at the centre; each gains two orders
_ROUNDS = 6
_EPSILON = 64.0 * float(np.finfo(float).eps)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)


def infer_line(held: Snapshots, temperature: float | None, mobility: float) -> Inferred:
    """Everything but the distances, on the line.

    Parameters
    ----------
    held : Snapshots
    temperature : float or None
        T; without it there is no force.
    mobility : float
    """
    flow = LineFlow(held.times, held.edges[0], held.masses, held.clipped)
    velocity = flow.velocity()
    found = Inferred(held.times, ignored=flow.ignored)
    found.fields["velocity"] = ("time", "x_face"), velocity
    if temperature is not None:
        force, potential = _force(flow, held.averages, velocity, temperature, mobility)
        found.fields |= {"force": (("time", "x_face"), force), "potential": (("time", "x"), potential)}
    rough = [{"stride": 4}, {"stride": 2}]
    if held.times.size < MANY:
        rough[0] = {"points": max(min(held.times.size, POINTS) - 1, 2)}
    rates = np.array([*(flow.speeds(flow.velocity(**choice)) for choice in rough), flow.speeds(velocity)])
    coarse = flow.coarser()
    merged = np.array(coarse.speeds(coarse.velocity()))
    ends = np.abs(flow.filled(velocity)[:, [0, -1]]).sum(axis=1)
    # and rounding of the images of the edges
    rounding = _EPSILON * float(np.max(np.abs(flow.edges))) / float(np.min(np.diff(held.times)))
    left_out = 4.0 * flow.ignored * ends + rounding
    found.series["v1"] = rates[-1, 0], bars_of(rates[:, 0], merged[0], left_out)
    found.take_square(rates[:, 1], merged[1], left_out * (ends + rounding))
    return found


def noisy_distances(held: Snapshots) -> list[tuple[float, float]] | None:
    """W1 and W2 of every interval, then of the whole, without the ends that noise hides; None if it hides nothing.

    They are lower bounds: the monotone map is the optimal one, and each part of the mass adds to its cost.
    """
    flow = LineFlow(held.times, held.edges[0], held.masses, held.clipped)
    if flow.ignored <= TAIL:
        return None
    last = held.times.size - 1
    return [*(flow.pair(k, k + 1) for k in range(last)), flow.pair(0, last)]


def _force(
    flow: LineFlow, averages: Array, velocity: Array, temperature: float, mobility: float
) -> tuple[Array, Array]:
    """F = nu / mobility + T d ln P / dx at the edges, and its potential at the centres."""
    forces, energies = np.full_like(velocity, np.nan), np.full_like(averages, np.nan)
    centres = 0.5 * (flow.edges[1:] + flow.edges[:-1])
    for k, row in enumerate(averages):
        floor = max(_FAINT * float(row.max()), _CLEAR * float(flow.noise[k, 0]))
        logs, slopes = log_density(flow.edges, row, floor)
        forces[k] = velocity[k] / mobility + temperature * slopes
        spline, low, high = flow.splined(velocity[k])
        inside = (centres >= low) & (centres <= high)
        energy = np.where(inside, -spline.antiderivative()(centres) / mobility - temperature * logs, np.nan)
        known = np.isfinite(energy)
        weight = flow.masses[k, known]
        if weight.sum() > 0.0:
            energies[k] = energy - float(energy[known] @ weight / weight.sum())
    return forces, energies


def log_density(edges: Array, averages: Array, floor: float) -> tuple[Array, Array]:
    """Logarithm of the density at the centres, and its slope at the edges, from cell averages.

    Parameters
    ----------
    edges : (n + 1,) array
    averages : (n,) array
    floor : float
        Cells below it are left out.

    Returns
    -------
    logs, slopes : (n,), (n + 1,) arrays
        nan where the density is below the floor, or in fewer than four cells in a row. A normal density comes out
        exactly.
    """
    from scipy.interpolate import CubicSpline

    logs, slopes = np.full(averages.size, np.nan), np.full(edges.size, np.nan)
    heavy = np.concatenate([[False], averages > floor, [False]])
    turns = np.flatnonzero(heavy[1:] != heavy[:-1])
    for begin, end in zip(turns[::2], turns[1::2], strict=True):
        if end - begin < 4:
            continue
        own = edges[begin : end + 1]
        centres, half = 0.5 * (own[1:] + own[:-1]), 0.5 * np.diff(own)
        nodes = centres[:, None] + half[:, None] * _NODES
        target = np.log(averages[begin:end])
        values = target.copy()
        for _ in range(_ROUNDS):
            rise = CubicSpline(centres, values)(nodes) - values[:, None]
            values = target - np.log(0.5 * (np.exp(np.clip(rise, -30.0, 30.0)) @ _WEIGHTS))
        logs[begin:end] = values
        slopes[begin + 1 : end] = CubicSpline(centres, values)(own[1:-1], 1)
    return logs, slopes
