"""Spatial schemes: the current through the faces from the averages in the cells."""

from fpsolve.fluxes.base import Flux, LinearFlux, TwoPointFlux
from fpsolve.fluxes.central import Central
from fpsolve.fluxes.chang_cooper import ChangCooper
from fpsolve.fluxes.fourth_order import FourthOrder
from fpsolve.fluxes.scharfetter_gummel import ScharfetterGummel
from fpsolve.fluxes.upwind import Upwind
from fpsolve.fluxes.weno5 import WENO5

__all__ = [
    "WENO5",
    "Central",
    "ChangCooper",
    "Flux",
    "FourthOrder",
    "LinearFlux",
    "ScharfetterGummel",
    "TwoPointFlux",
    "Upwind",
]
