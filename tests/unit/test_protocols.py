"""Protocols between two densities: least dissipation recovered, everything else above it."""

from __future__ import annotations

import math

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.design import compare_protocols, drive, minimum_dissipation_of, optimal_protocol

START, TARGET = fp.Gaussian(0.0, 1.0), fp.GaussianMixture(means=(-1.0, 1.0), stds=(0.3, 0.3))
#: what the paths that reach the target cost in units of the least: int s'² du, and 1 + 16/3 (height / W2)²
COST = {"accelerated": 4.0 / 3.0, "eased": math.pi**2 / 8.0, "detour": 1.0 + 4.0 / 3.0}
COMPARED = (*COST, "linear", "quench")


@pytest.mark.parametrize(("tau", "temperature", "mobility"), [(1.0, 1.0, 1.0), (0.2, 0.3, 2.0)])
def test_the_least_dissipation_is_recovered(tau, temperature, mobility):
    protocol = optimal_protocol(START, TARGET, tau, temperature, mobility)
    driven = drive(protocol, cells=384, rtol=3e-5)
    produced, least = driven["entropy_production"], protocol.least
    exact = protocol.W2.value**2 / (tau * temperature * mobility)
    assert abs(least.value - exact) < 1e-12 * exact
    assert abs(produced.value - exact) < min(1e-4 * exact, produced.error)
    assert produced.error < 1e-3 * exact
    assert driven["L1"].value < 1e-4 and driven["divergence"].value < 1e-7
    # the second law as an equality, from heat and energies alone
    work = driven["work"].scaled(1.0 / temperature) - (produced + driven["divergence"])
    assert abs(work.value) <= work.error


@pytest.mark.parametrize("case", range(2))
def test_between_gaussians(case):
    rng = np.random.default_rng(case)
    (m0, m1), (s0, s1) = rng.normal(size=2), np.exp(rng.normal(0.0, 0.5, 2))
    tau, temperature = float(rng.uniform(0.5, 2.0)), float(rng.uniform(0.2, 2.0))
    protocol = optimal_protocol(fp.Gaussian(m0, s0), fp.Gaussian(m1, s1), tau, temperature)
    exact = (m1 - m0) ** 2 + (s1 - s0) ** 2
    assert abs(protocol.W2.value**2 - exact) < 1e-12 + 1e-10 * exact
    produced = drive(protocol, cells=128, rtol=1e-5)["entropy_production"]
    error = abs(produced.value - exact / (tau * temperature))
    assert error < 1e-4 * exact / (tau * temperature) and error <= produced.error


@pytest.fixture(scope="module")
def comparison():
    return compare_protocols(START, TARGET, 1.0, 0.5, protocols=COMPARED, cells=256, rtol=1e-4)


def test_what_reaches_the_target_costs_what_its_pace_says(comparison):
    least = float(comparison["least_entropy_production"])
    for name, cost in COST.items():
        row = comparison.sel(protocol=name)
        error = abs(float(row["entropy_production"]) - cost * least)
        assert error < 1e-3 * least and error <= float(row["entropy_production_error"])
        assert float(row["L1"]) < 2e-3
        assert float(row["entropy_production"]) > 1.1 * least


def test_every_protocol_obeys_the_bound(comparison):
    relations = minimum_dissipation_of(comparison)
    assert [relation.verdict for relation in relations] == ["holds"] * 5
    for name in ("linear", "quench"):
        row = comparison.sel(protocol=name)
        assert float(row["entropy_production"]) > float(row["bound"]) + float(row["entropy_production_error"])
        assert float(row["entropy_production"]) > 1.1 * float(row["bound"])


def test_work_is_what_is_dissipated_in_the_end(comparison):
    """W = T (S_tot + D_KL(reached || target)): both free energies are those of equilibria."""
    gap = np.abs(comparison["work"] / 0.5 - comparison["total_to_target"])
    assert np.all(gap <= comparison["work_error"] / 0.5 + comparison["total_to_target_error"])
    assert np.all(gap < 2e-3 * comparison["total_to_target"])


def test_a_quench_of_a_trap():
    """From N(0, 1) the trap is moved and stiffened: Gaussian at all times, D_KL(P || equilibrium) falls in step."""
    tau, temperature, mean, width = 0.7, 0.4, 0.8, 0.6
    rate = temperature / width**2
    decay = math.exp(-rate * tau)
    reached = mean * (1.0 - decay), math.sqrt(width**2 + (1.0 - width**2) * decay**2)

    def divergence(m: float, s: float) -> float:
        return math.log(width / s) + (s**2 + (m - mean) ** 2) / (2.0 * width**2) - 0.5

    row = compare_protocols(
        fp.Gaussian(0.0, 1.0), fp.Gaussian(mean, width), tau, temperature, protocols=["quench"], cells=256, rtol=1e-5
    ).isel(protocol=0)
    bound = (reached[0] ** 2 + (reached[1] - 1.0) ** 2) / (tau * temperature)
    missed = math.hypot(reached[0] - mean, reached[1] - width)
    exact = {"divergence": divergence(*reached), "bound": bound, "W2": missed}
    exact["entropy_production"] = divergence(0.0, 1.0) - exact["divergence"]
    exact["total_to_target"] = divergence(0.0, 1.0)
    exact["work"] = temperature * divergence(0.0, 1.0)
    for name, value in exact.items():
        error = abs(float(row[name]) - value)
        assert error < 1e-4 * value and error <= float(row[f"{name}_error"]), name


def test_solve_gives_the_target():
    protocol = optimal_protocol(START, fp.Gaussian(0.5, 0.5), 1.0, 0.5)
    solution = protocol.solve([0.0, 0.5, 1.0], grid=fp.Grid.line(-6.5, 6.5, 256))
    edges = solution["x_face"].values
    gap = np.sum(np.abs(solution["density"].values[-1] - protocol.end.cell_averages(edges)) * np.diff(edges))
    assert gap <= float(solution["density_error"][-1]) and gap < 1e-4


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ((START, TARGET, 0.0, 1.0), "tau"),
        ((START, TARGET, 1.0, -1.0), "temperature"),
        ((START, TARGET, 1.0, 1.0, 0.0), "mobility"),
        ((START, fp.Uniform(-1.0, 1.0), 1.0, 1.0), "end"),
        ((fp.Uniform(-1.0, 1.0), TARGET, 1.0, 1.0), "start"),
        ((START, fp.PlaneGaussian(mean=(0.0, 0.0), std=1.0), 1.0, 1.0), "end"),
        ((START, fp.GaussianMixture((-1.0, 1.0), (0.05, 0.05)), 1.0, 1.0), "end"),
    ],
)
def test_bad_input(arguments, key):
    with pytest.raises(fp.InputError) as caught:
        optimal_protocol(*arguments)
    assert caught.value.key == key


def test_other_bad_input():
    with pytest.raises(fp.InputError, match="optimal, accelerated"):
        compare_protocols(START, TARGET, 1.0, 1.0, protocols=["best"])
    with pytest.raises(fp.InputError, match="multiple of 4"):
        drive(optimal_protocol(START, TARGET, 1.0, 1.0), cells=130)
