"""The force of a process: closed forms, identities, and Fokker-Planck equations that follow it."""

from __future__ import annotations

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.planar.processes import plane_process
from fpsolve.processes import Diffusion, Geodesic, Recorded
from fpsolve.schedules import Recording

MIXTURE = fp.GaussianMixture(means=(-1.0, 1.0), stds=(0.3, 0.3))


def moving_gaussian(case: int) -> tuple[Geodesic, float, float, float]:
    """A geodesic between two random Gaussians, and its means and widths at a random time."""
    rng = np.random.default_rng(case)
    (m0, m1), (s0, s1), tau = rng.normal(size=2), np.exp(rng.normal(0.0, 0.7, 2)), float(rng.uniform(0.2, 4.0))
    t = tau * float(rng.uniform())
    mean, width = m0 + (m1 - m0) * t / tau, s0 + (s1 - s0) * t / tau
    process = Geodesic(fp.Gaussian(m0, s0), fp.Gaussian(m1, s1), tau)
    return process, t, mean, width


@pytest.mark.parametrize("case", range(5))
@pytest.mark.parametrize("mobility", [1.0, 2.5])
def test_between_gaussians_the_trap_is_harmonic(case, mobility):
    """nu = m' + s' (x - m) / s, so the stiffness is T / s² - s' / (M s) and the trap runs ahead of the mean."""
    process, t, mean, width = moving_gaussian(case)
    temperature = 0.3 + case
    stretch = (process.target.std - process.data.std) / process.tau / width / mobility
    drift = (process.target.mean - process.data.mean) / process.tau / mobility
    stiffness = temperature / width**2 - stretch
    x = mean + width * np.linspace(-12.0, 12.0, 97)
    force = process.force(temperature, mobility)
    exact = drift - stiffness * (x - mean)
    scale = np.max(np.abs(exact))
    assert np.max(np.abs(force.field((x,), t)[0] - exact)) < 1e-9 * scale
    energy = -drift * (x - mean) + 0.5 * stiffness * (x - mean) ** 2
    assert np.max(np.abs(force.potential((x,), t) - energy)) < 1e-10 * (1.0 + np.max(np.abs(energy)))


@pytest.mark.parametrize("schedule", [fp.Cosine(tau=2.0), fp.ConditionalOptimalTransport(tau=0.7)])
@pytest.mark.parametrize("data", [MIXTURE, fp.GaussianMixture((-1.0, 0.2, 1.4), (0.2, 0.5, 0.1), (0.3, 0.5, 0.2))])
def test_at_its_own_temperature_a_schedule_gets_its_own_force(schedule, data):
    process = Diffusion(data, schedule)
    x = np.linspace(-4.0, 4.0, 81)
    for t in (0.03, 0.4, 0.9, 0.99) * np.array(schedule.tau):
        temperature = float(process.temperature(np.array([t]))[0])
        found = process.force(temperature).field((x,), t)[0]
        own = float(schedule.curve(np.array([t])).force_rate[0]) * x
        assert np.max(np.abs(found - own)) < 3e-8 * (temperature + np.max(np.abs(own)))


@pytest.mark.parametrize("t", [0.0, 0.02, 0.5, 1.0, 1.99, 2.0])
def test_field_links_and_potential_agree(t):
    process = Geodesic(fp.Gaussian(0.3, 1.2), MIXTURE, 2.0)
    temperature = 0.4
    force = process.force(temperature, 2.0)
    grid = fp.Grid.line(-5.0, 5.0, 320)
    places, weights = np.polynomial.legendre.leggauss(30)
    left, right = grid.axis.gaps
    low, high = grid.axis.edges - left, grid.axis.edges + right
    x = 0.5 * (low + high)[:, None] + 0.5 * (high - low)[:, None] * places
    mean = 0.5 * force.field((x,), t)[0] @ weights
    scale = np.max(np.abs(mean))
    assert force.has_potential and not force.steady and force.python and force.dimension == 1
    assert np.max(np.abs(force.links(grid, t)[0] - mean)) < 1e-7 * scale
    # the definition, by means of the process alone
    own = process.velocity(t, x) @ weights / (2.0 * 2.0)
    density = process.density(t)
    own += temperature * (density.logpdf(high) - density.logpdf(low)) / (high - low)
    assert np.max(np.abs(mean - own)) < 1e-7 * scale


def test_the_force_is_finite_everywhere_and_at_all_times():
    process = Geodesic(fp.Gaussian(4.0, 0.1), MIXTURE, 1.0)
    force, x = process.force(1.0), np.array([-1e6, -40.0, 0.0, 40.0, 1e6])
    for t in (-1.0, 0.0, 1e-9, 0.5, 1.0, 7.0):
        field, energy = force.field((x,), t)[0], force.potential((x,), t)
        assert np.all(np.isfinite(field)) and np.all(np.isfinite(energy))
        assert field[0] > 0.0 > field[-1] and energy[0] > 0.0 < energy[-1]
    assert np.array_equal(force.field((x,), -1.0)[0], force.field((x,), 0.0)[0])
    assert np.array_equal(force.field((x,), 7.0)[0], force.field((x,), 1.0)[0])


def test_the_potential_vanishes_at_the_mean_and_is_smooth_in_time():
    process = Geodesic(fp.Gaussian(-0.4, 1.0), fp.GaussianMixture((-1.0, 2.0), (0.4, 0.4)), 1.0)
    force, x = process.force(0.5), np.linspace(-2.0, 2.0, 41)
    for t in (0.0, 0.3, 1.0):
        assert abs(float(force.potential((np.array([-0.4 + 0.9 * t]),), t)[0])) < 1e-10
    step = 1e-3
    values = [force.potential((x,), 0.5 + k * step) for k in range(-2, 3)]
    fourth = values[0] - 4.0 * values[1] + 6.0 * values[2] - 4.0 * values[3] + values[4]
    assert np.max(np.abs(fourth)) < 1e-7  # rounding of the panels would be seen here


@pytest.mark.parametrize(
    "process",
    [
        Diffusion(MIXTURE, fp.Cosine(tau=1.0)),
        Geodesic(fp.Gaussian(0.2, 0.8), fp.GaussianMixture((-0.5, 1.0), (0.4, 0.6)), 1.0),
    ],
    ids=["diffusion", "geodesic"],
)
@pytest.mark.parametrize("flux", [fp.fluxes.FourthOrder(), fp.fluxes.ScharfetterGummel()])
def test_the_equation_follows_the_process(process, flux):
    """At another temperature than the process's own, with another mobility."""
    problem = fp.FokkerPlanck(process.force(0.7, 0.5), 0.7, 0.5)
    grid = fp.Grid.line(-6.0, 6.0, 360)
    solution = fp.solve(problem, process.data, [0.0, 0.5, 0.9], grid=grid, flux=flux, rtol=1e-6)
    for k, t in enumerate((0.0, 0.5, 0.9)):
        gap = np.sum(np.abs(solution["density"].values[k] - process.density(t).cell_averages(grid.axis.edges)))
        assert gap * grid.axis.widths[0] <= float(solution["density_error"][k]) + 1e-12
    assert gap * grid.axis.widths[0] < (2e-5 if flux.order == 4 else 2e-3)


def test_a_recorded_process_is_followed():
    process = Diffusion(MIXTURE, fp.Cosine(tau=1.0))
    edges, times = np.linspace(-4.5, 4.5, 301), np.linspace(0.0, 0.9, 41)
    averages = np.stack([process.density(t).cell_averages(edges) for t in times])
    velocities = np.stack([process.velocity(t, edges) for t in times])
    recorded = Recorded(Recording(times, edges, averages, velocities))
    problem = fp.FokkerPlanck(recorded.force(0.3), 0.3)
    grid = fp.Grid.line(float(edges[0]), float(edges[-1]), 300)
    solution = fp.solve(problem, MIXTURE, [0.0, 0.9], grid=grid, bars=False)
    gap = np.sum(np.abs(solution["density"].values[-1] - process.density(0.9).cell_averages(grid.axis.edges)))
    assert gap * grid.axis.widths[0] < 1e-3


@pytest.mark.parametrize(
    ("arguments", "key"),
    [((0.0,), "temperature"), ((-1.0,), "temperature"), ((np.nan,), "temperature"), ((1.0, 0.0), "mobility")],
)
def test_bad_input(arguments, key):
    with pytest.raises(fp.InputError) as caught:
        Diffusion(MIXTURE, fp.Cosine(tau=1.0)).force(*arguments)
    assert caught.value.key == key


def test_a_temperature_in_time():
    process = Diffusion(MIXTURE, fp.Cosine(tau=1.0))
    x = np.linspace(-2.0, 2.0, 9)
    both = process.force(lambda t: 1.0 + t), process.force(1.5)
    assert np.array_equal(both[0].field((x,), 0.5)[0], both[1].field((x,), 0.5)[0])
    with pytest.raises(fp.InputError, match=r"t = 0\.5"):
        process.force(lambda t: 0.5 - t).field((x,), 0.5)


def test_in_the_plane_a_kernel_process_gets_its_own_force():
    """At the schedule's temperature F = f; a geodesic in the plane knows no score."""
    schedule = fp.Cosine(tau=1.0)
    process = plane_process(fp.PlaneMixture(means=[[-1.0, 0.0], [1.0, 0.5]], stds=[0.4, 0.5]), schedule)
    curve = schedule.curve(np.array([0.4]))
    x, y = np.linspace(-2.0, 2.0, 7)[:, None], np.linspace(-1.0, 1.0, 5)[None, :]
    found = process.force(float(curve.temperature[0])).field((x, y), 0.4)
    for component, own in zip(found, np.broadcast_arrays(x, y), strict=True):
        assert np.max(np.abs(component - float(curve.force_rate[0]) * own)) < 1e-12
    target = fp.OptimalTransport(target=fp.PlaneGaussian(mean=(0.0, 0.0), std=1.0), tau=1.0)
    grid = fp.Grid.plane((-9.0, -9.0), (9.0, 9.0), (32, 32))
    with pytest.raises(fp.InputError, match="score"):
        plane_process(process.data, target, grid).force(1.0)
