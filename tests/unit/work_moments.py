"""Moments of the work in traps, by closed forms and ordinary differential equations: no grid, no generator."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp


def inside(dataset, **exact):
    """Every value within its bar of the exact one."""
    for name, value in exact.items():
        gap = np.max(np.abs(dataset[name].values - value) - dataset[f"{name}_error"].values)
        assert gap <= 0.0, f"{name}: {dataset[name].values} against {value}, bar {dataset[f'{name}_error'].values}"


def dragged(stiffness, speed, temperature, time):
    """Mean and variance of the work in a dragged trap that was in equilibrium."""
    mean = speed**2 * time - speed**2 / stiffness * -np.expm1(-stiffness * time)
    return mean, 2.0 * temperature * mean


def trap_moments(first, last, speed, temperature, duration, mean, variance):
    """Mean and variance of the work in a moved and stiffened trap, by the equations of E[y^n] and E[W y^n]."""
    growth = (last - first) / duration

    def rates(t, s):
        k = first + growth * t
        y, a = [1.0, *s[:4]], s[4:7]

        def moved(m, n):
            spread = temperature * n * (n - 1) * m[n - 2] if n > 1 else 0.0
            return n * (-k * m[n] - speed * m[n - 1]) + spread

        power = [0.5 * growth * y[n + 2] - k * speed * y[n + 1] for n in range(3)]
        joint = [power[0], moved(a, 1) + power[1], moved(a, 2) + power[2]]
        return [*(moved(y, n) for n in range(1, 5)), *joint, growth * a[2] - 2.0 * k * speed * a[1]]

    fourth = mean**4 + 6.0 * mean**2 * variance + 3.0 * variance**2
    begin = [mean, mean**2 + variance, mean**3 + 3.0 * mean * variance, fourth, 0.0, 0.0, 0.0, 0.0]
    end = solve_ivp(rates, [0.0, duration], begin, rtol=1e-12, atol=1e-13).y[:, -1]
    return end[4], end[7] - end[4] ** 2
