"""Processes known only by their fields."""

import numpy as np
import pytest

import fpsolve as fp

DATA = fp.Gaussian(0.5, 0.6)
START = fp.Gaussian(0.4, 0.9)


@pytest.fixture(scope="module")
def fields():
    forward = fp.diffuse(DATA, fp.Cosine(), cells=160, steps=40, lower=-7.0, upper=7.0)
    return fp.generate(forward, START)


def test_a_recording_agrees_with_the_process_it_was_taken_from(fields):
    exact = fp.speed_accuracy(fields, fields)
    recorded = fp.record(fields["density"], fields["velocity"])
    found = fp.speed_accuracy(recorded, fp.generate(recorded, START))
    for name, estimate in found.estimates.items():
        assert abs(estimate.value - exact[name].value) <= estimate.error + exact[name].error, name
        assert estimate.error < 2e-2 * max(abs(estimate.value), 1e-3), name
    assert not found.verdicts["violated"]


def test_other_names_and_times(fields):
    part = fields.isel(time=slice(10, None)).rename(time="when", x="place", x_face="face")
    recorded = fp.record(part["density"], part["velocity"])
    assert recorded["time"].values[0] == 0.0
    np.testing.assert_allclose(recorded["time"].values, part["when"].values - part["when"].values[0])


def test_a_recipe_that_no_longer_fits_gives_way_to_the_fields(fields):
    with pytest.warns(UserWarning, match="no longer fits"):
        generated = fp.generate(fields.isel(time=slice(0, 31)), START)
    assert generated["time"].values[-1] == pytest.approx(0.75)
    assert float(generated["density_estimated"].min()) > -1e-6


def test_no_exact_route(fields):
    recorded = fp.record(fields["density"], fields["velocity"])
    with pytest.raises(fp.InputError, match="no exact composition"):
        fp.generate(recorded, START, method="exact")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda d, v: (d.isel(x=slice(0, 9)), v), "expected"),
        (lambda d, v: (d.isel(time=0), v), "dimensions"),
        (lambda d, v: (-d, v), "at least 0"),
        (lambda d, v: (d, v * np.nan), "finite"),
        (lambda d, v: (d.isel(time=slice(0, 4)), v.isel(time=slice(0, 4))), "at least 8"),
        (lambda d, v: (d, v.assign_coords(time=v["time"][::-1])), "increasing"),
    ],
)
def test_bad_recordings(fields, change, match):
    with pytest.raises(fp.InputError, match=match):
        fp.record(*change(fields["density"], fields["velocity"]))
