"""One panel each: densities at an instant, bars of the bounds, rates in time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from fpsolve.estimates import Estimate
from fpsolve.plots.drawing import ALIKE, BOUNDS, Drawing

# colours that remain distinct to colour-blind readers and in grey (Okabe and Ito)
BLUE, ORANGE, GREEN, GREY, PURPLE = "#0072B2", "#D55E00", "#009E73", "#6E6E6E", "#AA4A85"
#: quantity -> (label, colour)
BARS = {"eta": ("η", ORANGE), "c1": ("c₁", GREEN), "c2": ("c₂", BLUE), "dissipation": ("∫TṠ dt", PURPLE)}
#: ratio of the largest to the smallest value from which an axis is logarithmic
WIDE = 100.0
#: part of a bar below which its error is thinner than a line
_THIN = 2e-3
STYLE: Any = {
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,
}


def draw_densities(axes: Sequence[Axes], drawing: Drawing, *, titles: bool, legend: bool) -> None:
    """Forward density filled, estimated density as a line, one panel per instant."""
    x, low_high = drawing.data["x"].values, drawing.span()
    for axis, (part, word) in zip(axes, drawing.instants, strict=False):
        forward = drawing.density("density", part * drawing.tau)
        axis.fill_between(x, forward, color=GREY, alpha=0.28, linewidth=0.0, label="forward $P_t$")
        axis.plot(x, forward, color=GREY, linewidth=0.8)
        if "density_estimated" in drawing.data:
            estimated = drawing.density("density_estimated", part * drawing.tau)
            axis.plot(x, estimated, color=ORANGE, linewidth=1.4, label=r"estimated $\tilde P_t$")
        axis.set_xlim(*low_high)
        axis.set_ylim(bottom=0.0)
        axis.set_xlabel("x, L")
        if titles:
            axis.set_title(f"t = {word}")
    axes[0].set_ylabel("density, 1/L")
    if legend:
        axes[-1].legend(loc="upper right", fontsize=8, borderaxespad=0.0)


def draw_bars(
    axis: Axes,
    groups: Sequence[tuple[str, Mapping[str, Estimate]]],
    *,
    names: Sequence[str] = BOUNDS,
    digits: int = 3,
) -> None:
    """Bars such as η ≤ c₁ ≤ c₂ per group, with their errors; a quantity without a value is named so."""
    step = 0.81 / len(names)
    offsets = [step * (j - 0.5 * (len(names) - 1)) for j in range(len(names))]
    single = [label for label, _ in groups] == [""]
    style: Any = {"textcoords": "offset points", "ha": "center", "va": "bottom", "fontsize": 8 if single else 7}
    missing = style | {"xycoords": axis.get_xaxis_transform(), "rotation": 0 if single else 90}
    for i, (_, found) in enumerate(groups):
        for offset, name in zip(offsets, names, strict=True):
            symbol, colour = BARS[name]
            estimate = found.get(name)
            known = estimate is not None and estimate.finite
            value = estimate.value if known and estimate is not None else 0.0
            axis.bar(i + offset, value, 0.89 * step, color=colour, label=symbol if i == 0 else None)
            if estimate is None or not known:
                axis.annotate("no value", (i + offset, 0.0), (0, 2), **missing)
                continue
            error = _error_of(estimate)
            if error > 0.0:
                axis.errorbar(i + offset, value, error, color="black", capsize=2.5, elinewidth=0.9, capthick=0.9)
            axis.annotate(words(estimate, digits), (i + offset, value + error), (0, 2), **style)
    axis.margins(y=0.14)
    axis.set_xticks(offsets if single else range(len(groups)))
    axis.set_xticklabels([BARS[name][0] for name in names] if single else [label for label, _ in groups])
    axis.tick_params(axis="x", length=0)


def _error_of(estimate: Estimate) -> float:
    """The error where it is known and can be seen."""
    visible = math.isfinite(estimate.error) and estimate.error > _THIN * abs(estimate.value)
    return estimate.error if visible else 0.0


def words(estimate: Estimate, digits: int) -> str:
    """The value with no more digits than its error leaves, but at least one."""
    error, value = _error_of(estimate), estimate.value
    if error > 0.0 and value:
        digits = min(digits, max(1, math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 1))
    text = f"{value:#.{digits}g}"
    if "e+" in text and abs(value) < 1e4:
        return f"{value:.0f}"
    # powers of ten are wide: two digits before them, and no leading zero
    return short_power(f"{value:.1e}") if "e-" in text and digits < 4 else text.removesuffix(".")


def short_power(text: str) -> str:
    """A number without the zero that leads the exponent."""
    return text.replace("e-0", "e-")


def logarithmic(axes: Iterable[Axes], values: Iterable[float]) -> None:
    """Make axes logarithmic where the values shown span more than two decades; less than the least is cut off."""
    positive = [value for value in values if value > 0.0 and math.isfinite(value)]
    if not positive or max(positive) <= WIDE * min(positive):
        return
    bottom, most = 10.0 ** math.floor(math.log10(0.6 * min(positive))), max(positive)
    for axis in axes:
        axis.set_yscale("log", nonpositive="clip")
        axis.set_ylim(bottom, most * (most / bottom) ** 0.14)


def draw_rates(axis: Axes, drawing: Drawing, *, legend: bool, dissipation: bool = False) -> None:
    """Curves v₂²(t) and v_loss²(t), and on demand T Ṡ(t), where that is another curve."""
    t, squared = drawing.data["time"].values, drawing.data["v2"].values ** 2
    heat = drawing.data["dissipation_rate"].values if dissipation and "dissipation_rate" in drawing.data else None
    equal = heat is not None and alike(heat, squared)
    axis.plot(t, squared, color=BLUE, linewidth=1.4, label="$v_2^2$ = TṠ" if equal else "$v_2^2$")
    loss = drawing.data["v_loss"].values ** 2 if "v_loss" in drawing.data else np.array([])
    known = loss[np.isfinite(loss)]
    if known.size:
        axis.plot(t, loss, color=GREEN, linewidth=1.4, linestyle=(0, (4, 1.5)), label=r"$v_\mathrm{loss}^2$")
        axis.fill_between(t, loss, color=GREEN, alpha=0.12, linewidth=0.0)
    if heat is not None and not equal:
        axis.plot(t, heat, color=PURPLE, linewidth=1.4, label="TṠ")
    axis.set_xlim(t[0], t[-1])
    axis.set_ylim(bottom=0.0)
    if heat is not None and known.size:
        # the loss may come to rest: its mean says which decades matter
        most = [float(np.max(curve, where=np.isfinite(curve), initial=0.0)) for curve in (heat, squared)]
        logarithmic([axis], [float(np.mean(known)), *most])
    axis.set_xlabel("t, s")
    if legend:
        axis.legend(loc="best")


def alike(first: Any, second: Any) -> bool:
    """Whether two curves or numbers are one in a figure."""
    one, other = np.atleast_1d(first), np.atleast_1d(second)
    known = np.isfinite(one) & np.isfinite(other)
    size = np.max(np.abs([one[known], other[known]]), initial=0.0)
    return bool(np.all(np.abs(one[known] - other[known]) <= ALIKE * size))
