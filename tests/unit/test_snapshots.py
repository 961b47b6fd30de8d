"""Densities at some times, read from whatever array holds them."""

import numpy as np
import pytest
import xarray as xr

import fpsolve as fp
from fpsolve.dynamics import record

TIMES = np.linspace(0.0, 1.0, 9)
DENSITIES = [fp.Gaussian(np.exp(-t), 0.7 - 0.1 * np.expm1(-2.0 * t)) for t in TIMES]


def relaxing(cells, values="averages"):
    edges = np.linspace(-6.5, 7.5, cells + 1)
    centres = 0.5 * (edges[1:] + edges[:-1])
    rows = [d.pdf(centres) if values == "points" else d.cell_averages(edges) for d in DENSITIES]
    return xr.DataArray(np.array(rows), dims=("t", "x"), coords={"t": TIMES, "x": centres})


def test_a_recording_without_velocities():
    start = fp.Gaussian(0.4, 0.9)
    fields = fp.generate(fp.diffuse(fp.Gaussian(0.5, 0.6), fp.Cosine(), cells=80, steps=16, lower=-7, upper=7), start)
    exact = fp.speed_accuracy(fields, fields)
    recorded = record(fields["density"])
    found = fp.speed_accuracy(recorded, fp.generate(recorded, start))
    for name, estimate in found.estimates.items():
        assert abs(estimate.value - exact[name].value) <= estimate.error + exact[name].error, name
        assert estimate.error < 5e-2 * max(abs(estimate.value), 1e-3), name
    assert not found.verdicts["violated"]


def test_points_become_averages():
    averages = record(relaxing(200))["density"]
    points = record(relaxing(200, "points"), values="points")["density"]
    assert float(np.abs(averages - points).max()) < 2e-8
    taken = record(relaxing(200, "points"))["density"]
    assert float(np.abs(averages - taken).max()) > 1e-4


def test_stretched_cells_are_found_from_their_middles():
    edges = fp.Grid.stretched(-6.0, 6.0, 150, centre=0.5).axis.edges
    rows = [density.cell_averages(edges) for density in DENSITIES]
    data = xr.DataArray(rows, dims=("t", "x"), coords={"t": TIMES, "x": 0.5 * (edges[1:] + edges[:-1])})
    np.testing.assert_allclose(record(data)["x_face"], edges, rtol=1e-6, atol=1e-7)


def test_the_plane_is_for_infer():
    with pytest.raises(fp.InputError, match="infer"):
        record(relaxing(60).expand_dims(y=4))


def bad(change):
    return change(relaxing(60))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda d: d.where(d["x"] < 2.0), "not finite"),
        (lambda d: d - 0.1, "at least 0"),
        (lambda d: d.isel(t=0), "dimensions"),
        (lambda d: d.rename(t="one", x="two"), "pass time="),
        (lambda d: d.assign_coords(t=d["t"][::-1].values), "increasing"),
        (lambda d: d.drop_vars("x"), "no coordinate"),
        (lambda d: d * (1.0 + 0.1 * d["t"]), "mass changes"),
        (lambda d: d.isel(t=slice(0, 2)), "at least"),
        (lambda d: d.isel(x=slice(20, 25)), "cells"),
        (lambda d: d.values, "DataArray"),
        (lambda d: d.to_dataset(name="p"), "none is 'density'"),
    ],
)
def test_bad_snapshots(change, match):
    with pytest.raises(fp.InputError, match=match):
        fp.infer(bad(change), 0.5)
    if match not in ("dimensions", "none is 'density'"):
        with pytest.raises(fp.InputError, match=match):
            record(bad(change))


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"temperature": -1.0}, "temperature"),
        ({"mobility": 0.0}, "mobility"),
        ({"time": "when"}, "when"),
        ({"x": "t", "time": "t"}, "also"),
        ({"values": "point"}, "allowed"),
        ({"edges": np.arange(61.0)}, "lying in its cell"),
    ],
)
def test_bad_arguments(given, match):
    with pytest.raises(fp.InputError, match=match):
        fp.infer(bad(lambda d: d), **given)


def test_a_ring_is_refused():
    ring = fp.problems.tilted_ring()
    solution = fp.solve(ring.problem, ring.start, np.linspace(0.0, 0.2, 4), grid=ring.grid(64))
    with pytest.raises(fp.InputError, match="ring"):
        fp.infer(solution, 0.5)
