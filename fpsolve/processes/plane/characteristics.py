"""Points carried along a velocity field in the plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from fpsolve.quadrature import Array
from fpsolve.settings import InputError

#: accuracy of the paths of the heaviest points, relative to the extent of the density at t = tau: D is a function of
#: the labels, so its drift is of this size
ACCURACY = 1e-8
#: power of the relative weight that the accuracy of a path is relaxed by, and how far: a path that strays farther
#: could end where the ratio of the densities is astronomical
_POWER, _WORST = 0.75, 1e6

#: evaluations of the velocity after which a flow is given up
_MOST_CALLS = 20_000

Velocity = Callable[[float, Array, Array], Array]


def path_error(weight: Array, accuracy: float = ACCURACY) -> Array:
    """Error allowed in the path of each point of a given weight, L."""
    with np.errstate(divide="ignore"):
        return np.asarray(accuracy * np.minimum((weight / np.max(weight)) ** -_POWER, _WORST))


def carried(
    velocity: Velocity, begin: float, end: float, points: Array, weight: Array | None = None, accuracy: float = ACCURACY
) -> Array:
    """Where a velocity field carries points from one time to another, forward or backward.

    Between the arms of a density the flow converges so fast that following it exactly would take thousands of steps;
    hardly anything is there, so less accuracy is asked of a path the lighter it is.

    Parameters
    ----------
    velocity : callable
        ``(t, x, y) -> (2, n) array``, L/s.
    begin, end : float
        Times, s.
    points : (2, n) array
        Positions at ``begin``.
    weight : (n,) array, optional
        What each point stands for; equal if absent.
    accuracy : float
        Tolerance of the Runge-Kutta pair of order eight for the heaviest points.

    Returns
    -------
    (2, n) array
    """
    if begin == end or points.size == 0:
        return points.copy()
    count = points.shape[1]

    calls = 0

    def rate(t: float, state: Array) -> Array:
        nonlocal calls
        calls += 1
        found = velocity(t, state[:count], state[count:]).ravel()
        if calls > _MOST_CALLS or not np.all(np.isfinite(found)):
            why = "it is not finite there" if calls <= _MOST_CALLS else "it takes too many steps"
            raise InputError("velocity", f"the flow cannot be followed beyond t = {t:g}: {why}")
        return found

    allowed = np.full(count, accuracy) if weight is None else path_error(weight, accuracy)
    options: dict[str, Any] = {"method": "DOP853", "rtol": 1e-12, "atol": np.tile(allowed, 2)}
    options["t_eval"] = [end]
    solution = solve_ivp(rate, (begin, end), points.ravel(), first_step=abs(end - begin) / 50.0, **options)
    if not solution.success:
        raise InputError("velocity", f"the flow cannot be followed from t = {begin:g} to {end:g}: {solution.message}")
    return np.asarray(solution.y[:, -1]).reshape(2, count)
