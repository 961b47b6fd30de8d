"""Rates of a forward process at given times, as integrals over its slices."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import legendre

from fpsolve.processes import Process, Slices
from fpsolve.quadrature import NODES, POINTS, Array

#: name -> (values, error bars), each of shape (times,)
Series = dict[str, tuple[Array, Array]]


def flow_rates(slices: Slices) -> Series:
    """Speeds and moments of the flow.

    Parameters
    ----------
    slices : Slices
        Nodes of the forward process.

    Returns
    -------
    dict of (values, error bars), each of shape (times,)
        ``dissipation``: T S' = ∫ ν² P dx (36), on the line also v₂² (67); ``v1``: ∫ |ν| P dx; ``mean``, ``mean_rate``,
        ``second_moment``, ``second_moment_rate``: E[x], E[x²] and their rates (73).
    """
    flux, flow = slices.pdf, slices.pdf * slices.velocity
    integrands = {
        "dissipation": flow * slices.velocity,
        "mean": slices.x * flux,
        "mean_rate": flow,
        "second_moment": slices.x**2 * flux,
        "second_moment_rate": 2.0 * slices.x * flow,
    }
    rates = {name: with_rounding(slices, integrand) for name, integrand in integrands.items()}
    return rates | {"v1": integral_of_modulus(slices, flow)}


def integral_of_modulus(slices: Slices, integrand: Array) -> tuple[Array, Array]:
    """Integral of |g| at each time, panels in which g changes sign cut at the root of their interpolant."""
    value, _ = slices.integrate(np.abs(integrand))
    _, bar = slices.integrate(integrand)
    total = value.copy()
    rows = integrand.reshape(-1, POINTS)
    turning = np.flatnonzero((rows.min(axis=1) < 0.0) & (rows.max(axis=1) > 0.0))
    owner = np.searchsorted(slices.starts // POINTS, turning, side="right") - 1
    half = 0.5 * np.sum(slices.kronrod.reshape(-1, POINTS)[turning], axis=1)
    plain = np.sum((slices.kronrod * np.abs(integrand)).reshape(-1, POINTS)[turning], axis=1)
    exact, rough = modulus_on_panels(rows[turning]) * half, modulus_on_panels(rows[turning], every=2) * half
    np.add.at(total, owner, exact - plain)
    np.add.at(bar, owner, np.abs(exact - rough))
    return total, bar + slices.precision * value


def modulus_on_panels(rows: Array, every: int = 1) -> Array:
    """Integral over [-1, 1] of |g| from its values at the panel nodes, cut at a root of their interpolant."""
    start = every - 1
    nodes = NODES[start::every]
    coefficients = np.linalg.solve(legendre.legvander(nodes, nodes.size - 1), rows[:, start::every].T)
    low, high = -np.ones(rows.shape[0]), np.ones(rows.shape[0])
    first = legendre.legval(low, coefficients, tensor=False) > 0.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        before = (legendre.legval(middle, coefficients, tensor=False) > 0.0) == first
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    primitive = legendre.legint(coefficients, lbnd=-1.0)
    upto, whole = (legendre.legval(x, primitive, tensor=False) for x in (low, np.ones_like(low)))
    return np.abs(upto) + np.abs(whole - upto)


def entropy_rates(process: Process, slices: Slices, times: Array) -> Series:
    """System and bath entropy change rates over total (37)-(39), where the process knows score and force.

    Returns
    -------
    dict
        ``system``: dS/dt = -∫ ν P ∂ₓ ln P dx; ``bath``: (1/T) ∫ f ν P dx. Empty where there is no closed form.
    """
    counts = np.diff(slices.starts).astype(int)
    pull = process.force_over_temperature(np.repeat(times, counts), slices.x)
    if pull is None or slices.score is None:
        return {}
    flow = slices.pdf * slices.velocity
    with np.errstate(invalid="ignore"):  # at t = 0 itself a force over no temperature, or a score of no density
        system, bath = -flow * slices.score, flow * pull
    return {"system": with_rounding(slices, system), "bath": with_rounding(slices, bath)}


def with_rounding(slices: Slices, integrand: Array, size: Array | None = None) -> tuple[Array, Array]:
    """Integral at each time; the bar is the nested rules' disagreement plus rounding of terms of the given size."""
    value, gap = slices.integrate(integrand)
    total, _ = slices.integrate(np.abs(integrand) if size is None else size)
    return value, gap + slices.precision * total


def transport_speed(process: Process, t: float, labels: Array) -> dict[str, tuple[float, float]]:
    """Speed in W₂ from the densities alone (66): the quantiles' own displacement, by fourth-order differences in time.

    Nothing of the velocity enters the speed, so comparing it with the dissipation is a test.

    Returns
    -------
    dict of (value, error bar)
        ``v2_squared``: lim W₂(P_t, P_{t+Δ})² / Δ²; ``projection``: ∂_t E[φ] for the optimal observable φ' = ν (75);
        ``dissipation``: ∫ ν² P dx at this time.
    """
    slices = process.slices(np.array([t]), labels)
    _, cdf, sf = process.density(t).tails(slices.x)

    def displacement(step: float) -> Array:
        with np.errstate(invalid="ignore"):  # tails that underflow have no quantile
            near, far = (
                process.density(t + k * step).quantile(cdf, sf) - process.density(t - k * step).quantile(cdf, sf)
                for k in (1.0, 2.0)
            )
            return (8.0 * near - far) / (12.0 * step)

    step = _clear_step(process.knots(), t, 0.02 * min(t, process.tau - t))
    moved = [displacement(step), displacement(0.5 * step)]
    spread = float(slices.integrate(slices.pdf * slices.x**2)[0][0])
    known = np.isfinite(moved[0]) & np.isfinite(moved[1])
    result: dict[str, tuple[float, float]] = {}
    for name, power in (("v2_squared", 2), ("projection", 1)):
        sums = []
        for each in moved:
            speed = np.where(known, each, slices.velocity)
            partner = speed if power == 2 else slices.velocity
            sums.append(with_rounding(slices, slices.pdf * speed * partner))
        fine, bar = sums[1]
        # rounding of the quantiles, magnified by the division by the step
        noise = 64 * np.finfo(float).eps / step * np.sqrt(spread * abs(float(fine[0])))
        result[name] = float(fine[0]), abs(float(fine[0] - sums[0][0][0])) + float(bar[0]) + noise
    value, bar = with_rounding(slices, slices.pdf * slices.velocity**2)
    result["dissipation"] = float(value[0]), float(bar[0])
    return result


def _clear_step(kinks: Array, t: float, step: float) -> float:
    """A step whose stencil (two either way) meets no kink of the process."""
    room = float(np.min(np.abs(kinks - t))) if kinks.size else np.inf
    return min(step, 0.45 * room) if room > 0.0 else step
