"""
A trap dragged through water: work, heat, and paths that seem to break the second law
=====================================================================================

A colloidal particle sits in a harmonic trap of stiffness k, in equilibrium; then the trap moves at speed v, as in the
first experiments with optical tweezers. The ledger of the solution tells the mean work, what of it the bath takes as
heat, and the entropy that is produced; all have closed forms.

Single paths differ: the work fluctuates, and its variance is 2T times its mean. Some paths even take work out. The
average of exp(-W/T) over all paths is exactly one (Jarzynski), since the free energy of the trap does not change. No
path is drawn here: the averages solve equations of their own, so that they come with error bars, not with noise.
"""

import math

import numpy as np

import fpsolve as fp

K, V, T, END = 2.0, 1.5, 0.7, 2.0


def main(plot: bool = False) -> None:
    trap = fp.FokkerPlanck(fp.HarmonicTrap(K, speed=V), temperature=T)
    times = np.linspace(0.0, END, 41)
    books = fp.ledger(fp.solve(trap, fp.Equilibrium(), times))

    # the particle lags behind the trap, and the trap pulls it
    lag = -V / K * np.expm1(-K * times)
    work, energy = V * V * times - V * lag, 0.5 * K * lag**2
    exact = {"work": work, "heat": energy - work, "entropy_production": (work - energy) / T}
    exact["entropy_production_rate"] = (K * lag) ** 2 / T
    for name, values in exact.items():
        error = np.abs(books[name].values - values)
        assert np.all(error <= books[f"{name}_error"].values) and np.max(error) < 1e-5
        print(f"{name:24s} {float(books[name][-1]):.8f}, error {np.max(error):.1e}")

    # all paths at once
    theta = np.linspace(0.0, 1.0, 5)
    paths = fp.work_statistics(trap, fp.Equilibrium(), times, theta=theta)
    mean = work[-1]
    for name, value in {"work_mean": mean, "work_variance": 2.0 * T * mean, "jarzynski": 1.0}.items():
        error = abs(float(paths[name]) - value)
        assert error <= float(paths[f"{name}_error"]) and error < 1e-5
        print(f"{name:24s} {float(paths[name]):.8f}, error {error:.1e}")

    # work is normally distributed here, which makes its generating function symmetric about 1/2
    generating = paths["generating_function"].values
    error = np.abs(generating - np.exp(-theta * (1.0 - theta) * mean / T))
    assert np.all(error <= paths["generating_function_error"].values) and np.max(error) < 1e-3
    assert math.isclose(generating[1], generating[3], rel_tol=1e-4)
    against = 0.5 * math.erfc(0.5 * math.sqrt(mean / T))
    print(f"{100.0 * against:.1f}% of the paths give work to the trap; in the mean it spends {mean:.4f}")
    if plot:
        fp.plot(books).savefig("dragged_trap.png")


if __name__ == "__main__":
    main(plot=True)
