"""Time integrators."""

from fpsolve.steppers.base import Clock, Stepper
from fpsolve.steppers.characteristics import Characteristics
from fpsolve.steppers.ssp_rk3 import SSPRK3

__all__ = ["SSPRK3", "Characteristics", "Clock", "Stepper"]
