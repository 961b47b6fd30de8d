"""A problem together with its exact solution."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fpsolve.densities import Density, PlaneDensity
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.grids import Array, Axis, Grid
from fpsolve.settings import InputError

#: mass beyond either side of a window
TAIL = 1e-13
#: instants between the first and the last time at which a window is asked for
_LOOKS = 25


@dataclasses.dataclass(frozen=True, eq=False)
class ExactProblem:
    """A Fokker-Planck equation, a start, times, and the solution in closed form or by quadrature.

    Parameters
    ----------
    name : str
        What it is called.
    problem : FokkerPlanck
        Force, temperature, mobility and, where there are walls, the domain.
    start : Density or PlaneDensity
        P at the first time.
    times : (n,) array
        Times at which it is worth looking, s.
    exact : callable
        ``(t, grid)`` -> averages of P_t over the cells of a grid, exact to about 1e-13 of the largest one.
    density : callable, optional
        ``t`` -> P_t as a density, where it is one of the package's.
    outflow : callable, optional
        ``t`` -> mass that has left through the lower and the upper end of a line since the first time, (2,).
    stationary : callable, optional
        ``grid`` -> averages of the stationary density that P_t tends to.
    current : float, optional
        The stationary current, 1/s.
    note, reference : str
        What is special about it; where the solution is derived.
    """

    name: str
    problem: FokkerPlanck
    start: Density | PlaneDensity
    times: Array
    exact: Callable[[float, Grid], Array]
    density: Callable[[float], Density | PlaneDensity] | None = None
    outflow: Callable[[float], Array] | None = None
    stationary: Callable[[Grid], Array] | None = None
    current: float | None = None
    note: str = ""
    reference: str = ""

    @classmethod
    def of_density(
        cls,
        name: str,
        problem: FokkerPlanck,
        times: Array,
        density: Callable[[float], Density | PlaneDensity],
        **extras: Any,
    ) -> ExactProblem:
        """A problem whose solution is a density of the package at every time."""
        given = {"start": density(float(times[0])), "density": density} | extras
        return cls(name=name, problem=problem, times=times, exact=averages_of(density), **given)

    @property
    def bounded(self) -> bool:
        """Whether the problem itself has walls or is a ring."""
        return self.problem.domain is not None

    def window(self, tail: float = TAIL) -> Domain:
        """The problem's domain, or a box that leaves ``tail`` of the mass beyond each side at all times.

        Parameters
        ----------
        tail : float
            Probability between 0 and 1/2.
        """
        if self.problem.domain is not None:
            return self.problem.domain
        if self.density is None:
            raise InputError("window", f"{self.name} has neither a domain nor a density at every time; give a grid")
        looks = np.unique(np.concatenate([self.times, np.linspace(self.times[0], self.times[-1], _LOOKS)]))
        sides = [np.reshape(self.density(float(t)).interval(tail), (-1, 2)) for t in looks]
        lower, upper = np.min(sides, axis=0)[:, 0], np.max(sides, axis=0)[:, 1]
        if lower.size == 1:
            return Domain(float(lower[0]), float(upper[0]))
        return Domain(tuple(lower.tolist()), tuple(upper.tolist()))

    def grid(self, cells: int | Sequence[int]) -> Grid:
        """Equal cells over :meth:`window`: their number, in the plane along each axis."""
        return self.window().grid(cells)

    def error(self, dataset: Any) -> Array:
        """L1 distance between the stored densities and the exact ones, cell average by cell average.

        On the whole line or plane the exact mass that lies beyond the grid is part of it.

        Parameters
        ----------
        dataset : xarray.Dataset
            What :func:`fpsolve.solve` returned: ``density`` at times or snapshots, ``x_face`` (and ``y_face``).

        Returns
        -------
        (n,) array
            One number for each stored density.
        """
        stored = dataset["density"]
        edges = [np.asarray(dataset[f"{axis}_face"].values, float) for axis in "xy"[: self.problem.dimension]]
        grid = Grid(tuple(Axis(each) for each in edges))
        when = np.asarray(dataset[stored.dims[0]].values, float)
        errors = np.empty(when.size)
        for index, (t, found) in enumerate(zip(when, np.asarray(stored.values, float), strict=True)):
            exact = self.exact(float(t), grid)
            errors[index] = np.sum(np.abs(found - exact) * grid.volumes)
            if not self.bounded:
                errors[index] += max(1.0 - float(np.sum(exact * grid.volumes)), 0.0)
        return errors


def averages_of(density: Callable[[float], Density | PlaneDensity]) -> Callable[[float, Grid], Array]:
    """``(t, grid)`` -> cell averages of a density that is known at every time."""

    def exact(t: float, grid: Grid) -> Array:
        return density(t).cell_averages(*(axis.edges for axis in grid.axes))

    return exact


def even_times(end: float, count: int = 5) -> Array:
    """``count`` times from zero to ``end``, s."""
    return np.linspace(0.0, end, count)
