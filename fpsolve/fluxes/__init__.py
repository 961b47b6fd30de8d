"""Spatial schemes: the current through the faces from the averages in the cells."""

from fpsolve.fluxes.base import Flux, TwoPointFlux
from fpsolve.fluxes.upwind import Upwind
from fpsolve.fluxes.weno5 import WENO5

__all__ = ["WENO5", "Flux", "TwoPointFlux", "Upwind"]
