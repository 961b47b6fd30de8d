"""The estimated process on a grid against the exact composition and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from fpsolve.backward import Reach, grid_for, observe, remap, run_on_grid
from fpsolve.densities import Gaussian, GaussianMixture, Uniform
from fpsolve.processes import forward_process
from fpsolve.reverse import Composition
from fpsolve.schedules import ArraySchedule, ConditionalOptimalTransport, Cosine, OptimalTransport
from fpsolve.settings import InputError
from fpsolve.steppers import Characteristics

DATA = GaussianMixture(means=(0.35**0.5, -(0.35**0.5)), stds=(0.3, 0.3))
MEAN, VARIANCE, UNIFORM = Gaussian(1.0, 1.0), Gaussian(0.0, 0.8), Uniform(-(3**0.5), 3**0.5)
METHODS = ("characteristics", "weno5", "upwind")
PROCESSES = {
    "cosine": forward_process(DATA, Cosine(1.0)),
    "cond-ot": forward_process(DATA, ConditionalOptimalTransport(1.0)),
    "geodesic": forward_process(DATA, OptimalTransport(target=Gaussian(0.0, 1.0), tau=1.0)),
}
ROOT = ArraySchedule((0.0, 0.5, 1.0), (1.0, 0.5**0.5, 0.0), (0.0, 0.5**0.5, 1.0))  # sigma = sqrt(t), m = sqrt(1 - t)


def run_for(process, start, cells, times, method, **options):
    edges = grid_for(process, start, cells, method=method)
    return run_on_grid(process, start, edges, times, method, **options)


def distance(process, start, run, index=0):
    exact = Composition(process, start).cell_masses(run.times[index], run.edges[index])
    return float(np.sum(np.abs(run.masses[index] - exact)))


@pytest.mark.parametrize("name", PROCESSES)
def test_characteristics_know_the_generated_density_to_round_off(name):
    process = PROCESSES[name]
    cells, times = (60, np.linspace(0.0, 1.0, 6)) if name == "geodesic" else (500, np.linspace(0.0, 1.0, 101))
    run = run_for(process, MEAN, cells, times, "characteristics")
    assert max(distance(process, MEAN, run, i) for i in range(0, times.size, 5)) < 2e-11
    seen = observe(process, run)
    assert np.max(seen["label_error"]) <= 1e-11
    assert np.max(np.abs(seen["mass_error"])) <= 1e-13
    assert np.min(seen["minimum_density"]) >= 0.0
    assert np.all(np.diff(run.edges) > 0.0)


@pytest.mark.parametrize("start", [MEAN, VARIANCE, UNIFORM], ids=["mean", "variance", "uniform"])
def test_chi_squared_stays_on_characteristics(start):
    process = PROCESSES["cosine"]
    run = run_for(process, start, 500, np.linspace(0.0, 1.0, 21), "characteristics")
    chi2 = observe(process, run)["chi2"]
    assert np.ptp(chi2) <= 1e-12 * max(chi2[-1], 1.0)


@pytest.mark.parametrize(
    ("name", "start", "w1"),
    [
        ("cosine", MEAN, 0.6071608905991362),
        ("cosine", VARIANCE, 0.0724478238252007),
        ("cond-ot", MEAN, 0.6071608905991362),
        ("cosine", UNIFORM, None),
    ],
)
def test_distances_on_characteristics(name, start, w1):
    process = PROCESSES[name]
    run = run_for(process, start, 1000, np.array([0.0, 0.5, 1.0]), "characteristics")
    seen = observe(process, run)
    if w1 is not None:
        assert seen["W1"][0] == pytest.approx(w1, abs=2e-10)
    labels = Composition(process, start).labels
    slices = process.slices(run.times, labels)
    exact = Composition(process, start)
    ratio, lead, _ = exact.relate(slices.label)
    distances = slices.integrate(np.abs(lead))[0]
    rates = slices.integrate(np.sign(lead) * slices.velocity * slices.pdf * (1.0 - ratio))[0]
    np.testing.assert_allclose(seen["W1"], distances, atol=1e-9)
    np.testing.assert_allclose(seen["W1_rate"], rates, atol=1e-8)


@pytest.mark.parametrize(("method", "error"), [("characteristics", 1e-10), ("weno5", 3e-4), ("upwind", 0.1)])
def test_a_shifted_gaussian_is_a_shifted_gaussian(method, error):
    # W_1 = |shift| and D = exp(shift² / variance) - 1 at all times
    process = forward_process(Gaussian(0.3, 0.5), Cosine(1.0))
    times = np.array([0.0, 0.3, 0.7, 1.0])
    run = run_for(process, Gaussian(0.4, 1.0), 160, times, method)
    std = np.sqrt([process.density(t).variance for t in times])
    seen = observe(process, run)
    np.testing.assert_allclose(seen["W1"], 0.4 * std, atol=error)
    rate = 0.4 * 0.5 * np.pi * np.sin(0.5 * np.pi * times) * np.cos(0.5 * np.pi * times) * 0.75 / std
    np.testing.assert_allclose(seen["W1_rate"], rate, atol=10 * error)
    if method == "characteristics":
        assert seen["chi2"] == pytest.approx(np.exp(0.16) - 1.0, rel=3e-3)
        shifted = Gaussian(0.3 + 0.2, 0.5)
        np.testing.assert_allclose(run.masses[0], shifted.cell_masses(run.edges[0]), atol=1e-12)


def test_weno5_converges_at_its_order():
    process, errors, distances = PROCESSES["cosine"], [], []
    for cells in (150, 300, 600):
        run = run_for(process, MEAN, cells, np.array([0.0, 0.5]), "weno5", cfl=0.2)
        errors.append(distance(process, MEAN, run))
        distances.append(abs(observe(process, run)["W1"][0] - 0.6071608905991362))
    assert np.log2(errors[-2] / errors[-1]) == pytest.approx(5.0, abs=0.3)
    assert errors[-1] < 1e-6
    assert distances[-1] < 1e-8


@pytest.mark.parametrize("method", METHODS)
def test_masses(method):
    process = PROCESSES["cosine"]
    run = run_for(process, UNIFORM, 120, np.linspace(0.0, 1.0, 5), method)
    seen = observe(process, run)
    assert np.max(np.abs(seen["mass_error"])) <= 1e-13 * np.sqrt(max(run.steps, 1))
    if method != "weno5":
        assert np.min(run.masses) >= 0.0
    np.testing.assert_allclose(run.masses[-1], run.start_masses, atol=1e-17)


@pytest.mark.parametrize("method", METHODS)
def test_mirror_symmetry(method):
    process, times = PROCESSES["cosine"], np.array([0.0, 0.4, 1.0])
    edges = np.linspace(-9.5, 9.5, 101)
    right = run_on_grid(process, Gaussian(1.0, 1.0), edges, times, method)
    left = run_on_grid(process, Gaussian(-1.0, 1.0), -edges[::-1], times, method)
    np.testing.assert_allclose(left.masses[:, ::-1], right.masses, atol=1e-14)
    np.testing.assert_allclose(-left.edges[:, ::-1], right.edges, atol=1e-12)
    one, other = observe(process, left), observe(process, right)
    for name in ("W1", "W1_rate"):
        np.testing.assert_allclose(one[name], other[name], atol=1e-12)


def test_the_same_process_is_at_no_distance():
    process = PROCESSES["cosine"]
    for method, error in (("characteristics", 1e-12), ("weno5", 1e-4)):
        seen = observe(process, run_for(process, Gaussian(0.0, 1.0), 200, np.array([0.0, 0.5]), method))
        assert np.max(np.abs(seen["W1"])) < error
        assert np.max(np.abs(seen["W1_rate"])) < 100 * error


@pytest.mark.parametrize("method", METHODS)
def test_a_window_adds_up(method):
    process = PROCESSES["cosine"]
    run = run_for(process, MEAN, 150, np.array([0.2, 0.9]), method)
    whole = observe(process, run)
    parts = [observe(process, run, window) for window in ((-50.0, -0.7123), (-0.7123, 0.4), (0.4, 50.0))]
    for name in ("W1", "W1_rate", "chi2"):
        np.testing.assert_allclose(sum(part[name] for part in parts), whole[name], atol=1e-12, rtol=1e-12)
    assert np.all(observe(process, run, (60.0, 61.0))["W1"] == 0.0)


@pytest.mark.parametrize("method", ["characteristics", "weno5"])
def test_rates_that_diverge_at_both_ends(method):
    # sigma ~ sqrt(t) at t = 0, m ~ sqrt(tau - t) at t = tau with a mean that is not zero
    process = forward_process(Gaussian(0.5, 0.2), ROOT)
    run = run_for(process, MEAN, 120, np.array([0.0, 0.2, 0.9]), method)
    for index in range(3):
        assert distance(process, MEAN, run, index) < {"characteristics": 2e-11, "weno5": 2e-2}[method]


def test_rough_data():
    process = forward_process(Uniform(-1.0, 1.0), Cosine(1.0))
    run = run_for(process, MEAN, 24, np.array([0.0, 0.1, 0.5]), "characteristics")
    assert max(distance(process, MEAN, run, i) for i in range(3)) < 1e-8
    assert run.edges[0, 0] == pytest.approx(-1.0, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_grids_hold_both_processes(method):
    process, wide = PROCESSES["cosine"], Gaussian(2.0, 1.3)
    edges = grid_for(process, wide, 77, method=method)
    assert edges.size == 78
    assert 1.0 - wide.cell_masses(edges).sum() < 1e-15
    low, high = Reach(process, wide).at(1.0)
    assert edges[0] == pytest.approx(low)
    assert edges[-1] == pytest.approx(high)
    if method != "characteristics":
        wider = grid_for(process, wide, 50, (-20.0, 30.0), method)
        assert (wider[0], wider[-1]) == (-20.0, 30.0)


@pytest.mark.parametrize("cells", [3, 4, 10, 501])
def test_jumps_of_the_start_are_edges_of_the_moving_grid(cells):
    edges = grid_for(PROCESSES["cosine"], UNIFORM, cells, method="characteristics")
    assert edges.size == cells + 1
    assert np.all(np.diff(edges) > 0.0)
    run = run_on_grid(PROCESSES["cosine"], UNIFORM, edges, np.array([0.9, 1.0]), "characteristics")
    np.testing.assert_array_equal(edges[run.breaks], [UNIFORM.lower, UNIFORM.upper])


def test_remapped_masses():
    process, start = PROCESSES["cosine"], MEAN
    run = run_for(process, start, 400, np.array([0.0, 0.5]), "characteristics")
    edges = np.linspace(-4.0, 4.0, 91)
    exact = [Composition(process, start).cell_masses(t, edges) for t in run.times]
    np.testing.assert_allclose(remap(run, edges), exact, atol=1e-7)
    assert np.sum(remap(run, np.linspace(-20.0, 20.0, 50))[0]) == pytest.approx(1.0, abs=1e-14)


def test_the_last_stored_time_need_not_be_the_start():
    process = PROCESSES["cosine"]
    edges = grid_for(process, MEAN, 100)
    some = run_on_grid(process, MEAN, edges, np.array([0.3, 0.6]))
    assert some.masses.shape == (2, 100)
    only = run_on_grid(process, MEAN, edges, np.array([1.0]), "characteristics", stepper=Characteristics(substeps=2))
    assert only.steps == 0
    np.testing.assert_array_equal(only.masses[0], MEAN.cell_masses(edges))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "weno"}, "did you mean 'weno5'"),
        ({"times": np.array([0.5, 0.5])}, "times"),
        ({"times": np.array([0.5, 1.5])}, "must lie in"),
        ({"edges": np.array([0.0, 1.0, 0.5])}, "edges"),
        ({"edges": np.array([0.0, 1.0, 3.0])}, "equal"),
        ({"cfl": 2.0}, "cfl"),
    ],
)
def test_bad_input(options, message):
    given = {"edges": np.linspace(-8.0, 9.0, 11), "times": np.array([0.5]), "method": "weno5"} | options
    with pytest.raises(InputError, match=message):
        run_on_grid(PROCESSES["cosine"], MEAN, **given)


def test_too_few_cells_for_the_jumps():
    with pytest.raises(InputError, match="jump at 2 places"):
        grid_for(PROCESSES["cosine"], UNIFORM, 2, method="characteristics")
