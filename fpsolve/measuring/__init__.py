"""Measuring one forward process and one start: every quantity with its bar, every rate in time."""

from fpsolve.measuring.line import Numerics, check_relations, measure
from fpsolve.measuring.plane import measure_plane
from fpsolve.measuring.plane_numerics import PlaneNumerics

__all__ = ["Numerics", "PlaneNumerics", "check_relations", "measure", "measure_plane"]
