"""What one way of solving a problem is: a function that builds and one that runs, and what it claims."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from validation.benchmarks.rivals.problems import Problem

Array = np.ndarray
#: from a problem, a number of cells and a setting to a run that returns cell averages at the end
Build = Callable[[Problem, int, Any], Callable[[], Array]]


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way of solving.

    Parameters
    ----------
    method
        What a reader of the table sees.
    build
        Prepares everything that a user keeps between runs: grid, operator, problem object. Its time is shown apart.
    setting
        What is tuned besides the cells: ``"steps"``, ``"rtol"``, ``"nodes"`` or ``"none"``.
    beyond
        Why this is more than the peer's own scheme, as a user would find it; such a row never enters a ratio.
    note
        What this way relies on.
    """

    method: str
    build: Build
    setting: str = "steps"
    beyond: str = ""
    note: str = ""

    def refined(self, setting: float) -> float | None:
        """A clearly finer setting; None where there is none."""
        return {"steps": 4 * setting, "rtol": 0.01 * setting, "nodes": setting + 4}.get(self.setting)


#: note of what solves problem b in the time of its clock: possible only because T_t multiplies the whole generator
RESCALED = "time rescaled"
