"""What every force can do."""

from __future__ import annotations

import abc
import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from fpsolve.grids import Array, Grid
from fpsolve.settings import InputError, Recipe, Settings

Points = tuple[Array, ...]


class Force(Settings, abc.ABC):
    """A force F on a line or in the plane; with mobility one it is the drift f of (1), L/s.

    Subclasses give :meth:`field` and, where there is one, :meth:`potential`; the rest follows.
    """

    family: ClassVar[str] = "force"

    @property
    @abc.abstractmethod
    def dimension(self) -> int:
        """Number of coordinates: 1 or 2."""

    @property
    def steady(self) -> bool:
        """Whether it does not depend on time, so that it is evaluated once only."""
        return False

    @property
    def python(self) -> bool:
        """Whether it holds Python functions, which have no place in a file."""
        return False

    @abc.abstractmethod
    def field(self, points: Points, t: float) -> Points:
        """Components of the force at points, one array of coordinates per axis, all broadcast together."""

    def potential(self, points: Points, t: float) -> Array | None:
        """U with F = -grad U at points, up to a constant; None for a force that has none."""
        return None

    def links(self, grid: Grid, t: float) -> Points:
        """Mean force along the link between the centres on both sides of every face, one array per axis.

        With a potential the mean is -(U_right - U_left) / distance exactly, so that its Boltzmann weights are the
        equilibrium of a flux with local detailed balance; otherwise it is the force in the middle of the link. At an
        end that is no ring the link runs from the end to the centre beside it.
        """
        return tuple(self._along(grid, axis, t) for axis in range(grid.dimension))

    def _along(self, grid: Grid, axis: int, t: float) -> Array:
        return potential_links(self, grid, axis, t) if self.has_potential else self._in_the_middle(grid, axis, t)

    def _in_the_middle(self, grid: Grid, axis: int, t: float) -> Array:
        middles = mesh(grid, axis, grid.axes[axis].midpoints)
        return np.broadcast_to(self.field(middles, t)[axis], face_shape(grid, axis))

    @property
    def has_potential(self) -> bool:
        """Whether :meth:`potential` gives one."""
        return type(self).potential is not Force.potential

    def split(self) -> tuple[Force | None, Force | None]:
        """The part with a potential, whose energy is stored, and the rest, whose work comes from outside.

        Either may be None. Where a force itself knows no better, all of it is the one or the other.
        """
        return (self, None) if self.has_potential else (None, self)

    def __add__(self, other: Force) -> Force:
        """The sum of two forces."""
        if not isinstance(other, Force):
            return NotImplemented
        return Summed((*parts(self), *parts(other)))


class FunctionForce(Force, abc.ABC):
    """A force made of a Python function, ``_timed`` if t is among its arguments."""

    _timed: bool

    @property
    def steady(self) -> bool:
        return not self._timed

    @property
    def python(self) -> bool:
        return True

    def recipe(self) -> Recipe:
        return {"kind": "python"}


@dataclasses.dataclass(frozen=True, eq=False)
class Summed(Force):
    """A sum of forces."""

    kind: ClassVar[str] = "sum"
    forces: tuple[Force, ...]

    def __post_init__(self) -> None:
        if not self.forces or len({force.dimension for force in self.forces}) != 1:
            raise InputError("force", "a sum takes at least one force, and all of the same dimension")

    def recipe(self) -> Recipe:
        return {"kind": self.kind, "forces": [force.recipe() for force in self.forces]}

    @classmethod
    def build(cls, entries: Recipe) -> Summed:
        from fpsolve.settings import from_recipe

        return cls(tuple(from_recipe("force", entry) for entry in entries["forces"]))

    @property
    def dimension(self) -> int:
        return self.forces[0].dimension

    @property
    def steady(self) -> bool:
        return all(force.steady for force in self.forces)

    @property
    def python(self) -> bool:
        return any(force.python for force in self.forces)

    @property
    def has_potential(self) -> bool:
        return all(force.has_potential for force in self.forces)

    def field(self, points: Points, t: float) -> Points:
        fields = [force.field(points, t) for force in self.forces]
        return tuple(sum(components[1:], start=components[0]) for components in zip(*fields, strict=True))

    def potential(self, points: Points, t: float) -> Array | None:
        if not self.has_potential:
            return None
        values = [force.potential(points, t) for force in self.forces]
        return np.sum(np.broadcast_arrays(*[v for v in values if v is not None]), axis=0)

    def split(self) -> tuple[Force | None, Force | None]:
        halves = zip(*(force.split() for force in self.forces), strict=True)
        stored, driving = ([part for part in half if part is not None] for half in halves)
        return total(stored), total(driving)

    def links(self, grid: Grid, t: float) -> Points:
        every = [force.links(grid, t) for force in self.forces]
        return tuple(np.sum(components, axis=0) for components in zip(*every, strict=True))


def total(forces: list[Force]) -> Force | None:
    """The sum of some forces; None for none."""
    return Summed(tuple(forces)) if len(forces) > 1 else forces[0] if forces else None


def parts(force: Force) -> tuple[Force, ...]:
    """The terms of a sum, or the force alone."""
    return force.forces if isinstance(force, Summed) else (force,)


def mesh(grid: Grid, axis: int, along: Array, across: Array | None = None) -> Points:
    """Coordinates that broadcast to points: ``along`` one axis, ``across`` (or the centres) along the other."""
    if grid.dimension == 1:
        return (along,)
    across = grid.axes[1 - axis].centres if across is None else across
    return (along[:, None], across[None, :]) if axis == 0 else (across[:, None], along[None, :])


def face_shape(grid: Grid, axis: int) -> tuple[int, ...]:
    """Shape of an array on the faces that are crossed along an axis."""
    return tuple(cells + (axis == own) for own, cells in enumerate(grid.shape))


def potential_links(force: Force, grid: Grid, axis: int, t: float) -> Array:
    """-(U_right - U_left) / distance at the faces crossed along an axis."""
    own = grid.axes[axis]
    left, right = own.gaps
    coordinate = np.concatenate([own.edges[:1], own.centres, own.edges[-1:]])
    shape = tuple(cells + 2 * (axis == i) for i, cells in enumerate(grid.shape))
    values = np.broadcast_to(_known(force.potential(mesh(grid, axis, coordinate), t)), shape)
    if axis == 1:
        values = values.T
    if own.periodic:
        _check_ring(values)
        values = np.concatenate([values[-2:-1], values[1:-1], values[1:2]])
    distance = left + right
    gradient = -np.diff(values, axis=0) / distance.reshape(-1, *[1] * (values.ndim - 1))
    return gradient.T if axis == 1 else gradient


def _known(values: Array | None) -> Array:
    assert values is not None
    return np.asarray(values, float)


def _check_ring(values: Array) -> None:
    """The potential must close around a ring; what does not is a non-conservative force."""
    jump = float(np.max(np.abs(values[-1] - values[0])))
    if jump > 1e-9 * float(np.ptp(values)) + 1e-12 * float(np.max(np.abs(values))):
        raise InputError(
            "force", f"its potential differs by {jump:.3g} between the ends of a periodic axis; give a tilt as a "
            "non-conservative force: PotentialForce(U) + NonconservativeForce(f)"
        )  # fmt: skip


def takes_time(function: Callable[..., Any], dimension: int, name: str) -> bool:
    """Whether a function of ``dimension`` coordinates takes the time as one argument more.

    Raises
    ------
    InputError
        Not callable, or another number of arguments.
    """
    coordinates = ", ".join("xy"[:dimension])
    allowed = f"expected a function ({coordinates}, t) or ({coordinates}), of numpy arrays"
    if not callable(function):
        raise InputError(name, f"given {type(function).__name__}; {allowed}")
    counts = positional(function)
    if counts is None:  # a builtin or a ufunc
        return bool(getattr(function, "nin", dimension) > dimension)
    least, most = counts
    if least > dimension + 1 or most < dimension:
        raise InputError(name, f"given a function of {least} arguments; {allowed}")
    return most >= dimension + 1


def positional(function: Callable[..., Any]) -> tuple[int, int] | None:
    """Least and largest number of positional arguments; None where a function does not say."""
    try:
        arguments = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    places = [a for a in arguments if a.kind in (a.POSITIONAL_ONLY, a.POSITIONAL_OR_KEYWORD)]
    if any(a.kind is a.VAR_POSITIONAL for a in arguments):
        return len(places), 99
    return sum(a.default is a.empty for a in places), len(places)


def evaluated(values: Any, points: Points, name: str) -> Array:
    """What a user's function returned, as an array of the points' shape.

    Raises
    ------
    InputError
        Another shape, no numbers, NaN or infinity.
    """
    shape = np.broadcast_shapes(*(np.shape(x) for x in points))
    try:
        array = np.asarray(values, float)
        array = np.broadcast_to(array, shape)
    except (TypeError, ValueError) as error:
        raise InputError(
            name, f"the function returned {type(values).__name__} of shape {np.shape(values)} for points of shape "
            f"{shape}; write it for numpy arrays, elementwise"
        ) from error  # fmt: skip
    if not np.all(np.isfinite(array)):
        where = np.unravel_index(int(np.argmin(np.isfinite(array))), shape)
        place = ", ".join(f"{float(np.broadcast_to(x, shape)[where]):g}" for x in points)
        raise InputError(name, f"the function returned {array[where]} at ({place}); it must be finite on the grid")
    return array
