"""The evidence bound of a discrete-time diffusion model (51), by densities on grids."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fpsolve.densities import Density, as_density
from fpsolve.grids import Array
from fpsolve.schedules import DiscreteDiffusion
from fpsolve.settings import InputError, number
from fpsolve.thermodynamics.path_averages.tables import table

#: standard deviations of a Gaussian beyond which nothing counts, and of the last density that a grid holds
_FAR, _PRIOR = 9.0, 10.0
#: relative size of a density below which it adds nothing to a mean of logarithms
_FAINT = 1e-22
#: mass of the data beyond either end of a grid
_TAIL = 1e-18
#: the coarser companion, times the resolution; its difference is at most this part of the error of a first-order rule
_COARSER, _CAUTION = 0.8, 5.0
_MOST_POINTS = 200_000
_VARIANCES = ("beta", "posterior")
_LOG_2PI = math.log(2.0 * math.pi)


@dataclasses.dataclass(frozen=True, eq=False)
class _Grid:
    """Equidistant points."""

    lower: float
    step: float
    size: int

    @property
    def points(self) -> Array:
        return np.asarray(self.lower + self.step * np.arange(self.size), float)

    def around(self, places: Array, reach: float) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Indices (rows, width) of the points within ``reach`` of every place, and which of them exist."""
        half = math.ceil(reach / self.step) + 1
        nearest = np.rint((places - self.lower) / self.step).astype(np.intp)
        index = nearest[:, None] + np.arange(-half, half + 1)[None, :]
        there = (index >= 0) & (index < self.size)
        return np.where(there, index, 0), there


class _Chain:
    """The forward chain and the generative one, every density on a grid as fine as its neighbours ask for."""

    def __init__(self, data: Density, betas: Array, variances: Array, resolution: float) -> None:
        self.betas, self.variances, self.keep = betas, variances, np.sqrt(1.0 - betas)
        self.grids = _grids(data, betas, variances, resolution)
        first = self.grids[0]
        x = first.points
        if data.breaks().size:
            q = data.cell_averages(np.append(x - 0.5 * first.step, x[-1] + 0.5 * first.step))
        else:
            q = data.pdf(x)
        self.forward = [q / (first.step * float(np.sum(q)))]
        self.means: list[Array] = []
        self.spreads: list[float] = []
        for k in range(betas.size):
            self._diffuse(k)
        x = self.grids[-1].points
        self.generated = [np.exp(-0.5 * (x**2 + _LOG_2PI))]
        for k in range(betas.size - 1, -1, -1):
            self._generate(k)
        self.generated.reverse()

    def _band(self, k: int) -> tuple[NDArray[np.intp], NDArray[np.bool_], Array, Array]:
        """Of q(x_{k+1} | x_k): indices of x_k for every x_{k+1}, their distances from the source, log kernel."""
        keep, beta, later = self.keep[k], self.betas[k], self.grids[k + 1].points
        index, there = self.grids[k].around(later / keep, _FAR * math.sqrt(beta) / keep)
        distance = self.grids[k].points[index] - (later / keep)[:, None]
        return index, there, distance, -0.5 * (np.square(keep * distance) / beta + _LOG_2PI + math.log(beta))

    def _diffuse(self, k: int) -> None:
        """The next density, the posterior mean of the one before, and its mean posterior variance."""
        index, there, distance, logs = self._band(k)
        weights = self.grids[k].step * self.forward[k][index] * np.exp(logs) * there
        total, first = np.sum(weights, axis=1), np.sum(weights * distance, axis=1)
        known = total > 1e-280
        shift = np.divide(first, total, out=np.zeros_like(total), where=known)
        second = np.sum(weights * np.square(distance - shift[:, None]), axis=1)
        later = self.grids[k + 1].points
        # beyond the density the mean is of no account, and stays what it is at its rim
        self.means.append(np.interp(later, later[known], (later / self.keep[k] + shift)[known]))
        self.spreads.append(self.grids[k + 1].step * float(np.sum(second)))
        self.forward.append(total)

    def _generate(self, k: int) -> None:
        mean, variance, source = self.means[k], self.variances[k], self.generated[-1]
        index, there = self.grids[k].around(mean, _FAR * math.sqrt(variance))
        logs = -0.5 * (
            np.square(self.grids[k].points[index] - mean[:, None]) / variance + _LOG_2PI + math.log(variance)
        )
        weights = self.grids[k + 1].step * source[:, None] * np.exp(logs) * there
        self.generated.append(np.bincount(index.ravel(), weights.ravel(), minlength=self.grids[k].size))

    def bound(self) -> float:
        """K = E[ln p(x_N) + sum of ln p(x_k | x_{k+1}) - ln q(x_{k+1} | x_k)]."""
        last = self.grids[-1]
        total = -0.5 * (_LOG_2PI + last.step * float(np.sum(self.forward[-1] * last.points**2)))
        for beta, variance, spread in zip(self.betas, self.variances, self.spreads, strict=True):
            total += 0.5 * (math.log(beta / variance) + 1.0 - spread / variance)
        return total

    def likelihood(self) -> float:
        """L, the integral of q ln p."""
        q, p = self.forward[0], self.generated[0]
        heavy = q > _FAINT * np.max(q)
        if np.any(p[heavy] <= 0.0):
            return -math.inf
        return self.grids[0].step * float(np.sum(q[heavy] * np.log(p[heavy])))

    def gap(self) -> float:
        """Sum over the steps of E D(q(x_{k+1} | x_k) || p(x_{k+1} | x_k)): the divergence of the paths from x_0."""
        total = 0.0
        for k in range(self.betas.size):
            index, there, _, logs = self._band(k)
            before, after, variance = self.generated[k][index], self.generated[k + 1], self.variances[k]
            weights = self.grids[k].step * self.forward[k][index] * np.exp(logs) * self.grids[k + 1].step
            counted = there & (weights > 1e-280) & (before > 0.0) & (after > 0.0)[:, None]
            away = self.grids[k].points[index] - self.means[k][:, None]
            back = -0.5 * (np.square(away) / variance + _LOG_2PI + math.log(variance))
            with np.errstate(divide="ignore", invalid="ignore"):
                terms = logs - back + np.log(before) - np.log(after)[:, None]
            total += float(np.sum(weights[counted] * terms[counted]))
        return total


def elbo(data: Any, schedule: Any, *, variance: str = "beta", resolution: float = 1.7) -> xr.Dataset:
    """The evidence bound K <= L of a diffusion model in discrete time, and what lies between them (51).

    Forward, q(x_{k+1} | x_k) = N(sqrt(1 - beta) x_k, beta) from the data q(x_0). Generated, p(x_N) = N(0, 1) and
    p(x_k | x_{k+1}) = N(E_q[x_k | x_{k+1}], v): the exact posterior mean, what a perfectly trained network gives.
    L = integral of q ln p >= K = E_q[ln p(x_0 ... x_N) - ln q(x_1 ... x_N | x_0)], and L - K is the divergence
    D(q(x_1 ... x_N | x_0) || p(x_1 ... x_N | x_0)), averaged over x_0.

    Parameters
    ----------
    data : Density
        q on the line.
    schedule : DiscreteDiffusion or sequence of float
        A schedule in discrete time, or its alphas_cumprod, each in (0, 1] and not increasing. Steps that add no noise
        are left out.
    variance : str
        v of every step: ``"beta"``, or ``"posterior"``, beta (1 - alphas_cumprod before) / (1 - alphas_cumprod after);
        the first step, where that is zero, then takes the value of the second.
    resolution : float
        Points per standard deviation of the narrowest kernel beside every density.

    Returns
    -------
    xarray.Dataset
        ``evidence_bound`` (K), ``log_likelihood`` (L) and ``gap``, each with ``..._error``, nats; the gap is summed
        from the divergences of the steps, not as a difference.

    Raises
    ------
    InputError
        Data in the plane, a schedule that is none, kernels too narrow for a grid.
    """
    try:
        density = as_density(data)
    except InputError as error:
        raise InputError("data", error.message) from error
    betas = _betas(schedule)
    if variance not in _VARIANCES:
        raise InputError("variance", f"given {variance!r}; expected one of {', '.join(_VARIANCES)}")
    resolution = number("resolution", resolution, least=1.0)
    spreads = betas if variance == "beta" else _posterior(betas)
    found = []
    for part in (1.0, _COARSER):
        chain = _Chain(density, betas, spreads, part * resolution)
        found.append((chain.bound(), chain.likelihood(), chain.gap()))
    rounding = 1e-13 * betas.size
    numbers = {
        name: (fine, _CAUTION * abs(fine - coarse) + rounding * (1.0 + abs(fine)))
        for name, fine, coarse in zip(("evidence_bound", "log_likelihood", "gap"), *found, strict=True)
    }
    flags: dict[str, object] = {"steps": int(betas.size), "variance": variance}
    return table(dict(numbers), (), flags, "fpsolve evidence bound")


def _betas(schedule: Any) -> Array:
    """The betas of a schedule that are not zero."""
    if not isinstance(schedule, DiscreteDiffusion):
        given = schedule.tolist() if isinstance(schedule, np.ndarray) else schedule
        schedule = DiscreteDiffusion(alphas_cumprod=given)
    if schedule.betas is not None:
        betas = np.array(schedule.betas)
    else:
        products = np.array([1.0, *schedule.alphas_cumprod])
        betas = 1.0 - products[1:] / products[:-1]
    return betas[betas > 0.0]


def _posterior(betas: Array) -> Array:
    """Variances of q(x_k | x_{k+1}, x_0)."""
    noise = -np.expm1(np.concatenate([[0.0], np.cumsum(np.log1p(-betas))]))
    variances = betas * noise[:-1] / noise[1:]
    variances[0] = variances[1] if betas.size > 1 else betas[0]
    return variances


def _grids(data: Density, betas: Array, variances: Array, resolution: float) -> list[_Grid]:
    """A grid for every density of the chain."""
    low, high = data.interval(_TAIL)
    lower, upper = min(low, -_PRIOR), max(high, _PRIOR)
    if not math.isfinite(upper - lower):
        raise InputError("data", "its tails reach too far for a grid; cut them")
    narrow = float(np.min(np.asarray(data.features()[1])))
    outward, inward = np.sqrt(betas), np.sqrt(variances)
    grids = []
    for k in range(betas.size + 1):
        widths = [outward[k]] if k < betas.size else [1.0]
        widths += [inward[k - 1]] if k else [narrow]
        step = min(widths) / resolution
        size = math.ceil((upper - lower) / step) + 1
        if size > _MOST_POINTS:
            raise InputError(
                "betas", f"a kernel of standard deviation {min(widths):.2g} needs {size} points, {_MOST_POINTS} are "
                "allowed; take fewer steps, or smoother data"
            )  # fmt: skip
        grids.append(_Grid(lower, (upper - lower) / (size - 1), size))
    return grids
