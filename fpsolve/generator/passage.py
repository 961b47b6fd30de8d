"""First passage: how long it takes, and through which end (adjoint equations)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpsolve.discretisation import LineOperator, Operator
from fpsolve.generator.jumps import Jumps, jumps_of, never_arriving
from fpsolve.generator.stationary import shape_of
from fpsolve.grids import Array
from fpsolve.settings import InputError


def passage_times(operator: Operator, target: NDArray[np.bool_]) -> Array:
    """Mean time until a path from each cell enters the target or leaves: L^T tau = -1, and tau = 0 in the target.

    Parameters
    ----------
    operator : Operator
    target : bool array
        Of the grid's shape; all False where only the ends count.

    Raises
    ------
    InputError
        From some cell nothing is ever reached.
    """
    matrix, jumps = operator.matrix(), jumps_of(operator)
    arriving = matrix.T @ target.ravel().astype(float)  # rates into the target
    if jumps is not None:
        arriving += sum(rates.ravel() for rates in jumps.leaving().values())
        missed = never_arriving(matrix, np.where(target.ravel(), 0.0, arriving)) & ~target.ravel()
        if np.any(missed):
            raise InputError(
                "target", f"from {int(np.sum(missed))} of {missed.size} cells neither it nor an absorbing end is ever "
                "reached (T = 0, or a force times the cell width beyond 700 T); raise T or refine the grid"
            )  # fmt: skip
    return _backward(matrix, jumps, target, np.ones(target.shape), arriving)


def exit_probabilities(operator: Operator) -> dict[str, Array]:
    """Probability to leave through each absorbing end from each cell: -L^T q = rate of leaving through it.

    Raises
    ------
    InputError
        No absorbing end; a wide stencil in the plane.
    """
    jumps, shape = jumps_of(operator), shape_of(operator)
    if jumps is not None:
        through = jumps.leaving()
    elif isinstance(operator, LineOperator):
        through = {}
        low, high = operator.end_stencils
        for name, stencil, place in (("lower", -low, slice(0, 4)), ("upper", high, slice(-4, None))):
            if np.any(stencil != 0.0):
                through[name] = np.zeros(shape)
                through[name][place] = stencil
    else:
        raise InputError("flux", "only two-point fluxes tell the ends of the plane apart; use scharfetter-gummel")
    if not through:
        raise InputError("grid", 'nothing leaves: no end is absorbing (or T = 0); see Grid.line(..., "absorbing")')
    matrix, nowhere = operator.matrix(), np.zeros(shape, bool)
    arriving = np.sum(list(through.values()), axis=0).ravel()
    if jumps is not None and np.any(never_arriving(matrix, arriving)):
        raise InputError("temperature", "from some cells no end is ever reached (T = 0?); raise T or refine the grid")
    return {name: _backward(matrix, jumps, nowhere, rates, arriving) for name, rates in through.items()}


def _backward(matrix: Any, jumps: Jumps | None, target: NDArray[np.bool_], source: Array, arriving: Array) -> Array:
    """Solve -L^T u = source outside the target, u = 0 inside; u is of the grid's shape."""
    if jumps is not None and target.ndim == 1:
        u = _along_line(jumps, target, source, arriving)
    else:
        u = _by_elimination(matrix, target, source)
    if not np.all(np.isfinite(u)):
        raise InputError(
            "temperature", "the mean times exceed the largest number: a barrier is higher than about 700 T; raise T"
        )
    return u


def _along_line(jumps: Jumps, target: NDArray[np.bool_], source: Array, arriving: Array) -> Array:
    """On a line, or on a ring that is cut open at a cell of the target: elimination that adds positive numbers only."""
    start = int(np.argmax(target)) if jumps.rings[0] else 0
    free = np.roll(~target, -start)
    right, left = np.roll(jumps.forward[0][1:], -start), np.roll(jumps.backward[0][:-1], -start)
    right = np.where(free & np.roll(free, -1), right, 0.0)
    left = np.where(free & np.roll(free, 1), left, 0.0)
    if not jumps.rings[0]:
        right[-1] = left[0] = 0.0
    leaves = np.where(free, np.roll(arriving, -start), 1.0)  # cells of the target: any equation that gives zero
    wanted = np.where(free, np.roll(source, -start), 0.0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        u = _eliminated(left, right, leaves, wanted)
    return np.roll(u, start)


def _eliminated(left: Array, right: Array, leaves: Array, source: Array) -> Array:
    """Solve (left + right + leaves) u_i - left u_(i-1) - right u_(i+1) = source, all of them nonnegative.

    The rate of leaving for good is carried along, so that no pivot is a difference (Grassmann, Taksar, Heyman 1985).
    """
    pivots, sides = np.empty(left.size), np.empty(left.size)
    away, side, pivot = 0.0, 0.0, 1.0
    for i, (back, ahead, out, given) in enumerate(zip(left, right, leaves, source, strict=True)):
        share = back / pivot
        away, side = out + share * away, given + share * side
        pivot = ahead + away
        pivots[i], sides[i] = pivot, side
    u = np.empty(left.size)
    after = 0.0
    for i in range(left.size - 1, -1, -1):
        after = (sides[i] + right[i] * after) / pivots[i]
        u[i] = after
    return u


def _by_elimination(matrix: Any, target: NDArray[np.bool_], source: Array) -> Array:
    """The same by sparse elimination."""
    from scipy.sparse.linalg import splu

    free = np.flatnonzero(~target.ravel())
    u = np.zeros(target.size)
    try:
        u[free] = splu((-matrix.T.tocsr()[free][:, free]).tocsc()).solve(source.ravel()[free])
    except RuntimeError as error:  # exactly singular
        raise InputError("target", "from some cells it is never reached; raise T or widen the target") from error
    return u.reshape(target.shape)
