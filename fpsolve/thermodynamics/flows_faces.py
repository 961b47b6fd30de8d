"""Rates of an instant in the plane from the currents through the faces: any cells, any closed walls, second order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.forces.base import mesh
from fpsolve.grids import Array, Grid
from fpsolve.solution.gauges import face_values
from fpsolve.thermodynamics.flow_parts import NAN, FaceDensity, Flow, face_slopes, floor_of, flow_of
from fpsolve.thermodynamics.steady import conservative, steady_masses, steady_velocity

#: share of the density that may lie where the steady state is not known
_UNKNOWN = 1e-6

Faces = tuple[Array, Array]
Mask = NDArray[np.bool_]


class _Links(NamedTuple):
    """What is known of the faces between two cells, those crossed along x and those along y."""

    velocity: Faces  # across the face, L/s; zero where the density has no weight
    density: Faces  # 1/L²
    heavy: tuple[Mask, Mask]  # where that is above its floor
    slope: Faces  # of the density, across the face


class FaceFlows:
    """Rates of an instant by sums over the faces between cells.

    Of a face of length l between centres at a distance d the density P conducts w = P l / d: a difference of the
    potential phi drives the current w times it. The current J then has the energy J²/w, and the potential whose
    currents change the masses as J does solves a sparse linear equation.

    Parameters
    ----------
    problem : FokkerPlanck
    grid : Grid
        A plane.
    scalar : bool
        Whether the mobility is a number.
    """

    def __init__(self, problem: FokkerPlanck, grid: Grid, scalar: bool) -> None:
        self.problem, self.grid, self.scalar = problem, grid, scalar
        x, y = grid.axes
        self._spans = [slice(0, -1) if axis.periodic else slice(1, -1) for axis in grid.axes]
        gaps = [(axis.gaps[0] + axis.gaps[1])[span] for axis, span in zip(grid.axes, self._spans, strict=True)]
        self._gaps = gaps[0][:, None], gaps[1][None, :]
        self._lengths = y.widths[None, :], x.widths[:, None]
        self._kept: tuple[Faces | None, tuple[Mask, Mask] | None, str] | None = None

    def __call__(self, system: Discretisation, masses: Array, t: float) -> Flow:
        """The rates of a density; arguments as for :class:`fpsolve.thermodynamics.flows.Flows`."""
        problem = self.problem
        links = self._links(system.at(t).currents(masses), masses, t)
        current = self._currents(links.velocity, links)
        conducts = tuple(p * s / d for p, s, d in zip(links.density, self._lengths, self._gaps, strict=True))
        total = self._total(current, conducts, t)
        fisher = sum(
            float(np.sum(s**2 / p * d * size))
            for s, p, d, size in zip(links.slope, links.density, self._gaps, self._lengths, strict=True)
        )
        plain = self.scalar and problem.uniform_temperature
        if plain and conservative(problem, self.grid, t):
            speed = float(np.sqrt(_energy(current, conducts)))
            return flow_of(problem, t, total, (total, 0.0, 0.0), (speed, NAN), fisher)
        moving = self._gradient(current, conducts)
        speeds = float(np.sqrt(_energy(moving, conducts))), NAN
        if not plain:
            return flow_of(problem, t, total, None, speeds, fisher, "the mobility is a matrix")
        still, why = self._steady(links, masses, t)
        if still is None:
            return flow_of(problem, t, total, None, speeds, fisher, why)
        change = self._currents(tuple(u - v for u, v in zip(links.velocity, still, strict=True)), links)
        swirl = tuple(j - g for j, g in zip(current, moving, strict=True))
        rest = tuple(g - c for g, c in zip(moving, change, strict=True))
        mobility = float(problem.mobility_matrix[0, 0])
        excess, coupling, housekeeping = (_energy(part, conducts) / mobility for part in (change, rest, swirl))
        return flow_of(problem, t, total, (excess, coupling, housekeeping), speeds, fisher)

    def _currents(self, velocity: tuple[Array, ...], links: _Links) -> tuple[Array, ...]:
        """Currents through whole faces, 1/s, where the density has weight."""
        rows = zip(velocity, links.density, links.heavy, self._lengths, strict=True)
        return tuple(u * p * h * size for u, p, h, size in rows)

    def _links(self, currents: tuple[Array, ...], masses: Array, t: float) -> _Links:
        averages = masses / self.grid.volumes
        least = floor_of(averages) * float(np.max(averages))
        velocities, densities, slopes = [], [], []
        for axis, (current, span) in enumerate(zip(currents, self._spans, strict=True)):
            own = self.grid.axes[axis]
            rows = np.moveaxis(averages, axis, 0)
            sides = (np.roll(rows, 1, axis=0), rows) if own.periodic else (rows[:-1], rows[1:])
            left, right = (np.moveaxis(side, 0, axis) for side in sides)
            cut = (span, slice(None)) if axis == 0 else (slice(None), span)
            values = self._inside(face_values(averages, self.grid, axis)[cut], axis)
            density = FaceDensity.of(values, left, right, least)
            flowing = self._inside(current[cut] / self._lengths[axis], axis)
            velocities.append(density.velocity(flowing, self.problem, self.grid, axis, span, t))
            densities.append(density)
            slope = self._inside(face_slopes(averages, own, axis)[cut], axis)
            slopes.append(density.slope(slope, self.grid, axis, span))
        x, y = densities
        return _Links(_pair(velocities), (x.values, y.values), (x.heavy, y.heavy), _pair(slopes))

    def _inside(self, means: Array, axis: int) -> Array:
        """Values in the middle of the faces from means over them, where the cells along the faces are equal."""
        across = self.grid.axes[1 - axis]
        if not across.uniform:
            return means
        rows = np.moveaxis(means, 1 - axis, 0)
        bend = np.roll(rows, 1, axis=0) - 2.0 * rows + np.roll(rows, -1, axis=0)
        if not across.periodic:
            bend[0] = bend[-1] = 0.0
        return np.moveaxis(rows - bend / 24.0, 0, 1 - axis)

    def _total(self, current: tuple[Array, ...], conducts: tuple[Array, ...], t: float) -> float:
        """Sum of P nu . M^-1 nu, over T where that depends on the place."""
        inverse = np.linalg.inv(self.problem.mobility_matrix)
        scales: list[Any] = [1.0, 1.0]
        if not self.problem.uniform_temperature:
            edges = [axis.edges[span] for axis, span in zip(self.grid.axes, self._spans, strict=True)]
            scales = [self.problem.temperature_at(t, mesh(self.grid, axis, edges[axis])) for axis in (0, 1)]
        own = [float(np.sum(j**2 / w / scale)) for j, w, scale in zip(current, conducts, scales, strict=True)]
        cross = 0.5 * (inverse[0, 1] + inverse[1, 0])
        mixed = 0.0
        if cross != 0.0:  # roots of the energies, with the signs of the currents, averaged to the centres
            roots = [
                self._centred(j / np.sqrt(w), axis) for axis, (j, w) in enumerate(zip(current, conducts, strict=True))
            ]
            mixed = float(np.sum(roots[0] * roots[1]))
        return float(inverse[0, 0] * own[0] + inverse[1, 1] * own[1] + 2.0 * cross * mixed)

    def _centred(self, values: Array, axis: int) -> Array:
        """Means of the two faces of every cell along an axis."""
        rows = np.moveaxis(values, axis, 0)
        if self.grid.axes[axis].periodic:
            rows = np.concatenate([rows, rows[:1]])
        else:
            rows = np.concatenate([np.zeros_like(rows[:1]), rows, np.zeros_like(rows[:1])])
        return np.moveaxis(0.5 * (rows[1:] + rows[:-1]), 0, axis)

    def _gradient(self, current: tuple[Array, ...], conducts: tuple[Array, ...]) -> tuple[Array, ...]:
        """The currents w times differences of a potential that change the masses as these do."""
        from scipy.sparse import diags_array
        from scipy.sparse.linalg import splu

        differences = self._differences()
        weights, flow = (np.concatenate([part.ravel() for part in both]) for both in (conducts, current))
        matrix = (differences.T @ diags_array(weights) @ differences).tocsc()
        # the heaviest cell has the potential zero
        pinned = int(np.argmax(matrix.diagonal()))
        kept = np.delete(np.arange(self.grid.cells), pinned)
        potential = np.zeros(self.grid.cells)
        factors = splu(matrix[kept][:, kept].tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        potential[kept] = factors.solve((differences.T @ flow)[kept])
        moved = weights * (differences @ potential)
        first = current[0].size
        return moved[:first].reshape(current[0].shape), moved[first:].reshape(current[1].shape)

    def _differences(self) -> Any:
        """Differences of values in the cells across all faces between two."""
        from scipy.sparse import csr_array, vstack

        cells = np.arange(self.grid.cells).reshape(self.grid.shape)
        blocks = []
        for axis, own in enumerate(self.grid.axes):
            rows = np.moveaxis(cells, axis, 0)
            left, right = (np.roll(rows, 1, axis=0), rows) if own.periodic else (rows[:-1], rows[1:])
            left, right = (np.moveaxis(side, 0, axis).ravel() for side in (left, right))
            faces = np.arange(left.size)
            entries = np.concatenate([np.ones(left.size), -np.ones(left.size)])
            places = np.concatenate([faces, faces]), np.concatenate([right, left])
            blocks.append(csr_array((entries, places), shape=(left.size, cells.size)))
        return vstack(blocks).tocsr()

    def _steady(self, links: _Links, masses: Array, t: float) -> tuple[Faces | None, str]:
        """The steady velocity across the faces."""
        if self._kept is None or not self.problem.steady:
            self._kept = self._found_steady(t)
        still, known, why = self._kept
        if still is None or known is None:
            return still, why
        lost = [
            float(np.sum((h & ~k) * p * d * size))
            for h, k, p, d, size in zip(links.heavy, known, links.density, self._gaps, self._lengths, strict=True)
        ]
        if max(lost) > _UNKNOWN * float(np.sum(masses)):
            return (
                None,
                f"{max(lost):.1g} of the density lies where the steady state is too thin to be found numerically",
            )
        return still, ""

    def _found_steady(self, t: float) -> tuple[Faces | None, tuple[Mask, Mask] | None, str]:
        closed, why = steady_velocity(self.problem, self.grid, t, faces=True)
        if closed is not None:
            return (closed[0][self._spans[0]], closed[1][:, self._spans[1]]), None, ""
        if why:
            return None, None, why
        found, why = steady_masses(self.problem, self.grid, t)
        if found is None:
            return None, None, why
        masses, currents = found
        links = self._links(currents, masses, t)
        return links.velocity, links.heavy, ""


def _pair(found: list[Array]) -> Faces:
    first, second = found
    return first, second


def _energy(current: tuple[Array, ...], conducts: tuple[Array, ...]) -> float:
    """Sum of J²/w: the integral of the squared velocity."""
    return sum(float(np.sum(j**2 / w)) for j, w in zip(current, conducts, strict=True))
