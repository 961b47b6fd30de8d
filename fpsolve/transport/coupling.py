"""The monotone coupling of two densities: every point of one, its partner in the other, and the points between."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from fpsolve.densities.base import FAINTEST, LABEL_TAIL, Density
from fpsolve.mesh import marched
from fpsolve.quadrature import POINTS, TAIL_FACTOR, Array, panel_nodes

#: largest coordinate: squares of it stay finite
FARTHEST = 1e150
#: a distance of which the far tails hold more than this part has not converged in them
_UNSETTLED = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Coupling:
    """Pairs (y, z) with equal tail probabilities: the Brenier map in one dimension (53), M = Q_second o F_first.

    Nothing here is sampled on one variable alone: where one density has a gap its partner stands still, so panels and
    nodes live on the midpoint (y + z) / 2, on which both are Lipschitz.
    """

    first: Density
    second: Density

    @functools.cached_property
    def edges(self) -> tuple[Array, Array, Array, Array]:
        """Matching edges y, z and their tails: wherever either density has structure."""
        rows = []
        for here, there in ((self.first, self.second), (self.second, self.first)):
            low, high = np.clip(here.interval(FAINTEST), -FARTHEST, FARTHEST)
            inside = np.concatenate([here.breaks(), here.kinks()])
            hard = np.unique(np.concatenate([[low, high], inside[(inside > low) & (inside < high)]]))
            points = marched(hard, *here.features())
            _, cdf, sf = here.tails(points)
            # the ends of a bounded support meet the far tails of the other density
            cdf, sf = np.maximum(cdf, FAINTEST), np.maximum(sf, FAINTEST)
            partner = there.quantile(cdf, sf)
            known = np.isfinite(points) & np.isfinite(partner)
            points, partner, cdf, sf = points[known], partner[known], cdf[known], sf[known]
            pair = (points, partner) if here is self.first else (partner, points)
            rows.append((*pair, cdf, sf))
            if self.first is self.second:
                break
        y, z, cdf, sf = (np.concatenate(column) for column in zip(*rows, strict=True))
        order = np.argsort(y + z, kind="stable")
        # rounding can swap near twins: keep both coordinates increasing
        y, z, cdf, sf = np.maximum.accumulate(y[order]), np.maximum.accumulate(z[order]), cdf[order], sf[order]
        keep = np.concatenate([[True], np.diff(y + z) > 1e-13 * (np.abs(y[1:]) + np.abs(z[1:]) + np.diff(y + z))])
        return y[keep], z[keep], cdf[keep], sf[keep]

    def _far_cost(self, y: Array, panels: Array) -> float:
        """Cost in the panels beyond which lies almost nothing: of a moment that exists, a negligible part."""
        _, cdf, sf = self.first.tails(y[POINTS // 2 :: POINTS])
        return float(np.sum(panels[np.minimum(cdf, sf) < LABEL_TAIL]))

    @property
    def open_ends(self) -> tuple[bool, bool]:
        """Whether either density reaches to infinity, on the left and on the right."""
        left, right = (
            not (np.isfinite(self.first.support[side]) and np.isfinite(self.second.support[side])) for side in (0, 1)
        )
        return left, right

    def meet(self, fraction: float, x: Array) -> tuple[Array, Array]:
        """The pair whose point at ``fraction`` of the way is x: (1 - s) y + s z = x.

        Parameters
        ----------
        fraction : float
            s in [0, 1].
        x : array
            Points between the outermost pairs (others give the nearest end).

        Returns
        -------
        y, z : arrays of the shape of x
        """
        shape, x = np.shape(x), np.ravel(x)
        y_edge, z_edge, cdf, sf = self.edges
        if fraction <= 0.0 or fraction >= 1.0:
            here, there = (self.first, self.second) if fraction <= 0.0 else (self.second, self.first)
            _, below, above = here.tails(x)
            end = z_edge if fraction <= 0.0 else y_edge
            partner = np.clip(there.quantile(below, above), end[0], end[-1])
            pair = (x, partner) if fraction <= 0.0 else (partner, x)
            return pair[0].reshape(shape), pair[1].reshape(shape)
        x_edge = (1.0 - fraction) * y_edge + fraction * z_edge
        x = np.clip(x, x_edge[0], x_edge[-1])
        i = np.clip(np.searchsorted(x_edge, x, side="right") - 1, 0, x_edge.size - 2)
        left = cdf[i] + cdf[i + 1] < sf[i] + sf[i + 1]
        guess_y, guess_z = self._guess(fraction, x)
        if fraction >= 0.5:  # solve for y: z = (x - (1 - s) y) / s is then well determined
            y = _crossing(self.first, self.second, fraction, x, y_edge[i], y_edge[i + 1], left, guess_y)
            z = (x - (1.0 - fraction) * y) / fraction
        else:
            z = _crossing(self.second, self.first, 1.0 - fraction, x, z_edge[i], z_edge[i + 1], left, guess_z)
            y = (x - fraction * z) / (1.0 - fraction)
        return y.reshape(shape), z.reshape(shape)

    def log_density(self, fraction: float, y: Array, z: Array) -> Array:
        """Logarithm of the density where pairs meet at a fraction s of the way: 1/P = (1 - s)/p + s/q.

        In logarithms, since the product of two densities underflows long before either does.
        """
        with np.errstate(divide="ignore"):
            shares = np.log1p(-fraction), np.log(fraction)
            return -np.logaddexp(shares[0] - self.first.logpdf(y), shares[1] - self.second.logpdf(z))

    def _guess(self, fraction: float, x: Array) -> tuple[Array | None, Array | None]:
        """Pairs near the wanted ones, from the quadrature's nodes once these are known."""
        if "nodes" not in self.__dict__:
            return None, None
        y, z, _, _ = self.nodes
        between_them = (1.0 - fraction) * y + fraction * z
        return np.interp(x, between_them, y), np.interp(x, between_them, z)

    @functools.cached_property
    def nodes(self) -> tuple[Array, Array, Array, Array]:
        """Quadrature over the common probability: y, z and the two weights, so that E[g] = sum(weight * g(y, z))."""
        y_edge, z_edge, _, _ = self.edges
        return self._quadrature(0.5 * (y_edge + z_edge))

    def _quadrature(self, edges: Array) -> tuple[Array, Array, Array, Array]:
        middle, kronrod, gauss = panel_nodes(edges)
        y, z = self.meet(0.5, middle)
        density = between(self.first.pdf(y), self.second.pdf(z), 0.5)
        return y, z, kronrod * density, gauss * density

    def _split_nodes(self) -> tuple[Array, Array, Array, Array]:
        """The same with panel edges where y = z, the kinks of |z - y|."""
        y, z, _, _ = self.nodes
        middle, ahead = 0.5 * (y + z), z > y
        turn = np.flatnonzero(ahead[1:] != ahead[:-1])
        low, high = middle[turn], middle[turn + 1]
        for _ in range(60):
            centre = 0.5 * (low + high)
            (_, f, s), (_, g, r) = self.first.tails(centre), self.second.tails(centre)
            # the second density lags behind the first where z is ahead of y
            before = (np.where(f < s, f - g, r - s) > 0.0) == ahead[turn]
            low, high = np.where(before, centre, low), np.where(before, high, centre)
        y_edge, z_edge, _, _ = self.edges
        return self._quadrature(np.unique(np.concatenate([0.5 * (y_edge + z_edge), low])))

    def wasserstein(self, order: float = 2.0) -> tuple[float, float]:
        """W_p between the two densities (52), (53), and its error bar; both in the unit of x; infinite without moments.

        Parameters
        ----------
        order : float
            p >= 1.
        """
        y, z, kronrod, gauss = self._split_nodes() if order % 2.0 else self.nodes
        cost = np.abs(z - y) ** order
        panels = np.sum((kronrod * cost).reshape(-1, POINTS), axis=1)
        power = float(np.sum(panels))
        if not np.isfinite(power) or self._far_cost(y, panels) > _UNSETTLED * power > 0.0:
            return np.inf, np.nan
        outermost = sum(float(panels[side]) for side, open_end in zip((0, -1), self.open_ends, strict=True) if open_end)
        error = abs(power - float(np.sum(gauss * cost))) + TAIL_FACTOR * outermost + 1e-14 * power
        value = power ** (1.0 / order)
        # where the cost is all rounding the bar is that of a distance, not of its power
        return value, min(error / (order * max(value, 1e-300) ** (order - 1.0)), error ** (1.0 / order)) + 1e-15


def between(first: Array, second: Array, fraction: float) -> Array:
    """Density at a point of the geodesic from the densities at its two ends: 1/P = (1 - s)/p + s/q."""
    below = (1.0 - fraction) * second + fraction * first
    return np.divide(first * second, below, out=np.zeros_like(below), where=below > 0.0)


def _crossing(
    here: Density,
    there: Density,
    fraction: float,
    x: Array,
    low: Array,
    high: Array,
    left: NDArray[np.bool_],
    guess: Array | None,
) -> Array:
    """Solve log F_here(y) = log F_there((x - (1 - s) y) / s), or with survival functions where not ``left``.

    The difference increases with y, so bracketed Newton steps converge; a step that leaves its bracket is a bisection.
    """
    low, high = low.copy(), high.copy()
    y = 0.5 * (low + high) if guess is None else np.clip(guess, low, high)
    active = np.flatnonzero(high > low)
    for _ in range(120):
        if active.size == 0:
            break
        now = y[active]
        p, f, s = here.tails(now)
        q, g, r = there.tails((x[active] - (1.0 - fraction) * now) / fraction)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            lower = left[active]
            mine, theirs = np.where(lower, f, s), np.where(lower, g, r)
            gap = np.where(lower, np.log(mine) - np.log(theirs), np.log(theirs) - np.log(mine))
            step = -gap / (p / mine + (1.0 - fraction) / fraction * q / theirs)
        too_far = gap > 0.0
        high[active] = np.where(too_far, now, high[active])
        low[active] = np.where(too_far, low[active], now)
        target = now + step
        inside = np.isfinite(target) & (target >= low[active]) & (target <= high[active])
        y[active] = np.where(inside, target, 0.5 * (low[active] + high[active]))
        here_y, width = y[active], high[active] - low[active]
        moving = np.abs(here_y - now) > 4e-16 * (np.abs(now) + width)
        # a step back onto an end of the bracket has been evaluated before: rounding lets nothing in between
        moving &= (here_y != low[active]) & (here_y != high[active])
        active = active[moving & (gap != 0.0)]
    return y
