"""The coordinates of the DDIM: any schedule seen through x/m, where no force is left (33)-(35)."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Self

import numpy as np

from fpsolve.densities import Density, GaussianMixture, MixtureDensity, PiecewisePolynomial, as_density
from fpsolve.quadrature import Array
from fpsolve.schedules.base import Curve, Schedule
from fpsolve.settings import InputError, Recipe, from_recipe, number


@dataclasses.dataclass(frozen=True)
class DDIMCoordinates(Schedule):
    """A schedule in the coordinate x/m (33): signal 1, noise sigma/m at the same time, no force, temperature T/m² (34).

    Densities are carried along, P(x) dx = P(x/m) d(x/m), and so is the flow: from ``rescaled(start)`` it generates what
    the schedule itself generates from ``start``, with noise on the way back and without.

    Parameters
    ----------
    schedule : Schedule
        The schedule (m, sigma) of the model; m must not vanish up to ``tau``.
    tau : float, optional
        An earlier time to stop at, s; that of the schedule if absent.

    Raises
    ------
    InputError
        m vanishes at ``tau`` (cosine, conditional optimal transport: stop earlier), or ``tau`` is no time of the
        schedule.
    """

    kind: ClassVar[str] = "ddim"
    schedule: Schedule
    tau: float = 0.0

    def __post_init__(self) -> None:
        given: Any = self.schedule
        if not isinstance(given, Schedule):
            raise InputError("schedule", f"given {type(given).__name__}; expected a schedule such as Cosine(tau=1.0)")
        whole = self.schedule.tau
        tau = whole if self.tau == 0.0 else number("tau", self.tau, above=0.0)
        if tau > whole:
            raise InputError("tau", f"given {tau:g}; the schedule ends at {whole:g}")
        object.__setattr__(self, "tau", tau)
        if not self.scale > 0.0:
            raise InputError("tau", f"m vanishes at t = {tau:g}, x/m is infinite; stop earlier: tau = {0.999 * tau:g}")

    @classmethod
    def build(cls, entries: Recipe) -> Self:
        return cls(from_recipe("schedule", entries["schedule"]), entries.get("tau", 0.0))

    @property
    def scale(self) -> float:
        """Signal m of the schedule at ``tau``."""
        return float(self.schedule.curve(np.array([self.tau])).signal[0])

    def rescaled(self, start: Any) -> Density:
        """The density of x/m at t = tau, of a density of x.

        Parameters
        ----------
        start : Density, frozen scipy.stats distribution or xarray.DataArray
        """
        density, factor = as_density(start), 1.0 / self.scale
        if isinstance(density, MixtureDensity):
            parts = density.components
            rows = (factor * parts.mean, factor * parts.std, parts.weight)
            return GaussianMixture(*(tuple(row.tolist()) for row in rows))
        held = density.panels()
        return PiecewisePolynomial(factor * held.edges, held.coefficients / factor)

    def curve(self, t: Array) -> Curve:
        own = self.schedule.curve(np.asarray(t, float))
        square = own.signal**2
        # (sigma/m)(sigma/m)' = T/m²
        return Curve(np.ones_like(square), np.zeros_like(square), own.variance / square, own.temperature / square)

    def kinks(self) -> Array:
        return self._before(self.schedule.kinks())

    def knots(self) -> Array:
        return self._before(self.schedule.knots())

    def _before(self, times: Array) -> Array:
        return times[times < self.tau]
