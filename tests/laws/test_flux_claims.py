"""Every claim of every flux and stepper, read from the class and put to the test."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fpsolve.backward import run_on_grid
from fpsolve.densities import Gaussian, GaussianMixture
from fpsolve.fluxes import WENO5, Flux, Upwind
from fpsolve.grids import Grid
from fpsolve.processes import forward_process
from fpsolve.reverse import Composition
from fpsolve.schedules import Cosine
from fpsolve.settings import Settings, from_recipe
from fpsolve.steppers import SSPRK3, Characteristics, Clock, Stepper

FLUXES = [cls for (family, _), cls in sorted(Settings.registry.items()) if family == "flux"]
STEPPERS = [cls for (family, _), cls in sorted(Settings.registry.items()) if family == "stepper"]
BOUNDARIES = ("reflecting", "absorbing", "periodic")
PAPER = forward_process(GaussianMixture(means=(0.35**0.5, -(0.35**0.5)), stds=(0.3, 0.3)), Cosine(1.0))
MEAN = Gaussian(1.0, 1.0)

of_fluxes = pytest.mark.parametrize("kind", FLUXES, ids=lambda cls: cls.kind)


def rough(cells, seed=1):
    """Averages with empty cells, jumps and one tiny cell."""
    p = np.random.default_rng(seed).random(cells)
    p[cells // 4 : cells // 3] = 0.0
    p[cells // 2] = 1e-280
    return p


def swirl(faces):
    return lambda t: np.sin(3.0 * faces) * np.cos(5.0 * t) - 0.3


@pytest.mark.parametrize("kind", FLUXES + STEPPERS, ids=lambda cls: cls.kind)
def test_claims_are_stated_and_recipes_rebuild(kind):
    base = Flux if issubclass(kind, Flux) else Stepper
    for name in base.__annotations__:
        assert getattr(kind, name) is not None
    scheme = kind()
    assert from_recipe(base.family, scheme.recipe()) == scheme


@of_fluxes
@pytest.mark.parametrize("boundary", ["reflecting", "periodic"])
def test_conservation(kind, boundary):
    grid = Grid.line(-2.0, 2.0, 60, boundary)
    drift = (lambda t: np.sin(0.5 * np.pi * grid.faces) + 0.4) if boundary == "periodic" else swirl(grid.faces)
    start = rough(60)
    end, steps = SSPRK3(0.5).advance(start, kind(), drift, grid, Clock(0.0, 2.0))
    assert kind.conservative
    assert SSPRK3.conservative
    drifted = abs(np.sum((end - start) * grid.widths)) / np.sum(start * grid.widths)
    assert drifted <= 1e-14 * np.sqrt(steps)


@of_fluxes
def test_nothing_comes_in_through_an_absorbing_end(kind):
    grid = Grid.line(-2.0, 2.0, 40, "absorbing")
    for drift in (np.full(41, 1.0), np.full(41, -1.0)):
        current = kind().currents(np.ones(40), drift, 0.0, grid)
        assert current[0] <= 0.0 <= current[-1]
        assert abs(current[-1] - current[0]) > 0.5


@pytest.mark.parametrize("kind", [cls for cls in FLUXES if cls.positive], ids=lambda cls: cls.kind)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_positivity_at_any_allowed_cfl_number(kind, boundary):
    assert SSPRK3.positive
    grid = Grid.line(-2.0, 2.0, 80, boundary)
    start = rough(80)
    for cfl in (0.3, 1.0):
        for part in np.linspace(0.05, 1.0, 8):
            end, _ = SSPRK3(cfl).advance(start, kind(), swirl(grid.faces), grid, Clock(0.0, part))
            assert np.min(end) >= 0.0


@of_fluxes
def test_mirror_symmetry(kind):
    for boundary in BOUNDARIES:
        grid = Grid.line(-1.5, 1.5, 50, boundary)
        p, drift = rough(50), np.cos(2.0 * grid.faces) + 0.2
        if boundary == "periodic":
            drift[-1] = drift[0]
        current = kind().currents(p, drift, 0.0, grid)
        mirrored = kind().currents(p[::-1].copy(), -drift[::-1].copy(), 0.0, grid)
        np.testing.assert_allclose(mirrored[::-1], -current, atol=1e-14)


@pytest.mark.parametrize("kind", [Upwind, WENO5], ids=lambda cls: cls.kind)
def test_order_of_the_generated_density(kind):
    """The two fluxes that the routes of the estimated process take."""
    declared, errors = kind.advective_order, []
    composition = Composition(PAPER, MEAN)
    for cells in (200, 400, 800, 1600) if declared == 1 else (120, 240, 480, 960):
        edges = np.linspace(-8.5, 9.5, cells + 1)
        run = run_on_grid(PAPER, MEAN, edges, np.array([0.5]), kind.kind, cfl=0.4 if declared == 1 else 0.1)
        errors.append(float(np.sum(np.abs(run.masses[0] - composition.cell_masses(0.5, edges)))))
    order = np.log2(errors[-2] / errors[-1])
    assert abs(order - declared) <= 0.3, errors
    assert errors[-1] < {1: 4e-3, 5: 1e-9}[declared]


@pytest.mark.parametrize("kind", [Characteristics, SSPRK3], ids=lambda cls: cls.kind)
def test_order_in_time_of_the_routes(kind):
    if kind is Characteristics:
        points = np.linspace(-2.0, 2.0, 9)
        field = lambda t, x: np.cos(3.0 * t) * np.sin(x) + 0.3 * t * x  # noqa: E731
        values = [kind(substeps=n).advance(points, field, Clock(0.0, 2.0))[0] for n in (4, 8, 16, 32)]
    else:
        grid = Grid.line(-2.0, 2.0, 40)
        start = Gaussian(0.2, 0.5).cell_averages(grid.faces)
        advance = SSPRK3(1.0).advance
        from_upwind = next(cls for cls in FLUXES if cls.positive)()  # linear: nothing but the time error changes
        field = lambda t: np.cos(3.0 * t) * np.cos(grid.faces)  # noqa: E731
        values = [advance(start, from_upwind, field, grid, Clock(0.0, 2.0), n)[0] for n in (40, 80, 160, 320)]
    gaps = [float(np.max(np.abs(fine - coarse))) for coarse, fine in itertools.pairwise(values)]
    assert np.log2(gaps[-2] / gaps[-1]) == pytest.approx(kind.order, abs=0.4), gaps
