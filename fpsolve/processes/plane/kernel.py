"""What the processes of a linear force in the plane share: the Gaussian transition kernel (16), (17)."""

from __future__ import annotations

import dataclasses

import numpy as np

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.processes.plane.base import FlowingProcess
from fpsolve.quadrature import Array
from fpsolve.schedules import LinearForceSchedule, Schedule
from fpsolve.schedules.plane_kernel import PlaneKernel, isotropic_kernel


@dataclasses.dataclass(frozen=True, eq=False)
class KernelProcess(FlowingProcess):
    """x_t = Phi_t y + e with y from the data and e from N(0, Sigma_t).

    Parameters
    ----------
    data : PlaneDensity
        q, the law of y.
    schedule : Schedule or LinearForceSchedule
        What makes the kernel.
    """

    data: PlaneDensity
    schedule: Schedule | LinearForceSchedule

    @property
    def tau(self) -> float:  # type: ignore[override]
        return self.schedule.tau

    def kernel(self, t: float) -> PlaneKernel:
        """The transition kernel at a time."""
        if isinstance(self.schedule, LinearForceSchedule):
            return self.schedule.plane_kernel(t)
        return isotropic_kernel(self.schedule, t)

    def temperature(self, t: Array) -> Array:
        if isinstance(self.schedule, LinearForceSchedule):
            return self.schedule.temperature(t)
        return self.schedule.curve(np.asarray(t, float)).temperature

    def force_over_temperature(self, t: float, x: Array, y: Array) -> Array | None:
        matrix = self.kernel(t).force_over_temperature
        return None if matrix is None else matrix @ np.stack([x, y])

    def swirl(self, t: float, x: Array, y: Array) -> Array | None:
        if self.conservative:
            return None
        assert isinstance(self.schedule, LinearForceSchedule)
        return self.schedule.matrix(t)[1, 0] * np.stack([-y, x])

    @property
    def conservative(self) -> bool:
        return not isinstance(self.schedule, LinearForceSchedule) or self.schedule.g == 0.0
