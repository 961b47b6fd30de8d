"""Frozen distributions of scipy.stats as densities."""

from __future__ import annotations

import dataclasses
import functools
import importlib
from typing import Any, ClassVar

import numpy as np

from fpsolve.densities.base import TAIL
from fpsolve.densities.panelled import PanelledDensity
from fpsolve.densities.panels import Panels, fit_panels
from fpsolve.mesh import coarsely_marched
from fpsolve.quadrature import Array
from fpsolve.settings import InputError, Recipe, suggestion


@dataclasses.dataclass(frozen=True, eq=False)
class ScipyDensity(PanelledDensity):
    """A continuous scipy.stats distribution, by name and parameters.

    Parameters
    ----------
    name : str
        Name in scipy.stats, such as ``"t"`` or ``"skewnorm"``.
    parameters : dict
        Keyword arguments: shape parameters, ``loc`` and ``scale``.

    Raises
    ------
    InputError
        No such continuous distribution, or parameters it refuses.
    """

    kind: ClassVar[str] = "scipy"
    name: str
    parameters: dict[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        stats = importlib.import_module("scipy.stats")
        names = [n for n in dir(stats) if isinstance(getattr(stats, n), stats.rv_continuous)]
        if self.name not in names:
            near = suggestion(self.name, names).split("allowed:")[0]
            raise InputError(
                "name", f"given {self.name!r}; {near}any continuous distribution of scipy.stats is allowed"
            )
        family = getattr(stats, self.name)
        try:
            frozen = family(**self.parameters)
            usable = bool(np.isfinite(frozen.median()))
        except (TypeError, ValueError) as error:
            raise InputError("parameters", f"given {self.parameters}; scipy.stats.{self.name} says: {error}") from error
        if not usable:
            raise InputError(
                "parameters", f"given {self.parameters}; scipy.stats.{self.name} does not allow these values"
            )
        object.__setattr__(self, "_frozen", frozen)

    @classmethod
    def of(cls, frozen: Any) -> ScipyDensity:
        """Wrap a frozen distribution such as ``scipy.stats.t(5)``."""
        family = frozen.dist
        if not hasattr(family, "pdf"):
            raise InputError(
                "density", f"scipy.stats.{family.name} is discrete; only continuous distributions are densities"
            )
        shapes = [] if not family.shapes else [s.strip() for s in family.shapes.split(",")]
        names = [*shapes, "loc", "scale"]
        parameters = dict(zip(names, frozen.args, strict=False)) | frozen.kwds
        return cls(family.name, {key: float(value) for key, value in parameters.items()})

    def recipe(self) -> Recipe:
        return {"kind": self.kind, "name": self.name, "parameters": dict(self.parameters)}

    @property
    def _distribution(self) -> Any:
        return self._frozen  # type: ignore[attr-defined]

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        # scipy's own functions can be slow: the panels serve, and beyond them lies less than 1e-40
        return self._panels.tails(x)

    def logpdf(self, x: Array) -> Array:
        return np.asarray(self._distribution.logpdf(x))

    @functools.cached_property
    def _shape(self) -> tuple[Array, Array]:
        """Where the distribution is and how wide."""
        low, middle, high = self._distribution.ppf([0.1587, 0.5, 0.8413])
        return np.array([low, middle, high]), np.full(3, 0.5 * (high - low))

    @property
    def support(self) -> tuple[float, float]:
        low, high = self._distribution.support()
        return float(low), float(high)

    def breaks(self) -> Array:
        """Finite ends of the support."""
        return np.array([end for end in self.support if np.isfinite(end)])

    @functools.cached_property
    def _panels(self) -> Panels:
        lower, upper = (float(end) for end in (self._distribution.ppf(TAIL), self._distribution.isf(TAIL)))
        hard = np.array([lower, upper])
        return fit_panels(lambda x: np.asarray(self._distribution.pdf(x)), coarsely_marched(hard, *self._shape))

    def panels(self) -> Panels:
        return self._panels
