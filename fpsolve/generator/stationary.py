"""Stationary states: L m = 0."""

from __future__ import annotations

import numpy as np

from fpsolve.discretisation import JumpPlane, LineOperator, NonlinearLine, Operator, WidePlane
from fpsolve.generator.jumps import Jumps, closed_classes, equilibrium_weights, jumps_of, scaled_products
from fpsolve.grids import Array
from fpsolve.settings import InputError

#: step of inverse iteration, in units of the fastest time
_STEP = 1e11
_ROUNDS = 40


def closed(operator: Operator) -> bool:
    """Whether nothing leaves."""
    if isinstance(operator, LineOperator):
        return operator.restores
    if isinstance(operator, (JumpPlane, WidePlane)):
        return operator.closed
    assert isinstance(operator, NonlinearLine)
    return "absorbing" not in operator.grid.axis.ends


def shape_of(operator: Operator) -> tuple[int, ...]:
    """Shape of the masses."""
    if isinstance(operator, LineOperator):
        return (operator.stencil.shape[1] - 1,)
    if isinstance(operator, JumpPlane):
        return operator.forward[0].shape[0] - 1, operator.forward[0].shape[1]
    assert isinstance(operator, (WidePlane, NonlinearLine))
    return operator.grid.shape


def stationary_masses(operator: Operator) -> Array:
    """Masses of the stationary state, of sum one and the grid's shape: L m = 0.

    Where the rates of a jump process are in detailed balance (every line, conservative forces elsewhere) the masses
    are products of ratios of rates, accurate to rounding however small. On a ring with a current they are sums of such
    products, just as accurate. Else they are what long steps of backward Euler leave, (1 - a L)^-1, repeated until
    nothing changes.

    Parameters
    ----------
    operator : Operator
        What ``Discretisation.at`` gives.

    Raises
    ------
    InputError
        Absorbing ends, a flux that is not linear, more than one stationary state.
    """
    if not closed(operator):
        raise InputError(
            "grid", "it has absorbing ends, through which everything leaves: there is no stationary state; make them "
            "reflecting or periodic"
        )  # fmt: skip
    jumps = jumps_of(operator)
    if jumps is None:
        return _iterated(operator)
    if not jumps.connected and closed_classes(operator.matrix()) > 1:
        raise InputError(
            "temperature", "parts of the grid exchange nothing (T = 0, or a force times the cell width beyond 700 T), "
            "so the stationary state is not unique; raise T or refine the grid"
        )  # fmt: skip
    weights = equilibrium_weights(jumps)
    if weights is not None:
        return weights
    return _around(jumps) if jumps.connected and jumps.rings == (True,) else _iterated(operator)


def _around(jumps: Jumps) -> Array:
    """Masses of a ring with a current, by adding positive terms against the current.

    At J = 1 the masses obey f_i m_(i-1) - b_i m_i = 1. Once around, m_0 = c + exp(-A) m_0 with the affinity A > 0,
    where c is what the recursion gives from zero; the same the other way round where A < 0.
    """
    forward, backward = jumps.forward[0][1:], jumps.backward[0][1:]
    affinity = float(np.sum(np.log(forward / backward)))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        whole = _recursion(forward, backward, affinity > 0.0, 0.0)[0]
        m = _recursion(forward, backward, affinity > 0.0, whole / -np.expm1(-abs(affinity)))
        m = m / np.max(m)
    if not np.all(np.isfinite(m)):
        raise InputError("temperature", "a barrier around the ring is higher than about 700 T; raise T")
    return np.asarray(m / np.sum(m))


def _recursion(forward: Array, backward: Array, downwards: bool, start: float) -> Array:
    """Masses with the current 1 (downwards) or -1 through all faces, from that of the first cell, which comes last."""
    n, m, now = forward.size, np.empty(forward.size), start
    if downwards:
        for i in range(n - 1, -1, -1):
            m[i] = now = (1.0 + backward[i] * now) / forward[i]
    else:
        for i in range(n):
            m[(i + 1) % n] = now = (1.0 + forward[i] * now) / backward[i]
    return m


def _iterated(operator: Operator) -> Array:
    """Inverse iteration from equal masses."""
    _ = operator.matrix()  # says so if there is none
    shape = shape_of(operator)
    m = np.full(shape, 1.0 / np.prod(shape))
    fastest = operator.reach.real
    if fastest == 0.0:
        raise InputError("force", "nothing moves: force and temperature are zero, and every state is stationary")
    for _ in range(_ROUNDS):
        new = operator.solve(_STEP / fastest, m)
        new = new / np.sum(new)
        change, m = float(np.sum(np.abs(new - m))), new
        if change <= 1e-13:
            break
    rates = np.empty(shape)
    operator.rates(m, rates)
    if not np.max(np.abs(rates)) <= 1e-9 * fastest * np.max(np.abs(m)) or change > 1e-6:
        raise InputError(
            "grid", f"no stationary state was found (dm/dt = {np.max(np.abs(rates)):.2g}/s is left); refine the grid "
            "or choose the flux scharfetter-gummel"
        )  # fmt: skip
    return m


def stationary_currents(operator: Operator, masses: Array) -> tuple[Array, ...]:
    """Currents through the faces in the stationary state, 1/s, one array per axis."""
    jumps = jumps_of(operator)
    if jumps is not None:
        if equilibrium_weights(jumps) is not None:
            return tuple(np.zeros_like(rates) for rates in jumps.forward)
        if jumps.rings == (True,) and jumps.connected:
            return (np.full_like(jumps.forward[0], _ring_current(jumps, masses)),)
    return operator.currents(masses)


def _ring_current(jumps: Jumps, masses: Array) -> float:
    """The current around a ring, without a difference of one-way currents.

    Division of f_i m_(i-1) - b_i m_i = J by the running products w_i of f/b and summation around the ring gives
    m_0 (1 - 1/w_n) = J sum 1/(b_i w_i), and w_n = exp(affinity).
    """
    start = int(np.argmax(masses))  # the faces 1 .. n after the heaviest cell
    forward, backward = (np.roll(rates[0][1:], -start) for rates in (jumps.forward, jumps.backward))
    logs = np.log(forward / backward)
    affinity = float(np.sum(logs))
    mantissa, exponent = scaled_products(forward / backward)
    if affinity < 0.0:
        mantissa, exponent = mantissa / mantissa[-1], exponent - exponent[-1]
    low = int(np.min(exponent))
    with np.errstate(under="ignore"):
        total = float(np.sum(np.ldexp(1.0 / (backward * mantissa), np.maximum(low - exponent, -5000))))
        drive = -np.expm1(-abs(affinity)) * np.sign(affinity)
        return float(np.ldexp(masses[start] * drive / total, low))
