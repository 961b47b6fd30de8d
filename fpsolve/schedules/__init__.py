"""Noise schedules: what the forward process does to signal and noise."""

from fpsolve.schedules.arrays import ArraySchedule, DiscreteDiffusion
from fpsolve.schedules.base import Curve, Schedule
from fpsolve.schedules.conditional_transport import ConditionalOptimalTransport
from fpsolve.schedules.cosine import Cosine
from fpsolve.schedules.linear_force import LinearForceSchedule
from fpsolve.schedules.optimal_transport import OptimalTransport
from fpsolve.schedules.recording import Recording
from fpsolve.schedules.stirring import Levels, Stirring, Stream, StreamFunction, Vortices
from fpsolve.schedules.variance_exploding import VarianceExploding
from fpsolve.schedules.variance_preserving import VariancePreserving

__all__ = [
    "ArraySchedule",
    "ConditionalOptimalTransport",
    "Cosine",
    "Curve",
    "DiscreteDiffusion",
    "Levels",
    "LinearForceSchedule",
    "OptimalTransport",
    "Recording",
    "Schedule",
    "Stirring",
    "Stream",
    "StreamFunction",
    "VarianceExploding",
    "VariancePreserving",
    "Vortices",
]
