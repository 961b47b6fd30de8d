"""The joint law of a point in the plane and the data point it came from: moments of the one given the other."""

from __future__ import annotations

import math

import numpy as np

from fpsolve.learning.joint import Moments
from fpsolve.processes.plane.base import FlowingProcess
from fpsolve.processes.plane.boxes import BoxProcess
from fpsolve.processes.plane.kernel import KernelProcess
from fpsolve.processes.plane.linear import LinearProcess
from fpsolve.processes.plane.mixture import components
from fpsolve.quadrature import Array
from fpsolve.schedules.plane_kernel import PlaneKernel
from fpsolve.settings import InputError

#: Gauss points on each part of a cell, and most of them along one axis
_GAUSS, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_MOST = 4000
#: points taken together, for the sake of memory
_TOGETHER = 4096


def joint_moments(process: FlowingProcess, t: float, x: Array, y: Array, target: str) -> Moments:
    """Density, and mean and variance of the target that knows the data point z, at points (x, y).

    With x = Phi z + e the target is Phi' z + (A Sigma + T) Sigma^-1 e (19), (21), or the score -Sigma^-1 e (18), (20):
    both are linear in z, so that the first two moments of z given x are all that a loss can see of it.

    Raises
    ------
    InputError
        A process without a kernel, a time without noise, or so little of it that the rule over cells has no end.
    """
    if not isinstance(process, KernelProcess):
        raise InputError("process", "conditional matching needs a noise schedule; use conditional=False")
    kernel = process.kernel(t)
    if np.linalg.det(kernel.covariance) <= 0.0:
        raise InputError("times", f"at t = {t:g} there is no noise; conditional targets need t > 0")
    precision = np.linalg.inv(kernel.covariance)
    onto = kernel.spreading @ precision if target == "velocity" else -precision
    matrix = (kernel.carry_rate if target == "velocity" else 0.0) - onto @ kernel.carry
    points = np.stack([x, y])
    density, mean, covariance = _posterior(process, t, kernel, points)
    variance = np.einsum("ia,ib,abn->n", matrix, matrix, covariance)
    return Moments(density, onto @ points + matrix @ mean, np.maximum(variance, 0.0))


def _posterior(process: KernelProcess, t: float, kernel: PlaneKernel, points: Array) -> tuple[Array, Array, Array]:
    """P_t, and mean (2, n) and covariance (2, 2, n) of the data point given x."""
    if isinstance(process, LinearProcess):
        return _of_gaussians(process, kernel, points)
    if isinstance(process, BoxProcess):
        count = points.shape[1]
        starts = range(0, count, _TOGETHER)
        parts = [_of_cells(process, t, kernel, points[:, k : k + _TOGETHER]) for k in starts]
        density, mean, covariance = (np.concatenate(rows, axis=-1) for rows in zip(*parts, strict=True))
        return density, mean, covariance
    raise InputError("process", f"no posterior of the data is known for {type(process).__name__}; conditional=False")


def _of_gaussians(process: LinearProcess, kernel: PlaneKernel, points: Array) -> tuple[Array, Array, Array]:
    """Sum over components: given x and its component, z is Gaussian."""
    noise, carried = (np.sqrt(np.linalg.norm(part, 2)) for part in (kernel.covariance, kernel.carry @ kernel.carry.T))
    parts = components(process.data, float(noise / max(carried, 1e-300)))
    assert parts is not None
    count = points.shape[1]
    density, first, second = np.zeros(count), np.zeros((2, count)), np.zeros((2, 2, count))
    for weight, centre, own in zip(parts.weights, parts.means, parts.covariances, strict=True):
        total = kernel.carry @ own @ kernel.carry.T + kernel.covariance
        gain = own @ kernel.carry.T @ np.linalg.inv(total)
        gap = points - (kernel.carry @ centre)[:, None]
        distance = np.einsum("in,in->n", gap, np.linalg.solve(total, gap))
        mass = weight * np.exp(-0.5 * distance) / (2.0 * math.pi * math.sqrt(float(np.linalg.det(total))))
        mean = centre[:, None] + gain @ gap
        density += mass
        first += mass * mean
        second += mass * (mean[:, None] * mean + (own - gain @ kernel.carry @ own)[:, :, None])
    return _normalised(density, first, second)


def _of_cells(process: BoxProcess, t: float, kernel: PlaneKernel, points: Array) -> tuple[Array, Array, Array]:
    """Sum over Gauss points of the cells, along both axes; the kernel is isotropic, and so a product."""
    scale = math.sqrt(max(float(np.linalg.det(kernel.carry)), 0.0))
    noise = math.sqrt(0.5 * float(np.trace(kernel.covariance)))
    turned = (kernel.carry / scale).T @ points if scale > 0.0 else points
    (a, da), (b, db) = (_rule(axis.edges, noise / max(scale, 1e-300), t) for axis in process.boxes.axes)
    held = process.data.pdf(a[:, None], b) * da[:, None] * db
    along, across = (
        np.exp(-0.5 * ((row[:, None] - scale * z) / noise) ** 2) / (math.sqrt(2.0 * math.pi) * noise)
        for row, z in zip(turned, (a, b), strict=True)
    )
    powers = [(along * a**k) @ held for k in range(3)]
    moment = [[np.einsum("nb,nb->n", powers[i], across * b**j) for j in range(3 - i)] for i in range(3)]
    second = np.array([[moment[2][0], moment[1][1]], [moment[1][1], moment[0][2]]])
    return _normalised(moment[0][0], np.array([moment[1][0], moment[0][1]]), second)


def _rule(edges: Array, widest: float, t: float) -> tuple[Array, Array]:
    """Gauss points and weights on parts of cells that are no wider than the kernel as the data see it."""
    counts = np.maximum(np.ceil(np.diff(edges) / widest), 1.0)
    if not np.sum(counts) * _GAUSS.size <= _MOST:
        raise InputError(
            "times", f"at t = {t:g} the kernel (width {widest:.2g} seen from the data) needs more than {_MOST} points "
            "along an axis; give a grid whose first time is later"
        )  # fmt: skip
    cuts = [np.linspace(a, b, int(n) + 1)[:-1] for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)]
    ends = np.append(np.concatenate(cuts), edges[-1])
    half = 0.5 * np.diff(ends)[:, None]
    return (0.5 * (ends[1:] + ends[:-1])[:, None] + half * _GAUSS).ravel(), (half * _WEIGHTS).ravel()


def _normalised(density: Array, first: Array, second: Array) -> tuple[Array, Array, Array]:
    """Mean and covariance from sums weighted by the density; zero where that is zero."""
    whole = np.where(density > 0.0, density, 1.0)
    mean = first / whole
    return density, mean, second / whole - mean[:, None] * mean
