"""
The geodesic is the cheapest
============================

No process carries the data to the noise in the time τ for less than W₂²/τ, the squared Wasserstein distance over the
time. Optimal transport, the geodesic run at constant speed, costs exactly that. It has a second distinction: the
distance between its two processes changes linearly in time, so its c₁ is the response η itself and the first bound is
tight.
"""

import numpy as np

import fpsolve as fp


def main(plot: bool = False) -> None:
    tau = 2.0
    data = fp.GaussianMixture(means=(-1.0, 0.2, 1.4), stds=(0.2, 0.5, 0.1), weights=(0.3, 0.5, 0.2))
    start = fp.Gaussian(mean=-0.3, std=0.9)
    schedules = {
        "cosine": fp.Cosine(tau=tau),
        "cond-ot": fp.ConditionalOptimalTransport(tau=tau),
        "optimal transport": fp.OptimalTransport(target=fp.Gaussian(0.0, 1.0), tau=tau),
    }
    results = {}
    for name, schedule in schedules.items():
        forward = fp.diffuse(data, schedule, cells=200, steps=12)
        results[name] = fp.speed_accuracy(forward, fp.generate(forward, start))
        print(f"{name:18} c1 = {results[name]['c1']}   c2 = {results[name]['c2']}")

    geodesic = results["optimal transport"]
    least = geodesic["W2"].squared().scaled(1.0 / tau)
    print(f"{'W2^2 / tau':18} {'':23} c2 = {least}")
    for name in ("cosine", "cond-ot"):
        assert results[name]["c2"].value > 1.1 * least.value
    assert abs(geodesic["c2"].value - least.value) <= geodesic["c2"].error + least.error
    assert abs(geodesic["c1"].value - geodesic["eta"].value) <= geodesic["c1"].error + geodesic["eta"].error

    # the distance between the two processes is a straight line in time
    distance, time = geodesic.data["W1"].values, geodesic.data["time"].values
    line = distance[0] + (distance[-1] - distance[0]) * time / tau
    assert np.max(np.abs(distance - line)) < 1e-9
    if plot:
        fp.plot(geodesic).savefig("geodesic.png")


if __name__ == "__main__":
    main(plot=True)
