"""The generator of a jump process tilted by the entropy that each jump puts into the bath."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from fpsolve.discretisation import Discretisation
from fpsolve.discretisation.coefficients import diffusion_at_faces, drift_along_links
from fpsolve.generator.jumps import Jumps, jumps_of
from fpsolve.grids import Array
from fpsolve.settings import InputError


@dataclasses.dataclass(eq=False)
class Faces:
    """The faces between cells along one axis, which comes first in all arrays.

    Parameters
    ----------
    forward, backward : arrays
        Rates of the jumps to the right and to the left, 1/s.
    entropy : array
        ln(forward / backward): what a jump to the right puts into the bath, nats.
    ring : bool
    """

    forward: Array
    backward: Array
    entropy: Array
    ring: bool

    def sides(self, v: Any) -> tuple[Any, Any]:
        """Values in the cells on the left and on the right of the faces."""
        return (v, np.roll(v, -1, 0)) if self.ring else (v[:-1], v[1:])

    def gathered(self, into_left: Array, into_right: Array, out: Array) -> None:
        """Add to the cells what comes through the faces."""
        if self.ring:
            out += into_left
            out += np.roll(into_right, 1, 0)
        else:
            out[:-1] += into_left
            out[1:] += into_right


class Tilt:
    """A jump process at one instant, and its tilted generators.

    Off the diagonal L_theta has forward^(1 - theta) backward^theta for the jump to the right and the reverse for that
    to the left; on the diagonal it is L. So L_0 = L and L_1 is the transposed L.

    Raises
    ------
    InputError
        Rates that vanish, or are none of a jump process.
    """

    def __init__(self, system: Discretisation, t: float) -> None:
        self.operator = system.at(t)
        jumps = jumps_of(self.operator)
        if jumps is None or not jumps.connected:
            raise InputError(
                "flux", "the rates of some jumps vanish, so that their entropy is not defined; take more cells, a "
                "higher temperature, or scharfetter-gummel"
            )  # fmt: skip
        self.shape = system.grid.shape
        self.faces = [faces_of(system, jumps, axis, t) for axis in range(len(self.shape))]
        self._factors: dict[tuple[float, float], Any] = {}

    def jumped(self, v: Array, power: int) -> Array:
        """Off-diagonal part of L, every rate times a power of the entropy that its jump puts into the bath."""
        out = np.zeros(self.shape)
        for axis, face in enumerate(self.faces):
            left, right = face.sides(np.moveaxis(v, axis, 0))
            weight = face.entropy**power
            sign = -1.0 if power % 2 else 1.0
            face.gathered(
                sign * weight * face.backward * right, weight * face.forward * left, np.moveaxis(out, axis, 0)
            )
        return out

    def bath_rate(self, m: Array) -> float:
        """Rate of the entropy of the bath, 1/s: sum over the faces of J ln(w / w_reverse)."""
        total = 0.0
        for axis, face in enumerate(self.faces):
            left, right = face.sides(np.moveaxis(m, axis, 0))
            total += float(np.sum((face.forward * left - face.backward * right) * face.entropy))
        return total

    def applied(self, theta: float, v: Array) -> Array:
        """L_theta v; at theta = 1 exactly zero for a constant."""
        out = np.zeros(self.shape)
        for axis, face in enumerate(self.faces):
            left, right = face.sides(np.moveaxis(v, axis, 0))
            # what a cell loses through a face is taken together with what comes in through it
            into_right = face.backward * (np.exp((1.0 - theta) * face.entropy) * left - right)
            into_left = face.forward * (np.exp((theta - 1.0) * face.entropy) * right - left)
            face.gathered(into_left, into_right, np.moveaxis(out, axis, 0))
        return out

    def slope(self, theta: float, a: float, known: Array) -> Array:
        """L_theta x of the solution of (1 - a L_theta) x = known."""
        return self._solved(theta, a, self.applied(theta, known))

    def backward_slope(self, a: float, known: Array) -> Array:
        """L x of the solution of (1 - a L) x = known."""
        x = self.operator.solve(a, known)
        return np.asarray((x - known) / a)

    def _solved(self, theta: float, a: float, b: Array) -> Array:
        """Solution x of (1 - a L_theta) x = b."""
        if len(self.shape) == 2:
            return self._in_the_plane(theta, a, b)
        face, n = self.faces[0], b.size
        up = face.backward * np.exp(theta * face.entropy)
        down = face.forward * np.exp(-theta * face.entropy)
        diagonal = np.ones(n)
        face.gathered(a * face.forward, a * face.backward, diagonal)
        from scipy.linalg.lapack import dgtsv

        if not face.ring:
            return np.asarray(dgtsv(-a * down, diagonal, -a * up, b)[3])
        # the two corners of a ring: a matrix of rank one beside a tridiagonal one
        top, bottom, shift = -a * down[-1], -a * up[-1], -diagonal[0]
        diagonal[0] -= shift
        diagonal[-1] -= top * bottom / shift
        sides = np.zeros((n, 2))
        sides[:, 0], sides[0, 1], sides[-1, 1] = b, shift, bottom
        x = dgtsv(-a * down[:-1], diagonal, -a * up[:-1], sides)[3]
        ratio = top / shift
        share = (x[0, 0] + ratio * x[-1, 0]) / (1.0 + x[0, 1] + ratio * x[-1, 1])
        return np.asarray(x[:, 0] - share * x[:, 1])

    def _in_the_plane(self, theta: float, a: float, b: Array) -> Array:
        key = (theta, a)
        if key not in self._factors:
            from scipy.sparse import csc_array, identity
            from scipy.sparse.linalg import splu

            whole = csc_array(identity(b.size, format="csc") - a * self.matrix(theta))
            self._factors[key] = splu(whole, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        return np.asarray(self._factors[key].solve(np.ascontiguousarray(b).ravel()).reshape(b.shape))

    def matrix(self, theta: float) -> Any:
        """L_theta as a sparse matrix on the flattened cells."""
        from scipy.sparse import coo_array

        index: Any = np.arange(int(np.prod(self.shape))).reshape(self.shape)
        rows, columns, values = [], [], []
        for axis, face in enumerate(self.faces):
            left, right = (side.ravel() for side in face.sides(np.moveaxis(index, axis, 0)))
            ahead, back, tilt = face.forward.ravel(), face.backward.ravel(), np.exp(-theta * face.entropy).ravel()
            for row, column, value in (
                (right, left, ahead * tilt), (left, right, back / tilt), (left, left, -ahead), (right, right, -back),
            ):  # fmt: skip
                rows.append(row)
                columns.append(column)
                values.append(value)
        entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
        return coo_array(entries, shape=(index.size, index.size)).tocsr()


def faces_of(system: Discretisation, jumps: Jumps, axis: int, t: float) -> Faces:
    """The faces along an axis; the logarithms of the ratios are those of the force, not of rates that may underflow."""
    grid, own = system.grid, system.grid.axes[axis]
    inner = slice(1, None) if own.periodic else slice(1, -1)
    column = (-1, *[1] * (grid.dimension - 1))
    drift = np.moveaxis(np.asarray(drift_along_links(system.problem, grid, t)[axis]), axis, 0)[inner]
    spread = np.asarray(diffusion_at_faces(system.problem, grid, t, axis))
    spread = np.moveaxis(spread, axis, 0)[inner] if spread.ndim else spread
    distance = (own.gaps[0] + own.gaps[1])[inner].reshape(column)
    widths = np.concatenate([own.widths, own.widths[:1]]) if own.periodic else own.widths
    entropy = drift * distance / spread + np.diff(np.log(widths)).reshape(column)
    forward, backward = (
        np.ascontiguousarray(np.moveaxis(rates[axis], axis, 0)[inner]) for rates in (jumps.forward, jumps.backward)
    )
    return Faces(forward, backward, np.ascontiguousarray(entropy), own.periodic)


class Tilts:
    """The tilted process of a discretisation at all times; the last few instants are kept."""

    _most = 16

    def __init__(self, system: Discretisation) -> None:
        self.system = system
        self._kept: dict[float, Tilt] = {}

    def at(self, t: float) -> Tilt:
        """The process at time t."""
        key = 0.0 if self.system.steady else t
        if key not in self._kept:
            if len(self._kept) >= self._most:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = Tilt(self.system, t)
        return self._kept[key]
