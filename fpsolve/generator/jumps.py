"""The jump process behind a two-point flux: its rates, its equilibrium weights, who reaches whom."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpsolve.discretisation import JumpPlane, LineOperator, Operator
from fpsolve.grids import Array

#: relative rounding granted to the logarithm of a ratio of rates
_ROUNDING = 64.0 * float(np.finfo(float).eps)


@dataclasses.dataclass(frozen=True, eq=False)
class Jumps:
    """Rates of a Markov jump process between neighbouring cells.

    Parameters
    ----------
    forward, backward : tuples of arrays
        For each axis the rates out of the cells on the left and on the right of every face, 1/s.
    rings : tuple of bool
        Which axes are closed to a ring; their last face is their first.
    """

    forward: tuple[Array, ...]
    backward: tuple[Array, ...]
    rings: tuple[bool, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of cells along each axis."""
        return tuple(rates.shape[axis] - 1 for axis, rates in enumerate(self.forward))

    @property
    def connected(self) -> bool:
        """Whether every jump between neighbours is possible in both directions."""
        last = [rates.shape[axis] - (not self.rings[axis]) for axis, rates in enumerate(self.forward)]
        every = [*enumerate(self.forward), *enumerate(self.backward)]
        return all(np.all(np.take(rates, range(1, last[axis]), axis) > 0.0) for axis, rates in every)

    def leaving(self) -> dict[str, Array]:
        """Rates out of every cell through each end at which something leaves, 1/s, of the grid's shape."""
        found = {}
        for axis, ring in enumerate(self.rings):
            if ring:
                continue
            for name, rates, face, cell in (("lower", self.backward, 0, 0), ("upper", self.forward, -1, -1)):
                through = np.take(rates[axis], face, axis)
                if np.any(through > 0.0):
                    out = np.zeros(self.shape)
                    np.moveaxis(out, axis, 0)[cell] = through
                    found[name if len(self.rings) == 1 else f"{'xy'[axis]}_{name}"] = out
        return found


def jumps_of(operator: Operator) -> Jumps | None:
    """The jump process that an operator is; None for a wide stencil or rates of both signs."""
    if isinstance(operator, LineOperator) and operator.jumps is not None:
        return Jumps((operator.jumps[0],), (operator.jumps[1],), (operator.ring,))
    if isinstance(operator, JumpPlane) and all(np.all(r >= 0.0) for r in (*operator.forward, *operator.backward)):
        return Jumps(operator.forward, operator.backward, operator.rings)
    return None


def scaled_products(ratios: Array) -> tuple[Array, NDArray[np.int64]]:
    """Running products along the last axis as mantissas near one and binary exponents, safe from over- and underflow.

    The steps of the exponents are exact, so that the relative error is that of the factors alone.
    """
    exponents = np.rint(np.cumsum(np.log2(ratios), axis=-1)).astype(np.int64)
    steps = np.diff(exponents, prepend=0, axis=-1)
    return np.cumprod(np.ldexp(ratios, -steps), axis=-1), exponents


def _ratios(jumps: Jumps, axis: int) -> Array:
    """Ratios of both rates at the inner faces crossed along an axis."""
    inner = range(1, jumps.forward[axis].shape[axis] - 1)
    return np.take(jumps.forward[axis], inner, axis) / np.take(jumps.backward[axis], inner, axis)


def scaled_weights(jumps: Jumps) -> tuple[Array, NDArray[np.int64]] | None:
    """Weights that are in detailed balance with the rates, m(left) forward = m(right) backward, if there are any.

    They are products of ratios along a path (a comb in the plane), as mantissas and binary exponents; the links that
    the paths leave out must agree with them to rounding (Kolmogorov's criterion), else None is returned.
    """
    if not jumps.connected:
        return None
    ratios = [_ratios(jumps, axis) for axis in range(len(jumps.shape))]
    if not all(np.all(np.isfinite(r)) and np.all(r > 0.0) for r in ratios):
        return None
    last = ratios[-1]
    one = np.ones((*last.shape[:-1], 1))
    mantissa, exponent = scaled_products(np.concatenate([one, last], axis=-1))
    if len(jumps.shape) == 2:  # the rows hang on the column in the middle
        middle = jumps.shape[1] // 2
        spine, powers = scaled_products(np.concatenate([[1.0], ratios[0][:, middle]]))
        mantissa = mantissa / mantissa[:, middle : middle + 1] * spine[:, None]
        exponent = exponent - exponent[:, middle : middle + 1] + powers[:, None]
    return (mantissa, exponent) if _balanced(jumps, mantissa, exponent) else None


def _balanced(jumps: Jumps, mantissa: Array, exponent: NDArray[np.int64]) -> bool:
    """Whether weights are in detailed balance across every face."""
    logs = np.log2(mantissa) + exponent
    slack = 0.0
    gaps = []
    for axis, ring in enumerate(jumps.rings):
        forward, backward = (np.moveaxis(r[axis], axis, 0) for r in (jumps.forward, jumps.backward))
        own = np.moveaxis(logs, axis, 0)
        faces = slice(1, None) if ring else slice(1, -1)
        forward, backward = forward[faces], backward[faces]
        if not (np.all(forward > 0.0) and np.all(backward > 0.0)):
            return False
        steps = np.log2(forward / backward)
        slack += _ROUNDING * float(np.max(np.sum(1.0 + np.abs(steps), axis=0)))
        there = np.diff(np.concatenate([own, own[:1]]) if ring else own, axis=0)
        gaps.append(float(np.max(np.abs(there - steps), initial=0.0)))
    return max(gaps) <= slack


def equilibrium_weights(jumps: Jumps) -> Array | None:
    """Masses in detailed balance with the rates, of sum one and the grid's shape; None if there are none.

    For a potential force and a flux with local detailed balance they are exp(-U/T) at the centres times the volumes,
    each to rounding however small.
    """
    found = scaled_weights(jumps)
    if found is None:
        return None
    mantissa, exponent = found
    with np.errstate(under="ignore"):
        weights = np.ldexp(mantissa, np.maximum(exponent - np.max(exponent), -5000))
        return np.asarray(weights / np.sum(weights))


def closed_classes(matrix: Any) -> int:
    """Number of sets of cells that a process, once inside, does not leave."""
    from scipy.sparse.csgraph import connected_components

    edges = matrix.tocoo()
    keep = (edges.row != edges.col) & (edges.data > 0.0)
    count, label = connected_components(_graph(edges, keep), directed=True, connection="strong")
    leaves = np.zeros(count, bool)
    source, target = label[edges.col[keep]], label[edges.row[keep]]
    leaves[source[source != target]] = True
    return int(np.sum(~leaves))


def never_arriving(matrix: Any, arriving: Array) -> NDArray[np.bool_]:
    """Cells from which no path leads to those that have an ``arriving`` rate."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order

    edges, n = matrix.tocoo(), arriving.size
    keep = (edges.row != edges.col) & (edges.data > 0.0)
    first = np.flatnonzero(arriving > 0.0)
    # paths backwards, from a cell n that stands for the exit
    row = np.concatenate([edges.row[keep], np.full(first.size, n)])
    col = np.concatenate([edges.col[keep], first])
    graph = csr_array((np.ones(row.size), (row, col)), shape=(n + 1, n + 1))
    missed = np.ones(n + 1, bool)
    missed[breadth_first_order(graph, n, return_predecessors=False)] = False
    return missed[:n]


def _graph(edges: Any, keep: NDArray[np.bool_]) -> Any:
    from scipy.sparse import csr_array

    ones = np.ones(int(np.sum(keep)))
    return csr_array((ones, (edges.col[keep], edges.row[keep])), shape=edges.shape)
