"""
A rotation changes the cost alone
=================================

A force that turns the plane while it contracts is no gradient: the current that runs in circles dissipates and moves
nothing nearer to the noise. Does it make the diffusion model respond differently to an error at its start?

It does not, if force and temperature are alike in all directions and the start is centred: seen in a frame that turns
along, the process is the one without rotation. The response η, the distances and D₀ are the same for every g. The cost
is not: the dissipation grows by g² ∫ (1 - t/τ)² E|x|² dt.
"""

import numpy as np

import fpsolve as fp


def main(plot: bool = False) -> None:
    tau, g = 1.0, 3.0
    data = fp.PlaneGaussian((0.3, -0.2), covariance=((0.7, 0.2), (0.2, 0.5)))
    start = fp.PlaneGaussian(std=0.5)
    results = {}
    for strength in (0.0, g):
        force = fp.LinearForceSchedule(h=1.1, g=strength, T_fin=0.5, tau=tau)
        forward = fp.diffuse(data, force, cells=40)
        results[strength] = fp.speed_accuracy(forward, fp.generate(forward, start))
    still, turned = results[0.0], results[g]

    for name in ("D0", "W1_initial", "W1_final", "eta", "c1"):
        left, right = still[name], turned[name]
        print(f"{name:11} {left}   {right}")
        assert abs(left.value - right.value) <= left.error + right.error
    print(f"dissipation {still['dissipation']}   {turned['dissipation']}")

    # the cost of turning, from the second moment of the process without rotation
    time, moment = still.data["time"].values, still.data["second_moment"].values
    weights = np.full(time.size, 2.0)
    weights[1::2], weights[[0, -1]] = 4.0, 1.0
    simpson = float(weights @ ((1.0 - time / tau) ** 2 * moment)) * (time[1] - time[0]) / 3.0
    grown = turned["dissipation"].value - still["dissipation"].value
    print(f"grown by    {grown:.8f}, expected {g**2 * simpson:.8f}")
    assert abs(grown - g**2 * simpson) < 1e-4 * grown

    # part of it moves mass, for the density is no circle and turns with the force; the rest is housekeeping
    assert still["c2"].value < turned["c2"].value - turned["c2"].error
    assert turned["c2"].value + turned["c2"].error < turned["dissipation"].value
    if plot:
        fp.plot(turned).savefig("rotation.png")


if __name__ == "__main__":
    main(plot=True)
