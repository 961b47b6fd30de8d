"""What is to be solved, as data: the content of a problem file, and of the recipe that every solution carries."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.cases import unpack
from fpsolve.equation import Domain, FokkerPlanck
from fpsolve.fluxes import Flux
from fpsolve.forces import Force, Summed
from fpsolve.grids import Array, Axis, Grid
from fpsolve.integration import Control
from fpsolve.settings import InputError, Recipe, from_recipe
from fpsolve.solution.checks import check_times, kept_indices
from fpsolve.solution.choices import choose_window
from fpsolve.solution.gauges import AXES
from fpsolve.solution.plans import Plan, rebuilt_times
from fpsolve.solution.run import ACCURACY, Store, plan_of, solve
from fpsolve.solution.start import Masses, as_start
from fpsolve.steppers import GridStepper

#: families of the recipe of a start, by dimension
DENSITIES = {1: "density", 2: "plane-density"}


@dataclasses.dataclass(frozen=True, eq=False)
class Setup:
    """The arguments of :func:`fpsolve.solve`, ready for it.

    Parameters
    ----------
    problem, start, times, grid, flux, stepper, rtol, atol, steps, substep, bars, accuracy, snapshots
        As for :func:`fpsolve.solve`.
    cells : int or pair, optional
        Where there is no grid: how many equal cells the chosen window gets.
    """

    problem: FokkerPlanck
    start: Any
    times: Array
    grid: Grid | None = None
    cells: Any = None
    flux: Flux | None = None
    stepper: GridStepper | None = None
    rtol: float = 1e-6
    atol: float = 1e-9
    steps: int | None = None
    substep: bool = False
    bars: bool = True
    accuracy: float = ACCURACY
    snapshots: Any = None

    def solve(self, store: Store | None = None, progress: bool | None = None) -> xr.Dataset:
        """The solution."""
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        cells, problem, start, times = (given.pop(name) for name in ("cells", "problem", "start", "times"))
        if given["grid"] is None and cells is not None:
            domain = problem.domain or choose_window(problem, start, times)
            given["grid"] = domain.grid(cells)
        return solve(problem, start, times, **given, store=store, progress=progress)

    def plan(self) -> Plan:
        """The run of a solution, every choice made (the grid among them)."""
        assert self.grid is not None
        times = check_times(self.times)
        control = Control(self.rtol, self.atol, self.steps, self.substep)
        given = {"control": control, "times": times, "kept": kept_indices(self.snapshots, times), "bars": self.bars}
        given["observables"] = {}
        return plan_of(self.problem, as_start(self.start, self.problem), self.grid, self.flux, self.stepper, given)

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any], problem: FokkerPlanck | None = None) -> Setup:
        """The setup of a solution, from its recipe.

        Parameters
        ----------
        recipe : mapping
            What the solution carries.
        problem : FokkerPlanck, optional
            Where it was made from Python functions, which no recipe holds.

        Raises
        ------
        InputError
            A recipe that is damaged, or that was made from Python functions.
        """
        if not recipe.get("solution"):
            raise InputError("recipe", "it is not that of a solution; 'fpsolve run' repeats experiments")
        if "python" in recipe and problem is None:
            raise InputError(
                "recipe", "it was made from Python functions, which no file holds, so it cannot be repeated from it; "
                "call fpsolve.solve with them again"
            )  # fmt: skip
        try:
            return cls._built(recipe, problem)
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise InputError("recipe", f"it is damaged ({type(error).__name__}: {error})") from error

    @classmethod
    def _built(cls, recipe: Mapping[str, Any], problem: FokkerPlanck | None) -> Setup:
        numerics, times = dict(recipe["numerics"]), rebuilt_times(recipe["time"])
        if problem is None:
            domain = Domain(**recipe["domain"]) if "domain" in recipe else None
            force = rebuilt_force(recipe["force"])
            problem = FokkerPlanck(force, recipe["temperature"], recipe["mobility"], domain)
        kept = recipe["time"].get("kept")
        return cls(
            problem,
            rebuilt_start(recipe["start"], recipe["dimension"]),
            times,
            grid=rebuilt_grid(recipe["grid"]),
            flux=from_recipe("flux", numerics.pop("flux")),
            stepper=from_recipe("stepper", numerics.pop("stepper")),
            snapshots=None if kept is None else times[np.asarray(kept, int)] if len(kept) else 0,
            **numerics,
        )


def recipe_of(dataset: xr.Dataset) -> Recipe:
    """The recipe that a Dataset carries, its arrays in place.

    Raises
    ------
    InputError
        None, or one that cannot be read.
    """
    text = getattr(dataset, "attrs", {}).get("recipe")
    if not isinstance(text, str):
        raise InputError("dataset", "it carries no recipe; pass what fpsolve returned")
    names = [str(name) for name in dataset.data_vars if str(name).startswith("recipe_")]
    return unpack(text, {name: np.asarray(dataset[name].values) for name in names})


def is_solution(dataset: Any) -> bool:
    """Whether a Dataset is what ``solve`` returned."""
    text = getattr(dataset, "attrs", {}).get("recipe")
    if not isinstance(text, str):
        return False
    try:
        recipe = json.loads(text)
    except ValueError:
        return False
    return isinstance(recipe, dict) and bool(recipe.get("solution"))


def rebuilt_force(recipe: Mapping[str, Any], duration: float | None = None) -> Force:
    """A force from its recipe; ``duration``, which stands elsewhere in a problem file, where it needs one."""
    if recipe.get("kind") == "sum":
        return Summed(tuple(rebuilt_force(part, duration) for part in recipe["forces"]))
    entries = dict(recipe)
    duration = entries.pop("duration", duration)
    force: Force = from_recipe("force", entries, {} if duration is None else {"duration": duration})
    return force


def rebuilt_start(recipe: Mapping[str, Any], dimension: int) -> Any:
    """A start from its recipe: a density, or one of the kinds of this package."""
    own = recipe.get("kind") in ("equilibrium", "stationary", Masses.kind)
    return from_recipe("start" if own else DENSITIES[dimension], recipe)


def rebuilt_grid(recipe: Mapping[str, Any]) -> Grid:
    """A grid from its recipe."""
    axes = []
    for axis, cells in enumerate(recipe["cells"]):
        boundary = recipe["boundary"][axis]
        edges = recipe.get(f"edges_{AXES[axis]}")
        if edges is None:
            edges = np.linspace(recipe["lower"][axis], recipe["upper"][axis], cells + 1)
        axes.append(Axis(edges, boundary if isinstance(boundary, str) else tuple(boundary)))
    return Grid(tuple(axes))
