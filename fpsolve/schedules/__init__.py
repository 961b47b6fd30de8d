"""Noise schedules: what the forward process does to signal and noise."""

from fpsolve.schedules.arrays import ArraySchedule
from fpsolve.schedules.base import Curve, Schedule
from fpsolve.schedules.conditional_transport import ConditionalOptimalTransport
from fpsolve.schedules.cosine import Cosine
from fpsolve.schedules.discrete import DiscreteDiffusion
from fpsolve.schedules.exports import to_alphas_cumprod, to_betas, to_flow_matching, to_sigmas
from fpsolve.schedules.flow_matching import FlowMatching
from fpsolve.schedules.linear_force import LinearForceSchedule
from fpsolve.schedules.optimal_transport import OptimalTransport
from fpsolve.schedules.recording import Recording
from fpsolve.schedules.rescaled import DDIMCoordinates
from fpsolve.schedules.stirring import Levels, Stirring, Stream, StreamFunction, Vortices
from fpsolve.schedules.variance_exploding import VarianceExploding
from fpsolve.schedules.variance_preserving import VariancePreserving

__all__ = [
    "ArraySchedule",
    "ConditionalOptimalTransport",
    "Cosine",
    "Curve",
    "DDIMCoordinates",
    "DiscreteDiffusion",
    "FlowMatching",
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
    "to_alphas_cumprod",
    "to_betas",
    "to_flow_matching",
    "to_sigmas",
]
