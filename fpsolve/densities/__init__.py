"""Probability densities on the line and in the plane: exact cell averages; on the line, both tails and quantiles."""

from fpsolve.densities.base import Density
from fpsolve.densities.blurred import Blurred, blur
from fpsolve.densities.foreign import ScipyDensity
from fpsolve.densities.gaussian import Gaussian, GaussianMixture, MixtureDensity
from fpsolve.densities.panelled import FunctionDensity, PiecewisePolynomial, Tabulated, as_density
from fpsolve.densities.plane import (
    PlaneDensity,
    PlaneFunction,
    PlaneGaussian,
    PlaneMixture,
    PlanePanels,
    PlaneTabulated,
    PlaneUniform,
    SwissRoll,
    as_plane_density,
    from_image,
)
from fpsolve.densities.samples import from_samples
from fpsolve.densities.uniform import Uniform

__all__ = [
    "Blurred",
    "Density",
    "FunctionDensity",
    "Gaussian",
    "GaussianMixture",
    "MixtureDensity",
    "PiecewisePolynomial",
    "PlaneDensity",
    "PlaneFunction",
    "PlaneGaussian",
    "PlaneMixture",
    "PlanePanels",
    "PlaneTabulated",
    "PlaneUniform",
    "ScipyDensity",
    "SwissRoll",
    "Tabulated",
    "Uniform",
    "as_density",
    "as_plane_density",
    "blur",
    "from_image",
    "from_samples",
]
