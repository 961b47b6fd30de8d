"""Time integrators."""

from fpsolve.steppers.backward_euler import BackwardEuler
from fpsolve.steppers.base import EXACT, Advance, Clock, GridStepper, Stepper
from fpsolve.steppers.characteristics import Characteristics
from fpsolve.steppers.crank_nicolson import CrankNicolson
from fpsolve.steppers.diagonally_implicit import DiagonallyImplicit
from fpsolve.steppers.explicit_euler import ExplicitEuler
from fpsolve.steppers.gaussian_kernel import GaussianKernel
from fpsolve.steppers.legendre import RungeKuttaLegendre
from fpsolve.steppers.patankar import PatankarRungeKutta
from fpsolve.steppers.sdirk4 import SDIRK4
from fpsolve.steppers.ssp_rk3 import SSPRK3
from fpsolve.steppers.strang import StrangSplitting
from fpsolve.steppers.tr_bdf2 import TRBDF2

__all__ = [
    "EXACT",
    "SDIRK4",
    "SSPRK3",
    "TRBDF2",
    "Advance",
    "BackwardEuler",
    "Characteristics",
    "Clock",
    "CrankNicolson",
    "DiagonallyImplicit",
    "ExplicitEuler",
    "GaussianKernel",
    "GridStepper",
    "PatankarRungeKutta",
    "RungeKuttaLegendre",
    "Stepper",
    "StrangSplitting",
]
