"""Schedules as data: the usual arrays, there and back, what they cost beside the continuous ones, and bad input."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.cli import main
from fpsolve.schedules import (
    ArraySchedule,
    ConditionalOptimalTransport,
    Cosine,
    DiscreteDiffusion,
    FlowMatching,
    OptimalTransport,
    VarianceExploding,
    VariancePreserving,
    to_alphas_cumprod,
    to_betas,
    to_flow_matching,
    to_sigmas,
)
from fpsolve.schedules.arrays import Interpolant
from fpsolve.schedules.base import Curve, Schedule
from fpsolve.settings import InputError, from_recipe

PAPER = fp.GaussianMixture(means=(0.35**0.5, -(0.35**0.5)), stds=(0.3, 0.3))
PLAIN = (0.0, 0.3, 0.6, 1.0)


@dataclasses.dataclass(frozen=True)
class SmoothSquaredCosine(Schedule):
    """The squared cosine with its offset, in continuous time."""

    kind: ClassVar[str] = "squared-cosine-of-a-test"
    offset: float = 0.008
    tau: float = 1.0

    def curve(self, t):
        angle = 0.5 * np.pi / (1.0 + self.offset)
        u, whole = np.asarray(t, float) / self.tau, math.sin(angle)
        m, rate = np.sin(angle * (1.0 - u)) / whole, -angle / self.tau * np.cos(angle * (1.0 - u)) / whole
        return Curve(m, rate, np.sin(angle * u) * np.sin(angle * (2.0 - u)) / whole**2, -m * rate)


def squared_level(schedule, t):
    curve = schedule.curve(np.atleast_1d(t))
    return curve.signal**2 / (curve.signal**2 + curve.variance)


# --- the usual arrays -----------------------------------------------------------------------------------------------


def test_linear_betas_cost_what_the_continuous_schedule_costs():
    smooth = fp.schedule_costs(PAPER, VariancePreserving(0.1, 20.0)).c2.value
    gap = fp.schedule_costs(PAPER, DiscreteDiffusion.linear()).c2.value - smooth
    assert abs(gap) < 1e-3
    # -ln(1 - beta) is beta to first order in 1/steps: twice the steps, half the gap
    finer = DiscreteDiffusion.linear(2000, 0.5e-4, 0.01)
    assert abs(fp.schedule_costs(PAPER, finer).c2.value - smooth) < 0.55 * abs(gap)


def test_the_squared_cosine_costs_what_the_continuous_schedule_costs():
    given = DiscreteDiffusion.squared_cosine()
    assert max(given.betas) == 0.999 and sorted(given.betas)[-2] < 0.999
    costs = [fp.schedule_costs(PAPER, each).c2.value for each in (given, SmoothSquaredCosine())]
    assert abs(costs[0] - costs[1]) < 1e-7


def test_the_noise_levels_of_edm():
    levels = VarianceExploding(80.0, growth="power", sigma_min=0.002, tau=2.0)
    steps = np.arange(18) / 17.0
    published = (80.0 ** (1 / 7) + steps * (0.002 ** (1 / 7) - 80.0 ** (1 / 7))) ** 7
    assert to_sigmas(levels, 2.0 * (1.0 - steps)) == pytest.approx(published, rel=1e-12)
    assert from_recipe("schedule", levels.recipe()) == levels
    t, h = np.array([0.3, 1.0, 1.9]), 1e-5
    slope = (levels.curve(t + h).variance - levels.curve(t - h).variance) / (2.0 * h)
    assert levels.curve(t).half_variance_rate == pytest.approx(0.5 * slope, rel=1e-7)
    plain = VarianceExploding(3.0, growth="power", sigma_min=0.0, rho=1.0)
    assert plain.curve(t / 2).variance == pytest.approx(VarianceExploding(3.0).curve(t / 2).variance, rel=1e-14)


def test_flow_matching_is_conditional_optimal_transport_backwards():
    s = np.linspace(0.0, 1.0, 41)
    flow = FlowMatching(tuple(s), tuple(s), tuple(1.0 - s), tau=2.0)
    straight, t = ConditionalOptimalTransport(tau=2.0), np.linspace(0.01, 1.99, 77)
    ours, exact = flow.curve(t), straight.curve(t)
    for name in ("signal", "signal_rate", "variance", "half_variance_rate"):
        assert getattr(ours, name) == pytest.approx(getattr(exact, name), abs=1e-9)
    assert from_recipe("schedule", flow.recipe()) == flow


# --- there and back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["linear", "squared_cosine"])
def test_betas_come_back(name):
    given = getattr(DiscreteDiffusion, name)(tau=3.0)
    products = np.cumprod(1.0 - np.array(given.betas))
    assert np.max(np.abs(to_betas(given, 1000) - given.betas)) < 1e-12
    again = DiscreteDiffusion(alphas_cumprod=tuple(products))
    assert np.max(np.abs(to_alphas_cumprod(again, 1000) - products)) < 1e-12


@pytest.mark.parametrize("schedule", [Cosine(tau=2.0), VariancePreserving(0.1, 20.0), ConditionalOptimalTransport()])
def test_flow_matching_arrays_come_back(schedule):
    s = np.linspace(0.0, 1.0, 33)
    t, alpha, beta = to_flow_matching(schedule, s)
    assert (alpha[-1], beta[-1]) == (1.0, 0.0)
    flow = FlowMatching(tuple(t), tuple(alpha), tuple(beta), tau=0.7)
    for ours, given in zip(to_flow_matching(flow, t), (t, alpha, beta), strict=True):
        assert np.max(np.abs(ours - given)) < 1e-14


def test_sigmas_come_back():
    t = np.linspace(0.0, 1.0, 65)
    sigmas = to_sigmas(VarianceExploding(80.0, growth="power", sigma_min=0.002), t)
    arrays = ArraySchedule(tuple(t), (1.0,) * t.size, tuple(sigmas))
    assert to_sigmas(arrays, t) == pytest.approx(sigmas, rel=1e-12)
    assert np.array_equal(to_sigmas(arrays, t, descending=True), to_sigmas(arrays, t)[::-1])


def test_a_schedule_exported_as_betas_keeps_its_cost():
    retimed = fp.schedule_costs(PAPER, VariancePreserving(0.1, 20.0))
    again = DiscreteDiffusion(betas=tuple(to_betas(retimed.retimed, 1000)))
    assert abs(fp.schedule_costs(PAPER, again).c2.value - retimed.c2_retimed.value) < 1e-3


@pytest.mark.parametrize("schedule", [ConditionalOptimalTransport(), VarianceExploding(2.0), Cosine()])
def test_rescaled_levels_are_those_of_the_ratio(schedule):
    t = schedule.tau * np.arange(1, 51) / 50.0
    products = to_alphas_cumprod(schedule, 50, rescaled=True, beta_max=0.9999)
    # 1/alpha_bar = 1 + (sigma/m)², up to the last step, which is cut
    assert products[:-1] == pytest.approx(squared_level(schedule, t)[:-1], rel=1e-12)
    assert np.all(np.diff(products) < 0.0) and products[-1] > 0.0


def test_rescaling_keeps_the_response_and_the_generated_density():
    given = ConditionalOptimalTransport()
    t = np.linspace(0.0, 1.0, 201)
    size = np.hypot(1.0 - t, t)
    scaled = ArraySchedule(tuple(t), tuple((1.0 - t) / size), tuple(t / size))
    start = fp.Gaussian(0.7, 1.2)  # both end with m² + sigma² = 1
    found = [
        fp.speed_accuracy(f := fp.diffuse(PAPER, s, cells=60, steps=8), fp.generate(f, start)) for s in (given, scaled)
    ]
    assert abs(found[0]["eta"].value - found[1]["eta"].value) < 1e-9
    assert abs(found[0]["W1_final"].value - found[1]["W1_final"].value) < 1e-9
    assert abs(found[0]["c2"].value - found[1]["c2"].value) > 0.1


# --- the curve through points ---------------------------------------------------------------------------------------


def test_one_flat_end_does_not_flatten_the_other():
    # the free spline turns back before the last point
    x = np.linspace(0.0, 1.0, 21)
    y = (1.0 - x) ** 2
    y[-1] = 0.2 * y[-2]
    slope = Interpolant(x, y)(np.array([0.0, 1.0]))[1]
    assert slope == pytest.approx([-2.0, 0.0], abs=1e-9)


def test_arrays_of_a_straight_way_cost_what_they_should():
    costs = fp.schedule_costs(fp.Gaussian(1.0, 1.0), Cosine())
    for name in ("retimed", "best"):
        promised = getattr(costs, f"c2_{name}").value
        assert abs(costs.diagnostics[f"c2_exported_{name}"] - promised) < 1e-10
    assert costs.residual < 1e-9


def test_the_last_point_is_the_given_one():
    arrays = fp.schedule_costs(PAPER, Cosine()).best
    assert arrays.curve(np.array([arrays.tau])).signal[0] == 0.0


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "key", "words"),
    [
        (lambda: ArraySchedule(PLAIN, (1.0, 0.9, 0.8, 0.7), (0.0, 0.5, 0.3, 0.9)), "sigma", "(24)"),
        (lambda: ArraySchedule((1.0, 0.5, 0.0), (1.0, 0.9, 0.8), (0.0, 0.5, 0.9)), "t", "start at 0"),
        (lambda: ArraySchedule((0.0, math.nan, 1.0), (1.0, 0.9, 0.8), (0.0, 0.5, 0.9)), "t[1]", "finite"),
        (lambda: DiscreteDiffusion(betas=(0.1, math.nan)), "betas[1]", "finite"),
        (lambda: DiscreteDiffusion(betas=(0.1, 1.0)), "betas", "[0, 1)"),
        (lambda: DiscreteDiffusion(alphas_cumprod=(0.9, 0.0)), "alphas_cumprod[1]", "given 0"),
        (lambda: DiscreteDiffusion(alphas_cumprod=(1.2, 0.5)), "alphas_cumprod", "(0, 1]"),
        (lambda: DiscreteDiffusion(alphas_cumprod=(0.5, 0.9)), "alphas_cumprod", "not increase"),
        (lambda: DiscreteDiffusion.linear(beta_end=1.0), "beta_end", "below 1"),
        (lambda: DiscreteDiffusion.squared_cosine(beta_max=1.0), "beta_max", "below 1"),
        (lambda: DiscreteDiffusion.squared_cosine(steps=0), "steps", "given 0"),
        (lambda: VarianceExploding(80.0, growth="power"), "sigma_min", "missing"),
        (lambda: VarianceExploding(80.0, growth="power", sigma_min=90.0), "sigma_min", "below 80"),
        (lambda: VarianceExploding(80.0, growth="power", sigma_min=0.1, rho=0.5), "rho", "at least 1"),
        (lambda: VarianceExploding(80.0, rho=7.0), "rho", "power"),
        (lambda: VarianceExploding(80.0, growth="geometric", sigma_min=0.0), "sigma_min", "above 0"),
        (lambda: FlowMatching((0.0, 1.0), (0.0, 0.5, 1.0), (1.0, 0.0)), "alpha", "3 values for 2 times"),
        (lambda: FlowMatching((1.0, 0.5, 0.0), (1.0, 0.5, 0.0), (0.0, 0.5, 1.0)), "t", "0 (noise) to 1 (data)"),
        (lambda: FlowMatching((0.0, 0.5, 1.0), (0.0, 0.5, 1.0), (0.2, 0.9, 1.9)), "beta", "after index 1"),
        (lambda: FlowMatching((0.0, 0.5, 1.0), (0.0, 0.0, 1.0), (1.0, 0.9, 0.0)), "alpha", "only at t = 0"),
        (lambda: FlowMatching((0.0, 0.5, 1.0), (0.0, math.inf, 1.0), (1.0, 0.9, 0.0)), "alpha[1]", "finite"),
        (lambda: FlowMatching((0.0, 1.0), (1.0, 1.0), (0.0, 0.0)), "beta", "must add noise"),
        (lambda: to_betas(ConditionalOptimalTransport(), 10), "schedule", "rescaled=True"),
        (lambda: to_betas(Cosine(), 10), "schedule", "beta_max=0.999"),
        (lambda: to_betas(Cosine(), 10, beta_max=1.5), "beta_max", "below 1"),
        (lambda: to_alphas_cumprod(Cosine(), 0), "steps", "given 0"),
        (lambda: to_betas(OptimalTransport(), 10), "schedule", "no levels"),
        (lambda: to_sigmas(Cosine(), [0.5, 1.0]), "times", "infinite at t = 1"),
        (lambda: to_sigmas(Cosine(), [0.5, 1.1]), "times", "[0, 1]"),
        (lambda: to_flow_matching(Cosine(tau=3.0), [0.0, 2.0]), "t", "[0, 1]"),
    ],
)
def test_bad_schedules_are_refused(build, key, words):
    with pytest.raises(InputError) as refused:
        build()
    assert refused.value.key == key
    assert words in refused.value.message


def test_the_best_schedule_says_why_it_is_no_alphas():
    best = fp.schedule_costs(PAPER, Cosine()).best
    with pytest.raises(InputError, match=r"largest m 1\.06.*rescaled=True"):
        to_betas(best, 50)
    assert to_betas(best, 50, rescaled=True, beta_max=0.999)[-1] == 0.999


CASE = """
dimension = 1
tau = 1.0
[data]
kind = "gaussian"
mean = 0.0
std = 0.5
[schedule]
{}
[start]
kind = "gaussian"
mean = 1.0
std = 1.0
[grid]
cells = 40
[time]
steps = 4
"""


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ('kind = "arrays"\nt = [0.0, 0.5, 1.0]\nm = [1.0, 0.5, 0.6]\nsigma = [0.0, 0.5, 0.4]', "[schedule] sigma"),
        ('kind = "ddpm"\nbetas = [0.1, 1.0]', "[schedule] betas"),
        ('kind = "ddpm"\nalphas_cumprod = [0.5, 0.9]', "[schedule] alphas_cumprod"),
        ('kind = "ddpm"\nbetas = [0.1, nan]', "[schedule] betas[1]"),
        ('kind = "ve"\nsigma_max = 1.0\ngrowth = "power"\nsigma_min = 2.0', "[schedule] sigma_min"),
        ('kind = "ve"\nsigma_max = 1.0\ngrowth = "power"\nsigma_min = 0.1\nrho = 0.5', "[schedule] rho"),
        ('kind = "flow-matching"\nt = [1.0, 0.0]\nalpha = [1.0, 0.0]\nbeta = [0.0, 1.0]', "[schedule] t"),
        ('kind = "flow-matching"\nt = [0.0, 1.0]\nalpha = [1.0]\nbeta = [0.0, 1.0]', "[schedule] alpha"),
        ('kind = "flow-matching"\nfile = "only.csv"', "no 'beta'"),
        ('kind = "flow-matching"\nfile = "only.csv"\nwhich = "best"', "[schedule] which"),
    ],
)
@pytest.mark.parametrize("command", ["run", "schedule"])
def test_bad_schedules_in_case_files(command, schedule, words, tmp_path, capsys):
    (tmp_path / "only.csv").write_text("t,alpha\n0.0,0.0\n1.0,1.0\n", encoding="utf-8")
    path = tmp_path / "bad.toml"
    path.write_text(CASE.format(schedule), encoding="utf-8")
    assert main([command, str(path), "--json"]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert words in printed.err and "bad.toml" in printed.err


@pytest.mark.parametrize(
    "schedule",
    [
        'kind = "flow-matching"\nfile = "flow.csv"',
        'kind = "ve"\nsigma_max = 5.0\ngrowth = "power"\nsigma_min = 0.0',
    ],
)
def test_new_kinds_run_and_repeat(schedule, tmp_path, capsys):
    s = np.linspace(0.0, 1.0, 9)
    table = np.column_stack([s, s, 1.0 - s])
    np.savetxt(tmp_path / "flow.csv", table, delimiter=",", header="t,alpha,beta", comments="")
    path, result = tmp_path / "case.toml", tmp_path / "result.nc"
    path.write_text(CASE.format(schedule), encoding="utf-8")
    assert main(["run", str(path), "--out", str(result), "--json"]) == 0
    first = capsys.readouterr().out
    assert main(["run", str(result), "--json"]) == 0
    assert first.split('"diagnostics"')[0] == capsys.readouterr().out.split('"diagnostics"')[0]
