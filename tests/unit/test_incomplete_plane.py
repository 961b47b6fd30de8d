"""The estimated process of a learned velocity in the plane, and the bounds (100) of its error."""

from __future__ import annotations

import math

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.learning.incomplete import basis_table, incomplete_estimation
from fpsolve.learning.matching import flow_matching
from fpsolve.learning.plane_run import marched
from fpsolve.learning.radial import radial_basis
from fpsolve.planar.processes import plane_process
from fpsolve.processes import Diffusion
from fpsolve.settings import InputError

MIXTURE = fp.PlaneMixture(
    means=((-0.5, -0.3), (0.5, 0.0), (0.0, 0.5)),
    covariances=(((0.30, 0.05), (0.05, 0.25)), ((0.28, -0.04), (-0.04, 0.3)), ((0.3, 0.0), (0.0, 0.25))),
    weights=(0.3, 0.4, 0.3),
)
NARROW = fp.PlaneMixture(
    means=((-0.6, -0.4), (0.7, -0.1), (0.0, 0.7)),
    covariances=(((0.09, 0.03), (0.03, 0.06)), ((0.08, -0.02), (-0.02, 0.12)), ((0.1, 0.0), (0.0, 0.05))),
    weights=(0.3, 0.4, 0.3),
)
START = fp.PlaneGaussian((0.5, 0.3), std=1.0)
STD, RADIUS, EPSILON = 0.5, 0.9, 0.2
SMALL = {"labels": 48, "cells": 48}


class Tilted:
    """The velocity of the process plus epsilon (x, y); exact with epsilon = 0."""

    def __init__(self, process, epsilon):
        self.process, self.epsilon = process, epsilon

    def velocity(self, t, x, y):
        place = np.ascontiguousarray(x), np.ascontiguousarray(y)
        return self.process.flow(t, *place).velocity + self.epsilon * np.stack(place)

    def slope(self, t, x, y, h=1e-4):
        along = self.velocity(t, x + h, y)[0] - self.velocity(t, x - h, y)[0]
        across = self.velocity(t, x, y + h)[1] - self.velocity(t, x, y - h)[1]
        return (along + across) / (2.0 * h)


@pytest.fixture(scope="module")
def tilted():
    """Everything is Gaussian, round and centred."""
    process = plane_process(fp.PlaneGaussian((0.0, 0.0), std=STD), fp.ConditionalOptimalTransport(tau=1.0))
    field = Tilted(process, EPSILON)
    return process, incomplete_estimation(process, fp.PlaneGaussian((0.0, 0.0), std=RADIUS), field, **SMALL)


@pytest.fixture(scope="module")
def mixture():
    return plane_process(MIXTURE, fp.Cosine(tau=1.0))


@pytest.fixture(scope="module")
def results(mixture):
    found = []
    for centres in (2, 4, 6):
        learned = flow_matching(mixture, radial_basis(mixture, centres, 4))
        found.append((learned, incomplete_estimation(mixture, START, learned, **SMALL)))
    return found


def widths(process, t):
    """Standard deviations of P and P~."""
    std = math.sqrt(process.density(t).covariance[0, 0])
    return std, RADIUS * std * math.exp(EPSILON * (t - 1.0))


@pytest.mark.parametrize("index", [0, 17, 40, -1])
def test_gaussian_run_lies_within_its_bars(tilted, index):
    process, result = tilted
    t = float(result.times[index])
    b, s = widths(process, t)
    rate = float(process.flow(t, np.ones(1), np.zeros(1)).velocity[0, 0])
    exact = {
        "chi2": b**2 / s**4 / (2.0 / s**2 - 1.0 / b**2) - 1.0,
        "dissipation": 2.0 * rate**2 * b**2,
        "square_error": 2.0 * EPSILON**2 * b**2,
        "error": EPSILON * s * math.sqrt(math.pi / 2.0),  # mean of the Rayleigh law
    }
    for name, value in exact.items():
        assert abs(result.series[name][index] - value) <= result.errors[name][index] + 1e-13, name
        assert result.errors[name][index] < (2e-3 if name == "error" else 1e-4)
    density = np.exp(-0.5 * np.sum(result.run.x[index] ** 2, axis=0) / s**2) / (2.0 * math.pi * s**2)
    np.testing.assert_allclose(result.run.density(index), density, rtol=1e-5, atol=1e-12)


def test_distances_of_round_gaussians(tilted):
    """Every point moves along its ray: W1 is the difference of the mean radii."""
    process, result = tilted
    for name, t in (("W1_data", 0.0), ("W1_start", 1.0)):
        b, s = widths(process, t)
        found = result.quantities[name]
        assert abs(found.value - abs(b - s) * math.sqrt(math.pi / 2.0)) <= found.error
        assert found.error < 2e-2 * found.value
    loss = result.quantities["loss"]
    # variance (1 - t)² / 4 + t² of conditional optimal transport, averaged over t
    assert abs(loss.value - 2.0 * EPSILON**2 * (STD**2 + 1.0) / 3.0) <= loss.error + 1e-12


def test_shift_of_the_start_shrinks_as_the_signal():
    """P~ is P carried with another mean: W1 is the distance of the means."""
    process = plane_process(fp.PlaneGaussian((0.0, 0.0), std=STD), fp.ConditionalOptimalTransport(tau=1.0))
    start = fp.PlaneGaussian((0.3, -0.4), std=1.0)
    result = incomplete_estimation(process, start, Tilted(process, 0.0), **SMALL)
    for name, exact in (("W1_start", 0.5), ("W1_data", 0.5 * STD)):
        found = result.quantities[name]
        assert abs(found.value - exact) <= found.error
    # the exact velocity keeps D, and there is no error
    np.testing.assert_allclose(result.series["chi2"], math.exp(0.25) - 1.0, rtol=1e-6)
    assert result.quantities["loss"].value < 1e-14
    first, sharp = result.relations
    assert sharp.rhs < first.rhs
    assert first.verdict == sharp.verdict == "holds"


def test_both_bounds_hold_at_every_basis_size(results):
    for _, result in results:
        assert [relation.verdict for relation in result.relations] == ["holds", "holds"]
        paper, sharp = result.quantities["bound"], result.quantities["sharp_bound"]
        assert sharp.value + sharp.error < paper.value - paper.error
        assert abs(result.quantities["delta_W1"].value) > 0.1


def test_sharper_bound_is_the_smaller_one_at_every_instant(results):
    """E_P~ |e| <= sqrt(1 + D) sqrt(E_P e²)."""
    for _, result in results:
        square = (1.0 + result.series["chi2"]) * result.series["square_error"]
        assert np.all(result.series["error"] <= np.sqrt(square) + result.errors["error"] + 1e-9)


def test_errors_shrink_as_the_basis_grows(mixture, results):
    """The exact velocity keeps D: what it drifts by is due to the error."""
    drifts = [float(np.ptp(result.series["chi2"])) for _, result in results]
    losses = [result.quantities["loss"].value for _, result in results]
    bounds = [result.quantities["sharp_bound"].value for _, result in results]
    for values in (drifts, losses, bounds):
        assert values[0] > values[1] > values[2]


def test_loss_of_the_run_is_that_of_the_training(results):
    for learned, result in results:
        loss = result.quantities["loss"]
        assert abs(loss.value - learned.loss) <= loss.error + 1e-9 * learned.loss


def test_generated_density_is_that_of_the_labels(mixture, results):
    """Following points from t = 0 to tau against labels that came from there: an independent way to P~."""
    learned, result = results[1]
    place, stretch = result.run.x[0][:, ::50], np.zeros(result.run.x[0][:, ::50].shape[1])
    state = marched(learned, place, stretch, 0.0, 1.0, 60)
    traced = START.pdf(state[0], state[1]) * np.exp(state[2])
    np.testing.assert_allclose(traced, result.run.density(0)[::50], rtol=1e-4, atol=1e-12)


def test_bars_hold_what_more_labels_and_cells_find(mixture, results):
    learned, coarse = results[1]
    fine = incomplete_estimation(mixture, START, learned, labels=80, cells=72).quantities
    for name, found in coarse.quantities.items():
        assert abs(found.value - fine[name].value) <= found.error + fine[name].error, name
    assert coarse.quantities["W1_data"].value != fine["W1_data"].value


def test_infinite_divergence_is_said():
    """Affine tails are too wide for narrow modes: D = infinity, and no relation."""
    process = plane_process(NARROW, fp.Cosine(tau=1.0))
    learned = flow_matching(process, radial_basis(process, 4, 6))
    result = incomplete_estimation(process, START, learned, labels=48, cells=32)
    assert result.quantities["D_data"].value == result.quantities["D_max"].value == math.inf
    assert [relation.verdict for relation in result.relations] == ["undefined", "undefined"]
    assert "integrable" in result.relations[0].why


def test_table_has_a_row_for_each_basis(mixture):
    (row,) = basis_table(mixture, START, [radial_basis(mixture, 3, 2)], labels=32, cells=32)
    assert row["parameters"] == 2 * (9 + 3) * 5
    assert abs(row["delta_W1"]) < row["sharp_bound"] < row["bound"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p, f: incomplete_estimation(p, fp.Gaussian(0.0, 1.0), f), "in the plane expected"),
        (lambda p, f: incomplete_estimation(p, START, f, labels=3), "labels"),
        (lambda p, f: incomplete_estimation(p, START, f, cells=3), "cells"),
        (lambda p, f: incomplete_estimation(p, START, f, tolerance=-1.0), "tolerance"),
        (lambda p, f: incomplete_estimation(Diffusion(fp.Gaussian(0.0, 1.0), fp.Cosine()), START, f), "on the line"),
    ],
)
def test_bad_input(mixture, results, make, message):
    with pytest.raises(InputError, match=message):
        make(mixture, results[0][0])
