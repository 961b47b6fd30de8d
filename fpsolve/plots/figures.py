"""Whole figures, made of panels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import xarray as xr
from matplotlib import rc_context
from matplotlib.figure import Figure, SubFigure

from fpsolve.design.geodesics import ScheduleCosts
from fpsolve.plots.canvas import new_figure
from fpsolve.plots.drawing import drawing_of, plane_drawing
from fpsolve.plots.learning import draw_incomplete
from fpsolve.plots.panels import STYLE, draw_bars, draw_densities, draw_rates
from fpsolve.plots.planes import plane_figure
from fpsolve.plots.schedules import draw_schedules
from fpsolve.plots.solutions import draw_solution, figure_size
from fpsolve.plots.thermodynamics import (
    draw_balances,
    draw_comparison,
    draw_trade_offs,
    is_comparison,
    is_ledger,
)
from fpsolve.results import Incomplete, SpeedAccuracy, TradeOffs
from fpsolve.settings import InputError
from fpsolve.solution import is_solution

Result = SpeedAccuracy | xr.Dataset
#: what a schedule costs, or several of them by their names
Costs = ScheduleCosts | Mapping[str, ScheduleCosts]


def plot(result: Result | TradeOffs | Incomplete | Costs, figure: Any = None) -> Figure | SubFigure:
    """Draw a result: both densities at four times, the bars η ≤ c₁ ≤ c₂, and the rates in time.

    In the plane the densities are images, and the forward ones carry arrows of the velocity.

    Parameters
    ----------
    result : SpeedAccuracy, TradeOffs, Incomplete, ScheduleCosts or xarray.Dataset
        A result, or the Dataset of one; of a forward process alone only the densities are drawn, of a solution its
        densities at a few times with moments and mass, of a ledger the balances of energy and entropy, beside them
        the staircase of speed limits for what ``trade_offs`` returned, of a comparison of protocols their entropy
        production. Of what ``schedule_costs`` returned, or of a mapping from names to several of them for the same
        data: the curves in the half-plane (m, sigma) on the metric of the data, the speeds, and the costs. Of a learned
        velocity: the rate of its error below the bound, D in time, and the bounds of the whole.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure if absent.

    Returns
    -------
    Figure
        Not connected to any window: ``figure.savefig(path)`` writes it, a notebook shows it.

    Raises
    ------
    InputError
        Something that holds no density in time; trade-offs of a solution that has no ledger.
    """
    if isinstance(result, (ScheduleCosts, Mapping)) and not isinstance(result, xr.Dataset):
        costs = {result.schedule.kind: result} if isinstance(result, ScheduleCosts) else _costs(result)
        return _drawn(figure, (9.6, 3.4), lambda canvas: draw_schedules(canvas, costs))
    if isinstance(result, Incomplete):
        return _drawn(figure, (9.6, 2.9), lambda canvas: draw_incomplete(canvas, result))
    if isinstance(result, TradeOffs):
        return _drawn(figure, (9.6, 3.3), lambda canvas: draw_trade_offs(canvas, result))
    if isinstance(result, xr.Dataset) and is_solution(result):
        width, height = figure_size(result)
        if not is_ledger(result):
            return _drawn(figure, (width, height), lambda canvas: draw_solution(canvas, result))
        return _drawn(figure, (width, height + 3.3), lambda canvas: _draw_both(canvas, result, height))
    if isinstance(result, xr.Dataset) and is_ledger(result):
        return _drawn(figure, (9.6, 3.3), lambda canvas: draw_balances(canvas.subplots(1, 2), result))
    if isinstance(result, xr.Dataset) and is_comparison(result):
        width = min(max(2.0 + 1.3 * result.sizes["protocol"], 4.8), 9.6)
        return _drawn(figure, (width, 3.3), lambda canvas: draw_comparison(canvas.subplots(), result))
    drawing = drawing_of(result)
    if "y" in drawing.data["density"].dims:
        return plane_figure(plane_drawing(result), figure)
    rates = "v2" in drawing.data
    with rc_context(STYLE):
        figure = new_figure(9.6, 4.9 if rates else 2.6) if figure is None else figure
        rows = figure.subfigures(2, 1, height_ratios=(1.0, 1.15)) if rates else [figure]
        panels = rows[0].subplots(1, len(drawing.instants), sharex=True, sharey=True, squeeze=False)
        draw_densities(panels[0], drawing, titles=True, legend=True)
        if rates:
            left, right = rows[1].subplots(1, 2, width_ratios=(1.0, 1.7))
            draw_bars(left, [("", drawing.estimates)], digits=4)
            left.set_ylabel("L²/s")
            draw_rates(right, drawing, legend=True)
            right.set_ylabel("L²/s²")
    return figure


def _costs(found: Mapping[str, Any]) -> dict[str, ScheduleCosts]:
    """The entries of a mapping, all of them costs."""
    for name, entry in found.items():
        if not isinstance(entry, ScheduleCosts):
            raise InputError("result", f"{name!r} is {type(entry).__name__}; in a mapping expected what schedule_costs "
                             "returned")  # fmt: skip
    if not found:
        raise InputError("result", "given nothing to draw; expected names and what schedule_costs returned for them")
    return dict(found)


def _draw_both(canvas: Any, solution: xr.Dataset, height: float) -> None:
    """A solution, and below it the ledger that its file holds."""
    above, below = canvas.subfigures(2, 1, height_ratios=(height, 3.3))
    draw_solution(above, solution)
    draw_balances(below.subplots(1, 2), solution)


def _drawn(figure: Any, size: tuple[float, float], draw: Callable[[Any], None]) -> Figure | SubFigure:
    """A new figure of that size, or the one given, drawn into."""
    with rc_context(STYLE):
        figure = new_figure(*size) if figure is None else figure
        draw(figure)
    return figure


def densities_figure(results: Mapping[str, Result], title: str = "") -> Figure:
    """Densities of both processes at four times, one row per result (Fig. 5).

    Parameters
    ----------
    results : mapping
        Label of the row -> result.
    title : str
        Title of the figure.
    """
    with rc_context(STYLE):
        figure = new_figure(9.6, 0.5 + 1.75 * len(results))
        drawings = {label: drawing_of(result) for label, result in results.items()}
        columns = max(len(drawing.instants) for drawing in drawings.values())
        axes = figure.subplots(len(results), columns, sharex=True, sharey="row", squeeze=False)
        for i, (label, drawing) in enumerate(drawings.items()):
            draw_densities(axes[i], drawing, titles=i == 0, legend=i == 0)
            axes[i][0].set_ylabel(f"{label}\ndensity, 1/L")
            for panel in axes[i]:
                panel.set_xlabel("x, L" if i == len(results) - 1 else "")
        figure.suptitle(title)
    return figure


def bounds_figure(groups: Mapping[str, Mapping[str, Result]]) -> Figure:
    """Bars η ≤ c₁ ≤ c₂: one panel per start, one group of bars per schedule (Fig. 4).

    Parameters
    ----------
    groups : mapping
        Start -> schedule -> result.
    """
    with rc_context(STYLE):
        columns = min(len(groups), 2)
        rows = math.ceil(len(groups) / columns)
        figure = new_figure(4.8 * columns, 2.5 * rows)
        axes = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
        for axis, (start, results) in zip(axes, groups.items(), strict=False):
            draw_bars(axis, [(label, drawing_of(result).estimates) for label, result in results.items()])
            axis.set_title(f"start: {start}")
        for axis in axes[::columns]:
            axis.set_ylabel("L²/s")
        for axis in axes[len(groups) :]:
            axis.set_axis_off()
        axes[0].legend(ncols=3, loc="upper left")
    return figure


def rates_figure(groups: Mapping[str, Mapping[str, Result]]) -> Figure:
    """Curves of v₂² and v_loss² in time: one row per start, one column per schedule (Fig. 4).

    Parameters
    ----------
    groups : mapping
        Start -> schedule -> result.
    """
    with rc_context(STYLE):
        columns = max(len(results) for results in groups.values())
        figure = new_figure(9.6, 0.3 + 1.75 * len(groups))
        axes = figure.subplots(len(groups), columns, sharey="col", squeeze=False)
        for i, (start, results) in enumerate(groups.items()):
            for j, (schedule, result) in enumerate(results.items()):
                draw_rates(axes[i][j], drawing_of(result), legend=i == j == 0)
                axes[i][j].set_title(schedule if i == 0 else "")
                axes[i][j].set_xlabel("t, s" if i == len(groups) - 1 else "")
            axes[i][0].set_ylabel(f"{start}\nL²/s²")
    return figure
