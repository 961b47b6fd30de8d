"""The joint law of a point x_t and the data point y it came from, as a discrete measure over y at given x."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from fpsolve.densities import MixtureDensity
from fpsolve.processes import Diffusion
from fpsolve.quadrature import Array, panel_nodes
from fpsolve.settings import InputError

#: nodes of the Gauss-Hermite rule: exact for the square of the target, which is linear in y
_RULE = 3
#: most panels over the data; they are as narrow as the kernel seen from y, sigma / m
_MOST_PANELS = 2000


@dataclasses.dataclass(frozen=True)
class Joint:
    """Densities over x, and what is to be learned there.

    Parameters
    ----------
    weights : (n, k) array
        Density of x with each of k data points (k = 1: all of them together); rows add up to P_t(x).
    target : (n, k) array
        Velocity or score, given the data point or on average.
    """

    weights: Array
    target: Array


@dataclasses.dataclass(frozen=True)
class Moments:
    """A density over points, and the law there of what is to be learned.

    Parameters
    ----------
    density : (n,) array
        P_t, 1/L in each dimension.
    target : (d, n) array
        Mean given the point of each of d components: velocity or score.
    variance : (n,) array
        Trace of their covariance given the point; zero unless the target depends on the data point.
    """

    density: Array
    target: Array
    variance: Array


def averaged(joint: Joint) -> Moments:
    """Mean and variance of the target over the data points, zero where there is no probability."""
    density = np.sum(joint.weights, axis=1)
    share = joint.weights / np.where(density > 0.0, density, 1.0)[:, None]
    mean = np.sum(share * joint.target, axis=1)
    return Moments(density, mean[None], np.sum(share * (joint.target - mean[:, None]) ** 2, axis=1))


def joint_measure(process: Diffusion, t: float, x: Array, target: str) -> Joint:
    """P_t(x | y) q(y) with the target given y: m' y + sigma' e, or -e / sigma, where e = (x - m y) / sigma.

    For mixtures of Gaussians y given x and the component is Gaussian, and three Gauss-Hermite nodes integrate the
    target and its square exactly; other data are cut into panels no wider than the kernel.

    Raises
    ------
    InputError
        A time without noise, or so early that the panels would be too many.
    """
    signal, signal_rate, variance, half_rate = process.schedule.curve(np.array([t]))[0]
    if variance <= 0.0:
        raise InputError("times", f"at t = {t:g} there is no noise; conditional targets need t > 0")
    points = _of_mixture if isinstance(process.data, MixtureDensity) else _of_panels
    weights, y = points(process, signal, variance, x)
    noise = (x[:, None] - signal * y) / variance  # e / sigma
    return Joint(weights, signal_rate * y + half_rate * noise if target == "velocity" else -noise)


def _of_mixture(process: Diffusion, signal: float, variance: float, x: Array) -> tuple[Array, Array]:
    """Weights and data points (n, components x nodes)."""
    assert isinstance(process.data, MixtureDensity)
    parts = process.data.components
    total = (signal * parts.std) ** 2 + variance
    gap = x[:, None] - signal * parts.mean
    density = parts.weight * np.exp(-0.5 * gap**2 / total) / np.sqrt(2.0 * np.pi * total)
    centre = parts.mean + signal * parts.std**2 / total * gap
    width = parts.std * np.sqrt(variance / total)
    nodes, masses = np.polynomial.hermite_e.hermegauss(_RULE)
    masses = masses / math.sqrt(2.0 * math.pi)
    weights = density[:, :, None] * masses
    y = centre[:, :, None] + width[:, None] * nodes
    return weights.reshape(x.size, -1), y.reshape(x.size, -1)


def _of_panels(process: Diffusion, signal: float, variance: float, x: Array) -> tuple[Array, Array]:
    """Weights (n, nodes) and data points (1, nodes)."""
    edges = process.data.panels().edges
    widest = math.sqrt(variance) / max(signal, 1e-300)
    counts = np.maximum(np.ceil(np.diff(edges) / widest), 1.0)
    if np.sum(counts) > _MOST_PANELS:
        raise InputError(
            "times", f"the kernel (width {widest:.2g} seen from the data) needs {np.sum(counts):.0f} panels, more than "
            f"{_MOST_PANELS}; give a grid whose first time is later"
        )  # fmt: skip
    cuts = [np.linspace(a, b, int(n) + 1)[:-1] for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)]
    y, dy, _ = panel_nodes(np.append(np.concatenate(cuts), edges[-1]))
    kernel = np.exp(-0.5 * (x[:, None] - signal * y) ** 2 / variance) / math.sqrt(2.0 * math.pi * variance)
    return kernel * (dy * process.data.pdf(y)), y[None, :]
