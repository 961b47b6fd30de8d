"""The layers of the package: an import may only point to an earlier layer, and every heavy library has one home."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "fpsolve"

# A name is a module or a package directly below fpsolve; names of one layer do not import each other.
LAYERS: list[tuple[str, ...]] = [
    ("kernels",),
    ("settings", "estimates", "progress"),
    ("quadrature",),
    ("mesh",),
    ("grids",),
    ("densities",),
    ("transport",),
    ("forces", "schedules"),
    ("equation",),
    ("processes",),
    ("fluxes",),
    ("discretisation",),
    ("steppers",),
    ("integration",),
    ("backward",),
    ("planar",),
    ("problems",),
    ("generator",),
    ("cases",),
    ("dynamics",),
    ("solution",),
    ("reverse",),
    ("thermodynamics",),
    ("bounds",),
    ("results",),
    ("estimated",),
    ("measuring",),
    ("accuracy",),
    ("verification",),
    ("design",),
    ("learning",),
    ("io",),
    ("plots",),
    ("sweeps", "experiments"),
    ("report",),
    ("cli",),
    ("__main__",),
]

# Each library may be imported in these layers alone.
HOMES = {
    "numba": {"kernels"},
    "llvmlite": {"kernels"},
    "threadpoolctl": {"kernels"},
    "matplotlib": {"plots"},
    "PIL": {"io"},
    "netCDF4": {"io"},
    "dask": {"sweeps"},
    "jinja2": {"report"},
}
XARRAY_FROM = "dynamics"
OPTIONAL = {"dask"}
#: what to import of a distribution under another name
MODULES = {"pillow": "pil"}

RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))


def layer_of(file: str) -> str:
    """First name of the module's path; the package's own ``__init__`` stands above all layers."""
    return file.split("/")[0].removesuffix(".py")


def imports(text: str, file: str) -> Iterator[tuple[int, str]]:
    """Line and absolute name of all that a file imports, in functions too."""
    package = ["fpsolve", *file.split("/")[:-1]]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *filter(None, [node.module])])
            for alias in node.names:
                yield node.lineno, f"{start}.{alias.name}"


def breaches(text: str, file: str) -> list[str]:
    """What a file imports against the order of the layers."""
    own, found = layer_of(file), []
    if own == "__init__":
        return []
    for line, name in imports(text, file):
        parts = name.split(".")
        other = parts[1] if len(parts) > 1 else ""
        if parts[0] != "fpsolve" or other == own or other == "__version__":
            continue
        if other not in RANK:
            found.append(f"{file}:{line} imports {name}: name the module it comes from, not the package")
        elif RANK[other] >= RANK[own]:
            found.append(f"{file}:{line} imports {name}: layer {other} does not come before {own}")
    return found


def strays(text: str, file: str) -> list[str]:
    """Heavy libraries that a file imports away from their home."""
    own, found = layer_of(file), []
    for line, name in imports(text, file):
        library = name.split(".")[0]
        at_home = own in HOMES.get(library, {own})
        if library == "xarray":
            at_home = own != "__init__" and RANK[own] >= RANK[XARRAY_FROM]
        if not at_home:
            found.append(f"{file}:{line} imports {name}: not the home of {library}")
    return found


def test_every_module_has_a_layer():
    assert sorted({layer_of(file) for file in FILES} - RANK.keys() - {"__init__"}) == []


def test_layers_name_each_module_once():
    names = [name for layer in LAYERS for name in layer]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("file", FILES)
def test_imports_point_to_earlier_layers(file):
    assert breaches((SOURCE / file).read_text(encoding="utf-8"), file) == []


@pytest.mark.parametrize("file", FILES)
def test_heavy_libraries_stay_in_their_home(file):
    assert strays((SOURCE / file).read_text(encoding="utf-8"), file) == []


def test_only_declared_libraries_are_imported():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    required = re.findall(r"^\s*([\w-]+)", settings["options"]["install_requires"], re.MULTILINE)
    modules = {MODULES.get(name.lower(), name.lower()) for name in required}
    allowed = modules | sys.stdlib_module_names | OPTIONAL | {"fpsolve", "llvmlite"}
    found = {
        f"{file}:{line} {name}"
        for file in FILES
        for line, name in imports((SOURCE / file).read_text(encoding="utf-8"), file)
        if name.split(".")[0] not in allowed and name.split(".")[0].lower() not in allowed
    }
    assert sorted(found) == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("grids.py", "import fpsolve.dynamics"),
        ("grids.py", "from fpsolve import solve"),
        ("grids.py", "def f():\n    from fpsolve.dynamics import solve"),
        ("estimates.py", "from .settings import Settings"),
        ("forces/linear.py", "from ..schedules import cosine"),
        ("forces/linear.py", "from .. import processes"),
    ],
)
def test_a_breach_is_found(file, text):
    assert len(breaches(text, file)) == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("grids.py", "from .kernels import tridiagonal\nfrom fpsolve.estimates import Estimate\nimport numpy"),
        ("forces/linear.py", "from .base import Force\nfrom . import base\nfrom ..grids import Grid"),
    ],
)
def test_an_import_from_the_left_is_allowed(file, text):
    assert breaches(text, file) == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("grids.py", "import xarray as xr"),
        ("fluxes/upwind.py", "from numba import njit"),
        ("report.py", "def f():\n    import matplotlib.pyplot"),
        ("__init__.py", "import netCDF4"),
    ],
)
def test_a_stray_library_is_found(file, text):
    assert len(strays(text, file)) == 1
