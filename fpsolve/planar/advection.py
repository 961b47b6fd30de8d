"""The estimated process in the plane in the cells of a fixed grid, carried back from t = tau."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from fpsolve.densities.plane.base import PlaneDensity
from fpsolve.grids import Grid
from fpsolve.kernels import plane_advection as kernels
from fpsolve.processes.plane.base import FlowingProcess
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, suggestion
from fpsolve.transport.plane.levels import spacings

PlaneRoute = Literal["weno5", "upwind"]

ROUTES: tuple[PlaneRoute, ...] = ("weno5", "upwind")
#: part of a cell's content that may leave it in a stage
CFL = 0.4
#: instants in a panel of time, its largest width in the angle, and the error allowed of the polynomial through them
_INSTANTS, _WIDEST, _ACCURACY = 8, 0.25, 1e-5
#: panels are not halved below this width; steps in a panel at least
_NARROWEST, _STEPS = 2e-3, 4
#: logarithm of the part of the largest density below which velocities are limited to those above it
_DEPTH = 70.0
#: curvature, relative to the square of the largest average, below which the weights need not tell smooth from rough
_FLAT = 1e-14
#: place of a Gauss point on a face, in units of its length
_GAUSS = 0.5 / math.sqrt(3.0)
#: parts of the old averages in the three stages of the stepper (Shu and Osher)
_PARTS = 0.0, 0.75, 1.0 / 3.0


class PlaneRun(NamedTuple):
    """Cell masses (n, nx, ny) of the estimated process at n times, and the time steps taken."""

    masses: Array
    steps: int


def check_route(method: str) -> PlaneRoute:
    """The route, or a complaint about an unknown one."""
    for known in ROUTES:
        if method == known:
            return known
    raise InputError("method", f"given {method!r}; {suggestion(str(method), ROUTES)}")


def advected(
    process: FlowingProcess,
    start: PlaneDensity,
    grid: Grid,
    times: Array,
    method: str = "weno5",
    *,
    cfl: float = CFL,
    progress: Callable[[float], None] | None = None,
) -> PlaneRun:
    """Solve the reverse probability flow (4), (10) with the exact velocity, from t = tau down to the first time.

    Time is the angle u with t = tau sin²(pi u / 2): velocities times dt/du stay finite where a schedule's diverge like
    a square root at either end.

    Parameters
    ----------
    process : FlowingProcess
    start : PlaneDensity
        P~ at t = tau.
    grid : Grid
        Equal cells; nothing leaves through the walls.
    times : (n,) array
        Increasing forward times in [0, tau] at which to store, s.
    method : str
        ``"weno5"``, third-order SSP Runge-Kutta steps of fifth-order reconstructions with face averages of products
        to fourth order, or ``"upwind"``, the same steps of first-order fluxes.
    cfl : float
        Part of a cell's content that may leave it in a stage, in (0, 1].
    progress : callable, optional
        Called with each stored time.

    Returns
    -------
    PlaneRun

    Raises
    ------
    InputError
        An unknown method, times out of order or range, cells that are not equal.
    """
    route, widths = check_route(method), spacings(grid)
    times = np.asarray(times, float)
    if times.ndim != 1 or times.size == 0 or np.any(np.diff(times) <= 0.0):
        raise InputError("times", f"given {times}; expected increasing numbers")
    if times[0] < 0.0 or times[-1] > process.tau:
        raise InputError("times", f"given {times[0]:g} to {times[-1]:g}; they must lie in [0, {process.tau:g}]")
    masses = start.cell_masses(*(axis.edges for axis in grid.axes))
    averages, rows, steps = masses / grid.volumes, np.empty((times.size, *grid.shape)), 0
    stops = np.arcsin(np.sqrt(np.clip(times / process.tau, 0.0, 1.0))) / (0.5 * np.pi)
    mover, faces, u = _Mover(route, grid.shape, widths, cfl), _Faces(process, grid, route), 1.0
    panel = None
    for index in range(times.size - 1, -1, -1):
        while u > stops[index]:
            if panel is None or u <= panel.low:
                panel = faces.panel(u, panel.next_width if panel else _WIDEST, float(stops[0]))
            end = max(float(stops[index]), panel.low)
            averages, taken = mover.advance(averages, panel, u, end)
            steps, u = steps + taken, end
        rows[index] = averages
        if progress is not None:
            progress(float(times[index]))
    return PlaneRun(rows * grid.volumes, steps)


@dataclasses.dataclass(frozen=True, eq=False)
class _Panel:
    """Velocities backward in u at the inner faces, by Chebyshev polynomials on an interval of u.

    ``terms`` holds rows of coefficients: values of all faces across x, then across y, and as many tilts or none.
    """

    low: float
    width: float
    terms: Array
    limit: float
    next_width: float

    def at(self, u: float) -> Array:
        place = math.acos(min(max(2.0 * (u - self.low) / self.width - 1.0, -1.0), 1.0))
        out = np.empty(self.terms.shape[1])
        kernels.limited_sum(self.terms, np.cos(place * np.arange(self.terms.shape[0])), self.limit, out)
        return out


class _Faces:
    """Velocities of a process at the inner faces of a grid.

    Far from all mass they may be huge and would only shorten the steps: they are limited to the fastest at any point
    where the density is above exp(-70) of its largest.
    """

    def __init__(self, process: FlowingProcess, grid: Grid, route: PlaneRoute) -> None:
        self.process = process
        x, y = grid.axes
        offsets = np.array([-_GAUSS, _GAUSS] if route == "weno5" else [0.0])
        along_y, along_x = (
            axis.centres + offsets[:, None] * width for axis, width in zip((y, x), spacings(grid)[::-1], strict=True)
        )
        parts = [
            np.broadcast_arrays(x.edges[None, 1:-1, None], along_y[:, None, :]),
            np.broadcast_arrays(along_x[:, :, None], y.edges[None, None, 1:-1]),
        ]
        # first all lower Gauss points, then all upper ones
        self._x, self._y = (
            np.concatenate([np.reshape(part[k], (offsets.size, -1)) for part in parts], axis=1).ravel() for k in (0, 1)
        )
        self._across_x = np.tile(np.arange(self._x.size // offsets.size) < (x.cells - 1) * y.cells, offsets.size)
        self._points = offsets.size
        k = np.arange(_INSTANTS)
        self._nodes = np.cos(np.pi * (k + 0.5) / _INSTANTS)
        self._to_terms = 2.0 / _INSTANTS * np.cos(np.pi * k[:, None] * (k + 0.5) / _INSTANTS)
        self._to_terms[0] *= 0.5

    def panel(self, high: float, width: float, least: float) -> _Panel:
        """Polynomials that end at ``high``, as wide as their accuracy allows, not beyond ``least``."""
        width = min(width, high - least)
        while True:
            terms, limit, error = self._fitted(high - width, width)
            # the error falls like a power of the width
            factor = min(0.9 * (_ACCURACY / max(error, 1e-300)) ** (1.0 / (_INSTANTS - 1)), 2.0)
            if error <= _ACCURACY or width <= _NARROWEST:
                low = high - width
                low = low if low > least + 1e-12 else least
                return _Panel(low, width, terms, limit, min(max(factor * width, _NARROWEST), _WIDEST))
            width = max(factor * width, 0.25 * width, _NARROWEST)

    def _fitted(self, low: float, width: float) -> tuple[Array, float, float]:
        """Coefficients, the largest velocity that counts, and the error relative to the typical velocity."""
        values, weight, fastest = [], np.zeros(self._x.size), 0.0
        for node in self._nodes:
            u = low + 0.5 * width * (1.0 + node)
            t, pace = self.process.tau * math.sin(0.5 * math.pi * u) ** 2, math.sin(math.pi * u)
            flow = self.process.flow(t, self._x, self._y)
            velocity = np.where(self._across_x, flow.velocity[0], flow.velocity[1])
            velocity *= -0.5 * math.pi * self.process.tau * pace
            depth = flow.log_density - np.max(flow.log_density)
            fastest = max(fastest, float(np.max(np.abs(velocity[depth > -_DEPTH]))))
            # the square root also looks at where the estimated process may be
            weight += np.exp(0.5 * depth)
            values.append(velocity)
        rows = np.clip(np.nan_to_num(np.array(values)), -fastest, fastest)
        size = float(np.sum(weight * np.mean(rows**2, axis=0)))
        terms = np.einsum("ki,in->kn", self._to_terms, rows)
        error = math.sqrt(float(np.sum(weight * (terms[-1] ** 2 + terms[-2] ** 2))) / max(size, 1e-300))
        if self._points == 2:
            first, second = np.split(terms, 2, axis=1)
            terms = np.concatenate([0.5 * (first + second), second - first], axis=1)
        return terms, fastest, error


class _Mover:
    """Steps of cell averages by velocities at the faces."""

    def __init__(self, route: PlaneRoute, shape: tuple[int, ...], widths: tuple[float, float], cfl: float) -> None:
        nx, ny = shape
        self.wide, self.widths, self.cfl = route == "weno5", widths, cfl
        self._sides = (nx - 1, ny), (nx, ny - 1)
        self._into = tuple(np.empty(side) for side in self._sides)
        self._scratch = np.empty((nx + 6, ny + 6)), *(np.empty(side) for side in self._sides)
        self._row = np.empty(ny)

    def advance(self, p: Array, panel: _Panel, begin: float, end: float) -> tuple[Array, int]:
        """Averages at ``end`` and the steps taken down from ``begin``, inside a panel."""
        u, steps, first = begin, 0, panel.at(begin)
        rate = max(self._rate(first), self._rate(panel.at(end)), self.cfl * _STEPS / panel.width)
        while u > end:
            count = max(math.ceil((u - end) * rate * 1.02 / self.cfl - 1e-9), 1)
            size = (u - end) / count
            last = panel.at(end if count == 1 else u - size)
            middle = panel.at(u - 0.5 * size)
            seen = max(self._rate(first), self._rate(middle), self._rate(last))
            if size * seen > self.cfl * (1.0 + 1e-12):
                rate = seen
                continue
            p = self._step(p, (first, last, middle), size)
            u, first, steps = end if count == 1 else u - size, last, steps + 1
            # velocities fall as well as rise inside a panel
            rate = max(seen, self.cfl * _STEPS / panel.width)
        return p, steps

    def _arrays(self, velocities: Array) -> list[Array]:
        """Across x and across y, and their tilts."""
        ends = np.cumsum([math.prod(side) for side in (*self._sides, *self._sides)])[: 4 if self.wide else 2]
        return [
            part.reshape(side)
            for part, side in zip(np.split(velocities, ends[:-1]), self._sides * (2 if self.wide else 1), strict=True)
        ]

    def _rate(self, velocities: Array) -> float:
        """Largest rate at which a cell empties."""
        along_x, along_y = self._arrays(velocities)[:2]
        return float(kernels.fastest_outflow_plane(along_x, along_y, *self.widths, self._row))

    def _step(self, p: Array, velocities: tuple[Array, Array, Array], size: float) -> Array:
        """Three averaged forward Euler steps; the velocities are those at the times of the stages."""
        now = p
        for part, each in zip(_PARTS, velocities, strict=True):
            out = np.empty_like(p)
            self._fluxes(now, each)
            by_x, by_y = (size / width for width in self.widths)
            kernels.blend_step_plane(p, part, now, self._into[0], self._into[1], by_x, by_y, out)
            now = out
        return now

    def _fluxes(self, p: Array, velocities: Array) -> None:
        if not self.wide:
            kernels.upwind_fluxes(p, *self._arrays(velocities), *self._into)
            return
        along_x, along_y, tilt_x, tilt_y = self._arrays(velocities)
        tiny = _FLAT * float(np.max(np.abs(p))) ** 2 + 1e-300
        ghosted, value_x, value_y = self._scratch
        into_x, into_y = self._into
        kernels.weno5_fluxes(p, along_x, tilt_x, along_y, tilt_y, ghosted, value_x, value_y, tiny, into_x, into_y)
