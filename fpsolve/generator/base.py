"""The generator of a problem on a grid."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpsolve.discretisation import Discretisation, Operator
from fpsolve.equation import FokkerPlanck
from fpsolve.fluxes import Flux, ScharfetterGummel
from fpsolve.forces.base import evaluated
from fpsolve.generator.correlations import correlations
from fpsolve.generator.passage import exit_probabilities, passage_times
from fpsolve.generator.spectrum import Relaxation, relaxation
from fpsolve.generator.stationary import closed, stationary_currents, stationary_masses
from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError, number, whole

Function = Array | Callable[..., Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Generator:
    """The operator L of (1) on a grid, dm/dt = L m for the masses of the cells, and what it says without a run.

    Parameters
    ----------
    problem : FokkerPlanck
        The equation.
    grid : Grid
        Cells and boundaries.
    flux : Flux
        A linear one. Two-point fluxes with nonnegative rates make L the generator of a Markov jump process.
    t : float
        The instant at which force and temperature are taken, s.

    Raises
    ------
    InputError
        Things of another kind, dimensions that do not agree, a flux that is not linear.
    """

    problem: FokkerPlanck
    grid: Grid
    flux: Flux = dataclasses.field(default_factory=ScharfetterGummel)
    t: float = 0.0

    def __post_init__(self) -> None:
        for name, kind, example in (
            ("problem", FokkerPlanck, "FokkerPlanck(HarmonicTrap(1.0), 0.5)"),
            ("grid", Grid, "Grid.line(-5, 5, 200)"),
            ("flux", Flux, "fluxes.ScharfetterGummel()"),
        ):
            given = getattr(self, name)
            if not isinstance(given, kind):
                word = getattr(given, "__name__", type(given).__name__)
                raise InputError(name, f"given {word}; expected one such as {example}")
        number("t", self.t)
        if not self.flux.linear:
            raise InputError("flux", f"{self.flux.kind} is not linear in P: there is no matrix; use scharfetter-gummel")
        _ = self._operator

    @functools.cached_property
    def _operator(self) -> Operator:
        return Discretisation(self.problem, self.grid, self.flux).at(self.t)

    @functools.cached_property
    def _masses(self) -> Array:
        return stationary_masses(self._operator)

    @functools.cached_property
    def matrix(self) -> Any:
        """L as a scipy.sparse CSR array (n, n), 1/s, that acts on the flattened masses of the cells.

        Its columns sum to minus the rates at which each cell loses mass through absorbing ends.
        """
        return self._operator.matrix().tocsr()

    @functools.cached_property
    def adjoint(self) -> Any:
        """The backward operator (n, n), 1/s, on functions of the cell: d<g>/dt = <L^T g>; CSR, the transpose of L."""
        return self.matrix.T.tocsr()

    @property
    def closed(self) -> bool:
        """Whether nothing leaves the grid."""
        return closed(self._operator)

    def stationary(self) -> Array:
        """Averages over the cells of the density with L m = 0, of integral one.

        Returns
        -------
        array of the grid's shape
            1/L (1/L² in the plane). On lines and for forces with a potential, at uniform temperature, it is
            exp(-U/T) at the centres, each value to rounding however small; on rings every value is accurate to rounding
            too.

        Raises
        ------
        InputError
            Absorbing ends; parts of the grid that exchange nothing.
        """
        return self._masses / self.grid.volumes

    def current(self) -> tuple[Array, ...]:
        """Probability currents of the stationary state through the faces crossed along each axis, 1/s.

        Returns
        -------
        tuple of arrays
            One per axis: (n + 1,) on a line; (nx + 1, ny) and (nx, ny + 1) in the plane. Zero in detailed balance; on a
            ring the same at all faces, without the cancellation of one-way currents.
        """
        return stationary_currents(self._operator, self._masses)

    def relaxation(self, count: int = 6) -> Relaxation:
        """Rates, modes and observables of relaxation: those ``count`` eigenvalues of -L that are nearest to zero.

        Parameters
        ----------
        count : int
            How many, the zero of a closed grid among them. Without detailed balance rates are complex and a mode that
            turns fast while it decays slowly has a large modulus: ask for more to see it.

        Returns
        -------
        Relaxation
            On lines with a two-point flux every rate is accurate relative to itself, however small; else to a few
            roundings of the fastest rate of the grid.
        """
        count = whole("count", count, 1, self.grid.cells)
        return relaxation(self._operator, self.grid.volumes, count)

    def mean_first_passage(self, target: Function | None = None) -> Array:
        """Mean time until a path enters the target or leaves through an absorbing end: L^T tau = -1.

        Parameters
        ----------
        target : bool array or callable, optional
            Cells of the grid's shape, or a condition on the coordinates of their centres, ``x -> bool`` or
            ``(x, y) -> bool``; absent, the absorbing ends alone.

        Returns
        -------
        array of the grid's shape
            From the centre of each cell, s; zero in the target.

        Raises
        ------
        InputError
            Nothing to reach; everything in the target; a target that is never reached.
        """
        mask = np.zeros(self.grid.shape, bool) if target is None else self._mask(target)
        if not np.any(mask) and self.closed:
            what = "no target is given" if target is None else "the target holds no centre of a cell"
            raise InputError("target", f"{what} and no end is absorbing; give one such as lambda x: x > 1")
        return passage_times(self._operator, mask)

    def exit_probabilities(self) -> dict[str, Array]:
        """Probability to leave through each absorbing end, from the centre of each cell: L^T q = 0 inside.

        Returns
        -------
        dict
            ``"lower"`` and ``"upper"`` on a line; ``"x_lower"``, ``"x_upper"``, ``"y_lower"``, ``"y_upper"`` in the
            plane; the absorbing ones only. Arrays of the grid's shape that sum to one.

        Raises
        ------
        InputError
            No end is absorbing.
        """
        return exit_probabilities(self._operator)

    def correlation(self, a: Function, b: Function, times: Any) -> Array:
        """<a(0) b(t)> - <a><b> in the stationary state.

        Parameters
        ----------
        a, b : arrays or callables
            Values in the cells, of the grid's shape, or functions of the coordinates, taken at the centres.
        times : (n,) array
            Nonnegative, s.

        Returns
        -------
        (n,) array
            Unit of a times that of b.
        """
        try:
            when = np.atleast_1d(np.asarray(times, float))
        except (TypeError, ValueError) as error:
            raise InputError("times", f"given {times!r}; expected nonnegative numbers") from error
        if when.ndim != 1 or not np.all(np.isfinite(when)) or np.any(when < 0.0):
            raise InputError("times", "expected nonnegative numbers in one dimension; swap a and b for negative ones")
        return correlations(self._operator, self._values("a", a), self._values("b", b), when)

    def _values(self, name: str, given: Any) -> Array:
        """A function of the cell, of the grid's shape."""
        if callable(given):
            centres = tuple(np.meshgrid(*(axis.centres for axis in self.grid.axes), indexing="ij"))
            return evaluated(given(*centres), centres, name)
        try:
            values = np.asarray(given, float)
        except (TypeError, ValueError) as error:
            raise InputError(name, f"given {type(given).__name__}; expected numbers, or a function") from error
        if values.shape != self.grid.shape or not np.all(np.isfinite(values)):
            raise InputError(name, f"given shape {values.shape}; expected finite values on the grid, {self.grid.shape}")
        return values

    def _mask(self, target: Any) -> NDArray[np.bool_]:
        values = self._values("target", target)
        if not np.all((values == 0.0) | (values == 1.0)):
            raise InputError("target", "expected True or False for each cell, such as lambda x: x > 1")
        if np.all(values == 1.0):
            raise InputError("target", "it holds every cell, so there is nowhere to start from; narrow it")
        return values == 1.0


def operator(problem: FokkerPlanck, grid: Grid, flux: Flux | None = None, t: float = 0.0) -> Generator:
    """The operator of a Fokker-Planck equation on a grid, dm/dt = L m for the masses of the cells.

    Parameters
    ----------
    problem : FokkerPlanck
        The equation.
    grid : Grid
        Cells and boundaries.
    flux : Flux, optional
        A linear one; Scharfetter-Gummel if absent.
    t : float
        The instant at which force and temperature are taken, s.

    Returns
    -------
    Generator
        With ``matrix``, ``adjoint``, ``stationary()``, ``current()``, ``relaxation()``, ``mean_first_passage()``,
        ``exit_probabilities()`` and ``correlation()``.
    """
    return Generator(problem, grid, ScharfetterGummel() if flux is None else flux, t)
