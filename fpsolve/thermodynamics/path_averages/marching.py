"""Diagonally implicit Runge-Kutta steps of linear equations that feed on each other, and of their adjoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from fpsolve.grids import Array
from fpsolve.steppers.diagonally_implicit import DiagonallyImplicit

#: ``(stage solutions so far, which of them is asked for)`` -> what feeds it, 1/s
Source = Callable[[Sequence[Array], int], Array]


class Solvable(Protocol):
    """An operator A that can solve (1 - a A) x = b."""

    def solve(self, a: float, b: Array) -> Array:
        """The solution x."""


def march(
    stepper: DiagonallyImplicit,
    at: Callable[[float], Any],
    x: Sequence[Array],
    times: Array,
    feed: Callable[[float, float, float], Source] | None = None,
) -> list[Array]:
    """Solve x_k' = A(t) x_k + source_k, where source_k is made of the x before it.

    Parameters
    ----------
    stepper : DiagonallyImplicit
        Its table.
    at : callable
        ``t`` -> A(t), which can solve.
    x : sequence of arrays
        Values at the first time.
    times : (n + 1,) array
        Ends of the steps, s.
    feed : callable, optional
        ``(begin of the step, its length, time of the stage)`` -> source of every x but the first.

    Returns
    -------
    list of arrays
        At the last time.
    """
    values = list(x)
    for begin, dt in zip(times[:-1].tolist(), np.diff(times).tolist(), strict=True):
        slopes: list[list[Array]] = [[] for _ in values]
        for row, node in zip(stepper.coefficients, stepper.nodes, strict=True):
            moment = begin + node * dt
            operator, source = at(moment), None if feed is None else feed(begin, dt, moment)
            stage: list[Array] = []
            for k, value in enumerate(values):
                known = value + sum(weight * slope for weight, slope in zip(row[:-1], slopes[k], strict=True))
                fed = 0.0 if source is None or k == 0 else row[-1] * dt * source(stage, k)
                stage.append(operator.solve(row[-1] * dt, known + fed))
                slopes[k].append((stage[k] - known) / row[-1])
        values = [
            value + sum(weight * slope for weight, slope in zip(stepper.weights, slopes[k], strict=True))
            for k, value in enumerate(values)
        ]
    return values


def march_back(stepper: DiagonallyImplicit, adjoint: Callable[[float], Any], x: Array, times: Array) -> Array:
    """The exact adjoint of the steps of :func:`march`, from the last time to the first.

    ``adjoint`` gives the transpose of A(t), which can solve and be applied.
    """
    value = x
    for begin, dt in zip(times[-2::-1].tolist(), np.diff(times)[::-1].tolist(), strict=True):
        found: dict[int, Array] = {}
        for j in range(len(stepper.nodes) - 1, -1, -1):
            operator, own = adjoint(begin + stepper.nodes[j] * dt), stepper.coefficients[j][-1]
            pulled = stepper.weights[j] * value + sum(stepper.coefficients[i][j] * q for i, q in found.items())
            found[j] = operator.solve(own * dt, dt * operator.apply(pulled))
        value = value + sum(found.values())
    return np.asarray(value)
