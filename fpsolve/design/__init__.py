"""Protocols and schedules: how to drive a density where it should be, and what that costs at least."""

from fpsolve.design.curves import Journey, measure_schedule, retime
from fpsolve.design.geodesics import ScheduleCosts, schedule_costs
from fpsolve.design.metric import ScheduleMetric, schedule_metric
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
    "retime",
    "schedule_costs",
    "schedule_metric",
]
