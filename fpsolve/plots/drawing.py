"""What the figures need of a result."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import xarray as xr
from scipy.integrate import simpson

from fpsolve.quadrature import Array
from fpsolve.results import SpeedAccuracy
from fpsolve.settings import InputError

#: quantities that are drawn as bars
BOUNDS = ("eta", "c1", "c2")
#: the instants shown, as parts of tau
INSTANTS = ((0.0, "0"), (1.0 / 3.0, "τ/3"), (2.0 / 3.0, "2τ/3"), (1.0, "τ"))
#: part of the largest density below which nothing is shown
_FAINT = 2e-3
#: part of tau within which a stored field stands for an instant shown
_NEAR = 0.02


@dataclasses.dataclass(frozen=True, eq=False)
class Drawing:
    """What the figures need of a result: its Dataset, and the bounds where they have a value."""

    data: xr.Dataset
    bounds: dict[str, float]

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
        """Where anything can be seen at the instants shown."""
        x, seen = self.data["x"].values, np.zeros(self.data["x"].size, bool)
        for name in ("density", "density_estimated"):
            if name in self.data:
                for part, _ in self.instants:
                    density = self.density(name, part * self.tau)
                    seen |= density > _FAINT * density.max()
        return float(x[seen].min()), float(x[seen].max())


def drawing_of(result: Any) -> Drawing:
    """What there is to draw; the bounds of a bare Dataset are integrated from its stored rates."""
    data = result.data if isinstance(result, SpeedAccuracy) else result
    if not isinstance(data, xr.Dataset) or "density" not in data or data.get("time", xr.DataArray(0)).size < 2:
        expected = "expected what speed_accuracy, generate or diffuse returned"
        raise InputError("result", f"given {type(result).__name__}; {expected}")
    if isinstance(result, SpeedAccuracy):
        return Drawing(data, {name: result[name].value for name in BOUNDS if result[name].finite})
    return Drawing(data, _bounds_of(data))


def _bounds_of(data: xr.Dataset) -> dict[str, float]:
    time, bounds = data["time"].values, {}
    if {"v_loss", "W1", "chi2"} <= set(data.data_vars):
        change = float(data["W1"].values[0] - data["W1"].values[-1])
        bounds["eta"] = change**2 / ((time[-1] - time[0]) * float(data["chi2"].values[-1]))
        bounds["c1"] = float(simpson(data["v_loss"].values ** 2, x=time))
    if "v2" in data:
        bounds["c2"] = float(simpson(data["v2"].values ** 2, x=time))
    return {name: value for name, value in bounds.items() if math.isfinite(value)}
