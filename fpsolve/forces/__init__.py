"""Forces: what pulls, at points and along the links between cells."""

from fpsolve.forces.base import Force, Summed
from fpsolve.forces.linear import LinearForce
from fpsolve.forces.nonconservative import NonconservativeForce
from fpsolve.forces.potential import PotentialForce
from fpsolve.forces.wells import DoubleWell, HarmonicTrap, Quartic, TiltedRing

__all__ = [
    "DoubleWell",
    "Force",
    "HarmonicTrap",
    "LinearForce",
    "NonconservativeForce",
    "PotentialForce",
    "Quartic",
    "Summed",
    "TiltedRing",
]
