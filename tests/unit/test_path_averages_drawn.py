"""Averages over all paths at drawn parameters: closed forms, moment equations, other routes to the same number."""

from __future__ import annotations

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.bounds.fluctuations import jarzynski
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.forces import HarmonicTrap, LinearForce, PotentialForce, TiltedRing
from tests.unit.work_moments import dragged, inside, trap_moments

RING = Domain(0.0, 2.0, "periodic")
BOX = Domain(-1.5, 2.0)
SQUARE = Domain((-1.5, -1.0), (1.0, 1.5))
SEEDS = range(2)


def drawn(seed):
    """Stiffness, temperature, speed in units of the thermal one, duration."""
    rng = np.random.default_rng(seed)
    temperature = 10.0 ** rng.uniform(-1.0, 0.7)
    speed = rng.uniform(-1.5, 1.5) * np.sqrt(temperature)
    return 10.0 ** rng.uniform(-0.5, 0.7), temperature, speed, rng.uniform(0.3, 1.5), rng


@pytest.mark.parametrize("seed", SEEDS)
def test_dragged_trap(seed):
    k, temperature, speed, end, _ = drawn(seed)
    theta = np.array([0.5, -0.2])
    trap = FokkerPlanck(HarmonicTrap(k, speed=speed), temperature)
    found = fp.work_statistics(trap, fp.Equilibrium(), [0.0, end], theta=theta)
    mean, variance = dragged(k, speed, temperature, end)
    inside(found, work_mean=mean, work_variance=variance, jarzynski=1.0, free_energy_change=0.0)
    inside(found, generating_function=np.exp((theta**2 - theta) * mean / temperature))
    assert abs(float(found.work_mean) - mean) < 1e-6 * temperature
    assert jarzynski(found).verdict == "holds"


@pytest.mark.parametrize("seed", SEEDS)
def test_moved_and_stiffened_trap(seed):
    k, temperature, speed, end, rng = drawn(seed)
    last = k * rng.uniform(0.5, 2.5)
    trap = FokkerPlanck(HarmonicTrap(k, 0.0, speed, last, end), temperature)
    found = fp.work_statistics(trap, fp.Equilibrium(), [0.0, end])
    mean, variance = trap_moments(k, last, speed, temperature, end, 0.0, temperature / k)
    change = 0.5 * temperature * np.log(last / k)
    inside(found, work_mean=mean, work_variance=variance, free_energy_change=change)
    assert abs(-temperature * np.log(float(found.jarzynski)) - change) < 1e-8 * temperature
    assert jarzynski(found).verdict == "holds"


@pytest.mark.parametrize("seed", SEEDS)
def test_start_out_of_equilibrium(seed):
    k, temperature, speed, end, rng = drawn(seed)
    width = np.sqrt(temperature / k)
    begun, std = rng.uniform(-0.5, 0.5) * width, rng.uniform(0.6, 0.9) * width
    trap = FokkerPlanck(HarmonicTrap(k, speed=speed), temperature)
    found = fp.work_statistics(trap, fp.Gaussian(begun, std), [0.0, end])
    mean, variance = trap_moments(k, k, speed, temperature, end, begun, std**2)
    inside(found, work_mean=mean, work_variance=variance)
    inside(found, jarzynski=np.exp(-mean / temperature + 0.5 * variance / temperature**2))
    assert jarzynski(found).verdict == "undefined"


def test_quench_from_equilibrium():
    # the stiffness jumps between two steps' ends: <exp(-W/T)> knows nothing of when
    problem = FokkerPlanck(PotentialForce(lambda x, t: 0.5 * (1.0 + 2.0 * (t > 0.371)) * x**2), 1.0)
    found = fp.work_statistics(problem, fp.Equilibrium(), [0.0, 1.0], steps=40)
    inside(found, jarzynski=1.0 / np.sqrt(3.0), work_mean=1.0, work_variance=2.0)


def test_cyclic_protocol_on_a_ring():
    force = PotentialForce(lambda x, t: 0.3 * np.cos(np.pi * (x - t)))
    found = fp.work_statistics(FokkerPlanck(force, 0.2, domain=RING), fp.Equilibrium(), [0.0, 1.0], cells=64)
    inside(found, jarzynski=np.exp(-float(found.free_energy_change) / 0.2))
    # more than free energy is spent, on average
    assert float(found.work_mean) - float(found.free_energy_change) > float(found.work_mean_error)


def test_mobility_rescales_time():
    mobility, k, speed, temperature, end = 2.5, 0.8, 0.6, 0.5, 0.9
    trap = FokkerPlanck(HarmonicTrap(k, speed=speed), temperature, mobility)
    mean, variance = dragged(k, speed / mobility, temperature, mobility * end)
    inside(fp.work_statistics(trap, fp.Equilibrium(), [0.0, end]), work_mean=mean, work_variance=variance)
    lag = speed / (mobility * k) * -np.expm1(-k * mobility * end)
    entropy = fp.entropy_statistics(trap, fp.Equilibrium(), [0.0, end])
    inside(entropy, entropy_production_mean=(mean - 0.5 * k * lag**2) / temperature)


@pytest.mark.parametrize("seed", SEEDS)
def test_relaxing_gaussian(seed):
    k, temperature, _, end, rng = drawn(seed)
    rest = temperature / k
    mean, std = rng.uniform(-2.0, 2.0) * np.sqrt(rest), rng.uniform(0.4, 1.6) * np.sqrt(rest)
    found = fp.entropy_statistics(FokkerPlanck(LinearForce(-k), temperature), fp.Gaussian(mean, std), [0.0, end])
    kept = np.exp(-2.0 * k * end)
    variance = rest + (std**2 - rest) * kept
    total = 0.5 / rest * (mean**2 * (1.0 - kept) + std**2 - variance) + 0.5 * np.log(variance / std**2)
    inside(found, entropy_production_mean=total, entropy_production=total, fluctuation_theorem=1.0)
    assert float(found.entropy_production_mean) == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_entropy_production_of_a_dragged_trap_is_gaussian(seed):
    # so that <exp(-s)> = 1 makes its variance twice its mean
    k, temperature, speed, end, _ = drawn(seed)
    theta = np.array([0.25, 0.5, 0.8])
    trap = FokkerPlanck(HarmonicTrap(k, speed=speed), temperature)
    found = fp.entropy_statistics(trap, fp.Equilibrium(), [0.0, end], theta=theta)
    lag = speed / k * -np.expm1(-k * end)
    mean = (dragged(k, speed, temperature, end)[0] - 0.5 * k * lag**2) / temperature
    inside(found, entropy_production_mean=mean, generating_function=np.exp((theta**2 - theta) * mean))


def test_steady_ring_against_stratonovich():
    tilt, amplitude, temperature, period = 1.0, 0.8, 0.5, 2.0
    problem = FokkerPlanck(TiltedRing(tilt, amplitude, period), temperature, domain=RING)
    found = fp.entropy_statistics(problem, fp.Stationary(), [0.0, 1.0], cells=128)
    x, w = np.polynomial.legendre.leggauss(60)
    x = x + 1.0

    def energy(y):
        return -tilt * y + amplitude / np.pi * np.cos(np.pi * y)

    # over one period ahead of every place
    inner = np.exp((energy(x[:, None] + x[None, :]) - energy(x)[:, None]) / temperature) @ w
    current = temperature * -np.expm1(-tilt * period / temperature) / float(w @ inner)
    inside(found, entropy_production_mean=tilt * current * period / temperature)


def test_mean_is_minus_the_slope_of_the_generating_function():
    step = 0.02
    theta = step * np.array([-2.0, -1.0, 1.0, 2.0])
    found = fp.entropy_statistics(
        FokkerPlanck(TiltedRing(2.0, 1.5, 2.0), 0.5, domain=RING), fp.Stationary(), [0.0, 0.5], theta=theta, cells=64
    )
    low2, low, high, high2 = found.generating_function.values
    slope = (8.0 * (high - low) - (high2 - low2)) / (12.0 * step)
    bars = float(np.max(found.generating_function_error)) / step + float(found.entropy_production_mean_error)
    assert -slope == pytest.approx(float(found.entropy_production_mean), abs=bars + 1e-5)
