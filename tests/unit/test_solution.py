"""``solve``: what it chooses, what it records, and how far off it says it is, against exact solutions."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import fpsolve as fp
from fpsolve.dynamics import diffuse
from fpsolve.integration import Control, Level, March, coarsened, merged, runs
from fpsolve.processes import Diffusion
from fpsolve.settings import InputError
from fpsolve.solution.errors import beyond, number_bar, refinement_bar

F, S = fp.fluxes, fp.steppers
DATA = fp.GaussianMixture(means=(0.35**0.5, -(0.35**0.5)), stds=(0.3, 0.3))


@pytest.mark.parametrize("kind", [fp.Cosine, fp.ConditionalOptimalTransport])
def test_the_forward_process_runs_through_it_to_the_end(kind):
    schedule = kind(tau=1.0)
    solution = fp.solve(fp.FokkerPlanck.of_schedule(schedule), DATA, [0.0, 0.9, 1.0], grid=fp.Grid.line(-7.0, 7.0, 280))
    exact = Diffusion(DATA, schedule)
    for index, t in enumerate((0.0, 0.9, 1.0)):
        gap = solution["density"][index].values - exact.density(t).cell_averages(solution["x_face"].values)
        error = np.sum(np.abs(gap)) * 0.05
        assert error <= min(float(solution["density_error"][index]), 1e-5) + 1e-9
    forward = diffuse(DATA, schedule, cells=280, lower=-7.0, upper=7.0, steps=10)
    there = solution["density"][1].values > 1e-3
    velocity = 0.5 * (solution["velocity"][1].values[1:] + solution["velocity"][1].values[:-1])[there]
    same = forward["velocity"].sel(time=0.9, method="nearest").values
    np.testing.assert_allclose(velocity, 0.5 * (same[1:] + same[:-1])[there], atol=2e-3)


def test_moments_and_observables_hold_their_bars():
    case = fp.problems.ornstein_uhlenbeck()
    times = np.array([0.0, 0.4, 1.0])
    for grid in (fp.Grid.line(-7.0, 7.5, 120), fp.Grid.stretched(-7.0, 7.5, 120, centre=0.8, strength=8.0)):
        found = fp.solve(
            case.problem, case.start, times, grid=grid, observables={"square": lambda x: x**2, "wave": np.cos}
        )
        mean, variance = 1.5 * np.exp(-times), 1.0 - 0.91 * np.exp(-2.0 * times)
        exact = {"mean": mean, "variance": variance, "square": variance + mean**2}
        exact["wave"] = np.exp(-0.5 * variance) * np.cos(mean)
        for name, values in exact.items():
            assert np.all(np.abs(found[name].values - values) <= found[f"{name}_error"].values + 1e-12), name
            assert np.max(found[f"{name}_error"].values) < 2e-3


def test_what_leaves_through_an_absorbing_end_is_counted():
    case = fp.problems.absorbed_oscillator()
    found = fp.solve(case.problem, case.start, case.times)
    np.testing.assert_allclose(found["mass"] + found["outflow"], 1.0, atol=1e-12)
    exact = np.array([np.sum(case.outflow(t)) for t in case.times])
    assert np.all(np.abs(found["outflow"].values - exact) <= found["outflow_error"].values + 1e-9)
    assert exact[-1] > 0.05


def test_the_plane_has_moments_too():
    case = fp.problems.rotation()
    found = fp.solve(case.problem, case.start, case.times, grid=fp.Grid.plane((-6, -6), (6, 6), (72, 72)))
    for index, t in enumerate(case.times):
        density = case.density(t)
        for axis, name in enumerate("xy"):
            assert abs(found[f"mean_{name}"][index] - density.mean[axis]) <= found[f"mean_{name}_error"][index] + 1e-9
            gap = abs(found[f"variance_{name}"][index] - density.covariance[axis, axis])
            assert gap <= found[f"variance_{name}_error"][index] + 1e-9
    assert found["current_x"].dims == ("time", "x_face", "y")


def test_snapshots_keep_the_fields_at_some_times_only():
    case = fp.problems.ornstein_uhlenbeck()
    times, grid = np.linspace(0.0, 1.0, 11), fp.Grid.line(-7.0, 7.5, 100)
    every = fp.solve(case.problem, case.start, times, grid=grid)
    for asked, kept in ((3, [0.0, 0.5, 1.0]), ([0.2, 0.7], [0.2, 0.7]), (1, [0.0])):
        some = fp.solve(case.problem, case.start, times, grid=grid, snapshots=asked)
        np.testing.assert_allclose(some["snapshot"], kept)
        chosen = every.sel(time=kept, method="nearest")
        np.testing.assert_array_equal(some["density"].values, chosen["density"].values)
        xr.testing.assert_equal(some["mean"], every["mean"])
    assert "density" not in fp.solve(case.problem, case.start, times, grid=grid, snapshots=0)


def test_local_temperature_and_mobility():
    """Doubling the mobility is the same as running twice as fast, also where T depends on x."""
    warm = lambda x, t: 0.3 + 0.1 * np.sin(x)  # noqa: E731
    grid, start = fp.Grid.line(-3.0, 3.0, 120), fp.Gaussian(0.5, 0.3)
    slow = fp.solve(fp.FokkerPlanck(fp.Quartic(1.0, 1.0), warm), start, [0.0, 1.0], grid=grid, steps=200, bars=False)
    fast = fp.solve(
        fp.FokkerPlanck(fp.Quartic(1.0, 1.0), warm, mobility=2.0), start, [0.0, 0.5], grid=grid, steps=200, bars=False
    )
    np.testing.assert_allclose(slow["density"][1], fast["density"][1], atol=1e-11)


def test_starts_in_equilibrium_and_stationary_stay():
    grid = fp.Grid.line(-2.5, 2.5, 200)
    well = fp.FokkerPlanck(fp.DoubleWell(1.0, 2.0, 0.3), 0.3)
    rest = fp.solve(well, fp.Equilibrium(), [0.0, 3.0], grid=grid)
    assert float(np.sum(np.abs(rest["density"][1] - rest["density"][0])) * 0.025) <= float(rest["density_error"][1])
    ring = fp.FokkerPlanck(fp.TiltedRing(1.0, 2.0, 1.0), 0.2)
    flux = F.ScharfetterGummel()
    flows = fp.solve(ring, fp.Stationary(), [0.0, 1.0], grid=fp.Grid.line(0.0, 1.0, 64, "periodic"), flux=flux)
    np.testing.assert_allclose(flows["density"][1], flows["density"][0], rtol=1e-11)
    assert np.ptp(flows["current"][1].values) < 1e-11


def test_an_array_is_a_start():
    grid = fp.Grid.line(-5.0, 5.0, 50)
    averages = fp.Gaussian(0.0, 1.0).cell_averages(grid.faces)
    averages /= np.sum(averages * grid.widths)
    found = fp.solve(fp.FokkerPlanck(fp.LinearForce(-1.0), 1.0), averages, [0.0, 1.0], grid=grid)
    np.testing.assert_allclose(found["density"][0], averages, rtol=1e-14)


def test_a_window_that_is_too_narrow_shows_in_the_bar():
    case = fp.problems.ornstein_uhlenbeck()
    narrow = fp.solve(case.problem, case.start, case.times, grid=fp.Grid.line(-2.2, 3.5, 128))
    errors, bars = case.error(narrow), narrow["density_error"].values
    assert np.all(errors <= bars) and errors[-1] > 1e-3


def test_pieces_of_the_march():
    assert merged([1.0, 2.0, 3.0], 2) == [3.0, 3.0]
    assert runs([0.5, 0.5, 1.0]) == [(0.5, 2), (1.0, 1)]
    np.testing.assert_array_equal(coarsened(np.arange(5.0)), [1.0, 5.0, 4.0])
    assert coarsened(np.ones((4, 6))).shape == (2, 3)


def test_bars_from_levels():
    def levels(*errors):  # on a grid, and on every second and fourth edge of it
        return [np.full(64 // 2**k, error / 64.0 * 2**k) for k, error in enumerate(errors)]

    for order, errors in ((4, (1.0, 16.0, 256.0)), (2, (1.0, 4.0, 16.0)), (1, (1.0, 2.0, 4.0)), (4, (11, 35, 267.0))):
        assert errors[0] <= refinement_bar(levels(*errors), order) <= 10.0 * errors[0]
    assert np.isnan(refinement_bar(levels(1.0), 4))
    assert number_bar([1.0, 1.0, 1.5], 4, 0.0) > 0.0  # a difference that vanishes by chance
    grid = fp.Grid.line(0.0, 3.0, 30)
    tail = np.exp(-grid.centres)
    assert beyond(tail, grid) >= np.exp(-3.05) / (np.exp(0.1) - 1.0)


def test_the_error_control_keeps_its_tolerance():
    case = fp.problems.ornstein_uhlenbeck()
    grid = fp.Grid.line(-7.0, 7.5, 96)
    exact = fp.solve(case.problem, case.start, [0.0, 1.0], grid=grid, steps=2000, bars=False)["density"][1].values
    last = np.inf
    for rtol in (1e-4, 1e-6, 1e-8):
        found = fp.solve(case.problem, case.start, [0.0, 1.0], grid=grid, rtol=rtol, bars=False)
        error = float(np.sum(np.abs(found["density"][1].values - exact) * grid.widths))
        assert error < min(last, 100.0 * rtol)
        last = error


def test_a_step_that_shrinks_without_end_is_given_up():
    case = fp.problems.ornstein_uhlenbeck()
    from fpsolve.discretisation import Discretisation

    class Hopeless(S.SDIRK4):
        kind = "hopeless"

        def step(self, system, m, t, dt):
            done = super().step(system, m, t, dt)
            return type(done)(done.masses, done.outflow, 1.0)

    from fpsolve.settings import Settings

    Settings.registry.pop(("stepper", "hopeless"))
    grid = fp.Grid.line(-7.0, 7.5, 32)
    level = Level(Discretisation(case.problem, grid, F.FourthOrder()), np.full(32, 1 / 32), np.zeros(2))
    with pytest.raises(fp.NotConverged, match="enlarge rtol"):
        March(Hopeless(), [level], Control(), 0.0, 1.0).advance(0.0, 1.0)


def test_a_density_that_runs_away_is_said_to():
    with pytest.raises(InputError, match="come to rest"):
        fp.solve(fp.FokkerPlanck(fp.PotentialForce(lambda x: -(x**4)), 1.0), fp.Gaussian(0.0, 1.0), [0.0, 1.0])
