"""What the figures need of a result."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import xarray as xr
from scipy.integrate import simpson

from fpsolve.estimates import Estimate
from fpsolve.quadrature import Array
from fpsolve.results import SpeedAccuracy
from fpsolve.settings import InputError

#: quantities that are drawn as bars
BOUNDS = ("eta", "c1", "c2")
#: the same where a rotation dissipates more than the change of the density costs
STRENGTHS = ("eta", "c1", "c2", "dissipation")
#: part of the larger of two quantities below which a figure shows no difference
ALIKE = 1e-2
#: the instants shown, as parts of tau
INSTANTS = ((0.0, "0"), (1.0 / 3.0, "τ/3"), (2.0 / 3.0, "2τ/3"), (1.0, "τ"))
#: part of the largest density below which nothing is shown
_FAINT = 2e-3
#: the same for images, whose darkest colours look alike
DARK = 1e-2
#: part of what is seen left free beside it
_MARGIN = 0.04
#: part of tau within which a stored field stands for an instant shown
_NEAR = 0.02


@dataclasses.dataclass(frozen=True, eq=False)
class Drawing:
    """What the figures need of a result: its Dataset, and the quantities that are drawn as bars."""

    data: xr.Dataset
    estimates: dict[str, Estimate]

    @property
    def bounds(self) -> dict[str, float]:
        """Those of η, c₁ and c₂ that have a value."""
        return {name: self.estimates[name].value for name in BOUNDS if self.known(name)}

    def known(self, name: str) -> bool:
        """Whether a quantity has a value."""
        return name in self.estimates and self.estimates[name].finite

    @property
    def tau(self) -> float:
        """Duration, s."""
        return float(self.data["time"].values[-1])

    @property
    def stored(self) -> Array:
        """Times at which the fields are stored, s."""
        return np.asarray(self.data[self.data["density"].dims[0]].values, float)

    @property
    def instants(self) -> list[tuple[float, str]]:
        """Those of the instants shown near which the fields are stored: part of tau, and how it is written."""
        parts = self.stored / self.tau
        return [(part, word) for part, word in INSTANTS if np.min(np.abs(parts - part)) < _NEAR]

    def density(self, name: str, instant: float) -> Array:
        """A density at a time: the nearest stored one, or between two near ones a linear interpolation."""
        stored, values = self.stored, self.data[name].values
        i = int(np.clip(np.searchsorted(stored, instant) - 1, 0, stored.size - 2))
        part = float(np.clip((instant - stored[i]) / (stored[i + 1] - stored[i]), 0.0, 1.0))
        if stored[i + 1] - stored[i] > 2.0 * _NEAR * self.tau:
            part = float(np.round(part))
        return np.asarray((1.0 - part) * values[i] + part * values[i + 1])

    def span(self) -> tuple[float, float]:
        """Where anything can be seen at the instants shown, on the line."""
        x, seen = self.data["x"].values, self._seen(_FAINT)
        return float(x[seen].min()), float(x[seen].max())

    def box(self) -> Array:
        """Where anything can be seen at the instants shown, in the plane: rows x and y, columns lower and upper."""
        return seen_box(self._seen(DARK), self.edges())

    def edges(self) -> tuple[Array, Array]:
        """Edges of the cells in the plane, along x and along y."""
        x, y = (np.asarray(self.data[f"{name}_face"].values, float) for name in "xy")
        return x, y

    def _seen(self, faint: float) -> Any:
        seen = np.zeros(self.data["density"].shape[1:], bool)
        for name in ("density", "density_estimated"):
            if name in self.data:
                for part, _ in self.instants:
                    density = self.density(name, part * self.tau)
                    seen |= density >= faint * density.max()
        return seen


def seen_box(seen: Any, edges: tuple[Array, Array]) -> Array:
    """A rectangle with a narrow margin around all that is seen: rows x and y, columns lower and upper."""
    sides = []
    for axis, edge in enumerate(edges):
        found = np.flatnonzero(seen.any(axis=1 - axis))
        low, high = edge[found[0]], edge[found[-1] + 1]
        margin = _MARGIN * (high - low)
        sides.append((max(low - margin, edge[0]), min(high + margin, edge[-1])))
    return np.array(sides)


def drawing_of(result: Any) -> Drawing:
    """What there is to draw; the bounds of a bare Dataset are integrated from its stored rates."""
    data = result.data if isinstance(result, SpeedAccuracy) else result
    if not isinstance(data, xr.Dataset) or "density" not in data or data.get("time", xr.DataArray(0)).size < 2:
        expected = "expected what speed_accuracy, generate or diffuse returned"
        raise InputError("result", f"given {type(result).__name__}; {expected}")
    drawing = Drawing(data, estimates_of(result))
    if drawing.stored.size < 2 or not drawing.instants:
        words = ", ".join(word for _, word in INSTANTS)
        raise InputError("result", f"it keeps no density near t = {words}; keep the first and the last snapshot")
    return drawing


def plane_drawing(result: Any) -> Drawing:
    """What there is to draw of a result in the plane.

    Raises
    ------
    InputError
        A result on a line, or one without the edges of its cells.
    """
    drawing = drawing_of(result)
    if drawing.data["density"].dims[1:] != ("x", "y") or not {"x_face", "y_face"} <= set(drawing.data.coords):
        dims = ", ".join(str(name) for name in drawing.data["density"].dims)
        expected = "expected a result in the plane: a density on (snapshot, x, y), with x_face and y_face"
        raise InputError("result", f"given a density on ({dims}); {expected}")
    return drawing


def estimates_of(result: Any) -> dict[str, Estimate]:
    """The quantities drawn as bars; those of a bare Dataset, integrated from its rates, have no known error."""
    if isinstance(result, SpeedAccuracy):
        return {name: result.estimates[name] for name in STRENGTHS if name in result.estimates}
    data, found = result, {}
    time = np.asarray(data["time"].values, float)
    if {"v_loss", "W1", "chi2"} <= set(data.data_vars):
        change = float(data["W1"].values[0] - data["W1"].values[-1])
        found["eta"] = change**2 / ((time[-1] - time[0]) * float(data["chi2"].values[-1]))
        found["c1"] = float(simpson(data["v_loss"].values ** 2, x=time))
    if "v2" in data:
        found["c2"] = float(simpson(data["v2"].values ** 2, x=time))
    if "dissipation_rate" in data:
        found["dissipation"] = float(simpson(data["dissipation_rate"].values, x=time))
    return {name: Estimate(value, math.inf, "L2/s") for name, value in found.items() if math.isfinite(value)}
