"""The orthogonal split of a velocity field under a density in the plane, to spectral accuracy.

Of all gradient fields the one nearest to u in the mean square under p solves div(p grad phi) = div(p u): its energy is
the excess part of the dissipation, the energy of the rest the housekeeping part. See
:mod:`fpsolve.transport.schroedinger` for how that weighted Poisson equation is solved.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
from scipy.fft import next_fast_len
from scipy.ndimage import label

from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.grids import Grid
from fpsolve.quadrature import Array, crowded
from fpsolve.settings import InputError, number, whole
from fpsolve.transport.plane.levels import spacings
from fpsolve.transport.schroedinger import Field, Ground, Mask, Solution, conjugate_gradients, dot, ground_state

#: density, relative to its maximum, below which it has no weight
FLOOR = 1e-15
#: the velocity fades out over this factor above the floor: a jump of sqrt(p) u would ring in its derivative
FADING = 1e3
#: part of the excess that the last steps of the iteration may still have added
RTOL = 1e-11
#: parts of the density with less than this between them, relative to its maximum, exchange mass slowly: the iteration
#: seems to have ended before it finds that flow, and must go on to a smaller tolerance
APART, PATIENCE = 1e-3, 1e-4
#: flows through necks of less density than this are left to the bar
NECK = 1e-10
#: factor between what shows an error and the bar
CAUTION = 10.0
#: the same for sums over the nodes of a velocity that jumps: trials gave up to 37
KINKS = 100.0
UNIT = "L²/s²"

Box = tuple[slice, slice]


@dataclasses.dataclass(frozen=True, eq=False)
class VelocitySplit:
    """A velocity u under a density p as a gradient field and a rest orthogonal to all gradients.

    Parameters
    ----------
    total : Estimate
        Integral of p |u|², length²/time²: T S' for the flow of a Fokker-Planck equation (36).
    excess : Estimate
        Integral of p |grad phi|²: the squared speed v₂² in the Wasserstein-2 metric (66).
    housekeeping : Estimate
        Integral of p |u - grad phi|²; excess and housekeeping add up to the total to rounding.
    orthogonality : float
        Integral of p grad phi . (u - grad phi) relative to the total, zero for the exact potential: as the iteration
        left it, before the potential was multiplied by the factor near one that makes it vanish.
    gradient : (gx, gy), each of shape (nx, ny)
        grad phi at the centres, length/time; zero where the density has no weight.
    potential : (nx, ny) array
        phi, of mean zero under p; zero where the density has no weight.
    iterations : int
        Conjugate-gradient steps.
    resolved : bool
        Whether the grid resolves the density; where not, the bars of both parts allow all that the total allows.
    """

    total: Estimate
    excess: Estimate
    housekeeping: Estimate
    orthogonality: float
    gradient: Field
    potential: Array
    iterations: int
    resolved: bool


class _Weighted(NamedTuple):
    """The box that holds the weight: where it lies, what the density and sqrt(p) u are in it, what was left out."""

    box: Box
    shape: tuple[int, ...]  # of the grid
    ground: Ground
    velocity: Field  # faded out towards the floor
    flow: Field  # sqrt(p) times that
    left_out: float  # integral of p |u|² lost by fading and beyond the walls
    apart: bool  # whether the density is in pieces
    necks: float  # energy of the flow between these that the iteration may not find
    volume: float  # of a cell


def split_velocity(
    grid: Grid, density: Array, velocity: Field, *, rtol: float = RTOL, floor: float = FLOOR, iterations: int = 500
) -> VelocitySplit:
    """Split a velocity into the gradient field that moves the density alike and an orthogonal rest.

    Parameters
    ----------
    grid : Grid
        A plane of equal cells.
    density : (nx, ny) array
        Values at the centres (not averages) of a smooth density, 1/length², that falls to nothing at the walls.
    velocity : (ux, uy), each of shape (nx, ny)
        Velocity at the centres, length/time. Where the density has no weight it may be anything, nan included.
    rtol : float
        Stop when five iterations together have added less than this part of the excess.
    floor : float
        Density relative to its maximum that counts as none; raise it to where the noise of a computed density begins.
    iterations : int
        Most iterations.

    Returns
    -------
    VelocitySplit
        Integrals of p |u|², p |grad phi|² and p |u - grad phi|², the field and the potential.

    Raises
    ------
    InputError
        A grid that is no plane of equal cells, arrays that do not fit it, a density that is negative or not finite, a
        velocity that is not finite where the density has weight.

    Notes
    -----
    The bars add what the highest wave numbers still carry, what was left out near the floor and beyond the walls
    (where the density is taken to go on falling as it does at them), and what the iteration left over. Gaussians of
    1.2 nodes to a standard deviation come out to 1e-9; below one the density counts as not resolved. Flows through
    necks where the density is below about 1e-10 of its maximum are left to the bar.
    """
    rtol, limit = number("rtol", rtol, above=0.0, below=1.0), whole("iterations", iterations)
    weighted = _weighted(grid, density, velocity, floor)
    rtol = PATIENCE * rtol if weighted.apart else rtol
    return _parts(weighted, conjugate_gradients(weighted.ground, _source(weighted), rtol, limit))


def mean_square(grid: Grid, density: Array, velocity: Field, *, floor: float = FLOOR) -> Estimate:
    """Integral of p |u|² alone; arguments and errors as for :func:`split_velocity`."""
    return _total(_weighted(grid, density, velocity, floor))


def _checked(grid: Grid, density: Array, velocity: Field, floor: float) -> tuple[Array, Field]:
    """Density and velocity as arrays of the grid's shape, both zero where there is no weight."""
    density = np.asarray(density, float)
    if len(velocity) != 2:
        raise InputError("velocity", f"given {len(velocity)} components; expected a pair (ux, uy)")
    fields = [np.asarray(component, float) for component in velocity]
    for name, field in (("density", density), ("velocity", fields[0]), ("velocity", fields[1])):
        if field.shape != grid.shape:
            raise InputError(name, f"given shape {field.shape}; expected that of the grid, {grid.shape}")
    largest = float(density.max()) if np.all(np.isfinite(density)) else np.nan
    if not largest > 0.0 or density.min() < -max(floor, 1e-12) * largest:
        raise InputError("density", "expected finite values, none negative and not all zero; give it at the centres")
    heavy = density > floor * largest
    if not all(np.all(np.isfinite(field[heavy])) for field in fields):
        raise InputError("velocity", "not finite where the density has weight; raise floor if the velocity ends there")
    first, second = (np.where(heavy, field, 0.0) for field in fields)
    return np.maximum(density, 0.0), (first, second)


def _weighted(grid: Grid, density: Array, velocity: Field, floor: float) -> _Weighted:
    """Cut out the box that holds the weight, and let the velocity fade out towards the floor."""
    spacing, floor = spacings(grid), number("floor", floor, least=1e-18, below=1e-2)
    density, velocity = _checked(grid, density, velocity, floor)
    least = floor * float(density.max())
    box = _box(density > least)
    inner, volume = density[box], spacing[0] * spacing[1]
    ground = ground_state(inner, inner > least, spacing)
    share = np.clip(np.log(np.maximum(inner / least, 1.0)) / np.log(FADING), 0.0, 1.0)
    fading = crowded(share)
    faded = (fading * velocity[0][box], fading * velocity[1][box])
    flow = (ground.root * faded[0], ground.root * faded[1])
    faint = float(np.sum((1.0 - fading**2) * inner * (velocity[0][box] ** 2 + velocity[1][box] ** 2)))
    energy = flow[0] ** 2 + flow[1] ** 2
    left_out = 2.0 * faint + _beyond(inner, inner > least, energy)
    apart = bool(label(inner > APART * inner.max())[1] > 1)
    necks = volume * float(np.sum(energy[inner < NECK * inner.max()])) if apart else 0.0
    return _Weighted(box, grid.shape, ground, faded, flow, volume * left_out, apart, necks, volume)


def _box(heavy: Mask) -> Box:
    """The smallest box that holds all cells with weight and a rim, widened to numbers of cells that transform fast."""
    found = []
    for axis, cells in enumerate(heavy.shape):
        inside = np.flatnonzero(heavy.any(axis=1 - axis))
        length = min(next_fast_len(int(inside[-1] - inside[0]) + 3, real=True), cells)
        start = min(max(int(inside[0]) - 1, 0), cells - length)
        found.append(slice(start, start + length))
    return found[0], found[1]


def _beyond(density: Array, heavy: Mask, energy: Array) -> float:
    """Bound of the sum of p |u|² where the density ends or a wall stands, if it went on falling as it does there."""
    bound = 0.0
    padded, weights = np.pad(heavy, 1), np.pad(density, 1, mode="edge")
    for axis in (0, 1):
        length = density.shape[axis]
        for step in (1, -1):
            last = heavy & ~np.roll(padded, -step, axis)[1:-1, 1:-1]
            before = np.roll(weights, step, axis)[1:-1, 1:-1][last]
            fall = np.log(np.maximum(before, density[last]) / density[last])
            bound += 3.0 * float(np.sum(energy[last] / np.maximum(fall, 1.0 / length)))
    return bound


def _source(weighted: _Weighted) -> Array:
    """Coefficients of -div(p u) / sqrt(p) = -div(sqrt(p) u) - u . grad sqrt(p)."""
    ground, flow, velocity = weighted.ground, weighted.flow, weighted.velocity
    cosines, slope = ground.cosines, ground.slope
    divergence = cosines.adjoint(flow[0], 0) + cosines.adjoint(flow[1], 1)
    return np.asarray(divergence - cosines.coefficients(velocity[0] * slope[0] + velocity[1] * slope[1]))


def _product(first: Field, second: Field) -> float:
    return dot(first[0], second[0]) + dot(first[1], second[1])


def _parts(weighted: _Weighted, solution: Solution) -> VelocitySplit:
    """Integrals, bars and fields of a solution."""
    ground, flow, volume = weighted.ground, weighted.flow, weighted.volume
    ascent = ground.ascent(solution.state)
    squared, mixed = _product(ascent, ascent), _product(ascent, flow)
    # the best multiple makes the parts orthogonal, and their errors of second order in that of the potential
    factor = mixed / squared if squared > 0.0 else 0.0
    ascent = (factor * ascent[0], factor * ascent[1])
    total = _total(weighted)
    excess = volume * factor * mixed
    rest = (flow[0] - ascent[0], flow[1] - ascent[1])
    housekeeping = volume * _product(rest, rest)
    part_bar = total.error + _part_bar(weighted, solution, ascent, volume * (mixed - squared))
    # both parts lie between nothing and the total, whatever the grid makes of them
    bars = [min(part_bar, max(part, total.value - part) + total.error) for part in (excess, housekeeping)]
    return VelocitySplit(
        total,
        Estimate(excess, bars[0], UNIT),
        Estimate(housekeeping, bars[1], UNIT),
        volume * (mixed - squared) / total.value if total.value > 0.0 else 0.0,
        (_unweighted(weighted, ascent[0]), _unweighted(weighted, ascent[1])),
        _potential(weighted, factor * ground.cosines.values(solution.state)),
        solution.iterations,
        bool(part_bar <= 0.1 * total.value),
    )


def _total(weighted: _Weighted) -> Estimate:
    """Integral of p |u|²; its sum over nodes errs by the energy of what they do not resolve, times a factor."""
    cosines = weighted.ground.cosines
    total = weighted.volume * _product(weighted.flow, weighted.flow)
    lost = total * cosines.unresolved(*map(cosines.coefficients, weighted.flow)) ** 2
    return Estimate(total, weighted.left_out + KINKS * lost + ROUNDING * total, UNIT)


def _part_bar(weighted: _Weighted, solution: Solution, ascent: Field, misfit: float) -> float:
    """What the error bars of both parts have beyond that of the total."""
    if not solution.sound:
        return np.inf
    ground, volume, cosines = weighted.ground, weighted.volume, weighted.ground.cosines
    flow = [cosines.coefficients(component) for component in weighted.flow]
    total, excess = volume * _product(weighted.flow, weighted.flow), volume * _product(ascent, ascent)
    flow_lost = total * cosines.unresolved(*flow) ** 2
    gradient_lost = excess * cosines.unresolved(*map(cosines.coefficients, ascent)) ** 2
    # what the nodes alias into the source, extrapolated from the spectrum or from sums over fewer nodes
    high, middle = cosines.band(0.7, 0.8, *flow), cosines.band(0.35, 0.4, *flow)
    folded = np.sqrt(excess * total) * high * min(1.0, high / middle if middle > 0.0 else 1.0)
    mixed = volume * _aliasing(ascent[0] * weighted.flow[0] + ascent[1] * weighted.flow[1])
    lost = CAUTION * (gradient_lost + np.sqrt(gradient_lost * flow_lost) + 2.0 * min(folded, mixed))
    shifted = volume * ground.shift * dot(solution.state, solution.state)
    return float(lost + shifted + volume * CAUTION * solution.added + abs(misfit) + weighted.necks)


def _aliasing(values: Array) -> float:
    """Error of a sum over the nodes as integral, in cells, extrapolated from sums over every second, third, ... node.

    Both factors are needed: a kink midway between two nodes leaves the same error in sums over every second one.
    """
    total, spread = float(np.sum(values)), {}
    for stride in (2, 3, 4, 6):
        sums = [np.sum(values[i::stride, j::stride]) for i in range(stride) for j in range(stride)]
        spread[stride] = float(np.max(np.abs(stride**2 * np.array(sums) - total)))
    second = spread[2] * min(1.0, spread[2] / spread[4]) if spread[4] > 0.0 else spread[2]
    third = spread[3] * min(1.0, spread[3] / spread[6]) ** 2 if spread[6] > 0.0 else spread[3]
    return max(second, third)


def _unweighted(weighted: _Weighted, values: Array) -> Array:
    """Values over sqrt(p), on the whole grid; zero where there is no weight."""
    heavy, root, everywhere = weighted.ground.weighted, weighted.ground.root, np.zeros(weighted.shape)
    everywhere[weighted.box] = np.where(heavy, values / np.where(heavy, root, 1.0), 0.0)
    return everywhere


def _potential(weighted: _Weighted, state: Array) -> Array:
    """The potential, of mean zero under the density."""
    root = weighted.ground.root
    return _unweighted(weighted, state - dot(state, root) / dot(root, root) * root)
