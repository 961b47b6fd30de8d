"""Figures: complete, equal for equal results, and without side effects."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

import fpsolve as fp
from fpsolve import plots
from fpsolve.plots.drawing import drawing_of
from fpsolve.settings import InputError

DATA = fp.GaussianMixture(means=(0.5916, -0.5916), stds=(0.3, 0.3))


@pytest.fixture(scope="module")
def forward():
    return fp.diffuse(DATA, fp.Cosine(), cells=120, steps=30)


@pytest.fixture(scope="module")
def result(forward):
    return fp.speed_accuracy(forward, fp.generate(forward, fp.Gaussian(1.0, 1.0)))


@pytest.fixture(scope="module")
def infinite(forward):
    return fp.speed_accuracy(forward, fp.generate(forward, fp.Gaussian(0.0, 1.5)))


def texts(axis):
    return [text.get_text() for text in axis.texts]


def titles(figure):
    return [axis.get_title() for axis in figure.axes]


def test_a_result_shows_densities_bars_and_rates(result):
    figure = plots.plot(result)
    assert titles(figure)[:4] == ["t = 0", "t = τ/3", "t = 2τ/3", "t = τ"]
    bars, rates = figure.axes[4:]
    assert texts(bars) == [f"{result[name].value:#.4g}" for name in ("eta", "c1", "c2")]
    assert [patch.get_height() for patch in bars.patches] == [result[name].value for name in ("eta", "c1", "c2")]
    time = result.data["time"].values
    assert np.allclose(rates.lines[0].get_xdata(), time)
    assert np.allclose(rates.lines[0].get_ydata(), result.data["v2"].values ** 2)
    assert np.all(rates.lines[1].get_ydata() <= rates.lines[0].get_ydata() + 1e-12)


def test_every_axis_has_units(result):
    for axis in plots.plot(result).axes:
        if axis.lines:
            assert axis.get_xlabel() in ("x, L", "t, s")
    labels = {axis.get_ylabel() for axis in plots.plot(result).axes}
    assert {"density, 1/L", "L²/s", "L²/s²"} <= labels


def test_a_dataset_gives_the_bars_of_its_result(result):
    bounds = drawing_of(result.data).bounds
    for name, value in bounds.items():
        assert math.isclose(value, result[name].value, rel_tol=1e-4), name
    assert set(bounds) == {"eta", "c1", "c2"}


def test_a_bound_without_a_value_is_named_so(infinite):
    for shown in (infinite, infinite.data):
        assert texts(plots.plot(shown).axes[4])[:2] == ["no value", "no value"]


def test_a_forward_process_alone_has_densities_only(forward):
    figure = plots.plot(forward)
    assert len(figure.axes) == 4
    assert [len(axis.lines) for axis in figure.axes] == [1] * 4


def test_only_stored_instants_are_shown(result):
    thin = result.data.drop_vars(["velocity", "current"])
    fields = [name for name in ("density", "density_estimated")]
    snapshots = thin[fields].isel(time=[0, -1]).drop_vars("reverse_time").rename(time="snapshot")
    figure = plots.plot(thin.drop_vars(fields).assign(snapshots.data_vars))
    assert titles(figure)[:2] == ["t = 0", "t = τ"]
    assert np.array_equal(figure.axes[0].lines[0].get_ydata(), result.data["density"].values[0])


def test_groups(result, infinite):
    groups = {"mean": {"cosine": result}, "variance": {"cosine": infinite}, "third": {"cosine": result}}
    bars = plots.bounds_figure(groups)
    assert titles(bars) == ["start: mean", "start: variance", "start: third", ""]
    assert len(plots.rates_figure(groups).axes) == 3
    assert len(plots.densities_figure({"a": result, "b": infinite}, "title").axes) == 8


def test_a_given_figure_is_drawn_into(result):
    from matplotlib.figure import Figure

    given = Figure()
    assert plots.plot(result, given) is given and len(given.axes) == 6


def test_no_global_state_is_touched(result):
    import matplotlib

    before = dict(matplotlib.rcParams)
    loaded = "matplotlib.pyplot" in sys.modules
    plots.plot(result)
    assert dict(matplotlib.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == loaded


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".PNG"])
def test_files_are_whole_and_repeatable(result, tmp_path, suffix):
    path = tmp_path / f"figure{suffix}"
    plots.figure_of(result, path)
    first = path.read_bytes()
    assert first[:4] in (b"\x89PNG", b"%PDF")
    plots.figure_of(result, path)
    assert path.read_bytes() == first
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_failure_leaves_nothing_behind(result, tmp_path):
    class Broken:
        def savefig(self, *args, **kwargs):
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        plots.save_figure(Broken(), tmp_path / "figure.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["figure.jpg", "figure"])
def test_other_suffixes_are_refused(result, tmp_path, name):
    with pytest.raises(InputError, match=r"\.png or \.pdf"):
        plots.figure_of(result, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("thing", [None, 3, "result.nc"])
def test_other_things_are_refused(thing):
    with pytest.raises(InputError, match="speed_accuracy"):
        plots.plot(thing)
