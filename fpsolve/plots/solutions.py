"""Figures of solutions of Fokker-Planck equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from fpsolve.plots.panels import BLUE, GREEN, GREY, ORANGE
from fpsolve.quadrature import Array
from fpsolve.settings import InputError

#: how many of the stored densities are shown
_SHOWN = {1: 5, 2: 4}
#: part of the largest density below which nothing is shown
_FAINT = 1e-3
_COLOURS = "viridis"


def figure_size(solution: xr.Dataset) -> tuple[float, float]:
    """Width and height that suit a solution, inches."""
    return (9.6, 3.2) if dimension_of(solution) == 1 else (9.6, 2.9)


def dimension_of(solution: xr.Dataset) -> int:
    """1 on a line, 2 in the plane."""
    return 2 if "y" in solution.dims else 1


def draw_solution(figure: Any, solution: xr.Dataset) -> None:
    """On a line densities at a few times, moments and mass; in the plane images at a few times.

    Raises
    ------
    InputError
        A solution whose fields were not kept.
    """
    if "density" not in solution:
        raise InputError("result", "it keeps no fields to draw; solve with snapshots > 0")
    when = solution["density"].dims[0]
    times = np.asarray(solution[when].values, float)
    dimension = dimension_of(solution)
    shown = np.unique(np.round(np.linspace(0, times.size - 1, _SHOWN[dimension])).astype(int))
    if dimension == 2:
        _draw_images(figure.subplots(1, shown.size, squeeze=False)[0], figure, solution, times, shown)
        return
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1.0))
    _draw_lines(left, solution, times, shown)
    _draw_numbers(right, solution)


def _draw_lines(axis: Axes, solution: xr.Dataset, times: Array, shown: Array) -> None:
    import matplotlib

    x, colours = solution["x"].values, matplotlib.colormaps[_COLOURS]
    seen = np.zeros(x.size, bool)
    for place, index in enumerate(shown):
        density = solution["density"].values[index]
        seen |= density > _FAINT * np.max(density)
        colour = colours(0.9 * place / max(shown.size - 1, 1))
        axis.plot(x, density, color=colour, linewidth=1.3, label=f"t = {times[index]:.3g}")
    axis.set_xlim(float(x[seen].min()), float(x[seen].max()))
    axis.set_ylim(bottom=min(0.0, float(axis.get_ylim()[0])) if float(solution["density"].min()) < -1e-6 else 0.0)
    axis.set_xlabel("x, L")
    axis.set_ylabel("density, 1/L")
    axis.legend(loc="best", fontsize=8)


def _draw_numbers(axis: Axes, solution: xr.Dataset) -> None:
    t = solution["time"].values
    axis.plot(t, solution["mean"].values, color=BLUE, linewidth=1.3, label="mean, L")
    axis.plot(t, solution["variance"].values, color=ORANGE, linewidth=1.3, label="variance, L²")
    axis.plot(t, solution["mass"].values, color=GREY, linewidth=1.0, linestyle=(0, (4, 1.5)), label="mass")
    if "mean_current" in solution:
        axis.plot(t, solution["mean_current"].values, color=GREEN, linewidth=1.3, label="current, 1/s")
    axis.set_xlim(float(t[0]), float(t[-1]))
    axis.set_xlabel("t, s")
    axis.legend(loc="best", fontsize=8)


def _draw_images(axes: Any, figure: Any, solution: xr.Dataset, times: Array, shown: Array) -> None:
    edges = [solution[f"{name}_face"].values for name in ("x", "y")]
    for axis, index in zip(axes, shown, strict=True):
        density = solution["density"].values[index]
        image = axis.pcolormesh(*edges, density.T, cmap=_COLOURS, vmin=0.0, rasterized=True)
        figure.colorbar(image, ax=axis, shrink=0.75)
        axis.set_title(f"t = {times[index]:.3g}")
        axis.set_aspect("equal")
        axis.set_xlabel("x, L")
    axes[0].set_ylabel("y, L")
