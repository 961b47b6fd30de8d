"""The problem that a solution in memory came from, for those whose Python functions no recipe can hold."""

from __future__ import annotations

from typing import Any

import xarray as xr

from fpsolve.equation import FokkerPlanck

_KEY = "fpsolve_problem"


class Held:
    """A problem that stays behind where its Dataset is written to a file, pickled or sent elsewhere."""

    def __init__(self, problem: FokkerPlanck | None = None) -> None:
        self.problem = problem

    def __reduce__(self) -> tuple[type[Held], tuple[()]]:
        return Held, ()

    def __deepcopy__(self, memo: dict[int, Any]) -> Held:
        return self


def held(dataset: xr.Dataset, problem: FokkerPlanck) -> xr.Dataset:
    """The Dataset, which holds its problem from now on."""
    dataset.encoding[_KEY] = Held(problem)
    return dataset


def problem_of(dataset: xr.Dataset) -> FokkerPlanck | None:
    """The problem that a solution came from; None after a file."""
    found = dataset.encoding.get(_KEY)
    return found.problem if isinstance(found, Held) else None
