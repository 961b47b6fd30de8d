"""Figures of learned velocities: the rate of the error against its bound, D in time, and the bounds of the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from fpsolve.estimates import Estimate
from fpsolve.plots.panels import BLUE, GREEN, GREY, ORANGE, PURPLE, words
from fpsolve.results import Incomplete

_DIGITS = 4


def draw_incomplete(figure: Any, result: Incomplete) -> None:
    """Rates, D and bounds beside each other."""
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.3, 1.0, 0.9))
    draw_error_rates(left, result)
    draw_divergence(middle, result)
    draw_error_bounds(right, result)


def draw_error_rates(axis: Axes, result: Incomplete) -> None:
    """|dW₁/dt| below its local bound, which is what the dissipation allows and what the velocity lacks."""
    data = result.data
    t, sharp, lacking = (data[name].values for name in ("time", "sharp", "error"))
    axis.fill_between(t, sharp - lacking, sharp, color=ORANGE, alpha=0.35, linewidth=0.0, label=r"$E_{\tilde P}|e|$")
    axis.plot(t, sharp - lacking, color=BLUE, linewidth=1.0, label=r"$\sqrt{TṠ D_t}$")
    axis.plot(t, sharp, color=ORANGE, linewidth=1.2, label="bound: the sum")
    axis.plot(t, np.abs(data["W1_rate"].values), color="black", linewidth=1.4, label=r"$|\partial_t W_1|$")
    axis.set(xlim=(t[0], t[-1]), xlabel="t, s", ylabel="L/s")
    axis.set_ylim(bottom=0.0)
    axis.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), fontsize=8, ncols=4, columnspacing=1.0)


def draw_divergence(axis: Axes, result: Incomplete) -> None:
    """D_t: constant for the exact velocity, and not for a learned one."""
    t, chi2 = (result.data[name].values for name in ("time", "chi2"))
    axis.plot(t, chi2, color=GREEN, linewidth=1.4, label="$D_t$")
    axis.axhline(chi2[-1], color=GREY, linewidth=0.9, linestyle=(0, (4, 1.5)), label=r"with the exact velocity")
    axis.set(xlim=(t[0], t[-1]), xlabel="t, s", ylabel="χ² divergence D")
    axis.margins(y=0.2)
    axis.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), fontsize=8, ncols=2, columnspacing=1.0)


def draw_error_bounds(axis: Axes, result: Incomplete) -> None:
    """|ΔW₁| below the sharper bound and (100)."""
    change = result["delta_W1"]
    bars = {
        "|ΔW₁|": (Estimate(abs(change.value), change.error), "black"),
        "sharper": (result["sharp_bound"], ORANGE),
        "(100)": (result["bound"], PURPLE),
    }
    place: Any = {"textcoords": "offset points", "ha": "center", "va": "bottom", "fontsize": 8}
    for i, (estimate, colour) in enumerate(bars.values()):
        axis.bar(i, estimate.value if estimate.finite else 0.0, 0.7, color=colour, alpha=0.85)
        text = words(estimate, _DIGITS) if estimate.finite else "no value"
        axis.annotate(text, (i, estimate.value if estimate.finite else 0.0), (0, 2), **place)
    axis.set_xticks(range(len(bars)), list(bars))
    axis.tick_params(axis="x", length=0)
    axis.margins(y=0.14)
    axis.set_ylabel("L")
