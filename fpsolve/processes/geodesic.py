"""Optimal transport dynamics: the geodesic of the 2-Wasserstein distance (91)."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from fpsolve.densities import Density
from fpsolve.densities.base import FAINTEST, LABEL_TAIL
from fpsolve.densities.panels import Panels, fit_panels
from fpsolve.mesh import marched
from fpsolve.processes.base import Process, Slices, State, distinct
from fpsolve.quadrature import Array, panel_nodes
from fpsolve.transport.coupling import Coupling, between

#: the edges of a coupling are panels already, for rules of lower degree than panels of degree 15
_SPARING = 4.0


@dataclasses.dataclass(frozen=True, eq=False)
class Geodesic(Process):
    """X_t = (1 - t/tau) y + (t/tau) M(y) with M the monotone map from the data to the target.

    Parameters
    ----------
    data, target : Density
        P_0 and P_tau.
    tau : float
        Duration, s.
    constant_temperature : float, optional
        T of the Fokker-Planck equation that realises the geodesic.
    """

    data: Density
    target: Density
    tau: float
    constant_temperature: float | None = None

    @functools.cached_property
    def coupling(self) -> Coupling:
        """The monotone coupling of data and target, its nodes ready to guess from."""
        coupling = Coupling(self.data, self.target)
        _ = coupling.nodes
        return coupling

    def density(self, t: float) -> Density:
        if t <= 0.0:
            return self.data
        return self.target if t >= self.tau else Interpolated(self.coupling, t / self.tau)

    def state(self, t: float, x: Array) -> State:
        x = np.asarray(x, float)
        density = self.density(t)
        y, z = self.coupling.meet(t / self.tau, x)
        tails = density.at_pairs(x, y, z) if isinstance(density, Interpolated) else density.tails(x)
        return State(*tails, (z - y) / self.tau, None)

    def log_flow(self, t: float, x: Array) -> tuple[Array, Array]:
        s = min(max(t / self.tau, 0.0), 1.0)
        y, z = self.coupling.meet(s, x)
        return self.coupling.log_density(s, y, z), (z - y) / self.tau

    def structure(self, t: float) -> Density:
        return Woven(self.coupling, min(max(t / self.tau, 0.0), 1.0))

    def temperature(self, t: Array) -> Array | None:
        if self.constant_temperature is None:
            return None
        return np.full(np.shape(t), self.constant_temperature)

    def open_ends(self, window: tuple[float, float] | None) -> tuple[bool, bool]:
        return self.coupling.open_ends if window is None else (False, False)

    def slices(self, times: Array, labels: Array, window: tuple[float, float] | None = None) -> Slices:
        """As in the base class; without a window the same pairs serve all times, for points keep their partners."""
        if window is not None:
            return super().slices(times, labels, window)
        times = np.asarray(times, float)
        y_edge, z_edge, below, above = self.coupling.edges
        _, cdf, sf = self.target.tails(labels)
        inside = (cdf > FAINTEST) & (sf > FAINTEST)
        middle = 0.5 * (self.data.quantile(cdf[inside], sf[inside]) + labels[inside])
        # by probability: near an end of the target's support its labels cannot be told apart
        within = (below > max(cdf[0], LABEL_TAIL)) & (above > max(sf[-1], LABEL_TAIL))
        for side, open_end in zip((0, -1), self.coupling.open_ends, strict=True):
            within[side] |= not open_end
        own = 0.5 * (y_edge + z_edge)[within]
        edges = distinct(np.sort(np.concatenate([middle, own])))
        c, kronrod, gauss = panel_nodes(edges)
        y, z = self.coupling.meet(0.5, c)
        p, q = self.data.pdf(y), self.target.pdf(z)
        mass = between(p, q, 0.5)
        s = (times / self.tau)[:, None]
        # p dy = q dz and dy + dz = 2 dc: where one density has a gap the other coordinate stands still
        dy = np.divide(2.0 * q, p + q, out=np.ones_like(p), where=p + q > 0.0)
        dz = 2.0 - dy
        stretch = (1.0 - s) * dy + s * dz
        pdf = np.divide(mass, stretch, out=np.zeros_like(stretch), where=stretch > 0.0)
        every = np.ones((times.size, 1))
        return Slices(
            starts=np.arange(times.size + 1) * c.size,
            x=((1.0 - s) * y + s * z).ravel(),
            kronrod=(kronrod * stretch).ravel(),
            gauss=(gauss * stretch).ravel(),
            pdf=pdf.ravel(),
            velocity=(every * (z - y) / self.tau).ravel(),
            score=None,
            label=(every * z).ravel(),
            open_ends=self.coupling.open_ends,
            precision=self.precision,
            repeated=True,
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Interpolated(Density):
    """A density on the geodesic, ``fraction`` of the way from the first to the second of a coupling."""

    coupling: Coupling
    fraction: float

    def tails(self, x: Array) -> tuple[Array, Array, Array]:
        return self.at_pairs(x, *self.coupling.meet(self.fraction, x))

    def at_pairs(self, x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
        """Density and tails at points x whose pairs are known."""
        s = self.fraction
        first, second = self.coupling.first.tails(y), self.coupling.second.tails(z)
        pdf = between(first[0], second[0], s)
        steady = first[0] < second[0]  # the flatter side is the better conditioned one
        cdf, sf = np.where(steady, first[1], second[1]), np.where(steady, first[2], second[2])
        y_edge, z_edge, _, _ = self.coupling.edges
        low, high = (1 - s) * y_edge[0] + s * z_edge[0], (1 - s) * y_edge[-1] + s * z_edge[-1]
        outside = (np.asarray(x) < low) | (np.asarray(x) > high)
        return np.where(outside, 0.0, pdf), np.where(x < low, 0.0, cdf), np.where(x > high, 0.0, sf)

    def logpdf(self, x: Array) -> Array:
        return self.coupling.log_density(self.fraction, *self.coupling.meet(self.fraction, x))

    def quantile(self, cdf: Array, sf: Array | None = None) -> Array:
        s = self.fraction
        return (1.0 - s) * self.coupling.first.quantile(cdf, sf) + s * self.coupling.second.quantile(cdf, sf)

    def features(self) -> tuple[Array, Array]:
        y, z, _, _ = self.coupling.edges
        x = (1.0 - self.fraction) * y + self.fraction * z
        return 0.5 * (x[1:] + x[:-1]), np.diff(x)

    def breaks(self) -> Array:
        points = []
        for here in (self.coupling.first, self.coupling.second):
            at = here.breaks()
            if at.size:
                _, cdf, sf = here.tails(at)
                points.append(self.quantile(np.maximum(cdf, FAINTEST), np.maximum(sf, FAINTEST)))
        return np.sort(np.concatenate(points)) if points else np.empty(0)

    def panels(self) -> Panels:
        return fit_panels(self.pdf, marched(np.array(self.interval(1e-19)), *self.features()))


class Woven(Interpolated):
    """The same where panels are wanted that resolve density and velocity of either end, few of them."""

    def features(self) -> tuple[Array, Array]:
        centres, widths = super().features()
        return centres, _SPARING * widths
