"""A problem on a grid: dm/dt = L(t) m for the masses of the cells."""

from fpsolve.discretisation.base import Discretisation, Operator, Reach
from fpsolve.discretisation.line import LineOperator, NonlinearLine
from fpsolve.discretisation.plane import JumpPlane
from fpsolve.discretisation.wide_plane import WidePlane

__all__ = ["Discretisation", "JumpPlane", "LineOperator", "NonlinearLine", "Operator", "Reach", "WidePlane"]
