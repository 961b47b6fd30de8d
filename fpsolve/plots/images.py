"""Panels in the plane: densities as images, velocities and maps as arrows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from fpsolve.plots.drawing import Drawing
from fpsolve.quadrature import Array

COLOURS = "viridis"
#: part of the largest density below which no arrow is drawn
_EMPTY = 0.05
#: part of the largest speed below which an arrow would be a dot
_SLOW = 0.04
#: arrows are white with a dark rim: seen on every colour, and on paper
_ARROWS: Any = {"color": "white", "edgecolor": "black", "linewidth": 0.4, "zorder": 3}

Edges = tuple[Array, Array]


def draw_image(axis: Axes, edges: Edges, density: Array, largest: float) -> Any:
    """A density on (x, y), x to the right and y upwards; colours from zero to the largest value."""
    # images are vector graphics cell by cell unless rasterized, and a PDF of many megabytes
    image = axis.pcolormesh(*edges, density.T, cmap=COLOURS, vmin=0.0, vmax=largest, rasterized=True)
    axis.set_aspect("equal")
    axis.set_facecolor("#440154")
    return image


def frame(axes: Iterable[Axes], box: Array) -> None:
    """Show one rectangle of the plane in all panels."""
    for axis in axes:
        axis.set_xlim(*box[0])
        axis.set_ylim(*box[1])


def label_edges(axes: Any, words: Iterable[str]) -> None:
    """Units once along each side of an array of panels: x below, y at the left under the words for its row."""
    for axis in axes[-1]:
        axis.set_xlabel("x, L")
    for axis, text in zip(axes[:, 0], words, strict=True):
        axis.set_ylabel(f"{text}\ny, L" if text else "y, L")


def colour_bar(figure: Any, image: Any, axes: Any, **place: Any) -> None:
    """The scale of a set of images, below them unless placed elsewhere."""
    bar = figure.colorbar(image, ax=axes, **({"location": "bottom", "pad": 0.02, "aspect": 24, "shrink": 0.9} | place))
    bar.ax.locator_params(nbins=4)
    bar.set_label("density, 1/L²")
    bar.outline.set_visible(False)


def densest(density: Array, box: Array, edges: Edges, arrows: int = 13) -> tuple[Array, Array]:
    """Indices of the cells where arrows begin: about so many along the longer side, and only where there is density.

    Middles of blocks, or their densest cells where the middle is empty: a lattice that follows thin shapes too.
    """
    cells = [int(np.sum((edge[:-1] >= low) & (edge[1:] <= high))) for edge, (low, high) in zip(edges, box, strict=True)]
    block, least = max(1, math.ceil(max(cells) / arrows)), _EMPTY * float(density.max())
    found: list[tuple[int, int]] = []
    for i in range(0, density.shape[0], block):
        for j in range(0, density.shape[1], block):
            part = density[i : i + block, j : j + block]
            place = (part.shape[0] // 2, part.shape[1] // 2)
            if part[place] <= least:
                row, column = np.unravel_index(int(np.argmax(part)), part.shape)
                place = (int(row), int(column))
            here = (i + place[0], j + place[1])
            crowded = any(max(abs(here[0] - row), abs(here[1] - column)) < 0.7 * block for row, column in found[-40:])
            if part[place] > least and not crowded:
                found.append(here)
    chosen = np.array(found, int).reshape(-1, 2)
    return chosen[:, 0], chosen[:, 1]


def draw_velocities(axes: Iterable[Axes], drawing: Drawing) -> None:
    """Arrows of the velocity at the instants shown, all on one scale, which a key beside the last panel states."""
    edges, box = drawing.edges(), drawing.box()
    fields, panels = [], list(axes)
    for part, _ in drawing.instants:
        found = [drawing.density(name, part * drawing.tau) for name in ("density", "velocity_x", "velocity_y")]
        rows, columns = densest(found[0], box, edges)
        speeds = np.where(np.isfinite(found[1]) & np.isfinite(found[2]), found[1:], 0.0)[:, rows, columns]
        fields.append((rows, columns, speeds))
    fastest = max((float(np.max(np.hypot(*speeds))) for _, _, speeds in fields if speeds.size), default=0.0)
    if fastest == 0.0:
        return
    # the fastest arrow is as long as a seventh of the panel
    scale = 7.0 * fastest / float(box[0, 1] - box[0, 0])
    drawn = None
    for axis, (rows, columns, (speed_x, speed_y)) in zip(panels, fields, strict=True):
        moving = np.hypot(speed_x, speed_y) > _SLOW * fastest
        x, y = (centres(edge)[index][moving] for edge, index in zip(edges, (rows, columns), strict=True))
        drawn = draw_arrows(axis, x, y, speed_x[moving], speed_y[moving], scale)
    round_speed = _round(fastest)
    panels[-1].quiverkey(drawn, 0.86, 1.055, round_speed, f"{round_speed:g} L/s", labelpos="W", labelsep=0.05)


def draw_arrows(axis: Axes, x: Array, y: Array, along_x: Array, along_y: Array, scale: float = 1.0) -> Any:
    """Arrows from points (x, y); a component of ``scale`` is as long as a unit of the axes."""
    # the head stays in proportion to the shaft, so that short arrows still point
    shape: Any = {"width": 0.009, "headwidth": 3.4, "headlength": 3.6, "headaxislength": 3.3, "minlength": 0.0}
    return axis.quiver(x, y, along_x, along_y, angles="xy", scale_units="x", scale=scale, **shape, **_ARROWS)


def centres(edges: Array) -> Array:
    """Middles of cells."""
    return np.asarray(0.5 * (edges[1:] + edges[:-1]))


def _round(value: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above a value."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= value * (1.0 + 1e-12))
