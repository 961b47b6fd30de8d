"""The forward process of data on the cells of a grid, under an isotropic Gaussian kernel."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from fpsolve.densities import PlaneDensity
from fpsolve.grids import Grid
from fpsolve.processes.plane.base import Flow, Nodes
from fpsolve.processes.plane.blurred_boxes import Axis, BlurredBoxes, Boxes, boxes_of
from fpsolve.processes.plane.kernel import KernelProcess
from fpsolve.processes.plane.lattice import FAINT, PER_STD
from fpsolve.quadrature import Array
from fpsolve.schedules.linear_force import LinearForceSchedule
from fpsolve.schedules.plane_kernel import PlaneKernel
from fpsolve.settings import InputError

#: points that stand for a density at most
MOST_NODES = 50_000
#: noise beyond which nothing is left of a cell
_REACH = 9.0
#: ends of the panels next to an edge, in units of the noise; growth of the others, or none; Gauss points
_RULES: tuple[tuple[tuple[float, ...], float, int], ...] = (
    ((2.0, 4.5, 9.0), 5.0, 7),
    ((2.0, 4.5, 9.0), 8.0, 6),
    ((2.0, 4.5), 0.0, 5),
    ((4.0,), 0.0, 4),
    ((4.0,), 0.0, 3),
    ((4.0,), 0.0, 2),
)
#: where the panels that grow from an edge begin, relative to the cell
_FIRST = 1e-8
#: steps between cells, relative to the largest value, that are none: of tables, and of polynomials
_SMOOTH = 1e-13, 1e-5


@dataclasses.dataclass(frozen=True, eq=False)
class BoxProcess(KernelProcess):
    """x_t = Phi_t y + e: y has a polynomial density on cells, e is from N(0, s_t² I), and Phi = rho R turns and scales.

    The velocity Phi' E[y|x] + (A Sigma + T) Sigma^-1 E[e|x] stays finite where force and temperature diverge and where
    the signal is gone; the score is -E[e|x] / s².

    Parameters
    ----------
    data : PlaneDensity
        q: uniform, a table, panels, or a function (by the polynomials of degree 5 through the Gauss points of 64 x 64
        panels, which is what its recipe holds).
    schedule : Schedule or LinearForceSchedule
        What makes the kernel; a linear force must contract x and y alike.

    Raises
    ------
    InputError
        Other data; a kernel that is not isotropic.
    """

    def __post_init__(self) -> None:
        held = boxes_of(self.data)
        if held is None:
            kinds = "uniform, tabulated, panels, a function, an image or a histogram"
            raise InputError("data", f"given {self.data.kind!r}; expected a density on cells: {kinds}")
        if isinstance(self.schedule, LinearForceSchedule) and not self.schedule.isotropic:
            pair = list(self.schedule.stiffness)
            raise InputError(
                "h",
                f"given {pair} with data on cells; one stiffness for both axes is allowed, so that the noise is the "
                "same along every direction (or take Gaussian data)",
            )
        object.__setattr__(self, "boxes", held)

    boxes: Boxes = dataclasses.field(init=False, repr=False)

    @functools.lru_cache(maxsize=64)  # noqa: B019  # a process lives as long as its experiment
    def _blurred(self, t: float) -> tuple[BlurredBoxes, PlaneKernel]:
        """What has become of the data, and the kernel."""
        kernel = self.kernel(t)
        scale = math.sqrt(max(float(np.linalg.det(kernel.carry)), 0.0))
        rotation = kernel.carry / scale if scale > 0.0 else np.eye(2)
        noise = math.sqrt(0.5 * float(np.trace(kernel.covariance)))
        return BlurredBoxes(self.boxes, scale, rotation, noise), kernel

    def density(self, t: float) -> PlaneDensity:
        blurred = self._blurred(t)[0]
        return blurred if blurred.noise > 0.0 else self.data

    def flow(self, t: float, x: Array, y: Array) -> Flow:
        blurred, kernel = self._blurred(t)
        x, y = np.asarray(x, float), np.asarray(y, float)
        if blurred.noise == 0.0:
            velocity = kernel.carry_rate @ np.linalg.inv(kernel.carry) @ np.stack([x, y])
            with np.errstate(divide="ignore"):
                return Flow(np.log(self.data.pdf(x, y)), velocity, np.zeros_like(velocity))
        logarithm, source, noise = blurred.state(x, y)
        velocity = kernel.carry_rate @ source + (kernel.spreading / blurred.noise) @ noise
        return Flow(logarithm, velocity, noise / -blurred.noise)

    def resolved(self, t: float) -> BlurredBoxes:
        return self._blurred(t)[0]

    def nodes(self, t: float, grid: Grid, finer: int = 1) -> Nodes:
        """Points on a lattice, or Gauss points that respect the cells of the data where that would take too many."""
        blurred, _ = self._blurred(t)
        spacing = min(blurred.noise / PER_STD, *(axis.widths[0] for axis in grid.axes))
        sides = [float(np.ptp(axis.edges)) * blurred.scale + 2.0 * _REACH * blurred.noise for axis in self.boxes.axes]
        if math.prod(sides) <= MOST_NODES * spacing**2 and all(
            PER_STD * axis.widths[0] <= 25.0 * blurred.noise for axis in grid.axes
        ):
            return super().nodes(t, grid, finer)
        found = _rules(self.boxes, blurred)
        if found is None:
            return self._middles(t, grid)
        (x, along_x), (y, along_y) = found
        place = blurred.rotation @ np.stack([part.ravel() for part in np.meshgrid(x, y, indexing="ij")])
        area = np.multiply.outer(along_x, along_y).ravel()
        held = np.ones(area.size, bool)
        for row, axis in zip(place, grid.axes, strict=True):
            held &= (row >= axis.edges[0]) & (row <= axis.edges[-1])
        x, y = np.ascontiguousarray(place[:, held])
        flow = self.flow(t, x, y)
        weight = np.exp(flow.log_density) * area[held]
        kept = weight > 0.0
        rows = flow.velocity[:, kept], flow.score[:, kept]  # type: ignore[index]
        return Nodes(x[kept], y[kept], weight[kept], *rows, np.exp(flow.log_density[kept]))

    def _middles(self, t: float, grid: Grid) -> Nodes:
        """The middles of the grid's cells with the masses of the cells: for tables too large to respect theirs."""
        masses = self.density(t).cell_masses(*(axis.edges for axis in grid.axes))
        i, j = np.nonzero(masses > FAINT * masses.max())
        x, y = grid.axes[0].centres[i], grid.axes[1].centres[j]
        flow = self.flow(t, x, y)
        return Nodes(x, y, masses[i, j], flow.velocity, flow.score)


def _rules(boxes: Boxes, blurred: BlurredBoxes) -> tuple[tuple[Array, Array], tuple[Array, Array]] | None:
    """Nodes and weights along both axes: the finest rule that does not take too many; None if each does."""
    cuts = [
        (_jumps(axis, np.moveaxis(boxes.masses, i, 0)), axis.edges[:: axis.cells if axis.terms == 1 else 1])
        for i, axis in enumerate(boxes.axes)
    ]
    for rule in _RULES:
        first, second = (_panels(a * blurred.scale, b * blurred.scale, blurred.noise, rule) for a, b in cuts)
        if first.size * second.size * rule[2] ** 2 <= MOST_NODES or rule is _RULES[-1]:
            break
    if first.size * second.size * rule[2] ** 2 > 2 * MOST_NODES:
        return None
    return _gauss(first, rule[2]), _gauss(second, rule[2])


def _jumps(axis: Axis, masses: Array) -> Array:
    """Edges of the cells at which the density jumps, and the outermost ones."""
    heights = masses.reshape(axis.cells, axis.terms, -1) / np.diff(axis.edges)[:, None, None]
    signs = (-1.0) ** np.arange(axis.terms)
    steps = heights[1:].transpose(0, 2, 1) @ signs - heights[:-1].sum(axis=1)
    change = np.abs(steps).max(axis=1) > _SMOOTH[axis.terms > 1] * np.abs(heights).max()
    return axis.edges[np.concatenate([[True], change, [True]])]


def _panels(edges: Array, plain: Array, noise: float, rule: tuple[tuple[float, ...], float, int]) -> Array:
    """Edges of panels: symmetric around each jump at ``edges``, so that it keeps its mass blurred, and growing."""
    steps, growth, _ = rule
    widths = np.diff(edges)
    room = np.concatenate([widths[:1], np.minimum(widths[1:], widths[:-1]), widths[-1:]]) * 0.5
    offsets, outer = noise * np.array(steps), edges[[0, -1]] + _REACH * noise * np.array([-1.0, 1.0])
    points = [edges if growth > 0.0 or noise == 0.0 else outer, outer, plain, edges[0] - offsets, edges[-1] + offsets]
    for edge, limit in zip(edges, room, strict=True):
        near = np.minimum(offsets, limit)
        if growth > 0.0:
            begin = max(float(near[-1]), _FIRST * limit)
            count = max(math.ceil(math.log(limit / begin) / math.log(growth)), 0)
            near = np.concatenate([near, limit * growth ** -np.arange(count, dtype=float)])
        points += [edge - near, edge + near]
    found = np.unique(np.clip(np.concatenate(points), *outer))
    return found[np.append(True, np.diff(found) > 1e-13 * (outer[1] - outer[0]))]


def _gauss(panels: Array, points: int) -> tuple[Array, Array]:
    """Nodes and weights of a Gauss rule on every panel."""
    node, weight = np.polynomial.legendre.leggauss(points)
    half = 0.5 * np.diff(panels)[:, None]
    return (0.5 * (panels[1:] + panels[:-1])[:, None] + half * node).ravel(), (half * weight).ravel()
