"""Cases in the plane from Python: what diffuse, generate and speed_accuracy take and refuse."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

import fpsolve as fp
from fpsolve.cases import PlaneCase, case_from_recipe
from fpsolve.dynamics import case_of

DATA = fp.PlaneGaussian((0.3, -0.2), std=0.8)
START = fp.PlaneGaussian((0.4, -0.3), std=1.0)


@pytest.fixture(scope="module")
def forward() -> xr.Dataset:
    return fp.diffuse(DATA, fp.Cosine(tau=1.0), cells=40, steps=4)


@pytest.fixture(scope="module")
def generated(forward) -> xr.Dataset:
    return fp.generate(forward, start=START)


@pytest.mark.parametrize("cells", [40, np.int64(40), (40, 40), [40, 40], (np.int64(40), 40)])
def test_cells_as_a_number_or_a_pair(cells, forward):
    xr.testing.assert_identical(fp.diffuse(DATA, fp.Cosine(tau=1.0), cells=cells, steps=4), forward)


@pytest.mark.parametrize("cells", [(40,), (40, 40, 40), 4, (40, 4), 40.0, "40", True, np.array([40, 40, 40])])
def test_cells_that_are_refused(cells):
    with pytest.raises(fp.InputError, match="cells"):
        fp.diffuse(DATA, fp.Cosine(), cells=cells)


@pytest.mark.parametrize("one, other", [((-4.0, -4.0), None), (None, (4.0, 4.0)), (-4.0, 4.0), ((4, 4), (-4, -4))])
def test_corners_that_are_refused(one, other):
    with pytest.raises(fp.InputError, match=r"\[grid\]"):
        fp.diffuse(DATA, fp.Cosine(), cells=16, lower=one, upper=other)


def test_snapshots_are_spread_over_the_time(forward):
    assert forward["snapshot"].values == pytest.approx(np.linspace(0.0, 1.0, 4))
    case = dataclasses.replace(case_of(forward), snapshots=3)
    assert case.recipe()["time"] == {"steps": 4, "snapshots": 3}
    for bad in (1, 2.5, True, 10**6):
        with pytest.raises(fp.InputError, match="snapshots"):
            dataclasses.replace(case, snapshots=bad)


def test_an_array_is_data(forward):
    """A DataArray (x, y) of cell averages is the table of them."""
    edges = np.linspace(-3.0, 3.0, 5)
    centres = 0.5 * (edges[1:] + edges[:-1])
    averages = np.full((4, 4), 1.0 / 36.0)
    array = xr.DataArray(averages, {"x": centres, "y": centres}, ("x", "y"))
    found = fp.diffuse(array, fp.OptimalTransport(fp.PlaneGaussian(std=1.0)), cells=32, steps=4)
    held = case_of(found).data
    assert held.cell_masses(edges, edges) == pytest.approx(np.full((4, 4), 1.0 / 16.0), abs=1e-15)


def test_a_start_of_another_dimension(forward):
    with pytest.raises(fp.InputError, match="in the plane, the start on the line"):
        fp.generate(forward, start=fp.Gaussian(0.0, 1.0))
    line = fp.diffuse(fp.Gaussian(0.0, 0.5), fp.Cosine(), cells=40, steps=4)
    with pytest.raises(fp.InputError, match="on the line, the start in the plane"):
        fp.generate(line, start=START)


@pytest.mark.parametrize("schedule", [fp.LinearForceSchedule(0.5, 2.0, 1.0), fp.Stirring(fp.Cosine(), fp.Levels())])
def test_a_schedule_of_another_dimension(schedule):
    with pytest.raises(fp.InputError, match="in the plane; the data is on the line"):
        fp.diffuse(fp.Gaussian(0.0, 0.5), schedule)
    recipe = PlaneCase(DATA, schedule).recipe() | {"dimension": 1}
    with pytest.raises(fp.InputError, match="a schedule in the plane; the case is on the line"):
        case_from_recipe(recipe, needs_start=False)


def test_a_target_on_the_line():
    with pytest.raises(fp.InputError, match="on the line; expected one in the plane"):
        fp.diffuse(DATA, fp.OptimalTransport(), cells=16)


def test_a_dataset_that_was_changed(forward, generated):
    """A recipe survives isel and arithmetic; the fields tell."""
    changed = [
        forward.isel(x=slice(0, 20), x_face=slice(0, 21)),
        forward.isel(snapshot=slice(0, 2)),
        forward.assign(density=forward["density"] * 1.001),
        forward.assign_coords(snapshot=forward["snapshot"] * 2.0),
        forward.transpose("y", ...),
    ]
    for each in changed:
        with pytest.raises(fp.InputError, match="recipe no longer fits"):
            fp.generate(each, start=START)
    with pytest.raises(fp.InputError, match="recipe no longer fits"):
        fp.speed_accuracy(forward, generated.isel(snapshot=slice(0, 2)))
    with pytest.raises(fp.InputError, match="no recipe"):
        fp.generate(forward.drop_attrs(), start=START)


def test_a_pair_that_does_not_belong_together(forward, generated):
    for schedule in (fp.VariancePreserving(beta_min=0.1, beta_max=4.0), fp.Cosine(tau=2.0)):
        with pytest.raises(fp.InputError, match="another forward process"):
            fp.speed_accuracy(fp.diffuse(DATA, schedule, cells=40, steps=4), generated)
    line = fp.diffuse(fp.Gaussian(0.0, 0.5), fp.Cosine(), cells=40, steps=4)
    with pytest.raises(fp.InputError, match="another forward process"):
        fp.speed_accuracy(line, generated)


def test_the_result_is_readable(forward, generated):
    """Text and HTML name what was measured; the closed forms lie within the bars."""
    result = fp.speed_accuracy(forward, generated)
    text, html = str(result), result._repr_html_()
    for shown in (text, html):
        assert "η" in shown and "speed-accuracy" in shown and "nan" not in shown.lower()
    assert html.lstrip().startswith("<")
    assert abs(result["W1_initial"].value - 0.5) <= result["W1_initial"].error + 1e-12
    assert abs(result["D0"].value - np.expm1(0.25)) <= result["D0"].error + 1e-12


def test_a_geodesic_is_one_case_all_the_way():
    """Its fields at both ends are the densities themselves, so that its Dataset leads back to its case."""
    target = fp.PlaneGaussian(std=1.0)
    forward = fp.diffuse(DATA, fp.OptimalTransport(target), cells=40, steps=4)
    edges = [forward[name].values for name in ("x_face", "y_face")]
    for row, density in ((0, DATA), (-1, target)):
        assert forward["density"].values[row] == pytest.approx(density.cell_averages(*edges), abs=1e-15)
    found = case_of(fp.generate(forward, start=START)).recipe()
    assert found == case_of(forward).recipe() | {"start": START.recipe()}


def test_what_a_window_cuts_is_said():
    """Up to 1% runs with the amount; W₁ of the window's part is no longer that of translates."""
    forward = fp.diffuse(DATA, fp.Cosine(), cells=40, steps=4)
    generated = fp.generate(forward, start=START, window=((-3.2, 3.2), (-3.4, 3.4)))
    result = fp.speed_accuracy(forward, generated)
    cut = result.diagnostics["truncated"]
    assert 0.0 < cut["mass"] < 0.01 and 0.0 < cut["mass_estimated"] < 0.01
    edges = np.array([-3.2, 3.2]), np.array([-3.4, 3.4])
    assert cut["mass_estimated"] == pytest.approx(1.0 - START.cell_masses(*edges).sum(), rel=1e-9)
