"""The estimated process on a grid: back from any start by the velocity of the forward process, step by step in time.

Three routes that know nothing of the composition in :mod:`fpsolve.reverse`: cell edges that follow the flow, and cell
averages that are advected over a fixed grid with little (WENO5) or much (upwind) dissipation.
"""

from fpsolve.backward.observables import observe, remap
from fpsolve.backward.reach import Method, Reach, Window, check_method, grid_for
from fpsolve.backward.runs import GridRun, run_on_grid

__all__ = ["GridRun", "Method", "Reach", "Window", "check_method", "grid_for", "observe", "remap", "run_on_grid"]
