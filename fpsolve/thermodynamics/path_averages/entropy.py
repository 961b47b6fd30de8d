"""Statistics of the total entropy production of paths: fluctuation theorem, mean, generating function (41)-(50)."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.discretisation import Discretisation
from fpsolve.equation import FokkerPlanck
from fpsolve.estimates import ROUNDING, Estimate
from fpsolve.fluxes import Flux, ScharfetterGummel, TwoPointFlux
from fpsolve.generator.jumps import Jumps, jumps_of
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError
from fpsolve.steppers import SDIRK4
from fpsolve.steppers.base import Stepper
from fpsolve.steppers.diagonally_implicit import DiagonallyImplicit
from fpsolve.thermodynamics.path_averages.levels import extrapolated
from fpsolve.thermodynamics.path_averages.marching import march, march_back
from fpsolve.thermodynamics.path_averages.stage import Stage, as_dataset, counting, log_masses, staged
from fpsolve.thermodynamics.path_averages.tilted import Tilted

#: rounding of a sum over all paths, per step
_PER_STEP = 4e-15
_MEANINGS = {
    "fluctuation_theorem": ("mean of exp(-s_tot) over all paths", "50"),
    "irreversible": ("probability that the backward process ends where the start has nothing", "50"),
    "entropy_production_mean": ("mean of s_tot over all paths, D(P_F || P_B) = D(P_F || P'_B)", "41-49"),
    "entropy_production": ("entropy production of the run, of system and bath", "40"),
    "generating_function": ("mean of exp(-theta s_tot) over all paths", "50"),
}


def entropy_statistics(
    problem: FokkerPlanck,
    start: Any,
    times: Any,
    *,
    theta: Any = None,
    cells: int | None = None,
    steps: int | None = None,
    flux: Flux | None = None,
    stepper: Stepper | None = None,
    grid: Grid | None = None,
) -> xr.Dataset:
    """Mean, generating function and fluctuation theorem of the total entropy production s_tot of a path.

    s_tot = ln of the probability of a path over that of its reverse, of the jump process that a two-point flux is: the
    sum of ln(w / w_reverse) over its jumps, and ln m_0(first) - ln m_tau(last). Averages over all paths solve linear
    equations (:class:`Tilted`); none is drawn.

    Parameters
    ----------
    problem, start, times
        As for :func:`fpsolve.solve`; of the times the first and the last count.
    theta : sequence of float, optional
        Where the generating function <exp(-theta s_tot)> is wanted.
    cells, steps : int, optional
        Cells along each axis of the finest grid, and time steps; rounded up to multiples of 8.
    flux : Flux, optional
        One that claims local detailed balance; Scharfetter-Gummel if absent.
    stepper : Stepper, optional
        A diagonally implicit one; SDIRK4 if absent.
    grid : Grid, optional
        The finest grid, in place of a window and ``cells``.

    Returns
    -------
    xarray.Dataset
        Scalars with error bars ``<name>_error``: ``fluctuation_theorem`` <exp(-s_tot)>, which is 1 - ``irreversible``
        (50) to rounding at any step; ``entropy_production_mean``, minus the derivative of the generating function at
        zero (41)-(49), and ``entropy_production`` of the run (40), which agree at the order of the stepper; and
        ``generating_function(theta)``.

    Raises
    ------
    InputError
        Absorbing ends, T = 0 or T(x), a flux without local detailed balance, rates that underflow.
    """
    chosen: Flux = ScharfetterGummel() if flux is None else flux
    method: Stepper = SDIRK4() if stepper is None else stepper
    if not (isinstance(chosen, TwoPointFlux) and chosen.local_detailed_balance):
        name = getattr(chosen, "kind", type(chosen).__name__)
        raise InputError("flux", f"given {name}, which claims no local detailed balance; choose scharfetter-gummel")
    if not isinstance(method, DiagonallyImplicit):
        name = getattr(method, "kind", type(method).__name__)
        raise InputError("stepper", f"given {name}; expected a diagonally implicit one such as SDIRK4()")
    thetas = counting(theta)
    stage = staged(problem, start, times, cells, steps, False, grid)
    levels = [_Paths(stage, each, k, chosen, method).numbers(thetas) for k, each in enumerate(stage.grids())]
    floor = _PER_STEP * stage.steps + ROUNDING
    estimates = {
        # these hold on every grid, so that nothing is extrapolated
        "fluctuation_theorem": Estimate(levels[0]["fluctuation_theorem"], floor),
        "irreversible": Estimate(levels[0]["irreversible"], floor),
    }
    for name in ("entropy_production_mean", "entropy_production"):
        estimates[name] = extrapolated([level[name] for level in levels])
    curve = [extrapolated([level[f"theta {k}"] for level in levels]) for k in range(thetas.size)]
    return as_dataset(estimates, _MEANINGS, (thetas, curve) if thetas.size else None)


@dataclasses.dataclass(frozen=True, eq=False)
class _Paths:
    """The paths of the jump process on one grid."""

    stage: Stage
    grid: Grid
    level: int
    flux: TwoPointFlux
    stepper: DiagonallyImplicit

    @functools.cached_property
    def system(self) -> Discretisation:
        return Discretisation(self.stage.problem, self.grid, self.flux)

    def jumps(self, t: float) -> Jumps:
        found = jumps_of(self.system.at(t))
        if found is None or not found.connected:
            raise InputError(
                "problem", "a force times the width of a cell is beyond 700 T, so that rates underflow; take more "
                "cells, or raise T"
            )  # fmt: skip
        return found

    def tilted(self, theta: float) -> Any:
        """``t`` -> the tilted generator; the last few are kept."""
        return functools.lru_cache(maxsize=8)(lambda t: Tilted.of(self.jumps(0.0 if self.system.steady else t), theta))

    def numbers(self, thetas: Array) -> dict[str, float]:
        """All averages."""
        stage, times = self.stage, self.stage.instants(self.level)
        begun = stage.masses(self.grid, self.level)
        logs = log_masses(stage.start, begun, self.grid)
        plain, turned = self.tilted(0.0), self.tilted(1.0)
        gains = functools.lru_cache(maxsize=8)(
            lambda t: Tilted.gain(self.jumps(0.0 if self.system.steady else t))
        )  # fmt: skip
        ended, heat = march(
            self.stepper, _steady(plain, self.system.steady), [begun, np.zeros_like(begun)], times,
            lambda begin, dt, t: lambda solved, k: gains(t).apply(solved[0]),
        )  # fmt: skip
        there = np.isfinite(logs)
        (weight,) = march(self.stepper, _steady(turned, self.system.steady), [there.astype(float)], times)
        back = march_back(self.stepper, _steady(plain, self.system.steady), ended, times)
        own = _entropy(ended) - _entropy(begun)
        found = {
            "fluctuation_theorem": float(np.sum(ended * weight)),
            "irreversible": float(np.sum(back[~there])),
            "entropy_production_mean": own + float(np.sum(heat)),
            "entropy_production": own + self._heated(begun, times),
        }
        for k, theta in enumerate(thetas.tolist()):
            first = np.where(there, np.exp((1.0 - theta) * np.where(there, logs, 0.0)), 0.0)
            (last,) = march(self.stepper, _steady(self.tilted(theta), self.system.steady), [first], times)
            found[f"theta {k}"] = float(np.sum(np.maximum(ended, 0.0) ** theta * last))
        return found

    def _heated(self, begun: Array, times: Array) -> float:
        """Entropy of the bath by Simpson's rule over the rates at the ends of the steps, which no stage has seen."""
        operator, masses, rates = self.tilted(0.0), begun, []
        for index, t in enumerate(times.tolist()):
            if index:
                (masses,) = march(
                    self.stepper, _steady(operator, self.system.steady), [masses], times[index - 1 : index + 1]
                )  # fmt: skip
            rates.append(float(np.sum(Tilted.gain(self.jumps(t)).apply(masses))))
        h, values = float(times[1] - times[0]), np.array(rates)
        return h / 3.0 * float(values[0] + values[-1] + 4.0 * np.sum(values[1:-1:2]) + 2.0 * np.sum(values[2:-1:2]))


def _steady(operators: Any, steady: bool) -> Any:
    """The operator of any time, where it does not change."""
    return (lambda t: operators(0.0)) if steady else operators


def _entropy(masses: Array) -> float:
    heavy = masses > 0.0
    return -float(np.sum(masses[heavy] * np.log(masses[heavy])))
