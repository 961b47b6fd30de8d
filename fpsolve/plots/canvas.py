"""An empty figure to draw on."""

from __future__ import annotations

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fpsolve.plots.panels import STYLE


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, that no window and no global state knows of."""
    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
