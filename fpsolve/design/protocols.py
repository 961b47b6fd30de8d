"""Protocols that carry one density into another in a given time, and the least that they dissipate.

Of all ways from P_0 to P_tau in the time tau at temperature T the geodesic of the 2-Wasserstein distance dissipates
least, W2² / (tau T M) (64) (E. Aurell, C. Mejia-Monasterio, P. Muratore-Ginanneschi, Phys. Rev. Lett. 106, 250601
(2011); M. Nakazato, S. Ito, Phys. Rev. Research 3, 043093 (2021)). The potential that drives it is known (`force`).
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.densities import Density, PlaneDensity, as_density
from fpsolve.design.energies import Turned
from fpsolve.design.paths import Detour, Retimed
from fpsolve.design.runs import Driven, grid_along, run
from fpsolve.equation import FokkerPlanck
from fpsolve.estimates import Estimate, Relation
from fpsolve.forces import Force
from fpsolve.grids import Array
from fpsolve.processes import Geodesic, Process
from fpsolve.settings import InputError, number, whole
from fpsolve.solution import solve

#: a density between two modes below this part of its largest value is a gap
_GAP = 1e-14
#: inside these quantiles a gap is looked for, at so many points between neighbouring features
_INSIDE, _POINTS = 1e-6, 4001
#: cells of a run
CELLS = 512
NAMES = ("optimal", "accelerated", "eased", "detour", "linear", "quench")
#: displacement of the detour, in units of W2
_HEIGHT = 0.5
#: bar, relative to the larger side, up to which a relation between runs is decided
TOLERANCE = 1e-2
_LONG = {
    "entropy_production": ("total entropy production S_tot (40)", "1"),
    "work": ("work from equilibrium with -T ln P_0 to the moment when -T ln P_tau is switched on", "L^2/s"),
    "heat": ("heat taken in", "L^2/s"),
    "bound": ("least entropy production to the density reached, W2(P_0, reached)^2 / (tau T mobility) (64)", "1"),
    "W2": ("Wasserstein-2 distance of the density reached from the target", "L"),
    "L1": ("L1 distance of the density reached from the target", "1"),
    "divergence": ("relative entropy of the density reached to the target", "1"),
    "total_to_target": ("entropy production until the target is reached by relaxation", "1"),
    "efficiency": ("bound over entropy production", "1"),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Protocol:
    """The way from one density to another that dissipates least, and the force that drives it.

    Parameters
    ----------
    process : Geodesic
        P_t: every point moves at constant speed to its partner.
    temperature, mobility : float
        Of the bath.
    W2 : Estimate
        Distance of the two densities, L.
    least : Estimate
        Least total entropy production W2² / (tau T mobility) (64), and that of this protocol.
    """

    process: Geodesic
    temperature: float
    mobility: float
    W2: Estimate
    least: Estimate

    @property
    def tau(self) -> float:
        """Duration, s."""
        return self.process.tau

    @property
    def start(self) -> Density:
        """P_0."""
        return self.process.data

    @property
    def end(self) -> Density:
        """P_tau."""
        return self.process.target

    @functools.cached_property
    def force(self) -> Force:
        """F_t with the potential U_t = -int nu_t dx / mobility - T ln P_t, zero at the mean of P_t."""
        return self.process.force(self.temperature, self.mobility)

    @property
    def problem(self) -> FokkerPlanck:
        """The Fokker-Planck equation with this force."""
        return FokkerPlanck(self.force, self.temperature, self.mobility)

    def solve(self, times: Sequence[float] | Array | None = None, **options: Any) -> xr.Dataset:
        """Solve the Fokker-Planck equation with this force from P_0; options are those of :func:`fpsolve.solve`."""
        stored = np.linspace(0.0, self.tau, 101) if times is None else times
        return solve(self.problem, self.start, stored, **options)


def optimal_protocol(start: Any, end: Any, tau: float, temperature: float, mobility: float = 1.0) -> Protocol:
    """The protocol of minimum dissipation between two densities on the line (64).

    Parameters
    ----------
    start, end : Density or anything that :func:`fpsolve.as_density` takes
        P_0 and P_tau, without jumps or gaps.
    tau : float
        Duration, s.
    temperature : float
        T, L²/s with mobility one.
    mobility : float
        Positive.

    Returns
    -------
    Protocol

    Raises
    ------
    InputError
        A duration, temperature or mobility that is not positive; a density in the plane, one that jumps or that has a
        gap, where the force would be infinite; an infinite distance.
    """
    tau, temperature = number("tau", tau, above=0.0), number("temperature", temperature, above=0.0)
    mobility = number("mobility", mobility, above=0.0)
    process = Geodesic(_smooth("start", start), _smooth("end", end), tau, temperature)
    value, error = process.coupling.wasserstein(2.0)
    if not math.isfinite(value):
        raise InputError("end", "its distance from the start is infinite: second moments must exist")
    distance = Estimate(value, error, "L")
    return Protocol(
        process, temperature, mobility, distance, distance.squared().scaled(1.0 / (tau * temperature * mobility), "1")
    )


def _smooth(key: str, given: Any) -> Density:
    """A density that a finite force can make."""
    if isinstance(given, PlaneDensity):
        raise InputError(key, f"given {type(given).__name__} in the plane; protocols are built on the line")
    density = as_density(given)
    if density.breaks().size or np.all(np.isfinite(density.support)):
        where = density.breaks() if density.breaks().size else np.array(density.support)
        raise InputError(
            key, f"the density ends, or jumps, at {where[0]:g}, where the force would be infinite; give one that is "
            "positive and continuous on the whole line, a GaussianMixture for example"
        )  # fmt: skip
    low, high = density.interval(_INSIDE)
    centres, _ = density.features()
    x = np.unique(np.concatenate([np.linspace(low, high, _POINTS), centres[(centres > low) & (centres < high)]]))
    values = density.pdf(x)
    thinnest = int(np.argmin(values))
    if values[thinnest] < _GAP * np.max(values):
        raise InputError(
            key, f"the density has a gap at {x[thinnest]:.4g}, where it is {values[thinnest]:.2g}: the force would "
            "have to tear it there; fill the gap with a broader component"
        )  # fmt: skip
    return density


def drive(protocol: Protocol, *, cells: int = CELLS, **options: Any) -> Driven:
    """Solve the Fokker-Planck equation with the force of a protocol and measure what it dissipates.

    Parameters
    ----------
    protocol : Protocol
    cells : int
        Of the finest of three grids, a multiple of four; coarser ones give the error bars.
    **options
        For :func:`fpsolve.solve`.

    Returns
    -------
    Driven
        With ``entropy_production``, to be compared with ``protocol.least``, and the distances ``L1`` and ``W2`` of the
        density reached from the target.
    """
    grid = grid_along(protocol.process, _checked(cells))
    return run(protocol.problem, protocol.start, protocol.end, protocol.tau, grid, **options)


def _checked(cells: int) -> int:
    cells = whole("cells", cells, 64)
    if cells % 4:
        raise InputError("cells", f"given {cells}; the coarser grids need a multiple of 4")
    return cells


def compare_protocols(
    start: Any,
    end: Any,
    tau: float,
    temperature: float,
    mobility: float = 1.0,
    *,
    protocols: Sequence[str] = NAMES,
    cells: int = CELLS,
    **options: Any,
) -> xr.Dataset:
    """Drive one density towards another in several ways, and compare what they dissipate.

    ``optimal``, ``accelerated`` (the same states at the pace (t/tau)², 4/3 as dear), ``eased`` (at the pace
    (1 - cos(pi t/tau)) / 2, pi²/8 as dear) and ``detour`` (the same moved out and back) reach the target;
    ``linear`` (U turned evenly from -T ln P_0 to -T ln P_tau) and ``quench`` (switched to -T ln P_tau at once) do not.

    Parameters
    ----------
    start, end, tau, temperature, mobility
        As in :func:`optimal_protocol`.
    protocols : sequence of str
        Which of them.
    cells : int
        Of the finest grid, a multiple of four.
    **options
        For :func:`fpsolve.solve`.

    Returns
    -------
    xarray.Dataset
        On ``protocol``, each with ``<name>_error``: ``entropy_production``, ``work``, ``heat``, ``bound``, ``W2``,
        ``L1``, ``divergence``, ``total_to_target`` (what is dissipated once it has relaxed to the target, work / T)
        and ``efficiency``; ``least_entropy_production`` is that of the optimal protocol (64).

    Raises
    ------
    InputError
        As :func:`optimal_protocol`; a protocol of another name.
    """
    for name in protocols:
        if name not in NAMES:
            raise InputError("protocols", f"given {name!r}; expected some of {', '.join(NAMES)}")
    best = optimal_protocol(start, end, tau, temperature, mobility)
    rows = [_driven(best, name, _checked(cells), options) for name in protocols]
    variables: dict[str, Any] = {}
    for name, (long, unit) in _LONG.items():
        entries = [row[name] for row in rows]
        variables[name] = ("protocol", [one.value for one in entries], {"long_name": long, "units": unit})
        bars = {"long_name": f"error bar of the {long}", "units": unit}
        variables[f"{name}_error"] = ("protocol", [one.error for one in entries], bars)
    least = {"long_name": "least entropy production to the target (64)", "units": "1"}
    variables["least_entropy_production"] = ((), best.least.value, least)
    settings = {"tau": best.tau, "temperature": best.temperature, "mobility": best.mobility}
    return xr.Dataset(variables, {"protocol": list(protocols)}, settings)


def _driven(best: Protocol, name: str, cells: int, options: dict[str, Any]) -> dict[str, Estimate]:
    """Everything about one protocol."""
    process = _process(best, name)
    if process is None:
        force: Force = Turned(best.start, best.end, 0.0 if name == "quench" else best.tau, best.temperature)
    else:
        force = process.force(best.temperature, best.mobility)
    problem = FokkerPlanck(force, best.temperature, best.mobility)
    grid = grid_along(process or best.process, cells)
    numbers = dict(run(problem, best.start, best.end, best.tau, grid, **options).numbers)
    numbers["total_to_target"] = numbers["entropy_production"] + numbers["divergence"]
    numbers["efficiency"] = numbers["bound"] / numbers["entropy_production"]
    return numbers


def _process(best: Protocol, name: str) -> Process | None:
    """The process that a protocol drives exactly; None where only its potential is known."""
    geodesic = best.process
    if name == "accelerated":
        return Retimed(geodesic, lambda u: u * u, lambda u: 2.0 * u)
    if name == "eased":
        return Retimed(
            geodesic, lambda u: 0.5 - 0.5 * math.cos(math.pi * u), lambda u: 0.5 * math.pi * math.sin(math.pi * u)
        )
    if name == "detour":
        return Detour(geodesic, _HEIGHT * best.W2.value)
    return geodesic if name == "optimal" else None


def minimum_dissipation_of(comparison: xr.Dataset) -> list[Relation]:
    """For every protocol of a comparison: W2(P_0, reached)² / (tau T mobility) <= S_tot (64).

    Parameters
    ----------
    comparison : xarray.Dataset
        What :func:`compare_protocols` returned.
    """
    relations = []
    for name in comparison["protocol"].values.tolist():
        row = comparison.sel(protocol=name)
        sides = ("bound", "entropy_production")
        lower, upper = (float(row[side]) for side in sides)
        error = sum(float(row[f"{side}_error"]) for side in sides)
        relations.append(
            Relation("minimum-dissipation", "64", lower, upper, error, tolerance=TOLERANCE, note=f"protocol {name}")
        )
    return relations
