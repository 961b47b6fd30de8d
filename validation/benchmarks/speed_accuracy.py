"""A whole speed-accuracy experiment: time of the paper's twelve cases, and time and error of the same by hand in SciPy.

    python -m validation.benchmarks.speed_accuracy [--small] [--json]

An experiment is ``diffuse``, ``generate`` and ``speed_accuracy`` on 500 cells and 100 stored intervals: fields, ten
quantities with error bars, fourteen relations. Its time is CPU seconds of all threads, warm, the median of repeats.

By hand, for the case ``mean/cosine`` and only eta, c1 and c2, without error bars, in two ways:

* *particles*: quantiles of the start are carried back by ``solve_ivp``, P_t is cell masses from ``scipy.stats``, W_1
  is ``wasserstein_distance``, and integrals over time are trapezoids over the 101 stored instants;
* *panels*: what an expert writes who knows that P~/P is constant along the flow. Gauss nodes of the noise are carried
  back to Gauss nodes in time, and each integral over x is one over the noise. The velocity is in closed form.

Errors are relative to our values, whose bars stand beside them. ``ratio`` is CPU(by hand) / CPU(ours), and null unless
all three errors are at most ``MATCHED``; ``times_ours`` is the same quotient whatever the error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import quad, solve_ivp
from scipy.stats import norm, wasserstein_distance

import fpsolve as fp
from fpsolve.experiments import paper_cases
from validation.benchmarks.transport_line import cpu_seconds, versions
from validation.command import benchmark

Array = np.ndarray
Row = dict[str, Any]

#: CPU seconds that one case may take
TARGET = 0.2
#: relative error of eta, c1 and c2 below which two ways of computing them are compared: the eight digits we promise
MATCHED = 1e-8
COMPARED = "mean/cosine"
NAMES = ("eta", "c1", "c2")

PEAK, STD, START = math.sqrt(0.35), 0.3, 1.0


def experiment(case: fp.Case) -> fp.SpeedAccuracy:
    """The four steps, as a user takes them."""
    forward = fp.diffuse(case.data, case.schedule, cells=case.cells, steps=case.steps)
    return fp.speed_accuracy(forward, fp.generate(forward, case.start))


def parts(case: fp.Case, repeats: int) -> dict[str, float]:
    """CPU seconds of each step."""
    forward = fp.diffuse(case.data, case.schedule, cells=case.cells, steps=case.steps)
    generated = fp.generate(forward, case.start)
    calls: dict[str, Callable[[], Any]] = {
        "diffuse": lambda: fp.diffuse(case.data, case.schedule, cells=case.cells, steps=case.steps),
        "generate": lambda: fp.generate(forward, case.start),
        "speed_accuracy": lambda: fp.speed_accuracy(forward, generated),
    }
    return {name: cpu_seconds(call, repeats) for name, call in calls.items()}


def levels(t: float) -> tuple[float, float, float, float]:
    """Signal, noise and their rates of the cosine schedule, tau = 1."""
    angle = 0.5 * math.pi * t
    m, sigma = math.cos(angle), math.sin(angle)
    return m, sigma, -0.5 * math.pi * sigma, 0.5 * math.pi * m


def state(t: float, x: Array) -> tuple[Array, Array]:
    """Density of the forward process and its velocity m' E[y|x] + sigma' E[e|x], for two equal Gaussian peaks."""
    m, sigma, m_rate, sigma_rate = levels(t)
    variance = (m * STD) ** 2 + sigma**2
    right, left = x - m * PEAK, x + m * PEAK
    one, two = np.exp(-0.5 * right**2 / variance), np.exp(-0.5 * left**2 / variance)
    weight = one / (one + two)
    # each component drifts with its mean and stretches with its width
    stretch = (m * m_rate * STD**2 + sigma * sigma_rate) / variance
    velocity = m_rate * PEAK * (2.0 * weight - 1.0) + stretch * (weight * right + (1.0 - weight) * left)
    return 0.5 * (one + two) / math.sqrt(2.0 * math.pi * variance), velocity


def masses(t: float, edges: Array) -> Array:
    """Cell masses of the forward process from SciPy's normal distribution."""
    m, sigma, _, _ = levels(t)
    std = math.hypot(m * STD, sigma)
    return np.diff(0.5 * (norm.cdf(edges, m * PEAK, std) + norm.cdf(edges, -m * PEAK, std)))


def by_particles(count: int, steps: int) -> dict[str, float]:
    """Eta, c1, c2 from particles of the start and cells of the forward process."""
    times = np.linspace(0.0, 1.0, steps + 1)
    points = norm.ppf((np.arange(count) + 0.5) / count, START, 1.0)
    options = {"method": "DOP853", "rtol": 1e-8, "atol": 1e-8}
    paths = solve_ivp(lambda t, x: state(t, x)[1], (1.0, 0.0), points, t_eval=times[::-1], **options).y[:, ::-1]
    edges = np.linspace(-7.0, 7.0, count + 1)
    centres = 0.5 * (edges[1:] + edges[:-1])
    distance, action = np.empty(times.size), np.empty(times.size)
    for i, t in enumerate(times):
        mass = masses(t, edges)
        distance[i] = wasserstein_distance(paths[:, i], centres, v_weights=mass)
        action[i] = np.sum(state(t, centres)[1] ** 2 * mass)
    error = quad(lambda x: (norm.pdf(x) - norm.pdf(x, START, 1.0)) ** 2 / norm.pdf(x), -10.0, 12.0)[0]
    loss = np.gradient(distance, times) ** 2 / error
    return {
        "eta": (distance[0] - distance[-1]) ** 2 / error,
        "c1": float(np.trapezoid(loss, times)),
        "c2": float(np.trapezoid(action, times)),
    }


def gauss_panels(edges: Array, degree: int) -> tuple[Array, Array]:
    """Nodes and weights of a Gauss rule on each panel."""
    nodes, weights = np.polynomial.legendre.leggauss(degree)
    half = 0.5 * np.diff(edges)[:, None]
    return (0.5 * (edges[1:] + edges[:-1])[:, None] + half * nodes).ravel(), (half * weights).ravel()


def by_panels(in_x: int, in_t: int) -> dict[str, float]:
    """Eta, c1, c2 from Gauss nodes of the noise, carried back to Gauss nodes in time."""
    # the start reaches farther right; F~ - F has no zero, and P~/P is constant along the flow
    label, weight = gauss_panels(np.linspace(-8.0, 9.5, in_x + 1), 12)
    times, time_weight = gauss_panels(np.linspace(0.0, 1.0, in_t + 1), 12)
    every = np.concatenate([[0.0], times, [1.0]])
    options = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-11}
    paths = solve_ivp(lambda t, x: state(t, x)[1], (1.0, 0.0), label, t_eval=every[::-1], **options).y[:, ::-1]
    noise, start = norm.pdf(label), norm.pdf(label, START, 1.0)
    lead = np.where(label < 0.5, norm.cdf(label) - norm.cdf(label, START, 1.0), 0.0)
    lead = np.where(label < 0.5, lead, norm.sf(label, START, 1.0) - norm.sf(label))
    distance, rate, action = np.empty((3, every.size))
    for i, t in enumerate(every):
        density, velocity = state(t, paths[:, i])
        distance[i] = np.sum(weight * lead * noise / density)  # dx = (P_tau / P_t) dz
        rate[i] = np.sum(weight * velocity * (start - noise))
        action[i] = np.sum(weight * velocity**2 * noise)
    error = float(np.sum(weight * (start - noise) ** 2 / noise))
    return {
        "eta": (distance[0] - distance[-1]) ** 2 / error,
        "c1": float(time_weight @ rate[1:-1] ** 2) / error,
        "c2": float(time_weight @ action[1:-1]),
    }


def compare(case: fp.Case, small: bool, repeats: int) -> dict[str, Any]:
    """Ours and both ways by hand, on one case."""
    result = experiment(case)
    ours = cpu_seconds(lambda: experiment(case), repeats)
    exact = {name: result[name] for name in NAMES}
    rows = []
    for count in (200,) if small else (500, 2000, 5000):
        rows.append((f"SciPy, {count} particles", lambda count=count: by_particles(count, case.steps)))
    for in_x, in_t in ((24, 2),) if small else ((24, 2), (48, 2), (96, 2)):
        name = f"SciPy, {12 * in_x} x {12 * in_t} Gauss nodes"
        rows.append((name, lambda in_x=in_x, in_t=in_t: by_panels(in_x, in_t)))
    return {
        "case": COMPARED,
        "ours": {
            "cpu_seconds": ours,
            "value": {name: estimate.value for name, estimate in exact.items()},
            "relative_bar": {name: estimate.error / estimate.value for name, estimate in exact.items()},
        },
        "rows": [by_hand(name, call, exact, ours, repeats) for name, call in rows],
    }


def by_hand(name: str, call: Callable[[], dict[str, float]], exact: dict[str, fp.Estimate], ours: float, n: int) -> Row:
    """Time and errors of one way by hand."""
    found = call()
    errors = {key: abs(found[key] / estimate.value - 1.0) for key, estimate in exact.items()}
    seconds = cpu_seconds(call, n)
    worst = max(errors.values())
    row: Row = {"method": name, "cpu_seconds": seconds, "relative_error": errors, "times_ours": seconds / ours}
    row["ratio"] = seconds / ours if worst <= MATCHED else None
    if row["ratio"] is None:
        row["why"] = f"its worst error, {worst:.0e}, is above {MATCHED:.0e}; ours is below"
    return row


def run(small: bool) -> dict[str, Any]:
    cases = paper_cases(cells=100, steps=10) if small else paper_cases(cells=500, steps=100)
    chosen = {name: case for name, case in cases.items() if not small or name in (COMPARED, "uniform/cond-ot")}
    repeats = 1 if small else 5
    rows = []
    for name, case in chosen.items():
        seconds = cpu_seconds(lambda case=case: experiment(case), repeats)
        within = seconds <= TARGET
        rows.append({"case": name, "cpu_seconds": seconds, "within_target": within, "parts": parts(case, repeats)})
    return {
        "benchmark": "speed_accuracy",
        "versions": versions("fpsolve", "numpy", "scipy", "numba", "xarray"),
        "cells": cases[COMPARED].cells,
        "steps": cases[COMPARED].steps,
        "target_seconds": TARGET,
        "cases": rows,
        "comparison": compare(cases[COMPARED], small, repeats),
    }


def table(result: dict[str, Any]) -> str:
    lines = [f"{result['cells']} cells, {result['steps']} stored intervals; target {TARGET:g} CPU seconds a case", ""]
    lines.append(f"{'case':28s} {'CPU/s':>7s} {'of target':>9s}  of which")
    for row in result["cases"]:
        steps = ", ".join(f"{name} {seconds:.3f}" for name, seconds in row["parts"].items())
        lines.append(f"{row['case']:28s} {row['cpu_seconds']:7.3f} {row['cpu_seconds'] / TARGET:9.0%}  {steps}")
    comparison = result["comparison"]
    ours = comparison["ours"]
    head = "".join(f"{'error ' + name:>11s}" for name in NAMES)
    lines += ["", f"{comparison['case']:28s} {'CPU/s':>7s}{head} {'x ours':>7s} {'ratio':>6s}"]
    bars = "".join(f"{ours['relative_bar'][name]:11.1e}" for name in NAMES)
    lines.append(f"{'fpsolve (its bars)':28s} {ours['cpu_seconds']:7.3f}{bars}")
    for row in comparison["rows"]:
        errors = "".join(f"{row['relative_error'][name]:11.1e}" for name in NAMES)
        end = f"{row['ratio']:6.2f}" if row["ratio"] is not None else f"{'-':>6s}  {row['why']}"
        lines.append(f"{row['method']:28s} {row['cpu_seconds']:7.3f}{errors} {row['times_ours']:7.2f} {end}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    what = "one speed-accuracy experiment against the same by hand in SciPy"
    small = "two cases on a small grid, a few seconds"
    return benchmark(run, table, what, small, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
