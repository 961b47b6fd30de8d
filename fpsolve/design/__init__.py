"""Protocols: how to drive a density where it should be, and what that costs at least."""

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
    "Protocol",
    "Retimed",
    "compare_protocols",
    "drive",
    "minimum_dissipation_of",
    "optimal_protocol",
]
