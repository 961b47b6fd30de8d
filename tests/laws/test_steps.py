"""Steps: their order, what large ones do, and how large explicit ones may be."""

from __future__ import annotations

import functools
import itertools
import re

import numpy as np
import pytest
from families import (
    FLUXES,
    GRID_STEPPERS,
    TRIPLES,
    grid_of,
    implicit,
    label,
    name,
    problem_of,
    rough,
    single,
    smooth,
    unlimited,
)
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.sparse.linalg import expm_multiply

import fpsolve as fp
from fpsolve import problems
from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import WENO5, Central, FourthOrder, ScharfetterGummel, Upwind
from fpsolve.forces import LinearForce, PotentialForce
from fpsolve.grids import Grid
from fpsolve.settings import InputError
from fpsolve.steppers import SSPRK3, ExplicitEuler, GaussianKernel, RungeKuttaLegendre
from fpsolve.steppers.base import EXACT

#: largest L1 error of the finest run of an order study, by order
CAPS = {1: 5e-3, 2: 1e-4, 3: 1e-6, 4: 1e-9}
END = 0.4
EXPLICIT = [one for one in GRID_STEPPERS if not implicit(one)]


@functools.cache
def system_of(flux, dimension, timed):
    """Small grids with an end of every kind."""
    boundary = {
        (1, False): ("reflecting", "absorbing"),
        (1, True): "periodic",
        (2, False): ("periodic", ("reflecting", "absorbing")),
        (2, True): ("reflecting", "reflecting"),
    }[dimension, isinstance(flux, (FourthOrder, WENO5))]
    cells = 16 if dimension == 1 else (8, 8)
    if dimension == 2 and not flux.linear:  # nonlinear weights are smooth where the density is resolved
        boundary, cells = ("periodic", "periodic"), (14, 14)
    grid = grid_of(dimension, boundary, cells=cells)
    return Discretisation(problem_of(dimension, timed), grid, flux)


@functools.cache
def exact(flux, dimension, timed):
    """The masses at the end from the matrix exponential, or from another integrator where there is none."""
    system = system_of(flux, dimension, timed)
    m = smooth(system.grid)
    if flux.linear and not timed:
        return (expm(END * system.at(0.0).matrix().toarray()) @ m.ravel()).reshape(m.shape)

    def rate(t, flat):
        out = np.empty(m.shape)
        system.at(t).rates(flat.reshape(m.shape), out)
        return out.ravel()

    return solve_ivp(rate, (0.0, END), m.ravel(), method="DOP853", rtol=1e-12, atol=1e-15).y[:, -1].reshape(m.shape)


def chosen(flux, stepper):
    """One flux of every kind of operator; all of them would show the same."""
    return type(flux) in (ScharfetterGummel, FourthOrder, WENO5) and stepper.order != EXACT


@pytest.mark.parametrize(("flux", "stepper", "dimension"), [t for t in TRIPLES if chosen(*t[:2])], ids=label)
@pytest.mark.parametrize("timed", [False, True], ids=["steady", "timed"])
def test_order(flux, stepper, dimension, timed):
    system = system_of(flux, dimension, timed)
    limit = min(stepper.largest_step(system, t) for t in np.linspace(0.0, END, 5))
    least = 64 if dimension == 1 else 24 if stepper.order == 4 else 40
    count = max(least, int(np.ceil(END / (0.12 * limit))) if stepper.stability == "explicit" else 0)
    errors = []
    for n in (count, 2 * count):
        done = stepper.march(system, smooth(system.grid), 0.0, END / n, n)
        errors.append(float(np.sum(np.abs(done.masses - exact(flux, dimension, timed)))))
    assert abs(np.log2(errors[0] / errors[1]) - stepper.order) <= 0.15, errors
    assert errors[1] <= CAPS[stepper.order]


@pytest.mark.parametrize("dimension", [1, 2])
def test_order_of_many_stages(dimension):
    """Far beyond Euler's step, where the number of stages changes with the step."""
    grid = grid_of(dimension, cells=120 if dimension == 1 else (60, 45))
    system = Discretisation(problem_of(dimension), grid, ScharfetterGummel())
    operator = system.at(0.0)
    reference = expm_multiply(END * operator.matrix().tocsc(), smooth(grid).ravel())
    errors, stages = [], []
    for n in (12, 48):
        done = RungeKuttaLegendre().march(system, smooth(grid), 0.0, END / n, n)
        errors.append(float(np.sum(np.abs(done.masses.ravel() - reference))))
        stages.append(RungeKuttaLegendre.stages(operator.reach, END / n))
    assert stages[0] > stages[1] > 3
    assert abs(np.log2(errors[0] / errors[1]) / 2.0 - 2.0) <= 0.15, (errors, stages)
    assert errors[1] < 5e-5


@pytest.mark.parametrize("stepper", [one for one in GRID_STEPPERS if one.order == EXACT], ids=label)
@pytest.mark.parametrize(
    "which", ["ornstein-uhlenbeck", "free-diffusion", "cosine-mixture", "cosine-mixture-to-the-end"]
)
def test_no_error_in_time(stepper, which):
    """One step or four: the error is that of the reconstruction, of fourth order, and not of the step."""
    problem = problems.ALL[which]()
    errors = {}
    for cells, steps in itertools.product((60, 120), (1, 4)):
        grid = problem.grid(cells)
        system = Discretisation(problem.problem, grid, ScharfetterGummel())
        begin, end = problem.times[0], problem.times[-1]
        m = problem.exact(begin, grid) * grid.volumes
        done = stepper.march(system, m, begin, (end - begin) / steps, steps)
        errors[cells, steps] = float(np.sum(np.abs(done.masses - problem.exact(end, grid) * grid.volumes)))
    assert errors[120, 1] < 2e-6, errors
    assert errors[60, 1] < 1e-10 or errors[60, 1] > 9.0 * errors[120, 1], errors
    assert errors[120, 4] < 2e-5, errors


def test_long_steps_of_the_gaussian_kernel_end_in_the_stationary_state():
    problem = problems.ornstein_uhlenbeck()
    grid = Grid.line(-9.0, 9.0, 120)
    rest = fp.Gaussian(0.0, 1.0).cell_masses(grid.faces)
    for force in (problem.problem.force, LinearForce(lambda t: -1.0)):
        system = Discretisation(FokkerPlanck(force, 1.0), grid, ScharfetterGummel())
        for dt in (40.0, 1e3, 1e12):
            m = GaussianKernel().step(system, rough(grid), 0.0, dt).masses
            assert np.max(np.abs(m - rest)) < 1e-13


# --- large steps ----------------------------------------------------------------------------------------------------


def separable(x, y):
    return 0.5 * np.cos(0.5 * np.pi * (x + 2.0)) + 0.4 * np.sin(2.0 * np.pi / 3.0 * y)


STIFF = [
    t
    for t in TRIPLES
    if unlimited(*t[:2]) and t[1].order != EXACT and isinstance(t[0], (ScharfetterGummel, FourthOrder))
]


def at_rest(flux, stepper, dimension):
    """A system, its stationary state, and its slowest rate; parts that are split must commute."""
    problem = problem_of(dimension)
    if hasattr(stepper, "inner"):
        problem = FokkerPlanck(PotentialForce(separable, dimension=2), 0.4)
    system = Discretisation(problem, grid_of(dimension), flux)
    values, vectors = np.linalg.eig(system.at(0.0).matrix().toarray())
    still = np.argmin(np.abs(values))
    rest = np.real(vectors[:, still] / np.sum(vectors[:, still])).reshape(system.grid.shape)
    return system, rest, float(np.min(-np.delete(values, still).real))


@pytest.mark.parametrize(("flux", "stepper", "dimension"), [t for t in STIFF if t[1].stability == "L"], ids=label)
def test_a_huge_step_of_an_l_stable_method_lands_on_the_stationary_state(flux, stepper, dimension):
    system, rest, slowest = at_rest(flux, stepper, dimension)
    for m in (rough(system.grid), single(system.grid, 0.3)):
        done = stepper.step(system, m, 0.0, 1e12 / slowest).masses
        assert np.sum(np.abs(done - rest)) <= 1e-9 * np.sum(np.abs(m - rest))


@pytest.mark.parametrize(("flux", "stepper", "dimension"), [t for t in STIFF if t[1].stability == "A"], ids=label)
def test_an_a_stable_one_does_not(flux, stepper, dimension):
    """It does not land there (so it must not claim more), but it does not run away either."""
    system, rest, slowest = at_rest(flux, stepper, dimension)
    m, gaps = single(system.grid, 0.3), []
    for _ in range(60):
        m = stepper.step(system, m, 0.0, 1e12 / slowest).masses
        gaps.append(float(np.sum(np.abs(m - rest))))
    assert gaps[0] > 1e-3
    assert max(gaps) < 8.0


@pytest.mark.parametrize(("flux", "stepper", "dimension"), STIFF, ids=label)
def test_no_step_is_too_large(flux, stepper, dimension):
    system, rest, slowest = at_rest(flux, stepper, dimension)
    for dt in np.geomspace(1e-2, 1e6, 5) / slowest:
        done = stepper.march(system, rough(system.grid), 0.0, dt, 30).masses
        assert np.sum(np.abs(done - rest)) < 3.0, dt


# --- explicit steps -------------------------------------------------------------------------------------------------


def swirl(strength):
    return LinearForce(np.array([[-1.0, -strength], [strength, -1.0]]))


HARD = {
    1: {
        "diffusion": FokkerPlanck(LinearForce(0.0), 0.4),
        "mixed": problem_of(1),
        "cold": problem_of(1, temperature=0.02),
        "colder": problem_of(1, temperature=1e-4),
        "corner": FokkerPlanck(LinearForce(-3.0), 0.05),
        "hill": FokkerPlanck(LinearForce(3.0), 0.05),
    },
    2: {
        "diffusion": FokkerPlanck(LinearForce(np.zeros((2, 2))), 0.4),
        "mixed": problem_of(2),
        "cold": problem_of(2, temperature=0.02),
        "rotation": FokkerPlanck(swirl(6.0), 0.1),
        "cold rotation": FokkerPlanck(swirl(6.0), 0.01),
    },
}
CROSSED = {
    f"mobility {m}": FokkerPlanck(LinearForce(np.zeros((2, 2))), 0.4, mobility=m)
    for m in ([[1.0, 0.6], [0.6, 0.5]], [[1.0, 0.95], [0.95, 1.0]], [[1.0, 0.5], [-0.5, 1.0]], [[1.0, 0.8], [0.2, 0.7]])
}


def step_matrix(stepper, system, dt):
    """What one step does to every unit of mass."""
    columns = []
    for k in range(system.grid.cells):
        unit = np.zeros(system.grid.cells)
        unit[k] = 1.0
        columns.append(stepper.step(system, unit.reshape(system.grid.shape), 0.0, dt).masses.ravel())
    return np.stack(columns, axis=1)


def damped(operator):
    """Eigenvectors of the modes that do not grow by themselves (on coarse grids central fluxes have some that do)."""
    values, vectors = np.linalg.eig(operator.matrix().toarray())
    return vectors[:, values.real <= 1e-9 * operator.reach.real]


def growth(stepper, system, dt):
    """Largest factor by which one step multiplies such a mode."""
    modes = damped(system.at(0.0))
    after = step_matrix(stepper, system, dt) @ modes
    return float(np.max(np.linalg.norm(after, axis=0) / np.linalg.norm(modes, axis=0)))


def hard_systems(flux, dimension):
    boundaries = ("reflecting", "absorbing", "periodic")
    for case, problem in (HARD[dimension] | (CROSSED if dimension == 2 and type(flux) is FourthOrder else {})).items():
        linear = isinstance(problem.force, LinearForce) and np.any(problem.force.matrix_at(0.0))
        for k, boundary in enumerate(boundaries[: 2 if linear else 3]):
            both = dimension == 1 or case == "diffusion"
            for stretched in (False, True) if both else (bool(k % 2),):
                grid = grid_of(dimension, boundary, cells=20 if dimension == 1 else (8, 9), stretched=stretched)
                yield Discretisation(problem, grid, flux), f"{case}, {boundary}, {stretched}"


@pytest.mark.parametrize("flux", [flux() for flux in FLUXES if flux.linear], ids=label)
@pytest.mark.parametrize("dimension", [1, 2])
def test_stabilised_steps_are_safe(flux, dimension):
    for system, where in hard_systems(flux, dimension):
        for stepper in (RungeKuttaLegendre(), RungeKuttaLegendre(9)):
            reach, limit = system.at(0.0).reach, stepper.largest_step(system, 0.0)
            assert stepper.stages(reach, limit) <= stepper.most_stages, where
            tried = set()
            for part in (1.0, 0.3, 0.03, 0.003):
                stages = stepper.stages(reach, part * limit)
                if stages > 41 or stages in tried:
                    continue
                tried.add(stages)
                assert growth(stepper, system, part * limit) <= 1.0 + 1e-10, (where, stepper, part, stages)
            assert tried or stepper.most_stages > 41, where


@pytest.mark.parametrize("flux", [flux() for flux in FLUXES if flux.linear], ids=label)
@pytest.mark.parametrize("dimension", [1, 2])
@pytest.mark.parametrize("stepper", [SSPRK3(), SSPRK3(1.0), ExplicitEuler()], ids=["ssp-rk3", "ssp-rk3(1)", "euler"])
def test_explicit_steps_are_safe(flux, dimension, stepper):
    for system, where in hard_systems(flux, dimension):
        resolved = where.startswith(("diffusion", "mixed", "mobility"))
        if isinstance(stepper, ExplicitEuler) and not (flux.positive or resolved):
            continue  # its limit is that of waves in equal cells: see test_euler_and_central_fluxes
        limit = stepper.largest_step(system, 0.0)
        assert limit > 0.0
        assert growth(stepper, system, limit) <= 1.0 + 1e-10, where


def test_euler_and_central_fluxes():
    """Where the drift of a ring dominates, a central flux lets forward Euler take 2 T / f² and no more."""
    for flux in (Central(), FourthOrder()):
        grid = Grid.line(0.0, 1.0, 24, "periodic")
        system = Discretisation(FokkerPlanck(LinearForce(0.0, 1.0), 0.004), grid, flux)
        limit = ExplicitEuler().largest_step(system, 0.0)
        assert growth(ExplicitEuler(), system, limit) <= 1.0 + 1e-12
        assert growth(ExplicitEuler(), system, 2.5 * limit) > 1.0
        with pytest.raises(InputError, match="unstable for"):
            still = FokkerPlanck(LinearForce(0.0, 1.0), 0.0, domain=fp.Domain(0.0, 1.0, "periodic"))
            fp.solve(still, fp.Gaussian(0.5, 0.05), [0.0, 1.0], grid=grid, flux=flux, stepper=ExplicitEuler(), steps=10)


@pytest.mark.parametrize("dimension", [1, 2])
@pytest.mark.parametrize("flux", [Central(), FourthOrder(), ScharfetterGummel(), Upwind(), WENO5()], ids=label)
@pytest.mark.parametrize("stepper", [ExplicitEuler(), SSPRK3(1.0), RungeKuttaLegendre(5)], ids=label)
def test_steps_that_are_too_large_are_refused(flux, stepper, dimension):
    """The message names the largest stable step: that one is stable, twice as much is not."""
    problem = HARD[dimension]["diffusion"]
    grid = grid_of(dimension, cells=24 if dimension == 1 else (12, 12))
    start = rough(grid) / grid.volumes
    run = functools.partial(fp.solve, problem, start, [0.0, 1.0], grid=grid, flux=flux, stepper=stepper, bars=False)
    with pytest.raises(InputError, match=r"steps: .*stable up to") as refused:
        run(steps=2)
    limit, steps = re.search(r"stable up to (\S+) here \((\d+) steps\)", str(refused.value)).groups()
    system = Discretisation(problem, grid, flux)
    assert float(limit) == pytest.approx(stepper.largest_step(system, 0.0), rel=5e-3)
    assert run(steps=int(steps)).attrs["steps_taken"] == int(steps)
    with pytest.raises(InputError, match="stable up to"):
        run(steps=int(steps) - 1)
    divided = run(steps=2, substep=True)
    assert divided.attrs["steps_taken"] == int(steps) + int(steps) % 2
    dt, m = stepper.largest_step(system, 0.0), rough(grid)
    long = stepper.march(system, m, 0.0, dt, 500).masses
    assert np.sum(np.abs(long)) <= np.sum(np.abs(m)) * (1.0 + 1e-9)
    if stepper.stability == "stabilised":
        with pytest.raises(InputError, match="stages"):
            stepper.step(system, m, 0.0, 2.0 * dt)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            wild = stepper.march(system, m, 0.0, 2.0 * dt, 500).masses
        assert not np.sum(np.abs(wild)) < 1e6, name(stepper)


def test_every_explicit_stepper_is_among_those_tested():
    assert {type(one) for one in EXPLICIT} == {ExplicitEuler, SSPRK3, RungeKuttaLegendre}
