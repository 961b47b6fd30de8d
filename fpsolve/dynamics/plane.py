"""Both processes in the plane on a grid, as a Dataset."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.cases import PlaneCase, pack
from fpsolve.densities import PlaneDensity
from fpsolve.dynamics.line import FORMAT_VERSION
from fpsolve.grids import Grid
from fpsolve.planar.advection import ROUTES, advected
from fpsolve.planar.fields import estimated_averages, forward_fields
from fpsolve.planar.processes import MOST_CUT, plane_process
from fpsolve.processes.plane.base import FlowingProcess
from fpsolve.processes.plane.geodesic import PlaneGeodesic
from fpsolve.processes.plane.mixture import components
from fpsolve.quadrature import Array
from fpsolve.settings import InputError

#: cells per smallest width below which a warning is given
FEWEST_CELLS = 1.2
#: variable -> (dimensions, long name, equation); all without units, as a case names none
FIELDS = {
    "density": (("snapshot", "x", "y"), "cell average of the forward density P_t", "1"),
    "velocity_x": (("snapshot", "x", "y"), "mean velocity along x at the cell centres", "1"),
    "velocity_y": (("snapshot", "x", "y"), "mean velocity along y at the cell centres", "1"),
    "current_x": (("snapshot", "x_face", "y"), "probability current along x at the middles of the faces", "1"),
    "current_y": (("snapshot", "x", "y_face"), "probability current along y at the middles of the faces", "1"),
    "density_estimated": (("snapshot", "x", "y"), "cell average of the estimated density", "4"),
}


def plane_fields(case: PlaneCase) -> xr.Dataset:
    """Fields of the forward process of a case at a few instants, and of the estimated one where it has a start."""
    grid = case.grid
    if case.start is not None:
        check_held(case, grid)
    warn_of_coarse_cells(case, grid)
    process, times = case.process, snapshots_of(case)
    rows = [forward_fields(process, float(t), grid) for t in times]
    fields = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    if isinstance(process, PlaneGeodesic):
        # its plan carries masses as far as it converged; both ends are known
        for end, density in ((0, process.initial), (-1, process.final)):
            fields["density"][end] = density.cell_averages(*(axis.edges for axis in grid.axes))
    if case.start is not None:
        start = case.start
        if case.estimated in ROUTES and isinstance(process, FlowingProcess):
            fields["density_estimated"] = advected(process, start, grid, times, case.estimated).masses / grid.volumes
        else:
            fields["density_estimated"] = np.stack([estimated_averages(process, start, float(t), grid) for t in times])
    return assemble_plane(case, grid, times, fields)


def check_held(case: PlaneCase, grid: Grid) -> None:
    """Refuse a grid that cuts the data or the start, before anything is computed on it."""
    edges = [axis.edges for axis in grid.axes]
    for whose, density in (("forward", case.data), ("estimated", case.start)):
        cut = 0.0 if density is None else 1.0 - float(density.cell_masses(*edges).sum())
        if cut > MOST_CUT:
            sides = [[float(edge[0]), float(edge[-1])] for edge in edges]
            text = f"given {sides}, which cuts {cut:.2%} of the {whose} process' mass; at most 1% is allowed (widen it)"
            raise InputError("[grid] lower, upper", text)


def warn_of_coarse_cells(case: PlaneCase, grid: Grid) -> None:
    """Warn where the cells are hardly finer than what the data or the start is made of."""
    ends = {"data (blur, std)": case.data} | ({} if case.start is None else {"start": case.start})
    found = {name: cells_per_width(density, grid) for name, density in ends.items()}
    name = min(found, key=lambda each: found[each])
    if found[name] < FEWEST_CELLS:
        text = f"{found[name]:.2g} cells per smallest width of the {name}: expect wide bars; refine"
        warnings.warn(text, stacklevel=3)


def cells_per_width(density: PlaneDensity, grid: Grid) -> float:
    """Cells across the smallest standard deviation of the Gaussians of a density; infinite without any."""
    parts = components(density) if density.finest else None
    if parts is None:
        return math.inf
    widths = np.array([axis.widths.max() for axis in grid.axes])
    scaled = parts.covariances / np.multiply.outer(widths, widths)
    return math.sqrt(max(float(np.linalg.eigvalsh(scaled)[:, 0].min()), 0.0))


def snapshots_of(case: PlaneCase) -> Array:
    """The instants that keep their fields."""
    return np.linspace(0.0, case.tau, case.snapshots)


def assemble_plane(case: PlaneCase, grid: Grid, snapshots: Array, fields: dict[str, Array]) -> xr.Dataset:
    """A Dataset with coordinates, units, long names and the recipe of the case."""
    text, arrays = pack(case.recipe())
    times = np.linspace(0.0, case.tau, case.steps + 1)
    coordinates: dict[str, Any] = {
        "time": ("time", times, {"units": "1", "long_name": "forward time", "standard_name": "time"}),
        "reverse_time": ("time", case.tau - times, {"units": "1", "long_name": "reverse time tau - t"}),
        "snapshot": ("snapshot", snapshots, {"units": "1", "long_name": "forward time of the stored fields"}),
    }
    for name, axis in zip("xy", grid.axes, strict=True):
        words = {"units": "1", "axis": name.upper()}
        coordinates[name] = (name, axis.centres, words | {"long_name": f"cell centre along {name}"})
        coordinates[f"{name}_face"] = (f"{name}_face", axis.edges, words | {"long_name": f"cell face along {name}"})
    variables: dict[str, Any] = {}
    for name, values in fields.items():
        place, words_of, equation = FIELDS[name]
        variables[name] = xr.Variable(place, values, {"long_name": words_of, "units": "1", "equation": equation})
    for name, array in arrays.items():
        dims = tuple(f"{name}_{axis}" for axis in range(array.ndim))
        variables[name] = (dims, array, {"long_name": "array of the recipe", "units": "1"})
    attributes = {"Conventions": "CF-1.10", "recipe": text, "format_version": FORMAT_VERSION, "title": "fpsolve result"}
    return xr.Dataset(variables, coordinates, attributes)


def fits_plane(case: PlaneCase, dataset: xr.Dataset) -> bool:
    """Whether the stored fields lie on the case's grid, and the first and the last density are those of the recipe."""
    if "density" not in dataset or dataset["density"].dims != ("snapshot", "x", "y"):
        return "density" not in dataset
    times = np.asarray(dataset["snapshot"].values, float)
    if times.size != case.snapshots or not np.allclose(times, snapshots_of(case)):
        return False
    edges = [np.asarray(dataset[f"{name}_face"].values, float) for name in "xy"]
    density = dataset["density"].values
    if density.shape[1:] != case.cells or case.cells != tuple(edge.size - 1 for edge in edges):
        return False
    process = plane_process(case.data, case.schedule, Grid.product(*(Grid.from_edges(edge) for edge in edges)))
    ends = (0, process.initial), (-1, process.final)
    exact = {i: each.cell_averages(*edges) for i, each in ends}
    return all(bool(np.all(np.abs(exact[i] - density[i]) <= 1e-9 * np.max(exact[i]))) for i in exact)
