"""Measuring a forward process and a start, or a solution: every quantity with its bar, every rate in time."""

from fpsolve.measuring.line import Numerics, check_relations, measure
from fpsolve.measuring.plane import measure_plane
from fpsolve.measuring.plane_numerics import PlaneNumerics
from fpsolve.measuring.solutions import trade_offs

__all__ = ["Numerics", "PlaneNumerics", "check_relations", "measure", "measure_plane", "trade_offs"]
