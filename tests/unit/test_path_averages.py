"""Averages over all paths: work, entropy production, fluctuation theorems, against closed forms and identities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import fpsolve as fp
from fpsolve.bounds.fluctuations import fluctuation_theorem, jarzynski
from fpsolve.settings import InputError, Settings
from fpsolve.steppers import BackwardEuler, CrankNicolson
from fpsolve.steppers.diagonally_implicit import DiagonallyImplicit

STEPPERS = [
    cls()
    for (family, _), cls in Settings.registry.items()
    if family == "stepper" and issubclass(cls, DiagonallyImplicit)
]
BALANCED = [fp.fluxes.ScharfetterGummel(), fp.fluxes.ChangCooper()]


def inside(found, name, exact, tolerance):
    error = abs(float(found[name]) - exact)
    assert error <= tolerance, (name, float(found[name]), exact)
    assert error <= float(found[f"{name}_error"]), (name, error, float(found[f"{name}_error"]))


@pytest.mark.parametrize(
    ("k", "v", "temperature", "end"), [(2.0, 1.5, 0.7, 1.3), (0.6, -1.1, 1.2, 2.0), (4.0, 0.8, 0.3, 0.9)]
)
def test_a_dragged_trap(k, v, temperature, end):
    problem = fp.FokkerPlanck(fp.HarmonicTrap(k, speed=v), temperature)
    found = fp.work_statistics(problem, fp.Equilibrium(), [0.0, end], theta=[0.5, -0.3])
    work = v * v * end - v * v / k * -np.expm1(-k * end)
    inside(found, "work_mean", work, 1e-5)
    inside(found, "work_variance", 2.0 * temperature * work, 1e-5)
    inside(found, "jarzynski", 1.0, 1e-9)
    inside(found, "free_energy_change", 0.0, 1e-12)
    theta = found["theta"].values
    exact = np.exp((theta**2 - theta) * work / temperature)  # W is normal, of variance 2 T <W>
    errors = np.abs(found["generating_function"].values - exact)
    assert np.all(errors <= 1e-5 * exact)
    assert np.all(errors <= found["generating_function_error"].values)
    assert jarzynski(found).verdict == "holds"


@pytest.mark.parametrize(
    ("first", "last", "v", "temperature", "end"), [(1.0, 3.0, 0.7, 1.0, 1.0), (2.5, 0.8, -0.4, 0.5, 0.6)]
)
def test_a_trap_that_moves_and_stiffens(first, last, v, temperature, end):
    trap = fp.HarmonicTrap(first, speed=v, stiffness_end=last, duration=end)
    found = fp.work_statistics(fp.FokkerPlanck(trap, temperature), fp.Equilibrium(), [0.0, end])
    inside(found, "free_energy_change", 0.5 * temperature * np.log(last / first), 1e-9)
    inside(found, "jarzynski", np.sqrt(first / last), 1e-9)
    assert jarzynski(found).verdict == "holds"

    def rate(t, state):  # mean and variance of x, and the mean work
        mean, variance, _ = state
        k, growth = trap.stiffness_at(t), (last - first) / end
        lag = mean - v * t
        power = 0.5 * growth * (variance + lag**2) - k * v * lag
        return [-k * lag, 2.0 * (temperature - k * variance), power]

    exact = solve_ivp(rate, (0.0, end), [0.0, temperature / first, 0.0], rtol=1e-12, atol=1e-13).y[2, -1]
    inside(found, "work_mean", exact, 1e-5)


def test_another_start_than_equilibrium():
    problem = fp.FokkerPlanck(fp.HarmonicTrap(1.0, speed=0.5), 1.0)
    found = fp.work_statistics(problem, fp.Gaussian(0.4, 0.7), [0.0, 1.0])
    # W is normal for every normal start: its mean and variance tell <exp(-W)>
    mean, variance = (float(found[name]) for name in ("work_mean", "work_variance"))
    inside(found, "jarzynski", np.exp(0.5 * variance - mean), 1e-4)
    assert jarzynski(found).verdict == "undefined"


def test_jarzynski_in_the_plane():
    force = fp.PotentialForce(lambda x, y, t: 0.5 * (1 + t) * (x - t) ** 2 + 0.5 * y * y + 0.3 * x * y, 2)
    start = fp.PlaneGaussian(covariance=0.5 * np.linalg.inv([[1.0, 0.3], [0.3, 1.0]]))
    found = fp.work_statistics(fp.FokkerPlanck(force, 0.5), start, [0.0, 0.5], cells=48, steps=8)
    assert found.attrs["equilibrium_start"] == 1
    assert float(found["jarzynski"]) == pytest.approx(float(found["exponential_of_free_energy"]), abs=1e-5)
    # the cross term: U = (x, y) K (x, y) / 2 - b x + c with det K = (1 + t) - 0.09
    k, b, c = np.array([[1.5, 0.3], [0.3, 1.0]]), 0.75, 0.5 * 1.5 * 0.25
    exact = -0.5 * b * b * np.linalg.inv(k)[0, 0] + c + 0.25 * np.log(np.linalg.det(k) / 0.91)
    inside(found, "free_energy_change", exact, 1e-9)


def shaken():
    force = fp.PotentialForce(lambda x, t: 0.25 * x**4 - (1.0 + np.sin(9.0 * t)) * x**2 + 0.4 * t * x)
    return fp.FokkerPlanck(force, 0.6), fp.Gaussian(0.3, 0.5), fp.Grid.line(-3.5, 3.5, 96)


def cases():
    ring = fp.FokkerPlanck(fp.TiltedRing(1.3, 0.8, 2.0), 0.3, domain=fp.Domain(0.0, 2.0, "periodic"))
    rng = np.random.default_rng(5)
    masses = rng.uniform(0.2, 1.0, 64)
    around = fp.Grid.line(0.0, 2.0, 64, "periodic")

    def turning(x, y, t):
        return -x * (1.0 + t) + 0.8 * y, -2.0 * y - 0.8 * x

    plane = fp.FokkerPlanck(fp.NonconservativeForce(turning, dimension=2), 0.4)
    box = fp.Grid.plane((-3.0, -3.0), (3.0, 3.0), (24, 32))
    warm = fp.FokkerPlanck(fp.HarmonicTrap(2.0, speed=1.0), lambda t: 0.4 + 0.5 * t)
    return {
        "shaken": shaken(),
        "ring": (ring, masses / np.sum(masses * around.widths), around),
        "plane": (plane, fp.PlaneGaussian((0.5, -0.3), std=0.5), box),
        "warmed": (warm, fp.Gaussian(0.5, 0.4), fp.Grid.line(-3.0, 4.0, 64)),
        "narrow": (fp.FokkerPlanck(fp.LinearForce(-1.0), 0.5), fp.Gaussian(1.0, 0.05), fp.Grid.line(-5, 5, 160)),
    }


@pytest.mark.parametrize("flux", BALANCED, ids=lambda flux: flux.kind)
@pytest.mark.parametrize("name", cases())
def test_the_integral_fluctuation_theorem(name, flux):
    problem, start, grid = cases()[name]
    found = fp.entropy_statistics(problem, start, [0.0, 0.5], grid=grid, steps=16, flux=flux)
    assert abs(float(found["fluctuation_theorem"]) - 1.0) <= 1e-12
    assert float(found["irreversible"]) == 0.0
    assert fluctuation_theorem(found).verdict == "holds"


@pytest.mark.parametrize("stepper", STEPPERS, ids=lambda stepper: stepper.kind)
def test_any_step_obeys_it(stepper):
    problem, start, grid = shaken()
    found = fp.entropy_statistics(problem, start, [0.0, 0.5], grid=grid, steps=8, stepper=stepper)
    assert abs(float(found["fluctuation_theorem"]) - 1.0) <= 1e-12


@pytest.mark.parametrize("stepper", [BackwardEuler(), CrankNicolson()], ids=lambda stepper: stepper.kind)
def test_the_mean_sees_the_error_in_time_at_the_order_of_the_stepper(stepper):
    problem, start, _ = shaken()
    single = fp.Grid.line(-2.5, 2.5, 12)  # too few cells for coarser companions: nothing is extrapolated
    exact = fp.entropy_statistics(problem, start, [0.0, 0.5], grid=single, steps=512)["entropy_production"]
    gaps = []
    for steps in (64, 128, 256):
        found = fp.entropy_statistics(problem, start, [0.0, 0.5], grid=single, steps=steps, stepper=stepper)
        gaps.append(abs(float(found["entropy_production_mean"] - exact)))
    orders = np.log2(np.array(gaps[:-1]) / np.array(gaps[1:]))
    assert orders[-1] == pytest.approx(stepper.order, abs=0.3)


def test_the_mean_is_the_entropy_production_of_the_run():
    problem = fp.FokkerPlanck(fp.HarmonicTrap(2.0, speed=1.5), 0.7)
    found = fp.entropy_statistics(problem, fp.Equilibrium(), [0.0, 1.3])
    lag = 0.75 * -np.expm1(-2.6)
    exact = (1.5 * 1.5 * 1.3 - 1.5 * lag - lag**2) / 0.7
    for name in ("entropy_production_mean", "entropy_production"):
        inside(found, name, exact, 1e-5)


def test_a_start_with_empty_cells():
    problem = fp.FokkerPlanck(fp.HarmonicTrap(2.0, speed=1.5), 0.7)
    found = fp.entropy_statistics(problem, fp.Uniform(-1.0, 0.5), [0.0, 0.4])
    missing = float(found["irreversible"])
    assert 0.1 < missing < 0.9
    assert float(found["fluctuation_theorem"]) == pytest.approx(1.0 - missing, abs=1e-12)
    assert fluctuation_theorem(found).verdict == "holds"


def test_the_generating_function_is_symmetric_around_a_steady_ring():
    ring = fp.FokkerPlanck(fp.TiltedRing(1.3, 0.8, 2.0), 0.3, domain=fp.Domain(0.0, 2.0, "periodic"))
    found = fp.entropy_statistics(ring, fp.Stationary(), [0.0, 0.5], theta=[0.25, 0.75, 0.0, 1.0], cells=64)
    left, right, none, whole = found["generating_function"].values
    bars = found["generating_function_error"].values
    # Gallavotti and Cohen: in a steady state theta and 1 - theta are alike at every duration
    assert left == pytest.approx(right, abs=float(bars[0] + bars[1]))
    assert none == pytest.approx(1.0, abs=1e-12)
    assert whole == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (fp.FokkerPlanck(fp.TiltedRing(1.0, 0.5, 1.0), 0.5, domain=fp.Domain(0.0, 1.0, "periodic")), "no potential"),
        (fp.FokkerPlanck(fp.HarmonicTrap(1.0), lambda t: 1.0 + t), "one temperature"),
        (fp.FokkerPlanck(fp.HarmonicTrap(1.0), lambda x, t: 1.0 + x * x), "one temperature"),
        (fp.FokkerPlanck(fp.HarmonicTrap(1.0), 0.0), "zero"),
        (fp.FokkerPlanck(fp.HarmonicTrap(1.0), 0.5, domain=fp.Domain(-1.0, 1.0, "absorbing")), "absorbing"),
    ],
)
def test_work_is_refused_with_the_reason(problem, words):
    with pytest.raises(InputError, match=words):
        fp.work_statistics(problem, fp.Gaussian(0.2, 0.1), [0.0, 1.0])


def test_entropy_is_refused_with_the_reason():
    trap = fp.HarmonicTrap(1.0)
    start = fp.Gaussian(0.2, 0.1)
    with pytest.raises(InputError, match="depends on the place"):
        fp.entropy_statistics(fp.FokkerPlanck(trap, lambda x, t: 1.0 + x * x), start, [0.0, 1.0])
    with pytest.raises(InputError, match="detailed balance"):
        fp.entropy_statistics(fp.FokkerPlanck(trap, 1.0), start, [0.0, 1.0], flux=fp.fluxes.Upwind())
    with pytest.raises(InputError, match="forward only"):
        fp.entropy_statistics(fp.FokkerPlanck(trap, 1.0), start, [1.0, 0.0])
    with pytest.raises(InputError, match="theta"):
        fp.entropy_statistics(fp.FokkerPlanck(trap, 1.0), start, [0.0, 1.0], theta=[np.nan])
