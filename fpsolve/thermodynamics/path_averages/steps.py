"""Steps in time that never straddle a jump of the protocol, and limits of successive refinements with error bars."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from fpsolve.discretisation import Discretisation, Operator
from fpsolve.grids import Array
from fpsolve.solution.errors import number_bar

#: how often an interval is halved to find a jump, and what part of a step's change it then still has to hold
_HALVINGS, _SUDDEN = 60, 0.5
#: instants at which a protocol is watched, how far a change or a bend must stand out, and relative rounding
_SCANNED, _STANDS_OUT, _NOISE = 160, 4.0, 1e-11
#: how often the interval that holds a kink is halved: second differences then vanish in rounding
_NARROWINGS = 24
#: orders above and below the declared one at which differences are still extrapolated
_ABOVE, _BELOW = 0.9, 0.6
#: part of the change of an extrapolated value, and of the last correction, that make its bar
_CAUTION, _LEAST = 0.5, 0.05
#: degree of the splines through the bath's rates at the ends of the steps
_DEGREE = 5


class Remembered(Discretisation):
    """A discretisation that keeps the operators of all stages of a step."""

    _most = 16

    def at(self, t: float) -> Operator:
        """L at time t."""
        kept: dict[float, Operator] = self.__dict__.setdefault("_instants", {})
        key = 0.0 if self.steady else t
        if key not in kept:
            if len(kept) >= self._most:
                kept.pop(next(iter(kept)))
            kept[key] = self._build(t)
        return kept[key]


def step_groups(probe: Callable[[float], Array], times: Array, steps: int) -> list[Array]:
    """Ends of steps between the times, in groups inside which the protocol does not jump; kinks of it end steps too.

    Parameters
    ----------
    probe : callable
        t -> array by which the protocol is watched.
    times : (n,) array
        Increasing; every one of them ends a step.
    steps : int
        How many steps in all, about; between times, kinks and jumps their number is a multiple of four, so that steps
        twice and four times as long end at the same places.

    Returns
    -------
    list of arrays
        The protocol jumps between the last time of one group and the first one of the next, neighbouring numbers.
    """
    duration, groups = float(times[-1] - times[0]), [times[:1].astype(float)]
    samples = max(_SCANNED // (times.size - 1), 8)
    for begin, end in itertools.pairwise(times.tolist()):
        for first, last, jumped in _pieces(probe, np.linspace(begin, end, samples + 1)):
            if jumped:
                groups.append(np.array([first]))
            count = 4 * max(1, round(0.25 * steps * (last - first) / duration))
            if last > first:
                groups[-1] = np.concatenate([groups[-1], np.linspace(first, last, count + 1)[1:]])
    return groups


def halved(groups: list[Array]) -> list[Array]:
    """Every second step end of each group, both ends kept."""
    return [group[::2] for group in groups]


def _pieces(probe: Callable[[float], Array], points: Array) -> list[tuple[float, float, bool]]:
    """Begin and end of the smooth pieces of a protocol, and whether it jumps just before."""
    values = [probe(float(t)) for t in points]
    changes = [_size(a, b) for a, b in itertools.pairwise(values)]
    bends = [0.0, *(_size(a + c, 2.0 * b) for a, b, c in zip(values, values[1:], values[2:], strict=False)), 0.0]
    floor = _NOISE * max(float(np.max(np.abs(value))) for value in values)
    events: list[tuple[float, float]] = []
    for k in range(len(changes)):
        if changes[k] > max(_STANDS_OUT * _beside(changes, k), floor):
            events += _jump(probe, float(points[k]), float(points[k + 1]))
    for k in range(1, len(bends) - 1):
        near = any(points[k - 1] <= low <= points[k + 1] for low, _ in events)
        if not near and bends[k] > max(_STANDS_OUT * _beside(bends, k), floor):
            events.append((_kink(probe, float(points[k - 1]), float(points[k + 1])),) * 2)
    pieces, begin, jumped = [], float(points[0]), False
    for low, high in sorted(events):
        if low >= begin and high <= points[-1]:
            pieces.append((begin, low, jumped))
            begin, jumped = high, high > low
    return [*pieces, (begin, float(points[-1]), jumped)]


def _beside(sizes: list[float], k: int) -> float:
    """The largest of the sizes near by, but for the next ones, which may see the same event."""
    return max([*sizes[max(k - 4, 0) : max(k - 1, 0)], *sizes[k + 2 : k + 5]], default=np.inf)


def _jump(probe: Callable[[float], Array], low: float, high: float) -> list[tuple[float, float]]:
    """The last number before a jump and the first one after; nothing where the change spreads out."""
    below, above = probe(low), probe(high)
    whole = _size(below, above)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        value = probe(middle)
        if _size(below, value) > _size(value, above):
            high, above = middle, value
        else:
            low, below = middle, value
    return [(low, high)] if _size(below, above) > _SUDDEN * whole else []


def _kink(probe: Callable[[float], Array], low: float, high: float) -> float:
    """Where the slope jumps: the place of the largest second difference, on ever shorter intervals."""
    for _ in range(_NARROWINGS):
        points = np.linspace(low, high, 5)
        values = [probe(float(t)) for t in points]
        bends = [_size(a + c, 2.0 * b) for a, b, c in zip(values, values[1:], values[2:], strict=False)]
        k = 1 + int(np.argmax(bends))
        low, high = float(points[k - 1]), float(points[k + 1])
    return 0.5 * (low + high)


def _size(one: Array, other: Array) -> float:
    return float(np.max(np.abs(one - other)))


def spans(group: Array) -> list[tuple[float, float]]:
    """The steps of a group."""
    return list(itertools.pairwise(group.tolist()))


def integrated(knots: Array, values: list[float]) -> float:
    """Integral of the spline through values."""
    from scipy.interpolate import make_interp_spline

    if knots.size == 1:
        return 0.0
    degree = min(_DEGREE, knots.size - 1)
    spline = make_interp_spline(knots, values, degree - (degree % 2 == 0))
    return float(spline.integrate(float(knots[0]), float(knots[-1])))


def limit(values: Sequence[float], order: int, rounding: float = 0.0, rough: bool = False) -> tuple[float, float]:
    """Limit of the first of three levels, each twice as coarse as the one before, and its error bar.

    Where the differences fall as the declared order says, the limit is extrapolated, and the bar is the change of the
    extrapolated value between the levels (itself some 2^order times its error); elsewhere it is the first value with
    the bar of :func:`~fpsolve.solution.errors.number_bar`. A ``rough`` start, whose jumps fall anywhere in a cell,
    leaves no more than the first order to trust.
    """
    if rough:
        return values[0], number_bar(list(values), 1, rounding + 1e-15 * abs(values[0]))
    fine, middle, coarse = values
    correction, earlier = fine - middle, middle - coarse
    share = 1.0 / (2.0**order - 1.0)
    ratio = earlier / correction if correction != 0.0 else np.inf
    floor = rounding + 1e-15 * abs(fine)
    if 2.0 ** (order - _BELOW) <= ratio <= 2.0 ** (order + _ABOVE):
        gap = abs(correction - (earlier - correction) * share)
        return fine + share * correction, _CAUTION * gap + _LEAST * share * abs(correction) + floor
    return fine, number_bar(list(values), order, floor)
