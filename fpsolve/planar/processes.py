"""The process in the plane that a schedule makes of data."""

from __future__ import annotations

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.grids import Grid
from fpsolve.processes.plane.base import FlowingProcess, PlaneProcess
from fpsolve.processes.plane.boxes import BoxProcess
from fpsolve.processes.plane.geodesic import PlaneGeodesic
from fpsolve.processes.plane.linear import LinearProcess
from fpsolve.processes.plane.mixture import components
from fpsolve.processes.plane.stirred import Stirred
from fpsolve.schedules import LinearForceSchedule, OptimalTransport, Schedule, Stirring
from fpsolve.settings import InputError


def plane_process(
    data: PlaneDensity, schedule: Schedule | LinearForceSchedule | Stirring | OptimalTransport, grid: Grid | None = None
) -> PlaneProcess:
    """The forward process of a schedule, stirred or not, or the geodesic.

    Parameters
    ----------
    data : PlaneDensity
        q.
    schedule : Schedule, LinearForceSchedule, Stirring or OptimalTransport
    grid : Grid, optional
        Equal cells that hold data and target; needed for the geodesic.

    Raises
    ------
    InputError
        Data or a schedule that the plane does not take.
    """
    if isinstance(schedule, OptimalTransport):
        target = schedule.target
        if not isinstance(target, PlaneDensity) or grid is None:
            raise InputError("[schedule] target", "expected a density in the plane, and a grid that holds it")
        return PlaneGeodesic(data, target, schedule.tau, grid, schedule.temperature)
    if isinstance(schedule, Stirring):
        return Stirred(_flowing(data, schedule.schedule), schedule.stream, schedule.strength)
    return _flowing(data, schedule)


def _flowing(data: PlaneDensity, schedule: Schedule | LinearForceSchedule) -> FlowingProcess:
    if not isinstance(schedule, (Schedule, LinearForceSchedule)):
        raise InputError("[schedule]", f"given {type(schedule).__name__}; expected a schedule such as Cosine(tau=1.0)")
    if components(data, 1.0) is not None:
        return LinearProcess(data, schedule)
    return BoxProcess(data, schedule)
