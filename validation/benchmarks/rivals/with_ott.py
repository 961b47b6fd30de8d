"""ott-jax: Sinkhorn's iteration on its ``Grid``, whose kernel acts along one axis at a time; W_2 only.

The solver is compiled beforehand and runs in double precision on one core. ``Grid`` evaluates no transport cost, so it
is found from the potentials outside of the measured time. ``debiased`` takes the Sinkhorn divergence instead: the
dual values of (first, second), less half of those of each density with itself.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from validation.benchmarks.rivals.plane_measure import Array, Distance, Row, Run, centres

if hasattr(os, "sched_setaffinity"):
    # XLA takes as many threads as there are cores to run on, and has no other switch that always works
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[os.getpid() % len(os.sched_getaffinity(0))]})

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp
from ott.geometry import grid
from ott.problems.linear import linear_problem
from ott.solvers.linear import acceleration, sinkhorn

PACKAGES = ("ott-jax", "jax", "numpy")
jax.config.update("jax_enable_x64", True)
#: marginal error at which the iteration stops, and most steps
THRESHOLD, MOST = 1e-4, 4000


def compiled(blur: float, first: Array, second: Array, threshold: float = THRESHOLD, **options: Any) -> Any:
    """The solver of one pair of densities: a call without arguments that waits for the result."""
    x = jnp.asarray(centres(len(first)))
    geometry = grid.Grid(x=[x, x], epsilon=blur)
    problem = linear_problem.LinearProblem(geometry, a=jnp.asarray(first.ravel()), b=jnp.asarray(second.ravel()))
    solver = jax.jit(sinkhorn.Sinkhorn(max_iterations=MOST, threshold=threshold, **options))
    ready = solver.lower(problem).compile()
    return lambda: jax.block_until_ready(ready(problem))


def potentials(output: Any, cells: int) -> tuple[Array, Array]:
    """Both potentials, minus infinity where there is no mass."""
    f, g = (np.asarray(values).reshape(cells, cells) for values in (output.f, output.g))
    return np.where(np.isfinite(f), f, -np.inf), np.where(np.isfinite(g), g, -np.inf)


def cost_along_x(f: Array, g: Array, blur: float) -> float:
    """The part of <plan, cost> from the first axis, of the plan exp((f + g - cost) / blur)."""
    x = centres(len(f))
    costs = jnp.asarray((x[:, None] - x) ** 2)
    along_y = logsumexp((g[None, :, :] - costs[:, None, :]) / blur, axis=2)  # of (y, x of the image)
    both = logsumexp(f[:, :, None] / blur + along_y[None, :, :], axis=1)
    return float(jnp.sum(costs * jnp.exp(both - costs / blur)))


def plain(first: Array, second: Array, order: int, blur: float) -> Run:
    _squares_only(order)
    solve = compiled(blur, first, second)

    def value(output: Any) -> float:
        f, g = potentials(output, len(first))
        return float(np.sqrt(cost_along_x(f, g, blur) + cost_along_x(f.T, g.T, blur)))

    def run() -> tuple[Callable[[], float], Row]:
        output = solve()
        more = {"converged": bool(output.converged), "iterations": int(output.n_iters)}
        return functools.partial(value, output), more

    return run


def debiased(first: Array, second: Array, order: int, blur: float, threshold: float = THRESHOLD) -> Run:
    _squares_only(order)
    symmetric = {"parallel_dual_updates": True, "momentum": acceleration.Momentum(start=0, value=0.5)}
    pairs = ((first, second, {}), (first, first, symmetric), (second, second, symmetric))
    solvers = [compiled(blur, p, q, threshold, **options) for p, q, options in pairs]

    def run() -> tuple[float, Row]:
        duals, outputs = [], [solve() for solve in solvers]
        for output, (p, q, _) in zip(outputs, pairs, strict=True):
            f, g = potentials(output, len(p))
            duals.append(np.sum(np.where(p > 0.0, f, 0.0) * p) + np.sum(np.where(q > 0.0, g, 0.0) * q))
        square = duals[0] - 0.5 * (duals[1] + duals[2])
        done = all(bool(output.converged) for output in outputs)
        return float(np.sqrt(max(square, 0.0))), {"converged": done, "iterations": sum(int(o.n_iters) for o in outputs)}

    return run


def _squares_only(order: int) -> None:
    if order != 2:
        raise ValueError(f"W_{order}: Sinkhorn on a grid needs a cost that is a sum over the axes")


DISTANCES = {
    f"plain-{blur:g}": Distance(f"ott-jax Grid, eps {blur:g}", functools.partial(plain, blur=blur))
    for blur in (1e-3, 2.5e-4)
}
DISTANCES |= {
    f"debiased-{blur:g}": Distance(f"ott-jax Grid, debiased, eps {blur:g}", functools.partial(debiased, blur=blur))
    for blur in (4e-3, 1e-3, 2.5e-4)
}
DISTANCES["debiased-tight"] = Distance(
    "ott-jax Grid, debiased, eps 1e-3, to 1e-7", functools.partial(debiased, blur=1e-3, threshold=1e-7)
)
