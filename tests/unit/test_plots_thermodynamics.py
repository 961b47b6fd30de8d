"""Figures of thermodynamics: what they draw is what the ledger holds, with units, and nothing lies on anything."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import xarray as xr

import fpsolve as fp
from fpsolve import plots
from fpsolve.measuring import trade_offs
from fpsolve.plots.thermodynamics import limits_of
from fpsolve.settings import InputError


@pytest.fixture(scope="module")
def results():
    around = fp.Domain(0.0, 2.0, "periodic")
    ring = fp.FokkerPlanck(fp.TiltedRing(1.5, 1.0, 2.0), 0.3, domain=around)
    well = fp.FokkerPlanck(fp.Quartic(1.0, 1.0), 0.5, mobility=2.0)
    times = np.linspace(0.0, 1.0, 9)
    return {
        "ring": trade_offs(fp.solve(ring, fp.Gaussian(1.0, 0.12), times, grid=around.grid(128))),
        "well": trade_offs(fp.solve(well, fp.Gaussian(0.5, 0.5), times)),
    }


@pytest.fixture(scope="module")
def comparison():
    total, bars = ("protocol", [0.8, 1.1, 2.5]), ("protocol", [1e-6, 1e-5, 0.3])
    return xr.Dataset(
        {"entropy_production": total, "entropy_production_error": bars, "bound": 0.8},
        {"protocol": ["optimal", "linear", "quench"]},
    )


def drawn(axis):
    return {line.get_label(): line for line in axis.lines if not line.get_label().startswith("_")}


def test_balances_are_those_of_the_ledger(results):
    books = results["ring"].data
    left, right = plots.plot(books).axes
    curves = {"energy": "energy", "work": "work", "heat": "heat"}
    assert drawn(left).keys() == curves.keys()
    for label, name in curves.items():
        assert np.array_equal(drawn(left)[label].get_ydata(), books[name].values - books[name].values[0])
        assert np.array_equal(drawn(left)[label].get_xdata(), books["time"].values)
    curves = {"total": "entropy_production", "system": "system_entropy", "bath": "bath_entropy"}
    curves |= {name: name for name in ("excess", "coupling", "housekeeping")}
    assert drawn(right).keys() == curves.keys()
    for label, name in curves.items():
        assert np.array_equal(drawn(right)[label].get_ydata(), books[name].values - books[name].values[0])


def test_the_sums_are_sums(results):
    """Work and heat make the energy, system and bath the total, and so do the parts: read off the figure."""
    for result in results.values():
        left, right = (drawn(axis) for axis in plots.plot(result).axes[:2])
        made = left["work"].get_ydata() + left["heat"].get_ydata()
        assert np.allclose(made, left["energy"].get_ydata(), rtol=0.0, atol=1e-12)
        made = right["system"].get_ydata() + right["bath"].get_ydata()
        assert np.allclose(made, right["total"].get_ydata(), rtol=0.0, atol=1e-12)
    parts = sum(right_[name].get_ydata() for right_ in [drawn(plots.plot(results["ring"]).axes[1])] for name in (
        "excess", "coupling", "housekeeping"
    ))  # fmt: skip
    error = results["ring"].data["entropy_production_error"].values
    assert np.all(np.abs(parts - drawn(plots.plot(results["ring"]).axes[1])["total"].get_ydata()) <= 1e-3 + error)


def test_parts_are_drawn_where_something_drives(results):
    assert "housekeeping" in drawn(plots.plot(results["ring"]).axes[1])
    assert drawn(plots.plot(results["well"]).axes[1]).keys() == {"total", "system", "bath"}


def test_bands_are_drawn_where_they_are_seen(results):
    books = results["well"].data
    assert not plots.plot(books).axes[0].collections
    wide = books.assign(heat_error=books["heat_error"] * 0.0 + 0.1)
    (band,) = plots.plot(wide).axes[0].collections
    reached = band.get_paths()[0].vertices[:, 1]
    heat = books["heat"].values
    assert np.isclose(reached.max(), heat.max() + 0.1) and np.isclose(reached.min(), heat.min() - 0.1)


def test_the_staircase_goes_down(results):
    for name, result in results.items():
        steps = plots.plot(result).axes[2]
        heights = [patch.get_height() for patch in steps.patches]
        limits = limits_of(result)
        assert heights == [estimate.value for estimate in limits.values()]
        slack = [above.error + below.error for above, below in itertools.pairwise(limits.values())]
        assert all(a + s >= b for a, b, s in zip(heights, heights[1:], slack, strict=False))
        assert [label.get_text() for label in steps.get_xticklabels()] == list(limits)
        assert ("W₂²" in limits) == (name == "well")
        written = zip(steps.texts, limits.values(), [None, *heights], strict=False)
        for text, (height, error), above in ((t, (e.value, e.error), a) for t, e, a in written):
            value, *drop = text.get_text().split("\n")
            assert abs(float(value) - height) <= max(error, 5e-4 * height)
            if above is not None and drop != ["(equal)"]:
                part = float(drop[0].strip("(%)").replace("−", "-")) / 100.0
                assert part == pytest.approx((height - above) / above, rel=0.06)


def test_the_first_step_has_the_mobility_in_it(results):
    """On a line v₂² is the mobility times T S', so the first two steps are one."""
    limits = limits_of(results["well"])
    first, second = limits["τ∫TṠ dt"], limits["τ∫v₂² dt"]
    assert abs(first.value - second.value) <= first.error + second.error
    matrix = dataclasses.replace(results["well"], case=results["well"].case | {"mobility": [[2.0, 0.0], [0.0, 1.0]]})
    assert "τ∫TṠ dt" not in limits_of(matrix)


def test_protocols_are_split_into_bound_and_rest(comparison):
    (axis,) = plots.plot(comparison).axes
    bound, rest = axis.containers[:2]
    assert [bar.get_height() for bar in bound] == [0.8] * 3
    total = [low.get_height() + high.get_height() for low, high in zip(bound, rest, strict=True)]
    assert total == pytest.approx(comparison["entropy_production"].values, rel=1e-15)
    assert [label.get_text() for label in axis.get_xticklabels()] == ["optimal", "linear", "quench"]
    assert axis.get_ylabel() == "entropy production, nats"


def test_what_is_left_to_the_target_stands_on_top(comparison):
    further = comparison.assign(total_to_target=("protocol", [0.8, 1.5, 2.5]))
    (axis,) = plots.plot(further).axes
    tops = [bar.get_y() + bar.get_height() for bar in axis.containers[2]]
    assert tops == pytest.approx([0.8, 1.5, 2.5], rel=1e-15)
    assert [text.get_text() for text in axis.texts] == ["0.8000", "1.100", "2.5"]


def test_every_axis_has_units(results):
    for result in results.values():
        energy, entropy, steps = plots.plot(result).axes
        assert energy.get_xlabel() == entropy.get_xlabel() == "t, s"
        assert "L²/s" in energy.get_ylabel() and "nats" in entropy.get_ylabel() and "L²" in steps.get_ylabel()


def test_no_text_lies_on_another(results, comparison):
    for figure in [*(plots.plot(result) for result in results.values()), plots.plot(comparison)]:
        figure.canvas.draw()
        shown = []
        for axis in figure.axes:
            shown += [*axis.texts, *axis.get_xticklabels(), axis.yaxis.label, axis.xaxis.label]
            shown += axis.get_legend().get_texts() if axis.get_legend() else []
        boxes = [(text.get_text(), text.get_window_extent()) for text in shown if text.get_text()]
        assert [(a, b) for (a, one), (b, other) in itertools.combinations(boxes, 2) if one.overlaps(other)] == []


def test_a_solution_without_a_ledger_says_why():
    leaking = fp.FokkerPlanck(fp.LinearForce(-1.0), 0.5, domain=fp.Domain(-1.0, 1.0, "absorbing"))
    result = trade_offs(fp.solve(leaking, fp.Uniform(-0.5, 0.5), [0.0, 0.1], grid=fp.Grid.line(-1, 1, 64, "absorbing")))
    with pytest.raises(InputError, match="absorbing ends"):
        plots.plot(result)


def test_a_file_is_written(results, tmp_path):
    plots.figure_of(results["well"], tmp_path / "well.pdf")
    assert [path.name for path in tmp_path.iterdir()] == ["well.pdf"]
