"""Solutions of Fokker-Planck equations as Datasets."""

from fpsolve.solution.run import Plan, Store, solve
from fpsolve.solution.start import Equilibrium, Stationary

__all__ = ["Equilibrium", "Plan", "Stationary", "Store", "solve"]
