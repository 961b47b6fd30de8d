"""DDIM coordinates: x/m removes the force and keeps what is generated, and nothing but the range of sigma/m matters."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.cases import case_from_recipe
from fpsolve.learning.reverse_sde import reverse_sde
from fpsolve.learning.samplers import sample
from fpsolve.processes import Diffusion
from fpsolve.reverse import Composition
from fpsolve.schedules import Curve, Schedule
from fpsolve.schedules.rescaled import DDIMCoordinates

DATA = fp.GaussianMixture(means=(-math.sqrt(0.35), math.sqrt(0.35)), stds=(0.3, 0.3))
SCHEDULES = {
    "vp": fp.VariancePreserving(0.1, 12.0),
    "discrete": fp.DiscreteDiffusion(betas=tuple(np.linspace(0.01, 0.5, 12).tolist())),
    "arrays": fp.ArraySchedule((0.0, 0.5, 1.0), (1.0, 0.8, 0.3), (0.0, 0.5, 0.9)),
}
START = fp.Gaussian(1.0, 1.0)
UNIFORM = fp.Uniform(-1.0, 2.0)
FACES = np.linspace(-4.0, 5.0, 301)


@dataclasses.dataclass(frozen=True)
class Fading(Schedule):
    """m = exp(-t), sigma = 3 t exp(-t): sigma/m as in VarianceExploding(3)."""

    tau: float = 1.0

    def curve(self, t):
        m, variance = np.exp(-t), 9.0 * t**2 * np.exp(-2.0 * t)
        return Curve(m, -m, variance, variance * (1.0 / np.maximum(t, 1e-300) - 1.0))


def generated(schedule, start):
    return Composition(Diffusion(DATA, schedule), start).cell_masses(0.0, FACES)


def distance(schedule, start):
    forward = fp.diffuse(DATA, schedule, steps=4)
    return fp.speed_accuracy(forward, fp.generate(forward, start))["W1_final"].value


@pytest.mark.parametrize("name", SCHEDULES)
def test_without_force_the_same_is_generated(name):
    schedule = SCHEDULES[name]
    coordinates = DDIMCoordinates(schedule)
    start = coordinates.rescaled(START)
    m = schedule.curve(np.array([1.0])).signal[0]
    for density in (START, UNIFORM):
        assert np.allclose(coordinates.rescaled(density).cdf(FACES / m), density.cdf(FACES), atol=1e-13)
    assert np.all(coordinates.curve(np.linspace(0.0, 1.0, 9)).force_rate == 0.0)
    assert np.max(np.abs(generated(schedule, START) - generated(coordinates, start))) < 1e-12
    assert abs(distance(schedule, START) - distance(coordinates, start)) < 1e-12
    # at another pace, over the same range of sigma/m
    even = fp.VarianceExploding(float(coordinates.curve(np.array([1.0])).noise[0]))
    assert np.max(np.abs(generated(even, start) - generated(schedule, START))) < 1e-12
    assert abs(distance(even, start) - distance(schedule, START)) < 1e-12


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_temperature_is_the_rate_of_half_the_squared_ratio(name):
    """(34): T/m² = d(sigma²/2m²)/dt, here by a difference of fourth order, away from the points of the arrays."""
    coordinates, t, h = DDIMCoordinates(SCHEDULES[name]), np.array([0.11, 0.263, 0.71]), 1e-4
    half = [0.5 * coordinates.curve(t + k * h).variance for k in (-2, -1, 1, 2)]
    slope = (half[0] - 8.0 * half[1] + 8.0 * half[2] - half[3]) / (12.0 * h)
    original = SCHEDULES[name].curve(t)
    assert coordinates.curve(t).temperature == pytest.approx(slope, rel=1e-6)
    assert coordinates.curve(t).temperature == pytest.approx(original.temperature / original.signal**2, rel=1e-13)


def test_a_schedule_with_the_same_ratio_is_the_same():
    t = np.linspace(0.01, 1.0, 20)
    ours, known = DDIMCoordinates(Fading()).curve(t), fp.VarianceExploding(3.0).curve(t)
    for name in ("signal", "signal_rate", "variance", "half_variance_rate"):
        assert getattr(ours, name) == pytest.approx(getattr(known, name), rel=1e-13)
    start = DDIMCoordinates(Fading()).rescaled(START)
    assert np.max(np.abs(generated(Fading(), START) - generated(fp.VarianceExploding(3.0), start))) < 1e-12


@pytest.mark.parametrize("level", [0.0, 0.6, 1.0])
def test_noise_on_the_way_back_sees_the_ratio_alone(level):
    """With u the mass below, dh = lambda² d((sigma/m)²/2) d/du (P² dh/du) in x/m: neither m nor the pace enters."""
    schedule = SCHEDULES["vp"]
    coordinates = DDIMCoordinates(schedule)
    even = fp.VarianceExploding(float(coordinates.curve(np.array([1.0])).noise[0]))
    options = {"times": [0.5], "cells": 400}
    rows = [reverse_sde(DATA, schedule, START, level, **options)]
    rows += [reverse_sde(DATA, each, coordinates.rescaled(START), level, **options) for each in (coordinates, even)]
    for other in rows[1:]:
        for key in ("W1_final", "D_final", "D0"):
            gap, bar = abs(float(rows[0][key] - other[key])), float(rows[0][f"{key}_error"] + other[f"{key}_error"])
            assert gap <= bar and gap < 1e-5 * float(rows[0][key])
    # what depends on the unit of x at t = tau, or on the time, is different
    assert float(rows[1]["W1_initial"]) == pytest.approx(float(rows[0]["W1_initial"] / coordinates.scale), rel=1e-10)


def test_cosine_and_straight_forget_alike_from_the_same_ratio():
    """m/sigma = cot(pi t/2) and (1 - t)/t: the starts lie at one ratio, each in its own unit."""
    early = 1e-3
    t = 2.0 / math.pi * math.atan((1.0 - early) / early)
    cosine, straight = fp.Cosine(), fp.ConditionalOptimalTransport()
    first = reverse_sde(DATA, straight, START, 0.7, begin=early, times=[0.5], cells=400)
    unit = math.sin(math.pi * t / 2.0) / (1.0 - early)
    moved = fp.Gaussian(unit, unit)
    second = reverse_sde(DATA, cosine, moved, 0.7, begin=1.0 - t, times=[0.5], cells=400)
    for key in ("W1_final", "D_final"):
        gap = abs(float(first[key] - second[key]))
        assert gap <= float(first[f"{key}_error"] + second[f"{key}_error"]) and gap < 1e-4 * float(first[key])


def test_ddim_is_euler_in_its_coordinates_at_an_even_pace():
    """dx/d(sigma/m) = E[e|x] (33): Euler's step there is the step of DDIM, whatever the schedule."""
    schedule, grid = SCHEDULES["vp"], np.linspace(0.0, 1.0, 41)
    ratio = DDIMCoordinates(schedule).curve(grid).noise
    even, start = fp.VarianceExploding(float(ratio[-1])), DDIMCoordinates(schedule).rescaled(START)
    first = sample(Diffusion(DATA, schedule), START, "ddim", times=grid)
    second = sample(Diffusion(DATA, even), start, "euler", times=np.append(ratio[:-1] / ratio[-1], 1.0))
    for name in ("W1", "W2", "KL", "W1_exact"):
        assert float(first[name]) == pytest.approx(float(second[name]), abs=1e-10)


def test_a_recipe_rebuilds_it():
    schedule = DDIMCoordinates(fp.Cosine(tau=2.0), tau=1.5)
    recipe = fp.Case(DATA, schedule).recipe()
    again = case_from_recipe(recipe, needs_start=False).schedule
    assert again == schedule and again.tau == 1.5 and again.schedule.tau == 2.0


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"schedule": fp.Cosine()}, "tau"),
        ({"schedule": fp.ConditionalOptimalTransport(tau=2.0), "tau": 2.0}, "tau"),
        ({"schedule": fp.Cosine(), "tau": 1.5}, "tau"),
        ({"schedule": fp.Cosine(), "tau": -1.0}, "tau"),
        ({"schedule": "cosine"}, "schedule"),
    ],
)
def test_bad_input(options, key):
    with pytest.raises(fp.InputError) as caught:
        DDIMCoordinates(**options)
    assert caught.value.key == key
    if options == {"schedule": fp.Cosine()}:
        assert "stop earlier" in caught.value.message
