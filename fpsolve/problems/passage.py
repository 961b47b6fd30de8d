"""First passage on the line by quadrature: mean times, exit probabilities, and Kramers' rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fpsolve.forces import Force
from fpsolve.grids import Array, check_boundary
from fpsolve.problems.panels import nodes_of, running, settled
from fpsolve.settings import InputError, number

Potential = Force | Callable[[Array], Array]

_BOUNDARY = ("reflecting", "absorbing")
#: exp of this is a number still
_HIGHEST = 700.0
#: weights of the second difference of eighth order
_CURVATURE = np.array([-205.0 / 72.0, 8.0 / 5.0, -1.0 / 5.0, 8.0 / 315.0, -1.0 / 560.0])


def mean_first_passage(
    potential: Potential,
    temperature: float,
    start: float,
    lower: float,
    upper: float,
    boundary: str | tuple[str, str] = _BOUNDARY,
) -> float:
    """Mean time until an absorbing end is reached: the solution of T tau'' - U' tau' = -1, exact to about 1e-13.

    With S(x) = int e^{U/T} from the lower end, tau(x) = (1/T) int G(x, z) e^{-U(z)/T} dz, all of it positive:
    G = S(upper) - S(max(x, z)) above a reflecting lower end, S(min(x, z)) below a reflecting upper one, and
    S(min) (S(upper) - S(max)) / S(upper) between two absorbing ends.

    Parameters
    ----------
    potential : Force or callable
        U, as a force with a potential or as a function of x; unit of T.
    temperature : float
        T, positive, L²/s.
    start : float
        Where the path begins, L.
    lower, upper : float
        The ends, L.
    boundary : str or (str, str)
        Of both ends; at least one is absorbing. Put a reflecting end where exp(-U/T) has vanished for a natural one.

    Returns
    -------
    float
        The time, s.

    Raises
    ------
    InputError
        A start that is not between the ends, no absorbing end, a potential that is not smooth.

    References
    ----------
    C. W. Gardiner, Handbook of Stochastic Methods, section 5.2.7; H. Risken, The Fokker-Planck Equation, section 8.1.
    """
    checked = check_boundary(boundary)
    ends = (checked, checked) if isinstance(checked, str) else checked
    if "absorbing" not in ends or "periodic" in ends:
        raise InputError("boundary", f"given {boundary!r}; at least one end must be absorbing, the other may reflect")
    split = _Split(potential, temperature, start, lower, upper)
    if start in (lower, upper) and ends[int(start == upper)] == "absorbing":
        return 0.0
    scale = split.scale(ends)
    time, _ = settled(lambda count: split.time(count, ends), "potential")
    return time * scale / temperature


def exit_probability(potential: Potential, temperature: float, start: float, lower: float, upper: float) -> float:
    """Probability that an absorbing upper end is reached before an absorbing lower one: S(start) / S(upper).

    Parameters
    ----------
    potential, temperature, start, lower, upper
        As for :func:`mean_first_passage`.

    References
    ----------
    C. W. Gardiner, Handbook of Stochastic Methods, section 5.2.8.
    """
    split = _Split(potential, temperature, start, lower, upper)
    below, _ = settled(lambda count: split.integral(0, count), "potential")
    above, _ = settled(lambda count: split.integral(1, count), "potential")
    return float(below * split.relative(0) / (below * split.relative(0) + above * split.relative(1)))


def kramers_rate(potential: Potential, temperature: float, well: float, barrier: float) -> float:
    """Kramers' rate sqrt(U''(well) |U''(barrier)|) / 2 pi exp(-(U(barrier) - U(well)) / T), 1/s.

    The leading term for low temperatures: 1 / :func:`mean_first_passage` to an end far beyond the barrier tends to it.

    Parameters
    ----------
    potential : Force or callable
        U, unit of T.
    temperature : float
        T, positive, L²/s.
    well, barrier : float
        Minimum and maximum of U, L.

    References
    ----------
    H. A. Kramers, Physica 7, 284 (1940).
    """
    number("temperature", temperature, above=0.0)
    energy = _energy(potential)
    step = 0.02 * abs(barrier - well)
    around = step * np.arange(-4.0, 5.0)
    weights = np.concatenate([_CURVATURE[:0:-1], _CURVATURE]) / step**2
    curvatures = [float(weights @ energy(place + around)) for place in (well, barrier)]
    if curvatures[0] <= 0.0 or curvatures[1] >= 0.0:
        raise InputError("well", "U must have a minimum at the well and a maximum at the barrier")
    low, high = energy(np.array([well, barrier]))
    return float(np.sqrt(-curvatures[0] * curvatures[1]) / (2.0 * np.pi) * np.exp(-(high - low) / temperature))


class _Split:
    """Integrals of e^{U/T} and e^{-U/T} on both sides of a start, the largest exponent of each side taken out."""

    def __init__(self, potential: Potential, temperature: float, start: float, lower: float, upper: float) -> None:
        number("temperature", temperature, above=0.0)
        if not number("lower", lower) <= number("start", start) <= number("upper", upper) or lower == upper:
            raise InputError("start", f"given {start:g}; it must lie between {lower:g} and {upper:g}")
        self._energy, self._temperature = _energy(potential), temperature
        self._ends = (lower, start), (start, upper)
        values = [self._energy(np.linspace(*side, 1025)) for side in self._ends]
        self._high, self._low = [float(np.max(v)) for v in values], float(np.min(values))

    def relative(self, side: int) -> float:
        """What was taken out of one side, over the larger of both."""
        return float(np.exp((self._high[side] - max(self._high)) / self._temperature))

    def scale(self, ends: tuple[str, str]) -> float:
        """What was taken out of the time: a barrier behind a reflecting end is never climbed, the lower one wins.

        Raises
        ------
        InputError
            A barrier of more than 700 T.
        """
        climbed = [high for high, end in zip(self._high, ends, strict=True) if end == "absorbing"]
        exponent = (min(climbed) - self._low) / self._temperature
        if exponent > _HIGHEST:
            raise InputError("temperature", f"given {self._temperature:g}; the barrier is {exponent:.4g} times as high")
        return float(np.exp(exponent))

    def _parts(self, side: int, count: int) -> tuple[Array, Array, Array, Array]:
        """Edges, weights, e^{U/T} and e^{-U/T} on one side of the start."""
        edges = np.linspace(*self._ends[side], count + 1)
        x, weights = nodes_of(edges)
        energy = self._energy(x)
        rising = np.exp((energy - self._high[side]) / self._temperature)
        return edges, weights, rising, np.exp((self._low - energy) / self._temperature)

    def integral(self, side: int, count: int) -> float:
        """Of e^{U/T} over one side."""
        _, weights, rising, _ = self._parts(side, count)
        return float(np.sum(weights * rising))

    def time(self, count: int, ends: tuple[str, str]) -> float:
        """T tau, scaled."""
        edges, weights, rising, falling = self._parts(0, count)
        from_lower, below, held_below = running(rising, edges)[0], np.sum(rising * weights), falling * weights
        edges, weights, rising, falling = self._parts(1, count)
        to_upper, above, held_above = running(rising, edges)[1], np.sum(rising * weights), falling * weights
        if ends[0] == "reflecting":
            return float(above * np.sum(held_below) + np.sum(to_upper * held_above))
        if ends[1] == "reflecting":
            return float(np.sum(from_lower * held_below) + below * np.sum(held_above))
        both = above * np.sum(from_lower * held_below) + below * np.sum(to_upper * held_above)
        return float(both / (below * self.relative(0) + above * self.relative(1)))


def _energy(potential: Potential) -> Callable[[Array], Array]:
    if not isinstance(potential, Force):
        if not callable(potential):
            raise InputError("potential", f"given {type(potential).__name__}; expected a force or a function of x")
        return lambda x: np.broadcast_to(np.asarray(potential(x), float), np.shape(x))
    if potential.dimension != 1 or not potential.has_potential:
        raise InputError("potential", "this force has none on a line")

    def energy(x: Array) -> Array:
        values = potential.potential((x,), 0.0)
        assert values is not None
        return np.broadcast_to(values, np.shape(x))

    return energy
