"""Forward processes: densities and mean velocities in time."""

from fpsolve.densities import Density
from fpsolve.processes.base import Process, Slices, State
from fpsolve.processes.diffusion import Diffusion
from fpsolve.processes.geodesic import Geodesic
from fpsolve.schedules import OptimalTransport, Schedule

__all__ = ["Diffusion", "Geodesic", "Process", "Slices", "State", "forward_process"]


def forward_process(data: Density, schedule: Schedule | OptimalTransport) -> Process:
    """The process that a schedule, or the geodesic, makes of the data."""
    if isinstance(schedule, OptimalTransport):
        return Geodesic(data, schedule.target, schedule.tau, schedule.temperature)
    return Diffusion(data, schedule)
