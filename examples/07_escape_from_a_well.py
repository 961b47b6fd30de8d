"""
Escape from a well, slower than any simulation could wait
=========================================================

A particle in a double well of unit frequency, U = x⁴/4 − x²/2, waits for the noise to lift it over the barrier of
height 1/4. At T = 0.005 that takes 10²² times as long as it takes to relax inside a well: no run in time gets there.
The operator knows the answer without a run, in three ways that must agree.

The smallest non-zero relaxation rate is an eigenvalue of the operator; the mean first-passage time to the barrier
solves its adjoint; and, on the line, the same time is a double integral. Kramers' formula is what the integral becomes
for high barriers: its relative error is of order T, and we watch it vanish.
"""

import numpy as np
from scipy.integrate import quad

import fpsolve as fp

BARRIER = 0.25


def energy(x: float) -> float:
    return 0.25 * x**4 - 0.5 * x**2


def mean_time(temperature: float) -> float:
    """From the bottom at -1 to the top at 0: the integral of exp(U(y)/T) times that of exp(-U/T) below y, over T."""

    def below(y: float) -> float:
        return quad(lambda x: np.exp(-(energy(x) + BARRIER) / temperature), -2.0, y, points=[-1.0], limit=200)[0]

    outer = quad(lambda y: np.exp(energy(y) / temperature) * below(y), -1.0, 0.0, epsrel=1e-9, limit=200)[0]
    return outer * np.exp(BARRIER / temperature) / temperature


def kramers(temperature: float) -> float:
    """Rate over the barrier, from the curvatures 2 at the bottom and -1 at the top."""
    return np.sqrt(2.0 * 1.0) / (2.0 * np.pi) * np.exp(-BARRIER / temperature)


def main(plot: bool = False) -> None:
    temperatures = (0.1, 0.05, 0.02, 0.01, 0.005)
    rows = []
    print("    T      slowest rate   1 / quadrature   2 x Kramers   error of Kramers")
    for temperature in temperatures:
        problem = fp.FokkerPlanck(fp.Quartic(1.0, 1.0), temperature)
        slowest = []
        for cells in (401, 1203):  # odd, so that the top of the barrier is the centre of a cell
            generator = fp.operator(problem, fp.Grid.line(-2.0, 2.0, cells))
            slowest.append(generator.relaxation(2).rates[1])
        rate = (9.0 * slowest[1] - slowest[0]) / 8.0  # Richardson: the error is of second order
        exact, formula = 1.0 / mean_time(temperature), 2.0 * kramers(temperature)  # at the top, half of them turn back
        rows.append((temperature, rate, exact, formula))
        print(f"{temperature:7.3f}   {rate:.8e}   {exact:.8e}   {formula:.5e}   {formula / rate - 1.0:+.4f}")
        # the time to the top tells the rate apart from that inside a well by exp(-barrier/T) only
        assert abs(rate / exact - 1.0) < 1e-5 + 2.0 * np.exp(-BARRIER / temperature)
        assert 0.0 < formula / rate - 1.0 < 3.0 * temperature

    # the operator's own first-passage time: the centre of this cell is the top
    passage = generator.mean_first_passage(lambda x: x > -1e-9)
    start = int(np.argmin(np.abs(generator.grid.centres + 1.0)))
    assert abs(passage[start] * slowest[1] - 1.0) < 1e-8
    print(f"at T = {temperature} the particle waits {passage[start]:.3e}; relaxation in a well takes {1 / 2.0}")
    if plot:
        import matplotlib.pyplot as plt

        T, rate, _, formula = np.array(rows).T
        figure, axes = plt.subplots(layout="constrained")
        axes.loglog(T, formula / rate - 1.0, "o-", label="Kramers / exact − 1")
        axes.loglog(T, 1.5 * T, "--", label="3 T / 2")
        axes.set(xlabel="T", ylabel="relative error")
        axes.legend()
        figure.savefig("escape.png")


if __name__ == "__main__":
    main(plot=True)
