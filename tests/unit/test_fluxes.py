"""Grids, fluxes and the kernels behind them on small cases with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from fpsolve.fluxes import WENO5, Upwind
from fpsolve.grids import Axis, Grid
from fpsolve.kernels.advection import extend, fastest_outflow
from fpsolve.kernels.primitive import primitive_inside, sign_changes
from fpsolve.settings import InputError


def test_a_line_of_equal_cells():
    grid = Grid.line(-1.0, 3.0, 8)
    assert grid.shape == (8,)
    assert grid.cells == 8
    assert grid.axis.uniform
    np.testing.assert_allclose(grid.widths, 0.5)
    np.testing.assert_allclose(grid.centres, np.arange(-0.75, 3.0, 0.5))
    assert grid.axis.boundary == "reflecting"


def test_edges_are_copied_and_frozen():
    edges = np.array([0.0, 1.0, 3.0])
    grid = Grid.from_edges(edges)
    edges[0] = -9.0
    assert grid.faces[0] == 0.0
    assert not grid.axis.uniform
    with pytest.raises(ValueError, match="read-only"):
        grid.faces[0] = 1.0


def test_stretched_grids():
    middle = Grid.stretched(-1.0, 3.0, 400, centre=0.0, strength=6.0)
    ratio = middle.widths / middle.widths.min()
    np.testing.assert_allclose(ratio, np.sqrt(1.0 + (6.0 * middle.centres / 4.0) ** 2), rtol=2e-3)
    walls = Grid.stretched(-1.0, 3.0, 400, strength=3.0, walls=True)
    assert walls.faces[0] == -1.0 and walls.faces[-1] == 3.0
    np.testing.assert_allclose(walls.widths.max() / walls.widths[0], np.cosh(1.5) ** 2, rtol=2e-2)
    np.testing.assert_allclose(walls.widths, walls.widths[::-1], rtol=1e-10)


def test_tensor_grid():
    grid = Grid((Axis(np.array([0.0, 1.0, 3.0])), Axis(np.array([0.0, 2.0, 3.0, 4.0]), "periodic")))
    assert grid.shape == (2, 3)
    np.testing.assert_allclose(grid.volumes, [[2.0, 1.0, 1.0], [4.0, 2.0, 2.0]])
    with pytest.raises(InputError, match="2 axes"):
        _ = grid.faces


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Grid.line(1.0, 1.0, 4), "upper"),
        (lambda: Grid.line(0.0, 1.0, 0), "cells"),
        (lambda: Grid.from_edges([0.0, 2.0, 1.0]), "increase"),
        (lambda: Grid.from_edges([0.0]), "at least two"),
        (lambda: Grid.from_edges([0.0, np.nan]), "finite"),
        (lambda: Grid.line(0.0, 1.0, 4, "reflectin"), "did you mean 'reflecting'"),
        (lambda: WENO5().currents(np.ones(4), np.ones(5), 0.1, Grid.line(0.0, 1.0, 4)), "at least 8"),
        (lambda: WENO5().currents(np.ones(2), np.ones(3), 0.0, Grid.from_edges([0.0, 1.0, 3.0])), "equal"),
    ],
)
def test_bad_input_says_what_to_do(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("boundary", "expected"),
    [
        ("reflecting", [3, 2, 1, 1, 2, 3, 3, 2, 1]),
        ("absorbing", [0, 0, 0, 1, 2, 3, 0, 0, 0]),
        ("periodic", [1, 2, 3, 1, 2, 3, 1, 2, 3]),
    ],
)
def test_ghost_cells(boundary, expected):
    out = np.empty(9)
    extend(np.array([1.0, 2.0, 3.0]), 3, *Grid.line(0.0, 1.0, 3, boundary).axis.codes, out)
    assert out.tolist() == expected


def test_upwind_takes_what_comes():
    grid = Grid.line(0.0, 1.0, 3)
    current = Upwind().currents(np.array([1.0, 2.0, 4.0]), np.array([9.0, 1.0, -1.0, 9.0]), 0.0, grid)
    assert current.tolist() == [0.0, 1.0, -4.0, 0.0]
    minus, plus = Upwind().rates(np.array([2.0, -3.0]), np.zeros(2), np.full(2, 0.1), np.full(2, 0.1))
    assert minus.tolist() == [2.0, 0.0]
    assert plus.tolist() == [0.0, 3.0]


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_weno5_is_exact_for_parabolas_and_of_fifth_order(direction):
    errors = []
    for cells in (20, 40):
        grid = Grid.line(-1.0, 1.0, cells)
        inner = slice(3, -3)
        for power, tolerance in ((2, 1e-13), (7, None)):
            average = np.diff(grid.faces ** (power + 1)) / (power + 1) / grid.widths
            current = WENO5().currents(average, np.full(cells + 1, direction), 0.0, grid)
            error = np.max(np.abs(current - direction * grid.faces**power)[inner])
            if tolerance:
                assert error < tolerance
            else:
                errors.append(error)
    assert np.log2(errors[0] / errors[1]) > 4.5


def test_weno5_does_not_look_across_a_jump():
    grid = Grid.line(0.0, 1.0, 20)
    average = np.where(grid.centres < 0.5, 1.0, 0.0)
    current = WENO5().currents(average, np.ones(21), 0.0, grid)
    assert np.max(current) < 1.0 + 1e-6
    assert np.min(current) > -1e-6


def test_outflow_counts_both_faces_and_sees_a_nan():
    widths = np.array([1.0, 0.5])
    assert fastest_outflow(np.array([-1.0, 2.0, 3.0]), widths) == 6.0
    assert fastest_outflow(np.array([-4.0, 3.0, 0.0]), widths) == 7.0
    assert np.isnan(fastest_outflow(np.array([np.nan, 2.0, 3.0]), widths))


def test_the_primitive_is_exact_for_polynomials_on_any_edges():
    edges = np.sort(np.random.default_rng(2).uniform(-1.0, 1.0, 15))
    values = edges**7 - edges
    cells = np.arange(14)
    x = edges[:-1, None] + np.diff(edges)[:, None] * np.array([0.2, 0.7])
    value, slope = np.empty_like(x), np.empty_like(x)
    primitive_inside(edges, values, np.zeros(14, int), np.full(14, 14), cells, x, value, slope)
    np.testing.assert_allclose(value, x**7 - x, atol=1e-13)
    np.testing.assert_allclose(slope, 7 * x**6 - 1, atol=1e-11)


def test_stencils_stop_at_breaks_and_zeros_are_found():
    edges = np.linspace(-1.0, 1.0, 12)  # a kink at an edge, a zero inside a cell
    values = np.where(edges < edges[4], edges[4] - edges, 2.0 * (edges - edges[4])) - 0.3
    lowest, highest = np.repeat([0, 4], [4, 7]), np.repeat([4, 11], [4, 7])
    out = np.empty(12)
    count = sign_changes(edges, values, lowest, highest, out)
    np.testing.assert_allclose(out[:count], [edges[4] - 0.3, edges[4] + 0.15], atol=1e-14)
