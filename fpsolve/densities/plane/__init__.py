"""Probability densities in the plane: exact averages over the cells of a grid."""

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.densities.plane.function import PlaneFunction, as_plane_density
from fpsolve.densities.plane.gaussian import PlaneGaussian
from fpsolve.densities.plane.image import from_image
from fpsolve.densities.plane.mixture import PlaneMixture
from fpsolve.densities.plane.panels import PlanePanels
from fpsolve.densities.plane.swiss_roll import SwissRoll
from fpsolve.densities.plane.tabulated import PlaneTabulated
from fpsolve.densities.plane.uniform import PlaneUniform

__all__ = [
    "PlaneDensity",
    "PlaneFunction",
    "PlaneGaussian",
    "PlaneMixture",
    "PlanePanels",
    "PlaneTabulated",
    "PlaneUniform",
    "SwissRoll",
    "as_plane_density",
    "from_image",
]
