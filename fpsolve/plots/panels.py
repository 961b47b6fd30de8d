"""One panel each: densities at an instant, bars of the bounds, rates in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes

from fpsolve.plots.drawing import Drawing

# colours that remain distinct to colour-blind readers and in grey (Okabe and Ito)
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6E6E6E"
#: quantity -> (label, colour)
BARS = {"eta": ("η", ORANGE), "c1": ("c₁", GREEN), "c2": ("c₂", BLUE)}
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


def draw_bars(axis: Axes, groups: Iterable[tuple[str, Drawing]], *, values: bool = False) -> None:
    """Bars η ≤ c₁ ≤ c₂ per group; a bound without a value is named so."""
    labels = []
    for i, (label, drawing) in enumerate(groups):
        labels.append(label)
        for j, (name, (symbol, colour)) in enumerate(BARS.items()):
            place = i + 0.27 * (j - 1)
            value = drawing.bounds.get(name)
            axis.bar(place, value or 0.0, 0.24, color=colour, label=symbol if i == 0 else None)
            text = "no value" if value is None else f"{value:#.4g}" if values else f"{value:#.3g}"
            style: Any = {"textcoords": "offset points", "ha": "center", "fontsize": 8 if values else 7}
            axis.annotate(text, (place, value or 0.0), (0, 2), **style)
    axis.margins(y=0.14)
    if labels == [""]:
        axis.set_xticks([0.27 * (j - 1) for j in range(3)], [symbol for symbol, _ in BARS.values()])
    else:
        axis.set_xticks(range(len(labels)), labels)
    axis.tick_params(axis="x", length=0)


def draw_rates(axis: Axes, drawing: Drawing, *, legend: bool) -> None:
    """Curves v₂²(t) and v_loss²(t)."""
    t = drawing.data["time"].values
    axis.plot(t, drawing.data["v2"].values ** 2, color=BLUE, linewidth=1.4, label="$v_2^2$")
    if "v_loss" in drawing.data:
        loss = drawing.data["v_loss"].values ** 2
        axis.plot(t, loss, color=GREEN, linewidth=1.4, linestyle=(0, (4, 1.5)), label=r"$v_\mathrm{loss}^2$")
        axis.fill_between(t, loss, color=GREEN, alpha=0.12, linewidth=0.0)
    axis.set_xlim(t[0], t[-1])
    axis.set_ylim(bottom=0.0)
    axis.set_xlabel("t, s")
    if legend:
        axis.legend(loc="best")
