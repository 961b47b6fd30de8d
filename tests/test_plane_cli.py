"""Case files in the plane through the command line: every kind of data and schedule, JSON, NetCDF, repetition."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import fpsolve as fp
from fpsolve import io
from fpsolve.cases import case_from_recipe, pack
from fpsolve.cli import main
from fpsolve.dynamics.plane import cells_per_width
from fpsolve.grids import Grid
from fpsolve.reverse import generated_fields
from tests.test_cli import NAMES, QUANTITIES, strict_json

DATA = 'kind = "gaussian"\nmean = [0.3, -0.2]\nstd = 0.95'
START = 'kind = "gaussian"\nmean = [0.2, 0.1]\nstd = 0.95'
COARSE = "[grid]\ncells = [32, 32]\n[time]\nsteps = 4\n"
#: kind of data -> (its table, its mean, and how far the mean may be from that)
KINDS: dict[str, tuple[str, tuple[float, float], float]] = {
    "gaussian, std": (DATA, (0.3, -0.2), 1e-9),
    "gaussian, stds": ('kind = "gaussian"\nmean = [0.3, -0.2]\nstds = [0.6, 0.7]', (0.3, -0.2), 1e-9),
    "gaussian, covariance": (
        'kind = "gaussian"\nmean = [0.3, -0.2]\ncovariance = [[0.4, 0.1], [0.1, 0.5]]',
        (0.3, -0.2),
        1e-9,
    ),
    "mixture, stds, equal weights": (
        'kind = "gaussian-mixture"\nmeans = [[0.5, 0.0], [-0.7, 0.2]]\nstds = [0.6, 0.7]',
        (-0.1, 0.1),
        1e-9,
    ),
    "mixture, covariances, weights": (
        'kind = "gaussian-mixture"\nweights = [0.3, 0.7]\nmeans = [[0.5, 0.0], [-0.5, 0.2]]\n'
        "covariances = [[[0.5, 0.1], [0.1, 0.6]], [[0.5, 0.0], [0.0, 0.5]]]",
        (-0.2, 0.14),
        1e-9,
    ),
    "uniform": ('kind = "uniform"\nlower = [-0.8, -0.6]\nupper = [0.6, 0.9]', (-0.1, 0.15), 1e-12),
    "tabulated, NetCDF": ('kind = "tabulated"\nfile = "table.nc"\nvariable = "q"', (0.25, -0.25), 1e-12),
    "tabulated, archive": ('kind = "tabulated"\nfile = "table.npz"', (0.25, -0.25), 1e-12),
    "samples, histogram": ('kind = "samples"\nfile = "samples.npy"', (0.1, -0.3), 0.05),
    "samples, bandwidth": ('kind = "samples"\nfile = "samples.npy"\nbandwidth = 0.3', (0.1, -0.3), 1e-9),
    "swiss-roll": ('kind = "swiss-roll"\nblur = 0.3\ncentred = true', (0.0, 0.0), 1e-9),
    "image, array": ('kind = "image"\nfile = "image.npy"\nlower = [-1, -1]\nupper = [1, 1]', (0.375, -0.125), 1e-12),
    "image, picture": ('kind = "image"\nfile = "image.png"\nlower = [-1, -1]\nupper = [1, 1]', (0.375, -0.125), 1e-12),
}
SCHEDULES = {
    "cosine": 'kind = "cosine"',
    "cond-ot": 'kind = "cond-ot"',
    "ve": 'kind = "ve"\nsigma_max = 1.2',
    "ve, geometric": 'kind = "ve"\nsigma_max = 1.2\ngrowth = "geometric"\nsigma_min = 0.05',
    "vp-linear": 'kind = "vp-linear"\nbeta_min = 0.1\nbeta_max = 5.0',
    "ddpm": 'kind = "ddpm"\nbetas = [0.05, 0.1, 0.2, 0.3, 0.4]',
    "ddpm, file": 'kind = "ddpm"\nfile = "betas.npy"',
    "arrays": 'kind = "arrays"\nt = [0.0, 0.25, 0.5, 0.75, 1.0]\nm = [1.0, 0.9, 0.7, 0.4, 0.1]\n'
    "sigma = [0.0, 0.4, 0.7, 0.9, 1.0]",
    "linear-force": 'kind = "linear-force"\nh = 0.5\ng = 2.0\nT_fin = 1.0',
    "linear-force, two stiffnesses": 'kind = "linear-force"\nh = [0.5, 0.8]\ng = 2.0\nT_fin = 1.0',
    "stirring, vortices": 'kind = "stirring"\nstrength = 0.5\nschedule = {kind = "cosine"}\n'
    'stream = {kind = "vortices", wavelength = 2.0}',
    "stirring, levels": 'kind = "stirring"\nschedule = {kind = "cond-ot"}\nstream = {kind = "levels"}',
    "stirring of a force": 'kind = "stirring"\nstrength = 0.2\nstream = {kind = "levels"}\n'
    'schedule = {kind = "linear-force", h = 0.5, g = 2.0, T_fin = 1.0}',
    "optimal-transport": 'kind = "optimal-transport"',
    "optimal-transport, warm": 'kind = "optimal-transport"\ntemperature = 0.1',
    "optimal-transport, target": 'kind = "optimal-transport"\n[schedule.target]\nkind = "gaussian"\n'
    "mean = [0.1, 0.0]\nstds = [0.9, 1.1]",
}
#: schedules that a whole run is made of: one of each way to compute
RUNS = "vp-linear", "linear-force", "stirring, vortices", "optimal-transport, target"
FIELDS = {
    "density": ("snapshot", "x", "y"),
    "density_estimated": ("snapshot", "x", "y"),
    "velocity_x": ("snapshot", "x", "y"),
    "velocity_y": ("snapshot", "x", "y"),
    "current_x": ("snapshot", "x_face", "y"),
    "current_y": ("snapshot", "x", "y_face"),
}


def case(data: str = DATA, schedule: str = SCHEDULES["cosine"], start: str = START, rest: str = COARSE) -> str:
    return f"dimension = 2\ntau = 1.0\n[data]\n{data}\n[schedule]\n{schedule}\n[start]\n{start}\n{rest}"


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Files that cases name; the image has rows from top to bottom."""
    folder = tmp_path_factory.mktemp("plane")
    edges = np.linspace(-1.0, 1.0, 5)
    centres = 0.5 * (edges[1:] + edges[:-1])
    table = np.zeros((4, 4))
    table[2, 1] = 4.0
    xr.Dataset({"q": (("x", "y"), table), "other": (("x", "y"), table)}, {"x": centres, "y": centres}).to_netcdf(
        folder / "table.nc"
    )
    np.savez(folder / "table.npz", x=centres, y=centres, q=table)
    samples = np.random.default_rng(3).normal(size=(150, 2)) * [0.5, 0.4]
    np.save(folder / "samples.npy", samples - samples.mean(axis=0) + [0.1, -0.3])
    image = np.zeros((8, 8))
    image[4, 5] = 200.0  # centre at x = 0.375, y = -0.125
    np.save(folder / "image.npy", image)
    Image = pytest.importorskip("PIL.Image")
    Image.fromarray(image.astype(np.uint8)).save(folder / "image.png")
    np.save(folder / "betas.npy", np.array([0.05, 0.1, 0.2, 0.3, 0.4]))
    return folder


def placed(folder: Path, tmp_path: Path, text: str) -> str:
    """A case file beside copies of the files."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "case.toml").write_text(text, encoding="utf-8")
    return str(tmp_path / "case.toml")


def ran(capsys, *arguments: str) -> dict:
    assert main([*arguments, "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return strict_json(said.out)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_data(name, files, tmp_path):
    """The data have mass one and the mean that their table says, on the grid chosen for them; the recipe is whole."""
    table, mean, off = KINDS[name]
    found = io.read(placed(files, tmp_path, case(table)))
    assert isinstance(found, fp.PlaneCase) and found.cells == (32, 32)
    assert found.data.mean == pytest.approx(mean, abs=off)
    edges = [np.linspace(*side, 41) for side in found.data.interval(1e-9)]
    assert found.data.cell_masses(*edges).sum() == pytest.approx(1.0, abs=1e-8)
    again = case_from_recipe(found.recipe())
    assert np.array_equal(again.data.cell_masses(*edges), found.data.cell_masses(*edges))


def test_an_image_and_the_table_of_it_are_one(files, tmp_path):
    edges = np.linspace(-1.0, 1.0, 9)
    masses = [
        io.read(placed(files, tmp_path, case(KINDS[name][0]))).data.cell_masses(edges, edges)
        for name in ("image, array", "image, picture")
    ]
    assert masses[0] == pytest.approx(masses[1], abs=1e-14)
    assert masses[0][5, 3] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule(name, files, tmp_path):
    """Both processes keep their mass; the ends are the data and the start; the NetCDF holds what was computed."""
    found = io.read(placed(files, tmp_path, case(schedule=SCHEDULES[name])))
    fields = generated_fields(found)
    edges = [axis.edges for axis in found.grid.axes]
    area = float(np.prod([axis.widths[0] for axis in found.grid.axes]))
    for field in ("density", "density_estimated"):
        assert fields[field].sum(["x", "y"]).values * area == pytest.approx(np.ones(4), abs=2e-4)
    assert fields["density"].values[0] == pytest.approx(found.data.cell_averages(*edges), abs=1e-12)
    assert fields["density_estimated"].values[-1] == pytest.approx(found.start.cell_averages(*edges), abs=1e-3)
    assert np.all(np.isfinite(fields["velocity_x"])) and np.all(np.isfinite(fields["velocity_y"]))
    io.save(fields, tmp_path / "r.nc")
    again = io.read(tmp_path / "r.nc")
    assert again.recipe() == found.recipe()
    assert again.grid.axes[0].edges.tolist() == found.grid.axes[0].edges.tolist()


@pytest.mark.parametrize("name", RUNS)
def test_a_run_and_its_repetition(name, files, tmp_path, capsys):
    """JSON with every name and no NaN; the result gives identical numbers."""
    path = placed(files, tmp_path, case(schedule=SCHEDULES[name]))
    seen = []
    for given, out in ((path, "first.nc"), (str(tmp_path / "first.nc"), "second.nc")):
        content = ran(capsys, "run", given, "--out", str(tmp_path / out))
        assert content["diagnostics"].pop("seconds") > 0.0
        seen.append(content)
    assert seen[0] == seen[1]
    xr.testing.assert_identical(io.load(tmp_path / "first.nc"), io.load(tmp_path / "second.nc"))
    content = seen[0]
    assert set(content["quantities"]) >= QUANTITIES
    assert [relation["name"] for relation in content["relations"]] == NAMES
    assert all(relation["verdict"] in {"holds", "undecided", "undefined"} for relation in content["relations"])
    for entry in content["quantities"].values():
        assert entry["unit"] and math.isfinite(entry["value"]) and entry["error"] >= 0.0
    assert {"mass_error", "minimum_density", "chi2_drift", "truncated"} == set(content["diagnostics"])
    assert content["diagnostics"]["mass_error"] < 1e-3 and content["diagnostics"]["minimum_density"] >= 0.0
    case_from_recipe(content["case"])


@pytest.mark.parametrize("name", ["cosine", "optimal-transport"])
def test_the_distances_of_two_normal_densities(name, files, tmp_path, capsys):
    """W₁ at t = τ of two translates, W₂ of the ends and D₀ have closed forms: each lies within its bar."""
    start = 'kind = "gaussian"\nmean = [0.4, -0.3]\nstd = 1.0'
    found = ran(capsys, "run", placed(files, tmp_path, case(schedule=SCHEDULES[name], start=start)))["quantities"]
    known = {
        "W1_initial": 0.5,
        "D0": math.expm1(0.25),
        "W2": math.sqrt(0.3**2 + 0.2**2 + 2.0 * 0.05**2),
        "W1_final": 0.475,  # a translate at t = τ is one, scaled by 0.95, at t = 0: both flows are affine
    }
    for quantity, value in known.items():
        assert abs(found[quantity]["value"] - value) <= found[quantity]["error"] + 1e-12


def test_the_result_opens_in_xarray_alone(files, tmp_path, capsys):
    path = placed(files, tmp_path, case(rest=COARSE.replace("[32, 32]", "[32, 28]") + "snapshots = 3\n"))
    main(["run", path, "--out", str(tmp_path / "r.nc")])
    with xr.open_dataset(tmp_path / "r.nc") as data:
        assert {name: data[name].dims for name in FIELDS} == FIELDS
        assert dict(data.sizes) == {"time": 5, "snapshot": 3, "x": 32, "y": 28, "x_face": 33, "y_face": 29}
        assert data["snapshot"].values.tolist() == [0.0, 0.5, 1.0]
        assert np.all(np.diff(data["time"]) > 0.0)
        assert data["reverse_time"].values == pytest.approx(1.0 - data["time"].values)
        for name in ("dissipation_rate", "entropy_production_rate", "v2", "v_loss", "W1", "chi2"):
            assert data[name].dims == ("time",)
        for variable in data.variables.values():
            assert variable.attrs["units"] == "1" and variable.attrs["long_name"]
        assert all("equation" in data[name].attrs for name in data.data_vars)
        assert data.attrs["format_version"] == 1
        assert json.loads(data.attrs["recipe"])["grid"]["cells"] == [32, 28]


def test_arrays_of_a_recipe_are_variables(files, tmp_path):
    found = io.read(placed(files, tmp_path, case(KINDS["samples, histogram"][0])))
    text, arrays = pack(found.recipe())
    assert {"recipe_data_edges_x", "recipe_data_edges_y", "recipe_data_averages"} <= set(arrays)
    assert len(text) < 2000


def test_a_figure(files, tmp_path, capsys):
    path = placed(files, tmp_path, case())
    assert main(["run", path, "--figure", str(tmp_path / "f.png"), "--out", str(tmp_path / "r.nc")]) == 0
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    assert main(["plot", str(tmp_path / "r.nc"), "--out", str(tmp_path / "p.pdf")]) == 0
    assert (tmp_path / "p.pdf").read_bytes().startswith(b"%PDF")


def test_converge(files, tmp_path, capsys):
    path = placed(files, tmp_path, case(rest=COARSE.replace("[32, 32]", "[24, 24]")))
    content = ran(capsys, "converge", path, "--levels", "2")
    assert [level["cells"] for level in content["levels"]] == [[24, 24], [48, 48]]
    assert set(content["limits"]) >= QUANTITIES and set(content["orders"]) >= QUANTITIES


def test_an_infinite_divergence_is_no_failure(files, tmp_path, capsys):
    grid = "[grid]\ncells = [24, 24]\nlower = [-8, -8]\nupper = [8, 8]\n[time]\nsteps = 4\n"
    path = placed(files, tmp_path, case(start=START.replace("0.95", "1.5"), rest=grid))
    found = ran(capsys, "run", path)["quantities"]
    assert (found["D0"]["value"], found["D0"]["error"]) == ("inf", None)
    for name in ("eta", "c1"):
        assert found[name]["value"] is None and found[name]["status"] == "undefined" and found[name]["why"]


def test_a_target_that_does_not_cover_the_start(files, tmp_path, capsys):
    """Where the geodesic's end has no mass but the start has some, D is infinite, and that is said."""
    schedule = 'kind = "optimal-transport"\n[schedule.target]\nkind = "uniform"\nlower = [-2, -2]\nupper = [2, 2]'
    start = 'kind = "uniform"\nlower = [-3, -1]\nupper = [1, 1]'
    assert main(["run", placed(files, tmp_path, case(schedule=schedule, start=start)), "--json"]) == 0
    found = strict_json(capsys.readouterr().out)["quantities"]
    assert found["D0"]["value"] == "inf"
    assert "mass where" in found["eta"]["why"]


def test_a_sharp_roll_has_a_geodesic(files, tmp_path, capsys):
    """Transport needs masses of cells alone; a blur b moves W₂ by b √2 at most, and W₂ is at least the mean's way."""
    found = []
    for blur in (0.0, 0.1):
        roll = f'kind = "swiss-roll"\nblur = {blur}'
        path = placed(files, tmp_path, case(roll, SCHEDULES["optimal-transport"]))
        main(["run", path, "--json"])
        found.append(strict_json(capsys.readouterr().out)["quantities"]["W2"])
    bars = found[0]["error"] + found[1]["error"]
    assert abs(found[0]["value"] - found[1]["value"]) <= 0.1 * math.sqrt(2.0) + bars
    assert found[0]["value"] + found[0]["error"] >= float(np.hypot(*fp.SwissRoll().mean))


def test_a_grid_too_coarse_for_the_data_is_told(files, tmp_path, capsys):
    """One line on standard error, with the number that a reader can check; nothing on a grid that is fine enough."""
    grid = "[grid]\ncells = [{0}, {0}]\nlower = [-6, -6]\nupper = [6, 6]\n[time]\nsteps = 4\n"
    assert main(["run", placed(files, tmp_path, case(rest=grid.format(14))), "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == (
        "fpsolve: UserWarning: 1.1 cells per smallest width of the data (blur, std): expect wide bars; refine\n"
    )
    strict_json(said.out)
    fine = placed(files, tmp_path, case(rest=grid.format(16)))
    assert main(["run", fine, "--json"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("density", "width"),
    [
        (fp.PlaneGaussian((0.0, 0.0), std=0.3), 0.3 / 0.5),
        (fp.PlaneGaussian((0.0, 0.0), stds=(0.5, 0.2)), 0.2 / 0.25),
        (fp.PlaneMixture(((0.0, 0.0), (1.0, 0.0)), stds=(0.4, 0.3)), 0.3 / 0.5),
        (fp.SwissRoll(blur=0.1), 0.1 / 0.5),
        (fp.SwissRoll(), math.inf),
        (fp.PlaneUniform((0.0, 0.0), (1.0, 1.0)), math.inf),
    ],
)
def test_cells_per_width(density, width):
    """Along each axis in cells of that axis: 0.5 along x, 0.25 along y."""
    grid = Grid.plane((-4.0, -4.0), (4.0, 4.0), (16, 32))
    assert cells_per_width(density, grid) == pytest.approx(width, rel=1e-12)
