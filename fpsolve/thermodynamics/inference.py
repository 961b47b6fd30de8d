r"""What densities alone tell of the dissipation of the process that they come from.

Of all velocities that realise densities P_t the gradient :math:`\nabla\phi` with
:math:`-\nabla\cdot(P\nabla\phi) = \partial_t P` has the least energy; on the line it is the only one. Whatever really
happens dissipates at least as much. Nothing need be assumed of what happens between two snapshots: by Benamou and
Brenier (61), and Cauchy and Schwarz, in each interval

.. math:: \int_{t_i}^{t_{i+1}}\!\! T \dot S\, dt \ge \frac1\mu \int_{t_i}^{t_{i+1}}\!\!\int |\nu|^2 P\, dx\, dt
    \ge \frac{W_2(P_i, P_{i+1})^2}{\mu (t_{i+1} - t_i)},

and the sum over the intervals is at least :math:`(\sum_i W_2)^2 / \mu\tau`, which is at least :math:`W_2^2 / \mu\tau`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.dynamics.snapshots import Snapshots, read_snapshots
from fpsolve.estimates import Estimate
from fpsolve.grids import Grid
from fpsolve.settings import InputError, number
from fpsolve.solution.setups import is_solution, recipe_of
from fpsolve.thermodynamics.distances import distance
from fpsolve.thermodynamics.inference_line import infer_line, noisy_distances
from fpsolve.thermodynamics.inference_plane import infer_plane
from fpsolve.thermodynamics.inference_results import Inferred, dataset_of
from fpsolve.transport.line import wasserstein_cells


def infer(
    density: Any,
    temperature: float | None = None,
    mobility: float = 1.0,
    *,
    time: str | None = None,
    x: str | None = None,
    values: str = "averages",
    edges: Any = None,
) -> xr.Dataset:
    """Velocity, force and bounds of the entropy production from densities at a few times, and nothing else.

    Parameters
    ----------
    density : xarray.DataArray or Dataset
        Densities in time on a line or in a plane of equal cells, at three times or more; or a Dataset with a variable
        ``density``, such as what solve, diffuse or record returned.
    temperature : float, optional
        T, L²/s per unit of mobility: it is needed for the force and the entropy.
    mobility : float
        In J = mobility (F P - T grad P).
    time, x, values, edges
        As for :func:`fpsolve.record`; in the plane ``edges`` is a pair.

    Returns
    -------
    xarray.Dataset
        On the line ``velocity`` and ``force`` (time, x_face), in the plane ``velocity_x``, ``velocity_y``, ``force_x``,
        ``force_y`` (time, x, y): F = nu / mobility + T grad ln P, the only potential force that realises the densities;
        ``potential`` its energy, of mean zero; all nan where the density is too small to tell. ``v2``, on the line
        ``v1``; ``W2_step`` (interval), on the line ``W1_step``, ``W2`` between the first and the last snapshot;
        ``W2_sum``, a lower bound of the path length; ``path_length`` and ``action``, integrals of v2 and v2² over the
        interpolated flow. Lower bounds of T S: ``dissipation_bound_distance`` <= ``_length`` <= ``_intervals``, which
        hold whatever happens between the snapshots, and ``dissipation_estimate`` = action / mobility, an estimate of
        the least possible dissipation from the interpolated flow. With T > 0 the same as ``entropy_production_...``.
        Every number has a bar, ``<name>_error``: a bound less its bar is rigorous. ``ignored_mass`` is the probability
        (on a line at either end) that velocities leave out, because it is noise or below 1e-13.

    Raises
    ------
    InputError
        Bad densities (see :func:`fpsolve.record`), fewer than three snapshots, a ring, a negative temperature.

    Notes
    -----
    Bars of what is interpolated in time come from leaving out every second snapshot and from cells merged in pairs.
    They fail where something passes within less than the time between two snapshots, or where mass comes to the far
    side of a gap that is empty in all of them: it is taken to have moved straight through. The bounds do not.

    What moves to and fro between two snapshots, or leaves the densities as they are (a rotation), cannot be seen: the
    dissipation may exceed the estimate by any amount.
    """
    heat = None if temperature is None else number("temperature", temperature, least=0.0)
    mobility = number("mobility", mobility, above=0.0)
    _refuse_rings(density)
    held = read_snapshots(density, time, x, values, edges)
    grid = Grid.product(*(Grid.from_edges(edge) for edge in held.edges))
    found = infer_line(held, heat, mobility) if grid.dimension == 1 else infer_plane(held, grid, heat, mobility)
    _distances(found, held, grid)
    _bounds(found, heat, mobility)
    return dataset_of(found, held, heat, mobility)


def _refuse_rings(density: Any) -> None:
    if not is_solution(density):
        return
    recipe = recipe_of(density)
    boundaries = [recipe[part].get("boundary") for part in ("domain", "grid") if recipe.get(part)]
    if "periodic" in str(boundaries):
        raise InputError(
            "density", "it lives on a ring, where a current that goes round is not seen in the densities and W2 has "
            "two ways to go; infer takes lines and planes with ends"
        )  # fmt: skip


def _distances(found: Inferred, held: Snapshots, grid: Grid) -> None:
    """Distances between successive snapshots, and between the first and the last."""
    masses = held.masses
    pairs = [*itertools.pairwise(masses), (masses[0], masses[-1])]
    every = {"W2": [distance(*pair, grid) for pair in pairs]}
    if grid.dimension == 1:
        edges = held.edges[0]
        every["W1"] = [Estimate(*wasserstein_cells(edges, a, edges, b, 1.0), "L") for a, b in pairs]
        less = noisy_distances(held)
        if less is not None:
            # what noise at the ends may have added
            for k, name in enumerate(("W1", "W2")):
                every[name] = [
                    dataclasses.replace(d, error=d.error + abs(d.value - part[k]))
                    for d, part in zip(every[name], less, strict=True)
                ]
    elif found.floor > 0.0:
        clear = np.where(held.averages > found.floor, masses, 0.0)
        clear /= np.sum(clear, axis=(1, 2), keepdims=True)
        without = [distance(*pair, grid) for pair in [*itertools.pairwise(clear), (clear[0], clear[-1])]]
        every["W2"] = [
            dataclasses.replace(d, error=d.error + 2.0 * abs(d.value - part.value) + part.error)
            for d, part in zip(every["W2"], without, strict=True)
        ]
    for name, (*steps, whole) in every.items():
        found.steps[f"{name}_step"] = steps
        found.scalars |= {name: whole, f"{name}_sum": sum(steps[1:], start=steps[0])}


def _bounds(found: Inferred, temperature: float | None, mobility: float) -> None:
    """Lower bounds of the dissipation, and with a temperature those of the entropy production."""
    spans = np.diff(found.times)
    tau = float(np.sum(spans))
    parts = [step.squared().scaled(1.0 / span) for step, span in zip(found.steps["W2_step"], spans, strict=True)]
    bound = sum(parts[1:], start=parts[0])
    sides = {
        "bound_distance": found.scalars["W2"].squared().scaled(1.0 / tau),
        "bound_length": found.scalars["W2_sum"].squared().scaled(1.0 / tau),
        "bound_intervals": bound,
        "estimate": _at_least(found.scalars["action"], bound),
    }
    found.scalars["action"] = sides["estimate"]
    found.scalars["path_length"] = _at_least(found.scalars["path_length"], found.scalars["W2_sum"])
    for name, side in sides.items():
        found.scalars[f"dissipation_{name}"] = side.scaled(1.0 / mobility, "L²/s")
        if temperature is not None:
            why = "at T = 0 every current produces infinitely much entropy"
            entropy = side.scaled(1.0 / (mobility * temperature), "1") if temperature > 0.0 else None
            found.scalars[f"entropy_production_{name}"] = entropy or Estimate(math.nan, math.nan, "1", why)


def _at_least(estimate: Estimate, bound: Estimate) -> Estimate:
    """An estimate of what cannot lie below a bound less its bar."""
    return dataclasses.replace(estimate, value=max(estimate.value, bound.value - bound.error))
