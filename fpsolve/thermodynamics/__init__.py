"""Stochastic thermodynamics of a process: dissipation, speeds, entropies, divergences."""

from fpsolve.thermodynamics.divergences import chi_squared
from fpsolve.thermodynamics.measurement import Measurement
from fpsolve.thermodynamics.rates import Series, entropy_rates, flow_rates, transport_speed, with_rounding

__all__ = ["Measurement", "Series", "chi_squared", "entropy_rates", "flow_rates", "transport_speed", "with_rounding"]
