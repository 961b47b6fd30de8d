"""
When D₀ is infinite, and what a window does
===========================================

The size of an error at the start is D₀ = ∫ (P − P̃)² / P dx. The division by P makes it sensitive to tails: for a
Gaussian start of width s against noise of width 1 it is finite only while s² < 2, however little mass is out there.
A divergent D₀ has no response η; ``fpsolve`` says so instead of printing the number that some grid would give.

A window makes every integral finite by leaving the rest out. That is a different quantity: the one-dimensional
experiment of the paper, on [−4.5, 4.5], misses one percent of D₀.
"""

import math

import fpsolve as fp


def main(plot: bool = False) -> None:
    data = fp.GaussianMixture(means=(0.5916, -0.5916), stds=(0.3, 0.3))
    forward = fp.diffuse(data, fp.Cosine())

    # the closed form for a Gaussian start N(0, s²) against N(0, 1): D0 + 1 = 1 / (s sqrt(2 - s²))
    for width in (1.2, 1.4, 1.41):
        result = fp.speed_accuracy(forward, fp.generate(forward, fp.Gaussian(0.0, width)))
        exact = 1.0 / (width * math.sqrt(2.0 - width**2)) - 1.0
        assert abs(result["D0"].value - exact) <= result["D0"].error + 1e-12 * exact
        print(f"s = {width}: D0 = {result['D0']}, eta = {result['eta']}")

    wide = fp.speed_accuracy(forward, fp.generate(forward, fp.Gaussian(0.0, 1.5)))
    assert math.isinf(wide["D0"].value) and wide.relation("speed-accuracy").verdict == "undefined"
    print(f"s = 1.5: D0 = {wide['D0']}: {wide['D0'].why}")

    # N(1, 1) against N(0, 1): the integrand is e N(2, 1), and its tail reaches beyond both densities
    start = fp.Gaussian(1.0, 1.0)
    whole = fp.speed_accuracy(forward, fp.generate(forward, start))
    assert abs(whole["D0"].value - math.expm1(1.0)) <= whole["D0"].error
    windowed = fp.speed_accuracy(forward, fp.generate(forward, start, window=(-4.5, 4.5)))
    cut = windowed.diagnostics["truncated"]
    part = cut["D0"] / whole["D0"].value
    print(f"D0 = {whole['D0']} on the line, {windowed['D0']} in the window: {part:.2%} cut off")
    assert 0.009 < part < 0.010
    assert windowed["eta"].value > whole["eta"].value
    if plot:
        fp.plot(wide).savefig("infinite.png")


if __name__ == "__main__":
    main(plot=True)
