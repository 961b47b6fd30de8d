"""Figures of stochastic thermodynamics: balances in time, the staircase of speed limits, protocols compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from fpsolve.estimates import Estimate
from fpsolve.plots.drawing import ALIKE
from fpsolve.plots.panels import BLUE, GREEN, GREY, ORANGE, PURPLE, logarithmic, words
from fpsolve.quadrature import Array
from fpsolve.results import TradeOffs
from fpsolve.settings import InputError

#: what makes a Dataset a ledger, and what one of protocols
_LEDGER = frozenset({"energy", "work", "heat", "system_entropy", "bath_entropy", "entropy_production"})
_PROTOCOLS = frozenset({"entropy_production", "bound"})
#: a sum is a wide line: where one of its terms is all of it both are seen
_SUM: dict[str, Any] = {"color": GREY, "linewidth": 4.0, "alpha": 0.45}
_DASHED = (0, (4, 1.5))
#: variable of the ledger -> (label, look); the first one of a group is the sum of the others
_ENERGIES: dict[str, tuple[str, dict[str, Any]]] = {
    "energy": ("energy", _SUM),
    "work": ("work", {"color": ORANGE}),
    "heat": ("heat", {"color": GREEN}),
}
_ENTROPIES: dict[str, tuple[str, dict[str, Any]]] = {
    "entropy_production": ("total", _SUM),
    "system_entropy": ("system", {"color": BLUE}),
    "bath_entropy": ("bath", {"color": ORANGE}),
}
_PARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "excess": ("excess", {"color": PURPLE, "linestyle": _DASHED}),
    "coupling": ("coupling", {"color": "black", "linestyle": _DASHED}),
    "housekeeping": ("housekeeping", {"color": GREEN, "linestyle": _DASHED}),
}
#: those that are levels, not totals: their change since the start is drawn
_LEVELS = frozenset({"energy", "system_entropy"})
#: part of the height of a panel below which a band is thinner than a line
_THIN = 5e-3
#: digits of the values beside steps and bars
_DIGITS = 4
#: steps of the staircase, from the highest down
_STEPS = {"τ∫TṠ dt": PURPLE, "τ∫v₂² dt": BLUE, "L²": GREEN, "W₂²": ORANGE}


def is_ledger(dataset: xr.Dataset) -> bool:
    """Whether a Dataset is what :func:`fpsolve.ledger` returned."""
    return _LEDGER <= set(dataset.data_vars) and "time" in dataset.dims


def is_comparison(dataset: xr.Dataset) -> bool:
    """Whether a Dataset compares protocols."""
    return _PROTOCOLS <= set(dataset.data_vars) and dataset["entropy_production"].dims == ("protocol",)


def draw_balances(axes: Sequence[Axes], ledger: xr.Dataset) -> None:
    """Energies on the left panel, entropies on the right one, all since the start; bars as bands where they are seen.

    The parts of the entropy production are drawn where something drives: elsewhere all of it is excess.
    """
    driven = any(_size(ledger, name) > ALIKE * _size(ledger, "entropy_production") for name in list(_PARTS)[1:])
    groups = ((_ENERGIES, "energy, L²/s"), (_ENTROPIES | (_PARTS if driven else {}), "entropy, nats"))
    for axis, (curves, label) in zip(axes, groups, strict=True):
        _draw_curves(axis, ledger, curves)
        axis.axhline(0.0, color=GREY, linewidth=0.5, zorder=0)
        axis.set_xlim(float(ledger["time"][0]), float(ledger["time"][-1]))
        axis.set_xlabel("t, s")
        axis.set_ylabel(f"{label}, since the start")
        # above the panel: curves may run through every corner of it
        axis.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), fontsize=8, ncols=3, columnspacing=1.2)


def _draw_curves(axis: Axes, ledger: xr.Dataset, curves: dict[str, tuple[str, dict[str, Any]]]) -> None:
    t = ledger["time"].values
    found = {name: _curve(ledger, name) for name in curves}
    found = {name: pair for name, pair in found.items() if np.any(np.isfinite(pair[0]))}
    height = np.ptp([value for values, _ in found.values() for value in values[np.isfinite(values)]] or [0.0])
    for name, (values, bars) in found.items():
        label, look = curves[name]
        axis.plot(t, values, label=label, **{"linewidth": 1.4} | look)
        if np.max(bars, where=np.isfinite(bars), initial=0.0) > _THIN * height:
            axis.fill_between(t, values - bars, values + bars, color=look["color"], alpha=0.2, linewidth=0.0)


def _curve(ledger: xr.Dataset, name: str) -> tuple[Array, Array]:
    """A series since the start, and its bars."""
    values, bars = (np.asarray(ledger[key].values, float) for key in (name, f"{name}_error"))
    return (values - values[0], bars + bars[0]) if name in _LEVELS else (values, bars)


def _size(ledger: xr.Dataset, name: str) -> float:
    values = ledger[name].values
    return float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))


def limits_of(result: TradeOffs) -> dict[str, Estimate]:
    """The steps of the hierarchy (68) from the highest down, L²: those that have a value.

    The first one needs a mobility that is a number.
    """
    data = _books(result)
    duration = float(data["time"][-1] - data["time"][0])
    found = {}
    mobility = np.asarray(result.case.get("mobility", 1.0), float)
    if mobility.ndim == 0:
        found["τ∫TṠ dt"] = _last(data, "dissipation").scaled(duration * float(mobility))
    found["τ∫v₂² dt"] = _last(data, "action").scaled(duration)
    found["L²"] = result["path_length"].squared()
    found["W₂²"] = result["W2"].squared()
    return {name: found[name] for name in _STEPS if name in found and found[name].finite}


def _last(data: xr.Dataset, name: str) -> Estimate:
    return Estimate(float(data[name].values[-1]), float(data[f"{name}_error"].values[-1]))


def draw_staircase(axis: Axes, result: TradeOffs) -> None:
    """The hierarchy of speed limits: each step with its value, and by how much it lies below the one before."""
    limits = limits_of(result)
    values = [estimate.value for estimate in limits.values()]
    for i, (name, estimate) in enumerate(limits.items()):
        axis.bar(i, estimate.value, 1.0, color=_STEPS[name], alpha=0.85, linewidth=0.0)
        if math.isfinite(estimate.error) and estimate.error > _THIN * max(values):
            axis.errorbar(i + 0.38, estimate.value, estimate.error, color="black", capsize=2.0, elinewidth=0.9)
        text = words(estimate, _DIGITS)
        if i:
            text += f"\n({_drop(values[i - 1], estimate.value)})"
        place: Any = {"textcoords": "offset points", "ha": "center", "va": "bottom", "fontsize": 8}
        axis.annotate(text, (i, estimate.value), (0, 2), **place)
    axis.margins(x=0.02)
    axis.set_ylim(0.0, 1.2 * max(values, default=1.0))
    logarithmic([axis], values)
    axis.set_xticks(range(len(limits)), list(limits))
    axis.tick_params(axis="x", length=0)
    axis.set_ylabel("speed limits, unit L²")


def _drop(above: float, here: float) -> str:
    """How far a step lies below the one before, as a part of that one."""
    part = (here - above) / above if above else 0.0
    if abs(part) < 5e-5:
        return "equal"
    return f"{100.0 * part:+.2g}%".replace("-", "−")


def draw_comparison(axis: Axes, comparison: xr.Dataset) -> None:
    """Entropy production of each protocol: what its change of the density must cost, and the rest.

    Parameters
    ----------
    axis : Axes
    comparison : xarray.Dataset
        ``entropy_production`` and ``bound`` on ``protocol``; with ``total_to_target`` what is dissipated after the
        protocol, until the target is reached, stands on top.
    """
    produced = np.asarray(comparison["entropy_production"].values, float)
    bound = np.broadcast_to(np.asarray(comparison["bound"].values, float), produced.shape)
    place = np.arange(produced.size)
    axis.bar(place, bound, 0.62, color=BLUE, label="least, W₂² / (τT)")
    axis.bar(place, np.maximum(produced - bound, 0.0), 0.62, bottom=bound, color=ORANGE, label="rest")
    top = produced
    if "total_to_target" in comparison:
        top = np.maximum(np.asarray(comparison["total_to_target"].values, float), produced)
        if np.any(top - produced > _THIN * np.max(top)):
            axis.bar(place, top - produced, 0.62, bottom=produced, color=GREY, alpha=0.45, label="relaxation after it")
    for i, estimate in enumerate(_estimates(comparison, "entropy_production")):
        height = top[i]
        if math.isfinite(estimate.error) and estimate.error > _THIN * np.max(produced):
            axis.errorbar(i, estimate.value, estimate.error, color="black", capsize=2.5, elinewidth=0.9)
            height = max(height, estimate.value + estimate.error)
        style: Any = {"textcoords": "offset points", "ha": "center", "va": "bottom", "fontsize": 8}
        axis.annotate(words(estimate, _DIGITS), (i, height), (0, 2), **style)
    axis.set_ylim(0.0, 1.12 * float(np.max(top)))
    axis.set_xticks(place, [str(name) for name in comparison["protocol"].values])
    axis.tick_params(axis="x", length=0)
    axis.set_ylabel("entropy production, nats")
    axis.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), fontsize=8, ncols=3)


def _estimates(comparison: xr.Dataset, name: str) -> list[Estimate]:
    """A variable on ``protocol`` with its error bars, unknown where there are none."""
    values, errors = comparison[name], comparison.get(f"{name}_error")
    bars = np.full(values.size, math.inf) if errors is None else np.asarray(errors.values, float)
    return [Estimate(float(value), float(bar)) for value, bar in zip(values.values, bars, strict=True)]


def _books(result: TradeOffs) -> xr.Dataset:
    """The ledger of a result.

    Raises
    ------
    InputError
        It has none.
    """
    if not is_ledger(result.data):
        why = result.estimates["work"].why if "work" in result.estimates else ""
        raise InputError("result", f"it has no ledger to draw{': ' + why if why else ''}")
    return result.data


def draw_trade_offs(figure: Any, result: TradeOffs) -> None:
    """Balances in time beside the staircase of speed limits."""
    ledger = _books(result)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.0, 1.0, 1.15))
    draw_balances((left, middle), ledger)
    draw_staircase(right, result)
