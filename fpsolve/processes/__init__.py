"""Forward processes: densities and mean velocities in time."""

from fpsolve.densities import Density
from fpsolve.processes.base import Process, Slices, State
from fpsolve.processes.diffusion import Diffusion
from fpsolve.processes.geodesic import Geodesic
from fpsolve.processes.recorded import Recorded
from fpsolve.schedules import OptimalTransport, Recording, Schedule
from fpsolve.settings import InputError

__all__ = ["Diffusion", "Geodesic", "Process", "Recorded", "Slices", "State", "forward_process"]


def forward_process(data: Density, schedule: Schedule | OptimalTransport | Recording) -> Process:
    """The process that a schedule, or the geodesic, makes of the data; or the one that was recorded."""
    if isinstance(schedule, Recording):
        return Recorded(schedule)
    if isinstance(schedule, OptimalTransport):
        if not isinstance(schedule.target, Density):
            raise InputError("[schedule.target]", "given a density in the plane; the data is on the line")
        return Geodesic(data, schedule.target, schedule.tau, schedule.temperature)
    return Diffusion(data, schedule)
