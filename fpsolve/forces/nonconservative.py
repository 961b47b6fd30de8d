"""A force given as a vector field."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from fpsolve.forces.base import FunctionForce, Points, evaluated, takes_time
from fpsolve.settings import InputError, whole


@dataclasses.dataclass(frozen=True, eq=False)
class NonconservativeForce(FunctionForce):
    """F given by a Python function, with or without a potential.

    Parameters
    ----------
    function : callable
        ``(x, t)`` or ``(x)`` -> F on a line; ``(x, y, t)`` or ``(x, y)`` -> (F_x, F_y) in the plane; vectorised over
        numpy arrays. Without t among its arguments it is evaluated once only.
    dimension : int
        1 or 2.

    Raises
    ------
    InputError
        Another number of arguments; values that are not finite or have the wrong shape.
    """

    function: Callable[..., Any]
    dimension: int = 1

    def __post_init__(self) -> None:
        whole("dimension", self.dimension, 1, 2)
        object.__setattr__(self, "_timed", takes_time(self.function, self.dimension, "force"))

    def field(self, points: Points, t: float) -> Points:
        values = self.function(*points) if self.steady else self.function(*points, t)
        if self.dimension == 1:
            return (evaluated(values, points, "force"),)
        if not isinstance(values, (tuple, list)) and len(getattr(values, "shape", ())) < 3:
            raise InputError("force", f"the function returned {type(values).__name__}; expected a pair (F_x, F_y)")
        if len(values) != 2:
            raise InputError("force", f"the function returned {len(values)} components; expected a pair (F_x, F_y)")
        return tuple(evaluated(value, points, "force") for value in values)
