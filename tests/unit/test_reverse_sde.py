"""Reverse SDEs: closed forms for Gaussians, the rate of chi-squared, and the limits of no noise and of no time."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad

import fpsolve as fp
from fpsolve.learning.reverse_sde import reverse_sde
from fpsolve.processes import Diffusion
from fpsolve.reverse import Composition
from fpsolve.transport import wasserstein_cells

DATA = fp.GaussianMixture(means=(-math.sqrt(0.35), math.sqrt(0.35)), stds=(0.3, 0.3))
FINITE = {"vp": fp.VariancePreserving(0.1, 12.0), "ve": fp.VarianceExploding(2.0)}
GEOMETRIC = fp.VarianceExploding(2.0, growth="geometric", sigma_min=0.05)
DISCRETE = fp.DiscreteDiffusion(betas=tuple(np.linspace(1e-3, 0.3, 40).tolist()))
SINGULAR = {"cosine": fp.Cosine(), "cond-ot": fp.ConditionalOptimalTransport()}


def start_of(name):
    return fp.Gaussian(1.0, 2.0) if name == "ve" else fp.Gaussian(1.0, 1.0)


@pytest.mark.parametrize("level", [0.3, 1.0])
@pytest.mark.parametrize("name", FINITE | SINGULAR)
def test_a_shifted_gaussian_drifts_home(name, level):
    """h stays exp(d z - d²/2) with d' = -lambda² (T/V) d: D = exp(d²) - 1 and W1 = d sqrt(V), V the variance of P."""
    begin = 0.0 if name in FINITE else 1e-3
    schedule, end = (FINITE | SINGULAR)[name], 1.0 - begin
    data = fp.Gaussian(0.5, 0.4)
    process = Diffusion(data, schedule)
    width = math.sqrt(process.density(end).variance)
    start = fp.Gaussian(process.density(end).mean + 0.8 * width, width)
    result = reverse_sde(data, schedule, start, level, times=[0.25, 0.5, 0.75])

    def temperature(t):
        return float(process.temperature(np.array([t]))[0])

    def rate(back):
        return temperature(end - back) / process.density(end - back).variance

    for i, t in enumerate(result["time"].values):
        total = quad(rate, 0.0, end - t, points=[1e-3, 1e-2, 0.1], limit=400, epsrel=1e-11)[0] if t < end else 0.0
        lead, variance = 0.8 * math.exp(-(level**2) * total), process.density(t).variance
        falling = 2.0 * level**2 * temperature(t) * lead**2 / variance * math.exp(lead**2)
        exact = {"chi2": math.expm1(lead**2), "W1": lead * math.sqrt(variance), "chi2_rate": falling}
        for key, value in exact.items():
            off, bar = abs(float(result[key][i]) - value), float(result[f"{key}_error"][i])
            assert off <= bar and off <= 1e-4 * value + 1e-15, (key, t)
        law = fp.Gaussian(process.density(t).mean + lead * math.sqrt(variance), math.sqrt(variance))
        faces = result["x_face"].values
        masses = result["density_estimated"].values[i] * np.diff(faces)
        assert np.sum(np.abs(masses - law.cell_masses(faces))) < 2e-4


@pytest.mark.parametrize(
    ("schedule", "start", "level"),
    [
        (FINITE["vp"], fp.Gaussian(1.0, 1.0), 0.5),
        (FINITE["ve"], fp.Gaussian(1.0, 2.0), 1.0),
        (FINITE["ve"], fp.Gaussian(1.0, 2.0), 0.3),
        (GEOMETRIC, fp.Gaussian(1.0, 2.0), 0.5),
        (DISCRETE, fp.Gaussian(1.0, 1.0), 0.5),
    ],
)
def test_chi_squared_falls_at_the_stated_rate(schedule, start, level):
    """What D loses between two times is the integral of 2 lambda² T int P |dh/dx|² dx, by 5-point Gauss on 8 panels."""
    nodes, weights = np.polynomial.legendre.leggauss(5)
    times = np.sort((np.arange(8)[:, None] + 0.5 * (1.0 + nodes)).ravel() / 8.0)
    weights = np.tile(weights, 8) / 8.0
    result = reverse_sde(DATA, schedule, start, level, times=times, cells=400)
    lost = float(result["chi2"][-1] - result["chi2"][0])
    rates = result["chi2_rate"].sel(time=times).values
    assert np.all(rates > 0.0) and lost > 0.04
    assert 0.5 * float(weights @ rates) == pytest.approx(lost, rel=1e-4)


@pytest.mark.parametrize("level", [0.3, 1.0])
def test_the_equation_solved_on_a_fixed_grid_agrees(level):
    """The same P~ by the solver of any Fokker-Planck equation: drift -f + (1 + lambda²) T s, temperature lambda² T."""
    schedule, start = FINITE["vp"], fp.Gaussian(1.0, 1.0)
    process = Diffusion(DATA, schedule)

    def temperature(t):
        return float(process.temperature(np.array([1.0 - t]))[0])

    def drift(x, t):
        rate = schedule.curve(np.array([1.0 - t])).force_rate[0]
        return -rate * x + (1.0 + level**2) * temperature(t) * process.state(1.0 - t, x).score

    equation = fp.FokkerPlanck(fp.NonconservativeForce(drift), lambda t: level**2 * temperature(t))
    faces = np.linspace(-7.0, 8.0, 401)
    solved = fp.solve(equation, start, [0.0, 1.0], grid=fp.Grid.line(-7.0, 8.0, 400), bars=False)["density"].values[-1]
    generated = np.maximum(solved, 0.0) * np.diff(faces)
    exact = DATA.cell_masses(faces)
    distance, _ = wasserstein_cells(faces, generated / generated.sum(), faces, exact / exact.sum(), 1.0)
    result = reverse_sde(DATA, schedule, start, level, times=[0.5], cells=400)
    assert float(result["W1_final"]) == pytest.approx(distance, abs=1e-6)


@pytest.mark.parametrize("name", FINITE | SINGULAR)
def test_without_noise_it_is_the_flow(name):
    schedule, start = (FINITE | SINGULAR)[name], start_of(name)
    exact = Composition(Diffusion(DATA, schedule), start)
    known = reverse_sde(DATA, schedule, start, 0.0, times=[0.4])
    faces = known["x_face"].values
    for t in (0.0, 0.4):
        masses = known["density_estimated"].sel(time=t).values * np.diff(faces)
        assert np.sum(np.abs(masses - exact.cell_masses(t, faces))) < 1e-12
    # hardly any noise, but by way of the cells
    late = 0.0 if name in FINITE else 1e-3
    pair = [reverse_sde(DATA, schedule, start, level, times=[0.4], begin=late, cells=400) for level in (0.0, 1e-6)]
    gap = np.abs(pair[0]["density_estimated"] - pair[1]["density_estimated"]).values @ np.diff(pair[0]["x_face"])
    assert np.all(gap < 4e-4)
    assert float(pair[1]["chi2"][0]) == pytest.approx(float(pair[1]["D0"]), rel=1e-5)
    forward = fp.diffuse(DATA, schedule, steps=4)
    flow = fp.speed_accuracy(forward, fp.generate(forward, start))
    for key in ("eta", "W1_final", "D0"):
        value = flow[key].value
        assert abs(float(known[key]) - value) <= float(known[f"{key}_error"]) + flow[key].error
        assert float(known[key]) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("level", [0.3, 0.8])
@pytest.mark.parametrize("name", SINGULAR)
def test_with_noise_from_the_very_start_the_data_are_generated(name, level):
    """As t~0 -> 0, p -> q for every lambda > 0: the first mode of h, and W1 with it, falls as t~0^(lambda²)."""
    schedule, start = SINGULAR[name], fp.Gaussian(1.0, 1.0)
    distances = [
        float(reverse_sde(DATA, schedule, start, level, begin=begin, times=[0.5], cells=200)["W1_final"])
        for begin in (1e-1, 1e-2, 1e-3, 1e-4, 1e-6)
    ]
    assert np.all(np.diff(distances) < 0.0) and distances[-1] < 0.45 * distances[0]
    seen = math.log(distances[-2] / distances[-1]) / math.log(100.0)
    assert seen == pytest.approx(level**2, abs=0.02)


def test_more_noise_forgets_more():
    levels = (0.0, 0.3, 1.0)
    rows = reverse_sde(DATA, FINITE["vp"], fp.Gaussian(1.0, 1.0), levels, times=[0.5], cells=200)
    assert np.all(np.diff(rows["W1_final"]) < 0.0) and np.all(np.diff(rows["D_final"]) < 0.0)
    assert np.all(np.diff(rows["eta"]) > 0.0)
    masses = rows["density_estimated"].values @ np.diff(rows["x_face"].values)
    assert np.all(np.abs(masses - 1.0) < 1e-12) and np.all(rows["density_estimated"].values >= 0.0)
    for level in levels:
        one = reverse_sde(DATA, FINITE["vp"], fp.Gaussian(1.0, 1.0), level, times=[0.5], cells=200)
        same = rows.sel(noise_level=level)
        for key in ("W1_final", "D_final", "eta"):
            assert float(one[key]) == float(same[key])
        assert float(one["D_final"]) == float(one["chi2"][0])
        eta = float((one["W1_final"] - one["W1_initial"]) ** 2 / one["D0"])
        assert float(one["eta"]) == pytest.approx(eta, rel=1e-12)
    assert rows["D0"].dims == () and rows["density"].dims == ("time", "x")


def test_data_with_jumps_by_two_numbers_of_cells():
    """Where the data jump, densities change like the root of time: the limits of both agree within their bars."""
    rows = [
        reverse_sde(fp.Uniform(-1.0, 1.0), FINITE["vp"], fp.Gaussian(1.0, 1.0), 0.5, times=[0.5], cells=n)
        for n in (100, 300)
    ]
    for key in ("W1_final", "D_final"):
        gap = abs(float(rows[0][key] - rows[1][key]))
        assert gap <= float(rows[0][f"{key}_error"] + rows[1][f"{key}_error"]) and gap < 1e-3 * float(rows[1][key])


def test_the_result_holds_what_made_it(tmp_path):
    times = np.linspace(0.0, 1.0, 81)
    schedule = fp.ArraySchedule(*(tuple(row.tolist()) for row in (times, np.exp(-times), 2.0 * times)))
    made = reverse_sde(DATA, schedule, fp.Gaussian(1.0, 1.5), [0.5, 1.0], begin=0.01, times=[0.5], cells=32)
    made.to_netcdf(tmp_path / "noise.nc")
    with xr.open_dataset(tmp_path / "noise.nc") as read:
        assert np.array_equal(read["eta"], made["eta"]) and np.array_equal(read["noise_level"], [0.5, 1.0])
        recipe = json.loads(read.attrs["recipe"])
        assert np.array_equal(read[recipe["schedule"]["m"]["array"]], np.exp(-times))
    assert recipe["data"] == json.loads(json.dumps(DATA.recipe()))
    assert recipe["start"] == fp.Gaussian(1.0, 1.5).recipe()
    assert recipe["reverse_sde"] == {"noise_level": [0.5, 1.0], "begin": 0.01, "cells": 32, "times": [0.0, 0.5, 0.99]}


def test_jumps_of_the_start_are_cell_edges():
    start = fp.Uniform(-1.7, 1.7)
    coarse, fine = (reverse_sde(DATA, FINITE["vp"], start, 0.5, times=[0.5], cells=n) for n in (200, 600))
    for key, exact in (("chi2", "D0"), ("W1", "W1_initial")):
        off = abs(float(coarse[key][-1] - coarse[exact]))
        assert off <= float(coarse[f"{key}_error"][-1]) and off < 1e-4
        gap = np.abs(coarse[key] - fine[key]).values
        assert np.all(gap <= (coarse[f"{key}_error"] + fine[f"{key}_error"]).values)


def test_an_infinite_divergence_is_said():
    result = reverse_sde(DATA, FINITE["vp"], fp.Gaussian(0.0, 1.6), 0.5, times=[0.5], cells=200)
    assert math.isinf(result["D0"]) and "tail" in result["D0"].attrs["why"]
    assert math.isnan(result["eta"]) and bool(np.all(np.isnan(result["chi2"])))
    assert float(result["W1_final"]) < float(result["W1_initial"])


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"noise_level": -1.0}, "noise_level"),
        ({"noise_level": [0.5, -1.0]}, "noise_level[1]"),
        ({"begin": 0.0}, "begin"),
        ({"begin": 1.5}, "begin"),
        ({"times": [0.5, 0.2]}, "times"),
        ({"times": [0.5, 2.0]}, "times"),
        ({"cells": 402}, "cells"),
        ({"start": fp.Gaussian(0.0, 30.0)}, "start"),
        ({"schedule": "cosine"}, "schedule"),
    ],
)
def test_bad_input(options, key):
    given = {"data": DATA, "schedule": fp.Cosine(), "start": fp.Gaussian(0.0, 1.0), "noise_level": 1.0} | options
    with pytest.raises(fp.InputError) as caught:
        reverse_sde(**given)
    assert caught.value.key == key
