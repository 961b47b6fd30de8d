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

#: part of either mass that may lie off the grid of a geodesic, and difference of the two
MOST_CUT, UNEQUAL = 1e-2, 1e-9


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
        Data or a schedule that the plane does not take; a grid that does not hold both ends of a geodesic.
    """
    if isinstance(schedule, OptimalTransport):
        target = schedule.target
        if not isinstance(target, PlaneDensity) or grid is None:
            raise InputError("[schedule] target", "expected a density in the plane, and a grid that holds it")
        check_blurred("[schedule.target] blur", target)
        _check_held(data, target, grid)
        return PlaneGeodesic(data, target, schedule.tau, grid, schedule.temperature)
    if isinstance(schedule, Stirring):
        return Stirred(_flowing(data, schedule.schedule), schedule.stream, schedule.strength)
    return _flowing(data, schedule)


def _flowing(data: PlaneDensity, schedule: Schedule | LinearForceSchedule) -> FlowingProcess:
    if not isinstance(schedule, (Schedule, LinearForceSchedule)):
        raise InputError("[schedule]", f"given {type(schedule).__name__}; expected a schedule such as Cosine(tau=1.0)")
    check_blurred("[data] blur", data)
    if components(data, 1.0) is not None:
        return LinearProcess(data, schedule)
    try:
        return BoxProcess(data, schedule)
    except InputError as error:
        raise InputError({"data": "[data]", "h": "[schedule] h"}.get(error.key, error.key), error.message) from error


def check_blurred(key: str, density: PlaneDensity) -> None:
    """Refuse a curve: it gives cells their masses, but has no density."""
    if density.finest == 0.0:
        at = " at t = 0" if key.startswith("[data]") else ""
        raise InputError(key, f"given 0; a roll without blur has no density{at}; give blur = 0.02 or more")


def _check_held(data: PlaneDensity, target: PlaneDensity, grid: Grid) -> None:
    """Refuse a grid that cuts the ends of a geodesic: only equal masses can be carried into each other."""
    edges = [axis.edges for axis in grid.axes]
    cut = [1.0 - float(density.cell_masses(*edges).sum()) for density in (data, target)]
    if max(cut) > MOST_CUT or abs(cut[0] - cut[1]) > UNEQUAL:
        (a, b), (c, d) = ((float(edge[0]), float(edge[-1])) for edge in edges)
        raise InputError(
            "[grid] lower, upper",
            f"given [{a:g}, {c:g}] to [{b:g}, {d:g}], which cuts {max(cut[0], 0.0):.2%} of the data's mass and "
            f"{max(cut[1], 0.0):.2%} of the target's; a geodesic needs all of both on the grid (widen it, or leave "
            "lower and upper out)",
        )
