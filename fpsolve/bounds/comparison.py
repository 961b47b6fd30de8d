"""How two measured sides become a relation."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fpsolve.estimates import Estimate, Relation
from fpsolve.quadrature import Array
from fpsolve.thermodynamics.measurement import Measurement


def tightest_instant(
    name: str,
    equation: str,
    m: Measurement,
    lhs: tuple[Array, Array],
    rhs: tuple[Array, Array],
    *,
    times: Array | None = None,
    equality: bool = False,
) -> Relation:
    """The relation at the instant where its margin, relative to the larger side, is least.

    Parameters
    ----------
    name, equation : str
        Name and equation number.
    m : Measurement
        Where the sides come from.
    lhs, rhs : pairs of (n,) arrays
        Values and error bars of both sides.
    times : (n,) array, optional
        Instants, if not those of the measurement.
    equality : bool
        Whether the two sides are claimed to be equal.
    """
    times = m.times if times is None else times
    size = np.maximum(np.abs(lhs[0]), np.abs(rhs[0]))
    error = lhs[1] + rhs[1]
    margin = rhs[0] - lhs[0]
    margin = -np.abs(margin) if equality else margin
    usable = np.isfinite(margin) & np.isfinite(error) & (size > 0.0)
    if not np.any(usable):
        return Relation.undefined(name, equation, "no instant at which both sides have a value")
    # an instant at which everything nearly vanishes decides nothing, unless it is a violation
    telling = usable & ((size > 1e-3 * float(np.max(size[usable]))) | (margin < -error))
    # most violated first, beyond its bar; among those within their bars the least margin
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(telling, (margin + np.where(margin < 0, error, 0.0)) / size, np.inf)
    i = int(np.argmin(score))
    note = " ".join(part for part in (f"at t = {times[i]:.6g}", m.note) if part)
    sides = float(lhs[0][i]), float(rhs[0][i]), float(error[i])
    return Relation(name, equation, *sides, equality=equality, tolerance=m.tolerance, note=note)


def tightest_link(
    name: str, equation: str, m: Measurement, links: Iterable[tuple[str, Estimate, Estimate]]
) -> Relation:
    """The link of a chain of inequalities whose margin, relative to its larger side, is least.

    Parameters
    ----------
    links : iterable of (description, smaller side, larger side)
    """
    rows = list(links)
    for text, low, high in rows:
        for side in (low, high):
            if not side.finite:
                return Relation.undefined(name, equation, f"{text}: {side.why or 'a side has no value'}")
    relations = [
        Relation(
            name,
            equation,
            low.value,
            high.value,
            low.error + high.error,
            tolerance=m.tolerance,
            note=" ".join(part for part in (text, m.note) if part),
        )
        for text, low, high in rows
    ]
    worst = {"violated": 0, "undecided": 1, "undefined": 1, "holds": 2}
    return min(relations, key=lambda r: (worst[r.verdict], r.margin / max(abs(r.lhs), abs(r.rhs), 1e-300)))
