"""Whole figures of results in the plane."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.figure import Figure, SubFigure

from fpsolve.estimates import Estimate
from fpsolve.plots.canvas import new_figure
from fpsolve.plots.drawing import BOUNDS, DARK, INSTANTS, STRENGTHS, Drawing, drawing_of, plane_drawing, seen_box
from fpsolve.plots.images import (
    centres,
    colour_bar,
    densest,
    draw_arrows,
    draw_image,
    draw_velocities,
    label_edges,
)
from fpsolve.plots.panels import STYLE, alike, draw_bars, draw_rates, logarithmic, short_power, words
from fpsolve.plots.sheets import Sheet
from fpsolve.quadrature import Array
from fpsolve.results import SpeedAccuracy
from fpsolve.settings import InputError
from fpsolve.transport.plane import QuadraticTransport

Result = SpeedAccuracy | xr.Dataset
#: density -> what it is called
FORWARD, ESTIMATED = "density", "density_estimated"
NAMES = {FORWARD: "forward $P_t$", ESTIMATED: r"estimated $\tilde P_t$"}
#: bars of a figure over the strength of a rotation
_BARS = ("eta", "c1", "dissipation")
#: groups of bars beyond which a panel takes the whole width
_MANY = 4
#: width of a figure, and of a panel among many, inches
_WIDTH, _NARROW = 9.6, 1.75


def plane_figure(drawing: Drawing, figure: Any = None) -> Figure | SubFigure:
    """Both densities at four times as images, the forward one with its velocity; below them bars and rates."""
    rows = [name for name in (FORWARD, ESTIMATED) if name in drawing.data]
    sheet = Sheet(len(rows), len(drawing.instants), drawing.box(), _WIDTH)
    heights = [sheet.height, 2.5] if "v2" in drawing.data else [sheet.height]
    with rc_context(STYLE):
        figure = new_figure(_WIDTH, sum(heights)) if figure is None else figure
        parts = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights).ravel()
        axes = _draw_images(parts[0], sheet, [(drawing, name) for name in rows], drawing.instants)
        label_edges(axes, [NAMES[name] for name in rows])
        if {"velocity_x", "velocity_y"} <= set(drawing.data.data_vars):
            draw_velocities(axes[0], drawing)
        if len(parts) > 1:
            _draw_numbers(parts[1], drawing)
    return figure


def planes_figure(results: Mapping[str, Result], title: str = "") -> Figure:
    """Densities in the plane at four times: of each result the forward ones, below them the estimated ones (Fig. 3).

    Each instant has one scale of colours.

    Parameters
    ----------
    results : mapping
        Label, such as the name of a schedule -> result in the plane.
    title : str
        Title of the figure.

    Raises
    ------
    InputError
        No result, one that is not in the plane, or several that keep no instant in common.
    """
    drawings = {label: plane_drawing(result) for label, result in _entries("results", results).items()}
    shown = [pair for pair in INSTANTS if all(pair in drawing.instants for drawing in drawings.values())]
    if not shown:
        raise InputError(
            "results", "no instant is kept by all of them; keep the same snapshots, such as the default four"
        )
    rows = [(label, drawing, name) for label, drawing in drawings.items() for name in NAMES if name in drawing.data]
    box, width = _union([drawing.box() for drawing in drawings.values()]), 1.1 + _NARROW * len(shown)
    sheet = Sheet(len(rows), len(shown), box, width, left=0.95, top=_room(title))
    with rc_context(STYLE):
        figure = new_figure(sheet.width, sheet.height)
        part = figure.add_subfigure(figure.add_gridspec(1, 1)[0])
        axes = _draw_images(part, sheet, [(drawing, name) for _, drawing, name in rows], shown)
        label_edges(axes, [f"{label}\n{NAMES[name]}" for label, _, name in rows])
        part.suptitle(title)
    return figure


def strength_figure(groups: Mapping[str, Mapping[Any, Result | Mapping[str, Estimate]]], strength: str = "g") -> Figure:
    """Bars η ≤ c₁ ≤ ∫T Ṡ dt with their errors over the strength of a rotation, one panel per variant (Fig. 7).

    The axis, one for all panels, is logarithmic where the values span more than two decades.

    Parameters
    ----------
    groups : mapping
        Title of the panel -> strength, 1/s, or a word -> result, or mapping with the Estimates ``eta``, ``c1`` and
        ``dissipation``, L²/s.
    strength : str
        Symbol of the strength.

    Raises
    ------
    InputError
        No panel, an empty one, or something that is neither a result nor a mapping of Estimates.
    """
    panels = {
        title: [(_word(key), _estimates(key, found)) for key, found in _entries(title, group).items()]
        for title, group in _entries("groups", groups).items()
    }
    most = max(len(bars) for bars in panels.values())
    columns = min(len(panels), 2 if most <= _MANY else 1)
    rows = math.ceil(len(panels) / columns)
    with rc_context(STYLE):
        figure = new_figure(max(4.8, 1.5 * most) * columns, 0.3 + 2.6 * rows)
        axes = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
        for axis, (title, bars) in zip(axes, panels.items(), strict=False):
            draw_bars(axis, bars, names=_BARS)
            axis.set_title(title, pad=10)
            middle = 0.5 * (len(bars) - 1)
            axis.set_xlim(middle - 0.52 * most, middle + 0.52 * most)
            if any(isinstance(key, (int, float)) for key in groups[title]):
                axis.set_xlabel(f"{strength}, 1/s")
        logarithmic(axes[: len(panels)], _reached([found for bars in panels.values() for _, found in bars], _BARS))
        for axis in axes[::columns]:
            axis.set_ylabel("L²/s")
        for axis in axes[len(panels) :]:
            axis.set_axis_off()
        figure.legend(*axes[0].get_legend_handles_labels(), ncols=len(_BARS), loc="outside upper center")
    return figure


def map_figure(transport: QuadraticTransport, title: str = "") -> Figure:
    """Optimal transport in the plane: arrows of the Brenier map, and the densities on the way at s = 0, 1/2 and 1.

    Parameters
    ----------
    transport : QuadraticTransport
        What :func:`fpsolve.transport_w2` returned.
    title : str
        Title of the figure.

    Raises
    ------
    InputError
        Something else.
    """
    if not isinstance(transport, QuadraticTransport):
        raise InputError("transport", f"given {type(transport).__name__}; expected what transport_w2 returned")
    edges = (transport.grid.axes[0].edges, transport.grid.axes[1].edges)
    volumes = np.multiply.outer(*(np.diff(edge) for edge in edges))
    stages = [(s, word, transport.interpolate(s)[0] / volumes) for s, word in ((0.0, "0"), (0.5, "1/2"), (1.0, "1"))]
    sheet = Sheet(1, 4, _seen([density for _, _, density in stages], edges), _WIDTH, top=_room(title))
    with rc_context(STYLE):
        figure = new_figure(sheet.width, sheet.height)
        part = figure.add_subfigure(figure.add_gridspec(1, 1)[0])
        axes, bars = sheet.axes(part)
        first = stages[0][2]
        # twice as dark as its own scale, for the arrows to stand out
        draw_image(axes[0, 0], edges, first, 2.0 * float(first.max()))
        _draw_map(axes[0, 0], transport, first, sheet.box, edges)
        axes[0, 0].set_title("Brenier map")
        bars[0].set_axis_off()
        bars[0].text(0.5, 0.5, f"$W_2$ = {_with_error(transport.distance)} L", ha="center", va="center")
        for axis, bar, (_, word, density) in zip(axes[0, 1:], bars[1:], stages, strict=True):
            colour_bar(part, draw_image(axis, edges, density, float(density.max())), bar)
            axis.set_title(f"s = {word}")
        label_edges(axes, [""])
        part.suptitle(title)
    return figure


def _draw_images(
    figure: Any, sheet: Sheet, images: list[tuple[Drawing, str]], instants: list[tuple[float, str]]
) -> Any:
    """Densities, one row each, at some instants; an instant has one scale of colours."""
    axes, bars = sheet.axes(figure)
    for column, bar, (part, word) in zip(axes.T, bars, instants, strict=True):
        densities = [drawing.density(name, part * drawing.tau) for drawing, name in images]
        largest = max(float(density.max()) for density in densities)
        for axis, (drawing, _), density in zip(column, images, densities, strict=True):
            image = draw_image(axis, drawing.edges(), density, largest)
        colour_bar(figure, image, bar)
        column[0].set_title(f"t = {word}")
    return axes


def _draw_numbers(figure: Any, drawing: Drawing) -> None:
    left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.7))
    warm = drawing.known("c2") and drawing.known("dissipation")
    apart = warm and not alike(*(drawing.estimates[name].value for name in ("c2", "dissipation")))
    names = STRENGTHS if apart else BOUNDS
    # in the plane an error that a file does not know is seldom small
    sure = all(math.isfinite(drawing.estimates[name].error) for name in names if drawing.known(name))
    draw_bars(left, [("", drawing.estimates)], names=names, digits=4 if sure else 2)
    logarithmic([left], _reached([drawing.estimates], names))
    left.set_ylabel("L²/s")
    draw_rates(right, drawing, legend=True, dissipation=True)
    right.set_ylabel("L²/s²")


def _draw_map(axis: Any, transport: QuadraticTransport, density: Array, box: Array, edges: Any) -> None:
    rows, columns = densest(density, box, edges, arrows=14)
    x, y = centres(edges[0])[rows], centres(edges[1])[columns]
    target_x, target_y = (target[rows, columns] for target in transport.map())
    draw_arrows(axis, x, y, target_x - x, target_y - y)


def _room(title: str) -> float:
    """Room above the panels, inches."""
    return 0.6 if title else 0.3


def _union(boxes: list[Array]) -> Array:
    """The smallest rectangle that holds all."""
    found = np.array(boxes)
    return np.stack([found[:, :, 0].min(axis=0), found[:, :, 1].max(axis=0)], axis=1)


def _seen(densities: list[Array], edges: Any) -> Array:
    """Where anything can be seen in any of some images."""
    seen = np.any([density >= DARK * density.max() for density in densities], axis=0)
    return seen_box(seen, edges)


def _entries(key: str, given: Any) -> dict[Any, Any]:
    """The entries of a mapping that has some."""
    if not isinstance(given, Mapping) or not given:
        what = "an empty one" if isinstance(given, Mapping) else type(given).__name__
        raise InputError(key, f"given {what}; expected a mapping from labels to what is drawn, with at least one entry")
    return dict(given)


def _estimates(key: Any, found: Any) -> dict[str, Estimate]:
    """Estimates of a result, or those given."""
    if isinstance(found, Mapping) and not isinstance(found, xr.Dataset):
        for name in _BARS:
            if not isinstance(found.get(name), Estimate):
                raise InputError(str(key), f"{name} is missing or no Estimate; give eta, c1 and dissipation")
        return dict(found)
    return drawing_of(found).estimates


def _reached(groups: list[dict[str, Estimate]], names: Sequence[str]) -> list[float]:
    """Ends of bars and of their errors."""
    known = [found[name] for found in groups for name in names if name in found and found[name].finite]
    return [each.value for each in known] + [each.value + each.error for each in known if math.isfinite(each.error)]


def _with_error(estimate: Estimate) -> str:
    error = f" ± {short_power(f'{estimate.error:.1g}')}" if math.isfinite(estimate.error) else ""
    return words(estimate, 4) + error


def _word(key: Any) -> str:
    return f"{key:g}" if isinstance(key, (int, float)) else str(key)
