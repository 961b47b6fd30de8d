"""Solutions of Fokker-Planck equations as Datasets."""

from fpsolve.solution.plans import Plan
from fpsolve.solution.run import Store, solve
from fpsolve.solution.setups import Setup, is_solution, rebuilt_force, rebuilt_start, recipe_of
from fpsolve.solution.start import Equilibrium, Stationary
from fpsolve.solution.summary import diagnostics, quantities, relations

__all__ = [
    "Equilibrium",
    "Plan",
    "Setup",
    "Stationary",
    "Store",
    "diagnostics",
    "is_solution",
    "quantities",
    "rebuilt_force",
    "rebuilt_start",
    "recipe_of",
    "relations",
    "solve",
]
