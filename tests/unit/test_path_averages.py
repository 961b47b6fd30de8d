"""Functionals of paths against closed forms, moment equations, identities and other routes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.special import ndtr

import fpsolve as fp
from fpsolve.bounds.fluctuations import fluctuation_theorem, jarzynski
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.fluxes import ChangCooper, FourthOrder, ScharfetterGummel
from fpsolve.forces import (
    DoubleWell,
    HarmonicTrap,
    LinearForce,
    NonconservativeForce,
    PotentialForce,
    TiltedRing,
)
from fpsolve.settings import InputError
from fpsolve.steppers import SDIRK4, SSPRK3, TRBDF2, BackwardEuler, CrankNicolson
from fpsolve.thermodynamics.path_averages import entropy_statistics, work_statistics
from fpsolve.thermodynamics.path_averages.propagation import adjoint_step, tilted_step
from fpsolve.thermodynamics.path_averages.steps import Remembered, limit, step_groups
from fpsolve.thermodynamics.path_averages.tilted import Tilts
from tests.unit.work_moments import dragged, inside, trap_moments


@pytest.mark.parametrize(("k", "v", "temperature", "t"), [(1.0, 1.0, 1.0, 1.0), (2.7, -0.6, 0.35, 1.3)])
def test_dragged_trap(k, v, temperature, t):
    theta = (0.4, 1.0, -0.3)
    found = work_statistics(
        FokkerPlanck(HarmonicTrap(k, speed=v), temperature), fp.Equilibrium(), [0.0, t], theta=theta
    )
    mean, variance = dragged(k, v, temperature, t)
    argument = np.array(theta) / temperature
    generating = np.exp(-argument * mean + 0.5 * argument**2 * variance)
    inside(found, work_mean=mean, work_variance=variance, jarzynski=1.0, free_energy_change=0.0)
    inside(found, generating_function=generating, exponential_of_free_energy=1.0)
    assert abs(float(found.work_mean) - mean) < 1e-7
    assert abs(float(found.work_variance) - variance) < 1e-7
    assert float(found.work_mean_error) < 1e-5
    assert np.max(np.abs(found.generating_function.values - generating)) < 1e-5
    assert jarzynski(found).verdict == "holds"


@pytest.mark.parametrize(
    ("first", "last", "speed", "temperature", "t"), [(1.0, 3.0, 0.5, 0.5, 1.2), (4.0, 1.5, -0.3, 0.8, 0.6)]
)
def test_moved_and_stiffened_trap(first, last, speed, temperature, t):
    problem = FokkerPlanck(HarmonicTrap(first, 0.0, speed, last, t), temperature)
    found = work_statistics(problem, fp.Equilibrium(), [0.0, t])
    change = 0.5 * temperature * np.log(last / first)
    mean, variance = trap_moments(first, last, speed, temperature, t, 0.0, temperature / first)
    inside(found, work_mean=mean, work_variance=variance, free_energy_change=change)
    inside(found, jarzynski=np.exp(-change / temperature))
    assert abs(float(found.work_mean) - mean) < 1e-6
    assert abs(float(found.work_variance) - variance) < 1e-5
    assert abs(-temperature * np.log(float(found.jarzynski)) - change) < 1e-10
    assert float(found.jarzynski_error) < 1e-8


def test_start_out_of_equilibrium():
    problem = FokkerPlanck(HarmonicTrap(1.3, speed=0.7), 0.8)
    found = work_statistics(problem, fp.Gaussian(0.4, 0.5), [0.0, 1.0], theta=2.0)
    mean, variance = trap_moments(1.3, 1.3, 0.7, 0.8, 1.0, 0.4, 0.25)
    assert not bool(found.equilibrium_start)
    inside(found, work_mean=mean, work_variance=variance, jarzynski=np.exp(-mean / 0.8 + 0.5 * variance / 0.64))
    inside(found, generating_function=np.exp(-2.0 * mean / 0.8 + 2.0 * variance / 0.64))
    assert jarzynski(found).verdict == "undefined"
    # a Gaussian that is the equilibrium counts as it
    same = work_statistics(problem, fp.Gaussian(0.0, np.sqrt(0.8 / 1.3)), [0.0, 1.0], cells=128, steps=20)
    assert bool(same.equilibrium_start)
    assert jarzynski(same).verdict == "holds"


def test_quench():
    # the stiffness jumps from 1 to 3 between two steps' ends: W = x² of the equilibrium
    problem = FokkerPlanck(PotentialForce(lambda x, t: 0.5 * (1.0 + 2.0 * (t > 0.371)) * x**2), 1.0)
    found = work_statistics(problem, fp.Equilibrium(), [0.0, 1.0], steps=40, theta=0.5)
    inside(
        found, work_mean=1.0, work_variance=2.0, jarzynski=1.0 / np.sqrt(3.0), generating_function=1.0 / np.sqrt(2.0)
    )
    assert abs(float(found.work_variance) - 2.0) < 1e-6


def test_cyclic_protocol_on_a_ring():
    domain = Domain(0.0, 1.0, "periodic")
    force = PotentialForce(lambda x, t: 0.3 * np.cos(2.0 * np.pi * (x - 0.5 * t)))
    found = work_statistics(FokkerPlanck(force, 0.2, domain=domain), fp.Equilibrium(), [0.0, 1.0], cells=64, steps=40)
    inside(found, jarzynski=np.exp(-float(found.free_energy_change) / 0.2))
    assert float(found.work_mean) > float(found.work_mean_error)
    assert jarzynski(found).verdict == "holds"


def test_work_in_the_plane():
    force = PotentialForce(lambda x, y, t: 0.65 * (x - 0.7 * t) ** 2 + 0.7 * y * y + 0.3 * x * y * 0.0, dimension=2)
    found = work_statistics(FokkerPlanck(force, 0.8), fp.Equilibrium(), [0.0, 1.5], theta=0.5, cells=48, steps=24)
    mean, variance = dragged(1.3, 0.7, 0.8, 1.5)
    generating = np.exp(-0.5 * mean / 0.8 + 0.125 * variance / 0.64)
    inside(found, work_mean=mean, work_variance=variance, jarzynski=1.0, generating_function=generating)
    assert abs(float(found.work_mean) - mean) < 1e-3


RING = Domain(0.0, 2.0, "periodic")
BOX = Domain(-1.5, 2.0)
SQUARE = Domain((-1.5, -1.0), (1.0, 1.5))
PROBLEMS = {
    "potential in time": FokkerPlanck(PotentialForce(lambda x, t: (1 + t) * x**4 - np.sin(3 * t) * x), 0.4, domain=BOX),
    "driven in time": FokkerPlanck(
        NonconservativeForce(lambda x, t: np.cos(4 * x + 5 * t)), lambda t: 0.3 + t, domain=BOX
    ),
    "tilted ring": FokkerPlanck(TiltedRing(2.0, 1.5, 2.0), 0.5, domain=RING),
    "local temperature": FokkerPlanck(LinearForce(-1.0), lambda x, t: 0.3 + 0.1 * x**2, domain=BOX),
    "rotation": FokkerPlanck(LinearForce(((-1.0, 2.0), (-2.0, -1.0))), 0.5, domain=SQUARE),
}
SCHEMES = [(ScharfetterGummel(), SDIRK4()), (ChangCooper(), BackwardEuler()), (ScharfetterGummel(), TRBDF2())]


def averages(domain, cells, seed, empty=False):
    """Random positive cell averages of mass one; with ``empty`` the upper half has nothing."""
    values = np.random.default_rng(seed).uniform(0.1, 1.0, (cells,) * domain.dimension)
    if empty:
        values[cells // 2 :] = 0.0
    return values / np.sum(values * domain.grid(cells).volumes)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize(("flux", "stepper"), [*SCHEMES, (ChangCooper(), CrankNicolson())])
def test_fluctuation_theorem_at_any_step(name, flux, stepper):
    problem = PROBLEMS[name]
    start = averages(problem.domain, 32, 3)
    found = entropy_statistics(problem, start, [0.0, 0.3, 0.7], steps=6, flux=flux, stepper=stepper)
    assert abs(float(found.fluctuation_theorem) - 1.0) < 1e-12
    assert float(found.irreversible) == 0.0
    relation = fluctuation_theorem(found)
    assert relation.verdict == "holds"
    assert relation.name == "fluctuation-theorem"


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize(("flux", "stepper"), SCHEMES)
def test_empty_cells_make_it_one_minus_lambda(name, flux, stepper):
    problem = PROBLEMS[name]
    start = averages(problem.domain, 32, 4, empty=True)
    found = entropy_statistics(problem, start, [0.0, 0.4], steps=6, flux=flux, stepper=stepper)
    lost = float(found.irreversible)
    assert 0.01 < lost < 0.99
    assert abs(float(found.fluctuation_theorem) - 1.0 + lost) < 1e-12
    assert fluctuation_theorem(found).verdict == "holds"


def test_lambda_of_a_relaxing_uniform_density():
    # at constant force the backward process from P(tau) goes on like the forward one: lambda lies outside at 2 tau
    found = entropy_statistics(FokkerPlanck(LinearForce(-1.0), 0.5), fp.Uniform(-0.5, 0.75), [0.0, 0.3], cells=512)
    keep, spread = np.exp(-0.6), np.sqrt(0.5 * -np.expm1(-1.2))
    held = quad(lambda x: (ndtr((0.75 - keep * x) / spread) - ndtr((-0.5 - keep * x) / spread)) / 1.25, -0.5, 0.75)[0]
    inside(found, irreversible=1.0 - held, fluctuation_theorem=held)
    assert float(found.irreversible_error) < 0.08


def test_underflow_is_no_empty_cell():
    # exact cell masses of a narrow start vanish far away; it is positive everywhere all the same
    found = entropy_statistics(FokkerPlanck(LinearForce(-1.0), 1.0), fp.Gaussian(1.5, 0.05), [0.0, 1.0], steps=20)
    assert abs(float(found.fluctuation_theorem) - 1.0) < 1e-12


@pytest.mark.parametrize("stepper", [BackwardEuler(), TRBDF2(), CrankNicolson(), SDIRK4()])
def test_derivative_is_the_entropy_production_at_the_order_of_the_stepper(stepper):
    force = PotentialForce(lambda x, t: 0.5 * (1.0 + 0.5 * np.sin(2 * t)) * (x - 0.4 * t) ** 2)
    problem, start = FokkerPlanck(force, 0.6, domain=Domain(-4.0, 4.5)), fp.Gaussian(-0.3, 0.7)
    gaps = []
    for steps in (32, 64):
        found = entropy_statistics(problem, start, [0.0, 1.5], cells=48, steps=steps, stepper=stepper)
        gaps.append(float(found.grid_entropy_production_mean - found.grid_entropy_production))
    assert abs(gaps[1]) < 1e-3
    assert np.log2(np.abs(gaps[0] / gaps[1])) == pytest.approx(stepper.order, abs=0.2)


def test_derivatives_are_those_of_the_generating_function():
    problem, step = FokkerPlanck(TiltedRing(2.0, 1.5, 2.0), 0.5, domain=RING), 0.02
    start = averages(RING, 64, 5)
    theta = step * np.array([-2.0, -1.0, 1.0, 2.0])
    values = entropy_statistics(problem, start, [0.0, 0.5], theta=theta, steps=20)
    low2, low, high, high2 = values.generating_function.values
    slope = (8.0 * (high - low) - (high2 - low2)) / (12.0 * step)
    bend = (16.0 * (high + low) - (high2 + low2) - 30.0) / (12.0 * step**2)
    bars = float(np.max(values.generating_function_error)) / step
    mean, variance = float(values.entropy_production_mean), float(values.entropy_production_variance)
    assert -slope == pytest.approx(mean, abs=bars + float(values.entropy_production_mean_error) + 1e-6)
    uncertain = bars / step + float(values.entropy_production_variance_error) + 1e-5
    assert bend - slope**2 == pytest.approx(variance, abs=uncertain)


@pytest.mark.parametrize(
    ("k", "temperature", "mean", "std", "t"), [(1.0, 1.0, 1.5, 0.3, 1.0), (2.3, 0.4, -0.7, 0.8, 0.4)]
)
def test_relaxing_gaussian(k, temperature, mean, std, t):
    found = entropy_statistics(FokkerPlanck(LinearForce(-k), temperature), fp.Gaussian(mean, std), [0.0, t])
    rest, kept = temperature / k, np.exp(-2.0 * k * t)
    variance = rest + (std**2 - rest) * kept
    bath = 0.5 * k / temperature * (mean**2 * (1.0 - kept) + std**2 - variance)
    total = bath + 0.5 * np.log(variance / std**2)
    inside(found, bath_entropy_mean=bath, entropy_production_mean=total, entropy_production=total)
    inside(found, grid_entropy_production_mean=total, fluctuation_theorem=1.0)
    assert float(found.entropy_production_mean) == pytest.approx(total, abs=2e-5)


def test_gaussian_entropy_production():
    # dragged from equilibrium, s is Gaussian, so that <exp(-s)> = 1 makes its variance twice its mean
    problem, theta = FokkerPlanck(HarmonicTrap(1.3, speed=0.7), 0.8), np.array([0.25, 0.5])
    found = entropy_statistics(problem, fp.Equilibrium(), [0.0, 1.5], theta=theta, steps=40)
    work, _ = dragged(1.3, 0.7, 0.8, 1.5)
    lag = 0.7 / 1.3 * -np.expm1(-1.3 * 1.5)
    mean = (work - 0.5 * 1.3 * lag**2) / 0.8
    inside(found, entropy_production_mean=mean, entropy_production=mean, entropy_production_variance=2.0 * mean)
    inside(found, generating_function=np.exp(-theta * mean + theta**2 * mean))


def test_steady_ring():
    # stationary: s grows by tilt J period / T per second, with Stratonovich's current
    problem = FokkerPlanck(TiltedRing(1.0, 0.8, 2.0), 0.5, domain=RING)
    found = entropy_statistics(problem, fp.Stationary(), [0.0, 1.0], cells=128, steps=20)
    x, w = np.polynomial.legendre.leggauss(60)
    x, w = x + 1.0, w

    def energy(y):
        return -1.0 * y + 0.8 / np.pi * np.cos(np.pi * y)

    ahead = x[:, None] + x[None, :]  # the integral over one period ahead of every place
    inner = np.exp((energy(ahead) - energy(x)[:, None]) / 0.5) @ w
    current = 0.5 * -np.expm1(-1.0 * 2.0 / 0.5) / float(w @ inner)
    inside(found, entropy_production_mean=1.0 * current * 2.0 / 0.5, bath_entropy_mean=current * 2.0 / 0.5)


def test_entropy_in_the_plane():
    # an isotropic Gaussian that rests in a trap while it is turned: s grows by E|rotation|² / T
    force, rate = LinearForce(((-1.0, 0.8), (-0.8, -1.0))), 0.8
    start = fp.PlaneGaussian((0.0, 0.0), std=np.sqrt(0.5))
    found = entropy_statistics(FokkerPlanck(force, 0.5), start, [0.0, 0.5], cells=48, steps=10)
    inside(found, entropy_production_mean=0.5 * rate**2 * 2.0, fluctuation_theorem=1.0)


def test_adjoint_step_is_the_transposed_one():
    problem = PROBLEMS["driven in time"]
    tilts = Tilts(Remembered(problem, BOX.grid(20), ScharfetterGummel()))
    rng = np.random.default_rng(7)
    u, v = rng.uniform(size=(2, 20))
    for stepper in (SDIRK4, TRBDF2):
        ahead, back = tilted_step(stepper, tilts, 1.0, v, 0.1, 0.3), adjoint_step(stepper, tilts, u, 0.1, 0.3)
        assert float(u @ ahead) == pytest.approx(float(back @ v), rel=1e-13)
        assert float(np.sum(back)) == pytest.approx(float(np.sum(u)), rel=1e-13)


def test_steps_end_at_jumps():
    groups = step_groups(lambda t: np.array([1.0 * (t >= 0.3), 0.1 * t]), np.array([0.0, 1.0]), 8)
    assert len(groups) == 2
    assert groups[0][-1] < 0.3 <= groups[1][0] < 0.3 + 1e-15
    smooth = step_groups(lambda t: np.array([np.sin(5.0 * t)]), np.array([0.0, 0.25, 1.0]), 8)
    assert len(smooth) == 1
    assert 0.25 in smooth[0]


@pytest.mark.parametrize("order", [2, 4])
def test_limits_of_series(order):
    series = [3.0 + 2.0 * h**order + 0.7 * h ** (order + 1) for h in (0.05, 0.1, 0.2)]
    value, bar = limit(series, order)
    assert abs(value - 3.0) <= bar < abs(series[0] - 3.0)
    slow = [3.0 + h for h in (0.05, 0.1, 0.2)]
    value, bar = limit(slow, order)
    assert abs(value - 3.0) <= bar


TRAP = FokkerPlanck(HarmonicTrap(1.0, speed=1.0), 1.0)
WALLED = FokkerPlanck(DoubleWell(1.0, 2.0), 1.0, domain=Domain(-2.0, 2.0, ("absorbing", "reflecting")))


@pytest.mark.parametrize(
    ("key", "problem", "options"),
    [
        ("force", FokkerPlanck(NonconservativeForce(lambda x: -x), 1.0), {}),
        ("force", FokkerPlanck(TiltedRing(1.0, 1.0, 2.0), 1.0, domain=RING), {}),
        ("temperature", FokkerPlanck(HarmonicTrap(1.0), lambda x, t: 1.0 + x**2), {}),
        ("temperature", FokkerPlanck(HarmonicTrap(1.0), lambda t: 1.0 + t), {}),
        ("temperature", FokkerPlanck(HarmonicTrap(1.0), 0.0), {}),
        ("boundary", WALLED, {}),
        ("times", TRAP, {"times": [1.0, 0.0]}),
        ("times", TRAP, {"times": [0.0]}),
        ("theta", TRAP, {"theta": "all"}),
        ("theta[0]", TRAP, {"theta": [np.nan]}),
        ("cells", TRAP, {"cells": 4}),
        ("cells", TRAP, {"cells": (64, 64)}),
        ("steps", TRAP, {"steps": 2.5}),
        ("flux", TRAP, {"flux": fp.fluxes.WENO5()}),
        ("problem", "trap", {}),
    ],
)
def test_work_refuses(key, problem, options):
    options = dict(options)
    with pytest.raises(InputError) as caught:
        work_statistics(problem, fp.Gaussian(0.0, 0.5), options.pop("times", [0.0, 1.0]), **options)
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("key", "problem", "options"),
    [
        ("boundary", WALLED, {}),
        ("temperature", FokkerPlanck(LinearForce(-1.0), 0.0), {}),
        ("flux", TRAP, {"flux": FourthOrder()}),
        ("flux", TRAP, {"flux": fp.fluxes.Upwind()}),
        ("stepper", TRAP, {"stepper": SSPRK3()}),
        ("times", TRAP, {"times": [0.0, 0.0]}),
        ("cells", TRAP, {"cells": "many"}),
    ],
)
def test_entropy_refuses(key, problem, options):
    options = dict(options)
    with pytest.raises(InputError) as caught:
        entropy_statistics(problem, fp.Gaussian(0.0, 0.5), options.pop("times", [0.0, 1.0]), **options)
    assert caught.value.key == key


def test_mobility_rescales_time():
    # mobility M: the trap is followed at rate M k, and the drag is v / M per length
    mobility, k, v, temperature, t = 2.5, 0.8, 0.6, 0.5, 0.9
    trap = HarmonicTrap(k, speed=v)
    found = work_statistics(FokkerPlanck(trap, temperature, mobility), fp.Equilibrium(), [0.0, t], steps=80)
    mean, variance = dragged(k, v / mobility, temperature, mobility * t)
    inside(found, work_mean=mean, work_variance=variance, jarzynski=1.0)
    entropy = entropy_statistics(FokkerPlanck(trap, temperature, mobility), fp.Equilibrium(), [0.0, t], steps=40)
    lag = v / (mobility * k) * -np.expm1(-k * mobility * t)
    inside(entropy, entropy_production_mean=(mean - 0.5 * k * lag**2) / temperature)


def test_kinks_of_the_protocol_end_steps():
    # the trap starts to move between two steps' ends; before that it rests, and W = 0
    force = PotentialForce(lambda x, t: 0.65 * (x - 0.7 * np.maximum(t - 0.2345, 0.0)) ** 2)
    found = work_statistics(FokkerPlanck(force, 0.8), fp.Equilibrium(), [0.0, 1.2345], steps=100)
    mean, variance = dragged(1.3, 0.7, 0.8, 1.0)
    inside(found, work_mean=mean, work_variance=variance)
    assert float(found.work_mean_error) < 1e-5


def test_oblique_mobility():
    # no two-point flux takes it; the work of a trap dragged along an axis only knows the mobility along that axis
    force = PotentialForce(lambda x, y, t: 0.5 * (x - 0.7 * t) ** 2 + 0.5 * y * y, dimension=2)
    problem = FokkerPlanck(force, 0.8, ((1.0, 0.4), (0.4, 1.0)), Domain((-5.0, -5.0), (5.5, 5.0)))
    found = work_statistics(problem, fp.Equilibrium(), [0.0, 0.5], cells=40, steps=20)
    # y follows x through the mobility: mean position by the linear equations
    matrix = np.array([[1.0, 0.4], [0.4, 1.0]])
    path = solve_ivp(lambda t, s: [*(-matrix @ (s[:2] - [0.7 * t, 0.0])), -0.7 * (s[0] - 0.7 * t)], [0, 0.5], [0, 0, 0])
    inside(found, work_mean=path.y[2, -1], jarzynski=1.0)
    with pytest.raises(InputError, match="mobility"):
        entropy_statistics(problem, fp.Equilibrium(), [0.0, 0.5])
