"""The three benchmark problems and the exact averages of their solutions over the cells of a uniform grid.

=====  ===============================================================  ====================================  =====
name   force and temperature                                            start                                 end
=====  ===============================================================  ====================================  =====
``a``  f = -x, T = 1                                                    N(1.5, 0.3^2)                         1
``b``  f = -T x, T = (pi/2) tan(pi t/2): the cosine schedule            half N(0.35, 0.3^2), half mirrored    0.9
``c``  f = -x + 2 (-y, x), T = 1                                        N((1.5, 0), 0.3^2 I)                  0.5
=====  ===============================================================  ====================================  =====

All three stay mixtures of normal distributions, so a cell average is a difference of error functions. Nothing here
imports ``fpsolve``: a peer may need an interpreter in which it is not installed.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import erf, erfc

Array = np.ndarray

#: standard deviation of every bump at the start
STD = 0.3
#: angular velocity of problem ``c``
SPIN = 2.0


@dataclasses.dataclass(frozen=True)
class Problem:
    """A Fokker-Planck problem on a square window: dP/dt = -div(f P - T grad P).

    Parameters
    ----------
    name, dimension, half, end
        The window is [-half, half] along each axis; time runs from 0 to ``end``.
    means
        Centres of the equal bumps at the start; in the plane, points.
    target
        The L1 error at which times are compared.
    rate
        Factor of the whole generator -div(-x P - grad P) at time t; the temperature too.
    clock
        Its integral from 0 to t.
    spin
        Angular velocity of the force (plane).
    """

    name: str
    dimension: int
    half: float
    end: float
    means: tuple[tuple[float, ...], ...]
    target: float
    rate: Callable[[float], float] = lambda t: 1.0
    clock: Callable[[float], float] = lambda t: t
    spin: float = 0.0

    @property
    def steady(self) -> bool:
        """Whether the generator does not depend on time."""
        return self.rate(0.0) == self.rate(0.5 * self.end)

    def rescaled(self) -> Problem:
        """The same problem in the time of its clock, where the generator is constant."""
        return dataclasses.replace(self, end=self.clock(self.end), rate=lambda t: 1.0, clock=lambda t: t)

    def width(self, cells: int) -> float:
        return 2.0 * self.half / cells

    def edges(self, cells: int) -> Array:
        return np.linspace(-self.half, self.half, cells + 1)

    def centres(self, cells: int) -> Array:
        edges = self.edges(cells)
        return 0.5 * (edges[1:] + edges[:-1])

    def averages(self, edges: Sequence[Array], time: float) -> Array:
        """Exact averages over cells; in the plane, indexed (x, y)."""
        shrink, angle = math.exp(-self.clock(time)), self.spin * time
        std = math.sqrt((shrink * STD) ** 2 - math.expm1(-2.0 * self.clock(time)))
        parts = []
        for mean in self.means:
            if self.dimension == 1:
                parts.append(normal_averages(edges[0], shrink * mean[0], std))
                continue
            x = shrink * (math.cos(angle) * mean[0] - math.sin(angle) * mean[1])
            y = shrink * (math.sin(angle) * mean[0] + math.cos(angle) * mean[1])
            parts.append(np.outer(normal_averages(edges[0], x, std), normal_averages(edges[1], y, std)))
        return np.asarray(sum(parts)) / len(parts)

    def start(self, cells: int) -> Array:
        return self.averages([self.edges(cells)] * self.dimension, 0.0)

    def error(self, density: Array, edges: Sequence[Array] | None = None) -> float:
        """L1 distance of a density on cells from the exact averages at the end, on the window unless ``edges`` say."""
        edges = [self.edges(density.shape[0])] * self.dimension if edges is None else edges
        volumes = functools.reduce(np.multiply.outer, [np.diff(edge) for edge in edges])
        return float(np.sum(np.abs(density - self.averages(edges, self.end)) * volumes))


def normal_averages(edges: Array, mean: float, std: float) -> Array:
    """Averages of a normal density over cells, without cancellation in the tails."""
    z = (edges - mean) / (std * math.sqrt(2.0))
    a, b = z[:-1], z[1:]
    left, right, middle = erfc(-b) - erfc(-a), erfc(a) - erfc(b), erf(b) - erf(a)
    return 0.5 * np.where(b < -0.5, left, np.where(a > 0.5, right, middle)) / np.diff(edges)


PROBLEMS = {
    "a": Problem("a", 1, 8.0, 1.0, ((1.5,),), target=2e-6),
    "b": Problem(
        "b",
        1,
        7.0,
        0.9,
        ((0.35,), (-0.35,)),
        target=2e-6,
        rate=lambda t: 0.5 * math.pi * math.tan(0.5 * math.pi * t),
        clock=lambda t: -math.log(math.cos(0.5 * math.pi * t)),
    ),
    "c": Problem("c", 2, 6.0, 0.5, ((1.5, 0.0),), target=1e-4, spin=SPIN),
}
