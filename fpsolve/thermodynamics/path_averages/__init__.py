"""Averages over all paths, without drawing any: work, entropy production, fluctuation theorems."""

from fpsolve.thermodynamics.path_averages.entropy import entropy_statistics
from fpsolve.thermodynamics.path_averages.work import jarzynski_average, work_statistics

__all__ = ["entropy_statistics", "jarzynski_average", "work_statistics"]
