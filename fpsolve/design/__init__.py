"""Protocols and schedules: how to drive a density where it should be, and what that costs at least."""

from fpsolve.design.components import IndependentComponents, principal_components
from fpsolve.design.curves import Journey, measure_schedule, retime
from fpsolve.design.geodesics import ScheduleCosts, schedule_costs
from fpsolve.design.kinds import schedule_metric
from fpsolve.design.metric import ScheduleMetric
from fpsolve.design.paths import Detour, Retimed
from fpsolve.design.protocols import (
    Protocol,
    compare_protocols,
    drive,
    minimum_dissipation_of,
    optimal_protocol,
)
from fpsolve.design.runs import Driven

__all__ = [
    "Detour",
    "Driven",
    "IndependentComponents",
    "Journey",
    "Protocol",
    "Retimed",
    "ScheduleCosts",
    "ScheduleMetric",
    "compare_protocols",
    "drive",
    "measure_schedule",
    "minimum_dissipation_of",
    "optimal_protocol",
    "principal_components",
    "retime",
    "schedule_costs",
    "schedule_metric",
]
