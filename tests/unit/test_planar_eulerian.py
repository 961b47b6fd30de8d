"""The estimated process in the plane on a fixed grid: closed forms, conservation laws and the characteristics."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.accuracy import assess, plane_experiment
from fpsolve.cases import PlaneCase
from fpsolve.densities import PlaneGaussian, PlaneMixture, PlaneUniform
from fpsolve.dynamics import plane_fields
from fpsolve.planar.advection import advected
from fpsolve.planar.comparison import Comparison
from fpsolve.planar.eulerian import EulerianComparison
from fpsolve.planar.processes import plane_process
from fpsolve.planar.window import grid_over, window_of
from fpsolve.schedules import Cosine, LinearForceSchedule
from fpsolve.verification import PLANE_ORDER, converge, declared_order

ROUTES = ("weno5", "upwind")
ROUND = ((0.3, 0.0), (0.0, 0.3))
MIXTURE = PlaneMixture(means=((0.7, 0.0), (-0.7, 0.3)), covariances=(ROUND, ROUND), weights=(0.5, 0.5))
START = PlaneGaussian((0.4, 0.3), std=0.9)


def edges_of(grid):
    return [axis.edges for axis in grid.axes]


def translate(shift=(0.8, -0.5), variance=0.4):
    """Data N(0, v), its process, a start shifted from its end, and what becomes of that start at any time.

    Under the cosine schedule P_t = N(0, s²) with s² = v m² + sigma², and the flow multiplies by s_t / s_tau.
    """
    process = plane_process(PlaneGaussian(std=math.sqrt(variance)), Cosine(tau=1.0))

    def exact(t):
        s = math.sqrt(variance * math.cos(0.5 * math.pi * t) ** 2 + math.sin(0.5 * math.pi * t) ** 2)
        return PlaneGaussian(tuple(s * x for x in shift), std=s)

    return process, PlaneGaussian(shift, std=1.0), exact


# the run


@pytest.mark.parametrize("method", ROUTES)
def test_mass_is_kept_to_rounding(method):
    process = plane_process(MIXTURE, Cosine(tau=1.0))
    # a window that cuts, so that a leak through the walls would be seen
    grid = grid_over(((-2.0, 2.2), (-1.9, 2.5)), (20, 24))
    run = advected(process, START, grid, np.linspace(0.0, 1.0, 5), method)
    start = START.cell_masses(*edges_of(grid)).sum()
    assert np.max(np.abs(run.masses.sum(axis=(1, 2)) - start)) < 1e-13
    assert np.array_equal(run.masses[-1] / grid.volumes, START.cell_masses(*edges_of(grid)) / grid.volumes)


def test_upwind_keeps_every_mass_positive():
    process = plane_process(MIXTURE, Cosine(tau=1.0))
    box = PlaneUniform((-0.9, -0.4), (0.8, 1.1))
    grid = grid_over(window_of(process, box), (24, 24))
    assert advected(process, box, grid, [0.0, 0.5], "upwind", cfl=1.0).masses.min() >= 0.0


@pytest.mark.parametrize(("method", "cells", "least", "cap"), [("weno5", 32, 3.5, 3e-3), ("upwind", 32, 0.7, 0.15)])
def test_order_on_a_translate(method, cells, least, cap):
    process, start, exact = translate()
    errors = []
    for n in (cells, 2 * cells, 4 * cells):
        grid = grid_over(window_of(process, start), (n, n))
        masses = advected(process, start, grid, [0.0], method).masses[0]
        errors.append(float(np.sum(np.abs(masses - exact(0.0).cell_masses(*edges_of(grid))))))
    orders = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert orders[-1] > least, (errors, orders)
    assert errors[-1] < cap
    if method == "upwind":
        assert orders[-1] < 1.2


@pytest.mark.parametrize("method", ROUTES)
def test_order_on_a_mixture_against_a_finer_run(method):
    """Exact gathering: the masses of a fine run are those of the coarse cells, so self-convergence needs no remap."""
    process = plane_process(MIXTURE, Cosine(tau=1.0))
    box, runs = window_of(process, START), []
    for n in (24, 48, 96):
        masses = advected(process, START, grid_over(box, (n, n)), [0.2], method).masses[0]
        runs.append(masses.reshape(24, n // 24, 24, n // 24).sum(axis=(1, 3)))
    first, second = (float(np.sum(np.abs(b - a))) for a, b in itertools.pairwise(runs))
    order = math.log2(first / second)
    assert order > (3.0 if method == "weno5" else 0.6), order


def test_products_are_averaged_over_faces():
    """The velocity changes along the faces: with its mean alone the scheme would fall to second order.

    Begun as the forward process itself, the estimated one stays it.
    """
    data = PlaneGaussian((0.5, 0.0), covariance=((0.5, 0.15), (0.15, 0.2)))
    process = plane_process(data, LinearForceSchedule(h=(0.5, 1.5), g=2.0, T_fin=0.4))
    errors, box = [], window_of(process, process.final)
    for n in (64, 128):
        grid = grid_over(box, (n, n))
        masses = advected(process, process.final, grid, [0.0], "weno5").masses[0]
        errors.append(float(np.sum(np.abs(masses - data.cell_masses(*edges_of(grid))))))
    assert math.log2(errors[0] / errors[1]) > 4.2, errors


def test_velocities_that_grow_without_limit_far_from_the_data():
    """Around a uniform density the velocity at a distance d from it is d / t; steps stay few, and P~ = P stays P."""
    data = PlaneUniform((-0.8, -0.6), (0.8, 0.7))
    process = plane_process(data, Cosine(tau=1.0))
    grid = grid_over(window_of(process, process.final), (32, 32))
    run = advected(process, process.final, grid, [0.0, 0.3], "weno5")
    assert run.steps < 400
    for masses, density, most in zip(run.masses, (data, process.density(0.3)), (0.3, 4e-2), strict=True):
        assert np.sum(np.abs(masses - density.cell_masses(*edges_of(grid)))) < most


@pytest.mark.parametrize(
    ("times", "method", "words"),
    [([0.0], "weno", "weno5"), ([0.5, 0.5], "weno5", "increasing"), ([0.0, 1.5], "upwind", "must lie in")],
)
def test_bad_input_of_a_run(times, method, words):
    process, start, _ = translate()
    grid = grid_over(((-5.0, 5.0), (-5.0, 5.0)), (8, 8))
    with pytest.raises(fp.InputError, match=words):
        advected(process, start, grid, times, method)


# what is observed


@functools.cache
def observed_translate(method, cells):
    process, start, _ = translate()
    return EulerianComparison(process, start, grid_over(window_of(process, start), (cells, cells)), method)


@pytest.mark.parametrize(("method", "cells"), [("weno5", 44), ("upwind", 44), ("upwind", 26)])
def test_distances_of_a_translate_lie_within_their_bars(method, cells):
    """W₁ = |shift| s_t, its rate |shift| s_t', and D = exp(|shift|²) - 1 (theory, fact 9)."""
    observed, exact = observed_translate(method, cells), translate()[-1]
    size, divergence = math.hypot(0.8, 0.5), math.expm1(0.8**2 + 0.5**2)
    for t in observed.times[1:-1]:
        found, s = observed.at(float(t)), exact(t).covariance[0][0] ** 0.5
        slope = 0.6 * 0.5 * math.pi * math.sin(math.pi * t) / (2.0 * s)
        assert abs(found.distance.value - size * s) <= found.distance.error
        assert abs(found.rate.value - size * slope) <= found.rate.error
        assert abs(found.divergence.value - divergence) <= found.divergence.error
    if method == "weno5":
        assert observed.at(0.0).distance.error < 0.1


@pytest.mark.parametrize(("method", "start"), [("upwind", START), ("weno5", PlaneGaussian(std=0.6))])
def test_a_mixture_against_the_characteristics(method, start):
    process = plane_process(MIXTURE, Cosine(tau=1.0))
    box = window_of(process, start)
    observed = EulerianComparison(process, start, grid_over(box, (40, 40)), method)
    exact = Comparison(process, start, grid_over(box, (64, 64)))
    for t in observed.times[[0, 4, 8, 12, 16]]:
        found, known = observed.at(float(t)), exact.at(float(t), process.nodes(float(t), exact.grid))
        for one, other in zip(found[:3], known[:3], strict=True):
            assert abs(one.value - other.value) <= one.error + other.error


def test_dissipation_of_the_schemes_shows_in_the_divergence():
    """Against the exact P a scheme that smears makes D rise (theory, fact 5), upwind far more than WENO."""
    drift = {}
    for method in ROUTES:
        observed = observed_translate(method, 44)
        first, last = observed.at(1.0).divergence, observed.at(0.0).divergence
        drift[method] = last.value - first.value
        assert last.error >= abs(last.value - math.expm1(0.8**2 + 0.5**2))
    assert drift["upwind"] > 0.05
    assert drift["upwind"] > 5.0 * abs(drift["weno5"])


def test_a_window_restricts_the_integrals():
    process, start, _ = translate()
    grid = grid_over(window_of(process, start), (40, 40))
    window = ((-1.0, 1.2), (-1.5, 0.9))
    observed = EulerianComparison(process, start, grid, "weno5", window).at(1.0)
    p, q = process.final, start
    x, y = (np.linspace(a, b, 401) for a, b in window)
    x, y = np.meshgrid(0.5 * (x[1:] + x[:-1]), 0.5 * (y[1:] + y[:-1]), indexing="ij")
    area = (2.2 / 400) * (2.4 / 400)
    exact = float(np.sum((p.pdf(x, y) - q.pdf(x, y)) ** 2 / p.pdf(x, y)) * area)
    assert abs(observed.divergence.value - exact) <= observed.divergence.error
    assert observed.divergence.value == pytest.approx(exact, rel=0.05)


def test_only_its_own_instants_are_known():
    process, start, _ = translate()
    observed = EulerianComparison(process, start, grid_over(window_of(process, start), (16, 16)), "upwind")
    with pytest.raises(fp.InputError, match="other instants"):
        observed.at(0.123456)
    with pytest.raises(fp.InputError, match="weno5"):
        EulerianComparison(process, start, observed.grid, "centred")


# whole cases


@functools.cache
def along_the_characteristics():
    case = PlaneCase(MIXTURE, Cosine(tau=1.0), START, cells=(32, 32), steps=10, snapshots=2)
    return assess(case, plane_fields(case))


@pytest.mark.parametrize("method", ROUTES)
def test_no_relation_is_violated_because_of_the_scheme(method):
    case = PlaneCase(MIXTURE, Cosine(tau=1.0), START, cells=(32, 32), steps=10, snapshots=3, estimated=method)
    fields = plane_fields(case)
    result = assess(case, fields)
    verdicts = {relation.name: relation.verdict for relation in result.relations}
    assert "violated" not in verdicts.values()
    assert verdicts["chi2-invariance"] in ("undecided", "holds")
    # the same case along the characteristics
    process, start, numerics = plane_experiment(case, fields)
    assert numerics.compare is not None
    exact = along_the_characteristics()
    for name in ("eta", "W1_final", "W1_initial", "c1"):
        one, other = result.estimates[name], exact.estimates[name]
        assert abs(one.value - other.value) <= one.error + other.error
    # stored fields: of the scheme, of mass one, the start exact
    stored = fields["density_estimated"].values
    volumes = numerics.grid.volumes
    assert np.max(np.abs((stored * volumes).sum(axis=(1, 2)) - 1.0)) < 1e-8
    run = advected(process, start, numerics.grid, [0.0], method).masses[0]
    assert np.allclose(stored[0] * volumes, run, rtol=0.0, atol=2e-3 * run.max())


def test_declared_orders():
    case = PlaneCase(MIXTURE, Cosine(tau=1.0), START, cells=(16, 16), steps=4, estimated="upwind")
    assert declared_order(case, "W1_final") == 1.0
    assert declared_order(case, "W1_initial") == declared_order(case, "W2") == PLANE_ORDER
    assert declared_order(case, "c2") == "spectral"
    weno = PlaneCase(MIXTURE, Cosine(tau=1.0), START, cells=(16, 16), steps=4, estimated="weno5")
    assert declared_order(weno, "eta") == PLANE_ORDER


def test_limit_of_refined_cases():
    _, start, _ = translate()
    data, corners = PlaneGaussian(std=0.9), {"lower": (-4.5, -5.0), "upper": (5.5, 5.0)}
    case = PlaneCase(data, Cosine(tau=1.0), start, cells=(16, 16), **corners, steps=4, snapshots=2, estimated="upwind")
    found = converge(case, 2)
    assert found.orders["W1_final"].declared == 1.0
    limit = found.limits["W1_final"]
    assert abs(limit.value - math.hypot(0.8, 0.5) * 0.9) <= limit.error
