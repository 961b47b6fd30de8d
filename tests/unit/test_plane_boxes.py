"""Uniform data, tables and panels in the plane under Gaussian noise: closed forms, quadrature and conservation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_ndtr

from fpsolve.densities import PlaneFunction, PlaneGaussian, PlanePanels, PlaneTabulated, PlaneUniform, Uniform
from fpsolve.grids import Grid
from fpsolve.processes import Diffusion
from fpsolve.processes.plane.boxes import BoxProcess
from fpsolve.schedules import Cosine, VarianceExploding
from fpsolve.schedules.linear_force import LinearForceSchedule
from fpsolve.settings import InputError

BOX = PlaneUniform((-1.0, -0.5), (0.7, 1.2))
TIMES = (1e-4, 1e-2, 0.1, 0.5, 0.9, 0.999, 1.0)


def table(cells: int = 12, seed: int = 1, width: float = 1.0) -> PlaneTabulated:
    """Random heights, some zero, on cells of unequal widths."""
    rng = np.random.default_rng(seed)
    edges = [np.cumsum(np.append(0.0, 0.5 + rng.random(cells))) for _ in range(2)]
    first, second = (width * (2.0 * e / e[-1] - 1.0) for e in edges)
    return PlaneTabulated.normalised(first, second, rng.random((cells, cells)) * (rng.random((cells, cells)) > 0.3))


def panels() -> PlanePanels:
    """Random polynomials, positive, on panels."""
    rng = np.random.default_rng(2)
    coefficients = np.zeros((5, 4, 4, 3))
    coefficients[..., 0, 0] = 0.25
    coefficients[..., 1:, :] = 0.01 * rng.normal(size=(5, 4, 3, 3))
    coefficients[..., 0, 1:] = 0.01 * rng.normal(size=(5, 4, 2))
    return PlanePanels(np.linspace(-1.0, 1.0, 6), np.linspace(-1.2, 0.8, 5), coefficients)


def convolved(data, carry, noise, x, y, parts):
    """Log density and E[y|x] by a Gauss rule on every part of every cell of the data."""
    node, weight = np.polynomial.legendre.leggauss(14)
    rules = []
    for edges in (data.edges_x, data.edges_y):
        fine = np.sort(
            np.append(np.concatenate([edges[:-1] + k / parts * np.diff(edges) for k in range(parts)]), edges[-1])
        )
        half = 0.5 * np.diff(fine)[:, None]
        rules.append(((0.5 * (fine[1:] + fine[:-1])[:, None] + half * node).ravel(), (half * weight).ravel()))
    (u, along_u), (v, along_v) = rules
    masses = (data.pdf(u[:, None], v) * along_u[:, None] * along_v).ravel()
    source = np.stack(np.meshgrid(u, v, indexing="ij")).reshape(2, -1)
    source, masses = source[:, masses > 0.0], masses[masses > 0.0]
    places = carry @ source
    out = []
    for a, b in zip(x, y, strict=True):
        exponent = -0.5 * ((places[0] - a) ** 2 + (places[1] - b) ** 2) / noise**2
        part = masses * np.exp(exponent - exponent.max())
        total = part.sum()
        out.append([np.log(total / (2.0 * np.pi * noise**2)) + exponent.max(), *(source @ part / total)])
    return np.array(out).T


@pytest.mark.parametrize("t", TIMES)
def test_a_uniform_density_is_a_product_of_two_lines(t):
    process = BoxProcess(BOX, Cosine())
    lines = [Diffusion(Uniform(*side), Cosine()) for side in BOX.support]
    points = np.random.default_rng(0).normal(size=(2, 500)) * 1.2
    states = [line.state(t, row) for line, row in zip(lines, points, strict=True)]
    flow = process.flow(t, *points)
    held = states[0].pdf * states[1].pdf > 1e-250
    assert held.sum() > 50
    exact = np.log(states[0].pdf[held] * states[1].pdf[held])
    assert np.allclose(flow.log_density[held], exact, rtol=1e-12, atol=1e-12)
    for i, state in enumerate(states):
        assert np.allclose(flow.velocity[i, held], state.velocity[held], rtol=1e-11, atol=1e-11)
        assert np.allclose(flow.score[i, held], state.score[held], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("t", [0.05, 0.2, 0.5, 0.8, 0.97, 1.0])
@pytest.mark.parametrize("make", [table, panels])
def test_sums_over_cells_are_the_convolution(make, t):
    data = make()
    process = BoxProcess(data, Cosine())
    signal, noise = np.cos(0.5 * np.pi * t), np.sin(0.5 * np.pi * t)
    x, y = np.random.default_rng(3).normal(size=(2, 40)) * (0.6 * signal + 2.0 * noise)
    log_density, *source = convolved(data, signal * np.eye(2), noise, x, y, 9 if t < 0.1 else 3)
    flow = process.flow(t, x, y)
    assert np.allclose(flow.log_density, log_density, rtol=0.0, atol=1e-11)
    rest = np.stack([x, y]) - signal * np.array(source)
    velocity = 0.5 * np.pi * (-noise * np.array(source) + signal / noise * rest)
    assert np.allclose(flow.velocity, velocity, rtol=0.0, atol=1e-10)
    assert np.allclose(flow.score, -rest / noise**2, rtol=0.0, atol=1e-10)


@pytest.mark.parametrize("t", [0.3, 0.7, 0.9, 0.99])
def test_merged_cells_are_the_convolution(t):
    data = table(cells=60)
    process = BoxProcess(data, Cosine())
    assert process.boxes.merged(np.cos(0.5 * np.pi * t) / np.sin(0.5 * np.pi * t)) is not None
    signal, noise = np.cos(0.5 * np.pi * t), np.sin(0.5 * np.pi * t)
    x, y = np.random.default_rng(4).normal(size=(2, 25)) * (signal + 2.5 * noise)
    log_density, *source = convolved(data, signal * np.eye(2), noise, x, y, 1)
    flow = process.flow(t, x, y)
    assert np.allclose(flow.log_density, log_density, rtol=0.0, atol=2e-12)
    rest = np.stack([x, y]) - signal * np.array(source)
    assert np.allclose(flow.score, -rest / noise**2, rtol=0.0, atol=2e-12 / noise)


def test_a_turning_force_turns_the_data():
    schedule = LinearForceSchedule(h=1.0, g=2.0, T_fin=1.0)
    data, t = table(), 0.6
    kernel = schedule.plane_kernel(t)
    noise = np.sqrt(kernel.covariance[0, 0])
    x, y = np.random.default_rng(5).normal(size=(2, 40)) * 0.6
    log_density, *source = convolved(data, kernel.carry, noise, x, y, 3)
    flow = BoxProcess(data, schedule).flow(t, x, y)
    assert np.allclose(flow.log_density, log_density, rtol=0.0, atol=1e-11)
    score = -(np.stack([x, y]) - kernel.carry @ np.array(source)) / noise**2
    force, temperature = schedule.matrix(t) @ np.stack([x, y]), kernel.temperature
    assert np.allclose(flow.score, score, rtol=0.0, atol=1e-10)
    assert np.allclose(flow.velocity, force - temperature * score, rtol=0.0, atol=1e-10)


@pytest.mark.parametrize("t", [0.01, 0.2, 0.9])
def test_tails_are_finite_and_exact_however_far_out(t):
    process = BoxProcess(BOX, Cosine())
    signal, noise = np.cos(0.5 * np.pi * t), np.sin(0.5 * np.pi * t)
    points = np.array([[3.0, 40.0, -1e3, 1e6, 0.0], [-5.0, 0.1, 2e3, 1e6, 1e5]])
    exact = np.zeros(points.shape[1])
    for row, (low, high) in zip(points, BOX.support, strict=True):
        far = np.where(row > 0.0, -1.0, 1.0) * np.array([[low], [high]]) * signal + np.abs(row) * [[1.0], [1.0]]
        near = np.sort(far, axis=0) / noise  # distances of both ends, on the point's own side
        top, bottom = log_ndtr(-near[0]), log_ndtr(-near[1])
        exact += top + np.log1p(-np.exp(bottom - top)) - np.log(signal * (high - low))
    flow = process.flow(t, *points)
    assert np.allclose(flow.log_density, exact, rtol=1e-12)
    assert np.all(np.isfinite(flow.velocity)) and np.all(np.isfinite(flow.score))


def test_the_nearest_mass_rules_where_none_is_in_reach():
    heights = np.zeros((40, 40))
    heights[3, 30] = heights[37, 2] = heights[20, 20] = 1.0
    edges = np.linspace(-1.0, 1.0, 41)
    data = PlaneTabulated.normalised(edges, edges, heights)
    x, y = np.array([0.9, -0.9, 0.0]), np.array([0.9, -0.9, -0.5])
    process = BoxProcess(data, Cosine())
    log_density, *_ = convolved(data, np.cos(0.005 * np.pi) * np.eye(2), np.sin(0.005 * np.pi), x, y, 8)
    assert log_density.max() < -500.0
    assert np.allclose(process.flow(0.01, x, y).log_density, log_density, rtol=1e-11)


@pytest.mark.parametrize("make", [lambda: BOX, table, panels])
@pytest.mark.parametrize("t", [0.004, 0.1, 0.4, 0.95, 1.0])
def test_masses_of_cells_integrate_the_density(make, t):
    density = BoxProcess(make(), Cosine()).density(t)
    edges, count = [np.linspace(-1.3, 1.1, 7), np.linspace(-0.4, 1.5, 6)], 6
    if t < 0.01:  # around a corner of the uniform density
        edges, count = [np.linspace(0.4, 1.0, 4), np.linspace(0.9, 1.3, 3)], 30
    parts = [np.sort(np.concatenate([e[:-1] + k / count * np.diff(e) for k in range(count)] + [e[-1:]])) for e in edges]
    node, weight = np.polynomial.legendre.leggauss(7)
    (x, along_x), (y, along_y) = (
        ((0.5 * (p[1:] + p[:-1])[:, None] + 0.5 * np.diff(p)[:, None] * node).ravel(), np.outer(np.diff(p), weight / 2))
        for p in parts
    )
    values = density.pdf(x[:, None], y) * along_x.ravel()[:, None] * along_y.ravel()
    shape = [size for e in edges for size in (e.size - 1, count * node.size)]
    assert np.allclose(density.cell_masses(*edges), values.reshape(shape).sum(axis=(1, 3)), rtol=0.0, atol=2e-11)


@pytest.mark.parametrize("schedule", [Cosine(), LinearForceSchedule(h=1.0, g=2.0, T_fin=1.0)])
@pytest.mark.parametrize("t", [0.0, 1e-4, 0.02, 0.2, 1.0])
@pytest.mark.parametrize("make", [lambda: BOX, table])
def test_nodes_have_the_moments_of_the_process(make, t, schedule):
    process = BoxProcess(make(), schedule)
    kernel, data = process.kernel(t), process.data
    nodes = process.nodes(t, Grid.plane((-7.0, -7.0), (7.0, 7.0), (64, 64)))
    place = np.stack([nodes.x, nodes.y])
    mean = place @ nodes.weight
    second = (place * nodes.weight) @ place.T
    expected = kernel.carry @ data.mean
    covariance = kernel.carry @ data.covariance @ kernel.carry.T + kernel.covariance
    assert nodes.weight.sum() == pytest.approx(1.0, abs=1e-6)
    assert np.allclose(mean, expected, rtol=0.0, atol=1e-6)
    assert np.allclose(second - np.outer(mean, mean), covariance, rtol=0.0, atol=5e-6)
    drift = kernel.carry_rate @ data.mean
    assert np.allclose(nodes.velocity @ nodes.weight, drift, rtol=0.0, atol=5e-5)
    assert np.allclose(process.density(t).mean, expected, rtol=0.0, atol=1e-14)
    assert np.allclose(process.density(t).covariance, covariance, rtol=0.0, atol=1e-13)


@pytest.mark.parametrize("schedule", [Cosine(), LinearForceSchedule(h=1.0, g=2.0, T_fin=1.0)])
@pytest.mark.parametrize("make", [table, panels])
def test_mass_moves_with_the_velocity(make, schedule):
    process, t, step = BoxProcess(make(), schedule), 0.45, 1e-3
    edges = np.array([-0.3, 0.5]), np.array([-0.6, 0.2])
    cells = [np.linspace(*side, 9) for side in edges]
    times = t + step * np.array([-2.0, -1.0, 1.0, 2.0])
    rate = np.array([1.0, -8.0, 8.0, -1.0]) @ [process.density(s).cell_masses(*cells).sum() for s in times]
    node, weight = np.polynomial.legendre.leggauss(40)
    flux = 0.0
    for axis, (own, other) in enumerate((edges, edges[::-1])):
        along, half = 0.5 * other.sum() + 0.5 * np.ptp(other) * node, 0.5 * np.ptp(other)
        for sign, place in zip((-1.0, 1.0), own, strict=True):
            points = [np.full(node.size, place), along]
            flow = process.flow(t, *(points if axis == 0 else points[::-1]))
            flux += sign * half * weight @ (np.exp(flow.log_density) * flow.velocity[axis])
    assert rate / (12.0 * step) == pytest.approx(-flux, abs=2e-9)


def test_at_the_start_the_density_is_the_data():
    data = table()
    process = BoxProcess(data, Cosine())
    assert process.density(0.0) is data
    nodes = process.nodes(0.0, Grid.plane((-3.0, -3.0), (3.0, 3.0), (32, 32)))
    i = np.clip(np.searchsorted(data.edges_x, nodes.x) - 1, 0, 11)
    j = np.clip(np.searchsorted(data.edges_y, nodes.y) - 1, 0, 11)
    masses = np.zeros((12, 12))
    np.add.at(masses, (i, j), nodes.weight)
    assert np.allclose(masses, data.cell_masses(data.edges_x, data.edges_y), rtol=1e-12, atol=0.0)
    assert np.all(nodes.score == 0.0) and np.all(nodes.velocity == 0.0)  # the cosine schedule starts at rest


def test_at_the_end_nothing_of_the_data_is_left():
    process = BoxProcess(table(), Cosine())
    x, y = np.random.default_rng(6).normal(size=(2, 50)) * 3.0
    flow = process.flow(1.0, x, y)
    assert np.allclose(flow.log_density, -0.5 * (x**2 + y**2) - np.log(2.0 * np.pi), rtol=1e-13, atol=1e-13)
    drift = np.repeat(-0.5 * np.pi * process.data.mean[:, None], x.size, axis=1)
    assert np.allclose(flow.velocity, drift, rtol=0.0, atol=1e-13)
    edges = np.linspace(-2.0, 2.0, 9)
    normal = PlaneGaussian((0.0, 0.0), std=1.0).cell_masses(edges, edges)
    assert np.allclose(process.density(1.0).cell_masses(edges, edges), normal, rtol=1e-13, atol=0.0)


def test_a_mirrored_table_moves_like_its_mirror_image():
    data = table()
    mirrored = PlaneTabulated(-data.edges_x[::-1], data.edges_y, data.averages[::-1])
    x, y = np.random.default_rng(7).normal(size=(2, 200))
    one, other = (BoxProcess(d, VarianceExploding(4.0)) for d in (data, mirrored))
    a, b = one.flow(0.3, x, y), other.flow(0.3, -x, y)
    assert np.allclose(a.log_density, b.log_density, rtol=0.0, atol=1e-13)
    assert np.allclose(a.velocity, b.velocity * np.array([[-1.0], [1.0]]), rtol=0.0, atol=1e-12)


def test_a_function_is_moved_as_its_own_gaussian():
    def density(x, y):
        return np.exp(-((x - 0.2) ** 2 + (y + 0.1) ** 2) / 0.18) / (0.18 * np.pi)

    process = BoxProcess(PlaneFunction(density, (-1.9, -2.2), (2.3, 2.0)), Cosine())
    x, y = np.random.default_rng(8).normal(size=(2, 100)) * 0.4
    for t in (0.1, 0.5, 0.9):
        signal, variance = np.cos(0.5 * np.pi * t), np.sin(0.5 * np.pi * t) ** 2
        exact = PlaneGaussian((0.2 * signal, -0.1 * signal), std=float(np.sqrt(0.09 * signal**2 + variance)))
        assert np.allclose(process.density(t).pdf(x, y), exact.pdf(x, y), rtol=0.0, atol=3e-6)


@pytest.mark.parametrize("t", [1e-3, 0.02, 0.3, 0.8])
def test_the_chi_squared_divergence_is_constant_along_the_flow(t):
    process = BoxProcess(PlaneUniform((-1.0, -1.0), (1.0, 1.0)), Cosine())
    nodes = process.nodes(t, Grid.plane((-8.0, -8.0), (8.0, 8.0), (128, 128)))
    labels = process.labels(t, nodes)
    mean, variance = np.array([[0.3], [-0.2]]), 0.81
    exponent = 0.5 * np.sum(labels**2 - (labels - mean) ** 2 / variance, axis=0)
    found = nodes.mean((np.exp(exponent) / variance - 1.0) ** 2)
    # of two normal densities: (s^4 / (2 s^2 - 1)) to the power of one half for each axis, and the shift
    per_axis = np.exp(mean[:, 0] ** 2 / (2.0 - variance)) / (variance**0.5 * np.sqrt(2.0 - variance))
    assert found == pytest.approx(float(np.prod(per_axis)) - 1.0, rel=2e-6)


def test_what_has_no_cells_is_refused():
    with pytest.raises(InputError, match="cells"):
        BoxProcess(PlaneGaussian((0.0, 0.0), std=1.0), Cosine())
    with pytest.raises(InputError, match="same along"):
        BoxProcess(BOX, LinearForceSchedule(h=(1.0, 2.0), g=0.0, T_fin=1.0))
