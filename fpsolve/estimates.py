"""Numbers with error bars, relations between them, and what a sequence of refinements says."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

#: relative rounding error granted to every sum of double-precision terms
ROUNDING = 32 * float(np.finfo(float).eps)
#: an error bar above this part of the larger side leaves a relation undecided
TOLERANCE = 1e-6


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number and the absolute error that its true value must not exceed.

    Parameters
    ----------
    value : float
        The number; ``inf`` where the quantity diverges, ``nan`` where it has no value.
    error : float
        Absolute error bar, same unit; ``nan`` where the value is not finite.
    unit : str
        Unit of both; ``"1"`` for a pure number.
    why : str
        Why the value is infinite or undefined.
    """

    value: float
    error: float = 0.0
    unit: str = "1"
    why: str = ""

    @classmethod
    def undefined(cls, why: str, unit: str = "1") -> Estimate:
        """A quantity without a value, and the reason."""
        return cls(math.nan, math.nan, unit, why)

    @classmethod
    def infinite(cls, why: str, unit: str = "1") -> Estimate:
        """A divergent quantity, and the reason."""
        return cls(math.inf, math.nan, unit, why)

    @property
    def finite(self) -> bool:
        """Whether the quantity has a finite value."""
        return math.isfinite(self.value)

    def __add__(self, other: Estimate) -> Estimate:
        """Sum; bars add."""
        return self._with(other, self.value + other.value, self.error + other.error)

    def __sub__(self, other: Estimate) -> Estimate:
        """Difference; bars add."""
        return self._with(other, self.value - other.value, self.error + other.error)

    def __mul__(self, other: Estimate) -> Estimate:
        """Product; the bar includes the product of the bars."""
        cross = self.error * other.error
        error = abs(self.value) * other.error + abs(other.value) * self.error + cross
        return self._with(other, self.value * other.value, error)

    def __truediv__(self, other: Estimate) -> Estimate:
        """Quotient; infinite bar where the denominator's interval holds zero."""
        if not (self.finite and other.finite):
            return self._with(other, math.nan, math.nan)
        least = abs(other.value) - other.error
        if other.value == 0.0:
            return Estimate.undefined("division by zero")
        value = self.value / other.value
        return Estimate(value, (self.error + abs(value) * other.error) / least if least > 0.0 else math.inf)

    def scaled(self, factor: float, unit: str | None = None) -> Estimate:
        """The estimate times an exact number."""
        unit = self.unit if unit is None else unit
        return dataclasses.replace(self, value=self.value * factor, error=self.error * abs(factor), unit=unit)

    def squared(self) -> Estimate:
        """The square; the bar includes the square of the bar."""
        return dataclasses.replace(self, value=self.value**2, error=2 * abs(self.value) * self.error + self.error**2)

    def _with(self, other: Estimate, value: float, error: float) -> Estimate:
        """Result of an operation: undefined where either operand has no finite value."""
        for operand in (self, other):
            if not operand.finite:
                return Estimate.undefined(operand.why)
        return Estimate(value, error + ROUNDING * abs(value))

    def json(self) -> dict[str, Any]:
        """The entry of ``quantities`` in a JSON result; never NaN or Infinity."""
        entry: dict[str, Any] = {"value": self.value, "error": self.error, "unit": self.unit}
        if not self.finite:
            entry["error"] = None
            entry["value"] = "inf" if math.isinf(self.value) else None
            if math.isnan(self.value):
                entry["status"] = "undefined"
            entry["why"] = self.why
        elif not math.isfinite(self.error):
            entry["error"] = None
        return entry

    def __str__(self) -> str:
        """``value ± error``, with the digits that the error leaves."""
        if not self.finite:
            return "inf" if math.isinf(self.value) else "undefined"
        return f"{self.value:.10g} ± {self.error:.1e}"


@dataclasses.dataclass(frozen=True)
class Relation:
    """A proved relation between two computed sides, and whether the numbers bear it out.

    An inequality states ``lhs <= rhs``; an equality states ``lhs = rhs``. The margin is ``rhs - lhs``
    (minus its modulus for an equality).

    Parameters
    ----------
    name, equation : str
        Name used by the contract and equation number in the paper.
    lhs, rhs : float
        The two sides.
    error : float
        Absolute error bar of the margin.
    equality : bool
        Whether equality is claimed.
    tolerance : float
        Bar, relative to the larger side, above which the relation is undecided.
    note : str
        Where the sides were taken (the instant of least margin, say).
    why : str
        Reason, for an undefined relation.
    """

    name: str
    equation: str
    lhs: float
    rhs: float
    error: float
    equality: bool = False
    tolerance: float = TOLERANCE
    note: str = ""
    why: str = ""

    @classmethod
    def undefined(cls, name: str, equation: str, why: str) -> Relation:
        """A relation one of whose sides has no value."""
        return cls(name, equation, math.nan, math.nan, math.nan, why=why)

    @property
    def margin(self) -> float:
        """``rhs - lhs``, or ``-|rhs - lhs|`` for an equality."""
        return -abs(self.rhs - self.lhs) if self.equality else self.rhs - self.lhs

    @property
    def verdict(self) -> str:
        """``holds``, ``violated``, ``undecided`` or ``undefined``."""
        if not (math.isfinite(self.lhs) and math.isfinite(self.rhs) and math.isfinite(self.error)):
            return "undefined"
        if self.margin < -self.error:
            return "violated"
        if self.error > self.tolerance * max(abs(self.lhs), abs(self.rhs)):
            return "undecided"
        return "holds"

    def json(self) -> dict[str, Any]:
        """The entry of ``relations`` in a JSON result; null where a side has no value."""
        entry: dict[str, Any] = {"name": self.name, "equation": self.equation}
        for key in ("lhs", "rhs", "margin", "error"):
            value = getattr(self, key)
            entry[key] = value if math.isfinite(value) else None
        entry |= {"verdict": self.verdict, "equality": self.equality}
        entry |= {key: getattr(self, key) for key in ("note", "why") if getattr(self, key)}
        return entry


def observed_order(values: Sequence[float], ratio: float = 2.0) -> float:
    """Order of convergence seen in three successive refinements by ``ratio``.

    Parameters
    ----------
    values : sequence of three floats
        Results at spacings h, h/ratio, h/ratio².

    Returns
    -------
    float
        ``log(|v1 - v0| / |v2 - v1|) / log(ratio)``; ``nan`` where a difference vanishes.
    """
    coarse, fine = abs(values[1] - values[0]), abs(values[2] - values[1])
    if coarse == 0.0 or fine == 0.0:
        return math.nan
    return math.log(coarse / fine) / math.log(ratio)


def richardson(coarse: float, fine: float, order: float, ratio: float = 2.0) -> float:
    """Limit of a sequence of known order from its last two members."""
    return fine + (fine - coarse) / (ratio**order - 1.0)


def refinement_error(values: Sequence[float], order: float, ratio: float = 2.0) -> float:
    """Error bar of the last of successive refinements.

    The last difference bounds the error of the finest value once the order is at least one; where the order
    observed over the last three values falls short of the declared one by more than a half, the bar is widened by
    the geometric series of the observed order, and never narrowed.

    Parameters
    ----------
    values : sequence of two or more floats
        Results from coarse to fine.
    order : float
        Declared order of convergence.
    ratio : float
        Refinement ratio.
    """
    difference = abs(values[-1] - values[-2])
    floor = ROUNDING * abs(values[-1])
    if len(values) < 3:
        return 2.0 * difference + floor
    seen = observed_order(values[-3:], ratio)
    if math.isnan(seen) or seen >= order - 0.5:
        return difference + floor
    # out of the asymptotic range: the differences may shrink slowly, or not at all
    spread = max(values[-3:]) - min(values[-3:])
    return spread / max(1.0 - ratio ** -max(seen, 0.1), 0.1) + floor
