"""The forward process of a linear force in the plane: every Gaussian of the data stays one (16), (17)."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from fpsolve.densities import PlaneDensity, SwissRoll
from fpsolve.kernels.plane_mixture import plane_mixture_flow
from fpsolve.processes.plane.base import Flow
from fpsolve.processes.plane.kernel import KernelProcess
from fpsolve.processes.plane.mixture import Superposition, components
from fpsolve.quadrature import Array
from fpsolve.schedules.plane_kernel import PlaneKernel

#: noise beyond which a curve is a point, in units of its extent
_FAR = 30.0
#: components up to which the paths are followed more accurately, and how much so
_FEW, _TIGHTER = 16, 1e-2


@dataclasses.dataclass(frozen=True, eq=False)
class LinearProcess(KernelProcess):
    """A process whose data are Gaussians, or a curve of them.

    With a = Phi y_k and C_k = Phi S_k Phi^T + Sigma, component k moves its points at
    Phi' y_k + (Phi' S_k Phi^T + A Sigma + T) C_k^-1 (x - a): a closed form that stays finite where force and
    temperature diverge.

    Parameters
    ----------
    data : PlaneDensity
        q: a Gaussian, a mixture of them, or a curve of them.
    schedule : Schedule or LinearForceSchedule
        What makes the kernel.
    """

    @functools.lru_cache(maxsize=64)  # noqa: B019  # a process lives as long as its experiment
    def _parts(self, t: float) -> tuple[Superposition, Superposition, PlaneKernel]:
        """The components of the data that time t needs, what has become of them, and the kernel."""
        kernel = self.kernel(t)
        extent = float(np.sqrt(np.trace(self.data.covariance)))
        shrunk = np.linalg.svd(kernel.carry, compute_uv=False)[0]
        noise = np.sqrt(np.linalg.eigvalsh(kernel.covariance)[0])
        own = self._own(min(noise / shrunk, _FAR * extent) if shrunk > 0.0 else _FAR * extent)
        moved = kernel.carry @ own.covariances @ kernel.carry.T + kernel.covariance
        return own, Superposition(own.weights, own.means @ kernel.carry.T, 0.5 * (moved + moved.mT)), kernel

    def _own(self, std: float) -> Superposition:
        """The components of the data for noise of a width, which is rounded down so that they need not be made anew."""
        return self._made(2.0 ** (math.floor(4.0 * math.log2(std)) / 4.0) if std > 0.0 else 0.0)

    @functools.lru_cache(maxsize=64)  # noqa: B019  # as above
    def _made(self, std: float) -> Superposition:
        own = components(self.data, std)
        assert own is not None
        return own

    def density(self, t: float) -> PlaneDensity:
        return self.data if t == 0.0 else self._parts(t)[1]

    def flow(self, t: float, x: Array, y: Array) -> Flow:
        own, moved, kernel = self._parts(t)
        x, y = np.ascontiguousarray(x, float), np.ascontiguousarray(y, float)
        if own.alike:
            return self._flow_of_alike(t, x, y)
        drift = kernel.carry_rate @ own.means.T
        rate = (kernel.carry_rate @ own.covariances @ kernel.carry.T + kernel.spreading) @ np.linalg.inv(
            moved.covariances
        )
        rows = np.ascontiguousarray(rate.reshape(-1, 4).T)
        log_density, velocity, score = np.empty(x.size), np.empty((2, x.size)), np.empty((2, x.size))
        mixture = moved.height, moved.place, moved.precision
        plane_mixture_flow(x, y, *mixture, np.ascontiguousarray(drift), rows, log_density, velocity, score)
        return Flow(log_density, velocity, score)

    def _flow_of_alike(self, t: float, x: Array, y: Array) -> Flow:
        """Of components of one covariance it is enough to know the mean of y_k given the point (Tweedie's formula)."""
        own, moved, kernel = self._parts(t)
        log_density, origin = moved.posterior_mean(x, y, own.place)
        precision = np.linalg.inv(moved.covariances[0])
        rate = (kernel.carry_rate @ own.covariances[0] @ kernel.carry.T + kernel.spreading) @ precision
        apart = np.stack([x, y]) - kernel.carry @ origin
        return Flow(log_density, kernel.carry_rate @ origin + rate @ apart, -precision @ apart)

    @property
    def accuracy(self) -> float:
        """A few components are so cheap to follow that more is asked of their paths."""
        few = self._own(0.0).weights.size <= _FEW if not isinstance(self.data, SwissRoll) else False
        return super().accuracy * (_TIGHTER if few else 1.0)

    def resolved(self, t: float) -> Superposition:
        return self._parts(t)[1]
