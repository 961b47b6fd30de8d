"""
Noise on the way back forgets the start
=======================================

A diffusion model generates by an ordinary equation or by a stochastic one, and between them lies a family with a noise
level λ: λ = 0 is the probability flow, λ = 1 the reverse SDE. Without noise the flow keeps the chi-squared divergence D
from the forward process for ever: an error at the start arrives. With noise D falls at the rate 2λ²T ∫ P |∇(P̃/P)|², and
the generated density comes closer to the data. The response η grows towards that of a generator that is always right.

With the cosine schedule the temperature is infinite where generation begins: any noise would forget the start at once.
The process therefore begins a little later, at t̃ = 0.001, and how much it forgets depends on that time.
"""

import numpy as np

import fpsolve as fp


def main(plot: bool = False) -> None:
    data = fp.GaussianMixture(means=(0.35**0.5, -(0.35**0.5)), stds=(0.3, 0.3))
    start = fp.Gaussian(mean=1.0, std=1.0)
    levels = [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0]
    found = fp.reverse_sde(data, fp.Cosine(), start, levels, cells=400)

    print("  λ     D at the end    W1 to the data     η")
    for level in levels:
        row = found.sel(noise_level=level)
        print(
            "{:4.1f}  {:12.6f}  {:14.6f}  {:10.6f}".format(
                level, *(float(row[k]) for k in ("D_final", "W1_final", "eta"))
            )
        )
    # without noise D of N(1, 1) from N(0, 1) stays
    assert abs(float(found["chi2"].sel(noise_level=0.0)[0]) - np.expm1(1.0)) < 1e-4
    assert np.all(np.diff(found["W1_final"]) < 0.0) and np.all(np.diff(found["D_final"]) < 0.0)
    assert np.all(np.diff(found["eta"]) > 0.0)

    # the later it begins, the less is forgotten
    begins = (1e-1, 1e-2, 1e-3, 1e-4)
    late = [float(fp.reverse_sde(data, fp.Cosine(), start, 0.5, begin=b, cells=200)["W1_final"]) for b in begins]
    print(
        "W1 to the data at λ = 0.5, begun at t̃ =",
        ", ".join(f"{b:g}: {w:.4f}" for b, w in zip(begins, late, strict=True)),
    )
    assert np.all(np.diff(late) < 0.0)

    if plot:
        import matplotlib.pyplot as plt

        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
        for level in levels:
            left.plot(found["time"], found["chi2"].sel(noise_level=level), label=f"λ = {level}")
        left.set(xlabel="forward time t (generation runs to the left)", ylabel="D", yscale="log")
        left.legend(frameon=False, fontsize="small")
        for name, label in (("W1_final", "W₁(q, p)"), ("eta", "η")):
            right.errorbar(levels, found[name], found[f"{name}_error"], marker="o", label=label)
        right.set(xlabel="λ")
        right.legend(frameon=False)
        figure.savefig("noise.png")


if __name__ == "__main__":
    main(plot=True)
