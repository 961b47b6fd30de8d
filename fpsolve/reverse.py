"""The estimated process: back from any start to the generated density."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import xarray as xr

from fpsolve.backward import check_method, grid_for, remap, run_on_grid
from fpsolve.cases import AnyCase, Case, PlaneCase
from fpsolve.densities import Density, PlaneDensity, as_density, as_plane_density
from fpsolve.densities.base import FAINTEST, LABEL_TAIL, mass_between
from fpsolve.densities.reach import ratio_reach
from fpsolve.dynamics import (
    GRID_TAIL,
    assemble,
    case_of,
    forward_fields,
    grid_edges,
    plane_fields,
    span_of,
    stored_times,
)
from fpsolve.estimates import ROUNDING
from fpsolve.mesh import marched
from fpsolve.processes import Process, Recorded
from fpsolve.processes.base import distinct
from fpsolve.quadrature import POINTS, Array, panel_nodes
from fpsolve.settings import InputError

#: a difference of tails below this part of the smaller tail has no trustworthy sign
_NOISE = 1e-13


@dataclasses.dataclass(frozen=True, eq=False)
class Composition:
    """The estimated process as one function of the forward one: F~_t = G o F_t with G = F~_tau o Q_tau.

    On the line the exact flow carries quantiles into quantiles, so nothing has to be integrated in time: whatever the
    start, its relation to P_tau at a label z is its relation to P_t at the point that flows to z.

    Parameters
    ----------
    process : Process
        The forward process.
    start : Density
        P~ at t = tau, where generation begins.
    """

    process: Process
    start: Density

    def relate(self, labels: Array) -> Array:
        """What the flow keeps: rows P~/P, F~ - F (from whichever tail is smaller), and the smaller tail of P."""
        p, below, above = self.final.tails(labels)
        q, start_below, start_above = self.start.tails(labels)
        with np.errstate(over="ignore"):
            ratio = np.divide(q, p, out=np.zeros_like(p), where=p > 0.0)
        lead = np.where(below < above, start_below - below, above - start_above)
        return np.stack([ratio, lead, np.minimum(below, above)])

    def ratio(self, labels: Array) -> Array:
        """P~/P, constant along the flow."""
        return self.relate(labels)[0]

    def lead(self, labels: Array) -> Array:
        """F~ - F, constant along the flow."""
        return self.relate(labels)[1]

    @functools.cached_property
    def final(self) -> Density:
        """P_tau, where labels live."""
        return self.process.final

    @functools.cached_property
    def span(self) -> tuple[float, float]:
        """Range of the labels: nearly all of both densities, as far as P_tau can be told from zero."""
        ends = [self.final.interval(LABEL_TAIL), self.start.interval(LABEL_TAIL)]
        low, high, why = ratio_reach(self.final, self.start)
        ends += [] if why else [(low, high)]
        faint = self.final.quantile(np.array([FAINTEST, 1.0]), np.array([1.0, FAINTEST]))
        low, high = max(min(e[0] for e in ends), faint[0]), min(max(e[1] for e in ends), faint[1])
        return float(low), float(high)

    @property
    def precision(self) -> float:
        """Relative accuracy of what depends on the start: labels are rounded, and a narrow start magnifies that."""
        spread = float(np.max(np.abs(self.final.interval(1e-3))))
        return self.start.precision + 8.0 * float(np.finfo(float).eps) * self.start.conditioning(spread)

    @property
    def lost(self) -> float:
        """Mass of the start beyond the labels: where P_tau underflows."""
        low, high = self.span
        ends = np.array([low, high])
        _, cdf, sf = self.start.tails(ends)
        return float(max(cdf[0] - LABEL_TAIL, 0.0) + max(sf[1] - LABEL_TAIL, 0.0))

    def initial_distance(self) -> tuple[float, float]:
        """W₁ between the start and P_tau with its bar, over all of both densities whatever the labels."""
        ends = np.array([self.final.interval(LABEL_TAIL), self.start.interval(LABEL_TAIL)])
        hard = np.unique(np.concatenate([ends.ravel(), self.labels]))
        centres, scales = (
            np.concatenate(pair) for pair in zip(self.final.features(), self.start.features(), strict=True)
        )
        x, kronrod, gauss = panel_nodes(distinct(marched(hard, centres, scales)))
        gap = np.abs(self.lead(x))
        value = float(np.sum(kronrod * gap))
        return value, abs(value - float(np.sum(gauss * gap))) + (self.precision + ROUNDING) * value

    @functools.cached_property
    def labels(self) -> Array:
        """Panel edges at t = tau: structure of both densities, their jumps, and the sign changes of F~ - F."""
        low, high = self.span
        both = (self.final, self.start)
        inner = np.concatenate([d.breaks() for d in both] + [d.kinks() for d in both])
        hard = distinct(np.sort(np.concatenate([[low, high], inner[(inner > low) & (inner < high)]])))
        pairs = zip(*(d.features() for d in both), strict=True)
        centres, scales = (np.concatenate(pair) for pair in pairs)
        edges = marched(hard, centres, scales)
        return distinct(np.sort(np.concatenate([edges, self._sign_changes(edges)])))

    def _sign_changes(self, edges: Array) -> Array:
        """Zeros of F~ - F between panel nodes, by bisection."""
        nodes = panel_nodes(edges)[0].reshape(-1, POINTS)
        z = np.sort(np.concatenate([edges, nodes.ravel()]))
        lead = self.lead(z)
        _, below, above = self.final.tails(z)
        _, start_below, start_above = self.start.tails(z)
        size = np.minimum(np.maximum(below, start_below), np.maximum(above, start_above))
        sure = np.abs(lead) > _NOISE * size + 1e-300
        z, sign = z[sure], np.sign(lead[sure])
        turn = np.flatnonzero(sign[1:] * sign[:-1] < 0)
        low, high, left = z[turn].copy(), z[turn + 1].copy(), sign[turn]
        for _ in range(60):
            middle = 0.5 * (low + high)
            same = np.sign(self.lead(middle)) == left
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        return 0.5 * (low + high)

    def tails(self, t: float, x: Array) -> tuple[Array, Array]:
        """Both tail probabilities of P~_t at points."""
        _, cdf, sf = self.process.density(t).tails(x)
        return self.carried(cdf, sf)

    def carried(self, cdf: Array, sf: Array) -> tuple[Array, Array]:
        """Tail probabilities of P~_t where those of P_t are ``cdf`` and ``sf``: the function G."""
        label = self.final.quantile(cdf, sf)
        _, start_cdf, start_sf = self.start.tails(label)
        # beyond the labels P_tau cannot be told from zero: nothing of either density is left there
        start_cdf = np.where(cdf > 0.0, start_cdf, 0.0)
        start_sf = np.where(sf > 0.0, start_sf, 0.0)
        return start_cdf, start_sf

    def interval(self, t: float, tail: float) -> tuple[float, float]:
        """Interval that leaves about ``tail`` of P~_t beyond either end."""
        ends = np.clip(np.array(self.start.interval(tail)), *self.span)
        _, cdf, sf = self.final.tails(ends)
        cdf, sf = np.maximum(cdf, FAINTEST), np.maximum(sf, FAINTEST)
        low, high = self.process.density(t).quantile(cdf, sf) if t < self.process.tau else ends
        return float(low), float(high)

    def cell_masses(self, t: float, edges: Array) -> Array:
        """Exact probabilities of P~_t in the cells between ``edges``."""
        return mass_between(*self.tails(t, edges))


def generate(
    forward: xr.Dataset,
    start: Any,
    *,
    method: str | None = None,
    window: Any = None,
    tolerance: float | None = None,
) -> xr.Dataset:
    """Turn noise into data: the estimated process, from any start back to the generated density.

    Parameters
    ----------
    forward : xarray.Dataset
        What :func:`fpsolve.diffuse` returned.
    start : Density, PlaneDensity, frozen scipy.stats distribution or xarray.DataArray
        P~ at t = tau (4), where generation begins.
    method : {"exact", "characteristics", "weno5", "upwind"}, optional
        The exact composition, or a route on the grid; exact if absent, and along the characteristics in the plane and
        for a process known only by its fields.
    window : (lower, upper), or a pair of them in the plane, optional
        Restricts every integral of the experiment; nothing is renormalised.
    tolerance : float, optional
        Error bar, relative to the larger side, above which a relation is undecided; 1e-6 on the line, 1e-2 in the
        plane if absent.

    Returns
    -------
    xarray.Dataset
        ``density`` and ``density_estimated`` (time, x) at the forward times, on a grid that holds both; the generated
        density is ``density_estimated`` at time 0.

    Raises
    ------
    InputError
        A Dataset without recipe, a start that is no density, an unknown method.
    """
    origin = case_of(forward)
    plane = isinstance(origin, PlaneCase)
    if plane and len(getattr(start, "dims", ())) == 2:
        start = as_plane_density(start)
    if plane != isinstance(start, PlaneDensity):
        words = ("in the plane", "on the line") if plane else ("on the line", "in the plane")
        raise InputError("start", f"the forward process is {words[0]}, the start {words[1]}; give one of its dimension")
    options: dict[str, Any] = {
        "start": start if plane else as_density(start),
        "estimated": origin.estimated if method is None else method,
        "window": window,
        "tolerance": origin.tolerance if tolerance is None else tolerance,
    }
    return generated_fields(dataclasses.replace(origin, **options))


def generated_fields(case: AnyCase) -> xr.Dataset:
    """Fields of both processes of a case with a start."""
    if isinstance(case, PlaneCase):
        return plane_fields(case)
    assert case.start is not None
    process, times = case.process, stored_times(case)
    composition = Composition(process, case.start)
    if isinstance(process, Recorded):
        span = process.window
    else:
        span = span_of(process, times)
        for t in times:
            low, high = composition.interval(t, GRID_TAIL)
            span = min(span[0], low), max(span[1], high)
    edges = grid_edges(case, span)
    states = [process.state(t, edges) for t in times]
    fields = forward_fields(states, edges)
    if case.estimated == "exact":
        masses = np.array([mass_between(*composition.carried(state.cdf, state.sf)) for state in states])
    else:
        masses = _masses_on_grid(case, edges, times)
    fields["density_estimated"] = masses / np.diff(edges)
    return assemble(case, times, edges, fields)


def _masses_on_grid(case: Case, edges: Array, times: Array) -> Array:
    """Cell masses of the estimated process by a route on the grid; moving cells are brought back to the fixed ones."""
    assert case.start is not None
    method = check_method(case.estimated)
    if method != "characteristics":
        return run_on_grid(case.process, case.start, edges, times, method).masses
    own = grid_for(case.process, case.start, case.cells, None, "characteristics")
    return remap(run_on_grid(case.process, case.start, own, times, "characteristics"), edges)
