"""Errors of samplers against their number of steps: orders, the bound beside them, and what folds."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import xarray as xr

import fpsolve as fp
from fpsolve.learning.sampler_errors import sampler_errors
from fpsolve.learning.samplers import sample
from fpsolve.processes import Diffusion

DATA = fp.GaussianMixture(means=(-math.sqrt(0.35), math.sqrt(0.35)), stds=(0.3, 0.3))
SCHEDULES = {"cosine": fp.Cosine(), "cond-ot": fp.ConditionalOptimalTransport()}
ORDERS = {"euler": 1.0, "heun": 2.0, "ddim": 1.0, "ddim-midpoint": 2.0, "exponential": 1.0}


@pytest.mark.parametrize("mean", [0.0, 1.0])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_orders(schedule, mean):
    found = sampler_errors(
        Diffusion(DATA, SCHEDULES[schedule]), fp.Gaussian(mean, 1.0), tuple(ORDERS), steps=(64, 128, 256)
    )
    # with a temperature that is infinite at the end, holding the score leaves a logarithm
    leaves = -math.log(math.log(256) / math.log(128)) / math.log(2.0) if schedule == "cond-ot" else 0.0
    for method, order in ORDERS.items():
        for name, times in (("W1_exact", 1.0), ("W2_exact", 1.0), ("KL_exact", 2.0)):
            seen = float(found[f"{name}_order"].sel(sampler=method, steps=256))
            rest = leaves if method == "exponential" else 0.0
            assert seen == pytest.approx(times * (order + rest), abs=0.1 * times), (method, name)
    assert np.all(np.isnan(found["KL_exact_order"].sel(steps=64)))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_no_sampler_beats_its_bound(schedule):
    """W1 <= W1_start + sqrt(tau D0 c2) + W1_exact, with D0 = e - 1 here; and each part by what else knows it."""
    process, start = Diffusion(DATA, SCHEDULES[schedule]), fp.Gaussian(1.0, 1.0)
    found = sampler_errors(process, start, ("euler", "heun", "ddim-midpoint"), steps=(4, 16, 64))
    forward = fp.diffuse(DATA, SCHEDULES[schedule], steps=8)
    exact = fp.speed_accuracy(forward, fp.generate(forward, start))
    bound = 1.0 + math.sqrt((math.e - 1.0) * exact["c2"].value)
    assert float(found["W1_flow_bound"]) == pytest.approx(bound, rel=1e-10)
    assert float(found["W1_start"]) == pytest.approx(1.0, abs=1e-12)
    assert float(found["W1_flow"]) == pytest.approx(exact["W1_final"].value, abs=1e-10)
    assert np.all(found["W1"] + found["W1_error"] <= found["bound"] - found["bound_error"])
    assert np.allclose(found["bound"], bound + found["W1_exact"], rtol=1e-10)
    # the error at the start stays: W1 to the data tends to W1_flow, not to zero
    last = found.sel(sampler="heun", steps=64)
    assert abs(float(last["W1"] - found["W1_flow"])) <= float(last["W1_exact"]) < 1e-3
    one = sample(process, start, "euler", 16)
    for name in ("W1", "W2", "KL", "chi2", "nll", "W1_exact", "KL_exact"):
        assert float(found[name].sel(sampler="euler", steps=16)) == float(one[name])


def test_with_the_right_start_only_the_sampler_is_wrong():
    found = sampler_errors(Diffusion(DATA, fp.Cosine()), fp.Gaussian(0.0, 1.0), ("heun",), steps=(8, 32))
    assert float(found["W1_flow_bound"]) <= 1e-7 and float(found["W1_start"]) <= 1e-12
    assert np.all(np.abs(found["W1"] - found["W1_exact"]) <= found["W1_error"] + found["W1_exact_error"])
    assert float(found["W1"][0, 0] / found["W1"][0, 1]) > 10.0


def test_a_map_that_folds_has_no_numbers_but_a_reason(tmp_path):
    process = Diffusion(DATA, fp.Cosine())
    found = sampler_errors(process, fp.Gaussian(0.0, 1.0), ("ddim", "heun"), steps=(1, 16))
    assert "folds" in str(found["why"].sel(sampler="ddim", steps=1).item())
    assert all(math.isnan(found[name].sel(sampler="ddim", steps=1)) for name in ("W1", "KL", "bound", "W1_error"))
    assert str(found["why"].sel(sampler="ddim", steps=16).item()) == "" and np.isfinite(found["W1"].sel(steps=16)).all()
    found.to_netcdf(tmp_path / "errors.nc")
    with xr.open_dataset(tmp_path / "errors.nc") as read:
        assert read["W1"].equals(found["W1"]) and list(read["sampler"].values) == ["ddim", "heun"]
        assert json.loads(read.attrs["recipe"])["sampler_errors"] == {"methods": ["ddim", "heun"], "steps": [1, 16]}


def test_without_a_finite_divergence_there_is_no_bound():
    found = sampler_errors(Diffusion(DATA, fp.Cosine()), fp.Gaussian(0.0, 1.6), ("heun",), steps=(16,))
    assert math.isnan(found["bound"].item()) and "D0" in found["W1_flow_bound"].attrs["why"]
    assert 0.0 < found["W1_exact"].item() < 0.1


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"methods": ("eular",)}, "methods"),
        ({"methods": ()}, "methods"),
        ({"methods": ("heun", "heun")}, "methods"),
        ({"steps": (16, 8)}, "steps"),
        ({"steps": (0, 8)}, "steps"),
        ({"start": fp.Gaussian(0.0, 30.0)}, "start"),
        ({"process": DATA}, "process"),
    ],
)
def test_bad_input(options, key):
    given = {"process": Diffusion(DATA, fp.Cosine()), "start": fp.Gaussian(0.0, 1.0)} | options
    with pytest.raises(fp.InputError) as caught:
        sampler_errors(**given)
    assert caught.value.key == key
