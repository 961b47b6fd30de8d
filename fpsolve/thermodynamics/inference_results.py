"""What is inferred from snapshots, its bars, and its Dataset."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.dynamics.snapshots import Snapshots
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.quadrature import Array

_RIGOROUS = "rigorous lower bound of the {what}, whatever happens between the snapshots: "
_BOUNDS = {
    "bound_distance": (_RIGOROUS + "W2(first, last)² / duration", "64"),
    "bound_length": (_RIGOROUS + "(sum of W2 steps)² / duration", "68"),
    "bound_intervals": (_RIGOROUS + "sum of W2 step² / interval", "61, 63"),
    "estimate": ("estimate of the least {what} of the interpolated flow", "67"),
}
#: name -> (long name, equation)
_LONG = {
    "density": ("cell average of the density", ""),
    "velocity": ("velocity of least energy that realises the densities", "61"),
    "force": ("the potential force that realises the densities at this temperature", "1"),
    "potential": ("potential energy of that force, of mean zero", "1"),
    "v1": ("speed in the 1-Wasserstein distance, the mean of |velocity|", "slides"),
    "v2": ("speed in the 2-Wasserstein distance", "66"),
    "W1_step": ("1-Wasserstein distance between successive snapshots", "52"),
    "W2_step": ("2-Wasserstein distance between successive snapshots", "53"),
    "W1": ("1-Wasserstein distance between the first and the last snapshot", "52"),
    "W2": ("2-Wasserstein distance between the first and the last snapshot", "53"),
    "W1_sum": ("sum of the 1-Wasserstein distances between successive snapshots", "68"),
    "W2_sum": ("rigorous lower bound of the path length: sum of the W2 steps", "68"),
    "path_length": ("estimate of the path length of the interpolated flow", "68"),
    "action": ("estimate of the integral of v2² over time of the interpolated flow", "68"),
    "ignored_mass": ("probability that the velocities leave out, on a line at either end", ""),
    "clipped_mass": ("negative mass that was set to zero", ""),
} | {
    f"{kind}_{name}": (words.format(what=kind.replace("_", " ")), equation)
    for kind in ("dissipation", "entropy_production")
    for name, (words, equation) in _BOUNDS.items()
}
#: fewest times for which every second and every fourth of them tell an order of convergence
MANY = 13
#: times what levels leave open: where times are uneven a lonely one counts in all levels; and where there are few
_CAUTION, _FEW = 2.0, 4.0
#: largest ratio of successive differences that is believed
_SLOWEST = 0.9


@dataclasses.dataclass
class Inferred:
    """Everything inferred, by name.

    Parameters
    ----------
    times : (n,) array
        Of the snapshots, s.
    fields : dict of (dimensions, values)
        Fields in space and time.
    series : dict of (values, bars)
        Numbers at every time.
    steps : dict of lists of Estimate
        Numbers of every interval.
    scalars : dict of Estimate
    ignored : float
        Probability that velocities leave out, on a line at either end.
    floor : float
        Density in the plane below which noise is all there is; zero without noise.
    """

    times: Array
    fields: dict[str, tuple[tuple[str, ...], Array]] = dataclasses.field(default_factory=dict)
    series: dict[str, tuple[Array, Array]] = dataclasses.field(default_factory=dict)
    steps: dict[str, list[Estimate]] = dataclasses.field(default_factory=dict)
    scalars: dict[str, Estimate] = dataclasses.field(default_factory=dict)
    ignored: float = 0.0
    floor: float = 0.0

    def take_square(self, levels: Array, merged: Array, extra: Array) -> None:
        """v2 with its bars, and its integrals, from v2² on all levels; see :func:`bars_of`."""
        square, bars = levels[-1], bars_of(levels, merged, extra)
        speed = np.sqrt(square)
        # the square root of a number that may be zero
        narrow = np.divide(bars, speed, out=np.full_like(speed, np.inf), where=speed > 0.0)
        self.series["v2"] = speed, np.minimum(np.sqrt(bars), narrow)
        part = np.minimum(np.sqrt(extra), np.divide(extra, speed, out=np.full_like(speed, np.inf), where=speed > 0.0))
        self.scalars["path_length"] = integrated(self.times, np.sqrt(levels), np.sqrt(merged), part, "L")
        self.scalars["action"] = integrated(self.times, levels, merged, extra, "L²/s")


def open_error(levels: Array, times: int) -> Array:
    """What fewer snapshots leave open, from values (levels, ...) of which the last level takes all the times.

    The last difference bounds the error from first order on; where three levels show less it is multiplied by the sum
    of the geometric series that they begin. Of few times there are no such levels, and the largest difference counts.
    """
    last = np.abs(levels[-1] - levels[-2])
    if times < MANY:
        return np.asarray(_FEW * np.max(np.abs(levels[-1] - levels[:-1]), axis=0))
    before = np.abs(levels[-2] - levels[-3])
    ratio = np.clip(np.divide(last, before, out=np.zeros_like(last), where=before > 0.0), 0.5, _SLOWEST)
    return np.asarray(_CAUTION * last * ratio / (1.0 - ratio))


def bars_of(levels: Array, merged: Array, extra: Array) -> Array:
    """Bars (n,) of a series: from fewer and fewer snapshots (the last level takes all), and from merged cells.

    At single times two levels may agree by chance: the bar is the largest of three neighbouring times. At the first
    and the last time polynomials are one-sided on all levels: twice the bar.
    """
    gaps = open_error(levels, levels.shape[1])
    gaps[[0, -1]] *= 2.0
    gaps = gaps + np.abs(merged - levels[-1])
    padded = np.pad(gaps, 1, mode="edge")
    return np.asarray(np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:]) + extra)


def integrated(times: Array, levels: Array, merged: Array, extra: Array, unit: str) -> Estimate:
    """Integral over the snapshots of a rate by a spline; arguments as for :func:`bars_of`.

    The bar adds what every second time leaves open of the integral itself.
    """
    kept = np.union1d(np.arange(0, times.size, 2), [times.size - 1])
    totals = np.array([_integral(times, rates) for rates in levels])
    rough = _integral(times[kept], levels[-1][kept])
    bar = float(open_error(totals, times.size)) + abs(_integral(times, merged) - totals[-1]) + abs(totals[-1] - rough)
    inherited = float(np.sum(0.5 * np.diff(times) * (extra[1:] + extra[:-1])))
    return Estimate(float(totals[-1]), bar + inherited + ROUNDING * float(totals[-1]), unit)


def _integral(times: Array, values: Array) -> float:
    from scipy.interpolate import make_interp_spline

    spline = make_interp_spline(times, values, k=min(3, times.size - 1))
    return float(spline.integrate(times[0], times[-1]))


def described(name: str) -> dict[str, str]:
    """Attributes of a variable."""
    if name.endswith("_error"):
        return {"units": "1", "long_name": "error bar: " + described(name.removesuffix("_error"))["long_name"]}
    base, axis = (name[:-2], name[-1]) if name.endswith(("_x", "_y")) else (name, "")
    long_name, equation = _LONG[base]
    entries = {"units": "1", "long_name": f"{long_name}, along {axis}" if axis else long_name}
    return entries | ({"equation": equation} if equation else {})


def dataset_of(found: Inferred, held: Snapshots, temperature: float | None, mobility: float) -> xr.Dataset:
    """A Dataset with coordinates, units and long names."""
    places = ("x", "y")[: len(held.edges)]
    time = {"units": "1", "long_name": "time", "standard_name": "time"}
    coordinates: dict[str, Any] = {"time": ("time", held.times, time)}
    middles = 0.5 * (held.times[1:] + held.times[:-1])
    coordinates["interval"] = ("interval", middles, {"units": "1", "long_name": "middle of two successive times"})
    for name, edges in zip(places, held.edges, strict=True):
        words = {"units": "1", "axis": name.upper()}
        centres = 0.5 * (edges[1:] + edges[:-1])
        coordinates[name] = (name, centres, words | {"long_name": f"cell centre along {name}"})
        coordinates[f"{name}_face"] = (f"{name}_face", edges, words | {"long_name": f"cell face along {name}"})
    parts: dict[str, tuple[Any, Any]] = {"density": (("time", *places), held.averages)} | dict(found.fields)
    for name, (values, bars) in found.series.items():
        parts |= {name: ("time", values), f"{name}_error": ("time", bars)}
    for name, steps in found.steps.items():
        parts[name] = "interval", np.array([step.value for step in steps])
        parts[f"{name}_error"] = "interval", np.array([step.error for step in steps])
    for name, number in found.scalars.items():
        parts |= {name: ((), number.value), f"{name}_error": ((), number.error)}
    parts |= {"ignored_mass": ((), found.ignored), "clipped_mass": ("time", held.clipped)}
    variables = {name: xr.Variable(dims, values, described(name)) for name, (dims, values) in parts.items()}
    for name, number in found.scalars.items():
        if number.why:
            variables[name].attrs["why"] = number.why
    attributes: dict[str, Any] = {"Conventions": "CF-1.10", "title": "fpsolve inference", "mobility": mobility}
    attributes |= {} if temperature is None else {"temperature": temperature}
    return xr.Dataset(variables, coordinates, attributes)
