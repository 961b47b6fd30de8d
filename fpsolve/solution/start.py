"""What a run starts from, as masses in the cells."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np

from fpsolve.densities import Density, PlaneDensity, PlaneTabulated, PlaneUniform, as_density, as_plane_density
from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import Flux
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError, Settings

#: largest part of the start that a window may cut
LARGEST_CUT = 0.01
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)


@dataclasses.dataclass(frozen=True)
class Equilibrium(Settings):
    """Start in equilibrium with the force at the first time: exp(-U/T), normalised on the grid."""

    family: ClassVar[str] = "start"
    kind: ClassVar[str] = "equilibrium"


@dataclasses.dataclass(frozen=True)
class Stationary(Settings):
    """Start in the stationary state of the force at the first time, which need not be an equilibrium."""

    family: ClassVar[str] = "start"
    kind: ClassVar[str] = "stationary"


@dataclasses.dataclass(frozen=True, eq=False)
class Masses(Settings):
    """Start from masses in the cells of the grid: what a file keeps of an array or of a Python function."""

    family: ClassVar[str] = "start"
    kind: ClassVar[str] = "masses"
    masses: Any


def as_start(start: Any, problem: FokkerPlanck) -> Any:
    """A density, a plane density, a start of this module, or an array of cell averages.

    Raises
    ------
    InputError
        Anything else.
    """
    if isinstance(start, (Equilibrium, Stationary, Masses)):
        return start
    if isinstance(start, np.ndarray):
        return np.array(start, float)
    if problem.dimension == 2:
        if isinstance(start, Density):
            raise InputError("start", f"given {type(start).__name__} on the line; the problem is in the plane")
        return as_plane_density(start)
    if isinstance(start, PlaneDensity):
        raise InputError("start", f"given {type(start).__name__} in the plane; the problem is on the line")
    return as_density(start)


def jumps(start: Any) -> bool:
    """Whether a start is known to be discontinuous, or not smooth."""
    if isinstance(start, Density):
        return bool(start.breaks().size or start.kinks().size)
    return isinstance(start, (PlaneUniform, PlaneTabulated))


def start_masses(start: Any, problem: FokkerPlanck, grid: Grid, flux: Flux, t: float) -> Array:
    """Masses of a start in the cells.

    Raises
    ------
    InputError
        A wrong shape, negative or missing mass, more than 1% of the mass outside the grid.
    """
    if isinstance(start, Equilibrium):
        return equilibrium_masses(problem, grid, t)
    if isinstance(start, Stationary):
        from fpsolve.generator import stationary_masses

        return stationary_masses(Discretisation(problem, grid, flux).at(t))
    if isinstance(start, np.ndarray):
        return _given(start, grid)
    if isinstance(start, Masses):
        masses = np.array(start.masses, float)
        _given(masses / grid.volumes, grid) if masses.shape == grid.shape else _given(masses, grid)
        return masses
    masses = start.cell_masses(*(axis.edges for axis in grid.axes))
    cut = 1.0 - float(np.sum(masses))
    if cut > LARGEST_CUT:
        raise InputError("grid", f"it leaves out {cut:.2%} of the start; at most 1% is allowed: widen it")
    return np.ascontiguousarray(masses)


def _given(averages: Array, grid: Grid) -> Array:
    if averages.shape != grid.shape:
        raise InputError("start", f"given shape {averages.shape}; expected cell averages on the grid, {grid.shape}")
    if not np.all(np.isfinite(averages)):
        raise InputError("start", "it holds NaN or infinity; give finite cell averages")
    if np.min(averages) < 0.0:
        where = np.unravel_index(int(np.argmin(averages)), averages.shape)
        raise InputError("start", f"given {np.min(averages):g} in cell {where}; a density is nowhere negative")
    masses = averages * grid.volumes
    total = float(np.sum(masses))
    if abs(total - 1.0) > 1e-6:
        raise InputError("start", f"its mass on the grid is {total:.9g}; it must be 1 (divide by it)")
    return masses


def equilibrium_masses(problem: FokkerPlanck, grid: Grid, t: float) -> Array:
    """Masses of exp(-U/T) in the cells, by Gauss quadrature in each.

    Raises
    ------
    InputError
        A force without a potential, T = 0, or a temperature that depends on the position.
    """
    if not problem.force.has_potential:
        raise InputError("start", "the force has no potential, so there is no equilibrium; start stationary instead")
    if not problem.uniform_temperature:
        raise InputError("start", "the temperature depends on the position, so exp(-U/T) is no equilibrium")
    temperature = problem.temperature_at(t)
    if temperature <= 0.0:
        raise InputError("start", "an equilibrium needs T > 0")
    points, weights = [], []
    for axis in grid.axes:
        points.append((axis.centres[:, None] + 0.5 * axis.widths[:, None] * _NODES).ravel())
        weights.append((0.5 * axis.widths[:, None] * _WEIGHTS).ravel())
    mesh = tuple(points) if grid.dimension == 1 else (points[0][:, None], points[1][None, :])
    energy = problem.force.potential(mesh, t)
    assert energy is not None
    energy = np.broadcast_to(energy, tuple(p.size for p in points))
    density = np.exp(-(energy - np.min(energy)) / temperature)
    for k, weight in enumerate(weights):
        shape = [1] * k + [-1] + [1] * (grid.dimension - 1 - k)
        density = density * weight.reshape(shape)
    for k in range(grid.dimension):
        density = np.add.reduceat(density, np.arange(0, density.shape[k], _NODES.size), axis=k)
    return np.asarray(density / np.sum(density))
