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

from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.grids import Grid
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, number, whole
from fpsolve.transport.plane.levels import spacings
from fpsolve.transport.schroedinger import Field, Ground, Mask, Solution, conjugate_gradients, ground_state

#: density, relative to its maximum, below which it has no weight
FLOOR = 1e-15
#: the velocity fades out over this factor above the floor: a jump of sqrt(p) u would ring in its derivative
FADING = 1e3
#: part of the excess that the last steps of the iteration may still have added
RTOL = 1e-11
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
    ground: Ground
    velocity: Field  # faded out towards the floor
    flow: Field  # sqrt(p) times that
    left_out: float  # integral of p |u|² lost by fading and beyond the walls
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
    necks where the density is below about 1e-11 of its maximum are left out.
    """
    spacing = spacings(grid)
    rtol, floor = number("rtol", rtol, above=0.0, below=1.0), number("floor", floor, least=1e-18, below=1e-2)
    density, velocity = _checked(grid, density, velocity, floor)
    weighted = _weighted(density, velocity, floor, spacing)
    solution = conjugate_gradients(weighted.ground, _source(weighted), rtol, whole("iterations", iterations))
    return _parts(weighted, solution, density)


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


def _weighted(density: Array, velocity: Field, floor: float, spacing: tuple[float, float]) -> _Weighted:
    """Cut out the box that holds the weight, and let the velocity fade out towards the floor."""
    least = floor * float(density.max())
    box = _box(density > least)
    inner, volume = density[box], spacing[0] * spacing[1]
    ground = ground_state(inner, inner > least, spacing)
    share = np.clip(np.log(np.maximum(inner / least, 1.0)) / np.log(FADING), 0.0, 1.0)
    fading = share**3 * (10.0 - 15.0 * share + 6.0 * share**2)
    faded = (fading * velocity[0][box], fading * velocity[1][box])
    flow = (ground.root * faded[0], ground.root * faded[1])
    faint = float(np.sum((1.0 - fading**2) * inner * (velocity[0][box] ** 2 + velocity[1][box] ** 2)))
    beyond = _beyond(inner, inner > least, flow[0] ** 2 + flow[1] ** 2)
    return _Weighted(box, ground, faded, flow, volume * (2.0 * faint + beyond), volume)


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
    return float(np.vdot(first[0], second[0]) + np.vdot(first[1], second[1]))


def _parts(weighted: _Weighted, solution: Solution, density: Array) -> VelocitySplit:
    """Integrals, bars and fields of a solution."""
    ground, flow, volume = weighted.ground, weighted.flow, weighted.volume
    ascent = ground.ascent(solution.state)
    squared, mixed = _product(ascent, ascent), _product(ascent, flow)
    # the best multiple makes the parts orthogonal, and their errors of second order in that of the potential
    factor = mixed / squared if squared > 0.0 else 0.0
    ascent = (factor * ascent[0], factor * ascent[1])
    total = volume * _product(flow, flow)
    excess = volume * factor * mixed
    housekeeping = volume * _product(rest := (flow[0] - ascent[0], flow[1] - ascent[1]), rest)
    total_bar, part_bar = _bars(weighted, solution, ascent, total, volume * (mixed - squared))
    # both parts lie between nothing and the total, whatever the grid makes of them
    bars = [min(part_bar, max(part, total - part) + total_bar) for part in (excess, housekeeping)]
    return VelocitySplit(
        Estimate(total, total_bar, UNIT),
        Estimate(excess, bars[0], UNIT),
        Estimate(housekeeping, bars[1], UNIT),
        volume * (mixed - squared) / total if total > 0.0 else 0.0,
        (_unweighted(weighted, ascent[0], density), _unweighted(weighted, ascent[1], density)),
        _potential(weighted, factor * ground.cosines.values(solution.state), density),
        solution.iterations,
        bool(part_bar <= 0.1 * total),
    )


def _bars(weighted: _Weighted, solution: Solution, ascent: Field, total: float, misfit: float) -> tuple[float, float]:
    """Error bars of the total and of its parts: the energy of what is not resolved stands for the error it causes."""
    ground, volume, cosines = weighted.ground, weighted.volume, weighted.ground.cosines
    flow = [cosines.coefficients(component) for component in weighted.flow]
    flow_lost = total * cosines.unresolved(*flow) ** 2
    total_bar = weighted.left_out + KINKS * flow_lost + ROUNDING * total
    if not solution.sound:
        return total_bar, np.inf
    excess = volume * _product(ascent, ascent)
    gradient_lost = excess * cosines.unresolved(*map(cosines.coefficients, ascent)) ** 2
    # what the nodes alias into the source, extrapolated from the spectrum or from sums over fewer nodes
    high, middle = cosines.band(0.7, 0.8, *flow), cosines.band(0.35, 0.4, *flow)
    folded = np.sqrt(excess * total) * high * min(1.0, high / middle if middle > 0.0 else 1.0)
    mixed = ascent[0] * weighted.flow[0] + ascent[1] * weighted.flow[1]
    lost = CAUTION * (gradient_lost + np.sqrt(gradient_lost * flow_lost) + min(folded, volume * _aliasing(mixed)))
    shifted = volume * ground.shift * float(np.vdot(solution.state, solution.state))
    left_over = volume * CAUTION * solution.added
    return total_bar, float(total_bar + lost + shifted + left_over + abs(misfit))


def _aliasing(values: Array) -> float:
    """Error of a sum over the nodes as integral, in cells, extrapolated from sums over every second and fourth node."""
    total, spreads = float(np.sum(values)), []
    for stride in (2, 4):
        sums = [np.sum(values[i::stride, j::stride]) for i in range(stride) for j in range(stride)]
        spreads.append(float(np.max(np.abs(stride**2 * np.array(sums) - total))))
    return spreads[0] * min(1.0, spreads[0] / spreads[1]) if spreads[1] > 0.0 else 0.0


def _unweighted(weighted: _Weighted, values: Array, density: Array) -> Array:
    """Values over sqrt(p), on the whole grid; zero where there is no weight."""
    whole_grid = np.zeros_like(density)
    heavy, root = weighted.ground.weighted, weighted.ground.root
    whole_grid[weighted.box] = np.where(heavy, values / np.where(heavy, root, 1.0), 0.0)
    return whole_grid


def _potential(weighted: _Weighted, state: Array, density: Array) -> Array:
    """The potential, of mean zero under the density."""
    heavy, root = weighted.ground.weighted, weighted.ground.root
    mean = float(np.sum(state * root) / np.sum(root**2))
    return _unweighted(weighted, np.where(heavy, state - mean * root, 0.0), density)
