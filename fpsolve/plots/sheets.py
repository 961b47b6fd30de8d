"""Images of one rectangle of the plane in rows and columns, placed in inches."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from fpsolve.quadrature import Array

#: room at the right, between columns and between rows; thickness of a scale of colours and its distance, inches
_RIGHT, _ACROSS, _DOWN, _BAR, _AWAY = 0.15, 0.2, 0.12, 0.08, 0.5
#: room below a scale of colours, inches
_BELOW = 0.42


@dataclasses.dataclass(frozen=True, eq=False)
class Sheet:
    """Where panels of equal size stand, each column with a scale of colours below it.

    matplotlib's own layouts clip titles above images of fixed aspect that share a scale; this one is exact.

    Parameters
    ----------
    rows, columns : int
        Number of panels.
    box : (2, 2) array
        The rectangle shown: rows x and y, columns lower and upper.
    width : float
        Width of the whole, inches.
    left, top : float
        Room for labels and titles, inches.
    """

    rows: int
    columns: int
    box: Array
    width: float
    left: float = 0.72
    top: float = 0.3

    @property
    def panel(self) -> tuple[float, float]:
        """Width and height of a panel, inches; extreme shapes get a margin."""
        wide = (self.width - self.left - _RIGHT - (self.columns - 1) * _ACROSS) / self.columns
        shape = float((self.box[1, 1] - self.box[1, 0]) / (self.box[0, 1] - self.box[0, 0]))
        return wide, wide * float(np.clip(shape, 0.3, 2.0))

    @property
    def height(self) -> float:
        """Height of the whole, inches."""
        return self.top + self.rows * self.panel[1] + (self.rows - 1) * _DOWN + _AWAY + _BAR + _BELOW

    def axes(self, figure: Any) -> tuple[Any, list[Any]]:
        """Panels (rows, columns), limited to the rectangle, and the places of the scales of colours."""
        wide, tall = self.panel
        panels = np.empty((self.rows, self.columns), object)
        for i, j in np.ndindex(panels.shape):
            left, low = self.left + j * (wide + _ACROSS), self.height - self.top - tall - i * (tall + _DOWN)
            panel = panels[i, j] = self._place(figure, left, low, wide, tall)
            panel.set_xlim(*self.box[0])
            panel.set_ylim(*self.box[1])
            panel.tick_params(labelbottom=i == self.rows - 1, labelleft=j == 0)
            panel.locator_params(nbins=5)
        lefts = [self.left + j * (wide + _ACROSS) for j in range(self.columns)]
        return panels, [self._place(figure, left + 0.05 * wide, _BELOW, 0.9 * wide, _BAR) for left in lefts]

    def _place(self, figure: Any, left: float, low: float, wide: float, tall: float) -> Any:
        return figure.add_axes((left / self.width, low / self.height, wide / self.width, tall / self.height))
