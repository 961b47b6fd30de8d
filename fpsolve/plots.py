"""Figures of results: densities, bounds and rates, ready to print."""

from __future__ import annotations

import dataclasses
import math
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from scipy.integrate import simpson

from fpsolve.quadrature import Array
from fpsolve.results import SpeedAccuracy
from fpsolve.settings import InputError

# colours that remain distinct to colour-blind readers and in grey (Okabe and Ito)
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6E6E6E"
#: quantity -> (label, colour)
BARS = {"eta": ("η", ORANGE), "c1": ("c₁", GREEN), "c2": ("c₂", BLUE)}
STYLE = {
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
DPI = 110
#: the instants shown, as parts of tau
INSTANTS = ((0.0, "0"), (1.0 / 3.0, "τ/3"), (2.0 / 3.0, "2τ/3"), (1.0, "τ"))
SUFFIXES = (".png", ".pdf")
#: part of the largest density below which nothing is shown
_FAINT = 2e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Drawing:
    """What the figures need of a result: its Dataset, and the bounds where they have a value."""

    data: xr.Dataset
    bounds: dict[str, float]

    @property
    def tau(self) -> float:
        """Duration, s."""
        return float(self.data["time"].values[-1])

    def density(self, name: str, instant: float) -> Array:
        """A density at a time, interpolated linearly between the two nearest stored ones."""
        field = self.data[name]
        stored = np.asarray(self.data[field.dims[0]].values, float)
        i = int(np.clip(np.searchsorted(stored, instant) - 1, 0, stored.size - 2))
        part = float(np.clip((instant - stored[i]) / (stored[i + 1] - stored[i]), 0.0, 1.0))
        return np.asarray((1.0 - part) * field.values[i] + part * field.values[i + 1])

    def span(self) -> tuple[float, float]:
        """Where anything can be seen at the instants shown."""
        x, seen = self.data["x"].values, np.zeros(self.data["x"].size, bool)
        for name in ("density", "density_estimated"):
            if name in self.data:
                for part, _ in INSTANTS:
                    density = self.density(name, part * self.tau)
                    seen |= density > _FAINT * density.max()
        return float(x[seen].min()), float(x[seen].max())


def plot(result: SpeedAccuracy | xr.Dataset, figure: Any = None) -> Figure | SubFigure:
    """Draw a result: both densities at four times, the bars η ≤ c₁ ≤ c₂, and the rates in time.

    Parameters
    ----------
    result : SpeedAccuracy or xarray.Dataset
        A result, or the Dataset of one; of a forward process alone only the densities are drawn.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure if absent.

    Returns
    -------
    Figure
        Not connected to any window: ``figure.savefig(path)`` writes it, a notebook shows it.

    Raises
    ------
    InputError
        Something that holds no density in time.
    """
    drawing = drawing_of(result)
    rates = "v2" in drawing.data
    with rc_context(STYLE):
        figure = new_figure(9.6, 4.9 if rates else 2.6) if figure is None else figure
        rows = figure.subfigures(2, 1, height_ratios=(1.0, 1.15)) if rates else [figure]
        panels = rows[0].subplots(1, len(INSTANTS), sharex=True, sharey=True)
        draw_densities(panels, drawing, titles=True, legend=True)
        if rates:
            left, right = rows[1].subplots(1, 2, width_ratios=(1.0, 1.7))
            draw_bars(left, [("", drawing)], values=True)
            left.set_ylabel("L²/s")
            draw_rates(right, drawing, legend=True)
            right.set_ylabel("L²/s²")
    return figure  # type: ignore[no-any-return]


def densities_figure(results: Mapping[str, SpeedAccuracy | xr.Dataset], title: str = "") -> Figure:
    """Densities of both processes at four times, one row per result (Fig. 5).

    Parameters
    ----------
    results : mapping
        Label of the row -> result.
    title : str
        Title of the figure.
    """
    with rc_context(STYLE):
        figure = new_figure(9.6, 0.5 + 1.75 * len(results))
        axes = figure.subplots(len(results), len(INSTANTS), sharex=True, sharey="row", squeeze=False)
        for i, (label, result) in enumerate(results.items()):
            draw_densities(axes[i], drawing_of(result), titles=i == 0, legend=i == 0)
            axes[i][0].set_ylabel(f"{label}\ndensity, 1/L")
            for panel in axes[i]:
                panel.set_xlabel("x, L" if i == len(results) - 1 else "")
        figure.suptitle(title)
    return figure


def bounds_figure(groups: Mapping[str, Mapping[str, SpeedAccuracy | xr.Dataset]]) -> Figure:
    """Bars η ≤ c₁ ≤ c₂: one panel per start, one group of bars per schedule (Fig. 4).

    Parameters
    ----------
    groups : mapping
        Start -> schedule -> result.
    """
    with rc_context(STYLE):
        columns = min(len(groups), 2)
        rows = math.ceil(len(groups) / columns)
        figure = new_figure(4.8 * columns, 2.5 * rows)
        axes = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
        for axis, (start, results) in zip(axes, groups.items(), strict=False):
            draw_bars(axis, [(label, drawing_of(result)) for label, result in results.items()])
            axis.set_title(f"start: {start}")
        for axis in axes[::columns]:
            axis.set_ylabel("L²/s")
        for axis in axes[len(groups) :]:
            axis.set_axis_off()
        axes[0].legend(ncols=3, loc="upper left")
    return figure


def rates_figure(groups: Mapping[str, Mapping[str, SpeedAccuracy | xr.Dataset]]) -> Figure:
    """Curves of v₂² and v_loss² in time: one row per start, one column per schedule (Fig. 4).

    Parameters
    ----------
    groups : mapping
        Start -> schedule -> result.
    """
    with rc_context(STYLE):
        columns = max(len(results) for results in groups.values())
        figure = new_figure(9.6, 0.3 + 1.75 * len(groups))
        axes = figure.subplots(len(groups), columns, sharey="col", squeeze=False)
        for i, (start, results) in enumerate(groups.items()):
            for j, (schedule, result) in enumerate(results.items()):
                draw_rates(axes[i][j], drawing_of(result), legend=i == j == 0)
                axes[i][j].set_title(schedule if i == 0 else "")
                axes[i][j].set_xlabel("t, s" if i == len(groups) - 1 else "")
            axes[i][0].set_ylabel(f"{start}\nL²/s²")
    return figure


def figure_of(result: SpeedAccuracy | xr.Dataset, path: Path) -> None:
    """Draw a result into a file, .png or .pdf; the file appears whole or not at all."""
    kind_of(path)
    save_figure(plot(result), path)  # type: ignore[arg-type]


def save_figure(figure: Figure, path: Path, dpi: int = DPI) -> None:
    """Write a figure under a temporary name beside the path, then put it in its place."""
    path = Path(path)
    kind = kind_of(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    # neither the version of matplotlib nor the date: equal results make equal files
    metadata = {"Software": None} if kind == "png" else {"CreationDate": None, "Producer": None}
    try:
        with rc_context(STYLE):
            figure.savefig(temporary, format=kind, dpi=dpi, metadata=metadata)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def kind_of(path: Path) -> str:
    """``png`` or ``pdf``, from the name of a file.

    Raises
    ------
    InputError
        Another ending.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError("figure", f"given {Path(path).name!r}; the name must end in {' or '.join(SUFFIXES)}")
    return suffix[1:]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, that no window and no global state knows of."""
    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def drawing_of(result: SpeedAccuracy | xr.Dataset) -> Drawing:
    """What there is to draw; the bounds of a bare Dataset are integrated from its stored rates."""
    data = result.data if isinstance(result, SpeedAccuracy) else result
    if not isinstance(data, xr.Dataset) or "density" not in data or "time" not in data.coords:
        expected = "expected what speed_accuracy, generate or diffuse returned"
        raise InputError("result", f"given {type(result).__name__}; {expected}")
    if isinstance(result, SpeedAccuracy):
        return Drawing(data, {name: result[name].value for name in BARS if result[name].finite})
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


def draw_densities(axes: Sequence[Axes], drawing: Drawing, *, titles: bool, legend: bool) -> None:
    """Forward density filled, estimated density as a line, one panel per instant."""
    x, low_high = drawing.data["x"].values, drawing.span()
    for axis, (part, word) in zip(axes, INSTANTS, strict=True):
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
            style = {"textcoords": "offset points", "ha": "center", "fontsize": 8 if values else 7}
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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
