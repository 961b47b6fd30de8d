"""Samplers of N steps: their orders, what they must agree with, and what is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import xarray as xr

import fpsolve as fp
from fpsolve.learning.samplers import sample
from fpsolve.processes import Diffusion
from fpsolve.transport import wasserstein_cells

DATA = fp.GaussianMixture(means=(-math.sqrt(0.35), math.sqrt(0.35)), stds=(0.3, 0.3))
SCHEDULES = {"cosine": fp.Cosine(), "cond-ot": fp.ConditionalOptimalTransport()}
#: method -> order in W1, and the most that 256 steps may be off the exact flow in W1
METHODS = {
    "euler": (1, 4e-3),
    "heun": (2, 2e-5),
    "ddim": (1, 4e-3),
    "ddim-midpoint": (2, 4e-6),
    "exponential": (1, 6e-3),
}
COUNTS = (64, 128, 256)


def inside(result, name, value, slack=0.0):
    return abs(float(result[name]) - value) <= float(result[f"{name}_error"]) + slack


@pytest.mark.parametrize("mean", [0.0, 1.0])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("method", METHODS)
def test_samplers_converge_at_their_orders(method, schedule, mean):
    order, cap = METHODS[method]
    process = Diffusion(DATA, SCHEDULES[schedule])
    rows = [sample(process, fp.Gaussian(mean, 1.0), method, n) for n in COUNTS]
    distance, divergence = ([float(row[name]) for row in rows] for name in ("W1_exact", "KL_exact"))
    assert distance[-1] < cap and divergence[-1] < 100 * cap**2
    if (method, schedule) == ("exponential", "cond-ot"):  # T ~ 1/(tau - t): the error is ln N / N
        distance = [d / math.log(n) for d, n in zip(distance, COUNTS, strict=True)]
        divergence = [d / math.log(n) ** 2 for d, n in zip(divergence, COUNTS, strict=True)]
    assert math.log2(distance[1] / distance[2]) == pytest.approx(order, abs=0.2)
    # KL is quadratic in the difference of the densities
    assert math.log2(divergence[1] / divergence[2]) == pytest.approx(2 * order, abs=0.2)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_many_steps_give_what_the_exact_flow_keeps(schedule):
    """KL and chi-squared are invariant under the flow: those of N(1, 1) from N(0, 1) are 1/2 and e - 1."""
    result = sample(Diffusion(DATA, SCHEDULES[schedule]), fp.Gaussian(1.0, 1.0), "heun", 400)
    assert float(result["KL"]) == pytest.approx(0.5, abs=1e-6)
    assert float(result["chi2"]) == pytest.approx(math.e - 1.0, rel=2e-4)
    x = np.linspace(-4.0, 4.0, 200_001)
    entropy = -np.trapezoid(DATA.pdf(x) * DATA.logpdf(x), x)
    assert float(result["nll"] - result["KL"]) == pytest.approx(entropy, abs=1e-10)
    assert float(result["W1_flow"]) == pytest.approx(0.60716089, abs=1e-6)  # theory 5.1: eta and D0 of Table I


@pytest.mark.parametrize(
    ("method", "steps"), [("euler", 20), ("heun", 5), ("ddim", 7), ("ddim-midpoint", 3), ("exponential", 20)]
)
def test_gaussians_stay_gaussian(method, steps):
    """Linear steps: every number is a closed form of the generated mean and width."""
    data, start = fp.Gaussian(0.4, 0.5), fp.Gaussian(0.3, 0.9)
    result = sample(Diffusion(data, fp.Cosine()), start, method, steps)
    faces, masses = result["x_face"].values, result["density"].values * np.diff(result["x_face"])
    found = np.interp([0.15865525393145707, 0.5, 0.8413447460685429], np.cumsum(np.append(0.0, masses)), faces)
    mean, std = found[1], 0.5 * (found[2] - found[0])
    exact_mean, exact_std = 0.4 + 0.5 * 0.3, 0.5 * 0.9
    assert float(result["W2_exact"]) == pytest.approx(math.hypot(mean - exact_mean, std - exact_std), abs=2e-4)
    assert float(result["W2"]) == pytest.approx(math.hypot(mean - 0.4, std - 0.5), abs=2e-4)
    divergence = math.log(std / 0.5) + (0.25 + (mean - 0.4) ** 2) / (2 * std**2) - 0.5
    assert float(result["KL"]) == pytest.approx(divergence, abs=1e-3)


def test_euler_on_a_gaussian_is_a_product_of_factors():
    data, start, steps = fp.Gaussian(0.0, 0.5), fp.Gaussian(0.0, 1.0), 9
    factor, length = 1.0, 1.0 / steps
    for t in np.linspace(1.0, length, steps):
        m, s = math.cos(math.pi * t / 2), math.sin(math.pi * t / 2)
        variance, half_rate = (0.5 * m) ** 2 + s**2, 0.5 * math.pi * m * s * 0.75
        factor *= 1.0 - length * half_rate / variance
    result = sample(Diffusion(data, fp.Cosine()), start, "euler", steps)
    assert inside(result, "W2", abs(factor - 0.5)) and float(result["W2_error"]) < 1e-12
    assert inside(result, "W1", abs(factor - 0.5) * math.sqrt(2 / math.pi)) and float(result["W1_error"]) < 1e-6
    assert inside(result, "KL", math.log(factor / 0.5) + 0.125 / factor**2 - 0.5)
    ratio = (factor / 0.5) ** 2
    assert inside(result, "chi2", 1.0 / math.sqrt(ratio * (2.0 - ratio)) - 1.0) and ratio < 2.0


def test_ddim_is_euler_on_the_straight_schedule_and_blind_to_the_clock():
    """x' = m' y + sigma' e is x + (t' - t) nu where m and sigma are linear, and knows no time but (m, sigma)."""
    start = fp.Gaussian(1.0, 1.0)
    straight = Diffusion(DATA, fp.ConditionalOptimalTransport())
    first, second = (sample(straight, start, name, 12) for name in ("euler", "ddim"))
    for name in ("W1", "W2", "KL", "chi2"):
        assert abs(float(first[name] - second[name])) < 1e-11
    # the same curve run twice as slowly
    for name in ("ddim", "ddim-midpoint"):
        slow = sample(Diffusion(DATA, fp.Cosine(tau=2.0)), start, name, 12)
        fast = sample(Diffusion(DATA, fp.Cosine()), start, name, times=np.linspace(0.0, 1.0, 13))
        assert abs(float(slow["KL"] - fast["KL"])) < 1e-11


def test_the_midpoint_sees_the_angle_alone():
    """Cosine and conditional optimal transport generate the same where their times have the same sigma/m."""
    angles = 0.5 * np.pi * np.linspace(0.0, 1.0, 9)
    straight = np.sin(angles) / (np.sin(angles) + np.cos(angles))
    straight[-1] = 1.0
    for name in ("ddim", "ddim-midpoint"):
        rows = [
            sample(Diffusion(DATA, schedule), fp.Gaussian(1.0, 1.0), name, times=times)
            for schedule, times in (
                (fp.Cosine(), np.linspace(0.0, 1.0, 9)),
                (fp.ConditionalOptimalTransport(), straight),
            )
        ]
        for key in ("W1", "W2", "KL", "W1_exact"):
            assert abs(float(rows[0][key] - rows[1][key])) < 1e-10


def test_cells_and_quadrature_agree():
    result = sample(Diffusion(DATA, fp.Cosine()), fp.Gaussian(1.0, 1.0), "ddim", 16, cells=1000)
    faces, widths = result["x_face"].values, np.diff(result["x_face"].values)
    rows = {name: result[name].values * widths for name in ("density", "density_data", "density_exact")}
    assert float(np.sum(rows["density"])) == pytest.approx(1.0, abs=1e-13)
    for order, name in ((1.0, "W1"), (2.0, "W2")):
        for against, ending in (("density_data", ""), ("density_exact", "_exact")):
            pair = (each / np.sum(each) for each in (rows["density"], rows[against]))
            p, q = pair
            value, _ = wasserstein_cells(faces, p, faces, q, order)
            assert value == pytest.approx(float(result[name + ending]), rel=1e-3)


def test_the_result_holds_what_made_it(tmp_path):
    made = sample(Diffusion(DATA, fp.Cosine()), fp.Gaussian(1.0, 1.0), "heun", 4, cells=50)
    made.to_netcdf(tmp_path / "sampler.nc")
    with xr.open_dataset(tmp_path / "sampler.nc") as read:
        assert read["W1"].equals(made["W1"]) and read["density"].equals(made["density"])
        recipe = json.loads(read.attrs["recipe"])
    assert recipe["schedule"] == {"kind": "cosine", "tau": 1.0} and recipe["start"]["mean"] == 1.0
    assert recipe["sampler"] == {"method": "heun", "times": [0.0, 0.25, 0.5, 0.75, 1.0], "cells": 50}


def test_what_has_no_value_says_why():
    process = Diffusion(DATA, fp.Cosine())
    bounded = sample(process, fp.Uniform(-1.7, 1.7), "heun", 50)
    assert math.isinf(bounded["KL"]) and "vanishes" in bounded["KL"].attrs["why"]
    wide = sample(process, fp.Gaussian(0.0, 1.6), "heun", 50)
    assert math.isinf(wide["chi2"]) and wide["chi2"].attrs["why"]


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"method": "eular", "steps": 4}, "method"),
        ({"method": "euler"}, "steps"),
        ({"steps": 4, "times": [0.0, 1.0]}, "steps"),
        ({"times": [0.0, 0.5]}, "times"),
        ({"times": [1.0, 0.5, 0.0]}, "times"),
        ({"steps": 0}, "steps"),
        ({"steps": 10, "cells": 2}, "cells"),
        ({"method": "euler", "steps": 1}, "steps"),  # everything lands on the mean of the data
    ],
)
def test_bad_input(options, key):
    with pytest.raises(fp.InputError) as caught:
        sample(Diffusion(DATA, fp.ConditionalOptimalTransport()), fp.Gaussian(0.0, 1.0), **options)
    assert caught.value.key == key


def test_a_start_beyond_the_noise_is_refused():
    with pytest.raises(fp.InputError, match="narrower"):
        sample(Diffusion(DATA, fp.Cosine()), fp.Gaussian(0.0, 30.0), "euler", 40)


def test_only_diffusions_are_sampled():
    with pytest.raises(fp.InputError, match="Diffusion"):
        sample(DATA, fp.Gaussian(0.0, 1.0), "euler", 4)
