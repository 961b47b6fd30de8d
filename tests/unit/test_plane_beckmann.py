"""Wasserstein-1 in the plane: closed forms, identities of flow and potential, and the promise of the bar."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from fpsolve.densities.plane import PlaneGaussian, PlaneMixture, PlaneUniform
from fpsolve.grids import Grid
from fpsolve.settings import InputError
from fpsolve.transport.line import wasserstein_cells
from fpsolve.transport.plane.beckmann import Beckmann, beckmann
from fpsolve.transport.plane.beckmann_grids import limit

#: W1 of concentric isotropic Gaussians per difference of the widths: the mean length of a normal vector
RADIAL = math.sqrt(math.pi / 2.0)


def plane(shape, lower=(-4.0, -4.0), upper=(4.0, 4.0)):
    return Grid.plane(lower, upper, shape)


def masses(density, grid):
    found = density.cell_masses(*(axis.edges for axis in grid.axes))
    return found / found.sum()


def gaussian(mean, *std):
    return PlaneGaussian(mean=mean, stds=(std[0], std[-1]))


def between(first, second, grid, **options):
    return beckmann(grid, masses(first, grid) - masses(second, grid), **options)


def divergence(solution):
    (along_x, along_y), widths = solution.flux, [axis.widths[0] for axis in solution.grid.axes]
    return np.diff(along_x, axis=0) * widths[1] + np.diff(along_y, axis=1) * widths[0]


def moduli(solution):
    """Length of the discrete gradient of each cell: the mean square over both faces along each axis."""
    squares = np.zeros(solution.potential.shape)
    for axis in range(2):
        steps = np.diff(solution.potential, axis=axis) / solution.grid.axes[axis].widths[0]
        pad = [(1, 1) if k == axis else (0, 0) for k in range(2)]
        both = np.pad(steps**2, pad)
        squares += 0.5 * (both[1:] + both[:-1] if axis == 0 else both[:, 1:] + both[:, :-1])
    return np.sqrt(squares)


def mixture(shift):
    means = [(-0.8 + shift[0], -0.5 + shift[1]), (0.3 + shift[0], 0.2 + shift[1])]
    return PlaneMixture(means, stds=(0.5, 0.35), weights=(0.6, 0.4))


KNOWN = {
    "concentric": (gaussian((0.03, -0.02), 0.45), gaussian((0.03, -0.02), 0.75), 0.3 * RADIAL),
    "nearly equal": (gaussian((0.03, -0.02), 0.7), gaussian((0.03, -0.02), 0.701), 0.001 * RADIAL),
    "shift": (gaussian((-0.5, 0.3), 0.6, 0.4), gaussian((0.7, -0.2), 0.6, 0.4), 1.3),
    "tiny shift": (gaussian((0.0, 0.0), 0.7), gaussian((1e-3, 0.0), 0.7), 1e-3),
    "boxes": (PlaneUniform((-2.0, -1.5), (0.1, 0.3)), PlaneUniform((-1.1, -0.3), (1.0, 1.5)), 1.5),
    "mixtures": (mixture((0.0, 0.0)), mixture((0.9, 1.2)), 1.5),
    "one factor": (gaussian((0.2, 0.1), 0.4, 0.6), gaussian((0.2, 0.1), 0.7, 0.6), 0.3 * math.sqrt(2.0 / math.pi)),
}


@pytest.mark.parametrize("shape", [(96, 96), (75, 50)])
@pytest.mark.parametrize("name", KNOWN)
def test_the_bar_holds_the_exact_distance(name, shape):
    first, second, exact = KNOWN[name]
    solution = between(first, second, plane(shape))
    assert abs(solution.distance.value - exact) <= solution.distance.error
    assert solution.distance.error < 0.03 * exact


@pytest.mark.parametrize("name", ["concentric", "shift", "nearly equal"])
def test_fine_grids_reach_a_thousandth(name):
    first, second, exact = KNOWN[name]
    solution = between(first, second, plane((192, 192)))
    assert solution.distance.error < 2e-3 * exact
    assert solution.distance.value == pytest.approx(exact, rel=6e-4)


def test_a_product_with_one_common_factor_is_a_line():
    grid = plane((128, 64))
    edges = grid.axes[0].edges
    covariances = [((width**2, 0.0), (0.0, 0.36)) for width in (0.5, 0.3)]
    first = PlaneMixture([(-1.0, 0.2), (1.2, 0.2)], covariances=covariances)
    second = gaussian((0.1, 0.2), 0.8, 0.6)
    solution = between(first, second, grid, tolerance=3e-4)
    exact, error = wasserstein_cells(
        edges, masses(first, grid).sum(axis=1), edges, masses(second, grid).sum(axis=1), order=1.0
    )
    assert abs(solution.distance.value - exact) <= solution.distance.error + error
    assert solution.distance.error < 1e-2 * exact


def test_a_ring_around_a_gaussian():
    # both are isotropic about one centre: the distance is the integral of |F - G| over the radius
    radius, width, sigma = 2.0, 0.25, 0.5
    grid = plane((100, 100))
    x, y = np.meshgrid(*(axis.edges for axis in plane((800, 800)).axes), indexing="ij")
    distance = np.hypot(0.5 * (x[1:, 1:] + x[:-1, :-1]), 0.5 * (y[1:, 1:] + y[:-1, :-1]))
    ring = np.exp(-0.5 * ((distance - radius) / width) ** 2).reshape(100, 8, 100, 8).sum(axis=(1, 3))
    solution = beckmann(grid, masses(gaussian((0.0, 0.0), sigma), grid) - ring / ring.sum())
    r = np.linspace(0.0, 5.0, 200001)
    density = r * np.exp(-0.5 * ((r - radius) / width) ** 2)
    below = np.cumsum(density) / density.sum()
    exact = np.trapezoid(np.abs(1.0 - np.exp(-0.5 * (r / sigma) ** 2) - below), r)
    assert abs(solution.distance.value - exact) <= solution.distance.error < 5e-3 * exact


@pytest.mark.parametrize("shape", [(64, 64), (45, 31)])
def test_flow_and_potential_prove_the_bounds(shape):
    grid = plane(shape, (-4.0, -3.5), (4.0, 3.0))
    difference = masses(gaussian((-0.4, 0.1), 0.5, 0.8), grid) - masses(gaussian((0.5, -0.3), 0.7, 0.4), grid)
    solution = beckmann(grid, difference)
    assert solution.dual <= solution.primal <= (1.0 + 1e-3) * solution.dual
    assert np.abs(divergence(solution) - difference).max() < 1e-12
    assert moduli(solution).max() <= 1.0 + 1e-12
    assert np.vdot(solution.potential, difference) == pytest.approx(solution.dual, rel=1e-10)
    # the cost of a flow bounds the distance from above: least when both faces of a cell count by the root mean square
    (along_x, along_y), area = solution.flux, grid.volumes[0, 0]
    squares = 0.5 * (along_x[1:] ** 2 + along_x[:-1] ** 2 + along_y[:, 1:] ** 2 + along_y[:, :-1] ** 2)
    assert area * np.sqrt(squares).sum() >= solution.dual


@pytest.mark.parametrize("seed", range(4))
def test_scattered_atoms_cost_what_their_best_pairing_costs(seed):
    rng, grid = np.random.default_rng(seed), plane((36, 28), (0.0, 0.0), (1.8, 1.4))
    cells = [rng.integers(0, n, (2, 8)) for n in grid.shape]
    x, y = (axis.centres[index] for axis, index in zip(grid.axes, cells, strict=True))
    difference = np.zeros(grid.shape)
    np.add.at(difference, (cells[0][0], cells[1][0]), 0.125)
    np.add.at(difference, (cells[0][1], cells[1][1]), -0.125)
    lengths = np.hypot(x[0][:, None] - x[1], y[0][:, None] - y[1])
    exact = lengths[linear_sum_assignment(lengths)].mean()
    solution = beckmann(grid, difference)
    assert abs(solution.distance.value - exact) <= solution.distance.error


@pytest.mark.parametrize("factor", [1e-6, 1e9])
def test_units_do_not_matter(factor):
    first, second = gaussian((-0.4, 0.1), 0.5, 0.8), gaussian((0.5, -0.3), 0.7, 0.4)
    grid = plane((40, 32))
    difference = masses(first, grid) - masses(second, grid)
    scaled = Grid.plane((-4.0 * factor,) * 2, (4.0 * factor,) * 2, (40, 32))
    one, other = beckmann(grid, difference), beckmann(scaled, 1e-5 * difference)
    assert other.distance.value == pytest.approx(1e-5 * factor * one.distance.value, rel=1e-6)
    assert other.distance.error == pytest.approx(1e-5 * factor * one.distance.error, rel=1e-3)
    assert np.abs(divergence(other) - 1e-5 * difference).max() < 1e-17


def test_the_window_does_not_matter():
    first, second, _ = KNOWN["concentric"]
    narrow = between(first, second, plane((64, 64)))
    wide = between(first, second, plane((128, 96), (-10.0, -5.0), (6.0, 7.0)))
    together = narrow.distance.error + wide.distance.error
    assert abs(narrow.distance.value - wide.distance.value) <= together < 0.05 * narrow.distance.value


def test_swapped_axes_and_densities_give_the_same_distance():
    grid, turned = plane((48, 40), (-4.0, -3.0), (4.0, 3.5)), plane((40, 48), (-3.0, -4.0), (3.5, 4.0))
    difference = masses(gaussian((-0.4, 0.1), 0.5, 0.8), grid) - masses(gaussian((0.5, -0.3), 0.7, 0.4), grid)
    one = beckmann(grid, difference, tolerance=1e-4).distance
    for other in (beckmann(turned, difference.T.copy(), tolerance=1e-4), beckmann(grid, -difference, tolerance=1e-4)):
        assert other.distance.value == pytest.approx(one.value, rel=1e-4)


def test_a_guess_saves_work_and_changes_nothing():
    grid = plane((128, 128))
    solutions, cold = [], []
    for mean in (0.50, 0.505):
        first, second = gaussian((-mean, 0.1), 0.5, 0.8), gaussian((0.5, -0.3), 0.7, 0.4)
        cold.append(between(first, second, grid))
        solutions.append(between(first, second, grid, guess=solutions[-1] if solutions else None))

    def work(solution):
        return sum(math.prod(cells) * steps for cells, steps in solution.iterations.items())

    assert work(solutions[1]) < 0.6 * work(cold[1])
    together = solutions[1].distance.error + cold[1].distance.error
    assert abs(solutions[1].distance.value - cold[1].distance.value) <= together
    assert solutions[1].primal <= (1.0 + 1e-3) * solutions[1].dual


def test_the_slope_of_a_shift_is_its_direction():
    first, second, _ = KNOWN["shift"]
    solution = between(first, second, plane((64, 64)))
    gx, gy = solution.slope(np.linspace(-5.0, 5.0, 11)[:, None], np.linspace(-3.0, 3.0, 7))
    assert gx.shape == gy.shape == (11, 7)
    np.testing.assert_allclose(gx, -1.2 / 1.3, atol=2e-3)
    np.testing.assert_allclose(gy, 0.5 / 1.3, atol=2e-3)


def test_the_slope_gives_the_speed_of_the_distance():
    # concentric Gaussians: the potential is -|x|, and against x it integrates to minus the difference of mean radii
    first, second, _ = KNOWN["concentric"]
    grid = plane((160, 160))
    solution = between(first, second, grid)
    x, y = np.meshgrid(*(axis.centres for axis in grid.axes), indexing="ij")
    gx, gy = solution.slope(x, y)
    assert np.hypot(gx, gy).max() <= 1.0 + 1e-12
    difference = masses(first, grid) - masses(second, grid)
    speed = np.vdot(gx * (x - 0.03) + gy * (y + 0.02), difference)
    assert speed == pytest.approx(0.3 * RADIAL, rel=5e-3)


def test_no_difference_is_no_distance():
    solution = beckmann(plane((16, 12)), np.zeros((16, 12)))
    assert solution.distance.value == solution.distance.error == solution.primal == solution.dual == 0.0
    assert solution.potential.shape == (16, 12)
    again = beckmann(plane((16, 12)), np.zeros((16, 12)), guess=solution)
    assert again.distance.value == 0.0


def test_a_guess_of_no_difference_is_no_hindrance():
    grid = plane((32, 32))
    first, second, exact = KNOWN["shift"]
    solution = between(first, second, grid, guess=beckmann(grid, np.zeros((32, 32))))
    assert abs(solution.distance.value - exact) <= solution.distance.error


@pytest.mark.parametrize("shape", [(4, 4), (8, 8), (9, 30), (5, 17)])
def test_small_grids(shape):
    difference = np.zeros(shape)
    difference[0, 0], difference[-1, -1] = 1.0, -1.0
    solution = beckmann(plane(shape, (0.0, 0.0), (3.0, 2.0)), difference)
    exact = math.hypot(3.0 - 3.0 / shape[0], 2.0 - 2.0 / shape[1])
    assert abs(solution.distance.value - exact) <= solution.distance.error


def test_exact_moments_narrow_the_bar():
    first, second, exact = KNOWN["shift"]
    grid = plane((32, 32))
    plain = between(first, second, grid).distance
    helped = between(first, second, grid, moments=(-1.2, 0.5)).distance
    assert helped.error < plain.error
    assert helped.value - helped.error == pytest.approx(exact, rel=1e-12)


def test_without_convergence_the_bar_is_wide(monkeypatch):
    monkeypatch.setattr("fpsolve.transport.plane.beckmann_level.MOST", 10)
    first, second, exact = KNOWN["concentric"]
    solution = between(first, second, plane((64, 64)), tolerance=1e-5)
    assert solution.primal > (1.0 + 1e-4) * solution.dual
    assert solution.distance.error >= 0.5 * (solution.primal - solution.dual)
    assert abs(solution.distance.value - exact) <= solution.distance.error


def test_the_limit_of_a_sequence_of_second_order():
    exact, ratio = 2.0, 2.0
    values = [exact + 0.1 * 4.0**-k for k in range(4)]
    found = limit(values, [0.0] * 4, [ratio] * 3)
    assert found.value == pytest.approx(exact, abs=1e-14)
    assert found.error >= 0.1 * 4.0**-3 * 0.99
    # a change of the wrong size or sign is no sign of convergence: the bar covers the last two grids
    irregular = limit([2.1, 2.0, 2.02], [0.0] * 3, [ratio] * 2)
    assert irregular.value - irregular.error < 2.02 < irregular.value + irregular.error
    assert limit([2.1, 2.0, 2.02], [0.01] * 3, [ratio] * 2).error == pytest.approx(irregular.error + 0.01 * 5.0 / 3.0)


GRID = plane((16, 16))
DIPOLE = np.zeros((16, 16))
DIPOLE[3, 3], DIPOLE[12, 12] = 1.0, -1.0


@pytest.mark.parametrize(
    ("key", "call"),
    [
        ("difference", lambda: beckmann(GRID, np.zeros((16, 15)))),
        ("difference", lambda: beckmann(GRID, np.abs(DIPOLE))),
        ("difference", lambda: beckmann(GRID, DIPOLE * np.nan)),
        ("tolerance", lambda: beckmann(GRID, DIPOLE, tolerance=0.0)),
        ("grid", lambda: beckmann(Grid.line(0.0, 1.0, 16), DIPOLE)),
        ("grid", lambda: beckmann(plane((3, 16)), np.zeros((3, 16)))),
        ("guess", lambda: beckmann(GRID, DIPOLE, guess=beckmann(plane((18, 16)), np.zeros((18, 16))))),
        ("moments", lambda: beckmann(GRID, DIPOLE, moments=(1.0, 2.0, 3.0))),
    ],
)
def test_unsuitable_input_is_refused(key, call):
    with pytest.raises(InputError) as caught:
        call()
    assert key in str(caught.value)


def test_the_result_names_its_grids():
    solution = beckmann(GRID, DIPOLE)
    assert isinstance(solution, Beckmann)
    assert list(solution.iterations)[-1] == (16, 16)
    assert all(steps > 0 for steps in solution.iterations.values())
