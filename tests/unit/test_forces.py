"""Forces at points and along links, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

import fpsolve as fp
from fpsolve.forces.base import face_shape
from fpsolve.settings import InputError, from_recipe

LINE = fp.Grid.stretched(-2.0, 3.0, 40, centre=0.5)
RING = fp.Grid.line(0.0, 2.0, 24, "periodic")
PLANE = fp.Grid.product(fp.Grid.stretched(-1.0, 2.0, 12), fp.Grid.line(0.0, 1.0, 9, "periodic"))

NAMED = [
    fp.HarmonicTrap(2.0, centre=0.3, speed=0.7),
    fp.HarmonicTrap(2.0, stiffness_end=5.0, duration=2.0),
    fp.DoubleWell(3.0, 2.0, tilt=0.4),
    fp.Quartic(1.5, 0.5),
]


@pytest.mark.parametrize("force", NAMED, ids=lambda force: force.kind)
def test_a_named_force_is_minus_the_slope_of_its_potential(force):
    x, step = np.linspace(-2.0, 2.0, 31), 1e-5
    for t in (0.0, 0.8):
        slope = (force.potential((x + step,), t) - force.potential((x - step,), t)) / (2.0 * step)
        np.testing.assert_allclose(force.field((x,), t)[0], -slope, atol=1e-8)


@pytest.mark.parametrize("force", NAMED, ids=lambda force: force.kind)
def test_links_are_differences_of_the_potential(force):
    centres = LINE.centres
    energy = force.potential((centres,), 0.6)
    links = force.links(LINE, 0.6)[0]
    np.testing.assert_allclose(links[1:-1] * np.diff(centres), -np.diff(energy), atol=1e-12)


@pytest.mark.parametrize("force", [*NAMED, fp.LinearForce(-1.0), fp.LinearForce([[1, 2], [3, 4]], (0.5, 1.0)),
                                   fp.TiltedRing(1.0, 2.0, 3.0)], ids=lambda force: force.kind)  # fmt: skip
def test_recipes_rebuild(force):
    rebuilt = from_recipe("force", {k: v for k, v in force.recipe().items() if k != "duration"},
                          {"duration": getattr(force, "duration", None)})  # fmt: skip
    points = (np.linspace(-1.0, 1.0, 5),) * force.dimension
    for one, other in zip(force.field(points, 0.7), rebuilt.field(points, 0.7), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_potential_makes_its_force_to_high_order():
    force = fp.PotentialForce(lambda x: np.sin(2.0 * x))
    np.testing.assert_allclose(force.field((LINE.faces,), 0.0)[0], -2.0 * np.cos(2.0 * LINE.faces), atol=2e-7)
    assert force.steady and not fp.PotentialForce(lambda x, t: x * t).steady


def test_a_potential_on_a_grid_is_splined():
    grid = fp.Grid.line(-2.0, 2.0, 60)
    table = fp.PotentialForce(np.sin(grid.centres), grid=grid)
    np.testing.assert_allclose(table.field((grid.faces[3:-3],), 0.0)[0], -np.cos(grid.faces[3:-3]), atol=1e-6)
    ring = fp.PotentialForce(np.cos(np.pi * RING.centres), grid=RING)
    np.testing.assert_allclose(
        ring.links(RING, 0.0)[0], fp.PotentialForce(lambda x: np.cos(np.pi * x)).links(RING, 0.0)[0], atol=1e-9
    )
    x, y = PLANE.axes[0].centres[:, None], PLANE.axes[1].centres[None, :]
    plane = fp.PotentialForce(x**2 * np.ones_like(y), grid=PLANE)
    np.testing.assert_allclose(plane.field((np.array([[0.3]]), np.array([[0.5]])), 0.0)[0], -0.6, atol=1e-6)


def test_a_tilted_ring_is_a_tilt_over_a_landscape():
    whole = fp.TiltedRing(1.0, 0.7, 2.0)
    landscape = fp.PotentialForce(lambda x: 0.7 / np.pi * np.cos(np.pi * x))
    parts = landscape + fp.NonconservativeForce(lambda x: 1.0 + 0 * x)
    np.testing.assert_allclose(whole.links(RING, 0.0)[0], parts.links(RING, 0.0)[0], atol=1e-12)
    np.testing.assert_allclose(whole.field((RING.faces,), 0.0)[0], parts.field((RING.faces,), 0.0)[0], atol=3e-5)
    assert not parts.has_potential and parts.steady


def test_a_sum_of_potentials_has_one():
    both = fp.Quartic(1.0, 1.0) + fp.HarmonicTrap(1.0) + fp.LinearForce(0.0)
    assert len(both.forces) == 3
    np.testing.assert_allclose(both.field((np.array([0.5]),), 0.0)[0], 0.5 * (1 - 0.25) - 0.5)
    assert both.has_potential
    two = fp.Quartic(1.0, 1.0) + fp.HarmonicTrap(1.0)
    np.testing.assert_allclose(
        two.links(LINE, 0.0)[0], fp.Quartic(1.0, 1.0).links(LINE, 0.0)[0] + fp.HarmonicTrap(1.0).links(LINE, 0.0)[0]
    )


@pytest.mark.parametrize("force", [fp.LinearForce(-1.5, 0.4), fp.LinearForce([[-2, 1], [1, -3]], (0.5, 1.0))])
def test_a_linear_force_knows_its_potential(force):
    grid = LINE if force.dimension == 1 else fp.Grid.product(LINE, fp.Grid.stretched(-1.0, 1.0, 9))
    points = (grid.centres,) if force.dimension == 1 else np.ix_(*(axis.centres for axis in grid.axes))
    energy = force.potential(points, 0.0)
    for axis, link in enumerate(force.links(grid, 0.0)):
        step = np.diff(grid.axes[axis].centres).reshape(-1, *[1] * (force.dimension - 1 - axis))
        inner = np.take(link, range(1, grid.shape[axis]), axis)
        np.testing.assert_allclose(inner * step, -np.diff(energy, axis=axis), atol=1e-12)
    assert not fp.LinearForce([[-1, 2], [-2, -1]]).has_potential


def test_links_in_the_plane():
    force = fp.PotentialForce(lambda x, y: x**2 * np.cos(2 * np.pi * y), dimension=2)
    links = force.links(PLANE, 0.0)
    assert [link.shape for link in links] == [face_shape(PLANE, 0), face_shape(PLANE, 1)]
    x, y = PLANE.axes[0].centres[:, None], PLANE.axes[1].centres[None, :]
    energy = x**2 * np.cos(2 * np.pi * y)
    np.testing.assert_allclose(links[0][1:-1] * np.diff(x, axis=0), -np.diff(energy, axis=0), atol=1e-13)
    around = np.sum(links[1][:, :-1] * PLANE.axes[1].widths, axis=1)
    np.testing.assert_allclose(around, 0.0, atol=1e-12)  # it closes around the ring


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fp.PotentialForce(3.0), "expected a function"),
        (lambda: fp.PotentialForce(lambda: 1.0), "function of 0 arguments|numpy arrays"),
        (lambda: fp.PotentialForce(lambda a, b, c: a), "function of 3 arguments"),
        (lambda: fp.PotentialForce(np.ones(4)), "grid"),
        (lambda: fp.PotentialForce(np.ones(4), grid=LINE), "expected that of the grid"),
        (lambda: fp.PotentialForce(np.full(40, np.nan), grid=LINE), "finite"),
        (lambda: fp.PotentialForce(lambda x: x[:3]).links(LINE, 0.0), "elementwise"),
        (lambda: fp.PotentialForce(lambda x: np.where(x > 0, x, np.nan)).links(LINE, 0.0), "finite on the grid"),
        (lambda: fp.PotentialForce(lambda x: x).links(RING, 0.0), "give a tilt as a non-conservative force"),
        (lambda: fp.NonconservativeForce(lambda x, y: x, 2).links(PLANE, 0.0), "pair"),
        (lambda: fp.NonconservativeForce(lambda x: x, 3), "dimension"),
        (lambda: fp.LinearForce("a"), "expected numbers"),
        (lambda: fp.LinearForce([1.0, 2.0]), "2 x 2 matrix"),
        (lambda: fp.LinearForce(np.nan), "finite"),
        (lambda: fp.LinearForce(-1.0, vector=(1.0, 2.0)), "expected a number"),
        (lambda: fp.LinearForce(np.eye(2), vector=1.0), "expected a pair"),
        (lambda: fp.LinearForce(-1.0, matrix_end=-2.0), "duration"),
        (lambda: fp.LinearForce(-1.0, matrix_end=np.eye(2), duration=1.0), "another shape"),
        (lambda: fp.DoubleWell(-1.0, 1.0), "barrier"),
        (lambda: fp.Quartic(0.0, 1.0), "a: given 0"),
        (lambda: fp.TiltedRing(1.0, 1.0, 0.0), "period"),
        (lambda: fp.LinearForce(-1.0) + fp.LinearForce(np.eye(2)), "same dimension"),
    ],
)  # fmt: skip
def test_bad_forces(make, message):
    with pytest.raises(InputError, match=message):
        make()
