"""Two cell densities, checked and made ready for the kernels."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fpsolve.kernels import monotone, refine

Array = NDArray[np.float64]

#: relative difference of the two total masses up to which the second density is rescaled to the first
MASS_TOLERANCE = 1e-9
_ROUNDING = 8 * float(np.finfo(float).eps)


@dataclasses.dataclass(frozen=True)
class CellPair:
    """Two sound cell densities of equal total mass.

    Parameters
    ----------
    edges_p, edges_q : (n + 1,), (m + 1,) arrays
        Increasing cell edges.
    masses_p, masses_q : (n,), (m,) arrays
        Mass of each cell.
    total : float
        Their common sum.
    shared : bool
        Whether both live on the same cells.
    """

    edges_p: Array
    masses_p: Array
    edges_q: Array
    masses_q: Array
    total: float
    shared: bool

    @classmethod
    def checked(cls, edges_p: ArrayLike, masses_p: ArrayLike, edges_q: ArrayLike, masses_q: ArrayLike) -> CellPair:
        """Contiguous arrays, the second density rescaled to the total of the first; ValueError where unsound."""
        shared = edges_q is edges_p
        x, p, total = _density(edges_p, masses_p, "_p")
        y, q, other = _density(x if shared else edges_q, masses_q, "_q", checked=shared)
        if abs(total - other) > MASS_TOLERANCE * max(total, other):
            raise ValueError(
                f"masses_p add up to {total!r} and masses_q to {other!r}; transport needs equal totals (relative "
                f"difference up to {MASS_TOLERANCE:g}); divide each by its sum"
            )
        if abs(total - other) > _ROUNDING * total:
            q = q * (total / other)
        return cls(x, p, y, q, total, shared or np.array_equal(x, y))

    def slices(self) -> Array:
        """Rows ``(mass, x_lower, x_upper, y_lower, y_upper)`` of the monotone coupling, ordered."""
        slices = np.empty((self.masses_p.size + self.masses_q.size + 2, 5))
        return slices[: self._couple(slices, 2.0, 1.0)[0]]

    def cost(self, order: float, unit: float) -> float:
        """The power ``W_p^p`` of densities constant on their cells, lengths in ``unit``."""
        if self.shared and order == 1.0:
            return monotone.area_between(self.edges_p, self.masses_p, self.masses_q) / unit
        return self._couple(np.empty((1, 5)), order, unit)[1]

    def _couple(self, slices: Array, order: float, unit: float) -> tuple[int, float]:
        cut = monotone.median_edge(self.masses_p, self.total)
        return monotone.couple(self.edges_p, self.masses_p, self.edges_q, self.masses_q, cut, slices, order, unit)

    def halved(self) -> tuple[CellPair, Array, Array]:
        """The pair on halved cells, and the asymmetries of every cell of P and of Q."""
        edges_p, masses_p, detail_p = _halved(self.edges_p, self.masses_p)
        edges_q, masses_q, detail_q = _halved(self.edges_q, self.masses_q)
        return CellPair(edges_p, masses_p, edges_q, masses_q, self.total, self.shared), detail_p, detail_q

    def open_cost(self, slices: Array, detail_p: Array, detail_q: Array, order: float, unit: float) -> float:
        """What the asymmetries leave open of the cost ``W_p^p``, lengths in ``unit``."""
        loose_p, loose_q = np.empty_like(self.masses_p), np.empty_like(self.masses_q)
        refine.unknown_shape(self.masses_p, detail_p, loose_p)
        refine.unknown_shape(self.masses_q, detail_q, loose_q)
        edges, setting = (self.edges_p, self.edges_q), (self.shared, order, unit)
        bar = refine.shape_error(slices, len(slices), edges[0], loose_p, edges[1], loose_q, *setting)
        if order < 2.0:
            bar += refine.crossing_error(slices, len(slices), edges[0], detail_p, edges[1], detail_q, *setting)
        return bar


def sound_edges(values: ArrayLike, name: str) -> Array:
    """Cell edges as an array: one-dimensional, at least two, finite, strictly increasing."""
    edges = _array(values, name)
    if edges.size < 2:
        raise ValueError(f"{name} has {edges.size} entries; one cell needs two edges")
    if monotone.disorder(edges):
        bad = int(np.argmin(np.append(np.isfinite(edges[:1]), (np.diff(edges) > 0.0) & np.isfinite(edges[1:]))))
        before = f" after {edges[bad - 1]}" if bad else ""
        raise ValueError(f"{name}[{bad}] = {edges[bad]}{before}; edges must be finite and strictly increasing")
    return edges


def _density(edges: ArrayLike, masses: ArrayLike, side: str, checked: bool = False) -> tuple[Array, Array, float]:
    """Edges, masses and total of one sound cell density."""
    x = np.asarray(edges) if checked else sound_edges(edges, "edges" + side)
    p = _array(masses, "masses" + side)
    if x.size != p.size + 1:
        raise ValueError(f"edges{side} has {x.size} entries and masses{side} {p.size}; n cells need n + 1 edges")
    if monotone.unsound(p):
        bad = int(np.argmin((p >= 0.0) & (p < math.inf)))
        raise ValueError(
            f"masses{side}[{bad}] = {p[bad]}; every cell mass must be a finite number >= 0; a scheme that goes "
            "negative must be cured at its source"
        )
    total = float(np.sum(p))
    if not 0.0 < total < math.inf:
        raise ValueError(f"masses{side} add up to {total}; a density needs a positive, finite mass")
    return x, p, total


def _array(values: ArrayLike, name: str) -> Array:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a one-dimensional array of real numbers: {error}") from None
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; allowed is a one-dimensional array")
    return np.ascontiguousarray(array)


def _halved(edges: Array, masses: Array) -> tuple[Array, Array, Array]:
    fine, out = np.empty(2 * edges.size - 1), np.empty(2 * masses.size)
    detail = np.empty((masses.size, 3))
    refine.halve(edges, masses, refine.split_edges(edges, fine), out, detail)
    return fine, out, detail
