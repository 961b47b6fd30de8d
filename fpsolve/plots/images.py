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
#: part of the largest speed of a panel below which an arrow would be a dot, and of all panels that means rest
_SLOW, _STILL = 0.1, 1e-6
#: arrows along the longer side of a panel
_ARROWS_ACROSS = 12
#: arrows are white with a dark rim: seen on every colour, and on paper
_ARROWS: Any = {"color": "white", "edgecolor": "black", "linewidth": 0.4, "zorder": 3}
_KEY = {"size": 8}

Edges = tuple[Array, Array]


def draw_image(axis: Axes, edges: Edges, density: Array, largest: float) -> Any:
    """A density on (x, y), x to the right and y upwards; colours from zero to the largest value."""
    # images are vector graphics cell by cell unless rasterized, and a PDF of many megabytes
    image = axis.pcolormesh(*edges, density.T, cmap=COLOURS, vmin=0.0, vmax=largest, rasterized=True)
    axis.set_aspect("equal")
    axis.set_facecolor("#440154")
    return image


def label_edges(axes: Any, words: Iterable[str]) -> None:
    """Units once along each side of an array of panels: x below, y at the left under the words for its row."""
    for axis in axes[-1]:
        axis.set_xlabel("x, L")
    for axis, text in zip(axes[:, 0], words, strict=True):
        axis.set_ylabel(f"{text}\ny, L" if text else "y, L")


def colour_bar(figure: Any, image: Any, place: Axes) -> None:
    """The scale of some images."""
    bar = figure.colorbar(image, cax=place, orientation="horizontal")
    place.locator_params(nbins=4)
    bar.set_label("density, 1/L²")
    bar.outline.set_visible(False)


def densest(density: Array, box: Array, edges: Edges, arrows: int = _ARROWS_ACROSS) -> tuple[Array, Array]:
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
    """Arrows of the velocity at the instants shown, each with a key to their length above the panel."""
    edges, box = drawing.edges(), drawing.box()
    moving = [_velocities(drawing, part, box) for part, _ in drawing.instants]
    fastest = [float(np.max(np.hypot(*speeds), initial=0.0)) for _, _, speeds in moving]
    for axis, most, (rows, columns, speeds) in zip(axes, fastest, moving, strict=True):
        if most <= _STILL * max(fastest):
            continue
        # the fastest arrow is about as long as the distance between two
        scale = _ARROWS_ACROSS * most / float(np.max(box[:, 1] - box[:, 0]))
        seen = np.hypot(*speeds) > _SLOW * most
        x, y = centres(edges[0])[rows[seen]], centres(edges[1])[columns[seen]]
        drawn = draw_arrows(axis, x, y, speeds[0, seen], speeds[1, seen], scale)
        speed = _round(most)
        axis.quiverkey(drawn, 0.9, 1.05, speed, f"{speed:g} L/s", labelpos="W", labelsep=0.05, fontproperties=_KEY)


def _velocities(drawing: Drawing, part: float, box: Array) -> tuple[Array, Array, Array]:
    """Rows and columns of the cells with arrows, and their velocities (2, n)."""
    names = ("density", "velocity_x", "velocity_y")
    density, *velocity = (drawing.density(name, part * drawing.tau) for name in names)
    rows, columns = densest(density, box, drawing.edges())
    speeds = np.array([component[rows, columns] for component in velocity])
    known = np.all(np.isfinite(speeds), axis=0)
    return rows[known], columns[known], speeds[:, known]


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
