"""Velocity, force and speed in the plane, from densities at some times."""

from __future__ import annotations

import numpy as np

from fpsolve.dynamics.snapshots import Snapshots, values_at_centres
from fpsolve.grids import Grid
from fpsolve.quadrature import Array
from fpsolve.settings import InputError
from fpsolve.thermodynamics.inference_results import MANY, Inferred
from fpsolve.transport.least_energy import POINTS, noise_of
from fpsolve.transport.least_energy_plane import FAINT, PlaneRate, least_energy, rates_of
from fpsolve.transport.plane.levels import spacings

#: times the noise below which a density has no weight
_CLEAR = 10.0
#: fewest cells along an axis: half of them tell what the cells cost
_FEWEST = 16


def infer_plane(held: Snapshots, grid: Grid, temperature: float | None, mobility: float) -> Inferred:
    """Everything but the distances, in the plane.

    Parameters
    ----------
    held : Snapshots
    grid : Grid
        The plane.
    temperature : float or None
        T; without it there is no force.
    mobility : float
    """
    if not all(axis.uniform for axis in grid.axes):
        raise InputError("density", "in the plane infer takes equal cells along each axis; interpolate to such")
    if min(grid.shape) < _FEWEST:
        raise InputError("density", f"given {grid.shape} cells; at least {_FEWEST} along each axis are needed")
    times, spacing = held.times, spacings(grid)
    found = Inferred(times)
    fine = _Level(times, values_at_centres(held.averages), spacing)
    found.ignored, found.floor = fine.ignored, fine.floor if fine.noisy else 0.0
    flows = fine.flows()
    rough = [{"stride": 4}, {"stride": 2}]
    if times.size < MANY:
        rough[0] = {"points": max(min(times.size, POINTS) - 1, 2)}
    own = np.array([flow.square for flow in flows])
    squares = np.array([*([flow.square for flow in fine.flows(**choice)] for choice in rough), own])
    even = tuple(2 * (cells // 2) for cells in grid.shape)
    pairs = held.averages[:, : even[0], : even[1]].reshape(times.size, even[0] // 2, 2, even[1] // 2, 2).mean((2, 4))
    coarse = _Level(times, values_at_centres(pairs), (2.0 * spacing[0], 2.0 * spacing[1]))
    merged = np.array([flow.square for flow in coarse.flows()])
    extra = np.array([flow.left for flow in flows]) + fine.left_out(flows)
    found.take_square(squares, merged, extra)
    _take_fields(found, flows, held, temperature, mobility)
    return found


class _Level:
    """Densities at the centres of equal cells and the floor below which they have no weight."""

    def __init__(self, times: Array, densities: Array, spacing: tuple[float, float]) -> None:
        self.times, self.spacing, self.volume = times, spacing, spacing[0] * spacing[1]
        size = max(_noise(density) for density in densities)
        self.floor = max(FAINT * float(densities.max()), _CLEAR * size)
        self.noisy = _CLEAR * size > FAINT * float(densities.max())
        mass = np.sum(densities, axis=(1, 2), keepdims=True) * self.volume
        self.densities = densities / mass

    @property
    def ignored(self) -> float:
        """Largest mass of a density where it has no weight."""
        return (
            float(np.max(np.sum(np.where(self.densities > self.floor, 0.0, self.densities), axis=(1, 2)))) * self.volume
        )

    def flows(self, stride: int = 1, points: int = POINTS) -> list[PlaneRate]:
        """The flow of least energy of every density."""
        rates = rates_of(self.times, self.densities, self.floor, stride, points)
        return [
            least_energy(density, rate, self.spacing, self.floor)
            for density, rate in zip(self.densities, rates, strict=True)
        ]

    def left_out(self, flows: list[PlaneRate]) -> Array:
        """What the mass without weight may add to v2² (n,): as much as if it had the largest speed near the floor."""
        found = []
        for density, flow in zip(self.densities, flows, strict=True):
            speed = flow.velocity[0] ** 2 + flow.velocity[1] ** 2
            edge = (density > self.floor) & (density < 1e2 * self.floor)
            largest = float(np.nanmax(np.where(edge, speed, 0.0), initial=0.0))
            found.append(largest * self.volume * float(np.sum(np.where(density > self.floor, 0.0, density))))
        return np.array(found)


def _noise(density: Array) -> float:
    """The size of what goes up and down from cell to cell, in some rows and columns."""
    rows = [density[k] for k in range(0, density.shape[0], max(density.shape[0] // 8, 1))]
    columns = [density[:, k] for k in range(0, density.shape[1], max(density.shape[1] // 8, 1))]
    return max(noise_of(row, np.ones_like(row))[0] for row in rows + columns)


def _take_fields(
    found: Inferred, flows: list[PlaneRate], held: Snapshots, temperature: float | None, mobility: float
) -> None:
    places, masses = ("time", "x", "y"), held.masses
    for axis, name in enumerate("xy"):
        velocity = np.stack([flow.velocity[axis] for flow in flows])
        found.fields[f"velocity_{name}"] = places, velocity
        if temperature is not None:
            slope = np.stack([flow.slope[axis] for flow in flows])
            found.fields[f"force_{name}"] = places, velocity / mobility + temperature * slope
    if temperature is None:
        return
    energies = np.stack([-flow.potential / mobility - temperature * flow.logarithm for flow in flows])
    weight = np.where(np.isfinite(energies), masses, 0.0)
    mean = np.sum(weight * np.nan_to_num(energies), axis=(1, 2)) / np.sum(weight, axis=(1, 2))
    found.fields["potential"] = places, energies - mean[:, None, None]
