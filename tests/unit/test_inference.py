"""What densities at a few times tell of velocity, force and dissipation, against closed forms."""

import itertools

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad
from scipy.special import ndtr

import fpsolve as fp
from fpsolve.problems.planes import linear_moments
from fpsolve.transport.gaussian import bures, gaussian_speed

BOUNDS = ("bound_distance", "bound_length", "bound_intervals")


class Relaxing:
    """A normal density in a harmonic trap: P = N(m, s²), nu = m' + (s'/s) (x - m)."""

    def __init__(self, k, temperature, mean, std):
        self.k, self.temperature, self.first, self.spread = k, temperature, mean, std

    def moments(self, t):
        variance = self.spread**2 * np.exp(-2 * self.k * t) - self.temperature / self.k * np.expm1(-2 * self.k * t)
        return self.first * np.exp(-self.k * t), np.sqrt(variance)

    def rates(self, t):
        mean, std = self.moments(t)
        return -self.k * mean, (self.temperature - self.k * std**2) / std

    def square(self, t):
        return np.sum(np.square(self.rates(t)), axis=0)

    def v1(self, t):
        drift, stretch = self.rates(t)
        z = drift / np.abs(stretch)
        return np.abs(stretch) * (z * (2 * ndtr(z) - 1) + np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2))

    def exact(self, times):
        mean, std = self.moments(times)
        steps, span = np.hypot(np.diff(mean), np.diff(std)), times[-1] - times[0]
        whole = np.hypot(mean[-1] - mean[0], std[-1] - std[0])
        return {
            "action": quad(self.square, times[0], times[-1])[0],
            "path_length": quad(lambda t: self.square(t) ** 0.5, times[0], times[-1])[0],
            "W2": whole,
            "W2_sum": np.sum(steps),
            "dissipation_bound_distance": whole**2 / span,
            "dissipation_bound_length": np.sum(steps) ** 2 / span,
            "dissipation_bound_intervals": np.sum(steps**2 / np.diff(times)),
        }

    def snapshots(self, times, cells, points=False):
        mean, std = self.moments(times)
        edges = np.linspace(np.min(mean - 9 * std), np.max(mean + 9 * std), cells + 1)
        centres, each = 0.5 * (edges[1:] + edges[:-1]), [fp.Gaussian(*pair) for pair in zip(mean, std, strict=True)]
        rows = [density.pdf(centres) if points else density.cell_averages(edges) for density in each]
        return xr.DataArray(np.array(rows), dims=("t", "x"), coords={"t": times, "x": centres})


def inside(found, name, exact):
    return np.all(np.abs(found[name].values - exact) <= found[f"{name}_error"].values)


@pytest.mark.parametrize("points", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_relaxing_normal_density(seed, points):
    draw = np.random.default_rng(seed)
    case = Relaxing(draw.uniform(0.3, 2.0), draw.uniform(0.2, 1.5), draw.uniform(-2, 2), draw.uniform(0.4, 1.3))
    times = np.sort(np.append([0.0, 0.8], draw.uniform(0.0, 0.8, 15)))
    found = fp.infer(case.snapshots(times, 200, points), case.temperature, values="points" if points else "averages")
    for name, value in case.exact(times).items():
        assert inside(found, name, value), name
        if name in ("W2", "W2_sum"):
            assert found[name] == pytest.approx(value, rel=1e-4)
    assert inside(found, "v1", case.v1(times)) and inside(found, "v2", case.square(times) ** 0.5)
    bounds = [float(found[f"entropy_production_{name}"] * case.temperature) for name in (*BOUNDS, "estimate")]
    assert np.all(np.diff(bounds) >= -1e-12)
    truth = case.exact(times)["action"]
    assert all(found[f"dissipation_{name}"] - found[f"dissipation_{name}_error"] <= truth for name in BOUNDS)


def test_velocity_force_and_potential_of_a_trap():
    case, times = Relaxing(1.3, 0.7, 1.5, 0.6), np.linspace(0.0, 1.0, 41)
    mobility = 2.0
    found = fp.infer(case.snapshots(times, 300), case.temperature / mobility, mobility)
    (mean, std), (drift, stretch) = (np.array(pair)[:, :, None] for pair in (case.moments(times), case.rates(times)))
    x, centre = found["x_face"].values, found["x"].values
    bulk = np.abs(x - mean) < 4.0 * std
    nu = drift + stretch / std * (x - mean)
    np.testing.assert_allclose(found["velocity"].values[bulk], nu[bulk], atol=2e-3)
    force = np.broadcast_to(-case.k * x / mobility, bulk.shape)
    np.testing.assert_allclose(found["force"].values[bulk], force[bulk], atol=1e-3)
    energy = 0.5 * case.k / mobility * (centre**2 - (mean**2 + std**2))
    bulk = np.abs(centre - mean) < 4.0 * std
    np.testing.assert_allclose(found["potential"].values[bulk], energy[bulk], atol=2e-3)
    assert float(found["dissipation_estimate"]) == pytest.approx(float(found["action"]) / mobility)


def test_names_order_and_offset_of_dimensions_do_not_matter():
    case, times = Relaxing(1.0, 0.5, 1.0, 0.7), np.linspace(0.0, 1.0, 9)
    plain = case.snapshots(times, 120)
    other = plain.rename(t="when", x="place").transpose("place", "when")
    other = other.assign_coords(when=times + 7.0)
    first, second = fp.infer(plain, 0.5), fp.infer(other, 0.5, time="when")
    np.testing.assert_allclose(first["velocity"].values, second["velocity"].values, atol=1e-9)
    assert float(first["W2_sum"]) == pytest.approx(float(second["W2_sum"]))
    fp.infer(plain.rename(t="when"), 0.5)  # x is a place, so the other one is time


@pytest.mark.parametrize("count", [3, 7])
def test_on_a_geodesic_all_bounds_agree(count):
    target = fp.GaussianMixture(means=(-1.0, 1.2), stds=(0.4, 0.3))
    process = fp.diffuse(fp.Gaussian(0.0, 1.0), fp.OptimalTransport(target, tau=2.0), cells=400, steps=48)
    part = process.isel(time=np.unique(np.linspace(0, 48, count).round().astype(int) ** 2 // 48))
    found = fp.infer(part, 0.5)
    exact = fp.speed_accuracy(process, fp.generate(process, fp.Gaussian(0.3, 1.0)))["W2"]
    for name in (*BOUNDS, "estimate"):
        gap = abs(float(found[f"dissipation_{name}"]) - exact.value**2 / 2.0)
        assert gap <= float(found[f"dissipation_{name}_error"]) + exact.error, name
        assert gap < 5e-4 * exact.value**2, name


@pytest.mark.parametrize("size", [1e-12, 1e-8, 1e-5, 1e-3])
def test_noise_in_the_tails(size):
    case, times = Relaxing(1.3, 0.7, 1.5, 0.5), np.linspace(0.0, 1.0, 15)
    data = case.snapshots(times, 200)
    noise = np.abs(np.random.default_rng(3).normal(size=data.shape))
    found = fp.infer(data + size * float(data.max()) * noise, case.temperature)
    exact = case.exact(times)
    for name, value in exact.items():
        assert inside(found, name, value), name
    assert float(found["action"]) == pytest.approx(exact["action"], rel=2e-2 if size == 1e-3 else 2e-3)
    assert size / 10 < found["ignored_mass"] <= 0.05


def test_a_solution_tells_its_own_force():
    well = fp.FokkerPlanck(fp.PotentialForce(lambda x: 0.25 * x**4 - 0.5 * x**2), 0.5)
    solution = fp.solve(well, fp.Gaussian(0.8, 0.4), np.linspace(0.0, 1.0, 31), grid=fp.Grid.line(-3.2, 3.2, 160))
    found = fp.infer(solution, 0.5)
    heavy = np.abs(found["x_face"]) < 1.5
    force = found["x_face"] - found["x_face"] ** 3
    assert float(np.abs(found["force"] - force).where(heavy).isel(time=slice(5, -2)).max()) < 2e-3
    assert abs(float(found["action"]) - _dissipation(solution)) < float(found["action_error"]) + 1e-4


def _dissipation(solution):
    rate = (solution["velocity"] * solution["current"]).fillna(0.0).integrate("x_face")
    return float(rate.values @ _simpson(solution["time"].values))


def _simpson(times):
    weights = np.full(times.size, 2.0)
    weights[1::2], weights[[0, -1]] = 4.0, 1.0
    return weights * (times[1] - times[0]) / 3.0


class Linear:
    """A normal density in the plane under F = A x + b."""

    def __init__(self, matrix, vector, temperature, mean, covariance):
        given = {"temperature": temperature, "mean": mean, "covariance": covariance}
        self.matrix, self.vector, self.temperature = np.array(matrix), np.array(vector), temperature
        self.problem = fp.problems.anisotropic_linear(matrix, vector, **given)
        self.first = np.concatenate([mean, np.ravel(covariance)])

    def moments(self, t):
        found = linear_moments(self.problem.problem, self.first, t)
        return found[:2], found[2:].reshape(2, 2)

    def speed(self, t):
        mean, spread = self.moments(t)
        grown = self.matrix @ spread + spread @ self.matrix.T + 2 * self.temperature * np.eye(2)
        return gaussian_speed(self.matrix @ mean + self.vector, spread, grown)

    def dissipation(self, t):
        mean, spread = self.moments(t)
        turn, drift = self.matrix + self.temperature * np.linalg.inv(spread), self.matrix @ mean + self.vector
        return np.trace(turn @ spread @ turn.T) + drift @ drift

    def snapshots(self, times, cells):
        grid = self.problem.grid((cells, cells))
        edges, rows = [axis.edges for axis in grid.axes], []
        for t in times:
            mean, spread = self.moments(t)
            rows.append(fp.PlaneGaussian(tuple(mean), covariance=0.5 * (spread + spread.T)).cell_averages(*edges))
        coords = {"t": times, "x": grid.axes[0].centres, "y": grid.axes[1].centres}
        return xr.DataArray(np.array(rows), dims=("t", "x", "y"), coords=coords)


def _over(function, end):
    nodes, weights = np.polynomial.legendre.leggauss(16)
    return 0.5 * end * sum(w * function(0.5 * end * (1 + z)) for z, w in zip(nodes, weights, strict=True))


@pytest.mark.parametrize("matrix", [((-1.0, 0.3), (0.3, -2.0)), ((-1.0, -1.5), (0.7, -2.0))])
def test_relaxation_in_the_plane(matrix):
    case, end = Linear(matrix, (0.3, -0.2), 0.4, (0.8, -0.5), ((0.4, 0.1), (0.1, 0.3))), 0.8
    times = end * np.linspace(0.0, 1.0, 13) ** 1.2
    found = fp.infer(case.snapshots(times, 48), 0.4)
    steps = [bures(*case.moments(a), *case.moments(b)) for a, b in itertools.pairwise(times)]
    assert inside(found, "W2_step", np.array(steps))
    assert inside(found, "v2", np.array([case.speed(t) for t in times]))
    assert inside(found, "action", _over(lambda t: case.speed(t) ** 2, end))
    assert inside(found, "path_length", _over(case.speed, end))
    spent = _over(case.dissipation, end)
    for name in BOUNDS:
        assert found[f"dissipation_{name}"] - found[f"dissipation_{name}_error"] <= spent
    at, (mean, spread) = 6, case.moments(times[6])
    np.testing.assert_allclose(found["v2"][at], case.speed(times[at]), rtol=1e-3)
    if matrix[0][1] == matrix[1][0]:  # only a gradient force can be told from the densities
        x, y = np.meshgrid(found["x"], found["y"], indexing="ij")
        offset = np.stack([x - mean[0], y - mean[1]], axis=-1)
        bulk = np.einsum("...i,ij,...j", offset, np.linalg.inv(spread), offset) < 9.0
        for axis, name in enumerate("xy"):
            force = matrix[axis][0] * x + matrix[axis][1] * y + case.vector[axis]
            np.testing.assert_allclose(found[f"force_{name}"].values[at][bulk], force[bulk], atol=5e-3)
        energy = -0.5 * (case.matrix[0, 0] * x**2 + case.matrix[1, 1] * y**2) - matrix[0][1] * x * y
        energy = energy - case.vector[0] * x - case.vector[1] * y
        gap = (found["potential"].values[at] - energy)[bulk]
        assert np.ptp(gap) < 1e-2
    else:
        assert float(found["action"]) < 0.9 * spent


def test_a_rotation_is_invisible():
    case = Linear(((-1.0, -3.0), (3.0, -1.0)), (0.0, 0.0), 0.4, (0.0, 0.0), ((0.4, 0.0), (0.0, 0.4)))
    found = fp.infer(case.snapshots(np.linspace(0.0, 1.0, 5), 48), 0.4)
    assert _over(case.dissipation, 1.0) == pytest.approx(7.2)
    assert float(found["action"] + found["dissipation_bound_intervals"]) < 1e-10
    assert float(np.abs(found["velocity_x"]).where(found["density"] > 1e-6).max()) < 1e-6
