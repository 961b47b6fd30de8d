"""Gauss panels: cell averages and running integrals of smooth functions, to rounding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fpsolve.grids import Array
from fpsolve.settings import InputError

Function = Callable[[Array], Array]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
#: panels are doubled until the integral changes by less than this part of itself
_AGREEMENT = 1e-14
_FEWEST, _MOST = 16, 2**15


def running_weights() -> Array:
    """Matrix (16, 16) that integrates from -1 up to each node, exact for the polynomial through the nodes."""
    degrees = np.arange(NODES.size)
    values = np.polynomial.legendre.legvander(NODES, NODES.size)
    to_coefficients = (values[:, :-1] * WEIGHTS[:, None]).T * (degrees[:, None] + 0.5)
    # the integral of P_n from -1 to x is (P_{n+1} - P_{n-1}) / (2n + 1)
    integrals = np.empty((NODES.size, NODES.size))
    integrals[:, 0] = NODES + 1.0
    integrals[:, 1:] = (values[:, 2:] - values[:, :-2]) / (2.0 * degrees[1:] + 1.0)
    return integrals @ to_coefficients


_RUNNING = running_weights()


def nodes_of(edges: Array) -> tuple[Array, Array]:
    """Gauss nodes and weights, (n, 16) each, on the panels between edges."""
    half = 0.5 * np.diff(edges)[:, None]
    return 0.5 * (edges[1:] + edges[:-1])[:, None] + half * NODES, half * WEIGHTS


def running(values: Array, edges: Array) -> tuple[Array, Array]:
    """Integral from the first edge up to every node and from every node up to the last edge; both without cancellation.

    Parameters
    ----------
    values : (n, 16) array
        The integrand at the nodes of :func:`nodes_of`.
    edges : (n + 1,) array
        Edges of the panels.
    """
    half = 0.5 * np.diff(edges)[:, None]
    panels = np.sum(values * half * WEIGHTS, axis=1)
    below = np.concatenate([[0.0], np.cumsum(panels)[:-1]])[:, None] + half * values @ _RUNNING.T
    # by symmetry of the nodes, the rest of a panel is the same matrix, turned round
    above = np.concatenate([[0.0], np.cumsum(panels[::-1])[:-1]])[::-1, None] + half * values @ _RUNNING[::-1, ::-1].T
    return below, above


def settled(integral: Callable[[int], float], what: str) -> tuple[float, int]:
    """An integral on ever more panels, until it no longer changes, and how many they were.

    Raises
    ------
    InputError
        It goes on changing.
    """
    count, last = _FEWEST, integral(_FEWEST)
    while count < _MOST:
        count *= 2
        value = integral(count)
        if abs(value - last) <= _AGREEMENT * abs(value):
            return value, count
        last = value
    raise InputError(what, f"its integral has not settled on {_MOST} panels; is it smooth, the temperature not tiny?")


def averages(function: Function, edges: Array, width: float) -> Array:
    """Averages over cells, with Gauss panels no wider than ``width`` in each."""
    most = int(np.ceil(np.max(np.diff(edges)) / width))
    parts = np.arange(most) / most
    fine = np.append((edges[:-1, None] + np.diff(edges)[:, None] * parts).ravel(), edges[-1])
    x, weights = nodes_of(fine)
    masses = np.sum(function(x) * weights, axis=1)
    return np.asarray(np.sum(masses.reshape(-1, most), axis=1) / np.diff(edges))
