"""Every flux and stepper that is registered, and problems and grids to put their claims to the test."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import Flux, TwoPointFlux
from fpsolve.forces import LinearForce, NonconservativeForce, PotentialForce
from fpsolve.grids import Grid
from fpsolve.settings import InputError, Settings
from fpsolve.steppers import DiagonallyImplicit, GridStepper, StrangSplitting

FLUXES = [cls for (family, _), cls in sorted(Settings.registry.items()) if family == "flux"]
STEPPERS = [cls for (family, _), cls in sorted(Settings.registry.items()) if family == "stepper"]
#: one of each kind with its defaults, and the splitting with every other method that it takes along the lines
GRID_STEPPERS = [cls() for cls in STEPPERS if issubclass(cls, GridStepper)] + [
    StrangSplitting(cls()) for cls in STEPPERS if issubclass(cls, DiagonallyImplicit)
]
#: T dt / h² of steps that reach far beyond any grid
HUGE = 1e12
#: boundaries of an axis, mixed ones too
ENDS = ("reflecting", "absorbing", "periodic", ("reflecting", "absorbing"), ("absorbing", "reflecting"))
#: boundaries of both axes of a plane
SIDES = (
    ("reflecting", "reflecting"),
    ("absorbing", "absorbing"),
    ("periodic", "periodic"),
    ("periodic", "reflecting"),
    (("reflecting", "absorbing"), "periodic"),
    ("absorbing", ("absorbing", "reflecting")),
)
BOUNDARIES = {1: ENDS, 2: SIDES}
LOWER, UPPER = (-2.0, -1.5), (2.0, 1.5)


def name(scheme) -> str:
    """How a test names a flux or a stepper."""
    inner = getattr(scheme, "inner", None)
    return scheme.kind if inner is None else f"{scheme.kind}({inner.kind})"


def fits(flux, stepper, dimension: int) -> bool:
    """Whether the claims of both say that they go together."""
    if dimension not in stepper.dimensions:
        return False
    kinds = {"any": True, "none": True, "linear": flux.linear, "positive": flux.positive}
    return kinds[stepper.takes] if stepper.takes in kinds else issubclass(kind_of(flux), TwoPointFlux)


def kind_of(scheme) -> type:
    """The class of a scheme, itself a class or not."""
    return scheme if isinstance(scheme, type) else type(scheme)


#: (flux, stepper, dimension) of everything that goes together; a stepper that takes no flux gets one positive one
TRIPLES = [
    (flux(), stepper, dimension)
    for dimension in (1, 2)
    for flux in FLUXES
    for stepper in GRID_STEPPERS
    if fits(flux, stepper, dimension)
    and (stepper.takes != "none" or flux is next(one for one in FLUXES if one.positive))
]


def label(value) -> str | None:
    """Test ids."""
    return name(value) if isinstance(value, (Settings, type)) else f"{value}d" if isinstance(value, int) else None


# --- grids ----------------------------------------------------------------------------------------------------------


def line(boundary="reflecting", cells=20, stretched=False, index=0) -> Grid:
    """A line along the x or y direction of the plane below."""
    if stretched:
        return Grid.stretched(LOWER[index], UPPER[index], cells, centre=0.3, strength=5.0, boundary=boundary)
    return Grid.line(LOWER[index], UPPER[index], cells, boundary)


def grid_of(dimension, boundary="reflecting", cells=None, stretched=False) -> Grid:
    """A small grid with walls that are felt."""
    if dimension == 1:
        return line(boundary, cells or 20, stretched)
    ends = (boundary, boundary) if isinstance(boundary, str) else boundary
    each = cells or (9, 11)
    return Grid.product(*(line(ends[k], each[k], stretched, k) for k in range(2)))


def grids(flux, dimension, stretched=(False, True), boundaries=None) -> Iterator[tuple[Grid, str]]:
    """All boundaries and stretchings that a flux takes, named; that it refuses the others is a test of its own."""
    for boundary in boundaries or BOUNDARIES[dimension]:
        for bent in stretched:
            grid = grid_of(dimension, boundary, stretched=bent)
            if takes(flux, grid):
                yield grid, f"{boundary}, {'stretched' if bent else 'equal'} cells"


def takes(flux: Flux, grid: Grid) -> bool:
    """Whether a flux can be had on a grid."""
    still = FokkerPlanck(LinearForce(0.0 if grid.dimension == 1 else np.zeros((2, 2))), 1.0)
    m = np.ones(grid.shape)
    try:
        Discretisation(still, grid, flux).at(0.0).rates(m, np.empty_like(m))
    except InputError:
        return False
    return True


# --- problems -------------------------------------------------------------------------------------------------------


def _energy(x, t=0.0):
    return 0.8 * np.cos(0.5 * np.pi * (x + 2.0)) + 0.3 * np.sin(np.pi * x) * np.cos(3.0 * t)


def _plane_energy(x, y, t=0.0):
    return _energy(x, t) * (1.0 + 0.4 * np.sin(2.0 * np.pi / 3.0 * y)) + 0.5 * np.cos(2.0 * np.pi / 3.0 * y)


def problem_of(dimension, timed=False, temperature=0.4, driven=True) -> FokkerPlanck:
    """A force with a potential that closes around a ring, and (if driven) one that drives a current around it."""
    if dimension == 1:
        force = PotentialForce(_energy if timed else lambda x: _energy(x))
        drive = NonconservativeForce(
            (lambda x, t: 0.5 + 0.0 * x + 0.3 * np.sin(t)) if timed else lambda x: 0.5 + 0.0 * x
        )
    else:
        force = PotentialForce(_plane_energy if timed else lambda x, y: _plane_energy(x, y), dimension=2)
        drive = NonconservativeForce(
            (lambda x, y, t: (0.5 * np.cos(2.0 * np.pi / 3.0 * y) + 0.0 * x, 0.4 * np.cos(t) + 0.0 * x * y))
            if timed
            else lambda x, y: (0.5 * np.cos(2.0 * np.pi / 3.0 * y) + 0.0 * x, 0.4 + 0.0 * x * y),
            dimension=2,
        )
    warm = (lambda t: temperature * (1.0 + 0.5 * np.sin(2.0 * t))) if timed else temperature
    return FokkerPlanck(force + drive if driven else force, warm)


def trap(dimension, timed=False, temperature=0.4) -> FokkerPlanck:
    """A linear force, for what can do with nothing else."""
    matrix = -1.0 if dimension == 1 else np.array([[-1.0, -0.8], [0.6, -1.4]])
    if not timed:
        return FokkerPlanck(LinearForce(matrix), temperature)
    return FokkerPlanck(
        LinearForce(lambda t: matrix * (1.0 + 0.4 * np.sin(2.0 * t))), lambda t: temperature * (1.0 + 0.3 * np.cos(t))
    )


def problem_for(stepper, dimension, **parameters) -> FokkerPlanck:
    """A problem that a stepper takes."""
    if stepper.takes == "none":
        parameters.pop("driven", None)
        return trap(dimension, **parameters)
    return problem_of(dimension, **parameters)


# --- starts ---------------------------------------------------------------------------------------------------------


def rough(grid: Grid, seed=1):
    """Masses with empty cells, jumps, and a tiny one; they sum to one."""
    m = np.random.default_rng(seed).random(grid.shape)
    flat = m.reshape(-1)
    n = flat.size
    flat[n // 4 : n // 3] = 0.0
    flat[n // 2] = 1e-300
    flat[-1] = 0.0
    return m / np.sum(m)


def single(grid: Grid, place: float):
    """All mass in one cell, at a part of the way through the grid."""
    m = np.zeros(grid.shape)
    m.reshape(-1)[int(place * (grid.cells - 1))] = 1.0
    return m


def smooth(grid: Grid):
    """Masses of a density without rough edges that is nowhere zero."""
    m = grid.volumes
    for axis, own in enumerate(grid.axes):
        s = 2.0 * np.pi * (own.centres - own.edges[0]) / own.length
        shape = np.exp(0.7 * np.cos(s - 1.0) + 0.2 * np.sin(2.0 * s))
        m = m * shape.reshape(-1, *[1] * (grid.dimension - 1 - axis))
    return m / np.sum(m)


# --- steps ----------------------------------------------------------------------------------------------------------


def implicit(stepper) -> bool:
    """Whether it claims to be stable however stiff the problem is."""
    return stepper.stability in ("A", "L")


def unlimited(flux, stepper) -> bool:
    """Whether no step is too large: a splitting has an explicit part where a flux is no jump process."""
    return implicit(stepper) and (isinstance(flux, TwoPointFlux) or not hasattr(stepper, "inner"))


def step_for(stepper, system, wanted: float, times=(0.0, 0.5, 1.0)) -> float:
    """A step that a stepper can take, at most ``wanted``."""
    limit = min(stepper.largest_step(system, t) for t in times)
    if stepper.stability == "stabilised":
        limit = min(limit, 20.0 / min(system.at(t).reach.real for t in times))
    return min(wanted, 0.9 * limit) if math.isfinite(limit) else wanted


def huge(system) -> float:
    """A step in which T dt is ``HUGE`` times the square of a cell."""
    widths = min(float(np.min(axis.widths)) for axis in system.grid.axes)
    return HUGE * widths**2 / float(system.problem.temperature_at(0.0))
