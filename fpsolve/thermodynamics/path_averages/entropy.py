"""Entropy production along paths, without paths: the tilted generator of a jump process (46)-(50)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import Flux, ScharfetterGummel, TwoPointFlux
from fpsolve.grids import Array, Grid
from fpsolve.integration import coarsened
from fpsolve.settings import InputError
from fpsolve.solution.errors import beyond, time_bar
from fpsolve.solution.start import Masses, start_masses
from fpsolve.steppers import SDIRK4, DiagonallyImplicit
from fpsolve.thermodynamics.energies import system_entropy
from fpsolve.thermodynamics.path_averages.boxes import (
    beside,
    box,
    cells_and_steps,
    checked,
    rim_of,
    rough,
    support,
    thetas,
)
from fpsolve.thermodynamics.path_averages.propagation import MOMENTS, adjoint_step, hierarchy, tilted_step
from fpsolve.thermodynamics.path_averages.steps import Remembered, halved, integrated, limit, spans, step_groups
from fpsolve.thermodynamics.path_averages.tables import Numbers, table
from fpsolve.thermodynamics.path_averages.tilted import Tilts

#: what rounding may change of the fluctuation theorem
ROUNDING = 1e-12
#: nats per mass beyond a window: nothing that counts is rarer than exp(-40)
_NATS = 60.0
#: numbers that are extrapolated to vanishing cells
_LIMITS = ("entropy_production_variance", "bath_entropy_mean")
#: what entered the bath, to which the change of the system's entropy is added
_SUMS = {"entropy_production_mean": "bath_entropy_mean", "entropy_production": "bath_run"}


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """One level: a jump process, where it starts, and the steps it takes."""

    system: Remembered
    method: type[DiagonallyImplicit]
    start: Array
    reached: NDArray[np.bool_]
    groups: list[Array]
    #: cells that a start reaches in part only
    rim: NDArray[np.bool_]

    def numbers(self, arguments: tuple[float, ...]) -> dict[str, float]:
        """Everything that this level says."""
        tilts = Tilts(self.system)
        wanted = sorted({*arguments, 1.0} - {0.0})
        moments, tilted, bath = self._marched(tilts, wanted)
        end = moments[0]
        means = {x: float(np.sum(_power(end, x) * v)) for x, v in zip(wanted, tilted, strict=True)}
        means[0.0] = float(np.sum(end))
        numbers = self._statistics(moments, bath)
        numbers |= {"fluctuation_theorem": means[1.0], "irreversible": 0.0, "uncertain": 0.0}
        if not np.all(self.reached):
            back = end
            for t, later in reversed([span for group in self.groups for span in spans(group)]):
                back = adjoint_step(self.method, tilts, back, t, later - t)
            numbers["irreversible"] = float(np.sum(back[~self.reached]))
            numbers["uncertain"] = float(np.sum(np.abs(back[self.rim])))
        return numbers | {f"theta {k}": means[x] for k, x in enumerate(arguments)}

    def _marched(self, tilts: Tilts, wanted: list[float]) -> tuple[list[Array], list[Array], float]:
        """At the end: the hierarchy, what the tilted generators made of the start, the bath's entropy by quadrature."""
        zero, total = np.zeros_like(self.start), 0.0
        members = [self.start, zero, zero, self.start * _log(self.start), zero]
        tilted = [np.where(self.reached, _power(self.start, 1.0 - x), 0.0) for x in wanted]
        for group in self.groups:
            rates = [tilts.at(float(group[0])).bath_rate(members[0])]
            for t, later in spans(group):
                members = hierarchy(self.method, tilts, members, MOMENTS, t, later - t)
                tilted = [
                    tilted_step(self.method, tilts, x, v, t, later - t) for x, v in zip(wanted, tilted, strict=True)
                ]
                rates.append(tilts.at(later).bath_rate(members[0]))
            total += integrated(group, rates)
        return members, tilted, total

    def _statistics(self, moments: list[Array], bath: float) -> dict[str, float]:
        """Moments of s = b + ln m_0 - ln m_tau from those of b, and the same mean from the run."""
        m, first, second, begun, crossed = moments
        before, after, grid = _log(self.start), _log(m), self.system.grid
        own = float(np.sum(self.start * before)) - float(np.sum(m * after))
        mean = float(np.sum(first)) + own
        ends = float(np.sum(self.start * before**2)) + float(np.sum(m * after**2)) - 2.0 * float(np.sum(begun * after))
        mixed = float(np.sum(crossed)) - float(np.sum(first * after))
        return {
            "bath_entropy_mean": float(np.sum(first)),
            "bath_run": bath,
            # inside the cells the density is not flat: its entropy to fourth order
            "entropy_start": _entropy(self.start, grid),
            "entropy_end": _entropy(m, grid),
            "grid_entropy_production_mean": mean,
            "grid_entropy_production": bath + own,
            "entropy_production_variance": float(np.sum(second)) + 2.0 * mixed + ends - mean**2,
            "lost": beyond(np.abs(m), grid),
        }


def _entropy(masses: Array, grid: Grid) -> float:
    """The entropy of a density; where it all but vanishes its slopes may overflow."""
    with np.errstate(over="ignore"):
        return system_entropy(masses, grid)


def entropy_statistics(
    problem: FokkerPlanck,
    start: Any,
    times: Sequence[float] | Array,
    *,
    theta: Sequence[float] | float | None = None,
    cells: int | Sequence[int] | None = None,
    steps: int | None = None,
    flux: Flux | None = None,
    stepper: DiagonallyImplicit | None = None,
) -> xr.Dataset:
    """Statistics of the entropy production s = ln(P_F / P_B) of single paths (46)-(50), drawing none.

    A flux with local detailed balance makes the equation a jump process. Along its paths s is the sum of ln(w/w') over
    the jumps (w' is the rate of the reverse jump) plus ln m_0(x_0) - ln m_tau(x_tau), and <exp(-theta s)> solves an
    equation with the tilted generator. Its mean, minus the derivative at theta = 0, is D_KL(P_F || P_B) =
    D_KL(P_F || P'_B) = S_tot (47), (49). At theta = 1 the tilted generator is the transposed one, so that
    <exp(-s)> = 1 to rounding whatever the step (50); a start with empty cells makes it 1 - lambda, where lambda is the
    probability that the backward process, from m_tau with the protocol reversed, ends in them.

    Where T depends on the place, J = f P - T grad P: the entropy of a jump is that of the bath at its face.

    Parameters
    ----------
    problem : FokkerPlanck
        Any force, with reflecting or periodic ends.
    start : Density, PlaneDensity, Equilibrium, Stationary, or array
        As for :func:`fpsolve.solve`; an array holds averages over the cells of the problem's domain.
    times : sequence of float
        Increasing; the statistics are those of all the time between the first and the last. Every one ends a step.
    theta : sequence of float, optional
        Arguments of the generating function.
    cells : int or pair, optional
        Cells along each axis of the domain, or of a window that is found; 256 on a line, 64 x 64 in the plane.
    steps : int, optional
        Steps in all, about; 200 on a line, 40 in the plane.
    flux : TwoPointFlux, optional
        One that claims local detailed balance; Scharfetter-Gummel if absent.
    stepper : DiagonallyImplicit, optional
        SDIRK4 if absent.

    Returns
    -------
    xarray.Dataset
        ``fluctuation_theorem``, ``irreversible`` (lambda), ``entropy_production_mean`` (by the derivative),
        ``entropy_production`` (the change of the system's entropy and what entered the bath, by quadrature through the
        ends of the steps), ``entropy_production_variance``, ``bath_entropy_mean``, ``generating_function(theta)``,
        each with ``..._error``, nats; means of the jump process itself, not extrapolated, as ``grid_...``.

    Raises
    ------
    InputError
        Absorbing ends, T = 0, a flux without local detailed balance, a stepper of another kind.
    """
    problem, begun, at = checked(problem, start, times)
    arguments = thetas(theta)
    flux, method = _schemes(problem, flux, stepper, at)
    shape, count = cells_and_steps(problem, begun, cells, steps)
    domain = box(problem, begun, at, resting=False)
    grids = [domain.grid(shape if problem.dimension == 2 else shape[0])]
    grids += [grids[0].coarser(), grids[0].coarser(4)]
    fine = step_groups(lambda t: _watched(problem, grids[2], t), at, count)
    plan = [(grids[0], fine), (grids[1], fine), (grids[2], fine), (grids[1], halved(fine))]
    masses = _starts(begun, problem, grids, flux, float(at[0]))
    found: list[dict[str, float]] = []
    edges: list[float] = []
    cut = max(1.0 - float(np.sum(masses[0])), 0.0)
    for grid, groups in plan:
        own = masses[grids.index(grid)]
        reached = support(begun, own)
        rim = rim_of(begun, grid, reached)
        found.append(
            Run(Remembered(problem, grid, flux), method, own / np.sum(own), reached, groups, rim).numbers(arguments)
        )
        if not edges:
            edges.append(float(np.sum(beside(own)[rim])))
    return _told(
        found, arguments, _Told(method.order, flux.order, problem.domain is None, rough(begun, domain), edges[0], cut)
    )


@dataclasses.dataclass(frozen=True)
class _Told:
    """What the bars must know: orders, whether a window was chosen and what it cuts, and of a rough start its rim."""

    time_order: int
    order: int
    windowed: bool
    rough: bool
    rim: float
    cut: float


def _told(found: list[dict[str, float]], arguments: tuple[float, ...], told: _Told) -> xr.Dataset:
    """Limits and bars of what the levels say: three grids, and the middle one with half the steps."""
    fine, middle, coarse, clock = found
    cut = told.cut + (3.0 * fine["lost"] if told.windowed else 0.0)
    every = [name for name in fine if name not in ("lost", "uncertain")]
    known: dict[str, tuple[float, float]] = {}
    for name in every:
        # the start is exact in every cell
        falling = 4 if name == "entropy_start" else told.order
        levels, rounding = [fine[name], middle[name], coarse[name]], 1e-11 * max(abs(fine[name]), 1e-3)
        value, bar = limit(levels, falling, rounding, told.rough)
        bar += time_bar(abs(middle[name] - clock[name]), told.time_order)
        known[name] = value, bar + _NATS * cut + (0.0 if name == "bath_entropy_mean" else told.rim)
    numbers: Numbers = {name: known[name] for name in _LIMITS}
    for name, bath in _SUMS.items():
        parts = [known[part] for part in (bath, "entropy_end", "entropy_start")]
        total = parts[0][0] + parts[1][0] - parts[2][0], sum(bar for _, bar in parts)
        # the sum on the grid may fall more regularly than its smoother parts
        total = min(total, known[f"grid_{name}"], key=lambda pair: pair[1])
        value = fine[f"grid_{name}"]
        numbers |= {name: total, f"grid_{name}": (value, abs(value - total[0]) + total[1])}
    spread = 0.0
    if fine["irreversible"] or middle["irreversible"]:
        # both sides of the corrected identity are those of the finest grid, where it holds to rounding
        spread = known["irreversible"][1] + abs(known["irreversible"][0] - fine["irreversible"])
        spread += abs(fine["irreversible"] - middle["irreversible"]) + fine["uncertain"]
    for name in ("fluctuation_theorem", "irreversible"):
        numbers[name] = fine[name], spread + ROUNDING * max(1.0, abs(fine[name]))
    if arguments:
        rows = [known[f"theta {k}"] for k in range(len(arguments))]
        numbers["generating_function"] = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    flags: dict[str, object] = {"identity_residual": abs(fine["fluctuation_theorem"] - 1.0 + fine["irreversible"])}
    return table(numbers, arguments, flags, "fpsolve entropy statistics")


def _schemes(problem: FokkerPlanck, flux: Any, stepper: Any, times: Array) -> tuple[Flux, type[DiagonallyImplicit]]:
    flux = ScharfetterGummel() if flux is None else flux
    if not (isinstance(flux, TwoPointFlux) and flux.local_detailed_balance):
        given = getattr(flux, "kind", type(flux).__name__)
        raise InputError(
            "flux", f"given {given}; the entropy of a jump needs local detailed balance, choose scharfetter-gummel or "
            "chang-cooper"
        )  # fmt: skip
    stepper = SDIRK4() if stepper is None else stepper
    if not isinstance(stepper, DiagonallyImplicit):
        given = getattr(stepper, "kind", type(stepper).__name__)
        raise InputError("stepper", f"given {given}; choose a diagonally implicit one such as SDIRK4() or TRBDF2()")
    if problem.uniform_temperature and any(problem.temperature_at(float(t)) <= 0.0 for t in times):
        raise InputError("temperature", "given T = 0, at which a path has no reverse; give a positive one")
    return flux, type(stepper)


def _starts(begun: Any, problem: FokkerPlanck, grids: list[Grid], flux: Flux, t: float) -> list[Array]:
    """Masses on three grids; those of an array are added up."""
    if isinstance(begun, (np.ndarray, Masses)):
        finest = start_masses(begun, problem, grids[0], flux, t)
        return [finest, coarsened(finest), coarsened(coarsened(finest))]
    return [start_masses(begun, problem, grid, flux, t) for grid in grids]


def _watched(problem: FokkerPlanck, grid: Grid, t: float) -> Array:
    """The force at some places, and T: what a jump of the protocol changes."""
    force = problem.force.field(tuple(np.meshgrid(*(a.centres[::9] for a in grid.axes), indexing="ij")), t)
    parts = [np.ravel(np.broadcast_to(component, component.shape)) for component in force]
    if problem.uniform_temperature:
        parts.append(np.array([problem.temperature_at(t)]))
    return np.concatenate(parts)


def _log(m: Array) -> Array:
    """Logarithms of masses, zero where there is none."""
    return np.log(np.where(m > 0.0, m, 1.0))


def _power(m: Array, exponent: float) -> Array:
    """Powers of masses: of none, nothing, but one for the exponent zero."""
    if exponent in (0.0, 1.0):
        return m if exponent else np.ones_like(m)
    return np.where(m > 0.0, np.power(np.where(m > 0.0, m, 1.0), exponent), 0.0)
