"""What one forward process and one start amount to: every quantity with its bar, every rate in time."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from fpsolve.estimates import TOLERANCE, Estimate
from fpsolve.quadrature import Array


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Quantities and time series that the relations compare.

    Parameters
    ----------
    tau : float
        Duration, s.
    quantities : dict of Estimate
        ``eta``, ``c1``, ``c2``, ``dissipation``, ``D0``, ``W1_initial`` (at t = tau), ``W1_final`` (at t = 0),
        ``W2``, ``path_length``, ``conditional_energy``.
    times : (n,) array
        Instants of the series, increasing.
    series, errors : dict of (n,) arrays
        Rates at these instants and their bars.
    probes : tuple of dict
        Speeds measured from the densities alone at a few instants.
    temperature : (n,) array or None
        T_t at the instants.
    geodesic : bool
        Whether the process is the optimal transport dynamics.
    conservative : bool
        Whether the velocity is a gradient.
    tolerance : float
        Bar, relative to the larger side, above which a relation is undecided.
    note : str
        What all numbers are subject to (a window, say).
    whole : Measurement, optional
        For a windowed measurement, the one on the whole line.
    """

    tau: float
    quantities: dict[str, Estimate]
    times: Array
    series: dict[str, Array]
    errors: dict[str, Array]
    probes: tuple[dict[str, Any], ...] = ()
    temperature: Array | None = None
    geodesic: bool = False
    conservative: bool = True
    tolerance: float = TOLERANCE
    note: str = ""
    whole: Measurement | None = None

    def widened(self) -> Measurement:
        """The same numbers, their bars widened by what the window cuts: the relations hold for the whole line."""
        return self if self.whole is None else self.widened_by(self.whole)

    def widened_by(self, other: Measurement, factor: float = 1.0) -> Measurement:
        """The same numbers, their bars widened by ``factor`` times the difference from another measurement."""
        quantities = {}
        for name, value in self.quantities.items():
            known = other.quantities[name]
            error = value.error + factor * abs(known.value - value.value) if known.finite else np.inf
            quantities[name] = dataclasses.replace(value, error=error)
        errors = {}
        for name, values in self.series.items():
            there = np.interp(self.times, other.times, other.series.get(name, np.full_like(other.times, np.nan)))
            errors[name] = self.errors[name] + factor * np.abs(there - values)
        return dataclasses.replace(self, quantities=quantities, errors=errors)

    def with_quantity(self, name: str, value: Estimate) -> Measurement:
        """The same numbers and one more, which no window changes."""
        whole = None if self.whole is None else self.whole.with_quantity(name, value)
        return dataclasses.replace(self, quantities=self.quantities | {name: value}, whole=whole)

    def has(self, *names: str) -> bool:
        """Whether all these series were measured."""
        return all(name in self.series for name in names)

    def chi2_is_finite(self) -> bool:
        """Whether the start has a finite chi-squared divergence."""
        return bool(np.isfinite(self.quantities["D0"].value))
