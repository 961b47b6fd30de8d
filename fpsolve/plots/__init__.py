"""Figures of results: densities, bounds, rates and balances, ready to print. The home of matplotlib."""

from fpsolve.plots.figures import bounds_figure, densities_figure, plot, rates_figure
from fpsolve.plots.files import figure_of, save_figure
from fpsolve.plots.planes import map_figure, planes_figure, strength_figure
from fpsolve.plots.thermodynamics import is_ledger

__all__ = [
    "bounds_figure",
    "densities_figure",
    "figure_of",
    "is_ledger",
    "map_figure",
    "plot",
    "planes_figure",
    "rates_figure",
    "save_figure",
    "strength_figure",
]
