"""Clocks, SSP-RK3 and characteristics against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from fpsolve.densities import Gaussian
from fpsolve.fluxes import WENO5, Upwind
from fpsolve.grids import Grid
from fpsolve.settings import InputError
from fpsolve.steppers import SSPRK3, Characteristics, Clock


@pytest.mark.parametrize("near", [(0.0, 0.0), (1e-6, 0.0), (0.0, 1e-6), (1e-6, 1e-6)])
@pytest.mark.parametrize(("begin", "end"), [(0.0, 2.0), (1.0, 0.0), (0.25, 0.75)])
def test_a_clock_runs_from_end_to_end(begin, end, near):
    clock = Clock(begin, end, *near)
    assert clock.at(0.0)[0] == begin
    assert clock.at(1.0)[0] == end
    s, h = np.linspace(0.05, 0.95, 7), 1e-6
    for point in s:
        slope = (clock.at(point + h)[0] - clock.at(point - h)[0]) / (2 * h)
        assert clock.at(point)[1] == pytest.approx(slope, rel=1e-6)
    assert np.all(np.diff([clock.at(point)[0] for point in s]) * (end - begin) > 0)


def test_a_clock_keeps_the_digits_of_small_times():
    for clock in (Clock(1.0, 0.0, 0.0, 1e-6), Clock(1.0, 0.0, 1e-6, 1e-6)):
        t, _ = clock.at(1.0 - 2.0**-30)
        assert t == pytest.approx(2.0**-60 * (3.0 if clock.near_begin else 1.0), rel=1e-8)


@pytest.mark.parametrize("ends", [(0.0, 0.5, 1e-6, 0.0), (0.5, 0.0, 0.0, 1e-6)])
def test_an_inverse_square_root_is_finite_in_the_stretched_time(ends):
    clock = Clock(*ends)
    flow = [clock.flow(s, lambda t: np.array([t**-0.5 + 3.0])) for s in (0.0, 1e-7, 0.3, 1.0 - 1e-7, 1.0)]
    expected = np.sign(ends[1] - ends[0]) * 2.0 * np.sqrt(0.5)
    singular = flow[0] if clock.near_begin else flow[-1]
    assert singular[0] == pytest.approx(expected, rel=1e-9)
    assert np.all(np.isfinite(flow))


def test_points_along_an_inverse_square_root():
    velocity = lambda t, x: np.full_like(x, 0.5 * t**-0.5)  # noqa: E731
    for ends, moved in (((0.0, 0.5, 1e-6, 0.0), 0.5**0.5), ((0.5, 0.0, 0.0, 1e-6), -(0.5**0.5))):
        points, _ = Characteristics().advance(np.array([0.0, 1.0]), velocity, Clock(*ends))
        np.testing.assert_allclose(points, np.array([0.0, 1.0]) + moved, atol=1e-10)


def test_characteristics_there_and_back():
    velocity = lambda t, x: np.sin(3.0 * x) * np.cos(t)  # noqa: E731
    points = np.linspace(-1.0, 1.0, 21)
    there, steps = Characteristics().advance(points, velocity, Clock(0.0, 1.0))
    back, _ = Characteristics().advance(there, velocity, Clock(1.0, 0.0))
    exact = 2.0 / 3.0 * np.arctan(np.tan(1.5 * points) * np.exp(3.0 * np.sin(1.0)))
    np.testing.assert_allclose(there, exact, atol=1e-12)
    np.testing.assert_allclose(back, points, atol=1e-11)
    assert 3 < steps < 100


def test_the_error_control_sees_a_rough_velocity():
    # the layer shrinks like the square root of time: steps must shrink with it
    velocity = lambda t, x: 0.5 * np.tanh(x / np.sqrt(t)) / np.sqrt(t)  # noqa: E731
    points = np.linspace(-2.0, 2.0, 11)
    clock = Clock(1.0, 0.0, 0.0, 1e-6)
    fine, _ = Characteristics(tolerance=1e-15).advance(points, velocity, clock)
    coarse, steps = Characteristics(tolerance=1e-10).advance(points, velocity, clock)
    assert np.max(np.abs(coarse - fine)) < 1e-6
    assert steps < 60


def test_fixed_substeps():
    _, steps = Characteristics(substeps=7).advance(np.zeros(2), lambda t, x: x, Clock(0.0, 1.0))
    assert steps == 7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SSPRK3(1.5), "cfl"),
        (lambda: SSPRK3(0.0), "cfl"),
        (lambda: Characteristics(tolerance=-1.0), "tolerance"),
        (lambda: Characteristics(substeps=0), "substeps"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_velocities_that_are_not_finite_are_refused():
    grid = Grid.line(0.0, 1.0, 4)
    with pytest.raises(InputError, match="not finite"):
        SSPRK3().advance(np.ones(4), Upwind(), lambda t: np.full(5, np.inf), grid, Clock(0.0, 1.0))
    with pytest.raises(InputError, match="not finite"):
        Characteristics().advance(np.linspace(0, 1, 3), lambda t, x: x * np.nan, Clock(0.0, 1.0))


def test_steps_obey_the_cfl_number_and_the_least_number():
    grid = Grid.line(0.0, 1.0, 20, "periodic")
    drift = lambda t: np.full(21, 2.0)  # noqa: E731
    start = np.ones(20)
    _, steps = SSPRK3(0.5).advance(start, Upwind(), drift, grid, Clock(0.0, 1.0))
    assert 80 <= steps <= 82
    _, steps = SSPRK3(0.5).advance(start, Upwind(), drift, grid, Clock(0.0, 1.0), 200)
    assert steps == 200
    _, steps = SSPRK3(0.5).advance(start, Upwind(), lambda t: np.zeros(21), grid, Clock(0.0, 1.0))
    assert steps == 1


def test_a_drift_that_grows_within_an_interval_makes_the_steps_shorter():
    grid = Grid.line(0.0, 1.0, 20, "periodic")
    start = np.zeros(20)
    start[3] = 20.0
    burst = lambda t: np.full(21, 3.0 * np.exp(-(((t - 0.7) / 0.03) ** 2)))  # noqa: E731  # missed by three samples
    end, steps = SSPRK3(1.0).advance(start, Upwind(), burst, grid, Clock(0.0, 1.0), 30)
    assert np.min(end) >= 0.0
    assert steps > 30


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_a_packet_around_a_ring(direction):
    errors = []
    for cells in (120, 240):
        grid = Grid.line(-4.0, 4.0, cells, "periodic")
        start = Gaussian(0.0, 0.5).cell_averages(grid.faces)
        flow = np.full(cells + 1, direction)
        end, _ = SSPRK3(0.05).advance(start, WENO5(), lambda t, flow=flow: flow, grid, Clock(0.0, 8.0))
        errors.append(np.sum(np.abs(end - start) * grid.widths))
    assert np.log2(errors[0] / errors[1]) > 4.6
    assert errors[1] < 1e-5
