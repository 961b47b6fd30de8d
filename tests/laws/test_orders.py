"""Order in the size of the cells, against exact cell averages: lines, rings, walls, the plane, T = 0."""

from __future__ import annotations

import math

import numpy as np
import pytest
from families import FLUXES, label, takes

from fpsolve import problems
from fpsolve.discretisation import Discretisation
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.fluxes import FourthOrder
from fpsolve.forces import LinearForce
from fpsolve.grids import Grid
from fpsolve.problems import ExactProblem
from fpsolve.steppers import SDIRK4, SSPRK3

ALL = [flux() for flux in FLUXES]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_WAVES = (0.3, 0.2)


def tilted_box(drift=0.6, temperature=0.3) -> ExactProblem:
    """A constant force between reflecting walls: exp(f x / T) and two waves that decay, none of them zero at a wall."""
    half = 0.5 * drift / temperature

    def density(t, x):
        p = 2.0 * half * np.exp(2.0 * half * x) / np.expm1(2.0 * half)
        for k, size in enumerate(_WAVES, 1):
            q = k * np.pi
            decay = np.exp(half * x - temperature * (q * q + half * half) * t)
            p = p + size * decay * (np.cos(q * x) + half / q * np.sin(q * x))
        return p

    def exact(t, grid):
        return 0.5 * density(t, grid.centres[:, None] + 0.5 * grid.widths[:, None] * _NODES) @ _WEIGHTS

    problem = FokkerPlanck(LinearForce(0.0, drift), temperature, domain=Domain(0.0, 1.0, "reflecting"))
    return ExactProblem("tilted-box", problem, None, np.array([0.0, 0.2]), exact)


def tilted_plane() -> ExactProblem:
    """The product of two of them."""
    x, y = tilted_box(0.6), tilted_box(-0.4)

    def exact(t, grid):
        return np.outer(x.exact(t, Grid(grid.axes[:1])), y.exact(t, Grid(grid.axes[1:])))

    domain = Domain((0.0, 0.0), (1.0, 1.0), "reflecting")
    problem = FokkerPlanck(LinearForce(np.zeros((2, 2)), (0.6, -0.4)), 0.3, domain=domain)
    return ExactProblem("tilted-plane", problem, None, np.array([0.0, 0.05]), exact)


def solved(problem, grid, flux):
    """L1 error at the last time, with steps so small that it is that of the cells."""
    system = Discretisation(problem.problem, grid, flux)
    begin, end = float(problem.times[0]), float(problem.times[-1])
    m = problem.exact(begin, grid) * grid.volumes
    if grid.dimension == 1 and flux.linear:
        stepper, count = SDIRK4(), 1200
    else:
        stepper = SSPRK3()
        limit = min(stepper.largest_step(system, t) for t in np.linspace(begin, end, 5))
        count = math.ceil((end - begin) / limit)
        if not np.any(problem.problem.temperature_at(0.0)):  # steps that shrink like the cells: they must not show
            count = math.ceil(6.0 * count * (grid.shape[0] / 64.0) ** 0.67)
    m = stepper.march(system, m, begin, (end - begin) / count, count).masses
    return float(np.sum(np.abs(m - problem.exact(end, grid) * grid.volumes)))


def grid_in(window, cells, stretched):
    """Over a window, equal cells or ones that grow by a factor of two or three away from a point off its middle."""
    if not stretched:
        return window.grid(cells)
    lower, upper = np.atleast_1d(window.lower).astype(float), np.atleast_1d(window.upper).astype(float)
    return Grid.product(
        *(
            Grid.stretched(a, b, cells, centre=0.4 * a + 0.6 * b, strength=3.0, boundary=end)
            for a, b, end in zip(lower.tolist(), upper.tolist(), window.boundaries, strict=True)
        )
    )


def slope(problem, flux, cells, stretched):
    """Observed order between two grids, and the error on the finer."""
    errors = [solved(problem, grid_in(problem.window(), n, stretched), flux) for n in cells]
    return math.log(errors[0] / errors[1]) / math.log(cells[1] / cells[0]), errors[1]


INSIDE = {
    "trap": problems.ornstein_uhlenbeck,
    "tilted ring": problems.tilted_ring,
    "drift around a ring": lambda: problems.drifting_ring(0.5, 0.05, std=0.06, end=0.2),
    "tilted box": tilted_box,
}
#: what happens at a wall may be of higher order than the scheme, and dominate: orders are at least the claimed ones
WALLS = {
    "absorbed oscillator": problems.absorbed_oscillator,
    "absorbed drift": problems.absorbed_drift,
    "reflecting": lambda: problems.box_diffusion("reflecting", start=(1.0, 0.5, 0.2)),
    "absorbing": lambda: problems.box_diffusion("absorbing", start=(1.0, 0.3, 0.1)),
    "reflecting and absorbing": lambda: problems.box_diffusion(("reflecting", "absorbing"), start=(1.0, 0.3, 0.1)),
}
CAPS = {1: 2e-2, 2: 1e-3, 4: 5e-6}


def pair(flux, order):
    """Numbers of cells, so many that the order shows."""
    return {1: (512, 1024), 2: (128, 256), 4: (256, 512)}[order] if flux.linear else (64, 128)


@pytest.mark.parametrize("flux", ALL, ids=label)
@pytest.mark.parametrize("stretched", [False, True], ids=["equal", "stretched"])
@pytest.mark.parametrize("case", INSIDE)
def test_order_on_a_line(flux, stretched, case):
    problem = INSIDE[case]()
    if stretched and not takes(flux, grid_in(problem.window(), 16, stretched)):
        assert not flux.linear
        return
    if not flux.linear and case in ("trap", "tilted box"):
        order, error = slope(problem, flux, (128, 256), stretched)
    else:
        order, error = slope(problem, flux, pair(flux, flux.order), stretched)
    if case == "tilted box" and flux.order == 4:
        assert order >= 3.65, (order, error)  # two terms of opposite sign, at either wall
        assert error < 1e-8
    else:
        assert abs(order - flux.order) <= 0.15, (order, error)
    assert error <= CAPS[flux.order]


@pytest.mark.parametrize("flux", ALL, ids=label)
@pytest.mark.parametrize("stretched", [False, True], ids=["equal", "stretched"])
@pytest.mark.parametrize("case", WALLS)
def test_order_at_walls(flux, stretched, case):
    problem = WALLS[case]()
    if stretched and not takes(flux, grid_in(problem.window(), 16, stretched)):
        assert not flux.linear
        return
    order, error = slope(problem, flux, pair(flux, flux.order), stretched)
    assert order >= flux.order - 0.15, (order, error)
    assert error <= CAPS[flux.order]


@pytest.mark.parametrize("flux", ALL, ids=label)
@pytest.mark.parametrize("case", ["ring", "trap"])
def test_order_without_diffusion(flux, case):
    if case == "ring":
        problem = problems.drifting_ring(0.3, 0.0, std=0.0625, end=0.3)
    else:
        problem = problems.ornstein_uhlenbeck(temperature=0.0, std=0.5, end=0.3)
    order, error = slope(problem, flux, (256, 512) if not flux.linear else (512, 1024), False)
    assert abs(order - flux.advective_order) <= 0.15, (order, error)
    assert error <= {1: 2e-2, 2: 2e-4, 4: 5e-8, 5: 2e-8}[flux.advective_order]


PLANE = {
    "rotation": lambda: problems.rotation(1.0, 2.0, 1.0, mean=(0.8, 0.0), std=0.6, end=0.1),
    "anisotropic": lambda: problems.anisotropic_linear(end=0.2),
    "walls": tilted_plane,
}


@pytest.mark.parametrize("flux", ALL, ids=label)
@pytest.mark.parametrize("stretched", [False, True], ids=["equal", "stretched"])
@pytest.mark.parametrize("case", PLANE)
def test_order_in_the_plane(flux, stretched, case):
    """Wide fluxes keep their order there: averages of products over faces are corrected."""
    problem = PLANE[case]()
    if stretched and not takes(flux, grid_in(problem.window(), 16, stretched)):
        assert not flux.linear
        return
    cells = {1: (96, 192), 2: (48, 96), 4: (64, 112) if flux.linear else (32, 96)}[flux.order]
    cells = (24, 48) if case == "walls" else cells
    order, error = slope(problem, flux, cells, stretched)
    assert order >= flux.order - 0.15, (order, error)
    if flux.linear and case != "walls":
        assert order <= flux.order + 0.15, (order, error)
    assert error <= {1: 2.5e-2, 2: 4e-3, 4: 1e-4}[flux.order]


@pytest.mark.parametrize("stretched", [False, True], ids=["equal", "stretched"])
@pytest.mark.parametrize("mobility", [((1.0, 0.4), (0.4, 0.6)), ((1.0, 0.5), (-0.3, 0.8))], ids=["even", "odd"])
def test_order_with_cross_mobility(stretched, mobility):
    problem = problems.anisotropic_linear(mobility=mobility, end=0.2)
    order, error = slope(problem, FourthOrder(), (64, 96), stretched)
    assert abs(order - 4.0) <= 0.15, (order, error)
    assert error <= 1e-4


@pytest.mark.parametrize("flux", ALL, ids=label)
def test_order_in_the_plane_without_diffusion(flux):
    """A rotation; the corrected products are of fourth order at most."""
    problem = problems.rotation(1.0, 2.0, 0.0, std=0.6, end=0.2)
    claimed = min(flux.advective_order, 4)
    cells = {1: (96, 192), 2: (64, 128), 4: (64, 96)}[claimed]
    order, error = slope(problem, flux, cells, False)
    assert order >= claimed - 0.15, (order, error)
    assert error <= {1: 6e-2, 2: 1.2e-2, 4: 2.5e-4}[claimed]
