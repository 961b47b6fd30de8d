"""
The response ignores the schedule
=================================

Three schedules run from the same data to the same noise: cosine, conditional optimal transport, and one made up here.
They pass through different densities at different speeds and their costs differ. The response η does not.

Two flows on the line cannot overtake themselves, so whatever the path, the flow from noise to data is the monotone map
between the two. We check that in two ways: by following a few points with somebody else's integrator, and by η.
"""

import itertools

import numpy as np
from scipy.integrate import solve_ivp

import fpsolve as fp

DATA = fp.GaussianMixture(means=(-1.0, 0.8), stds=(0.2, 0.4), weights=(0.3, 0.7))
START = fp.Gaussian(mean=0.4, std=0.8)


def own_schedule() -> fp.ArraySchedule:
    """A schedule from numbers: signal and noise at given times."""
    t = np.linspace(0.0, 1.0, 41)
    return fp.ArraySchedule(t=tuple(t), m=tuple(np.sqrt(1.0 - t)), sigma=tuple(np.sqrt(t)))


def carried_back(schedule: fp.Schedule, points: np.ndarray) -> np.ndarray:
    """Where the flow takes points of the noise, by Runge-Kutta integration of dx/dt = velocity."""
    process = fp.Case(DATA, schedule).process
    ends = schedule.tau * (1.0 - 1e-9), 1e-9
    run = solve_ivp(process.velocity, ends, points, method="DOP853", rtol=1e-10, atol=1e-12)
    return run.y[:, -1]


def main(plot: bool = False) -> None:
    schedules = {"cosine": fp.Cosine(), "cond-ot": fp.ConditionalOptimalTransport(), "own": own_schedule()}

    noise = fp.Gaussian(0.0, 1.0)
    points = np.linspace(-2.0, 2.0, 9)
    monotone = DATA.quantile(noise.cdf(points), noise.sf(points))
    results = {}
    for name, schedule in schedules.items():
        arrived = carried_back(schedule, points)
        assert np.allclose(arrived, monotone, atol=2e-4 if name == "own" else 1e-6), name
        forward = fp.diffuse(DATA, schedule)
        results[name] = fp.speed_accuracy(forward, fp.generate(forward, START))
        print(f"{name:8}", *(f"{key} = {results[name][key]}" for key in ("eta", "c1", "c2")), sep="   ")

    first = results["cosine"]
    for result in results.values():
        assert abs(result["eta"].value - first["eta"].value) <= result["eta"].error + first["eta"].error
    costs = sorted(result["c2"].value for result in results.values())
    assert all(later > 1.02 * earlier for earlier, later in itertools.pairwise(costs))
    if plot:
        from fpsolve.plots import bounds_figure

        bounds_figure({"N(0.4, 0.8²)": results}).savefig("schedules.png")


if __name__ == "__main__":
    main(plot=True)
