"""Tilted generators: averages of exponentials over all paths of a jump process, none of them drawn.

Where a path gains s = ln(w / w_reverse) at every jump, the average of exp(-theta s) over the paths that end in a cell
obeys a linear equation whose rates are w^(1 - theta) w_reverse^theta, while the rates at which cells are left stay: L
at theta = 0, its transpose at theta = 1 (41)-(50).
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from fpsolve.generator.jumps import Jumps
from fpsolve.grids import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Tilted:
    """A linear operator between neighbouring cells.

    Parameters
    ----------
    right, left : tuples of arrays
        For each axis what goes across every face, to the cell on its right and on its left, per mass, 1/s.
    diagonal : array of the grid's shape
        1/s.
    rings : tuple of bool
        Which axes are closed; their last face is their first.
    """

    right: tuple[Array, ...]
    left: tuple[Array, ...]
    diagonal: Array
    rings: tuple[bool, ...]

    @classmethod
    def of(cls, jumps: Jumps, theta: float) -> Tilted:
        """The generator of exp(-theta s)."""
        if theta == 0.0:
            right, left = jumps.forward, jumps.backward
        elif theta == 1.0:
            right, left = jumps.backward, jumps.forward
        else:
            pairs = list(zip(jumps.forward, jumps.backward, strict=True))
            with np.errstate(divide="ignore", invalid="ignore"):  # at the ends both rates are zero
                right = tuple(ahead ** (1.0 - theta) * back**theta for ahead, back in pairs)
                left = tuple(back ** (1.0 - theta) * ahead**theta for ahead, back in pairs)
        return cls(_inner(right, jumps.rings), _inner(left, jumps.rings), -_leaving(jumps), jumps.rings)

    @classmethod
    def gain(cls, jumps: Jumps) -> Tilted:
        """What makes the mean of s from masses: rates times ln(w / w_reverse), nothing on the diagonal."""
        right, left = [], []
        for ahead, back in zip(jumps.forward, jumps.backward, strict=True):
            there = (ahead > 0.0) & (back > 0.0)
            log = np.log(np.where(there, ahead, 1.0) / np.where(there, back, 1.0))
            right.append(ahead * log)
            left.append(back * -log)
        zero = np.zeros(jumps.shape)
        return cls(_inner(tuple(right), jumps.rings), _inner(tuple(left), jumps.rings), zero, jumps.rings)

    def apply(self, x: Array) -> Array:
        """The operator times a vector of the grid's shape."""
        out = self.diagonal * x
        for axis, ring in enumerate(self.rings):
            rows, total = np.moveaxis(x, axis, 0), np.moveaxis(out, axis, 0)
            right, left = (np.moveaxis(part[axis], axis, 0) for part in (self.right, self.left))
            total[1:] += right[1:-1] * rows[:-1]
            total[:-1] += left[1:-1] * rows[1:]
            if ring:
                total[0] += right[0] * rows[-1]
                total[-1] += left[0] * rows[0]
        return out

    def solve(self, a: float, b: Array) -> Array:
        """Solve (1 - a A) x = b; in the plane the last factored step is kept."""
        return self._on_line(a, b) if b.ndim == 1 else self._in_plane(a).solve(b.ravel()).reshape(b.shape)

    def _on_line(self, a: float, b: Array) -> Array:
        from scipy.linalg.lapack import dgtsv

        (right,), (left,) = self.right, self.left
        lower, main, upper = -a * right[1:-1], 1.0 - a * self.diagonal, -a * left[1:-1]
        if not self.rings[0]:
            return np.asarray(dgtsv(lower, main, upper, b)[3]).reshape(b.shape)
        # the corners as an update of rank one (Sherman, Morrison)
        into_first, into_last = -a * right[0], -a * left[0]
        pivot = -main[0]
        main[0] -= pivot
        main[-1] -= into_first * into_last / pivot
        border = np.zeros(b.size)
        border[0], border[-1] = pivot, into_last
        both = np.asarray(dgtsv(lower, main, upper, np.stack([b, border], axis=1))[3])
        x, z = both[:, 0], both[:, 1]
        weight = into_first / pivot
        return np.asarray(x - (x[0] + weight * x[-1]) / (1.0 + z[0] + weight * z[-1]) * z)

    @functools.cached_property
    def matrix(self) -> Any:
        """As a scipy.sparse CSC array on flattened vectors."""
        from scipy.sparse import csc_array, diags_array

        index = np.arange(self.diagonal.size).reshape(self.diagonal.shape)
        rows, columns, values = [], [], []
        for axis, ring in enumerate(self.rings):
            cells = np.moveaxis(index, axis, 0)
            right, left = (np.moveaxis(part[axis], axis, 0) for part in (self.right, self.left))
            pairs = [(cells[:-1], cells[1:], right[1:-1], left[1:-1])]
            if ring:
                pairs.append((cells[-1:], cells[:1], right[:1], left[:1]))
            for before, after, ahead, back in pairs:
                rows += [after.ravel(), before.ravel()]
                columns += [before.ravel(), after.ravel()]
                values += [ahead.ravel(), back.ravel()]
        size = self.diagonal.size
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return csc_array(csc_array(entries, shape=(size, size)) + diags_array(self.diagonal.ravel(), format="csc"))

    def _in_plane(self, a: float) -> Any:
        from scipy.sparse import csc_array, eye_array
        from scipy.sparse.linalg import splu

        held = self.__dict__.get("_factored")
        if held is None or held[0] != a:
            whole = csc_array(eye_array(self.diagonal.size, format="csc") - a * self.matrix)
            held = a, splu(whole, permc_spec="MMD_AT_PLUS_A")
            self.__dict__["_factored"] = held
        return held[1]


def _inner(rates: tuple[Array, ...], rings: tuple[bool, ...]) -> tuple[Array, ...]:
    """Rates without those through the ends."""
    found = []
    for axis, (part, ring) in enumerate(zip(rates, rings, strict=True)):
        whole = part.copy()
        if not ring:
            np.moveaxis(whole, axis, 0)[[0, -1]] = 0.0
        found.append(whole)
    return tuple(found)


def _leaving(jumps: Jumps) -> Array:
    """Rates at which the cells are left, through inner faces."""
    total = np.zeros(jumps.shape)
    for axis, (ahead, back) in enumerate(
        zip(_inner(jumps.forward, jumps.rings), _inner(jumps.backward, jumps.rings), strict=True)
    ):
        out = np.moveaxis(total, axis, 0)
        out += np.moveaxis(ahead, axis, 0)[1:]
        out += np.moveaxis(back, axis, 0)[:-1]
    return total
