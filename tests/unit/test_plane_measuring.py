"""Speed-accuracy in the plane, measured on a grid, against moment equations, the line, and equalities."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from plane_moments import normal
from scipy.integrate import quad

import fpsolve as fp
from fpsolve.cases import Case
from fpsolve.densities import PlaneGaussian, PlaneMixture
from fpsolve.measuring import Numerics, check_relations, measure
from fpsolve.measuring.plane import PlaneNumerics, measure_plane
from fpsolve.planar.window import grid_over, window_of, window_of_ends
from fpsolve.processes.plane.geodesic import PlaneGeodesic
from fpsolve.processes.plane.linear import LinearProcess
from fpsolve.processes.plane.stirred import Stirred
from fpsolve.schedules import LinearForceSchedule
from fpsolve.schedules.stirring import Levels, Vortices
from fpsolve.transport.gaussian import bures, gaussian_map

CELLS = (48, 48)
#: rounding of the references, and what their integrators leave
REFERENCE = 3e-11


@functools.lru_cache(maxsize=64)
def measured(process, start, cells=CELLS):
    """The measurement; no relation may be violated anywhere in this file."""
    found, _, _ = measure_plane(process, start, PlaneNumerics(grid_over(window_of(process, start), cells)))
    wrong = [relation for relation in check_relations(found) if relation.verdict == "violated"]
    assert not wrong, wrong
    for name, values in found.series.items():
        assert np.all(found.errors[name] >= 0.0) or name in ("system", "bath")
        assert np.all(np.isfinite(values)) or name in ("system", "bath")
    return found.quantities


def compare(quantities, exact, within):
    """Every value lies inside its bar, and as near to the exact one as it must."""
    for name, value in exact.items():
        found = quantities[name]
        off = abs(found.value - value)
        assert off <= found.error + REFERENCE * abs(value), (name, found, value)
        assert off <= within * abs(value), (name, found, value)


def start_of(process, delta):
    """P_tau moved."""
    last = process.final
    return PlaneGaussian(tuple(last.mean + np.array(delta)), covariance=last.covariance.tolist())


# normal densities: all of it from the moment equations

ROUND = PlaneGaussian((0.0, 0.0), std=0.6)
TILTED = PlaneGaussian((0.3, -0.2), covariance=((0.5, 0.2), (0.2, 0.3)))
AWAY = PlaneGaussian((1.5, -1.0), covariance=((0.6, -0.1), (-0.1, 0.4)))
EXACT = {
    "turning": (TILTED, LinearForceSchedule(1.1, 3.0, 0.5, 2.0), (0.4, 0.3)),
    "away": (AWAY, LinearForceSchedule(1.1, 2.0, 0.5, 1.0), (0.3, 0.2)),
    "shearing": (TILTED, LinearForceSchedule((0.9, 0.2), 2.0, 0.8, 0.8), (-0.3, 0.4)),
    "cosine": (TILTED, fp.Cosine(), (0.5, 0.4)),
    "cond-ot": (AWAY, fp.ConditionalOptimalTransport(tau=0.6), (-0.7, 0.3)),
    "ve": (AWAY, fp.VarianceExploding(1.2, tau=2.0), (0.6, 0.2)),
    "vp": (TILTED, fp.VariancePreserving(0.1, 6.0), (0.2, -0.9)),
}


@pytest.mark.parametrize(("data", "schedule", "delta"), EXACT.values(), ids=EXACT)
def test_translates_of_normal_densities(data, schedule, delta):
    process, reference = LinearProcess(data, schedule), normal(data, schedule)
    exact = reference.integrals() | reference.translate(delta)
    compare(measured(process, start_of(process, delta)), exact, 1e-4)


@pytest.mark.parametrize("name", ["turning", "shearing", "cosine"])
def test_series_of_normal_densities(name):
    data, schedule, delta = EXACT[name]
    process, reference = LinearProcess(data, schedule), normal(data, schedule)
    start = start_of(process, delta)
    grid = grid_over(window_of(process, start), (48, 48))
    found, stored, truncated = measure_plane(process, start, PlaneNumerics(grid, steps=20))
    assert not truncated
    assert np.array_equal(stored.times, np.linspace(0.0, schedule.tau, 21))
    for m in (found, stored):
        for i, t in enumerate(m.times):
            mean, covariance, drift, _ = reference.state(t)
            total, square = reference.speeds(t)
            moments = {
                "dissipation": total,
                "action": square,
                "v2": math.sqrt(square),
                "mean": mean[0],
                "mean_y": mean[1],
                "mean_rate": math.hypot(*drift),
                "second_moment": mean @ mean + np.trace(covariance),
            }
            for key, value in moments.items():
                # the stored ones are read off a polynomial
                slack = 1e-10 if m is found else 1e-5
                off = abs(m.series[key][i] - value)
                assert off <= m.errors[key][i] + slack * (1.0 + abs(value)), (key, t)


def test_translates_in_every_direction():
    """Of an isotropic process W1 is |delta| times one factor, whatever the direction."""
    process = LinearProcess(ROUND, LinearForceSchedule(1.1, 2.0, 0.5, 1.0))
    reference = normal(ROUND, process.schedule)
    for angle in (0.7, 4.0):
        delta = (0.4 * math.cos(angle), 0.4 * math.sin(angle))
        compare(measured(process, start_of(process, delta), (40, 40)), reference.translate(delta), 1e-4)


# products: one factor differs, so that the line knows the answer (fact 5.6)

BUMPS = fp.GaussianMixture((-0.5, 0.6), (0.35, 0.45), (0.4, 0.6))
PRODUCTS = {
    "cosine": (fp.Cosine(), 0.25, 0.9),
    "cond-ot": (fp.ConditionalOptimalTransport(tau=0.5), -0.3, 0.85),
    "ve": (fp.VarianceExploding(1.1), 0.5, 1.0),
    "vp": (fp.VariancePreserving(0.1, 8.0), 0.3, 0.8),
}


@pytest.mark.parametrize(("schedule", "mean", "std"), PRODUCTS.values(), ids=PRODUCTS)
def test_products_with_a_line(schedule, mean, std):
    across = PlaneGaussian((0.0, 0.2), std=0.7)
    data = PlaneMixture(
        means=[(m, 0.2) for m in BUMPS.means],
        covariances=[((s**2, 0.0), (0.0, 0.49)) for s in BUMPS.stds],
        weights=BUMPS.weights,
    )
    process = LinearProcess(data, schedule)
    last = process.final
    start = PlaneGaussian((mean, last.mean[1]), covariance=((std**2, 0.0), (0.0, last.covariance[1, 1])))
    single = fp.GaussianMixture((mean,), (std,), (1.0,))
    line = measure(Case(BUMPS, schedule, single).process, single, Numerics())[0].quantities
    moved = normal(across, schedule)

    def across_rate(t):
        _, covariance, drift, matrix = moved.state(t)
        return drift[1] ** 2 + matrix[1, 1] ** 2 * covariance[1, 1]

    exact = {name: line[name].value for name in ("eta", "c1", "D0", "W1_initial", "W1_final", "c2")}
    exact["c2"] += quad(across_rate, 0.0, schedule.tau, epsrel=1e-11)[0]
    quantities = measured(process, start, (80, 48))
    compare(quantities, {name: exact[name] for name in ("D0", "c2")}, 1e-6)
    # the distance is that of densities on a grid; eta is the square of a difference of two
    compare(quantities, {name: exact[name] for name in ("W1_initial", "W1_final")}, 2e-2)
    compare(quantities, {name: exact[name] for name in ("eta", "c1")}, 0.15)


# equalities

FEW = (32, 32)

THREE = PlaneMixture(means=((-0.6, 0.3), (0.7, 0.2), (0.0, -0.8)), stds=(0.45, 0.5, 0.4), weights=(0.3, 0.4, 0.3))
SYMMETRIC = PlaneMixture(
    means=tuple((0.6 * math.cos(a), 0.6 * math.sin(a)) for a in np.arange(3) * 2.0 * math.pi / 3.0),
    stds=(0.45, 0.45, 0.45),
)


def assert_equal(first, second, names=("D0", "W1_initial", "W1_final", "eta")):
    for name in names:
        a, b = first[name], second[name]
        assert abs(a.value - b.value) <= a.error + b.error + 1e-12 * abs(a.value), (name, a, b)


def test_eta_does_not_depend_on_the_curve():
    """Fact 5.1, for a mixture and starts that are no translates."""
    start = PlaneGaussian((0.5, 0.2), std=0.9)
    schedules = fp.Cosine(), fp.ConditionalOptimalTransport()
    first, second = (measured(LinearProcess(THREE, schedule), start) for schedule in schedules)
    assert_equal(first, second)
    assert first["c2"].value > first["c1"].value > first["eta"].value
    assert abs(first["c2"].value - second["c2"].value) > 0.01


FORCES = {g: LinearForceSchedule(0.8, g, 0.6, 1.0) for g in (0.0, -4.0)}


def test_a_rotation_changes_nothing_for_a_centred_round_start():
    start = PlaneGaussian(std=0.6)
    still, *turned = (measured(LinearProcess(SYMMETRIC, force), start, FEW) for force in FORCES.values())
    for each in turned:
        assert_equal(still, each)


def test_a_rotation_turns_the_start():
    """eta_g(start) = eta_0(start turned by minus the integral of G)."""
    place = np.array([0.5, 0.3])
    for g in (-4.0,):
        angle = -0.5 * g
        back = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) @ place
        turned = measured(LinearProcess(THREE, FORCES[g]), PlaneGaussian(tuple(place), std=0.6), FEW)
        still = measured(LinearProcess(THREE, FORCES[0.0]), PlaneGaussian(tuple(back), std=0.6), FEW)
        assert_equal(turned, still)


def test_what_a_rotation_dissipates():
    """The integral of T S' grows by g² ∫ (1 - t/tau)² E|x|² dt; E|x|² obeys the moment equations for any data."""
    start = PlaneGaussian(std=0.6)
    still = measured(LinearProcess(SYMMETRIC, FORCES[0.0]), start, FEW)["dissipation"]
    for g in (-4.0,):
        moments = normal(SYMMETRIC, FORCES[g])

        def square(t, moments=moments):
            mean, covariance = moments.state(t)[:2]
            return (1.0 - t) ** 2 * (mean @ mean + np.trace(covariance))

        exact = g**2 * quad(square, 0.0, 1.0, epsrel=1e-11)[0]
        found = measured(LinearProcess(SYMMETRIC, FORCES[g]), start, FEW)["dissipation"]
        assert abs(found.value - still.value - exact) <= found.error + still.error + 1e-9 * exact
        assert found.value - still.value == pytest.approx(exact, rel=1e-4)


def test_turning_everything_changes_nothing():
    """Data and start turned together, in a window of another shape."""
    angle = 0.6
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    data = PlaneMixture(means=[tuple(turn @ m) for m in THREE.means], stds=THREE.stds, weights=THREE.weights)
    first = measured(LinearProcess(THREE, fp.Cosine()), PlaneGaussian((0.5, 0.2), std=0.9))
    second = measured(LinearProcess(data, fp.Cosine()), PlaneGaussian(tuple(turn @ [0.5, 0.2]), std=0.9))
    assert_equal(first, second, ("D0", "W1_initial", "W1_final", "eta", "c1", "c2", "path_length"))


# stirring


@pytest.mark.parametrize("stream", [Levels(), Vortices(3.0)], ids=["levels", "vortices"])
def test_stirring_costs_without_moving_mass(stream):
    base = LinearProcess(TILTED, fp.Cosine())
    delta = (0.5, 0.4)
    start = start_of(base, delta)
    still, stirred = (measured(each, start, (40, 40)) for each in (base, Stirred(base, stream, 0.5)))
    for name in ("c2", "path_length", "D0", "W1_initial"):
        a, b = still[name], stirred[name]
        assert abs(a.value - b.value) <= a.error + b.error + 1e-12 * abs(a.value), name
    assert stirred["dissipation"].value > still["dissipation"].value
    # the paths of P~ are bent: only the dissipation bounds the loss now
    assert stirred["c1"].value <= stirred["dissipation"].value + stirred["c1"].error


def test_levels_dissipate_the_fisher_information():
    """u = grad^perp ln P costs g² E|grad ln P|² = g² tr C^-1, and nothing with nu, a gradient."""
    base = LinearProcess(ROUND, fp.Cosine())
    start = start_of(base, (0.5, 0.0))
    stirred = measured(Stirred(base, Levels(), 0.7), start)
    curve = quad(lambda t: 2.0 / (0.36 * math.cos(0.5 * math.pi * t) ** 2 + math.sin(0.5 * math.pi * t) ** 2), 0, 1)[0]
    exact = {"dissipation": normal(ROUND, base.schedule).integrals()["dissipation"] + 0.49 * curve}
    compare(stirred, exact, 1e-6)


# the geodesic


def test_geodesic_between_normal_densities():
    """Points move straight, at the Bures distance per tau; W1 of translates changes linearly, so that c1 = eta."""
    target = PlaneGaussian((0.5, 0.3), covariance=((0.9, -0.1), (-0.1, 0.7)))
    start = PlaneGaussian((0.9, 0.1), covariance=((0.9, -0.1), (-0.1, 0.7)))
    tau = 0.8
    grid = grid_over(window_of_ends(TILTED, target, start), CELLS)
    process = PlaneGeodesic(TILTED, target, tau, grid)
    first, middle, last = (process.nodes(t, grid) for t in (0.0, 0.5 * tau, tau))
    np.testing.assert_allclose(2.0 * middle.x, first.x + last.x, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(tau * middle.velocity[1], last.y - first.y, rtol=0.0, atol=1e-12)
    matrix, offset = gaussian_map(target.mean, target.covariance, TILTED.mean, TILTED.covariance)
    exact = matrix @ np.stack([last.x, last.y]) + offset[:, None]
    apart = np.hypot(*(np.stack([first.x, first.y]) - exact))
    assert np.sqrt(last.mean(apart**2)) < 0.02
    found, _, _ = measure_plane(process, start, PlaneNumerics(grid))
    assert not [relation for relation in check_relations(found) if relation.verdict == "violated"]
    distance = bures(TILTED.mean, TILTED.covariance, target.mean, target.covariance)
    q = found.quantities
    for name, value in {"c2": distance**2 / tau, "W2": distance, "path_length": distance}.items():
        assert abs(q[name].value - value) <= q[name].error, name
    final = np.linalg.norm(matrix @ np.subtract(start.mean, target.mean))
    assert abs(q["W1_final"].value - final) <= q["W1_final"].error
    assert q["eta"].value - q["eta"].error <= q["c1"].value + q["c1"].error
    assert q["c1"].value - q["c1"].error <= q["c2"].value + q["c2"].error


# what has no value, and bad input


def test_a_start_that_is_too_wide_has_no_bound():
    process = LinearProcess(ROUND, LinearForceSchedule(1.1, 1.0, 0.5, 1.0))
    quantities = measured(process, PlaneGaussian(std=0.9), (40, 40))
    assert math.isinf(quantities["D0"].value) and "too wide" in quantities["D0"].why
    for name in ("eta", "c1"):
        assert math.isnan(quantities[name].value) and "infinite" in quantities[name].why
    assert quantities["W1_initial"].finite and quantities["c2"].finite


def test_the_process_own_end_has_no_eta():
    process = LinearProcess(ROUND, fp.Cosine())
    quantities = measured(process, PlaneGaussian(std=1.0), (40, 40))
    assert quantities["D0"].value == 0.0
    for name in ("W1_initial", "W1_final"):
        assert abs(quantities[name].value) <= quantities[name].error + 1e-12
    assert math.isnan(quantities["eta"].value)


def test_a_window_that_cuts_too_much_is_refused():
    process = LinearProcess(ROUND, fp.Cosine())
    start = PlaneGaussian((0.3, 0.0), std=1.0)
    grid = grid_over(window_of(process, start), (32, 32))
    with pytest.raises(fp.InputError) as error:
        measure_plane(process, start, PlaneNumerics(grid, window=((-1.0, 1.0), (-1.0, 1.0))))
    assert error.value.key == "window" and "at most 1%" in str(error.value)
