"""What every forward process can do, and the quadrature over its flow."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fpsolve.densities.base import TAIL, Density
from fpsolve.estimates import ROUNDING
from fpsolve.forces.base import Force
from fpsolve.mesh import marched
from fpsolve.quadrature import POINTS, TAIL_FACTOR, Array, panel_nodes

#: tail probability down to which a force is made of densities in closed form: far beyond any window
_DEEP = 1e-60


@dataclasses.dataclass(frozen=True)
class State:
    """A process at one instant and given points.

    Parameters
    ----------
    pdf, cdf, sf : arrays
        Density and both tail probabilities.
    velocity : array
        Mean velocity nu (1), L/s.
    score : array or None
        Gradient of the log density, 1/L, where the process knows it in closed form.
    """

    pdf: Array
    cdf: Array
    sf: Array
    velocity: Array
    score: Array | None


@dataclasses.dataclass(frozen=True)
class Slices:
    """Quadrature nodes over the line at several times, flattened; slice i is ``starts[i]:starts[i + 1]``.

    ``label`` is where the flow carries each node to at t = tau: by the composition F~_t = G o F_t every estimated
    process is a function of it. ``precision`` is the relative accuracy of the densities; ``repeated`` says that every
    slice has the same labels.
    """

    starts: NDArray[np.int64]
    x: Array
    kronrod: Array
    gauss: Array
    pdf: Array
    velocity: Array
    score: Array | None
    label: Array

    open_ends: tuple[bool, bool] = (True, True)
    precision: float | Array = ROUNDING
    repeated: bool = False

    def on_labels(self, function: Callable[[Array], Array]) -> Array:
        """A function of the label at every node (the last axis)."""
        if not self.repeated:
            return function(self.label)
        return np.tile(function(self.label[: self.starts[1]]), self.starts.size - 1)

    def integrate(self, integrand: Array) -> tuple[Array, Array]:
        """Integral over x of a function given at the nodes, at each time, and its error bar.

        The bar is the disagreement of the two rules and, where the slices reach for infinity, a bound of what lies
        beyond the outermost panels.
        """
        first = self.starts[:-1] // POINTS
        with np.errstate(invalid="ignore", over="ignore"):
            panels = np.sum((self.kronrod * integrand).reshape(-1, POINTS), axis=1)
            fine = np.add.reduceat(panels, first)
            coarse = np.add.reduceat(self.gauss * integrand, self.starts[:-1])
            bar = np.abs(fine - coarse)
            for open_end, edge in zip(self.open_ends, (first, self.starts[1:] // POINTS - 1), strict=True):
                if open_end:
                    bar = bar + TAIL_FACTOR * np.abs(panels[edge])
        return fine, bar


class Process(abc.ABC):
    """A forward process on [0, tau]: densities P_t, mean velocities nu_t and, where defined, force and temperature."""

    tau: float

    @abc.abstractmethod
    def density(self, t: float) -> Density:
        """P_t."""

    @abc.abstractmethod
    def state(self, t: float, x: Array) -> State:
        """Density, tails, velocity and score at points."""

    @abc.abstractmethod
    def temperature(self, t: Array) -> Array | None:
        """Temperature T_t, L²/s (infinite where a schedule's is), or None where the process has none."""

    def force_over_temperature(self, t: Array, x: Array) -> Array | None:
        """F / T at times and points, broadcast together, 1/L; None where the process has no closed form for it."""
        return None

    def kinks(self) -> Array:
        """Times inside (0, tau) where the process is not smooth."""
        return np.empty(0)

    def knots(self) -> Array:
        """Times inside (0, tau) where any derivative in time jumps: differences must not reach across one."""
        return self.kinks()

    def force(self, temperature: float | Callable[[float], float], mobility: float = 1.0) -> Force:
        """The force nu_t / mobility + T d ln P_t / dx, with which a Fokker-Planck equation follows the process exactly.

        Parameters
        ----------
        temperature : float or callable
            T > 0, L²/s with mobility one: a number or ``t -> T``.
        mobility : float
            Positive.

        Returns
        -------
        Force
            With a potential, U_t = -int nu_t dx / mobility - T ln P_t, zero at the mean of P_t.

        Raises
        ------
        InputError
            A temperature or mobility that is not positive and finite.
        """
        from fpsolve.processes.driving import DrivingForce

        return DrivingForce(self, temperature, mobility)

    def log_flow(self, t: float, x: Array) -> tuple[Array, Array]:
        """Logarithm of the density, and velocity, at points."""
        return self.density(t).logpdf(x), self.velocity(t, x)

    def structure(self, t: float) -> Density:
        """A density whose features are those of both P_t and the velocity."""
        return self.density(t)

    @property
    def faintest(self) -> float:
        """Tail probability down to which a force follows densities and velocities; beyond it stays what it is there."""
        exact = max(self.initial.precision, self.final.precision) <= ROUNDING
        return _DEEP if exact else TAIL

    @property
    def initial(self) -> Density:
        """P_0, the data q."""
        return self.density(0.0)

    @property
    def final(self) -> Density:
        """P_tau, the noise."""
        return self.density(self.tau)

    def open_ends(self, window: tuple[float, float] | None) -> tuple[bool, bool]:
        """On which sides integrals reach for infinity, so that something lies beyond the outermost panel."""
        return (True, True) if window is None else (False, False)

    @property
    def precision(self) -> float:
        """Relative accuracy of the densities.

        Rounding, or that of the panels that represent one of the ends; rounding of positions far from zero, or of
        labels seen by narrow features, is magnified.
        """
        ends = self.initial, self.final
        return max(d.precision for d in ends) + float(np.finfo(float).eps) * sum(d.conditioning() for d in ends)

    def velocity(self, t: float, x: Array) -> Array:
        """Mean velocity nu_t at points."""
        return self.state(t, x).velocity

    def tails(self, t: float, x: Array) -> tuple[Array, Array]:
        """Both tail probabilities of P_t at points."""
        _, cdf, sf = self.density(t).tails(x)
        return cdf, sf

    def slices(self, times: Array, labels: Array, window: tuple[float, float] | None = None) -> Slices:
        """Panels over the line at given times, fine wherever P_t or the labels have structure.

        Parameters
        ----------
        times : (n,) array
            Times in [0, tau].
        labels : (k,) array
            Increasing points at t = tau whose images must be panel edges: structure of P_tau and of a start, the
            sign changes of the difference of their CDFs.
        window : (lower, upper), optional
            Integrals are restricted to this interval, at every time.
        """
        final = self.final
        _, cdf, sf = final.tails(labels)
        low, high = (-np.inf, np.inf) if window is None else window
        parts: list[tuple[Array, ...]] = []
        unresolved: list[float] = []
        for t in np.asarray(times, float):
            density = self.density(t)
            unresolved.append(density.unresolved())
            images = labels if t == self.tau else density.quantile(cdf, sf)
            hard = np.clip(
                np.concatenate([images, density.breaks(), density.kinks()]), max(low, images[0]), min(high, images[-1])
            )
            hard = distinct(np.sort(hard))
            x, kronrod, gauss = panel_nodes(marched(hard, *density.features()))
            state = self.state(t, x)
            label = np.clip(final.quantile(state.cdf, state.sf), labels[0], labels[-1]) if t != self.tau else x
            score = state.score if state.score is not None else np.empty(0)
            parts.append((x, kronrod, gauss, state.pdf, state.velocity, score, label))
        starts = np.concatenate([[0], np.cumsum([part[0].size for part in parts])])
        x, kronrod, gauss, pdf, velocity, score, label = (np.concatenate(column) for column in zip(*parts, strict=True))
        known = score if score.size == x.size else None
        return Slices(
            starts,
            x,
            kronrod,
            gauss,
            pdf,
            velocity,
            known,
            label,
            self.open_ends(window),
            self.precision + np.array(unresolved),
        )


def distinct(points: Array) -> Array:
    """Sorted finite points without those that rounding alone separates."""
    points = points[np.isfinite(points)]
    gap = np.diff(points)
    return points[np.concatenate([[True], gap > 1e-13 * (np.abs(points[1:]) + points[-1] - points[0])])]
