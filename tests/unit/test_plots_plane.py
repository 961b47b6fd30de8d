"""Figures in the plane: images the right way round, bars of the right heights, arrows where there is density."""

from __future__ import annotations

import dataclasses
import io
import math
import warnings

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import QuadMesh
from matplotlib.quiver import Quiver

import fpsolve as fp
from fpsolve import plots
from fpsolve.experiments import STATEMENTS, Verification
from fpsolve.io import load, save
from fpsolve.plots.drawing import plane_drawing
from fpsolve.plots.images import densest
from fpsolve.report import figure_name, figures_of, page, write_report
from fpsolve.results import SYMBOLS

X, Y = np.linspace(-3.0, 4.0, 71), np.linspace(-4.0, 2.0, 49)
TIME = np.linspace(0.0, 2.0, 41)
#: where the forward and the estimated density sit, off both diagonals
PLACE, ESTIMATED = (1.5, -0.6), (0.2, -2.0)
VELOCITY = (0.6, -0.2)
TITLES = ["t = 0", "t = τ/3", "t = 2τ/3", "t = τ"]
BOUNDS = {"eta": (0.4, 0.1), "c1": (0.9, 0.02), "c2": (2.0, 1e-6), "dissipation": (5.0, 1e-6)}


def bump(place, width=0.4):
    x, y = (0.5 * (edge[1:] + edge[:-1]) for edge in (X, Y))
    squared = ((x - place[0])[:, None] ** 2 + (y - place[1])[None, :] ** 2) / (2.0 * width**2)
    return np.exp(-squared) / (2.0 * math.pi * width**2)


def dataset(*, estimated=True, measured=True, snapshots=4, dissipation=5.0, v_loss=0.5):
    """A result by hand: a bump at rest in a uniform wind."""
    times = np.linspace(0.0, 2.0, snapshots)
    coordinates = {"time": TIME, "snapshot": times, "x_face": X, "y_face": Y}
    coordinates |= {name: 0.5 * (edge[1:] + edge[:-1]) for name, edge in (("x", X), ("y", Y))}
    fields = {"density": bump(PLACE), "velocity_x": VELOCITY[0], "velocity_y": VELOCITY[1]}
    if estimated:
        fields["density_estimated"] = bump(ESTIMATED, 0.3)
    shape = (snapshots, X.size - 1, Y.size - 1)
    variables = {name: (("snapshot", "x", "y"), np.broadcast_to(field, shape)) for name, field in fields.items()}
    if measured:
        series = {"v2": np.full(41, 1.0), "dissipation_rate": np.full(41, dissipation), "chi2": np.full(41, 0.5)}
        series |= {"v_loss": np.full(41, v_loss), "W1": 1.0 + 0.4 * TIME}
        variables |= {name: ("time", values) for name, values in series.items()}
    return xr.Dataset(variables, coordinates, {"recipe": "{}", "format_version": 1})


def result_of(data, bounds=BOUNDS):
    estimates = {name: fp.Estimate(value, error, "L2/s") for name, (value, error) in bounds.items()}
    estimates |= {name: fp.Estimate(1.0, 0.1) for name in SYMBOLS if name not in estimates}
    relation = fp.Relation("speed-accuracy", "(77)", 0.4, 2.0, 0.1)
    diagnostics = {"mass_error": 0.0, "minimum_density": 0.0, "chi2_drift": None, "truncated": {}, "seconds": 0.1}
    return fp.SpeedAccuracy({}, estimates, (relation,), data, diagnostics)


@pytest.fixture(scope="module")
def result():
    return result_of(dataset())


@pytest.fixture(scope="module")
def drawn(result):
    """The figure of the result, for tests that only look."""
    figure = plots.plot(result)
    figure.canvas.draw()
    return figure


def images(figure):
    """Axes with an image of a density, in the order in which they were drawn."""
    return [axis for axis in figure.axes if axis.get_aspect() == 1.0]


def mesh(axis):
    return next(item for item in axis.collections if isinstance(item, QuadMesh))


def arrows(axis):
    return [item for item in axis.collections if isinstance(item, Quiver)]


def brightest(axis):
    """Where the image is brightest, in coordinates of the axes."""
    found = mesh(axis)
    colours, corners = found.get_array(), found.get_coordinates()
    row, column = np.unravel_index(int(np.argmax(colours)), colours.shape)
    return corners[row : row + 2, column : column + 2].mean(axis=(0, 1))


def heights(axis):
    return [patch.get_height() for patch in axis.patches]


def texts(axis):
    return [text.get_text() for text in axis.texts]


def whiskers(axis):
    """Ends of the error bars."""
    found = [
        container.lines[2][0].get_segments()[0][:, 1] for container in axis.containers if hasattr(container, "has_yerr")
    ]
    return [tuple(float(end) for end in ends) for ends in found]


def bars_of(figure):
    return next(axis for axis in figure.axes if axis.patches and axis.get_ylabel() == "L²/s")


def test_x_runs_to_the_right_and_y_upwards(drawn):
    panels = images(drawn)
    assert len(panels) == 8
    cell = (X[1] - X[0], Y[1] - Y[0])
    for panel, place in zip(panels, [PLACE] * 4 + [ESTIMATED] * 4, strict=True):
        assert np.all(np.abs(brightest(panel) - place) <= cell)
        assert panel.get_xlim()[0] < panel.get_xlim()[1] and panel.get_ylim()[0] < panel.get_ylim()[1]
    # the pixel of the drawn image, not only the array behind it: yellow right of and below its middle
    pixels, panel = np.asarray(drawn.canvas.buffer_rgba()).astype(int), images(drawn)[4]
    left, low = panel.transData.transform(ESTIMATED).astype(int)
    assert pixels[-low, left, 0] > 200 and pixels[-low, left, 2] < 90
    low_mirrored = panel.transData.transform(ESTIMATED[::-1]).astype(int)[1]
    assert pixels[-low_mirrored, left, 0] < 90


def test_both_rows_share_the_colours_of_an_instant(result, drawn):
    panels = images(drawn)
    most = float(result.data["density_estimated"].max())
    for panel in panels:
        assert mesh(panel).get_clim() == (0.0, most)
        assert mesh(panel).get_cmap().name == "viridis"
        assert mesh(panel).get_rasterized()


def test_labels_and_units(drawn):
    panels = images(drawn)
    assert [panel.get_title() for panel in panels[:4]] == TITLES
    assert [panel.get_xlabel() for panel in panels] == [""] * 4 + ["x, L"] * 4
    assert [panel.get_ylabel().split("\n")[-1] for panel in panels] == ["y, L", "", "", ""] * 2
    assert sum(axis.get_xlabel() == "density, 1/L²" for axis in drawn.axes) == 4
    assert {"L²/s", "L²/s²"} <= {axis.get_ylabel() for axis in drawn.axes}


def test_panels_show_what_can_be_seen_and_little_else(drawn):
    panel = images(drawn)[0]
    for limits, place, other, edge in zip((panel.get_xlim(), panel.get_ylim()), PLACE, ESTIMATED, (X, Y), strict=True):
        # a bump is darker than a hundredth of its peak beyond three widths
        assert limits[0] < min(place, other) - 0.8 and limits[1] > max(place, other) + 0.8
        assert edge[0] < limits[0] and limits[1] < edge[-1]


def written(axis):
    """Every text that is drawn with some axes: title, labels, ticks in view, notes, keys of arrows."""
    found = [axis.title, axis.xaxis.label, axis.yaxis.label, *axis.texts]
    for i, (line, (low, high)) in enumerate(((axis.xaxis, axis.get_xlim()), (axis.yaxis, axis.get_ylim()))):
        found += [text for text in line.get_ticklabels() if low <= text.get_position()[i] <= high]
    found += [item.text for item in axis.get_children() if hasattr(item, "labelsep")]
    return [text for text in found if text.get_text() and text.get_visible()]


@pytest.mark.parametrize(
    "draw",
    [
        lambda result: plots.plot(result),
        lambda result: plots.plot(dataset(estimated=False, measured=False)),
        lambda result: plots.planes_figure({"cosine": result, "conditional": result}, "title"),
        lambda result: plots.strength_figure({f"{i}": {g: result for g in range(6)} for i in range(2)}),
        lambda result: plots.strength_figure({f"{i}": {g: result for g in range(4)} for i in range(2)}),
    ],
)
def test_no_texts_overlap_or_leave_the_figure(result, draw):
    figure = draw(result)
    figure.canvas.draw()
    boxes = [
        (text.get_text(), text.get_window_extent()) for axis in figure.axes if axis.axison for text in written(axis)
    ]
    assert len(boxes) > 20
    for i, (text, box) in enumerate(boxes):
        assert box.x0 >= 0.0 and box.y0 >= 0.0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text
        for other_text, other in boxes[i + 1 :]:
            assert not box.overlaps(other), (text, other_text)


def test_arrows_point_along_the_velocity_and_begin_where_there_is_density(result, drawn):
    panels = images(drawn)
    density = result.data["density"].values[0]
    for panel in panels[:4]:
        (field,) = arrows(panel)
        assert np.allclose(field.U, VELOCITY[0]) and np.allclose(field.V, VELOCITY[1])
        cells = [np.searchsorted(edge, at) - 1 for edge, at in ((X, field.X), (Y, field.Y))]
        assert 4 < len(field.X) < 80
        assert np.all(density[cells[0], cells[1]] > 0.04 * density.max())
    assert not any(arrows(panel) for panel in panels[4:])


def test_arrows_follow_a_thin_shape_and_do_not_crowd():
    edges = (np.linspace(0.0, 1.0, 121),) * 2
    middles = 0.5 * (edges[0][1:] + edges[0][:-1])
    line = np.exp(-(((middles[:, None] - 0.3 * middles[None, :] - 0.317) / 0.006) ** 2))
    rows, columns = densest(line, np.array([[0.0, 1.0], [0.0, 1.0]]), edges)
    assert len(rows) >= 8
    assert np.all(line[rows, columns] > 0.05 * line.max())
    apart = np.maximum(np.abs(np.subtract.outer(rows, rows)), np.abs(np.subtract.outer(columns, columns)))
    assert np.min(apart + 1000 * np.eye(len(rows))) >= 5


def test_what_is_at_rest_has_no_arrows(result):
    still = result.data.assign({name: 0.0 * result.data[name] for name in ("velocity_x", "velocity_y")})
    still["velocity_x"].values[-1] = np.nan
    assert not any(arrows(panel) for panel in images(plots.plot(still)))


def test_bars_and_their_errors(drawn):
    bars = bars_of(drawn)
    assert heights(bars) == [0.4, 0.9, 2.0, 5.0]
    assert [label.get_text() for label in bars.get_xticklabels()] == ["η", "c₁", "c₂", "∫TṠ dt"]
    assert np.allclose(whiskers(bars), [(0.3, 0.5), (0.88, 0.92)])
    # no more digits than the bar leaves
    assert texts(bars) == ["0.4", "0.90", "2.000", "5.000"]
    assert bars.get_yscale() == "linear"


def test_dissipation_stands_apart_only_where_it_differs():
    data = dataset(dissipation=1.0)
    figure = plots.plot(result_of(data, BOUNDS | {"dissipation": (2.0, 1e-6)}))
    assert heights(bars_of(figure)) == [0.4, 0.9, 2.0]
    assert [line.get_label() for line in figure.axes[-1].lines] == ["$v_2^2$ = TṠ", r"$v_\mathrm{loss}^2$"]


def test_rates(drawn):
    rates = next(axis for axis in drawn.axes if axis.get_ylabel() == "L²/s²")
    curves = {line.get_label(): line.get_ydata() for line in rates.lines}
    assert list(curves) == ["$v_2^2$", r"$v_\mathrm{loss}^2$", "TṠ"]
    for curve, value in zip(curves.values(), (1.0, 0.25, 5.0), strict=True):
        assert np.allclose(curve, value)
    assert rates.get_yscale() == "linear"


def test_what_spans_more_than_two_decades_is_logarithmic():
    bounds = {"eta": (7e-6, 0.0), "c1": (1e-4, 2e-4), "c2": (1.0, 0.0), "dissipation": (30.0, 900.0)}
    figure = plots.plot(result_of(dataset(dissipation=30.0, v_loss=0.01), bounds))
    bars, rates = bars_of(figure), next(axis for axis in figure.axes if axis.get_ylabel() == "L²/s²")
    for axis, least, most in ((bars, 7e-6, 930.0), (rates, 1e-4, 30.0)):
        assert axis.get_yscale() == "log"
        assert axis.get_ylim()[0] < least and axis.get_ylim()[1] > most
    assert heights(bars) == [7e-6, 1e-4, 1.0, 30.0]


def test_a_quantity_without_a_value_is_named_so():
    nothing = {"v_loss": np.nan, "dissipation": 1.0}
    found = result_of(dataset(**nothing), BOUNDS | {"eta": (math.nan, math.nan), "c1": (math.inf, math.nan)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = plots.plot(found)
    assert texts(bars_of(figure))[:2] == ["no value", "no value"]
    assert [line.get_label() for line in figure.axes[-1].lines] == ["$v_2^2$ = TṠ"]


def test_a_dataset_gives_the_bars_of_its_rates(result):
    bars = bars_of(plots.plot(result.data))
    # (ΔW₁)² / (τ D₀), ∫ v_loss² dt, ∫ v₂² dt, ∫ T Ṡ dt of constants over τ = 2
    assert np.allclose(heights(bars), [0.8**2 / (2.0 * 0.5), 0.5, 2.0, 10.0])
    assert whiskers(bars) == []
    # what a file knows no error of is not printed to many digits
    assert texts(bars)[0] == "0.64"


def test_a_forward_process_alone_has_one_row():
    figure = plots.plot(dataset(estimated=False, measured=False))
    panels = images(figure)
    assert [panel.get_title() for panel in panels] == TITLES
    assert [panel.get_xlabel() for panel in panels] == ["x, L"] * 4
    assert all(arrows(panel) for panel in panels)
    assert not any(axis.patches for axis in figure.axes)


def test_only_stored_instants_are_shown():
    assert [panel.get_title() for panel in images(plots.plot(dataset(snapshots=3)))[:2]] == ["t = 0", "t = τ"]


def test_files(result, tmp_path):
    save(result.data, tmp_path / "result.nc")
    loaded = load(tmp_path / "result.nc")
    for suffix in ("png", "pdf"):
        plots.figure_of(loaded, tmp_path / f"figure.{suffix}")
        assert 5_000 < (tmp_path / f"figure.{suffix}").stat().st_size < 300_000
    # equal results make equal files
    plots.figure_of(result.data, tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "figure.png").read_bytes()


def test_a_given_figure_is_drawn_into(result):
    from matplotlib.figure import Figure

    given = Figure(layout="constrained")
    assert plots.plot(dataset(estimated=False, measured=False), given) is given
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given.savefig(io.BytesIO(), format="png")


def test_planes_figure(result):
    forward = dataset(estimated=False)
    figure = plots.planes_figure({"cosine": result, "cond-OT": result.data, "alone": forward}, "Fig. 3")
    panels = images(figure)
    assert len(panels) == 5 * 4
    names = [panel.get_ylabel() for panel in panels[::4]]
    assert [name.split("\n")[0] for name in names] == ["cosine", "cosine", "cond-OT", "cond-OT", "alone"]
    assert ["estimated" in name for name in names] == [False, True, False, True, False]
    for row, name in enumerate(names):
        place = ESTIMATED if "estimated" in name else PLACE
        assert np.all(np.abs(brightest(panels[4 * row]) - place) <= 0.13)
    assert len({mesh(panel).get_clim() for panel in panels}) == 1
    assert len({(*panel.get_xlim(), *panel.get_ylim()) for panel in panels}) == 1


def test_planes_figure_shows_common_instants(result):
    figure = plots.planes_figure({"four": result, "two": dataset(snapshots=2)})
    assert [panel.get_title() for panel in images(figure)[:2]] == ["t = 0", "t = τ"]


def test_strength_figure(result):
    known = {"eta": (0.09, 0.045), "c1": (0.4, 0.0), "dissipation": (12.0, 0.0)}
    known = {name: fp.Estimate(*pair, "L2/s") for name, pair in known.items()}
    divergent = known | {"eta": fp.Estimate.infinite("D0 diverges"), "c1": fp.Estimate.undefined("D0 diverges")}
    figure = plots.strength_figure({"published": {0: divergent, 3.0: divergent}, "longer": {"g = 5": known, 0: result}})
    published, longer = figure.axes
    assert [axis.get_title() for axis in figure.axes] == ["published", "longer"]
    assert [label.get_text() for label in published.get_xticklabels()] == ["0", "3"]
    assert [label.get_text() for label in longer.get_xticklabels()] == ["g = 5", "0"]
    assert heights(published) == [0.0, 0.0, 12.0] * 2
    assert texts(published) == ["no value", "no value", "12.0"] * 2
    assert heights(longer) == [0.09, 0.4, 12.0, 0.4, 0.9, 5.0]
    assert np.allclose(whiskers(longer), [(0.045, 0.135), (0.3, 0.5), (0.88, 0.92)])
    assert [axis.get_yscale() for axis in figure.axes] == ["log", "log"]
    assert published.get_ylabel() == "L²/s" and published.get_xlabel() == "g, 1/s"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["η", "c₁", "∫TṠ dt"]


def test_strength_figure_is_linear_within_two_decades(result):
    (axis,) = plots.strength_figure({"": {0: result, 3: result.data}}).axes
    assert axis.get_yscale() == "linear" and axis.get_ylim()[0] == 0.0


@pytest.mark.parametrize("panels", [1, 3])
def test_strength_figure_spares_unused_panels(result, panels):
    figure = plots.strength_figure({f"variant {i}": {0: result} for i in range(panels)})
    assert sum(axis.axison for axis in figure.axes) == panels


@pytest.fixture(scope="module")
def transport():
    first, second = fp.PlaneGaussian((-1.0, 0.5), std=0.3), fp.PlaneGaussian((1.0, -0.7), std=0.3)
    return fp.transport_w2(first, second, cells=48, lower=(-3.0, -3.0), upper=(3.0, 2.5))


def test_map_figure_of_a_translation(transport):
    figure = plots.map_figure(transport, "a translation")
    panels = images(figure)
    assert [panel.get_title() for panel in panels[1:]] == ["s = 0", "s = 1/2", "s = 1"]
    for panel, place in zip(panels[1:], [(-1.0, 0.5), (0.0, -0.1), (1.0, -0.7)], strict=True):
        assert np.all(np.abs(brightest(panel) - place) <= 0.13)
    (drawn,) = arrows(panels[0])
    # every arrow is the translation, as long as it is on the axes
    assert len(drawn.X) > 4
    assert np.max(np.abs(drawn.U - 2.0)) < 0.05 and np.max(np.abs(drawn.V + 1.2)) < 0.05
    assert drawn.scale == 1.0 and drawn.angles == "xy" and drawn.scale_units == "x"
    note = next(axis for axis in figure.axes if not axis.axison).texts[0].get_text()
    value, error = (float(part.split()[0]) for part in note.removeprefix("$W_2$ = ").split(" ± "))
    assert abs(value - math.hypot(2.0, 1.2)) <= error + 5e-4


@pytest.mark.parametrize(
    "refused",
    [
        lambda: plots.map_figure(3),
        lambda: plots.planes_figure({}),
        lambda: plots.planes_figure([1, 2]),
        lambda: plots.planes_figure({"a": dataset().drop_vars("x_face")}),
        lambda: plots.planes_figure({"a": dataset().mean("y")}),
        lambda: plots.plot(dataset().isel(snapshot=[1])),
        lambda: plots.plot(dataset().transpose("snapshot", "y", "x", ...)),
        lambda: plots.strength_figure({}),
        lambda: plots.strength_figure({"a": {}}),
        lambda: plots.strength_figure({"a": {0: {"eta": 0.3}}}),
        lambda: plots.strength_figure({"a": {0: 3}}),
    ],
)
def test_bad_input_is_refused(refused):
    with pytest.raises(fp.InputError, match=r"give|expected|keep"):
        refused()


def test_the_drawing_knows_its_box():
    box = plane_drawing(dataset(estimated=False)).box()
    reach = 0.4 * math.sqrt(2.0 * math.log(100.0))
    for (low, high), place in zip(box, PLACE, strict=True):
        assert low == pytest.approx(place - reach, abs=0.25) and high == pytest.approx(place + reach, abs=0.25)


def test_the_report_shows_cases_in_the_plane(result, tmp_path):
    without = result_of(dataset(v_loss=np.nan), BOUNDS | {"eta": (math.inf, math.nan), "c1": (math.nan, math.nan)})
    cases = {"plane/gaussian-rotation": result, "plane-infinite": without}
    found = Verification("full", cases, (), 1.0)
    assert [name for name, _ in figures_of(found)] == [
        "figures/plane-gaussian-rotation.png",
        "figures/plane-infinite.png",
    ]
    text = page(found)
    assert text.count("Images of both densities") == 2 and "in the plane" in text
    assert text.count(f'<img src="{figure_name("plane/gaussian-rotation")}"') == 1
    assert STATEMENTS["speed-accuracy"].equation in text
    write_report(found, tmp_path)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert written == {"report.html"} | {
        f"{folder}/{name}.{suffix}"
        for folder, suffix in (("figures", "png"), ("data", "nc"))
        for name in ("plane-gaussian-rotation", "plane-infinite")
    }


def test_a_report_on_the_line_speaks_of_the_line(result):
    line = dataclasses.replace(result, data=xr.Dataset({"density": (("time", "x"), np.ones((41, 70)))}))
    assert "in the plane" not in page(Verification("quick", {"window": line}, (), 1.0))
