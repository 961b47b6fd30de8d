"""The ledger: balances that close to rounding on the grid, and closed forms inside error bars in the continuum."""

from __future__ import annotations

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.fluxes import TwoPointFlux
from fpsolve.settings import InputError, Settings
from fpsolve.thermodynamics.summary import totals
from validation.theorems.linear_thermodynamics import LinearOracle

BALANCED = [
    cls()
    for (family, _), cls in Settings.registry.items()
    if family == "flux" and issubclass(cls, TwoPointFlux) and cls.local_detailed_balance
]


def line_problems():
    shaken = fp.PotentialForce(lambda x, t: 0.25 * x**4 - (1.0 + np.sin(9.0 * t)) * x**2 + 0.4 * t * x)
    pushed = fp.HarmonicTrap(2.0, speed=1.5) + fp.NonconservativeForce(lambda x, t: 0.3 * np.cos(x) * (1.0 + t))
    stretched = fp.Grid.from_edges(np.sinh(np.linspace(-2.0, 2.0, 91)))
    ring = fp.FokkerPlanck(fp.TiltedRing(1.3, 0.8, 2.0), 0.3, domain=fp.Domain(0.0, 2.0, "periodic"))
    ring_start = fp.FunctionDensity(lambda x: 0.5 + 0.3 * np.cos(np.pi * x), 0.0, 2.0)
    return {
        "shaken": (fp.FokkerPlanck(shaken, 0.6), fp.Gaussian(0.3, 0.5), fp.Grid.line(-3.5, 3.5, 120)),
        "pushed": (fp.FokkerPlanck(pushed, 0.5, mobility=1.7), fp.Gaussian(-0.2, 0.6), stretched),
        "heated": (fp.FokkerPlanck(shaken, lambda t: 0.4 + t * t), fp.Gaussian(0.0, 0.5), fp.Grid.line(-4, 4, 100)),
        "ring": (ring, ring_start, fp.Grid.line(0.0, 2.0, 80, "periodic")),
        "cold": (fp.FokkerPlanck(fp.DoubleWell(8.0, 2.0), 0.25), fp.Gaussian(1.0, 0.2), fp.Grid.line(-2, 2, 64)),
    }


def plane_problems():
    def force(x, y, t):
        return -x * (1.0 + t) + 0.8 * y, -2.0 * y - 0.8 * x

    turning = fp.NonconservativeForce(force, dimension=2)
    saddle = fp.PotentialForce(lambda x, y, t: 0.25 * (x * x - 1.0) ** 2 + 0.5 * y * y * (1.0 + np.sin(5 * t)), 2)
    grid = fp.Grid.plane((-3.0, -3.0), (3.0, 3.0), (28, 24))
    start = fp.PlaneGaussian((0.5, -0.3), std=0.5)
    return {
        "turning": (fp.FokkerPlanck(turning, 0.4), start, grid),
        "saddle": (fp.FokkerPlanck(saddle, 0.4), start, grid),
    }


PROBLEMS = line_problems() | plane_problems()


def balanced(name, flux):
    problem, start, grid = PROBLEMS[name]
    return fp.solve(
        problem, start, np.linspace(0.0, 0.6, 4), grid=grid, flux=flux, stepper=fp.steppers.BackwardEuler(), steps=4
    )


@pytest.mark.parametrize("flux", BALANCED, ids=lambda flux: flux.kind)
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_grid_ledger_closes_at_every_step(name, flux):
    books = fp.ledger(balanced(name, flux))
    assert float(books["grid_first_law_residual"][-1]) <= 1e-13
    assert float(books["grid_step_residual"][-1]) <= 1e-13
    produced = books["grid_system"] + books["grid_bath"]
    assert np.all(np.diff(produced) > 0.0)
    rates = books["grid_system_entropy_rate"] + books["grid_bath_entropy_rate"] - books["grid_entropy_production_rate"]
    assert np.all(np.abs(rates) <= 1e-12 * books["grid_gross_rate"])


def test_all_fluxes_that_claim_detailed_balance_are_tried():
    assert {flux.kind for flux in BALANCED} >= {"scharfetter-gummel", "chang-cooper"}


def test_other_fluxes_have_no_grid_form_and_say_so():
    problem, start, grid = PROBLEMS["shaken"]
    books = fp.ledger(fp.solve(problem, start, [0.0, 0.2], grid=grid, flux=fp.fluxes.Upwind()))
    assert "grid_work" not in books and "upwind" in books.attrs["why_no_grid_form"]


@pytest.mark.parametrize("flux", BALANCED, ids=lambda flux: flux.kind)
def test_grid_and_continuum_meet_at_the_order_of_the_flux(flux):
    problem, start, _ = PROBLEMS["shaken"]
    gaps = []
    for cells in (100, 200, 400):
        grid = fp.Grid.line(-3.5, 3.5, cells)
        solution = fp.solve(problem, start, [0.0, 0.2], grid=grid, flux=flux, rtol=1e-6)
        books = fp.ledger(solution)
        gap = float(books["grid_entropy_production_rate"][-1] - books["entropy_production_rate"][-1])
        gaps.append(abs(gap))
    orders = np.log2(np.array(gaps[:-1]) / np.array(gaps[1:]))
    assert orders[-1] == pytest.approx(flux.order, abs=0.2)


def inside(found, exact, tolerance):
    """The error is below the tolerance and within the bar."""
    error = abs(found.value - exact)
    assert error <= tolerance, (found, exact)
    assert error <= found.error, (found, exact)


@pytest.mark.parametrize(
    ("k", "v", "temperature", "end"), [(2.0, 1.5, 0.7, 1.3), (0.7, -2.2, 1.4, 0.8), (5.0, 0.6, 0.2, 2.0)]
)
def test_a_dragged_trap(k, v, temperature, end):
    problem = fp.FokkerPlanck(fp.HarmonicTrap(k, speed=v), temperature)
    solution = fp.solve(problem, fp.Equilibrium(), np.linspace(0.0, end, 21))
    found = totals(fp.ledger(solution))
    lag = v / k * -np.expm1(-k * end)
    work, energy = v * v * end - v * lag, 0.5 * k * lag**2
    inside(found["work"], work, 1e-5)
    inside(found["energy_change"], energy, 1e-5)
    inside(found["heat"], energy - work, 1e-5)
    inside(found["entropy_production"], (work - energy) / temperature, 2e-5)
    inside(found["system_entropy_change"], 0.0, 1e-5)
    inside(found["free_energy_change"], 0.0, 1e-9)
    inside(found["path_length"], abs(v * end - lag), 1e-5)
    inside(found["W2"], abs(v * end - lag), 1e-5)
    assert found["coupling"].value == found["housekeeping"].value == 0.0


@pytest.mark.parametrize(
    ("k", "temperature", "mean", "std"), [(1.0, 1.0, 1.5, 0.3), (2.3, 0.4, -0.8, 0.9), (0.5, 2.0, 0.0, 0.5)]
)
def test_a_relaxing_gaussian(k, temperature, mean, std):
    exact = fp.problems.ornstein_uhlenbeck(k, temperature, mean, std)
    solution = fp.solve(exact.problem, exact.start, np.linspace(0.0, 1.0, 11), accuracy=1e-6)
    books = fp.ledger(solution)
    t = books["time"].values
    m, s2 = mean * np.exp(-k * t), std**2 * np.exp(-2.0 * k * t) - temperature / k * np.expm1(-2.0 * k * t)
    s = np.sqrt(s2)
    speed = np.hypot(k * m, (temperature - k * s2) / s)
    divergence = 0.5 * (k * (m**2 + s2) / temperature - 1.0 - np.log(k * s2 / temperature))
    closed = {
        "v2": speed,
        "entropy_production_rate": speed**2 / temperature,
        "divergence": divergence,
        "entropy_production": divergence[0] - divergence,
        "fisher_information": 1.0 / s2,
        "system_entropy": 0.5 * np.log(2.0 * np.pi * np.e * s2),
        "energy": 0.5 * k * (m**2 + s2),
        "system_entropy_rate": (temperature - k * s2) / s2,
        "mean_rate": -k * m,
        "second_moment_rate": 2.0 * (temperature - k * (m**2 + s2)),
    }
    for name, values in closed.items():
        error = np.abs(books[name].values - values)
        size = np.maximum(np.max(np.abs(values)), 1.0)
        assert np.all(error <= 1e-6 * size), (name, np.max(error))
        assert np.all(error <= books[f"{name}_error"].values), name
    inside(totals(books)["W2"], np.hypot(m[-1] - m[0], s[-1] - s[0]), 1e-6)


def test_divergence_from_a_reference():
    exact = fp.problems.ornstein_uhlenbeck()
    solution = fp.solve(exact.problem, exact.start, [0.0, 0.4, 1.0], accuracy=1e-6)
    books = fp.ledger(solution, reference=fp.Gaussian(-0.3, 0.8))
    density = exact.density(1.0)
    value = np.log(0.8 / density.std) + (density.variance + (density.mean + 0.3) ** 2) / (2.0 * 0.64) - 0.5
    found = books["divergence_from_reference"][-1]
    assert abs(float(found) - value) <= min(1e-6, float(books["divergence_from_reference_error"][-1]))


@pytest.mark.parametrize(("tilt", "amplitude", "period", "temperature"), [(1.2, 0.7, 1.0, 0.3), (-0.6, 1.5, 2.5, 0.5)])
def test_a_tilted_ring_in_its_steady_state(tilt, amplitude, period, temperature):
    exact = fp.problems.tilted_ring(tilt, amplitude, period, temperature)
    solution = fp.solve(exact.problem, fp.Stationary(), np.linspace(0.0, 1.0, 5), accuracy=1e-6)
    books = fp.ledger(solution)
    rate = tilt * exact.current * period / temperature
    for name in ("entropy_production_rate", "housekeeping_rate", "bath_entropy_rate"):
        assert float(books[name][-1]) == pytest.approx(rate, rel=1e-6)
    found = totals(books)
    for name in ("excess", "coupling"):
        assert -found[name].error <= found[name].value <= 1e-6 * rate
    inside(found["entropy_production"], rate, 1e-6 * max(rate, 1.0))
    inside(found["housekeeping"], rate, 1e-6 * max(rate, 1.0))


def test_three_parts_of_a_turning_force_that_stiffens():
    first, last = np.array([[-1.0, -1.4], [1.4, -1.5]]), np.array([[-2.0, -1.4], [1.4, -1.0]])
    shift, mean, spread = np.array([0.3, -0.2]), np.array([0.6, -0.4]), np.array([[0.3, 0.1], [0.1, 0.2]])
    end, temperature = 0.5, 0.5
    oracle = LinearOracle(
        lambda t: first + (last - first) * t / end, lambda t: shift, temperature, mean, spread, end
    )  # fmt: skip
    problem = fp.FokkerPlanck(fp.LinearForce(first, shift, last, end), temperature)
    solution = fp.solve(problem, fp.PlaneGaussian(mean, covariance=spread), np.linspace(0.0, end, 21))
    found = totals(fp.ledger(solution))
    exact = oracle.totals()
    for name in ("work", "heat", "energy_change", "entropy_production", "excess", "coupling", "housekeeping"):
        inside(found[name], exact[name], 1e-5)
        assert found[name].value >= 0.0 or name in ("work", "heat", "energy_change")
    inside(found["path_length"], exact["path_length"], 1e-5)


def test_a_sudden_switch_does_its_work():
    problem = fp.FokkerPlanck(fp.PotentialForce(lambda x, t: 0.5 * (1.0 if t < 0.25 else 3.0) * x * x), 0.8)
    solution = fp.solve(
        problem, fp.Gaussian(0.0, 0.8**0.5), np.linspace(0.0, 0.5, 3), grid=fp.Grid.line(-8, 8, 256), steps=64,
        flux=fp.fluxes.ScharfetterGummel(), stepper=fp.steppers.BackwardEuler(),
    )  # fmt: skip
    assert float(fp.ledger(solution)["grid_work"][-1]) == pytest.approx(0.8, abs=1e-3)


def test_what_has_no_ledger_is_refused():
    walls = fp.Domain(-1.0, 1.0, "absorbing")
    leaking = fp.solve(fp.FokkerPlanck(fp.LinearForce(-1.0), 0.5, domain=walls), fp.Gaussian(0.0, 0.1), [0.0, 0.1])
    with pytest.raises(InputError, match="absorbing"):
        fp.ledger(leaking)
    with pytest.raises(InputError, match="solution"):
        fp.ledger("solution")
    cold = fp.solve(fp.FokkerPlanck(fp.LinearForce(-1.0), 0.0), fp.Gaussian(0.0, 0.3), [0.0, 0.1])
    with pytest.raises(InputError, match="temperature is zero"):
        fp.ledger(cold)


def test_an_altered_or_nameless_solution_is_refused(tmp_path):
    problem = fp.FokkerPlanck(fp.PotentialForce(lambda x, t: 0.5 * x**2), 1.0)
    solution = fp.solve(problem, fp.Gaussian(0.5, 0.4), [0.0, 0.3])
    changed = solution.copy(deep=True)
    changed["density"][-1] *= 1.1
    with pytest.raises(InputError, match="not that of its recipe"):
        fp.ledger(changed)
    solution.to_netcdf(tmp_path / "solution.nc")
    import xarray as xr

    with xr.open_dataset(tmp_path / "solution.nc") as loaded:
        with pytest.raises(InputError, match="Python functions"):
            fp.ledger(loaded)
        again = fp.ledger(loaded, problem=problem)
    assert float(again["heat"][-1]) == float(fp.ledger(solution)["heat"][-1])


def test_no_observable_is_faster_than_the_density_and_the_optimal_one_is_as_fast():
    problem = fp.FokkerPlanck(fp.DoubleWell(1.0, 2.0, 0.3), 0.4)
    solution = fp.solve(problem, fp.Gaussian(-0.8, 0.3), np.linspace(0.0, 1.0, 11), accuracy=1e-6)
    found = fp.trade_offs(solution, observables={"cubic": lambda x: x**3, "wave": lambda x: np.sin(2.0 * x)})
    for name in ("uncertainty-cubic", "uncertainty-wave", "uncertainty-x", "uncertainty-optimal"):
        assert found.relation(name).verdict == "holds", name
    # a linear observable has the speed of the mean, whatever its slope and origin
    books = fp.ledger(solution, observables={"line": lambda x: 2.0 - 3.0 * x})
    assert np.allclose(books["speed_line"], np.abs(books["mean_rate"]), atol=1e-8)


def test_an_observable_in_the_plane():
    problem = fp.FokkerPlanck(fp.LinearForce([[-1.0, 0.3], [0.3, -2.0]]), 0.5)
    start = fp.PlaneGaussian((0.8, 0.4), std=0.5)
    solution = fp.solve(problem, start, [0.0, 0.1], grid=fp.Grid.plane((-4, -4), (4, 4), (64, 64)))
    books = fp.ledger(solution, observables={"x": lambda x, y: x + 0.0 * y})
    assert float(books["speed_x"][0]) == pytest.approx(0.8 - 0.3 * 0.4, abs=1e-6)


@pytest.mark.parametrize("boundary", ["reflecting", "periodic"])
def test_a_box_whose_walls_the_density_touches(boundary):
    domain = fp.Domain(0.0, 2.0, boundary)
    force = fp.PotentialForce(lambda x: 0.5 * np.cos(np.pi * x))
    start = fp.FunctionDensity(lambda x: 0.5 + 0.3 * np.cos(np.pi * x), 0.0, 2.0)
    solution = fp.solve(fp.FokkerPlanck(force, 0.3, domain=domain), start, np.linspace(0.0, 1.0, 11), accuracy=1e-6)
    found = fp.trade_offs(solution)
    assert found.verdicts["violated"] == 0
    assert found.relation("second-law").verdict == found.relation("fluctuation-theorem").verdict == "holds"
    # all of it is free energy that is lost: D(P_0 || eq) - D(P_tau || eq)
    books = found.data
    lost = float(books["divergence"][0] - books["divergence"][-1])
    inside(found["entropy_production"], lost, 1e-6)


def test_a_temperature_that_changes_in_time():
    problem = fp.FokkerPlanck(fp.LinearForce(-1.0), lambda t: 0.5 + t)
    solution = fp.solve(problem, fp.Gaussian(0.5, 0.4), np.linspace(0.0, 1.0, 11), accuracy=1e-6)
    found = fp.trade_offs(solution)
    oracle = LinearOracle(
        lambda t: np.array([[-1.0]]), lambda t: np.zeros(1), lambda t: 0.5 + t, np.array([0.5]), np.array([[0.16]]), 1.0
    )
    exact = oracle.totals()
    for name in ("heat", "entropy_production", "bath_entropy_change", "path_length"):
        inside(found[name], exact[name], 1e-6)
    assert found.relation("minimum-dissipation").verdict == "undefined"
    assert found.relation("speed-limit-hierarchy").verdict == "holds"


@pytest.mark.filterwarnings("error")
def test_empty_cells_are_safe():
    problem = fp.FokkerPlanck(fp.HarmonicTrap(1.0, speed=0.5), 0.5)
    solution = fp.solve(
        problem, fp.Uniform(-0.5, 0.5), np.linspace(0.0, 0.4, 5), grid=fp.Grid.line(-6.0, 6.0, 240), steps=8,
        flux=fp.fluxes.ScharfetterGummel(), stepper=fp.steppers.BackwardEuler(),
    )  # fmt: skip
    books = fp.ledger(solution)
    assert float(books["grid_step_residual"][-1]) <= 1e-13
    # mass flows into empty cells at first: an infinite rate, as a jump process has it; nothing is nan
    assert float(books["grid_entropy_production_rate"][0]) == np.inf
    assert not any(np.any(np.isnan(books[name])) for name in books if not name.endswith("_error"))
    assert np.all(np.isfinite(books["grid_entropy_production_rate"][1:]))
