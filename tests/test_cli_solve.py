"""The command ``solve``: problem files, solutions repeated, interrupted and drawn."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import xarray as xr

import fpsolve as fp
from fpsolve.cli import main

OU = """
dimension = 1
temperature = 0.5
[force]
kind = "linear"
matrix = -1.0
vector = 0.5
[start]
kind = "gaussian"
mean = 1.0
std = 0.3
[time]
end = 1.0
steps = 6
"""
FINE = "[grid]\ncells = 128\nlower = -5.0\nupper = 6.0\n"
RING = """
dimension = 1
temperature = 0.5
[force]
kind = "tilted-ring"
tilt = 0.5
amplitude = 1.0
period = 2.0
[start]
kind = "uniform"
lower = 0.5
upper = 1.5
[time]
end = 8.0
steps = 4
[grid]
cells = 64
"""
PLANE = """
dimension = 2
temperature = 0.5
[force]
kind = "linear"
matrix = [[-1.0, 0.5], [-0.5, -1.0]]
matrix_end = [[-1.5, 0.5], [-0.5, -1.0]]
vector = [0.2, 0.0]
[start]
kind = "gaussian"
mean = [1.0, 0.0]
covariance = [[0.4, 0.1], [0.1, 0.3]]
[time]
end = 0.5
steps = 3
snapshots = 2
[grid]
cells = [48, 40]
lower = [-5.0, -4.5]
upper = [5.0, 4.5]
"""


@pytest.fixture
def solve(tmp_path, capsys):
    """Solve a problem given as text; the object that is printed."""

    def call(text: str, *options: str, status: int = 0) -> dict:
        (tmp_path / "p.toml").write_text(text, encoding="utf-8")
        assert main(["solve", str(tmp_path / "p.toml"), "--json", *options]) == status
        said = capsys.readouterr()
        assert "of memory" in said.err
        return json.loads(said.out, parse_constant=lambda word: pytest.fail(word))

    return call


def holds(entry: dict, exact: float, largest: float) -> None:
    assert abs(entry["value"] - exact) <= entry["error"] <= largest


THERMODYNAMICS = {
    "work", "heat", "energy_change", "entropy_production", "system_entropy_change", "bath_entropy_change", "excess",
    "housekeeping", "coupling", "free_energy_change", "jarzynski", "fluctuation_theorem", "path_length", "W2",
}  # fmt: skip


def test_quantities_of_a_line(solve):
    found = solve(OU + FINE)
    assert found["case"]["force"] == {"kind": "linear", "matrix": -1.0, "vector": 0.5, "duration": 1.0}
    assert found["quantities"].keys() == {"mean", "variance", "mass", "outflow"} | THERMODYNAMICS
    decay = np.exp(-1.0)
    holds(found["quantities"]["mean"], 0.5 + 0.5 * decay, 1e-4)
    holds(found["quantities"]["variance"], 0.5 + (0.09 - 0.5) * decay**2, 1e-3)
    holds(found["quantities"]["mass"], 1.0, 1e-10)
    holds(found["quantities"]["outflow"], 0.0, 1e-10)
    verdicts = {relation["name"]: relation["verdict"] for relation in found["relations"]}
    assert verdicts["mass-conservation"] == verdicts["second-law"] == verdicts["fluctuation-theorem"] == "holds"
    assert "violated" not in verdicts.values()
    # F = -x + 0.5 at T = 0.5: what relaxes dissipates its free energy
    mean, variance = 0.5 + 0.5 * decay, 0.5 + (0.09 - 0.5) * decay**2
    energies = [0.5 * (m * m + v) - 0.5 * m for m, v in ((1.0, 0.09), (mean, variance))]
    heat, entropy = energies[1] - energies[0], 0.5 * np.log(variance / 0.09)
    holds(found["quantities"]["work"], 0.0, 1e-4)
    holds(found["quantities"]["heat"], heat, 1e-3)
    holds(found["quantities"]["system_entropy_change"], entropy, 1e-2)
    holds(found["quantities"]["entropy_production"], entropy - heat / 0.5, 1e-2)
    holds(found["quantities"]["W2"], np.hypot(mean - 1.0, np.sqrt(variance) - 0.3), 1e-4)
    assert {"mass_error", "minimum_density", "density_error", "seconds"} <= found["diagnostics"].keys()


def test_nothing_chosen_but_the_problem(solve):
    found = solve(OU)
    holds(found["quantities"]["mean"], 0.5 + 0.5 * np.exp(-1.0), 1e-5)
    assert found["diagnostics"]["density_error"] < 1e-4


def test_cells_alone_get_a_window(solve):
    found = solve(OU + "[grid]\ncells = 90\n")
    assert found["case"]["grid"]["cells"] == [90] and "domain" not in found["case"]


def test_a_ring_has_a_current(solve):
    found = solve(RING)
    assert found["case"]["grid"] | {"cells": 0} == {
        "cells": 0,
        "lower": [0.0],
        "upper": [2.0],
        "boundary": ["periodic"],
    }
    holds(found["quantities"]["current"], stratonovich(0.5, 1.0, 2.0, 0.5), 1e-5)
    assert found["quantities"]["current"]["unit"] == "1/s"
    assert found["quantities"]["W2"]["status"] == "undefined" and "ring" in found["quantities"]["W2"]["why"]


def stratonovich(tilt: float, amplitude: float, period: float, temperature: float) -> float:
    """The stationary current of a tilted ring (1), from a double quadrature: the trapezium is spectral here."""
    n = 400
    x = period * np.arange(n) / n
    rate = 2.0 * np.pi / period
    energy = amplitude / rate * np.cos(rate * x)
    inner = np.empty(n)
    for i in range(n):
        # int_0^period exp((U(x + y) - tilt y - U(x)) / T) dy by Gauss, smooth but not periodic in y
        nodes, weights = np.polynomial.legendre.leggauss(60)
        y = 0.5 * period * (nodes + 1.0)
        there = amplitude / rate * np.cos(rate * (x[i] + y))
        inner[i] = 0.5 * period * np.sum(weights * np.exp((there - energy[i] - tilt * y) / temperature))
    total = period / n * np.sum(inner)
    return temperature * (1.0 - np.exp(-tilt * period / temperature)) / total


def test_mass_flows_out_of_absorbing_ends(solve):
    grid = FINE.replace("-5.0", "-1.0").replace("6.0", "2.0") + 'boundary = ["absorbing", "reflecting"]\n'
    found = solve(OU + grid)["quantities"]
    assert found["outflow"]["value"] > 0.01
    assert found["mass"]["value"] + found["outflow"]["value"] == pytest.approx(1.0, abs=1e-3)


def moments(end: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the problem in the plane, from their equations."""
    steps = 2000
    mean, covariance = np.array([1.0, 0.0]), np.array([[0.4, 0.1], [0.1, 0.3]])
    begin, last = np.array([[-1.0, 0.5], [-0.5, -1.0]]), np.array([[-1.5, 0.5], [-0.5, -1.0]])

    def rates(t, mean, covariance):
        matrix = begin + (last - begin) * t / end
        return matrix @ mean + [0.2, 0.0], matrix @ covariance + covariance @ matrix.T + np.eye(2)

    h = end / steps
    for k in range(steps):
        a = rates(k * h, mean, covariance)
        b = rates((k + 0.5) * h, *(y + 0.5 * h * d for y, d in zip((mean, covariance), a, strict=True)))
        mean, covariance = (y + h * d for y, d in zip((mean, covariance), b, strict=True))
    return mean, covariance


def test_quantities_of_the_plane(solve, tmp_path):
    found = solve(PLANE, "--out", str(tmp_path / "r.nc"))["quantities"]
    mean, covariance = moments(0.5)
    for name, exact in (
        ("mean_x", mean[0]), ("mean_y", mean[1]), ("covariance", covariance[0, 1]),
        ("variance_x", covariance[0, 0]), ("variance_y", covariance[1, 1]),
    ):  # fmt: skip
        holds(found[name], exact, 2e-2)
    with xr.open_dataset(tmp_path / "r.nc") as stored:
        assert stored["density"].dims == ("snapshot", "x", "y") and stored["current_y"].dims == (
            "snapshot",
            "x",
            "y_face",
        )
        assert stored["mean_x"].dims == ("time",)


@pytest.mark.parametrize("text", [OU + FINE, RING, PLANE], ids=["line", "ring", "plane"])
def test_a_solution_repeats_itself(text, solve, tmp_path, capsys):
    first, result = solve(text, "--out", str(tmp_path / "r.nc")), tmp_path / "r.nc"
    assert main(["solve", str(result), "--json", "--out", str(tmp_path / "again.nc")]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["quantities"] == first["quantities"] and again["case"] == first["case"]
    with xr.open_dataset(result) as one, xr.open_dataset(tmp_path / "again.nc") as two:
        assert one.load().identical(two.load())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.nc", "p.toml", "r.nc"]


@pytest.mark.parametrize("start", ["array", "function", "plane", "stretched", "samples"])
def test_what_python_gave_repeats_itself_if_no_function_is_in_it(start, tmp_path, capsys):
    force, grid, times = fp.Quartic(1.0, 1.0), fp.Grid.line(-4.0, 4.0, 40), np.array([0.0, 0.1, 0.3])
    given: object = fp.Gaussian(0.0, 0.5)
    if start == "array":
        given = given.cell_averages(grid.faces)
    elif start == "function":
        given = fp.FunctionDensity(lambda x: np.exp(-(x**2)) / np.sqrt(np.pi), -6.0, 6.0)
    elif start == "samples":
        given = fp.from_samples(np.random.default_rng(1).normal(size=300), bandwidth=0.3)
    elif start == "stretched":
        grid = fp.Grid.stretched(-4.0, 4.0, 40)
    else:
        force, grid = fp.LinearForce([[-1.0, 0.0], [0.0, -1.0]]), fp.Grid.plane((-4, -4), (4, 4), (20, 20))
        given = fp.PlaneFunction(lambda x, y: np.exp(-(x**2) - y**2) / np.pi, (-5, -5), (5, 5))
    first = fp.solve(fp.FokkerPlanck(force, 0.4), given, times, grid=grid, store=fp.Store(tmp_path / "r.nc"))
    assert main(["solve", str(tmp_path / "r.nc"), "--out", str(tmp_path / "again.nc")]) == 0
    with xr.open_dataset(tmp_path / "again.nc") as again:
        for name in ("density", "density_error", "mass"):
            assert np.array_equal(again[name].values, first[name].values)


def test_python_functions_cannot_be_repeated(tmp_path, capsys):
    problem = fp.FokkerPlanck(fp.PotentialForce(lambda x: x**2), 0.4)
    given = problem, fp.Gaussian(0.0, 0.5), [0.0, 0.1]
    fp.solve(*given, grid=fp.Grid.line(-4.0, 4.0, 40), store=fp.Store(tmp_path / "r.nc"))
    assert main(["solve", str(tmp_path / "r.nc")]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "Python functions" in said.err


@pytest.mark.parametrize("kind", ["equilibrium", "stationary"])
@pytest.mark.parametrize(
    "force", ["kind = 'harmonic-trap'\nstiffness = 2.0\ncentre = 3.0", "kind = 'linear'\nmatrix = -2.0\nvector = 6.0"]
)
def test_a_start_at_rest_finds_its_window(kind, force, solve):
    found = solve(
        f"dimension = 1\ntemperature = 0.5\n[force]\n{force}\n[start]\nkind = '{kind}'\n[time]\nend = 1.0\nsteps = 2\n"
    )
    holds(found["quantities"]["mean"], 3.0, 1e-5)
    holds(found["quantities"]["variance"], 0.25, 1e-5)


def test_schemes_by_their_words(solve):
    numerics = "[numerics]\nflux = 'scharfetter-gummel'\nstepper = 'tr-bdf2'\nfixed = 4\n"
    found = solve(OU + FINE + numerics)
    assert (found["diagnostics"]["flux"], found["diagnostics"]["stepper"]) == ("scharfetter-gummel", "tr-bdf2")
    assert found["diagnostics"]["steps_taken"] == 24
    holds(found["quantities"]["mean"], 0.5 + 0.5 * np.exp(-1.0), 1e-1)


def test_too_few_cells_for_bars(solve, tmp_path, capsys):
    found = solve(OU + FINE.replace("128", "8"))
    assert found["quantities"]["mean"]["error"] is None and found["diagnostics"]["density_error"] is None
    assert main(["solve", str(tmp_path / "p.toml")]) == 0
    assert "variance" in capsys.readouterr().out


def test_the_template_runs(tmp_path, capsys):
    assert main(["new", "problem"]) == 0
    (tmp_path / "p.toml").write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["solve", str(tmp_path / "p.toml")]) == 0
    said = capsys.readouterr()
    assert "variance" in said.out and re.search(r"mass-conservation +holds", said.out)
    assert said.err.count("\n") == 1


def test_an_interrupted_command_goes_on(tmp_path, capsys, monkeypatch):
    place, out = tmp_path / "p.toml", tmp_path / "r.nc"
    place.write_text(OU + FINE, encoding="utf-8")
    append = fp.Store.append

    def failing(self, entry):
        append(self, entry)
        if self.kept == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(fp.Store, "append", failing)
        assert main(["solve", str(place), "--out", str(out)]) == 130
    said = capsys.readouterr()
    assert said.out == "" and "3 of 7 stored times" in said.err and "--resume" in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.toml", "r.nc.part"]
    assert main(["solve", str(place), "--out", str(out)]) == 2
    assert "--resume" in capsys.readouterr().err
    assert main(["solve", str(place), "--out", str(out), "--resume", "--json"]) == 0
    resumed = json.loads(capsys.readouterr().out)
    assert main(["solve", str(place), "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert resumed["quantities"] == whole["quantities"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.toml", "r.nc"]


def test_what_cannot_be_computed_leaves_nothing(tmp_path, capsys, monkeypatch):
    place = tmp_path / "p.toml"
    place.write_text(OU + FINE, encoding="utf-8")

    def failing(self, begin, end):
        raise fp.NotConverged("steps too small")

    monkeypatch.setattr("fpsolve.integration.March.advance", failing)
    assert main(["solve", str(place), "--out", str(tmp_path / "r.nc")]) == 3
    assert "steps too small" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["p.toml"]


@pytest.mark.parametrize("text", [OU + FINE, PLANE], ids=["line", "plane"])
def test_a_solution_is_drawn(text, solve, tmp_path, capsys):
    solve(text, "--out", str(tmp_path / "r.nc"))
    assert main(["plot", str(tmp_path / "r.nc")]) == 0
    assert (tmp_path / "r.png").stat().st_size > 10_000


def test_files_of_the_other_kind(solve, tmp_path, capsys):
    solve(OU + FINE, "--out", str(tmp_path / "r.nc"))
    for command in ("run", "converge"):
        assert main([command, str(tmp_path / "r.nc")]) == 2
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1 and "'fpsolve solve' repeats it" in said.err
    forward = fp.diffuse(fp.Gaussian(0.0, 0.5), fp.Cosine(), cells=40, steps=4)
    from fpsolve.io import save

    save(forward, tmp_path / "f.nc")
    assert main(["solve", str(tmp_path / "f.nc")]) == 2
    assert "'fpsolve run' repeats it" in capsys.readouterr().err
    with pytest.raises(fp.InputError, match="what solve returned"):
        fp.generate(xr.open_dataset(tmp_path / "r.nc"), start=fp.Gaussian(0.0, 1.0))


def test_tables_and_samples_in_the_plane(solve, tmp_path):
    x = np.linspace(-2.9, 2.9, 30)
    table = np.exp(-0.5 * (x[:, None] ** 2 + x[None, :] ** 2))
    table /= np.sum(table) * (x[1] - x[0]) ** 2
    xr.Dataset({"q": (("x", "y"), table)}, {"x": x, "y": x}).to_netcdf(tmp_path / "q.nc")
    np.savez(tmp_path / "q.npz", x=x, y=x, q=table)
    np.save(tmp_path / "s.npy", np.random.default_rng(2).normal(size=(500, 2)))
    for entries in (
        "kind = 'tabulated'\nfile = 'q.nc'",
        "kind = 'tabulated'\nfile = 'q.npz'\nvariable = 'q'",
        "kind = 'samples'\nfile = 's.npy'",
        "kind = 'samples'\nfile = 's.npy'\nbandwidth = 0.3",
    ):
        head, rest = PLANE.split("[start]")
        found = solve(f"{head}[start]\n{entries}\n[time]{rest.split('[time]')[1]}")
        assert abs(found["quantities"]["mean_x"]["value"]) < 0.3
        assert 0.5 < found["quantities"]["variance_x"]["value"] < 1.0


CLAIMS = {"fluxes": {"order", "advective_order", "positive"}, "steppers": {"order", "stability", "takes", "dimensions"}}


def test_schemes(capsys):
    assert main(["schemes", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    for family, claims in CLAIMS.items():
        assert all(claims | {"kind", "reference", "conservative"} <= row.keys() for row in found[family])
        assert all(None not in row.values() for row in found[family])
    assert main(["schemes"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 120 and "[" not in text and "scharfetter-gummel" in text


@pytest.mark.parametrize("stepper", ["sdirk4", "rkl2", "crank-nicolson", "backward-euler"])
@pytest.mark.parametrize("flux", ["fourth-order", "scharfetter-gummel", "central"])
@pytest.mark.parametrize("cells", [32, 64, 128])
def test_bars_of_moments_hold(flux, stepper, cells):
    from fpsolve.settings import from_recipe

    schemes = {family: from_recipe(family, {"kind": kind}) for family, kind in (("flux", flux), ("stepper", stepper))}
    times, trap = np.linspace(0.0, 2.0, 5), fp.HarmonicTrap(1.0, speed=0.5)
    rtol = 1e-3 if stepper == "backward-euler" else 1e-6
    grid = fp.Grid.line(-5.0, 6.0, cells)
    found = fp.solve(fp.FokkerPlanck(trap, 0.5), fp.Gaussian(1.0, 0.4), times, grid=grid, rtol=rtol, **schemes)
    mean = 0.5 * times - 0.5 + 1.5 * np.exp(-times)
    variance = 0.5 + (0.16 - 0.5) * np.exp(-2.0 * times)
    for name, exact in (("mean", mean), ("variance", variance)):
        error = np.abs(found[name].values - exact)
        assert np.all(error <= found[f"{name}_error"].values), (name, error, found[f"{name}_error"].values)
