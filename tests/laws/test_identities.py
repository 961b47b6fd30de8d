"""Identities: fluxes in their limits, elimination against dense solves, operators against their matrices."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from families import FLUXES, grids, label, problem_of, rough

from fpsolve.discretisation import Discretisation
from fpsolve.fluxes import Central, ScharfetterGummel, TwoPointFlux, Upwind
from fpsolve.kernels import columns, line
from fpsolve.kernels.two_point import bernoulli

TWO_POINT = [flux() for flux in FLUXES if issubclass(flux, TwoPointFlux)]
BALANCED = [flux for flux in TWO_POINT if flux.local_detailed_balance]
LINEAR = [flux() for flux in FLUXES if flux.linear]
PECLET = np.concatenate([-np.geomspace(600.0, 1e-12, 200), np.geomspace(1e-12, 600.0, 200)])


def rates(flux, peclet, temperature=0.7, left=0.04, right=0.09):
    """Both rates at faces with given f d / T."""
    shape = np.shape(peclet)
    drift = np.asarray(peclet) * temperature / (left + right)
    return flux.rates(drift, np.full(shape, temperature), np.full(shape, left), np.full(shape, right))


def test_bernoulli_to_the_last_digit():
    points = np.concatenate([np.geomspace(1e-20, 700.0, 300), [0.5, 1.0, 37.0, 1e-3]])
    for z in np.concatenate([points, -points]).tolist():
        with mpmath.workdps(60):
            exact = mpmath.mpf(z) / mpmath.expm1(mpmath.mpf(z))
            assert abs(mpmath.mpf(float(bernoulli(z))) - exact) <= 1e-14 * abs(exact), z
    assert bernoulli(0.0) == 1.0


def test_scharfetter_and_gummel_is_the_bernoulli_function():
    minus, plus = rates(ScharfetterGummel(), PECLET)
    for z, low, high in zip(PECLET.tolist(), plus.tolist(), minus.tolist(), strict=True):
        with mpmath.workdps(60):
            w = mpmath.mpf(z)
            for rate, sign in ((low, 1), (high, -1)):
                exact = mpmath.mpf(0.7) / (mpmath.mpf(0.04) + mpmath.mpf(0.09)) * (sign * w) / mpmath.expm1(sign * w)
                assert abs(rate - exact) <= (1e-14 + 5e-16 * abs(z)) * exact, z  # f d / T has been rounded


@pytest.mark.parametrize("flux", BALANCED, ids=label)
def test_all_with_detailed_balance_are_one(flux):
    """Chang and Cooper's flux is that of Scharfetter and Gummel at equal drift at the face."""
    for one, other in zip(rates(flux, PECLET), rates(ScharfetterGummel(), PECLET), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


@pytest.mark.parametrize("flux", BALANCED, ids=label)
def test_local_detailed_balance(flux):
    minus, plus = rates(flux, PECLET)
    np.testing.assert_allclose(np.log(minus / plus), PECLET, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("flux", [flux for flux in TWO_POINT if not flux.local_detailed_balance], ids=label)
def test_the_others_do_not_balance(flux):
    minus, plus = rates(flux, np.array([1.0]))
    assert abs(np.log(minus / plus)[0] - 1.0) > 0.01


@pytest.mark.parametrize("flux", BALANCED, ids=label)
def test_limits(flux):
    """Central where diffusion smooths over a cell (to second order in the cell Peclet number), upwind at T = 0."""
    small = np.array([1e-2, -1e-3, 1e-4, -1e-6])
    even = {"left": 0.05, "right": 0.05}
    for one, other in zip(rates(flux, small, **even), rates(Central(), small, **even), strict=True):
        assert np.all(np.abs(one - other) <= 1.01 * 7.0 * small**2 / 12.0 + 1e-14)
    drift, zero, gap = np.array([-3.0, 0.0, 2.0]), np.zeros(3), np.full(3, 0.05)
    cold, upwind = flux.rates(drift, zero, gap, gap), Upwind().rates(drift, zero, gap, gap)
    assert [part.tolist() for part in cold] == [part.tolist() for part in upwind]
    nearly = flux.rates(drift, np.full(3, 1e-6), gap, gap)
    assert nearly[0][2] == upwind[0][2]
    assert nearly[1][0] == upwind[1][0]
    assert nearly[1][2] == nearly[0][0] == 0.0


@pytest.mark.parametrize("flux", [flux for flux in TWO_POINT if flux.positive], ids=label)
def test_rates_of_positive_fluxes_are_not_negative(flux):
    for temperature in (1e-300, 1e-6, 1.0, 1e6):
        for part in rates(flux, PECLET, temperature):
            assert np.min(part) >= 0.0


# --- elimination ----------------------------------------------------------------------------------------------------


def jump_rates(n, lines, ring, seed):
    """Rates over many decades; closed on a line's lower end, open on the upper one."""
    random = np.random.default_rng(seed)
    forward, backward = np.exp(random.normal(0.0, 2.0, (2, n + 1, lines)))
    if ring:
        forward[-1], backward[-1] = forward[0], backward[0]
    else:
        forward[0] = backward[-1] = backward[0] = 0.0
    return forward, backward


def dense(forward, backward, a, ring):
    """1 - a L of one line."""
    n = forward.size - 1
    matrix = np.eye(n)
    for i in range(n):
        matrix[i, i] += a * (backward[i] + forward[i + 1])
        if i + 1 < n or ring:
            matrix[(i + 1) % n, i] -= a * forward[i + 1]
        if i > 0 or ring:
            matrix[i - 1, i] -= a * backward[i]
    return matrix


@pytest.mark.parametrize("ring", [False, True], ids=["line", "ring"])
@pytest.mark.parametrize("n", [2, 3, 8, 21])
@pytest.mark.parametrize("a", [1e-3, 1.0, 1e3])
def test_elimination_of_jump_processes(ring, n, a):
    if ring and n == 2:
        n = 4
    forward, backward = jump_rates(n, 5, ring, n)
    b = np.random.default_rng(1).normal(size=(n, 5))
    ahead, inverse, behind = np.empty((3, n, 5))
    factored = (ahead, inverse, behind, np.empty((n, 5)) if ring else np.empty((1, 5)), np.empty((3, 5)))
    columns.factor_columns(forward, backward, a, ring, *factored)
    x = b.copy()
    columns.solve_columns(x, ring, *factored)
    for j in range(5):
        matrix = dense(forward[:, j], backward[:, j], a, ring)
        exact = np.linalg.solve(matrix, b[:, j])
        bound = 1e-14 * np.linalg.cond(matrix) * np.max(np.abs(exact))
        assert np.max(np.abs(x[:, j] - exact)) <= bound
        if n >= 4:
            bands, corners, border = np.empty((5, n)), np.zeros(2), np.zeros((4, max(n, 6)))
            line.factor_two_point(forward[:, j].copy(), backward[:, j].copy(), a, ring, bands, border)
            one = b[:, j].copy()
            line.solve(one, bands, corners, border, False, ring)
            assert np.max(np.abs(one - exact)) <= bound


@pytest.mark.parametrize("ring", [False, True], ids=["line", "ring"])
@pytest.mark.parametrize("n", [8, 9, 24])
def test_elimination_of_four_cell_stencils(ring, n):
    random = np.random.default_rng(n)
    stencil = random.normal(size=(4, n + 1))
    if ring:
        stencil[:, -1] = stencil[:, 0]
    first = np.arange(n + 1) - 2 if ring else np.clip(np.arange(n + 1) - 2, 0, n - 4)
    flow = np.zeros((n + 1, n))
    for face in range(n + 1):
        for k in range(4):
            flow[face, (first[face] + k) % n] += stencil[k, face]
    generator = flow[:-1] - flow[1:]
    b = random.normal(size=n)
    out = np.empty(n)
    line.rates(b, stencil, ring, out)
    np.testing.assert_allclose(out, generator @ b, atol=1e-13)
    for a in (1e-3, 0.05, 0.2):
        matrix = np.eye(n) - a * generator
        bands, corners, border = np.empty((5, n)), np.zeros(2), np.zeros((4, n))
        line.factor_stencil(stencil, a, ring, bands, corners, border)
        x = b.copy()
        line.solve(x, bands, corners, border, True, ring)
        exact = np.linalg.solve(matrix, b)
        assert np.max(np.abs(x - exact)) <= 1e-13 * np.linalg.cond(matrix) * np.max(np.abs(exact))


def test_elimination_adds_positive_numbers_only():
    """The stationary state of a chain, over forty decades, from one solve with a huge step: every digit of it."""
    n = 40
    forward, backward = jump_rates(n, 1, False, 3)
    forward[-1] = 0.0
    exact = np.cumprod(np.concatenate([[1.0], forward[1:-1, 0] / backward[1:-1, 0]]))
    exact /= np.sum(exact)
    bands, border = np.empty((5, n)), np.zeros((4, n))
    line.factor_two_point(forward[:, 0].copy(), backward[:, 0].copy(), 1e40, False, bands, border)
    x = np.zeros(n)
    x[7] = 1.0
    line.solve(x, bands, np.zeros(2), border, False, False)
    np.testing.assert_allclose(x, exact, rtol=1e-13)


# --- operators ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flux", LINEAR, ids=label)
@pytest.mark.parametrize("dimension", [1, 2])
def test_rates_ends_and_currents_are_those_of_the_matrix(flux, dimension):
    for grid, where in grids(flux, dimension):
        operator = Discretisation(problem_of(dimension, timed=True), grid, flux).at(0.3)
        matrix, m, out = operator.matrix().toarray(), rough(grid), np.empty(grid.shape)
        operator.rates(m, out)
        scale = np.max(np.abs(matrix)) * np.max(m)
        assert np.max(np.abs(matrix @ m.ravel() - out.ravel())) <= 1e-13 * scale, where
        currents = operator.currents(m)
        gained = sum(-np.diff(current, axis=axis) for axis, current in enumerate(currents))
        assert np.max(np.abs(gained - out)) <= 1e-13 * scale, where
        ends = operator.ends(m)
        assert abs(np.sum(out) + np.sum(ends)) <= 1e-13 * scale * grid.cells, where
        for axis, current in enumerate(currents):
            sides = np.array([-np.sum(np.take(current, 0, axis)), np.sum(np.take(current, -1, axis))])
            if grid.axes[axis].periodic:
                assert np.all(ends[2 * axis : 2 * axis + 2] == 0.0), where
                assert abs(np.sum(sides)) <= 1e-13 * scale * grid.cells, where  # what leaves comes in again
            else:
                assert np.max(np.abs(sides - ends[2 * axis : 2 * axis + 2])) <= 1e-13 * scale * grid.cells, where


@pytest.mark.parametrize("flux", LINEAR, ids=label)
@pytest.mark.parametrize("dimension", [1, 2])
def test_solves_are_those_of_the_matrix(flux, dimension):
    for grid, where in grids(flux, dimension):
        operator = Discretisation(problem_of(dimension), grid, flux).at(0.0)
        for a in (1e-3, 0.1, 10.0):
            matrix = np.eye(grid.cells) - a * operator.matrix().toarray()
            for b in (rough(grid), rough(grid) - 0.7 * rough(grid, 2)):
                exact = np.linalg.solve(matrix, b.ravel())
                gap = np.max(np.abs(operator.solve(a, b).ravel() - exact))
                assert gap <= 1e-14 * np.linalg.cond(matrix) * np.max(np.abs(exact)), (where, a)


@pytest.mark.parametrize("flux", [flux() for flux in FLUXES if flux.positive], ids=label)
@pytest.mark.parametrize("dimension", [1, 2])
def test_positive_fluxes_make_generators_of_jump_processes(flux, dimension):
    for grid, where in grids(flux, dimension):
        for temperature in (0.4, 1e-6, 0.0):
            system = Discretisation(problem_of(dimension, temperature=temperature), grid, flux)
            matrix = system.at(0.0).matrix().toarray()
            assert np.min(matrix - np.diag(np.diag(matrix))) >= 0.0, where
            assert np.max(np.sum(matrix, axis=0)) <= 1e-13 * np.max(np.abs(matrix)), where


@pytest.mark.parametrize("flux", [flux for flux in TWO_POINT if flux.positive], ids=label)
def test_cells_scaled_in_their_rates(flux):
    for dimension in (1, 2):
        for grid, where in grids(flux, dimension, stretched=(True,)):
            operator = Discretisation(problem_of(dimension), grid, flux).at(0.0)
            factors = 0.5 + rough(grid, 5)
            scaled = operator.scaled(factors).matrix().toarray()
            exact = operator.matrix().toarray() * factors.ravel()
            assert np.max(np.abs(scaled - exact)) <= 1e-14 * np.max(np.abs(exact)), where
