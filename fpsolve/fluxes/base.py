"""What every spatial scheme can do, and what it may claim."""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from fpsolve.grids import Array, Axis, Grid
from fpsolve.kernels.advection import two_point_currents
from fpsolve.settings import InputError, Settings


class Flux(Settings, abc.ABC):
    """A spatial scheme: J = f P - T dP/dx (1) at the faces of a line, from cell averages of P.

    Attributes
    ----------
    order : int
        Order of convergence of the cell averages of smooth densities, T > 0.
    advective_order : int
        The same where T = 0.
    conservative : bool
        The masses change by differences of face currents only, and the reflecting ends let nothing through.
    positive : bool
        Densities stay nonnegative under forward Euler steps in which no cell loses more than it holds.
    equilibrium_preserving : bool
        The current of the Boltzmann density of a potential force vanishes exactly.
    local_detailed_balance : bool
        The jump rates across a face have the ratio exp(f h / T) (36).
    linear : bool
        The currents are linear in P, so that implicit steppers can solve for them.
    local_temperature : bool
        In the plane, T may depend on the position (on a line every scheme allows it).
    reference : str
        Where the scheme comes from.
    """

    family: ClassVar[str] = "flux"
    order: ClassVar[int]
    advective_order: ClassVar[int]
    conservative: ClassVar[bool]
    positive: ClassVar[bool]
    equilibrium_preserving: ClassVar[bool]
    local_detailed_balance: ClassVar[bool]
    linear: ClassVar[bool]
    local_temperature: ClassVar[bool]
    reference: ClassVar[str]

    @abc.abstractmethod
    def currents(self, p: Array, drift: Array, temperature: Array | float, grid: Grid) -> Array:
        """Probability currents through the faces, 1/s.

        Parameters
        ----------
        p : (n,) array
            Averages of the density over the cells, 1/L.
        drift : (n + 1,) array
            Drift (force times mobility) or, with ``temperature = 0``, velocity at the faces, L/s.
        temperature : float or (n + 1,) array
            T (times the mobility), L²/s.
        grid : Grid
            A line of n cells; its boundary decides the currents through the ends.
        """


class LinearFlux(Flux, abc.ABC):
    """A scheme whose currents are linear in P: J_i = sum_k stencil[k, i] p[first(i) + k] over four cells.

    On a ring first(i) = i - 2, elsewhere it is clipped to [0, n - 4].
    """

    @abc.abstractmethod
    def stencil(self, drift: Array, temperature: Array | float, axis: Axis) -> Array:
        """Coefficients (4, n + 1) of the averages in the currents through the faces, L/s."""


class TwoPointFlux(LinearFlux, abc.ABC):
    """A scheme that sees the two cells at a face: a Markov jump process, J = a_minus p(left) - a_plus p(right)."""

    local_temperature: ClassVar[bool] = True
    linear: ClassVar[bool] = True
    #: (drift, temperature, left, right, minus, plus): one function that fills both rates, of flat arrays
    kernel: ClassVar[Callable[..., None]]

    @final
    def rates(self, drift: Array, temperature: Array, left: Array, right: Array) -> tuple[Array, Array]:
        """``a_minus`` and ``a_plus``, L/s, elementwise.

        Parameters
        ----------
        drift, temperature : arrays of one shape
            At the faces, L/s and L²/s.
        left, right : arrays of that shape
            Distances from the face to the centres beside it, L.
        """
        minus, plus = np.empty((2, drift.size))
        self.kernel(_flat(drift), _flat(temperature), _flat(left), _flat(right), minus, plus)
        return minus.reshape(drift.shape), plus.reshape(drift.shape)

    @final
    def face_rates(self, drift: Array, temperature: Array | float, axis: Axis) -> tuple[Array, Array]:
        """Both rates with the boundary in them, the axis first; an array of more dimensions holds parallel lines."""
        shape = drift.shape
        left, right = (np.broadcast_to(g.reshape(-1, *[1] * (drift.ndim - 1)), shape) for g in axis.gaps)
        minus, plus = self.rates(drift, np.broadcast_to(np.asarray(temperature, float), shape), left, right)
        if not axis.periodic:
            # nothing comes in; nothing leaves through a reflecting end
            minus[0] = plus[-1] = 0.0
            lower, upper = axis.ends
            plus[0] *= lower == "absorbing"
            minus[-1] *= upper == "absorbing"
        return minus, plus

    @final
    def stencil(self, drift: Array, temperature: Array | float, axis: Axis) -> Array:
        minus, plus = self.face_rates(drift, temperature, axis)
        n = axis.cells
        out = np.zeros((4, n + 1))
        if axis.periodic:
            out[1], out[2] = minus, -plus
            return out
        face = np.arange(n + 1)
        place = face - cells_of_faces(n, False)[0]
        out[place[1:] - 1, face[1:]] = minus[1:]
        out[place[:-1], face[:-1]] = -plus[:-1]
        return out

    @final
    def currents(self, p: Array, drift: Array, temperature: Array | float, grid: Grid) -> Array:
        out = np.empty(grid.cells + 1)
        minus, plus = self.face_rates(np.asarray(drift, float), temperature, grid.axis)
        two_point_currents(p, minus, plus, *grid.axis.codes, out)
        return out


@functools.lru_cache(maxsize=64)
def cells_of_faces(n: int, ring: bool) -> NDArray[np.intp]:
    """The four cells (4, n + 1) of the stencil of every face: around it, on a line clipped to those there are."""
    face = np.arange(n + 1)
    first = face - 2 if ring else np.clip(face - 2, 0, n - 4)
    cells = (first[None, :] + np.arange(4)[:, None]) % n
    cells.setflags(write=False)
    return cells


def _flat(array: Array) -> Array:
    """The array as kernels want it: contiguous and one-dimensional."""
    return np.ascontiguousarray(array, float).ravel()


def check_cells(axis: Axis, least: int, kind: str) -> None:
    """A stencil needs cells.

    Raises
    ------
    InputError
        Too few.
    """
    if axis.cells < least:
        raise InputError("grid", f"given {axis.cells} cells along an axis; {kind} needs at least {least}")
