"""What the steppers see of a problem on a grid."""

from __future__ import annotations

import abc
import dataclasses
import functools
from typing import Any

import numpy as np

from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import Flux, LinearFlux, TwoPointFlux
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError


@dataclasses.dataclass(frozen=True)
class Reach:
    """Where the eigenvalues of an operator lie, for the step of an explicit method.

    Parameters
    ----------
    real : float
        Largest modulus along the negative real axis, 1/s.
    imaginary : float
        Largest modulus along the imaginary axis, 1/s.
    bend : float
        Largest of imaginary² / (real / 2), 1/s: what long waves allow an explicit method of first or second order.
    euler : float
        Largest stable forward Euler step, s; with a positive flux also the largest one that keeps masses nonnegative.
    """

    real: float
    imaginary: float
    bend: float
    euler: float


def reach_of(spreads: list[Array], pulls: list[Array]) -> Reach:
    """The reach from the local rates of each axis: -spread (1 - cos) + i pull sin is what a wave sees."""
    real, pull = sum(2.0 * s for s in spreads), sum(pulls)
    with np.errstate(divide="ignore", invalid="ignore"):
        bent = sum(np.where(p > 0.0, p * p / s, 0.0) for s, p in zip(spreads, pulls, strict=True))
        step = 1.0 / np.maximum(0.5 * real, bent)
    return Reach(float(np.max(real)), float(np.max(pull)), float(np.max(bent)), float(np.min(step)))


class Operator(abc.ABC):
    """L at one time: dm/dt = L m for the masses of the cells.

    Attributes
    ----------
    reach : Reach
        Where its eigenvalues lie.
    """

    reach: Reach

    @abc.abstractmethod
    def rates(self, m: Array, out: Array) -> None:
        """dm/dt, 1/s."""

    @abc.abstractmethod
    def ends(self, m: Array) -> Array:
        """What flows out through the lower and upper end of each axis, 1/s; zero at closed ends and on rings."""

    @abc.abstractmethod
    def currents(self, m: Array) -> tuple[Array, ...]:
        """Probability currents through the faces crossed along each axis, 1/s."""

    def matrix(self) -> Any:
        """L as a scipy.sparse matrix that acts on the flattened masses."""
        raise InputError("flux", "it is not linear in P; choose a linear one such as scharfetter-gummel")

    def solve(self, a: float, b: Array) -> Array:
        """Solve (1 - a L) x = b."""
        raise InputError("flux", "it is not linear in P, which implicit steppers need; choose ssp-rk3 or rkl2")


@dataclasses.dataclass(eq=False)
class Discretisation:
    """A problem on a grid with a flux: what to keep where the same equation is solved many times.

    :meth:`at` gives the operator at a time; the steppers march the masses of the cells through time:
    ``steppers.SDIRK4().march(system, masses, t, dt, steps)``. What was factored for a step is kept.

    Parameters
    ----------
    problem : FokkerPlanck
    grid : Grid
    flux : Flux

    Raises
    ------
    InputError
        Dimensions that do not agree, a boundary that contradicts the problem's domain, a flux that cannot do it.
    """

    problem: FokkerPlanck
    grid: Grid
    flux: Flux

    def __post_init__(self) -> None:
        if self.grid.dimension != self.problem.dimension:
            raise InputError(
                "grid", f"it has {self.grid.dimension} axes and the force {self.problem.dimension}; see Grid.line, "
                "Grid.plane"
            )  # fmt: skip
        domain = self.problem.domain
        if domain is not None and any(
            axis.boundary != boundary for axis, boundary in zip(self.grid.axes, domain.boundaries, strict=True)
        ):
            given = tuple(axis.boundary for axis in self.grid.axes)
            raise InputError("grid", f"its boundary is {given}, that of the problem's domain {domain.boundaries}")
        if self.grid.dimension == 2 and not self.flux.local_temperature and not self.problem.uniform_temperature:
            raise InputError(
                "flux", f"{self.flux.kind} takes a temperature that is uniform in the plane; choose scharfetter-gummel"
            )
        self._held: dict[float, Operator] = {}

    @property
    def linear(self) -> bool:
        """Whether L is a matrix."""
        return isinstance(self.flux, LinearFlux)

    @property
    def positive(self) -> bool:
        """Whether L is the generator of a Markov jump process."""
        return self.flux.positive

    @functools.cached_property
    def steady(self) -> bool:
        """Whether L does not depend on time."""
        return self.problem.steady

    def at(self, t: float) -> Operator:
        """L at time t; the last few are kept, and the only one of a steady problem."""
        key = 0.0 if self.steady else t
        held = self._held.get(key)
        if held is None:
            held = self._build(t)
            if len(self._held) >= 4:
                self._held.pop(next(iter(self._held)))
            self._held[key] = held
        return held

    def _build(self, t: float) -> Operator:
        from fpsolve.discretisation import line, plane, wide_plane

        if self.grid.dimension == 1:
            if isinstance(self.flux, LinearFlux):
                return line.LineOperator.of(self.problem, self.grid, self.flux, t)
            return line.NonlinearLine.of(self.problem, self.grid, self.flux, t)
        if isinstance(self.flux, TwoPointFlux):
            return plane.JumpPlane.of(self.problem, self.grid, self.flux, t)
        return wide_plane.WidePlane.of(self.problem, self.grid, self.flux, t)
