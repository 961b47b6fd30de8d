"""Figures of schedules and of learned velocities: what they draw is what was computed, with units."""

from __future__ import annotations

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.experiments.learned import learned_cases
from fpsolve.settings import InputError

TWO = fp.GaussianMixture(means=(-1.0, 0.4), stds=(0.2, 0.6))
SCHEDULES = {"cosine": fp.Cosine(tau=2.0), "straight": fp.ConditionalOptimalTransport(tau=2.0)}


@pytest.fixture(scope="module")
def costs():
    return {name: fp.schedule_costs(TWO, schedule) for name, schedule in SCHEDULES.items()}


def labelled(axis):
    return {line.get_label(): line for line in axis.lines if not line.get_label().startswith("_")}


def test_the_curves_run_from_data_to_noise(costs):
    axis = fp.plot(costs).axes[0]
    lines = labelled(axis)
    assert lines.keys() == {"cosine", "straight", "best"}
    for line in lines.values():
        m, sigma = line.get_xdata(), line.get_ydata()
        assert np.allclose([m[0], sigma[0], m[-1], sigma[-1]], [1.0, 0.0, 0.0, 1.0], atol=1e-12)
    m, sigma = lines["straight"].get_xdata(), lines["straight"].get_ydata()
    assert np.allclose(m + sigma, 1.0, atol=1e-14)
    assert axis.get_xlabel() == "m, signal" and axis.get_ylabel() == "σ, noise"


def test_the_areas_below_the_speeds_are_the_costs(costs):
    axis = fp.plot(costs).axes[1]
    drawn = [line for line in axis.lines if np.size(line.get_xdata()) > 1]
    for (before, after), found in zip(zip(drawn[::2], drawn[1::2], strict=True), costs.values(), strict=True):
        area = np.trapezoid(before.get_ydata(), before.get_xdata())
        assert abs(area - found.c2.value) < 1e-3 * found.c2.value
        assert np.allclose(2.0 * np.array(after.get_ydata()), found.c2_retimed.value)
    assert axis.get_ylabel() == "$v_2^2$, L²/s²" and axis.get_xlabel() == "t, s"


def test_the_bars_are_the_costs(costs):
    axis = fp.plot(costs).axes[2]
    heights = [bar.get_height() for bar in axis.patches if bar.get_height() > 0.0]
    wanted = [getattr(each, name).value for each in costs.values() for name in ("c2", "c2_retimed", "c2_best")]
    assert np.allclose(heights, wanted, rtol=1e-14)
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["cosine", "straight"]


def test_one_schedule_has_its_kind_for_a_name(costs):
    figure = fp.plot(costs["straight"])
    assert "cond-ot" in labelled(figure.axes[0])


@pytest.mark.parametrize("wrong", [{}, {"cosine": 1.0}])
def test_other_mappings_are_refused(wrong):
    with pytest.raises(InputError, match="schedule_costs returned"):
        fp.plot(wrong)


def test_a_learned_velocity_below_its_bound():
    result = learned_cases()["learned-coarse"].assess()
    left, middle, right = fp.plot(result).axes
    lines = labelled(left)
    rate, bound = (lines[name].get_ydata() for name in (r"$|\partial_t W_1|$", "bound: the sum"))
    assert np.all(rate <= bound + 1e-9) and np.array_equal(bound, result.data["sharp"].values)
    assert np.array_equal(labelled(middle)["$D_t$"].get_ydata(), result.data["chi2"].values)
    heights = [bar.get_height() for bar in right.patches]
    assert heights == [abs(result["delta_W1"].value), result["sharp_bound"].value, result["bound"].value]
    assert heights == sorted(heights)
    assert left.get_xlabel() == middle.get_xlabel() == "t, s" and left.get_ylabel() == "L/s"
