"""Functionals of paths without sampling: work, entropy production, the evidence bound of a diffusion model."""

from fpsolve.thermodynamics.path_averages.elbo import elbo
from fpsolve.thermodynamics.path_averages.entropy import entropy_statistics
from fpsolve.thermodynamics.path_averages.work import work_statistics

__all__ = ["elbo", "entropy_statistics", "work_statistics"]
