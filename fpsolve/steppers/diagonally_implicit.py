"""What the diagonally implicit Runge-Kutta methods share: a table of numbers decides."""

from __future__ import annotations

import abc
import functools
from typing import ClassVar

import numpy as np

from fpsolve.discretisation import Discretisation, LineOperator, Operator
from fpsolve.grids import Array
from fpsolve.kernels.line import implicit_steps
from fpsolve.steppers.base import Advance, GridStepper

Row = tuple[float, ...]
#: the arrays of a factored line, in the order of the kernel
_FACTORED = ("bands", "corners", "border", "share")


class DiagonallyImplicit(GridStepper, abc.ABC):
    """Stage i solves for itself alone: x_i = m + sum_{j <= i} a_ij k_j with k_j = dt L x_j.

    Attributes
    ----------
    coefficients : tuple of rows
        The lower triangle a_ij, its diagonal included.
    weights : tuple
        b_j: the result is m + sum b_j k_j.
    nodes : tuple
        c_i: stage i uses L at t + c_i dt.
    estimate : tuple
        e_j: sum e_j k_j estimates the error; empty where there is no estimate.
    """

    conservative: ClassVar[bool] = True
    takes: ClassVar[str] = "linear"
    dimensions: ClassVar[tuple[int, ...]] = (1, 2)
    coefficients: ClassVar[tuple[Row, ...]]
    weights: ClassVar[Row]
    nodes: ClassVar[Row]
    estimate: ClassVar[Row] = ()

    @property
    def estimates(self) -> bool:
        return bool(self.estimate)

    @property
    def error_order(self) -> int:
        """An embedded method is of one order less."""
        return self.order if self.estimate else self.order + 1

    def step(self, system: Discretisation, m: Array, t: float, dt: float) -> Advance:
        operators = [system.at(t + c * dt) for c in self.nodes]
        if isinstance(operators[0], LineOperator):
            return self._on_line(operators, m, dt, 1)  # type: ignore[arg-type]
        return self._anywhere(operators, m, dt)

    def march(self, system: Discretisation, m: Array, t: float, dt: float, count: int) -> Advance:
        operator = system.at(t)
        if system.steady and isinstance(operator, LineOperator):
            return self._on_line([operator] * len(self.nodes), m, dt, count)
        return super().march(system, m, t, dt, count)

    def _on_line(self, operators: list[LineOperator], m: Array, dt: float, count: int) -> Advance:
        table, weights, estimate = _arrays(type(self))
        pairs = [(operator, dt * float(table[i, i])) for i, operator in enumerate(operators)]
        distinct = list(dict.fromkeys(pairs))
        held = [operator.factors(a) for operator, a in distinct]
        first, out, outflow = operators[0], m.copy(), np.zeros(2)
        if len(held) == 1:  # views, for nothing is copied on the way of the steady problems
            bands, corners, borders, shares = (getattr(held[0], name)[None] for name in _FACTORED)
            ends = first.end_stencils[None]
        else:
            bands, corners, borders, shares = (np.array([getattr(one, name) for one in held]) for name in _FACTORED)
            ends = np.array([operator.end_stencils for operator, _ in distinct])
        which = np.array([distinct.index(pair) for pair in pairs])
        error = implicit_steps(
            out, table, weights, estimate, dt, count, which, bands, corners, borders,
            shares, ends, first.wide, first.ring, outflow,
        )  # fmt: skip
        return Advance(out, outflow, error if self.estimate else np.nan)

    def _anywhere(self, operators: list[Operator], m: Array, dt: float) -> Advance:
        slopes: list[Array] = []
        outflow, x = np.zeros(2 * m.ndim), m
        for row, weight, operator in zip(self.coefficients, self.weights, operators, strict=True):
            known = m + _combined(row[:-1], slopes) if slopes else m
            x = operator.solve(dt * row[-1], known)
            slopes.append((x - known) / row[-1])
            outflow += dt * weight * operator.ends(x)
        accurate = self.weights == self.coefficients[-1]
        result = x if accurate else m + _combined(self.weights, slopes)
        error = float(np.sum(np.abs(_combined(self.estimate, slopes)))) if self.estimate else np.nan
        return Advance(result, outflow, error)


def _combined(parts: Row, slopes: list[Array]) -> Array:
    total = parts[0] * slopes[0]
    for part, slope in zip(parts[1:], slopes[1:], strict=True):
        total = total + part * slope
    return total


@functools.cache
def _arrays(method: type[DiagonallyImplicit]) -> tuple[Array, Array, Array]:
    """The table of a method as arrays for the kernel: coefficients, weights, estimate."""
    rows = method.coefficients
    table = np.zeros((len(rows), len(rows)))
    for i, row in enumerate(rows):
        table[i, : i + 1] = row
    return table, np.array(method.weights), np.array(method.estimate)
