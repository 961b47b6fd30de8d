"""
Relaxation, and how fast it may be
==================================

A Gaussian relaxes in a harmonic trap. Nothing does work, nothing drives: every nat of entropy produced is one that the
relative entropy to the equilibrium loses, -dD/dt = S'. Mean and width are known, hence so is everything else.

The same run is a race between densities. Its duration times its dissipation is at least duration times the squared
speed, that at least the squared length of the path, that at least the squared distance of the ends: a staircase, whose
steps tell where a faster or cheaper way is lost. And no observable runs ahead of the density: its rate, squared, is at
most the mean square of its slope times the squared speed of the density. The mean position is nearly as fast.
"""

import numpy as np

import fpsolve as fp

K, T, MEAN, STD, END = 1.0, 0.5, 1.5, 0.3, 2.0


def main(plot: bool = False) -> None:
    exact = fp.problems.ornstein_uhlenbeck(K, T, MEAN, STD)
    times = np.linspace(0.0, END, 41)
    solution = fp.solve(exact.problem, exact.start, times, accuracy=1e-6)
    result = fp.trade_offs(solution)
    books = result.data

    m, variance = MEAN * np.exp(-K * times), STD**2 * np.exp(-2.0 * K * times) - T / K * np.expm1(-2.0 * K * times)
    std = np.sqrt(variance)
    speed = np.hypot(K * m, (T - K * variance) / std)
    divergence = 0.5 * (K * (m**2 + variance) / T - 1.0 - np.log(K * variance / T))
    for name, values in {"v2": speed, "entropy_production_rate": speed**2 / T, "divergence": divergence}.items():
        error = np.abs(books[name].values - values)
        assert np.all(error <= books[f"{name}_error"].values) and np.max(error) < 1e-5
        print(f"{name:24s} largest error {np.max(error):.1e}")

    # -dD/dt = S', as rates and in total
    lost = divergence[0] - divergence
    assert np.allclose(books["entropy_production"].values, lost, rtol=0.0, atol=1e-6)
    slope = -np.gradient(books["divergence"].values, times, edge_order=2)
    assert np.allclose(slope[5:-1], books["entropy_production_rate"].values[5:-1], rtol=0.02)

    # the staircase (68)
    steps = {
        "tau int T S' dt": END * T * result["entropy_production"].value,
        "tau int v2² dt": END * float(books["action"][-1]),
        "L²": result["path_length"].value ** 2,
        "W2²": result["W2"].value ** 2,
    }
    print("  >=  ".join(f"{name} = {value:.6f}" for name, value in steps.items()))
    first, *others = steps.values()
    assert abs(first - others[0]) < 1e-5  # on the line nothing is dissipated without moving mass
    assert others[0] > others[1] > others[2]
    assert abs(steps["W2²"] - ((m[-1] - m[0]) ** 2 + (std[-1] - std[0]) ** 2)) < 1e-6

    # uncertainty: an observable against the density
    quality = {
        "x": books["mean_rate"].values ** 2 / books["v2"].values ** 2,
        "x²": books["second_moment_rate"].values ** 2 / (4.0 * books["second_moment"] * books["v2"] ** 2).values,
    }
    for name, values in quality.items():
        assert np.all(values <= 1.0 + 1e-6)
        print(f"(d<{name}>/dt)² is {values[0]:.3f} of its limit at the start, {values[-1]:.3f} at the end")
    assert np.allclose(quality["x"], (K * m) ** 2 / speed**2, atol=1e-6)
    assert all(result.relation(name).verdict == "holds" for name in ("speed-limit-hierarchy", "uncertainty-x"))
    if plot:
        fp.plot(result).savefig("relaxation.png")


if __name__ == "__main__":
    main(plot=True)
