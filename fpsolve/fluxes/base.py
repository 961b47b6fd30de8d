"""What every spatial scheme can do, and what it may claim."""

from __future__ import annotations

import abc
from typing import ClassVar, final

import numpy as np

from fpsolve.grids import Array, Grid
from fpsolve.kernels.advection import two_point_currents
from fpsolve.settings import Settings


class Flux(Settings, abc.ABC):
    """A spatial scheme: J = f P - T dP/dx (1) at the faces of a line, from cell averages of P.

    Attributes
    ----------
    order : int
        Order of convergence of the cell averages of smooth densities.
    conservative : bool
        The masses change by differences of face currents only, and the reflecting ends let nothing through.
    positive : bool
        Densities stay nonnegative under forward Euler steps of CFL number up to one.
    equilibrium_preserving : bool
        The current of the Boltzmann density of a potential force vanishes exactly.
    local_detailed_balance : bool
        The jump rates across a face have the ratio exp(f h / T) (36).
    reference : str
        Where the scheme comes from.
    """

    family: ClassVar[str] = "flux"
    order: ClassVar[int]
    conservative: ClassVar[bool]
    positive: ClassVar[bool]
    equilibrium_preserving: ClassVar[bool]
    local_detailed_balance: ClassVar[bool]
    reference: ClassVar[str]

    @abc.abstractmethod
    def currents(self, p: Array, drift: Array, temperature: float, grid: Grid) -> Array:
        """Probability currents through the faces, 1/s.

        Parameters
        ----------
        p : (n,) array
            Averages of the density over the cells, 1/L.
        drift : (n + 1,) array
            Force (mobility one) or, with ``temperature = 0``, velocity at the faces, L/s.
        temperature : float
            T, L²/s.
        grid : Grid
            A line of n cells; its boundary decides the currents through the ends.
        """


class TwoPointFlux(Flux, abc.ABC):
    """A scheme that sees the two cells at a face: a Markov jump process, J = a_minus p(left) - a_plus p(right)."""

    @abc.abstractmethod
    def rates(self, drift: Array, temperature: float, grid: Grid) -> tuple[Array, Array]:
        """``a_minus`` and ``a_plus`` at the faces, L/s: jump rates times the width of the cell that is left."""

    @final
    def currents(self, p: Array, drift: Array, temperature: float, grid: Grid) -> Array:
        out = np.empty(grid.cells + 1)
        minus, plus = self.rates(drift, temperature, grid)
        two_point_currents(p, minus, plus, grid.axis.boundary_code, out)
        return out
