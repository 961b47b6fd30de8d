from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import xarray as xr

import fpsolve as fp
from fpsolve import io
from fpsolve.accuracy import assess
from fpsolve.cases import Case
from fpsolve.reverse import generated_fields

GOOD = """
dimension = 1
tau = 1.0
[data]
{data}
[schedule]
{schedule}
[start]
kind = "gaussian"
mean = 0.3
std = 1
[grid]
cells = 40
[time]
steps = 4
"""
GAUSSIAN = "kind = 'gaussian'\nmean = 0\nstd = 0.5"
COSINE = "kind = 'cosine'"


def written(folder, data=GAUSSIAN, schedule=COSINE):
    path = folder / "case.toml"
    path.write_text(GOOD.format(data=data, schedule=schedule), encoding="utf-8")
    return path


@pytest.fixture
def small():
    data = fp.GaussianMixture(means=(0.6, -0.6), stds=(0.3, 0.3))
    return Case(data, fp.Cosine(), fp.Gaussian(0.3, 1.0), cells=40, steps=4)


@pytest.fixture
def table():
    """Cell centres and averages of a density with mass 1."""
    edges = np.linspace(-2.0, 2.0, 33)
    masses = fp.Gaussian(0.0, 0.5).cell_masses(edges)
    return 0.5 * (edges[1:] + edges[:-1]), masses / (masses.sum() * np.diff(edges))


# case files


def test_defaults_and_given_numbers(tmp_path):
    case = io.read_case(written(tmp_path))
    assert (case.cells, case.steps, case.tau, case.estimated) == (40, 4, 1.0, "exact")
    assert case.data == fp.Gaussian(0.0, 0.5)


def test_a_start_is_asked_for_or_not(tmp_path):
    text = written(tmp_path).read_text(encoding="utf-8")
    path = tmp_path / "forward.toml"
    path.write_text(text[: text.index("[start]")], encoding="utf-8")
    assert io.read_case(path, needs_start=False).start is None
    with pytest.raises(fp.InputError, match=r"forward\.toml: start: missing"):
        io.read_case(path)


@pytest.mark.parametrize("name", ["q.csv", "bare.csv", "edges.npz", "q.npz", "q.npy", "q.nc", "inline"])
def test_tabulated(name, table, tmp_path):
    x, density = table
    data = f"kind = 'tabulated'\nfile = '{name}'"
    if name == "q.csv":
        rows = [f"{a!r}, 1, {b!r}" for a, b in zip(x.tolist(), density.tolist(), strict=True)]
        (tmp_path / name).write_text("\n".join(["# x, other, density", "", *rows]), encoding="utf-8")
        data += "\nvariable = 'density'"
    elif name == "bare.csv":
        np.savetxt(tmp_path / name, np.column_stack([x, density]), delimiter=",")
    elif name == "edges.npz":
        np.savez(tmp_path / name, edges=np.linspace(-2.0, 2.0, 33), density=density)
    elif name == "q.npz":
        np.savez(tmp_path / name, x=x, density=density, other=density)
        data += "\nvariable = 'density'"
    elif name == "q.npy":
        np.save(tmp_path / name, np.column_stack([x, density]))
    elif name == "q.nc":
        xr.Dataset({"density": ("x", density)}, {"x": x}).to_netcdf(tmp_path / name)
    else:
        data = f"kind = 'tabulated'\nedges = {np.linspace(-2.0, 2.0, 33).tolist()}\naverages = {density.tolist()}"
    found = io.read_case(written(tmp_path, data)).data
    np.testing.assert_allclose(found.edges, np.linspace(-2.0, 2.0, 33), atol=1e-14)
    np.testing.assert_allclose(found.averages, density, rtol=1e-13)


def test_files_are_relative_to_the_case_file(tmp_path, monkeypatch):
    folder = tmp_path / "below"
    folder.mkdir()
    np.save(folder / "x.npy", np.linspace(-1.0, 1.0, 50))
    path = written(folder, "kind = 'samples'\nfile = 'x.npy'\nbandwidth = 0.1")
    monkeypatch.chdir(tmp_path)
    assert io.read_case(path).data.mean == pytest.approx(0.0, abs=1e-12)


def test_samples_as_a_histogram_on_the_grid(tmp_path):
    x = np.random.default_rng(0).normal(size=400)
    np.savez(tmp_path / "x.npz", x=x, label=np.zeros(3))
    data = io.read_case(written(tmp_path, "kind = 'samples'\nfile = 'x.npz'")).data
    assert isinstance(data, fp.Tabulated)
    assert data.averages.size == 40
    assert data.mean == pytest.approx(x.mean(), abs=0.02)


def test_a_target_may_be_a_file(table, tmp_path):
    np.save(tmp_path / "q.npy", np.column_stack(table))
    schedule = "kind = 'optimal-transport'\n[schedule.target]\nkind = 'tabulated'\nfile = 'q.npy'"
    assert isinstance(io.read_case(written(tmp_path, schedule=schedule)).schedule.target, fp.Tabulated)


DESIGN = {
    name: {"t": [0, 0.5, 1], "m": [1, level, 0], "sigma": [0, 0.6, 1]}
    for name, level in (("best", 0.8), ("retimed", 0.7))
}


@pytest.mark.parametrize(("which", "level"), [("", 0.8), ("which = 'best'", 0.8), ("which = 'retimed'", 0.7)])
def test_a_designed_schedule(which, level, tmp_path):
    (tmp_path / "s.json").write_text(json.dumps({"quantities": {}, "schedule": DESIGN}), encoding="utf-8")
    schedule = io.read_case(written(tmp_path, schedule=f"kind = 'arrays'\nfile = 's.json'\n{which}")).schedule
    assert schedule.m == (1.0, level, 0.0)


@pytest.mark.parametrize("name", ["s.csv", "s.npz", "s.nc", "plain.json"])
def test_a_schedule_from_arrays(name, tmp_path):
    arrays = {key: np.array(value, float) for key, value in DESIGN["best"].items()}
    if name == "s.csv":
        rows = np.column_stack(list(arrays.values()))
        np.savetxt(tmp_path / name, rows, delimiter=",", header="t,m,sigma", comments="")
    elif name == "s.npz":
        np.savez(tmp_path / name, **arrays)
    elif name == "s.nc":
        xr.Dataset({key: ("i", value) for key, value in arrays.items()}).to_netcdf(tmp_path / name)
    else:
        (tmp_path / name).write_text(json.dumps(DESIGN["best"]), encoding="utf-8")
    schedule = io.read_case(written(tmp_path, schedule=f"kind = 'arrays'\nfile = '{name}'")).schedule
    assert schedule.sigma == (0.0, 0.6, 1.0)


@pytest.mark.parametrize(("name", "variable"), [("b.npy", "betas"), ("b.json", "betas"), ("b.csv", "alphas_cumprod")])
def test_betas_from_a_file(name, variable, tmp_path):
    betas = np.linspace(1e-4, 0.02, 100)
    values = betas if variable == "betas" else np.cumprod(1.0 - betas)
    if name == "b.npy":
        np.save(tmp_path / name, values)
    elif name == "b.json":
        (tmp_path / name).write_text(json.dumps({variable: values.tolist()}), encoding="utf-8")
    else:
        np.savetxt(tmp_path / name, values)
    schedule = f"kind = 'ddpm'\nfile = '{name}'\nvariable = '{variable}'"
    found = io.read_case(written(tmp_path, schedule=schedule)).schedule
    expected = fp.DiscreteDiffusion(betas=tuple(betas))
    times = np.array([0.1, 0.5, 1.0])
    np.testing.assert_allclose(found.curve(times).signal, expected.curve(times).signal, rtol=1e-12)


def test_a_case_file_with_a_byte_order_mark(tmp_path):
    path = written(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert io.read_case(path).cells == 40


# results


def test_a_result_comes_back_as_it_was(small, tmp_path):
    result = assess(small, generated_fields(small))
    io.save(result, tmp_path / "r.nc")
    loaded = io.load(tmp_path / "r.nc")
    assert {"source", "recipe", "format_version", "Conventions"} <= loaded.attrs.keys()
    xr.testing.assert_identical(
        loaded.drop_attrs(deep=False), result.data.drop_attrs(deep=False).assign_coords(loaded.coords)
    )
    (tmp_path / "r.nc").unlink()  # closed, and wholly in memory
    assert float(loaded["density"].sum()) > 0.0


def test_it_opens_in_xarray_alone(small, tmp_path, run_python):
    io.save(generated_fields(small), tmp_path / "r.nc")
    code = """
import sys, xarray
with xarray.open_dataset(sys.argv[1]) as data:
    assert data["density"].dims == ("time", "x") and data["velocity"].dims == ("time", "x_face")
    assert data["time"].dtype == float and data["time"].values[-1] == 1.0
    assert "reverse_time" in data.coords and data["reverse_time"].values[-1] == 0.0
    assert all({"units", "long_name"} <= data[name].attrs.keys() for name in data.variables)
assert "fpsolve" not in sys.modules
"""
    run_python(code, str(tmp_path / "r.nc"))


EXOTIC = {
    "mixture": lambda rng: fp.GaussianMixture(means=tuple(rng.normal(size=100)), stds=(0.3,) * 100),
    "tabulated": lambda rng: fp.Tabulated(np.linspace(-1, 1, 101), _averages(rng, 100)),
    "function": lambda rng: fp.FunctionDensity(lambda x: np.exp(-(np.abs(x) ** 3)) / 1.7859590236427803, -3.0, 3.0),
    "uniform": lambda rng: fp.Uniform(-1 / 3, 0.7),
}


def _averages(rng, cells):
    averages = rng.random(cells)
    return averages / np.sum(averages * np.diff(np.linspace(-1, 1, cells + 1)))


@pytest.mark.parametrize("name", EXOTIC)
@pytest.mark.parametrize("role", ["data", "start", "target"])
def test_a_recipe_rebuilds_the_same_numbers(name, role, tmp_path):
    density = EXOTIC[name](np.random.default_rng(1))
    parts = {"data": fp.Gaussian(0.1, 0.4), "start": fp.Gaussian(0.2, 0.9)}
    schedule = fp.VariancePreserving(beta_min=0.1, beta_max=1.0 / 3.0)
    if role == "target":
        schedule = fp.OptimalTransport(target=density, tau=0.7)
        parts["start"] = fp.Uniform(-0.3, 0.6)
    else:
        parts[role] = density
    case = Case(parts["data"], schedule, parts["start"], cells=30, steps=2)
    io.save(generated_fields(case), tmp_path / "r.nc")
    again = io.read(tmp_path / "r.nc")
    io.save(generated_fields(again), tmp_path / "again.nc")
    first, second = io.load(tmp_path / "r.nc"), io.load(tmp_path / "again.nc")
    assert first.attrs["recipe"] == second.attrs["recipe"]
    xr.testing.assert_identical(first, second)


def test_snapshots_hold_the_fields(small, tmp_path):
    case = Case(small.data, small.schedule, small.start, cells=40, steps=9, snapshots=4)
    result = assess(case, generated_fields(case))
    io.save(result, tmp_path / "r.nc")
    loaded = io.load(tmp_path / "r.nc")
    assert loaded.sizes["time"] == 10 and loaded.sizes["snapshot"] == 4
    np.testing.assert_allclose(loaded["snapshot"], [0.0, 1 / 3, 2 / 3, 1.0])
    assert loaded["density"].dims == ("snapshot", "x") and loaded["v2"].dims == ("time",)
    np.testing.assert_array_equal(loaded["density"][1], result.data["density"][3])
    assert io.read(tmp_path / "r.nc").snapshots == 4
    xr.testing.assert_identical(io.on_snapshots(loaded), loaded)


def test_an_existing_file_stays(small, tmp_path):
    path = tmp_path / "r.nc"
    path.write_text("old")
    fields = generated_fields(small)
    with pytest.raises(fp.InputError, match="it exists"):
        io.save(fields, path)
    assert path.read_text() == "old"
    io.save(fields, path, overwrite=True)
    assert io.load(path).sizes["x"] == 40


def test_a_failed_write_leaves_nothing(tmp_path):
    unwritable = xr.Dataset({"a": ("x", np.array([object()]))}, attrs={"recipe": "{}"})
    (tmp_path / "r.nc").write_text("old")
    with pytest.raises((TypeError, ValueError)):
        io.save(unwritable, tmp_path / "r.nc", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["r.nc"]
    assert (tmp_path / "r.nc").read_text() == "old"


def test_a_link_is_followed(small, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.nc").symlink_to(tmp_path / "real" / "r.nc")
    io.save(generated_fields(small), tmp_path / "link.nc")
    assert (tmp_path / "link.nc").is_symlink() and io.load(tmp_path / "real" / "r.nc").sizes["x"] == 40


@pytest.mark.parametrize("kept", [0, 10, 1000, 0.5, 0.99])
def test_a_truncated_file(small, kept, tmp_path):
    io.save(generated_fields(small), tmp_path / "r.nc")
    content = (tmp_path / "r.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(fp.InputError, match=r"cut\.nc"):
        io.load(tmp_path / "cut.nc")


def test_the_state_of_the_checkout(root, package):
    found = io.datasets.provenance()
    assert found["source"] == f"fpsolve {fp.__version__}"
    own = package.parent == root and (root / ".git").exists()
    assert ("git" in found) == own


def test_no_state_of_somebody_elses_checkout(package, tmp_path, run_python):
    """Installed below a project under version control, that project's state is not ours."""
    shutil.copytree(package, tmp_path / "lib" / "fpsolve", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / ".git").mkdir()
    code = "from fpsolve.io.datasets import provenance; print(*provenance())"
    assert run_python(code, path=tmp_path / "lib").stdout.split() == ["source"]


# outputs


def test_files_are_moved_together_or_not_at_all(tmp_path):
    first, second = tmp_path / "a.nc", tmp_path / "b.png"
    with pytest.raises(KeyboardInterrupt), io.staged([first, second]) as (one, two):
        one.write_text("1")
        two.write_text("2")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with io.staged([first, second]) as (one, two):
        one.write_text("1")
        two.write_text("2")
    assert (first.read_text(), second.read_text()) == ("1", "2")
    assert len(list(tmp_path.iterdir())) == 2


def fill(folder, files):
    with io.staged_folder(io.check_folder(folder)) as place:
        for name, text in files.items():
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_text(text)


def test_a_folder_of_ours_is_replaced(tmp_path):
    folder = tmp_path / "report"
    fill(folder, {"a.txt": "1", "old/b.txt": "1"})
    fill(folder, {"a.txt": "2", "new/c.txt": "2"})
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    assert names == ["a.txt", "manifest.json", "new", "new/c.txt"]
    assert (folder / "a.txt").read_text() == "2"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_folder_with_other_files_is_refused(tmp_path):
    folder = tmp_path / "report"
    fill(folder, {"a.txt": "1"})
    (folder / "mine.txt").write_text("keep")
    with pytest.raises(fp.InputError, match=r"mine\.txt"):
        io.check_folder(folder)
    with io.staged_folder(io.check_folder(folder, overwrite=True)) as place:
        (place / "a.txt").write_text("2")
    assert (folder / "mine.txt").read_text() == "keep" and (folder / "a.txt").read_text() == "2"


def test_a_manifest_of_somebody_else_gives_no_right(tmp_path):
    (tmp_path / "manifest.json").write_text('{"files": ["manifest.json", "thesis.tex"]}')
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(fp.InputError):
        io.check_folder(tmp_path)


def test_a_failed_folder_leaves_the_old_one(tmp_path):
    folder = tmp_path / "report"
    fill(folder, {"a.txt": "1"})
    with pytest.raises(KeyboardInterrupt), io.staged_folder(folder) as place:
        (place / "a.txt").write_text("2")
        raise KeyboardInterrupt
    assert (folder / "a.txt").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
