"""Optimal transport from the data to a target: not an (m, sigma) curve, but named beside them in case files."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from fpsolve.densities import Density, Gaussian, PlaneDensity, as_density
from fpsolve.schedules.base import positive_tau
from fpsolve.settings import InputError, Recipe, Settings, from_recipe, number


@dataclasses.dataclass(frozen=True)
class OptimalTransport(Settings):
    """Geodesic from the data to a target density in the 2-Wasserstein distance (91).

    Parameters
    ----------
    target : Density or PlaneDensity, optional
        Density at t = tau; standard normal on the line if absent.
    tau : float
        Duration, s.
    temperature : float, optional
        Constant T of the Fokker-Planck equation that realises the geodesic; without it no entropy production.
    """

    family: ClassVar[str] = "schedule"
    kind: ClassVar[str] = "optimal-transport"
    target: Density | PlaneDensity = dataclasses.field(default_factory=Gaussian)
    tau: float = 1.0
    temperature: float | None = None

    def __post_init__(self) -> None:
        positive_tau(self)
        if not isinstance(self.target, PlaneDensity):
            object.__setattr__(self, "target", as_density(self.target))
        if self.temperature is not None:
            object.__setattr__(self, "temperature", number("temperature", self.temperature, above=0.0))

    @classmethod
    def build(cls, entries: Recipe) -> OptimalTransport:
        target: Any = entries.get("target")
        if target is not None and not isinstance(target, (Density, PlaneDensity)):
            try:
                entries = entries | {"target": from_recipe("density", target)}
            except InputError as error:
                raise error.within("target") from error
        return cls(**entries)
