"""Gaussian densities and mixtures of them: closed under every noise schedule."""

from __future__ import annotations

import abc
import dataclasses
from typing import ClassVar

import numpy as np
from scipy.special import ndtri

from fpsolve.densities.base import TAIL, Density
from fpsolve.densities.panels import Panels, fit_panels
from fpsolve.kernels.mixture import mixture_flow, mixture_log_density, mixture_quantile, mixture_tails
from fpsolve.mesh import coarsely_marched
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, number, numbers

#: half the distance, in standard deviations, beyond which nothing is left where two components meet
_UNSEEN = 8.0


@dataclasses.dataclass(frozen=True)
class Components:
    """Weights, means and standard deviations of a mixture, as arrays for the kernels."""

    weight: Array
    mean: Array
    std: Array

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        """Density and both tail probabilities at points of any shape."""
        flat = np.ascontiguousarray(x, float).ravel()
        out = np.empty((3, flat.size))
        mixture_tails(flat, self.weight, self.mean, self.std, out[0], out[1], out[2])
        pdf, cdf, sf = (row.reshape(np.shape(x)) for row in out)
        return pdf, cdf, sf

    def flow(self, x: Array, drift: Array, rate: Array) -> tuple[Array, Array]:
        """Velocity and score at points where component k drifts at ``drift[k]`` and stretches at ``rate[k]``."""
        flat = np.ascontiguousarray(x, float).ravel()
        out = np.empty((2, flat.size))
        mixture_flow(flat, self.weight, self.mean, self.std, drift, rate, out[0], out[1])
        return out[0].reshape(np.shape(x)), out[1].reshape(np.shape(x))


class MixtureDensity(Density, abc.ABC):
    """A density that is a finite mixture of Gaussians."""

    @property
    @abc.abstractmethod
    def components(self) -> Components:
        """Weights, means and standard deviations."""

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        return self.components.tails(x)

    def logpdf(self, x: Array) -> Array:
        flat, out = np.ascontiguousarray(x, float).ravel(), np.empty(np.size(x))
        parts = self.components
        mixture_log_density(flat, parts.weight, parts.mean, parts.std, out)
        return out.reshape(np.shape(x))

    def quantile(self, cdf: Array, sf: Array | None = None) -> Array:
        cdf = np.asarray(cdf, float)
        sf = 1.0 - cdf if sf is None else np.asarray(sf, float)
        normal = np.where(cdf < sf, ndtri(cdf), -ndtri(sf))
        parts = self.components
        if parts.weight.size == 1:
            return parts.mean[0] + parts.std[0] * normal
        out = np.empty(normal.size)
        flat = (np.ascontiguousarray(cdf).ravel(), np.ascontiguousarray(sf).ravel(), normal.ravel())
        mixture_quantile(*flat, parts.weight, parts.mean, parts.std, out)
        return out.reshape(normal.shape)

    def features(self) -> tuple[Array, Array]:
        """The components, and where two distant neighbours hand over: the posterior changes faster there."""
        order = np.argsort(self.components.mean)
        mean, std = self.components.mean[order], self.components.std[order]
        apart, left, right = np.diff(mean), std[:-1], std[1:]
        seen = (apart > left + right) & (apart < _UNSEEN * (left + right))
        place = (mean[:-1] + apart * left / (left + right))[seen]
        width = (left * right)[seen] / apart[seen]
        return np.concatenate([mean, place]), np.concatenate([std, width])

    def panels(self) -> Panels:
        lower, upper = self.interval(TAIL)
        return fit_panels(self.pdf, coarsely_marched(np.array([lower, upper]), *self.features()))

    def moment(self, power: int) -> float:
        parts = self.components
        moments = [np.ones_like(parts.mean), parts.mean]
        for n in range(2, power + 1):
            moments.append(parts.mean * moments[-1] + (n - 1) * parts.std**2 * moments[-2])
        return float(np.sum(parts.weight * moments[power]))


@dataclasses.dataclass(frozen=True)
class Gaussian(MixtureDensity):
    """Normal density N(mean, std²).

    Parameters
    ----------
    mean : float
        Mean, unit of x.
    std : float
        Standard deviation, positive, unit of x.
    """

    kind: ClassVar[str] = "gaussian"
    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", number("mean", self.mean))
        object.__setattr__(self, "std", number("std", self.std, above=0.0))

    @classmethod
    def keys(cls) -> tuple[list[str], list[str]]:
        return ["mean", "std"], []

    @property
    def components(self) -> Components:
        return Components(np.ones(1), np.array([self.mean]), np.array([self.std]))


@dataclasses.dataclass(frozen=True)
class GaussianMixture(MixtureDensity):
    """Weighted sum of normal densities.

    Parameters
    ----------
    means, stds : sequence of float
        Means and (positive) standard deviations of the components, unit of x.
    weights : sequence of float, optional
        Non-negative weights that sum to one; equal if absent.

    Raises
    ------
    InputError
        Lengths differ, a width or weight is not positive, or the weights do not sum to one within 1e-9.
    """

    kind: ClassVar[str] = "gaussian-mixture"
    means: tuple[float, ...]
    stds: tuple[float, ...]
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        means, stds = numbers("means", self.means), numbers("stds", self.stds, above=0.0)
        if len(means) != len(stds):
            raise InputError("stds", f"given {len(stds)} for {len(means)} means; give one standard deviation each")
        weights = tuple([1.0 / len(means)] * len(means))
        if self.weights is not None:
            weights = numbers("weights", self.weights, least=0.0)
            if len(weights) != len(means):
                raise InputError("weights", f"given {len(weights)} for {len(means)} means; give one weight each")
            if abs(sum(weights) - 1.0) > 1e-9:
                raise InputError("weights", f"they sum to {sum(weights):.9g}; they must sum to 1 (divide by the sum)")
        for name, value in (("means", means), ("stds", stds), ("weights", weights)):
            object.__setattr__(self, name, value)
        kept = np.array(weights) > 0.0
        total = float(np.sum(weights))
        parts = Components(np.array(weights)[kept] / total, np.array(means)[kept], np.array(stds)[kept])
        object.__setattr__(self, "_components", parts)

    @property
    def components(self) -> Components:
        return self._components  # type: ignore[attr-defined]


@dataclasses.dataclass(frozen=True)
class EvolvedMixture(MixtureDensity):
    """A mixture in the middle of a process: components as arrays, nothing checked, no recipe of its own."""

    parts: Components

    @property
    def components(self) -> Components:
        return self.parts
