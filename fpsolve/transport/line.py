r"""Exact optimal transport on the line between *cell densities*.

A cell density is a pair ``edges`` (n + 1 increasing positions, unit of length) and ``masses`` (n numbers >= 0); inside
a cell the density is constant. Cells are not atoms at their centres: a code that treats them so finds
:math:`\sqrt{h W_1}` for W2 once W2 is below the cell width h.

The optimal coupling is monotone, :math:`T = Q_Q \circ F_P`, for every convex cost, so distances (52), (53), the map and
the potentials all come from one sweep over the two lists of cells.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fpsolve.kernels import monotone
from fpsolve.transport.cells import Array, CellPair, sound_edges

_EPS = float(np.finfo(float).eps)
_NO_TAILS = 32 * _EPS


class Coupling(NamedTuple):
    """The monotone coupling as slices, ordered in x: on each one mass moves by a linear increasing map.

    Attributes
    ----------
    mass : (k,) array
        Mass of each slice.
    x_lower, x_upper, y_lower, y_upper : (k,) arrays
        Ends of the interval that the mass leaves, and of the interval where it arrives; unit of length.
    """

    mass: Array
    x_lower: Array
    x_upper: Array
    y_lower: Array
    y_upper: Array


def wasserstein_cells(
    edges_p: ArrayLike,
    masses_p: ArrayLike,
    edges_q: ArrayLike,
    masses_q: ArrayLike,
    order: float = 2.0,
    accuracy: Literal["high", "exact"] = "high",
) -> tuple[float, float]:
    r"""Wasserstein distance :math:`W_p` (52), (53) of two cell densities, and its error bar.

    .. math:: W_p^p = \int_0^1 |Q_P(u) - Q_Q(u)|^p \, du, \qquad W_1 = \int |F_P - F_Q| \, dx.

    It is symmetric, obeys the triangle inequality (54)-(57) and grows with the order.

    Parameters
    ----------
    edges_p, edges_q : (n + 1,), (m + 1,) array_like
        Increasing cell edges, unit of length; the two grids need not agree.
    masses_p, masses_q : (n,), (m,) array_like
        Mass of each cell, with the same total. For totals M other than 1 the integral in u runs from 0 to M.
    order : float
        The order p >= 1.
    accuracy : {"high", "exact"}
        ``"exact"``: the densities *are* constant on their cells, and the error is round-off; for the smooth
        densities that such cells stand for it is of second order in the cell width. ``"high"``: the masses are
        averages of densities that are smooth except in a few cells; they are refined conservatively twice
        (degree 7) and the three distances extrapolated.

    Returns
    -------
    value, error : float
        The distance, unit of length, and an absolute error bar. For ``"high"`` it adds what the refinement leaves
        open about the shape inside the cells to the disagreement of two extrapolations. A jump, a kink or a peak
        inside a cell widens it: the mass of such a cell may then be anywhere in the cell.

    Notes
    -----
    Features narrower than the cells that leave no trace in the masses cannot be seen, and are not in the bar.
    """
    power = float(order)
    if not 1.0 <= power < math.inf:
        raise ValueError(f"order = {order}; a Wasserstein distance needs a finite order >= 1; try 1 or 2")
    if accuracy not in ("high", "exact"):
        raise ValueError(f"accuracy = {accuracy!r}; allowed are 'high' and 'exact'")
    pair = CellPair.checked(edges_p, masses_p, edges_q, masses_q)
    floor = 2.0 * _EPS * max(abs(float(edge)) for edges in (pair.edges_p, pair.edges_q) for edge in edges[[0, -1]])
    floor *= pair.total ** (1.0 / power)
    if accuracy == "high":
        value, error = _extrapolated(pair, power)
    else:
        unit = 1.0 if power in (1.0, 2.0) else _reach(pair.slices())
        value, error = unit * pair.cost(power, unit) ** (1.0 / power), 0.0
    return value, error + floor + 32 * _EPS * value


def monotone_coupling(edges_p: ArrayLike, masses_p: ArrayLike, edges_q: ArrayLike, masses_q: ArrayLike) -> Coupling:
    """Optimal coupling of two cell densities (53) as at most n + m + 2 slices.

    Parameters
    ----------
    edges_p, masses_p, edges_q, masses_q : array_like
        The two densities, as in `wasserstein_cells`.

    Returns
    -------
    Coupling
        Slices ordered in x and in y; their masses add up to the masses of every cell of P.
    """
    slices = CellPair.checked(edges_p, masses_p, edges_q, masses_q).slices()
    return Coupling(*np.ascontiguousarray(slices.T))


def monotone_map(edges_p: ArrayLike, masses_p: ArrayLike, edges_q: ArrayLike, masses_q: ArrayLike) -> Array:
    r"""Optimal map :math:`T = Q_Q \circ F_P` at the edges of P, exact for densities constant on their cells.

    Parameters
    ----------
    edges_p, masses_p, edges_q, masses_q : array_like
        The two densities, as in `wasserstein_cells`.

    Returns
    -------
    (n + 1,) array
        Nondecreasing images, unit of length. Edges outside the mass of P go to the ends of the mass of Q; where F_P
        meets a gap of Q, either end of the gap is the answer.
    """
    return _map_and_potential(CellPair.checked(edges_p, masses_p, edges_q, masses_q))[0]


def kantorovich_potential(
    edges_p: ArrayLike, masses_p: ArrayLike, edges_q: ArrayLike, masses_q: ArrayLike, order: int = 2
) -> Array:
    r"""Kantorovich potential at the edges of P, zero at the first one; mass moves downhill.

    For order 1 it is the 1-Lipschitz function of the Kantorovich-Rubinstein duality (58),
    :math:`W_1 = E_P \psi - E_Q \psi`, with :math:`\psi' = -\mathrm{sgn}(F_P - F_Q)`. For order 2 it is the potential
    of the cost :math:`|x - y|^2 / 2`, with :math:`\varphi' = x - T(x)`; its negative is the initial potential of the
    Benamou-Brenier flow (61), (62), whose velocity is :math:`T(x) - x`.

    Parameters
    ----------
    edges_p, masses_p, edges_q, masses_q : array_like
        The two densities, as in `wasserstein_cells`.
    order : {1, 2}
        Order of the distance.

    Returns
    -------
    (n + 1,) array
        Unit of length for order 1, length squared for order 2; exact for densities constant on their cells.
    """
    if order not in (1, 2):
        raise ValueError(f"order = {order}; the potential is known for the orders 1 and 2")
    pair = CellPair.checked(edges_p, masses_p, edges_q, masses_q)
    if order == 2:
        return _map_and_potential(pair)[1]
    edges, p, q = pair.edges_p, pair.masses_p, pair.masses_q
    if not pair.shared:
        edges = np.union1d(pair.edges_p, pair.edges_q)
        p, q = np.empty(edges.size - 1), np.empty(edges.size - 1)
        monotone.spread(pair.edges_p, pair.masses_p, edges, p)
        monotone.spread(pair.edges_q, pair.masses_q, edges, q)
    gap, potential = np.empty(edges.size), np.empty(edges.size)
    monotone.lipschitz_potential(edges, p, q, monotone.median_edge(p, pair.total), gap, potential)
    if not pair.shared:
        potential = potential[np.searchsorted(edges, pair.edges_p)]
    return potential - potential[0]


def displacement(
    edges_p: ArrayLike,
    masses_p: ArrayLike,
    edges_q: ArrayLike,
    masses_q: ArrayLike,
    fraction: float,
    edges: ArrayLike | None = None,
) -> Array:
    r"""Masses of the geodesic from P to Q after a fraction of the way, :math:`X_s = (1 - s) x + s T(x)`.

    Parameters
    ----------
    edges_p, masses_p, edges_q, masses_q : array_like
        The two densities, as in `wasserstein_cells`.
    fraction : float
        The fraction s of the way, from 0 (P) to 1 (Q).
    edges : (k + 1,) array_like, optional
        Edges of the cells that receive the mass; those of P by default. They must cover the mass.

    Returns
    -------
    (k,) array
        Masses; the total of P is kept. Exact cell averages for densities constant on their cells.
    """
    pair = CellPair.checked(edges_p, masses_p, edges_q, masses_q)
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"fraction = {fraction}; allowed is a part of the way between 0 (at P) and 1 (at Q)")
    target = pair.edges_p if edges is None else sound_edges(edges, "edges")
    slices = pair.slices()
    ends = slices[[0, -1], [1, 2]] + fraction * (slices[[0, -1], [3, 4]] - slices[[0, -1], [1, 2]])
    if ends[0] < target[0] - _NO_TAILS * abs(target[0]) or ends[1] > target[-1] + _NO_TAILS * abs(target[-1]):
        raise ValueError(
            f"at fraction {fraction} the mass lies in [{ends[0]:.6g}, {ends[1]:.6g}], but the cells cover only "
            f"[{target[0]:.6g}, {target[-1]:.6g}]; pass edges that cover both densities"
        )
    out = np.empty(target.size - 1)
    monotone.interpolate(slices, len(slices), float(fraction), target, out)
    return out


def _extrapolated(pair: CellPair, order: float) -> tuple[float, float]:
    """Distance from three levels of refinement, and its bar without round-off."""
    slices = pair.slices()
    unit = 1.0 if order in (1.0, 2.0) else _reach(slices)
    middle, detail_p, detail_q = pair.halved()
    v = [cells.cost(order, unit) for cells in (pair, middle, middle.halved()[0])]
    first, second = v[1] + (v[1] - v[0]) / 3.0, v[2] + (v[2] - v[1]) / 3.0
    power = second + (second - first) / 15.0
    bar = abs(second - first) + pair.open_cost(slices, detail_p, detail_q, order, unit)
    if not power > 0.0:
        bar, power = bar + v[2] - power, v[2]
    root = 1.0 / order
    value = power**root
    return unit * value, unit * max((power + bar) ** root - value, value - max(power - bar, 0.0) ** root)


def _reach(slices: Array) -> float:
    """Largest distance moved: in this unit of length high powers neither overflow nor vanish."""
    return float(np.max(np.abs(slices[:, 1:3] - slices[:, 3:5]))) or 1.0


def _map_and_potential(pair: CellPair) -> tuple[Array, Array]:
    slices = pair.slices()
    image, potential = np.empty_like(pair.edges_p), np.empty_like(pair.edges_p)
    monotone.map_and_potential(pair.edges_p, pair.masses_p, slices, len(slices), image, potential)
    return np.maximum.accumulate(image), potential
