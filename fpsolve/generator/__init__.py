"""The operator of a Fokker-Planck equation itself: stationary states, relaxation, first passage, correlations."""

from fpsolve.generator.base import Generator, operator
from fpsolve.generator.spectrum import Relaxation
from fpsolve.generator.stationary import stationary_masses

__all__ = ["Generator", "Relaxation", "operator", "stationary_masses"]
