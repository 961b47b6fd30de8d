"""Noise schedules: what the forward process does to signal and noise."""

from fpsolve.schedules.arrays import ArraySchedule, DiscreteDiffusion
from fpsolve.schedules.base import Curve, Schedule
from fpsolve.schedules.conditional_transport import ConditionalOptimalTransport
from fpsolve.schedules.cosine import Cosine
from fpsolve.schedules.optimal_transport import OptimalTransport
from fpsolve.schedules.recording import Recording
from fpsolve.schedules.variance_exploding import VarianceExploding
from fpsolve.schedules.variance_preserving import VariancePreserving

__all__ = [
    "ArraySchedule",
    "ConditionalOptimalTransport",
    "Cosine",
    "Curve",
    "DiscreteDiffusion",
    "OptimalTransport",
    "Recording",
    "Schedule",
    "VarianceExploding",
    "VariancePreserving",
]
